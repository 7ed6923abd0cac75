/* SPDX-License-Identifier: BSD-3-Clause */

/* Key exchange groups: both halves agree, and a share that is none is refused. */

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/reason.h"
#include "handshake/exchange/group.h"
#include "simd/mlkem.h"
#include "test_handshake.h"

static const struct lks_group *group_called(const char *name)
{
    const struct lks_group *row = lks_group_rows();
    while (row->name && strcmp(row->name, name) != 0)
        row++;
    CU_ASSERT_PTR_NOT_NULL_FATAL(row->name);
    return row;
}

/* And none of the obsolete ones is known, RFC 8446 section B.3.1.4. [8446 B.3.1.4-1] */
static void both_halves_agree(void)
{
    for (uint16_t number = 0; number < 0x0017; number++)
        CU_ASSERT_PTR_NULL(lks_group_find(number));
    for (uint16_t number = 0x001a; number < 0x001d; number++)
        CU_ASSERT_PTR_NULL(lks_group_find(number));
    for (const struct lks_group *row = lks_group_rows(); row->name; row++) {
        struct lks_group_key *key;
        uint8_t client[LKS_SHARE_MAX], server[LKS_SHARE_MAX];
        uint8_t a[LKS_SHARED_SECRET_MAX] = {0}, b[LKS_SHARED_SECRET_MAX] = {1};
        LKS_CHECK(lks_group_find(row->number) == row, "%s", row->name);
        LKS_CHECK(row->client_share_len <= LKS_SHARE_MAX && row->server_share_len <= LKS_SHARE_MAX,
                  "%s", row->name);
        CU_ASSERT_EQUAL_FATAL(lks_group_generate(row, &key, client), LKS_OK);
        CU_ASSERT_PTR_EQUAL(lks_group_key_group(key), row);
        CU_ASSERT_EQUAL(lks_bare(lks_group_respond(row, client, row->client_share_len, server, b)),
                        LKS_OK);
        CU_ASSERT_EQUAL(lks_bare(lks_group_finish(key, server, row->server_share_len, a)), LKS_OK);
        LKS_CHECK(memcmp(a, b, row->secret_len) == 0, "%s", row->name);
        lks_group_key_free(key);
    }
    CU_ASSERT_PTR_NULL(lks_group_find(0x1234));
    lks_group_key_free(NULL);
}

/* RFC 8446 section 4.2.8.2: "illegal_parameter" is also the answer to a wrong length. */
static void wrong_lengths(void)
{
    for (const struct lks_group *row = lks_group_rows(); row->name; row++) {
        struct lks_group_key *key;
        uint8_t share[LKS_SHARE_MAX + 1] = {0}, out[LKS_SHARE_MAX], secret[LKS_SHARED_SECRET_MAX];
        CU_ASSERT_EQUAL_FATAL(lks_group_generate(row, &key, share), LKS_OK);
        static const int off[] = {-1, 1};
        for (int i = 0; i < 2; i++) {
            LKS_CHECK(
                lks_bare(lks_group_respond(row, share, (size_t)(row->client_share_len + off[i]),
                                           out, secret)) == LKS_ALERT_ILLEGAL_PARAMETER,
                "%s %+d", row->name, off[i]);
            LKS_CHECK(
                lks_bare(lks_group_finish(key, share, (size_t)(row->server_share_len + off[i]),
                                          secret)) == LKS_ALERT_ILLEGAL_PARAMETER,
                "%s %+d", row->name, off[i]);
        }
        CU_ASSERT_EQUAL(lks_bare(lks_group_respond(row, share, 0, out, secret)),
                        LKS_ALERT_ILLEGAL_PARAMETER);
        lks_group_key_free(key);
    }
}

static void check_refused(const struct lks_group *group, const uint8_t *share, const char *what)
{
    struct lks_group_key *key;
    uint8_t out[LKS_SHARE_MAX], secret[LKS_SHARED_SECRET_MAX];
    enum lks_status status =
        lks_bare(lks_group_respond(group, share, group->client_share_len, out, secret));
    LKS_CHECK(status == LKS_ALERT_ILLEGAL_PARAMETER, "%s, %s, server: %s", group->name, what,
              lks_status_name(status));
    if (group->client_share_len != group->server_share_len)
        return;
    CU_ASSERT_EQUAL_FATAL(lks_group_generate(group, &key, out), LKS_OK);
    status = lks_bare(lks_group_finish(key, share, group->server_share_len, secret));
    LKS_CHECK(status == LKS_ALERT_ILLEGAL_PARAMETER, "%s, %s, client: %s", group->name, what,
              lks_status_name(status));
    lks_group_key_free(key);
}

/* RFC 8446 section 4.2.8.2: the point MUST be checked, and is uncompressed. [8446 4.2.8.2-1] */
static void points_off_the_curve(void)
{
    static const char *const names[] = {"secp256r1", "secp384r1", "secp521r1"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct lks_group *group = group_called(names[i]);
        struct lks_group_key *key;
        uint8_t share[LKS_SHARE_MAX];
        CU_ASSERT_EQUAL_FATAL(lks_group_generate(group, &key, share), LKS_OK);
        lks_group_key_free(key);
        share[group->client_share_len - 1u] ^= 1;
        check_refused(group, share, "another y");
        share[group->client_share_len - 1u] ^= 1;
        share[0] = (uint8_t)(6 | (share[group->client_share_len - 1u] & 1));
        check_refused(group, share, "hybrid form");
        share[0] = 4;
        memset(share + 1, 0xff, group->client_share_len - 1u);
        check_refused(group, share, "numbers beyond the field");
        memset(share, 0, sizeof(share));
        check_refused(group, share, "infinity");
    }
}

/* RFC 7748 section 6.1, RFC 8446 section 7.4.2. [8446 7.4.2-2] */
static void all_zero_secret(void)
{
    uint8_t share[LKS_SHARE_MAX] = {0};
    check_refused(group_called("x25519"), share, "order 4");
    share[0] = 1;
    check_refused(group_called("x25519"), share, "order 1");
}

/* p less than a small number, as a share. */
static void below_p(const struct lks_group *group, unsigned int less, uint8_t *share)
{
    EVP_PKEY *params = NULL;
    BIGNUM *p = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
    CU_ASSERT_TRUE_FATAL(
        EVP_PKEY_paramgen_init(ctx) > 0 && EVP_PKEY_CTX_set_group_name(ctx, group->name) > 0 &&
        EVP_PKEY_paramgen(ctx, &params) > 0 && EVP_PKEY_get_bn_param(params, "p", &p) > 0);
    BN_sub_word(p, less);
    CU_ASSERT_EQUAL(BN_bn2binpad(p, share, group->client_share_len), group->client_share_len);
    BN_free(p);
    EVP_PKEY_free(params);
    EVP_PKEY_CTX_free(ctx);
}

/* RFC 8446 section 4.2.8.1: 1 < Y < p - 1. [8446 4.2.8.1-1] */
static void numbers_out_of_range(void)
{
    static const char *const names[] = {"ffdhe2048", "ffdhe3072"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct lks_group *group = group_called(names[i]);
        const size_t last = group->client_share_len - 1u;
        struct lks_group_key *key;
        uint8_t share[LKS_SHARE_MAX] = {0}, a[LKS_SHARE_MAX], b[LKS_SHARE_MAX];
        check_refused(group, share, "0");
        share[last] = 1;
        check_refused(group, share, "1");
        memset(share, 0xff, sizeof(share));
        check_refused(group, share, "beyond p");
        below_p(group, 0, share);
        check_refused(group, share, "p");
        below_p(group, 1, share);
        check_refused(group, share, "p - 1");

        /* The least that is allowed, the generator, gives our own share. */
        memset(share, 0, sizeof(share));
        share[last] = 2;
        CU_ASSERT_EQUAL_FATAL(lks_group_generate(group, &key, a), LKS_OK);
        CU_ASSERT_EQUAL(lks_bare(lks_group_finish(key, share, group->server_share_len, b)), LKS_OK);
        LKS_CHECK(memcmp(a, b, group->secret_len) == 0, "%s: 2^x is our share", group->name);
        lks_group_key_free(key);
    }
}

/* Section 7.4.1: leading zeros of the secret stay. The generator as the peer's share makes our own
 * share the secret, so that one looked for until it begins with a zero shows it. [8446 7.4.2-1] */
static void secrets_keep_their_zeros(void)
{
    const struct lks_group *group = group_called("ffdhe2048");
    uint8_t two[LKS_SHARE_MAX] = {0}, share[LKS_SHARE_MAX], secret[LKS_SHARED_SECRET_MAX];
    two[group->client_share_len - 1u] = 2;
    unsigned int tries = 0;
    do {
        memset(secret, 0xaa, sizeof(secret));
        CU_ASSERT_EQUAL_FATAL(
            lks_bare(lks_group_respond(group, two, group->client_share_len, share, secret)),
            LKS_OK);
    } while (share[0] && ++tries < 5000);
    LKS_CHECK(share[0] == 0, "no share began with a zero in %u tries", tries);
    CU_ASSERT_EQUAL(memcmp(share, secret, group->secret_len), 0);
}

/* draft-ietf-tls-ecdhe-mlkem section 4.1: ML-KEM first in the shares and in the secret, and each
 * half is what it is alone. */
static void hybrid_is_both_halves(void)
{
    const struct lks_group *group = group_called("x25519mlkem768"),
                           *x25519 = group_called("x25519");
    const struct lks_mlkem *mlkem = lks_mlkem_best();
    uint8_t seed[LKS_MLKEM_SEED_LEN] = {7}, dk[LKS_MLKEM_DK_LEN], client[LKS_SHARE_MAX],
            server[LKS_SHARE_MAX], secret[LKS_SHARED_SECRET_MAX], alone[LKS_SHARED_SECRET_MAX];
    struct lks_group_key *key;
    CU_ASSERT_EQUAL(group->number, 0x11ec);
    CU_ASSERT_EQUAL(group->client_share_len, 1216);
    CU_ASSERT_EQUAL(group->server_share_len, 1120);
    CU_ASSERT_EQUAL(group->secret_len, 64);
    CU_ASSERT_PTR_NOT_NULL_FATAL(mlkem);
    mlkem->generate(client, dk, seed);
    CU_ASSERT_EQUAL_FATAL(lks_group_generate(x25519, &key, client + LKS_MLKEM_EK_LEN), LKS_OK);
    CU_ASSERT_EQUAL(
        lks_bare(lks_group_respond(group, client, group->client_share_len, server, secret)),
        LKS_OK);
    mlkem->decapsulate(alone, dk, server);
    CU_ASSERT_EQUAL(lks_bare(lks_group_finish(key, server + LKS_MLKEM_CIPHER_LEN, 32, alone + 32)),
                    LKS_OK);
    CU_ASSERT_EQUAL(memcmp(secret, alone, 64), 0);

    /* Either half alone can be wrong. */
    memset(client + LKS_MLKEM_EK_LEN, 0, 32);
    check_refused(group, client, "X25519 of order 4");
    client[LKS_MLKEM_EK_LEN] = 9;
    client[0] = 0xff; /* 4095 at least */
    client[1] |= 15;
    check_refused(group, client, "a coefficient beyond q");
    lks_group_key_free(key);
    CU_ASSERT_EQUAL_FATAL(lks_group_generate(group, &key, client), LKS_OK);
    memset(server + LKS_MLKEM_CIPHER_LEN, 0, 32);
    CU_ASSERT_EQUAL(lks_bare(lks_group_finish(key, server, group->server_share_len, secret)),
                    LKS_ALERT_ILLEGAL_PARAMETER);
    lks_group_key_free(key);
}

const struct lks_test group_tests[] = {
    {"both halves agree", both_halves_agree},
    {"wrong lengths", wrong_lengths},
    {"points off the curve", points_off_the_curve},
    {"all-zero secret", all_zero_secret},
    {"numbers out of range", numbers_out_of_range},
    {"secrets keep their zeros", secrets_keep_their_zeros},
    {"hybrid is both halves", hybrid_is_both_halves},
    {NULL, NULL},
};
