/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/cookie.h"

#include "base/ct.h"
#include "handshake/exchange/hash.h"

/* For how long a client may think about it; as much between two machines' clocks. */
#define LIFETIME_S 60u
#define MAC_LEN    32u

static uint64_t now_s(const struct lks_config *config)
{
    return lks_policy_now_ms(config->policy) / 1000;
}

static enum lks_status mac(const struct lks_config *config, const uint8_t *data, size_t len,
                           uint8_t out[MAC_LEN])
{
    const EVP_MD *md = lks_hash_of(lks_suite_find(0x1301)); /* SHA-256 */
    return lks_hmac(md, config->memory->cookie_key, sizeof(config->memory->cookie_key), data, len,
                    NULL, 0, out);
}

enum lks_status lks_cookie_write(struct lks_writer *w, const struct lks_config *config,
                                 const struct lks_cookie *cookie)
{
    const size_t begin = w->len;
    uint8_t tag[MAC_LEN];
    lks_write_uint(w, now_s(config), 8);
    lks_write_u16(w, cookie->suite);
    lks_write_u16(w, cookie->group);
    lks_write_bytes(w, cookie->digest, sizeof(cookie->digest));
    lks_write_bytes(w, cookie->hash, cookie->hash_len);
    if (w->failed)
        return LKS_INTERNAL;
    enum lks_status status = mac(config, w->data + begin, w->len - begin, tag);
    lks_write_bytes(w, tag, sizeof(tag));
    return status;
}

enum lks_status lks_cookie_read(struct lks_cookie *cookie, const struct lks_config *config,
                                struct lks_reader bytes)
{
    uint8_t tag[MAC_LEN];
    if (bytes.len < MAC_LEN)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_COOKIE_FOREIGN);
    struct lks_reader body = lks_reader_of(bytes.data, bytes.len - MAC_LEN);
    enum lks_status status = mac(config, body.data, body.len, tag);
    if (status)
        return status;
    if (!lks_ct_memeq(tag, bytes.data + body.len, MAC_LEN))
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_COOKIE_FOREIGN);
    if (!lks_read_uint(&body, &cookie->time_s, 8) || !lks_read_u16(&body, &cookie->suite) ||
        !lks_read_u16(&body, &cookie->group) || !lks_read_copy(&body, cookie->digest, 32) ||
        body.len > sizeof(cookie->hash))
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_COOKIE_FOREIGN);
    const uint64_t now = now_s(config);
    cookie->hash_len = (uint8_t)body.len;
    if (!lks_read_copy(&body, cookie->hash, body.len) || now > cookie->time_s + LIFETIME_S ||
        cookie->time_s > now + LIFETIME_S)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_COOKIE_EXPIRED);
    return LKS_OK;
}
