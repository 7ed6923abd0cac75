/* SPDX-License-Identifier: BSD-3-Clause */

/* NewSessionTicket, RFC 8446 section 4.6.1. */

#include <string.h>

#include "base/ct.h"
#include "handshake/errors.h"
#include "handshake/resumption/psk.h"
#include "handshake/resumption/standing.h"
#include "handshake/resumption/ticket.h"

/* Nonces only have to differ between the tickets of one connection. */
#define NONCE_LEN 1u

static enum lks_status describe(struct lks_hs *hs, struct lks_session *session,
                                const uint8_t *resumption_master, uint8_t nonce)
{
    const struct lks_replay *replay = hs->config->memory->replay;
    uint8_t age_add[4];
    enum lks_status status = lks_standing_describe(hs, session);
    if (status)
        return status;
    session->max_early = hs->config->policy->max_early;
    session->origin = replay ? replay->origin : 0;
    session->secret_len = hs->suite->hash_len;
    /* Section 4.6.1: fresh for each ticket. [8446 4.6.1-6] */
    status = lks_hs_random(hs, age_add, sizeof(age_add));
    memcpy(&session->age_add, age_add, sizeof(age_add));
    return status ? status
                  : lks_psk_of_ticket(hs->suite, resumption_master, &nonce, NONCE_LEN,
                                      session->secret);
}

/* What our clients keep of a NewSessionTicket, and others take, has no more than 4 KiB. */
_Static_assert(4 + 4 + 1 + NONCE_LEN + 2 + LKS_TICKET_MAX + 2 + 8 + 7 <= 4096, "it fits");

enum lks_status lks_ticket_reserve(struct lks_hs *hs, const struct lks_session *session)
{
    return lks_message_reserve(hs, LKS_MESSAGE_LEN + session->shown.len);
}

static enum lks_status write_one(struct lks_hs *hs, const struct lks_ticket_ring *ring,
                                 const struct lks_session *session, uint8_t nonce)
{
    struct lks_writer *w = &hs->out;
    enum lks_status status = lks_ticket_reserve(hs, session);
    if (status)
        return status;
    size_t message = lks_message_begin(hs, LKS_MSG_NEW_SESSION_TICKET);
    lks_write_u32(w, session->lifetime_s);
    lks_write_u32(w, session->age_add);
    lks_write_u8(w, NONCE_LEN);
    lks_write_u8(w, nonce);
    size_t ticket = lks_write_open(w, 2);
    status = lks_ticket_seal(w, ring, session);
    lks_write_close(w, ticket, 2);
    size_t extensions = lks_write_open(w, 2);
    if (session->max_early) {
        lks_write_u16(w, LKS_EXT_EARLY_DATA);
        lks_write_u16(w, 4);
        lks_write_u32(w, session->max_early);
    }
    if (!status)
        status = lks_hs_grease(hs);
    lks_write_close(w, extensions, 2);
    if (hs->out_lacks_memory)
        return LKS_NO_MEMORY;
    hs->num_tickets++;
    return status ? status : lks_message_end(hs, message);
}

enum lks_status lks_new_session_tickets_write(struct lks_hs *hs)
{
    const struct lks_policy *policy = hs->config->policy;
    struct lks_ticket_keys *keys = &hs->config->memory->keys;
    uint8_t resumption_master[LKS_HASH_MAX];
    struct lks_session session;
    if (!hs->wants_tickets || !policy->num_tickets || !lks_standing_is_kept(hs))
        return LKS_OK;
    enum lks_status status = lks_schedule_derive(&hs->schedule, "res master", resumption_master);
    const struct lks_ticket_ring *ring =
        lks_ticket_ring_acquire(keys, lks_policy_now_ms(policy) / 1000);
    for (uint32_t i = 0; !status && ring->num_keys && i < policy->num_tickets; i++) {
        status = describe(hs, &session, resumption_master, (uint8_t)i);
        if (!status && session.lifetime_s)
            status = write_one(hs, ring, &session, (uint8_t)i);
    }
    lks_ticket_ring_release(keys, ring);
    lks_wipe(resumption_master, sizeof(resumption_master));
    lks_wipe(&session, sizeof(session));
    return status;
}

/* RFC 8446 section 4.6.1: unknown ones are ignored. [8446 4.2-3 4.6.1-7] */
static enum lks_status read_extensions(struct lks_reader list, uint32_t *max_early)
{
    struct lks_extension_block block = {.rest = list, .place = LKS_IN_NEW_SESSION_TICKET};
    while (block.rest.len) {
        uint16_t type;
        struct lks_reader body;
        enum lks_status status = lks_extension_next(&block, &type, &body);
        if (status)
            return status;
        if (type == LKS_EXT_EARLY_DATA && (!lks_read_u32(&body, max_early) || body.len))
            return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_TICKET_MALFORMED);
    }
    return LKS_OK;
}

enum lks_status lks_ticket_base(const struct lks_hs *hs, struct lks_ticket_base *base)
{
    LKS_OWN_ERRORS;
    memset(base, 0, sizeof(*base));
    enum lks_status status = lks_standing_describe(hs, &base->session);
    if (status)
        return status;
    base->session.secret_len = hs->suite->hash_len;
    return lks_schedule_derive(&hs->schedule, "res master", base->resumption_master);
}

enum lks_status lks_new_session_ticket_read(struct lks_writer *out,
                                            const struct lks_ticket_base *base,
                                            struct lks_reader body, uint64_t now_ms)
{
    LKS_OWN_ERRORS;
    struct lks_session session = base->session;
    struct lks_reader nonce, ticket, extensions;
    if (!lks_read_u32(&body, &session.lifetime_s) || !lks_read_u32(&body, &session.age_add) ||
        !lks_read_vec8(&body, &nonce) || !lks_read_vec16(&body, &ticket) || !ticket.len ||
        !lks_read_vec16(&body, &extensions) || body.len)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_TICKET_MALFORMED);
    enum lks_status status = read_extensions(extensions, &session.max_early);
    if (status)
        return status;
    session.issued_ms = now_ms;
    /* Section 4.6.1: seven days at most, whatever the server says; 0 is to be thrown away.
     * [8446 4.6.1-5] */
    if (session.lifetime_s > LKS_TICKET_LIFETIME_MAX)
        session.lifetime_s = LKS_TICKET_LIFETIME_MAX;
    status = lks_psk_of_ticket(lks_suite_find(session.suite), base->resumption_master, nonce.data,
                               nonce.len, session.secret);
    if (!status && session.lifetime_s)
        lks_client_session_write(out, &session, ticket, false);
    lks_wipe(&session, sizeof(session));
    return status;
}
