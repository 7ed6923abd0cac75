/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Two streams (lockstep/stream.h) with a wire of each direction between them, on which the fuzzer
 * makes the calls, in any order and for any number of bytes, and changes bytes on their way. The
 * first byte is the version and the size of the engine; then two bytes a call: which, and how much.
 *
 * What is read is what was written, from its front on. Where nobody changed a byte or cut the
 * transport off, all of it arrives in the end, and both are told that it was all.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lockstep/stream.h>

#include "client.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define LEN_MAX 60000u

struct end {
    struct lks_stream *stream;
    struct buffer wire; /* to the other one */
    size_t written, received;
};

static struct lks_config *configs[2][2]; /* by version, role */
static uint8_t text[LEN_MAX];

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct lks_error err;
    (void)argc;
    (void)argv;
    for (unsigned int v = 0; v < 2; v++) {
        const uint16_t version = v ? LKS_TLS_1_2 : LKS_TLS_1_3;
        for (int role = 0; role < 2; role++) {
            configs[v][role] = config_with("ecdsa");
            must(!lks_policy_set_versions(configs[v][role]->policy, version, version, NULL) &&
                 !lks_policy_set_trust(configs[v][role]->policy,
                                       lks_from_file(test_certificates()->both_certs), &err));
        }
    }
    for (size_t i = 0; i < LEN_MAX; i++)
        text[i] = (uint8_t)(i * 31 + i / 256);
    test_certificates_remove();
    return 0;
}

static void drain(struct end *e, size_t cap)
{
    static uint8_t bytes[1u << 16];
    size_t len;
    const enum lks_status status = lks_stream_drain(e->stream, bytes, cap, &len);
    must(len <= cap && (status == LKS_OK ? len || !cap : !len));
    buffer_add(&e->wire, bytes, len);
}

static void feed(struct end *e, struct end *from, size_t len)
{
    size_t taken;
    len = len < from->wire.len ? len : from->wire.len;
    const enum lks_status status = lks_stream_feed(e->stream, from->wire.data, len, &taken);
    must(taken <= len && (taken == len || status == LKS_WANT_ROOM));
    buffer_drop(&from->wire, taken);
}

static enum lks_status read_some(struct end *e, size_t cap)
{
    static uint8_t bytes[1u << 16];
    size_t len;
    const enum lks_status status = lks_stream_read(e->stream, bytes, cap, &len);
    must(len <= cap && (status == LKS_OK ? len || !cap : !len));
    must(e->received + len <= LEN_MAX && memcmp(bytes, text + e->received, len) == 0);
    e->received += len;
    return status;
}

static void write_some(struct end *e, size_t len)
{
    size_t taken;
    len = len < LEN_MAX - e->written ? len : LEN_MAX - e->written;
    const enum lks_status status = lks_stream_write(e->stream, text + e->written, len, &taken);
    must(taken <= len && (status != LKS_OK || taken == len));
    e->written += taken;
}

/* Until both have said all and heard all. */
static void finish(struct end ends[2])
{
    enum lks_status told[2] = {LKS_OK, LKS_OK};
    for (unsigned int i = 0; i < 200; i++) {
        const unsigned int k = i & 1;
        drain(&ends[k], 1u << 16);
        feed(&ends[!k], &ends[k], 1u << 16);
        told[!k] = read_some(&ends[!k], 1u << 16);
        if (lks_conn_is_established(lks_stream_conn(ends[k].stream)))
            must(!lks_stream_end(ends[k].stream, LKS_SEAL));
    }
    must(told[0] == LKS_CLOSED && told[1] == LKS_CLOSED);
    must(ends[0].received == ends[1].written && ends[1].received == ends[0].written);
}

/* How many bytes a byte of the input means: few, some, or as many as there may be. */
static size_t amount(uint8_t b)
{
    return b < 128 ? b : b < 192 ? (size_t)(b - 127) * 100 : (size_t)(b - 191) * 1024;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct end ends[2] = {{0}, {0}};
    struct lks_engine *engine;
    bool is_whole = true;
    if (!len)
        return 0;
    must(!lks_engine_new(&engine, 1 + data[0] / 2 % 20));
    for (int role = 0; role < 2; role++)
        must(!lks_stream_new(&ends[role].stream, configs[data[0] & 1][role], (enum lks_role)role,
                             role == LKS_CLIENT ? &localhost : NULL, engine));
    for (size_t i = 1; i + 1 < len; i += 2) {
        struct end *e = &ends[data[i] & 1], *other = &ends[!(data[i] & 1)];
        const size_t n = amount(data[i + 1]);
        switch (data[i] / 2 % 16) {
        case 0:
            if (lks_conn_is_established(lks_stream_conn(e->stream)))
                must(!lks_stream_end(e->stream, LKS_SEAL));
            break;
        case 1:
            must(!lks_stream_end(e->stream, LKS_OPEN));
            is_whole = false;
            break;
        case 2:
            (void)!lks_conn_update_key(lks_stream_conn(e->stream), n & 1);
            break;
        case 3:
            if (e->wire.len) {
                e->wire.data[n % e->wire.len] ^= (uint8_t)(1u << (n & 7));
                is_whole = false;
            }
            break;
        case 4:
        case 5:
        case 6:
            drain(e, n);
            break;
        case 7:
        case 8:
        case 9:
            feed(e, other, n);
            break;
        case 10:
        case 11:
        case 12:
            read_some(e, n);
            break;
        default:
            write_some(e, n);
        }
    }
    must(ends[0].received <= ends[1].written && ends[1].received <= ends[0].written);
    if (is_whole)
        finish(ends);
    for (int role = 0; role < 2; role++) {
        lks_stream_free(ends[role].stream);
        buffer_free(&ends[role].wire);
    }
    lks_engine_free(engine);
    return 0;
}
