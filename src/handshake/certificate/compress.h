/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_CERTIFICATE_COMPRESS_H
#define LKS_HANDSHAKE_CERTIFICATE_COMPRESS_H

/* Certificate compression, RFC 8879: a const row for each algorithm that was there at build time.
 */

#include <stdbool.h>

#include <lockstep/status.h>

#include "base/reader.h"
#include "base/writer.h"

#define LKS_COMPRESSIONS_MAX 3u

/* The longest body of a Certificate message that we take, as it is or out of a compressed one: a
 * chain is as long as its makers like. */
#define LKS_CERTIFICATE_MAX 131072u

struct lks_compression {
    uint16_t number; /* CertificateCompressionAlgorithm */
    const char *name;
    /* As small as it gets; out_len is out's room and then its length. False: it does not fit. */
    bool (*compress)(uint8_t *out, size_t *out_len, const uint8_t *data, size_t len);
    /* True where data is whole and makes exactly out_len bytes. */
    bool (*decompress)(uint8_t *out, size_t out_len, const uint8_t *data, size_t len);
};

/* In order of preference, ended by one whose name is NULL. */
const struct lks_compression *lks_compression_rows(void);

/* Reads a list of names, or "all", into one that is all NULL. */
LKS_MUST_CHECK enum lks_status
lks_compressions_parse(const struct lks_compression *list[LKS_COMPRESSIONS_MAX + 1],
                       const char *names, struct lks_error *err);

/* Our first algorithm (ours: NULL at the end) in a peer's list of 16-bit numbers; NULL: none. */
const struct lks_compression *lks_compression_choose(const struct lks_compression *const *ours,
                                                     struct lks_reader theirs);

/* The body of compress_certificate, RFC 8879 section 3. */
void lks_compressions_write(struct lks_writer *w, const struct lks_compression *const *ours);
bool lks_compressions_read(struct lks_reader body, struct lks_reader *list);

/*
 * Reads a CompressedCertificate: *out, to be freed by the caller, is the body of the Certificate
 * message. offered: the algorithms that may be used, NULL at the end. decode_error: the structure;
 * illegal_parameter: an algorithm not offered; bad_certificate: too long, or not what it says.
 */
LKS_MUST_CHECK enum lks_status lks_compression_undo(uint8_t **out, size_t *out_len,
                                                    struct lks_reader body,
                                                    const struct lks_compression *const *offered);

#endif
