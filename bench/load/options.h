/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LOAD_OPTIONS_H
#define LOCKSTEP_LOAD_OPTIONS_H

/* The command line behind EAL's "--". Strings point into it. */

#include <stdbool.h>
#include <stdint.h>

#include "net/net.h"

#define OPTIONS_ADDRESSES 31u /* what an instance takes, its link-local one aside */
#define OPTIONS_HEADERS   16u

enum load_idle {
    LOAD_IDLE_SPIN,
    LOAD_IDLE_YIELD,
    LOAD_IDLE_SLEEP,
};

struct options {
    struct net_addr target, serve; /* port 0: not given */
    struct net_address addresses[OPTIONS_ADDRESSES];
    uint32_t num_addresses;
    struct net_ip gateways[2]; /* one a family */
    uint32_t num_gateways;
    uint64_t port_id, mtu, vlan, mbufs;

    uint64_t connections, per_connection, rate, duration_s, warmup_s, max_requests, timeout_s;
    uint64_t resume_percent;
    bool is_poisson;

    const char *method, *path, *host, *headers[OPTIONS_HEADERS];
    uint32_t num_headers;
    uint64_t body_len;

    const char *server_name, *tls, *suites, *groups, *alpn, *ca, *cert, *key, *key_log;
    bool is_insecure;

    uint64_t serve_size, serve_connections;

    const char *json; /* "-": standard output, in the table's place */
    enum load_idle idle;
    uint64_t idle_us;
    bool help, version;
};

/* 0, or -1: error has one line that names the option, the cause and the remedy. */
int options_parse(struct options *o, int argc, char **argv, char *error, unsigned int error_len);
void options_help(const char *program);

/* Both in options_addr.c. A value that is no such thing: as above. */
int options_add_addresses(struct options *o, const char *value, char *error,
                          unsigned int error_len);
int options_set_addr(struct net_addr *addr, const char *option, const char *value, char *error,
                     unsigned int error_len);
int options_add_gateway(struct options *o, const char *value, char *error, unsigned int error_len);
/* What does not fit together is found. */
int options_check_addresses(const struct options *o, char *error, unsigned int error_len);

int options_fail(char *error, unsigned int error_len, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
