/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/pkey.h"

#include <stdlib.h>
#include <string.h>

#include "base/ct.h"

static enum lks_status run_sign(struct lks_pkey_job *job)
{
    job->sign.sig_len = sizeof(job->sign.sig);
    return lks_sign(job->sign.scheme, job->sign.key, job->sign.content, job->sign.content_len,
                    job->sign.sig, &job->sign.sig_len);
}

static enum lks_status run_agree(struct lks_pkey_job *job)
{
    if (job->agree.own)
        return lks_group_finish(job->agree.own, job->agree.peer_share, job->agree.peer_share_len,
                                job->agree.secret);
    return lks_group_respond(job->agree.group, job->agree.peer_share, job->agree.peer_share_len,
                             job->agree.share, job->agree.secret);
}

static struct lks_pkey_job *new_job(enum lks_status (*run)(struct lks_pkey_job *job))
{
    struct lks_pkey_job *job = malloc(sizeof(*job));
    if (job) {
        job->run = run;
        job->status = LKS_WANT_PKEY;
    }
    return job;
}

enum lks_status lks_pkey_sign(struct lks_pkey_job **out, const struct lks_sign_scheme *scheme,
                              EVP_PKEY *key, const uint8_t *content, size_t content_len)
{
    *out = NULL;
    if (content_len > LKS_SIGNED_MAX)
        return LKS_INTERNAL;
    struct lks_pkey_job *job = new_job(run_sign);
    if (!job)
        return LKS_NO_MEMORY;
    EVP_PKEY_up_ref(key);
    job->sign.key = key;
    job->sign.scheme = scheme;
    job->sign.content_len = content_len;
    memcpy(job->sign.content, content, content_len);
    *out = job;
    return LKS_OK;
}

enum lks_status lks_pkey_agree(struct lks_pkey_job **out, const struct lks_group *group,
                               struct lks_group_key *own, const uint8_t *peer_share,
                               size_t peer_share_len)
{
    /* No group's share is longer. */
    const bool fits = peer_share_len <= LKS_SHARE_MAX;
    struct lks_pkey_job *job = fits ? new_job(run_agree) : NULL;
    *out = job;
    if (!job) {
        lks_group_key_free(own);
        return fits ? LKS_NO_MEMORY : LKS_ALERT_ILLEGAL_PARAMETER;
    }
    job->agree.group = group;
    job->agree.own = own;
    job->agree.peer_share_len = peer_share_len;
    memcpy(job->agree.peer_share, peer_share, peer_share_len);
    return LKS_OK;
}

void lks_pkey_job_run(struct lks_pkey_job *job)
{
    if (job->status == LKS_WANT_PKEY)
        job->status = job->run(job);
}

void lks_pkey_job_free(struct lks_pkey_job *job)
{
    if (!job)
        return;
    if (job->run == run_sign)
        EVP_PKEY_free(job->sign.key);
    else
        lks_group_key_free(job->agree.own);
    lks_wipe(job, sizeof(*job));
    free(job);
}
