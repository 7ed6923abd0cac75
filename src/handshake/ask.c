/* SPDX-License-Identifier: BSD-3-Clause */

/* What the application is asked, and what becomes of its answers. */

#include "handshake/ask.h"

#include <stdlib.h>
#include <string.h>

#include "handshake/core.h"
#include "handshake/errors.h"

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

enum lks_status lks_hs_take_answer(struct lks_hs *hs)
{
    struct lks_ask *ask = hs->ask;
    enum lks_status status = ask->status;
    hs->ask = NULL;
    if (!status)
        status = check_signature(ask->sign.job);
    if (!status)
        status = hs->resume(hs, ask->sign.job);
    lks_ask_forget(ask);
    return status;
}
