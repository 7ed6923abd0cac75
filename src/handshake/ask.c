/* SPDX-License-Identifier: BSD-3-Clause */

/* What the application is asked, and what becomes of its answers. */

#include "handshake/ask.h"

#include <stdlib.h>
#include <string.h>

#include "handshake/certificate/host.h"
#include "handshake/core.h"
#include "handshake/errors.h"
#include "handshake/ja4.h"
#include "handshake/resumption/standing.h"

static struct lks_ask *new_ask(struct lks_hs *hs, enum lks_ask_kind kind)
{
    struct lks_ask *ask = calloc(1, sizeof(*ask));
    if (ask) {
        ask->kind = kind;
        ask->num_owners = 2;
        ask->conn = hs->conn;
    }
    return ask;
}

/* The handshake waits from here on; who is asked may answer at once. */
static enum lks_status put(struct lks_hs *hs, struct lks_ask *ask, const struct lks_asker *asker)
{
    hs->ask = ask;
    asker->ask(asker->user, hs->conn, ask);
    return LKS_WANT_ANSWER;
}

void lks_ask_leave(struct lks_ask *ask)
{
    if (!ask || --ask->num_owners)
        return;
    lks_pkey_job_free(ask->sign.job);
    free(ask->sign.certificate);
    free(ask->hello);
    lks_config_free(ask->config);
    free(ask->peer.name);
    free(ask->peer.chain);
    free(ask->peer.ocsp);
    free(ask->session.bytes);
    free(ask);
}

void lks_ask_forget(struct lks_ask *ask)
{
    if (ask)
        ask->conn = NULL;
    lks_ask_leave(ask);
}

void lks_ask_settle(struct lks_ask *ask, enum lks_status status)
{
    ask->answered = true;
    ask->status = status;
}

/* What is too long for any signature is none. */
void lks_ask_settle_signature(struct lks_ask *ask, const uint8_t *sig, size_t sig_len)
{
    struct lks_pkey_job *job = ask->sign.job;
    if (!sig || sig_len > sizeof(job->sign.sig))
        sig_len = 0;
    if (sig_len)
        memcpy(job->sign.sig, sig, sig_len);
    job->sign.sig_len = sig_len;
    lks_ask_settle(ask, LKS_OK);
}

static enum lks_status ask_signature(struct lks_hs *hs, struct lks_pkey_job *job)
{
    const struct lks_certificate *c = hs->certificate;
    struct lks_reader entries = lks_reader_of(c->entries, c->entries_len), der = {0};
    (void)lks_read_vec24(&entries, &der);
    struct lks_ask *ask = new_ask(hs, LKS_ASK_SIGNATURE);
    uint8_t *copy = ask ? malloc(der.len) : NULL;
    if (!copy) {
        free(ask);
        lks_pkey_job_free(job);
        return LKS_NO_MEMORY;
    }
    memcpy(copy, der.data, der.len);
    ask->sign.job = job;
    ask->sign.key = c->remote_key;
    ask->sign.certificate = copy;
    ask->sign.certificate_len = der.len;
    return put(hs, ask, &hs->config->policy->signer);
}

enum lks_status lks_hs_sign(struct lks_hs *hs, const uint8_t *content, size_t content_len,
                            enum lks_status (*resume)(struct lks_hs *hs, struct lks_pkey_job *job))
{
    const struct lks_certificate *c = hs->certificate;
    struct lks_pkey_job *job;
    enum lks_status status = lks_pkey_sign(&job, hs->scheme, c->key, content, content_len);
    if (status)
        return status;
    if (!c->is_remote)
        return lks_hs_start_job(hs, job, resume);
    hs->resume = resume;
    return ask_signature(hs, job);
}

/* A signature that is wrong would have the peer blame us, and may give away the key: RSA's are with
 * a fault in one of the primes. So none leaves that was not looked at. */
static enum lks_status check_signature(struct lks_pkey_job *job)
{
    enum lks_status status =
        lks_sign_verify(job->sign.scheme, job->sign.key, job->sign.content, job->sign.content_len,
                        job->sign.sig, job->sign.sig_len);
    job->status = lks_bare(status) >= LKS_ALERT_BASE
                      ? lks_because(LKS_INTERNAL, LKS_WHY_SIGNER_WRONG)
                      : status;
    return job->status;
}

/* A list of numbers in host order, at *at, which moves on. */
static const uint16_t *copy_list(uint16_t **at, size_t *num, struct lks_reader list)
{
    const uint16_t *begin = *at;
    while (lks_read_u16(&list, *at))
        ++*at;
    *num = (size_t)(*at - begin);
    return begin;
}

/* Behind the struct: lists, message and name. */
static struct lks_hello *new_hello(const struct lks_client_hello *h, struct lks_reader body)
{
    const size_t lists = h->versions.len + h->suites.len + h->groups.len + h->schemes.len + 2;
    struct lks_hello *hello = calloc(1, sizeof(*hello) + lists + body.len + LKS_HOST_MAX + 1);
    if (!hello)
        return NULL;
    uint16_t *at = (uint16_t *)(hello + 1);
    uint8_t *message = (uint8_t *)at + lists;
    char *name = (char *)message + body.len;
    const uint8_t legacy[2] = {(uint8_t)(h->legacy_version >> 8), (uint8_t)h->legacy_version};
    hello->versions = copy_list(&at, &hello->num_versions,
                                h->has_versions ? h->versions : lks_reader_of(legacy, 2));
    hello->suites = copy_list(&at, &hello->num_suites, h->suites);
    hello->groups = copy_list(&at, &hello->num_groups, h->groups);
    hello->schemes = copy_list(&at, &hello->num_schemes, h->schemes);
    memcpy(message, body.data, body.len);
    hello->message = message;
    hello->message_len = body.len;
    hello->alpn_len = h->alpn.len;
    hello->alpn = h->alpn.len ? message + (h->alpn.data - body.data) : NULL;
    if (!lks_host_fold(name, h->server_name))
        name[0] = 0;
    hello->server_name = name;
    return hello;
}

enum lks_status lks_hs_ask_hello(struct lks_hs *hs, const struct lks_client_hello *h,
                                 struct lks_reader body)
{
    const struct lks_asker *asker = &hs->config->policy->hello;
    if (!asker->ask || hs->hello_asked)
        return LKS_OK;
    struct lks_ask *ask = new_ask(hs, LKS_ASK_HELLO);
    if (!ask)
        return LKS_NO_MEMORY;
    ask->hello = new_hello(h, body);
    enum lks_status status = ask->hello ? lks_ja4(ask->hello->ja4, h, body) : LKS_NO_MEMORY;
    if (status) {
        ask->num_owners = 1;
        lks_ask_leave(ask);
        return status;
    }
    hs->hello_asked = hs->repeats = true;
    return put(hs, ask, asker);
}

enum lks_status lks_hs_ask_session(struct lks_hs *hs, struct lks_reader id)
{
    const struct lks_store *store = &hs->config->memory->store;
    if (!store->get.ask || hs->session_asked || id.len != LKS_CACHE_ID_LEN)
        return LKS_OK;
    struct lks_ask *ask = new_ask(hs, LKS_ASK_SESSION);
    if (!ask)
        return LKS_NO_MEMORY;
    memcpy(ask->session.id, id.data, id.len);
    hs->session_asked = hs->repeats = true;
    return put(hs, ask, &store->get);
}

static enum lks_status copy_peer(struct lks_ask *ask, const struct lks_hs *hs)
{
    const struct lks_peer *peer = hs->peer;
    const size_t room = lks_peer_chain_room(peer);
    const char *name = hs->role == LKS_CLIENT && hs->peer_name ? hs->peer_name : "";
    ask->peer.name = strdup(name);
    ask->peer.chain = malloc(room);
    ask->peer.ocsp = peer->ocsp ? malloc(peer->ocsp_len) : NULL;
    if (!ask->peer.name || !ask->peer.chain || (peer->ocsp && !ask->peer.ocsp))
        return LKS_NO_MEMORY;
    struct lks_writer w = lks_writer_of(ask->peer.chain, room);
    if (peer->ocsp) {
        memcpy(ask->peer.ocsp, peer->ocsp, peer->ocsp_len);
        ask->peer.ocsp_len = peer->ocsp_len;
    }
    const enum lks_status status = lks_peer_write_chain(&w, peer);
    ask->peer.chain_len = w.len;
    return status;
}

static enum lks_status ask_peer(struct lks_hs *hs)
{
    struct lks_ask *ask = new_ask(hs, LKS_ASK_PEER);
    if (!ask)
        return LKS_NO_MEMORY;
    enum lks_status status = copy_peer(ask, hs);
    if (status) {
        ask->num_owners = 1;
        lks_ask_leave(ask);
        return status;
    }
    status = put(hs, ask, &hs->config->policy->verifier);
    return status == LKS_WANT_ANSWER ? LKS_OK : status;
}

enum lks_status lks_hs_verify_peer(struct lks_hs *hs)
{
    const struct lks_policy *policy = hs->config->policy;
    enum lks_status status = LKS_OK;
    if (!policy->verifier.ask || policy->verifies == LKS_VERIFY_AFTER)
        status =
            lks_peer_verify(hs->peer, hs->config, hs->role == LKS_CLIENT ? LKS_SERVER : LKS_CLIENT,
                            hs->role == LKS_CLIENT ? hs->peer_name : NULL);
    if (!status)
        status = hs->role == LKS_CLIENT ? lks_standing_on_peer(hs) : lks_standing_on_client(hs);
    return status || !policy->verifier.ask ? status : ask_peer(hs);
}

/* For this connection alone; its own reference to the one before goes. */
static void take_config(struct lks_hs *hs, struct lks_ask *ask)
{
    if (!ask->config)
        return;
    lks_config_free(hs->config);
    hs->config = ask->config;
    ask->config = NULL;
}

enum lks_status lks_hs_take_answer(struct lks_hs *hs)
{
    struct lks_ask *ask = hs->ask;
    enum lks_status status = ask->status;
    hs->ask = NULL;
    if (!status && ask->kind == LKS_ASK_SIGNATURE)
        status = check_signature(ask->sign.job);
    if (!status && ask->kind == LKS_ASK_SIGNATURE)
        status = hs->resume(hs, ask->sign.job);
    else if (!status && ask->kind == LKS_ASK_HELLO)
        take_config(hs, ask);
    else if (!status && ask->kind == LKS_ASK_PEER && ask->peer.until_ms < hs->until_ms)
        hs->until_ms = ask->peer.until_ms;
    ask->conn = NULL;
    if (!status && ask->kind == LKS_ASK_SESSION && ask->session.len)
        hs->stored = ask; /* until the handshake's end */
    else
        lks_ask_forget(ask);
    return status;
}
