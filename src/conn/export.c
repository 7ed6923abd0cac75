/* SPDX-License-Identifier: BSD-3-Clause */

/* A connection's keys out, and a connection made of them. */

#include <string.h>

#include "base/ct.h"
#include "conn/conn.h"
#include "handshake/config.h"

enum lks_status lks_conn_export(const struct lks_conn *conn, enum lks_dir dir,
                                struct lks_traffic_keys *out)
{
    memset(out, 0, sizeof(*out));
    if (dir != LKS_SEAL && dir != LKS_OPEN)
        return LKS_BAD_ARGUMENT;
    if (conn->failed)
        return (enum lks_status)conn->failed;
    if (conn->tls12)
        return LKS_UNSUPPORTED;
    /* Between two messages and with nothing under way: then the two sides agree on where they are,
     * and no op takes the number that goes out here. */
    if (!conn->established || !conn_handshake_is_over(conn) || conn_ops_under_way(&conn->opening) ||
        conn_ops_under_way(&conn->sealing) || conn->update != OWN_NONE || conn->alert != OWN_NONE ||
        conn_mid_message(conn))
        return LKS_WANT_ROOM;
    const bool seals = dir == LKS_SEAL;
    const uint8_t *secret = seals ? conn->seal_secret : conn->open_secret;
    const struct lks_suite *suite = conn_suite(conn);
    out->suite = suite->number;
    out->seq = seals ? conn->seal_key.seq : conn->open_key.seq;
    out->num_updates = seals ? conn->num_seal_updates : conn->num_open_updates;
    out->key_len = suite->key_len;
    out->secret_len = suite->hash_len;
    out->record_size_limit = seals ? conn->send_limit : conn->accept_limit;
    memcpy(out->secret, secret, out->secret_len);
    return lks_tls13_traffic_key(suite, secret, out->key, out->iv);
}

void lks_conn_key_updates(const struct lks_conn *conn, uint32_t *open, uint32_t *seal)
{
    *open = conn->num_open_updates;
    *seal = conn->num_seal_updates;
}

enum lks_status lks_conn_export_keying_material(const struct lks_conn *conn, uint8_t *out,
                                                size_t out_len, const char *label,
                                                const uint8_t *context, size_t context_len)
{
    if (!conn->established)
        return conn->failed ? (enum lks_status)conn->failed : LKS_WANT_ROOM;
    if (!conn->has_exporter)
        return LKS_UNSUPPORTED;
    if (!context && context_len)
        return LKS_BAD_ARGUMENT;
    if (conn->tls12)
        return lks_tls12_exporter(conn_suite(conn), conn->exporter_secret, conn->client_random,
                                  conn->server_random, out, out_len, label, context, context_len);
    /* RFC 8446 section 7.5: there is no other secret to choose. [8446 7.5-1] */
    return lks_tls13_exporter(conn_suite(conn), conn->exporter_secret, out, out_len, label, context,
                              context_len);
}

/* Takes over what RFC 8449 asks of one direction; false: no such limit. */
static bool set_limit(uint16_t *limit, const struct lks_traffic_keys *from)
{
    if (!from->record_size_limit)
        return true;
    *limit = from->record_size_limit;
    return *limit >= LKS_RECORD_SIZE_LIMIT_MIN && *limit <= LKS_RECORD_SIZE_LIMIT_MAX;
}

static enum lks_status set_direction(const struct lks_suite *suite, struct lks_key *key,
                                     enum lks_dir dir, uint8_t *secret, uint32_t *num_updates,
                                     const struct lks_traffic_keys *from)
{
    memcpy(secret, from->secret, suite->hash_len);
    *num_updates = from->num_updates;
    enum lks_status status = conn_set_key(key, dir, suite, secret);
    key->seq = from->seq;
    return status;
}

enum lks_status lks_conn_import(struct lks_conn **out, struct lks_config *config,
                                enum lks_role role, const struct lks_traffic_keys *open,
                                const struct lks_traffic_keys *seal)
{
    *out = NULL;
    const struct lks_suite *suite = lks_suite_find(seal->suite);
    if (!conn_may_be(config, role) || !suite || suite->version != LKS_TLS_1_3 ||
        open->suite != seal->suite || open->secret_len != suite->hash_len ||
        seal->secret_len != suite->hash_len)
        return LKS_BAD_ARGUMENT;
    struct lks_conn *conn = conn_alloc(config, role);
    if (!conn)
        return LKS_NO_MEMORY;
    conn->suite_row = (uint8_t)(suite - lks_suite_rows());
    enum lks_status status =
        set_limit(&conn->accept_limit, open) && set_limit(&conn->send_limit, seal)
            ? LKS_OK
            : LKS_BAD_ARGUMENT;
    if (!status)
        status = set_direction(suite, &conn->open_key, LKS_OPEN, conn->open_secret,
                               &conn->num_open_updates, open);
    if (!status)
        status = set_direction(suite, &conn->seal_key, LKS_SEAL, conn->seal_secret,
                               &conn->num_seal_updates, seal);
    if (status) {
        lks_conn_free(conn);
        return status;
    }
    conn->established = true;
    *out = conn;
    return LKS_OK;
}
