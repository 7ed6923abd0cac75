/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/resumption/ticket.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "base/ct.h"
#include "handshake/exchange/hash.h"

#define TAG_LEN   16u
#define FRONT_LEN (LKS_TICKET_NAME_LEN + LKS_TICKET_SALT_LEN)

static const uint8_t zero_nonce[12];
static EVP_CIPHER *aes_256_gcm;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
}

/* A context with the key of the ticket whose front is given, and the front taken in. */
static EVP_CIPHER_CTX *begin(const struct lks_ticket_key *key, const uint8_t *front, bool seal)
{
    uint8_t aes_key[32];
    int n;
    const EVP_MD *md = lks_hash_of(lks_suite_find(0x1301));
    pthread_once(&fetched, fetch);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && md && aes_256_gcm &&
              lks_hmac(md, key->key, sizeof(key->key), front + LKS_TICKET_NAME_LEN,
                       LKS_TICKET_SALT_LEN, NULL, 0, aes_key) == LKS_OK &&
              EVP_CipherInit_ex2(ctx, aes_256_gcm, aes_key, zero_nonce, seal, NULL) &&
              EVP_CipherUpdate(ctx, NULL, &n, front, FRONT_LEN);
    lks_wipe(aes_key, sizeof(aes_key));
    if (ok)
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static enum lks_status seal_state(const struct lks_ticket_key *key, uint8_t *ticket,
                                  const uint8_t *state, size_t state_len)
{
    int n;
    EVP_CIPHER_CTX *ctx = begin(key, ticket, true);
    bool ok =
        ctx && EVP_CipherUpdate(ctx, ticket + FRONT_LEN, &n, state, (int)state_len) &&
        EVP_CipherFinal_ex(ctx, ticket + FRONT_LEN + n, &n) &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, ticket + FRONT_LEN + state_len);
    EVP_CIPHER_CTX_free(ctx);
    return ok ? LKS_OK : LKS_NO_MEMORY;
}

enum lks_status lks_ticket_seal(struct lks_writer *w, const struct lks_ticket_ring *ring,
                                const struct lks_session *session)
{
    uint8_t bytes[LKS_SESSION_STATE_MAX];
    struct lks_writer state = lks_writer_of(bytes, sizeof(bytes));
    if (!ring->num_keys)
        return LKS_WANT_ROOM;
    lks_session_write(&state, session);
    uint8_t *ticket = lks_write_room(w, LKS_TICKET_OVERHEAD + state.len);
    enum lks_status status = LKS_INTERNAL;
    if (ticket && !state.failed) {
        memcpy(ticket, ring->keys[0].name, LKS_TICKET_NAME_LEN);
        if (RAND_bytes(ticket + LKS_TICKET_NAME_LEN, LKS_TICKET_SALT_LEN) == 1)
            status = seal_state(&ring->keys[0], ticket, bytes, state.len);
    }
    lks_wipe(bytes, sizeof(bytes));
    return status;
}

static const struct lks_ticket_key *find_key(const struct lks_ticket_ring *ring,
                                             const uint8_t *name)
{
    for (uint32_t i = 0; i < ring->num_keys; i++)
        if (memcmp(ring->keys[i].name, name, LKS_TICKET_NAME_LEN) == 0)
            return &ring->keys[i];
    return NULL;
}

static bool open_state(const struct lks_ticket_key *key, uint8_t *state, size_t state_len,
                       const uint8_t *ticket)
{
    int n;
    uint8_t tag[TAG_LEN];
    memcpy(tag, ticket + FRONT_LEN + state_len, TAG_LEN);
    EVP_CIPHER_CTX *ctx = begin(key, ticket, false);
    bool ok = ctx && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) &&
              EVP_CipherUpdate(ctx, state, &n, ticket + FRONT_LEN, (int)state_len) &&
              EVP_CipherFinal_ex(ctx, state + n, &n) > 0;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

bool lks_ticket_open(struct lks_session *session, uint8_t state[LKS_SESSION_STATE_MAX],
                     const struct lks_ticket_ring *ring, struct lks_reader ticket)
{
    memset(session, 0, sizeof(*session));
    if (ticket.len < LKS_TICKET_OVERHEAD || ticket.len > LKS_TICKET_MAX)
        return false;
    const size_t state_len = ticket.len - LKS_TICKET_OVERHEAD;
    const struct lks_ticket_key *key = find_key(ring, ticket.data);
    return key && open_state(key, state, state_len, ticket.data) &&
           lks_session_read(session, lks_reader_of(state, state_len));
}
