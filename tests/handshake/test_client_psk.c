/* SPDX-License-Identifier: BSD-3-Clause */

/* What a server may not say to a client that offers keys, or has sent early data. */

#include <stdlib.h>
#include <string.h>

#include "duo.h"
#include "test_handshake.h"

/* RFC 8446 section 4.2.11: one of the keys on offer, a suite of its hash, and a key exchange unless
 * the client allowed to do without, or wants none. [8446 4.2.9-7 4.2.11-6] */
static void answers_to_a_psk(void)
{
    static const uint8_t key[32] = {1};
    static const struct {
        struct hello_parts parts;
        bool psk_ke, no_psk_dhe_ke;
    } rows[] = {
        {{.what = "right", .extensions = GOOD "0029 0002 0000", .status = LKS_WANT_DATA}, false},
        {{.what = "another key",
          .extensions = GOOD "0029 0002 0001",
          .status = LKS_ALERT_ILLEGAL_PARAMETER},
         false},
        {{.what = "a suite of another hash",
          .suite = 0x1302,
          .extensions = GOOD "0029 0002 0000",
          .status = LKS_ALERT_ILLEGAL_PARAMETER},
         false},
        {{.what = "no key exchange",
          .extensions = EXTENSION_VERSION "0029 0002 0000",
          .status = LKS_ALERT_ILLEGAL_PARAMETER},
         false},
        {{.what = "no key exchange, as allowed",
          .extensions = EXTENSION_VERSION "0029 0002 0000",
          .status = LKS_WANT_DATA},
         true},
        {{.what = "a key exchange not on offer",
          .extensions = GOOD "0029 0002 0000",
          .status = LKS_ALERT_ILLEGAL_PARAMETER},
         true,
         true},
        {{.what = "not taken", .extensions = GOOD, .status = LKS_WANT_DATA}, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct duo d;
        uint8_t message[FLIGHT_MAX];
        duo_init(&d, "x25519");
        CU_ASSERT_EQUAL(
            lks_identities_add_psk(d.client_config->identities, key, 1, key, 32, "SHA256", NULL),
            LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_psk_modes(d.client_config->policy, !rows[i].no_psk_dhe_ke,
                                                 rows[i].psk_ke, NULL),
                        LKS_OK);
        lks_hs_free(d.client);
        CU_ASSERT_EQUAL_FATAL(lks_hs_new(&d.client, d.client_config, LKS_CLIENT, NULL), LKS_OK);
        size_t len = write_hello(message, &rows[i].parts, d.client, false);
        enum lks_status status = lks_hs_input(d.client, message, len);
        LKS_CHECK(status == rows[i].parts.status, "%s: %s", rows[i].parts.what,
                  lks_status_name(status));
        duo_free(&d);
    }
}

/* RFC 8446 section 4.2.11: early data are under the first key on offer. [8446 4.2.11-8] */
static void early_data_under_another_psk(void)
{
    static const uint8_t body[] = {0, 4, 0, LKS_EXT_EARLY_DATA, 0, 0};
    struct duo d;
    duo_init(&d, "x25519");
    give_honest(&d, ENCRYPTED_EXTENSIONS);
    d.client->offered |= lks_extension_bit(LKS_EXT_EARLY_DATA);
    d.client->early.offered = true;
    d.client->psk.used = true;
    d.client->psk.index = 1;
    CU_ASSERT_EQUAL(
        lks_bare(lks_encrypted_extensions_read(d.client, lks_reader_of(body, sizeof(body)))),
        LKS_ALERT_ILLEGAL_PARAMETER);
    duo_free(&d);
}

/* Early data are for one application protocol: a server that takes them and chooses another one got
 * something wrong. */
static void early_data_for_another_protocol(void)
{
    static const char *const rows[] = {"0010 0005 0003 02 6832 002a 0000",
                                       "0010 000b 0009 08 687474702f312e31 002a 0000"};
    struct lks_error err;
    for (size_t i = 0; i < 2; i++) {
        struct duo d;
        uint8_t message[64] = {LKS_MSG_ENCRYPTED_EXTENSIONS};
        duo_init(&d, "x25519");
        CU_ASSERT_EQUAL(lks_policy_set_alpn(d.client_config->policy, "h2,http/1.1", &err), LKS_OK);
        give_honest(&d, ENCRYPTED_EXTENSIONS);
        struct lks_hs *hs = d.client;
        hs->session = calloc(1, sizeof(*hs->session));
        CU_ASSERT_PTR_NOT_NULL_FATAL(hs->session);
        hs->session->session.suite = hs->suite->number;
        hs->session->session.alpn_len = 2;
        memcpy(hs->session->session.alpn, "h2", 2);
        hs->offered |= lks_extension_bit(LKS_EXT_EARLY_DATA) | lks_extension_bit(LKS_EXT_ALPN);
        hs->early.offered = hs->psk.used = true;
        const size_t len = lks_test_hex(rows[i], message + 6, sizeof(message) - 6);
        message[3] = (uint8_t)(len + 2);
        message[5] = (uint8_t)len;
        CU_ASSERT_EQUAL(lks_hs_input(hs, message, 6 + len),
                        i ? LKS_ALERT_ILLEGAL_PARAMETER : LKS_WANT_DATA);
        duo_free(&d);
    }
}

/* RFC 8446 appendix D.3: a server that turns out to be one of TLS 1.2. [8446 D.3-1] */
static void early_data_to_tls12(void)
{
    static const struct hello_parts old = {
        .suite = 0xc02f, .session = 2, .extensions = "ff01 0001 00"};
    for (int offered = 0; offered < 2; offered++) {
        struct duo d;
        uint8_t message[FLIGHT_MAX];
        duo_init(&d, "x25519");
        d.client->early.offered = offered;
        const size_t len = write_hello(message, &old, d.client, false);
        CU_ASSERT_EQUAL(lks_hs_input(d.client, message, len),
                        offered ? LKS_ALERT_PROTOCOL_VERSION : LKS_WANT_DATA);
        duo_free(&d);
    }
}

const struct lks_test client_psk_tests[] = {
    {"answers to a PSK", answers_to_a_psk},
    {"early data under another PSK", early_data_under_another_psk},
    {"early data for another protocol", early_data_for_another_protocol},
    {"early data to TLS 1.2", early_data_to_tls12},
    {NULL, NULL},
};
