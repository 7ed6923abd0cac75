/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What a client reads from a server, a message's parser at a time, as fast as that goes: whether
 * the rest of a handshake fits is fuzz_pair's. The first byte of an input chooses the parser, the
 * rest is a message's body. It lies in a buffer of exactly its length; a parser takes it or names
 * an alert, and does the same again for the same bytes.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "handshake/certificate/certificate.h"
#include "handshake/config.h"
#include "handshake/core.h"
#include "handshake/server_hello.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max_len);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed);

static struct lks_config *client_config, *server_config;
static struct buffer certificates; /* the body of TLS 1.2's Certificate */

static void must(bool cond, const char *what)
{
    if (cond)
        return;
    fprintf(stderr, "fuzz_message: %s\n", what);
    abort();
}

static enum lks_status read_server_hello(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_server_hello hello;
    return lks_server_hello_read(&hello, body, hs->offered);
}

static enum lks_status read_tls12_server_hello(struct lks_hs *hs, struct lks_reader body)
{
    struct lks_server_hello hello;
    enum lks_status status = lks_server_hello_read(&hello, body, hs->offered);
    if (status || hello.has_version)
        return status;
    hs->version = LKS_TLS_1_2;
    return lks_tls12_server_hello_read(hs, &hello);
}

static enum lks_status read_ticket(struct lks_hs *hs, struct lks_reader body)
{
    static const struct lks_ticket_base base = {.session = {.suite = 0x1301},
                                                .resumption_master = {1}};
    uint8_t bytes[LKS_SESSION_MAX];
    struct lks_writer out = lks_writer_of(bytes, sizeof(bytes));
    (void)hs;
    enum lks_status status = lks_new_session_ticket_read(&out, &base, body, 1000);
    must(status || out.len <= sizeof(bytes), "a session longer than its buffer");
    return status;
}

/* Nobody asks for these before there is a certificate. */
static void take_certificate(struct lks_hs *hs)
{
    must(!lks_tls12_certificate_read(hs, lks_reader_of(certificates.data, certificates.len)),
         "a real certificate that is not read");
}

/* The signature is never right; what it would sign is read before. */
static enum lks_status read_key_exchange(struct lks_hs *hs, struct lks_reader body)
{
    take_certificate(hs);
    enum lks_status status = lks_server_key_exchange_read(hs, body);
    must(status, "a signature that was never made");
    return status;
}

static enum lks_status read_status(struct lks_hs *hs, struct lks_reader body)
{
    take_certificate(hs);
    return lks_certificate_status_read(hs, body);
}

static const struct parser {
    uint8_t type;
    enum lks_version version;
    enum lks_status (*read)(struct lks_hs *hs, struct lks_reader body);
} parsers[] = {
    {LKS_MSG_SERVER_HELLO, LKS_TLS_1_3, read_server_hello},
    {LKS_MSG_ENCRYPTED_EXTENSIONS, LKS_TLS_1_3, lks_encrypted_extensions_read},
    {LKS_MSG_CERTIFICATE_REQUEST, LKS_TLS_1_3, lks_certificate_request_read},
    {LKS_MSG_NEW_SESSION_TICKET, LKS_TLS_1_3, read_ticket},
    {LKS_MSG_SERVER_HELLO, LKS_TLS_1_2, read_tls12_server_hello},
    {LKS_MSG_CERTIFICATE, LKS_TLS_1_2, lks_tls12_certificate_read},
    {LKS_MSG_CERTIFICATE_STATUS, LKS_TLS_1_2, read_status},
    {LKS_MSG_SERVER_KEY_EXCHANGE, LKS_TLS_1_2, read_key_exchange},
    {LKS_MSG_CERTIFICATE_REQUEST, LKS_TLS_1_2, lks_tls12_certificate_request_read},
    {LKS_MSG_NEW_SESSION_TICKET, LKS_TLS_1_2, lks_tls12_ticket_read},
};
#define NUM_PARSERS (sizeof(parsers) / sizeof(parsers[0]))

static struct buffer real[NUM_PARSERS]; /* bodies that a server of ours wrote */

/* The hooks of a server that keep what it writes. */
static void keep(void *user, struct lks_writer *w, size_t begin)
{
    const enum lks_version *version = user;
    for (size_t i = 0; i < NUM_PARSERS; i++)
        if (parsers[i].type == w->data[begin] && parsers[i].version == *version && !real[i].len)
            buffer_add(&real[i], w->data + begin + LKS_MSG_HEADER_LEN,
                       w->len - begin - LKS_MSG_HEADER_LEN);
}

static void record_messages(enum lks_version version)
{
    const struct lks_hooks hooks = {.user = &version, .message = keep};
    struct loopback l;
    must(!lks_policy_set_versions(server_config->policy, version, version, NULL), "a version");
    server_config->policy->hooks = &hooks;
    loopback_init(&l, client_config, server_config, &localhost);
    loopback_run(&l);
    must(l.client.established && l.server.established, "no handshake");
    loopback_free(&l);
    server_config->policy->hooks = NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct lks_error err;
    (void)argc;
    (void)argv;
    client_config = config_with("ecdsa");
    server_config = config_with("ecdsa");
    must(!lks_policy_set_trust(client_config->policy,
                               lks_from_file(test_certificates()->both_certs), &err) &&
             !lks_policy_set_trust(server_config->policy,
                                   lks_from_file(test_certificates()->both_certs), &err) &&
             !lks_policy_set_groups(client_config->policy, "x25519,secp256r1", &err) &&
             !lks_policy_set_alpn(client_config->policy, "h2,http/1.1", &err) &&
             !lks_policy_set_alpn(server_config->policy, "h2", &err),
         err.text);
    must(!lks_policy_set_ocsp(client_config->policy, LKS_OCSP_CHECKED, NULL), "setting");
    must(!lks_policy_set_client_auth(server_config->policy, LKS_CLIENT_AUTH_REQUIRED, true, NULL),
         "setting");
    test_certificates_remove();
    record_messages(LKS_TLS_1_3);
    must(!lks_policy_set_client_auth(server_config->policy, LKS_CLIENT_AUTH_OFF, false, NULL),
         "setting");
    record_messages(LKS_TLS_1_3); /* with a ticket */
    record_messages(LKS_TLS_1_2);
    must(!lks_policy_set_client_auth(server_config->policy, LKS_CLIENT_AUTH_REQUIRED, true, NULL),
         "setting");
    record_messages(LKS_TLS_1_2);
    for (size_t i = 0; i < NUM_PARSERS; i++)
        if (parsers[i].read == lks_tls12_certificate_read)
            certificates = real[i];
    return 0;
}

/* Now and then starts from a real message, so that its fields are what is mutated. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
    const size_t which = seed / 16 % NUM_PARSERS;
    if (seed % 16 == 0 && real[which].len && real[which].len + 1 <= max_len) {
        data[0] = (uint8_t)which;
        memcpy(data + 1, real[which].data, real[which].len);
        len = real[which].len + 1;
    }
    return LLVMFuzzerMutate(data, len, max_len);
}

/* A client that has sent its hello, and is told what the message is for. */
static enum lks_status parse(const struct parser *parser, const uint8_t *data, size_t len)
{
    struct lks_hs *hs;
    must(!lks_hs_new(&hs, client_config, LKS_CLIENT, &localhost), "no handshake");
    uint8_t *copy = malloc(len); /* so that a read past its end is seen */
    must(copy || !len, "no memory");
    if (len)
        memcpy(copy, data, len);
    hs->version = (uint16_t)parser->version;
    hs->suite = lks_suite_find(parser->version == LKS_TLS_1_3 ? 0x1301 : 0xc02b);
    enum lks_status status = parser->read(hs, lks_reader_of(copy, len));
    lks_hs_free(hs);
    free(copy);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!len)
        return 0;
    const struct parser *parser = &parsers[data[0] % NUM_PARSERS];
    enum lks_status status = parse(parser, data + 1, len - 1);
    must(status == parse(parser, data + 1, len - 1), "not the same the second time");
    must(!status || lks_reason_of(status), "refused without a reason");
    status = lks_bare(status);
    must(!status || (status > LKS_ALERT_BASE && status != LKS_ALERT_INTERNAL_ERROR),
         "a failure that is not the peer's");
    return 0;
}
