/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/names.h"

#include <string.h>

#include "base/complain.h"

bool lks_next_name(const char **list, const char **name, size_t *len)
{
    const char *at = *list ? *list : "";
    at += strspn(at, ", ");
    if (!*at)
        return false;
    *name = at;
    *len = strcspn(at, ",");
    *list = at + *len;
    while (*len && (*name)[*len - 1] == ' ')
        --*len;
    return true;
}

enum lks_status lks_complain_twice(struct lks_error *err, const char *what, const char *name,
                                   size_t len)
{
    return lks_complain(err, "%s \"%.*s\" is in the list twice; name each once", what, (int)len,
                        name);
}
