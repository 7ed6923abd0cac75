/* SPDX-License-Identifier: BSD-3-Clause */

/* ClientHello, RFC 8446 section 4.1.2. */

#include "handshake/client_hello.h"

#include <openssl/evp.h>
#include <string.h>

#include "handshake/core.h"
#include "handshake/exchange/hash.h"

#define HOST_NAME 0u /* NameType, RFC 6066 section 3 */

bool lks_list_has_u16(struct lks_reader list, uint16_t number)
{
    uint16_t v;
    while (lks_read_u16(&list, &v))
        if (v == number)
            return true;
    return false;
}

bool lks_read_u16_list(struct lks_reader body, struct lks_reader *list)
{
    return lks_read_vec16(&body, list) && !body.len && list->len && list->len % 2 == 0;
}

/* RFC 6066 section 3: one name of type host_name, which is text; a list with two, or with what is
 * no text, is well-formed all the same. Other types begin with their length, whatever they will be;
 * they are skipped. */
static bool parse_server_name(struct lks_reader body, struct lks_client_hello *h)
{
    struct lks_reader list, name;
    uint8_t type;
    if (!lks_read_vec16(&body, &list) || body.len || !list.len)
        return false;
    while (list.len) {
        if (!lks_read_u8(&list, &type) || !lks_read_vec16(&list, &name))
            return false;
        if (type != HOST_NAME)
            continue;
        if (!name.len)
            return false;
        h->has_wrong_name |= h->server_name.len || memchr(name.data, 0, name.len);
        h->server_name = name;
    }
    return true;
}

static bool parse_alpn(struct lks_reader body, struct lks_reader *list)
{
    if (!lks_read_vec16(&body, list) || body.len || !list->len)
        return false;
    struct lks_reader at = *list, name;
    while (at.len)
        if (!lks_read_vec8(&at, &name) || !name.len)
            return false;
    return true;
}

static bool parse_versions(struct lks_reader body, struct lks_reader *list)
{
    return lks_read_vec8(&body, list) && !body.len && list->len >= 2 && list->len % 2 == 0;
}

/* The list may be empty: that asks for a HelloRetryRequest. */
static bool parse_key_shares(struct lks_reader body, struct lks_reader *list)
{
    if (!lks_read_vec16(&body, list) || body.len)
        return false;
    struct lks_reader at = *list, share;
    uint16_t group;
    while (at.len)
        if (!lks_read_u16(&at, &group) || !lks_read_vec16(&at, &share) || !share.len)
            return false;
    return true;
}

static bool parse_psk_modes(struct lks_reader body, struct lks_reader *modes)
{
    return lks_read_vec8(&body, modes) && !body.len && modes->len;
}

/* OfferedPsks of RFC 8446 section 4.2.11; as many binders as identities: each list is right by
 * itself, so that another number is no matter of decoding. [8446 6-6] */
static enum lks_status parse_psk(struct lks_reader body, struct lks_client_hello *h)
{
    struct lks_reader identities, binders, v;
    uint32_t age;
    size_t num_identities = 0, num_binders = 0;
    if (!lks_read_vec16(&body, &identities) || !lks_read_vec16(&body, &binders) || body.len ||
        !identities.len || !binders.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_PSK_MALFORMED);
    h->psk_identities = identities;
    h->psk_binders = binders;
    for (; identities.len; num_identities++)
        if (!lks_read_vec16(&identities, &v) || !v.len || !lks_read_u32(&identities, &age))
            return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_PSK_MALFORMED);
    for (; binders.len; num_binders++)
        if (!lks_read_vec8(&binders, &v) || v.len < 32)
            return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_PSK_MALFORMED);
    return num_identities == num_binders
               ? LKS_OK
               : lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_PSK_BINDERS);
}

static bool parse_cookie(struct lks_reader body, struct lks_reader *cookie)
{
    return lks_read_vec16(&body, cookie) && !body.len && cookie->len;
}

/* CertificateStatusRequest, RFC 6066 section 8. Kinds other than OCSP were never defined. */
static bool parse_status_request(struct lks_reader body, bool *is_ocsp)
{
    struct lks_reader ids, id, extensions;
    uint8_t type;
    if (!lks_read_u8(&body, &type))
        return false;
    *is_ocsp = type == 1;
    if (!*is_ocsp)
        return true;
    if (!lks_read_vec16(&body, &ids) || !lks_read_vec16(&body, &extensions) || body.len)
        return false;
    while (ids.len)
        if (!lks_read_vec16(&ids, &id) || !id.len)
            return false;
    return true;
}

static bool parse_field(struct lks_client_hello *h, uint16_t type, struct lks_reader body)
{
    switch (type) {
    case LKS_EXT_SERVER_NAME:
        return parse_server_name(body, h);
    case LKS_EXT_SUPPORTED_GROUPS:
        h->has_groups = true;
        return lks_read_u16_list(body, &h->groups);
    case LKS_EXT_SIGNATURE_ALGORITHMS:
        h->has_schemes = true;
        return lks_read_u16_list(body, &h->schemes);
    case LKS_EXT_ALPN:
        h->has_alpn = true;
        return parse_alpn(body, &h->alpn);
    case LKS_EXT_SIGNATURE_ALGORITHMS_CERT:
        return lks_read_u16_list(body, &h->cert_schemes);
    case LKS_EXT_STATUS_REQUEST:
        return parse_status_request(body, &h->has_status);
    case LKS_EXT_SIGNED_CERTIFICATE_TIMESTAMP:
        h->has_sct = true;
        return body.len == 0;
    case LKS_EXT_COMPRESS_CERTIFICATE:
        return lks_compressions_read(body, &h->compressions);
    case LKS_EXT_SUPPORTED_VERSIONS:
        h->has_versions = true;
        return parse_versions(body, &h->versions);
    case LKS_EXT_KEY_SHARE:
        h->has_key_shares = true;
        return parse_key_shares(body, &h->key_shares);
    case LKS_EXT_PSK_KEY_EXCHANGE_MODES:
        h->has_psk_modes = true;
        return parse_psk_modes(body, &h->psk_modes);
    case LKS_EXT_EARLY_DATA:
        h->has_early_data = true;
        return body.len == 0;
    case LKS_EXT_COOKIE:
        return parse_cookie(body, &h->cookie);
    case LKS_EXT_RECORD_SIZE_LIMIT:
        h->has_record_size_limit = true;
        return lks_read_u16(&body, &h->record_size_limit) && !body.len;
    case LKS_EXT_EC_POINT_FORMATS:
        h->has_point_formats = true;
        return lks_read_vec8(&body, &h->point_formats) && !body.len && h->point_formats.len;
    case LKS_EXT_SESSION_TICKET:
        h->has_session_ticket = true;
        h->session_ticket = body;
        return true;
    case LKS_EXT_RENEGOTIATION_INFO:
        h->has_renegotiation_info = true;
        return lks_read_vec8(&body, &h->renegotiated) && !body.len;
    case LKS_EXT_EXTENDED_MASTER_SECRET:
        h->has_extended_master_secret = true;
        return body.len == 0;
    case LKS_EXT_ENCRYPT_THEN_MAC:
        h->has_encrypt_then_mac = true;
        return body.len == 0;
    default:
        return true; /* RFC 8446 section 4.2: unknown ones MUST be ignored; so GREASE is
                        [8446 4.1.2-13 4.4.2.1-2] */
    }
}

/* Where to keep what is wrong with an extension that means nothing to the other version; NULL: it
 * is used by both. */
static enum lks_status *verdict(struct lks_client_hello *h, uint16_t type)
{
    switch (type) {
    case LKS_EXT_EC_POINT_FORMATS:
    case LKS_EXT_RENEGOTIATION_INFO:
    case LKS_EXT_EXTENDED_MASTER_SECRET:
    case LKS_EXT_ENCRYPT_THEN_MAC:
        return &h->wrong_tls12;
    case LKS_EXT_KEY_SHARE:
    case LKS_EXT_PSK_KEY_EXCHANGE_MODES:
    case LKS_EXT_PRE_SHARED_KEY:
    case LKS_EXT_EARLY_DATA:
    case LKS_EXT_COOKIE:
    case LKS_EXT_COMPRESS_CERTIFICATE:
        return &h->wrong_tls13;
    default:
        return NULL;
    }
}

static enum lks_status parse_extension(struct lks_client_hello *h, uint16_t type,
                                       struct lks_reader body)
{
    enum lks_status status, *kept = verdict(h, type);
    if (type == LKS_EXT_PRE_SHARED_KEY) {
        h->has_psk = true;
        status = parse_psk(body, h);
    } else {
        status = parse_field(h, type, body)
                     ? LKS_OK
                     : lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_HELLO_EXTENSION);
    }
    if (!kept)
        return status;
    if (!*kept)
        *kept = status;
    return LKS_OK;
}

/* RFC 8446 section 4.2: at most one of a type, pre_shared_key last. [8446 4.2-3 4.2-5 4.2.11-11]
 * [5246 7.4.1.4-3] [5746 3.6-5] */
static enum lks_status parse_extensions(struct lks_client_hello *h, struct lks_reader list)
{
    uint64_t seen[65536 / 64] = {0};
    while (list.len) {
        uint16_t type;
        struct lks_reader body;
        if (!lks_read_u16(&list, &type) || !lks_read_vec16(&list, &body))
            return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_HELLO_MALFORMED);
        uint64_t bit = UINT64_C(1) << type % 64;
        if (seen[type / 64] & bit)
            return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_EXTENSION_TWICE);
        if (h->has_psk)
            return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_PSK_NOT_LAST);
        if (!lks_extension_may_be_in(type, LKS_IN_CLIENT_HELLO))
            return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_EXTENSION_MISPLACED);
        seen[type / 64] |= bit;
        enum lks_status status = parse_extension(h, type, body);
        if (status)
            return status;
        if (h->has_wrong_name)
            return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_HELLO_NAMES);
    }
    /* Section 4.2.9: pre_shared_key without psk_key_exchange_modes is to be aborted. [8446 4.2.9-3]
     */
    if (h->has_psk && !h->has_psk_modes && !h->wrong_tls13)
        h->wrong_tls13 = lks_because(LKS_ALERT_MISSING_EXTENSION, LKS_WHY_PSK_MODES_MISSING);
    return LKS_OK;
}

/* RFC 8446 section 6: what does not parse is decode_error. [8446 6-5] */
enum lks_status lks_client_hello_parse(struct lks_client_hello *h, struct lks_reader body)
{
    struct lks_reader compression, extensions = {0};
    memset(h, 0, sizeof(*h));
    if (!lks_read_u16(&body, &h->legacy_version) || !lks_read_copy(&body, h->random, 32) ||
        !lks_read_vec8(&body, &h->session_id) || h->session_id.len > 32 ||
        !lks_read_vec16(&body, &h->suites) || h->suites.len < 2 || h->suites.len % 2 ||
        !lks_read_vec8(&body, &compression) || !compression.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_HELLO_MALFORMED);
    h->has_null_compression = memchr(compression.data, 0, compression.len) != NULL;
    /* A client older than extensions ends here; the version then speaks for itself.
     * [8446 4.1.2-14] [5246 7.4.1.2-6] */
    if (body.len && (!lks_read_vec16(&body, &extensions) || body.len))
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_HELLO_MALFORMED);
    enum lks_status status = parse_extensions(h, extensions);
    if (status)
        return status;
    /* Section 4.1.2: exactly the null method, in a TLS 1.3 ClientHello. [8446 4.1.2-11 4.1.2-12] */
    if (lks_list_has_u16(h->versions, 0x0304) && (compression.len != 1 || compression.data[0] != 0))
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_HELLO_COMPRESSION);
    return LKS_OK;
}

static bool add_u16(EVP_MD_CTX *ctx, size_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    return EVP_DigestUpdate(ctx, bytes, sizeof(bytes));
}

/* [8446 4.1.2-13]: of the fields, so neither what is unknown counts nor the order. */
static bool add_fields(EVP_MD_CTX *ctx, const struct lks_client_hello *h)
{
    const struct lks_reader *lists[] = {
        &h->session_id, &h->suites,       &h->server_name,  &h->groups,    &h->schemes,
        &h->alpn,       &h->cert_schemes, &h->compressions, &h->psk_modes, &h->versions};
    bool ok = add_u16(ctx, h->legacy_version) &&
              EVP_DigestUpdate(ctx, h->random, sizeof(h->random)) &&
              add_u16(ctx, h->record_size_limit) &&
              add_u16(ctx, (size_t)h->has_status | (size_t)h->has_sct << 1);
    for (size_t i = 0; ok && i < sizeof(lists) / sizeof(lists[0]); i++)
        ok = add_u16(ctx, lists[i]->len) && EVP_DigestUpdate(ctx, lists[i]->data, lists[i]->len);
    return ok;
}

enum lks_status lks_client_hello_digest(const struct lks_client_hello *hello, uint8_t out[32])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex2(ctx, lks_hash_of(lks_suite_find(0x1301)), NULL) &&
              add_fields(ctx, hello) && EVP_DigestFinal_ex(ctx, out, NULL);
    EVP_MD_CTX_free(ctx);
    return ok ? LKS_OK : LKS_NO_MEMORY;
}

/*
 * RFC 8701: values that mean nothing, so that servers stay used to those they don't know. They come
 * of our random, which is the same in a second ClientHello.
 */
static uint16_t grease(const struct lks_hs *hs, unsigned int which)
{
    return lks_grease(hs->client_random[which]);
}

/* Opens an extension; close what it returns with lks_write_close(w, …, 2). */
static size_t begin_extension(struct lks_hs *hs, uint16_t type)
{
    hs->offered |= lks_extension_bit(type);
    lks_write_u16(&hs->out, type);
    return lks_write_open(&hs->out, 2);
}

/* RFC 6066 section 3. */
static void write_server_name(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    size_t extension = begin_extension(hs, LKS_EXT_SERVER_NAME);
    size_t list = lks_write_open(w, 2);
    lks_write_u8(w, 0); /* host_name */
    size_t name = lks_write_open(w, 2);
    lks_write_bytes(w, hs->server_name, strlen(hs->server_name));
    lks_write_close(w, name, 2);
    lks_write_close(w, list, 2);
    lks_write_close(w, extension, 2);
}

static void write_groups(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    size_t extension = begin_extension(hs, LKS_EXT_SUPPORTED_GROUPS);
    size_t list = lks_write_open(w, 2);
    if (hs->config->policy->greases)
        lks_write_u16(w, grease(hs, 1));
    for (const struct lks_group *const *g = hs->config->policy->groups; *g; g++)
        lks_write_u16(w, (*g)->number);
    lks_write_close(w, list, 2);
    lks_write_close(w, extension, 2);
}

/* One share, of a key that is made for it. */
static enum lks_status write_share(struct lks_hs *hs, const struct lks_group *group,
                                   struct lks_group_key **key)
{
    struct lks_writer *w = &hs->out;
    lks_write_u16(w, group->number);
    lks_write_u16(w, group->client_share_len);
    uint8_t *share = lks_write_room(w, group->client_share_len);
    if (!share)
        return LKS_INTERNAL;
    const struct lks_hooks *hooks = hs->config->policy->hooks;
    return hooks && hooks->generate ? hooks->generate(hooks->user, group, key, share)
                                    : lks_group_generate(group, key, share);
}

/* Shares of the groups in hs->shares. Those that were sent before are sent again: only the group
 * that a HelloRetryRequest names changes them, RFC 8446 section 4.1.2. [8446 4.1.2-2 4.2.8-2] */
static enum lks_status write_key_shares(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    enum lks_status status = LKS_OK;
    size_t extension = begin_extension(hs, LKS_EXT_KEY_SHARE);
    size_t list = lks_write_open(w, 2);
    if (hs->key_shares.len) {
        lks_write_bytes(w, hs->key_shares.data, hs->key_shares.len);
    } else {
        if (hs->config->policy->greases && !hs->retried) {
            lks_write_u16(w, grease(hs, 1));
            lks_write_u16(w, 1);
            lks_write_u8(w, 0);
        }
        for (size_t i = 0; !status && i < LKS_KEY_SHARES_MAX && hs->shares[i].group; i++)
            status = write_share(hs, hs->shares[i].group, &hs->shares[i].key);
        hs->key_shares = lks_reader_of(w->data + list, w->len - list);
    }
    lks_write_close(w, list, 2);
    lks_write_close(w, extension, 2);
    return status;
}

/* RFC 8446 section 4.2.1: all that we would speak. [8446 4.2.1-1] */
static void write_versions(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    size_t extension = begin_extension(hs, LKS_EXT_SUPPORTED_VERSIONS);
    size_t list = lks_write_open(w, 1);
    if (hs->config->policy->greases)
        lks_write_u16(w, grease(hs, 2));
    lks_write_u16(w, LKS_TLS_1_3);
    if (lks_config_speaks(hs->config, LKS_TLS_1_2))
        lks_write_u16(w, LKS_TLS_1_2);
    lks_write_close(w, list, 1);
    lks_write_close(w, extension, 2);
}

/* RFC 8446 section 4.2.3: without them no server shows a certificate. [8446 4.2.3-2]
 * [5246 7.4.1.4.1-2] */
static void write_schemes(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    size_t extension = begin_extension(hs, LKS_EXT_SIGNATURE_ALGORITHMS);
    lks_sign_write_schemes(w, hs->config->policy->schemes,
                           lks_config_speaks(hs->config, LKS_TLS_1_2));
    lks_write_close(w, extension, 2);
    extension = begin_extension(hs, LKS_EXT_SIGNATURE_ALGORITHMS_CERT);
    lks_sign_write_cert_schemes(w);
    lks_write_close(w, extension, 2);
}

/* What a client would like beside the server's certificate. */
static void write_certificate_wishes(struct lks_hs *hs)
{
    static const uint8_t ocsp[] = {1, 0, 0, 0, 0}; /* of any responder, without extensions */
    struct lks_writer *w = &hs->out;
    size_t extension;
    if (hs->config->policy->ocsp) {
        extension = begin_extension(hs, LKS_EXT_STATUS_REQUEST);
        lks_write_bytes(w, ocsp, sizeof(ocsp));
        lks_write_close(w, extension, 2);
    }
    if (hs->config->policy->asks_sct)
        lks_write_close(w, begin_extension(hs, LKS_EXT_SIGNED_CERTIFICATE_TIMESTAMP), 2);
    if (hs->config->policy->compressions[0]) {
        extension = begin_extension(hs, LKS_EXT_COMPRESS_CERTIFICATE);
        lks_compressions_write(w, hs->config->policy->compressions);
        lks_write_close(w, extension, 2);
    }
}

static void write_alpn(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    size_t extension = begin_extension(hs, LKS_EXT_ALPN);
    size_t list = lks_write_open(w, 2);
    for (char *const *protocol = hs->config->policy->alpn; *protocol; protocol++) {
        size_t name = lks_write_open(w, 1);
        lks_write_bytes(w, *protocol, strlen(*protocol));
        lks_write_close(w, name, 1);
    }
    lks_write_close(w, list, 2);
    lks_write_close(w, extension, 2);
}

/* RFC 8446 section 4.2.2: as it came. [8446 4.2.2-1] */
static void write_cookie(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    size_t extension = begin_extension(hs, LKS_EXT_COOKIE);
    size_t cookie = lks_write_open(w, 2);
    lks_write_bytes(w, hs->cookie, hs->cookie_len);
    lks_write_close(w, cookie, 2);
    lks_write_close(w, extension, 2);
}

static void write_front(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    /* Section 4.1.2: the versions stand in supported_versions. [8446 4.1.2-6 D.5-7] */
    lks_write_u16(w, 0x0303); /* legacy_version */
    lks_write_bytes(w, hs->client_random, sizeof(hs->client_random));
    lks_write_u8(w, hs->session_id_len);
    lks_write_bytes(w, hs->session_id, hs->session_id_len);
    size_t suites = lks_write_open(w, 2);
    if (hs->config->policy->greases)
        lks_write_u16(w, grease(hs, 0));
    for (const struct lks_suite *const *s = hs->config->policy->suites; *s; s++)
        if (lks_config_speaks(hs->config, (*s)->version))
            lks_write_u16(w, (*s)->number);
    lks_write_close(w, suites, 2);
    /* Section 4.1.2: exactly that. [8446 4.1.2-10] */
    lks_write_u16(w, 0x0100); /* legacy_compression_methods: null */
}

/* Section 9.2: what has to be there. Each suite, group and scheme comes from the table of those
 * that we have, section 9.3. [8446 9.2-1 9.2-9 9.2-10 9.2-13 9.3-3] */
static enum lks_status write_extensions(struct lks_hs *hs, bool *offers_psk)
{
    struct lks_writer *w = &hs->out;
    const bool speaks_13 = lks_config_speaks(hs->config, LKS_TLS_1_3);
    enum lks_status status = LKS_OK;
    size_t extensions = lks_write_open(w, 2);
    if (hs->config->policy->greases)
        lks_write_close(w, begin_extension(hs, grease(hs, 3)), 2);
    if (hs->server_name)
        write_server_name(hs);
    write_groups(hs);
    if (speaks_13) {
        status = write_key_shares(hs);
        write_versions(hs);
    }
    write_schemes(hs);
    write_certificate_wishes(hs);
    hs->offered |= lks_extension_bit(LKS_EXT_RECORD_SIZE_LIMIT);
    lks_record_size_limit_write(hs, speaks_13 ? LKS_TLS_1_3 : LKS_TLS_1_2);
    if (hs->config->policy->alpn[0])
        write_alpn(hs);
    /* Only an answer to a HelloRetryRequest has one. [8446 4.2.2-2] */
    if (hs->cookie)
        write_cookie(hs);
    /* Section 4.2.10: beside its PSK, and in the first hello only. [8446 4.2.10-1 4.2.10-5] */
    if (hs->early.offered && !hs->retried)
        lks_write_close(w, begin_extension(hs, LKS_EXT_EARLY_DATA), 2);
    if (lks_config_speaks(hs->config, LKS_TLS_1_2))
        lks_tls12_client_extensions_write(hs);
    if (speaks_13)
        lks_psk_modes_write(hs);
    /* The parser of a server needs it there. [8446 4.2-4 4.2.11-10] */
    *offers_psk = speaks_13 && lks_psk_offer_write(hs); /* section 4.2.11: the last one */
    lks_write_close(w, extensions, 2);
    return status;
}

/* What is as long as others like: shares, names, the cookie. The rest fits into the room that a
 * message has. */
static size_t room_wanted(const struct lks_hs *hs)
{
    size_t len = hs->key_shares.len + hs->cookie_len + lks_psk_offer_room(hs) + 2048;
    for (size_t i = 0; i < LKS_KEY_SHARES_MAX && hs->shares[i].group; i++)
        len += 4u + hs->shares[i].group->client_share_len;
    for (char *const *protocol = hs->config->policy->alpn; *protocol; protocol++)
        len += 1 + strlen(*protocol);
    if (hs->session)
        len += hs->session->ticket_len;
    return hs->server_name ? len + strlen(hs->server_name) : len;
}

enum lks_status lks_client_hello_write(struct lks_hs *hs)
{
    enum lks_status status = lks_message_reserve(hs, room_wanted(hs));
    if (status)
        return status;
    bool offers_psk;
    hs->offered = 0;
    size_t message = lks_message_begin(hs, LKS_MSG_CLIENT_HELLO);
    const size_t begin = message - LKS_MSG_HEADER_LEN;
    write_front(hs);
    status = write_extensions(hs, &offers_psk);
    lks_write_close(&hs->out, message, 3);
    if (!status && offers_psk && !hs->out.failed)
        status = lks_psk_offer_bind(hs, hs->out.data + begin, hs->out.len - begin);
    if (!status)
        status = lks_message_end(hs, message);
    hs->hello = lks_reader_of(hs->out.data + begin, hs->out.len - begin);
    return status;
}
