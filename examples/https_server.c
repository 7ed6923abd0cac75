/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * An HTTPS server on epoll: one thread, one engine for the streams of all clients, one file that
 * every GET is answered with. Of several certificates the client's server name (SNI) chooses; one
 * that names none gets the first.
 *
 *     https_server PORT FILE CERT KEY [CERT KEY]...
 *
 * It listens on 127.0.0.1; with PORT 0 on any that is free, and says which. SIGTERM ends it.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <lockstep/stream.h>

#define CLIENTS_MAX 256 /* more have to wait for one to go */
#define REQUEST_S   10  /* from connecting, or the last answer's end, to a whole request */
#define PROGRESS_S  30  /* from one piece of an answer leaving to the next */
#define GOODBYE_S   5   /* from our last byte to the client's */
#define TURNS_MAX   16  /* of one client before the others have theirs */
#define PIECE       16384
#define REQUEST_MAX 4096

/* Bytes on their way between socket and stream, which takes what it has room for. */
struct bytes {
    uint8_t data[PIECE];
    size_t begin, end;
};

enum state {
    ASKING,    /* a request comes, its first byte or its last */
    ANSWERING, /* what was asked for goes out, and nothing is read */
    LEAVING,   /* close_notify is said, or the stream has failed; what is left to be sent goes */
    GONE,      /* all was sent; the client's end of the connection is awaited */
};

struct client {
    int fd;
    struct lks_stream *stream;
    enum state state;
    time_t deadline;
    bool is_last;     /* no request comes behind this one */
    bool input_ended; /* TCP's */
    struct bytes in, out;
    char request[REQUEST_MAX + 1];
    size_t request_len;
    char head[256];
    size_t head_len, head_at;
    off_t body_at, body_end;
};

static int poller, listener, file;
static off_t file_len;
static struct lks_config *config;
static struct lks_engine *engine;
static struct client *clients[CLIENTS_MAX];
static unsigned int num_clients;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "https_server: %s: %s\n", what, why);
    exit(1);
}

static time_t now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void watch(int op, int fd, uint32_t events, void *who)
{
    struct epoll_event event = {.events = events, .data.ptr = who};
    if (epoll_ctl(poller, op, fd, &event))
        die("epoll", strerror(errno));
}

/* While there is no place for more, they wait in the listener's queue. */
static void watch_listener(void)
{
    watch(EPOLL_CTL_MOD, listener, num_clients < CLIENTS_MAX ? EPOLLIN : 0, NULL);
}

static void drop(unsigned int i)
{
    struct client *c = clients[i];
    lks_stream_free(c->stream);
    close(c->fd); /* epoll forgets it */
    free(c);
    clients[i] = clients[--num_clients];
    watch_listener();
}

static void accept_one(void)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
            fprintf(stderr, "accept: %s\n", strerror(errno));
        return;
    }
    struct client *c = calloc(1, sizeof(*c));
    enum lks_status status =
        c ? lks_stream_new(&c->stream, config, LKS_SERVER, NULL, engine) : LKS_NO_MEMORY;
    if (status) {
        fprintf(stderr, "a client is turned away: %s\n", lks_status_name(status));
        free(c);
        close(fd);
        return;
    }
    c->fd = fd;
    c->deadline = now_s() + REQUEST_S;
    clients[num_clients++] = c;
    watch(EPOLL_CTL_ADD, fd, EPOLLIN, c);
    watch_listener();
}

/* Why a connection ended that was not to end yet. */
static void say_why(const struct client *c, enum lks_status status)
{
    const struct lks_conn *conn = lks_stream_conn(c->stream);
    fprintf(stderr, "client %d: %s, %s: %s\n", c->fd,
            lks_conn_is_established(conn) ? "established" : "handshake", lks_status_name(status),
            lks_conn_reason(conn));
}

static void leave(struct client *c)
{
    if (lks_stream_end(c->stream, LKS_SEAL) == LKS_OK)
        c->state = LEAVING;
    c->deadline = now_s() + PROGRESS_S;
}

/* From the socket to the stream. Returns whether a byte moved, or the end came. */
static bool receive(struct client *c)
{
    size_t taken;
    bool moved = false;
    if (c->in.begin == c->in.end && !c->input_ended) {
        ssize_t n = recv(c->fd, c->in.data, sizeof(c->in.data), 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        c->in.begin = 0;
        c->in.end = n > 0 ? (size_t)n : 0;
        moved = true;
        if (n <= 0) { /* FIN, or RST */
            c->input_ended = true;
            (void)!lks_stream_end(c->stream, LKS_OPEN);
        }
    }
    /* What goes wrong here is also said by lks_stream_read(), behind what came before. */
    (void)!lks_stream_feed(c->stream, c->in.data + c->in.begin, c->in.end - c->in.begin, &taken);
    c->in.begin += taken;
    return moved || taken;
}

/* From the stream to the socket. */
static bool flush(struct client *c)
{
    bool moved = false;
    if (c->state == GONE)
        return false;
    if (c->out.begin == c->out.end) {
        size_t len;
        enum lks_status status = lks_stream_drain(c->stream, c->out.data, PIECE, &len);
        c->out.begin = 0;
        c->out.end = len;
        moved = len != 0;
        /* close_notify has gone, or the alert of whatever went wrong. */
        if (status != LKS_OK && status != LKS_WANT_DATA) {
            shutdown(c->fd, SHUT_WR);
            c->state = GONE;
            c->deadline = now_s() + GOODBYE_S;
            return true;
        }
    }
    ssize_t n = send(c->fd, c->out.data + c->out.begin, c->out.end - c->out.begin, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        c->input_ended = true; /* nobody is there */
        c->state = GONE;
        return true;
    }
    if (n > 0) {
        c->out.begin += (size_t)n;
        if (c->state != ASKING) /* who only asks has REQUEST_S for it, however slowly */
            c->deadline = now_s() + PROGRESS_S;
    }
    return moved || n > 0;
}

static bool has_header(const char *request, const char *name)
{
    for (const char *line = strstr(request, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, strlen(name)) == 0)
            return true;
    return false;
}

/* request is a whole one, ended by a 0. */
static void begin_answer(struct client *c, const char *request)
{
    const bool is_head = strncmp(request, "HEAD ", 5) == 0;
    const char *result = "200 OK";
    c->body_at = c->body_end = 0;
    if (!is_head && strncmp(request, "GET ", 4) != 0)
        result = "405 Method Not Allowed";
    else if (has_header(request, "Content-Length:") || has_header(request, "Transfer-Encoding:"))
        result = "413 Content Too Large"; /* none is wanted, and what follows may be one */
    else
        c->body_end = file_len;
    c->is_last |= result[0] != '2' || has_header(request, "Connection: close") ||
                  strstr(request, " HTTP/1.0\r\n");
    c->head_len =
        (size_t)snprintf(c->head, sizeof(c->head), "HTTP/1.1 %s\r\nContent-Length: %jd\r\n%s\r\n",
                         result, (intmax_t)c->body_end, c->is_last ? "Connection: close\r\n" : "");
    if (is_head)
        c->body_end = 0;
    c->head_at = 0;
    c->state = ANSWERING;
}

/* From the stream to a request. */
static bool ask(struct client *c)
{
    size_t len;
    char *end = memmem(c->request, c->request_len, "\r\n\r\n", 4);
    if (end) {
        end[2] = 0;
        begin_answer(c, c->request);
        c->request_len -= (size_t)(end + 4 - c->request);
        memmove(c->request, end + 4, c->request_len); /* the next one may have begun */
        return true;
    }
    if (c->request_len == REQUEST_MAX) {
        fprintf(stderr, "client %d: a request of more than %d bytes\n", c->fd, REQUEST_MAX);
        leave(c);
        return true;
    }
    enum lks_status status = lks_stream_read(c->stream, (uint8_t *)c->request + c->request_len,
                                             REQUEST_MAX - c->request_len, &len);
    c->request_len += len;
    if (status == LKS_OK)
        return true;
    if (status == LKS_WANT_DATA)
        return false;
    if (status != LKS_CLOSED) /* LKS_TRUNCATED also tells of clients that just go */
        say_why(c, status);
    leave(c);
    return true;
}

/* From the file to the stream. */
static bool answer(struct client *c)
{
    uint8_t piece[PIECE];
    const uint8_t *data = (const uint8_t *)c->head + c->head_at;
    size_t taken, len = c->head_len - c->head_at;
    if (!len && c->body_at < c->body_end) {
        const off_t left = c->body_end - c->body_at;
        ssize_t n = pread(file, piece, left < PIECE ? (size_t)left : PIECE, c->body_at);
        if (n <= 0) { /* it has got shorter; without close_notify the client knows */
            fprintf(stderr, "client %d: the file cannot be read\n", c->fd);
            c->state = GONE;
            c->input_ended = true;
            return true;
        }
        data = piece;
        len = (size_t)n;
    }
    if (!len) {
        c->state = ASKING;
        c->deadline = now_s() + REQUEST_S;
        if (c->is_last)
            leave(c);
        return true;
    }
    enum lks_status status = lks_stream_write(c->stream, data, len, &taken);
    if (data == piece)
        c->body_at += (off_t)taken;
    else
        c->head_at += taken;
    if (status != LKS_OK && status != LKS_WANT_ROOM) {
        say_why(c, status);
        leave(c);
        return true;
    }
    return taken != 0;
}

/* After close_notify: what still comes is read and thrown away, until the client goes too. */
static bool part(struct client *c)
{
    uint8_t bytes[PIECE];
    size_t len;
    return lks_stream_read(c->stream, bytes, sizeof(bytes), &len) == LKS_OK;
}

/* All that can be done for a client now. Returns false when it is to be dropped. */
static bool turn(struct client *c)
{
    bool moved = true;
    for (int i = 0; moved && i < TURNS_MAX; i++) {
        moved = receive(c);
        moved |= c->state == ASKING ? ask(c) : c->state == ANSWERING ? answer(c) : part(c);
        moved |= flush(c);
        if (c->state == GONE && c->input_ended)
            return false;
    }
    /* Input is wanted unless the stream waits for us; output if there is any, or may soon be. */
    const bool wants_in = c->in.begin == c->in.end && !c->input_ended;
    const bool wants_out = moved || c->out.begin != c->out.end;
    watch(EPOLL_CTL_MOD, c->fd, (wants_in ? EPOLLIN : 0u) | (wants_out ? EPOLLOUT : 0u), c);
    return true;
}

static void drop_client(const struct client *c)
{
    for (unsigned int i = 0; i < num_clients; i++)
        if (clients[i] == c) {
            drop(i);
            return;
        }
}

static void drop_the_late(void)
{
    const time_t now = now_s();
    for (unsigned int i = num_clients; i-- > 0;)
        if (clients[i]->deadline <= now)
            drop(i);
}

static void listen_on(const char *text)
{
    const int on = 1;
    char *end;
    const unsigned long port = strtoul(text, &end, 10);
    if (!*text || *end || port > 65535)
        die(text, "no port");
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        bind(listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(listener, 128) ||
        getsockname(listener, (struct sockaddr *)&addr, &len))
        die("cannot listen", strerror(errno));
    printf("port %u\n", ntohs(addr.sin_port));
    fflush(stdout);
}

static void configure(char **pairs)
{
    struct lks_error err;
    struct lks_policy *policy;
    struct lks_identities *identities;
    struct lks_memory *memory;
    if (lks_policy_new(&policy) || lks_identities_new(&identities) || lks_memory_new(&memory) ||
        lks_engine_new(&engine, 64))
        die("cannot begin", "no memory");
    for (; pairs[0]; pairs += 2)
        if (lks_identities_add_certificate(identities, lks_from_file(pairs[0]),
                                           lks_from_file(pairs[1]), &err))
            die("certificate", err.text);
    if (lks_policy_set_alpn(policy, "http/1.1", &err))
        die("ALPN", err.text);
    for (uint32_t i = 0; lks_identities_warning(identities, i, &err); i++)
        fprintf(stderr, "https_server: %s\n", err.text);
    if (lks_config_new(&config, policy, identities, memory, &err))
        die("cannot begin", err.text);
    lks_policy_free(policy);
    lks_identities_free(identities);
    lks_memory_free(memory);
}

static void open_file(const char *name)
{
    struct stat st;
    file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &st) || !S_ISREG(st.st_mode))
        die(name, file < 0 ? strerror(errno) : "no file");
    file_len = st.st_size;
}

int main(int argc, char **argv)
{
    const struct sigaction on_stop = {.sa_handler = on_signal};
    if (argc < 5 || argc % 2 == 0)
        die("usage", "https_server PORT FILE CERT KEY [CERT KEY]...");
    sigaction(SIGTERM, &on_stop, NULL);
    sigaction(SIGINT, &on_stop, NULL);
    configure(argv + 3);
    open_file(argv[2]);
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        die("epoll", strerror(errno));
    listen_on(argv[1]);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    while (!stopped) {
        struct epoll_event events[64];
        int num = epoll_wait(poller, events, 64, 1000);
        for (int i = 0; i < num; i++) {
            struct client *c = events[i].data.ptr;
            if (!c)
                accept_one();
            else if (!turn(c))
                drop_client(c);
        }
        drop_the_late();
    }
    while (num_clients)
        drop(0);
    lks_engine_free(engine);
    lks_config_free(config);
    close(file);
    close(listener);
    close(poller);
    return 0;
}
