/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_RECORD_PROTECTION_H
#define LKS_RECORD_PROTECTION_H

/* How a protocol version wraps an AEAD into a record, as const rows. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <lockstep/engine.h>

#include "base/bytes.h"

struct lks_protection {
    bool is_plaintext; /* TLSPlaintext: no AEAD at all */
    bool hides_type;   /* TLS 1.3: the type is the text's last byte that is not zero */
    bool has_mac;      /* TLS 1.2's block ciphers: the kernel makes IV, MAC and padding */
    /* TLS 1.2: GCM and CCM carry 8 bytes, RFC 5288, RFC 6655 section 3; a block cipher its IV, RFC
     * 5246 section 6.2.3.2. */
    uint8_t explicit_nonce_len;
};

/* The row for an algorithm under a version, or NULL where they do not go together. */
const struct lks_protection *lks_protection_of(enum lks_version version, enum lks_aead_id aead);

#define LKS_AAD_MAX            13u
#define LKS_EXPLICIT_NONCE_MAX 16u

/* The nonce of record number seq. explicit_nonce has explicit_nonce_len bytes and may be NULL if
 * that is 0. RFC 8446 section 5.3; RFC 5288 section 3; RFC 6655 section 3; RFC 7905 section 2.
 * [8446 5.3-3] [5246 6.2.3.3-1] [5288 3-1] [7905 2-1] */
static inline void lks_protection_nonce(const struct lks_protection *row, const uint8_t iv[12],
                                        uint64_t seq, const uint8_t *explicit_nonce,
                                        uint8_t nonce[12])
{
    memcpy(nonce, iv, 4);
    if (row->explicit_nonce_len)
        memcpy(nonce + 4, explicit_nonce, 8);
    else
        store_be64(nonce + 4, load_be64(iv + 4) ^ seq);
}

/* The additional data of a record: its header (RFC 8446 section 5.2), or RFC 5246 section 6.2.3.3's
 * sequence number, type, version and length of the text. Returns how many bytes. */
static inline uint32_t lks_protection_aad(const struct lks_protection *row,
                                          const uint8_t header[LKS_RECORD_HEADER_LEN], uint64_t seq,
                                          uint32_t text_len, uint8_t aad[LKS_AAD_MAX])
{
    if (row->hides_type) {
        memcpy(aad, header, LKS_RECORD_HEADER_LEN);
        return LKS_RECORD_HEADER_LEN;
    }
    store_be64(aad, seq);
    memcpy(aad + 8, header, 3);
    aad[11] = (uint8_t)(text_len >> 8);
    aad[12] = (uint8_t)text_len;
    return 13;
}

#endif
