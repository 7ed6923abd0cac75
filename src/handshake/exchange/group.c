/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/exchange/group.h"

#include <stdlib.h>
#include <string.h>

#include "handshake/errors.h"
#include "handshake/exchange/group_kind.h"

/* What withstands quantum computers first, as browsers send it first; prime fields (RFC 7919) last:
 * the same strength costs more there. [8446 9.1-3 B.3.1.4-1] */
static const struct lks_group rows[] = {
    {0x11ec, "x25519mlkem768", 1184 + 32, 1088 + 32, 32 + 32, &lks_group_hybrid, &rows[1]},
    {0x001d, "x25519", 32, 32, 32, &lks_group_dh, &lks_group_x25519},
    {0x0017, "secp256r1", 65, 65, 32, &lks_group_dh, &lks_group_p256},
    {0x0018, "secp384r1", 97, 97, 48, &lks_group_dh, &lks_group_p384},
    {0x0019, "secp521r1", 133, 133, 66, &lks_group_dh, &lks_group_p521},
    {0x0100, "ffdhe2048", 256, 256, 256, &lks_group_dh, &lks_group_ffdhe2048},
    {0x0101, "ffdhe3072", 384, 384, 384, &lks_group_dh, &lks_group_ffdhe3072},
    {0},
};

/* RFC 3526: older than RFC 7919, and what many servers of TLS 1.2 know. Never offered or chosen. */
static const struct lks_group modp_rows[] = {
    {0, "modp2048", 256, 256, 256, &lks_group_dh, &lks_group_modp2048},
    {0, "modp3072", 384, 384, 384, &lks_group_dh, &lks_group_modp3072},
    {0},
};

const struct lks_group *lks_group_rows(void)
{
    return rows;
}

const struct lks_group *lks_group_find(uint16_t number)
{
    for (const struct lks_group *row = rows; row->name; row++)
        if (row->number == number)
            return row;
    return NULL;
}

static const struct lks_group *find_prime(const struct lks_group *row, const uint8_t *prime,
                                          size_t prime_len)
{
    uint8_t known[LKS_SHARE_MAX];
    for (; row->name; row++)
        if (lks_group_is_prime_field(row) && row->server_share_len == prime_len &&
            lks_group_prime(row, known) && memcmp(known, prime, prime_len) == 0)
            return row;
    return NULL;
}

const struct lks_group *lks_group_of_prime(const uint8_t *prime, size_t prime_len,
                                           const uint8_t *generator, size_t generator_len)
{
    if (generator_len != 1 || generator[0] != 2)
        return NULL;
    const struct lks_group *row = find_prime(rows, prime, prime_len);
    return row ? row : find_prime(modp_rows, prime, prime_len);
}

static enum lks_status generate(const struct lks_group *group, struct lks_group_key **key,
                                uint8_t *share)
{
    *key = calloc(1, sizeof(**key));
    if (!*key)
        return LKS_NO_MEMORY;
    (*key)->group = group;
    enum lks_status status = lks_errors_cause(group->kind->generate(*key, share));
    if (status) {
        lks_group_key_free(*key);
        *key = NULL;
    }
    return status;
}

enum lks_status lks_group_generate(const struct lks_group *group, struct lks_group_key **key,
                                   uint8_t *share)
{
    enum lks_status status = generate(group, key, share);
    if (lks_errors_doubt(status))
        status = lks_errors_settle(status, generate(group, key, share));
    return status;
}

enum lks_status lks_group_finish(const struct lks_group_key *key, const uint8_t *peer_share,
                                 size_t peer_share_len, uint8_t *secret)
{
    if (peer_share_len != key->group->server_share_len)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SHARE_LENGTH);
    return key->group->kind->finish(key, peer_share, secret);
}

const struct lks_group *lks_group_key_group(const struct lks_group_key *key)
{
    return key->group;
}

void lks_group_key_free(struct lks_group_key *key)
{
    if (!key)
        return;
    key->group->kind->clear(key);
    free(key);
}

/* RFC 8446 section 6: a share that is none is illegal_parameter. [8446 6-6] */
enum lks_status lks_group_respond(const struct lks_group *group, const uint8_t *peer_share,
                                  size_t peer_share_len, uint8_t *share, uint8_t *secret)
{
    if (peer_share_len != group->client_share_len)
        return lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SHARE_LENGTH);
    return group->kind->respond(group, peer_share, share, secret);
}
