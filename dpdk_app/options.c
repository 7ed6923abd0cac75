/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options_addr.h"
#include "port.h"

enum option_id {
    OPT_LISTEN,
    OPT_CERT,
    OPT_KEY,
    OPT_BACKEND,
    OPT_GATEWAY,
    OPT_ALPN,
    OPT_TLS_PRESET,
    OPT_SUITES,
    OPT_GROUPS,
    OPT_KEY_LOG,
    OPT_TICKET_KEYS,
    OPT_STRICT_SNI,
    OPT_PORT,
    OPT_MBUFS,
    OPT_MAX_CONNECTIONS,
    OPT_HANDSHAKE_TIMEOUT,
    OPT_IDLE_TIMEOUT,
    OPT_IDLE,
    OPT_WORKERS,
    OPT_MTU,
    OPT_VLAN,
    OPT_VERSION,
    OPT_HELP,
    NUM_OPTIONS,
};

static const struct known {
    const char *name;
    bool takes_value, is_list;
    size_t text_at; /* in struct options, where all of the value goes as it is; 0: elsewhere */
} known[NUM_OPTIONS] = {
    [OPT_LISTEN] = {"listen", true, true, 0},
    [OPT_CERT] = {"cert", true, true, 0},
    [OPT_KEY] = {"key", true, true, 0},
    [OPT_BACKEND] = {"backend", true, false, 0},
    [OPT_GATEWAY] = {"gateway", true, true, 0},
    [OPT_ALPN] = {"alpn", true, false, offsetof(struct options, alpn)},
    [OPT_TLS_PRESET] = {"tls-preset", true, false, offsetof(struct options, preset)},
    [OPT_SUITES] = {"suites", true, false, offsetof(struct options, suites)},
    [OPT_GROUPS] = {"groups", true, false, offsetof(struct options, groups)},
    [OPT_KEY_LOG] = {"key-log", true, false, offsetof(struct options, key_log)},
    [OPT_TICKET_KEYS] = {"ticket-keys", true, false, offsetof(struct options, ticket_keys)},
    [OPT_STRICT_SNI] = {"strict-sni", false, false, 0},
    [OPT_PORT] = {"port", true, false, 0},
    [OPT_MBUFS] = {"mbufs", true, false, 0},
    [OPT_MAX_CONNECTIONS] = {"max-connections", true, false, 0},
    [OPT_HANDSHAKE_TIMEOUT] = {"handshake-timeout", true, false, 0},
    [OPT_IDLE_TIMEOUT] = {"idle-timeout", true, false, 0},
    [OPT_IDLE] = {"idle", true, false, 0},
    [OPT_WORKERS] = {"workers", true, false, 0},
    [OPT_MTU] = {"mtu", true, false, 0},
    [OPT_VLAN] = {"vlan", true, false, 0},
    [OPT_VERSION] = {"version", false, false, 0},
    [OPT_HELP] = {"help", false, false, 0},
};

int options_fail(char *error, unsigned int error_len, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(error, error_len, fmt, args);
    va_end(args);
    return -1;
}

bool options_parse_number(const char *text, uint32_t low, uint32_t high, uint32_t *out)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long v = strtoul(text, &end, 10);
    if (*end || v < low || v > high)
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool parse_idle(const char *text, struct options *o)
{
    if (strcmp(text, "spin") == 0)
        o->idle = IDLE_SPIN;
    else if (strcmp(text, "yield") == 0)
        o->idle = IDLE_YIELD;
    else if (strncmp(text, "sleep:", 6) == 0 &&
             options_parse_number(text + 6, 1, 1000000, &o->idle_us))
        o->idle = IDLE_SLEEP;
    else
        return false;
    return true;
}

static int parse_file(struct options *o, int id, const char *value, char *error,
                      unsigned int error_len)
{
    uint32_t *num = id == OPT_CERT ? &o->num_certs : &o->num_keys;
    if (*num == OPTIONS_LIST_MAX)
        return options_fail(error, error_len,
                            "--%s %s: one too many, there is room for %u; leave some out, or have "
                            "one certificate made for several names",
                            known[id].name, value, OPTIONS_LIST_MAX);
    (id == OPT_CERT ? o->cert : o->key)[(*num)++] = value;
    return 0;
}

static int parse_number_of(struct options *o, int id, const char *value, char *error,
                           unsigned int error_len)
{
    uint32_t n;
    const struct {
        int id;
        uint32_t low, high, *to;
    } numbers[] = {{OPT_PORT, 0, 65535, &n},
                   {OPT_MTU, PORT_MTU_MIN, PORT_MTU_MAX, &n},
                   {OPT_VLAN, 1, 4094, &n},
                   {OPT_MBUFS, 1024, 1u << 24, &o->num_mbufs},
                   {OPT_MAX_CONNECTIONS, 1, 9000, &o->max_connections},
                   {OPT_HANDSHAKE_TIMEOUT, 1, 3600, &o->handshake_timeout_s},
                   {OPT_IDLE_TIMEOUT, 1, 86400, &o->idle_timeout_s}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].id != id)
            continue;
        if (!options_parse_number(value, numbers[i].low, numbers[i].high, numbers[i].to))
            return options_fail(error, error_len, "--%s %s: not a number from %u to %u",
                                known[id].name, value, numbers[i].low, numbers[i].high);
        if (id == OPT_PORT)
            o->port_id = (uint16_t)n;
        if (id == OPT_MTU)
            o->mtu = (uint16_t)n;
        if (id == OPT_VLAN)
            o->vlan = (uint16_t)n;
        return 0;
    }
    return options_fail(error, error_len, "--%s is not handled", known[id].name);
}

static int parse_one(struct options *o, int id, const char *value, char *error,
                     unsigned int error_len)
{
    if (known[id].text_at) {
        memcpy((char *)o + known[id].text_at, &value, sizeof(value));
        return 0;
    }
    switch (id) {
    case OPT_LISTEN:
        return options_add_listen(o, value, error, error_len);
    case OPT_BACKEND:
        return options_set_backend(o, value, error, error_len);
    case OPT_GATEWAY:
        return options_add_gateway(o, value, error, error_len);
    case OPT_CERT:
    case OPT_KEY:
        return parse_file(o, id, value, error, error_len);
    case OPT_STRICT_SNI:
        o->strict_sni = true;
        return 0;
    case OPT_WORKERS:
        if (strcmp(value, "auto") == 0)
            o->workers = 0;
        else if (!options_parse_number(value, 1, PORT_QUEUES_MAX, &o->workers))
            return options_fail(error, error_len,
                                "--workers %s: use a number from 1 to %u, or auto", value,
                                PORT_QUEUES_MAX);
        return 0;
    case OPT_HELP:
        o->help = true;
        return 0;
    case OPT_VERSION:
        o->version = true;
        return 0;
    case OPT_IDLE:
        if (parse_idle(value, o))
            return 0;
        return options_fail(error, error_len,
                            "--idle %s: use spin, yield or sleep:MICROSECONDS (1 to 1000000)",
                            value);
    default:
        return parse_number_of(o, id, value, error, error_len);
    }
}

/* The option that a word names, --NAME or --NAME=VALUE; NUM_OPTIONS: none. */
static int find_option(const char *word)
{
    int id = 0;
    if (strcmp(word, "-h") == 0)
        return OPT_HELP;
    const size_t len = strcspn(word, "=");
    while (id < NUM_OPTIONS && (strncmp(word, "--", 2) != 0 || strlen(known[id].name) != len - 2 ||
                                strncmp(word + 2, known[id].name, len - 2) != 0))
        id++;
    return id;
}

/* The only option that a word abbreviates. What is one today may be two options' tomorrow. */
static int find_abbreviated(const char *word)
{
    const size_t len = strcspn(word, "=");
    int found = NUM_OPTIONS;
    if (strncmp(word, "--", 2) != 0 || len <= 2)
        return NUM_OPTIONS;
    for (int id = 0; id < NUM_OPTIONS; id++)
        if (strncmp(word + 2, known[id].name, len - 2) == 0) {
            if (found != NUM_OPTIONS)
                return NUM_OPTIONS;
            found = id;
        }
    return found;
}

bool options_is_ours(const char *arg)
{
    return arg[0] == '-' && arg[1] == '-' && find_option(arg) != NUM_OPTIONS;
}

static int complain_of_word(const char *word, char *error, unsigned int error_len)
{
    const int meant = find_abbreviated(word);
    if (meant != NUM_OPTIONS)
        return options_fail(error, error_len, "%s: write --%s in full", word, known[meant].name);
    if (word[0] == '-' && word[1] && strcmp(word, "--") != 0)
        return options_fail(error, error_len, "%s: no such option (--help lists the options)",
                            word);
    return options_fail(error, error_len, "\"%s\": not an option (--help lists them)", word);
}

/* Finds the value of the option at *at, in the same word or the next one; *at is then its last
 * word's. */
static int find_value(const char **value, int id, int *at, int argc, char **argv, char *error,
                      unsigned int error_len)
{
    const char *name = known[id].name, *equals = strchr(argv[*at], '=');
    *value = equals ? equals + 1 : NULL;
    if (!known[id].takes_value)
        return equals ? options_fail(error, error_len, "--%s takes no value; write it alone", name)
                      : 0;
    if (!equals && *at + 1 == argc)
        return options_fail(error, error_len, "--%s: it needs a value (--help)", name);
    if (!equals) {
        *value = argv[++*at];
        if (strncmp(*value, "--", 2) == 0 || strcmp(*value, "-h") == 0)
            return options_fail(
                error, error_len,
                "--%s: it needs a value, but %s is next; a value that begins like that is "
                "written --%s=VALUE",
                name, *value, name);
    }
    return **value
               ? 0
               : options_fail(
                     error, error_len,
                     "--%s: its value is empty; give one (--help), or leave the option out", name);
}

/* What must be there, and together. */
static int check(struct options *o, char *error, unsigned int error_len)
{
    if (!o->num_listen)
        return options_fail(error, error_len,
                            "--listen is missing: where are clients to connect? (--help)");
    if (!o->backend.port)
        return options_fail(error, error_len,
                            "--backend is missing: where does the plaintext go? (--help)");
    if (!o->num_certs)
        return options_fail(error, error_len,
                            "--cert and --key are missing: name a PEM file each (--help)");
    if (o->num_certs != o->num_keys)
        return options_fail(error, error_len,
                            "%u --cert but %u --key: each certificate needs its key", o->num_certs,
                            o->num_keys);
    return options_check_addresses(o, error, error_len);
}

int options_parse(struct options *o, int argc, char **argv, char *error, unsigned int error_len)
{
    bool is_given[NUM_OPTIONS] = {false};
    *o = (struct options){.num_mbufs = 32768,
                          .max_connections = 8000,
                          .handshake_timeout_s = 10,
                          .idle_timeout_s = 300,
                          .workers = 1,
                          .idle = IDLE_YIELD};
    for (int at = 1; at < argc; at++) {
        const char *value;
        const int id = find_option(argv[at]);
        if (id == NUM_OPTIONS)
            return complain_of_word(argv[at], error, error_len);
        if (find_value(&value, id, &at, argc, argv, error, error_len))
            return -1;
        if (is_given[id] && !known[id].is_list)
            return options_fail(error, error_len, "--%s is given twice; keep one of the two",
                                known[id].name);
        is_given[id] = true;
        if (parse_one(o, id, value, error, error_len))
            return -1;
        if (o->help || o->version)
            return 0;
    }
    return check(o, error, error_len);
}

void options_help(const char *program)
{
    printf(
        "lockstepd terminates TLS 1.3 and 1.2 on a DPDK port and passes the plaintext on over "
        "TCP.\n"
        "\n"
        "usage: %s [EAL options] -- --listen ADDRESS --cert FILE --key FILE --backend ADDRESS ...\n"
        "\n"
        "  --listen IPv4[/PREFIX]:PORT, --listen [IPv6[/PREFIX]]:PORT\n"
        "                               where clients connect; the address is lockstepd's own on\n"
        "                               this port (prefix 24 or 64 unless given); repeat for more\n"
        "                               ports and addresses\n"
        "  --backend IPv4:PORT, --backend [IPv6]:PORT\n"
        "                               where the plaintext goes, through the same DPDK port, "
        "from\n"
        "                               a --listen address of the same family\n"
        "  --cert FILE --key FILE       certificate chain and private key, PEM; repeat the pair\n"
        "                               for more names (chosen by SNI; the first is the default)\n"
        "  --strict-sni                 refuse clients that name none of the certificates' hosts\n"
        "                               (otherwise the default serves them)\n"
        "  --gateway IPv4, --gateway IPv6\n"
        "                               router for what is not on the port's own networks; one a\n"
        "                               family\n"
        "  --alpn LIST                  application protocols, as http/1.1\n"
        "  --tls-preset NAME            modern (TLS 1.3 alone), intermediate (the default), or old "
        "(RSA key\n"
        "                               exchange and CBC, too, but nothing below TLS 1.2)\n"
        "  --suites LIST                cipher suites in order of preference\n"
        "  --groups LIST                key exchange groups in order of preference\n"
        "  --key-log FILE               append the secrets of every connection (debugging only); "
        "lines\n"
        "                               that a slow file has no room for are lost and counted\n"
        "  --ticket-keys FILE           keys that seal session tickets, shared by machines, read "
        "again\n"
        "                               when it changes (random keys without it)\n"
        "  --port N                     DPDK port number (0)\n"
        "  --mtu N                      bytes of an IP packet, 576 to 1500 (what the interface "
        "has)\n"
        "  --vlan ID                    802.1Q tag of all frames, 1 to 4094; others are not heard\n"
        "                               (untagged)\n"
        "  --workers N|auto             poll loops, each with a queue pair of the port, buffers "
        "and\n"
        "                               connections of its own (1). One runs on EAL's main lcore; "
        "more\n"
        "                               run on the others, an lcore each. auto: as many as there "
        "are\n"
        "                               lcores and queue pairs for\n"
        "  --mbufs N                    packet buffers for receiving, and as many for sending, of "
        "each\n"
        "                               worker (32768)\n"
        "  --max-connections N          clients at once, of each worker (8000)\n"
        "  --handshake-timeout SECONDS  for a client that does not go on (10)\n"
        "  --idle-timeout SECONDS       for an established connection without traffic (300)\n"
        "  --idle spin|yield|sleep:US   what a poll loop without work does (yield)\n"
        "  --help, -h; --version        say what there is, and stop\n"
        "\n"
        "SIGUSR1 prints the counters. SIGINT, SIGTERM and SIGQUIT reset all connections, print\n"
        "the counters and stop; a second one stops at once. SIGHUP reads nothing again: the file\n"
        "of --ticket-keys is looked at every second, all else at the start only.\n"
        "\n"
        "With IPv6 the start takes a second: hosts on the link are asked whether they have one of\n"
        "the addresses, and if one has, lockstepd ends. The kernel's own IPv6 is to be off at the\n"
        "interface that a port takes, as both would make the same link-local address of its MAC.\n"
        "\n"
        "A first try on a veth pair, as root (%s with no network card):\n"
        "  ip link add lks0 type veth peer name lks1; ip addr add 10.9.0.1/24 dev lks0\n"
        "  ip link set lks0 up; ip link set lks1 up; ethtool -K lks0 tx off tso off\n"
        "  sysctl net.ipv6.conf.lks1.disable_ipv6=1\n"
        "  %s --no-huge -m 512 -l 0 --no-pci --no-telemetry \\\n"
        "    --vdev=net_af_packet0,iface=lks1,framecnt=4096,blocksz=4096 -- \\\n"
        "    --listen 10.9.0.2:443 --cert cert.pem --key key.pem --backend 10.9.0.1:8080\n",
        program, program, program);
}
