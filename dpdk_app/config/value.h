/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CONFIG_VALUE_H
#define LOCKSTEPD_CONFIG_VALUE_H

/* What stands behind a key, as its row in the schema has it. */

#include "schema.h"
#include "tree.h"

/* Puts what node says at `to`, of the kind's type; what is kept is copied into the arena. Not for
 * blocks. 0, or -1: complained about. */
int value_set(void *to, const struct conf_key *key, const struct node *node, struct arena *arena,
              struct complaints *c);

/* Whether a list is as long as its key has it; else it is complained about. */
bool value_is_length(uint64_t num, const struct conf_key *key, const struct place *place,
                     struct complaints *c);

/* A time with the unit that suits it, as 10s or 500ms. */
const char *value_time_text(char text[32], uint64_t us);
/* The same of bytes: 64k, 16385. */
const char *value_size_text(char text[32], uint64_t bytes);
/* What one of a time's kind counts in, in microseconds; 0: it is no time. */
uint64_t value_unit_us(enum conf_kind kind);

/* Of n words, the one that was probably meant; NULL: none is near. */
const char *value_nearest(const char *word, const char *(*name)(const void *from, uint32_t i),
                          const void *from, uint32_t num);

#endif
