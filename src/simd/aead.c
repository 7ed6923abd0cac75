/* SPDX-License-Identifier: BSD-3-Clause */
#include "simd/aead.h"

#include <stdlib.h>
#include <string.h>

#include <lockstep/engine.h>

#include "base/cpu.h"
#include "base/ct.h"
#include "simd/aead_rows.h"
#include "simd/isa.h"
#include "simd/provider.h"

#if defined(LKS_EMULATED_512) /* tests/simd/emulate: the tiers on zmm, and portable beside them */
#define X86(row)
#define X86_512(row) &row,
#elif defined(LKS_SIMD_X86)
#define X86(row)     &row,
#define X86_512(row) &row,
#else
#define X86(row)
#define X86_512(row)
#endif

static const struct lks_aead *const aes_128_gcm_rows[] = {
    X86_512(lks_aes_128_gcm_vaes512) X86(lks_aes_128_gcm_vaes256) X86(lks_aes_128_gcm_aesni) &
        lks_aes_128_gcm_portable,
    NULL};
static const struct lks_aead *const aes_256_gcm_rows[] = {
    X86_512(lks_aes_256_gcm_vaes512) X86(lks_aes_256_gcm_vaes256) X86(lks_aes_256_gcm_aesni) &
        lks_aes_256_gcm_portable,
    NULL};
static const struct lks_aead *const chacha20_poly1305_rows[] = {
    X86_512(lks_chacha20_poly1305_avx512) X86(lks_chacha20_poly1305_avx2) &
        lks_chacha20_poly1305_portable,
    NULL};

static const struct lks_aead *const aes_128_ccm_rows[] = {
    X86(lks_aes_128_ccm_vaes256) X86(lks_aes_128_ccm_aesni) & lks_aes_128_ccm_portable, NULL};
static const struct lks_aead *const aes_128_ccm_8_rows[] = {
    X86(lks_aes_128_ccm_8_vaes256) X86(lks_aes_128_ccm_8_aesni) & lks_aes_128_ccm_8_portable, NULL};
static const struct lks_aead *const aes_256_ccm_rows[] = {
    X86(lks_aes_256_ccm_vaes256) X86(lks_aes_256_ccm_aesni) & lks_aes_256_ccm_portable, NULL};
static const struct lks_aead *const aes_256_ccm_8_rows[] = {
    X86(lks_aes_256_ccm_8_vaes256) X86(lks_aes_256_ccm_8_aesni) & lks_aes_256_ccm_8_portable, NULL};

/* An algorithm with a MAC has one kernel of our own. */
#define ONE_ROW(suite) ((const struct lks_aead *const[]){&lks_##suite##_portable, NULL})

static const struct lks_aead *const *const all_rows[LKS_NUM_ALGORITHMS] = {
    [LKS_AES_128_GCM] = aes_128_gcm_rows,
    [LKS_AES_256_GCM] = aes_256_gcm_rows,
    [LKS_CHACHA20_POLY1305] = chacha20_poly1305_rows,
    [LKS_AES_128_CCM] = aes_128_ccm_rows,
    [LKS_AES_128_CCM_8] = aes_128_ccm_8_rows,
    [LKS_AES_256_CCM] = aes_256_ccm_rows,
    [LKS_AES_256_CCM_8] = aes_256_ccm_8_rows,
    [LKS_AES_128_CBC_SHA] = ONE_ROW(aes_128_cbc_sha),
    [LKS_AES_256_CBC_SHA] = ONE_ROW(aes_256_cbc_sha),
    [LKS_AES_128_CBC_SHA256] = ONE_ROW(aes_128_cbc_sha256),
    [LKS_AES_256_CBC_SHA256] = ONE_ROW(aes_256_cbc_sha256),
    [LKS_AES_256_CBC_SHA384] = ONE_ROW(aes_256_cbc_sha384),
    [LKS_AES_128_CBC_SHA_ETM] = ONE_ROW(aes_128_cbc_sha_etm),
    [LKS_AES_256_CBC_SHA_ETM] = ONE_ROW(aes_256_cbc_sha_etm),
    [LKS_AES_128_CBC_SHA256_ETM] = ONE_ROW(aes_128_cbc_sha256_etm),
    [LKS_AES_256_CBC_SHA256_ETM] = ONE_ROW(aes_256_cbc_sha256_etm),
    [LKS_AES_256_CBC_SHA384_ETM] = ONE_ROW(aes_256_cbc_sha384_etm),
};

#define NEEDS_AESNI (LKS_CPU_AESNI | LKS_CPU_PCLMUL | LKS_CPU_SSSE3 | LKS_CPU_SSE41)
#define NEEDS_VAES  (NEEDS_AESNI | LKS_CPU_AVX | LKS_CPU_AVX2 | LKS_CPU_VAES | LKS_CPU_VPCLMUL)
#define NEEDS_AVX512 \
    (LKS_CPU_AVX512F | LKS_CPU_AVX512BW | LKS_CPU_AVX512VL | LKS_CPU_AVX512DQ | LKS_CPU_WIDE512)

#ifdef LKS_EMULATED_512
#define NEEDS_512(needs) NEEDS_AESNI
#else
#define NEEDS_512(needs) (needs)
#endif

/* What the CPU must have for each tier: the combination, since none of these implies another. */
static const struct {
    const char *isa;
    uint32_t needs;
} tiers[] = {
    {"portable", 0},
    {"aesni", NEEDS_AESNI},
    {"avx2", LKS_CPU_AVX | LKS_CPU_AVX2 | LKS_CPU_BMI2},
    {"vaes256", NEEDS_VAES},
    {"avx512", NEEDS_512(LKS_CPU_AVX | LKS_CPU_AVX2 | NEEDS_AVX512 | LKS_CPU_AVX512IFMA)},
    {"vaes512", NEEDS_512(NEEDS_VAES | NEEDS_AVX512 | LKS_CPU_BMI2)},
};

const struct lks_aead *const *lks_aead_rows(unsigned int id)
{
    static const struct lks_aead *const none[] = {NULL};
    return id < LKS_NUM_ALGORITHMS && all_rows[id] ? all_rows[id] : none;
}

bool lks_isa_usable(const char *isa)
{
    for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++)
        if (strcmp(isa, tiers[i].isa) == 0)
            return lks_cpu_has(tiers[i].needs);
    return false;
}

bool lks_aead_usable(const struct lks_aead *row)
{
    return lks_isa_usable(row->isa);
}

const struct lks_aead *lks_aead_best(unsigned int id)
{
    const int cap = lks_isa_cap(), provider = lks_provider_choice();
    const struct lks_aead *theirs = lks_provider_row(id);
    if (cap < 0 || provider >= LKS_PROVIDER_UNKNOWN)
        return NULL;
    if (theirs && (provider == LKS_PROVIDER_IPSEC_MB ||
                   (provider == LKS_PROVIDER_DEFAULT && theirs->has_mac && cap > 0)))
        return theirs;
    for (const struct lks_aead *const *row = lks_aead_rows(id); *row; row++)
        if (lks_isa_rank((*row)->isa) <= cap && lks_aead_usable(*row))
            return *row;
    return NULL;
}

bool lks_aead_init_state(const struct lks_aead *row, uint8_t *state, const uint8_t *key)
{
    if (row->heap_len) {
        void *heap = aligned_alloc(64, (row->heap_len + 63u) / 64 * 64);
        if (!heap)
            return false;
        memcpy(state, &heap, sizeof(heap));
    }
    row->init(state, key);
    return true;
}

void lks_aead_wipe_state(const struct lks_aead *row, uint8_t *state)
{
    if (row->heap_len) {
        void *heap;
        memcpy(&heap, state, sizeof(heap));
        lks_wipe(heap, row->heap_len);
        free(heap);
    }
    lks_wipe(state, row->state_len);
}

void lks_aead_wipe_text(const struct lks_aead_job *job)
{
    for (uint32_t i = 0; i < job->num_segs; i++)
        lks_wipe(job->segs[i].dst, job->segs[i].len);
}
