/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AES-CBC with HMAC: printed vectors of the parts, then whole records of every row beside
 * libcrypto, which does them as RFC 5246 section 6.2.3.2 and RFC 7366 spell them out.
 */
#include <lockstep/engine.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "common/test.h"
#include "simd/aead.h"
#include "simd/aes_portable.h"
#include "simd/provider.h"
#include "simd/sha.h"

enum { AREA = 32768, MAX_SEGS = 40, MAX_JOBS = 40 };

static uint8_t *guarded; /* AREA bytes, the next one faults */
static void *manager;

/* FIPS 180-4's examples: "abc", and the two-block messages. */
static void test_hashes(void)
{
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    static const char two_long_blocks[] =
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
        "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    static const struct {
        const struct lks_sha *sha;
        const char *text, *digest;
    } examples[] = {
        {&lks_sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {&lks_sha1, two_blocks, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {&lks_sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {&lks_sha256, two_blocks,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {&lks_sha384, "abc",
         "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
         "8086072ba1e7cc2358baeca134c825a7"},
        {&lks_sha384, two_long_blocks,
         "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712"
         "fcc7c71a557e2db966c3e9fa91746039"},
    };
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        uint8_t want[64], got[64];
        size_t len = lks_test_hex(examples[i].digest, want, sizeof(want));
        lks_sha_digest(examples[i].sha, got, (const uint8_t *)examples[i].text,
                       strlen(examples[i].text));
        LKS_CHECK(!memcmp(got, want, len), "example %zu", i);
    }
}

/* RFC 2202 section 3 and RFC 4231 sections 4.2 and 4.3: test cases 1 and 2. */
static void test_hmacs(void)
{
    static const char key1[] = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";
    static const struct {
        const struct lks_sha *sha;
        const char *key, *text, *mac;
    } examples[] = {
        {&lks_sha1, key1, "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"},
        {&lks_sha1, "4a656665", "what do ya want for nothing?",
         "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {&lks_sha256, key1, "Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {&lks_sha256, "4a656665", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {&lks_sha384, key1, "Hi There",
         "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
         "faea9ea9076ede7f4af152e8b2fa9cb6"},
        {&lks_sha384, "4a656665", "what do ya want for nothing?",
         "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
         "8e2240ca5e69e2c78b3239ecfab21649"},
    };
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        uint8_t key[32], want[64], got[64], inner[64], outer[64];
        size_t key_len = lks_test_hex(examples[i].key, key, sizeof(key));
        size_t len = lks_test_hex(examples[i].mac, want, sizeof(want));
        lks_sha_hmac_init(examples[i].sha, inner, outer, key, key_len);
        lks_sha_hmac(examples[i].sha, got, inner, outer, (const uint8_t *)examples[i].text,
                     strlen(examples[i].text));
        LKS_CHECK(!memcmp(got, want, len), "example %zu", i);
    }
}

/* The hash of a secret length is that of a known one, for every length that the greatest allows. */
static void test_secret_lengths(void)
{
    static const struct lks_sha *const shas[] = {&lks_sha1, &lks_sha256, &lks_sha384};
    uint8_t text[700], inner[64], outer[64], want[64], got[64];
    uint64_t seed = 3;
    lks_test_fill(&seed, text, sizeof(text));
    for (size_t s = 0; s < 3; s++) {
        lks_sha_hmac_init(shas[s], inner, outer, text, shas[s]->digest_len);
        for (uint32_t most = 13; most < sizeof(text); most += most < 300 ? 1 : 17)
            for (uint32_t len = most > 255 ? most - 255 : 0; len <= most;
                 len += most < 50 ? 1 : 3) {
                lks_sha_hmac(shas[s], want, inner, outer, text, len);
                lks_sha_hmac_secret_len(shas[s], got, inner, outer, text, len, most);
                if (!LKS_CHECK(!memcmp(got, want, shas[s]->digest_len), "hash %zu: %u of %u", s,
                               len, most))
                    return;
            }
    }
}

/* NIST SP 800-38A, F.2.1 and F.2.5: the first two blocks of CBC, here as single blocks. */
static void test_aes_blocks(void)
{
    static const struct {
        const char *key, *plain, *cipher;
    } examples[] = {
        {"2b7e151628aed2a6abf7158809cf4f3c", "6bc0bce12a459991e134741a7f9e1925",
         "7649abac8119b246cee98e9b12e9197d"},
        {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
         "6bc0bce12a459991e134741a7f9e1925", "f58c4c04d6e5f1ba779eabfb5f7bfbd6"},
    };
    for (size_t i = 0; i < 2; i++) {
        uint8_t key[32], round_keys[240], blocks[64], plain[16], cipher[16];
        struct lks_aes_planes planes;
        unsigned int key_len = (unsigned int)lks_test_hex(examples[i].key, key, sizeof(key));
        lks_test_hex(examples[i].plain, plain, 16);
        lks_test_hex(examples[i].cipher, cipher, 16);
        lks_aes_portable_expand(round_keys, key, key_len);
        lks_aes_portable_load(&planes, round_keys, key_len / 4 + 6);
        for (int b = 0; b < 4; b++)
            memcpy(blocks + 16 * b, plain, 16);
        lks_aes_portable_encrypt4(&planes, blocks);
        for (int b = 0; b < 4; b++)
            LKS_CHECK(!memcmp(blocks + 16 * b, cipher, 16), "example %zu block %d", i, b);
        lks_aes_portable_decrypt4(&planes, blocks);
        for (int b = 0; b < 4; b++)
            LKS_CHECK(!memcmp(blocks + 16 * b, plain, 16), "example %zu block %d back", i, b);
    }
}

static const EVP_MD *md_of(const struct lks_aead *row)
{
    return row->tag_len == 20 ? EVP_sha1() : row->tag_len == 32 ? EVP_sha256() : EVP_sha384();
}

static void evp_cbc(const struct lks_aead *row, const uint8_t *key, const uint8_t *iv,
                    uint8_t *text, size_t len)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher =
        row->key_len - row->mac_key_len == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc();
    int n = 0;
    if (EVP_EncryptInit_ex(ctx, cipher, NULL, key, iv) <= 0 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) <= 0 ||
        EVP_EncryptUpdate(ctx, text, &n, text, (int)len) <= 0)
        abort();
    EVP_CIPHER_CTX_free(ctx);
}

static void evp_mac(const struct lks_aead *row, const uint8_t *key, uint8_t *mac,
                    const uint8_t *aad, size_t mac_text_len, const uint8_t *text, size_t len)
{
    static uint8_t all[AREA];
    memcpy(all, aad, 11);
    all[11] = (uint8_t)(mac_text_len >> 8);
    all[12] = (uint8_t)mac_text_len;
    memcpy(all + 13, text, len);
    if (!HMAC(md_of(row), key + row->key_len - row->mac_key_len, row->mac_key_len, all, 13 + len,
              mac, NULL))
        abort();
}

/* A record's body behind its IV, with pad_len + 1 bytes of padding, by libcrypto; broken: 1 + the
 * place in the padding (its length byte included) that is wrong. Returns its length. */
static size_t evp_body(const struct lks_aead *row, const uint8_t *key, const uint8_t *aad,
                       const uint8_t *iv, const uint8_t *content, size_t len, size_t pad_len,
                       size_t broken, uint8_t *body)
{
    static uint8_t with_iv[AREA];
    size_t at = len;
    memcpy(body, content, len);
    if (row->mac_inside) {
        evp_mac(row, key, body + at, aad, len, content, len);
        at += row->tag_len;
    }
    memset(body + at, (int)pad_len, pad_len + 1);
    if (broken)
        body[at + broken - 1] ^= 0x21;
    at += pad_len + 1;
    evp_cbc(row, key, iv, body, at);
    if (row->mac_inside)
        return at;
    memcpy(with_iv, iv, 16);
    memcpy(with_iv + 16, body, at);
    evp_mac(row, key, body + at, aad, 16 + at, with_iv, 16 + at);
    return at + row->tag_len;
}

static size_t least_padding(const struct lks_aead *row, size_t len)
{
    return lks_aead_tail_len(row, len) - row->tag_len - 1;
}

/* One message: content that ends at the page that faults, cut into pieces, maybe elsewhere out. */
struct message {
    _Alignas(64) uint8_t state[LKS_KEY_STATE_MAX];
    uint8_t key[80], aad[13];
    uint8_t content[17000], body[17400], out[17400];
    struct lks_seg segs[MAX_SEGS];
    struct lks_mac_side side;
    struct lks_aead_job job;
    size_t len;
};

static void cut(struct message *m, const uint8_t *src, uint8_t *dst, size_t len, size_t piece)
{
    m->job.segs = m->segs;
    m->job.num_segs = 0;
    m->job.len = (uint32_t)len;
    for (size_t at = 0; at < len;) {
        size_t n = piece && piece < len - at && m->job.num_segs < MAX_SEGS - 1 ? piece : len - at;
        m->segs[m->job.num_segs++] = (struct lks_seg){src + at, dst + at, n};
        at += n;
    }
}

static void message_init(struct message *m, const struct lks_aead *row, size_t len, uint64_t seed)
{
    memset(m, 0, offsetof(struct message, content));
    memset(&m->job, 0, sizeof(m->job));
    lks_test_fill(&seed, m->key, sizeof(m->key));
    lks_test_fill(&seed, m->aad, sizeof(m->aad));
    lks_test_fill(&seed, m->content, len);
    if (!lks_aead_init_state(row, m->state, m->key))
        abort();
    m->len = len;
    m->job.state = m->state;
    m->job.aad = m->aad;
    m->job.aad_len = 13;
    m->side.manager = manager;
    m->job.side = &m->side;
}

/* What was sealed is what libcrypto makes with the same IV. */
static bool sealed_right(const struct lks_aead *row, const struct message *m, const uint8_t *text)
{
    static uint8_t want[AREA];
    size_t n = evp_body(row, m->key, m->aad, m->side.iv, m->content, m->len,
                        least_padding(row, m->len), 0, want);
    return n == m->len + lks_aead_tail_len(row, m->len) &&
           (!m->len || !memcmp(text, want, m->len)) &&
           !memcmp(m->side.tail, want + m->len, n - m->len);
}

/* Lays a body out to be opened at text; its MAC goes aside where that is outside. */
static void lay_body(struct message *m, const struct lks_aead *row, size_t body_len, uint8_t *text,
                     const uint8_t *src, uint8_t *dst, size_t piece)
{
    const int64_t text_len = lks_aead_text_len(row, body_len);
    if (text_len < 0 || (size_t)text_len > body_len)
        abort();
    const size_t len = (size_t)text_len;
    memcpy(text, m->body, len);
    memcpy(m->side.tail, m->body + len, body_len - len);
    cut(m, src, dst, len, piece);
}

static bool compare(const struct lks_aead *row, size_t len, size_t piece)
{
    static struct message m;
    message_init(&m, row, len, len * 31 + piece);
    uint8_t *text = guarded + AREA - len;
    memcpy(text, m.content, len);
    cut(&m, text, text, len, piece);
    row->seal(&m.job);
    bool ok = sealed_right(row, &m, text);

    const size_t body_len = len + lks_aead_tail_len(row, len);
    memcpy(m.body, text, len);
    memcpy(m.body + len, m.side.tail, body_len - len);
    const size_t text_len = (size_t)lks_aead_text_len(row, body_len);
    text = guarded + AREA - text_len;
    lay_body(&m, row, body_len, text, text, text, piece);
    row->open(&m.job);
    ok = ok && m.job.ok && m.job.len == len && (!len || !memcmp(text, m.content, len));

    /* Out of place; then with a bit of the body wrong, nothing may remain of it. */
    lay_body(&m, row, body_len, text, text, m.out, piece);
    row->open(&m.job);
    ok = ok && m.job.ok && m.job.len == len && (!len || !memcmp(m.out, m.content, len)) &&
         !memcmp(text, m.body, text_len);
    m.body[(len * 7 + piece) % body_len] ^= 4;
    lay_body(&m, row, body_len, text, text, text, piece);
    row->open(&m.job);
    ok = ok && !m.job.ok;
    for (size_t i = 0; i < text_len; i++)
        ok = ok && !text[i];
    return LKS_CHECK(ok, "%s %s: length %zu, pieces of %zu", row->name, row->isa, len, piece);
}

static void compare_row(const struct lks_aead *row)
{
    static const size_t pieces[] = {0, 1, 17, 129};
    static const size_t longs[] = {4095, 4096, 4097, 16367, 16383, 16384};
    const bool quick = lks_test_is_quick();
    for (size_t len = 0; len <= 1100; len += quick && len > 300 ? 13 : 1)
        if (!compare(row, len, pieces[len % 4]))
            return;
    for (size_t i = 0; i < sizeof(longs) / sizeof(longs[0]); i++)
        for (size_t p = 0; p < (quick ? 1 : 4); p++)
            if (!compare(row, longs[i], pieces[p]))
                return;
}

static const struct lks_aead *rows_of(unsigned int id, size_t which)
{
    return which ? lks_provider_row(id) : *lks_aead_rows(id);
}

static void for_all_rows(void (*test)(const struct lks_aead *))
{
    for (unsigned int id = LKS_NUM_AEADS; id < LKS_NUM_ALGORITHMS; id++)
        for (size_t which = 0; which < 2; which++)
            if (rows_of(id, which))
                test(rows_of(id, which));
}

/* [5246 6.2.3.2-2 6.2.3.2-4] [8449 4.1-6] */
static void test_rows(void)
{
    for_all_rows(compare_row);
}

/* Source and destination apart, at offsets from a 64-byte border, in two pieces; sealed and opened.
 */
static bool compare_at(const struct lks_aead *row, size_t len, size_t src_at, size_t dst_at,
                       size_t first)
{
    static _Alignas(64) uint8_t src[1536], dst[1536];
    static uint8_t aad[128];
    static struct message m;
    message_init(&m, row, len, len + src_at);
    uint8_t *in = src + src_at, *out = dst + dst_at;
    memcpy(in, m.content, len);
    m.job.aad = memcpy(aad + (src_at + dst_at) % 64, m.aad, sizeof(m.aad));
    cut(&m, in, out, len, first);
    memset(dst, 0xa5, sizeof(dst));
    row->seal(&m.job);
    bool ok = sealed_right(row, &m, out) && (!dst_at || out[-1] == 0xa5) && out[len] == 0xa5;

    const size_t body_len = len + lks_aead_tail_len(row, len);
    memcpy(m.body, out, len);
    memcpy(m.body + len, m.side.tail, body_len - len);
    lay_body(&m, row, body_len, in, in, out, first);
    const size_t text_len = m.job.len;
    memset(dst, 0xa5, sizeof(dst));
    row->open(&m.job);
    ok = ok && m.job.ok && m.job.len == len && !memcmp(out, m.content, len) &&
         (!dst_at || out[-1] == 0xa5) && out[text_len] == 0xa5;
    lks_aead_wipe_state(row, m.state);
    return LKS_CHECK(ok, "%s %s: length %zu at %zu to %zu, cut at %zu", row->name, row->isa, len,
                     src_at, dst_at, first);
}

/* Every alignment, each side alone and both at once; every place of a cut. */
static void align_row(const struct lks_aead *row)
{
    static const size_t lens[] = {1, 16, 33, 65, 15, 17, 48, 64, 127, 128, 255, 257};
    const size_t num_lens = lks_test_is_quick() ? 4 : sizeof(lens) / sizeof(lens[0]);
    for (size_t i = 0; i < num_lens; i++) {
        for (size_t a = 0; a < 64; a++)
            if (!compare_at(row, lens[i], a, 0, 0) || !compare_at(row, lens[i], 0, a, 0) ||
                !compare_at(row, lens[i], a, 63 - a, 0))
                return;
        for (size_t first = lens[i] / 2; first < lens[i] + 64; first++)
            if (!compare_at(row, lens[i], first % 64, 0, first))
                return;
    }
}

static void test_alignment(void)
{
    for_all_rows(align_row);
}

/* Every padding that may be, and every way in which one byte of it may not. */
static void check_padding(const struct lks_aead *row)
{
    static const size_t lens[] = {0, 1, 16, 100, 255, 300, 700};
    static struct message m;
    for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++)
        for (size_t pad = least_padding(row, lens[l]); pad < 256; pad += 16) {
            message_init(&m, row, lens[l], pad);
            lks_test_fill(&(uint64_t){pad}, m.side.iv, 16);
            for (size_t broken = 0; broken <= pad + 1; broken += pad > 40 && broken > 2 ? 7 : 1) {
                size_t n =
                    evp_body(row, m.key, m.aad, m.side.iv, m.content, lens[l], pad, broken, m.body);
                lay_body(&m, row, n, m.out, m.out, m.out, 0);
                row->open(&m.job);
                /* A length byte that is wrong is so for every value: what it then counts is not
                 * all the same, or the MAC is not there. */
                if (!LKS_CHECK(m.job.ok == !broken && (broken || m.job.len == lens[l]),
                               "%s %s: length %zu, padding %zu, byte %zu of it wrong", row->name,
                               row->isa, lens[l], pad, broken))
                    return;
            }
        }
}

static void test_padding(void)
{
    for_all_rows(check_padding);
}

/* Each byte of the body and of the IV wrong, and a padding longer than the record. */
static void check_forged(const struct lks_aead *row)
{
    static struct message m;
    uint8_t iv[16];
    uint64_t seed = 9;
    message_init(&m, row, 40, 9);
    lks_test_fill(&seed, iv, 16);
    const size_t n =
        evp_body(row, m.key, m.aad, iv, m.content, 40, least_padding(row, 40), 0, m.body);
    for (size_t i = 0; i <= n + 16; i++) {
        memcpy(m.side.iv, iv, 16);
        if (i < n)
            m.body[i] ^= 0x40;
        else if (i < n + 16)
            m.side.iv[i - n] ^= 0x40;
        lay_body(&m, row, n, m.out, m.out, m.out, 0);
        row->open(&m.job);
        LKS_CHECK(m.job.ok == (i == n + 16), "%s %s: byte %zu of %zu", row->name, row->isa, i, n);
        if (i < n)
            m.body[i] ^= 0x40;
    }
    for (size_t pad = 0; pad < 256; pad++) { /* the least body, all of it padding's value */
        const size_t len = row->mac_inside ? (row->tag_len + 16u) / 16 * 16 : 16;
        memset(m.body, (int)pad, len);
        memcpy(m.side.iv, iv, 16);
        evp_cbc(row, m.key, iv, m.body, len);
        if (!row->mac_inside) {
            uint8_t with_iv[32];
            memcpy(with_iv, iv, 16);
            memcpy(with_iv + 16, m.body, 16);
            evp_mac(row, m.key, m.body + len, m.aad, 32, with_iv, 32);
        }
        lay_body(&m, row, len + (row->mac_inside ? 0 : row->tag_len), m.out, m.out, m.out, 0);
        row->open(&m.job);
        LKS_CHECK(m.job.ok == (!row->mac_inside && pad < 16), "%s %s: nothing but padding of %zu",
                  row->name, row->isa, pad);
    }
}

/* [7366 3-2] */
static void test_forged(void)
{
    for_all_rows(check_forged);
}

/* A group of every size with mixed lengths, some records forged: what lanes make is what streams
 * make, and the portable row. */
static void check_lanes(const struct lks_aead *row)
{
    static struct message ms[MAX_JOBS];
    struct lks_aead_job *jobs[MAX_JOBS] = {NULL};
    if (!row->num_lanes)
        return;
    for (size_t num = 0; num <= MAX_JOBS; num++) {
        uint64_t seed = num;
        for (size_t i = 0; i < num; i++) {
            message_init(&ms[i], row, lks_test_random(&seed) % (i % 8 ? 700 : 16000), seed);
            memcpy(ms[i].out, ms[i].content, ms[i].len);
            cut(&ms[i], ms[i].out, ms[i].out, ms[i].len, i % 3 ? 0 : 100);
            jobs[i] = &ms[i].job;
        }
        row->seal_lanes(jobs, num);
        for (size_t i = 0; i < num; i++) {
            LKS_CHECK(sealed_right(row, &ms[i], ms[i].out), "%s: %zu of %zu", row->name, i, num);
            const size_t n = ms[i].len + lks_aead_tail_len(row, ms[i].len);
            memcpy(ms[i].body, ms[i].out, ms[i].len);
            memcpy(ms[i].body + ms[i].len, ms[i].side.tail, n - ms[i].len);
            ms[i].body[n / 2] ^= (uint8_t)(i % 5 == 4);
            lay_body(&ms[i], row, n, ms[i].out, ms[i].out, ms[i].out, i % 3 ? 0 : 600);
        }
        row->open_lanes(jobs, num);
        for (size_t i = 0; i < num; i++)
            LKS_CHECK(ms[i].job.ok == (i % 5 != 4) &&
                          (i % 5 == 4 || (ms[i].job.len == ms[i].len &&
                                          !memcmp(ms[i].out, ms[i].content, ms[i].len))),
                      "%s: opening %zu of %zu", row->name, i, num);
    }
}

static void test_lanes(void)
{
    if (!lks_provider_row(LKS_AES_128_CBC_SHA))
        LKS_SKIP("ipsec-mb is not built in, and no other row has lanes");
    for_all_rows(check_lanes);
}

/* The same key, sequence number and content give the same record whoever makes it; two sequence
 * numbers give IVs that share nothing. */
static void test_providers_agree(void)
{
    static struct message a, b;
    if (!lks_provider_row(LKS_AES_128_CBC_SHA))
        LKS_SKIP("ipsec-mb is not built in");
    for (unsigned int id = LKS_NUM_AEADS; id < LKS_NUM_ALGORITHMS; id++) {
        const struct lks_aead *ours = rows_of(id, 0), *theirs = rows_of(id, 1);
        for (size_t len = 0; len < 600; len += 7) {
            message_init(&a, ours, len, len);
            message_init(&b, theirs, len, len);
            cut(&a, a.content, a.out, len, 0);
            cut(&b, b.content, b.out, len, 0);
            ours->seal(&a.job);
            theirs->seal(&b.job);
            LKS_CHECK(!memcmp(a.side.iv, b.side.iv, 16) && (!len || !memcmp(a.out, b.out, len)) &&
                          !memcmp(a.side.tail, b.side.tail, lks_aead_tail_len(ours, len)),
                      "%s: length %zu", ours->name, len);
            a.aad[7]++;
            ours->seal(&a.job);
            LKS_CHECK(memcmp(a.side.iv, b.side.iv, 16) != 0, "%s: an IV twice", ours->name);
        }
    }
}

/* One full record of AES-128-CBC with HMAC-SHA1, sequence number 1, content "lockstep", computed
 * with the openssl command's enc and dgst: what does not pass through this file's reference. */
static void test_printed_record(void)
{
    static const char iv[] = "804df82c38c5119cb58da667bb693ed0";
    static const char body[] = "33a12b636882acac573731d1714cf342ad36353e667cad9573f99095dc73f454"
                               "";
    static struct message m;
    const struct lks_aead *row = *lks_aead_rows(LKS_AES_128_CBC_SHA);
    uint8_t want_iv[16], want[64];
    message_init(&m, row, 8, 0);
    for (int i = 0; i < 36; i++)
        m.key[i] = (uint8_t)(i < 16 ? i : 0x20 + i - 16);
    memcpy(m.aad, "\0\0\0\0\0\0\0\1\x17\3\3", 11);
    memcpy(m.content, "lockstep", 8);
    row->init(m.state, m.key);
    cut(&m, m.content, m.out, 8, 0);
    row->seal(&m.job);
    lks_test_hex(iv, want_iv, sizeof(want_iv));
    size_t len = lks_test_hex(body, want, sizeof(want));
    CU_ASSERT_EQUAL(len, 8 + lks_aead_tail_len(row, 8));
    CU_ASSERT(!memcmp(m.side.iv, want_iv, 16));
    CU_ASSERT(!memcmp(m.out, want, 8) && !memcmp(m.side.tail, want + 8, len - 8));
}

static void test_says_which_rows_ran(void)
{
    for (unsigned int id = LKS_NUM_AEADS; id < LKS_NUM_ALGORITHMS; id++)
        for (size_t which = 0; which < 2; which++) {
            const struct lks_aead *row = rows_of(id, which);
            printf("%s %s %s\n", row ? "row " : "SKIP", rows_of(id, 0)->name,
                   row ? row->isa : "ipsec_mb: not built in, or not for this CPU");
            LKS_CHECK(which || row, "a portable row for each");
            LKS_CHECK(!row ||
                          (row->id == id && row->has_mac && row->state_len <= LKS_KEY_STATE_MAX &&
                           row->tag_len <= LKS_MAC_LEN_MAX),
                      "algorithm %u", id);
        }
}

int main(void)
{
    static const struct lks_test tests[] = {{"which rows ran", test_says_which_rows_ran},
                                            {"FIPS 180-4's examples", test_hashes},
                                            {"HMAC's examples", test_hmacs},
                                            {"HMAC over secret lengths", test_secret_lengths},
                                            {"AES there and back", test_aes_blocks},
                                            {"a printed record", test_printed_record},
                                            {"records beside libcrypto", test_rows},
                                            {"every alignment", test_alignment},
                                            {"padding", test_padding},
                                            {"forged records", test_forged},
                                            {"lanes", test_lanes},
                                            {"ipsec-mb beside portable", test_providers_agree},
                                            {NULL, NULL}};
    static const struct lks_test_suite suites[] = {{"cbc", tests}, {NULL, NULL}};
    guarded = mmap(NULL, 2 * AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guarded == MAP_FAILED || mprotect(guarded + AREA, AREA, PROT_NONE) != 0 ||
        !lks_provider_manager_new(&manager))
        return 1;
    const int result = lks_test_run("simd-cbc", suites);
    lks_provider_manager_free(manager);
    return result;
}
