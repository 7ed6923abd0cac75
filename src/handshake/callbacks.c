/* SPDX-License-Identifier: BSD-3-Clause */

/* A policy's callbacks. */

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
