/* SPDX-License-Identifier: BSD-3-Clause */
#include "simd/sha.h"

#include <string.h>

#include "base/bytes.h"
#include "base/ct.h"

static uint32_t load_be32(const uint8_t *p)
{
    return __builtin_bswap32(load_le32(p));
}

static uint32_t rotl(uint32_t x, unsigned int by)
{
    return x << by | x >> (32 - by);
}

static uint32_t rotr(uint32_t x, unsigned int by)
{
    return x >> by | x << (32 - by);
}

static uint64_t rotr64(uint64_t x, unsigned int by)
{
    return x >> by | x << (64 - by);
}

/* Twenty rounds of section 6.1.2 with one function f of b, c and d. */
#define SHA1_ROUNDS(first, f, k)                                \
    for (int t = (first); t < (first) + 20; t++) {              \
        const uint32_t sum = rotl(a, 5) + (f) + e + (k) + w[t]; \
        e = d, d = c, c = rotl(b, 30), b = a, a = sum;          \
    }

static void sha1_block(uint32_t h[5], const uint8_t *block)
{
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], w[80];
    for (int t = 0; t < 16; t++)
        w[t] = load_be32(block + 4 * t);
    for (int t = 16; t < 80; t++)
        w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    SHA1_ROUNDS(0, d ^ (b & (c ^ d)), 0x5a827999)
    SHA1_ROUNDS(20, b ^ c ^ d, 0x6ed9eba1)
    SHA1_ROUNDS(40, (b & c) | (d & (b | c)), 0x8f1bbcdc)
    SHA1_ROUNDS(60, b ^ c ^ d, 0xca62c1d6)
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

static void sha1_compress(union lks_sha_state *state, const uint8_t *blocks, size_t num_blocks)
{
    for (; num_blocks; num_blocks--, blocks += 64)
        sha1_block(state->words, blocks);
}

static const uint32_t k256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Section 6.2.2. */
static void sha256_block(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64], a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 16; t++)
        w[t] = load_be32(block + 4 * t);
    for (int t = 16; t < 64; t++) {
        uint32_t x = w[t - 15], y = w[t - 2];
        w[t] = (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10) + w[t - 7] +
               (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) + w[t - 16];
    }
    for (int t = 0; t < 64; t++) {
        uint32_t t1 =
            h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g))) + k256[t] + w[t];
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) | (c & (a | b)));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void sha256_compress(union lks_sha_state *state, const uint8_t *blocks, size_t num_blocks)
{
    for (; num_blocks; num_blocks--, blocks += 64)
        sha256_block(state->words, blocks);
}

static const uint64_t k512[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

/* Section 6.4.2. */
static void sha512_block(uint64_t state[8], const uint8_t *block)
{
    uint64_t w[80], a = state[0], b = state[1], c = state[2], d = state[3];
    uint64_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 16; t++)
        w[t] = load_be64(block + 8 * t);
    for (int t = 16; t < 80; t++) {
        uint64_t x = w[t - 15], y = w[t - 2];
        w[t] = (rotr64(y, 19) ^ rotr64(y, 61) ^ y >> 6) + w[t - 7] +
               (rotr64(x, 1) ^ rotr64(x, 8) ^ x >> 7) + w[t - 16];
    }
    for (int t = 0; t < 80; t++) {
        uint64_t t1 = h + (rotr64(e, 14) ^ rotr64(e, 18) ^ rotr64(e, 41)) + (g ^ (e & (f ^ g))) +
                      k512[t] + w[t];
        uint64_t t2 = (rotr64(a, 28) ^ rotr64(a, 34) ^ rotr64(a, 39)) + ((a & b) | (c & (a | b)));
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void sha512_compress(union lks_sha_state *state, const uint8_t *blocks, size_t num_blocks)
{
    for (; num_blocks; num_blocks--, blocks += 128)
        sha512_block(state->long_words, blocks);
}

/* Section 5.3. */
static const uint32_t initial1[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
static const uint32_t initial256[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static const uint64_t initial384[8] = {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
                                       0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511,
                                       0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4};

const struct lks_sha lks_sha1 = {6, 4, 20, 20, initial1, sha1_compress};
const struct lks_sha lks_sha256 = {6, 4, 32, 32, initial256, sha256_compress};
const struct lks_sha lks_sha384 = {7, 8, 64, 48, initial384, sha512_compress};

static void put_digest(const struct lks_sha *sha, uint8_t *digest, const union lks_sha_state *state)
{
    for (unsigned int i = 0; i < 8 && i * sha->word_len < sha->digest_len; i++) {
        if (sha->word_len == 4)
            store_be32(digest + 4 * i, state->words[i]);
        else
            store_be64(digest + 8 * i, state->long_words[i]);
    }
}

/* Takes in the rest of a text of which `before` bytes (whole blocks) went in already, and ends it
 * as section 5.1 says. */
static void finish(const struct lks_sha *sha, union lks_sha_state *state, size_t before,
                   const uint8_t *text, size_t len)
{
    const size_t block_len = (size_t)1 << sha->block_shift, whole = len >> sha->block_shift;
    const size_t rest = len - (whole << sha->block_shift);
    uint8_t last[2 * LKS_SHA_BLOCK_MAX] = {0};
    sha->compress(state, text, whole);
    if (rest)
        memcpy(last, text + (len - rest), rest);
    last[rest] = 0x80;
    const size_t num = 1 + (rest + 1 + 2u * sha->word_len > block_len);
    store_be64(last + num * block_len - 8, (uint64_t)(before + len) * 8);
    sha->compress(state, last, num);
    lks_wipe(last, sizeof(last));
}

void lks_sha_digest(const struct lks_sha *sha, uint8_t *digest, const uint8_t *text, size_t len)
{
    union lks_sha_state state;
    memcpy(&state, sha->initial, sha->state_len);
    finish(sha, &state, 0, text, len);
    put_digest(sha, digest, &state);
    lks_wipe(&state, sizeof(state));
}

static void pad_key(const struct lks_sha *sha, uint8_t *out, const uint8_t *key, size_t key_len,
                    uint8_t with)
{
    uint8_t block[LKS_SHA_BLOCK_MAX];
    union lks_sha_state state;
    memset(block, with, sizeof(block));
    for (size_t i = 0; i < key_len; i++)
        block[i] ^= key[i];
    memcpy(&state, sha->initial, sha->state_len);
    sha->compress(&state, block, 1);
    memcpy(out, &state, sha->state_len);
    lks_wipe(block, sizeof(block));
    lks_wipe(&state, sizeof(state));
}

void lks_sha_hmac_init(const struct lks_sha *sha, uint8_t *inner, uint8_t *outer,
                       const uint8_t *key, size_t key_len)
{
    pad_key(sha, inner, key, key_len, 0x36);
    pad_key(sha, outer, key, key_len, 0x5c);
}

/* From the inner hash's last chaining value to the MAC. */
static void hmac_outer(const struct lks_sha *sha, uint8_t *mac, const uint8_t *outer,
                       union lks_sha_state *state)
{
    uint8_t digest[LKS_SHA_DIGEST_MAX];
    put_digest(sha, digest, state);
    memcpy(state, outer, sha->state_len);
    finish(sha, state, (size_t)1 << sha->block_shift, digest, sha->digest_len);
    put_digest(sha, mac, state);
    lks_wipe(digest, sizeof(digest));
    lks_wipe(state, sizeof(*state));
}

void lks_sha_hmac(const struct lks_sha *sha, uint8_t *mac, const uint8_t *inner,
                  const uint8_t *outer, const uint8_t *text, size_t len)
{
    union lks_sha_state state;
    memcpy(&state, inner, sha->state_len);
    finish(sha, &state, (size_t)1 << sha->block_shift, text, len);
    hmac_outer(sha, mac, outer, &state);
}

/* Block number `at` of the padded text, where its true length is secret. */
static void secret_block(const struct lks_sha *sha, uint8_t *block, const uint8_t *text,
                         uint32_t at, uint32_t len, uint32_t len_max, uint32_t is_last)
{
    const uint32_t block_len = 1u << sha->block_shift, first = at << sha->block_shift;
    const uint32_t bits = (block_len + len) * 8;
    for (uint32_t i = 0; i < block_len; i++) {
        const uint32_t byte = first + i < len_max ? text[first + i] : 0; /* a public choice */
        block[i] =
            (uint8_t)((byte & lks_ct_lt(first + i, len)) | (0x80 & lks_ct_eq(first + i, len)));
    }
    for (uint32_t i = 0; i < 4; i++)
        block[block_len - 4 + i] |= (uint8_t)(is_last & bits >> (24 - 8 * i));
}

void lks_sha_hmac_secret_len(const struct lks_sha *sha, uint8_t *mac, const uint8_t *inner,
                             const uint8_t *outer, const uint8_t *text, uint32_t len,
                             uint32_t len_max)
{
    const uint32_t end_len = 2u * sha->word_len, len_min = len_max > 255 ? len_max - 255 : 0;
    const uint32_t num_open = len_min >> sha->block_shift; /* text for sure, whatever len is */
    const uint32_t num_blocks = ((len_max + end_len) >> sha->block_shift) + 1;
    const uint32_t last = (len + end_len) >> sha->block_shift; /* the one that ends the text */
    union lks_sha_state state, found = {{0}};
    uint8_t block[LKS_SHA_BLOCK_MAX];

    memcpy(&state, inner, sha->state_len);
    sha->compress(&state, text, num_open);
    for (uint32_t at = num_open; at < num_blocks; at++) {
        const uint32_t is_last = lks_ct_eq(at, last);
        secret_block(sha, block, text, at, len, len_max, is_last);
        sha->compress(&state, block, 1);
        for (int i = 0; i < 8; i++)
            found.long_words[i] |= state.long_words[i] & ((uint64_t)is_last << 32 | is_last);
    }
    hmac_outer(sha, mac, outer, &found);
    lks_wipe(block, sizeof(block));
    lks_wipe(&state, sizeof(state));
}
