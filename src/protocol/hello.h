/* The two lines each way that open a connection of protocol 2 (docs/protocol.md, 3 and 4), apart
 * from the connection: making them, and taking a board's apart. */
#pragma once

#include "core/keys.h"

#define UOTA_HELLO_MAX 512U /* bytes of the board's line, with its `\n` */
#define UOTA_ROUNDS_MIN 200000U
#define UOTA_ROUNDS_MAX 2000000U

/* What a session's secret is made from. */
typedef enum {
	UOTA_METHOD_PASSWORD, /* PBKDF2 over the board's salt */
	UOTA_METHOD_KEY,      /* the signing key */
	UOTA_METHOD_SHA256,   /* a board that was set up with 1.0: a fast hash of the password */
	UOTA_METHOD_NONE,     /* no secret is configured */
} UotaMethodKind;

typedef struct {
	UotaMethodKind kind;
	guint rounds; /* of PBKDF2, from UOTA_ROUNDS_MIN to UOTA_ROUNDS_MAX */
	guint8 salt[UOTA_SALT_MAX];
	gsize salt_len; /* bytes */
} UotaMethod;

typedef struct {
	char *line; /* as it came, with its `\n` */
	char *name; /* what the user calls the board; printable ASCII */
	char **methods;
	gboolean encrypted; /* FALSE: records are authenticated only */
} UotaHello;

/* The host's line, with its `\n` and a fresh nonce. Returns: (transfer full) */
char *uota_hello_make(GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes apart the board's @line, which must have its `\n`. Error: UOTA_ERROR_FAILED, it is none, or
 * one that we must refuse. Returns: (transfer full) */
UotaHello *uota_hello_parse(const char *line, GError **error) G_GNUC_WARN_UNUSED_RESULT;

void uota_hello_free(UotaHello *hello);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaHello, uota_hello_free)

/* Takes apart the method @text. Error: UOTA_ERROR_REFUSED, one that is not known, or too weak. */
gboolean uota_method_parse(const char *text, UotaMethod *method, GError **error)
	G_GNUC_WARN_UNUSED_RESULT;

/* The text of a method, as hello and a board's otaPassword have it. Returns: (transfer full) */
char *uota_method_text(const UotaMethod *method);

/* A method of UOTA_METHOD_PASSWORD with a fresh salt, for a board that has none. */
gboolean uota_method_new(UotaMethod *method, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The host's proof of the method @index, with its `\n`. Returns: (transfer full) */
char *uota_proof_line(const UotaKeys *keys, guint index);

/* Whether @line, with its `\n`, is the board's proof; compared in constant time. */
gboolean uota_proof_check(const UotaKeys *keys, const char *line) G_GNUC_WARN_UNUSED_RESULT;
