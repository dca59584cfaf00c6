/* libuota: puts code onto MicroPython boards. The public face of the library; plain C.
 *
 * A uota_client is a project and the board that it is for. Nothing here prints, and there is no
 * global state: clients are independent of each other; one client is for one thread at a time
 * (but for uota_client_cancel()).
 *
 * Functions that can fail return 0 or NULL and fill @error, when it is not NULL, with a code and
 * one line of text, which the caller frees with uota_error_clear(). */
#ifndef UOTA_H
#define UOTA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct uota_client uota_client;

typedef enum {
	UOTA_OK = 0,
	UOTA_FAILED = 1,        /* anything else */
	UOTA_REFUSED = 3,       /* by the board: password, signature */
	UOTA_UNREACHABLE = 4,   /* the board, or the connection was lost */
	UOTA_INTERRUPTED = 130, /* by uota_client_cancel() */
} uota_status;                  /* the numbers are the tool's exit status */

typedef struct {
	uota_status status;
	char *text; /* one line, UTF-8; may quote the board, so do not send it raw to a terminal */
} uota_error;

/* Frees the text and sets the status to UOTA_OK. */
void uota_error_clear(uota_error *error);

/* Opens the project in @project_dir, which holds config/ota.json.
 * @host: address or name of the board; NULL: hostname of the configuration.
 * @port: its OTA port; 0: that of the configuration.
 * @timeout_ms: the longest silence of the board; 0: 10,000.
 * Nothing is connected yet. Returns a client for uota_client_free(), or NULL. */
uota_client *uota_client_new(const char *project_dir, const char *host, uint16_t port,
	unsigned timeout_ms, uota_error *error);

void uota_client_free(uota_client *client);

/* Ends what the client is doing in another thread, and all that it would do later. */
void uota_client_cancel(uota_client *client);

/* The version that the board has installed, "unknown" when it has none; for free(). */
char *uota_client_version(uota_client *client, uota_error *error);

typedef enum {
	UOTA_FAST, /* fastOtaFiles; all else on the board stays */
	UOTA_FULL, /* all files; what the project no longer has, the board loses */
} uota_push_scope;

/* @done and @total are bytes of the whole push; @path is on its way. */
typedef void (*uota_progress)(const char *path, uint64_t done, uint64_t total, void *user_data);

/* Pushes the project's files, signed when it has a signing key, and waits for the board to come
 * back with them.
 * @version: what to install; NULL: version of the configuration.
 * @progress: may be NULL. @wait_ms: for the board to come back; 0: do not wait.
 * Returns 1 when the board has committed the update, else 0: then it is on its old version. */
int uota_client_push(uota_client *client, uota_push_scope scope, const char *version,
	unsigned wait_ms, uota_progress progress, void *user_data, uota_error *error);

#ifdef __cplusplus
}
#endif
#endif
