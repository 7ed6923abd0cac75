/* SPDX-License-Identifier: BSD-3-Clause */
#include "own_options.h"

#include <string.h>

int own_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0)
            return i;
    if (argc == 2 &&
        (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "--version")))
        return 0;
    return -1;
}
