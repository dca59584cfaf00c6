/* Fuzzes the line reader. The first byte says how the rest is cut; however it is cut, the same
 * lines and raw bytes come out. A line "raw" is followed by eight bytes that are not lines. */
#include <string.h>

#include "fuzz.h"
#include "protocol/line.h"

#define RAW_SIZE 8

typedef struct {
	UotaLines lines;
	GString *log; /* what came out, each piece behind its kind */
	gsize raw;    /* raw bytes that are due */
	gboolean failed;
} Reader;

static void take_raw(Reader *reader)
{
	char buf[RAW_SIZE];
	gsize n = uota_lines_take(&reader->lines, buf, reader->raw);

	g_assert_cmpuint(n, <=, reader->raw);
	g_string_append_len(reader->log, buf, (gssize)n);
	reader->raw -= n;
}

static void log_line(Reader *reader, const char *line)
{
	g_assert_cmpuint(strlen(line), <=, UOTA_LINE_MAX);
	g_assert_null(strpbrk(line, "\r\n"));
	g_string_append_printf(reader->log, "\nline %s", line);
	if (strcmp(line, "raw") == 0)
		reader->raw = RAW_SIZE;
}

/* Takes all that can be taken. */
static void drain(Reader *reader)
{
	while (!reader->failed) {
		g_autofree char *line = NULL;
		g_autoptr(GError) error = NULL;

		take_raw(reader);
		if (reader->raw)
			return;
		reader->failed = !uota_lines_next(&reader->lines, &line, &error);
		g_assert_true(reader->failed == (error != NULL));
		if (!line)
			return;
		log_line(reader, line);
	}
}

/* Feeds @data in pieces of @chop bytes. Returns: (transfer full) what came out */
static GString *read_chopped(const uint8_t *data, size_t size, size_t chop)
{
	Reader reader = {.log = g_string_new(NULL)};

	uota_lines_init(&reader.lines);
	for (size_t at = 0; at < size; at += chop) {
		uota_lines_feed(&reader.lines, data + at, MIN(chop, size - at));
		drain(&reader);
	}
	g_string_append(reader.log, reader.failed ? "\nfailed" : "\nwaiting");
	uota_lines_clear(&reader.lines);
	return reader.log;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GString *chopped, *whole;

	if (size < 1)
		return 0;
	chopped = read_chopped(data + 1, size - 1, data[0] + 1U);
	whole = read_chopped(data + 1, size - 1, size);
	g_assert_true(g_string_equal(chopped, whole));
	g_string_free(chopped, TRUE);
	g_string_free(whole, TRUE);
	return 0;
}
