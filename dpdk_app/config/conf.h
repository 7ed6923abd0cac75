/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CONFIG_H
#define LOCKSTEPD_CONFIG_H

/*
 * What lockstepd is told, by a file (conf_read()) or by its command line: one struct, and one way
 * from it to what runs. schema.c says what there is, what each key takes and what holds without it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

#include "arena.h"
#include "complaints.h"

struct conf_schema;

/* In front of every block: where it stands, and each of its keys. */
struct conf_head {
    const struct conf_schema *schema;
    struct place place;
    struct place *places; /* one a key of the schema; line 0 and no option: not given */
};

/* Words, of which there may be several. */
struct conf_word {
    char *text;
    struct place place;
};
struct conf_words {
    struct conf_word *all;
    uint32_t num;
};

/* Addresses of ours, to listen on (port 0: none) or alone. */
struct conf_address {
    struct net_addr addr;
    uint8_t prefix_len; /* in the 16 bytes; 0: not said */
    bool is_any;        /* ":443": every address of ours */
    const char *text;
    struct place place;
};
struct conf_addresses {
    struct conf_address *all;
    uint32_t num;
};

/* The blocks of a list, one behind the other. */
struct conf_blocks {
    void *all;
    uint32_t num;
};

struct conf_certificate {
    struct conf_head head;
    const char *chain, *key, *ocsp_response, *sct;
};

struct conf_client_auth {
    struct conf_head head;
    uint32_t mode; /* enum lks_client_auth */
    const char *trust;
    struct conf_words crls;
    bool crl_missing, crl_expired; /* are taken */
    bool send_authorities;
    uint32_t sessions; /* enum lks_client_sessions */
    struct conf_words compression;
};

struct conf_tickets {
    struct conf_head head;
    uint32_t number, lifetime_s;
};

struct conf_site {
    struct conf_head head;
    struct conf_words names;
    struct conf_blocks certificates;
    struct conf_words compression;
    const char *pool_name;
    struct conf_pool *pool; /* conf_check() finds it */
    const char *min_version, *max_version, *preset;
    struct conf_words suites, groups, schemes, alpn;
    bool strict_sni;
    struct conf_client_auth client_auth;
    struct conf_tickets tickets;
    struct conf_words psk_modes;
    uint32_t early_data;
    bool grease;
    uint32_t record_size_limit;
    uint32_t padding; /* enum lks_padding */
    uint32_t padding_size;
};

struct conf_frontend {
    struct conf_head head;
    struct conf_addresses listen;
    struct conf_blocks sites; /* the first one serves whom no name leads elsewhere */
};

struct conf_server {
    struct conf_head head;
    struct net_addr addr;
    uint32_t weight;
};

enum conf_balance {
    BALANCE_ROUND_ROBIN,
    BALANCE_LEAST_CONNECTIONS,
    BALANCE_SOURCE,
};

enum conf_proxy {
    PROXY_OFF,
    PROXY_V2,
};

struct conf_pool {
    struct conf_head head;
    const char *name;
    struct conf_blocks servers;
    uint32_t balance; /* enum conf_balance */
    uint32_t retries;
    uint32_t proxy_protocol; /* enum conf_proxy */
};

enum idle_policy {
    IDLE_SPIN,
    IDLE_YIELD,
    IDLE_SLEEP,
};

#define CONF_MTU_MIN     576u
#define CONF_MTU_MAX     1500u
#define CONF_WORKERS_MAX 64u

struct conf_device {
    struct conf_head head;
    uint32_t port;
    uint32_t mtu;     /* 0: the interface's */
    uint32_t vlan;    /* 0: untagged */
    uint32_t workers; /* 0: as many as there is room for */
    uint32_t buffers;
    uint32_t idle; /* enum idle_policy */
    uint32_t idle_us;
};

struct conf_limits {
    struct conf_head head;
    uint32_t connections;
};

struct conf_timeouts {
    struct conf_head head;
    uint32_t handshake_s, idle_s, drain_delay_s, drain_s;
};

struct conf_sessions {
    struct conf_head head;
    const char *ticket_keys, *ticket_secret;
    uint32_t ticket_period_s;
    uint32_t cache;
    uint32_t replay_window_ms, replay_hellos;
    const char *cookie_key;
};

/* An address of ours, once each. */
struct conf_own {
    struct net_addr addr; /* port 0 */
    uint8_t prefix_len;
    struct place place;
};

struct conf {
    struct conf_head head;
    struct arena arena; /* all of it */
    struct conf_words eal;
    struct conf_device device;
    struct conf_addresses addresses, gateways;
    struct conf_limits limits;
    struct conf_timeouts timeouts;
    struct conf_sessions sessions;
    const char *key_log;
    struct conf_site defaults; /* what sites begin with */
    struct conf_blocks frontends, pools;
    /* made of the above by conf_check() */
    struct conf_own *own;
    uint32_t num_own;
};

/* A block's items. */
#define CONF_ITEM(type, blocks, i) (&((type *)(blocks)->all)[i])

/* Defaults alone. NULL: no memory. */
struct conf *conf_new(void);
void conf_free(struct conf *config); /* NULL: nothing */

/* Reads a file, and those that it includes. NULL: something is wrong, all of which was complained
 * about. */
struct conf *conf_read(const char *path, struct complaints *c);
/* The same of bytes; name stands for the file. */
struct conf *conf_read_text(const char *name, const char *bytes, size_t len, struct complaints *c);

/* What a command line comes to: a tree without places in files, of which nothing is required, and
 * conf_check() is the caller's. NULL: no memory; else what is wrong was complained about. */
struct node;
struct conf *conf_read_tree(struct node *root, struct complaints *c);

/* Whether its parts fit together: pools that are named exist, addresses can be reached, names are
 * there once. Complains of what does not. conf_read() calls it. */
void conf_check(struct conf *config, struct complaints *c);

/* Complains of what next would change and only a start can. */
void conf_compare(const struct conf *now, const struct conf *next, struct complaints *c);

/* Where the key of a block's member was said: offsetof(struct …, member). */
const struct place *conf_place(const struct conf_head *head, size_t member);
/* That key's name. */
const char *conf_key_name(const struct conf_head *head, size_t member);

#endif
