/* The overview that `uota help`, `uota --help` and `uota` alone print. */
#pragma once

#include <stdio.h>

void uota_print_help(FILE *out);
