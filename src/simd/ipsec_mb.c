/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * AES-GCM and ChaCha20-Poly1305 by ipsec-mb's direct functions, a message a call. AES-GCM's key
 * data are too big for a connection's key and lie on the heap.
 */

#include "simd/ipsec_mb.h"

#include <intel-ipsec-mb.h>
#include <stdatomic.h>
#include <string.h>

#include <lockstep/engine.h>

#include "base/cpu.h"
#include "base/ct.h"
#include "simd/aead_rows.h"

static IMB_MGR *manager_for_this_cpu(void)
{
    IMB_ARCH arch = IMB_ARCH_NONE;
    IMB_MGR *mgr = alloc_mb_mgr(0);
    if (!mgr)
        return NULL;
    init_mb_mgr_auto(mgr, &arch);
    if (arch != IMB_ARCH_NONE && !imb_get_errno(mgr))
        return mgr;
    free_mb_mgr(mgr);
    return NULL;
}

/* The process's own, for its functions; whoever comes first makes it. */
static IMB_MGR *functions(void)
{
    static _Atomic(IMB_MGR *) shared;
    IMB_MGR *mgr = atomic_load_explicit(&shared, memory_order_acquire), *none = NULL;
    if (mgr)
        return mgr;
    mgr = manager_for_this_cpu();
    if (!mgr || atomic_compare_exchange_strong(&shared, &none, mgr))
        return mgr;
    free_mb_mgr(mgr);
    return none;
}

bool lks_ipsec_mb_usable(void)
{
    return lks_cpu_has(LKS_CPU_AESNI | LKS_CPU_PCLMUL | LKS_CPU_SSSE3 | LKS_CPU_SSE41) &&
           functions() != NULL;
}

static struct gcm_key_data *gcm_key(const uint8_t *state)
{
    struct gcm_key_data *key;
    memcpy(&key, state, sizeof(key));
    return key;
}

/* The functions of one key length. */
struct gcm {
    aes_gcm_enc_dec_t seal, open;
    aes_gcm_init_t init;
    aes_gcm_enc_dec_update_t seal_update, open_update;
    aes_gcm_enc_dec_finalize_t seal_end, open_end;
};

static struct gcm gcm_of(const IMB_MGR *f, bool is_256)
{
    if (is_256)
        return (struct gcm){f->gcm256_enc,         f->gcm256_dec,        f->gcm256_init,
                            f->gcm256_enc_update,  f->gcm256_dec_update, f->gcm256_enc_finalize,
                            f->gcm256_dec_finalize};
    return (struct gcm){f->gcm128_enc,         f->gcm128_dec,        f->gcm128_init,
                        f->gcm128_enc_update,  f->gcm128_dec_update, f->gcm128_enc_finalize,
                        f->gcm128_dec_finalize};
}

static void gcm_run(const struct lks_aead_job *job, uint8_t *tag, bool is_256, bool seals)
{
    const struct gcm gcm = gcm_of(functions(), is_256);
    const struct gcm_key_data *key = gcm_key(job->state);
    const struct lks_seg *segs = job->segs;
    struct gcm_context_data ctx;
    if (job->num_segs == 1) {
        (seals ? gcm.seal : gcm.open)(key, &ctx, segs->dst, segs->src, segs->len, job->nonce,
                                      job->aad, job->aad_len, tag, 16);
    } else {
        gcm.init(key, &ctx, job->nonce, job->aad, job->aad_len);
        for (uint32_t i = 0; i < job->num_segs; i++)
            (seals ? gcm.seal_update : gcm.open_update)(key, &ctx, segs[i].dst, segs[i].src,
                                                        segs[i].len);
        (seals ? gcm.seal_end : gcm.open_end)(key, &ctx, tag, 16);
    }
    lks_wipe(&ctx, sizeof(ctx));
}

static void chacha_run(const struct lks_aead_job *job, uint8_t *tag, bool seals)
{
    const IMB_MGR *f = functions();
    const struct lks_seg *segs = job->segs;
    struct chacha20_poly1305_context_data ctx;
    f->chacha20_poly1305_init(job->state, &ctx, job->nonce, job->aad, job->aad_len);
    for (uint32_t i = 0; i < job->num_segs; i++)
        (seals ? f->chacha20_poly1305_enc_update : f->chacha20_poly1305_dec_update)(
            job->state, &ctx, segs[i].dst, segs[i].src, segs[i].len);
    f->chacha20_poly1305_finalize(&ctx, tag, 16);
    lks_wipe(&ctx, sizeof(ctx));
}

static void gcm128_init(uint8_t *state, const uint8_t *key)
{
    functions()->gcm128_pre(key, gcm_key(state));
}

static void gcm128_seal(struct lks_aead_job *job)
{
    gcm_run(job, job->tag, false, true);
}

static void gcm128_open(struct lks_aead_job *job)
{
    uint8_t tag[16];
    gcm_run(job, tag, false, false);
    lks_aead_finish_open(job, tag, sizeof(tag));
}

static void gcm256_init(uint8_t *state, const uint8_t *key)
{
    functions()->gcm256_pre(key, gcm_key(state));
}

static void gcm256_seal(struct lks_aead_job *job)
{
    gcm_run(job, job->tag, true, true);
}

static void gcm256_open(struct lks_aead_job *job)
{
    uint8_t tag[16];
    gcm_run(job, tag, true, false);
    lks_aead_finish_open(job, tag, sizeof(tag));
}

static void chacha_init(uint8_t *state, const uint8_t *key)
{
    memcpy(state, key, 32);
}

static void chacha_seal(struct lks_aead_job *job)
{
    chacha_run(job, job->tag, true);
}

static void chacha_open(struct lks_aead_job *job)
{
    uint8_t tag[16];
    chacha_run(job, tag, false);
    lks_aead_finish_open(job, tag, sizeof(tag));
}

const struct lks_aead lks_aes_128_gcm_ipsec_mb = {
    .name = "aes_128_gcm",
    .isa = "ipsec_mb",
    .id = LKS_AES_128_GCM,
    .key_len = 16,
    .tag_len = 16,
    .state_len = sizeof(struct gcm_key_data *),
    .heap_len = sizeof(struct gcm_key_data),
    .max_records = LKS_GCM_MAX_RECORDS,
    .init = gcm128_init,
    .seal = gcm128_seal,
    .open = gcm128_open,
};

const struct lks_aead lks_aes_256_gcm_ipsec_mb = {
    .name = "aes_256_gcm",
    .isa = "ipsec_mb",
    .id = LKS_AES_256_GCM,
    .key_len = 32,
    .tag_len = 16,
    .state_len = sizeof(struct gcm_key_data *),
    .heap_len = sizeof(struct gcm_key_data),
    .max_records = LKS_GCM_MAX_RECORDS,
    .init = gcm256_init,
    .seal = gcm256_seal,
    .open = gcm256_open,
};

const struct lks_aead lks_chacha20_poly1305_ipsec_mb = {
    .name = "chacha20_poly1305",
    .isa = "ipsec_mb",
    .id = LKS_CHACHA20_POLY1305,
    .key_len = 32,
    .tag_len = 16,
    .state_len = 32,
    .max_records = LKS_CHACHA_MAX_RECORDS,
    .init = chacha_init,
    .seal = chacha_seal,
    .open = chacha_open,
};
