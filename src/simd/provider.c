/* SPDX-License-Identifier: BSD-3-Clause */
#include "simd/provider.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <lockstep/engine.h>

#include "simd/aead_rows.h"

#ifdef LKS_HAVE_IPSEC_MB
#include "simd/ipsec_mb.h"

const struct lks_aead *lks_provider_row(unsigned int id)
{
    static const struct lks_aead *const rows[LKS_NUM_ALGORITHMS] = {
        [LKS_AES_128_GCM] = &lks_aes_128_gcm_ipsec_mb,
        [LKS_AES_256_GCM] = &lks_aes_256_gcm_ipsec_mb,
        [LKS_CHACHA20_POLY1305] = &lks_chacha20_poly1305_ipsec_mb,
        [LKS_AES_128_CBC_SHA] = &lks_aes_128_cbc_sha_ipsec_mb,
        [LKS_AES_256_CBC_SHA] = &lks_aes_256_cbc_sha_ipsec_mb,
        [LKS_AES_128_CBC_SHA256] = &lks_aes_128_cbc_sha256_ipsec_mb,
        [LKS_AES_256_CBC_SHA256] = &lks_aes_256_cbc_sha256_ipsec_mb,
        [LKS_AES_256_CBC_SHA384] = &lks_aes_256_cbc_sha384_ipsec_mb,
        [LKS_AES_128_CBC_SHA_ETM] = &lks_aes_128_cbc_sha_etm_ipsec_mb,
        [LKS_AES_256_CBC_SHA_ETM] = &lks_aes_256_cbc_sha_etm_ipsec_mb,
        [LKS_AES_128_CBC_SHA256_ETM] = &lks_aes_128_cbc_sha256_etm_ipsec_mb,
        [LKS_AES_256_CBC_SHA256_ETM] = &lks_aes_256_cbc_sha256_etm_ipsec_mb,
        [LKS_AES_256_CBC_SHA384_ETM] = &lks_aes_256_cbc_sha384_etm_ipsec_mb,
    };
    return id < LKS_NUM_ALGORITHMS && lks_ipsec_mb_usable() ? rows[id] : NULL;
}

bool lks_provider_manager_new(void **out)
{
    *out = NULL;
    if (!lks_ipsec_mb_usable() || lks_provider_choice() == LKS_PROVIDER_LOCKSTEP)
        return true;
    *out = lks_ipsec_mb_manager_new();
    return *out != NULL;
}

void lks_provider_manager_free(void *manager)
{
    lks_ipsec_mb_manager_free(manager);
}

static bool is_here(void)
{
    return lks_ipsec_mb_usable();
}

#else

const struct lks_aead *lks_provider_row(unsigned int id)
{
    (void)id;
    return NULL;
}

bool lks_provider_manager_new(void **out)
{
    *out = NULL;
    return true;
}

void lks_provider_manager_free(void *manager)
{
    (void)manager;
}

static bool is_here(void)
{
    return false;
}

#endif

static enum lks_provider choose(const char *name)
{
    if (!name || !*name)
        return LKS_PROVIDER_DEFAULT;
    if (!strcmp(name, "lockstep"))
        return LKS_PROVIDER_LOCKSTEP;
    if (strcmp(name, "ipsec_mb") != 0)
        return LKS_PROVIDER_UNKNOWN;
    return is_here() ? LKS_PROVIDER_IPSEC_MB : LKS_PROVIDER_ABSENT;
}

enum lks_provider lks_provider_choice(void)
{
    static _Atomic int cached; /* the choice + 1 */
    int v = atomic_load_explicit(&cached, memory_order_relaxed);
    if (!v) {
        v = (int)choose(getenv("LOCKSTEP_PROVIDER")) + 1;
        atomic_store_explicit(&cached, v, memory_order_relaxed);
    }
    return (enum lks_provider)(v - 1);
}
