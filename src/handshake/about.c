/* SPDX-License-Identifier: BSD-3-Clause */

/* What a handshake says about itself to who keeps it: whose names, keys and certificates these
 * were. */

#include <openssl/x509v3.h>
#include <string.h>

#include "handshake/core.h"
#include "handshake/errors.h"

/* The leaf of ours that was shown; a session or a pre-shared key does without. */
static struct lks_reader own_leaf(const struct lks_hs *hs)
{
    struct lks_reader der = {0}, entries;
    if (hs->certificate && !hs->psk.used && !hs->tls12.resumed) {
        entries = lks_reader_of(hs->certificate->entries, hs->certificate->entries_len);
        (void)lks_read_vec24(&entries, &der);
    }
    return der;
}

/* The scheme that we sign with; a server of TLS 1.2's RSA key exchange signs nothing. */
static uint16_t own_scheme(const struct lks_hs *hs)
{
    const bool decrypts = hs->role == LKS_SERVER && hs->version == LKS_TLS_1_2 && hs->suite &&
                          hs->suite->key_exchange == LKS_KX_RSA;
    return hs->scheme && own_leaf(hs).len && !decrypts ? hs->scheme->number : 0;
}

void lks_hs_about(const struct lks_hs *hs, struct lks_about *about)
{
    const char *name = hs->role == LKS_CLIENT ? hs->peer_name : hs->server_name;
    const struct lks_psk *psk = hs->psk.used ? hs->psk.source : NULL;
    *about = (struct lks_about){.server_name = name ? name : "",
                                .own = own_leaf(hs),
                                .own_scheme = own_scheme(hs),
                                .peer_scheme = hs->peer_scheme};
    if (psk)
        about->psk_identity = lks_reader_of(psk->identity, psk->identity_len);
}

/* Writes one name; one that has no room, or does not fit its length, is left out. */
static void write_name(struct lks_writer *w, enum lks_name_kind kind, const void *text, size_t len)
{
    if (!len || len > UINT16_MAX || w->cap - w->len < len + 4)
        return;
    lks_write_u8(w, (uint8_t)kind);
    lks_write_u16(w, (uint16_t)len);
    lks_write_bytes(w, text, len);
    lks_write_u8(w, 0);
}

/* Writes what was printed, if that went well, and empties bio. */
static void write_printed(struct lks_writer *w, enum lks_name_kind kind, BIO *bio, bool ok)
{
    char *text;
    const long len = BIO_get_mem_data(bio, &text);
    if (ok && len > 0)
        write_name(w, kind, text, (size_t)len);
    (void)BIO_reset(bio);
}

/* RFC 4514's form: what is not ASCII, or no text, is escaped. */
static void write_distinguished(struct lks_writer *w, BIO *bio, X509 *leaf)
{
    const X509_NAME *subject = X509_get_subject_name(leaf);
    bool ok = X509_NAME_print_ex(bio, subject, 0, XN_FLAG_RFC2253) > 0;
    write_printed(w, LKS_NAME_SUBJECT, bio, ok);
    ok = X509_NAME_print_ex(bio, X509_get_issuer_name(leaf), 0, XN_FLAG_RFC2253) > 0;
    write_printed(w, LKS_NAME_ISSUER, bio, ok);
    for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
        ok = ASN1_STRING_print_ex(bio, X509_NAME_ENTRY_get_data(entry), ASN1_STRFLGS_RFC2253) > 0;
        write_printed(w, LKS_NAME_COMMON, bio, ok);
    }
}

/* A zero byte in the middle, or what a terminal would obey, has deceived readers of logs. */
static void write_text(struct lks_writer *w, enum lks_name_kind kind, const ASN1_STRING *text)
{
    const unsigned char *data = ASN1_STRING_get0_data(text);
    const size_t len = (size_t)ASN1_STRING_length(text);
    for (size_t i = 0; i < len; i++)
        if (data[i] <= ' ' || data[i] > '~')
            return;
    write_name(w, kind, data, len);
}

static void write_address(struct lks_writer *w, BIO *bio, const ASN1_OCTET_STRING *address)
{
    const unsigned char *at = ASN1_STRING_get0_data(address);
    const int len = ASN1_STRING_length(address);
    if (len == 4)
        BIO_printf(bio, "%d.%d.%d.%d", at[0], at[1], at[2], at[3]);
    for (int i = 0; len == 16 && i < 16; i += 2)
        BIO_printf(bio, "%s%x", i ? ":" : "", at[i] << 8 | at[i + 1]);
    write_printed(w, LKS_NAME_ADDRESS, bio, true);
}

static void write_alternatives(struct lks_writer *w, BIO *bio, X509 *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type;
        void *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        if (type == GEN_DNS)
            write_text(w, LKS_NAME_DNS, value);
        else if (type == GEN_EMAIL)
            write_text(w, LKS_NAME_EMAIL, value);
        else if (type == GEN_URI)
            write_text(w, LKS_NAME_URI, value);
        else if (type == GEN_IPADD)
            write_address(w, bio, value);
    }
    GENERAL_NAMES_free(names);
}

enum lks_status lks_leaf_write_names(struct lks_writer *w, X509 *leaf)
{
    LKS_OWN_ERRORS;
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio)
        return LKS_NO_MEMORY;
    write_distinguished(w, bio, leaf);
    write_alternatives(w, bio, leaf);
    BIO_free(bio);
    /* What could not be printed is nowhere else said. */
    return lks_errors_cause(LKS_INTERNAL) == LKS_NO_MEMORY ? LKS_NO_MEMORY : LKS_OK;
}

static const struct lks_peer *peer_of(const struct lks_hs *hs)
{
    return hs->state == LKS_STATE_DONE ? hs->peer : NULL;
}

/* What the client has shown in an earlier handshake. */
static bool shown_earlier(const struct lks_hs *hs, struct lks_shown *shown)
{
    return hs->state == LKS_STATE_DONE && !hs->peer && lks_shown_read(shown, hs->shown);
}

struct lks_reader lks_hs_peer_certificate(const struct lks_hs *hs)
{
    const struct lks_peer *peer = peer_of(hs);
    struct lks_reader der = {0};
    struct lks_shown shown;
    if (peer)
        return lks_reader_of(peer->der, peer->der_len);
    if (shown_earlier(hs, &shown))
        (void)lks_read_vec24(&shown.chain, &der);
    return der;
}

struct lks_reader lks_hs_peer_scts(const struct lks_hs *hs)
{
    const struct lks_peer *peer = peer_of(hs);
    return peer ? lks_reader_of(peer->sct, peer->sct_len) : lks_reader_of(NULL, 0);
}

bool lks_hs_peer_digest(const struct lks_hs *hs, uint8_t digest[32])
{
    const struct lks_peer *peer = peer_of(hs);
    struct lks_shown shown;
    if (!peer && !shown_earlier(hs, &shown))
        return false;
    memcpy(digest, peer ? peer->digest : shown.digest, 32);
    return true;
}

enum lks_status lks_hs_write_peer_names(struct lks_writer *w, const struct lks_hs *hs)
{
    LKS_OWN_ERRORS;
    const struct lks_peer *peer = peer_of(hs);
    const struct lks_reader der = lks_hs_peer_certificate(hs);
    const uint8_t *at = der.data;
    if (peer)
        return lks_leaf_write_names(w, peer->leaf);
    X509 *leaf = der.len ? d2i_X509(NULL, &at, (long)der.len) : NULL;
    if (!leaf) /* it was one when it was verified */
        return der.len ? LKS_NO_MEMORY : LKS_OK;
    enum lks_status status = lks_leaf_write_names(w, leaf);
    X509_free(leaf);
    return status;
}

/* What was verified, or (where the application does that alone) as it came. */
static int chain_len(const struct lks_peer *peer)
{
    return sk_X509_num(peer->verified ? peer->verified : peer->chain);
}

static X509 *chain_at(const struct lks_peer *peer, int i)
{
    return sk_X509_value(peer->verified ? peer->verified : peer->chain, i);
}

/* The end of a session's chain, unless that is all there is; NULL: it is, or there is none. */
static X509 *shown_end(const struct lks_hs *hs, const struct lks_shown *shown)
{
    const bool is_alone = memcmp(shown->digest, shown->anchor_digest, sizeof(shown->digest)) == 0;
    return is_alone || !shown->chain.len
               ? NULL
               : lks_policy_find_anchor(hs->config->policy, shown->anchor_digest);
}

static size_t der_room(const X509 *x509)
{
    const int len = x509 ? i2d_X509(x509, NULL) : 0;
    return 3 + (len > 0 ? (size_t)len : 0);
}

size_t lks_peer_chain_room(const struct lks_peer *peer)
{
    size_t room = 0;
    for (int i = 0; i < chain_len(peer); i++)
        room += der_room(chain_at(peer, i));
    return room;
}

enum lks_status lks_peer_write_chain(struct lks_writer *w, const struct lks_peer *peer)
{
    enum lks_status status = LKS_OK;
    for (int i = 0; i < chain_len(peer) && !status; i++)
        status = lks_certificate_write_der(w, chain_at(peer, i));
    return !status && w->failed ? LKS_INTERNAL : status;
}

size_t lks_hs_peer_chain_room(const struct lks_hs *hs)
{
    LKS_OWN_ERRORS;
    const struct lks_peer *peer = peer_of(hs);
    struct lks_shown shown;
    size_t room = 0;
    if (peer)
        room = lks_peer_chain_room(peer);
    if (shown_earlier(hs, &shown))
        room = shown.chain.len + der_room(shown_end(hs, &shown));
    return room;
}

enum lks_status lks_hs_write_peer_chain(struct lks_writer *w, const struct lks_hs *hs)
{
    LKS_OWN_ERRORS;
    const struct lks_peer *peer = peer_of(hs);
    struct lks_shown shown;
    enum lks_status status = LKS_OK;
    if (peer)
        status = lks_peer_write_chain(w, peer);
    if (shown_earlier(hs, &shown)) {
        X509 *end = shown_end(hs, &shown);
        lks_write_bytes(w, shown.chain.data, shown.chain.len);
        if (end)
            status = lks_certificate_write_der(w, end);
    }
    return !status && w->failed ? LKS_INTERNAL : status;
}
