/* SPDX-License-Identifier: BSD-3-Clause */

/* The key schedule against the values that RFC 8448 prints. */

#include "handshake/exchange/schedule.h"

#include <string.h>

#include "rfc8448.h"
#include "test_handshake.h"

static void check_hex(const uint8_t *got, size_t len, const char *hex, const char *what)
{
    uint8_t wanted[64];
    size_t wanted_len = lks_test_hex(hex, wanted, sizeof(wanted));
    LKS_CHECK(wanted_len == len && memcmp(got, wanted, len) == 0, "%s", what);
}

static void add(struct lks_schedule *s, const char *hex)
{
    uint8_t message[512];
    CU_ASSERT_EQUAL(lks_schedule_add(s, message, lks_test_hex(hex, message, sizeof(message))),
                    LKS_OK);
}

static void check_derived(const struct lks_schedule *s, const char *label, const char *hex)
{
    uint8_t secret[LKS_HASH_MAX];
    CU_ASSERT_EQUAL(lks_schedule_derive(s, label, secret), LKS_OK);
    check_hex(secret, 32, hex, label);
}

static void simple_1rtt(void)
{
    struct lks_schedule s;
    uint8_t out[LKS_HASH_MAX], shared[32], server[32], message[64];
    CU_ASSERT_EQUAL(lks_schedule_begin(&s, lks_suite_find(0x1301)), LKS_OK);
    check_hex(s.secret, 32, RFC8448_EARLY_SECRET, "early secret");
    add(&s, RFC8448_CLIENT_HELLO);
    add(&s, RFC8448_SERVER_HELLO);
    CU_ASSERT_EQUAL(lks_schedule_hash(&s, out), LKS_OK);
    check_hex(out, 32, RFC8448_HELLO_HASH, "hash of the hellos");

    lks_test_hex(RFC8448_SHARED_SECRET, shared, sizeof(shared));
    CU_ASSERT_EQUAL(lks_schedule_advance(&s, shared, sizeof(shared)), LKS_OK);
    check_hex(s.secret, 32, RFC8448_HANDSHAKE_SECRET, "handshake secret");
    check_derived(&s, "c hs traffic", RFC8448_CLIENT_HANDSHAKE);
    check_derived(&s, "s hs traffic", RFC8448_SERVER_HANDSHAKE);

    add(&s, RFC8448_ENCRYPTED_EXTENSIONS);
    add(&s, RFC8448_CERTIFICATE);
    add(&s, RFC8448_CERTIFICATE_VERIFY);
    lks_test_hex(RFC8448_SERVER_HANDSHAKE, server, sizeof(server));
    lks_test_hex(RFC8448_SERVER_FINISHED, message, sizeof(message));
    CU_ASSERT_EQUAL(lks_schedule_finished(&s, server, out), LKS_OK);
    CU_ASSERT_EQUAL(memcmp(out, message + 4, 32), 0);

    add(&s, RFC8448_SERVER_FINISHED);
    CU_ASSERT_EQUAL(lks_schedule_hash(&s, out), LKS_OK);
    check_hex(out, 32, RFC8448_FLIGHT_HASH, "hash up to the server's Finished");
    CU_ASSERT_EQUAL(lks_schedule_advance(&s, NULL, 0), LKS_OK);
    check_hex(s.secret, 32, RFC8448_MASTER_SECRET, "master secret");
    check_derived(&s, "c ap traffic", RFC8448_CLIENT_APP);
    check_derived(&s, "s ap traffic", RFC8448_SERVER_APP);
    check_derived(&s, "exp master", RFC8448_EXPORTER);
    lks_schedule_wipe(&s);
}

static void traffic_key(void)
{
    uint8_t secret[32], key[LKS_TRAFFIC_KEY_MAX], iv[12];
    lks_test_hex(RFC8448_SERVER_HANDSHAKE, secret, sizeof(secret));
    CU_ASSERT_EQUAL(lks_tls13_traffic_key(lks_suite_find(0x1301), secret, key, iv), LKS_OK);
    check_hex(key, 16, RFC8448_SERVER_HANDSHAKE_KEY, "key");
    check_hex(iv, 12, RFC8448_SERVER_HANDSHAKE_IV, "iv");
}

const struct lks_test schedule_tests[] = {
    {"simple 1-RTT of RFC 8448", simple_1rtt}, {"traffic key", traffic_key}, {NULL, NULL}};
