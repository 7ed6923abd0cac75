/* SPDX-License-Identifier: BSD-3-Clause */

/* ServerHello, RFC 8446 section 4.1.3, and HelloRetryRequest, which looks like one (4.1.4). */

#include "handshake/server_hello.h"

#include <string.h>

#include "handshake/core.h"

/* SHA-256 of "HelloRetryRequest": the random that tells them apart. */
static const uint8_t retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* Up to where the extensions of both begin; lks_write_close() them. */
static size_t write_front(struct lks_hs *hs, const uint8_t random[32])
{
    struct lks_writer *w = &hs->out;
    /* Section 4.1.3: the version itself stands in supported_versions. [8446 4.1.3-1] */
    lks_write_u16(w, 0x0303); /* legacy_version */
    lks_write_bytes(w, random, 32);
    lks_write_u8(w, hs->session_id_len);
    lks_write_bytes(w, hs->session_id, hs->session_id_len); /* legacy_session_id_echo */
    lks_write_u16(w, hs->suite->number);
    /* Section 4.1.3: always. [8446 4.1.3-6] */
    lks_write_u8(w, 0); /* legacy_compression_method */
    return lks_write_open(w, 2);
}

/* RFC 8446 section 4.2.1: supported_versions, of ServerHello and HelloRetryRequest.
 * [8446 4.1.3-1 4.1.3-8 4.1.4-1 4.2.1-7] */
static void write_version(struct lks_hs *hs)
{
    lks_write_u16(&hs->out, LKS_EXT_SUPPORTED_VERSIONS);
    lks_write_u16(&hs->out, 2);
    lks_write_u16(&hs->out, LKS_TLS_1_3);
}

/* RFC 8446 section 4.1.3: only what the keys and the version need. [8446 4.1.3-7] */
enum lks_status lks_server_hello_write(struct lks_hs *hs, const uint8_t *share)
{
    struct lks_writer *w = &hs->out;
    uint8_t random[32];
    /* Section 4.1.3: whatever the client's was. [8446 4.1.3-3] */
    enum lks_status status = lks_hs_random(hs, random, sizeof(random));
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_SERVER_HELLO);
    size_t extensions = write_front(hs, random);
    /* Section 4.2.8: of the chosen group; psk_ke has none. [8446 4.2.8-8 4.2.9-6] */
    if (share) {
        lks_write_u16(w, LKS_EXT_KEY_SHARE);
        size_t key_share = lks_write_open(w, 2);
        lks_write_u16(w, hs->group->number);
        lks_write_u16(w, hs->group->server_share_len);
        lks_write_bytes(w, share, hs->group->server_share_len);
        lks_write_close(w, key_share, 2);
    }
    write_version(hs);
    if (hs->psk.used) {
        lks_write_u16(w, LKS_EXT_PRE_SHARED_KEY);
        lks_write_u16(w, 2);
        lks_write_u16(w, hs->psk.index); /* selected_identity */
    }
    lks_write_close(w, extensions, 2);
    return lks_message_end(hs, message);
}

/* RFC 8446 section 4.1.4: the client offered all of it but the cookie. [8446 4.1.4-2] */
enum lks_status lks_hello_retry_request_write(struct lks_hs *hs, struct lks_reader cookie)
{
    struct lks_writer *w = &hs->out;
    size_t message = lks_message_begin(hs, LKS_MSG_SERVER_HELLO);
    size_t extensions = write_front(hs, retry_random);
    lks_write_u16(w, LKS_EXT_KEY_SHARE);
    lks_write_u16(w, 2);
    lks_write_u16(w, hs->group->number); /* selected_group */
    lks_write_u16(w, LKS_EXT_COOKIE);
    lks_write_u16(w, (uint16_t)(2 + cookie.len));
    lks_write_u16(w, (uint16_t)cookie.len);
    lks_write_bytes(w, cookie.data, cookie.len);
    write_version(hs);
    lks_write_close(w, extensions, 2);
    return lks_message_end(hs, message);
}

/* KeyShareServerHello or KeyShareHelloRetryRequest, section 4.2.8. */
static bool read_key_share(struct lks_server_hello *h, struct lks_reader body)
{
    h->has_key_share = true;
    return lks_read_u16(&body, &h->group) &&
           (h->is_retry || (lks_read_vec16(&body, &h->share) && h->share.len)) && !body.len;
}

static bool read_extension(struct lks_server_hello *h, uint16_t type, struct lks_reader body)
{
    switch (type) {
    case LKS_EXT_SUPPORTED_VERSIONS:
        h->has_version = true;
        return lks_read_u16(&body, &h->version) && !body.len;
    case LKS_EXT_KEY_SHARE:
        return read_key_share(h, body);
    case LKS_EXT_PRE_SHARED_KEY:
        h->has_psk = true;
        return lks_read_u16(&body, &h->psk) && !body.len;
    case LKS_EXT_COOKIE:
        return lks_read_vec16(&body, &h->cookie) && h->cookie.len && !body.len;
    default:
        return false;
    }
}

/* Whether the extensions hold supported_versions: else they are to be read by older rules.
 * [8446 4.2.1-9] */
static bool names_a_version(struct lks_reader list)
{
    uint16_t type;
    struct lks_reader body;
    while (lks_read_u16(&list, &type) && lks_read_vec16(&list, &body))
        if (type == LKS_EXT_SUPPORTED_VERSIONS)
            return true;
    return false;
}

enum lks_status lks_server_hello_read(struct lks_server_hello *h, struct lks_reader body,
                                      lks_extension_set offered)
{
    struct lks_extension_block block = {.offered = offered};
    memset(h, 0, sizeof(*h));
    if (!lks_read_u16(&body, &h->legacy_version) || !lks_read_copy(&body, h->random, 32) ||
        !lks_read_vec8(&body, &h->session_id) || h->session_id.len > 32 ||
        !lks_read_u16(&body, &h->suite) || !lks_read_u8(&body, &h->compression) ||
        (body.len && (!lks_read_vec16(&body, &block.rest) || body.len)))
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SERVER_HELLO_MALFORMED);
    /* Section 4.1.3: looked at before all else. [8446 4.1.3-9] */
    h->is_retry = memcmp(h->random, retry_random, sizeof(retry_random)) == 0;
    h->extensions = block.rest;
    if (!h->is_retry && !names_a_version(block.rest))
        return LKS_OK;
    block.place = h->is_retry ? LKS_IN_HELLO_RETRY_REQUEST : LKS_IN_SERVER_HELLO;
    while (block.rest.len) {
        uint16_t type;
        struct lks_reader extension;
        enum lks_status status = lks_extension_next(&block, &type, &extension);
        if (status)
            return status;
        if (!read_extension(h, type, extension))
            return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_SERVER_HELLO_MALFORMED);
    }
    return LKS_OK;
}

bool lks_server_hello_is_downgrade(const struct lks_server_hello *h)
{
    static const uint8_t to_12[] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 1};
    static const uint8_t to_11[] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 0};
    return memcmp(h->random + 24, to_12, 8) == 0 || memcmp(h->random + 24, to_11, 8) == 0;
}
