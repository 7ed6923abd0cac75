/* SPDX-License-Identifier: BSD-3-Clause */

/* The generator's command lines, and what is said of each that is wrong. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/test.h"
#include "options.h"

#define WORDS_MAX 40
#define GOOD      "--target 10.9.0.1:443 --address 10.9.0.10 "

static char error[512];

/* Parses a line of words between blanks; '' is an empty one, and '_' a blank. */
static int parse(struct options *o, const char *line)
{
    static char text[1024];
    static char *words[WORDS_MAX + 1];
    int num = 1;
    words[0] = strcpy(text, "lockstep-load");
    char *at = text + sizeof("lockstep-load");
    snprintf(at, sizeof(text) - sizeof("lockstep-load"), "%s", line);
    for (char *word = strtok(at, " "); word && num < WORDS_MAX; word = strtok(NULL, " ")) {
        words[num++] = strcmp(word, "''") == 0 ? word + 2 : word;
        for (char *blank = word; (blank = strchr(blank, '_'));)
            *blank = ' ';
    }
    words[num] = NULL;
    error[0] = 0;
    return options_parse(o, num, words, error, sizeof(error));
}

static void what_is_wrong(void)
{
#define ADDR "write IPv4:port or [IPv6]:port, as 10.9.0.2:443 or [2001:db8::2]:443"
#define ADDRESS                                                                    \
    "write an address, or first-last, and a prefix, as 10.9.0.10-10.9.0.19/24 or " \
    "2001:db8::10/64"
    static const struct {
        const char *line, *said;
    } rows[] = {
        {"", "--target is missing: which server is to be loaded? (--help)"},
        {"--target 10.9.0.1:443",
         "--address is missing: which addresses has the generator on this port? (--help)"},
        {"--target 10.9.0.1", "--target 10.9.0.1: it names no port; " ADDR},
        {"--target 10.9.0.1:0",
         "--target 10.9.0.1:0: the port is not a number from 1 to 65535; " ADDR},
        {"--target [10.9.0.1]:1",
         "--target [10.9.0.1]:1: an IPv4 address stands without brackets; " ADDR},
        {"--target 2001:db8::1:443",
         "--target 2001:db8::1:443: an IPv6 address stands in brackets; " ADDR},
        {"--target demo.test:443", "--target demo.test:443: not an IP address; " ADDR},
        {"--address 10.9.0", "--address 10.9.0: not an IP address; " ADDRESS},
        {"--address 10.9.0.1/0",
         "--address 10.9.0.1/0: the prefix is not a number from 1 to 32; " ADDRESS},
        {"--address 10.9.0.1/33",
         "--address 10.9.0.1/33: the prefix is not a number from 1 to 32; " ADDRESS},
        {"--address 10.9.0.1-::1", "--address 10.9.0.1-::1: these are of two families; " ADDRESS},
        {"--address 10.9.0.2-10.9.0.1",
         "--address 10.9.0.2-10.9.0.1: the last is before the first"},
        {"--address 10.9.0.1-10.9.0.32",
         "--address 10.9.0.1-10.9.0.32: one too many, there is room for 31"},
        {"--address 10.9.0.x-10.9.0.9", "--address 10.9.0.x-10.9.0.9: not an IP address; " ADDRESS},
        {"--address 10.9.0.1/24-10.9.0.9",
         "--address 10.9.0.1/24-10.9.0.9: not an IP address; " ADDRESS},
        {"--gateway x", "--gateway x: not an IP address"},
        {"--gateway 10.9.0.1 --gateway 10.9.0.2", "--gateway 10.9.0.2: there is one of its family"},
        {"--target 10.8.0.1:443 --address 10.9.0.10",
         "--target 10.8.0.1: in no --address's network; name a --gateway"},
        {"--target 10.9.0.10:443 --address 10.9.0.10",
         "--target 10.9.0.10: is one of --address, not another host's"},
        {"--target [2001:db8::1]:443 --address 10.9.0.10",
         "--target 2001:db8::1: no --address is of its family"},
        {GOOD "--serve 10.9.0.9:80", "--serve 10.9.0.9: this is none of --address"},
        {GOOD "--rate 0", "--rate 0: not a number from 1 to 100000000"},
        {GOOD "--rate fast", "--rate fast: not a number from 1 to 100000000"},
        {GOOD "--rate 99999999999999999999999",
         "--rate 99999999999999999999999: not a number from 1 to 100000000"},
        {GOOD "--resume 101", "--resume 101: not a number from 0 to 100"},
        {GOOD "--per-connection some",
         "--per-connection some: use a number of requests, 0 for handshakes alone, or all"},
        {GOOD "--arrivals poisson", "--arrivals poisson: there is no --rate to come at"},
        {GOOD "--arrivals random", "--arrivals random: use even or poisson"},
        {GOOD "--tls 1.1", "--tls 1.1: use 1.2 or 1.3; without it both are offered"},
        {GOOD "--warmup 1 --requests 5",
         "--warmup with --requests: the first throws away what the second counts; leave one out"},
        {GOOD "--cert c", "--cert and --key belong together; name both"},
        {GOOD "--insecure --ca c",
         "--insecure with --ca: is the server to be verified? leave one out"},
        {GOOD "--header X", "--header X: write \"Name: value\", in ASCII"},
        {GOOD "--header :x", "--header :x: write \"Name: value\", in ASCII"},
        {GOOD "--header a:\r\nb:c", "--header a:\r\nb:c: write \"Name: value\", in ASCII"},
        {GOOD "--path x",
         "--method GET --path x: a path begins with '/', and neither has blanks in "
         "it or other than ASCII"},
        {GOOD "--path /a_b", "--method GET --path /a b: a path begins with '/', and neither has "
                             "blanks in it or other than ASCII"},
        {GOOD "--host a\r\nb", "--host a\r\nb: not a host's name"},
        {GOOD "--idle doze", "--idle doze: use spin, yield or sleep:MICROSECONDS (1 to 1000000)"},
        {GOOD "--path", "--path: it needs a value (--help)"},
        {GOOD "--path ''", "--path: it needs a value (--help)"},
        {GOOD "--path --insecure", "--path: it needs a value (--help)"},
        {GOOD "--insecure=yes", "--insecure takes no value; write it alone"},
        {GOOD "--path /a --path /b", "--path is given twice; keep one of the two"},
        {GOOD "--nonsense", "--nonsense: no such option (--help lists them)"},
        {GOOD "word", "word: no such option (--help lists them)"},
    };
    struct options o;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const int rc = parse(&o, rows[i].line);
        LKS_CHECK(rc == -1 && strcmp(error, rows[i].said) == 0, "%s: %d, %s", rows[i].line, rc,
                  error);
    }
}

static void defaults(void)
{
    struct options o;
    LKS_CHECK(parse(&o, GOOD) == 0, "%s", error);
    CU_ASSERT_EQUAL(o.connections, 100);
    CU_ASSERT_EQUAL(o.per_connection, UINT64_MAX);
    CU_ASSERT_EQUAL(o.rate, 0);
    CU_ASSERT_EQUAL(o.duration_s, 10);
    CU_ASSERT_EQUAL(o.max_requests, UINT64_MAX);
    CU_ASSERT_EQUAL(o.resume_percent, 0);
    CU_ASSERT_FALSE(o.is_insecure);
    CU_ASSERT_STRING_EQUAL(o.method, "GET");
    CU_ASSERT_STRING_EQUAL(o.path, "/");
    CU_ASSERT_STRING_EQUAL(o.alpn, "http/1.1");
    CU_ASSERT_EQUAL(o.addresses[0].prefix_len, 96 + 24);
    LKS_CHECK(parse(&o, GOOD "--warmup 1") == 0, "%s", error);
    LKS_CHECK(parse(&o, GOOD "--body 5") == 0, "%s", error);
    CU_ASSERT_STRING_EQUAL(o.method, "POST");
    LKS_CHECK(parse(&o, "--serve 10.9.0.10:80 --address 10.9.0.10") == 0, "%s", error);
    CU_ASSERT_EQUAL(o.duration_s, 0); /* until it is stopped */
    LKS_CHECK(parse(&o, GOOD "--requests 5") == 0, "%s", error);
    CU_ASSERT_EQUAL(o.duration_s, 86400);
    LKS_CHECK(parse(&o, GOOD "--requests 500 --rate 100") == 0, "%s", error);
    CU_ASSERT_EQUAL(o.duration_s, 5 + 10); /* whatever the server does */
}

static void addresses(void)
{
    char text[NET_IP_TEXT_LEN];
    struct options o;
    LKS_CHECK(parse(&o, "--target [2001:db8::1]:443 --address 10.9.0.254-10.9.1.1/16 "
                        "--address 2001:db8::10-2001:db8::11/48 --address 10.9.0.255/16") == 0,
              "%s", error);
    CU_ASSERT_EQUAL_FATAL(o.num_addresses, 6);
    CU_ASSERT_STRING_EQUAL(net_ip_text(text, &o.addresses[1].ip), "10.9.0.255");
    CU_ASSERT_STRING_EQUAL(net_ip_text(text, &o.addresses[3].ip), "10.9.1.1");
    CU_ASSERT_EQUAL(o.addresses[3].prefix_len, 96 + 16);
    CU_ASSERT_STRING_EQUAL(net_ip_text(text, &o.addresses[5].ip), "2001:db8::11");
    CU_ASSERT_EQUAL(o.addresses[5].prefix_len, 48);
    CU_ASSERT_EQUAL(o.target.port, 443);
    LKS_CHECK(parse(&o, "--target 10.8.0.1:443 --address 10.9.0.2 --gateway 10.9.0.1") == 0, "%s",
              error);
    LKS_CHECK(parse(&o, "--target 10.9.0.1:443 --address=255.255.255.254-255.255.255.255 "
                        "--address 10.9.0.3") == 0,
              "%s", error);
    CU_ASSERT_EQUAL(o.num_addresses, 3);
}

static void words_that_end_it(void)
{
    struct options o;
    CU_ASSERT(parse(&o, "-h") == 0 && o.help);
    CU_ASSERT(parse(&o, "--help --nonsense") == 0 && o.help);
    CU_ASSERT(parse(&o, "--version") == 0 && o.version);
}

static const struct lks_test tests[] = {
    {"what_is_wrong", what_is_wrong},         {"defaults", defaults}, {"addresses", addresses},
    {"words_that_end_it", words_that_end_it}, {NULL, NULL},
};

static const struct lks_test_suite suites[] = {{"options", tests}, {NULL, NULL}};

int main(void)
{
    return lks_test_run("load-options", suites);
}
