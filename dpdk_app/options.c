/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "config/address_text.h"
#include "config/tree.h"

/* Where in a configuration an option's value goes. */
enum where {
    ELSEWHERE,
    TOP,
    DEVICE,
    LIMITS,
    TIMEOUTS,
    SESSIONS,
    FRONTEND,
    SITE,
    POOL,
    NUM_WHERE,
};

enum form {
    PLAIN,
    FLAG,    /* without a value */
    LIST,    /* given as often as one likes */
    COMMAS,  /* several words, with commas */
    SECONDS, /* a number of them */
};

enum option_id {
    OPT_CERT,
    OPT_KEY,
    OPT_IDLE,
    OPT_CONFIG,
    OPT_TEST,
    OPT_VERSION,
    OPT_HELP,
    OPT_OTHER, /* from here on by the table alone */
};

static const struct known {
    const char *name, *word; /* as messages call it */
    enum form form;
    enum where where;
    const char *key; /* there */
} known[] = {
    [OPT_CERT] = {"cert", "--cert", LIST, ELSEWHERE, NULL},
    [OPT_KEY] = {"key", "--key", LIST, ELSEWHERE, NULL},
    [OPT_IDLE] = {"idle", "--idle", PLAIN, ELSEWHERE, NULL},
    [OPT_CONFIG] = {"config", "--config", PLAIN, ELSEWHERE, NULL},
    [OPT_TEST] = {"test", "--test", PLAIN, ELSEWHERE, NULL},
    [OPT_VERSION] = {"version", "--version", FLAG, ELSEWHERE, NULL},
    [OPT_HELP] = {"help", "--help", FLAG, ELSEWHERE, NULL},
    [OPT_OTHER] = {"listen", "--listen", LIST, FRONTEND, "listen"},
    {"backend", "--backend", PLAIN, POOL, "servers"},
    {"gateway", "--gateway", LIST, TOP, "gateways"},
    {"alpn", "--alpn", COMMAS, SITE, "alpn"},
    {"tls-preset", "--tls-preset", PLAIN, SITE, "preset"},
    {"suites", "--suites", COMMAS, SITE, "suites"},
    {"groups", "--groups", COMMAS, SITE, "groups"},
    {"key-log", "--key-log", PLAIN, TOP, "key-log"},
    {"ticket-keys", "--ticket-keys", PLAIN, SESSIONS, "ticket-keys"},
    {"strict-sni", "--strict-sni", FLAG, SITE, "strict-sni"},
    {"port", "--port", PLAIN, DEVICE, "port"},
    {"workers", "--workers", PLAIN, DEVICE, "workers"},
    {"mbufs", "--mbufs", PLAIN, DEVICE, "buffers"},
    {"max-connections", "--max-connections", PLAIN, LIMITS, "connections"},
    {"handshake-timeout", "--handshake-timeout", SECONDS, TIMEOUTS, "handshake"},
    {"idle-timeout", "--idle-timeout", SECONDS, TIMEOUTS, "idle"},
    {"mtu", "--mtu", PLAIN, DEVICE, "mtu"},
    {"vlan", "--vlan", PLAIN, DEVICE, "vlan"},
};
#define NUM_OPTIONS ((int)(sizeof(known) / sizeof(known[0])))

/* ---- a tree of the options, as a file's would be ---- */

/* What is made of the command line. */
struct made {
    struct arena trees;
    struct complaints *c;
    struct node *blocks[NUM_WHERE]; /* NULL: nothing of it was given yet */
    struct node *certs, *keys, **cert_end, **key_end;
    uint32_t num_certs, num_keys;
    bool is_out_of_memory;
};

static struct node *new_node(struct made *m, enum node_kind kind, const char *option,
                             const char *key)
{
    static struct node lost; /* what goes wrong is seen at the end */
    struct node *node = arena_alloc(&m->trees, sizeof(*node));
    m->is_out_of_memory |= !node;
    if (!node)
        node = &lost;
    *node = (struct node){.kind = kind, .key = key};
    node->place.option = node->key_place.option = option;
    return node;
}

static struct node *new_word(struct made *m, const char *option, const char *key, const char *text,
                             size_t len)
{
    struct node *node = new_node(m, NODE_WORD, option, key);
    node->word = arena_text(&m->trees, text, len);
    m->is_out_of_memory |= !node->word;
    return node;
}

static void append(struct node *to, struct node *node)
{
    struct node **end = &to->first;
    while (*end)
        end = &(*end)->next;
    *end = node;
}

static struct node *find_child(const struct node *block, const char *key)
{
    struct node *child = block->first;
    while (child && strcmp(child->key, key) != 0)
        child = child->next;
    return child;
}

static struct node *block_at(struct made *m, enum where where)
{
    static const char *const keys[NUM_WHERE] = {
        [DEVICE] = "device",     [LIMITS] = "limits",      [TIMEOUTS] = "timeouts",
        [SESSIONS] = "sessions", [FRONTEND] = "frontends", [SITE] = "sites",
        [POOL] = "pools"};
    if (!m->blocks[where]) {
        m->blocks[where] = new_node(m, NODE_BLOCK, NULL, keys[where]);
        if (where != TOP)
            append(block_at(m, where == SITE ? FRONTEND : TOP), m->blocks[where]);
    }
    return m->blocks[where];
}

static void add_words(struct made *m, struct node *list, const struct known *k, const char *value)
{
    while (k->form == COMMAS && strchr(value, ',')) {
        const size_t len = strcspn(value, ",");
        append(list, new_word(m, k->word, NULL, value, len));
        value += len + 1;
    }
    append(list, new_word(m, k->word, NULL, value, strlen(value)));
}

/* A number alone is one of seconds; whatever else it is, its kind refuses it. */
static struct node *new_seconds(struct made *m, const struct known *k, const char *value)
{
    struct node *node = new_word(m, k->word, k->key, value, strlen(value) + 1);
    char *end = (char *)(uintptr_t)node->word + strlen(value);
    if (*value && strspn(value, "0123456789") == strlen(value) && !m->is_out_of_memory)
        *end = 's';
    return node;
}

static void add_known(struct made *m, const struct known *k, const char *value)
{
    struct node *block = block_at(m, k->where), *list = find_child(block, k->key);
    if (k->form == FLAG) {
        append(block, new_word(m, k->word, k->key, "yes", 3));
    } else if (k->form == SECONDS) {
        append(block, new_seconds(m, k, value));
    } else if (k->form == PLAIN) {
        append(block, new_word(m, k->word, k->key, value, strlen(value)));
    } else {
        if (!list)
            append(block, list = new_node(m, NODE_LIST, k->word, k->key));
        add_words(m, list, k, value);
    }
}

/* spin, yield, or sleep:MICROSECONDS. */
static void add_idle(struct made *m, const char *value)
{
    char time[24];
    uint64_t us;
    struct node *device = block_at(m, DEVICE);
    if (strcmp(value, "spin") == 0 || strcmp(value, "yield") == 0) {
        append(device, new_word(m, "--idle", "idle", value, strlen(value)));
    } else if (strncmp(value, "sleep:", 6) == 0 && number_parse(value + 6, 1, 1000000, &us)) {
        snprintf(time, sizeof(time), "%uus", (unsigned int)us);
        append(device, new_word(m, "--idle", "idle", "sleep", 5));
        append(device, new_word(m, "--idle", "idle-sleep", time, strlen(time)));
    } else {
        const struct place place = {.option = "--idle"};
        complain(m->c, &place, NULL, value, "use spin, yield or sleep:MICROSECONDS (1 to 1000000)");
    }
}

static void add_value(struct made *m, int id, const char *value)
{
    const bool is_cert = id == OPT_CERT;
    if (id == OPT_IDLE) {
        add_idle(m, value);
    } else if (is_cert || id == OPT_KEY) {
        struct node *node =
            new_word(m, known[id].word, is_cert ? "chain" : "key", value, strlen(value));
        struct node ***end = is_cert ? &m->cert_end : &m->key_end;
        **end = node;
        *end = &node->next;
        (*(is_cert ? &m->num_certs : &m->num_keys))++;
    } else {
        add_known(m, &known[id], value);
    }
}

/* ---- words ---- */

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

bool options_is_file(const char *arg)
{
    const int id = find_option(arg);
    return id == OPT_CONFIG || id == OPT_TEST;
}

/* ---- all of them ---- */

static const struct place nowhere;

static void complain_of_word(struct complaints *c, const char *word)
{
    const int meant = find_abbreviated(word);
    if (meant != NUM_OPTIONS)
        complain(c, &nowhere, NULL, NULL, "%s: write --%s in full", word, known[meant].name);
    else if (word[0] == '-' && word[1] && strcmp(word, "--") != 0)
        complain(c, &nowhere, NULL, NULL, "%s: no such option (--help lists the options)", word);
    else
        complain(c, &nowhere, NULL, NULL, "\"%s\": not an option (--help lists them)", word);
}

/* Finds the value of the option at *at, in the same word or the next one; *at is then its last
 * word's. false: complained about. */
static bool find_value(const char **value, int id, int *at, int argc, char **argv,
                       struct complaints *c)
{
    const char *name = known[id].name, *equals = strchr(argv[*at], '=');
    const uint32_t before = c->num;
    const struct place place = {.option = known[id].word};
    *value = equals ? equals + 1 : NULL;
    if (known[id].form == FLAG) {
        if (equals)
            complain(c, &nowhere, NULL, NULL, "--%s takes no value; write it alone", name);
        return !equals;
    }
    if (!equals && *at + 1 < argc)
        *value = argv[++*at];
    if (!*value)
        complain(c, &place, NULL, NULL, "it needs a value (--help)");
    else if (!equals && (strncmp(*value, "--", 2) == 0 || strcmp(*value, "-h") == 0))
        complain(c, &place, NULL, NULL,
                 "it needs a value, but %s is next; a value that begins like that is written "
                 "--%s=VALUE",
                 *value, name);
    else if (!**value)
        complain(c, &place, NULL, NULL,
                 "its value is empty; give one (--help), or leave the option out");
    return c->num == before;
}

/* What must be there, and together. */
static void complain_of_missing(struct complaints *c, const struct made *m)
{
    if (!m->blocks[FRONTEND] || !find_child(m->blocks[FRONTEND], "listen"))
        complain(c, &nowhere, NULL, NULL,
                 "--listen is missing: where are clients to connect? (--help)");
    else if (!m->blocks[POOL])
        complain(c, &nowhere, NULL, NULL,
                 "--backend is missing: where does the plaintext go? (--help)");
    else if (!m->num_certs)
        complain(c, &nowhere, NULL, NULL,
                 "--cert and --key are missing: name a PEM file each (--help)");
    else if (m->num_certs != m->num_keys)
        complain(c, &nowhere, NULL, NULL, "%u --cert but %u --key: each certificate needs its key",
                 m->num_certs, m->num_keys);
}

/* The n-th certificate with the n-th key. */
static void pair_certificates(struct made *m)
{
    struct node *list = new_node(m, NODE_LIST, "--cert", "certificates");
    while (m->certs && m->keys) {
        struct node *cert = m->certs, *key = m->keys, *block = new_node(m, NODE_BLOCK, NULL, NULL);
        m->certs = cert->next;
        m->keys = key->next;
        cert->next = key;
        key->next = NULL;
        block->first = cert;
        append(list, block);
    }
    append(block_at(m, SITE), list);
}

/* The one pool has a name, which nobody sees. */
static void name_pool(struct made *m)
{
    append(block_at(m, SITE), new_word(m, "--backend", "pool", "backend", 7));
    append(block_at(m, POOL), new_word(m, "--backend", "name", "backend", 7));
}

/* NULL: complained about. */
static struct conf *read_made(struct made *m)
{
    const bool has_pool = m->blocks[POOL];
    struct complaints *c = m->c;
    struct complaints missing = {0};
    complain_of_missing(&missing, m);
    if (has_pool)
        name_pool(m);
    if (m->num_certs && m->num_certs == m->num_keys)
        pair_certificates(m);
    if (m->is_out_of_memory) {
        complain_of_memory(c);
        return NULL;
    }
    struct conf *conf = conf_read_tree(block_at(m, TOP), c);
    if (conf && !c->num && missing.num)
        complain(c, &nowhere, NULL, NULL, "%s", missing.rows[0].text);
    if (conf && !c->num)
        conf_check(conf, c);
    if (!c->num)
        return conf;
    conf_free(conf);
    return NULL;
}

/* A file has all that options would say. */
static bool is_alone(const struct options *o, const bool *is_given, struct complaints *c)
{
    for (int id = 0; o->file && id < NUM_OPTIONS; id++)
        if (is_given[id] && id != (o->test ? OPT_TEST : OPT_CONFIG)) {
            complain(c, &nowhere, NULL, NULL,
                     "%s: %s says all that is served; take this option out, or say it there",
                     known[id].word, o->file);
            return false;
        }
    return true;
}

/* Words one by one, until one is wrong or asks for help. */
static bool take_words(struct options *o, struct made *m, bool *is_given, int argc, char **argv)
{
    for (int at = 1; at < argc && !o->help && !o->version; at++) {
        const char *value = NULL;
        const int id = find_option(argv[at]);
        if (id == NUM_OPTIONS)
            complain_of_word(m->c, argv[at]);
        else if (find_value(&value, id, &at, argc, argv, m->c) && is_given[id] &&
                 known[id].form != LIST)
            complain(m->c, &nowhere, NULL, NULL, "--%s is given twice; keep one of the two",
                     known[id].name);
        if (m->c->num)
            return false;
        is_given[id] = true;
        o->help = id == OPT_HELP;
        o->version = id == OPT_VERSION;
        o->test |= id == OPT_TEST;
        if (id == OPT_CONFIG || id == OPT_TEST)
            o->file = value;
        else if (!o->help && !o->version)
            add_value(m, id, value);
    }
    return !m->c->num;
}

int options_parse(struct options *o, int argc, char **argv, struct complaints *c)
{
    bool is_given[sizeof(known) / sizeof(known[0])] = {false};
    struct made m = {.c = c, .cert_end = &m.certs, .key_end = &m.keys};
    *o = (struct options){0};
    if (take_words(o, &m, is_given, argc, argv) && !o->help && !o->version &&
        is_alone(o, is_given, c))
        o->conf = o->file ? conf_read(o->file, c) : read_made(&m);
    arena_free(&m.trees);
    return c->num ? -1 : 0;
}

/* In two parts, since a compiler need not know longer strings. */
static void help_begin(const char *program)
{
    printf(
        "lockstepd terminates TLS 1.3 and 1.2 on a DPDK port and passes the plaintext on over "
        "TCP.\n"
        "\n"
        "usage: %s [EAL options] -- --listen ADDRESS --cert FILE --key FILE --backend ADDRESS ...\n"
        "       %s --config FILE, %s --test FILE\n"
        "\n"
        "  --config FILE                all that follows and more, for many sites: "
        "lockstepd.conf(5);\n"
        "                               EAL's options may stand in it, too\n"
        "  --test FILE                  say what is wrong with such a file, and stop\n"
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
        "  --groups LIST                key exchange groups in order of preference\n",
        program, program, program);
}

void options_help(const char *program)
{
    help_begin(program);
    printf(
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
        "SIGUSR1 prints the counters. SIGHUP reads the file of --config again; that of\n"
        "--ticket-keys is looked at every second. SIGTERM and SIGQUIT take no new connections,\n"
        "wait for those that there are (30 seconds at most), print the counters and stop; a "
        "second\n"
        "one, or SIGINT, ends all of them in good order at once; a third one kills.\n"
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
        program, program);
}
