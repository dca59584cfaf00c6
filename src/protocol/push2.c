/* A push over protocol 2. */
#include "protocol/push2.h"

#include <string.h>

#include "core/error.h"
#include "protocol/installed.h"
#include "protocol/inventory.h"
#include "protocol/message.h"
#include "protocol/refusal.h"

#define MANIFEST_LINE 100U /* bytes of a file in the board's own manifest, about */

typedef struct {
	UotaSession *session;
	UotaChannel *channel;
	const UotaManifest *manifest;
	const UotaInfo *info;
	const UotaPush2Options *options;
	UotaPush2Result *result;
	UotaInstalled *installed; /* NULL: not known yet */
	char **deleted;           /* (nullable) what the push takes away, if it is known */
	UotaManifest2 *signed_one;
	UotaInventory *inventory;
	GHashTable *sources; /* hash in hex to a path of the board that has this content */
	UotaPacker *packer;
	guint window;
	GByteArray *content, *message; /* of the next message; the message */
	const char *path;              /* the file that is on its way */
	guint64 skip;                  /* bytes of it that are there already */
	guint64 done, total;
} Push;

static void push_clear(Push *push)
{
	g_clear_pointer(&push->installed, g_hash_table_unref);
	g_clear_pointer(&push->deleted, g_strfreev);
	g_clear_pointer(&push->signed_one, uota_manifest2_free);
	g_clear_pointer(&push->inventory, uota_inventory_free);
	g_clear_pointer(&push->sources, g_hash_table_unref);
	g_clear_pointer(&push->packer, uota_packer_free);
	g_clear_pointer(&push->content, g_byte_array_unref);
	g_clear_pointer(&push->message, g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Push, push_clear)

static void free_planned(gpointer data)
{
	UotaPlanned *planned = data;

	g_free(planned->path);
	g_free(planned);
}

void uota_push2_result_clear(UotaPush2Result *result)
{
	g_clear_pointer(&result->id, g_free);
	g_clear_pointer(&result->plan, g_ptr_array_unref);
	*result = (UotaPush2Result){0};
}

static void plan(Push *push, const char *path, const char *why, guint64 bytes)
{
	UotaPlanned *planned = g_new(UotaPlanned, 1);

	*planned = (UotaPlanned){g_strdup(path), why, bytes};
	g_ptr_array_add(push->result->plan, planned);
}

static void enter(const Push *push, const char *phase)
{
	if (push->options->phase)
		push->options->phase(phase, push->options->user_data);
}

/* what the board has */

static gboolean know_installed(Push *push, GError **error)
{
	if (!push->installed && push->info->id)
		push->installed = uota_installed_recall(push->info->id);
	if (!push->installed)
		push->installed = uota_installed_ask(push->session, error);
	return push->installed != NULL;
}

/* `x.mpy` and `x.py` are one module: the board deletes one when it gets the other. */
static gboolean has_sibling(const UotaManifest *manifest, const char *path)
{
	g_autofree char *stem = NULL;
	g_autofree char *sibling = NULL;

	if (g_str_has_suffix(path, ".mpy"))
		stem = g_strndup(path, strlen(path) - strlen(".mpy"));
	else if (g_str_has_suffix(path, ".py"))
		stem = g_strndup(path, strlen(path) - strlen(".py"));
	if (stem)
		sibling = g_strconcat(stem, g_str_has_suffix(path, ".py") ? ".mpy" : ".py", NULL);
	return sibling && uota_manifest_lookup(manifest, sibling);
}

/* Whether the push takes the installed @path away. A folder where a file comes, or the reverse, is
 * the board's to refuse; here it only matters that no path is listed and deleted. */
static gboolean is_gone(const Push *push, const char *path)
{
	return !uota_manifest_lookup(push->manifest, path) && !has_sibling(push->manifest, path) &&
	       !uota_path_is_kept(path) &&
	       (!push->options->partial ||
		       uota_fileset_covers(push->options->config, UOTA_SCOPE_FAST, path));
}

static gint compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What the push takes away of what is known to be installed. Returns: (transfer full) */
static char **list_gone(const Push *push)
{
	g_autoptr(GPtrArray) gone = g_ptr_array_new();
	GHashTableIter iter;
	gpointer path;

	g_hash_table_iter_init(&iter, push->installed);
	while (g_hash_table_iter_next(&iter, &path, NULL))
		if (is_gone(push, path))
			g_ptr_array_add(gone, g_strdup(path));
	g_ptr_array_sort(gone, compare_texts);
	g_ptr_array_add(gone, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&gone), FALSE);
}

/* A partial manifest names what it deletes; a complete one need not. */
static gboolean find_deleted(Push *push, GError **error)
{
	if (!push->options->partial || !push->options->config)
		return TRUE;
	if (!know_installed(push, error))
		return FALSE;
	push->deleted = list_gone(push);
	return TRUE;
}

/* sending */

static gboolean send_message(Push *push, GError **error)
{
	guint len = push->content->len;

	uota_packer_pack(push->packer, push->content->data, len, push->message);
	g_byte_array_set_size(push->content, 0);
	if (!uota_channel_data(push->channel, push->message->data, push->message->len, error))
		return FALSE;
	push->done += len;
	if (push->options->progress && push->path)
		push->options->progress(
			push->path, push->done, push->total, push->options->user_data);
	return TRUE;
}

/* Ends the message that is begun. */
static gboolean end_message(Push *push, GError **error)
{
	return !push->content->len || send_message(push, error);
}

static gboolean put(const guint8 *data, gsize len, gpointer user_data, GError **error)
{
	Push *push = user_data;
	gsize skipped = (gsize)MIN(push->skip, len);

	push->skip -= skipped;
	for (gsize at = skipped; at < len;) {
		gsize n = MIN(len - at, push->window - push->content->len);

		g_byte_array_append(push->content, data + at, (guint)n);
		at += n;
		if (push->content->len == push->window && !send_message(push, error))
			return FALSE;
	}
	return TRUE;
}

static void begin_stream(Push *push)
{
	if (push->packer)
		return;
	push->window = push->inventory->window;
	push->packer = uota_packer_new(push->window, push->inventory->wbits);
}

/* the conversation */

static gboolean take_answer(Push *push, GError **error)
{
	g_autoptr(GByteArray) answer =
		uota_channel_answer_bytes(push->channel, UOTA_INVENTORY_MAX, error);

	if (!answer)
		return FALSE;
	g_clear_pointer(&push->inventory, uota_inventory_free);
	push->inventory = uota_inventory_parse(
		(const char *)answer->data, answer->len, push->manifest, error);
	return push->inventory != NULL;
}

static char *push_command(const Push *push)
{
	const UotaPush2Options *options = push->options;

	return g_strdup_printf("push %s %" G_GSIZE_FORMAT "%s%s%s%s", push->signed_one->id,
		g_bytes_get_size(push->signed_one->text), options->verify ? " verify" : "",
		options->force ? " force" : "", options->no_rollback ? " no-rollback" : "",
		options->wipe ? " wipe" : "");
}

static gboolean send_manifest(Push *push, GError **error)
{
	gsize len = 0;
	const guint8 *text = g_bytes_get_data(push->signed_one->text, &len);

	begin_stream(push);
	if (!put(text, len, push, error) || !end_message(push, error) ||
		!uota_channel_flush(push->channel, error) || !take_answer(push, error))
		return FALSE;
	if (push->inventory->answer != UOTA_PUSH_SEND)
		return TRUE;
	g_set_error_literal(error, UOTA_ERROR, UOTA_ERROR_FAILED,
		"the board does not follow the protocol: it wants the manifest twice");
	return FALSE;
}

/* Announces the update, until it is known what is missing. */
static gboolean announce(Push *push, GError **error)
{
	g_autofree char *command = push_command(push);

	enter(push, "manifest");
	if (!uota_channel_command(push->channel, command, error) || !take_answer(push, error))
		return FALSE;
	return push->inventory->answer != UOTA_PUSH_SEND || send_manifest(push, error);
}

static const UotaFile *file_of(const Push *push, const UotaMissing *missing)
{
	return push->manifest->files->pdata[missing->index];
}

static guint64 count_missing(const Push *push)
{
	const GArray *list = push->inventory->missing;
	guint64 sum = 0;

	for (guint i = 0; i < list->len; i++) {
		const UotaMissing *missing = &g_array_index(list, UotaMissing, i);

		sum += file_of(push, missing)->size - missing->offset;
	}
	return sum;
}

/* To ask the board costs its manifest; to know may save what is missing. */
static gboolean is_worth_asking(const Push *push)
{
	if (push->inventory->answer != UOTA_PUSH_HAVE || push->installed)
		return FALSE;
	return push->options->dry_run ||
	       count_missing(push) > (guint64)4 * MANIFEST_LINE * (push->manifest->files->len + 1);
}

/* Commands do not go into a push: this one is ended, and begun again, which goes on from there. */
static gboolean ask_between(Push *push, GError **error)
{
	if (!uota_session_command(push->session, "stop", "ok", error) ||
		!know_installed(push, error))
		return FALSE;
	g_clear_pointer(&push->packer, uota_packer_free);
	return announce(push, error);
}

static void find_sources(Push *push)
{
	GHashTableIter iter;
	gpointer path, hash;

	push->sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (!push->installed)
		return;
	g_hash_table_iter_init(&iter, push->installed);
	while (g_hash_table_iter_next(&iter, &path, &hash))
		g_hash_table_replace(push->sources, g_strdup(hash), g_strdup(path));
}

/* *@copied: the board had the content elsewhere. */
static gboolean try_copy(Push *push, const UotaMissing *missing, gboolean *copied, GError **error)
{
	const UotaFile *file = file_of(push, missing);
	g_autofree char *hex = uota_sha256_hex(file->sha256);
	const char *source = g_hash_table_lookup(push->sources, hex);
	g_autofree char *command = NULL;
	g_autofree char *answer = NULL;

	*copied = FALSE;
	if (!source || missing->offset || !file->size || strcmp(source, file->path) == 0)
		return TRUE;
	command = g_strdup_printf("copy %u %s", missing->index, source);
	if (strlen(command) > UOTA_RECORD_HOST_MAX)
		return TRUE;
	if (push->options->dry_run) {
		*copied = TRUE;
		return TRUE;
	}
	if (!end_message(push, error))
		return FALSE;
	answer = uota_session_ask(push->session, command, error);
	*copied = g_strcmp0(answer, "ok") == 0;
	return answer != NULL;
}

static const char *reason(const Push *push, const UotaMissing *missing)
{
	const char *path = file_of(push, missing)->path;

	if (missing->offset)
		return "rest";
	return push->installed && g_hash_table_contains(push->installed, path) ? "changed" : "new";
}

static gboolean send_file(Push *push, const UotaMissing *missing, GError **error)
{
	const UotaFile *file = file_of(push, missing);

	plan(push, file->path, reason(push, missing), file->size - missing->offset);
	push->path = file->path;
	push->skip = missing->offset;
	return push->options->dry_run || uota_file_read(file, put, push, NULL, error);
}

static gboolean bring_file(Push *push, const UotaMissing *missing, GError **error)
{
	const UotaFile *file = file_of(push, missing);
	gboolean copied;

	if (!try_copy(push, missing, &copied, error))
		return FALSE;
	if (copied) {
		push->done += file->size;
		plan(push, file->path, "copied", 0);
	} else if (!send_file(push, missing, error)) {
		return FALSE;
	}
	g_hash_table_replace(push->sources, uota_sha256_hex(file->sha256), g_strdup(file->path));
	return TRUE;
}

static void plan_deletions(Push *push)
{
	if (!push->options->partial && push->installed && !push->deleted)
		push->deleted = list_gone(push);
	for (char **path = push->deleted; path && *path; path++)
		plan(push, *path, "deleted", 0);
}

static gboolean bring_all(Push *push, GError **error)
{
	const GArray *list = push->inventory->missing;

	push->total = count_missing(push);
	push->done = 0;
	begin_stream(push);
	find_sources(push);
	enter(push, "send");
	for (guint i = 0; i < list->len; i++)
		if (!bring_file(push, &g_array_index(list, UotaMissing, i), error))
			return FALSE;
	plan_deletions(push);
	return end_message(push, error);
}

/* Known from now on, if the board commits: what it has then names it. */
static void remember(Push *push)
{
	if (!push->options->partial) {
		g_clear_pointer(&push->installed, g_hash_table_unref);
		push->installed = uota_installed_new();
	}
	if (!push->installed)
		return;
	for (char **path = push->deleted; path && *path; path++)
		g_hash_table_remove(push->installed, *path);
	uota_installed_merge(push->installed, push->manifest);
	uota_installed_keep(push->installed, push->result->id, push->info->id);
}

static gboolean commit(Push *push, GError **error)
{
	g_autoptr(GError) cause = NULL;

	enter(push, "commit");
	remember(push);
	if (uota_session_command(push->session, "commit", "ok", &cause))
		return TRUE;
	uota_refusal_of_commit(g_steal_pointer(&cause), error);
	return FALSE;
}

static gboolean converse(Push *push, GError **error)
{
	if (!push->installed && push->info->id)
		push->installed = uota_installed_recall(push->info->id);
	if (!announce(push, error) || (is_worth_asking(push) && !ask_between(push, error)))
		return FALSE;
	push->result->same = push->inventory->answer == UOTA_PUSH_SAME;
	if (push->result->same)
		return TRUE;
	if (!bring_all(push, error))
		return FALSE;
	return push->options->dry_run ? uota_session_command(push->session, "stop", "ok", error)
				      : commit(push, error);
}

/* what is announced */

static gboolean has_compiled(const UotaManifest *manifest)
{
	for (guint i = 0; i < manifest->files->len; i++) {
		const UotaFile *file = manifest->files->pdata[i];

		if (g_str_has_suffix(file->path, ".mpy"))
			return TRUE;
	}
	return FALSE;
}

/* The Unix time, or, on a board that is ahead, one more than it has. */
static guint64 next_counter(const UotaInfo *info)
{
	guint64 now = (guint64)MAX(g_get_real_time() / G_USEC_PER_SEC, 1);

	return MAX(now, info->counter + 1);
}

static gboolean make_manifest(Push *push, GError **error)
{
	g_autoptr(GStrvBuilder) needs = g_strv_builder_new();
	g_auto(GStrv) list = NULL;
	UotaTerms terms = {
		.counter = next_counter(push->info),
		.downgrade = push->options->downgrade,
		.partial = push->options->partial,
	};

	if (has_compiled(push->manifest) && push->info->mpy >= 0) {
		g_autofree char *need = g_strdup_printf("mpy %d", push->info->mpy);

		g_strv_builder_add(needs, need);
	}
	if (!find_deleted(push, error))
		return FALSE;
	list = g_strv_builder_end(needs);
	terms.needs = list;
	terms.deleted = push->deleted;
	push->signed_one = uota_manifest2_make(push->manifest, &terms, push->options->key, error);
	if (!push->signed_one)
		return FALSE;
	push->result->id = g_strndup(push->signed_one->id, UOTA_UPDATE_ID_SIZE);
	return TRUE;
}

gboolean uota_push2(UotaSession *session, const UotaManifest *manifest, const UotaInfo *info,
	const UotaPush2Options *options, UotaPush2Result *result, GError **error)
{
	g_auto(Push) push = {
		.session = session,
		.channel = uota_session_channel(session),
		.manifest = manifest,
		.info = info,
		.options = options,
		.result = result,
		.content = g_byte_array_new(),
		.message = g_byte_array_new(),
	};
	gboolean ok;

	uota_push2_result_clear(result);
	result->plan = g_ptr_array_new_with_free_func(free_planned);
	ok = make_manifest(&push, error) && converse(&push, error);
	result->sent = uota_channel_sent(push.channel);
	return ok;
}
