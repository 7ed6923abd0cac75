/* SPDX-License-Identifier: BSD-3-Clause */

/* 0-RTT data: early_data and EndOfEarlyData, RFC 8446 sections 4.2.10 and 4.5. */

#include <string.h>

#include "handshake/core.h"
#include "handshake/resumption/psk.h"

void lks_early_data_note(struct lks_hs *hs, const struct lks_session *session,
                         uint32_t obfuscated_age)
{
    hs->early.max = session->max_early;
    hs->early.suite = session->suite;
    hs->early.origin = session->origin;
    /* Section 4.2.11.1: modulo 2^32. [8446 4.2.10-3] */
    hs->early.sent_ms = session->issued_ms + (uint32_t)(obfuscated_age - session->age_add);
    hs->early.alpn_len = session->alpn_len;
    memcpy(hs->early.alpn, session->alpn, session->alpn_len);
}

/* Section 4.2.10: what the early data were written for is what was now chosen; and as many are
 * still allowed as the ticket, made under an earlier policy maybe, allows. [8446 4.2.10-6 4.2.10-7]
 */
static bool fits(const struct lks_hs *hs)
{
    const size_t alpn_len = hs->alpn ? strlen(hs->alpn) : 0;
    return hs->early.max <= hs->config->policy->max_early && !hs->retried && hs->psk.used &&
           !hs->psk.external && hs->psk.index == 0 && hs->early.suite == hs->suite->number &&
           hs->early.alpn_len == alpn_len &&
           (!alpn_len || memcmp(hs->early.alpn, hs->alpn, alpn_len) == 0);
}

/* The binder, which nobody but the client can make, and which was looked at before, stands for the
 * hello: section 8.2. [8446 8-2 8.2-2] */
static bool is_new(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    struct lks_replay *replay = hs->config->memory->replay;
    struct lks_reader list = hello->psk_binders, binder;
    return replay && hs->early.max && hs->early.origin == replay->origin &&
           lks_read_vec8(&list, &binder) &&
           lks_replay_ask(replay, binder.data, binder.len, hs->early.sent_ms,
                          lks_policy_now_ms(hs->config->policy)) == LKS_REPLAY_NEW;
}

/* RFC 8446 section 4.2.10: not taken, they are skipped.
 * [8446 4.2.10-4 4.2.10-9 8.2-1] */
enum lks_status lks_early_data_decide(struct lks_hs *hs, const struct lks_client_hello *hello)
{
    if (!hello->has_early_data || !fits(hs) || !is_new(hs, hello))
        return LKS_OK;
    enum lks_status status =
        lks_schedule_derive(&hs->schedule, "c e traffic", hs->client_early_secret);
    if (status)
        return status;
    lks_hs_log_secret(hs, "CLIENT_EARLY_TRAFFIC_SECRET", hs->client_early_secret);
    hs->early.taken = true;
    /* Section 4.2.10: a record that does not open counts from here on. [8446 4.2.10-10] */
    hs->skip_early_data = false;
    return LKS_OK;
}

enum lks_status lks_server_end_of_early_data(struct lks_hs *hs, const struct lks_incoming *in)
{
    hs->state = LKS_STATE_FINISHED;
    enum lks_status status = lks_schedule_add(&hs->schedule, in->message.data, in->message.len);
    return status ? status
                  : lks_event_key(hs, LKS_HS_OPEN_KEY, LKS_LEVEL_HANDSHAKE,
                                  hs->client_handshake_secret);
}

static const struct lks_suite *session_suite(const struct lks_hs *hs)
{
    return lks_config_suite(hs->config, hs->session->session.suite);
}

/* The server will take them for the session's suite and protocol only, so both are on offer. */
bool lks_early_data_may_offer(const struct lks_hs *hs)
{
    if (!hs->session || !hs->session->session.max_early || !session_suite(hs))
        return false;
    const struct lks_session *s = &hs->session->session;
    for (char *const *ours = hs->config->policy->alpn; *ours; ours++)
        if (strlen(*ours) == s->alpn_len && memcmp(*ours, s->alpn, s->alpn_len) == 0)
            return true;
    return !s->alpn_len;
}

/* RFC 8446 section 4.2.10: under the session's PSK, which is offered first. [8446 4.2.10-2] */
enum lks_status lks_early_data_begin(struct lks_hs *hs)
{
    const struct lks_session *session = &hs->session->session;
    struct lks_schedule s = {0};
    enum lks_status status = lks_schedule_begin(&s, session_suite(hs));
    if (!status)
        status = lks_psk_set(&s, session->secret, session->secret_len);
    if (!status)
        status = lks_schedule_add(&s, hs->hello.data, hs->hello.len);
    if (!status)
        status = lks_schedule_derive(&s, "c e traffic", hs->client_early_secret);
    lks_schedule_wipe(&s);
    if (status)
        return status;
    hs->early.max = session->max_early;
    hs->suite = session_suite(hs); /* of these keys; ServerHello names the handshake's */
    lks_hs_log_secret(hs, "CLIENT_EARLY_TRAFFIC_SECRET", hs->client_early_secret);
    if (hs->compat) /* appendix D.4: right behind the hello */
        lks_event_ccs(hs);
    status = lks_event_key(hs, LKS_HS_SEAL_KEY, LKS_LEVEL_EARLY, hs->client_early_secret);
    hs->suite = NULL;
    return status;
}

enum lks_status lks_early_data_taken(struct lks_hs *hs)
{
    /* Section 4.2.10: the client MUST check that the server chose the first identity; and the suite
     * has to be the session's. [8446 4.2.11-8] */
    if (!hs->early.offered || !hs->psk.used || hs->psk.external || hs->psk.index != 0 ||
        hs->suite->number != hs->session->session.suite)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_EARLY_DATA_UNASKED);
    hs->early.taken = true;
    return LKS_OK;
}

bool lks_early_data_fits_alpn(const struct lks_hs *hs)
{
    const struct lks_session *s = &hs->session->session;
    const size_t alpn_len = hs->alpn ? strlen(hs->alpn) : 0;
    return s->alpn_len == alpn_len && (!alpn_len || memcmp(hs->alpn, s->alpn, alpn_len) == 0);
}

enum lks_status lks_early_data_end(struct lks_hs *hs)
{
    size_t message = lks_message_begin(hs, LKS_MSG_END_OF_EARLY_DATA);
    enum lks_status status = lks_message_end(hs, message);
    return status ? status
                  : lks_event_key(hs, LKS_HS_SEAL_KEY, LKS_LEVEL_HANDSHAKE,
                                  hs->client_handshake_secret);
}

/* Of a ticket that we could not open nobody knows what it allowed; it was ours of yesterday or
 * another machine's, say, with another limit. */
#define UNKNOWN_TICKET_MAX (64u * 1024u)

uint32_t lks_hs_early_data_to_skip(const struct lks_hs *hs)
{
    const uint32_t now = hs->config->policy->max_early;
    uint32_t max = hs->early.max > UNKNOWN_TICKET_MAX ? hs->early.max : UNKNOWN_TICKET_MAX;
    max = now > max ? now : max;
    return hs->skip_early_data ? max : 0;
}

uint32_t lks_hs_early_data_max(const struct lks_hs *hs)
{
    if (hs->role == LKS_CLIENT)
        return hs->early.offered ? hs->early.max : 0;
    return hs->early.taken && hs->state == LKS_STATE_END_OF_EARLY_DATA ? hs->early.max : 0;
}
