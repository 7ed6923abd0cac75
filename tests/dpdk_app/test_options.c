/* SPDX-License-Identifier: BSD-3-Clause */

/* Command lines, and what is said of each that is wrong. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/test.h"
#include "options.h"

#define WORDS_MAX 40
#define GOOD      "--listen 10.9.0.2:443 --cert c --key k --backend 10.9.0.1:80 "

static char error[512];

/* Parses a line of words between blanks. */
static int parse(struct options *o, const char *line)
{
    static char text[1024];
    static char *words[WORDS_MAX + 1];
    int num = 1;
    words[0] = strcpy(text, "lockstepd");
    char *at = text + sizeof("lockstepd");
    snprintf(at, sizeof(text) - sizeof("lockstepd"), "%s", line);
    for (char *word = strtok(at, " "); word && num < WORDS_MAX; word = strtok(NULL, " "))
        words[num++] = word;
    words[num] = NULL;
    error[0] = 0;
    return options_parse(o, num, words, error, sizeof(error));
}

static void what_is_wrong(void)
{
    static const struct {
        const char *line, *said;
    } rows[] = {
        {"", "--listen is missing: where are clients to connect? (--help)"},
        {"--listen 10.9.0.2:443", "--backend is missing: where does the plaintext go? (--help)"},
        {"--listen 10.9.0.2:443 --backend 10.9.0.1:80",
         "--cert and --key are missing: name a PEM file each (--help)"},
        {GOOD "--cert d", "2 --cert but 1 --key: each certificate needs its key"},
        {GOOD "--backend 10.9.0.1:81", "--backend is given twice"},
        {GOOD "--alpn a --alpn b", "--alpn is given twice"},
        {GOOD "--mtu 1400 --mtu 1400", "--mtu is given twice"},
        {GOOD "--strict-sni --strict-sni", "--strict-sni is given twice"},
        {"--li 10.9.0.2:443", "--li: write --listen in full"},
        {"--li=10.9.0.2:443", "--li=10.9.0.2:443: write --listen in full"},
        {GOOD "--strict", "--strict: write --strict-sni in full"},
        {GOOD "--nonsense", "--nonsense: no such option (--help lists the options)"},
        {GOOD "-x", "-x: no such option (--help lists the options)"},
        {GOOD "--alpn", "--alpn: it needs a value (--help lists the options)"},
        {GOOD "word", "word: not an option (--help lists them)"},
        {"--listen 10.9.0.2", "--listen 10.9.0.2: not an address; write IPv4[/prefix]:port, as "
                              "10.9.0.2/24:443"},
        {"--listen 10.9.0.2/33:443", "--listen 10.9.0.2/33:443: not an address; write "
                                     "IPv4[/prefix]:port, as 10.9.0.2/24:443"},
        {"--listen 10.9.0.2:0", "--listen 10.9.0.2:0: not an address; write IPv4[/prefix]:port, as "
                                "10.9.0.2/24:443"},
        {"--backend 10.9.0.1/24:80",
         "--backend 10.9.0.1/24:80: not an address; write IPv4:port, as 10.9.0.1:8080"},
        {"--gateway here", "--gateway here: not an IPv4 address"},
        {"--mtu 575", "--mtu 575: not a number from 576 to 1500"},
        {"--mtu 1501", "--mtu 1501: not a number from 576 to 1500"},
        {"--mtu 0x500", "--mtu 0x500: not a number from 576 to 1500"},
        {"--port -1", "--port -1: not a number from 0 to 65535"},
        {"--max-connections 9001", "--max-connections 9001: not a number from 1 to 9000"},
        {"--idle-timeout 99999999999999999999",
         "--idle-timeout 99999999999999999999: not a number from 1 to 86400"},
        {"--idle sleep", "--idle sleep: use spin, yield or sleep:MICROSECONDS"},
        {GOOD "--listen 10.9.0.3:444", "--listen: all must have the same address, the port's own"},
    };
    struct options o;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int rc = parse(&o, rows[i].line);
        LKS_CHECK(rc == -1 && strcmp(error, rows[i].said) == 0, "%s: %d, %s", rows[i].line, rc,
                  error);
    }
}

static void what_is_right(void)
{
    struct options o;
    LKS_CHECK(parse(&o, GOOD) == 0, "%s", error);
    CU_ASSERT(o.num_listen == 1 && o.listen[0].port == 443 && o.prefix_len == 24);
    CU_ASSERT(o.num_certs == 1 && o.num_keys == 1 && o.backend.port == 80);
    CU_ASSERT(o.mtu == 0 && o.port_id == 0 && o.idle == IDLE_YIELD && !o.help && !o.version);
    LKS_CHECK(parse(&o, GOOD "--mtu=576 --listen 10.9.0.2/16:444 --idle sleep:50 --port 3 "
                             "--cert d --key l --strict-sni") == 0,
              "%s", error);
    CU_ASSERT(o.mtu == 576 && o.num_listen == 2 && o.prefix_len == 16 && o.port_id == 3);
    CU_ASSERT(o.idle == IDLE_SLEEP && o.idle_us == 50 && o.num_certs == 2 && o.strict_sni);
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
}

int main(void)
{
    static const struct lks_test tests[] = {{"what is wrong", what_is_wrong},
                                            {"what is right", what_is_right},
                                            {"words of ours", words_of_ours},
                                            {0}};
    static const struct lks_test_suite suites[] = {{"command line", tests}, {0}};
    return lks_test_run("options", suites);
}
