/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A small TLS server on 127.0.0.1 for tests with real clients: one thread, poll(2), and one open
 * and one seal batch a turn for all connections.
 *
 *     lks_test_server [options of driver.h] [--update-every N] [--report] (--echo | --http FILE)
 *
 * Prints "port N" once it listens. --echo sends back what comes, and closes behind a line
 * "goodbye"; --http answers each GET with FILE and each PUT with the SHA-256 of what was put.
 * --update-every asks for new keys both ways each time N bytes came; --report prints a line a
 * connection (driver.h). Ends at SIGTERM or when its parent is gone, and prints what it did.
 */

#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/test.h"
#include "driver.h"
#include "side.h"

#define CONNS_MAX 256

struct conn {
    struct side side;
    int fd;
    bool fin; /* the peer's TCP ended */
    size_t since_update;
    size_t file_left; /* of the answer */
    size_t body_left; /* of what is being put */
    EVP_MD_CTX *hash;
    bool close_after;
};

static struct conn *conns[CONNS_MAX];
static uint32_t num_conns;
static struct buffer file;
static bool echo, report;
static size_t update_every;
static volatile sig_atomic_t stopped;
static struct {
    unsigned long accepted, established, closed, truncated, failed, bytes_in;
} counters;

static void on_term(int number)
{
    (void)number;
    stopped = 1;
}

static void die(const char *what)
{
    fprintf(stderr, "lks_test_server: %s\n", what);
    exit(2);
}

static int listen_on_loopback(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 128) ||
        getsockname(fd, (struct sockaddr *)&addr, &len) || fcntl(fd, F_SETFL, O_NONBLOCK))
        die("cannot listen on 127.0.0.1");
    printf("port %u\n", ntohs(addr.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_all(int listener, struct lks_config *config)
{
    int fd;
    while (num_conns < CONNS_MAX && (fd = accept(listener, NULL, NULL)) >= 0) {
        struct conn *c = calloc(1, sizeof(*c));
        if (!c || fcntl(fd, F_SETFL, O_NONBLOCK))
            die("cannot take a connection");
        side_init(&c->side, config);
        c->fd = fd;
        c->hash = EVP_MD_CTX_new();
        conns[num_conns++] = c;
        counters.accepted++;
    }
}

static void drop(uint32_t i)
{
    struct conn *c = conns[i];
    if (report)
        driver_report(&c->side);
    if (c->side.end && c->side.end != LKS_PEER_ALERT) {
        counters.failed++;
        printf("failed %s\n", lks_status_name(c->side.end));
    } else if (lks_conn_truncated(c->side.conn)) {
        counters.truncated++;
    } else {
        counters.closed++;
    }
    counters.established += c->side.established;
    close(c->fd);
    side_free(&c->side);
    EVP_MD_CTX_free(c->hash);
    free(c);
    conns[i] = conns[--num_conns];
}

static void receive(struct conn *c)
{
    uint8_t bytes[65536];
    ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
    if (n > 0)
        buffer_add(&c->side.wire_in, bytes, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        c->fin = true;
}

static void transmit(struct conn *c)
{
    struct buffer *out = &c->side.wire_out;
    ssize_t n = out->len ? send(c->fd, out->data, out->len, MSG_NOSIGNAL) : 0;
    if (n > 0)
        buffer_drop(out, (size_t)n);
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        c->fin = true;
}

static const char *header_value(const char *request, const char *name)
{
    for (const char *line = request; (line = strstr(line, "\r\n")); line += 2)
        if (strncasecmp(line + 2, name, strlen(name)) == 0)
            return line + 2 + strlen(name);
    return NULL;
}

static void say(struct conn *c, const char *text)
{
    buffer_add(&c->side.to_send, text, strlen(text));
}

static void finish_put(struct conn *c)
{
    uint8_t digest[32];
    char hex[65], text[256];
    EVP_DigestFinal_ex(c->hash, digest, NULL);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n%s\n", hex);
    say(c, text);
}

/* Takes one request's head from what was received. False if it is not all there. */
static bool take_request(struct conn *c)
{
    char head[4096] = "", text[128];
    struct buffer *in = &c->side.received;
    memcpy(head, in->data, in->len < sizeof(head) ? in->len : sizeof(head) - 1);
    char *end = strstr(head, "\r\n\r\n");
    if (!end)
        return false;
    end[2] = '\0';
    buffer_drop(in, (size_t)(end - head) + 4);
    if (strncmp(head, "PUT", 3) == 0) {
        const char *length = header_value(head, "Content-Length:");
        c->body_left = length ? strtoul(length, NULL, 10) : 0;
        EVP_DigestInit_ex(c->hash, EVP_sha256(), NULL);
        if (header_value(head, "Expect:"))
            say(c, "HTTP/1.1 100 Continue\r\n\r\n");
        if (!c->body_left)
            finish_put(c);
        return true;
    }
    snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", file.len);
    say(c, text);
    c->file_left = file.len;
    c->close_after = strstr(head, "HTTP/1.0") != NULL;
    return true;
}

static void serve_http(struct conn *c)
{
    struct buffer *in = &c->side.received;
    while (c->body_left && in->len) {
        size_t n = in->len < c->body_left ? in->len : c->body_left;
        EVP_DigestUpdate(c->hash, in->data, n);
        buffer_drop(in, n);
        c->body_left -= n;
        if (!c->body_left)
            finish_put(c);
    }
    while (!c->body_left && !c->file_left && in->len && take_request(c))
        ;
    if (c->file_left && c->side.to_send.len < 65536) {
        size_t n = c->file_left < 100000 ? c->file_left : 100000;
        buffer_add(&c->side.to_send, file.data + file.len - c->file_left, n);
        c->file_left -= n;
    }
}

static void serve(struct conn *c, size_t before)
{
    struct side *s = &c->side;
    size_t new_bytes = s->received.len - before;
    counters.bytes_in += new_bytes;
    c->since_update += new_bytes;
    if (update_every && c->since_update >= update_every) {
        c->since_update = 0;
        if (lks_conn_update_key(s->conn, true)) {
            /* One is on its way: as good. */
        }
    }
    if (echo) {
        /* For peers that close only after us. */
        if (s->received.len >= 8 &&
            memcmp(s->received.data + s->received.len - 8, "goodbye\n", 8) == 0)
            c->close_after = true;
        buffer_add(&s->to_send, s->received.data, s->received.len);
        s->received.len = 0;
    } else {
        serve_http(c);
    }
    if ((s->closed || c->close_after) && !s->to_send.len && !c->file_left)
        lks_conn_close(s->conn);
}

static bool is_over(const struct conn *c)
{
    if (c->side.wire_out.len)
        return c->fin;
    return c->fin || c->side.end ||
           (lks_conn_close_sent(c->side.conn) && lks_conn_close_received(c->side.conn));
}

static void turn(struct poll_loop *loop)
{
    struct side *sides[CONNS_MAX];
    size_t before[CONNS_MAX];
    for (uint32_t i = 0; i < num_conns; i++) {
        sides[i] = &conns[i]->side;
        before[i] = sides[i]->received.len;
    }
    for (bool moved = num_conns; moved;) {
        moved = loop_poll(loop, sides, num_conns);
        for (uint32_t i = 0; i < num_conns; i++) {
            serve(conns[i], before[i]);
            before[i] = sides[i]->received.len;
            transmit(conns[i]);
            moved &= sides[i]->wire_out.len < 1u << 20;
        }
    }
    for (uint32_t i = num_conns; i-- > 0;)
        if (is_over(conns[i]))
            drop(i);
}

static void run(int listener, struct lks_config *config)
{
    struct poll_loop loop;
    const pid_t parent = getppid();
    loop_init(&loop, 256, 4096);
    while (!stopped) {
        struct pollfd fds[CONNS_MAX + 1] = {{listener, POLLIN, 0}};
        for (uint32_t i = 0; i < num_conns; i++) {
            struct conn *c = conns[i];
            bool writes = c->side.wire_out.len || c->file_left;
            fds[1 + i] = (struct pollfd){c->fd, (short)(POLLIN | (writes ? POLLOUT : 0)), 0};
        }
        uint32_t polled = num_conns;
        if (poll(fds, 1 + polled, 1000) < 0)
            continue;
        if (getppid() != parent)
            stopped = 1;
        for (uint32_t i = 0; i < polled; i++)
            if (fds[1 + i].revents & (POLLIN | POLLHUP | POLLERR))
                receive(conns[i]);
        accept_all(listener, config);
        turn(&loop);
    }
    while (num_conns)
        drop(0);
    loop_free(&loop);
}

static void read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t bytes[65536];
    size_t n;
    if (!f)
        die("cannot read the file to serve");
    while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0)
        buffer_add(&file, bytes, n);
    fclose(f);
}

int main(int argc, char **argv)
{
    struct lks_config *config = config_new();
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (driver_option(config, argv, &i))
            continue;
        if (strcmp(option, "--echo") == 0) {
            echo = true;
        } else if (strcmp(option, "--report") == 0) {
            report = true;
        } else if (strcmp(option, "--update-every") == 0) {
            update_every = strtoul(value, NULL, 10);
            i++;
        } else if (strcmp(option, "--http") == 0) {
            read_file(value);
            i++;
        } else {
            die("unknown option; see the head of test_server.c");
        }
    }
    struct sigaction action = {.sa_handler = on_term};
    sigaction(SIGTERM, &action, NULL);
    run(listen_on_loopback(), config);
    lks_config_free(config);
    buffer_free(&file);
    printf("accepted %lu established %lu closed %lu truncated %lu failed %lu bytes_in %lu\n",
           counters.accepted, counters.established, counters.closed, counters.truncated,
           counters.failed, counters.bytes_in);
    return 0;
}
