/* SPDX-License-Identifier: BSD-3-Clause */

/* LOCKSTEP_PROVIDER and LOCKSTEP_ISA are read once, so each setting is tried in a process of its
 * own. */

#include <lockstep/engine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/test.h"

static bool ipsec_mb_is_here;

/* In a child: what the engine says of itself. Returns lks_engine_new()'s status. */
static enum lks_status ask(const char *provider, const char *isa, char *text, size_t cap)
{
    int ends[2];
    uint8_t answer[4096] = {0};
    fflush(stdout);
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct lks_engine *engine;
        struct lks_key key;
        setenv("LOCKSTEP_PROVIDER", provider, 1);
        setenv("LOCKSTEP_ISA", isa, 1);
        const enum lks_status status = lks_engine_new(&engine, 1);
        const uint8_t secret[32] = {1};
        const enum lks_status key_status =
            lks_key_init(&key, LKS_TLS_1_3, LKS_AES_128_GCM, LKS_SEAL, secret, secret);
        answer[0] = (uint8_t)(status == key_status ? status : LKS_INTERNAL);
        lks_engine_describe((char *)answer + 1, sizeof(answer) - 1);
        _exit(write(ends[1], answer, sizeof(answer)) != (ssize_t)sizeof(answer));
    }
    close(ends[1]);
    size_t have = 0;
    for (ssize_t n = 1; n > 0 && have<sizeof(answer); have += n> 0 ? (size_t)n : 0)
        n = read(ends[0], answer + have, sizeof(answer) - have);
    close(ends[0]);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
    snprintf(text, cap, "%s", (const char *)answer + 1);
    return (enum lks_status)answer[0];
}

static void test_known(void)
{
    char text[4096];
    CU_ASSERT_EQUAL(ask("lockstep", "", text, sizeof(text)), LKS_OK);
    LKS_CHECK(!strstr(text, "ipsec_mb") && strstr(text, "aes_128_cbc_sha: portable"), "%s", text);
    CU_ASSERT_EQUAL(ask("", "portable", text, sizeof(text)), LKS_OK);
    LKS_CHECK(!strstr(text, "ipsec_mb") && strstr(text, "aes_128_gcm: portable"), "%s", text);
    CU_ASSERT_EQUAL(ask("", "", text, sizeof(text)), LKS_OK);
    LKS_CHECK(!strstr(text, "aes_128_gcm: ipsec_mb"), "%s", text);
    ipsec_mb_is_here = strstr(text, "aes_128_cbc_sha: ipsec_mb") != NULL;
}

static void test_unknown(void)
{
    char text[4096];
    CU_ASSERT_EQUAL(ask("ipsec", "", text, sizeof(text)), LKS_BAD_CONFIG);
    LKS_CHECK(strstr(text, "LOCKSTEP_PROVIDER") && strstr(text, "use lockstep or ipsec_mb"), "%s",
              text);
    CU_ASSERT_EQUAL(ask("", "sse", text, sizeof(text)), LKS_BAD_CONFIG);
    LKS_CHECK(strstr(text, "LOCKSTEP_ISA") && strstr(text, "vaes512"), "%s", text);
}

static void test_absent(void)
{
    char text[4096];
    if (ipsec_mb_is_here)
        LKS_SKIP("ipsec-mb is here");
    CU_ASSERT_EQUAL(ask("ipsec_mb", "", text, sizeof(text)), LKS_BAD_CONFIG);
    LKS_CHECK(strstr(text, "not built in") != NULL, "%s", text);
}

static void test_ipsec_mb(void)
{
    char text[4096];
    if (!ipsec_mb_is_here)
        LKS_SKIP("ipsec-mb is not built in, or not for this CPU");
    CU_ASSERT_EQUAL(ask("ipsec_mb", "", text, sizeof(text)), LKS_OK);
    LKS_CHECK(
        strstr(text, "aes_128_gcm: ipsec_mb\n") && strstr(text, "aes_256_gcm: ipsec_mb\n") &&
            strstr(text, "chacha20_poly1305: ipsec_mb\n") &&
            strstr(text, "aes_256_cbc_sha384_etm: ipsec_mb, 8 records in lanes of any length"),
        "%s", text);
    CU_ASSERT_EQUAL(ask("ipsec_mb", "portable", text, sizeof(text)), LKS_OK);
    LKS_CHECK(strstr(text, "aes_128_gcm: ipsec_mb\n") != NULL, "%s", text);
}

int main(void)
{
    static const struct lks_test tests[] = {{"known", test_known},
                                            {"unknown", test_unknown},
                                            {"asked for and absent", test_absent},
                                            {"ipsec_mb", test_ipsec_mb},
                                            {NULL, NULL}};
    static const struct lks_test_suite suites[] = {{"provider", tests}, {NULL, NULL}};
    return lks_test_run("provider", suites);
}
