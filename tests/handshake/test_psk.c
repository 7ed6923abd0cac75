/* SPDX-License-Identifier: BSD-3-Clause */

/* What a PSK does to the key schedule, against the values that RFC 8448 section 4 prints. */

#include "handshake/resumption/psk.h"

#include <string.h>

#include "rfc8448_resumed.h"
#include "test_handshake.h"

static void check_hex(const uint8_t *got, const char *hex, const char *what)
{
    uint8_t wanted[32];
    CU_ASSERT_EQUAL(lks_test_hex(hex, wanted, sizeof(wanted)), 32);
    LKS_CHECK(memcmp(got, wanted, 32) == 0, "%s", what);
}

static void resumed_0rtt(void)
{
    static const uint8_t nonce[2] = {0, 0};
    const struct lks_suite *suite = lks_suite_find(0x1301);
    struct lks_schedule s;
    uint8_t master[32], psk[48], out[48], hello[512], server_hello[128];
    lks_test_hex(RFC8448_RESUMPTION_MASTER, master, sizeof(master));
    CU_ASSERT_EQUAL(lks_psk_of_ticket(suite, master, nonce, sizeof(nonce), psk), LKS_OK);
    check_hex(psk, RFC8448_RESUMPTION, "PSK of the ticket");

    CU_ASSERT_EQUAL(lks_schedule_begin(&s, suite), LKS_OK);
    CU_ASSERT_EQUAL(lks_psk_set(&s, psk, 32), LKS_OK);
    check_hex(s.secret, RFC8448_RESUMED_EARLY_SECRET, "early secret");
    size_t len = lks_test_hex(RFC8448_RESUMED_CLIENT_HELLO, hello, sizeof(hello));
    /* One binder of 32 bytes: two length prefixes in front of it. */
    CU_ASSERT_EQUAL(lks_psk_binder(&s, false, hello, len - 35, out), LKS_OK);
    check_hex(out, RFC8448_BINDER, "binder");
    CU_ASSERT_EQUAL(memcmp(out, hello + len - 32, 32), 0);
    CU_ASSERT_EQUAL(lks_psk_binder(&s, true, hello, len - 35, out), LKS_OK);
    LKS_CHECK(memcmp(out, hello + len - 32, 32) != 0, "an external PSK's binder is another one");

    CU_ASSERT_EQUAL(lks_schedule_add(&s, hello, len), LKS_OK);
    CU_ASSERT_EQUAL(lks_schedule_derive(&s, "c e traffic", out), LKS_OK);
    check_hex(out, RFC8448_CLIENT_EARLY_TRAFFIC, "client's early traffic secret");
    len = lks_test_hex(RFC8448_RESUMED_SERVER_HELLO, server_hello, sizeof(server_hello));
    CU_ASSERT_EQUAL(lks_schedule_add(&s, server_hello, len), LKS_OK);
    lks_schedule_wipe(&s);
}

const struct lks_test psk_tests[] = {{"RFC 8448, resumed 0-RTT", resumed_0rtt}, {NULL, NULL}};
