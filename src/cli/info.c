/* `uota info`: what the board is. Its version of bytecode is kept in .uota_cache.json. */
#include <stdio.h>
#include <string.h>

#include "cli/board.h"
#include "core/cache.h"
#include "core/error.h"
#include "core/json.h"
#include "core/text.h"

#define TEXT_WIDTH 64

typedef struct {
	json_int_t used, free; /* bytes of the heap */
} Memory;

static gboolean ask_memory(UotaSession *session, Memory *memory, GError **error)
{
	g_autofree char *line = uota_session_ask(session, "mem", error);
	g_autoptr(json_t) answer =
		line ? uota_json_parse(line, strlen(line), "the board's answer", error) : NULL;

	memory->used = MAX(json_integer_value(json_object_get(answer, "used")), 0);
	memory->free = MAX(json_integer_value(json_object_get(answer, "free")), 0);
	return answer != NULL;
}

static UotaInfo *ask(const UotaBoard *board, Memory *memory, GError **error)
{
	g_autoptr(UotaSession) session = uota_target_open(&board->target, error);
	g_autoptr(UotaInfo) info = session ? uota_session_info(session, error) : NULL;

	return info && ask_memory(session, memory, error) ? g_steal_pointer(&info) : NULL;
}

static char *shown(const char *text)
{
	return uota_text_printable(text ? text : "?", TEXT_WIDTH);
}

static void print(const UotaInfo *info, const Memory *memory)
{
	g_autofree char *micropython = shown(info->micropython);
	g_autofree char *platform = shown(info->platform);
	g_autofree char *agent = shown(info->agent);
	g_autofree char *used = g_format_size((guint64)memory->used);
	g_autofree char *left = g_format_size((guint64)memory->free);

	printf("MicroPython %s on %s", micropython, platform);
	if (info->mpy >= 0)
		printf(", bytecode version %d", info->mpy);
	printf("\nagent %s, takes %s\nmemory: %s used, %s free\n", agent,
		info->signs ? "signed updates only" : "unsigned updates", used, left);
}

static void print_json(const UotaBoard *board, const UotaInfo *info, const Memory *memory)
{
	json_t *object = json_pack("{s:s, s:i, s:s*, s:s*, s:s*, s:b, s:I, s:{s:I, s:I}}", "host",
		board->host, "port", (int)board->port, "agent", info->agent, "platform",
		info->platform, "micropython", info->micropython, "signed", info->signs, "counter",
		(json_int_t)info->counter, "memory", "used", memory->used, "free", memory->free);

	json_object_set_new(object, "mpy", info->mpy < 0 ? json_null() : json_integer(info->mpy));
	uota_print_json(object);
}

gboolean uota_cmd_info(int argc, char **argv, GError **error)
{
	g_auto(UotaOptions) options = {0};
	g_auto(UotaBoard) board = {0};
	g_autoptr(UotaInfo) info = NULL;
	Memory memory = {0};

	if (!uota_options_parse(&options, "info", NULL, &argc, &argv, 0, error) ||
		!uota_board_init(&board, &options, FALSE, error))
		return FALSE;
	info = ask(&board, &memory, error);
	if (!info) {
		g_prefix_error(error, "%s: ", board.host);
		return FALSE;
	}
	if (options.json)
		print_json(&board, info, &memory);
	else if (!options.quiet)
		print(info, &memory);
	return !board.dir || uota_cache_keep_bytecode(board.dir, info->mpy, error);
}
