/* SPDX-License-Identifier: BSD-3-Clause */

/* What a handshake says of the peer's certificate. */

#include <openssl/x509.h>
#include <string.h>

#include "handshake/certificate/verify.h"
#include "handshake/handshake.h"
#include "pki.h"
#include "test_handshake.h"

/* The names of a certificate, in its order; no terminal obeys one, and no zero byte ends one early.
 */
static void names_taken_apart(void)
{
    static const struct {
        enum lks_name_kind kind;
        const char *text;
    } wanted[] = {
        {LKS_NAME_SUBJECT, "CN=Zo\\C3\\AB\\1B[31m\\, \\00x"},
        {LKS_NAME_ISSUER, "CN=root"},
        {LKS_NAME_COMMON, "Zo\\C3\\AB\\1B[31m\\, \\00x"},
        {LKS_NAME_DNS, "a.example.test"},
        {LKS_NAME_DNS, "*.b.example.test"},
        {LKS_NAME_EMAIL, "me@example.test"},
        {LKS_NAME_URI, "spiffe://example.test/x"},
        {LKS_NAME_ADDRESS, "192.0.2.1"},
        {LKS_NAME_ADDRESS, "2001:db8:0:0:0:0:0:1"},
    };
    uint8_t out[4096], less_out[4096], kind = 0;
    X509 *root = pki_make(&(struct pki){.subject = "root", .ca = true}, NULL, PKI_P256);
    X509 *leaf = pki_make(
        &(struct pki){.subject = "x",
                      .san = "DNS:a.example.test,DNS:two words,DNS:*.b.example.test,"
                             "email:me@example.test,URI:spiffe://example.test/x,IP:192.0.2.1,"
                             "IP:2001:db8::1,RID:1.2.3"},
        root, PKI_P256);
    X509_NAME *subject = X509_get_subject_name(leaf);
    X509_NAME_ENTRY_free(X509_NAME_delete_entry(subject, 0));
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               (const uint8_t *)"Zo\xc3\xab\x1b[31m, \0x", 13, -1, 0);
    struct lks_peer peer = {.leaf = leaf};
    struct lks_writer w = lks_writer_of(out, sizeof(out));
    CU_ASSERT_EQUAL(lks_leaf_write_names(&w, peer.leaf), LKS_OK);
    struct lks_reader names = lks_reader_of(out, w.len), text = {0};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        CU_ASSERT_TRUE_FATAL(lks_read_u8(&names, &kind) && lks_read_vec16(&names, &text));
        LKS_CHECK(kind == wanted[i].kind && text.len == strlen((const char *)text.data) &&
                      !strcmp((const char *)text.data, wanted[i].text),
                  "%zu: %.*s", i, (int)text.len, (const char *)text.data);
        CU_ASSERT_TRUE(lks_read_u8(&names, &kind) && kind == 0);
    }
    CU_ASSERT_EQUAL(names.len, 0);
    for (size_t cap = 0; cap < w.len; cap++) { /* what has no room is left out */
        struct lks_writer less = lks_writer_of(less_out, cap);
        CU_ASSERT_EQUAL(lks_leaf_write_names(&less, peer.leaf), LKS_OK);
        CU_ASSERT_TRUE(less.len < w.len && !less.failed);
    }
    X509_free(leaf);
    X509_free(root);
    pki_free();
}

const struct lks_test about_tests[] = {
    {"names taken apart", names_taken_apart},
    {NULL, NULL},
};
