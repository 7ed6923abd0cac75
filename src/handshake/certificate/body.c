/* SPDX-License-Identifier: BSD-3-Clause */

/* Our own certificates as they are sent: plain, or compressed beforehand. */

#include <stdlib.h>
#include <string.h>

#include "handshake/certificate/certificate.h"
#include "handshake/certificate/file.h"

#define STATUS_TYPE_OCSP 1u

#define COMPRESSED_HEAD 8u /* algorithm, uncompressed_length, length: RFC 8879 section 4 */

size_t lks_certificate_body_max(const struct lks_certificate *c)
{
    return 1 + 3 + c->entries_len + 4 + 4 + c->ocsp_len + 4 + c->sct_len;
}

/* RFC 8446 section 4.4.2.1: CertificateStatus and SignedCertificateTimestampList as they were in
 * TLS 1.2's messages. [8446 4.4.2-6 4.4.2-7 4.4.2.1-1] */
static void write_extensions(struct lks_writer *w, const struct lks_certificate *c,
                             unsigned int asked)
{
    size_t all = lks_write_open(w, 2);
    if (c->ocsp && (asked & LKS_PEER_ASKED_STATUS)) {
        lks_write_u16(w, LKS_EXT_STATUS_REQUEST);
        size_t body = lks_write_open(w, 2);
        lks_write_u8(w, STATUS_TYPE_OCSP);
        size_t response = lks_write_open(w, 3);
        lks_write_bytes(w, c->ocsp, c->ocsp_len);
        lks_write_close(w, response, 3);
        lks_write_close(w, body, 2);
    }
    if (c->sct && (asked & LKS_PEER_ASKED_SCT)) {
        lks_write_u16(w, LKS_EXT_SIGNED_CERTIFICATE_TIMESTAMP);
        size_t body = lks_write_open(w, 2);
        lks_write_bytes(w, c->sct, c->sct_len);
        lks_write_close(w, body, 2);
    }
    lks_write_close(w, all, 2);
}

void lks_certificate_write_body(struct lks_writer *w, const struct lks_certificate *c,
                                unsigned int asked)
{
    /* Section 4.4.2: empty, or as empty as the request's. [8446 4.4.2-5] */
    lks_write_u8(w, 0); /* certificate_request_context: none in a handshake */
    size_t list = lks_write_open(w, 3);
    if (c->entries_len) {
        const size_t rest = c->leaf_len + 2;
        /* Section 4.4.2: ours comes first. [8446 4.4.2-8] */
        lks_write_bytes(w, c->entries, c->leaf_len);
        write_extensions(w, c, asked);
        lks_write_bytes(w, c->entries + rest, c->entries_len - rest);
    }
    lks_write_close(w, list, 3);
}

/* The extensions that there are, of those asked for: other combinations are the same message. */
static unsigned int existing(const struct lks_certificate *c, unsigned int asked)
{
    return asked & ((c->ocsp ? LKS_PEER_ASKED_STATUS : 0) | (c->sct ? LKS_PEER_ASKED_SCT : 0));
}

static bool compress_one(uint8_t **out, size_t *out_len, const struct lks_compression *row,
                         const uint8_t *body, size_t body_len)
{
    uint8_t *made = malloc(body_len);
    size_t len = body_len > COMPRESSED_HEAD ? body_len - COMPRESSED_HEAD : 0;
    if (!made)
        return false;
    if (!row->compress(made + COMPRESSED_HEAD, &len, body, body_len)) {
        free(made); /* it would be longer */
        return true;
    }
    struct lks_writer w = lks_writer_of(made, COMPRESSED_HEAD);
    lks_write_u16(&w, row->number);
    lks_write_u24(&w, (uint32_t)body_len);
    lks_write_u24(&w, (uint32_t)len);
    *out = made;
    *out_len = COMPRESSED_HEAD + len;
    return true;
}

static void drop_compressed(struct lks_certificate *c)
{
    for (size_t i = 0; i < LKS_COMPRESSIONS_MAX; i++) {
        for (size_t asked = 0; asked < LKS_PEER_ASKED_NUM; asked++) {
            free(c->compressed[i][asked].data);
            c->compressed[i][asked].data = NULL;
        }
    }
}

static bool compress_all(struct lks_certificate *c, const struct lks_compression *const *algorithms,
                         uint8_t *room, size_t room_len)
{
    for (unsigned int asked = 0; asked < LKS_PEER_ASKED_NUM; asked++) {
        if (existing(c, asked) != asked)
            continue;
        struct lks_writer w = lks_writer_of(room, room_len);
        lks_certificate_write_body(&w, c, asked);
        for (size_t i = 0; !w.failed && algorithms[i]; i++) {
            const size_t row = (size_t)(algorithms[i] - lks_compression_rows());
            if (!compress_one(&c->compressed[row][asked].data, &c->compressed[row][asked].len,
                              algorithms[i], w.data, w.len))
                return false;
        }
    }
    return true;
}

bool lks_certificate_compress(struct lks_certificate *c,
                              const struct lks_compression *const *algorithms)
{
    drop_compressed(c);
    if (!algorithms || !*algorithms)
        return true;
    const size_t room_len = lks_certificate_body_max(c);
    uint8_t *room = malloc(room_len);
    bool ok = room && compress_all(c, algorithms, room, room_len);
    free(room);
    return ok;
}

bool lks_certificate_find_compressed(const struct lks_certificate *c, uint16_t algorithm,
                                     unsigned int asked, struct lks_reader *out)
{
    const struct lks_compression *rows = lks_compression_rows();
    for (size_t i = 0; rows[i].name; i++) {
        const unsigned int which = existing(c, asked);
        if (rows[i].number != algorithm || !c->compressed[i][which].data)
            continue;
        *out = lks_reader_of(c->compressed[i][which].data, c->compressed[i][which].len);
        return true;
    }
    return false;
}
