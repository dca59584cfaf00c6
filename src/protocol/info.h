/* What a board of protocol 2 says of itself before a push. Parsing alone; all of it is the board's
 * word. */
#pragma once

#include <glib.h>

typedef struct {
	char *agent;       /* its version; NULL: not told */
	char *platform;    /* sys.platform */
	char *micropython; /* `1.26.1` */
	int mpy;           /* bytecode version; -1: nothing compiled can be loaded */
	guint arch;        /* of native code in it; 0: none */
	gboolean signs;    /* a manifest needs a signature */
	guint64 counter;   /* the highest that was installed */
	char *id;          /* of the last update, 16 hex digits; NULL: not by push 2 */
} UotaInfo;

/* Parses the answer @line to `info`. NULL when it is none.
 * Returns: (transfer full) (nullable) */
UotaInfo *uota_info_parse(const char *line);

void uota_info_free(UotaInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaInfo, uota_info_free)
