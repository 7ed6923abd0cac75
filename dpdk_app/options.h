/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_OPTIONS_H
#define LOCKSTEPD_OPTIONS_H

#include "worker.h"

#define OPTIONS_LIST_MAX 16u

/* The command line behind EAL's "--". Strings point into it. */
struct options {
    struct net_addr listen[OPTIONS_LIST_MAX];
    uint32_t num_listen;
    struct net_address addresses[OPTIONS_LIST_MAX]; /* those of `listen`, once each */
    uint32_t num_addresses;
    struct net_ip gateways[2]; /* one a family */
    uint32_t num_gateways;
    uint16_t vlan; /* 0: untagged */
    const char *cert[OPTIONS_LIST_MAX], *key[OPTIONS_LIST_MAX];
    uint32_t num_certs, num_keys;
    struct net_addr backend;
    bool strict_sni;
    const char *alpn, *preset, *suites, *groups, *key_log, *ticket_keys;
    uint16_t port_id;
    uint16_t mtu; /* 0: the interface's */
    uint32_t num_mbufs, max_connections;
    uint32_t handshake_timeout_s, idle_timeout_s;
    uint32_t workers; /* 0: as many as there are lcores for */
    enum idle_policy idle;
    uint32_t idle_us;
    bool help, version;
};

/* 0, or -1: error has one line that names the option, the cause and the remedy. */
int options_parse(struct options *o, int argc, char **argv, char *error, unsigned int error_len);
/* Whether a word is one of our options, which EAL does not know. */
bool options_is_ours(const char *arg);
void options_help(const char *program);

#endif
