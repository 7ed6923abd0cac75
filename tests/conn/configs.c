/* SPDX-License-Identifier: BSD-3-Clause */
#include "configs.h"

#include <stdlib.h>

static void reopen(struct lks_part *part)
{
    atomic_store(&part->state, LKS_PART_OPEN);
}

struct lks_config *config_new(void)
{
    struct lks_policy *policy;
    struct lks_identities *identities;
    struct lks_memory *memory;
    struct lks_config *config;
    if (lks_policy_new(&policy) || lks_identities_new(&identities) || lks_memory_new(&memory) ||
        lks_config_new(&config, policy, identities, memory, NULL))
        abort();
    lks_policy_free(policy);
    lks_identities_free(identities);
    lks_memory_free(memory);
    reopen(&policy->part);
    reopen(&identities->part);
    reopen(&memory->part);
    return config;
}

void set_clock(struct lks_config *config, uint64_t (*now_ms)(void))
{
    config->policy->now_ms = config->identities->now_ms = config->memory->now_ms = now_ms;
}

void set_verify_time(struct lks_config *config, time_t now_s)
{
    config->policy->verify_time = config->identities->verify_time = now_s;
}

enum lks_status set_early_data(struct lks_config *config, uint32_t max_bytes, uint32_t window_ms,
                               uint32_t num_hellos)
{
    enum lks_status status = lks_policy_set_early_data(config->policy, max_bytes, NULL);
    return status || !max_bytes
               ? status
               : lks_memory_set_replay(config->memory, window_ms, num_hellos, NULL);
}

enum lks_status set_compression(struct lks_config *config, const char *algorithms,
                                struct lks_error *err)
{
    enum lks_status status =
        lks_policy_set_certificate_compression(config->policy, algorithms, err);
    return status ? status : lks_identities_set_compression(config->identities, algorithms, err);
}
