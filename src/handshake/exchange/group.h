/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_GROUP_H
#define LKS_HANDSHAKE_GROUP_H

/*
 * Key exchange groups (RFC 8446 section 4.2.7), as const rows. The client makes a key and its share
 * (generate), the server answers a share with its own and has the secret (respond), the client has
 * it from the answer (finish).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/status.h>

#define LKS_SHARE_MAX         1216u
#define LKS_SHARED_SECRET_MAX 384u

/* The client's ephemeral key, between its share and the server's. */
struct lks_group_key;

struct lks_group {
    uint16_t number;
    const char *name;
    /* Of a key_exchange, by whose it is: with a KEM they differ. */
    uint16_t client_share_len, server_share_len;
    uint16_t secret_len;

    /* For group*.c: how this kind of group does what the functions below say, and with which
     * parameters. */
    const struct lks_group_kind *kind;
    const void *params;
};

/* All rows in our order of preference, ended by one whose name is NULL. */
const struct lks_group *lks_group_rows(void);
const struct lks_group *lks_group_find(uint16_t number);

/* What TLS 1.2 can use a group for, ECDHE or DHE; neither: TLS 1.3 alone. */
bool lks_group_is_curve(const struct lks_group *group);
bool lks_group_is_prime_field(const struct lks_group *group);

/* TLS 1.2 sends a prime field's parameters: the prime (server_share_len bytes; the generator is 2),
 * and the group that has these, of RFC 7919 or RFC 3526, whose number is 0. NULL: none, so they are
 * not to be trusted. */
bool lks_group_prime(const struct lks_group *group, uint8_t *prime);
const struct lks_group *lks_group_of_prime(const uint8_t *prime, size_t prime_len,
                                           const uint8_t *generator, size_t generator_len);

/*
 * The client's first half: a new ephemeral key, to be freed with lks_group_key_free(), and its
 * share (group->client_share_len bytes). On failure (LKS_NO_MEMORY, LKS_INTERNAL) *key is NULL.
 */
LKS_MUST_CHECK enum lks_status lks_group_generate(const struct lks_group *group,
                                                  struct lks_group_key **key, uint8_t *share);

/*
 * The client's second half: the secret shared with the server (group->secret_len bytes; to be
 * wiped), from the share in its answer. LKS_ALERT_ILLEGAL_PARAMETER for one of the wrong length,
 * that is no valid public key, or that gives an all-zero secret (RFC 8446 sections 4.2.8.1,
 * 4.2.8.2, 7.4.2; FIPS 203 section 7.2). The key stays as it was.
 */
LKS_MUST_CHECK enum lks_status lks_group_finish(const struct lks_group_key *key,
                                                const uint8_t *peer_share, size_t peer_share_len,
                                                uint8_t *secret);

const struct lks_group *lks_group_key_group(const struct lks_group_key *key);

/* Wipes the key, too. NULL is none. */
void lks_group_key_free(struct lks_group_key *key);

/*
 * The server's half: makes an ephemeral key, writes its share (group->server_share_len bytes) and
 * the secret shared with the client (group->secret_len bytes; to be wiped).
 * LKS_ALERT_ILLEGAL_PARAMETER as for lks_group_finish().
 */
LKS_MUST_CHECK enum lks_status lks_group_respond(const struct lks_group *group,
                                                 const uint8_t *peer_share, size_t peer_share_len,
                                                 uint8_t *share, uint8_t *secret);

#endif
