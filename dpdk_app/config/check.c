/* SPDX-License-Identifier: BSD-3-Clause */

/* How the parts of a configuration fit together. */

#include <stdlib.h>
#include <string.h>

#include "addresses.h"
#include "schema.h"
#include "value.h"

#define HOST_MAX  253u
#define LABEL_MAX 63u

static const struct conf_key *key_of(const struct conf_head *head, size_t member)
{
    const struct conf_schema *schema = head->schema;
    uint32_t i = 0;
    while (i + 1 < schema->num_keys && schema->keys[i].at != member)
        i++;
    return &schema->keys[i];
}

const struct place *conf_place(const struct conf_head *head, size_t member)
{
    const struct place *place = &head->places[key_of(head, member) - head->schema->keys];
    return place->line || place->option ? place : &head->place;
}

const char *conf_key_name(const struct conf_head *head, size_t member)
{
    return key_of(head, member)->name;
}

/* ---- something with a name, to be found by it ---- */

struct named {
    const char *name;
    const struct place *place;
    void *what;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    return strcmp(x->name, y->name);
}

/* As it says, and those that are equal as they stand in the file. */
static int by_name_and_place(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    const int names = by_name(a, b);
    if (names || x->place == y->place)
        return names;
    if (x->place->line != y->place->line)
        return x->place->line < y->place->line ? -1 : 1;
    return x->place < y->place ? -1 : 1;
}

/* Sorts them; one that is there twice is complained about. */
static void sort_named(struct named *all, uint32_t num, const char *key, struct complaints *c)
{
    if (num > 1)
        qsort(all, num, sizeof(*all), by_name_and_place);
    for (uint32_t i = 1; i < num; i++) {
        const struct place *before = all[i - 1].place;
        if (strcmp(all[i - 1].name, all[i].name) != 0)
            continue;
        const bool is_elsewhere =
            before->file && all[i].place->file && strcmp(before->file, all[i].place->file) != 0;
        complain(c, all[i].place, key, all[i].name,
                 "given twice, here and in %s%sline %u; keep "
                 "one of the two",
                 is_elsewhere ? before->file : "", is_elsewhere ? ", " : "", before->line);
    }
}

/* ---- pools ---- */

struct pools {
    struct named *all;
    uint32_t num;
};

static bool find_pools(struct pools *pools, struct conf *config, struct complaints *c)
{
    pools->num = config->pools.num;
    pools->all = calloc(pools->num + 1, sizeof(*pools->all));
    for (uint32_t i = 0; pools->all && i < pools->num; i++) {
        struct conf_pool *pool = CONF_ITEM(struct conf_pool, &config->pools, i);
        pools->all[i] = (struct named){
            pool->name, conf_place(&pool->head, offsetof(struct conf_pool, name)), pool};
    }
    if (pools->all)
        sort_named(pools->all, pools->num, "name", c);
    return pools->all;
}

static const char *pool_name(const void *from, uint32_t i)
{
    return ((const struct named *)from)[i].name;
}

static void find_pool(struct conf_site *site, const struct pools *pools, struct complaints *c)
{
    const struct named wanted = {.name = site->pool_name};
    const struct named *found =
        bsearch(&wanted, pools->all, pools->num, sizeof(*pools->all), by_name);
    if (found) {
        site->pool = found->what;
        return;
    }
    const char *nearest = value_nearest(site->pool_name, pool_name, pools->all, pools->num);
    complain(c, conf_place(&site->head, offsetof(struct conf_site, pool_name)), "pool",
             site->pool_name, "there is no such pool in \"pools\"%s%s%s",
             nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

/* ---- names of sites ---- */

static bool is_label(const char *label, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char l = label[i];
        if (!(l >= 'a' && l <= 'z') && !(l >= '0' && l <= '9') && l != '-' && l != '_')
            return false;
    }
    return len && len <= LABEL_MAX;
}

/* Puts a host's name, or "*." and one, into the form that clients' are looked for in. NULL, or what
 * is wrong. */
static const char *fold_name(char *name)
{
    size_t len = strlen(name);
    struct net_ip ip;
    if (len > 1 && name[len - 1] == '.')
        name[--len] = 0;
    for (char *p = name; *p; p++) {
        if ((unsigned char)*p >= 0x80)
            return "only ASCII comes in SNI; write it as xn--...";
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    }
    if (net_ip_parse(&ip, name))
        return "clients send no SNI for an address; the first site serves them";
    const char *at = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    if (len > HOST_MAX || !*at)
        return "not a host's name";
    for (;; at++) {
        const size_t label_len = strcspn(at, ".");
        if (memchr(at, '*', label_len))
            return "\"*\" stands for the first label alone, as in *.example.com";
        if (!is_label(at, label_len))
            return "not a host's name";
        at += label_len;
        if (!*at)
            return NULL;
    }
}

static void check_names(struct conf_frontend *frontend, struct complaints *c)
{
    size_t num = 0;
    for (uint32_t i = 0; i < frontend->sites.num; i++)
        num += CONF_ITEM(struct conf_site, &frontend->sites, i)->names.num;
    struct named *all = calloc(num + 1, sizeof(*all)), *next = all;
    if (!all) {
        complain_of_memory(c);
        return;
    }
    for (uint32_t i = 0; i < frontend->sites.num; i++) {
        struct conf_site *site = CONF_ITEM(struct conf_site, &frontend->sites, i);
        if (i && !site->names.num)
            complain(c, &site->head.place, "names", NULL,
                     "missing: the first site serves clients without a known name, others need "
                     "names");
        for (uint32_t k = 0; k < site->names.num; k++) {
            struct conf_word *name = &site->names.all[k];
            const char *wrong = fold_name(name->text);
            if (wrong)
                complain(c, &name->place, "names", name->text, "%s", wrong);
            else
                *next++ = (struct named){name->text, &name->place, site};
        }
    }
    sort_named(all, (uint32_t)(next - all), "names", c);
    free(all);
}

/* ---- all of it ---- */

static void check_sessions(const struct conf_sessions *s, struct complaints *c)
{
    if (s->ticket_keys && s->ticket_secret)
        complain(c, conf_place(&s->head, offsetof(struct conf_sessions, ticket_secret)),
                 "ticket-secret", NULL,
                 "keys are derived of it or stand in the file of ticket-keys; take one of the two "
                 "out");
}

void conf_check(struct conf *config, struct complaints *c)
{
    struct pools pools;
    if (!find_pools(&pools, config, c)) {
        complain_of_memory(c);
        return;
    }
    for (uint32_t i = 0; i < config->frontends.num; i++) {
        struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &config->frontends, i);
        for (uint32_t k = 0; k < f->sites.num; k++)
            find_pool(CONF_ITEM(struct conf_site, &f->sites, k), &pools, c);
        check_names(f, c);
    }
    free(pools.all);
    check_sessions(&config->sessions, c);
    addresses_check(config, c);
}
