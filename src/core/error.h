/* The one error domain of the library. A value exists only where a caller branches on it:
 * the tool maps it to its exit status, the push to its fallback. Everything else is FAILED. */
#pragma once

#include <glib.h>

#define UOTA_ERROR (uota_error_quark())

typedef enum {
	UOTA_ERROR_FAILED,      /* anything that no caller tells apart */
	UOTA_ERROR_USAGE,       /* the command line is wrong */
	UOTA_ERROR_REFUSED,     /* the device refused: password, signature, a known failure */
	UOTA_ERROR_UNREACHABLE, /* no such host, refused, timed out */
	UOTA_ERROR_UNKNOWN,     /* the device does not know the command */
	UOTA_ERROR_BUSY,        /* the device is at work on somebody's update */
	UOTA_ERROR_RESTARTING,  /* the device restarts without its app: push again then */
	UOTA_ERROR_ROLLED_BACK, /* the update failed its trial; the device is as it was before */
	UOTA_ERROR_CLOSED,      /* the device closed the connection */
	UOTA_ERROR_UNANSWERED,  /* all was sent, but no answer came: it may have worked */
	UOTA_ERROR_LEGACY,      /* the device speaks 1.0 only, and needs a connection for it */
	UOTA_ERROR_CANCELLED,   /* the caller's cancellable was triggered */
} UotaError;

GQuark uota_error_quark(void);

/* What @error means to whoever started us, as the tool's exit status and the library's status:
 * 0 none, 1 failed, 2 usage, 3 refused by the device, 4 unreachable or lost, 130 cancelled (as
 * shells have it for Ctrl-C: 128 + SIGINT). */
int uota_error_status(const GError *error);
