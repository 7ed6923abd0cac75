/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/policy.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/complain.h"
#include "handshake/errors.h"

/* In our order of preference: what is on unless suites are named, and for "old" what is not, but
 * for the short tags. */
static void set_suites_of(struct lks_policy *policy, bool all)
{
    size_t num = 0;
    for (const struct lks_suite *row = lks_suite_rows(); row->name; row++) {
        const bool is_ccm_8 = row->aead == LKS_AES_128_CCM_8 || row->aead == LKS_AES_256_CCM_8;
        if (row->by_default || (all && !is_ccm_8))
            policy->suites[num++] = row;
    }
    policy->suites[num] = NULL;
}

uint64_t lks_system_time_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

enum lks_status lks_policy_new(struct lks_policy **out)
{
    struct lks_policy *policy = calloc(1, sizeof(*policy));
    *out = policy;
    if (!policy)
        return LKS_NO_MEMORY;
    lks_part_init(&policy->part, "policy");
    policy->now_ms = lks_system_time_ms;
    policy->key_log = -1;
    policy->min_version = LKS_TLS_1_2;
    policy->max_version = LKS_TLS_1_3;
    policy->record_size_limit = LKS_RECORD_SIZE_LIMIT_MAX;
    policy->num_tickets = 2;
    policy->lifetime_s = 7200;
    set_suites_of(policy, false);
    for (unsigned int i = 0; lks_group_rows()[i].name; i++)
        policy->groups[i] = &lks_group_rows()[i];
    for (unsigned int i = 0; lks_sign_tls12_schemes()[i].name; i++)
        policy->schemes[i] = &lks_sign_tls12_schemes()[i];
    return LKS_OK;
}

static void free_alpn(char **alpn)
{
    for (; *alpn; alpn++) {
        free(*alpn);
        *alpn = NULL;
    }
}

void lks_policy_free(struct lks_policy *policy)
{
    LKS_OWN_ERRORS;
    if (!policy || !lks_part_unref(&policy->part))
        return;
    free_alpn(policy->alpn);
    if (policy->key_log >= 0)
        close(policy->key_log);
    lks_policy_forget_trust(policy);
    lks_revocation_free(&policy->revocation);
    free(policy);
}

/* Into a list that is empty. */
static enum lks_status read_alpn(char **list, const char *protocols, struct lks_error *err)
{
    const char *name;
    size_t len, num = 0;
    while (lks_next_name(&protocols, &name, &len)) {
        if (len > 255)
            return lks_complain(
                err, "ALPN protocol \"%.20s...\": a name has at most 255 bytes; shorten it", name);
        for (size_t i = 0; i < num; i++)
            if (strlen(list[i]) == len && !memcmp(list[i], name, len))
                return lks_complain_twice(err, "ALPN protocol", name, len);
        if (num == LKS_LIST_MAX)
            return lks_complain(err, "ALPN: more than %u protocols; leave some out", LKS_LIST_MAX);
        list[num] = strndup(name, len);
        if (!list[num++])
            return LKS_NO_MEMORY;
    }
    return num ? LKS_OK
               : lks_complain(err, "ALPN: the list is empty; name at least one, as http/1.1");
}

enum lks_status lks_policy_set_alpn(struct lks_policy *policy, const char *protocols,
                                    struct lks_error *err)
{
    char *list[LKS_LIST_MAX + 1] = {NULL};
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    status = read_alpn(list, protocols, err);
    if (status) {
        free_alpn(list);
    } else {
        free_alpn(policy->alpn);
        memcpy(policy->alpn, list, sizeof(list));
    }
    return lks_part_end(&policy->part, status, err);
}

static const char *suite_name(size_t i)
{
    return lks_suite_rows()[i].name;
}

enum lks_status lks_policy_set_suites(struct lks_policy *policy, const char *suites,
                                      struct lks_error *err)
{
    struct lks_names names;
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    status = lks_read_names(&names, suites, "cipher suite", suite_name, err);
    if (!status) {
        memset(policy->suites, 0, sizeof(policy->suites));
        for (size_t i = 0; i < names.num; i++)
            policy->suites[i] = &lks_suite_rows()[names.index[i]];
    }
    return lks_part_end(&policy->part, status, err);
}

static const char *group_name(size_t i)
{
    return lks_group_rows()[i].name;
}

enum lks_status lks_policy_set_groups(struct lks_policy *policy, const char *groups,
                                      struct lks_error *err)
{
    struct lks_names names;
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    status = lks_read_names(&names, groups, "group", group_name, err);
    if (!status) {
        memset(policy->groups, 0, sizeof(policy->groups));
        for (size_t i = 0; i < names.num; i++)
            policy->groups[i] = &lks_group_rows()[names.index[i]];
    }
    return lks_part_end(&policy->part, status, err);
}

static const char *scheme_name(size_t i)
{
    return lks_sign_tls12_schemes()[i].name;
}

enum lks_status lks_policy_set_signature_schemes(struct lks_policy *policy, const char *schemes,
                                                 struct lks_error *err)
{
    struct lks_names names;
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    status = lks_read_names(&names, schemes, "signature scheme", scheme_name, err);
    if (!status) {
        memset(policy->schemes, 0, sizeof(policy->schemes));
        for (size_t i = 0; i < names.num; i++)
            policy->schemes[i] = &lks_sign_tls12_schemes()[names.index[i]];
    }
    return lks_part_end(&policy->part, status, err);
}

const struct lks_sign_scheme *lks_policy_scheme(const struct lks_policy *policy, uint16_t number,
                                                enum lks_version version)
{
    for (const struct lks_sign_scheme *const *s = policy->schemes; *s; s++)
        if ((*s)->number == number)
            return version == LKS_TLS_1_2 ? *s : lks_sign_find(number);
    return NULL;
}

enum lks_status lks_policy_set_versions(struct lks_policy *policy, uint16_t min, uint16_t max,
                                        struct lks_error *err)
{
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    if (min < LKS_TLS_1_2 || max > LKS_TLS_1_3 || min > max) {
        status = lks_complain_as(LKS_BAD_ARGUMENT, err,
                                 "versions 0x%04x to 0x%04x: LKS_TLS_1_2 to LKS_TLS_1_3, the lower "
                                 "one first",
                                 min, max);
    } else {
        policy->min_version = min;
        policy->max_version = max;
    }
    return lks_part_end(&policy->part, status, err);
}

enum lks_status lks_policy_set_preset(struct lks_policy *policy, const char *preset,
                                      struct lks_error *err)
{
    static const struct {
        const char *name;
        uint16_t min_version;
        bool all;
    } rows[] = {
        {"modern", LKS_TLS_1_3, false},
        {"intermediate", LKS_TLS_1_2, false},
        {"old", LKS_TLS_1_2, true},
    };
    size_t i = 0;
    enum lks_status status = lks_part_begin(&policy->part, err);
    if (status)
        return status;
    preset = preset ? preset : "";
    while (i < sizeof(rows) / sizeof(rows[0]) && strcmp(rows[i].name, preset) != 0)
        i++;
    if (i == sizeof(rows) / sizeof(rows[0])) {
        status = lks_complain(
            err, "preset \"%.40s\" is not known; known are modern, intermediate, old", preset);
    } else {
        set_suites_of(policy, rows[i].all);
        policy->min_version = rows[i].min_version;
        policy->max_version = LKS_TLS_1_3;
    }
    return lks_part_end(&policy->part, status, err);
}
