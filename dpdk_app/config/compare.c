/* SPDX-License-Identifier: BSD-3-Clause */

/* What a reload would change and cannot. */

#include <string.h>

#include "schema.h"

static const char *const remedy =
    "only a start can change this; put it back, or start lockstepd anew";

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_words(const struct conf_words *a, const struct conf_words *b)
{
    bool same = a->num == b->num;
    for (uint32_t i = 0; same && i < a->num; i++)
        same = strcmp(a->all[i].text, b->all[i].text) == 0;
    return same;
}

static bool same_addresses(const struct conf_addresses *a, const struct conf_addresses *b)
{
    bool same = a->num == b->num;
    for (uint32_t i = 0; same && i < a->num; i++)
        same = net_ip_equal(&a->all[i].addr.ip, &b->all[i].addr.ip) &&
               a->all[i].prefix_len == b->all[i].prefix_len;
    return same;
}

static bool same_value(enum conf_kind kind, const void *a, const void *b)
{
    switch (kind) {
    case KIND_YES_NO:
        return *(const bool *)a == *(const bool *)b;
    case KIND_NUMBER:
    case KIND_SIZE:
    case KIND_MICROSECONDS:
    case KIND_MILLISECONDS:
    case KIND_SECONDS:
    case KIND_CHOICE:
        return *(const uint32_t *)a == *(const uint32_t *)b;
    case KIND_TEXT:
    case KIND_FILE:
        return same_text(*(const char *const *)a, *(const char *const *)b);
    case KIND_TEXTS:
    case KIND_FILES:
        return same_words(a, b);
    case KIND_ADDRESSES:
    case KIND_GATEWAYS:
        return same_addresses(a, b);
    case KIND_SERVER:
    case KIND_LISTEN:
    case KIND_BLOCK:
    case KIND_BLOCKS:
        break;
    }
    return true;
}

static void compare_block(const void *now, const void *next, const struct conf_schema *schema,
                          struct complaints *c)
{
    for (uint32_t i = 0; i < schema->num_keys; i++) {
        const struct conf_key *key = &schema->keys[i];
        const void *a = (const unsigned char *)now + key->at;
        const void *b = (const unsigned char *)next + key->at;
        if (key->kind == KIND_BLOCK)
            compare_block(a, b, key->schema, c);
        else if (key->is_at_start && !same_value(key->kind, a, b))
            complain(c, conf_place(next, key->at), key->name, NULL, "%s", remedy);
    }
}

/* Whether somebody listens there. */
static bool has_listen(const struct conf *conf, const struct conf_address *one)
{
    for (uint32_t i = 0; i < conf->frontends.num; i++) {
        const struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &conf->frontends, i);
        for (uint32_t k = 0; k < f->listen.num; k++)
            if (f->listen.all[k].addr.port == one->addr.port &&
                net_ip_equal(&f->listen.all[k].addr.ip, &one->addr.ip))
                return true;
    }
    return false;
}

/* Frontends may change their order and their sites, but not where they listen in all. */
static void compare_listens(const struct conf *now, const struct conf *next, bool is_gone,
                            struct complaints *c)
{
    const struct conf *one = is_gone ? now : next, *other = is_gone ? next : now;
    for (uint32_t i = 0; i < one->frontends.num; i++) {
        const struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &one->frontends, i);
        for (uint32_t k = 0; k < f->listen.num; k++) {
            const struct conf_address *a = &f->listen.all[k];
            if (!has_listen(other, a))
                complain(c, is_gone ? &next->head.place : &a->place, "listen", a->text, "%s%s",
                         is_gone ? "this is gone; " : "", remedy);
        }
    }
}

static void compare_prefixes(const struct conf *now, const struct conf *next, struct complaints *c)
{
    for (uint32_t i = 0; i < next->num_own; i++)
        for (uint32_t k = 0; k < now->num_own; k++)
            if (net_ip_equal(&next->own[i].addr.ip, &now->own[k].addr.ip) &&
                next->own[i].prefix_len != now->own[k].prefix_len)
                complain(c, &next->own[i].place, "listen", NULL, "another prefix; %s", remedy);
}

void conf_compare(const struct conf *now, const struct conf *next, struct complaints *c)
{
    compare_block(now, next, &conf_schema, c);
    compare_listens(now, next, false, c);
    compare_listens(now, next, true, c);
    compare_prefixes(now, next, c);
}
