/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/pkey.h"

#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "handshake/errors.h"

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

static enum lks_status run_decrypt(struct lks_pkey_job *job)
{
    return lks_rsa_decrypt(job->decrypt.premaster, job->decrypt.key, job->decrypt.version,
                           job->decrypt.encrypted, job->decrypt.encrypted_len);
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
    struct lks_pkey_job *job = new_job(run_sign);
    uint8_t *copy = job ? malloc(content_len) : NULL;
    if (!copy) {
        free(job);
        return LKS_NO_MEMORY;
    }
    EVP_PKEY_up_ref(key);
    job->sign.key = key;
    job->sign.scheme = scheme;
    job->sign.content_len = content_len;
    job->sign.content = copy;
    memcpy(copy, content, content_len);
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
        return fits ? LKS_NO_MEMORY
                    : lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SHARE_LENGTH);
    }
    job->agree.group = group;
    job->agree.own = own;
    job->agree.peer_share_len = peer_share_len;
    memcpy(job->agree.peer_share, peer_share, peer_share_len);
    return LKS_OK;
}

enum lks_status lks_pkey_decrypt(struct lks_pkey_job **out, EVP_PKEY *key, uint16_t version,
                                 const uint8_t *encrypted, size_t encrypted_len)
{
    struct lks_pkey_job *job = new_job(run_decrypt);
    *out = job;
    if (!job)
        return LKS_NO_MEMORY;
    EVP_PKEY_up_ref(key);
    job->decrypt.key = key;
    job->decrypt.version = version;
    /* What is longer than any modulus does not decrypt either; nobody is told here. */
    if (encrypted_len > LKS_RSA_MAX)
        encrypted_len = 0;
    job->decrypt.encrypted_len = encrypted_len;
    memcpy(job->decrypt.encrypted, encrypted, encrypted_len);
    return LKS_OK;
}

/* What failed halfway may leave an RSA key's blinding, which all of its signatures share, at odds
 * with itself until libcrypto makes another one: so it signs on until one is right. */
static enum lks_status try_again(struct lks_pkey_job *job)
{
    enum lks_status status = lks_errors_settle(job->status, lks_errors_cause(job->run(job)));
    if (job->run != run_sign)
        return status;
    for (unsigned int i = 0; !status && i < LKS_BLINDING_USES; i++) {
        if (!lks_sign_verify(job->sign.scheme, job->sign.key, job->sign.content,
                             job->sign.content_len, job->sign.sig, job->sign.sig_len))
            return LKS_OK;
        status = lks_errors_cause(job->run(job));
    }
    return status ? status : LKS_NO_MEMORY;
}

void lks_pkey_job_run(struct lks_pkey_job *job)
{
    LKS_OWN_ERRORS;
    if (job->status != LKS_WANT_PKEY)
        return;
    job->status = lks_errors_cause(job->run(job));
    if (job->run == run_sign ? job->status != LKS_OK : lks_errors_doubt(job->status))
        job->status = try_again(job);
}

void lks_pkey_job_free(struct lks_pkey_job *job)
{
    LKS_OWN_ERRORS;
    if (!job)
        return;
    if (job->run == run_sign) {
        EVP_PKEY_free(job->sign.key);
        free(job->sign.content);
    } else if (job->run == run_decrypt) {
        EVP_PKEY_free(job->decrypt.key);
    } else {
        lks_group_key_free(job->agree.own);
    }
    lks_wipe(job, sizeof(*job));
    free(job);
}
