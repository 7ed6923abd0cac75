/* SPDX-License-Identifier: BSD-3-Clause */

/* Configuration files, and what is said of each that is wrong. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/test.h"
#include "config/conf.h"
#include "config/schema.h"
#include "config/text.h"
#include "said.h"

#define POOLS "pools:\n- name: www\n  servers: 10.9.0.1:8080\n"
#define SITE  "  sites:\n  - certificates: a.pem\n    pool: www\n"
#define FRONT "frontends:\n- listen: 10.9.0.2:443\n" SITE
#define GOOD  POOLS FRONT /* lines 1 to 3, and 4 to 8 */

static struct complaints complaints;

static struct conf *read_text(const char *text)
{
    memset(&complaints, 0, sizeof(complaints));
    return conf_read_text("c", text, strlen(text), &complaints);
}

static const char *said(void)
{
    return all_said(&complaints);
}

struct row {
    const char *text, *said;
};

static void check_rows(const struct row *rows, size_t num)
{
    for (size_t i = 0; i < num; i++) {
        struct conf *conf = read_text(rows[i].text);
        LKS_CHECK(!conf && strcmp(said(), rows[i].said) == 0, "%s\nWANT: %sGOT:  %s", rows[i].text,
                  rows[i].said, said());
        conf_free(conf);
    }
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void what_is_no_text(void)
{
    static const struct row rows[] = {
        {"", "c: it is empty; a configuration has frontends and pools\n"},
        {"# nothing\n", "c: nothing but comments is in it\n"},
        {"a: \xff\n", "c:1:4: this is not UTF-8; save the file in that encoding\n"},
        {"a: 1\n# \xc3(\n", "c:2:3: this is not UTF-8; save the file in that encoding\n"},
        {"a: \xed\xa0\x80\n", "c:1:4: this is not UTF-8; save the file in that encoding\n"},
        {"a: \xf4\x90\x80\x80\n", "c:1:4: this is not UTF-8; save the file in that encoding\n"},
        {"a: \xc0\xaf\n", "c:1:4: this is not UTF-8; save the file in that encoding\n"},
        {"a: \xe2\x82\n", "c:1:4: this is not UTF-8; save the file in that encoding\n"},
        {"\xc3\xa4: \x01\n", "c:1:4: a control character; take it out\n"},
    };
    static const char zero[] = "pools: a\0b\n";
    CHECK_ROWS(rows);
    memset(&complaints, 0, sizeof(complaints));
    CU_ASSERT_PTR_NULL(conf_read_text("c", zero, sizeof(zero) - 1, &complaints));
    CU_ASSERT_STRING_EQUAL(said(), "c:1:9: a zero byte: this is no text, or was damaged\n");
}

static void what_is_no_yaml(void)
{
#define LOOK "; look at indentation, quotes and brackets here and above\n"
    struct conf *conf;
    static const struct row rows[] = {
        {GOOD "---\na: b\n",
         "c:9:1: a second document begins here; a file has one: take \"---\" or \"...\" out\n"},
        {GOOD "eal: *x\n", "c:9:6: eal: \"*\" begins an alias of YAML, and there are none here; "
                           "quote the word: \"*x\"\n"},
        {POOLS FRONT "    names: *.example.com\n",
         "c:9:12: names: \"*\" begins an alias of YAML, and there are none here; quote the word: "
         "\"*.example.com\"\n"},
        {GOOD "eal: &x y\n", "c:9:9: eal: \"&\" begins an anchor of YAML, and there are none here; "
                             "quote the word, or write what it stands for\n"},
        {GOOD "eal: !x y\n", "c:9:9: eal: \"!\" begins a tag of YAML, and there are none here; "
                             "quote the word, or take it out\n"},
        {GOOD "<<: x\n", "c:9:1: <<: YAML's merge key, which is not one here; what sites have in "
                         "common stands in \"defaults\"\n"},
        {GOOD "[a]: b\n", "c:9:1: a key is one word, not a list or a block\n"},
        {GOOD "eal: \"a\\0b\"\n", "c:9:6: eal: a zero byte is in it; take it out\n"},
        {"a:\n[[[[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]]]]\n",
         "c:2:16: lists and blocks within each other more than 16 times\n"},
        {"a word\n", "c:1:1: a configuration is a block: its keys stand below it, further to the "
                     "right\n"},
        {"- a\n", "c:1:1: a configuration is a block: its keys stand below it, further to the "
                  "right\n"},
    };
    CHECK_ROWS(rows);
    static const char *const broken[] = {GOOD "eal: [a, b\n", GOOD "eal: \"a\n",  GOOD " eal: a\n",
                                         GOOD "\teal: a\n",   GOOD "eal: a: b\n", GOOD "eal: @a\n"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        conf = read_text(broken[i]);
        LKS_CHECK(!conf && strstr(said(), "not YAML: ") && strstr(said(), LOOK) &&
                      strncmp(said(), "c:", 2) == 0,
                  "%s: %s", broken[i], said());
        conf_free(conf);
    }
}

static void keys(void)
{
    static const struct row rows[] = {
        {GOOD "frontend: x\n", "c:9:1: frontend: no such key in a configuration; did you mean "
                               "frontends?\n"},
        {GOOD "mtu: 1500\n", "c:9:1: mtu: no such key in a configuration; it belongs into a "
                             "device\n"},
        {GOOD "colour: red\n",
         "c:9:1: colour: no such key in a configuration; lockstepd.conf(5) lists them\n"},
        {GOOD "    aplpn: h2\n", "c:9:5: aplpn: no such key in a site; did you mean alpn?\n"},
        {GOOD "defaults:\n  names: a.example\n",
         "c:10:3: names: no such key in a defaults; it belongs into a site\n"},
        {GOOD "key-log: a\nkey-log: b\n",
         "c:10:1: key-log: given twice, here and in line 9; keep one of the two\n"},
        {GOOD "key-log:\n", "c:9:1: key-log: it has no value; write one, or take the key out\n"},
        {GOOD "key-log: ''\n", "c:9:10: key-log: its value is empty; write one, or take the key "
                               "out\n"},
        {GOOD "key-log: [a]\n", "c:9:10: key-log: it takes a word, not a list\n"},
        {GOOD "key-log: {a: b}\n", "c:9:10: key-log: it takes a word, not keys of its own\n"},
        {GOOD "device: 5\n", "c:9:9: device: a device is a block: its keys stand below it, further "
                             "to the right\n"},
        {GOOD "eal: [a, [b]]\n", "c:9:10: eal: it takes a word, not a list\n"},
        {GOOD "gateways: []\n", "c:9:11: gateways: an empty list; write what belongs there, or "
                                "take the key out\n"},
        {GOOD "gateways: [10.9.0.1, 10.9.0.3, 10.9.0.4]\n",
         "c:9:11: gateways: a list of 3; there is room for 2\n"},
        {GOOD "include: x\n", "c:9:1: include: it stands alone as an item of a list of blocks, as "
                              "in \"- include: sites.d/*.yaml\"\n"},
        {FRONT, "c:1:1: pools: missing: a configuration needs it. Groups of servers.\n"},
        {POOLS, "c:1:1: frontends: missing: a configuration needs it. Where lockstepd listens, and "
                "for whom.\n"},
        {"pools:\n- servers: 10.9.0.1:8080\n" FRONT,
         "c:2:3: name: missing: a pool needs it. What sites call it.\n"},
        {POOLS "frontends:\n- listen: 10.9.0.2:443\n  sites:\n  - certificates: a.pem\n",
         "c:7:5: pool: missing: a site needs it. The pool that gets the plaintext.\n"},
    };
    CHECK_ROWS(rows);
}

static void values(void)
{
#define DEVICE(line) GOOD "device:\n  " line "\n"
    static const struct row rows[] = {
        {DEVICE("mtu: 575"), "c:10:8: mtu: 575: not a number from 576 to 1500\n"},
        {DEVICE("mtu: 0x500"), "c:10:8: mtu: 0x500: not a number from 576 to 1500\n"},
        {DEVICE("mtu: +900"), "c:10:8: mtu: +900: not a number from 576 to 1500\n"},
        {DEVICE("mtu: 0900"), "c:10:8: mtu: 0900: not a number from 576 to 1500\n"},
        {DEVICE("mtu: 9e2"), "c:10:8: mtu: 9e2: not a number from 576 to 1500\n"},
        {DEVICE("port: 4294967296"), "c:10:9: port: 4294967296: not a number from 0 to 65535\n"},
        {DEVICE("port: 18446744073709551616"),
         "c:10:9: port: 18446744073709551616: not a number from 0 to 65535\n"},
        {DEVICE("idle: yeild"),
         "c:10:9: idle: yeild: say spin, yield or sleep; did you mean yield?\n"},
        {DEVICE("idle-sleep: 2s"), "c:10:15: idle-sleep: 2s: not a time from 1us to 1s\n"},
        {GOOD "timeouts: {idle: 30}\n",
         "c:9:18: idle: 30: a time needs its unit, as in 500ms, 10s, 5m or 1h\n"},
        {GOOD "timeouts: {idle: 30 s}\n", "c:9:18: idle: 30 s: not a time from 1s to 1d\n"},
        {GOOD "timeouts: {idle: 2d}\n", "c:9:18: idle: 2d: not a time from 1s to 1d\n"},
        {GOOD "timeouts: {idle: 1500ms}\n", "c:9:18: idle: 1500ms: this counts in whole seconds\n"},
        {GOOD "timeouts: {idle: 99999999999999999999h}\n",
         "c:9:18: idle: 99999999999999999999h: not a time from 1s to 1d\n"},
        {GOOD "    strict-sni: true\n", "c:9:17: strict-sni: true: say yes or no\n"},
        {GOOD "    strict-sni: Yes\n", "c:9:17: strict-sni: Yes: say yes or no\n"},
        {GOOD "    early-data: 2g\n", "c:9:17: early-data: 2g: not a number of bytes from 0 to 1g; "
                                      "k, m and g are powers of two\n"},
        {GOOD "    early-data: 2kb\n",
         "c:9:17: early-data: 2kb: not a number of bytes from 0 to 1g; k, m and g are powers of "
         "two\n"},
        {GOOD "    client-auth: perhaps\n",
         "c:9:18: mode: perhaps: say off, optional or required\n"},
        {GOOD "key-log: \"\\e[31m\"\neal: \"\\e\"\nx: y\n",
         "c:11:1: x: no such key in a configuration; lockstepd.conf(5) lists them\n"},
        {GOOD "\"\\e[31m\": x\n", "c:9:1: ?[31m: no such key in a configuration; lockstepd.conf(5) "
                                  "lists them\n"},
    };
    CHECK_ROWS(rows);
}

static void addresses(void)
{
#define LISTEN(text) POOLS "frontends:\n- listen: " text "\n" SITE
#define EXAMPLES                                                                 \
    "; write IPv4[/prefix]:port or [IPv6[/prefix]]:port, as 10.9.0.2/24:443 or " \
    "[2001:db8::2/64]:443\n"
#define SERVER(text) "pools:\n- name: www\n  servers: " text "\n" FRONT
    static const struct row rows[] = {
        {LISTEN("10.9.0.2"), "c:5:11: listen: 10.9.0.2: it names no port" EXAMPLES},
        {LISTEN("'[2001:db8::2:443'"),
         "c:5:11: listen: [2001:db8::2:443: the bracket is not closed" EXAMPLES},
        {LISTEN("':443'"), "c:5:11: listen: :443: there is no address that it could stand for; "
                           "name one in full\n"
                           "c:3:12: servers: 10.9.0.1: lockstepd has no IPv4 address to reach it "
                           "from; name one by listen\n"},
        {LISTEN("':x'"), "c:5:11: listen: :x: the port is not a number from 1 to 65535" EXAMPLES},
        {LISTEN("[10.9.0.2:443, 10.9.0.2:443]"),
         "c:5:26: listen: 10.9.0.2:443: this is given twice; keep one of the two\n"},
        {LISTEN("[10.9.0.2/24:443, 10.9.0.2/16:444]"),
         "c:5:29: listen: 10.9.0.2/16:444: another prefix was 24; an address is in one network, "
         "say its prefix once\n"},
        {LISTEN("10.9.0.255:443"), "c:5:11: listen: 10.9.0.255/24: this address is the broadcast "
                                   "address of listen's network\n"},
        {SERVER("10.9.1.1:80"),
         "c:3:12: servers: 10.9.1.1: not in listen's network, 10.9.0.0/24; name a gateway\n"},
        {SERVER("10.9.0.1"), "c:3:12: address: 10.9.0.1: it names no port; write IPv4:port or "
                             "[IPv6]:port, as 10.9.0.1:8080 or [2001:db8::1]:8080\n"},
        {SERVER("{address: 10.9.0.1:80, weight: 0}"),
         "c:3:43: weight: 0: not a number from 1 to 256\n"},
        {SERVER("'[2001:db8::1]:80'"), "c:3:12: servers: 2001:db8::1: lockstepd has no IPv6 "
                                       "address to reach it from; name one by listen\n"},
        {GOOD "gateways: 10.9.1.1\n", "c:9:11: gateways: 10.9.1.1: not in listen's network, "
                                      "10.9.0.0/24; say the prefix as in listen 10.9.0.2/16:443\n"},
        {GOOD "addresses: 10.9.0.2\n  \n", NULL},
        {GOOD "addresses: 10.9.0.300/24\n",
         "c:9:12: addresses: 10.9.0.300/24: not an IP address; write IPv4/prefix or IPv6/prefix, "
         "as 10.9.0.2/24 or 2001:db8::2/64\n"},
        {LISTEN("'[2001:db8::2]:443'") "device:\n  mtu: 1000\n",
         "c:10:8: mtu: 1000: listen 2001:db8::2 is IPv6, which needs 1280\n"
         "c:3:12: servers: 10.9.0.1: lockstepd has no IPv4 address to reach it from; name one by "
         "listen\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct conf *conf = read_text(rows[i].text);
        if (rows[i].said) {
            bool is_said = !conf;
            for (const char *line = rows[i].said, *end; *line; line = end + 1) {
                char one[512];
                end = strchr(line, '\n');
                snprintf(one, sizeof(one), "%.*s", (int)(end - line + 1), line);
                is_said = is_said && strstr(said(), one);
            }
            LKS_CHECK(is_said, "%s: %s", rows[i].text, said());
        } else {
            LKS_CHECK(conf != NULL, "%s: %s", rows[i].text, said());
        }
        conf_free(conf);
    }
}

/* num of a frontend's, of one address or each of its own; returns what is behind it. */
static char *add_frontend(char *to, uint32_t num, bool is_one, uint32_t port)
{
    to += sprintf(to, "- listen: [");
    for (uint32_t i = 0; i < num; i++)
        to += sprintf(to, "%s10.9.0.%u:%u", i ? ", " : "", is_one ? 2 : 2 + i, port + i);
    return to + sprintf(to, "]\n" SITE);
}

/* What no instance has room for is told here, and not by a start. */
static void too_many_addresses(void)
{
    static const struct {
        uint32_t num, num_more;
        bool is_one;
        const char *said; /* NULL: good */
    } rows[] = {
        {31, 31, false, NULL},
        {32, 1, false, "c:5:500: listen: 32 addresses of ours; there is room for 31\n"},
        {40, 24, true, NULL},
        {40, 25, true,
         "c:9:372: listen: 10.9.0.2:2024: 65 addresses and ports to listen on; there is room for "
         "64\n"},
    };
    char text[4096];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *end = text + sprintf(text, POOLS "frontends:\n");
        end = add_frontend(end, rows[i].num, rows[i].is_one, 1000);
        add_frontend(end, rows[i].num_more, rows[i].is_one, 2000);
        struct conf *conf = read_text(text);
        LKS_CHECK(rows[i].said ? !conf && strcmp(said(), rows[i].said) == 0 : conf != NULL,
                  "%zu: %s", i, said());
        conf_free(conf);
    }
}

static void what_does_not_fit(void)
{
#define NAMES(list)                                                                         \
    POOLS "frontends:\n- listen: 10.9.0.2:443\n  sites:\n  - {certificates: a, pool: www, " \
          "names: " list "}\n"
    static const struct row rows[] = {
        {"pools:\n- name: wwww\n  servers: 10.9.0.1:8080\n" FRONT,
         "c:8:11: pool: www: there is no such pool in \"pools\"; did you mean wwww?\n"},
        {"pools:\n- {name: www, servers: 10.9.0.1:80}\n- {name: www, servers: 10.9.0.1:81}\n" FRONT,
         "c:3:10: name: www: given twice, here and in line 2; keep one of the two\n"},
        {NAMES("[a.example, A.EXAMPLE.]"),
         "c:7:53: names: a.example: given twice, here and in line 7; keep one of the two\n"},
        {NAMES("a..example"), "c:7:41: names: a..example: not a host's name\n"},
        {NAMES("'*'"), "c:7:41: names: *: \"*\" stands for the first label alone, as in "
                       "*.example.com\n"},
        {NAMES("www.*.example"), "c:7:41: names: www.*.example: \"*\" stands for the first label "
                                 "alone, as in *.example.com\n"},
        {NAMES("b\xc3\xa4r.example"), "c:7:41: names: b\xc3\xa4r.example: only ASCII comes in SNI; "
                                      "write it as xn--...\n"},
        {NAMES("10.9.0.2"), "c:7:41: names: 10.9.0.2: clients send no SNI for an address; the "
                            "first site serves them\n"},
        {GOOD "  - {certificates: b, pool: www}\n",
         "c:9:5: names: missing: the first site serves clients without a known name, others need "
         "names\n"},
        {GOOD "sessions: {ticket-keys: a, ticket-secret: b}\n",
         "c:9:43: ticket-secret: keys are derived of it or stand in the file of ticket-keys; take "
         "one of the two out\n"},
    };
    CHECK_ROWS(rows);
}

/* Everything at once, in the order of the file, and no more than people read. */
static void all_at_once(void)
{
    char text[4096] = "";
    CU_ASSERT_PTR_NULL(read_text("zzz: 1\n" POOLS "frontends:\n- listen: 10.9.0.2\n  sites:\n"
                                 "  - pool: [a]\ndevice: {mtu: 1, vlan: x}\n"));
    CU_ASSERT_STRING_EQUAL(
        said(), "c:1:1: zzz: no such key in a configuration; lockstepd.conf(5) lists them\n"
                "c:6:11: listen: 10.9.0.2: it names no port" EXAMPLES
                "c:8:5: certificates: missing: a site needs it. Certificates and their keys; of "
                "those that have the name the one that the client can use.\n"
                "c:8:11: pool: it takes a word, not a list\n"
                "c:9:15: mtu: 1: not a number from 576 to 1500\n"
                "c:9:24: vlan: x: not a number from 1 to 4094\n");
    for (int i = 0; i < 30; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "zzzz%d: 1\n", i);
    strcat(text, GOOD);
    CU_ASSERT_PTR_NULL(read_text(text));
    CU_ASSERT_PTR_NOT_NULL(strstr(said(), "\nc:20:1: zzzz19: "));
    CU_ASSERT_PTR_NULL(strstr(said(), "zzzz20"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said(), "\nand 10 more\n"));
}

static const struct conf_site *site(const struct conf *conf, uint32_t i)
{
    const struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &conf->frontends, 0);
    CU_ASSERT_FATAL(i < f->sites.num);
    return CONF_ITEM(struct conf_site, &f->sites, i);
}

static void what_is_right(void)
{
    struct conf *conf = read_text(
        "defaults: {alpn: [h2, http/1.1], client-auth: {trust: ca.pem}, strict-sni: yes}\n" POOLS
        "frontends:\n- listen: ['10.9.0.2/20:443', ':444']\n  sites:\n"
        "  - {certificates: {chain: a, key: b}, pool: www}\n"
        "  - {certificates: [c, d], names: [WWW.b.example., '*.c.example'], pool: www, strict-sni: "
        "no,\n"
        "     client-auth: {mode: required, crls: e}, early-data: 16k}\n"
        "timeouts:\n  idle: 5m\ndevice: {idle: sleep, idle-sleep: 50us}\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    const struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &conf->frontends, 0);
    CU_ASSERT(f->listen.num == 2 && f->listen.all[1].addr.port == 444);
    CU_ASSERT(net_ip_equal(&f->listen.all[0].addr.ip, &f->listen.all[1].addr.ip));
    CU_ASSERT(conf->num_own == 1 && conf->own[0].prefix_len == 96 + 20);
    const struct conf_site *a = site(conf, 0), *b = site(conf, 1);
    const struct conf_certificate *cert = a->certificates.all;
    CU_ASSERT_STRING_EQUAL(cert->chain, "a");
    CU_ASSERT_STRING_EQUAL(cert->key, "b");
    CU_ASSERT(a->strict_sni && a->alpn.num == 2 && a->client_auth.mode == 0 && !a->early_data);
    CU_ASSERT_STRING_EQUAL(a->client_auth.trust, "ca.pem");
    CU_ASSERT(!b->strict_sni && b->alpn.num == 2 && b->client_auth.mode == 2);
    CU_ASSERT(b->client_auth.crls.num == 1 && b->early_data == 16384);
    CU_ASSERT_STRING_EQUAL(b->client_auth.trust, "ca.pem");
    CU_ASSERT(b->certificates.num == 2 && b->names.num == 2);
    CU_ASSERT_STRING_EQUAL(b->names.all[0].text, "www.b.example");
    CU_ASSERT(b->pool == conf->pools.all && b->tickets.number == 2);
    CU_ASSERT(conf->timeouts.idle_s == 300 && conf->timeouts.handshake_s == 10);
    CU_ASSERT(conf->device.idle == IDLE_SLEEP && conf->device.idle_us == 50);
    CU_ASSERT(conf->device.buffers == 32768 && conf->limits.connections == 8000);
    conf_free(conf);
}

/* ---- files ---- */

static char folder[64];

static const char *path_of(const char *name)
{
    static char paths[4][128];
    static unsigned int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    CU_ASSERT_FATAL(f && fputs(text, f) >= 0 && !fclose(f));
}

static struct conf *read_file(const char *name)
{
    memset(&complaints, 0, sizeof(complaints));
    return conf_read(path_of(name), &complaints);
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/lockstep-conf-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    CU_ASSERT_EQUAL(system(command), 0);
}

/* Whether reading it fails with one line: path, and what follows. */
static bool fails(const char *name, const char *file, const char *what)
{
    char line[512];
    struct conf *conf = read_file(name);
    snprintf(line, sizeof(line), "%s/%s%s\n", folder, file, what);
    const bool is_so = !conf && strcmp(said(), line) == 0;
    conf_free(conf);
    return LKS_CHECK(is_so, "%s, %s: %s", name, what, said());
}

static void what_is_no_file(void)
{
    make_folder();
    fails("none", "none", ": No such file or directory");
    fails("", "", ": this is a folder; name a file");
    CU_ASSERT_EQUAL_FATAL(mkfifo(path_of("fifo"), 0600), 0);
    fails("fifo", "fifo", ": this is a FIFO; name a file");
    CU_ASSERT_EQUAL_FATAL(symlink("/dev/zero", path_of("zero")), 0);
    fails("zero", "zero", ": this is a device; name a file");
    write_file("empty", "");
    fails("empty", "empty", ": it is empty; a configuration has frontends and pools");
    write_file("long", GOOD "#");
    CU_ASSERT_EQUAL_FATAL(truncate(path_of("long"), TEXT_MAX + 1), 0);
    fails("long", "long", ": too long, a configuration has 16 MiB in all; is it one?");
    write_file("good", GOOD);
    struct conf *conf = read_file("good");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    const struct conf_certificate *cert = site(conf, 0)->certificates.all;
    CU_ASSERT_STRING_EQUAL(cert->chain, path_of("a.pem")); /* beside the file */
    conf_free(conf);
    remove_folder();
}

static void included(void)
{
#define WITH(pattern) \
    POOLS "frontends:\n- listen: 10.9.0.2:443\n  sites:\n  - include: " pattern "\n"
#define ONE(name) "certificates: " name ".pem\npool: www\nnames: " name ".example\n"
    make_folder();
    CU_ASSERT_EQUAL_FATAL(mkdir(path_of("d"), 0700), 0);
    write_file("d/b.yaml", ONE("b"));
    write_file("d/a.yaml",
               "- include: deeper/*\n- certificates: a.pem\n  pool: www\n  names: a.example\n");
    CU_ASSERT_EQUAL_FATAL(mkdir(path_of("d/deeper"), 0700), 0);
    write_file("d/deeper/c", "- {certificates: c.pem, pool: www}\n");
    write_file("all", WITH("d/*.yaml"));
    struct conf *conf = read_file("all");
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    static const char *const chains[] = {"d/deeper/c.pem", "d/a.pem", "d/b.pem"};
    for (uint32_t i = 0; i < 3; i++) {
        const struct conf_certificate *cert = site(conf, i)->certificates.all;
        LKS_CHECK(strcmp(cert->chain, path_of(chains[i])) == 0, "%s", cert->chain);
    }
    conf_free(conf);

    write_file("none", WITH("d/*.conf"));
    fails("none", "none",
          ":7:14: include: d/*.conf: there is no such file; make one, or take this "
          "out");
    write_file("list", WITH("[d/b.yaml, []]"));
    fails("list", "list",
          ":7:25: include: it takes a file's name, or several, as in sites.d/*.yaml");
    write_file("self", "include: self\n");
    write_file("loop", WITH("self"));
    write_file("self", "- include: self\n");
    fails("loop", "self", ":1:12: include: self: this file includes itself; take that out");
    remove_folder();
}

/* What is wrong in a file that was included is told with that file's name. */
static void wrong_in_included(void)
{
    make_folder();
    CU_ASSERT_EQUAL_FATAL(mkdir(path_of("d"), 0700), 0);
    write_file("d/a.yaml", ONE("a") "alpn:\n");
    write_file("all", WITH("d/*.yaml"));
    fails("all", "d/a.yaml", ":4:1: alpn: it has no value; write one, or take the key out");
    write_file("d/a.yaml", ONE("a"));
    write_file("d/b.yaml", ONE("a"));
    struct conf *conf = read_file("all");
    LKS_CHECK(!conf &&
                  strstr(said(), "d/b.yaml:3:8: names: a.example: given twice, here and in ") &&
                  strstr(said(), "d/a.yaml, line 3; keep one of the two\n"),
              "%s", said());
    conf_free(conf);
    remove_folder();
}

/* Nothing of a bad file is left for the next one, and the other way round. */
static void bad_and_good_by_turns(void)
{
    static const char *const bad[] = {
        "", "a: [", "a: \xff", GOOD "x: y\n", GOOD "eal: *x\n", GOOD "---\n", POOLS};
    for (int i = 0; i < 20; i++) {
        for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
            struct conf *conf = read_text(bad[k]);
            LKS_CHECK(!conf && complaints.num == 1, "%s: %s", bad[k], said());
            conf_free(conf);
            conf = read_text(GOOD);
            LKS_CHECK(conf && !complaints.num && site(conf, 0)->pool, "%s", said());
            conf_free(conf);
        }
    }
}

/* ---- what a reload cannot change ---- */

static const char *compared(const char *now, const char *next)
{
    struct conf *a = read_text(now);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    struct conf *b = read_text(next);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    conf_compare(a, b, &complaints);
    conf_free(a);
    conf_free(b);
    return said();
}

static void what_a_start_alone_sets(void)
{
#define START "only a start can change this; put it back, or start lockstepd anew\n"
    CU_ASSERT_STRING_EQUAL(compared(GOOD, GOOD), "");
    CU_ASSERT_STRING_EQUAL(
        compared(GOOD, "timeouts: {idle: 1s}\ndefaults: {alpn: h2}\n" POOLS FRONT), "");
    CU_ASSERT_STRING_EQUAL(compared(GOOD, GOOD "device: {mtu: 1400}\n"), "c:9:15: mtu: " START);
    CU_ASSERT_STRING_EQUAL(compared(GOOD, GOOD "limits: {connections: 5}\n"),
                           "c:9:23: connections: " START);
    CU_ASSERT_STRING_EQUAL(compared(GOOD, GOOD "eal: x\n"), "c:9:6: eal: " START);
    CU_ASSERT_STRING_EQUAL(compared(GOOD "key-log: x\n", GOOD), "c: key-log: " START);
    CU_ASSERT_STRING_EQUAL(compared(GOOD, GOOD "sessions: {cache: 9}\n"), "c:9:19: cache: " START);
    CU_ASSERT_STRING_EQUAL(compared(GOOD, LISTEN("[10.9.0.2:443, 10.9.0.2:444]")),
                           "c:5:26: listen: 10.9.0.2:444: " START);
    CU_ASSERT_STRING_EQUAL(compared(LISTEN("[10.9.0.2:443, 10.9.0.2:444]"), GOOD),
                           "c: listen: 10.9.0.2:444: this is gone; " START);
    CU_ASSERT_STRING_EQUAL(compared(GOOD, LISTEN("10.9.0.2/20:443")),
                           "c:5:11: listen: another prefix; " START);
}

/* ---- the table ---- */

/* Every key once, with defaults that its own kind takes. */
static void the_table(void)
{
    struct conf *conf = conf_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(conf);
    conf_free(conf);
    for (const struct conf_schema *const *s = conf_schemas; *s; s++)
        for (uint32_t i = 0; i < (*s)->num_keys; i++) {
            const struct conf_key *key = &(*s)->keys[i];
            LKS_CHECK(key->help && key->help[strlen(key->help) - 1] == '.', "%s", key->name);
            LKS_CHECK(key->is_required || key->fallback || key->without || key->schema, "%s",
                      key->name);
            LKS_CHECK(!key->fallback || key->kind != KIND_NUMBER ||
                          strtoull(key->fallback, NULL, 10) <= key->high,
                      "%s", key->name);
            for (uint32_t k = 0; k < i; k++)
                LKS_CHECK(strcmp(key->name, (*s)->keys[k].name) != 0, "%s", key->name);
        }
}

/* The example as it is, and with all that is commented out in it. */
static void the_example(void)
{
    static char text[65536];
    FILE *f = fopen(LKS_CONF_EXAMPLE, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = 0;
    fclose(f);
    struct conf *conf = read_text(text);
    LKS_CHECK(conf != NULL, "%s", said());
    conf_free(conf);
    for (char *line = text; line && *line;
         line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (line[0] == '#' && line[1] != '#')
            line[0] = '\n'; /* an empty line in front of what is no comment any more */
    conf = read_text(text);
    LKS_CHECK(!conf && complaints.num == 1 && strstr(said(), ": ticket-secret: keys are derived"),
              "%s", said());
    conf_free(conf);
}

int main(void)
{
    static const struct lks_test tests[] = {{"what is no text", what_is_no_text},
                                            {"what is no YAML", what_is_no_yaml},
                                            {"keys", keys},
                                            {"values", values},
                                            {"addresses", addresses},
                                            {"too many addresses", too_many_addresses},
                                            {"what does not fit", what_does_not_fit},
                                            {"all at once", all_at_once},
                                            {"what is right", what_is_right},
                                            {"what is no file", what_is_no_file},
                                            {"included", included},
                                            {"wrong in included", wrong_in_included},
                                            {"bad and good by turns", bad_and_good_by_turns},
                                            {"what a start alone sets", what_a_start_alone_sets},
                                            {"the table", the_table},
                                            {"the example", the_example},
                                            {0}};
    static const struct lks_test_suite suites[] = {{"configuration", tests}, {0}};
    return lks_test_run("config", suites);
}
