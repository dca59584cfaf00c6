/* The boards of an update, connection by connection: what each is asked, and answers. Protocol 1.0,
 * in which all is to be read. */
#pragma once

#include "protocol/update.h"
#include "support/errors.h"
#include "support/memory.h"

#define RETURN_MS 20000 /* ends earlier, with the script */
#define OLD "{\"version\":\"1\"}\n"
#define NEW "{\"version\":\"1\",\"agent\":\"2.0.0\",\"state\":\"confirmed\"}\n"
#define NEW_WITH(state) "{\"version\":\"2\",\"agent\":\"2.0.0\"," state "}\n"
#define PASSWORD "s3cret"

/* The connections that a test expects, in turn; NULL: refused. Behind the last of them every one
 * is refused. */
typedef struct {
	GPtrArray *boards; /* (element-type Memory) */
	guint next;
	const char *before; /* what the board answers to `version` before the push */
	const char *words;  /* that follow the command of the update */
	guint waits;        /* calls of on_waiting() without a status */
	GString *seen;      /* what on_waiting() was told of the trial, a line each */
	guint restarts;
	GCancellable *cancellable;
	GThread *canceller;
	UotaManifest *manifest;
	UotaKnown known;
	UotaTarget target;
	UotaUpdateOptions options;
	UotaUpdateResult result;
	GError *error;
} Fixture;

/* A push of the one file a.py, version 2, to a board of 1.0, followed to its verdict. */
void setup(Fixture *fixture, gconstpointer data);
void teardown(Fixture *fixture, gconstpointer data);

/* The board's next connection, with the password where the project has one. */
Memory *next_board(Fixture *fixture);

/* The board's next connection is refused. */
void refuse_next(Fixture *fixture);

/* The whole of the push, up to and with `end_ota`; the answer is the caller's. */
void expect_update(const Fixture *fixture, Memory *board);

/* A connection that a push opens: it asks first whom it talks to. */
Memory *greet_push(Fixture *fixture);

/* A connection over which the push goes; the answer to it is @answer, then the board closes. */
void take_push(Fixture *fixture, const char *answer);

/* A connection that asks for the version and gets @answer. */
Memory *tell(Fixture *fixture, const char *answer);

/* The same of a 1.0 board. */
Memory *tell_version(Fixture *fixture, const char *version);

/* The same of a 2.0 board that is on trial with our update; @more are further keys. */
void tell_trial(Fixture *fixture, const char *more);

/* The same of one on which our update has failed. */
Memory *tell_failure(Fixture *fixture);

/* The same connection is asked further: for the crash, for the manifest. */
void tell_crash(Memory *board, const char *answer);
void tell_manifest(Memory *board, const char *json);

/* What a board that has @manifest installed says of it. Returns: (transfer full) */
char *installed(const UotaManifest *manifest);

/* Runs the update; fixture->result or fixture->error is set. */
gboolean update(Fixture *fixture);

/* It must have @outcome, after as many @connections; or fail with @code, and say @part. */
void assert_updates(Fixture *fixture, UotaOutcome outcome, guint connections);
void assert_update_fails(Fixture *fixture, int code, const char *part);
