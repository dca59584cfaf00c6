/* What a board answers to `push` (docs/protocol.md, 7.1 and 7.4). Parsing alone. */
#pragma once

#include "core/manifest.h"

#define UOTA_INVENTORY_MAX (256U * 1024U) /* bytes of the answer */

typedef enum {
	UOTA_PUSH_SAME, /* it is installed, nothing is to be done */
	UOTA_PUSH_SEND, /* the manifest, please */
	UOTA_PUSH_HAVE, /* the manifest is there: what is missing */
} UotaPushAnswer;

typedef struct {
	guint index;    /* of the file in the manifest */
	guint64 offset; /* bytes that are there already */
} UotaMissing;

typedef struct {
	UotaPushAnswer answer;
	guint window;    /* bytes of content in a message */
	guint wbits;     /* of the deflate stream; 0: not deflated */
	GArray *missing; /* (element-type UotaMissing), ascending */
} UotaInventory;

/* Parses @text, the board's word on the files of @manifest: ascending, each once, within the
 * manifest, offsets within the files. Error: anything else. Returns: (transfer full) */
UotaInventory *uota_inventory_parse(const char *text, gsize len, const UotaManifest *manifest,
	GError **error) G_GNUC_WARN_UNUSED_RESULT;

void uota_inventory_free(UotaInventory *inventory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaInventory, uota_inventory_free)
