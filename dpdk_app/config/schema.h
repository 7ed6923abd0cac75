/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CONFIG_SCHEMA_H
#define LOCKSTEPD_CONFIG_SCHEMA_H

/* What a configuration may say: a const row a key, from which the reader, the manual page, the
 * example and the schema for editors are made. */

#include "conf.h"

enum conf_kind {
    KIND_YES_NO,       /* bool */
    KIND_NUMBER,       /* uint32_t */
    KIND_SIZE,         /* uint32_t, bytes: k, m, g are powers of two */
    KIND_MICROSECONDS, /* uint32_t */
    KIND_MILLISECONDS,
    KIND_SECONDS,
    KIND_CHOICE,    /* uint32_t, the place among `choices` */
    KIND_TEXT,      /* const char * */
    KIND_FILE,      /* const char *, from the folder of the file that says it */
    KIND_SERVER,    /* struct net_addr */
    KIND_TEXTS,     /* struct conf_words */
    KIND_FILES,     /* struct conf_words */
    KIND_LISTEN,    /* struct conf_addresses: with a port, and a prefix where that is said */
    KIND_ADDRESSES, /* struct conf_addresses: with a prefix */
    KIND_GATEWAYS,  /* struct conf_addresses: the address alone */
    KIND_BLOCK,     /* its struct */
    KIND_BLOCKS,    /* struct conf_blocks */
};

struct conf_key {
    const char *name;
    enum conf_kind kind;
    size_t at;                        /* in its block's struct */
    uint64_t low, high;               /* of a number, or of a list's length */
    const char *zero;                 /* of KIND_NUMBER: a word that stands for 0; NULL: none */
    const char *const *choices;       /* NULL at the end */
    const struct conf_schema *schema; /* of KIND_BLOCK and KIND_BLOCKS */
    const char *fallback;             /* what holds without it, as it would be written */
    const char *without;              /* the same in words, where there is none */
    bool is_required;
    bool is_at_start; /* a reload cannot change it */
    const char *example;
    const char *help; /* one sentence */
};

struct conf_schema {
    const char *name; /* what it is, for messages */
    size_t size;      /* of its struct, which begins with a struct conf_head */
    const struct conf_key *keys;
    uint32_t num_keys;
    uint32_t first;       /* the keys before it are not for this block */
    const char *word_key; /* in a list a word alone is this key's; NULL: no */
};

extern const struct conf_schema conf_schema;

/* All blocks that there are, NULL at the end. */
extern const struct conf_schema *const conf_schemas[];

/* NULL: there is none such. */
const struct conf_key *conf_find_key(const struct conf_schema *schema, const char *name);

#endif
