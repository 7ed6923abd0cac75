/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/config.h"

#include <stdlib.h>

#include "base/complain.h"
#include "handshake/errors.h"

static enum lks_status freeze(const struct lks_config *config, struct lks_error *err)
{
    enum lks_status status = lks_part_freeze(&config->policy->part, err);
    if (!status)
        status = lks_part_freeze(&config->identities->part, err);
    return status || !config->memory ? status : lks_part_freeze(&config->memory->part, err);
}

/* Takes a reference of each part. */
static enum lks_status join(struct lks_config *config, struct lks_policy *policy,
                            struct lks_identities *identities, struct lks_memory *memory)
{
    lks_part_ref(&policy->part);
    config->policy = policy;
    config->memory = memory;
    if (memory)
        lks_part_ref(&memory->part);
    if (!identities)
        return lks_identities_new(&config->identities);
    lks_part_ref(&identities->part);
    config->identities = identities;
    return LKS_OK;
}

enum lks_status lks_config_new(struct lks_config **out, struct lks_policy *policy,
                               struct lks_identities *identities, struct lks_memory *memory,
                               struct lks_error *err)
{
    *out = NULL;
    lks_complain_not(err);
    if (!policy)
        return lks_complain_as(LKS_BAD_ARGUMENT, err,
                               "a configuration without a policy; lks_policy_new() makes one");
    struct lks_config *config = calloc(1, sizeof(*config));
    if (!config)
        return lks_part_say(LKS_NO_MEMORY, err);
    atomic_init(&config->num_refs, 1);
    enum lks_status status = join(config, policy, identities, memory);
    if (!status)
        status = freeze(config, err);
    if (status)
        lks_config_free(config);
    else
        *out = config;
    return lks_part_say(status, err);
}

struct lks_config *lks_config_ref(struct lks_config *config)
{
    atomic_fetch_add_explicit(&config->num_refs, 1, memory_order_relaxed);
    return config;
}

void lks_config_free(struct lks_config *config)
{
    if (!config || atomic_fetch_sub_explicit(&config->num_refs, 1, memory_order_acq_rel) != 1)
        return;
    lks_policy_free(config->policy);
    lks_identities_free(config->identities);
    lks_memory_free(config->memory);
    free(config);
}

static bool signs_under_tls13(const struct lks_policy *policy)
{
    for (const struct lks_sign_scheme *const *s = policy->schemes; *s; s++)
        if (lks_sign_find((*s)->number))
            return true;
    return false;
}

static bool has_remote(const struct lks_identities *identities)
{
    const struct lks_certificate *c = identities->certificates;
    while (c && !c->is_remote)
        c = c->next;
    return c;
}

enum lks_status lks_config_check(const struct lks_config *config, enum lks_role role,
                                 struct lks_error *err)
{
    lks_complain_not(err);
    if (role != LKS_SERVER && role != LKS_CLIENT)
        return lks_complain_as(LKS_BAD_ARGUMENT, err, "there is no role %d; see enum lks_role",
                               (int)role);
    if (lks_config_speaks(config, LKS_TLS_1_3) && !signs_under_tls13(config->policy))
        return lks_complain(err, "TLS 1.3 is on, and none of the signature schemes is one of its; "
                                 "name one, or leave TLS 1.2 alone on");
    if (has_remote(config->identities) && !config->policy->signer.ask)
        return lks_complain(err, "a certificate whose key is elsewhere, and nobody to sign with "
                                 "it; lks_policy_set_signer() names who does");
    if (role == LKS_CLIENT)
        return LKS_OK;
    if (!config->identities->certificates && !config->identities->num_psks)
        return lks_complain(err, "a server without a certificate or a pre-shared key; "
                                 "lks_identities_add_certificate() adds one");
    if (!config->memory)
        return lks_complain(err, "a server without memory; lks_memory_new() makes one");
    if (config->policy->max_early && !config->memory->replay)
        return lks_complain(err, "early data are on, and there is nothing against replay; "
                                 "lks_memory_set_replay() makes it");
    return LKS_OK;
}

bool lks_config_speaks(const struct lks_config *config, enum lks_version version)
{
    const struct lks_policy *policy = config->policy;
    if (version < policy->min_version || version > policy->max_version)
        return false;
    for (const struct lks_suite *const *s = policy->suites; *s; s++)
        if ((*s)->version == version)
            return true;
    return false;
}

const struct lks_suite *lks_config_suite(const struct lks_config *config, uint16_t number)
{
    for (const struct lks_suite *const *s = config->policy->suites; *s; s++)
        if ((*s)->number == number && lks_config_speaks(config, (*s)->version))
            return *s;
    return NULL;
}

uint64_t lks_config_now_ms(const struct lks_config *config)
{
    return lks_policy_verify_ms(config->policy);
}
