/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A client and a server of ours, one of which lies: the fuzzer edits its handshake messages before
 * they are hashed and sealed, so that what is wrong arrives under the right keys, in any state of
 * the other's. The input:
 *
 *     byte 0   who lies, and what is tried: see enum choice
 *     byte 1   the longest span
 *     then     edits: which message, how, where (two bytes), a value
 *
 * However it ends, the honest side has told its end, or waits; it takes no data before it is
 * established, and is not where the other's proof (a signature or the Finished) was edited; and
 * where both are established, data arrive as they were sent.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "conn/conn.h"
#include "handshake/config.h"
#include "handshake/core.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum choice {
    LIAR_IS_SERVER = 1,
    TLS_1_2 = 2,
    CLIENT_AUTH = 4,
    RETRY = 8,
    RESUME = 16,
    EARLY_DATA = 32,
};

struct edit {
    uint8_t message, how, at_high, at_low, value;
};

struct liar {
    const struct edit *edits;
    size_t num_edits;
    unsigned int num_messages;
    bool broke_proof;
};

static struct lks_config *clients[2][2][2], *servers[2][2]; /* by version, auth (client: retry) */
static uint8_t sessions[2][LKS_SESSION_MAX];
static size_t session_lens[2];
static uint64_t seed;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void fill(void *user, uint8_t *out, size_t len)
{
    (void)user;
    for (size_t i = 0; i < len; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(seed >> 56);
    }
}

static void set_len(struct lks_writer *w, size_t begin)
{
    size_t len = w->len - begin - 4;
    w->data[begin + 1] = (uint8_t)(len >> 16);
    w->data[begin + 2] = (uint8_t)(len >> 8);
    w->data[begin + 3] = (uint8_t)len;
}

static void apply(struct lks_writer *w, size_t begin, const struct edit *e)
{
    const size_t len = w->len - begin, room = w->cap - w->len;
    const size_t at = begin + (len ? (size_t)(e->at_high << 8 | e->at_low) % len : 0);
    if (len <= 4)
        return;
    switch (e->how % 8) {
    case 0:
        w->data[at] ^= e->value;
        break;
    case 1: /* what comes behind is gone, and the length knows it or not */
        w->len = at > begin + 4 ? at : begin + 4;
        if (e->value & 1)
            set_len(w, begin);
        break;
    case 2: /* longer */
        if (room > e->value) {
            memset(w->data + w->len, e->value, e->value);
            w->len += e->value;
            if (e->at_low & 1)
                set_len(w, begin);
        }
        break;
    case 3:
        w->data[begin] = e->value;
        break;
    case 4: /* twice */
        if (room > len) {
            memcpy(w->data + w->len, w->data + begin, len);
            w->len += len;
        }
        break;
    case 5: /* never */
        w->len = begin;
        break;
    case 6: /* a length or a number of two bytes */
        w->data[at] = e->value;
        if (at + 1 < w->len)
            w->data[at + 1] = (uint8_t)(e->value & 1 ? 0xff : 0);
        break;
    default: /* a part of it twice: an extension, say */
        if (room > 64 && w->len - at > 4) {
            size_t n = e->value % 64 < w->len - at ? e->value % 64 : w->len - at;
            memmove(w->data + at + n, w->data + at, w->len - at);
            w->len += n;
            set_len(w, begin);
        }
    }
}

static void lie(void *user, struct lks_writer *w, size_t begin)
{
    static uint8_t before[1u << 15];
    struct liar *liar = user;
    const unsigned int number = liar->num_messages++;
    const size_t len = w->len - begin;
    const uint8_t type = w->data[begin];
    must(len <= sizeof(before));
    memcpy(before, w->data + begin, len);
    for (size_t i = 0; i < liar->num_edits; i++)
        if (liar->edits[i].message % 16 == number)
            apply(w, begin, &liar->edits[i]);
    if ((type == LKS_MSG_SERVER_KEY_EXCHANGE || type == LKS_MSG_CERTIFICATE_VERIFY ||
         type == LKS_MSG_FINISHED) &&
        (w->len - begin != len || memcmp(before, w->data + begin, len) != 0))
        liar->broke_proof = true;
}

/* An honest handshake, for the session that others resume. */
static void make_session(unsigned int version)
{
    struct loopback l;
    loopback_init(&l, clients[version][0][0], servers[version][0], &localhost);
    loopback_run(&l);
    must(l.client.established && l.server.established && l.client.session_len);
    session_lens[version] = l.client.session_len;
    memcpy(sessions[version], l.client.session, l.client.session_len);
    loopback_free(&l);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct lks_error err;
    (void)argc;
    (void)argv;
    for (unsigned int v = 0; v < 2; v++) {
        const uint16_t version = v ? LKS_TLS_1_2 : LKS_TLS_1_3;
        for (unsigned int auth = 0; auth < 2; auth++) {
            struct lks_config *server = servers[v][auth] = config_with("ecdsa");
            must(!lks_policy_set_versions(server->policy, version, version, NULL) &&
                 !lks_policy_set_groups(server->policy, "secp256r1", &err) &&
                 !lks_policy_set_trust(server->policy,
                                       lks_from_file(test_certificates()->both_certs), &err) &&
                 !set_early_data(server, 4096, 10000, 1u << 16));
            if (auth)
                must(!lks_policy_set_client_auth(server->policy, LKS_CLIENT_AUTH_REQUIRED, true,
                                                 NULL));
            for (unsigned int retry = 0; retry < 2; retry++) {
                struct lks_config *client = config_with("ecdsa");
                clients[v][auth][retry] = client;
                must(!lks_policy_set_versions(client->policy, LKS_TLS_1_2, version, NULL) &&
                     !lks_policy_set_groups(client->policy,
                                            retry ? "secp384r1,secp256r1" : "secp256r1", &err) &&
                     !lks_policy_set_trust(client->policy,
                                           lks_from_file(test_certificates()->both_certs), &err));
                must(!lks_policy_set_ocsp(client->policy, LKS_OCSP_CHECKED, NULL));
                must(!lks_policy_set_sct_wanted(client->policy, true, NULL));
            }
        }
        make_session(v);
    }
    test_certificates_remove();
    return 0;
}

/* Sends some bytes; they must come as they are. */
static void check_data(struct loopback *l, struct side *from, struct side *to)
{
    static const uint8_t bytes[300] = {1, 2, 3};
    const size_t had = to->received.len;
    buffer_add(&from->to_send, bytes, sizeof(bytes));
    loopback_run(l);
    if (!from->end && !to->end)
        must(to->received.len == had + sizeof(bytes) &&
             memcmp(to->received.data + had, bytes, sizeof(bytes)) == 0);
}

static void check_honest(const struct side *s)
{
    must(s->established || !s->received.len);
    if (s->end) /* it has said why, unless the other did first */
        must(!lks_conn_own_len(s->conn) &&
             (s->end == LKS_PEER_ALERT || lks_conn_close_sent(s->conn)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    const unsigned int choice = data[0], v = choice & TLS_1_2 ? 1 : 0,
                       auth = choice & CLIENT_AUTH ? 1 : 0;
    struct lks_config *client = clients[v][auth][choice & RETRY ? 1 : 0];
    struct lks_config *server = servers[v][auth];
    struct liar liar = {(const struct edit *)(data + 2), (len - 2) / sizeof(struct edit), 0, false};
    const struct lks_hooks hooks = {.user = &liar, .random = fill, .message = lie};
    struct lks_conn_options options = localhost;
    struct loopback l;
    seed = 1;
    if (choice & RESUME) {
        options.session = sessions[v];
        options.session_len = session_lens[v];
        options.early_data = choice & EARLY_DATA && !v;
    }
    (choice & LIAR_IS_SERVER ? server : client)->policy->hooks = &hooks;
    loopback_init(&l, client, server, &options);
    l.loop.span_max = data[1];
    loopback_run(&l);
    const struct side *honest = choice & LIAR_IS_SERVER ? &l.client : &l.server;
    check_honest(honest);
    must(!liar.broke_proof || !honest->established);
    if (l.client.established && l.server.established) {
        check_data(&l, &l.client, &l.server);
        check_data(&l, &l.server, &l.client);
        check_honest(honest);
    } else if (!liar.num_edits) {
        abort(); /* nobody lied */
    }
    loopback_free(&l);
    client->policy->hooks = server->policy->hooks = NULL;
    return 0;
}
