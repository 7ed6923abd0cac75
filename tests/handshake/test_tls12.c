/* SPDX-License-Identifier: BSD-3-Clause */

/* TLS 1.2's handshake without records: which message may come when, cut, changed; and its secrets.
 */

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/writer.h"
#include "client.h"
#include "handshake/core.h"
#include "talk.h"
#include "test_handshake.h"

/* How many items a role is given in all. */
static size_t num_items(enum kind kind, enum lks_role role)
{
    struct talk t;
    talk_init(&t, kind);
    talk_go_on(&t, role, ITEMS_MAX);
    LKS_CHECK(talk_done(&t), "kind %d: %s, %s", kind, lks_status_name(t.status[0]),
              lks_status_name(t.status[1]));
    size_t num = t.given[role];
    talk_free(&t);
    return num;
}

/* A client may be asked for a certificate or not: behind ServerKeyExchange two messages may come.
 */
static bool fits(enum kind kind, const struct item *next, uint8_t other)
{
    if (!next->len)
        return false;
    const uint8_t type = next->bytes[0];
    return type == other ||
           (type == LKS_MSG_SERVER_HELLO_DONE && other == LKS_MSG_CERTIFICATE_REQUEST &&
            kind != KIND_CLIENT_CERTIFICATE) ||
           (type == LKS_MSG_CERTIFICATE_REQUEST && other == LKS_MSG_SERVER_HELLO_DONE);
}

#define CCS      256u /* no message */
#define TYPE_MAX 32u  /* above what is defined; one more stands for the rest */

static void check_message(enum kind kind, enum lks_role role, size_t i, unsigned int type)
{
    struct talk t;
    talk_init(&t, kind);
    CU_ASSERT_TRUE_FATAL(talk_go_on(&t, role, i));
    const struct item *next = &t.items[!role][i];
    const struct item other = {type != CCS, {(uint8_t)type}};
    enum lks_status wanted = LKS_ALERT_UNEXPECTED_MESSAGE;
    if (type == CCS && !next->len)
        wanted = LKS_OK;
    else if (type != CCS && fits(kind, next, (uint8_t)type))
        wanted = LKS_WANT_DATA;
    else if (type == LKS_MSG_HELLO_REQUEST && role == LKS_CLIENT && i)
        wanted = LKS_WANT_DATA; /* to see whether it is one: then it is skipped */
    enum lks_status status = talk_give(&t, role, &other);
    LKS_CHECK(status == wanted, "kind %d, role %d, item %zu, message %u: %s", kind, role, i, type,
              lks_status_name(status));
    talk_free(&t);
}

/* Calls for each item that a role is given, of each kind. */
static void each_item(void (*call)(enum kind kind, enum lks_role role, size_t i))
{
    for (int kind = 0; kind < NUM_KINDS; kind++) {
        for (int role = 0; role < 2; role++) {
            const size_t num = num_items((enum kind)kind, (enum lks_role)role);
            for (size_t i = 0; i < num; i++)
                call((enum kind)kind, (enum lks_role)role, i);
        }
    }
    talk_settings_free();
}

static void every_message_here(enum kind kind, enum lks_role role, size_t i)
{
    for (unsigned int type = 0; type < TYPE_MAX; type++)
        check_message(kind, role, i, type);
    check_message(kind, role, i, 255);
    check_message(kind, role, i, CCS);
}

/* [5246 7.4-1] By a message's first byte; and a change_cipher_spec where one is due, nowhere else
 * (CVE-2014-0224). [5246 7.3-4 7.4.7-1 7.4.8-1] */
static void every_message_in_every_state(void)
{
    each_item(every_message_here);
}

static size_t stride(size_t at)
{
    return lks_test_is_quick() ? 1 + at / 4 : 1 + at / 16;
}

/* A ClientHello without extensions is whole where they would begin. */
static bool ends_before_extensions(const struct item *item, size_t body_len)
{
    const uint8_t *b = item->bytes;
    size_t at = 4 + 2 + 32;
    if (b[0] != LKS_MSG_CLIENT_HELLO)
        return false;
    at += 1u + b[at];
    at += 2 + ((size_t)b[at] << 8 | b[at + 1]);
    at += 1u + b[at];
    return at == 4 + body_len;
}

static void cut_and_extended_here(enum kind kind, enum lks_role role, size_t i)
{
    size_t body_len = 1;
    for (size_t len = 0; len <= body_len + 1; len += stride(len)) {
        struct talk t;
        talk_init(&t, kind);
        CU_ASSERT_TRUE_FATAL(talk_go_on(&t, role, i));
        struct item item = t.items[!role][i];
        body_len = item.len ? item.len - 4 : 0;
        item.bytes[2] = (uint8_t)(len >> 8);
        item.bytes[3] = (uint8_t)len;
        if (item.len && len != body_len) {
            item.len = 4 + len;
            enum lks_status status = talk_give(&t, role, &item);
            LKS_CHECK(status > LKS_ALERT_BASE || ends_before_extensions(&item, len),
                      "kind %d, role %d, item %zu, %zu of %zu bytes: %s", kind, role, i, len,
                      body_len, lks_status_name(status));
        }
        talk_free(&t);
    }
}

/* Each message with another length, headers alike. */
static void cut_and_extended(void)
{
    each_item(cut_and_extended_here);
}

static void any_byte_changed_here(enum kind kind, enum lks_role role, size_t i)
{
    size_t len = 1;
    for (size_t at = 0; at < len; at += stride(at)) {
        struct talk t;
        talk_init(&t, kind);
        CU_ASSERT_TRUE_FATAL(talk_go_on(&t, role, i));
        struct item *item = &t.items[!role][i];
        len = item->len;
        if (at < len) {
            item->bytes[at] ^= 0x10;
            talk_go_on(&t, role, ITEMS_MAX);
            LKS_CHECK(!talk_done(&t), "kind %d, role %d, item %zu, byte %zu", kind, role, i, at);
        }
        talk_free(&t);
    }
}

/* A bit of a message changed on its way: never do both sides end well. [5246 7.4.9-1] */
static void any_byte_changed(void)
{
    each_item(any_byte_changed_here);
}

static void hello_requests_are_skipped(void)
{
    static const struct item request = {4, {0}}, longer = {5, {0, 0, 0, 1}}, half = {2, {0}};
    struct talk t;
    talk_init(&t, KIND_ECDHE);
    talk_go_on(&t, LKS_CLIENT, 1);
    for (int i = 0; i < 9; i++) /* [5246 7.4.1.1-1] */
        CU_ASSERT_EQUAL(talk_give(&t, LKS_CLIENT, &request),
                        i < 8 ? LKS_WANT_DATA : LKS_ALERT_UNEXPECTED_MESSAGE);
    talk_free(&t);
    talk_init(&t, KIND_ECDHE);
    talk_go_on(&t, LKS_CLIENT, 2);
    CU_ASSERT_EQUAL(talk_give(&t, LKS_CLIENT, &request), LKS_WANT_DATA);
    CU_ASSERT_EQUAL(talk_give(&t, LKS_CLIENT, &half), LKS_WANT_DATA);
    CU_ASSERT_EQUAL(talk_give(&t, LKS_CLIENT, &half), LKS_WANT_DATA);
    talk_go_on(&t, LKS_CLIENT, ITEMS_MAX);
    CU_ASSERT_TRUE(talk_done(&t)); /* in no hash */
    talk_free(&t);
    talk_init(&t, KIND_ECDHE);
    talk_go_on(&t, LKS_CLIENT, 1);
    CU_ASSERT_EQUAL(talk_give(&t, LKS_CLIENT, &longer), LKS_ALERT_UNEXPECTED_MESSAGE);
    talk_free(&t);
    talk_settings_free();
}

/* Against libcrypto's, with secrets of every length that there is, and more output than a block.
 * [5246 5-1] [5288 3-3] [7905 2-3] */
static void prf_is_libcryptos(void)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    uint64_t random = 1;
    CU_ASSERT_PTR_NOT_NULL_FATAL(kdf);
    for (size_t len = 1; len <= 384; len += len < 140 ? 1 : 61) {
        for (uint16_t number = 0xc02f; number <= 0xc030; number++) {
            const struct lks_suite *suite = lks_suite_find(number);
            uint8_t secret[384], seed[77], text[81] = "test", ours[205], theirs[205];
            lks_test_fill(&random, secret, len);
            lks_test_fill(&random, seed, sizeof(seed));
            memcpy(text + 4, seed, sizeof(seed));
            OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(
                    OSSL_KDF_PARAM_DIGEST,
                    suite->hash_len == 48 ? (char[]){"SHA384"} : (char[]){"SHA256"}, 0),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, len),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, text, sizeof(text)),
                OSSL_PARAM_construct_end()};
            EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
            CU_ASSERT_EQUAL(EVP_KDF_derive(ctx, theirs, sizeof(theirs), params), 1);
            EVP_KDF_CTX_free(ctx);
            CU_ASSERT_EQUAL(lks_tls12_prf(suite, secret, len, "test",
                                          lks_reader_of(seed, sizeof(seed)), ours, sizeof(ours)),
                            LKS_OK);
            LKS_CHECK(memcmp(ours, theirs, sizeof(ours)) == 0, "%s, %zu bytes", suite->name, len);
        }
    }
    EVP_KDF_free(kdf);
}

/* Where a block of PKCS #1's padding is changed: a byte and its value; at 0 nothing. */
struct padding {
    const char *what;
    size_t at;
    uint8_t value;
    bool good;
};
#define MODULUS_LEN 256u
static const struct padding paddings[] = {
    {"right", 5, 9, true},
    {"first byte", 0, 1, false},
    {"another type", 1, 1, false},
    {"no padding at all", 2, 0, false},
    {"zero in the padding", 9, 0, false},
    {"zero behind eight bytes", 10, 0, false},
    {"secret one byte longer", MODULUS_LEN - 50, 0, false},
    {"no zero", MODULUS_LEN - 49, 7, false},
    {"another version", MODULUS_LEN - 48, 2, false},
    {"another minor version", MODULUS_LEN - 47, 1, false},
};
#define NUM_PADDINGS (sizeof(paddings) / sizeof(paddings[0]))

static void make_block(uint8_t block[MODULUS_LEN], const struct padding *p)
{
    memset(block, 0x5a, MODULUS_LEN);
    block[0] = 0;
    block[1] = 2;
    block[MODULUS_LEN - 49] = 0;
    block[MODULUS_LEN - 48] = block[MODULUS_LEN - 47] = 3;
    block[p->at] = p->value;
}

static void premaster_is_unpadded(void)
{
    for (size_t i = 0; i < NUM_PADDINGS; i++) {
        uint8_t block[MODULUS_LEN], premaster[LKS_PREMASTER_LEN], fallback[LKS_PREMASTER_LEN];
        make_block(block, &paddings[i]);
        memset(fallback, 0xee, sizeof(fallback));
        memset(premaster, 0xee, sizeof(premaster));
        lks_rsa_unpad(premaster, block, sizeof(block), 0x0303);
        const uint8_t *wanted = paddings[i].good ? block + MODULUS_LEN - 48 : fallback;
        LKS_CHECK(memcmp(premaster, wanted, sizeof(premaster)) == 0, "%s", paddings[i].what);
    }
}

/* A ClientKeyExchange with what the server's key makes of a block, or with bytes as they are. */
static void make_exchange(struct item *out, EVP_PKEY *key, const uint8_t *block, size_t block_len,
                          bool encrypt)
{
    uint8_t encrypted[MODULUS_LEN];
    size_t len = sizeof(encrypted);
    if (encrypt) {
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
        CU_ASSERT_TRUE(ctx && EVP_PKEY_encrypt_init(ctx) > 0 &&
                       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) > 0 &&
                       EVP_PKEY_encrypt(ctx, encrypted, &len, block, block_len) > 0);
        EVP_PKEY_CTX_free(ctx);
    } else {
        len = block_len;
        memcpy(encrypted, block, block_len);
    }
    struct lks_writer w = lks_writer_of(out->bytes, sizeof(out->bytes));
    lks_write_u8(&w, LKS_MSG_CLIENT_KEY_EXCHANGE);
    lks_write_u24(&w, (uint32_t)len + 2);
    lks_write_u16(&w, (uint16_t)len);
    lks_write_bytes(&w, encrypted, len);
    out->len = w.len;
}

/* What Bleichenbacher's attack asks a server: whatever the padding, the answer is the same, at the
 * same message, which is Finished. [5246 7.4.7.1-2 7.4.7.1-3] */
static void wrong_premasters_are_alike(void)
{
    static const struct item ccs = {0, {0}}, finished = {16, {LKS_MSG_FINISHED, 0, 0, 12}};
    for (size_t i = 0; i < NUM_PADDINGS + 3; i++) {
        struct talk t;
        struct item exchange;
        uint8_t block[MODULUS_LEN];
        talk_init(&t, KIND_RSA);
        CU_ASSERT_TRUE(talk_go_on(&t, LKS_SERVER, 1));
        EVP_PKEY *key = t.hs[LKS_SERVER]->certificate->key;
        if (i < NUM_PADDINGS) {
            make_block(block, &paddings[i]);
            make_exchange(&exchange, key, block, sizeof(block), true);
        } else { /* too short, above the modulus, empty but for a byte */
            memset(block, 0xff, sizeof(block));
            static const size_t lens[] = {MODULUS_LEN - 1, MODULUS_LEN, 1};
            make_exchange(&exchange, key, block, lens[i - NUM_PADDINGS], false);
        }
        CU_ASSERT_EQUAL(talk_give(&t, LKS_SERVER, &exchange), LKS_WANT_DATA);
        CU_ASSERT_EQUAL(talk_give(&t, LKS_SERVER, &ccs), LKS_OK);
        CU_ASSERT_EQUAL(talk_give(&t, LKS_SERVER, &finished), LKS_ALERT_DECRYPT_ERROR);
        talk_free(&t);
    }
    talk_settings_free();
}

const struct lks_test tls12_tests[] = {
    {"every message in every state", every_message_in_every_state},
    {"cut and extended", cut_and_extended},
    {"any byte changed", any_byte_changed},
    {"HelloRequests are skipped", hello_requests_are_skipped},
    {"PRF is libcrypto's", prf_is_libcryptos},
    {"pre-master secret is unpadded", premaster_is_unpadded},
    {"wrong pre-master secrets are alike", wrong_premasters_are_alike},
    {NULL, NULL},
};
