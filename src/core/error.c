/* The error domain of the library. */
#include "core/error.h"

G_DEFINE_QUARK(uota-error-quark, uota_error)
