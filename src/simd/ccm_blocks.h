/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_SIMD_CCM_BLOCKS_H
#define LKS_SIMD_CCM_BLOCKS_H

/* CCM's formatting of a message, NIST SP 800-38C appendix A, for nonces of 12 bytes (q = 3). */

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "simd/aead.h"

#define CCM_LENGTH_LEN     3u /* q: bytes of the message's length, and of the counter */
#define CCM_AAD_PREFIX_MAX 6u

static inline void ccm_put_block(uint8_t block[16], uint8_t flags, const uint8_t nonce[12],
                                 uint32_t last)
{
    store_be32(block + 12, last); /* its first byte is the nonce's */
    block[0] = flags;
    memcpy(block + 1, nonce, 12);
}

/* Counter block number i, appendix A.3. */
static inline void ccm_counter_block(uint8_t block[16], const uint8_t nonce[12], uint32_t i)
{
    ccm_put_block(block, CCM_LENGTH_LEN - 1, nonce, i);
}

/* B0, appendix A.2.1, and its first byte. */
static inline uint8_t ccm_first_flags(const struct lks_aead_job *job, unsigned int tag_len)
{
    return (uint8_t)((job->aad_len ? 64u : 0u) | (tag_len - 2) / 2 << 3 | (CCM_LENGTH_LEN - 1));
}

static inline void ccm_first_block(uint8_t block[16], const struct lks_aead_job *job,
                                   unsigned int tag_len)
{
    ccm_put_block(block, ccm_first_flags(job, tag_len), job->nonce, job->len);
}

/* What stands before the additional data, appendix A.2.2: their length. Returns its own. */
static inline unsigned int ccm_aad_prefix(uint8_t prefix[CCM_AAD_PREFIX_MAX], uint32_t aad_len)
{
    if (aad_len < 0xff00) {
        prefix[0] = (uint8_t)(aad_len >> 8);
        prefix[1] = (uint8_t)aad_len;
        return 2;
    }
    prefix[0] = 0xff;
    prefix[1] = 0xfe;
    store_be32(prefix + 2, aad_len);
    return 6;
}

#endif
