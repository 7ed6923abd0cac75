/* SPDX-License-Identifier: BSD-3-Clause */
#include "asked.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "handshake/certificate/sign.h"

static void must(bool ok)
{
    if (!ok)
        abort();
}

static EVP_PKEY *key_of(const char *kind)
{
    const struct test_certificates *t = test_certificates();
    FILE *f = fopen(strcmp(kind, "rsa") == 0 ? t->rsa_key : t->ecdsa_key, "r");
    must(f);
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    must(key);
    return key;
}

const uint8_t *signature_of(const struct lks_ask *ask, size_t *len)
{
    static uint8_t sig[LKS_SIGNATURE_MAX];
    size_t content_len;
    const uint8_t *content = lks_ask_content(ask, &content_len);
    EVP_PKEY *key = key_of(lks_ask_key(ask));
    *len = sizeof(sig);
    must(!lks_sign(lks_sign_find_tls12(lks_ask_scheme(ask)), key, content, content_len, sig, len));
    EVP_PKEY_free(key);
    return sig;
}

void signer(void *user, struct lks_conn *conn, struct lks_ask *ask)
{
    struct asked *a = user;
    size_t len;
    a->num++;
    a->conn = conn;
    CU_ASSERT_PTR_EQUAL(lks_ask_conn(ask), conn);
    if (a->within) {
        a->within(a, ask);
    } else if (a->at_once) {
        enum lks_event event = LKS_EVENT_DATA;
        const uint8_t *sig = signature_of(ask, &len);
        CU_ASSERT_EQUAL(lks_answer_signature(ask, sig, len, &event), LKS_OK);
        CU_ASSERT_EQUAL(event, LKS_EVENT_NONE);
        lks_ask_free(ask);
    } else {
        CU_ASSERT_PTR_NULL(a->ask);
        a->ask = ask;
    }
}

bool answer_signature(struct asked *a, struct side *s)
{
    size_t len;
    struct lks_ask *ask = a->ask;
    enum lks_event event;
    if (!ask)
        return false;
    a->ask = NULL;
    const uint8_t *sig = signature_of(ask, &len);
    enum lks_status status = lks_answer_signature(ask, sig, len, &event);
    lks_ask_free(ask);
    if (status)
        s->end = status;
    s->established |= event == LKS_EVENT_ESTABLISHED;
    return true;
}

static void add(struct lks_config *config, char *kind, bool remote)
{
    const struct test_certificates *t = test_certificates();
    const bool rsa = strcmp(kind, "rsa") == 0;
    const struct lks_source chain = lks_from_file(rsa ? t->rsa_cert : t->ecdsa_cert);
    must(!(remote ? lks_identities_add_remote(config->identities, chain, kind, NULL)
                  : lks_identities_add_certificate(config->identities, chain,
                                                   lks_from_file(rsa ? t->rsa_key : t->ecdsa_key),
                                                   NULL)));
}

struct lks_config *asked_config(const char *kind, bool remote, struct asked *a)
{
    static char ecdsa[] = "ecdsa", rsa[] = "rsa";
    struct lks_config *config = config_new();
    must(!lks_policy_set_trust(config->policy, lks_from_file(test_certificates()->both_certs),
                               NULL));
    if (!kind || strcmp(kind, ecdsa) == 0)
        add(config, ecdsa, remote);
    if (!kind || strcmp(kind, rsa) == 0)
        add(config, rsa, remote);
    if (remote)
        must(!lks_policy_set_signer(config->policy, signer, a, NULL));
    return config;
}

void only_version(struct lks_config *config, uint16_t version)
{
    must(!lks_policy_set_versions(config->policy, version, version, NULL));
}

void peer_server(struct client *c, int max_version, bool asks_certificate)
{
    const struct test_certificates *t = test_certificates();
    memset(c, 0, sizeof(*c));
    c->ctx = SSL_CTX_new(TLS_server_method());
    must(c->ctx && SSL_CTX_use_certificate_chain_file(c->ctx, t->ecdsa_cert) == 1 &&
         SSL_CTX_use_PrivateKey_file(c->ctx, t->ecdsa_key, SSL_FILETYPE_PEM) == 1 &&
         SSL_CTX_load_verify_file(c->ctx, t->both_certs) == 1 &&
         SSL_CTX_set1_groups_list(c->ctx, USUAL_GROUPS) == 1);
    SSL_CTX_set_max_proto_version(c->ctx, max_version);
    if (asks_certificate)
        SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    c->ssl = SSL_new(c->ctx);
    must(c->ssl);
    SSL_set_app_data(c->ssl, c);
    SSL_set_bio(c->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(c->ssl), -1);
    SSL_set_accept_state(c->ssl);
}

void echo(struct loopback *l)
{
    uint8_t there[3000], back[3000];
    lks_test_fill(&l->loop.random, there, sizeof(there));
    lks_test_fill(&l->loop.random, back, sizeof(back));
    buffer_add(&l->client.to_send, there, sizeof(there));
    buffer_add(&l->server.to_send, back, sizeof(back));
    loopback_run(l);
    CU_ASSERT_TRUE(l->server.received.len == sizeof(there) &&
                   !memcmp(l->server.received.data, there, sizeof(there)));
    CU_ASSERT_TRUE(l->client.received.len == sizeof(back) &&
                   !memcmp(l->client.received.data, back, sizeof(back)));
}
