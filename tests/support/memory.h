/* A transport in memory whose other end is a board that follows a script: it expects these bytes,
 * then says those, then hangs up. Any byte that the script does not expect ends the test, as does
 * an expected one that never came. */
#pragma once

#include "protocol/session.h"

#define MEMORY_TIMEOUT_MS 5000 /* of sessions that tests open */

typedef struct Memory Memory;

/* A board without a script yet. Returns: (transfer full) */
Memory *memory_new(void);

/* Fails the test unless all that was expected came, and the transport, if one was handed out, was
 * freed. What the board said may be unread. */
void memory_free(Memory *memory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Memory, memory_free)

/* The host's end of the connection, to be handed out once; the script stays @memory's.
 * Returns: (transfer full) */
UotaTransport *memory_transport(Memory *memory);

/* A session of protocol 1.0 over it, without a password. @cancellable: (nullable)
 * Returns: (transfer full) */
UotaSession *memory_session(Memory *memory, GCancellable *cancellable);

/* The most bytes that one read, and one write, of the host moves; unlimited by default. */
void memory_chop(Memory *memory, gsize read_max, gsize write_max);

/* The next steps of the script. While the board has something to say, the host's writes return
 * 0, as the transport's table has it: put a memory_say() inside of what the host sends, and the
 * board objects early. */
void memory_expect(Memory *memory, const char *text);
void memory_expect_bytes(Memory *memory, const void *data, gsize len);
void memory_expect_any(Memory *memory, gsize len); /* as many bytes, whichever they are */
void memory_expect_hello(Memory *memory);          /* the line that opens protocol 2 */
void memory_say(Memory *memory, const char *text);
void memory_say_bytes(Memory *memory, const void *data, gsize len);

/* As memory_say(), but a write of the host meanwhile fails: the reset has come in too. */
void memory_say_resetting(Memory *memory, const char *text);

/* The last step of a script: hangs up, resets the connection, or takes and says nothing more; the
 * deadline is then over at once. */
void memory_close(Memory *memory);
void memory_reset(Memory *memory);
void memory_silence(Memory *memory);

/* Calls @func when the script comes here, from within the host's next read or write. */
void memory_call(Memory *memory, void (*func)(gpointer data), gpointer data);

/* Milliseconds that the last read or write was allowed to take. */
guint memory_patience(const Memory *memory);
