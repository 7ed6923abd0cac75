/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The port over taps and memif, in a network namespace of its own. Seconds are calls of
 * port_second() and port_watch().
 */

#include <net/if.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/test.h"
#include "port_inside.h"

#define NUM_MBUFS   1024u
#define MEMIF_POLLS 60000u /* of a millisecond, at most */

static bool has_namespace;
static char directory[] = "/tmp/lockstep-eal-XXXXXX";

/* Each device has a name of its own: EAL keeps those of closed ones. */
static bool make_device(const char *driver, const char *args, uint16_t *id)
{
    static unsigned int num_made;
    char name[64];
    snprintf(name, sizeof(name), "%s%u", driver, num_made++);
    return rte_eal_hotplug_add("vdev", name, args) == 0 &&
           rte_eth_dev_get_port_by_name(name, id) == 0;
}

static bool open_vdev(struct port *port, const char *driver, const char *args, uint16_t mtu,
                      char *error, unsigned int error_len)
{
    uint16_t id;
    snprintf(error, error_len, "no device");
    if (!make_device(driver, args, &id))
        return false;
    return port_start(port, 1, id, NUM_MBUFS, mtu, error, error_len) == 0;
}

static struct port_counters counted(const struct port *port)
{
    struct port_counters c;
    port_get_counters(port, &c);
    return c;
}

static void send_frames(const struct port *port, uint32_t num, uint16_t len)
{
    for (uint32_t i = 0; i < num; i++) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(port->tx_pool);
        char *data = m ? rte_pktmbuf_append(m, len) : NULL;
        if (!data)
            abort();
        memset(data, 2, len); /* no IP */
        port_send(port, m);
    }
}

static bool set_mtu(const char *interface, int mtu)
{
    struct ifreq request = {.ifr_mtu = mtu};
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
    bool done = s >= 0 && ioctl(s, SIOCSIFMTU, &request) == 0;
    close(s);
    return done;
}

static bool have_tap(void)
{
    return has_namespace && access("/dev/net/tun", R_OK | W_OK) == 0;
}

static void mtu_is_the_interfaces(void)
{
    static const struct {
        int of_interface;
        uint16_t asked, want; /* 0: refused */
        const char *error;
    } cases[] = {{1500, 0, 1500, ""},
                 {1400, 0, 1400, ""},
                 {576, 0, 576, ""},
                 {575, 0, 0, "the port's interface has an MTU of 575; it takes 576 at least"},
                 {9000, 0, 1500, ""},
                 {1400, 1300, 1300, ""},
                 {1400, 1400, 1400, ""},
                 {1400, 1401, 0,
                  "--mtu 1401: the port's interface has an MTU of 1400 and would drop larger "
                  "packets; raise it there, or ask for less"}};
    if (!have_tap())
        LKS_SKIP("no tap devices in a network namespace of its own here");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct port port;
        char error[256] = "";
        uint16_t id = 0;
        CU_ASSERT_TRUE(make_device("net_tap", "iface=lkstest", &id));
        CU_ASSERT_TRUE(set_mtu("lkstest", cases[i].of_interface));
        int rc = port_start(&port, 1, id, NUM_MBUFS, cases[i].asked, error, sizeof(error));
        if (!cases[i].want) {
            LKS_CHECK(rc && strcmp(error, cases[i].error) == 0, "case %zu: %s", i, error);
            continue;
        }
        LKS_CHECK(!rc && port.mtu == cases[i].want, "case %zu: %s, MTU %u", i, error, port.mtu);
        if (!rc)
            port_stop(&port);
    }
}

/* A tap whose own MTU sinks takes a larger frame never, and nothing behind it. */
static void tap_goes_on_behind_a_large_frame(void)
{
    struct port port;
    char error[256];
    if (!have_tap())
        LKS_SKIP("no tap devices in a network namespace of its own here");
    CU_ASSERT_TRUE_FATAL(open_vdev(&port, "net_tap", "iface=lkstest", 0, error, sizeof(error)));
    CU_ASSERT_EQUAL(rte_eth_dev_set_mtu(port.id, 600), 0);
    send_frames(&port, 1, 1000); /* before anybody has looked */
    send_frames(&port, 2, 60);
    CU_ASSERT_EQUAL(port_flush(&port), 3);
    port_second(&port);
    port_second(&port);
    CU_ASSERT_EQUAL(port_flush(&port), 0);
    CU_ASSERT_EQUAL(counted(&port).tx_dropped, 1);
    CU_ASSERT_EQUAL(rte_mempool_in_use_count(port.tx_pool), 0);
    port_stop(&port);
}

/* The interface's MTU changes while frames are sent: what is longer is counted, and said once. */
static void mtu_that_sinks(void)
{
    struct port port;
    char error[256];
    const char *line;
    if (!have_tap())
        LKS_SKIP("no tap devices in a network namespace of its own here");
    CU_ASSERT_TRUE_FATAL(open_vdev(&port, "net_tap", "iface=lkstest", 0, error, sizeof(error)));
    for (unsigned int time = 0; time < 2; time++) {
        CU_ASSERT_TRUE(set_mtu("lkstest", 1000));
        port_watch(&port);
        send_frames(&port, 1, 14 + 1000);
        CU_ASSERT_EQUAL(counted(&port).tx_too_long, 3u * time);
        send_frames(&port, 2, 14 + 1001);
        CU_ASSERT_EQUAL(counted(&port).tx_too_long, 2u + 3u * time);
        line = port_news(&port);
        CU_ASSERT_TRUE(time ? !line : line && strstr(line, "tx_too_long"));
        CU_ASSERT_TRUE(set_mtu("lkstest", 9000));
        port_watch(&port);
        send_frames(&port, 1, 14 + 1500);
        CU_ASSERT_EQUAL(counted(&port).tx_too_long, 2u + 3u * time);
        send_frames(&port, 1, 14 + 1501);
        CU_ASSERT_EQUAL(counted(&port).tx_too_long, 3u + 3u * time);
    }
    port_stop(&port);
}

/* A memif server in a process of its own, this program run again: it sends back what comes. */
static pid_t start_server(void)
{
    int ready[2];
    char byte, fd[16];
    if (pipe(ready))
        return -1;
    const pid_t pid = fork();
    if (pid == 0) {
        snprintf(fd, sizeof(fd), "%d", ready[1]);
        execl("/proc/self/exe", "test_devices", "memif-server", directory, fd, (char *)NULL);
        _exit(1);
    }
    close(ready[1]);
    bool is_ready = pid > 0 && read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    CU_ASSERT_TRUE(is_ready);
    return pid;
}

static void kill_server(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* What the worker and its watch do in a second. */
static void second(const struct port *port)
{
    struct rte_mbuf *frames[1];
    rte_pktmbuf_free_bulk(frames, port_receive(port, frames, 1));
    port_second(port);
    port_watch(port);
}

/* Sends until something comes back. EAL's own thread shakes hands meanwhile. */
static bool comes_back(const struct port *port)
{
    struct rte_mbuf *got[32];
    for (uint32_t i = 0; i < MEMIF_POLLS; i++) {
        if (port_flush(port) == 0)
            send_frames(port, 1, 60);
        uint16_t num = port_receive(port, got, 32);
        rte_pktmbuf_free_bulk(got, num);
        if (num)
            return true;
        if (i % 1000 == 999)
            second(port);
        usleep(1000);
    }
    return false;
}

static bool goes_down(const struct port *port)
{
    struct rte_eth_link link;
    for (uint32_t i = 0; i < MEMIF_POLLS; i++) {
        if (rte_eth_link_get_nowait(port->id, &link) == 0 && link.link_status == 0)
            return true;
        usleep(1000);
    }
    return false;
}

/* The server dies twice; meanwhile frames go, and afterwards they come back. Without a role= it is
 * a client as well. */
static void memif_client_finds_its_next_server(const char *role)
{
    struct port client;
    struct rte_mbuf *got[1];
    char args[128], error[256] = "";
    snprintf(args, sizeof(args), "%ssocket=%s/memif", role, directory);
    CU_ASSERT_FALSE(open_vdev(&client, "net_memif", args, 0, error, sizeof(error)));
    CU_ASSERT_STRING_EQUAL(error, "cannot start the port: no memif server answers at its socket");
    pid_t server = start_server();
    CU_ASSERT_TRUE_FATAL(server > 0 &&
                         open_vdev(&client, "net_memif", args, 0, error, sizeof(error)));
    CU_ASSERT_TRUE(comes_back(&client));
    for (int life = 0; life < 2; life++) {
        kill_server(server);
        CU_ASSERT_TRUE(goes_down(&client));
        const uint64_t dropped = counted(&client).tx_dropped;
        send_frames(&client, 10, 60);
        const uint32_t waiting = port_flush(&client);
        CU_ASSERT_TRUE(waiting >= 10);
        for (int i = 0; i < 4; i++)
            second(&client);
        CU_ASSERT_EQUAL(port_flush(&client), 0);
        CU_ASSERT_EQUAL(counted(&client).tx_dropped, dropped + waiting);
        CU_ASSERT_EQUAL(port_receive(&client, got, 1), 0);
        server = start_server();
        second(&client);
        CU_ASSERT_TRUE(comes_back(&client));
    }
    kill_server(server);
    port_stop(&client);
}

static void memif_client(void)
{
    memif_client_finds_its_next_server("role=client,");
}

static void memif_client_by_default(void)
{
    memif_client_finds_its_next_server("");
}

static void start_two(struct port ports[2], const char *driver, const char *args)
{
    char error[256] = "";
    uint16_t id = 0;
    CU_ASSERT_TRUE_FATAL(make_device(driver, args, &id));
    CU_ASSERT_TRUE_FATAL(port_max_queues(id) >= 2);
    LKS_CHECK(!port_start(ports, 2, id, NUM_MBUFS, 0, error, sizeof(error)), "%s", error);
    for (uint16_t i = 0; i < 2; i++) {
        const struct net_rss *rss = &ports[i].rss;
        CU_ASSERT(rss->num_queues == 2 && rss->queue == i && ports[i].spread);
        CU_ASSERT_TRUE_FATAL(rss->table_len && rss->key_len >= 40);
        uint32_t num_ours = 0;
        for (uint16_t at = 0; at < rss->table_len; at++)
            num_ours += rss->table[at] == i;
        CU_ASSERT_EQUAL(num_ours, rss->table_len / 2);
        CU_ASSERT_EQUAL(memcmp(rss->key, ports[0].rss.key, NET_RSS_KEY_MAX), 0);
    }
    CU_ASSERT(ports[0].spread != ports[1].spread && ports[0].tx_pool != ports[1].tx_pool &&
              ports[0].clones != ports[1].clones && ports[0].tx != ports[1].tx);
}

/* It is asked by which key and table; each queue receives into buffers of its own. */
static void port_that_spreads(void)
{
    struct port ports[2];
    uint8_t key[NET_RSS_KEY_MAX] = {0};
    struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = sizeof(key)};
    start_two(ports, "net_null", "no-rx=1");
    CU_ASSERT_FALSE(ports[0].rss.is_software);
    CU_ASSERT_EQUAL(rte_eth_dev_rss_hash_conf_get(ports[0].id, &conf), 0);
    CU_ASSERT_EQUAL(memcmp(key, ports[1].rss.key, sizeof(key)), 0);
    CU_ASSERT(ports[0].rx_pool != ports[1].rx_pool && ports[0].rx_pool->size == NUM_MBUFS);
    for (int i = 0; i < 2; i++) {
        send_frames(&ports[i], 3, 60);
        CU_ASSERT_EQUAL(port_flush(&ports[i]), 0);
    }
    port_stop(ports);
}

/* One that does not, or does not tell: each time by another key, and all receive into one pool. */
static void port_that_does_not_spread(void)
{
    struct port ports[2];
    struct rte_mbuf *back[8];
    uint8_t key[NET_RSS_KEY_MAX];
    for (int time = 0; time < 2; time++) {
        start_two(ports, "net_ring", "");
        CU_ASSERT_TRUE(ports[1].rss.is_software);
        CU_ASSERT_TRUE(!time || memcmp(key, ports[0].rss.key, sizeof(key)) != 0);
        memcpy(key, ports[0].rss.key, sizeof(key));
        CU_ASSERT(ports[0].rx_pool == ports[1].rx_pool && ports[0].rx_pool->size == 2 * NUM_MBUFS);
        send_frames(&ports[1], 3, 60); /* a ring's queue leads to itself */
        CU_ASSERT_EQUAL(port_flush(&ports[1]), 0);
        CU_ASSERT_EQUAL(port_receive(&ports[0], back, 8), 0);
        CU_ASSERT_EQUAL(port_receive(&ports[1], back, 8), 3);
        rte_pktmbuf_free_bulk(back, 3);
        port_stop(ports);
    }
}

/* A port is started again once no worker uses it, and not used before. */
static void restart_waits_for_all(void)
{
    struct port ports[2];
    struct rte_mbuf *back[8];
    start_two(ports, "net_ring", "");
    ports->link->is_memif_client = true;
    CU_ASSERT_EQUAL(rte_eth_dev_set_link_down(ports->id), 0);
    send_frames(&ports[0], 1, 60);
    CU_ASSERT_EQUAL(port_flush(&ports[0]), 0);
    for (int life = 0; life < 2; life++) {
        CU_ASSERT_TRUE(port_watch(ports) != NULL);
        CU_ASSERT_EQUAL(port_receive(&ports[0], back, 8), 0); /* from here on it keeps off */
        CU_ASSERT_PTR_NULL(port_watch(ports));
        CU_ASSERT_PTR_NULL(port_watch(ports)); /* the other one does not yet */
        send_frames(&ports[1], 1, 60);
        CU_ASSERT_EQUAL(port_flush(&ports[1]), 1);
        CU_ASSERT_PTR_NULL(port_watch(ports));
        CU_ASSERT_EQUAL(port_receive(&ports[0], back, 8), 1 - life);
        rte_pktmbuf_free_bulk(back, 1u - (unsigned int)life);
        CU_ASSERT_EQUAL(port_flush(&ports[1]), 0);
        CU_ASSERT_EQUAL(port_receive(&ports[1], back, 8), 1);
        rte_pktmbuf_free_bulk(back, 1);
        const char *line = port_watch(ports);
        CU_ASSERT_TRUE(line && strstr(line, "up again"));
        CU_ASSERT_EQUAL(rte_eth_dev_set_link_down(ports->id), 0);
    }
    port_stop(ports);
}

static const struct lks_test devices[] = {
    {"MTU is the interface's", mtu_is_the_interfaces},
    {"MTU that sinks", mtu_that_sinks},
    {"tap goes on behind a large frame", tap_goes_on_behind_a_large_frame},
    {"memif client finds its next server", memif_client},
    {"memif client by default", memif_client_by_default},
    {"port that spreads", port_that_spreads},
    {"port that does not spread", port_that_does_not_spread},
    {"restart waits for all", restart_waits_for_all},
    {0},
};

static int start_eal(void)
{
    char *args[] = {(char[]){"test_devices"}, (char[]){"--no-huge"}, (char[]){"--no-shconf"},
                    (char[]){"-m"},           (char[]){"128"},       (char[]){"--no-pci"},
                    (char[]){"--lcores"},     (char[]){"0@0"},       (char[]){"--no-telemetry"},
                    (char[]){"--log-level"},  (char[]){"*:critical"}};
    return rte_eal_init((int)RTE_DIM(args), args);
}

static int be_server(const char *path, int ready)
{
    struct port port;
    struct rte_mbuf *packets[32];
    char args[128], error[256];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(args, sizeof(args), "role=server,socket=%s/memif", path);
    if (start_eal() < 0 || !open_vdev(&port, "net_memif", args, 0, error, sizeof(error)) ||
        write(ready, "", 1) != 1)
        return 1;
    for (;;) {
        uint16_t num = port_receive(&port, packets, 32);
        for (uint16_t i = 0; i < num; i++)
            port_send(&port, packets[i]);
        port_flush(&port);
        if (!num)
            usleep(1000);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "memif-server") == 0)
        return be_server(argv[2], atoi(argv[3]));
    static const struct lks_test_suite suites[] = {{"devices", devices}, {0}};
    has_namespace = unshare(CLONE_NEWNET) == 0;
    if (!mkdtemp(directory) || setenv("RUNTIME_DIRECTORY", directory, 1))
        return 1;
    int status;
    if (start_eal() < 0)
        status = lks_test_skip_all("devices", "EAL does not start here");
    else
        status = lks_test_run("devices", suites);
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command) ? 1 : status;
}
