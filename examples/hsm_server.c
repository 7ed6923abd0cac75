/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A server that does not have its key. For each signature a process of its own, which has it, gets
 * the bytes through a pipe and answers through another, as an HSM or a key server would; here it is
 * "openssl dgst". Meanwhile the loop goes on with the other clients, and a client that goes before
 * its signature comes is no trouble. Whatever a client says, it gets one answer.
 *
 *     hsm_server PORT CERT KEY
 *
 * CERT is for an ECDSA P-256 key; KEY is a file that only the signing process opens. It listens on
 * 127.0.0.1; with PORT 0 on any that is free, and says which. SIGTERM ends it. (For time limits,
 * which it lacks, see https_server.c.)
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lockstep/callbacks.h>
#include <lockstep/stream.h>

#define CLIENTS_MAX 64 /* more have to wait for one to go */
#define PIECE       4096

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 17\r\nConnection: close\r\n\r\n"
                             "signed elsewhere\n";

struct client {
    int fd;
    struct lks_stream *stream;
    uint8_t in[PIECE], out[PIECE];
    size_t in_at, in_end, out_at, out_end;
    bool input_ended, answered, done;
};

/* A signature under way. It may outlast its client. */
struct job {
    struct lks_ask *ask;
    pid_t pid;
    int fd; /* the signature comes here */
    uint8_t sig[1024];
    size_t len;
};

static struct client *clients[CLIENTS_MAX];
static struct job *jobs[CLIENTS_MAX]; /* a client has one at most, but some outlast theirs */
static unsigned int num_clients, num_jobs;
static struct lks_config *config;
static struct lks_engine *engine;
static const char *key_file;
static int listener;
static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "hsm_server: %s: %s\n", what, why);
    exit(1);
}

/* Starts the process that signs what it reads, and closes its ends of the pipes here. */
static bool start_signer(struct job *job, int to[2], int from[2])
{
    char *args[] = {"openssl", "dgst", "-sha256", "-sign", (char *)(uintptr_t)key_file, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    extern char **environ;
    const int rc = posix_spawnp(&job->pid, args[0], &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    return rc == 0;
}

/* A few hundred bytes, which a pipe has room for: nothing waits. */
static bool send_content(const struct lks_ask *ask, int fd)
{
    size_t len;
    const uint8_t *content = lks_ask_content(ask, &len);
    const bool sent = write(fd, content, len) == (ssize_t)len;
    close(fd);
    return sent;
}

/* The callback: within it nothing is waited for, and the connection is only looked at. A question
 * that is freed is answered by no. */
static void sign(void *user, struct lks_conn *conn, struct lks_ask *ask)
{
    int to[2], from[2];
    struct job *job = num_jobs < CLIENTS_MAX ? calloc(1, sizeof(*job)) : NULL;
    (void)user, (void)conn;
    if (!job || pipe2(to, O_CLOEXEC)) {
        free(job);
        lks_ask_free(ask);
        return;
    }
    if (pipe2(from, O_CLOEXEC)) {
        close(to[0]);
        close(to[1]);
        free(job);
        lks_ask_free(ask);
        return;
    }
    const bool started = start_signer(job, to, from);
    job->ask = ask;
    job->fd = from[0];
    if (!send_content(ask, to[1]) || !started)
        fprintf(stderr, "hsm_server: nobody to sign\n"); /* the pipe's end tells the rest */
    jobs[num_jobs++] = job;
}

static void say_why(const struct client *c)
{
    fprintf(stderr, "client %d: %s: %s\n", c->fd,
            lks_status_name(lks_conn_status(lks_stream_conn(c->stream))),
            lks_conn_reason(lks_stream_conn(c->stream)));
}

/* From the stream to the socket, as far as it goes. */
static void flush(struct client *c)
{
    for (;;) {
        if (c->out_at == c->out_end) {
            const enum lks_status status =
                lks_stream_drain(c->stream, c->out, sizeof(c->out), &c->out_end);
            c->out_at = 0;
            if (status != LKS_OK) {
                if (status != LKS_WANT_DATA) { /* close_notify has gone, or an alert */
                    if (status != LKS_CLOSED)
                        say_why(c);
                    c->done = true;
                }
                return;
            }
        }
        const ssize_t n = send(c->fd, c->out + c->out_at, c->out_end - c->out_at, MSG_NOSIGNAL);
        if (n < 0) {
            c->done = errno != EAGAIN && errno != EINTR;
            return;
        }
        c->out_at += (size_t)n;
    }
}

/* From the socket to the stream; what it does not take yet stays in in[]. */
static void receive(struct client *c)
{
    size_t taken;
    if (c->in_at == c->in_end && !c->input_ended) {
        const ssize_t n = recv(c->fd, c->in, sizeof(c->in), 0);
        c->in_at = 0;
        c->in_end = n > 0 ? (size_t)n : 0;
        c->input_ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    }
    /* LKS_WANT_ANSWER is among what this says; what went wrong lks_stream_drain() says, too. */
    (void)!lks_stream_feed(c->stream, c->in + c->in_at, c->in_end - c->in_at, &taken);
    c->in_at += taken;
    c->done = c->input_ended && c->in_at == c->in_end;
}

static void turn(struct client *c)
{
    uint8_t bytes[PIECE];
    size_t len, taken;
    receive(c);
    const bool spoke = lks_stream_read(c->stream, bytes, sizeof(bytes), &len) == LKS_OK;
    if (spoke && !c->answered) {
        c->answered = true;
        (void)!lks_stream_write(c->stream, (const uint8_t *)answer, sizeof(answer) - 1, &taken);
        (void)!lks_stream_end(c->stream, LKS_SEAL);
    }
    flush(c);
}

/* The signature is whole, or there is none: the handshake goes on, if it is still there. */
static void finish(unsigned int i)
{
    struct job *job = jobs[i];
    struct lks_conn *conn = lks_ask_conn(job->ask);
    struct client *c = conn ? lks_conn_user(conn) : NULL;
    const enum lks_status status = job->len
                                       ? lks_answer_signature(job->ask, job->sig, job->len, NULL)
                                       : lks_answer_failure(job->ask, LKS_INTERNAL, NULL);
    lks_ask_free(job->ask);
    close(job->fd);
    waitpid(job->pid, NULL, 0); /* it has closed its end: it is about to go */
    free(job);
    jobs[i] = jobs[--num_jobs];
    if (status == LKS_CLOSED)
        fprintf(stderr, "a client did not wait for its signature\n");
    else if (c)
        turn(c);
}

static void hear(unsigned int i)
{
    struct job *job = jobs[i];
    const ssize_t n = read(job->fd, job->sig + job->len, sizeof(job->sig) - job->len);
    if (n > 0)
        job->len += (size_t)n;
    else if (n == 0 || errno != EINTR)
        finish(i);
}

static void accept_one(void)
{
    struct client *c;
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    c = calloc(1, sizeof(*c));
    if (!c || lks_stream_new(&c->stream, config, LKS_SERVER, NULL, engine)) {
        free(c);
        close(fd);
        return;
    }
    c->fd = fd;
    lks_conn_set_user(lks_stream_conn(c->stream), c);
    clients[num_clients++] = c;
}

static void drop(unsigned int i)
{
    lks_stream_free(clients[i]->stream); /* a signature may be out: its answer is told so */
    close(clients[i]->fd);
    free(clients[i]);
    clients[i] = clients[--num_clients];
}

static void once(void)
{
    struct pollfd fds[1 + 2 * CLIENTS_MAX];
    const unsigned int with_jobs = num_jobs, with_clients = num_clients;
    fds[0] = (struct pollfd){.fd = listener, .events = num_clients < CLIENTS_MAX ? POLLIN : 0};
    for (unsigned int i = 0; i < with_jobs; i++)
        fds[1 + i] = (struct pollfd){.fd = jobs[i]->fd, .events = POLLIN};
    for (unsigned int i = 0; i < with_clients; i++) {
        const struct client *c = clients[i];
        const short in = c->in_at == c->in_end ? POLLIN : 0; /* else the stream waits for us */
        const short out = c->out_at != c->out_end ? POLLOUT : 0;
        fds[1 + with_jobs + i] = (struct pollfd){.fd = c->fd, .events = (short)(in | out)};
    }
    if (poll(fds, 1 + with_jobs + with_clients, -1) < 0)
        return;
    for (unsigned int i = with_clients; i-- > 0;)
        if (fds[1 + with_jobs + i].revents)
            turn(clients[i]);
    for (unsigned int i = with_jobs; i-- > 0;) /* from the end: finish() moves the last one */
        if (fds[1 + i].revents)
            hear(i);
    for (unsigned int i = num_clients; i-- > 0;)
        if (clients[i]->done)
            drop(i);
    if (fds[0].revents)
        accept_one();
}

static void configure(const char *certificate)
{
    struct lks_error err;
    struct lks_policy *policy;
    struct lks_identities *identities;
    struct lks_memory *memory;
    if (lks_policy_new(&policy) || lks_identities_new(&identities) || lks_memory_new(&memory) ||
        lks_engine_new(&engine, 64))
        die("cannot begin", "no memory");
    if (lks_identities_add_remote(identities, lks_from_file(certificate), NULL, &err))
        die("certificate", err.text);
    /* What the signer can do, and nothing else. */
    if (lks_policy_set_signature_schemes(policy, "ecdsa_secp256r1_sha256", &err) ||
        lks_policy_set_signer(policy, sign, NULL, &err) ||
        lks_config_new(&config, policy, identities, memory, &err) ||
        lks_config_check(config, LKS_SERVER, &err))
        die("cannot begin", err.text);
    lks_policy_free(policy);
    lks_identities_free(identities);
    lks_memory_free(memory);
}

static void listen_on(const char *port)
{
    const int on = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
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

int main(int argc, char **argv)
{
    const struct sigaction on_stop = {.sa_handler = on_signal};
    if (argc != 4)
        die("usage", "hsm_server PORT CERT KEY");
    sigaction(SIGTERM, &on_stop, NULL);
    sigaction(SIGINT, &on_stop, NULL);
    signal(SIGPIPE, SIG_IGN); /* of a signer that has gone */
    key_file = argv[3];
    configure(argv[2]);
    listen_on(argv[1]);
    while (!stopped)
        once();
    while (num_clients)
        drop(0);
    while (num_jobs)
        finish(0);
    lks_engine_free(engine);
    lks_config_free(config);
    close(listener);
    return 0;
}
