/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A small TLS client for tests with other servers on 127.0.0.1: one connection.
 *
 *     lks_test_client --port N [--name NAME] [--session FILE] [--early TEXT] [options of driver.h]
 *
 * --session resumes the session of a file, if there is one, and leaves the newest one there;
 * --early sends TEXT and the end of a line as early data.
 *
 * Prints "established" once it is, then what comes; sends the lines of its standard input, except
 * "!update" (new keys both ways). At the input's end it closes, waits for the server to close, and
 * prints the connection's report (driver.h). Ends with status 0 if both sides closed, else 1.
 */

#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver.h"
#include "side.h"

#define PATIENCE_MS 20000

static struct side side;
static struct buffer lines; /* of the standard input, not acted upon yet */
static int fd;
static bool input_ended, fin;

static void die(const char *what)
{
    fprintf(stderr, "lks_test_client: %s\n", what);
    exit(2);
}

/* A file's session into options; none if the file is not there. */
static void load_session(const char *path, struct lks_conn_options *options)
{
    static uint8_t session[LKS_SESSION_MAX];
    FILE *f = fopen(path, "rb");
    if (!f)
        return;
    options->session = session;
    options->session_len = fread(session, 1, sizeof(session), f);
    fclose(f);
}

static void save_session(const char *path)
{
    FILE *f = side.session_len ? fopen(path, "wb") : NULL;
    if (!f)
        return;
    fwrite(side.session, 1, side.session_len, f);
    fclose(f);
}

static void connect_to(uint16_t port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
        fcntl(fd, F_SETFL, O_NONBLOCK))
        die("cannot connect");
}

static void receive(void)
{
    uint8_t bytes[65536];
    ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
    if (n > 0)
        buffer_add(&side.wire_in, bytes, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        fin = true;
}

static void transmit(void)
{
    struct buffer *out = &side.wire_out;
    ssize_t n = out->len ? send(fd, out->data, out->len, MSG_NOSIGNAL) : 0;
    if (n > 0)
        buffer_drop(out, (size_t)n);
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        fin = true;
}

static void read_input(void)
{
    uint8_t bytes[4096];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (n > 0)
        buffer_add(&lines, bytes, (size_t)n);
    else
        input_ended = true;
}

/* The lines that are there: commands act once all before them is sealed, the rest is sent. */
static void take_lines(void)
{
    static const char update[] = "!update\n";
    const uint8_t *end;
    while (side.established && lines.len && (end = memchr(lines.data, '\n', lines.len)) != NULL) {
        size_t len = (size_t)(end - lines.data) + 1;
        if (len == sizeof(update) - 1 && memcmp(lines.data, update, len) == 0) {
            if (side.to_send.len || lks_conn_update_key(side.conn, true))
                return;
        } else {
            buffer_add(&side.to_send, lines.data, len);
        }
        buffer_drop(&lines, len);
    }
    if (input_ended && !lines.len && !side.to_send.len)
        lks_conn_close(side.conn);
}

static void print_received(void)
{
    if (!side.received.len)
        return;
    fwrite(side.received.data, 1, side.received.len, stdout);
    fflush(stdout);
    side.received.len = 0;
}

static bool is_over(void)
{
    if (side.wire_out.len)
        return fin;
    return fin || side.end ||
           (lks_conn_close_sent(side.conn) && lks_conn_close_received(side.conn));
}

static void run(void)
{
    struct poll_loop loop;
    struct side *sides[] = {&side};
    bool announced = false;
    loop_init(&loop, 64, 4096);
    for (int left = PATIENCE_MS; left > 0;) {
        while (loop_poll(&loop, sides, 1)) {
            take_lines();
            transmit();
        }
        take_lines();
        print_received();
        if (side.established && !announced) {
            announced = true;
            puts("established");
            fflush(stdout);
        }
        transmit();
        if (is_over())
            break;
        struct pollfd fds[] = {{fd, (short)(POLLIN | (side.wire_out.len ? POLLOUT : 0)), 0},
                               {input_ended ? -1 : STDIN_FILENO, POLLIN, 0}};
        if (poll(fds, 2, 10) == 0)
            left -= 10;
        if (fds[0].revents)
            receive();
        if (fds[1].revents)
            read_input();
    }
    loop_free(&loop);
}

int main(int argc, char **argv)
{
    struct lks_config *config = config_new();
    struct lks_conn_options options = {.server_name = "localhost"};
    const char *session_file = NULL, *early = NULL;
    unsigned long port = 0;
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (driver_option(config, argv, &i))
            continue;
        i++;
        if (strcmp(option, "--port") == 0)
            port = strtoul(value, NULL, 10);
        else if (strcmp(option, "--name") == 0)
            options.server_name = value;
        else if (strcmp(option, "--session") == 0)
            session_file = value;
        else if (strcmp(option, "--early") == 0)
            early = value;
        else
            die("unknown option; see the head of client_program.c");
    }
    if (session_file)
        load_session(session_file, &options);
    options.early_data = early != NULL;
    connect_to((uint16_t)port);
    side_init_as(&side, config, LKS_CLIENT, &options);
    if (early) {
        buffer_add(&side.to_send, early, strlen(early));
        buffer_add(&side.to_send, "\n", 1);
        side.sent_early = side.to_send.len;
    }
    run();
    if (session_file)
        save_session(session_file);
    driver_report(&side);
    bool closed = !side.end && !lks_conn_truncated(side.conn);
    side_free(&side);
    buffer_free(&lines);
    lks_config_free(config);
    close(fd);
    return closed ? 0 : 1;
}
