/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include <lockstep/engine.h>

#include "base/cpu.h"
#include "base/ct.h"
#include "record/protection.h"
#include "record/record.h"
#include "simd/aead.h"
#include "simd/mlkem.h"

_Static_assert(sizeof(struct lks_key) % 64 == 0, "keys are whole cache lines");
_Static_assert(offsetof(struct lks_key, state) == 48,
               "the kernel's state begins in the first line");

bool lks_isa_is_known(void)
{
    return lks_isa_cap() >= 0;
}

enum lks_status lks_key_init(struct lks_key *key, enum lks_version version, enum lks_aead_id aead,
                             enum lks_dir dir, const uint8_t *secret_key, const uint8_t *iv)
{
    if ((unsigned int)aead >= LKS_NUM_AEADS || (dir != LKS_SEAL && dir != LKS_OPEN) ||
        (version != LKS_TLS_1_2 && version != LKS_TLS_1_3))
        return LKS_BAD_ARGUMENT;
    if (!lks_isa_is_known())
        return LKS_BAD_CONFIG;
    lks_key_wipe(key);
    const struct lks_protection *protection = lks_protection_of(version, aead);
    if (!protection)
        return LKS_UNSUPPORTED;
    if (!protection->is_plaintext) {
        if (!secret_key || !iv)
            return LKS_BAD_ARGUMENT;
        key->aead = lks_aead_best(aead);
        if (!key->aead)
            return LKS_UNSUPPORTED;
        key->aead->init(key->state, secret_key);
        memcpy(key->iv, iv, sizeof(key->iv));
    }
    key->protection = protection;
    key->dir = (uint8_t)dir;
    return LKS_OK;
}

void lks_key_wipe(struct lks_key *key)
{
    lks_wipe(key, sizeof(*key));
}

/* Records kept in hand between "update soon" and the limit: a burst that is under way, and the
 * KeyUpdate itself. */
#define RECORDS_IN_HAND 65536u

bool lks_key_wants_update(const struct lks_key *key)
{
    return key->aead && key->seq >= key->aead->max_records - RECORDS_IN_HAND;
}

size_t lks_engine_describe(char *text, size_t cap)
{
    size_t len = 0;
    if (cap)
        text[0] = '\0';
    if (!lks_isa_is_known())
        return (size_t)snprintf(text, cap,
                                "LOCKSTEP_ISA names no instruction set that Lockstep knows: use "
                                "portable, aesni, avx2, vaes256, avx512 or vaes512\n");
    for (unsigned int id = 0; id < LKS_NUM_AEADS; id++) {
        const struct lks_aead *row = lks_aead_best(id);
        char line[128] = "";
        if (!row)
            continue;
        if (row->lanes_max_len)
            snprintf(line, sizeof(line), "%s: %s, %u records in lanes up to %u bytes\n", row->name,
                     row->isa, row->num_lanes, row->lanes_max_len);
        else
            snprintf(line, sizeof(line), "%s: %s\n", row->name, row->isa);
        if (len < cap)
            snprintf(text + len, cap - len, "%s", line);
        len += strlen(line);
    }
    const struct lks_mlkem *mlkem = lks_mlkem_best();
    if (mlkem)
        len += (size_t)snprintf(len < cap ? text + len : NULL, len < cap ? cap - len : 0,
                                "%s: %s\n", mlkem->name, mlkem->isa);
    return len;
}
