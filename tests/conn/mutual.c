/* SPDX-License-Identifier: BSD-3-Clause */
#include "mutual.h"

#include <string.h>

#include "handshake/config.h"

int64_t mutual_now_s;

static uint64_t clock_ms(void)
{
    return UINT64_C(1000) * (uint64_t)(PKI_NOW + mutual_now_s);
}

static const uint8_t secret[32] = {1};

static struct lks_config *a_config(void)
{
    struct lks_config *config = pki_config();
    set_clock(config, clock_ms);
    CU_ASSERT_EQUAL(lks_policy_set_keep(config->policy, LKS_KEEP_CHAIN, NULL), LKS_OK);
    return config;
}

void ask(struct lks_config *server, enum lks_client_auth mode)
{
    CU_ASSERT_EQUAL(lks_policy_set_client_auth(server->policy, mode, false, NULL), LKS_OK);
}

struct lks_config *mutual_server(enum way way, enum lks_client_auth mode)
{
    struct lks_config *config = a_config();
    pki_add(config, "server");
    ask(config, mode);
    CU_ASSERT_EQUAL(lks_memory_set_ticket_secret(config->memory, secret, 32, 604800, NULL), LKS_OK);
    CU_ASSERT_EQUAL(lks_policy_set_tickets(config->policy, way != ID_12, 604800, NULL), LKS_OK);
    if (way != TICKET_13)
        CU_ASSERT_EQUAL(lks_policy_set_versions(config->policy, LKS_TLS_1_2, LKS_TLS_1_2, NULL),
                        LKS_OK);
    return config;
}

struct lks_config *mutual_client(const char *certificate)
{
    struct lks_config *config = a_config();
    if (certificate)
        pki_add(config, certificate);
    return config;
}

static void look(struct outcome *o, const struct lks_conn *conn)
{
    const char *name = lks_conn_peer_name(conn, LKS_NAME_COMMON, 0);
    const uint8_t *der;
    size_t len;
    snprintf(o->name, sizeof(o->name), "%s", name ? name : "");
    o->has_digest = lks_conn_peer_digest(conn, o->digest);
    while ((der = lks_conn_peer_chain(conn, o->num_chain, &len)) &&
           o->chain_len + len < CHAIN_MAX) {
        memcpy(o->chain + o->chain_len, der, len);
        o->chain_len += len;
        o->num_chain++;
    }
}

struct outcome meet(struct lks_config *client, struct lks_config *server, struct session *session)
{
    const struct lks_conn_options options = {.server_name = "localhost",
                                             .session = session->len ? session->bytes : NULL,
                                             .session_len = session->len};
    struct loopback l;
    struct lks_conn_info infos[2];
    struct outcome o = {0};
    set_verify_time(client, PKI_NOW + mutual_now_s);
    set_verify_time(server, PKI_NOW + mutual_now_s);
    loopback_init(&l, client, server, &options);
    while (!l.server.established && loopback_turn(&l))
        ;
    const uint8_t *leaf = lks_conn_peer_certificate(l.server.conn, &o.leaf_len);
    CU_ASSERT_FATAL(o.leaf_len < CHAIN_MAX);
    if (leaf)
        memcpy(o.leaf, leaf, o.leaf_len);
    loopback_run(&l);
    lks_conn_get_info(l.client.conn, &infos[0]);
    lks_conn_get_info(l.server.conn, &infos[1]);
    const bool both = l.client.established && l.server.established;
    o.client = l.client.end;
    o.server = l.server.end;
    o.client_reason = lks_conn_reason(l.client.conn);
    o.server_reason = lks_conn_reason(l.server.conn);
    o.peer_alert = infos[0].peer_alert;
    o.resumed = both && infos[0].resumed;
    CU_ASSERT_EQUAL(o.resumed, both && infos[1].resumed);
    if (both)
        look(&o, l.server.conn);
    memcpy(session->bytes, l.client.session, l.client.session_len);
    session->len = l.client.session_len;
    loopback_free(&l);
    return o;
}

void mutual_begin(void)
{
    mutual_now_s = 0;
    pki_begin();
    X509_free(
        pki_leaf("server", &(struct pki){.subject = "server", .san = "DNS:localhost"}, false));
    X509_free(pki_leaf("one", &(struct pki){.subject = "one", .eku = "clientAuth"}, false));
    X509_free(pki_leaf("two", &(struct pki){.subject = "two", .eku = "clientAuth"}, false));
    X509_free(pki_leaf("alone", &(struct pki){.subject = "alone", .eku = "clientAuth"}, true));
}
