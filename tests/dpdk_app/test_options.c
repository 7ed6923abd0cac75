/* SPDX-License-Identifier: BSD-3-Clause */

/* Command lines, and what is said of each that is wrong. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/test.h"
#include "options.h"

#define WORDS_MAX 80
#define GOOD      "--listen 10.9.0.2:443 --cert c --key k --backend 10.9.0.1:80 "

static char error[1024];
static struct conf *made; /* what the last good line came to */

static const struct conf_site *site(void)
{
    const struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &made->frontends, 0);
    return CONF_ITEM(struct conf_site, &f->sites, 0);
}

/* Parses a line of words between blanks; '' is an empty one. What it comes to is given up. */
static int parse(struct options *o, const char *line)
{
    static struct complaints complaints;
    static char text[1024];
    static char *words[WORDS_MAX + 1];
    int num = 1;
    words[0] = strcpy(text, "lockstepd");
    char *at = text + sizeof("lockstepd");
    snprintf(at, sizeof(text) - sizeof("lockstepd"), "%s", line);
    for (char *word = strtok(at, " "); word && num < WORDS_MAX; word = strtok(NULL, " "))
        words[num++] = strcmp(word, "''") == 0 ? word + 2 : word;
    words[num] = NULL;
    complaints.num = 0;
    error[0] = 0;
    const int rc = options_parse(o, num, words, &complaints);
    if (rc)
        complaint_text(error, sizeof(error), &complaints.rows[0]);
    conf_free(made);
    made = o->conf;
    return rc;
}

struct row {
    const char *line, *said;
};

static void check_rows(const struct row *rows, size_t num)
{
    struct options o;
    for (size_t i = 0; i < num; i++) {
        int rc = parse(&o, rows[i].line);
        LKS_CHECK(rc == -1 && strcmp(error, rows[i].said) == 0, "%s: %d, %s", rows[i].line, rc,
                  error);
    }
}

static void what_is_wrong(void)
{
    static const struct row rows[] = {
        {"", "--listen is missing: where are clients to connect? (--help)"},
        {"--listen 10.9.0.2:443", "--backend is missing: where does the plaintext go? (--help)"},
        {"--listen 10.9.0.2:443 --backend 10.9.0.1:80",
         "--cert and --key are missing: name a PEM file each (--help)"},
        {"--listen 10.9.0.2:443 --cert c --backend 10.9.0.1:80",
         "1 --cert but 0 --key: each certificate needs its key"},
        {GOOD "--cert d", "2 --cert but 1 --key: each certificate needs its key"},
        {GOOD "--backend 10.9.0.1:81", "--backend is given twice; keep one of the two"},
        {GOOD "--alpn a --alpn b", "--alpn is given twice; keep one of the two"},
        {GOOD "--mtu 1400 --mtu 1400", "--mtu is given twice; keep one of the two"},
        {GOOD "--strict-sni --strict-sni", "--strict-sni is given twice; keep one of the two"},
        {GOOD "--workers 0", "--workers 0: not a number from 1 to 64, nor auto"},
        {GOOD "--workers 65", "--workers 65: not a number from 1 to 64, nor auto"},
        {GOOD "--workers all", "--workers all: not a number from 1 to 64, nor auto"},
        {GOOD "--workers 2 --workers 3", "--workers is given twice; keep one of the two"},
        {"--li 10.9.0.2:443", "--li: write --listen in full"},
        {"--li=10.9.0.2:443", "--li=10.9.0.2:443: write --listen in full"},
        {GOOD "--strict", "--strict: write --strict-sni in full"},
        {GOOD "--nonsense", "--nonsense: no such option (--help lists the options)"},
        {GOOD "-x", "-x: no such option (--help lists the options)"},
        {GOOD "--i 5", "--i: no such option (--help lists the options)"},
        {GOOD "-", "\"-\": not an option (--help lists them)"},
        {GOOD "--", "\"--\": not an option (--help lists them)"},
        {GOOD "''", "\"\": not an option (--help lists them)"},
        {GOOD "word", "\"word\": not an option (--help lists them)"},
        {GOOD "word --alpn a", "\"word\": not an option (--help lists them)"},
        {"--mtu 575", "--mtu 575: not a number from 576 to 1500"},
        {"--mtu 1501", "--mtu 1501: not a number from 576 to 1500"},
        {"--vlan 0", "--vlan 0: not a number from 1 to 4094"},
        {"--vlan 4095", "--vlan 4095: not a number from 1 to 4094"},
        {GOOD "--vlan 7 --vlan 7", "--vlan is given twice; keep one of the two"},
        {"--mtu 0x500", "--mtu 0x500: not a number from 576 to 1500"},
        {"--port -1", "--port -1: not a number from 0 to 65535"},
        {"--port 65536", "--port 65536: not a number from 0 to 65535"},
        {"--mbufs 1023", "--mbufs 1023: not a number from 1024 to 16777216"},
        {"--handshake-timeout 0", "--handshake-timeout 0s: not a time from 1s to 1h"},
        {"--max-connections 9001", "--max-connections 9001: not a number from 1 to 9000"},
        {"--idle-timeout 99999999999999999999",
         "--idle-timeout 99999999999999999999s: not a time from 1s to 1d"},
        {GOOD "--config f", "--cert: f says all that is served; take this option out, or say it "
                            "there"},
        {"--config f --test g", "--config: g says all that is served; take this option out, or say "
                                "it there"},
        {"--config none-such", "none-such: No such file or directory"},
        {"--test none-such", "none-such: No such file or directory"},
        {"--config", "--config: it needs a value (--help)"},
        {GOOD "--alpn a,,b", "--alpn: its value is empty; write one, or take the key out"},
        {"--idle sleep", "--idle sleep: use spin, yield or sleep:MICROSECONDS (1 to 1000000)"},
        {"--idle sleep:0", "--idle sleep:0: use spin, yield or sleep:MICROSECONDS (1 to 1000000)"},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

/* An option is not taken for the value of the one in front of it. */
static void values_that_are_missing(void)
{
#define EMPTY  "; give one (--help), or leave the option out"
#define BEGINS "; a value that begins like that is written "
    static const struct row rows[] = {
        {GOOD "--alpn", "--alpn: it needs a value (--help)"},
        {"--cert --key k", "--cert: it needs a value, but --key is next" BEGINS "--cert=VALUE"},
        {"--cert c --key --cert d",
         "--key: it needs a value, but --cert is next" BEGINS "--key=VALUE"},
        {"--mtu --strict-sni",
         "--mtu: it needs a value, but --strict-sni is next" BEGINS "--mtu=VALUE"},
        {"--listen --lisen=10.9.0.2:443",
         "--listen: it needs a value, but --lisen=10.9.0.2:443 is next" BEGINS "--listen=VALUE"},
        {"--alpn --", "--alpn: it needs a value, but -- is next" BEGINS "--alpn=VALUE"},
        {"--alpn -h", "--alpn: it needs a value, but -h is next" BEGINS "--alpn=VALUE"},
        {"--cert=", "--cert: its value is empty" EMPTY},
        {"--alpn ''", "--alpn: its value is empty" EMPTY},
        {"--gateway=", "--gateway: its value is empty" EMPTY},
        {"--port=", "--port: its value is empty" EMPTY},
        {GOOD "--strict-sni=no", "--strict-sni takes no value; write it alone"},
        {"--help=all", "--help takes no value; write it alone"},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
    struct options o;
    LKS_CHECK(parse(&o, "--listen 10.9.0.2:443 --cert=--odd --key=a=b --backend 10.9.0.1:80") == 0,
              "%s", error);
    const struct conf_certificate *cert = site()->certificates.all;
    CU_ASSERT_STRING_EQUAL(cert->chain, "--odd");
    CU_ASSERT_STRING_EQUAL(cert->key, "a=b");
}

/* Addresses by themselves. */
static void addresses(void)
{
#define LISTEN                                                                   \
    "; write IPv4[/prefix]:port or [IPv6[/prefix]]:port, as 10.9.0.2/24:443 or " \
    "[2001:db8::2/64]:443"
#define BACKEND "; write IPv4:port or [IPv6]:port, as 10.9.0.1:8080 or [2001:db8::1]:8080"
#define LONG    "1234567890123456789012345678901234567890123456789012345678901234"
#define L(value, wrong)                                        \
    {                                                          \
        "--listen " value, "--listen " value ": " wrong LISTEN \
    }
#define B(value, wrong)                                           \
    {                                                             \
        "--backend " value, "--backend " value ": " wrong BACKEND \
    }
    static const struct row rows[] = {
        L("10.9.0.2", "it names no port"),
        L("443", "it names no port"),
        L("10.9.2:443", "not an IP address"),
        L("10.9.0.256:443", "not an IP address"),
        L(LONG ":443", "not an IP address"),
        L("10.9.0.2:0", "the port is not a number from 1 to 65535"),
        L("10.9.0.2:65536", "the port is not a number from 1 to 65535"),
        L("10.9.0.2:https", "the port is not a number from 1 to 65535"),
        L("10.9.0.2:", "the port is not a number from 1 to 65535"),
        L("10.9.0.2/0:443", "the prefix is not a number from 1 to 32"),
        L("10.9.0.2/33:443", "the prefix is not a number from 1 to 32"),
        L("10.9.0.2/:443", "the prefix is not a number from 1 to 32"),
        L("10.9.0.2/255.255.255.0:443", "the prefix is not a number from 1 to 32"),
        L("[2001:db8::2]", "it names no port"),
        L("[2001:db8::2]443", "it names no port"),
        L("[2001:db8::2:443", "the bracket is not closed"),
        L("[2001:db8::2]/64:443", "the prefix stands within the brackets"),
        L("2001:db8::2:443", "an IPv6 address stands in brackets"),
        L("2001:db8::2/64:443", "an IPv6 address stands in brackets"),
        L("::", "an IPv6 address stands in brackets"),
        L("[]:443", "not an IP address"),
        L("[2001:db8]:443", "not an IP address"),
        L("[" LONG "]:443", "not an IP address"),
        L("[10.9.0.2/24]:443", "an IPv4 address stands without brackets"),
        L("[fe80::1%lks0]:443", "an address has no zone here, since there is one port"),
        L("[::ffff:10.9.0.2]:443", "IPv4 in IPv6's form is no address of a host; write it as IPv4"),
        L("[0:0:0:0:0:ffff:a09:2]:443",
          "IPv4 in IPv6's form is no address of a host; write it as IPv4"),
        L("[2001:db8::2/0]:443", "the prefix is not a number from 1 to 128"),
        L("[2001:db8::2/129]:443", "the prefix is not a number from 1 to 128"),
        L("[2001:db8::2/]:443", "the prefix is not a number from 1 to 128"),
        L("[2001:db8::2]:65536", "the port is not a number from 1 to 65535"),
        B("10.9.0.1/24:80", "no prefix belongs here"),
        B("[2001:db8::1/64]:80", "no prefix belongs here"),
        B("localhost:80", "not an IP address"),
        B("10.9.0.1:65536", "the port is not a number from 1 to 65535"),
        {"--gateway here", "--gateway here: not an IP address"},
        {"--gateway 10.9.0.1/24", "--gateway 10.9.0.1/24: not an IP address"},
        {"--gateway [2001:db8::1]",
         "--gateway [2001:db8::1]: a gateway's address stands without brackets"},
        {"--gateway fe80::1%lks0",
         "--gateway fe80::1%lks0: an address has no zone here, since there is one port"},
        {"--gateway ::ffff:10.9.0.1", "--gateway ::ffff:10.9.0.1: IPv4 in IPv6's form is no "
                                      "address of a host; write it as IPv4"},
        {GOOD "--gateway 10.9.0.1 --gateway 10.9.0.3",
         "--gateway 10.9.0.3: there is one for IPv4, 10.9.0.1"},
        {GOOD "--gateway fe80::1 --gateway 10.9.0.1 --gateway 2001:db8::1",
         "--gateway: a list of 3; there is room for 2"},
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

#define FILES    "--cert c --key k "
#define REST     FILES "--backend 10.9.0.1:80 "
#define GOOD6    "--listen [2001:db8::2]:443 " FILES "--backend [2001:db8::1]:80 "
#define LOOPBACK ": this address is this machine's loopback, and lockstepd knows its port only"
#define NO_HOST  ": this address is no single host's address"

static void check_good(const char *const *lines, size_t num)
{
    struct options o;
    for (size_t i = 0; i < num; i++)
        LKS_CHECK(parse(&o, lines[i]) == 0, "%s: %s", lines[i], error);
}

/* Addresses beside each other: who is outside our networks needs a router. */
static void one_network(void)
{
    static const struct row rows[] = {
        {GOOD "--listen 10.9.0.2:443",
         "--listen 10.9.0.2:443: this is given twice; keep one of the two"},
        {"--listen 10.9.0.2/16:443 --listen 10.9.0.2/24:444 " REST,
         "--listen 10.9.0.2/24:444: another prefix was 16; an address is in one network, say its "
         "prefix once"},
        {"--listen 10.9.0.2/24:443 --listen 10.9.0.2:444 --listen 10.9.0.2/25:445 " REST,
         "--listen 10.9.0.2/25:445: another prefix was 24; an address is in one network, say its "
         "prefix once"},
        {"--listen 10.9.0.2/32:443 " REST,
         "--listen 10.9.0.2/32: nobody else is in this network; name a --gateway"},
        {"--listen 10.9.0.0:443 " REST,
         "--listen 10.9.0.0/24: this address is the address of --listen's network itself"},
        {"--listen 10.9.0.255:443 " REST,
         "--listen 10.9.0.255/24: this address is the broadcast address of --listen's network"},
        {"--listen 0.0.0.0:443 " REST, "--listen 0.0.0.0/24" NO_HOST},
        {"--listen 224.0.0.1:443 " REST, "--listen 224.0.0.1/24" NO_HOST},
        {"--listen 240.0.0.1:443 " REST, "--listen 240.0.0.1/24" NO_HOST},
        {"--listen 127.0.0.1:443 " REST, "--listen 127.0.0.1/24" LOOPBACK},
        {GOOD "--gateway 10.9.1.1", "--gateway 10.9.1.1: not in --listen's network, 10.9.0.0/24; "
                                    "say the prefix as in --listen 10.9.0.2/16:443"},
        {GOOD "--gateway 10.9.0.2",
         "--gateway 10.9.0.2: this address is --listen's own, not another host's"},
        {GOOD "--gateway 10.9.0.0",
         "--gateway 10.9.0.0: this address is the address of --listen's network itself"},
        {GOOD "--gateway 10.9.0.255",
         "--gateway 10.9.0.255: this address is the broadcast address of --listen's network"},
        {GOOD "--gateway 255.255.255.255", "--gateway 255.255.255.255" NO_HOST},
        {GOOD "--gateway 0.0.0.0", "--gateway 0.0.0.0" NO_HOST},
        {"--listen 10.9.0.2:443 " FILES "--backend 127.0.0.1:80", "--backend 127.0.0.1" LOOPBACK},
        {"--listen 10.9.0.2:443 " FILES "--backend 10.9.0.2:80",
         "--backend 10.9.0.2: this address is --listen's own, not another host's"},
        {"--listen 10.9.0.2:443 " FILES "--backend 10.9.0.255:80",
         "--backend 10.9.0.255: this address is the broadcast address of --listen's network"},
        {"--listen 10.9.0.2:443 " FILES "--backend 10.9.1.1:80",
         "--backend 10.9.1.1: not in --listen's network, 10.9.0.0/24; name a --gateway"},
        {"--listen 10.9.0.2:443 --gateway 10.9.0.1 " FILES "--backend 169.254.0.1:80",
         "--backend 169.254.0.1: this address is link-local, but of no network of this link"},
    };
    static const char *const good[] = {
        "--listen 10.9.0.2/16:443 " FILES "--backend 10.9.1.255:80",
        "--listen 10.9.0.2/16:443 --listen 10.9.0.2/16:444 " REST,
        "--listen 10.9.0.2:443 --gateway 10.9.0.1 " FILES "--backend 10.8.0.1:80",
        "--listen 10.9.0.2:443 --gateway 10.9.0.1 " FILES "--backend 10.8.0.0:80",
        "--listen 10.9.0.2/30:443 " REST,
        "--listen 10.9.0.0/31:443 " REST,
        "--listen 10.9.0.0/32:443 --gateway 10.0.0.1 " REST,
        "--listen 10.9.0.2/1:443 " REST,
        "--listen 169.254.0.2/16:443 " FILES "--backend 169.254.0.1:80",
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
    check_good(good, sizeof(good) / sizeof(good[0]));
}

/* The same over IPv6, and what only IPv6 has. */
static void one_network_of_ipv6(void)
{
    static const struct row rows[] = {
        {"--listen [2001:db8::2/128]:443 " FILES "--backend [2001:db8::1]:80",
         "--listen 2001:db8::2/128: nobody else is in this network; name a --gateway"},
        {"--listen [::]:443 " REST, "--listen ::/64" NO_HOST},
        {"--listen [::10.9.0.2]:443 " REST, "--listen ::10.9.0.2/64" NO_HOST},
        {"--listen [ff02::1]:443 " REST, "--listen ff02::1/64" NO_HOST},
        {"--listen [::1]:443 " REST, "--listen ::1/64" LOOPBACK},
        {"--listen [fe80::2]:443 " REST,
         "--listen fe80::2/64: this address is link-local, and lockstepd makes that one itself; "
         "name one that clients can have, too"},
        {"--listen [2001:db8::]:443 " REST,
         "--listen 2001:db8::/64: this address is that of all routers in --listen's network"},
        {"--listen [2001:db8::2/64]:443 --listen [2001:db8::2/48]:444 " REST,
         "--listen [2001:db8::2/48]:444: another prefix was 64; an address is in one network, say "
         "its prefix once"},
        {GOOD6 "--listen [2001:db8:0::2]:443",
         "--listen [2001:db8:0::2]:443: this is given twice; keep one of the two"},
        {GOOD6 "--gateway 2001:db8:1::1",
         "--gateway 2001:db8:1::1: not in --listen's network, 2001:db8::/64; say the prefix as in "
         "--listen [2001:db8::2/48]:443"},
        {GOOD6 "--gateway fe80:1::1",
         "--gateway fe80:1::1: this address is link-local, but of no network of this link"},
        {GOOD6 "--gateway ff02::2", "--gateway ff02::2" NO_HOST},
        {GOOD6 "--gateway 2001:db8::2",
         "--gateway 2001:db8::2: this address is --listen's own, not another host's"},
        {"--listen [2001:db8::2]:443 " FILES "--backend [::1]:80", "--backend ::1" LOOPBACK},
        {"--listen [2001:db8::2]:443 " FILES "--backend [2001:db8:1::1]:80",
         "--backend 2001:db8:1::1: not in --listen's network, 2001:db8::/64; name a --gateway of "
         "IPv6"},
        {"--listen [2001:db8::2]:443 --gateway fe80::1 " FILES "--backend [fe80:1::1]:80",
         "--backend fe80:1::1: this address is link-local, but of no network of this link"},
        {GOOD6 "--mtu 1279", "--mtu 1279: --listen 2001:db8::2 is IPv6, which needs 1280"},
    };
    static const char *const good[] = {
        GOOD6,
        GOOD6 "--mtu 1280 --gateway fe80::1",
        "--listen [2001:db8::2]:443 --gateway 2001:db8::1 " FILES "--backend [64:ff9b::a09:1]:80",
        "--listen [2001:db8::2]:443 " FILES "--backend [fe80::1]:80",
        "--listen [2001:db8::2/127]:443 " FILES "--backend [2001:db8::3]:80",
        "--listen [2001:db8::2/128]:443 --gateway 2001:db8:1::1 " FILES "--backend [2001::]:80",
        "--listen [2001:db8::2/64]:443 --listen [2001:db8:0:1::2/128]:443 " FILES
        "--backend [2001:db8::ffff:ffff:ffff:ffff]:80",
    };
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
    check_good(good, sizeof(good) / sizeof(good[0]));
}

/* Several networks, and both families beside each other: each has its own way out. */
static void several_networks(void)
{
#define TWO "--listen 10.9.0.2:443 --listen 10.8.0.2/16:443 "
#define MIX "--listen 10.9.0.2:443 --listen [2001:db8::2]:443 "
    static const struct row rows[] = {
        {TWO FILES "--backend 10.7.0.1:80",
         "--backend 10.7.0.1: not in --listen's network, 10.9.0.0/24 or 10.8.0.0/16; name a "
         "--gateway"},
        {TWO FILES "--backend 10.8.0.0:80",
         "--backend 10.8.0.0: this address is the address of --listen's network itself"},
        {TWO FILES "--backend 10.8.0.2:80",
         "--backend 10.8.0.2: this address is --listen's own, not another host's"},
        {"--listen 10.9.0.2:443 " FILES "--backend [2001:db8::1]:80",
         "--backend 2001:db8::1: lockstepd has no IPv6 address to reach it from; name one by "
         "--listen"},
        {"--listen 10.9.0.2:443 " FILES "--backend [fe80::1]:80",
         "--backend fe80::1: lockstepd has no IPv6 address to reach it from; name one by "
         "--listen"},
        {"--listen [2001:db8::2]:443 " REST,
         "--backend 10.9.0.1: lockstepd has no IPv4 address to reach it from; name one by "
         "--listen"},
        {GOOD "--gateway 2001:db8::1",
         "--gateway 2001:db8::1: lockstepd has no IPv6 address to reach it from; name one by "
         "--listen"},
        {MIX "--gateway 10.9.0.1 " FILES "--backend [2001:db8:1::1]:80",
         "--backend 2001:db8:1::1: not in --listen's network, 2001:db8::/64; name a --gateway of "
         "IPv6"},
        {MIX "--gateway 2001:db8::1 " FILES "--backend 10.7.0.1:80",
         "--backend 10.7.0.1: not in --listen's network, 10.9.0.0/24; name a --gateway"},
        {MIX "--listen [2001:db8:1::2/128]:443 --listen 10.7.0.2/32:443 --mtu 1000 " REST,
         "--mtu 1000: --listen 2001:db8::2 is IPv6, which needs 1280"},
    };
    static const char *const good[] = {
        TWO "--gateway 10.8.0.1 " FILES "--backend 10.7.0.1:80",
        TWO "--listen 10.9.0.2:444 " FILES "--backend 10.8.255.254:80",
        TWO "--listen 10.7.0.2/32:443 " REST,
        MIX "--gateway 2001:db8::1 --gateway 10.9.0.1 " FILES "--backend [2001:db8:1::1]:80",
        MIX "--gateway 2001:db8::1 " REST,
    };
    struct options o;
    check_rows(rows, sizeof(rows) / sizeof(rows[0]));
    check_good(good, sizeof(good) / sizeof(good[0]));
    CU_ASSERT_EQUAL_FATAL(parse(&o, MIX "--listen 10.9.0.2/20:444 --gateway fe80::1 " REST), 0);
    const struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &made->frontends, 0);
    const struct conf_pool *pool = CONF_ITEM(struct conf_pool, &made->pools, 0);
    const struct conf_server *server = CONF_ITEM(struct conf_server, &pool->servers, 0);
    CU_ASSERT(f->listen.num == 3 && made->num_own == 2 && made->gateways.num == 1);
    CU_ASSERT(made->own[0].prefix_len == 96 + 20 && made->own[1].prefix_len == 64);
    CU_ASSERT_TRUE(net_ip_equal(&made->own[1].addr.ip, &f->listen.all[1].addr.ip));
    CU_ASSERT(net_ip_is_link_local(&made->gateways.all[0].addr.ip));
    CU_ASSERT(net_ip_is_v4(&server->addr.ip) && site()->pool == pool);
}

static void too_many(void)
{
    char line[1024] = "--backend 10.9.0.1:80 ";
    struct options o;
    for (unsigned int n = 0; n < 17; n++)
        strcat(line, "--cert c --key k ");
    CU_ASSERT_EQUAL(parse(&o, line), -1);
    CU_ASSERT_STRING_EQUAL(error, "--cert: a list of 17; there is room for 16");
}

static void what_is_right(void)
{
    struct options o;
    LKS_CHECK(parse(&o, GOOD) == 0, "%s", error);
    const struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &made->frontends, 0);
    const struct conf_device *device = &made->device;
    CU_ASSERT(f->listen.num == 1 && f->listen.all[0].addr.port == 443);
    CU_ASSERT(made->num_own == 1 && made->own[0].prefix_len == 96 + 24 && device->vlan == 0);
    CU_ASSERT(site()->certificates.num == 1 && made->pools.num == 1 && !site()->strict_sni);
    CU_ASSERT(device->mtu == 0 && device->port == 0 && device->idle == IDLE_YIELD);
    CU_ASSERT(device->buffers == 32768 && made->limits.connections == 8000);
    CU_ASSERT(made->timeouts.handshake_s == 10 && made->timeouts.idle_s == 300);
    CU_ASSERT(!o.help && !o.version && !o.test && !o.file);
    LKS_CHECK(parse(&o, GOOD "--mtu=576 --listen 10.9.0.2/16:444 --idle sleep:50 --port 3 "
                             "--cert d --key l --strict-sni --vlan 4094 --alpn h2,http/1.1 "
                             "--idle-timeout 7 --key-log log") == 0,
              "%s", error);
    device = &made->device;
    CU_ASSERT(device->mtu == 576 && device->port == 3 && device->vlan == 4094);
    CU_ASSERT_EQUAL(made->own[0].prefix_len, 96 + 16);
    CU_ASSERT(device->idle == IDLE_SLEEP && device->idle_us == 50 && device->workers == 1);
    CU_ASSERT(site()->certificates.num == 2 && site()->strict_sni && site()->alpn.num == 2);
    CU_ASSERT(made->timeouts.idle_s == 7 && strcmp(made->key_log, "log") == 0);
    CU_ASSERT(parse(&o, GOOD "--workers 64") == 0 && made->device.workers == 64);
    CU_ASSERT(parse(&o, GOOD "--workers auto") == 0 && made->device.workers == 0);
    static const char *const asks_for_help[] = {"--help", "-h", GOOD "--help"};
    for (size_t i = 0; i < 3; i++)
        LKS_CHECK(parse(&o, asks_for_help[i]) == 0 && o.help, "%s: %s", asks_for_help[i], error);
    CU_ASSERT(parse(&o, "--version") == 0 && o.version);
}

/* Words that EAL does not know, so that they are missed behind a forgotten "--". */
static void words_of_ours(void)
{
    CU_ASSERT_TRUE(options_is_ours("--listen"));
    CU_ASSERT_TRUE(options_is_ours("--listen=10.9.0.2:443"));
    CU_ASSERT_FALSE(options_is_ours("--listening"));
    CU_ASSERT_FALSE(options_is_ours("--li"));
    CU_ASSERT_FALSE(options_is_ours("listen"));
    CU_ASSERT_FALSE(options_is_ours("--no-huge"));
    CU_ASSERT_FALSE(options_is_ours("--"));
    CU_ASSERT_FALSE(options_is_ours("-h"));
    CU_ASSERT_TRUE(options_is_file("--test=f"));
    CU_ASSERT_FALSE(options_is_file("--listen"));
}

int main(void)
{
    static const struct lks_test tests[] = {{"what is wrong", what_is_wrong},
                                            {"what is right", what_is_right},
                                            {"words of ours", words_of_ours},
                                            {"values that are missing", values_that_are_missing},
                                            {"addresses", addresses},
                                            {"one network", one_network},
                                            {"one network of IPv6", one_network_of_ipv6},
                                            {"several networks", several_networks},
                                            {"too many", too_many},
                                            {0}};
    static const struct lks_test_suite suites[] = {{"command line", tests}, {0}};
    const int rc = lks_test_run("options", suites);
    conf_free(made);
    return rc;
}
