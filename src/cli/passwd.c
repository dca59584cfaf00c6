/* `uota passwd`: the hash of an OTA password, as 1.0 boards store it. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/interrupt.h"
#include "core/error.h"
#include "core/signer.h"

#define PASSWORD_MAX 128 /* bytes; what the agent takes as one line */

/* A password is one line of the protocol. */
static gboolean check(const char *password, GError **error)
{
	for (const char *c = password; *c; c++) {
		if ((guchar)*c >= 0x20 && *c != 0x7F)
			continue;
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_USAGE,
			"passwd: a password has no control characters");
		return FALSE;
	}
	if (*password && strlen(password) <= PASSWORD_MAX && g_utf8_validate(password, -1, NULL))
		return TRUE;
	g_set_error(error, UOTA_ERROR, UOTA_ERROR_USAGE,
		"passwd: a password is 1 to %d bytes of UTF-8", PASSWORD_MAX);
	return FALSE;
}

/* One line from stdin, on a terminal after a prompt and without echo. */
static char *read_password(GError **error)
{
	char line[PASSWORD_MAX + 2];
	struct termios before, silent;
	gboolean terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
	g_autoptr(GCancellable) cancellable = terminal ? uota_interrupt_cancellable() : NULL;
	gboolean typed = TRUE;
	char *got;

	if (terminal) {
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
		fputs("OTA password: ", stderr);
		typed = uota_interrupt_await_input(cancellable, error);
	}
	got = typed ? fgets(line, sizeof line, stdin) : NULL;
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	if (!typed)
		return NULL;
	if (!got) {
		g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_USAGE,
			"passwd: no password: type one, or give it on standard input");
		return NULL;
	}
	line[strcspn(line, "\r\n")] = '\0';
	return g_strdup(line);
}

gboolean uota_cmd_passwd(int argc, char **argv, GError **error)
{
	g_auto(UotaOptions) options = {0};
	g_autofree char *password = NULL;
	g_autofree char *hash = NULL;
	guint8 digest[UOTA_SHA256_SIZE];

	if (!uota_options_parse(&options, "passwd", NULL, &argc, &argv, 1, error))
		return FALSE;
	password = argc > 1 ? g_strdup(argv[1]) : read_password(error);
	if (!password || !check(password, error))
		return FALSE;
	uota_sha256(password, strlen(password), digest);
	hash = uota_sha256_hex(digest);
	if (options.json)
		uota_print_json(json_pack("{s:s}", "otaPassword", hash));
	else
		puts(hash);
	return TRUE;
}
