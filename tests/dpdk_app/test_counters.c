/* SPDX-License-Identifier: BSD-3-Clause */

/* What the counters say, and that writing them stops nobody. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bed.h"
#include "common/test.h"
#include "conn/client.h"

static void resumed_ones(void)
{
    struct peer p;
    uint8_t session[LKS_SESSION_MAX];
    bed_start(NULL);
    peer_establish(&p, NULL);
    struct lks_conn_options again = {
        .server_name = "localhost", .session = session, .session_len = p.tls.session_len};
    CU_ASSERT_TRUE_FATAL(p.tls.session_len > 0);
    memcpy(session, p.tls.session, p.tls.session_len);
    CU_ASSERT_EQUAL(bed_report().app.handshakes_resumed, 0);
    peer_free(&p);
    peer_establish(&p, &again);
    CU_ASSERT_EQUAL(bed_report().app.handshakes, 2);
    CU_ASSERT_EQUAL(bed_report().app.handshakes_resumed, 1);
    peer_free(&p);
    bed_stop();
}

/* One counts what TCP has taken: not an alert that waits, nor one that nobody is there for. */
static void alerts_that_left(void)
{
    uint8_t junk[64] = {LKS_TYPE_APPLICATION_DATA, 3, 3, 0, 59};
    struct peer p;
    bed_start(NULL);
    peer_establish(&p, NULL);
    p.client->room = 0;
    flow_says(p.client, junk, sizeof(junk), 1460);
    bed_poll();
    CU_ASSERT_EQUAL(bed_report().app.alerts_sent[20], 0);
    p.client->room = 1000;
    bed.now_us += 6000;
    bed_poll();
    bed_poll();
    CU_ASSERT_EQUAL(bed_report().app.alerts_sent[20], 1);
    CU_ASSERT_EQUAL(bed_report().app.bad_records, 1);
    peer_free(&p);
    peer_establish(&p, NULL);
    flow_says(p.client, junk, sizeof(junk), 1460);
    flow_ends(p.client, FLOW_END_RESET);
    bed_poll();
    CU_ASSERT_EQUAL(bed_report().app.alerts_sent[20], 1);
    peer_free(&p);
    peer_establish(&p, NULL);
    flow_says_fin(p.backend);
    peer_run(&p);
    CU_ASSERT_EQUAL(bed_report().app.alerts_sent[0], 1); /* close_notify */
    peer_free(&p);
    bed_stop();
}

static void refused_ones(void)
{
    struct peer p[9];
    const struct flow_addr from = {2, 1};
    bed_start(NULL);
    for (int i = 0; i < 8; i++)
        peer_start(&p[i], NULL);
    CU_ASSERT_PTR_NULL(
        session_client_events.accepted(worker_sessions(bed.worker), p[0].client, &from));
    CU_ASSERT_EQUAL(bed_report().app.connections, 9);
    CU_ASSERT_EQUAL(bed_report().app.refused, 1);
    CU_ASSERT_EQUAL(bed_report().app.sessions, 8);
    for (int i = 0; i < 8; i++)
        peer_free(&p[i]);
    bed_stop();
}

/* Every name once, with its own value. */
static void printed(void)
{
    struct report r = {.app = {.handshakes = 3, .handshakes_resumed = 2}, .tcp = {.tx_waited = 7}};
    char *text = NULL;
    size_t len;
    r.app.ended[END_SHUTDOWN] = 4;
    r.app.alerts_sent[80] = 5;
    FILE *to = open_memstream(&text, &len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    counters_print(to, &r);
    fclose(to);
    static const char *const lines[] = {"handshakes 3", "handshakes_resumed 2", "tx_waited 7",
                                        "ended_shutdown 4", "alert_sent_80 5"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char name[64], line[128];
        int value;
        sscanf(lines[i], "%63s %d", name, &value);
        snprintf(line, sizeof(line), "\n  %-28s %d\n", name, value);
        LKS_CHECK(strstr(text, line), "no %s in %s", lines[i], text);
    }
    free(text);
}

/* A pipe that is full, since nobody reads it. */
static void full_pipe(int fds[2])
{
    CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_NONBLOCK), 0);
    while (write(fds[1], "x", 1) == 1)
        ;
    CU_ASSERT_EQUAL(errno, EAGAIN);
    CU_ASSERT_EQUAL(fcntl(fds[1], F_SETFL, 0), 0);
}

static size_t count(const char *text, const char *what)
{
    size_t num = 0;
    while ((text = strstr(text, what)) != NULL) {
        text++;
        num++;
    }
    return num;
}

/* Asking for counters never waits for who reads them. */
static void nobody_reads(void)
{
    static char text[1u << 18];
    int fds[2];
    struct report r = {.app = {.handshakes = 3}};
    size_t len = 0;
    ssize_t n;
    full_pipe(fds);
    FILE *out = fdopen(fds[1], "w");
    struct lks_config *config = config_with("ecdsa");
    struct chores *c = chores_start(config, out, stderr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_TRUE(chores_print(c, &r));
    CU_ASSERT_FALSE(chores_print(c, &r)); /* the first are not written */
    chores_hang_up(c);
    while (!strstr(text, "polls_busy") || !strstr(text, "SIGHUP"))
        if ((n = read(fds[0], text + len, sizeof(text) - 1 - len)) > 0)
            len += (size_t)n;
        else
            sched_yield();
    while (!chores_print(c, &r))
        sched_yield();
    chores_stop(c);
    fclose(out);
    while ((n = read(fds[0], text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)n;
    close(fds[0]);
    CU_ASSERT_EQUAL(count(text, "lockstepd counters\n"), 2);
    CU_ASSERT_EQUAL(count(text, "SIGHUP"), 1);
    lks_config_free(config);
}

const struct lks_test *counter_tests(void)
{
    static const struct lks_test tests[] = {
        {"resumed handshakes", resumed_ones},  {"alerts that left", alerts_that_left},
        {"refused connections", refused_ones}, {"as printed", printed},
        {"nobody reads", nobody_reads},        {0},
    };
    return tests;
}
