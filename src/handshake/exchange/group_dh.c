/* SPDX-License-Identifier: BSD-3-Clause */

/* Diffie-Hellman over libcrypto: on elliptic curves, X25519, and in prime fields. */

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "handshake/exchange/group_kind.h"

struct lks_group_dh_params {
    const char *type, *name; /* libcrypto's; without a name a key of the type says it all */
    EVP_PKEY **model;
    const OSSL_PARAM *derive; /* what deriving must be told */
    int first;                /* what a share must begin with; -1: anything */
};

/*
 * A key with the group's parameters, made once a process: keys generated after it spare libcrypto
 * looking the algorithm up by name and building the group anew.
 */
enum { X25519, P256, P384, P521, FFDHE2048, FFDHE3072, MODP2048, MODP3072, NUM_MODELS };
static EVP_PKEY *models[NUM_MODELS];
static uint8_t primes[NUM_MODELS][LKS_SHARE_MAX]; /* of prime fields; zeros: there is none */
static pthread_once_t models_made = PTHREAD_ONCE_INIT;

/* RFC 8446 section 7.4.1: the secret is as long as the prime. [8446 7.4.2-1] */
static unsigned int one = 1;
static const OSSL_PARAM padded[] = {
    {OSSL_EXCHANGE_PARAM_PAD, OSSL_PARAM_UNSIGNED_INTEGER, &one, sizeof(one), 0}, {0}};

#define POINT 4 /* UncompressedPointRepresentation, section 4.2.8.2 */
#define ANY   (-1)

const struct lks_group_dh_params lks_group_x25519 = {"X25519", NULL, &models[X25519], NULL, ANY},
                                 lks_group_p256 = {"EC", "P-256", &models[P256], NULL, POINT},
                                 lks_group_p384 = {"EC", "P-384", &models[P384], NULL, POINT},
                                 lks_group_p521 = {"EC", "P-521", &models[P521], NULL, POINT},
                                 lks_group_ffdhe2048 = {"DH", "ffdhe2048", &models[FFDHE2048],
                                                        padded, ANY},
                                 lks_group_ffdhe3072 = {"DH", "ffdhe3072", &models[FFDHE3072],
                                                        padded, ANY},
                                 lks_group_modp2048 = {"DH", "modp_2048", &models[MODP2048], padded,
                                                       ANY},
                                 lks_group_modp3072 = {"DH", "modp_3072", &models[MODP3072], padded,
                                                       ANY};

/* Stays NULL where libcrypto lacks the group. */
static void make_model(const struct lks_group_dh_params *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, params->type, NULL);
    if (ctx && !params->name) {
        if (EVP_PKEY_keygen_init(ctx) > 0 && EVP_PKEY_keygen(ctx, params->model) <= 0)
            *params->model = NULL;
    } else if (ctx && EVP_PKEY_paramgen_init(ctx) > 0 &&
               EVP_PKEY_CTX_set_group_name(ctx, params->name) > 0 &&
               EVP_PKEY_paramgen(ctx, params->model) <= 0) {
        *params->model = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
}

/* All of them fill their bytes. */
static void keep_prime(int i)
{
    BIGNUM *p = NULL;
    if (models[i] && EVP_PKEY_get_bn_param(models[i], OSSL_PKEY_PARAM_FFC_P, &p))
        BN_bn2bin(p, primes[i]);
    BN_free(p);
}

static void make_models(void)
{
    static const struct lks_group_dh_params *const all[NUM_MODELS] = {
        &lks_group_x25519,    &lks_group_p256,      &lks_group_p384,     &lks_group_p521,
        &lks_group_ffdhe2048, &lks_group_ffdhe3072, &lks_group_modp2048, &lks_group_modp3072};
    for (int i = 0; i < NUM_MODELS; i++) {
        make_model(all[i]);
        if (all[i]->derive)
            keep_prime(i);
    }
}

static const struct lks_group_dh_params *params_of(const struct lks_group *group)
{
    pthread_once(&models_made, make_models);
    return (const struct lks_group_dh_params *)group->params;
}

static EVP_PKEY *generate_key(const struct lks_group_dh_params *params)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx =
        *params->model ? EVP_PKEY_CTX_new_from_pkey(NULL, *params->model, NULL) : NULL;
    if (ctx && EVP_PKEY_keygen_init(ctx) > 0 && EVP_PKEY_keygen(ctx, &key) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static bool write_share(EVP_PKEY *key, uint8_t *share, size_t share_len)
{
    size_t len = 0;
    return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, share,
                                           share_len, &len) &&
           len == share_len;
}

/* The peer's public key. libcrypto checks that a point is on the curve (RFC 8446 section 4.2.8.2)
 * and that a number is between 1 and p - 1 (4.2.8.1). [8446 4.2.8.1-1 4.2.8.2-1] */
static EVP_PKEY *read_share(const struct lks_group_dh_params *params, const uint8_t *share,
                            size_t share_len)
{
    if (params->first != ANY && share[0] != params->first)
        return NULL;
    EVP_PKEY *peer = EVP_PKEY_new();
    if (peer && EVP_PKEY_copy_parameters(peer, *params->model) > 0 &&
        EVP_PKEY_set1_encoded_public_key(peer, share, share_len) > 0)
        return peer;
    EVP_PKEY_free(peer);
    return NULL;
}

/* Fails for X25519's all-zero secret, too (section 7.4.2). The peer's key was checked when it was
 * read; checking its order, too, would double the time, and on curves of cofactor 1 and with safe
 * primes nothing is left to find. [8446 7.4.2-2] */
static bool derive(const struct lks_group *group, EVP_PKEY *ours, const uint8_t *peer_share,
                   size_t peer_share_len, uint8_t *secret)
{
    const struct lks_group_dh_params *params = params_of(group);
    size_t len = group->secret_len;
    EVP_PKEY *peer = read_share(params, peer_share, peer_share_len);
    EVP_PKEY_CTX *ctx = peer ? EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL) : NULL;
    bool ok = ctx && EVP_PKEY_derive_init_ex(ctx, params->derive) > 0 &&
              EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) > 0 &&
              EVP_PKEY_derive(ctx, secret, &len) > 0 && len == group->secret_len;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return ok;
}

static enum lks_status dh_generate(struct lks_group_key *key, uint8_t *share)
{
    key->pkey = generate_key(params_of(key->group));
    return key->pkey && write_share(key->pkey, share, key->group->client_share_len) ? LKS_OK
                                                                                    : LKS_INTERNAL;
}

static enum lks_status dh_finish(const struct lks_group_key *key, const uint8_t *peer_share,
                                 uint8_t *secret)
{
    const struct lks_group *group = key->group;
    return derive(group, key->pkey, peer_share, group->server_share_len, secret)
               ? LKS_OK
               : lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SHARE_INVALID);
}

static enum lks_status dh_respond(const struct lks_group *group, const uint8_t *peer_share,
                                  uint8_t *share, uint8_t *secret)
{
    EVP_PKEY *ours = generate_key(params_of(group));
    if (!ours)
        return LKS_INTERNAL;
    enum lks_status status = LKS_OK;
    if (!derive(group, ours, peer_share, group->client_share_len, secret))
        status = lks_because(LKS_ALERT_ILLEGAL_PARAMETER, LKS_WHY_SHARE_INVALID);
    else if (!write_share(ours, share, group->server_share_len))
        status = LKS_INTERNAL;
    EVP_PKEY_free(ours);
    return status;
}

static void dh_clear(struct lks_group_key *key)
{
    EVP_PKEY_free(key->pkey);
}

bool lks_group_is_curve(const struct lks_group *group)
{
    return group->kind == &lks_group_dh && !lks_group_is_prime_field(group);
}

bool lks_group_is_prime_field(const struct lks_group *group)
{
    return group->kind == &lks_group_dh && params_of(group)->derive;
}

/* The generator of all of them is 2: RFC 7919 appendix A, RFC 3526. */
bool lks_group_prime(const struct lks_group *group, uint8_t *prime)
{
    const uint8_t *known = primes[params_of(group)->model - models];
    memcpy(prime, known, group->server_share_len);
    return known[0];
}

const struct lks_group_kind lks_group_dh = {dh_generate, dh_finish, dh_respond, dh_clear};
