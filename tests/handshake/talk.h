/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_HANDSHAKE_TALK_H
#define LKS_TESTS_HANDSHAKE_TALK_H

/* Two sides of TLS 1.2's handshake without records, and what each has said, to be given to the
 * other as it is or otherwise. */

#include "configs.h"
#include "handshake/core.h"

#define ITEMS_MAX 12u
#define ITEM_MAX  4096u

/* A message, or (len 0) a change_cipher_spec. */
struct item {
    size_t len;
    uint8_t bytes[ITEM_MAX];
};

/* Two honest sides, and what each has sent. */
struct talk {
    struct lks_config *config[2];
    struct lks_hs *hs[2]; /* by role */
    struct item items[2][ITEMS_MAX];
    size_t num[2], given[2];
    enum lks_status status[2]; /* of the last item that a role was given */
};

/* Which handshake. */
enum kind {
    KIND_ECDHE,
    KIND_DHE,
    KIND_RSA,
    KIND_CLIENT_CERTIFICATE,
    KIND_SHA384,
    KIND_RESUMED,
    NUM_KINDS
};

void talk_init(struct talk *t, enum kind kind);
void talk_free(struct talk *t);
/* What the kinds have in common, made by the first talk_init(): at the end of each test. */
void talk_settings_free(void);

enum lks_status talk_give(struct talk *t, enum lks_role to, const struct item *item);
/* Lets both go on until a role was given num items of the other's, or nothing moves. Then true if
 * it was. */
bool talk_go_on(struct talk *t, enum lks_role role, size_t num);
bool talk_done(const struct talk *t);

#endif
