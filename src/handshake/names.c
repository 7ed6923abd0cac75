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

static enum lks_status complain_of(const char *name, size_t len, const char *what,
                                   const char *(*name_of)(size_t i), struct lks_error *err)
{
    lks_complain(err, "%s \"%.*s\" is not known; known are ", what, (int)len, name);
    for (size_t i = 0; name_of(i); i++)
        lks_complain_more(err, "%s%s", i ? ", " : "", name_of(i));
    return LKS_BAD_CONFIG;
}

enum lks_status lks_read_names(struct lks_names *out, const char *list, const char *what,
                               const char *(*name_of)(size_t i), struct lks_error *err)
{
    const char *name;
    size_t len;
    out->num = 0;
    while (lks_next_name(&list, &name, &len)) {
        size_t i = 0;
        while (name_of(i) && (strlen(name_of(i)) != len || memcmp(name_of(i), name, len) != 0))
            i++;
        if (!name_of(i) || i > UINT8_MAX)
            return complain_of(name, len, what, name_of, err);
        for (size_t k = 0; k < out->num; k++)
            if (out->index[k] == i)
                return lks_complain_twice(err, what, name, len);
        if (out->num == LKS_LIST_MAX)
            return lks_complain(err, "%s: more than %u of them; leave some out", what,
                                LKS_LIST_MAX);
        out->index[out->num++] = (uint8_t)i;
    }
    return out->num ? LKS_OK : lks_complain(err, "%s: the list is empty; name at least one", what);
}

enum lks_status lks_complain_twice(struct lks_error *err, const char *what, const char *name,
                                   size_t len)
{
    return lks_complain(err, "%s \"%.*s\" is in the list twice; name each once", what, (int)len,
                        name);
}
