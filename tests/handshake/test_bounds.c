/* SPDX-License-Identifier: BSD-3-Clause */

/* Messages as long as their fields allow, and longer: what is taken, and the alert where it is not.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "client.h"
#include "handshake/core.h"
#include "test_handshake.h"

/* A file of so many authorities with names of a KiB each, behind the tests' own certificates. */
static void write_authorities(const char *path, unsigned int num)
{
    char text[8192], filler[1001];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *from = fopen(test_certificates()->both_certs, "r"), *f = fopen(path, "w");
    CU_ASSERT_TRUE_FATAL(from && f && key);
    const size_t len = fread(text, 1, sizeof(text), from);
    CU_ASSERT_EQUAL(fwrite(text, 1, len, f), len);
    memset(filler, 'x', sizeof(filler) - 1);
    filler[sizeof(filler) - 1] = 0;
    for (unsigned int i = 0; i < num; i++) {
        char name[16];
        X509 *x = X509_new();
        snprintf(name, sizeof(name), "CA %u", i);
        X509_NAME *subject = X509_get_subject_name(x);
        CU_ASSERT_TRUE(
            X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (uint8_t *)name, -1, -1, 0) &&
            X509_NAME_add_entry_by_txt(subject, "description", MBSTRING_ASC, (uint8_t *)filler, -1,
                                       -1, 0) &&
            X509_gmtime_adj(X509_getm_notBefore(x), 0) &&
            X509_gmtime_adj(X509_getm_notAfter(x), 3600) && X509_set_pubkey(x, key) &&
            X509_sign(x, key, EVP_sha256()) && PEM_write_X509(f, x));
        X509_free(x);
    }
    EVP_PKEY_free(key);
    fclose(from);
    CU_ASSERT_EQUAL(fclose(f), 0);
}

/* Two sides until nothing moves, TLS 1.2's change_cipher_spec included; the longest message that
 * the server sent. */
static size_t talk_to_the_end(struct lks_hs *hs[2], enum lks_status status[2])
{
    size_t longest = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int from = 0; from < 2; from++) {
            struct lks_hs_event event;
            while (lks_hs_next_event(hs[from], &event)) {
                if (event.kind == LKS_HS_CCS && hs[from]->version == LKS_TLS_1_2)
                    status[!from] = lks_hs_change_cipher_spec(hs[!from]);
                if (event.kind != LKS_HS_SEND)
                    continue;
                moved = true;
                status[!from] = lks_hs_input(hs[!from], event.data, event.len);
                if (from == LKS_SERVER && event.len > longest)
                    longest = event.len;
            }
        }
    }
    return longest;
}

/* More than 16 KiB of names are sent, and read; more than fit into a message are refused, with a
 * line where one can be given. Both versions. */
static void names_of_authorities(void)
{
    static const struct {
        unsigned int num;
        bool fits;
    } rows[] = {{0, true}, {20, true}, {60, true}, {70, false}};
    const struct test_certificates *files = test_certificates();
    char path[128];
    snprintf(path, sizeof(path), "%s/authorities.pem", files->dir);
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const uint16_t version = i & 1 ? LKS_TLS_1_2 : LKS_TLS_1_3;
        const unsigned int num = rows[i / 2].num;
        struct lks_config *config[2] = {config_with("ecdsa"), config_with("ecdsa")};
        struct lks_hs *hs[2];
        enum lks_status status[2] = {LKS_OK, LKS_OK};
        struct lks_error err;
        write_authorities(path, num);
        for (int k = 0; k < 2; k++) {
            CU_ASSERT_EQUAL(lks_policy_set_versions(config[k]->policy, version, version, NULL),
                            LKS_OK);
            CU_ASSERT_EQUAL(
                lks_policy_set_trust(config[k]->policy, lks_from_file(files->both_certs), &err),
                LKS_OK);
        }
        /* Whether the one is said first or the other. */
        const enum lks_status wanted = rows[i / 2].fits ? LKS_OK : LKS_BAD_CONFIG;
        struct lks_policy *policy = config[LKS_SERVER]->policy;
        CU_ASSERT_EQUAL(lks_policy_set_trust(policy, lks_from_file(path), &err), LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_client_auth(policy, LKS_CLIENT_AUTH_REQUIRED, true, &err),
                        wanted);
        LKS_CHECK(!wanted || strstr(err.text, "trust fewer"), "%s", err.text);
        CU_ASSERT_EQUAL(lks_policy_set_trust(policy, lks_from_file(files->both_certs), &err),
                        LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_client_auth(policy, LKS_CLIENT_AUTH_REQUIRED, true, &err),
                        LKS_OK);
        CU_ASSERT_EQUAL(lks_policy_set_trust(policy, lks_from_file(path), &err), wanted);
        LKS_CHECK(!wanted || strstr(err.text, path) == err.text, "%s", err.text);
        CU_ASSERT_EQUAL(lks_hs_new(&hs[LKS_SERVER], config[LKS_SERVER], LKS_SERVER, NULL), LKS_OK);
        if (rows[i / 2].fits) {
            CU_ASSERT_EQUAL_FATAL(
                lks_hs_new(&hs[LKS_CLIENT], config[LKS_CLIENT], LKS_CLIENT, &localhost), LKS_OK);
            const size_t longest = talk_to_the_end(hs, status);
            LKS_CHECK(hs[0]->state == LKS_STATE_DONE && hs[1]->state == LKS_STATE_DONE &&
                          longest > num * 1000 && hs[LKS_SERVER]->peer,
                      "version %x, %u names: %s, %s", version, num, lks_status_name(status[0]),
                      lks_status_name(status[1]));
            lks_hs_free(hs[LKS_CLIENT]);
        }
        lks_hs_free(hs[LKS_SERVER]);
        lks_config_free(config[0]);
        lks_config_free(config[1]);
    }
    unlink(path);
}

/* What only the header of a message of this length brings about, in a state that awaits it. */
static enum lks_status header_of(enum lks_role role, enum lks_hs_state state, uint8_t type,
                                 uint32_t len)
{
    const uint8_t header[] = {type, (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    struct lks_config *config = config_with("ecdsa");
    struct lks_hs *hs;
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(&hs, config, role, role == LKS_CLIENT ? &localhost : NULL),
                          LKS_OK);
    hs->state = state;
    enum lks_status status = lks_hs_input(hs, header, sizeof(header));
    lks_hs_free(hs);
    lks_config_free(config);
    return status;
}

/* The longest that each message may be, and a byte more: decode_error, RFC 8446 section 6.2.
 * [8446 6-5] */
static void longest_messages(void)
{
    static const struct {
        enum lks_role role;
        enum lks_hs_state state;
        uint8_t type;
        uint32_t max;
    } rows[] = {
        {LKS_SERVER, LKS_STATE_CLIENT_HELLO, LKS_MSG_CLIENT_HELLO, 65536},
        {LKS_SERVER, LKS_STATE_CERTIFICATE, LKS_MSG_CERTIFICATE, 131072},
        {LKS_SERVER, LKS_STATE_CERTIFICATE, LKS_MSG_COMPRESSED_CERTIFICATE, 131072},
        {LKS_SERVER, LKS_STATE_FINISHED, LKS_MSG_FINISHED, 48},
        /* version, random, session ID, suite, compression, extensions */
        {LKS_CLIENT, LKS_STATE_SERVER_HELLO, LKS_MSG_SERVER_HELLO, 2 + 32 + 33 + 2 + 1 + 2 + 65535},
        {LKS_CLIENT, LKS_STATE_ENCRYPTED_EXTENSIONS, LKS_MSG_ENCRYPTED_EXTENSIONS, 2 + 65535},
        /* context, extensions */
        {LKS_CLIENT, LKS_STATE_CERTIFICATE_REQUEST, LKS_MSG_CERTIFICATE_REQUEST, 256 + 2 + 65535},
        /* types, schemes, names */
        {LKS_CLIENT, LKS_STATE_12_CERTIFICATE_REQUEST, LKS_MSG_CERTIFICATE_REQUEST,
         256 + 2 + 65535 + 2 + 65535},
        {LKS_CLIENT, LKS_STATE_12_CERTIFICATE_STATUS, LKS_MSG_CERTIFICATE_REQUEST,
         256 + 2 + 65535 + 2 + 65535},
        {LKS_CLIENT, LKS_STATE_12_NEW_SESSION_TICKET, LKS_MSG_NEW_SESSION_TICKET, 4 + 2 + 65535},
        {LKS_CLIENT, LKS_STATE_12_FINISHED, LKS_MSG_FINISHED, 48},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (uint32_t more = 0; more < 2; more++) {
            enum lks_status status =
                header_of(rows[i].role, rows[i].state, rows[i].type, rows[i].max + more);
            LKS_CHECK(status == (more ? LKS_ALERT_DECODE_ERROR : LKS_WANT_DATA),
                      "state %d, message %u of %u bytes: %s", rows[i].state, rows[i].type,
                      rows[i].max + more, lks_status_name(status));
        }
}

/* RFC 7919 section 3: a prime of 8192 bits is too long for us and no fault of the message. */
static void long_prime_field(void)
{
    static uint8_t message[4 + 3 * (2 + 1024)] = {LKS_MSG_SERVER_KEY_EXCHANGE};
    struct lks_config *config = config_with("rsa");
    struct lks_hs *hs;
    struct lks_writer w = lks_writer_of(message, sizeof(message));
    CU_ASSERT_EQUAL_FATAL(lks_hs_new(&hs, config, LKS_CLIENT, &localhost), LKS_OK);
    hs->state = LKS_STATE_12_SERVER_KEY_EXCHANGE;
    hs->suite = lks_suite_find(0x009e);
    lks_write_u8(&w, LKS_MSG_SERVER_KEY_EXCHANGE);
    size_t body = lks_write_open(&w, 3);
    for (int i = 0; i < 3; i++) { /* prime, generator, share */
        const uint16_t len = i == 1 ? 1 : 1024;
        lks_write_u16(&w, len);
        memset(lks_write_room(&w, len), 0xfb, len);
    }
    lks_write_close(&w, body, 3);
    CU_ASSERT_FALSE(w.failed);
    CU_ASSERT_EQUAL(lks_hs_input(hs, message, w.len), LKS_ALERT_INSUFFICIENT_SECURITY);
    lks_hs_free(hs);
    lks_config_free(config);
}

/* What no connection can have given is not taken for a session, and ends nothing. */
static void session_of_any_length(void)
{
    static uint8_t bytes[70000], ticket[65535];
    for (int fits = 0; fits < 2; fits++) {
        struct lks_config *config = config_with("ecdsa");
        struct lks_session session = {.kind = LKS_SESSION_TLS13,
                                      .suite = 0x1301,
                                      .issued_ms = config->policy->now_ms(),
                                      .lifetime_s = 3600,
                                      .secret_len = 32};
        struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
        struct lks_hs *hs;
        struct lks_error err;
        CU_ASSERT_EQUAL(lks_policy_set_trust(config->policy,
                                             lks_from_file(test_certificates()->ecdsa_cert), &err),
                        LKS_OK);
        memcpy(session.basis, config->policy->anchor_digests[0], sizeof(session.basis));
        session.until_ms = session.issued_ms + 3600000;
        CU_ASSERT_TRUE(
            lks_session_set_name(session.server_name, &session.server_name_len, "localhost"));
        lks_client_session_write(&w, &session, lks_reader_of(ticket, fits ? 4096 : 65535), false);
        CU_ASSERT_FALSE(w.failed);
        const struct lks_conn_options options = {"localhost", bytes, w.len};
        CU_ASSERT_EQUAL_FATAL(lks_hs_new(&hs, config, LKS_CLIENT, &options), LKS_OK);
        CU_ASSERT_EQUAL((hs->offered & lks_extension_bit(LKS_EXT_PRE_SHARED_KEY)) != 0, fits);
        lks_hs_free(hs);
        lks_config_free(config);
    }
}

const struct lks_test bounds_tests[] = {
    {"names of authorities", names_of_authorities},
    {"longest messages", longest_messages},
    {"long prime field", long_prime_field},
    {"session of any length", session_of_any_length},
    {NULL, NULL},
};
