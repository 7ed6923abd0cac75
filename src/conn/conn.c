/* SPDX-License-Identifier: BSD-3-Clause */
#include "conn/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "handshake/config.h"
#include "simd/aead.h"

enum lks_status conn_set_key(struct lks_key *key, enum lks_dir dir, const struct lks_suite *suite,
                             const uint8_t *secret)
{
    uint8_t traffic_key[LKS_TRAFFIC_KEY_MAX], iv[12];
    enum lks_status status = lks_tls13_traffic_key(suite, secret, traffic_key, iv);
    if (!status)
        status = lks_key_init(key, suite->version, suite->aead, dir, traffic_key, iv);
    lks_wipe(traffic_key, sizeof(traffic_key));
    lks_wipe(iv, sizeof(iv));
    return status;
}

static enum lks_status begin_handshake(struct lks_conn *conn,
                                       const struct lks_conn_options *options)
{
    struct conn_handshake *h = aligned_alloc(_Alignof(struct conn_handshake), sizeof(*h));
    if (!h)
        return LKS_NO_MEMORY;
    memset(h, 0, sizeof(*h));
    conn->handshake = h;
    h->seal_key = &h->plain_key;
    enum lks_status status =
        lks_key_init(&h->plain_key, LKS_TLS_1_3, LKS_AEAD_NULL, LKS_SEAL, NULL, NULL);
    if (!status)
        status = lks_key_init(&conn->open_key, LKS_TLS_1_3, LKS_AEAD_NULL, LKS_OPEN, NULL, NULL);
    if (!status)
        status = lks_hs_new(&h->hs, conn->config, (enum lks_role)conn->role, options);
    if (!status)
        lks_hs_set_conn(h->hs, conn);
    if (!status && conn->role == LKS_CLIENT)
        status = conn_handshake_pump(conn);
    return status;
}

struct lks_conn *conn_alloc(struct lks_config *config, enum lks_role role)
{
    struct lks_conn *conn = aligned_alloc(_Alignof(struct lks_conn), sizeof(*conn));
    if (!conn)
        return NULL;
    memset(conn, 0, sizeof(*conn));
    conn->config = lks_config_ref(config);
    conn->role = role;
    conn->peer_alert = ALERT_NONE;
    conn->send_limit = conn->accept_limit = LKS_RECORD_PLAINTEXT_MAX + 1;
    return conn;
}

enum lks_status lks_conn_new(struct lks_conn **out, struct lks_config *config, enum lks_role role,
                             const struct lks_conn_options *options)
{
    *out = NULL;
    if (!conn_may_be(config, role))
        return LKS_BAD_ARGUMENT;
    struct lks_conn *conn = conn_alloc(config, role);
    if (!conn)
        return LKS_NO_MEMORY;
    enum lks_status status = begin_handshake(conn, options);
    if (status) {
        lks_conn_free(conn);
        return lks_bare(status);
    }
    *out = conn;
    return LKS_OK;
}

void lks_conn_free(struct lks_conn *conn)
{
    if (!conn || conn_is_misused(conn))
        return;
    conn_trace(conn, LKS_TRACED_FREED, 0);
    conn_handshake_free(conn);
    conn_kept_free(conn);
    lks_config_free(conn->config);
    /* RFC 8446 section 6: nothing of it stays, however it ended. [8446 6-2] [5246 7.2.2-1] */
    lks_key_wipe(&conn->seal_key);
    lks_key_wipe(&conn->open_key);
    lks_wipe(conn, sizeof(*conn));
    free(conn);
}

enum lks_status lks_conn_status(const struct lks_conn *conn)
{
    return (enum lks_status)conn->failed;
}

void lks_conn_set_user(struct lks_conn *conn, void *user)
{
    if (conn)
        conn->user = user;
}

void *lks_conn_user(const struct lks_conn *conn)
{
    return conn ? conn->user : NULL;
}

void *lks_op_user(const struct lks_op *op)
{
    return op ? lks_conn_user(op->user) : NULL;
}

const char *lks_conn_reason(const struct lks_conn *conn)
{
    if (!conn)
        return "";
    if (conn->reason == LKS_WHY_PEER_ALERT)
        return lks_reason_of_peer_alert(conn->peer_alert);
    return lks_reason_text((enum lks_reason)conn->reason);
}

/* RFC 8446 appendix E.5. [8446 E.5-4] */
bool lks_conn_is_established(const struct lks_conn *conn)
{
    return conn->established;
}

bool lks_conn_close_sent(const struct lks_conn *conn)
{
    return conn->close_sent;
}

bool lks_conn_close_received(const struct lks_conn *conn)
{
    return conn->close_received;
}

/* RFC 8446 section 6.1: only a close_notify ends the data. Before the handshake is done nobody
 * knows whose it is: in the clear it is anybody's on the path. [8446 6.1-4] */
bool lks_conn_truncated(const struct lks_conn *conn)
{
    return !(conn->close_received && conn->established) && !conn->failed;
}

void lks_conn_get_info(const struct lks_conn *conn, struct lks_conn_info *info)
{
    memset(info, 0, sizeof(*info));
    info->suite_name = info->group_name = info->alpn = "";
    if (conn->established) {
        const struct lks_suite *suite = conn_suite(conn);
        info->version = (uint16_t)suite->version;
        info->suite = suite->number;
        info->suite_name = suite->name;
        if (conn->group_row) {
            const struct lks_group *group = lks_group_rows() + conn->group_row - 1;
            info->group = group->number;
            info->group_name = group->name;
        }
        if (conn->alpn_row)
            info->alpn = conn->config->policy->alpn[conn->alpn_row - 1];
        info->hello_retried = conn->hello_retried;
        info->resumed = conn->resumed;
        info->external_psk = conn->external_psk;
        info->early_data = conn->early_data;
    } else if (conn->handshake && conn->handshake->hs) {
        lks_hs_get_info(conn->handshake->hs, info);
    }
    info->peer_alert = conn->peer_alert;
    if (lks_key_is_set(&conn->seal_key))
        lks_key_describe(&conn->seal_key, info->kernel, sizeof(info->kernel));
}
