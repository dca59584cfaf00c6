/* The messages of a push (docs/protocol.md, 7.3): one deflate stream, sync-flushed at the end of
 * each, so that the board can inflate it piece by piece. */
#pragma once

#include <glib.h>

#define UOTA_MESSAGE_ROOM 32U /* bytes that a message may be longer than its content's most */

typedef struct UotaPacker UotaPacker;

/* @window: bytes of content in a message, at most; @wbits: 9 to 15, or 0: nothing is deflated.
 * Returns: (transfer full) */
UotaPacker *uota_packer_new(guint window, guint wbits);

/* Replaces @out by the message with @len bytes of @content, 1 to the window. */
void uota_packer_pack(UotaPacker *packer, const void *content, gsize len, GByteArray *out);

void uota_packer_free(UotaPacker *packer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(UotaPacker, uota_packer_free)
