/* SPDX-License-Identifier: BSD-3-Clause */

/* From a tree to a struct conf, as the schema has it. */

#include <stdlib.h>
#include <string.h>

#include "include.h"
#include "schema.h"
#include "text.h"
#include "value.h"

struct reader {
    struct conf *config;
    struct complaints *c;
    uint32_t before; /* complaints */
    struct include in;
};

/* ---- blocks that nothing was said of yet ---- */

static int set_fallback(struct conf *config, void *to, const struct conf_key *key)
{
    struct complaints c = {0};
    const struct node word = {.kind = NODE_WORD, .word = key->fallback};
    return value_set(to, key, &word, &config->arena, &c);
}

/* A block as it is without its keys, or as `from` is. 0, or -1: no memory. */
static int begin_block(struct conf *config, void *to, const struct conf_schema *schema,
                       const void *from)
{
    struct conf_head *head = to;
    const size_t places_len = schema->num_keys * sizeof(*head->places);
    if (from)
        memcpy(to, from, schema->size);
    struct place *places = arena_alloc(&config->arena, places_len);
    if (!places)
        return -1;
    if (from)
        memcpy(places, head->places, places_len);
    head->schema = schema;
    head->places = places;
    for (uint32_t i = 0; i < schema->num_keys; i++) {
        const struct conf_key *key = &schema->keys[i];
        unsigned char *at = (unsigned char *)to + key->at;
        const unsigned char *from_at = from ? (const unsigned char *)from + key->at : NULL;
        if (key->kind == KIND_BLOCK ? begin_block(config, at, key->schema, from_at)
                                    : !from && key->fallback && set_fallback(config, at, key))
            return -1;
    }
    return 0;
}

/* ---- blocks ---- */

static void read_block(struct reader *r, void *to, struct node *node);

static const char *key_name(const void *from, uint32_t i)
{
    const struct conf_schema *schema = from;
    return schema->keys[schema->first + i].name;
}

/* Another block that has such a key; NULL: none. */
static const struct conf_schema *elsewhere(const char *name)
{
    for (const struct conf_schema *const *s = conf_schemas; *s; s++)
        if (conf_find_key(*s, name))
            return *s;
    return NULL;
}

static void complain_of_key(struct reader *r, const struct conf_schema *schema,
                            const struct node *entry)
{
    const char *nearest =
        value_nearest(entry->key, key_name, schema, schema->num_keys - schema->first);
    const struct conf_schema *other = elsewhere(entry->key);
    if (strcmp(entry->key, "<<") == 0 || strcmp(entry->key, "*") == 0)
        return; /* the tree's own complaint was better */
    if (strcmp(entry->key, "include") == 0)
        complain(r->c, &entry->key_place, entry->key, NULL,
                 "it stands alone as an item of a list of blocks, as in \"- include: "
                 "sites.d/*.yaml\"");
    else if (nearest)
        complain(r->c, &entry->key_place, entry->key, NULL, "no such key in a %s; did you mean %s?",
                 schema->name, nearest);
    else if (other)
        complain(r->c, &entry->key_place, entry->key, NULL,
                 "no such key in a %s; it belongs into a %s", schema->name, other->name);
    else
        complain(r->c, &entry->key_place, entry->key, NULL,
                 "no such key in a %s; lockstepd.conf(5) lists them", schema->name);
}

/* Each key's entry, in the order of the schema. */
static struct node **sort_entries(struct reader *r, const struct conf_schema *schema,
                                  const struct node *node)
{
    struct node **entries = arena_alloc(r->in.arena, schema->num_keys * sizeof(*entries));
    if (!entries) {
        complain_of_memory(r->c);
        return NULL;
    }
    for (struct node *entry = node->first; entry; entry = entry->next) {
        const struct conf_key *key = conf_find_key(schema, entry->key);
        struct node **slot = key ? &entries[key - schema->keys] : NULL;
        if (!key)
            complain_of_key(r, schema, entry);
        else if (*slot)
            complain(r->c, &entry->key_place, entry->key, NULL,
                     "given twice, here and in line %u; keep one of the two",
                     (*slot)->key_place.line);
        else
            *slot = entry;
    }
    return entries;
}

/* A copy that stands alone; NULL: no memory. */
static struct node *alone(struct reader *r, const struct node *node)
{
    struct node *copy = arena_alloc(r->in.arena, sizeof(*copy));
    if (!copy) {
        complain_of_memory(r->c);
        return NULL;
    }
    *copy = *node;
    copy->next = NULL;
    return copy;
}

/* A word alone, for the key that a block has for that. */
static struct node *block_of_word(struct reader *r, const struct conf_schema *schema,
                                  const struct node *node)
{
    struct node *word = alone(r, node), *block = word ? alone(r, node) : NULL;
    if (!block)
        return NULL;
    word->key = schema->word_key;
    word->key_place = node->place;
    block->kind = NODE_BLOCK;
    block->first = word;
    return block;
}

/* NULL: complained about. */
static struct node *as_block(struct reader *r, const struct conf_schema *schema, struct node *node,
                             const char *key)
{
    if (node->is_bad)
        return NULL;
    if (node->kind == NODE_WORD && node->word && *node->word && schema->word_key)
        return block_of_word(r, schema, node);
    if (node->kind == NODE_BLOCK)
        return node;
    complain(r->c, &node->place, key, NULL,
             "a %s is a block: its keys stand below it, further to the right", schema->name);
    return NULL;
}

/* Items of a list, or one alone. Sites begin as the defaults are. */
static void read_blocks(struct reader *r, void *to, const struct conf_key *key, struct node *node)
{
    const struct conf_schema *schema = key->schema;
    struct conf_blocks blocks = {0};
    const uint32_t before = r->c->num;
    uint64_t num = 0;
    if (node->is_bad)
        return;
    struct node *first =
        include_items(&r->in, node->kind == NODE_LIST ? node->first : alone(r, node));
    for (const struct node *item = first; item; item = item->next)
        num++;
    if ((!num && r->c->num != before) || !value_is_length(num, key, &node->place, r->c))
        return;
    unsigned char *at = arena_alloc(&r->config->arena, (size_t)num * schema->size);
    const bool is_site = schema->keys == conf_find_key(&conf_schema, "defaults")->schema->keys;
    blocks.all = at;
    for (struct node *item = first; at && item; item = item->next) {
        struct node *block = as_block(r, schema, item, key->name);
        if (begin_block(r->config, at, schema, is_site ? &r->config->defaults : NULL)) {
            at = NULL;
            break;
        }
        if (block)
            read_block(r, at, block);
        blocks.num++;
        at += schema->size;
    }
    if (!at)
        complain_of_memory(r->c);
    memcpy(to, &blocks, sizeof(blocks));
}

static void read_value(struct reader *r, void *at, const struct conf_key *key, struct node *node)
{
    if (key->kind == KIND_BLOCKS) {
        read_blocks(r, at, key, node);
    } else if (key->kind == KIND_BLOCK) {
        struct node *block = as_block(r, key->schema, node, key->name);
        if (block)
            read_block(r, at, block);
    } else {
        value_set(at, key, node, &r->config->arena, r->c);
    }
}

static void read_block(struct reader *r, void *to, struct node *node)
{
    struct conf_head *head = to;
    const struct conf_schema *schema = head->schema;
    struct node **entries = sort_entries(r, schema, node);
    head->place = node->place;
    for (uint32_t i = 0; entries && i < schema->num_keys; i++) {
        const struct conf_key *key = &schema->keys[i];
        if (entries[i]) {
            head->places[i] = entries[i]->place;
            read_value(r, (unsigned char *)to + key->at, key, entries[i]);
        } else if (key->is_required && !schema->first && !head->places[i].line &&
                   node->place.file) {
            complain(r->c, &head->place, key->name, NULL, "missing: a %s needs it. %s",
                     schema->name, key->help);
        }
    }
}

/* ---- all of it ---- */

struct conf *conf_new(void)
{
    struct conf *config = calloc(1, sizeof(*config));
    if (config && !begin_block(config, config, &conf_schema, NULL))
        return config;
    conf_free(config);
    return NULL;
}

void conf_free(struct conf *config)
{
    if (!config)
        return;
    struct arena arena = config->arena;
    free(config);
    arena_free(&arena);
}

static void read_root(struct reader *r, struct node *root, const char *name)
{
    const struct place whole = {.file = name};
    struct node *block = as_block(r, &conf_schema, root, NULL);
    if (!block)
        return;
    read_block(r, r->config, block);
    r->config->head.place = whole;
    if (r->c->num == r->before)
        conf_check(r->config, r->c);
}

/* bytes NULL: those of the file. */
static struct conf *read_all(const char *name, const char *bytes, size_t len, struct complaints *c)
{
    struct conf *config = conf_new();
    struct arena trees = {0};
    const struct place nowhere = {0};
    struct reader r = {config, c, c->num, {.arena = &trees, .c = c, .budget = TEXT_MAX}};
    r.in.refuses = bytes;
    r.in.names = config ? &config->arena : NULL;
    char *kept_name = config ? arena_text(&config->arena, name, strlen(name)) : NULL;
    struct node *root = NULL;
    if (!kept_name)
        complain_of_memory(c);
    else if (!bytes)
        root = include_file(&r.in, kept_name, &nowhere);
    else if (!text_check(c, kept_name, bytes, len))
        root = tree_parse(&trees, c, kept_name, bytes, len);
    if (root)
        read_root(&r, root, kept_name);
    arena_free(&trees);
    if (c->num == r.before)
        return config;
    conf_free(config);
    return NULL;
}

struct conf *conf_read_tree(struct node *root, struct complaints *c)
{
    struct conf *config = conf_new();
    struct arena trees = {0};
    struct reader r = {config, c, c->num, {.arena = &trees, .c = c, .refuses = true}};
    if (config)
        read_block(&r, config, root);
    else
        complain_of_memory(c);
    arena_free(&trees);
    return config;
}

struct conf *conf_read(const char *path, struct complaints *c)
{
    return read_all(path, NULL, 0, c);
}

struct conf *conf_read_text(const char *name, const char *bytes, size_t len, struct complaints *c)
{
    return read_all(name, bytes, len, c);
}
