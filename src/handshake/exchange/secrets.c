/* SPDX-License-Identifier: BSD-3-Clause */

/* The traffic secrets of TLS 1.3, RFC 8446 section 7.1, as both roles derive them. */

#include "handshake/core.h"
#include "handshake/exchange/exchange.h"

enum lks_status lks_secrets_handshake(struct lks_hs *hs, const uint8_t *shared, size_t shared_len)
{
    struct lks_schedule *s = &hs->schedule;
    enum lks_status status = lks_schedule_advance(s, shared, shared_len);
    if (!status)
        status = lks_schedule_derive(s, "c hs traffic", hs->client_handshake_secret);
    if (!status)
        status = lks_schedule_derive(s, "s hs traffic", hs->server_handshake_secret);
    if (status)
        return status;
    lks_hs_log_secret(hs, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", hs->client_handshake_secret);
    lks_hs_log_secret(hs, "SERVER_HANDSHAKE_TRAFFIC_SECRET", hs->server_handshake_secret);
    return LKS_OK;
}

enum lks_status lks_secrets_application(struct lks_hs *hs)
{
    struct lks_schedule *s = &hs->schedule;
    enum lks_status status = lks_schedule_advance(s, NULL, 0);
    if (!status)
        status = lks_schedule_derive(s, "c ap traffic", hs->client_app_secret);
    if (!status)
        status = lks_schedule_derive(s, "s ap traffic", hs->server_app_secret);
    if (!status)
        status = lks_schedule_derive(s, "exp master", hs->exporter_secret);
    if (status)
        return status;
    lks_hs_log_secret(hs, "CLIENT_TRAFFIC_SECRET_0", hs->client_app_secret);
    lks_hs_log_secret(hs, "SERVER_TRAFFIC_SECRET_0", hs->server_app_secret);
    lks_hs_log_secret(hs, "EXPORTER_SECRET", hs->exporter_secret);
    return LKS_OK;
}
