/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * AES-CBC with HMAC by ipsec-mb's multi-buffer jobs: many connections' chains are encrypted and
 * hashed in the lanes of vectors. The keys' state is the portable rows' own, so is the layout of a
 * record in scratch memory; the library gets each record in one piece. It takes the jobs of a whole
 * burst and gives them back as they are done; all are done when a call here returns.
 *
 * Opening MAC-then-encrypt, only the decryption is the library's: it has no hash whose time hides a
 * secret length.
 */

#include <intel-ipsec-mb.h>
#include <stdlib.h>
#include <string.h>

#include <lockstep/engine.h>

#include "base/ct.h"
#include "simd/aead_rows.h"
#include "simd/cbc_hmac.h"
#include "simd/ipsec_mb.h"

#define SCRATCH_LEN (256u * 1024u) /* of all records under way; stays in the second-level cache */
#define PENDING_MAX 128u           /* fewer than the library's queue has */

struct pending {
    _Alignas(16) uint8_t encrypt_keys[CBC_ROUND_KEYS_MAX];
    uint8_t decrypt_keys[CBC_ROUND_KEYS_MAX];
    uint8_t mac[LKS_MAC_LEN_MAX];
    struct lks_aead_job *job;
    uint8_t *scratch;
    bool done;
};

struct manager {
    IMB_MGR *mgr;
    IMB_MGR *sha_mgr; /* for SHA-1 and SHA-256; the same one, or that of SHA-NI */
    uint8_t *scratch;
    size_t used;
    uint32_t num_pending;
    struct pending pending[PENDING_MAX];
};

/*
 * The library takes its widest instruction set for all. With AVX2 and SHA-NI, but without the GFNI
 * of its own second type of AVX2, that is eight lanes of AVX2, where SHA-NI, which its SSE side
 * uses, is faster for SHA-256 and no slower for SHA-1 (docs/KERNELS.md has figures).
 */
static bool prefers_sha_ni(const IMB_MGR *mgr)
{
    const uint64_t f = mgr->features;
    return (f & IMB_FEATURE_SHANI) && !(f & (IMB_FEATURE_AVX512F | IMB_FEATURE_GFNI));
}

void *lks_ipsec_mb_manager_new(void)
{
    IMB_ARCH arch;
    struct manager *m = aligned_alloc(64, (sizeof(*m) + 63) / 64 * 64);
    if (!m)
        return NULL;
    memset(m, 0, sizeof(*m));
    m->scratch = aligned_alloc(64, SCRATCH_LEN);
    m->mgr = alloc_mb_mgr(0);
    if (!m->scratch || !m->mgr) {
        lks_ipsec_mb_manager_free(m);
        return NULL;
    }
    init_mb_mgr_auto(m->mgr, &arch);
    m->sha_mgr = m->mgr;
    if (prefers_sha_ni(m->mgr)) {
        m->sha_mgr = alloc_mb_mgr(0);
        if (!m->sha_mgr) {
            lks_ipsec_mb_manager_free(m);
            return NULL;
        }
        init_mb_mgr_sse(m->sha_mgr);
    }
    return m;
}

void lks_ipsec_mb_manager_free(void *manager)
{
    struct manager *m = manager;
    if (!m)
        return;
    if (m->sha_mgr && m->sha_mgr != m->mgr)
        free_mb_mgr(m->sha_mgr);
    if (m->mgr)
        free_mb_mgr(m->mgr);
    free(m->scratch);
    free(m);
}

static void expand(const struct manager *m, const struct cbc_hmac *alg, struct pending *p,
                   const uint8_t *key)
{
    if (alg->cipher_key_len == 16)
        IMB_AES_KEYEXP_128(m->mgr, key, p->encrypt_keys, p->decrypt_keys);
    else
        IMB_AES_KEYEXP_256(m->mgr, key, p->encrypt_keys, p->decrypt_keys);
}

static IMB_MGR *manager_of(const struct manager *m, const struct cbc_hmac *alg)
{
    return alg->sha == &lks_sha384 ? m->mgr : m->sha_mgr;
}

static IMB_HASH_ALG hash_of(const struct cbc_hmac *alg)
{
    return alg->sha == &lks_sha1     ? IMB_AUTH_HMAC_SHA_1
           : alg->sha == &lks_sha256 ? IMB_AUTH_HMAC_SHA_256
                                     : IMB_AUTH_HMAC_SHA_384;
}

static void fill_common(const struct cbc_hmac *alg, IMB_JOB *j, const struct pending *p,
                        uint32_t cipher_at, uint32_t cipher_len)
{
    const uint8_t *state = p->job->state;
    j->cipher_mode = IMB_CIPHER_CBC;
    j->key_len_in_bytes = alg->cipher_key_len;
    j->src = p->scratch;
    j->dst = p->scratch + cipher_at;
    j->cipher_start_src_offset_in_bytes = cipher_at;
    j->msg_len_to_cipher_in_bytes = cipher_len;
    j->iv_len_in_bytes = LKS_BLOCK_LEN;
    j->hash_alg = hash_of(alg);
    j->u.HMAC._hashed_auth_key_xor_ipad = state + alg->inner_at;
    j->u.HMAC._hashed_auth_key_xor_opad = state + alg->outer_at;
    j->auth_tag_output_len_in_bytes = alg->sha->digest_len;
}

static void fill_seal(const struct manager *m, const struct cbc_hmac *alg, IMB_JOB *j,
                      struct pending *p)
{
    const uint32_t len = p->job->len, enc_len = lks_cbc_hmac_enc_len(alg, len);
    const uint8_t *state = p->job->state;
    uint8_t *text = p->scratch + CBC_TEXT_AT;
    lks_cbc_hmac_begin_seal(alg, p->scratch, p->job);
    fill_common(alg, j, p, LKS_BLOCK_LEN, LKS_BLOCK_LEN + enc_len);
    if (alg->is_raw_key)
        expand(m, alg, p, state);
    j->enc_keys = j->dec_keys = alg->is_raw_key ? p->encrypt_keys : state;
    j->cipher_direction = IMB_DIR_ENCRYPT;
    j->iv = state + alg->mask_at;
    if (alg->mac_inside) {
        j->chain_order = IMB_ORDER_HASH_CIPHER;
        j->hash_start_src_offset_in_bytes = LKS_BLOCK_LEN + CBC_AAD_AT;
        j->msg_len_to_hash_in_bytes = CBC_AAD_LEN + len;
        j->auth_tag_output = text + len;
    } else {
        j->chain_order = IMB_ORDER_CIPHER_HASH;
        j->hash_start_src_offset_in_bytes = CBC_AAD_AT;
        j->msg_len_to_hash_in_bytes = CBC_AAD_LEN + LKS_BLOCK_LEN + enc_len;
        j->auth_tag_output = text + enc_len;
    }
}

static void fill_open(const struct manager *m, const struct cbc_hmac *alg, IMB_JOB *j,
                      struct pending *p)
{
    const uint32_t len = p->job->len;
    lks_cbc_hmac_begin_open(alg, p->scratch, p->job);
    fill_common(alg, j, p, CBC_TEXT_AT, len);
    expand(m, alg, p, p->job->state); /* round keys begin with the key */
    j->enc_keys = p->encrypt_keys;
    j->dec_keys = p->decrypt_keys;
    j->cipher_direction = IMB_DIR_DECRYPT;
    j->iv = p->scratch + LKS_BLOCK_LEN;
    j->auth_tag_output = p->mac;
    j->chain_order = IMB_ORDER_HASH_CIPHER;
    j->hash_start_src_offset_in_bytes = CBC_AAD_AT;
    j->msg_len_to_hash_in_bytes = CBC_AAD_LEN + LKS_BLOCK_LEN + len;
    if (alg->mac_inside)
        j->hash_alg = IMB_AUTH_NULL;
}

static void note_done(IMB_JOB *j)
{
    if (j)
        ((struct pending *)j->user_data)->done = j->status == IMB_STATUS_COMPLETED;
}

/* The library refused the job, which it has no reason to: nothing was written yet. */
static void by_portable(struct lks_aead_job *job, unsigned int id, bool seals)
{
    const struct lks_aead *row = *lks_aead_rows(id);
    (seals ? row->seal : row->open)(job);
}

static void end(const struct cbc_hmac *alg, struct pending *p, unsigned int id, bool seals)
{
    if (!p->done)
        by_portable(p->job, id, seals);
    else if (seals)
        lks_cbc_hmac_end_seal(alg, p->scratch, p->job);
    else
        lks_cbc_hmac_end_open(alg, p->scratch, p->job,
                              alg->mac_inside ||
                                  lks_ct_memeq(p->mac, p->job->side->tail, alg->sha->digest_len));
}

/* Runs what waits, and ends its jobs. */
static void flush(struct manager *m, const struct cbc_hmac *alg, unsigned int id, bool seals)
{
    IMB_MGR *mgr = manager_of(m, alg);
    for (IMB_JOB *j = IMB_FLUSH_JOB(mgr); j; j = IMB_FLUSH_JOB(mgr))
        note_done(j);
    for (uint32_t i = 0; i < m->num_pending; i++) {
        struct pending *p = &m->pending[i];
        end(alg, p, id, seals);
        if (!seals || alg->is_raw_key)
            lks_wipe(p, sizeof(*p));
    }
    if (!seals)
        lks_wipe(m->scratch, m->used);
    m->used = 0;
    m->num_pending = 0;
}

static void run(struct lks_aead_job *const *jobs, size_t num_jobs, unsigned int id, bool seals)
{
    const struct cbc_hmac *alg = lks_cbc_hmac_of(id);
    struct manager *m = num_jobs ? jobs[0]->side->manager : NULL;
    for (size_t i = 0; i < num_jobs; i++) {
        if (!m) { /* a caller without an engine */
            by_portable(jobs[i], id, seals);
            continue;
        }
        const size_t room = (CBC_TEXT_AT + jobs[i]->len + LKS_MAC_TAIL_MAX + 63u) / 64 * 64;
        if (m->num_pending == PENDING_MAX || m->used + room > SCRATCH_LEN)
            flush(m, alg, id, seals);
        struct pending *p = &m->pending[m->num_pending++];
        p->job = jobs[i];
        p->scratch = m->scratch + m->used;
        p->done = false;
        m->used += room;
        IMB_MGR *mgr = manager_of(m, alg);
        IMB_JOB *j = IMB_GET_NEXT_JOB(mgr);
        j->user_data = p;
        (seals ? fill_seal : fill_open)(m, alg, j, p);
        for (j = IMB_SUBMIT_JOB(mgr); j; j = IMB_GET_COMPLETED_JOB(mgr))
            note_done(j);
    }
    if (m)
        flush(m, alg, id, seals);
}

/* A row beside the portable one of the same sizes. */
#define ROW(suite, ID, cipher_len, mac_len, keys_len, sha_state_len, inside)          \
    static void init_##suite(uint8_t *state, const uint8_t *key)                      \
    {                                                                                 \
        lks_cbc_hmac_init(lks_cbc_hmac_of(ID), state, key);                           \
    }                                                                                 \
    static void seal_lanes_##suite(struct lks_aead_job *const *jobs, size_t num_jobs) \
    {                                                                                 \
        run(jobs, num_jobs, ID, true);                                                \
    }                                                                                 \
    static void open_lanes_##suite(struct lks_aead_job *const *jobs, size_t num_jobs) \
    {                                                                                 \
        run(jobs, num_jobs, ID, false);                                               \
    }                                                                                 \
    static void seal_##suite(struct lks_aead_job *job)                                \
    {                                                                                 \
        run(&job, 1, ID, true);                                                       \
    }                                                                                 \
    static void open_##suite(struct lks_aead_job *job)                                \
    {                                                                                 \
        run(&job, 1, ID, false);                                                      \
    }                                                                                 \
    const struct lks_aead lks_##suite##_ipsec_mb = {                                  \
        .name = #suite,                                                               \
        .isa = "ipsec_mb",                                                            \
        .id = (ID),                                                                   \
        .key_len = (cipher_len) + (mac_len),                                          \
        .tag_len = (mac_len),                                                         \
        .mac_key_len = (mac_len),                                                     \
        .has_mac = true,                                                              \
        .mac_inside = (inside),                                                       \
        .state_len = (keys_len) + 2 * (sha_state_len) + LKS_BLOCK_LEN,                \
        .max_records = LKS_CBC_MAX_RECORDS,                                           \
        .init = init_##suite,                                                         \
        .seal = seal_##suite,                                                         \
        .open = open_##suite,                                                         \
        .lanes_max_len = UINT32_MAX,                                                  \
        .num_lanes = 8,                                                               \
        .seal_lanes = seal_lanes_##suite,                                             \
        .open_lanes = open_lanes_##suite,                                             \
    };
LKS_CBC_ROWS(ROW)
