/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Records of many connections, sealed and opened in mbufs with one call each: what a poll loop of
 * your own does between rte_eth_rx_burst() and rte_eth_tx_burst(). The traffic keys would come from
 * a handshake (lockstep/conn.h, or your own); here they are made up.
 *
 *     burst --no-huge --no-pci --no-shconf -m 64
 */

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lockstep/dpdk.h>
#include <lockstep/engine.h>

#define NUM_CONNS 32
#define SEG_LEN   1448 /* what one TCP segment carries */
#define SPANS_MAX 16   /* segments of a record */

/* A connection as the engine sees it: one key a direction. */
struct conn {
    struct lks_key seal_key, open_key;
    struct rte_mbuf *record;
    struct lks_span content, spans[SPANS_MAX];
};

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "burst: %s\n", what);
    exit(1);
}

/* Both ends of this connection are ours, so the two keys have the same secret. */
static void set_keys(struct conn *c, int number)
{
    uint8_t secret[16], iv[12];
    memset(secret, number, sizeof(secret));
    memset(iv, number, sizeof(iv));
    check(!lks_key_init(&c->seal_key, LKS_TLS_1_3, LKS_AES_128_GCM, LKS_SEAL, secret, iv) &&
              !lks_key_init(&c->open_key, LKS_TLS_1_3, LKS_AES_128_GCM, LKS_OPEN, secret, iv),
          "cannot set up keys");
}

/* Content from anywhere goes into fresh mbufs that are laid out as TCP segments: sealing is the
 * copy. */
static void add_seal(struct conn *c, struct rte_mempool *pool, struct lks_op *op)
{
    uint32_t len = (uint32_t)lks_key_record_len(&c->seal_key, c->content.len);
    c->record = lks_mbuf_alloc(pool, len, SEG_LEN);
    check(c->record != NULL, "the pool is empty");
    *op = (struct lks_op){.key = &c->seal_key,
                          .src = &c->content,
                          .num_src = 1,
                          .dst = c->spans,
                          .num_dst = lks_mbuf_spans(c->record, 0, len, c->spans, SPANS_MAX),
                          .type = LKS_TYPE_APPLICATION_DATA,
                          .status = LKS_NOT_RUN,
                          .user = c};
}

/* Without a destination a record is opened where it lies, across all of its mbufs. */
static void add_open(struct conn *c, struct lks_op *op)
{
    struct lks_frame_pos pos = {0, 0};
    struct lks_frame frame;
    uint32_t num =
        lks_mbuf_spans(c->record, 0, rte_pktmbuf_pkt_len(c->record), c->spans, SPANS_MAX);
    check(lks_frame_next(c->spans, num, LKS_RECORD_CIPHERTEXT_MAX, &pos, &frame) == LKS_OK,
          "no whole record");
    *op = (struct lks_op){
        .key = &c->open_key, .src = c->spans, .num_src = num, .status = LKS_NOT_RUN, .user = c};
}

int main(int argc, char **argv)
{
    static struct conn conns[NUM_CONNS];
    static uint8_t page[NUM_CONNS * 300];
    struct lks_op ops[NUM_CONNS];
    struct lks_engine *engine;
    check(rte_eal_init(argc, argv) >= 0, "no EAL");
    struct rte_mempool *pool =
        rte_pktmbuf_pool_create("packets", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    check(pool != NULL, "no memory for packets");
    check(!lks_engine_new(&engine, NUM_CONNS), "no memory for the engine");

    memset(page, 'x', sizeof(page));
    for (int i = 0; i < NUM_CONNS; i++) {
        conns[i].content = (struct lks_span){page, 300u * (unsigned int)(i + 1)};
        set_keys(&conns[i], i);
        add_seal(&conns[i], pool, &ops[i]);
    }
    printf("sealed %u of %d\n", lks_engine_process(engine, ops, NUM_CONNS), NUM_CONNS);

    for (int i = 0; i < NUM_CONNS; i++)
        add_open(&conns[i], &ops[i]);
    rte_pktmbuf_mtod(conns[7].record, uint8_t *)[9] ^= 1; /* somebody forges one of them */
    printf("opened %u of %d\n", lks_engine_process(engine, ops, NUM_CONNS), NUM_CONNS);

    for (int i = 0; i < NUM_CONNS; i++) {
        struct conn *c = ops[i].user;
        if (ops[i].status)
            printf("connection %d: %s\n", i, lks_status_name((enum lks_status)ops[i].status));
        else
            /* Only the content stays: header, type and tag go. */
            c->record = lks_mbuf_trim(c->record, LKS_RECORD_HEADER_LEN, ops[i].len);
        rte_pktmbuf_free(c->record);
        lks_key_wipe(&c->seal_key);
        lks_key_wipe(&c->open_key);
    }
    lks_engine_free(engine);
    rte_eal_cleanup();
    return 0;
}
