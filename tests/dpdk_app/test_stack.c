/* SPDX-License-Identifier: BSD-3-Clause */

/* When timers run, and when service may begin: over doubles of port and instance, which count. */

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "common/test.h"
#include "port.h"
#include "spread.h"
#include "stack.h"

static struct {
    uint32_t waiting;        /* frames at the port */
    uint32_t handed;         /* and those that other workers have handed on */
    uint32_t taken, flushed; /* frames, flushes */
    uint32_t num_timers;
    uint64_t timers_at_us;
    uint32_t detecting; /* turns until an instance's addresses are known to be its own */
    bool has_duplicate; /* or another host's */
} link;

static struct stack_turn turn;
static struct port port;

uint16_t port_receive(const struct port *p, struct rte_mbuf **packets, uint16_t max)
{
    const uint16_t num = link.waiting < max ? (uint16_t)link.waiting : max;
    (void)p;
    memset(packets, 0, num * sizeof(*packets));
    link.waiting -= num;
    link.taken += num;
    return num;
}

uint32_t spread_receive(struct spread_end *to, struct net *net, uint32_t max, bool *has_more,
                        uint64_t now_us)
{
    const uint32_t num = link.handed < max ? link.handed : max;
    (void)to, (void)net, (void)now_us;
    link.handed -= num;
    *has_more |= link.handed != 0;
    return num;
}

void spread_flush(struct spread_end *from)
{
    (void)from;
    link.flushed++;
}

uint64_t net_timers(struct net *net, uint64_t now_us)
{
    (void)net;
    link.num_timers++;
    link.timers_at_us = now_us;
    return now_us;
}

void net_input(struct net *net, struct rte_mbuf **frames, uint16_t num, uint64_t now_us)
{
    (void)net, (void)frames, (void)num, (void)now_us;
}

void spread_hand_on(void *user, uint16_t queue, struct rte_mbuf *frame)
{
    (void)user, (void)queue, (void)frame;
}

uint32_t port_room(const struct port *p)
{
    (void)p;
    return 0;
}

void port_send(const struct port *p, struct rte_mbuf *packet)
{
    (void)p, (void)packet;
}

uint32_t port_flush(const struct port *p)
{
    (void)p;
    return 0;
}

struct net *net_new(const struct net_config *config, char *error, size_t error_len)
{
    (void)config, (void)error, (void)error_len;
    return NULL;
}

void net_set_hand_on(struct net *net, net_hand_on_fn *hand_on, void *user)
{
    (void)net, (void)hand_on, (void)user;
}

uint16_t net_output(struct net *net, struct rte_mbuf **frames, uint16_t max, uint64_t now_us)
{
    (void)net, (void)frames, (void)max, (void)now_us;
    return 0;
}

uint64_t clock_us(void)
{
    return 1000000;
}

bool net_is_detecting(const struct net *net)
{
    (void)net;
    return link.detecting && link.detecting--;
}

bool net_get_duplicate(const struct net *net, struct net_ip *ip)
{
    (void)net;
    memset(ip, 0, sizeof(*ip));
    return link.has_duplicate;
}

const char *net_ip_text(char text[NET_IP_TEXT_LEN], const struct net_ip *ip)
{
    (void)ip;
    return strcpy(text, "::");
}

static void begin(void)
{
    memset(&link, 0, sizeof(link));
    port.spread = NULL;
    turn = (struct stack_turn){.timed_us = 1000000};
}

static uint32_t poll_at(uint64_t now_us)
{
    const uint32_t num = stack_receive(NULL, &port, &turn, now_us);
    stack_timers(NULL, &turn);
    return num;
}

/* An acknowledgement may wait behind what one poll takes: no timer that it would stop fires. */
static void not_before_all_is_taken(void)
{
    begin();
    CU_ASSERT_EQUAL(poll_at(1000100), 0);
    CU_ASSERT(link.num_timers == 1 && link.timers_at_us == 1000100);
    link.waiting = 5000;
    uint32_t num = 0;
    for (uint64_t now = 1001000; link.waiting; now += 1000) {
        const uint32_t before = link.num_timers;
        num += poll_at(now);
        CU_ASSERT_EQUAL(link.num_timers - before, link.waiting == 0);
    }
    CU_ASSERT_EQUAL(num, 5000);
    CU_ASSERT_EQUAL(link.num_timers, 2);
}

/* Under a flood that does not end they are no later than peers would notice; then all that has come
 * by then is taken before, as after a pause. */
static void late_at_most(void)
{
    uint64_t timed = 1000000;
    begin();
    for (uint64_t now = 1001000; now < 1100000; now += 1000) {
        const uint32_t before = link.num_timers;
        link.waiting = 20000;
        poll_at(now);
        if (link.num_timers == before)
            continue;
        CU_ASSERT_EQUAL(link.waiting, 0);
        CU_ASSERT_EQUAL(now - timed, 20000);
        timed = now;
    }
    CU_ASSERT_EQUAL(link.num_timers, 4);
    begin();
    link.waiting = 40000; /* as many as a ring of the kernel's holds, and more */
    CU_ASSERT_EQUAL(poll_at(3000000), 40000);
    CU_ASSERT_EQUAL(link.num_timers, 1);
    link.waiting = UINT32_MAX; /* a flood in which they run all the same */
    poll_at(4000000);
    CU_ASSERT(link.num_timers == 2 && link.waiting > 0);
}

/* What other workers have read for this one counts as well, and what is theirs leaves at once. */
static void what_others_hand_on(void)
{
    begin();
    port.spread = (struct spread_end *)&port;
    link.handed = 200;
    CU_ASSERT_EQUAL(poll_at(1000100), 128);
    CU_ASSERT_EQUAL(link.num_timers, 0);
    CU_ASSERT_EQUAL(poll_at(1000200), 72);
    CU_ASSERT_EQUAL(link.num_timers, 1);
    CU_ASSERT_EQUAL(link.flushed, 2);
    link.handed = 200;
    CU_ASSERT_EQUAL(poll_at(1500000), 200);
    CU_ASSERT_EQUAL(link.num_timers, 2);
}

/* All instances take turns until the last is sure; who has another host's address ends, and who is
 * told to stop does not wait. */
static void settles(void)
{
    struct net *nets[3] = {NULL};
    const struct port ports[3] = {{.id = 0}};
    atomic_bool stop = false;
    char error[80] = "";
    begin();
    link.detecting = 7;
    CU_ASSERT_EQUAL(stack_settle(nets, ports, 3, &stop, error, sizeof(error)), 0);
    CU_ASSERT(!link.detecting && link.num_timers == 12);
    link.has_duplicate = true;
    CU_ASSERT_EQUAL(stack_settle(nets, ports, 3, &stop, error, sizeof(error)), -1);
    CU_ASSERT_STRING_EQUAL(error, "::: another host on the link has this address");
    begin();
    link.detecting = UINT32_MAX;
    stop = true;
    CU_ASSERT_EQUAL(stack_settle(nets, ports, 3, &stop, error, sizeof(error)), 0);
    CU_ASSERT_EQUAL(link.num_timers, 0);
}

int main(void)
{
    static const struct lks_test tests[] = {{"not before all is taken", not_before_all_is_taken},
                                            {"late at most", late_at_most},
                                            {"what others hand on", what_others_hand_on},
                                            {0}};
    static const struct lks_test start[] = {{"settles", settles}, {0}};
    static const struct lks_test_suite suites[] = {{"timers", tests}, {"start", start}, {0}};
    return lks_test_run("stack", suites);
}
