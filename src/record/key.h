/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_RECORD_KEY_H
#define LKS_RECORD_KEY_H

/* What connections ask of a key, whose members are the engine's. */

#include <stdio.h>

#include <lockstep/engine.h>

#include "record/protection.h"
#include "simd/aead.h"

/* Whether it was set up; before that, records go as they are. */
static inline bool lks_key_is_set(const struct lks_key *key)
{
    return key->aead;
}

/* Bytes that an AEAD's tag adds to a record. The key is set. */
static inline size_t lks_key_tag_len(const struct lks_key *key)
{
    return key->aead->tag_len;
}

/* Whether records do not show their type, and may be padded: TLS 1.3's. */
static inline bool lks_key_hides_type(const struct lks_key *key)
{
    return key->protection && key->protection->hides_type;
}

/* Algorithm and instruction set, "aes-128-gcm/vaes256", for people. The key is set. */
static inline void lks_key_describe(const struct lks_key *key, char *out, size_t len)
{
    snprintf(out, len, "%s/%s", key->aead->name, key->aead->isa);
}

#endif
