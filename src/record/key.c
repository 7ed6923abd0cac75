/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include <lockstep/engine.h>

#include "base/cpu.h"
#include "base/ct.h"
#include "record/piece.h"
#include "record/protection.h"
#include "record/record.h"
#include "simd/aead.h"
#include "simd/mlkem.h"
#include "simd/provider.h"

_Static_assert(sizeof(struct lks_key) % 64 == 0, "keys are whole cache lines");
_Static_assert(offsetof(struct lks_key, state) == 48,
               "the kernel's state begins in the first line");

/* What lies in the first line and the one behind it. */
#define TWO_LINES (128u - offsetof(struct lks_key, state))

bool lks_kernels_are_known(void)
{
    return lks_isa_cap() >= 0 && lks_provider_choice() < LKS_PROVIDER_UNKNOWN;
}

enum lks_status lks_key_sizes(struct lks_key_sizes *out, enum lks_aead_id aead)
{
    const struct lks_protection *protection = lks_protection_of(LKS_TLS_1_2, aead);
    const struct lks_aead *const *row = lks_aead_rows(aead);
    *out = (struct lks_key_sizes){0};
    if (!protection)
        return (unsigned int)aead < LKS_NUM_ALGORITHMS ? LKS_UNSUPPORTED : LKS_BAD_ARGUMENT;
    if (!*row) /* plaintext */
        return LKS_OK;
    out->mac_key = (*row)->mac_key_len;
    out->cipher_key = (uint8_t)((*row)->key_len - (*row)->mac_key_len);
    if (!protection->has_mac)
        out->fixed_iv = protection->explicit_nonce_len ? 4 : 12;
    return LKS_OK;
}

enum lks_status lks_key_init(struct lks_key *key, enum lks_version version, enum lks_aead_id aead,
                             enum lks_dir dir, const uint8_t *secret_key, const uint8_t *iv)
{
    if ((unsigned int)aead >= LKS_NUM_ALGORITHMS || (dir != LKS_SEAL && dir != LKS_OPEN) ||
        (version != LKS_TLS_1_2 && version != LKS_TLS_1_3))
        return LKS_BAD_ARGUMENT;
    if (!lks_kernels_are_known())
        return LKS_BAD_CONFIG;
    /* RFC 8446 section 5.3: numbers start at 0. [8446 5.3-1] [5246 6.1-1] */
    lks_wipe(key, sizeof(*key));
    const struct lks_protection *protection = lks_protection_of(version, aead);
    if (!protection)
        return LKS_UNSUPPORTED;
    if (!protection->is_plaintext) {
        if (!secret_key || (!iv && !protection->has_mac))
            return LKS_BAD_ARGUMENT;
        const struct lks_aead *row = lks_aead_best(aead);
        if (!row)
            return LKS_UNSUPPORTED;
        if (!lks_aead_init_state(row, key->state, secret_key))
            return LKS_NO_MEMORY;
        key->aead = row;
        if (iv)
            memcpy(key->iv, iv, sizeof(key->iv));
    }
    key->protection = protection;
    key->makes_pieces = protection->hides_type && key->aead->tag_len == PIECE_TAG_LEN;
    if (key->aead) {
        key->near_len = key->aead->state_len <= TWO_LINES ? UINT16_MAX : key->aead->near_len;
        key->needs_third_line = key->aead->near_state_len > TWO_LINES;
    }
    key->dir = (uint8_t)dir;
    return LKS_OK;
}

void lks_key_wipe(struct lks_key *key)
{
    if (key->aead)
        lks_aead_wipe_state(key->aead, key->state);
    lks_wipe(key, sizeof(*key));
}

/* Records kept in hand between "update soon" and the limit: a burst that is under way, and the
 * KeyUpdate itself. */
#define RECORDS_IN_HAND 65536u

bool lks_key_wants_update(const struct lks_key *key)
{
    return key->aead && key->seq >= key->aead->max_records - RECORDS_IN_HAND;
}

/* What is wrong with the environment; NULL if nothing is. */
static const char *config_error(void)
{
    if (lks_isa_cap() < 0)
        return "LOCKSTEP_ISA names no instruction set that Lockstep knows: use portable, aesni, "
               "avx2, vaes256, avx512 or vaes512\n";
    if (lks_provider_choice() == LKS_PROVIDER_UNKNOWN)
        return "LOCKSTEP_PROVIDER names no provider that Lockstep knows: use lockstep or "
               "ipsec_mb\n";
    if (lks_provider_choice() == LKS_PROVIDER_ABSENT)
        return "LOCKSTEP_PROVIDER asks for ipsec_mb, which is not built in or not for this CPU: "
               "use lockstep, or build with -Dipsec_mb=enabled\n";
    return NULL;
}

size_t lks_engine_describe(char *text, size_t cap)
{
    size_t len = 0;
    if (cap)
        text[0] = '\0';
    if (config_error())
        return (size_t)snprintf(text, cap, "%s", config_error());
    for (unsigned int id = 0; id < LKS_NUM_ALGORITHMS; id++) {
        const struct lks_aead *row = lks_aead_best(id);
        char line[128] = "", most[32] = "of any length";
        if (!row)
            continue;
        if (row->lanes_max_len <= LKS_RECORD_PLAINTEXT_MAX)
            snprintf(most, sizeof(most), "up to %u bytes", row->lanes_max_len);
        if (row->num_lanes)
            snprintf(line, sizeof(line), "%s: %s, %u records in lanes %s\n", row->name, row->isa,
                     row->num_lanes, most);
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
