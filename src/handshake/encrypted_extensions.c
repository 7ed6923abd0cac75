/* SPDX-License-Identifier: BSD-3-Clause */

/* EncryptedExtensions, RFC 8446 section 4.3.1. */

#include <string.h>

#include "handshake/core.h"

enum lks_status lks_encrypted_extensions_write(struct lks_hs *hs)
{
    struct lks_writer *w = &hs->out;
    size_t message = lks_message_begin(hs, LKS_MSG_ENCRYPTED_EXTENSIONS);
    size_t extensions = lks_write_open(w, 2);
    if (hs->alpn) { /* RFC 7301 section 3.1: a list of exactly one name */
        lks_write_u16(w, LKS_EXT_ALPN);
        size_t body = lks_write_open(w, 2);
        size_t list = lks_write_open(w, 2);
        size_t name = lks_write_open(w, 1);
        lks_write_bytes(w, hs->alpn, strlen(hs->alpn));
        lks_write_close(w, name, 1);
        lks_write_close(w, list, 2);
        lks_write_close(w, body, 2);
    }
    lks_write_close(w, extensions, 2);
    return lks_message_end(hs, message);
}
