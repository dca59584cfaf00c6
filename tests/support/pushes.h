/* A push of protocol 1.0 as the board sees it: what is pushed, and the script of who takes it. */
#pragma once

#include "protocol/push.h"
#include "support/errors.h"
#include "support/memory.h"
#include "unit/scratch.h"

#define CHUNK 65536 /* what a push sends at once */

#define KEY "swordfish"
#define APP "x = 1\n"
#define APP_HASH "9e26bf369911c45c243c684147b23fc9e1dcfcf257d299a1c632016a6fcd33f4"
#define MAIN "import app\n"
#define MAIN_HASH "69c487f68215e95f1d6fa2301ac4d57f4454f46e6c0adcef24bb0a1781d1835c"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

/* made with Python's hmac and struct from the description of the wire */
#define STREAM_BODY                                                                                \
	"4f5441530005312e322e330002"                                                               \
	"000a6170702f6170702e707900000006" APP_HASH "78203d20310a"                                 \
	"00076d61696e2e70790000000b" MAIN_HASH "696d706f7274206170700a"
#define STREAM_MAC "d4de80115a41d6ce74d74b3c5158146afcf89964a8de71d891ce9b614cf1eca9"
#define STREAM_SIZE 155
#define MANIFEST_SIG "7c6e5204f87c07eb87bd592e3cca4d5d0f0d918e1d386565930d9614b49e9634"

#define MANIFEST_FILES                                                                             \
	"{\"version\":\"1.2.3\",\"files\":{"                                                       \
	"\"app/app.py\":{\"size\":6,\"sha256\":\"" APP_HASH "\"},"                                 \
	"\"main.py\":{\"size\":11,\"sha256\":\"" MAIN_HASH "\"}}"
#define UNSIGNED MANIFEST_FILES "}"
#define SIGNED MANIFEST_FILES ",\"sig\":\"" MANIFEST_SIG "\"}"

/* manifests */

GPtrArray *new_files(void);
void add_bytes(GPtrArray *files, const char *path, const void *data, gsize len);

/* A file of @size bytes on the disk. */
void add_disk(GPtrArray *files, const Scratch *scratch, const char *path, gsize size);

/* APP and MAIN, version 1.2.3, signed with @key (nullable). Returns: (transfer full) */
UotaManifest *two_files(const char *key);

/* A UotaChunkFunc that appends to the GByteArray @bytes. */
gboolean append_chunk(const guint8 *data, gsize len, gpointer bytes, GError **error);

/* The unsigned stream of @manifest, put together apart from the code under test.
 * Returns: (transfer full) */
GByteArray *make_stream(const UotaManifest *manifest);

/* scripts; where they end, the answer is the caller's */

/* The announcement of a stream of @size bytes, which is let in. */
void expect_stream_command(Memory *memory, gsize size);

/* All of the stream of two_files(), up to its @trailer in hex. */
void expect_stream(Memory *memory, const char *trailer);

/* The beginning of a session, up to the manifest @json. */
void expect_manifest(Memory *memory, const char *json);

/* The session of two_files() up to and with `end_ota`. */
void expect_session(Memory *memory, const char *json);

/* Pushes over a new session with @memory. */
gboolean push(Memory *memory, const UotaManifest *manifest, UotaPushKind kind, const char *key,
	GError **error);
