/* SPDX-License-Identifier: BSD-3-Clause */

/* Finished, RFC 8446 section 4.4.4. */

#include "base/ct.h"
#include "handshake/core.h"

enum lks_status lks_finished_write(struct lks_hs *hs, const uint8_t *traffic_secret)
{
    uint8_t verify_data[LKS_HASH_MAX];
    enum lks_status status = lks_schedule_finished(&hs->schedule, traffic_secret, verify_data);
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_FINISHED);
    lks_write_bytes(&hs->out, verify_data, hs->suite->hash_len);
    return lks_message_end(hs, message);
}

/* RFC 8446 section 4.4.4: a wrong one is decrypt_error. [8446 4.4.4-1] */
enum lks_status lks_finished_verify(struct lks_hs *hs, struct lks_reader body,
                                    const uint8_t *traffic_secret)
{
    uint8_t verify_data[LKS_HASH_MAX];
    enum lks_status status = lks_schedule_finished(&hs->schedule, traffic_secret, verify_data);
    if (status)
        return status;
    if (body.len != hs->suite->hash_len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_FINISHED_LENGTH);
    return lks_ct_memeq(body.data, verify_data, body.len)
               ? LKS_OK
               : lks_because(LKS_ALERT_DECRYPT_ERROR, LKS_WHY_FINISHED_WRONG);
}
