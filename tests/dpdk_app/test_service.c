/* SPDX-License-Identifier: BSD-3-Clause */

/* What configurations come to: sites and their policies, servers by turns, and reloads. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/test.h"
#include "conn/client.h"
#include "proxy.h"
#include "said.h"
#include "service.h"

static struct complaints complaints;
static struct lks_memory *memory;

static const char *said(void)
{
    return all_said(&complaints);
}

/* Lines 1 to 9; then the keys of the first site. */
static const char *with(const char *rest)
{
    static char text[4096];
    const struct test_certificates *t = test_certificates();
    snprintf(text, sizeof(text),
             "pools:\n- {name: one, servers: 10.9.0.1:81}\n- {name: two, servers: 10.9.0.1:82}\n"
             "frontends:\n- listen: 10.9.0.2:443\n  sites:\n"
             "  - certificates:\n      {chain: %s, key: %s}\n    pool: one\n%s",
             t->ecdsa_cert, t->ecdsa_key, rest);
    return text;
}

static struct snapshot *make(const char *text)
{
    const struct snapshot_needs needs = {.memory = memory};
    memset(&complaints, 0, sizeof(complaints));
    struct conf *conf = conf_read_text("c", text, strlen(text), &complaints);
    return conf ? snapshot_new(conf, &needs, &complaints) : NULL;
}

/* What the library says of a value is told where the value stands. */
static void wrong_values(void)
{
    static const struct {
        const char *rest, *begins;
    } rows[] = {
        {"    preset: new\n", "c:10:13: preset: "},
        {"    suites: [TLS_NO]\n", "c:10:13: suites: "},
        {"    groups: x25519,x25519\n", "c:10:13: groups: "},
        {"    signature-schemes: none\n", "c:10:24: signature-schemes: "},
        {"    alpn: ['']\n", "c:10:12: alpn: "},
        {"    min-version: 1.1\n", "c:10:18: min-version: TLS is spoken in the versions 1.2 and"},
        {"    min-version: 1.3\n    max-version: 1.2\n", "c:10:18: min-version: "},
        {"    psk-modes: psk\n", "c:10:16: psk-modes: \"psk\": say psk_dhe_ke, psk_ke or both"},
        {"    certificate-compression: lz4\n", "c:10:30: certificate-compression: "},
        {"    client-auth: required\n", "c:10:18: mode: clients are asked for certificates, but "
                                        "nobody is trusted; name their CA in \"trust\""},
        {"    client-auth: {trust: none.pem}\n", "c:10:26: trust: none.pem: "},
        {"    client-auth: {crls: none.crl}\n", "c:10:25: crls: none.crl: "},
        {"    client-auth: {compression: lz4}\n", "c:10:32: compression: "},
        {"    names: www.test\n", "c:10:12: names: www.test: no certificate of this site has that"},
        {"    names: example.test\n", "c:10:12: names: example.test: no certificate of this site"},
        {"    names: a.b.example.test\n", "c:10:12: names: a.b.example.test: no certificate of"},
        {"    names: '*.test'\n", "c:10:12: names: *.test: no certificate of this site has that"},
        {"  - {certificates: none.pem, pool: two, names: localhost}\n",
         "c:10:20: chain: none.pem: "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct snapshot *s = make(with(rows[i].rest));
        LKS_CHECK(!s && strncmp(said(), rows[i].begins, strlen(rows[i].begins)) == 0, "%s%s",
                  rows[i].rest, said());
        snapshot_free(s);
    }
}

/* Every key of a site at once reaches a policy that can be used. */
static void right_values(void)
{
    struct snapshot *s = make(with(
        "    names: [localhost, a.example.test, '*.example.test']\n    preset: old\n"
        "    min-version: 1.2\n    max-version: 1.3\n    suites: TLS_AES_128_GCM_SHA256\n"
        "    groups: [x25519, secp256r1]\n    signature-schemes: ecdsa_secp256r1_sha256\n"
        "    alpn: [h2, http/1.1]\n    strict-sni: yes\n    client-auth: {mode: off, sessions: "
        "digest, send-authorities: no, crl-missing: yes, crl-expired: yes, compression: all}\n"
        "    tickets: {number: 4, lifetime: 7d}\n    psk-modes: [psk_ke, psk_dhe_ke]\n"
        "    early-data: 16k\n    grease: yes\n    record-size-limit: 4k\n    padding: multiple\n"
        "    padding-size: 64\n    certificate-compression: all\n"));
    LKS_CHECK(s != NULL, "%s", said());
    snapshot_free(s);
}

static void sites_by_name(void)
{
    char text[2048];
    const struct test_certificates *t = test_certificates();
    snprintf(text, sizeof(text),
             "  - {certificates: {chain: %s, key: %s}, pool: two, names: [a.example.test, "
             "LOCALHOST.]}\n  - {certificates: {chain: %s, key: %s}, pool: two, names: "
             "'*.example.test'}\n",
             t->ecdsa_cert, t->ecdsa_key, t->rsa_cert, t->rsa_key);
    struct snapshot *s = make(with(text));
    CU_ASSERT_FATAL(LKS_CHECK(s != NULL, "%s", said()));
    const struct net_addr here = {net_ip4(0x0200090a), 443}, there = {net_ip4(0x0200090a), 444};
    const struct snapshot_frontend *f = snapshot_frontend(s, &here);
    CU_ASSERT_PTR_NULL(snapshot_frontend(s, &there));
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    static const struct {
        const char *name;
        uint32_t site;
    } rows[] = {{"a.example.test", 1}, {"localhost", 1},
                {"b.example.test", 2}, {"", 0},
                {"example.test", 0},   {"a.b.example.test", 0},
                {"test", 0},           {"*.example.test", 2},
                {".example.test", 2}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        LKS_CHECK(snapshot_site(f, rows[i].name) == &f->sites[rows[i].site], "%s", rows[i].name);
    CU_ASSERT(s->pools[f->sites[0].pool].first == 0 && s->pools[f->sites[1].pool].first == 1);
    snapshot_free(s);
}

/* Browsers share connections where a certificate has both names: told where pools differ. */
static void shared_connections(void)
{
    static const struct {
        const char *alpn, *pool;
        uint32_t num;
    } rows[] = {{"h2", "two", 2}, {"http/1.1", "two", 0}, {"h2", "one", 0}};
    char rest[1024], text[4096];
    const struct test_certificates *t = test_certificates();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FILE *to = fmemopen(text, sizeof(text), "w");
        const struct snapshot_needs needs = {.memory = memory, .warnings = to, .is_test = true};
        uint32_t num = 0;
        text[0] = 0;
        snprintf(rest, sizeof(rest),
                 "    names: a.example.test\n    alpn: [h2, http/1.1]\n"
                 "  - {certificates: {chain: %s, key: %s}, pool: %s, names: b.example.test, alpn: "
                 "%s}\n",
                 t->rsa_cert, t->rsa_key, rows[i].pool, rows[i].alpn);
        struct conf *conf = conf_read_text("c", with(rest), strlen(with(rest)), &complaints);
        struct snapshot *s = conf ? snapshot_new(conf, &needs, &complaints) : NULL;
        fclose(to);
        CU_ASSERT_FATAL(LKS_CHECK(s != NULL, "%s", said()));
        for (const char *p = text; (p = strstr(p, "both offer h2")) != NULL; p++)
            num++;
        LKS_CHECK(num == rows[i].num && (!num || strstr(text, "c:10:12: names: a.example.test: a")),
                  "%s", text);
        snapshot_free(s);
    }
}

/* ---- servers ---- */

#define NUM_SERVERS 4u

static struct snapshot_server servers[NUM_SERVERS];
static struct snapshot_pool pool = {.num = NUM_SERVERS};
static struct snapshot plain = {
    .pools = &pool, .servers = servers, .num_pools = 1, .num_servers = NUM_SERVERS};

static struct view *begin(enum conf_balance balance, const uint32_t weights[NUM_SERVERS])
{
    pool.balance = balance;
    for (uint32_t i = 0; i < NUM_SERVERS; i++)
        servers[i] = (struct snapshot_server){{net_ip4(1 + i), 80}, weights[i]};
    struct view *view = view_new(&plain);
    CU_ASSERT_PTR_NOT_NULL_FATAL(view);
    return view;
}

static void turns_by_weight(void)
{
    static const uint32_t weights[] = {3, 1, 1, 2};
    const struct net_ip client = net_ip4(9);
    uint32_t num[NUM_SERVERS] = {0}, in_a_row = 0, before = VIEW_NO_SERVER;
    struct view *view = begin(BALANCE_ROUND_ROBIN, weights);
    for (int i = 0; i < 700; i++) {
        const uint32_t server = view_choose(view, 0, &client, 0);
        CU_ASSERT_FATAL(server < NUM_SERVERS);
        in_a_row = server == before ? in_a_row + 1 : 1;
        CU_ASSERT(in_a_row <= 2); /* turns lie apart */
        before = server;
        num[server]++;
    }
    for (uint32_t i = 0; i < NUM_SERVERS; i++)
        LKS_CHECK(num[i] == 100 * weights[i] && view->servers[i].connections == num[i],
                  "server %u: %u", i, num[i]);
    for (uint64_t tried = 0; tried < 16; tried++) {
        const uint32_t server = view_choose(view, 0, &client, tried);
        LKS_CHECK(tried == 15 ? server == VIEW_NO_SERVER : !(tried >> server & 1), "%u", server);
    }
    view_leave(view, VIEW_NO_SERVER);
    view_free(view);
}

static void fewest_connections(void)
{
    static const uint32_t weights[] = {1, 1, 2, 1};
    const struct net_ip client = net_ip4(9);
    struct view *view = begin(BALANCE_LEAST_CONNECTIONS, weights);
    for (int i = 0; i < 50; i++)
        view_choose(view, 0, &client, 0);
    for (uint32_t i = 0; i < NUM_SERVERS; i++)
        LKS_CHECK(view->servers[i].connections == 10 * weights[i], "%u",
                  view->servers[i].connections);
    for (int i = 0; i < 5; i++)
        view_leave(view, 3);
    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(view_choose(view, 0, &client, 0), 3); /* until it has as many */
    view_free(view);
}

/* The same client gets the same server, and where one is away its clients alone go elsewhere. */
static void by_client(void)
{
    static const uint32_t weights[] = {1, 1, 2, 4};
    struct view *view = begin(BALANCE_SOURCE, weights);
    uint32_t num[NUM_SERVERS] = {0};
    for (uint32_t i = 0; i < 8000; i++) {
        const struct net_ip client = net_ip4(i * 2654435761u);
        const uint32_t server = view_choose(view, 0, &client, 0);
        num[server]++;
        CU_ASSERT_EQUAL(view_choose(view, 0, &client, 0), server);
        const uint32_t other = view_choose(view, 0, &client, 1u << 2);
        CU_ASSERT(server == 2 ? other != 2 : other == server);
    }
    for (uint32_t i = 0; i < NUM_SERVERS; i++) /* some five deviations */
        LKS_CHECK(num[i] > 1000 * weights[i] - 200 && num[i] < 1000 * weights[i] + 200,
                  "server %u: %u", i, num[i]);
    view_free(view);
}

static void proxy_header_of_ipv6(void)
{
    static const uint8_t want[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54,
                                   0x0a, 0x21, 0x21, 0x00, 0x24, 0x20, 0x01, 0x0d, 0xb8, 0,    0,
                                   0,    0,    0,    0,    0,    0,    0,    0,    0,    1,    0x20,
                                   0x01, 0x0d, 0xb8, 0,    0,    0,    0,    0,    0,    0,    0,
                                   0,    0,    0,    2,    0xff, 0xfe, 0x01, 0xbb};
    struct net_addr client = {.port = 65534}, local = {.port = 443};
    uint8_t got[PROXY_HEADER_MAX];
    CU_ASSERT_TRUE_FATAL(net_ip_parse(&client.ip, "2001:db8::1"));
    CU_ASSERT_TRUE_FATAL(net_ip_parse(&local.ip, "2001:db8::2"));
    CU_ASSERT_EQUAL_FATAL(proxy_header(got, &client, &local), sizeof(want));
    CU_ASSERT(!memcmp(got, want, sizeof(want)));
}

/* ---- reloads ---- */

static char path[] = "/tmp/lockstep-service-XXXXXX";
static FILE *sink;

static void write_file(const char *text)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_FATAL(f && fputs(text, f) >= 0 && !fclose(f));
}

static struct service *start(struct view_slot *slot, struct view **view)
{
    const struct snapshot_needs needs = {.memory = memory};
    memset(slot, 0, sizeof(*slot));
    write_file(with(""));
    memset(&complaints, 0, sizeof(complaints));
    struct conf *conf = conf_read(path, &complaints);
    struct snapshot *first = conf ? snapshot_new(conf, &needs, &complaints) : NULL;
    CU_ASSERT_FATAL(LKS_CHECK(first != NULL, "%s", said()));
    struct service *s = service_new(first, path, &needs);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_TRUE_FATAL(service_join(s, slot));
    *view = atomic_exchange(&slot->newer, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(*view);
    return s;
}

/* Old snapshots live as long as a worker has them, and those that none has seen do not. */
static void snapshots_end(void)
{
    struct view_slot slot;
    struct view *first;
    struct service *s = start(&slot, &first);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_TRUE(service_reload(s, sink, sink));
        CU_ASSERT_EQUAL(service_num_snapshots(s), 2);
    }
    struct view *second = atomic_exchange(&slot.newer, NULL);
    CU_ASSERT_FATAL(second && second != first && second->snapshot != first->snapshot);
    CU_ASSERT_TRUE(service_reload(s, sink, sink));
    CU_ASSERT_EQUAL(service_num_snapshots(s), 3);
    view_done(&slot, second);
    view_done(&slot, first);
    CU_ASSERT_EQUAL(service_num_snapshots(s), 3);
    service_collect(s);
    CU_ASSERT_EQUAL(service_num_snapshots(s), 1);
    service_free(s);
}

/* Each worker gets a view of its own of the one snapshot, which ends with the last of them; one
 * that never takes any is no worse. */
static void snapshots_of_several(void)
{
    enum { NUM = 3 };
    struct view_slot slots[NUM] = {{NULL, NULL}};
    struct view *views[NUM], *next[NUM];
    struct service *s = start(&slots[0], &views[0]);
    for (int i = 1; i < NUM; i++) {
        CU_ASSERT_TRUE_FATAL(service_join(s, &slots[i]));
        views[i] = atomic_exchange(&slots[i].newer, NULL);
    }
    CU_ASSERT_TRUE_FATAL(service_reload(s, sink, sink));
    for (int i = 0; i < NUM; i++) {
        next[i] = i == 2 ? NULL : atomic_exchange(&slots[i].newer, NULL);
        CU_ASSERT(views[i]->snapshot == views[0]->snapshot && (!i || views[i] != views[i - 1]));
        CU_ASSERT((uintptr_t)views[i] % 64 == 0); /* no two workers write to one line */
    }
    CU_ASSERT_FATAL(next[0] && next[1] && next[0] != next[1]);
    CU_ASSERT(next[0]->snapshot == next[1]->snapshot && next[0]->snapshot != views[0]->snapshot);
    for (int i = NUM - 1; i >= 0; i--) {
        CU_ASSERT_EQUAL(service_num_snapshots(s), 2);
        view_done(&slots[i], views[i]);
        service_collect(s);
    }
    CU_ASSERT_EQUAL(service_num_snapshots(s), 1);
    view_done(&slots[0], next[0]);
    view_done(&slots[1], next[1]);
    service_free(s);
}

/* Bad and good files by turns, twenty times: what is served changes by good ones alone. */
static void bad_reloads(void)
{
    static const char *const bad[] = {"",
                                      "a: [",
                                      "    suites: [TLS_NO]\n",
                                      "    names: www.test\n",
                                      "device: {mtu: 1400}\n",
                                      "device: {workers: 2}\n",
                                      "device: {workers: auto}\n",
                                      "    client-auth: required\n"};
    struct view_slot slot;
    struct view *view;
    struct service *s = start(&slot, &view);
    for (int i = 0; i < 20; i++) {
        for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
            write_file(k < 2 ? bad[k] : with(bad[k]));
            LKS_CHECK(!service_reload(s, sink, sink), "%s", bad[k]);
            CU_ASSERT(!atomic_load(&slot.newer) && service_num_snapshots(s) == 1);
        }
        write_file(with(i % 2 ? "" : "timeouts: {idle: 7s}\n"));
        CU_ASSERT_TRUE_FATAL(service_reload(s, sink, sink));
        view_done(&slot, view);
        view = atomic_exchange(&slot.newer, NULL);
        service_collect(s);
        CU_ASSERT_EQUAL(view->snapshot->idle_timeout_s, i % 2 ? 300 : 7);
        CU_ASSERT_EQUAL(service_num_snapshots(s), 1);
    }
    view_done(&slot, view);
    service_free(s);
}

int main(void)
{
    static const struct lks_test tests[] = {{"wrong values", wrong_values},
                                            {"right values", right_values},
                                            {"sites by name", sites_by_name},
                                            {"shared connections", shared_connections},
                                            {"turns by weight", turns_by_weight},
                                            {"fewest connections", fewest_connections},
                                            {"by client", by_client},
                                            {"PROXY header of IPv6", proxy_header_of_ipv6},
                                            {"snapshots end", snapshots_end},
                                            {"snapshots of several", snapshots_of_several},
                                            {"bad reloads", bad_reloads},
                                            {0}};
    static const struct lks_test_suite suites[] = {{"service", tests}, {0}};
    const int fd = mkstemp(path);
    struct complaints c = {0};
    struct conf *conf = conf_new();
    memory = conf ? snapshot_memory_new(conf, &c) : NULL;
    sink = fopen("/dev/null", "w");
    if (fd < 0 || !memory || !sink)
        return 1;
    const int rc = lks_test_run("service", suites);
    lks_memory_free(memory);
    conf_free(conf);
    fclose(sink);
    close(fd);
    unlink(path);
    test_certificates_remove();
    return rc;
}
