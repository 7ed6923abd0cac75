/* SPDX-License-Identifier: BSD-3-Clause */

/* Timer wheel, flow table, pools, keyed hash, options, source ports: each by itself. */

#include <stdlib.h>
#include <string.h>

#include "net/flow_table.h"
#include "net/pool.h"
#include "net/tcp_option.h"
#include "net/tcp_ports.h"
#include "net/timer_wheel.h"
#include "suites.h"

/* ---- siphash: vectors of the reference implementation, key and input 00 01 02 … ---- */

/* [6528 3-2] */
static void siphash_vectors(void)
{
    const struct siphash_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
    const uint64_t words[] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    CU_ASSERT_EQUAL(siphash(&key, words, 0), 0x726fdb47dd0e0e31u);
    CU_ASSERT_EQUAL(siphash(&key, words, 1), 0x93f5f5799a932462u);
    CU_ASSERT_EQUAL(siphash(&key, words, 2), 0x3f2acc7f57c29bdbu);
    CU_ASSERT_NOT_EQUAL(siphash_table(&key, words, 2), siphash(&key, words, 2));
}

/* ---- pool ---- */

static void pool_gives_each_once(void)
{
    struct pool pool;
    void *items[5];
    CU_ASSERT(pool_make(&pool, 24, 5));
    for (int i = 0; i < 5; i++)
        items[i] = pool_get(&pool);
    for (uint32_t i = 0; i < 5; i++) {
        CU_ASSERT_PTR_NOT_NULL(items[i]);
        CU_ASSERT_EQUAL(pool_index(&pool, items[i]), i);
    }
    CU_ASSERT_PTR_NULL(pool_get(&pool));
    pool_put(&pool, items[3]);
    pool_put(&pool, items[1]);
    CU_ASSERT_EQUAL(pool.in_use, 3);
    CU_ASSERT_PTR_EQUAL(pool_get(&pool), items[1]);
    CU_ASSERT_PTR_EQUAL(pool_get(&pool), items[3]);
    CU_ASSERT_PTR_NULL(pool_get(&pool));
    pool_release(&pool);
}

/* Whatever the size and however many there are: no item is touched. */
static void pool_names_items_of_all_sizes(void)
{
    for (uint32_t size = 4; size <= 320; size += 4) {
        struct pool pool;
        CU_ASSERT_TRUE_FATAL(pool_make(&pool, size, 1000000));
        for (uint32_t i = 0; i < 1000000; i += i < 100 ? 1 : 99991)
            LKS_CHECK(pool_index(&pool, pool_item(&pool, i)) == i, "%u of %u bytes", i, size);
        CU_ASSERT_EQUAL(pool_index(&pool, pool_item(&pool, 999999)), 999999);
        pool_release(&pool);
    }
}

/* ---- timer wheel, against an array that is searched ---- */

#define TIMERS 200u

struct item {
    uint32_t other;
    struct timer timer;
};

static uint64_t earliest(const uint64_t *due)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < TIMERS; i++)
        least = due[i] < least ? due[i] : least;
    return least;
}

static void wheel_steps(uint64_t begin, uint64_t seed, uint32_t num_steps)
{
    static struct item items[TIMERS];
    static struct timer_wheel wheel;
    uint64_t due[TIMERS], now = begin;
    timer_wheel_init(&wheel, &items[0].timer, sizeof(items[0]), begin);
    for (uint32_t i = 0; i < TIMERS; i++) {
        timer_init(&items[i].timer);
        due[i] = UINT64_MAX;
    }
    for (uint32_t step = 0; step < num_steps; step++) {
        const uint32_t item = (uint32_t)(lks_test_random(&seed) % TIMERS);
        const uint64_t kind = lks_test_random(&seed) % 8;
        if (kind == 0) {
            timer_stop(&wheel, item);
            due[item] = UINT64_MAX;
        } else if (kind < 5) {
            const uint32_t bits = (uint32_t)(lks_test_random(&seed) % 31);
            due[item] = now + (lks_test_random(&seed) & ((1ull << bits) - 1));
            timer_set(&wheel, item, due[item]);
            if (due[item] == now)
                due[item] = now + 1;
        } else {
            const uint64_t next = earliest(due);
            if (!LKS_CHECK(timer_wheel_next(&wheel) <= next, "seed %llu step %u",
                           (unsigned long long)seed, step))
                return;
            now += 1ull << lks_test_random(&seed) % 24;
            if (kind == 7 &&
                !LKS_CHECK(!timer_wheel_passes(&wheel, now) || earliest(due) > now,
                           "seed %llu step %u: passed one by", (unsigned long long)seed, step))
                return;
            for (uint32_t found; (found = timer_wheel_expired(&wheel, now)) != TIMER_NONE;) {
                if (!LKS_CHECK(due[found] <= now && !timer_is_set(&items[found].timer),
                               "item %u was not due", found))
                    return;
                due[found] = UINT64_MAX;
            }
            if (!LKS_CHECK(earliest(due) > now, "seed %llu step %u: one was not found",
                           (unsigned long long)seed, step))
                return;
        }
    }
    CU_ASSERT(true);
}

static void wheel_finds_what_is_due(void)
{
    wheel_steps(0, 1, 20000);
    wheel_steps((1ull << 32) - 500, 2, 20000); /* as the low half of time wraps */
    wheel_steps((1ull << 36) - 100000, 3, 20000);
}

/* A timer that is set or stopped while others of its slot are found. */
static void wheel_changes_while_it_fires(void)
{
    static struct item items[3];
    static struct timer_wheel wheel;
    timer_wheel_init(&wheel, &items[0].timer, sizeof(items[0]), 0);
    for (uint32_t i = 0; i < 3; i++) {
        timer_init(&items[i].timer);
        timer_set(&wheel, i, 10);
    }
    CU_ASSERT_EQUAL(timer_wheel_next(&wheel), 10);
    const uint32_t first = timer_wheel_expired(&wheel, 10);
    timer_stop(&wheel, (first + 1) % 3);
    timer_set(&wheel, first, 10);
    CU_ASSERT_EQUAL(timer_wheel_expired(&wheel, 10), (first + 2) % 3);
    CU_ASSERT_EQUAL(timer_wheel_expired(&wheel, 10), TIMER_NONE);
    CU_ASSERT_EQUAL(timer_wheel_expired(&wheel, 11), first);
    CU_ASSERT_EQUAL(timer_wheel_expired(&wheel, 11), TIMER_NONE);
    CU_ASSERT_EQUAL(timer_wheel_next(&wheel), UINT64_MAX);
}

/* ---- flow table, against the keys themselves ---- */

#define FLOWS 3000u

static void table_keeps_all(void)
{
    static struct flow_key keys[2][FLOWS];
    static uint32_t handles[FLOWS];
    static bool is_there[FLOWS];
    const struct siphash_key secret = {{1, 2}};
    struct flow_table table;
    uint64_t seed = 5;
    CU_ASSERT(flow_table_make(&table, FLOWS, &secret));
    for (uint32_t kind = 0; kind < 2; kind++)
        flow_table_set_kind(&table, kind, keys[kind], sizeof(keys[0][0]));
    for (uint32_t i = 0; i < FLOWS; i++) {
        keys[0][i] = (struct flow_key){.local = net_ip4(1), .peer = net_ip4(i), .peer_port = 7};
        keys[1][i] = keys[0][i];
        handles[i] = flow_handle(0, i);
    }
    for (uint32_t step = 0; step < 60000; step++) {
        /* nearly full in the middle of the run */
        const uint32_t i = (uint32_t)(lks_test_random(&seed) % FLOWS);
        const uint64_t hash = flow_table_hash(&table, &keys[0][i]);
        const bool fills = step / 20000 != 2;
        if (is_there[i] && lks_test_random(&seed) % 4 == 0) {
            const uint32_t other = handles[i] ^ flow_handle(1, 0);
            flow_table_replace(&table, hash, handles[i], other);
            handles[i] = other;
        } else if (is_there[i] && (!fills || lks_test_random(&seed) % 16 == 0)) {
            flow_table_remove(&table, hash, handles[i]);
            is_there[i] = false;
        } else if (!is_there[i] && fills) {
            flow_table_add(&table, hash, handles[i]);
            is_there[i] = true;
        }
        const uint32_t j = (uint32_t)(lks_test_random(&seed) % FLOWS);
        const uint32_t found =
            flow_table_find(&table, &keys[0][j], flow_table_hash(&table, &keys[0][j]));
        if (!LKS_CHECK(found == (is_there[j] ? handles[j] : FLOW_TABLE_NOTHING), "step %u", step))
            break;
    }
    flow_table_release(&table);
}

/* All of one bucket: what an attacker with the key could do, and what spare buckets are for. */
static void table_takes_one_bucket(void)
{
    static struct flow_key keys[FLOWS];
    const struct siphash_key secret = {{1, 2}};
    struct flow_table table;
    CU_ASSERT(flow_table_make(&table, FLOWS, &secret));
    flow_table_set_kind(&table, 0, keys, sizeof(keys[0]));
    for (uint32_t i = 0; i < FLOWS; i++) {
        keys[i].peer = net_ip4(i);
        flow_table_add(&table, 0x1234, i);
    }
    for (uint32_t i = 0; i < FLOWS; i += 7)
        CU_ASSERT_EQUAL(flow_table_find(&table, &keys[i], 0x1234), i);
    for (uint32_t i = 0; i < FLOWS; i++)
        flow_table_remove(&table, 0x1234, (i * 1009) % FLOWS);
    CU_ASSERT_EQUAL(flow_table_find(&table, &keys[0], 0x1234), FLOW_TABLE_NOTHING);
    flow_table_release(&table);
}

/* ---- options ---- */

static bool reads(struct tcp_options *options, const char *hex, bool is_syn)
{
    uint8_t bytes[TCP_OPTIONS_MAX];
    const size_t len = lks_test_hex(hex, bytes, sizeof(bytes));
    return tcp_options_read(options, bytes, (uint32_t)len, is_syn);
}

/* [7323 2.2-2 2.3-3] [9293 3.1-5] */
static void options_of_a_syn(void)
{
    struct tcp_options o;
    CU_ASSERT(reads(&o, "020405b4 0402 080a 01020304 00000000 01 030307", true));
    CU_ASSERT(o.has_mss && o.mss == 1460 && o.has_sack_ok && o.has_ts && o.has_scale);
    CU_ASSERT(o.ts_value == 0x01020304 && o.ts_echo == 0 && o.scale == 7);
    CU_ASSERT(reads(&o, "03030f 00", true));
    CU_ASSERT_EQUAL(o.scale, 14); /* RFC 7323 2.3 */
    CU_ASSERT(reads(&o, "020405b4 0402 01 030307", false));
    CU_ASSERT(!o.has_mss && !o.has_sack_ok && !o.has_scale);
}

/* [9293 3.1-6 3.1-7] */
static void options_of_data(void)
{
    struct tcp_options o;
    CU_ASSERT(reads(&o, "0101080a 0000000a 0000000b", false));
    CU_ASSERT(o.has_ts && o.ts_value == 10 && o.ts_echo == 11);
    CU_ASSERT(reads(&o, "0101 0512 00000001 00000002 00000005 00000009", false));
    CU_ASSERT(o.num_sacks == 2 && o.sacks[1].from == 5 && o.sacks[1].to == 9);
    CU_ASSERT(reads(&o, "fd06 0badcafe 0101", false)); /* unknown: MUST-6 */
    CU_ASSERT(reads(&o, "00 ff 00 01", false));        /* behind the end nothing counts */
    CU_ASSERT(reads(&o, "", false));
}

/* [9293 3.1-8] */
static void options_malformed(void)
{
    static const char *const bad[] = {
        "0200",
        "0201",
        "0205 05b4 00",
        "0204 05",
        "02",
        "0304 0700",
        "080a 0000",
        "0809 00000000 00000000 00",
        "0503 00",
        "050a 00000001 000000",
        "0502",
        "fd00",
        "fdff 0000",
        "0403 00",
        "052a 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008 00000009",
    };
    struct tcp_options o;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        LKS_CHECK(!reads(&o, bad[i], true), "%s", bad[i]);
}

static void options_round_trip(void)
{
    uint64_t seed = 9;
    for (uint32_t i = 0; i < 64; i++) {
        struct tcp_options in = {.has_mss = i & 1,
                                 .has_scale = i & 2,
                                 .has_sack_ok = i & 4,
                                 .has_ts = i & 8,
                                 .mss = (uint16_t)lks_test_random(&seed),
                                 .scale = (uint8_t)(lks_test_random(&seed) % 15),
                                 .ts_value = (uint32_t)lks_test_random(&seed),
                                 .ts_echo = (uint32_t)lks_test_random(&seed),
                                 .num_sacks = (uint8_t)(i / 16)};
        lks_test_fill(&seed, in.sacks, sizeof(in.sacks));
        uint8_t bytes[TCP_OPTIONS_MAX];
        struct tcp_options out;
        const uint32_t len = tcp_options_write(bytes, &in);
        CU_ASSERT(len <= TCP_OPTIONS_MAX && len % 4 == 0);
        CU_ASSERT(tcp_options_read(&out, bytes, len, true));
        CU_ASSERT(out.has_mss == in.has_mss && out.has_scale == in.has_scale &&
                  out.has_sack_ok == in.has_sack_ok && out.has_ts == in.has_ts);
        CU_ASSERT(!in.has_ts || (out.ts_value == in.ts_value && out.ts_echo == in.ts_echo));
        CU_ASSERT(!in.has_mss || out.mss == in.mss);
        CU_ASSERT(memcmp(in.sacks, out.sacks, out.num_sacks * sizeof(in.sacks[0])) == 0);
    }
    struct tcp_options four = {.num_sacks = 4, .has_ts = true};
    uint8_t bytes[TCP_OPTIONS_MAX];
    CU_ASSERT_EQUAL(tcp_options_write(bytes, &four), 40); /* three blocks beside a timestamp */
    four.has_ts = false;
    CU_ASSERT_EQUAL(tcp_options_write(bytes, &four), 36);
}

/* ---- receive-side scaling and ports ---- */

/* The verification suite that Microsoft publishes for RSS, with its key. */
static const uint8_t rss_key[NET_RSS_KEY_MAX] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

static struct net_ip ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    const struct net_ip ip = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}}};
    return ip;
}

static void toeplitz_vectors(void)
{
    const struct flow_key four[] = {
        {ip4(161, 142, 100, 80), ip4(66, 9, 149, 187), 1766, 2794},
        {ip4(65, 69, 140, 83), ip4(199, 92, 111, 2), 4739, 14230},
        {ip4(12, 22, 207, 184), ip4(24, 19, 198, 95), 38024, 12898},
    };
    const uint32_t hashes[] = {0x51ccc178, 0xc626b0ea, 0x5c2b394a};
    for (uint32_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(toeplitz_flow(rss_key, &four[i]), hashes[i]);
    struct flow_key six = {.local_port = 1766, .peer_port = 2794};
    lks_test_hex("3ffe2501020000030000000000000001", six.local.bytes, 16);
    lks_test_hex("3ffe250102001fff0000000000000007", six.peer.bytes, 16);
    CU_ASSERT_EQUAL(toeplitz_flow(rss_key, &six), 0x40207d3d);
    six.local_port = 38024;
    six.peer_port = 44251;
    lks_test_hex("fe800000000000000200f8fffe2167cf", six.local.bytes, 16);
    lks_test_hex("3ffe190045450003 0200f8fffe2167cf", six.peer.bytes, 16);
    CU_ASSERT_EQUAL(toeplitz_flow(rss_key, &six), 0x02d1feef);
}

static void ports_come_home(void)
{
    struct net_rss rss = {.num_queues = 8, .table_len = 128, .key_len = 40};
    memcpy(rss.key, rss_key, 40);
    for (uint16_t i = 0; i < 128; i++)
        rss.table[i] = i % 8;
    static uint8_t owner[65536];
    struct flow_key key = {.local = ip4(10, 0, 0, 1), .peer = ip4(10, 0, 0, 2), .peer_port = 80};
    memset(owner, 0xff, sizeof(owner));
    uint32_t num = 0;
    for (uint16_t queue = 0; queue < 8; queue++) {
        struct port_picker picker;
        struct port_walk walk = {.random = 0x123456789abcdefu * (queue + 1u)};
        rss.queue = queue;
        port_picker_init(&picker, &rss);
        while (port_next(&picker, &key, &walk, &key.local_port)) {
            const uint32_t hash = toeplitz_flow(rss_key, &key);
            if (!LKS_CHECK(rss.table[hash & 127] == queue, "port %u", key.local_port) ||
                !LKS_CHECK(owner[key.local_port] == 0xff, "port %u twice", key.local_port))
                return;
            owner[key.local_port] = (uint8_t)queue;
            num++;
        }
    }
    CU_ASSERT_EQUAL(num, 65536 - PORT_FIRST); /* every port is somebody's */
}

/* [6056 3.2-1] */
static void ports_without_hashing(void)
{
    const struct net_rss rss = {.num_queues = 1};
    static bool seen[65536];
    struct flow_key key = {.local = ip4(10, 0, 0, 1), .peer = ip4(10, 0, 0, 2), .peer_port = 80};
    struct port_picker picker;
    struct port_walk walk = {.random = 77};
    uint32_t num = 0;
    port_picker_init(&picker, &rss);
    while (port_next(&picker, &key, &walk, &key.local_port)) {
        CU_ASSERT_FATAL(!seen[key.local_port]);
        seen[key.local_port] = true;
        num++;
    }
    CU_ASSERT_EQUAL(num, 65536 - PORT_FIRST);
}

const struct lks_test *tables_tests(void)
{
    static const struct lks_test tests[] = {
        {"siphash: published vectors", siphash_vectors},
        {"pool: each item once, the last put back first", pool_gives_each_once},
        {"pool: items have their numbers, whatever their size", pool_names_items_of_all_sizes},
        {"wheel: finds what is due, and nothing else", wheel_finds_what_is_due},
        {"wheel: changes while it fires", wheel_changes_while_it_fires},
        {"table: keeps all", table_keeps_all},
        {"table: all in one bucket", table_takes_one_bucket},
        {"options: a SYN's", options_of_a_syn},
        {"options: data's", options_of_data},
        {"options: impossible lengths", options_malformed},
        {"options: written, read again", options_round_trip},
        {"toeplitz: published vectors", toeplitz_vectors},
        {"ports: come home", ports_come_home},
        {"ports: all, once", ports_without_hashing},
        {0},
    };
    return tests;
}
