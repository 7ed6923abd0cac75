/* SPDX-License-Identifier: BSD-3-Clause */

/* What the counters say, and that writing them stops nobody. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bed.h"
#include "common/test.h"
#include "conn/client.h"
#include "handshake/config.h"
#include "key_queue.h"

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
    const struct net_addr from = {net_ip4(2), 1}, to = {net_ip4(3), 443};
    bed_start(NULL);
    for (int i = 0; i < 8; i++)
        peer_start(&p[i], NULL);
    CU_ASSERT_PTR_NULL(
        session_client_events.accepted(worker_sessions(bed.worker), p[0].client, &from, &to));
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
    struct report r = {.app = {.handshakes = 3, .handshakes_resumed = 2},
                       .port = {.tx_waited = 7, .tx_too_long = 8},
                       .net = {.no_route = 9},
                       .key_log_dropped = 6};
    char *text = NULL;
    size_t len;
    r.app.ended[END_SHUTDOWN] = 4;
    r.app.alerts_sent[80] = 5;
    FILE *to = open_memstream(&text, &len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    counters_print(to, &r, NULL, 0);
    fclose(to);
    static const char *const lines[] = {
        "handshakes 3",  "handshakes_resumed 2", "tx_waited 7",      "tx_too_long 8",
        "tx_no_route 9", "key_log_dropped 6",    "ended_shutdown 4", "alert_sent_80 5"};
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

static bool say_hung_up(void *user, FILE *out, FILE *err)
{
    (void)user, (void)err;
    fprintf(out, "SIGHUP\n");
    fflush(out);
    return false;
}

static void collect_nothing(void *user)
{
    (void)user;
}

/* A worker's answer to what it is asked, if it is. */
static void answer(struct post *post, uint64_t handshakes)
{
    unsigned int number;
    if (!post_is_asked(post, &number))
        return;
    post->report = (struct report){.app = {.handshakes = handshakes}};
    post_answer(post, number);
}

/* Whoever asks for counters, and who is asked, never waits for who reads them; asked again while
 * they are written, they come twice. Nor does asking for a reload. */
static void nobody_reads(void)
{
    static char text[1u << 18];
    int fds[2];
    struct post *post = posts_new(1);
    size_t len = 0;
    ssize_t n;
    CU_ASSERT_PTR_NOT_NULL_FATAL(post);
    full_pipe(fds);
    FILE *out = fdopen(fds[1], "w");
    struct lks_config *config = config_with("ecdsa");
    struct chores *c = chores_start(config->policy, config->memory, out, stderr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    const struct chores_reload reload = {say_hung_up, collect_nothing, NULL};
    chores_set_reload(c, &reload);
    chores_attend(c, post, 1, NULL);
    chores_print(c);
    while (!post->answered) {
        answer(post, 3);
        sched_yield();
    }
    chores_print(c); /* the first are not written */
    chores_hang_up(c);
    while (count(text, "polls_busy") < 2 || !strstr(text, "SIGHUP")) {
        answer(post, 3);
        if ((n = read(fds[0], text + len, sizeof(text) - 1 - len)) > 0)
            len += (size_t)n;
        else
            sched_yield();
    }
    chores_stop(c, &(struct report){0});
    fclose(out);
    while ((n = read(fds[0], text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)n;
    close(fds[0]);
    CU_ASSERT_EQUAL(count(text, "lockstepd counters\n"), 2);
    CU_ASSERT_EQUAL(count(text, "SIGHUP"), 1);
    CU_ASSERT(count(text, "reloads_failed               1") >= 1);
    lks_config_free(config);
    free(post);
}

/* What several workers have counted is summed, and named by worker; one that does not answer is
 * named, and left out. The last counters are the sum of theirs. */
static void several_workers(void)
{
    char *text = NULL, *said = NULL;
    size_t len, said_len;
    FILE *out = open_memstream(&text, &len), *err = open_memstream(&said, &said_len);
    struct post *posts = posts_new(3);
    struct report last = {0};
    CU_ASSERT_FATAL(out && err && posts);
    struct lks_config *config = config_with("ecdsa");
    struct chores *c = chores_start(config->policy, config->memory, out, err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    chores_attend(c, posts, 3, NULL);
    chores_print(c);
    while (!posts[2].asked)
        sched_yield();
    answer(&posts[0], 30);
    answer(&posts[2], 4);
    CU_ASSERT_TRUE(post_say(&posts[2], "something"));
    chores_print(c); /* asked for once the first are written, some seconds later */
    while (posts[2].asked < 2)
        sched_yield();
    for (int i = 0; i < 3; i++) {
        answer(&posts[i], 100);
        posts[i].last.app.handshakes = 1000;
        posts[i].last.tcp.buffers = 5;
    }
    chores_stop(c, &last);
    fclose(out);
    fclose(err);
    CU_ASSERT_EQUAL(last.app.handshakes, 3000);
    CU_ASSERT_EQUAL(last.tcp.buffers, 15);
    char *second = strstr(text + 1, "lockstepd counters\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(second);
    LKS_CHECK(strstr(second, "  handshakes                   300\n"), "%s", second);
    *second = 0;
    LKS_CHECK(strstr(text, "  handshakes                   34\n") &&
                  strstr(text, "  worker_0_handshakes          30\n") &&
                  strstr(text, "  worker_2_handshakes          4\n") && !strstr(text, "worker_1"),
              "%s", text);
    LKS_CHECK(strstr(said, "lockstepd: worker 1: no counters of it, since it does not poll\n") &&
                  strstr(said, "lockstepd: worker 2: something\n"),
              "%s", said);
    lks_config_free(config);
    free(posts);
    free(text);
    free(said);
}

/* Every number of a report is in the sum. */
static void sums(void)
{
    const size_t padding =
        offsetof(struct report, tcp) + offsetof(struct flow_counters, buffers) + 4;
    struct report one, two;
    uint8_t *bytes = (uint8_t *)&one;
    for (size_t i = 0; i < sizeof(one); i++)
        bytes[i] = i % 4 == 0; /* 1 in whatever is 32 bits, 2^32 + 1 in 64 */
    two = one;
    counters_add(&two, &one);
    bytes = (uint8_t *)&two;
    for (size_t i = 0; i < sizeof(two); i++)
        LKS_CHECK(bytes[i] == (i % 4 == 0 ? 2 : 0) ||
                      (i >= padding && i < offsetof(struct report, net)),
                  "byte %zu", i);
}

/* A poll loop that stands still is told of once, and that it goes on. */
static void who_stands_still(void)
{
    struct post *post = posts_new(1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(post);
    for (int time = 0; time < 2; time++) {
        unsigned int num_still = 0;
        post_polled(post, 5 + (unsigned int)time);
        CU_ASSERT_EQUAL(post_look(post), time ? POST_GOES_ON : POST_AS_BEFORE);
        for (unsigned int second = 1; second <= 3 * POST_STILL_S; second++) {
            const enum post_life life = post_look(post);
            CU_ASSERT_EQUAL(life == POST_STANDS_STILL, second == POST_STILL_S);
            num_still += life == POST_STANDS_STILL;
        }
        CU_ASSERT_EQUAL(num_still, 1);
    }
    free(post);
}

/* It says that it lives at each poll. */
static void every_poll_is_told(void)
{
    bed_start(NULL);
    bed_run(3);
    CU_ASSERT_EQUAL(bed.post->polls, bed_report().app.polls);
    CU_ASSERT_TRUE(bed.post->polls >= 3);
    CU_ASSERT_EQUAL(bed.post->last.app.polls, bed.post->polls);
    bed_stop();
}

/* SIGUSR1 again while it is being obeyed. */
static void asked_twice(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    bed_start(NULL);
    struct chores *c = chores_start(bed.server->policy, bed.server->memory, out, stderr);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    chores_attend(c, bed.post, 1, NULL);
    bed.asks_again = c;
    chores_print(c);
    while (bed.post->answered < 2) { /* the second waits until the first is written */
        bed_run(1);
        sched_yield();
    }
    chores_stop(c, &(struct report){0});
    fclose(out);
    CU_ASSERT_EQUAL(count(text, "lockstepd counters\n"), 2);
    free(text);
    bed_stop();
}

/* Troubles are said, each once, however often it is counted. */
static void news_once(void)
{
    char *text = NULL;
    size_t len;
    FILE *err = open_memstream(&text, &len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    bed_start(NULL);
    struct chores *c = chores_start(bed.server->policy, bed.server->memory, stdout, err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    chores_attend(c, bed.post, 1, NULL);
    bed_run(3);
    bed.net.no_route = 1;
    bed.port_news = "something of the port";
    bed_run(3);
    bed.net.no_route = 2;
    bed_run(3);
    chores_stop(c, &(struct report){0});
    fclose(err);
    CU_ASSERT_EQUAL(count(text, "\n"), 2);
    CU_ASSERT_EQUAL(count(text, "there is no --gateway of its family; tx_no_route counts"), 1);
    CU_ASSERT_EQUAL(count(text, "something of the port"), 1);
    free(text);
    bed_stop();
}

/* What is said when two clients begin with these bytes. */
static void check_said(const void *bytes, size_t bytes_len, const char *line)
{
    char *text = NULL;
    size_t len;
    struct peer peers[2];
    FILE *err = open_memstream(&text, &len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    bed_start(NULL);
    struct chores *c = chores_start(bed.server->policy, bed.server->memory, stdout, err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    chores_attend(c, bed.post, 1, NULL);
    for (int i = 0; i < 2; i++) {
        peer_start(&peers[i], NULL);
        flow_says(peers[i].client, bytes, bytes_len, 1460);
        bed_wait(1);
    }
    bed_run(3);
    chores_stop(c, &(struct report){0});
    fclose(err);
    CU_ASSERT_EQUAL(count(text, "\n"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
    free(text);
    for (int i = 0; i < 2; i++)
        peer_free(&peers[i]);
    bed_stop();
}

/* Why TLS fails is said in words, and not again for the next one of the same kind. */
static void why_tls_failed(void)
{
    static const uint8_t no_message[] = {LKS_TYPE_HANDSHAKE, 3, 1, 0, 4, 99, 0, 0, 0};
    check_said(no_message, sizeof(no_message), "lockstepd: a handshake message that may not come");
    check_said("GET / HTTP/1.1\r\n\r\n", 18, "this may not be TLS at all\n");
}

/* What comes out of a FIFO until it has `want` bytes, or, want 0, is empty. */
static size_t read_some(int fd, char *text, size_t len, size_t want)
{
    size_t num = 0;
    while (num < len && (!want || num < want)) {
        const ssize_t n = read(fd, text + num, len - num);
        if (n > 0)
            num += (size_t)n;
        else if (!want)
            break;
        else
            sched_yield();
    }
    return num;
}

/* A key log that nobody reads: handshakes go on, its lines wait and come in order; those that find
 * no room are counted and said. */
static void slow_key_log(void)
{
    static char text[1u << 20];
    char name[] = "/tmp/lockstep-keys-XXXXXX", file[64], said[256] = "";
    struct lks_error err;
    struct peer p;
    struct report last = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(name));
    snprintf(file, sizeof(file), "%s/fifo", name);
    CU_ASSERT_EQUAL_FATAL(mkfifo(file, 0600), 0);
    const int reader = open(file, O_RDONLY | O_NONBLOCK);
    CU_ASSERT_TRUE_FATAL(reader >= 0 && fcntl(reader, F_SETPIPE_SZ, 4096) == 4096);
    FILE *to = fmemopen(said, sizeof(said), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    bed_start(NULL);
    LKS_CHECK(!lks_policy_set_key_log(bed.server->policy, file, &err), "%s", err.text);
    struct chores *c = chores_start(bed.server->policy, bed.server->memory, stdout, to);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    LKS_CHECK(!lks_policy_queue_key_log(bed.server->policy, chores_queue_keys, c, &err), "%s",
              err.text);
    for (int i = 0; i < 8; i++) { /* more lines than the FIFO holds */
        peer_establish(&p, NULL);
        peer_free(&p);
        bed_poll();
    }
    /* more than the FIFO holds at once */
    size_t len = read_some(reader, text, sizeof(text) - 1, 5000);
    for (unsigned int i = 0; i < KEY_QUEUE_LINES + 100; i++) {
        lks_config_log_secret(bed.server, "TEST", (const uint8_t[32]){1}, (const uint8_t[1]){2}, 1);
    }
    chores_stop(c, &last);
    fclose(to);
    len += read_some(reader, text + len, sizeof(text) - 1 - len, 0);
    text[len] = 0;
    const size_t num = count(text, "\n"), num_tests = count(text, "TEST ");
    CU_ASSERT_EQUAL(count(text, "CLIENT_HANDSHAKE_TRAFFIC_SECRET "), 8);
    CU_ASSERT_EQUAL(count(text, "EXPORTER_SECRET "), 8);
    LKS_CHECK(num == 40 + num_tests && last.key_log_dropped == KEY_QUEUE_LINES + 100 - num_tests,
              "%zu lines, %zu of the test, %u dropped", num, num_tests,
              (unsigned int)last.key_log_dropped);
    CU_ASSERT_TRUE(num_tests > 0 && last.key_log_dropped > 0);
    CU_ASSERT_EQUAL(count(said, "key_log_dropped counts them"), 1);
    bed_stop();
    close(reader);
    unlink(file);
    rmdir(name);
}

/* Where no key log is asked for, no secret goes anywhere, and none is missed. */
static void no_key_log(void)
{
    char *said = NULL;
    size_t len;
    struct peer p;
    struct report last = {0};
    FILE *err = open_memstream(&said, &len);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    bed_start(NULL);
    struct chores *c = chores_start(bed.server->policy, bed.server->memory, stdout, err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    peer_establish(&p, NULL);
    peer_free(&p);
    bed_poll();
    chores_stop(c, &last);
    fclose(err);
    CU_ASSERT_EQUAL(last.key_log_dropped, 0);
    CU_ASSERT_STRING_EQUAL(said, "");
    free(said);
    bed_stop();
}

/* Lines are wiped when they are taken. */
static void keys_are_wiped(void)
{
    struct key_queue *q = key_queue_new();
    char line[LKS_KEY_LOG_LINE_MAX + 1];
    size_t len;
    CU_ASSERT_PTR_NOT_NULL_FATAL(q);
    CU_ASSERT_PTR_NULL(key_queue_first(q, &len));
    for (unsigned int i = 0; i <= KEY_QUEUE_LINES; i++) {
        snprintf(line, sizeof(line), "secret %u", i);
        key_queue_put(q, line, strlen(line));
    }
    CU_ASSERT_EQUAL(key_queue_dropped(q), 1);
    for (unsigned int i = 0; i < KEY_QUEUE_LINES; i++) {
        const char *first = key_queue_first(q, &len);
        snprintf(line, sizeof(line), "secret %u", i);
        CU_ASSERT_PTR_NOT_NULL_FATAL(first);
        LKS_CHECK(len == strlen(line) && memcmp(first, line, len) == 0, "line %u", i);
        key_queue_take(q, i != 7);
        for (size_t at = 0; at < len; at++)
            CU_ASSERT_EQUAL(first[at], 0);
    }
    CU_ASSERT_EQUAL(key_queue_dropped(q), 2);
    CU_ASSERT_PTR_NULL(key_queue_first(q, &len));
    memset(line, 'x', sizeof(line));
    key_queue_put(q, line, sizeof(line)); /* longer than lines are */
    CU_ASSERT_EQUAL(key_queue_dropped(q), 3);
    key_queue_free(q);
}

#define PUTTERS 3u
#define LINES   1000000u

struct putter {
    struct key_queue *queue;
    pthread_barrier_t *begin;
    unsigned int number;
};

static void *put_lines(void *arg)
{
    const struct putter *p = arg;
    pthread_barrier_wait(p->begin);
    for (unsigned int i = 0; i < LINES; i++) {
        const unsigned int line[] = {p->number, i, [31] = i};
        key_queue_put(p->queue, (const char *)line, sizeof(line));
    }
    return NULL;
}

/* Every line that is not dropped comes whole, and each thread's in order. */
static void keys_of_several_threads(void)
{
    struct key_queue *q = key_queue_new();
    struct putter putters[PUTTERS];
    pthread_barrier_t begin;
    pthread_t threads[PUTTERS];
    unsigned int next[PUTTERS] = {0}, num = 0, num_bad = 0;
    size_t len;
    CU_ASSERT_PTR_NOT_NULL_FATAL(q);
    CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&begin, NULL, PUTTERS), 0);
    for (unsigned int i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){q, &begin, i};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, put_lines, &putters[i]), 0);
    }
    while (num + key_queue_dropped(q) < PUTTERS * LINES) {
        const char *first = key_queue_first(q, &len);
        unsigned int line[32];
        if (!first) {
            sched_yield();
            continue;
        }
        memcpy(line, first, sizeof(line));
        if (len != sizeof(line) || line[0] >= PUTTERS || line[1] != line[31] ||
            line[1] < next[line[0]])
            num_bad++;
        else
            next[line[0]] = line[1] + 1;
        key_queue_take(q, true);
        num++;
    }
    for (unsigned int i = 0; i < PUTTERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&begin);
    CU_ASSERT_PTR_NULL(key_queue_first(q, &len));
    LKS_CHECK(num_bad == 0 && num > 0, "%u of %u lines", num_bad, num);
    key_queue_free(q);
}

const struct lks_test *counter_tests(void)
{
    static const struct lks_test tests[] = {
        {"resumed handshakes", resumed_ones},
        {"alerts that left", alerts_that_left},
        {"refused connections", refused_ones},
        {"as printed", printed},
        {"nobody reads", nobody_reads},
        {"asked twice", asked_twice},
        {"several workers", several_workers},
        {"sums", sums},
        {"who stands still", who_stands_still},
        {"every poll is told", every_poll_is_told},
        {"news, once", news_once},
        {"why TLS failed", why_tls_failed},
        {"slow key log", slow_key_log},
        {"no key log", no_key_log},
        {"keys are wiped", keys_are_wiped},
        {"keys of several threads", keys_of_several_threads},
        {0},
    };
    return tests;
}
