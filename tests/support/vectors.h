/* The vectors of tests/vectors, by which both sides and both implementations are tested. */
#pragma once

#include "core/json.h"

/* The list @part of tests/vectors/@name.json, NULL: all of it; ends the test when there is none, or
 * it is empty.
 * Returns: (transfer full) */
json_t *vectors_load(const char *name, const char *part);

/* The string @key of @vector; NULL where it is null or absent. */
const char *vector_text(const json_t *vector, const char *key);

/* The bytes that @key is the hex of; NULL where it is null. Returns: (transfer full) */
GBytes *vector_bytes(const json_t *vector, const char *key);

/* The bytes of @hex. Returns: (transfer full) */
GBytes *bytes_from_hex(const char *hex);
