/* The error domain of the library. */
#include "core/error.h"

G_DEFINE_QUARK(uota_error_quark, uota_error)

int uota_error_status(const GError *error)
{
	if (!error)
		return 0;
	if (error->domain != UOTA_ERROR)
		return 1;
	switch (error->code) {
	case UOTA_ERROR_USAGE:
		return 2;
	case UOTA_ERROR_REFUSED:
		return 3;
	case UOTA_ERROR_UNREACHABLE:
	case UOTA_ERROR_CLOSED:
	case UOTA_ERROR_UNANSWERED:
		return 4;
	case UOTA_ERROR_CANCELLED:
		return 130;
	default:
		return 1;
	}
}
