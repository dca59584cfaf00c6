/* The error domain of the library. */
#include "core/error.h"

G_DEFINE_QUARK(uota_error_quark, uota_error)
