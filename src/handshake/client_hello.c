/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/client_hello.h"

#include <openssl/evp.h>
#include <string.h>

#include "handshake/hash.h"

bool lks_list_has_u16(struct lks_reader list, uint16_t number)
{
    uint16_t v;
    while (lks_read_u16(&list, &v))
        if (v == number)
            return true;
    return false;
}

/* A whole extension that is one vector<2..> of 16-bit numbers, RFC 8446 sections 4.2.3, 4.2.7. */
static bool parse_u16_list(struct lks_reader body, struct lks_reader *list)
{
    return lks_read_vec16(&body, list) && !body.len && list->len && list->len % 2 == 0;
}

/* RFC 6066 section 3: one name of type host_name; no other type was ever defined. */
static bool parse_server_name(struct lks_reader body, struct lks_reader *name)
{
    struct lks_reader list;
    uint8_t type;
    return lks_read_vec16(&body, &list) && !body.len && lks_read_u8(&list, &type) && type == 0 &&
           lks_read_vec16(&list, name) && name->len && !list.len &&
           !memchr(name->data, 0, name->len);
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

static bool parse_psk_modes(struct lks_reader body)
{
    struct lks_reader modes;
    return lks_read_vec8(&body, &modes) && !body.len && modes.len;
}

/* OfferedPsks of RFC 8446 section 4.2.11; as many binders as identities. */
static bool parse_psk(struct lks_reader body)
{
    struct lks_reader identities, binders, v;
    uint32_t age;
    size_t num = 0;
    if (!lks_read_vec16(&body, &identities) || !lks_read_vec16(&body, &binders) || body.len ||
        !identities.len || !binders.len)
        return false;
    for (; identities.len; num++)
        if (!lks_read_vec16(&identities, &v) || !v.len || !lks_read_u32(&identities, &age))
            return false;
    for (; binders.len; num--)
        if (!num || !lks_read_vec8(&binders, &v) || v.len < 32)
            return false;
    return num == 0;
}

static bool parse_cookie(struct lks_reader body)
{
    struct lks_reader cookie;
    return lks_read_vec16(&body, &cookie) && !body.len && cookie.len;
}

static bool parse_extension(struct lks_client_hello *h, uint16_t type, struct lks_reader body)
{
    switch (type) {
    case LKS_EXT_SERVER_NAME:
        return parse_server_name(body, &h->server_name);
    case LKS_EXT_SUPPORTED_GROUPS:
        h->has_groups = true;
        return parse_u16_list(body, &h->groups);
    case LKS_EXT_SIGNATURE_ALGORITHMS:
        h->has_schemes = true;
        return parse_u16_list(body, &h->schemes);
    case LKS_EXT_ALPN:
        h->has_alpn = true;
        return parse_alpn(body, &h->alpn);
    case LKS_EXT_SUPPORTED_VERSIONS:
        h->has_versions = true;
        return parse_versions(body, &h->versions);
    case LKS_EXT_KEY_SHARE:
        h->has_key_shares = true;
        return parse_key_shares(body, &h->key_shares);
    case LKS_EXT_PSK_KEY_EXCHANGE_MODES:
        h->has_psk_modes = true;
        return parse_psk_modes(body);
    case LKS_EXT_PRE_SHARED_KEY:
        h->has_psk = true;
        return parse_psk(body);
    case LKS_EXT_EARLY_DATA:
        h->has_early_data = true;
        return body.len == 0;
    case LKS_EXT_COOKIE:
        h->has_cookie = true;
        return parse_cookie(body);
    default:
        return true; /* RFC 8446 section 4.2: unknown ones MUST be ignored; so GREASE is */
    }
}

/* RFC 8446 section 4.2: at most one of a type, pre_shared_key last. */
static enum lks_status parse_extensions(struct lks_client_hello *h, struct lks_reader list)
{
    uint64_t seen[65536 / 64] = {0};
    while (list.len) {
        uint16_t type;
        struct lks_reader body;
        if (!lks_read_u16(&list, &type) || !lks_read_vec16(&list, &body))
            return LKS_ALERT_DECODE_ERROR;
        uint64_t bit = UINT64_C(1) << type % 64;
        if (seen[type / 64] & bit || h->has_psk)
            return LKS_ALERT_ILLEGAL_PARAMETER;
        seen[type / 64] |= bit;
        if (!parse_extension(h, type, body))
            return LKS_ALERT_DECODE_ERROR;
    }
    /* Section 4.2.9: pre_shared_key without psk_key_exchange_modes is to be aborted. */
    return h->has_psk && !h->has_psk_modes ? LKS_ALERT_MISSING_EXTENSION : LKS_OK;
}

enum lks_status lks_client_hello_parse(struct lks_client_hello *h, struct lks_reader body)
{
    struct lks_reader compression, extensions = {0};
    memset(h, 0, sizeof(*h));
    if (!lks_read_u16(&body, &h->legacy_version) || !lks_read_copy(&body, h->random, 32) ||
        !lks_read_vec8(&body, &h->session_id) || h->session_id.len > 32 ||
        !lks_read_vec16(&body, &h->suites) || h->suites.len < 2 || h->suites.len % 2 ||
        !lks_read_vec8(&body, &compression) || !compression.len)
        return LKS_ALERT_DECODE_ERROR;
    /* A client older than extensions ends here; the version then speaks for itself. */
    if (body.len && (!lks_read_vec16(&body, &extensions) || body.len))
        return LKS_ALERT_DECODE_ERROR;
    enum lks_status status = parse_extensions(h, extensions);
    if (status)
        return status;
    /* Section 4.1.2: exactly the null method, in a TLS 1.3 ClientHello. */
    if (lks_list_has_u16(h->versions, 0x0304) && (compression.len != 1 || compression.data[0] != 0))
        return LKS_ALERT_ILLEGAL_PARAMETER;
    return LKS_OK;
}

static bool may_change(uint16_t type)
{
    return type == LKS_EXT_KEY_SHARE || type == LKS_EXT_EARLY_DATA || type == LKS_EXT_COOKIE ||
           type == LKS_EXT_PRE_SHARED_KEY || type == LKS_EXT_PADDING;
}

enum lks_status lks_client_hello_digest(struct lks_reader body, uint8_t out[32])
{
    struct lks_reader rest = body, skipped, extensions = {0};
    const uint8_t *fixed;
    if (!lks_read_bytes(&rest, &fixed, 34) || !lks_read_vec8(&rest, &skipped) ||
        !lks_read_vec16(&rest, &skipped) || !lks_read_vec8(&rest, &skipped))
        return LKS_INTERNAL; /* it was parsed before */
    size_t front_len = (size_t)(rest.data - body.data);
    if (rest.len && !lks_read_vec16(&rest, &extensions))
        return LKS_INTERNAL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex2(ctx, lks_hash_of(lks_suite_find(0x1301)), NULL) &&
              EVP_DigestUpdate(ctx, body.data, front_len);
    while (ok && extensions.len) {
        const uint8_t *begin = extensions.data;
        uint16_t type;
        ok = lks_read_u16(&extensions, &type) && lks_read_vec16(&extensions, &skipped);
        if (ok && !may_change(type))
            ok = EVP_DigestUpdate(ctx, begin, (size_t)(extensions.data - begin));
    }
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
    EVP_MD_CTX_free(ctx);
    return ok ? LKS_OK : LKS_INTERNAL;
}
