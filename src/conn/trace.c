/* SPDX-License-Identifier: BSD-3-Clause */

/* What is told of a connection where it succeeds, fails or changes: one row each time. */

#include "conn/conn.h"
#include "handshake/config.h"

static void fill(struct lks_trace *row, const struct lks_conn *conn)
{
    struct lks_conn_info info;
    lks_conn_get_info(conn, &info);
    row->role = (enum lks_role)conn->role;
    row->time_ms = lks_policy_now_ms(conn->config->policy);
    row->status = lks_conn_status(conn);
    row->reason = lks_conn_reason(conn);
    row->version = info.version;
    row->suite = info.suite;
    row->group = info.group;
    row->peer_alert = info.peer_alert;
    row->sent_alert = lks_conn_sent_alert(conn);
    row->resumed = info.resumed;
    row->early_data = info.early_data;
    row->hello_retried = info.hello_retried;
    lks_conn_get_counts(conn, &row->counts);
}

void conn_trace(struct lks_conn *conn, enum lks_traced what, uint32_t num)
{
    const struct lks_policy *policy = conn->config->policy;
    struct lks_trace row = {.what = what};
    if (!policy->trace)
        return;
    conn_enter(conn);
    fill(&row, conn);
    if (what == LKS_TRACED_TICKETS_SENT)
        row.num_tickets = num;
    else
        row.num_updates = num;
    policy->trace(policy->trace_user, conn, &row);
    if (conn_leave(conn, LKS_OK) && what != LKS_TRACED_FREED)
        (void)conn_fail(conn, LKS_INSIDE);
}
