/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "common/test.h"

static void must(bool ok)
{
    if (ok)
        return;
    ERR_print_errors_fp(stderr);
    abort();
}

/* Notes the alerts that the client receives. */
static void on_message(int write_p, int version, int content_type, const void *buf, size_t len,
                       SSL *ssl, void *arg)
{
    struct client *c = arg;
    (void)version;
    (void)ssl;
    if (!write_p && content_type == SSL3_RT_ALERT && len == 2)
        memcpy(c->alert, buf, 2);
}

static void on_key_log(const SSL *ssl, const char *line)
{
    struct client *c = SSL_get_app_data(ssl);
    const char *secret = strrchr(line, ' ') + 1;
    if (strncmp(line, "CLIENT_HANDSHAKE_TRAFFIC_SECRET ", 32) == 0)
        lks_test_hex(secret, c->handshake_secret, sizeof(c->handshake_secret));
    if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0)
        lks_test_hex(secret, c->app_secret, sizeof(c->app_secret));
}

/* A PSK of the client's own, good for early data. */
static int on_psk(SSL *ssl, const EVP_MD *md, const uint8_t **id, size_t *id_len,
                  SSL_SESSION **session)
{
    static const uint8_t key[32] = {1, 2, 3}, suite[] = {0x13, 0x01};
    (void)md;
    *id = (const uint8_t *)"nobody";
    *id_len = 6;
    *session = SSL_SESSION_new();
    must(*session && SSL_SESSION_set1_master_key(*session, key, sizeof(key)) &&
         SSL_SESSION_set_cipher(*session, SSL_CIPHER_find(ssl, suite)) &&
         SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION) &&
         SSL_SESSION_set_max_early_data(*session, 1000000));
    return 1;
}

/* One that the server knows, too. */
static int on_known_psk(SSL *ssl, const EVP_MD *md, const uint8_t **id, size_t *id_len,
                        SSL_SESSION **session)
{
    const struct client_psk *psk = ((struct client *)SSL_get_app_data(ssl))->psk;
    const uint8_t suite[] = {(uint8_t)(psk->suite >> 8), (uint8_t)psk->suite};
    (void)md;
    *id = (const uint8_t *)psk->identity;
    *id_len = strlen(psk->identity);
    *session = SSL_SESSION_new();
    must(*session && SSL_SESSION_set1_master_key(*session, psk->key, sizeof(psk->key)) &&
         SSL_SESSION_set_cipher(*session, SSL_CIPHER_find(ssl, suite)) &&
         SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION));
    return 1;
}

bool openssl_has_group(const char *group)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    const bool has = ctx && SSL_CTX_set1_groups_list(ctx, group) == 1;
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return has;
}

void client_init(struct client *c, const struct client_options *o)
{
    memset(c, 0, sizeof(*c));
    c->ctx = SSL_CTX_new(TLS_client_method());
    must(c->ctx);
    if (o->tls12_ciphers) {
        must(SSL_CTX_set_cipher_list(c->ctx, o->tls12_ciphers));
        SSL_CTX_set_min_proto_version(c->ctx, TLS1_VERSION);
    }
    if (o->tls12_ciphers || o->any_level)
        SSL_CTX_set_security_level(c->ctx, 0);
    SSL_CTX_set_options(c->ctx, o->ssl_options);
    if (o->max_version)
        must(SSL_CTX_set_max_proto_version(c->ctx, o->max_version));
    if (o->suites)
        must(SSL_CTX_set_ciphersuites(c->ctx, o->suites));
    must(SSL_CTX_set1_groups_list(c->ctx, o->groups ? o->groups : USUAL_GROUPS));
    if (o->schemes)
        must(SSL_CTX_set1_sigalgs_list(c->ctx, o->schemes));
    if (o->ca_file) {
        must(SSL_CTX_load_verify_file(c->ctx, o->ca_file));
        SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    }
    SSL_CTX_set_keylog_callback(c->ctx, on_key_log);
    if (o->early_data)
        SSL_CTX_set_psk_use_session_callback(c->ctx, on_psk);
    if (o->psk)
        SSL_CTX_set_psk_use_session_callback(c->ctx, on_known_psk);
    if (o->psk_only)
        SSL_CTX_set_options(c->ctx, SSL_OP_ALLOW_NO_DHE_KEX);
    c->psk = o->psk;
    c->ssl = SSL_new(c->ctx);
    must(c->ssl);
    SSL_set_app_data(c->ssl, c);
    if (o->session)
        must(SSL_set_session(c->ssl, o->session));
    if (o->server_name)
        must(SSL_set_tlsext_host_name(c->ssl, o->server_name));
    if (o->alpn)
        must(!SSL_set_alpn_protos(c->ssl, (const uint8_t *)o->alpn, (unsigned)strlen(o->alpn)));
    SSL_set_msg_callback(c->ssl, on_message);
    SSL_set_msg_callback_arg(c->ssl, c);
    SSL_set_bio(c->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    BIO_set_mem_eof_return(SSL_get_rbio(c->ssl), -1);
    SSL_set_connect_state(c->ssl);
    if (!o->early_data && !o->waits)
        client_step(c);
}

void client_free(struct client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    buffer_free(&c->received);
}

void client_take(struct client *c, struct buffer *out)
{
    uint8_t bytes[4096];
    int n;
    while ((n = BIO_read(SSL_get_wbio(c->ssl), bytes, sizeof(bytes))) > 0)
        buffer_add(out, bytes, (size_t)n);
}

void client_step(struct client *c)
{
    static uint8_t bytes[LKS_RECORD_PLAINTEXT_MAX];
    size_t n;
    ERR_clear_error();
    if (!SSL_is_init_finished(c->ssl))
        SSL_do_handshake(c->ssl);
    if (!SSL_is_init_finished(c->ssl))
        return;
    while (SSL_read_ex(c->ssl, bytes, sizeof(bytes), &n))
        buffer_add(&c->received, bytes, n);
    c->saw_close |= (SSL_get_shutdown(c->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

void client_give(struct client *c, struct buffer *in)
{
    if (in->len)
        must(BIO_write(SSL_get_rbio(c->ssl), in->data, (int)in->len) == (int)in->len);
    in->len = 0;
    client_step(c);
}

void client_write(struct client *c, const void *data, size_t len)
{
    size_t n;
    if (len)
        must(SSL_write_ex(c->ssl, data, len, &n) && n == len);
}

void exchange(struct poll_loop *loop, struct side *s, struct client *c)
{
    for (bool moved = true; moved;) {
        size_t before = s->wire_in.len;
        client_take(c, &s->wire_in);
        moved = s->wire_in.len != before;
        moved |= loop_poll(loop, &s, 1);
        client_give(c, &s->wire_out);
    }
}
