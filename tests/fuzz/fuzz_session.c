/* Fuzzes the host's side of a whole conversation: the input is what a board says.
 *
 * Its first three bytes choose the conversation, how much one read brings, and after how many
 * writes the board speaks unasked; the rest is said, then the connection ends. Every conversation
 * ends in success or in one error of one printable line. */
#include <string.h>

#include "core/error.h"
#include "fuzz.h"
#include "protocol/push.h"

#define HEADER_SIZE 3
#define WITH_PASSWORD 0x80 /* in the first byte */
#define NEVER 255          /* in the third byte: it does not speak unasked */
#define DOWNLOAD_MAX 100000

typedef struct {
	UotaTransport parent;
	const uint8_t *data;
	size_t size;
	size_t read_max;
	guint patience; /* writes until it speaks unasked */
} Board;

static gssize board_read(UotaTransport *self, void *buf, gsize len, UotaDeadline deadline,
	GCancellable *cancellable, GError **error)
{
	Board *board = (Board *)self;
	size_t n = MIN(MIN(len, board->size), board->read_max);

	memcpy(buf, board->data, n);
	board->data += n;
	board->size -= n;
	return (gssize)n;
}

static gssize board_write(UotaTransport *self, const void *buf, gsize len, UotaDeadline deadline,
	GCancellable *cancellable, GError **error)
{
	Board *board = (Board *)self;

	if (board->patience == 0)
		return 0;
	if (board->patience != NEVER)
		board->patience--;
	return (gssize)MIN(len, board->read_max);
}

static void board_free(UotaTransport *self)
{
}

static const UotaTransportClass board_class = {
	.read = board_read,
	.write = board_write,
	.free = board_free,
};

/* conversations */

typedef gboolean (*Conversation)(
	UotaSession *session, const UotaManifest *manifest, GError **error);

static gboolean ask_version(UotaSession *session, const UotaManifest *manifest, GError **error)
{
	g_autoptr(UotaStatus) status = uota_session_status(session, error);

	if (!status)
		return FALSE;
	g_assert_true(g_utf8_validate(status->version, -1, NULL));
	g_assert_nonnull(status->need);
	g_assert_true(!status->id || strlen(status->id) == UOTA_UPDATE_ID_SIZE);
	g_assert_true(status->app <= 1e9 && status->left <= 1e9);
	g_assert_true(status->agent || status->state == UOTA_STATE_UNTOLD);
	return TRUE;
}

static gboolean list(UotaSession *session, const UotaManifest *manifest, GError **error)
{
	g_autoptr(GPtrArray) entries = uota_session_ls(session, "/", error);

	for (guint i = 0; entries && i < entries->len; i++)
		g_assert_null(strpbrk(g_ptr_array_index(entries, i), "\r\n"));
	return entries != NULL;
}

static gboolean download(UotaSession *session, const UotaManifest *manifest, GError **error)
{
	g_autoptr(GBytes) bytes = uota_session_get_bytes(session, "x", DOWNLOAD_MAX, error);

	g_assert_true(!bytes || g_bytes_get_size(bytes) <= DOWNLOAD_MAX);
	return bytes != NULL;
}

static gboolean stream(UotaSession *session, const UotaManifest *manifest, GError **error)
{
	return uota_push(session, manifest, UOTA_PUSH_STREAM, "", "key", NULL, NULL, NULL, error);
}

static gboolean push(UotaSession *session, const UotaManifest *manifest, GError **error)
{
	return uota_push(session, manifest, UOTA_PUSH_COMPLETE, " wipe force", NULL, NULL, NULL,
		NULL, error);
}

static gboolean ask_crash(UotaSession *session, const UotaManifest *manifest, GError **error)
{
	g_autoptr(UotaCrash) crash = uota_session_crash(session, error);

	g_assert_true(!crash || !crash->trace || g_utf8_validate(crash->trace, -1, NULL));
	return crash != NULL;
}

/* After an answer that was lost. */
static gboolean verify(UotaSession *session, const UotaManifest *manifest, GError **error)
{
	g_autoptr(UotaStatus) status = uota_session_status(session, error);

	return status && uota_push_verify(session, status->version, manifest, error);
}

/* One command after the other, as the terminal has it: an error of the board ends none of them. */
static gboolean talk(UotaSession *session, const UotaManifest *manifest, GError **error)
{
	(void)ask_version(session, manifest, NULL);
	(void)list(session, manifest, NULL);
	if (!uota_session_command(session, "rm x", "ok", error))
		g_clear_error(error);
	return download(session, manifest, error);
}

static const Conversation conversations[] = {
	ask_version, list, download, stream, push, verify, talk, ask_crash};

static UotaManifest *small_manifest(void)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)uota_file_free);
	g_autoptr(GBytes) content = g_bytes_new_static("x = 1\n", 6);

	g_ptr_array_add(files, uota_file_from_bytes("app/app.py", content));
	g_ptr_array_add(files, uota_file_from_bytes("main.py", content));
	return uota_manifest_new("1.2.3", files);
}

static void check_error(const GError *error)
{
	g_assert_true(error->domain == UOTA_ERROR);
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
	g_assert_null(strpbrk(error->message, "\n\r\033"));
}

static void converse(Board *board, const char *password, Conversation conversation)
{
	g_autoptr(UotaManifest) manifest = small_manifest();
	g_autoptr(GError) error = NULL;
	g_autoptr(UotaSession) session =
		uota_session_open(&board->parent, password, 1000, NULL, &error);
	gboolean ok = session && conversation(session, manifest, &error);

	g_assert_true(ok == (error == NULL));
	if (error)
		check_error(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Board board = {.parent.klass = &board_class};

	if (size < HEADER_SIZE)
		return 0;
	board.data = data + HEADER_SIZE;
	board.size = size - HEADER_SIZE;
	board.read_max = data[1] ? data[1] : SIZE_MAX;
	board.patience = data[2];
	converse(&board, data[0] & WITH_PASSWORD ? "s3cret" : NULL,
		conversations[(data[0] & ~WITH_PASSWORD) % G_N_ELEMENTS(conversations)]);
	return 0;
}
