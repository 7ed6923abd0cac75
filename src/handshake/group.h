/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_GROUP_H
#define LKS_HANDSHAKE_GROUP_H

/* Key exchange groups (RFC 8446 section 4.2.7), as const rows over libcrypto. */

#include <stddef.h>
#include <stdint.h>

#include <lockstep/status.h>

#define LKS_SHARE_MAX         97u
#define LKS_SHARED_SECRET_MAX 48u

struct lks_group {
    uint16_t number;
    const char *name;
    uint8_t share_len; /* of a key_exchange, either side's */
    uint8_t secret_len;
    const char *curve; /* libcrypto's name; NULL: X25519 */
};

/* All rows in our order of preference, ended by one whose name is NULL. */
const struct lks_group *lks_group_rows(void);
const struct lks_group *lks_group_find(uint16_t number);

/*
 * The server's half: makes an ephemeral key, writes its share (group->share_len bytes) and the
 * secret shared with the peer (group->secret_len bytes; to be wiped). LKS_ALERT_ILLEGAL_PARAMETER
 * for a peer share that is no valid point or gives an all-zero secret (RFC 8446
 * sections 4.2.8.2, 7.4.2).
 */
LKS_MUST_CHECK enum lks_status lks_group_respond(const struct lks_group *group,
                                                 const uint8_t *peer_share, size_t peer_share_len,
                                                 uint8_t *share, uint8_t *secret);

#endif
