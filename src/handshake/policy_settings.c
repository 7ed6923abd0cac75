/* SPDX-License-Identifier: BSD-3-Clause */

/* A policy's numbers and switches. */

#include <string.h>

#include <lockstep/engine.h>

#include "base/complain.h"
#include "handshake/policy.h"
#include "handshake/resumption/session.h"

enum lks_status lks_policy_set_certificate_compression(struct lks_policy *policy,
                                                       const char *algorithms,
                                                       struct lks_error *err)
{
    const struct lks_compression *list[LKS_COMPRESSIONS_MAX + 1] = {NULL};
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    status = lks_compressions_parse(list, algorithms, err);
    if (!status)
        memcpy(policy->compressions, list, sizeof(list));
    return lks_part_end(&policy->part, status, err);
}

enum lks_status lks_policy_set_sct_wanted(struct lks_policy *policy, bool wanted,
                                          struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    policy->asks_sct = wanted;
    return lks_part_end(&policy->part, LKS_OK, err);
}

enum lks_status lks_policy_set_sni_required(struct lks_policy *policy, bool required,
                                            struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    policy->sni_required = required;
    return lks_part_end(&policy->part, LKS_OK, err);
}

enum lks_status lks_policy_set_deferred_pkey(struct lks_policy *policy, bool deferred,
                                             struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    policy->defers_pkey = deferred;
    return lks_part_end(&policy->part, LKS_OK, err);
}

enum lks_status lks_policy_set_keep(struct lks_policy *policy, enum lks_keep keep,
                                    struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    if ((unsigned int)keep > LKS_KEEP_CHAIN)
        status = lks_complain_as(LKS_BAD_ARGUMENT, err,
                                 "what is kept: there is no way %d; see enum lks_keep", (int)keep);
    else
        policy->keep = keep;
    return lks_part_end(&policy->part, status, err);
}

enum lks_status lks_policy_set_grease(struct lks_policy *policy, bool grease, struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    policy->greases = grease;
    return lks_part_end(&policy->part, LKS_OK, err);
}

enum lks_status lks_policy_set_compatibility(struct lks_policy *policy, bool compatible,
                                             struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    policy->no_compat = !compatible;
    return lks_part_end(&policy->part, LKS_OK, err);
}

enum lks_status lks_policy_set_ocsp(struct lks_policy *policy, enum lks_ocsp ocsp,
                                    struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    if (ocsp > LKS_OCSP_REQUIRED) {
        status = lks_complain_as(LKS_BAD_ARGUMENT, err,
                                 "OCSP: there is no way %d; see enum lks_ocsp", (int)ocsp);
    } else {
        policy->ocsp = ocsp;
    }
    return lks_part_end(&policy->part, status, err);
}

enum lks_status lks_policy_set_client_auth(struct lks_policy *policy, enum lks_client_auth mode,
                                           bool send_authorities, struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    if (mode > LKS_CLIENT_AUTH_REQUIRED) {
        status = lks_complain_as(
            LKS_BAD_ARGUMENT, err,
            "client authentication: there is no mode %d; see enum lks_client_auth", (int)mode);
    } else if (!lks_authorities_fit(mode, send_authorities, policy->authorities_len)) {
        status = lks_complain(err, "client authentication: %s", LKS_AUTHORITIES_REMEDY);
    } else {
        policy->client_auth = mode;
        policy->sends_authorities = send_authorities;
    }
    return lks_part_end(&policy->part, status, err);
}

enum lks_status lks_policy_set_client_sessions(struct lks_policy *policy,
                                               enum lks_client_sessions sessions,
                                               struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    if ((unsigned int)sessions > LKS_CLIENT_SESSIONS_OFF)
        status =
            lks_complain_as(LKS_BAD_ARGUMENT, err,
                            "sessions of clients with certificates: there is no way %d; see enum "
                            "lks_client_sessions",
                            (int)sessions);
    else
        policy->client_sessions = sessions;
    return lks_part_end(&policy->part, status, err);
}

enum lks_status lks_policy_set_record_size_limit(struct lks_policy *policy, uint16_t limit,
                                                 struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    if (limit < LKS_RECORD_SIZE_LIMIT_MIN || limit > LKS_RECORD_SIZE_LIMIT_MAX) {
        status = lks_complain_as(LKS_BAD_ARGUMENT, err, "record size limit %u: %u to %u bytes",
                                 limit, LKS_RECORD_SIZE_LIMIT_MIN, LKS_RECORD_SIZE_LIMIT_MAX);
    } else {
        policy->record_size_limit = limit;
    }
    return lks_part_end(&policy->part, status, err);
}

enum lks_status lks_policy_set_padding(struct lks_policy *policy, enum lks_padding padding,
                                       uint16_t size, struct lks_error *err)
{
    const bool sized = padding == LKS_PADDING_MULTIPLE || padding == LKS_PADDING_AT_LEAST;
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    if ((!sized && padding != LKS_PADDING_NONE) ||
        (sized && (!size || size > LKS_RECORD_PLAINTEXT_MAX))) {
        status = lks_complain_as(LKS_BAD_ARGUMENT, err,
                                 "padding %d to %u bytes: a way of enum lks_padding, and 1 to %u "
                                 "bytes",
                                 (int)padding, size, LKS_RECORD_PLAINTEXT_MAX);
    } else {
        policy->padding = padding;
        policy->padding_size = size;
    }
    return lks_part_end(&policy->part, status, err);
}

/* RFC 8446 section 4.6.1: seven days at most. [8446 4.6.1-4] */
enum lks_status lks_policy_set_tickets(struct lks_policy *policy, uint32_t num, uint32_t lifetime_s,
                                       struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    if (num > LKS_TICKETS_MAX || lifetime_s < 1 || lifetime_s > LKS_TICKET_LIFETIME_MAX) {
        status = lks_complain_as(LKS_BAD_ARGUMENT, err,
                                 "%u tickets for %u seconds: 0 to %u, for 1 to %u seconds", num,
                                 lifetime_s, LKS_TICKETS_MAX, LKS_TICKET_LIFETIME_MAX);
    } else {
        policy->num_tickets = num;
        policy->lifetime_s = lifetime_s;
    }
    return lks_part_end(&policy->part, status, err);
}

enum lks_status lks_policy_set_psk_modes(struct lks_policy *policy, bool psk_dhe_ke, bool psk_ke,
                                         struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    if (!psk_dhe_ke && !psk_ke) {
        status = lks_complain_as(
            LKS_BAD_ARGUMENT, err,
            "pre-shared keys: neither with a key exchange nor without; allow one, or use none");
    } else {
        policy->no_psk_dhe_ke = !psk_dhe_ke;
        policy->psk_ke = psk_ke;
    }
    return lks_part_end(&policy->part, status, err);
}

/* RFC 8446 appendix E.5: nothing else sets it. [8446 E.5-3] */
enum lks_status lks_policy_set_early_data(struct lks_policy *policy, uint32_t max_bytes,
                                          struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    policy->max_early = max_bytes;
    return lks_part_end(&policy->part, LKS_OK, err);
}
