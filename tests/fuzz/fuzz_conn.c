/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The whole server side of a connection, fed what the fuzzer likes, cut as it likes, through a real
 * engine. The first byte chooses how far a real client comes before the fuzzer takes over:
 *
 *     0  not at all: the bytes are the stream from its start
 *     1  a recorded ClientHello went ahead
 *     2  the Finished is awaited; the bytes are records that are sealed under the handshake keys
 *     3  established; the bytes are records that are sealed under the application keys
 *
 * The second byte is the longest span. For 2 and 3 a record is: type, length (two bytes), content;
 * type 0 puts the content on the wire as it is.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "conn/conn.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max_len);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed);

static struct lks_config *config;
static struct poll_loop loop;
static struct buffer hello; /* recorded */
static const struct client_options none;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct client client;
    (void)argc;
    (void)argv;
    config = config_with(NULL);
    test_certificates_remove();
    loop_init(&loop, 32, 4096);
    client_init(&client, &none);
    client_take(&client, &hello);
    client_free(&client);
    return 0;
}

/* Now and then starts from the recorded ClientHello, so that its fields are what is mutated. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
    if (seed % 64 == 0 && hello.len + 2 <= max_len) {
        data[0] = 0;
        data[1] = (uint8_t)(seed >> 8);
        memcpy(data + 2, hello.data, hello.len);
        len = hello.len + 2;
    }
    return LLVMFuzzerMutate(data, len, max_len);
}

static void turn(struct side *s)
{
    while (loop_poll(&loop, &s, 1))
        ;
}

/* Lets a real client go ahead. Returns the key that the fuzzer then seals with. */
static void go_ahead(struct side *s, bool to_the_end, struct lks_key *key)
{
    struct client client;
    struct lks_conn_info info;
    client_init(&client, &none);
    client_take(&client, &s->wire_in);
    turn(s);
    client_give(&client, &s->wire_out);
    if (to_the_end) {
        client_take(&client, &s->wire_in);
        turn(s);
    }
    lks_conn_get_info(s->conn, &info);
    if (conn_set_key(key, LKS_SEAL, lks_suite_find(info.suite),
                     to_the_end ? client.app_secret : client.handshake_secret))
        abort();
    client_free(&client);
}

static void add_record(struct side *s, struct lks_key *key, uint8_t type, const uint8_t *content,
                       size_t len)
{
    static uint8_t bytes[LKS_RECORD_PLAINTEXT_MAX], record[LKS_RECORD_CIPHERTEXT_MAX + 5];
    len = len < sizeof(bytes) ? len : sizeof(bytes);
    memcpy(bytes, content, len);
    struct lks_span src = {bytes, len}, dst = {record, sizeof(record)};
    struct lks_op op = {.key = key,
                        .src = &src,
                        .num_src = 1,
                        .dst = &dst,
                        .num_dst = 1,
                        .type = (uint8_t)(20 + type % 4)};
    if (!lks_engine_process(loop.engine, &op, 1))
        abort();
    buffer_add(&s->wire_in, record, op.len);
}

static void add_records(struct side *s, struct lks_key *key, const uint8_t *data, size_t len)
{
    while (len >= 3) {
        uint8_t type = data[0];
        size_t n = (size_t)data[1] << 8 | data[2];
        data += 3;
        len -= 3;
        n = n < len ? n : len;
        if (type)
            add_record(s, key, type, data, n);
        else
            buffer_add(&s->wire_in, data, n);
        data += n;
        len -= n;
        if (len && (data[0] & 0x80)) /* else in one delivery with the next */
            turn(s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct side side;
    struct lks_key key;
    if (len < 2)
        return 0;
    side_init(&side, config);
    loop.random = len;
    loop.span_max = data[1];
    switch (data[0] % 4) {
    case 1:
        buffer_add(&side.wire_in, hello.data, hello.len);
        /* fall through */
    case 0:
        buffer_add(&side.wire_in, data + 2, len - 2);
        break;
    default:
        go_ahead(&side, data[0] % 4 == 3, &key);
        if (side.established)
            buffer_add(&side.to_send, data, len);
        add_records(&side, &key, data + 2, len - 2);
    }
    turn(&side);
    if (!side.end)
        lks_conn_close(side.conn);
    turn(&side);
    /* Whatever it was, the end can be told and nothing is left to be sent. */
    if (lks_conn_own_len(side.conn) ||
        (side.end != LKS_PEER_ALERT && !lks_conn_close_sent(side.conn)))
        abort();
    side_free(&side);
    return 0;
}
