/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_CONFIG_H
#define LOCKSTEP_CONFIG_H

/*
 * What the connections of one listener have in common, in three parts:
 *
 *     policy      what may be agreed, and what is asked of a peer    <lockstep/policy.h>
 *     identities  certificates, keys, what is stapled to them        <lockstep/identities.h>
 *     memory      what is remembered: tickets, sessions, replay      <lockstep/memory.h>
 *
 * A configuration joins one of each, and connections are made of a configuration:
 *
 *     lks_policy_new(&policy)          lks_policy_set_…(policy, …, &err)
 *     lks_identities_new(&identities)  lks_identities_add_certificate(identities, …, &err)
 *     lks_memory_new(&memory)          lks_memory_set_…(memory, …, &err)
 *     lks_config_new(&config, policy, identities, memory, &err)
 *     lks_conn_new(&conn, config, LKS_SERVER, NULL)    as often as clients come
 *
 * lks_config_new() freezes the parts: from then on whoever sets something gets LKS_FROZEN, and so
 * any number of threads may use them at once. What has to change goes into new parts. A reload
 * makes a new policy, new identities or both, joins them with the memory that there was, and gives
 * the new configuration to the connections to come; those that there are keep theirs. So nothing is
 * forgotten: tickets and sessions of before resume, where policy and identities still allow it, and
 * early data that were taken once are not taken again. A part may be in any number of
 * configurations.
 *
 * References are counted, atomically: lks_…_new() gives the caller one, lks_…_free() takes it back;
 * a configuration holds one of each of its parts, a connection one of its configuration. So each
 * may be freed as soon as the caller has made of it what it wanted.
 *
 * Until it is frozen a part belongs to one thread at a time. Two that set something at once, or
 * set and join, get LKS_BAD_ARGUMENT and no race. Any thread may free.
 *
 * A pointer may be NULL where that is said, here and in the other headers; err may everywhere.
 *
 * Calls with an err fill it when they do not return LKS_OK: one line that names the source (file,
 * or name of bytes in memory) with the line or the number of the certificate where there is one,
 * or the word at fault, the cause and what would do. Statuses beside those that a
 * call names: LKS_NO_MEMORY, LKS_FROZEN, LKS_INTERNAL (libcrypto fails).
 */

#include <lockstep/identities.h>
#include <lockstep/memory.h>
#include <lockstep/policy.h>
#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which end of a connection is ours. */
enum lks_role {
    LKS_SERVER,
    LKS_CLIENT,
};

struct lks_config;

/* Joins three parts, which are frozen from here on. identities NULL: none. memory NULL: none, as
 * for clients, which need none. LKS_BAD_ARGUMENT: no policy, or a part is just being set by another
 * thread. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_new(struct lks_config **out, struct lks_policy *policy,
               struct lks_identities *identities, struct lks_memory *memory, struct lks_error *err);

/* Gives up a reference. NULL is allowed. */
LKS_API void lks_config_free(struct lks_config *config);

/* Another reference, for another owner: each worker may hold one and give it up when it has got the
 * next configuration. Returns config. */
LKS_API struct lks_config *lks_config_ref(struct lks_config *config);

/* Whether it has what the role needs; LKS_BAD_CONFIG, also of lks_conn_new(), where it lacks
 * something, and *err says what: a server's certificate or external key, its memory, or, with early
 * data on, something against replay; and either's signature schemes for TLS 1.3, if that is on, and
 * a signer for a certificate without its key. LKS_BAD_ARGUMENT: no such role. */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_check(const struct lks_config *config,
                                                        enum lks_role role, struct lks_error *err);

#ifdef __cplusplus
}
#endif
#endif
