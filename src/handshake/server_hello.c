/* SPDX-License-Identifier: BSD-3-Clause */

/* ServerHello, RFC 8446 section 4.1.3, and HelloRetryRequest, which looks like one (4.1.4). */

#include <openssl/rand.h>

#include "handshake/core.h"

/* SHA-256 of "HelloRetryRequest": the random that tells them apart. */
static const uint8_t retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* Up to where both are alike: the begun extensions list, with supported_versions in it. */
static size_t write_front(struct lks_hs *hs, const uint8_t random[32])
{
    struct lks_writer *w = &hs->out;
    lks_write_u16(w, 0x0303); /* legacy_version */
    lks_write_bytes(w, random, 32);
    lks_write_u8(w, hs->session_id_len);
    lks_write_bytes(w, hs->session_id, hs->session_id_len); /* legacy_session_id_echo */
    lks_write_u16(w, hs->suite->number);
    lks_write_u8(w, 0); /* legacy_compression_method */
    size_t extensions = lks_write_open(w, 2);
    lks_write_u16(w, LKS_EXT_SUPPORTED_VERSIONS);
    lks_write_u16(w, 2);
    lks_write_u16(w, LKS_TLS_1_3);
    return extensions;
}

enum lks_status lks_server_hello_write(struct lks_hs *hs, const uint8_t *share)
{
    struct lks_writer *w = &hs->out;
    uint8_t random[32];
    if (RAND_bytes(random, sizeof(random)) != 1)
        return LKS_INTERNAL;
    size_t message = lks_message_begin(hs, LKS_MSG_SERVER_HELLO);
    size_t extensions = write_front(hs, random);
    lks_write_u16(w, LKS_EXT_KEY_SHARE);
    size_t key_share = lks_write_open(w, 2);
    lks_write_u16(w, hs->group->number);
    lks_write_u16(w, hs->group->server_share_len);
    lks_write_bytes(w, share, hs->group->server_share_len);
    lks_write_close(w, key_share, 2);
    lks_write_close(w, extensions, 2);
    return lks_message_end(hs, message);
}

enum lks_status lks_hello_retry_request_write(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    size_t message = lks_message_begin(hs, LKS_MSG_SERVER_HELLO);
    size_t extensions = write_front(hs, retry_random);
    lks_write_u16(w, LKS_EXT_KEY_SHARE);
    lks_write_u16(w, 2);
    lks_write_u16(w, hs->group->number); /* selected_group */
    lks_write_close(w, extensions, 2);
    return lks_message_end(hs, message);
}
