/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * An HTTPS client that verifies whom it talks to, and comes back: the same GET twice, the second
 * one with the session of the first, which spares both sides the certificates.
 *
 *     https_client HOST PORT PATH [CA_FILE]
 *
 * HOST is a name or an address; without CA_FILE the system's CAs are trusted. The second answer
 * goes to standard output, head and body; what was agreed, and what went wrong, to standard error.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <lockstep/stream.h>

#define CONNECT_MS  5000
#define SILENCE_MS  10000 /* of the server, or of a socket that takes nothing */
#define PIECE       16384
#define REQUEST_MAX 1024

/* One connection; what is shared by several is in main(). */
struct fetch {
    int fd;
    struct lks_stream *stream;
    char request[REQUEST_MAX];
    size_t request_len, request_at;
    uint8_t out[PIECE]; /* from the stream, for the socket */
    size_t out_at, out_len;
    uint8_t in[PIECE]; /* from the socket, for the stream */
    size_t in_at, in_len;
    FILE *answer;
};

static bool fail(const char *what, const char *why)
{
    fprintf(stderr, "https_client: %s: %s\n", what, why);
    return false;
}

static bool fail_status(const struct fetch *f, enum lks_status status)
{
    const struct lks_conn *conn = lks_stream_conn(f->stream);
    fprintf(stderr, "https_client: %s: %s: %s\n",
            lks_conn_is_established(conn) ? "connection" : "handshake", lks_status_name(status),
            lks_conn_reason(conn));
    return false;
}

/* Waits until the socket is ready; false: not in time. */
static bool wait_for(int fd, short events, int ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n;
    do
        n = poll(&p, 1, ms);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

/* The first of the host's addresses that answers; -1: none. */
static int connect_to(const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    int fd = -1, error = getaddrinfo(host, port, &hints, &list);
    if (error) {
        fail(host, gai_strerror(error));
        return -1;
    }
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        socklen_t len = sizeof(error);
        error = ETIMEDOUT;
        fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        if (connect(fd, a->ai_addr, a->ai_addrlen) && errno != EINPROGRESS)
            error = errno;
        else if (wait_for(fd, POLLOUT, CONNECT_MS))
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd < 0)
        fail(host, strerror(error));
    return fd;
}

/* The next bytes of the stream to the socket. Returns whether any moved. */
static bool flush(struct fetch *f)
{
    if (f->out_at == f->out_len) {
        f->out_at = 0; /* an end is told by lks_stream_read(), too */
        (void)!lks_stream_drain(f->stream, f->out, sizeof(f->out), &f->out_len);
    }
    if (f->out_at == f->out_len)
        return false;
    ssize_t n = send(f->fd, f->out + f->out_at, f->out_len - f->out_at, MSG_NOSIGNAL);
    if (n > 0)
        f->out_at += (size_t)n;
    return n > 0; /* that nobody is there recv() will say */
}

/* The next bytes of the socket to the stream. */
static bool receive(struct fetch *f)
{
    size_t taken;
    bool moved = false;
    if (f->in_at == f->in_len) {
        ssize_t n = recv(f->fd, f->in, sizeof(f->in), 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        f->in_at = 0;
        f->in_len = n > 0 ? (size_t)n : 0;
        moved = true;
        if (n <= 0)
            (void)!lks_stream_end(f->stream, LKS_OPEN);
    }
    (void)!lks_stream_feed(f->stream, f->in + f->in_at, f->in_len - f->in_at, &taken);
    f->in_at += taken;
    return moved || taken;
}

static bool ask(struct fetch *f)
{
    size_t taken;
    (void)!lks_stream_write(f->stream, (const uint8_t *)f->request + f->request_at,
                            f->request_len - f->request_at, &taken);
    f->request_at += taken;
    return taken != 0;
}

/* Until the server says close_notify, or something goes wrong. */
static enum lks_status transfer(struct fetch *f)
{
    for (;;) {
        uint8_t data[PIECE];
        size_t len;
        bool moved = flush(f);
        moved |= receive(f);
        moved |= ask(f);
        enum lks_status status = lks_stream_read(f->stream, data, sizeof(data), &len);
        if (len && fwrite(data, 1, len, f->answer) != len)
            return LKS_INTERNAL;
        if (status != LKS_OK && status != LKS_WANT_DATA)
            return status;
        const bool has_out = f->out_at != f->out_len;
        if (!moved && status == LKS_WANT_DATA &&
            !wait_for(f->fd, (short)(POLLIN | (has_out ? POLLOUT : 0)), SILENCE_MS)) {
            fail("timeout", "nothing moves any more");
            (void)!lks_stream_end(f->stream, LKS_OPEN);
        }
    }
}

/* Our close_notify or alert, as far as the socket takes it. */
static void say_goodbye(struct fetch *f)
{
    (void)!lks_stream_end(f->stream, LKS_SEAL);
    while (flush(f))
        ;
    shutdown(f->fd, SHUT_WR);
}

static void say_agreed(const struct lks_conn *conn)
{
    struct lks_conn_info info;
    lks_conn_get_info(conn, &info);
    fprintf(stderr, "%s, %s, %s handshake\n", info.version == LKS_TLS_1_3 ? "TLS 1.3" : "TLS 1.2",
            info.suite_name, info.resumed ? "resumed" : "full");
}

/* A GET. session, LKS_SESSION_MAX bytes, is the one to resume, and after it the one to come. */
static bool fetch(struct lks_config *config, char **args, uint8_t *session, size_t *session_len,
                  FILE *answer)
{
    static struct fetch f;
    const struct lks_conn_options options = {
        .server_name = args[0], .session = session, .session_len = *session_len};
    memset(&f, 0, sizeof(f));
    f.answer = answer;
    const int len =
        snprintf(f.request, sizeof(f.request),
                 "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", args[2], args[0]);
    if (len < 0 || (size_t)len >= sizeof(f.request) || strpbrk(args[2], " \r\n"))
        return fail(args[2], "no path, or too long a one");
    f.request_len = (size_t)len;
    enum lks_status status = lks_stream_new(&f.stream, config, LKS_CLIENT, &options, NULL);
    if (status)
        return fail(args[0], lks_status_name(status));
    f.fd = connect_to(args[0], args[1]);
    if (f.fd < 0) {
        lks_stream_free(f.stream);
        return false;
    }
    status = transfer(&f);
    struct lks_conn *conn = lks_stream_conn(f.stream);
    if (lks_conn_is_established(conn))
        say_agreed(conn);
    if (status != LKS_CLOSED)
        fail_status(&f, status);
    if (lks_conn_take_session(conn, session, LKS_SESSION_MAX, session_len))
        *session_len = 0; /* the server gives none */
    say_goodbye(&f);
    close(f.fd);
    lks_stream_free(f.stream);
    return status == LKS_CLOSED;
}

/* NULL: it has said why. ca_file NULL: the system's. */
static struct lks_config *configure(const char *ca_file)
{
    struct lks_error err = {"no memory"};
    struct lks_policy *policy;
    struct lks_config *config = NULL;
    if (lks_policy_new(&policy) || lks_policy_set_trust(policy, lks_from_file(ca_file), &err) ||
        lks_policy_set_alpn(policy, "http/1.1", &err) ||
        lks_config_new(&config, policy, NULL, NULL, &err))
        fail("cannot begin", err.text);
    lks_policy_free(policy);
    return config;
}

int main(int argc, char **argv)
{
    static uint8_t session[LKS_SESSION_MAX]; /* as secret as the connections' keys */
    size_t session_len = 0;
    if (argc < 4 || argc > 5)
        return !fail("usage", "https_client HOST PORT PATH [CA_FILE]");
    struct lks_config *config = configure(argv[4]);
    if (!config)
        return 1;
    FILE *nowhere = fopen("/dev/null", "w");
    bool ok = nowhere != NULL;
    ok = ok && fetch(config, argv + 1, session, &session_len, nowhere);
    ok = ok && fetch(config, argv + 1, session, &session_len, stdout);
    ok = ok && fflush(stdout) == 0;
    explicit_bzero(session, sizeof(session));
    lks_config_free(config);
    if (nowhere)
        fclose(nowhere);
    return ok ? 0 : 1;
}
