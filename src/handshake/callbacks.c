/* SPDX-License-Identifier: BSD-3-Clause */

/* A policy's callbacks. */

#include "base/complain.h"
#include "handshake/policy.h"

static enum lks_status set_asker(struct lks_policy *policy, struct lks_asker *asker,
                                 struct lks_asker value, struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    *asker = value;
    return lks_part_end(&policy->part, LKS_OK, err);
}

enum lks_status lks_policy_set_signer(struct lks_policy *policy,
                                      void (*sign)(void *user, struct lks_conn *conn,
                                                   struct lks_ask *ask),
                                      void *user, struct lks_error *err)
{
    return set_asker(policy, &policy->signer, (struct lks_asker){sign, user}, err);
}

enum lks_status lks_policy_set_hello(struct lks_policy *policy,
                                     void (*hello)(void *user, struct lks_conn *conn,
                                                   struct lks_ask *ask),
                                     void *user, struct lks_error *err)
{
    return set_asker(policy, &policy->hello, (struct lks_asker){hello, user}, err);
}

enum lks_status lks_policy_set_verifier(struct lks_policy *policy, enum lks_verify how,
                                        void (*verify)(void *user, struct lks_conn *conn,
                                                       struct lks_ask *ask),
                                        void *user, struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    if ((unsigned int)how > LKS_VERIFY_INSTEAD) {
        status = lks_complain_as(LKS_BAD_ARGUMENT, err,
                                 "verifying: there is no way %d; see enum lks_verify", (int)how);
    } else {
        policy->verifier = (struct lks_asker){verify, user};
        policy->verifies = how;
    }
    return lks_part_end(&policy->part, status, err);
}

enum lks_status lks_policy_set_clock(struct lks_policy *policy, uint64_t (*now_ms)(void *user),
                                     void *user, struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    policy->clock = now_ms;
    policy->clock_user = user;
    return lks_part_end(&policy->part, LKS_OK, err);
}

enum lks_status lks_policy_set_trace(struct lks_policy *policy,
                                     void (*trace)(void *user, const struct lks_conn *conn,
                                                   const struct lks_trace *row),
                                     void *user, struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    policy->trace = trace;
    policy->trace_user = user;
    return lks_part_end(&policy->part, LKS_OK, err);
}
