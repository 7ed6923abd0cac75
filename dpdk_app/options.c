/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port.h"

enum option_id {
    OPT_LISTEN = 256,
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
    OPT_MTU,
    OPT_VERSION,
    OPT_HELP,
};

static const struct option known[] = {
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"cert", required_argument, NULL, OPT_CERT},
    {"key", required_argument, NULL, OPT_KEY},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"gateway", required_argument, NULL, OPT_GATEWAY},
    {"alpn", required_argument, NULL, OPT_ALPN},
    {"tls-preset", required_argument, NULL, OPT_TLS_PRESET},
    {"suites", required_argument, NULL, OPT_SUITES},
    {"groups", required_argument, NULL, OPT_GROUPS},
    {"key-log", required_argument, NULL, OPT_KEY_LOG},
    {"ticket-keys", required_argument, NULL, OPT_TICKET_KEYS},
    {"strict-sni", no_argument, NULL, OPT_STRICT_SNI},
    {"port", required_argument, NULL, OPT_PORT},
    {"mbufs", required_argument, NULL, OPT_MBUFS},
    {"max-connections", required_argument, NULL, OPT_MAX_CONNECTIONS},
    {"handshake-timeout", required_argument, NULL, OPT_HANDSHAKE_TIMEOUT},
    {"idle-timeout", required_argument, NULL, OPT_IDLE_TIMEOUT},
    {"idle", required_argument, NULL, OPT_IDLE},
    {"mtu", required_argument, NULL, OPT_MTU},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int fail(char *error, unsigned int error_len, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(char *error, unsigned int error_len, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(error, error_len, fmt, args);
    va_end(args);
    return -1;
}

/* A whole decimal number from low to high. */
static bool parse_number(const char *text, uint32_t low, uint32_t high, uint32_t *out)
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

/* IPv4[/prefix]:port; prefix_len NULL: none allowed. */
static bool parse_addr(const char *text, struct flow_addr *addr, uint8_t *prefix_len)
{
    char host[32];
    const char *colon = strrchr(text, ':');
    struct in_addr ip;
    uint32_t port, prefix;
    if (!colon || (size_t)(colon - text) >= sizeof(host))
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    char *slash = strchr(host, '/');
    if (slash) {
        if (!prefix_len || !parse_number(slash + 1, 1, 32, &prefix))
            return false;
        *slash = '\0';
        *prefix_len = (uint8_t)prefix;
    }
    if (inet_pton(AF_INET, host, &ip) != 1 || !parse_number(colon + 1, 1, 65535, &port))
        return false;
    *addr = (struct flow_addr){ip.s_addr, (uint16_t)port};
    return true;
}

static bool parse_idle(const char *text, struct options *o)
{
    if (strcmp(text, "spin") == 0)
        o->idle = IDLE_SPIN;
    else if (strcmp(text, "yield") == 0)
        o->idle = IDLE_YIELD;
    else if (strncmp(text, "sleep:", 6) == 0 && parse_number(text + 6, 1, 1000000, &o->idle_us))
        o->idle = IDLE_SLEEP;
    else
        return false;
    return true;
}

static int parse_one(struct options *o, int id, const char *name, char *value, char *error,
                     unsigned int error_len)
{
    struct in_addr ip;
    uint32_t n;
    switch (id) {
    case OPT_LISTEN:
        if (o->num_listen == OPTIONS_LIST_MAX)
            return fail(error, error_len, "--listen: at most %u of them", OPTIONS_LIST_MAX);
        if (parse_addr(value, &o->listen[o->num_listen], &o->prefix_len)) {
            o->num_listen++;
            return 0;
        }
        return fail(error, error_len,
                    "--listen %s: not an address; write IPv4[/prefix]:port, as 10.9.0.2/24:443",
                    value);
    case OPT_BACKEND:
        if (parse_addr(value, &o->backend, NULL))
            return 0;
        return fail(error, error_len,
                    "--backend %s: not an address; write IPv4:port, as 10.9.0.1:8080", value);
    case OPT_GATEWAY:
        if (inet_pton(AF_INET, value, &ip) != 1)
            return fail(error, error_len, "--gateway %s: not an IPv4 address", value);
        o->gateway_be = ip.s_addr;
        return 0;
    case OPT_CERT:
    case OPT_KEY:
        if ((id == OPT_CERT ? o->num_certs : o->num_keys) == OPTIONS_LIST_MAX)
            return fail(error, error_len, "--%s: at most %u of them", name, OPTIONS_LIST_MAX);
        if (id == OPT_CERT)
            o->cert[o->num_certs++] = value;
        else
            o->key[o->num_keys++] = value;
        return 0;
    case OPT_ALPN:
        o->alpn = value;
        return 0;
    case OPT_TLS_PRESET:
        o->preset = value;
        return 0;
    case OPT_SUITES:
        o->suites = value;
        return 0;
    case OPT_GROUPS:
        o->groups = value;
        return 0;
    case OPT_KEY_LOG:
        o->key_log = value;
        return 0;
    case OPT_TICKET_KEYS:
        o->ticket_keys = value;
        return 0;
    case OPT_STRICT_SNI:
        o->strict_sni = true;
        return 0;
    case OPT_IDLE:
        if (parse_idle(value, o))
            return 0;
        return fail(error, error_len, "--idle %s: use spin, yield or sleep:MICROSECONDS", value);
    default:
        break;
    }
    const struct {
        int id;
        uint32_t low, high, *to;
    } numbers[] = {{OPT_PORT, 0, 65535, &n},
                   {OPT_MTU, PORT_MTU_MIN, PORT_MTU_MAX, &n},
                   {OPT_MBUFS, 1024, 1u << 24, &o->num_mbufs},
                   {OPT_MAX_CONNECTIONS, 1, 9000, &o->max_connections},
                   {OPT_HANDSHAKE_TIMEOUT, 1, 3600, &o->handshake_timeout_s},
                   {OPT_IDLE_TIMEOUT, 1, 86400, &o->idle_timeout_s}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].id != id)
            continue;
        if (!parse_number(value, numbers[i].low, numbers[i].high, numbers[i].to))
            return fail(error, error_len, "--%s %s: not a number from %u to %u", name, value,
                        numbers[i].low, numbers[i].high);
        if (id == OPT_PORT)
            o->port_id = (uint16_t)n;
        if (id == OPT_MTU)
            o->mtu = (uint16_t)n;
        return 0;
    }
    return fail(error, error_len, "--%s is not handled", name);
}

/* The option as it was written, which getopt_long() has taken for a whole one. */
static bool is_abbreviated(char **argv, int index)
{
    const bool is_apart = known[index].has_arg == required_argument && optarg == argv[optind - 1];
    const char *written = argv[optind - (is_apart ? 2 : 1)] + 2;
    return strcspn(written, "=") != strlen(known[index].name);
}

/* Those that may stand more than once. */
static bool is_list(int id)
{
    return id == OPT_LISTEN || id == OPT_CERT || id == OPT_KEY;
}

bool options_is_ours(const char *arg)
{
    for (size_t i = 0; known[i].name; i++)
        if (strncmp(arg, "--", 2) == 0 && strcspn(arg + 2, "=") == strlen(known[i].name) &&
            strncmp(arg + 2, known[i].name, strlen(known[i].name)) == 0)
            return true;
    return false;
}

/* What must be there, and together. */
static int check(const struct options *o, char *error, unsigned int error_len)
{
    if (!o->num_listen)
        return fail(error, error_len,
                    "--listen is missing: where are clients to connect? (--help)");
    if (!o->backend.port)
        return fail(error, error_len,
                    "--backend is missing: where does the plaintext go? (--help)");
    if (!o->num_certs)
        return fail(error, error_len,
                    "--cert and --key are missing: name a PEM file each (--help)");
    if (o->num_certs != o->num_keys)
        return fail(error, error_len, "%u --cert but %u --key: each certificate needs its key",
                    o->num_certs, o->num_keys);
    for (uint32_t i = 1; i < o->num_listen; i++)
        if (o->listen[i].ip_be != o->listen[0].ip_be)
            return fail(error, error_len,
                        "--listen: all must have the same address, the port's own");
    return 0;
}

int options_parse(struct options *o, int argc, char **argv, char *error, unsigned int error_len)
{
    bool is_given[OPT_HELP + 1] = {false};
    int id, index = 0;
    memset(o, 0, sizeof(*o));
    o->prefix_len = 24;
    o->num_mbufs = 32768;
    o->max_connections = 8000;
    o->handshake_timeout_s = 10;
    o->idle_timeout_s = 300;
    o->idle = IDLE_YIELD;
    optind = 0; /* from the start, whatever was parsed before (glibc) */
    opterr = 0;
    while ((id = getopt_long(argc, argv, ":h", known, &index)) != -1) {
        if (id == OPT_HELP || id == 'h') {
            o->help = true;
            return 0;
        }
        if (id == '?' || id == ':')
            return fail(error, error_len, "%s: %s (--help lists the options)", argv[optind - 1],
                        id == ':' ? "it needs a value" : "no such option");
        if (is_abbreviated(argv, index))
            return fail(error, error_len, "%s: write --%s in full",
                        argv[optind - 1] == optarg ? argv[optind - 2] : argv[optind - 1],
                        known[index].name);
        if (id == OPT_VERSION) {
            o->version = true;
            return 0;
        }
        if (is_given[id] && !is_list(id))
            return fail(error, error_len, "--%s is given twice", known[index].name);
        is_given[id] = true;
        if (parse_one(o, id, known[index].name, optarg, error, error_len))
            return -1;
    }
    if (optind != argc)
        return fail(error, error_len, "%s: not an option (--help lists them)", argv[optind]);
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
        "  --listen IPv4[/PREFIX]:PORT  where clients connect; the address is lockstepd's own on\n"
        "                               this port (prefix 24 unless given); repeat for more ports\n"
        "  --backend IPv4:PORT          where the plaintext goes, through the same DPDK port\n"
        "  --cert FILE --key FILE       certificate chain and private key, PEM; repeat the pair\n"
        "                               for more names (chosen by SNI; the first is the default)\n"
        "  --strict-sni                 refuse clients that name none of the certificates' hosts\n"
        "                               (otherwise the default serves them)\n"
        "  --gateway IPv4               router for what is not on the port's own network\n"
        "  --alpn LIST                  application protocols, as http/1.1\n"
        "  --tls-preset NAME            modern (TLS 1.3 alone), intermediate (the default), or old "
        "(RSA key\n"
        "                               exchange and CBC, too, but nothing below TLS 1.2)\n"
        "  --suites LIST                cipher suites in order of preference\n"
        "  --groups LIST                key exchange groups in order of preference\n"
        "  --key-log FILE               append the secrets of every connection (debugging only)\n"
        "  --ticket-keys FILE           keys that seal session tickets, shared by machines, read "
        "again\n"
        "                               when it changes (random keys without it)\n"
        "  --port N                     DPDK port number (0)\n"
        "  --mtu N                      bytes of an IP packet, 576 to 1500 (what the interface "
        "has)\n"
        "  --mbufs N                    packet buffers for receiving, and as many for sending "
        "(32768)\n"
        "  --max-connections N          clients at once (8000)\n"
        "  --handshake-timeout SECONDS  for a client that does not go on (10)\n"
        "  --idle-timeout SECONDS       for an established connection without traffic (300)\n"
        "  --idle spin|yield|sleep:US   what a poll loop without work does (yield)\n"
        "  --help, -h; --version        say what there is, and stop\n"
        "\n"
        "SIGUSR1 prints the counters. SIGINT, SIGTERM and SIGQUIT reset all connections, print\n"
        "the counters and stop; a second one stops at once. SIGHUP reads nothing again: the file\n"
        "of --ticket-keys is looked at every second, all else at the start only.\n"
        "\n"
        "A first try on a veth pair, as root (%s with no network card):\n"
        "  ip link add lks0 type veth peer name lks1; ip addr add 10.9.0.1/24 dev lks0\n"
        "  ip link set lks0 up; ip link set lks1 up; ethtool -K lks0 tx off tso off\n"
        "  %s --no-huge -m 512 -l 0 --no-pci --no-telemetry \\\n"
        "    --vdev=net_af_packet0,iface=lks1,framecnt=4096,blocksz=4096 -- \\\n"
        "    --listen 10.9.0.2:443 --cert cert.pem --key key.pem --backend 10.9.0.1:8080\n",
        program, program, program);
}
