/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The server's handshake alone, without records: a ClientHello given whole and given in pieces must
 * end alike, and what was negotiated must be something that both sides named. Bytes behind the
 * first message then go on as messages to come. The first byte of an input chooses the
 * configuration, the second one how long the pieces are.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "handshake/handshake.h"

#define PREFIX_LEN  2u
#define NUM_CONFIGS 4u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max_len);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed);

static struct lks_config *configs[NUM_CONFIGS];
static struct buffer hello; /* a real one, as a handshake message */

static void must(bool cond, const char *what)
{
    if (cond)
        return;
    fprintf(stderr, "fuzz_client_hello: %s\n", what);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const struct client_options options = {.server_name = "a.example.test",
                                                  .alpn = "\x08http/1.1"};
    struct lks_error err;
    struct client client;
    (void)argc;
    (void)argv;
    for (uint32_t i = 0; i < NUM_CONFIGS; i++)
        configs[i] = config_with(i == 3 ? NULL : "ecdsa");
    must(!lks_policy_set_alpn(configs[1]->policy, "h2,http/1.1", &err), err.text);
    must(!lks_policy_set_groups(configs[2]->policy, "secp256r1", &err), err.text);
    must(!lks_policy_set_suites(configs[3]->policy, "TLS_CHACHA20_POLY1305_SHA256", &err),
         err.text);
    test_certificates_remove();
    client_init(&client, &options);
    client_take(&client, &hello);
    client_free(&client);
    buffer_drop(&hello, LKS_RECORD_HEADER_LEN);
    return 0;
}

/* Now and then starts from the real ClientHello, so that its fields are what is mutated. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
    if (seed % 32 == 0 && hello.len + PREFIX_LEN <= max_len) {
        data[0] = (uint8_t)(seed >> 8);
        data[1] = (uint8_t)(seed >> 16);
        memcpy(data + PREFIX_LEN, hello.data, hello.len);
        len = hello.len + PREFIX_LEN;
    }
    return LLVMFuzzerMutate(data, len, max_len);
}

/* One server and what came of it. */
struct run {
    struct lks_hs *hs;
    enum lks_status status;
    uint32_t num_events;
};

static void start(struct run *run, struct lks_config *config)
{
    *run = (struct run){.status = LKS_WANT_DATA};
    must(!lks_hs_new(&run->hs, config, LKS_SERVER, NULL), "no handshake");
}

/* The bytes to send are read, as the record layer would. */
static void drain(struct run *run)
{
    struct lks_hs_event event;
    volatile uint8_t sum = 0;
    for (; lks_hs_next_event(run->hs, &event); run->num_events++)
        for (size_t i = 0; event.kind == LKS_HS_SEND && i < event.len; i++)
            sum = (uint8_t)(sum + event.data[i]);
}

static void give(struct run *run, const uint8_t *data, size_t len, size_t piece)
{
    while (len && (run->status == LKS_OK || run->status == LKS_WANT_DATA)) {
        size_t n = len < piece ? len : piece;
        uint8_t *copy = malloc(n); /* so that a read past the piece is seen */
        must(copy, "no memory");
        memcpy(copy, data, n);
        run->status = lks_hs_input(run->hs, copy, n);
        free(copy);
        drain(run);
        data += n;
        len -= n;
    }
}

static bool contains(const uint8_t *data, size_t len, const char *text)
{
    return memmem(data, len, text, strlen(text)) != NULL;
}

static void check_negotiated(const struct run *run, const uint8_t *data, size_t len, uint32_t which)
{
    struct lks_conn_info info = {.alpn = ""};
    lks_hs_get_info(run->hs, &info);
    must(info.version == LKS_TLS_1_3 || info.version == LKS_TLS_1_2, "an unknown version");
    must(contains(data, len, info.alpn), "an application protocol that was not offered");
    must(!*info.alpn || which == 1, "an application protocol that was not configured");
    must(which != 2 || info.group == 23, "a group that was not configured");
    must(which != 3 || info.suite == 0x1303, "a suite that was not configured");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct run whole, pieces;
    if (len < PREFIX_LEN + 4)
        return 0;
    const uint32_t which = data[0] % NUM_CONFIGS;
    const size_t piece = 1u + data[1];
    data += PREFIX_LEN;
    len -= PREFIX_LEN;
    size_t first = 4u + ((size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3]);
    first = first < len ? first : len;

    start(&whole, configs[which]);
    start(&pieces, configs[which]);
    give(&whole, data, first, first);
    give(&pieces, data, first, piece);
    must(whole.status == pieces.status, "whole and in pieces end differently");
    must(whole.num_events == pieces.num_events, "whole and in pieces do differently");
    if (whole.num_events)
        check_negotiated(&whole, data, first, which);

    give(&pieces, data + first, len - first, piece);
    must(pieces.status == LKS_OK || pieces.status == LKS_WANT_DATA ||
             lks_hs_input(pieces.hs, data, 1) == pieces.status,
         "a failure that does not last");
    lks_hs_free(whole.hs);
    lks_hs_free(pieces.hs);
    return 0;
}
