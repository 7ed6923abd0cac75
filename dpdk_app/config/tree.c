/* SPDX-License-Identifier: BSD-3-Clause */

/* The only file that knows libfyaml, whose events it makes a tree of. It counts marks from 0 and
 * errors from 1. */

#include "tree.h"

#include <libfyaml.h>
#include <string.h>

struct builder {
    struct arena *arena;
    struct complaints *complaints;
    const char *file;
    struct node *root;
    struct node *open[TREE_DEPTH_MAX]; /* lists and blocks that have not ended */
    struct node **end[TREE_DEPTH_MAX]; /* where the next of each goes */
    uint32_t depth, num_documents;
    const char *key; /* whose value comes next; NULL: none */
    struct place key_place;
};

static struct place place_at(const struct builder *b, const struct fy_mark *mark)
{
    struct place place = {.file = b->file};
    if (mark) {
        place.line = (uint32_t)mark->line + 1;
        place.column = (uint32_t)mark->column + 1;
    } else { /* of what was not written */
        place.line = b->key_place.line;
        place.column = b->key_place.column;
    }
    return place;
}

/* A new node where the next one goes. NULL: no memory. */
static struct node *add(struct builder *b, enum node_kind kind, const struct place *place)
{
    struct node *node = arena_alloc(b->arena, sizeof(*node));
    if (!node) {
        complain_of_memory(b->complaints);
        return NULL;
    }
    *node = (struct node){.kind = kind, .place = *place, .key = b->key, .key_place = b->key_place};
    b->key = NULL;
    if (b->depth) {
        *b->end[b->depth - 1] = node;
        b->end[b->depth - 1] = &node->next;
    } else {
        b->root = node;
    }
    return node;
}

static bool wants_key(const struct builder *b)
{
    return b->depth && b->open[b->depth - 1]->kind == NODE_BLOCK && !b->key;
}

static bool begin(struct builder *b, enum node_kind kind, const struct place *place)
{
    if (wants_key(b)) {
        complain(b->complaints, place, NULL, NULL, "a key is one word, not a list or a block");
        return false;
    }
    if (b->depth == TREE_DEPTH_MAX) {
        complain(b->complaints, place, NULL, NULL,
                 "lists and blocks within each other more than %u times", TREE_DEPTH_MAX);
        return false;
    }
    struct node *node = add(b, kind, place);
    if (!node)
        return false;
    b->open[b->depth] = node;
    b->end[b->depth++] = &node->first;
    return true;
}

/* Nothing in front of a value changes what it means. */
static bool is_decorated(struct builder *b, const struct place *place,
                         const struct fy_token *anchor, const struct fy_token *tag)
{
    if (anchor)
        complain(b->complaints, place, b->key, NULL,
                 "\"&\" begins an anchor of YAML, and there are none here; quote the word, or "
                 "write what it stands for");
    else if (tag)
        complain(b->complaints, place, b->key, NULL,
                 "\"!\" begins a tag of YAML, and there are none here; quote the word, or take it "
                 "out");
    return anchor || tag;
}

static bool take_key(struct builder *b, const struct place *place, const char *text)
{
    b->key_place = *place;
    b->key = text;
    if (strcmp(text, "<<") == 0)
        complain(b->complaints, place, text, NULL,
                 "YAML's merge key, which is not one here; what sites have in common stands in "
                 "\"defaults\"");
    return true;
}

static bool take_word(struct builder *b, struct fy_event *event)
{
    struct place place = place_at(b, fy_event_start_mark(event));
    const bool is_bad = is_decorated(b, &place, event->scalar.anchor, event->scalar.tag);
    struct fy_token *value = event->scalar.value;
    const enum fy_scalar_style style = value ? fy_token_scalar_style(value) : FYSS_PLAIN;
    const bool is_plain = style == FYSS_PLAIN;
    if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && place.column > 1)
        place.column--; /* the mark is behind the quote */
    size_t len = 0;
    const char *bytes = value ? fy_token_get_text(value, &len) : NULL;
    char *text = arena_text(b->arena, bytes, bytes ? len : 0);
    if (!text) {
        complain_of_memory(b->complaints);
        return false;
    }
    const bool is_broken = strlen(text) != (bytes ? len : 0);
    if (is_broken)
        complain(b->complaints, &place, b->key, NULL, "a zero byte is in it; take it out");
    if (wants_key(b))
        return take_key(b, &place, text);
    struct node *node = add(b, NODE_WORD, &place);
    if (!node)
        return false;
    node->word = is_plain && !*text ? NULL : text;
    if (!node->word && node->key) /* of which libfyaml 0.7 says that it is there, 0.8 behind it */
        node->place = node->key_place;
    node->is_bad = is_bad || is_broken;
    return true;
}

static bool take_alias(struct builder *b, struct fy_event *event)
{
    struct place place = place_at(b, fy_event_start_mark(event));
    size_t len = 0;
    place.column -= place.column > 1; /* the mark is behind the star */
    const char *name = event->alias.anchor ? fy_token_get_text(event->alias.anchor, &len) : "";
    const bool is_star = name && len && *name == '*';
    complain(b->complaints, &place, b->key, NULL,
             "\"*\" begins an alias of YAML, and there are none here; quote the word: "
             "\"%s%.*s\"",
             is_star ? "" : "*", (int)len, name ? name : "");
    if (wants_key(b))
        return take_key(b, &place, "*");
    struct node *node = add(b, NODE_WORD, &place);
    if (node)
        node->is_bad = true;
    return node;
}

static bool take_document(struct builder *b, struct fy_event *event)
{
    if (!b->num_documents++)
        return true;
    const struct place place = place_at(b, fy_event_start_mark(event));
    complain(b->complaints, &place, NULL, NULL,
             "a second document begins here; a file has one: take \"---\" or \"...\" out");
    return false;
}

static bool take(struct builder *b, struct fy_event *event)
{
    const struct place place = place_at(b, fy_event_start_mark(event));
    switch (event->type) {
    case FYET_DOCUMENT_START:
        return take_document(b, event);
    case FYET_SCALAR:
        return take_word(b, event);
    case FYET_ALIAS:
        return take_alias(b, event);
    case FYET_MAPPING_START:
        is_decorated(b, &place, event->mapping_start.anchor, event->mapping_start.tag);
        return begin(b, NODE_BLOCK, &place);
    case FYET_SEQUENCE_START:
        is_decorated(b, &place, event->sequence_start.anchor, event->sequence_start.tag);
        return begin(b, NODE_LIST, &place);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        b->depth -= b->depth != 0;
        return true;
    default:
        return true;
    }
}

/* The parser's first error: the later ones follow from it. */
static void complain_of_syntax(const struct builder *b, struct fy_diag *diag)
{
    struct place place = {.file = b->file};
    void *at = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &at);
    if (error && error->line > 0 && error->column > 0) {
        place.line = (uint32_t)error->line;
        place.column = (uint32_t)error->column;
    }
    complain(b->complaints, &place, NULL, NULL,
             "not YAML: %s; look at indentation, quotes and brackets here and above",
             error && error->msg ? error->msg : "its parser does not say why");
}

/* Whether all of it was taken. */
static bool take_all(struct builder *b, struct fy_parser *parser, struct fy_diag *diag)
{
    struct fy_event *event;
    bool is_good = true;
    while (is_good && (event = fy_parser_parse(parser))) {
        is_good = take(b, event);
        fy_parser_event_free(parser, event);
    }
    if (is_good && fy_parser_get_stream_error(parser)) {
        complain_of_syntax(b, diag);
        return false;
    }
    return is_good;
}

/* Errors are collected, and nothing is printed. */
static void print_nothing(struct fy_diag *diag, void *user, const char *text, size_t len)
{
    (void)diag, (void)user, (void)text, (void)len;
}

static struct fy_diag *new_diag(void)
{
    struct fy_diag_cfg config;
    fy_diag_cfg_default(&config);
    config.fp = NULL;
    config.output_fn = print_nothing;
    config.colorize = false;
    struct fy_diag *diag = fy_diag_create(&config);
    if (diag)
        fy_diag_set_collect_errors(diag, true);
    return diag;
}

struct node *tree_parse(struct arena *arena, struct complaints *c, const char *file,
                        const char *bytes, size_t len)
{
    struct builder b = {.arena = arena, .complaints = c, .file = file};
    struct fy_diag *diag = new_diag();
    const struct fy_parse_cfg config = {
        .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DISABLE_MMAP_OPT, .diag = diag};
    const struct place whole = {.file = file};
    struct fy_parser *parser = diag ? fy_parser_create(&config) : NULL;
    bool is_good = false;
    if (!parser || fy_parser_set_string(parser, bytes, len))
        complain_of_memory(c);
    else
        is_good = take_all(&b, parser, diag);
    fy_parser_destroy(parser);
    if (diag)
        fy_diag_destroy(diag);
    if (is_good && !b.root)
        complain(c, &whole, NULL, NULL, "nothing but comments is in it");
    return is_good ? b.root : NULL;
}
