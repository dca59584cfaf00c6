/* Lines and bytes over a transport. */
#include "protocol/plain.h"

#include <string.h>

#include "core/error.h"
#include "protocol/line.h"
#include "protocol/refusal.h"

struct UotaPlain {
	UotaTransport *transport;
	GCancellable *cancellable;
	guint timeout_ms;
	gboolean shown; /* a secret was */
	UotaLines lines;
};

UotaPlain *uota_plain_new(UotaTransport *transport, guint timeout_ms, GCancellable *cancellable)
{
	UotaPlain *plain = g_new0(UotaPlain, 1);

	plain->transport = transport;
	plain->timeout_ms = timeout_ms;
	plain->cancellable = cancellable ? g_object_ref(cancellable) : NULL;
	uota_lines_init(&plain->lines);
	return plain;
}

void uota_plain_free(UotaPlain *plain)
{
	if (!plain)
		return;
	uota_transport_free(plain->transport);
	g_clear_object(&plain->cancellable);
	uota_lines_clear(&plain->lines);
	g_free(plain);
}

void uota_plain_show(UotaPlain *plain)
{
	plain->shown = TRUE;
}

/* Reads once what the board has sent into @buf. Returns the bytes, at least 1; 0 on error. */
static gsize receive(UotaPlain *plain, void *buf, gsize len, UotaDeadline deadline, GError **error)
{
	gssize n = uota_transport_read(
		plain->transport, buf, len, deadline, plain->cancellable, error);

	if (n == 0)
		g_set_error_literal(
			error, UOTA_ERROR, UOTA_ERROR_CLOSED, "the board closed the connection");
	return n > 0 ? (gsize)n : 0;
}

/* The whole line has one deadline: a byte now and then buys no time. */
char *uota_plain_line(UotaPlain *plain, GError **error)
{
	UotaDeadline deadline = uota_deadline(plain->timeout_ms);

	for (;;) {
		guint8 buf[2048];
		char *line;
		gsize n;

		if (!uota_lines_next(&plain->lines, &line, error))
			return NULL;
		if (line)
			return line;
		n = receive(plain, buf, sizeof buf, deadline, error);
		if (!n)
			return NULL;
		uota_lines_feed(&plain->lines, buf, n);
	}
}

gsize uota_plain_read(UotaPlain *plain, void *buf, gsize len, GError **error)
{
	gsize n = uota_lines_take(&plain->lines, buf, len);

	return n ? n : receive(plain, buf, len, uota_deadline(plain->timeout_ms), error);
}

void uota_plain_refuse(const UotaPlain *plain, const char *line, GError **error)
{
	uota_refusal(line, plain->shown, error);
}

gboolean uota_plain_check(
	const UotaPlain *plain, const char *line, const char *expected, GError **error)
{
	if (!line)
		return FALSE;
	if (strcmp(line, expected) == 0)
		return TRUE;
	uota_plain_refuse(plain, line, error);
	return FALSE;
}

gboolean uota_plain_expect(UotaPlain *plain, const char *expected, GError **error)
{
	g_autofree char *line = uota_plain_line(plain, error);

	return uota_plain_check(plain, line, expected, error);
}

/* The board spoke, or went, while it should have listened. What it said counts more than how
 * the sending failed. */
static gboolean objection(UotaPlain *plain, GError *cause, GError **error)
{
	g_autoptr(GError) owned = cause;
	g_autoptr(GError) silent = NULL;
	g_autofree char *line = uota_plain_line(plain, &silent);

	if (line)
		uota_plain_refuse(plain, line, error);
	else if (owned)
		g_propagate_error(error, g_steal_pointer(&owned));
	else
		g_propagate_error(error, g_steal_pointer(&silent));
	return FALSE;
}

gboolean uota_plain_send(UotaPlain *plain, const void *data, gsize len, GError **error)
{
	const guint8 *at = data;

	/* It may have come in one piece with the answer before; the transport has it no more. */
	if (!uota_lines_empty(&plain->lines))
		return objection(plain, NULL, error);
	while (len) {
		g_autoptr(GError) cause = NULL;
		gssize n = uota_transport_write(plain->transport, at, len,
			uota_deadline(plain->timeout_ms), plain->cancellable, &cause);

		if (n == 0 || g_error_matches(cause, UOTA_ERROR, UOTA_ERROR_CLOSED))
			return objection(plain, g_steal_pointer(&cause), error);
		if (n < 0) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return FALSE;
		}
		at += n;
		len -= (gsize)n;
	}
	return TRUE;
}

gboolean uota_plain_send_line(UotaPlain *plain, const char *line, GError **error)
{
	g_autofree char *with_end = NULL;

	if (strpbrk(line, "\r\n")) {
		g_set_error_literal(
			error, UOTA_ERROR, UOTA_ERROR_FAILED, "a command cannot hold a line end");
		return FALSE;
	}
	with_end = g_strconcat(line, "\n", NULL);
	return uota_plain_send(plain, with_end, strlen(with_end), error);
}

UotaChannel *uota_plain_channel(UotaPlain *plain, UotaOpener *opener, UotaSealer *sealer)
{
	guint8 buf[256];
	gsize n;

	while ((n = uota_lines_take(&plain->lines, buf, sizeof buf)))
		uota_opener_feed(opener, buf, n);
	return uota_channel_new(
		plain->transport, opener, sealer, plain->timeout_ms, plain->cancellable);
}
