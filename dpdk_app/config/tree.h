/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CONFIG_TREE_H
#define LOCKSTEPD_CONFIG_TREE_H

/* A file's YAML as words, lists and blocks, each with its place. Of YAML 1.2 what makes a file
 * mean something else than what it looks like is refused: anchors, aliases, tags, merge keys, a
 * second document. Everything is text; what it means the schema says. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "complaints.h"

#define TREE_DEPTH_MAX 16u

enum node_kind {
    NODE_WORD,
    NODE_LIST,
    NODE_BLOCK,
};

struct node {
    enum node_kind kind;
    bool is_bad; /* was complained about: do not look at it */
    struct place place;
    const char *key; /* in a block */
    struct place key_place;
    const char *word; /* NULL: nothing was written; "" was, in quotes */
    struct node *first, *next;
};

/* Reads a checked text. NULL: complained about; so may be parts of what is returned. */
struct node *tree_parse(struct arena *arena, struct complaints *c, const char *file,
                        const char *bytes, size_t len);

#endif
