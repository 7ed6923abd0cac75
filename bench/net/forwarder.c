/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A link with delay and loss between two interfaces of the kernel's, for who has no netem:
 *
 *     net_forwarder INTERFACE INTERFACE SEED LOSS DELAY_US
 *
 * A frame that comes in at one goes out at the other DELAY_US later, or never: whether the n-th of
 * a direction is lost is decided by SEED and n alone. ARP is never lost, nor does it count.
 * SIGTERM: it says what became of them, and ends.
 */

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define FRAME_MAX   1600u
#define NUM_WAITING 32768u /* frames of a direction under way; a power of two */
#define BURST       64u
#define SOCKET_LEN  (64 << 20)

struct frame {
    uint64_t due_ns;
    uint32_t len;
    uint8_t bytes[FRAME_MAX];
};

struct direction {
    int from, to;
    uint64_t seed, num_seen, num_sent, num_lost, num_dropped;
    uint64_t head, tail; /* [tail, head) are under way */
    struct frame *frames;
};

static struct direction directions[2];
static double loss;
static uint64_t delay_ns;
static volatile sig_atomic_t must_stop;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "net_forwarder: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* splitmix64's n-th number. */
static double chance(uint64_t seed, uint64_t n)
{
    uint64_t x = seed * 0xd1342543de82ef95ull + (n + 1) * 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return (double)((x ^ x >> 31) >> 11) / (double)(1ull << 53);
}

static int open_interface(const char *name)
{
    const int length = SOCKET_LEN, yes = 1;
    const struct sockaddr_ll at = {.sll_family = AF_PACKET,
                                   .sll_protocol = htons(ETH_P_ALL),
                                   .sll_ifindex = (int)if_nametoindex(name)};
    const int s = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
    if (s < 0 || setsockopt(s, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes)) ||
        bind(s, (const struct sockaddr *)&at, sizeof(at)))
        die(name);
    /* where the kernel gives less, what it drops is counted below */
    if (setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &length, sizeof(length)))
        setsockopt(s, SOL_SOCKET, SO_RCVBUF, &length, sizeof(length));
    return s;
}

/* Whether there may be more. */
static bool receive(struct direction *d)
{
    struct mmsghdr messages[BURST];
    struct iovec parts[BURST];
    memset(messages, 0, sizeof(messages));
    for (uint32_t i = 0; i < BURST; i++) {
        struct frame *f = &d->frames[(d->head + i) % NUM_WAITING];
        parts[i] = (struct iovec){f->bytes, FRAME_MAX};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    if (d->head - d->tail > NUM_WAITING - BURST)
        return false; /* it waits in the socket */
    const int num = recvmmsg(d->from, messages, BURST, MSG_DONTWAIT | MSG_TRUNC, NULL);
    const uint64_t due_ns = now_ns() + delay_ns;
    for (int i = 0; i < num; i++) {
        struct frame *f = &d->frames[d->head % NUM_WAITING];
        const uint8_t *bytes = parts[i].iov_base;
        const bool is_arp = bytes[12] == 0x08 && bytes[13] == 0x06;
        if (messages[i].msg_len > FRAME_MAX || messages[i].msg_len < ETHER_HDR_LEN) {
            d->num_dropped++; /* GRO or TSO is on somewhere */
            continue;
        }
        if (!is_arp && chance(d->seed, d->num_seen++) < loss) {
            d->num_lost++;
            continue;
        }
        if (f->bytes != bytes) /* others before it were lost */
            memcpy(f->bytes, bytes, messages[i].msg_len);
        f->len = messages[i].msg_len;
        f->due_ns = due_ns;
        d->head++;
    }
    return num == BURST;
}

static void transmit(struct direction *d, uint64_t now)
{
    struct mmsghdr messages[BURST];
    struct iovec parts[BURST];
    for (;;) {
        uint32_t num = 0;
        memset(messages, 0, sizeof(messages));
        for (; num < BURST && d->tail + num != d->head; num++) {
            struct frame *f = &d->frames[(d->tail + num) % NUM_WAITING];
            if (f->due_ns > now)
                break;
            parts[num] = (struct iovec){f->bytes, f->len};
            messages[num].msg_hdr.msg_iov = &parts[num];
            messages[num].msg_hdr.msg_iovlen = 1;
        }
        const int sent = num ? sendmmsg(d->to, messages, num, MSG_DONTWAIT) : 0;
        if (sent <= 0)
            return; /* the rest is tried again in the next turn */
        d->tail += (uint32_t)sent;
        d->num_sent += (uint32_t)sent;
    }
}

/* Until a frame comes in or is due. */
static void rest(void)
{
    struct pollfd polled[2];
    uint64_t due = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        const struct direction *d = &directions[i];
        polled[i] = (struct pollfd){.fd = d->from, .events = POLLIN};
        if (d->head != d->tail && d->frames[d->tail % NUM_WAITING].due_ns < due)
            due = d->frames[d->tail % NUM_WAITING].due_ns;
    }
    const uint64_t now = now_ns(), wait_ns = due > now ? due - now : 0;
    const struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000u),
                                  .tv_nsec = (long)(wait_ns % 1000000000u)};
    ppoll(polled, 2, due == UINT64_MAX ? NULL : &wait, NULL);
}

static void on_signal(int number)
{
    (void)number;
    must_stop = 1;
}

static void report(const struct direction *d)
{
    struct tpacket_stats stats = {0};
    socklen_t len = sizeof(stats);
    getsockopt(d->from, SOL_PACKET, PACKET_STATISTICS, &stats, &len);
    printf("sent=%llu lost=%llu dropped=%llu\n", (unsigned long long)d->num_sent,
           (unsigned long long)d->num_lost, (unsigned long long)d->num_dropped + stats.tp_drops);
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = on_signal}; /* ends ppoll(), too */
    if (argc != 6) {
        fprintf(stderr, "usage: net_forwarder INTERFACE INTERFACE SEED LOSS DELAY_US\n");
        return 2;
    }
    loss = atof(argv[4]);
    delay_ns = strtoull(argv[5], NULL, 10) * 1000;
    prctl(PR_SET_TIMERSLACK, 1);
    for (int i = 0; i < 2; i++) {
        struct direction *d = &directions[i];
        d->seed = strtoull(argv[3], NULL, 10) * 2 + (uint64_t)i;
        d->frames = calloc(NUM_WAITING, sizeof(*d->frames));
        d->from = open_interface(argv[1 + i]);
        directions[!i].to = d->from;
        if (!d->frames)
            die("frames");
    }
    sigaction(SIGTERM, &action, NULL);
    printf("ready\n");
    fflush(stdout);
    while (!must_stop) {
        bool more = false;
        for (int i = 0; i < 2; i++) {
            more |= receive(&directions[i]);
            transmit(&directions[i], now_ns());
        }
        if (!more)
            rest();
    }
    for (int i = 0; i < 2; i++)
        report(&directions[i]);
    return 0;
}
