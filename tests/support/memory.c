/* A transport in memory whose other end follows a script. */
#include "support/memory.h"

#include <string.h>

#include "core/error.h"

typedef enum {
	STEP_EXPECT,
	STEP_SAY,
	STEP_SAY_RESETTING,
	STEP_CALL,
	STEP_CLOSE,
	STEP_RESET,
	STEP_SILENCE,
} StepKind;

typedef struct {
	StepKind kind;
	GBytes *bytes; /* to expect or to say; NULL for the rest */
	gsize at;      /* how many of them are done */
	gboolean any;  /* to expect: as many bytes, whichever they are */
	void (*func)(gpointer data);
	gpointer data;
} Step;

struct Memory {
	UotaTransport parent;
	GPtrArray *steps; /* (element-type Step) */
	guint next;
	gsize read_max, write_max;
	gint64 patience; /* microseconds */
	gboolean handed_out, freed;
};

static void free_step(gpointer data)
{
	Step *step = data;

	g_clear_pointer(&step->bytes, g_bytes_unref);
	g_free(step);
}

static Step *add_step(Memory *memory, StepKind kind, const void *data, gsize len)
{
	Step *step = g_new0(Step, 1);

	step->kind = kind;
	step->bytes = g_bytes_new(data, len);
	g_ptr_array_add(memory->steps, step);
	return step;
}

static gboolean is_last(const Step *step)
{
	return step->kind >= STEP_CLOSE;
}

/* The step that the board is at; what is done is passed over. NULL: the script is over. */
static Step *current(Memory *memory)
{
	while (memory->next < memory->steps->len) {
		Step *step = g_ptr_array_index(memory->steps, memory->next);

		if (is_last(step) ||
			(step->kind != STEP_CALL && step->at < g_bytes_get_size(step->bytes)))
			return step;
		memory->next++;
		if (step->kind == STEP_CALL)
			step->func(step->data);
	}
	return NULL;
}

/* The bytes of @step that are not done yet. */
static const guint8 *rest(const Step *step, gsize *len)
{
	gsize size = 0;
	const guint8 *data = g_bytes_get_data(step->bytes, &size);

	*len = size - step->at;
	return data + step->at;
}

static gssize fail(GError **error, int code, const char *message)
{
	g_set_error_literal(error, UOTA_ERROR, code, message);
	return -1;
}

static gboolean begin(Memory *memory, UotaDeadline deadline, GCancellable *cancellable, Step **step,
	GError **error)
{
	memory->patience = deadline - g_get_monotonic_time();
	*step = current(memory);
	if (!g_cancellable_is_cancelled(cancellable))
		return TRUE;
	fail(error, UOTA_ERROR_CANCELLED, "interrupted");
	return FALSE;
}

static gssize say(Memory *memory, Step *step, void *buf, gsize len)
{
	gsize left;
	const guint8 *data = rest(step, &left);
	gsize n = MIN(MIN(left, len), memory->read_max);

	memcpy(buf, data, n);
	step->at += n;
	return (gssize)n;
}

static gssize memory_read(UotaTransport *self, void *buf, gsize len, UotaDeadline deadline,
	GCancellable *cancellable, GError **error)
{
	Memory *memory = (Memory *)self;
	Step *step;
	gsize left;

	if (!begin(memory, deadline, cancellable, &step, error))
		return -1;
	if (!step)
		g_error("the host waits for an answer, but the script is over");
	switch (step->kind) {
	case STEP_EXPECT:
		rest(step, &left);
		g_error("the host waits for an answer, but the board expects %" G_GSIZE_FORMAT
			" more bytes",
			left);
	case STEP_CLOSE:
		return 0;
	case STEP_RESET:
		return fail(error, UOTA_ERROR_CLOSED, "connection reset");
	case STEP_SILENCE:
		return fail(error, UOTA_ERROR_UNREACHABLE, "timed out");
	default:
		return say(memory, step, buf, len);
	}
}

/* The test ends at the first byte that is not the expected one, and shows where. */
static gssize take(Memory *memory, Step *step, const void *buf, gsize len)
{
	gsize left;
	const guint8 *data = rest(step, &left);
	gsize n = MIN(MIN(left, len), memory->write_max);

	if (step->any) {
		step->at += n;
		return (gssize)n;
	}
	if (memcmp(data, buf, n) != 0)
		g_test_message("in what the host sends, from byte %" G_GSIZE_FORMAT, step->at);
	g_assert_cmpmem(buf, n, data, n);
	step->at += n;
	return (gssize)n;
}

static gssize memory_write(UotaTransport *self, const void *buf, gsize len, UotaDeadline deadline,
	GCancellable *cancellable, GError **error)
{
	Memory *memory = (Memory *)self;
	Step *step;

	if (!begin(memory, deadline, cancellable, &step, error))
		return -1;
	if (!step)
		g_error("the script is over, but the host sends \"%.*s\"", (int)len,
			(const char *)buf);
	switch (step->kind) {
	case STEP_EXPECT:
		return take(memory, step, buf, len);
	case STEP_SAY_RESETTING:
	case STEP_RESET:
		return fail(error, UOTA_ERROR_CLOSED, "connection reset");
	case STEP_SILENCE:
		return fail(error, UOTA_ERROR_UNREACHABLE, "timed out");
	default:
		return 0; /* something can be read, be it the end */
	}
}

static void transport_free(UotaTransport *self)
{
	Memory *memory = (Memory *)self;

	g_assert_false(memory->freed);
	memory->freed = TRUE;
}

static const UotaTransportClass memory_class = {
	.read = memory_read,
	.write = memory_write,
	.free = transport_free,
};

Memory *memory_new(void)
{
	Memory *memory = g_new0(Memory, 1);

	memory->parent.klass = &memory_class;
	memory->steps = g_ptr_array_new_with_free_func(free_step);
	memory->read_max = memory->write_max = G_MAXSIZE;
	return memory;
}

void memory_free(Memory *memory)
{
	g_assert_true(memory->handed_out == memory->freed);
	current(memory);
	for (guint i = memory->next; i < memory->steps->len; i++) {
		const Step *step = g_ptr_array_index(memory->steps, i);

		if (step->kind == STEP_EXPECT)
			g_error("at step %u of %u, the board still expects bytes", memory->next,
				memory->steps->len);
	}
	g_ptr_array_unref(memory->steps);
	g_free(memory);
}

UotaTransport *memory_transport(Memory *memory)
{
	g_assert_false(memory->handed_out);
	memory->handed_out = TRUE;
	return &memory->parent;
}

UotaSession *memory_session(Memory *memory, GCancellable *cancellable)
{
	g_autoptr(GError) error = NULL;
	UotaSession *session = uota_session_open(
		memory_transport(memory), NULL, MEMORY_TIMEOUT_MS, cancellable, &error);

	g_assert_no_error(error);
	return session;
}

void memory_chop(Memory *memory, gsize read_max, gsize write_max)
{
	memory->read_max = read_max;
	memory->write_max = write_max;
}

void memory_expect(Memory *memory, const char *text)
{
	add_step(memory, STEP_EXPECT, text, strlen(text));
}

void memory_expect_bytes(Memory *memory, const void *data, gsize len)
{
	add_step(memory, STEP_EXPECT, data, len);
}

void memory_expect_any(Memory *memory, gsize len)
{
	g_autofree guint8 *zeros = g_malloc0(len);

	add_step(memory, STEP_EXPECT, zeros, len)->any = TRUE;
}

void memory_expect_hello(Memory *memory)
{
	memory_expect(memory, "hello 2 ");
	memory_expect_any(memory, 32);
	memory_expect(memory, "\n");
}

void memory_say(Memory *memory, const char *text)
{
	add_step(memory, STEP_SAY, text, strlen(text));
}

void memory_say_bytes(Memory *memory, const void *data, gsize len)
{
	add_step(memory, STEP_SAY, data, len);
}

void memory_say_resetting(Memory *memory, const char *text)
{
	add_step(memory, STEP_SAY_RESETTING, text, strlen(text));
}

void memory_close(Memory *memory)
{
	add_step(memory, STEP_CLOSE, NULL, 0);
}

void memory_reset(Memory *memory)
{
	add_step(memory, STEP_RESET, NULL, 0);
}

void memory_silence(Memory *memory)
{
	add_step(memory, STEP_SILENCE, NULL, 0);
}

void memory_call(Memory *memory, void (*func)(gpointer data), gpointer data)
{
	Step *step = add_step(memory, STEP_CALL, NULL, 0);

	step->func = func;
	step->data = data;
}

guint memory_patience(const Memory *memory)
{
	return (guint)(MAX(memory->patience, 0) / 1000);
}
