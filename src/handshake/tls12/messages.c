/* SPDX-License-Identifier: BSD-3-Clause */

/* TLS 1.2: Finished, RFC 5246 section 7.4.9, and what belongs to no message. */

#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "handshake/core.h"

#define HELLO_REQUESTS_MAX 8u /* a peer has no use for more than one */

void lks_tls12_wipe(struct lks_tls12 *t)
{
    lks_group_key_free(t->key);
    free(t->messages);
    free(t->ticket);
    free(t->sct);
    lks_wipe(t, sizeof(*t));
}

enum lks_status lks_tls12_keep_message(struct lks_tls12 *t, const uint8_t *message, size_t len)
{
    if (!t->keeps_messages)
        return LKS_OK;
    if (t->messages_len + len > t->messages_cap) {
        size_t cap = 2 * (t->messages_len + len);
        uint8_t *grown = realloc(t->messages, cap);
        if (!grown)
            return LKS_NO_MEMORY;
        t->messages = grown;
        t->messages_cap = cap;
    }
    memcpy(t->messages + t->messages_len, message, len);
    t->messages_len += len;
    return LKS_OK;
}

/* [5246 7.4.1.1-1] */
enum lks_status lks_tls12_skip_hello_request(struct lks_hs *hs, struct lks_reader in)
{
    static const uint8_t request[LKS_MSG_HEADER_LEN] = {LKS_MSG_HELLO_REQUEST};
    const size_t len = in.len < sizeof(request) ? in.len : sizeof(request);
    if (hs->role != LKS_CLIENT || hs->version != LKS_TLS_1_2 || memcmp(in.data, request, len) ||
        hs->tls12.num_hello_requests == HELLO_REQUESTS_MAX)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_MESSAGE_UNEXPECTED);
    if (len < sizeof(request))
        return LKS_WANT_DATA;
    hs->tls12.num_hello_requests++;
    hs->in_at += sizeof(request);
    return LKS_OK;
}

/* [5246 7.1-1] */
enum lks_status lks_tls12_finished_write(struct lks_hs *hs)
{
    uint8_t verify_data[LKS_VERIFY_DATA_LEN];
    enum lks_status status = lks_tls12_verify_data(hs, hs->role, verify_data);
    lks_event_ccs(hs);
    if (!status)
        status = lks_event_record_key(hs, LKS_HS_SEAL_KEY, &hs->tls12.seal);
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_FINISHED);
    lks_write_bytes(&hs->out, verify_data, sizeof(verify_data));
    return lks_message_end(hs, message);
}

/* [5246 7.4.9-1] */
enum lks_status lks_tls12_finished_verify(struct lks_hs *hs, struct lks_reader body)
{
    uint8_t wanted[LKS_VERIFY_DATA_LEN];
    enum lks_status status =
        lks_tls12_verify_data(hs, hs->role == LKS_SERVER ? LKS_CLIENT : LKS_SERVER, wanted);
    if (status)
        return status;
    if (body.len != sizeof(wanted))
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_FINISHED_LENGTH);
    return lks_ct_memeq(body.data, wanted, sizeof(wanted))
               ? LKS_OK
               : lks_because(LKS_ALERT_DECRYPT_ERROR, LKS_WHY_FINISHED_WRONG);
}

bool lks_hs_tls12_exporter(const struct lks_hs *hs, uint8_t client_random[32],
                           uint8_t server_random[32])
{
    memcpy(client_random, hs->client_random, 32);
    memcpy(server_random, hs->tls12.server_random, 32);
    return hs->tls12.extended_master; /* [7627 5.4-1] */
}
