/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/test.h"

#include <CUnit/TestRun.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lockstep/engine.h>

#include "simd/aead.h"

static const char *skip_reason;

void lks_test_skip(const char *reason)
{
    skip_reason = reason;
}

bool lks_test_check(bool cond, const char *expr, const char *file, int line, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (!cond)
        printf("%s:%d: %s: %s\n", file, line, expr, text);
    CU_assertImplementation(cond, (unsigned int)line, expr, file, "", CU_FALSE);
    return cond;
}

struct tally {
    unsigned int passed, failed, skipped;
};

/* What is wrong with the tests themselves: a failure with no line of its own. */
static void fail(struct tally *tally, const char *suite, const char *test, const char *reason)
{
    tally->failed++;
    printf("FAIL %s/%s: %s\n", suite, test, reason);
}

/* CUnit's tests take no argument; this runs one and keeps what it said about skipping. */
static void run_one(CU_pSuite suite, CU_pTest test, struct tally *tally)
{
    skip_reason = NULL;
    if (CU_run_test(suite, test) != CUE_SUCCESS) {
        fail(tally, suite->pName, test->pName, CU_get_error_msg());
        return;
    }
    for (CU_pFailureRecord f = CU_get_failure_list(); f; f = f->pNext)
        printf("FAIL %s/%s %s:%u: %s\n", suite->pName, test->pName, f->strFileName, f->uiLineNumber,
               f->strCondition);
    if (CU_get_number_of_failures()) {
        tally->failed++;
    } else if (skip_reason && CU_get_number_of_asserts()) {
        fail(tally, suite->pName, test->pName, "skipped after it had asserted something");
    } else if (skip_reason) {
        tally->skipped++;
        printf("SKIP %s/%s: %s\n", suite->pName, test->pName, skip_reason);
    } else if (CU_get_number_of_asserts() == 0) {
        fail(tally, suite->pName, test->pName, "asserted nothing");
    } else {
        tally->passed++;
    }
}

/* CUnit's own word for a name that is there twice is an error beside a suite or test that it made:
 * the error counts, not only a NULL. */
static void run_suite(const struct lks_test_suite *table, struct tally *tally)
{
    CU_pSuite suite = CU_add_suite(table->name, NULL, NULL);
    if (!suite || CU_get_error() != CUE_SUCCESS) {
        fail(tally, table->name, "*", CU_get_error_msg());
        return;
    }
    if (!table->tests->name)
        fail(tally, table->name, "*", "a suite without a test");
    for (const struct lks_test *t = table->tests; t->name; t++) {
        CU_pTest test = CU_add_test(suite, t->name, t->run);
        if (test && CU_get_error() == CUE_SUCCESS)
            run_one(suite, test, tally);
        else
            fail(tally, table->name, t->name, CU_get_error_msg());
    }
}

int lks_test_run(const char *layer, const struct lks_test_suite *suites)
{
    struct tally tally = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (CU_initialize_registry() != CUE_SUCCESS) {
        fail(&tally, layer, "*", CU_get_error_msg());
    } else {
        if (!suites->name)
            fail(&tally, layer, "*", "a runner without a suite");
        for (; suites->name; suites++)
            run_suite(suites, &tally);
        CU_cleanup_registry();
    }
    printf("%s: %u passed, %u failed, %u skipped\n", layer, tally.passed, tally.failed,
           tally.skipped);
    if (tally.failed)
        return 1;
    return tally.passed ? 0 : 77;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

size_t lks_test_hex(const char *hex, uint8_t *out, size_t cap)
{
    size_t len = 0;
    for (; *hex; hex++) {
        if (strchr(" \t\n", *hex))
            continue;
        int high = hex_digit(hex[0]), low = hex_digit(hex[1]);
        if (high < 0 || low < 0 || len == cap) {
            fprintf(stderr, "bad hex in a test, or too long: %.20s\n", hex);
            abort();
        }
        out[len++] = (uint8_t)(high << 4 | low);
        hex++;
    }
    return len;
}

uint64_t lks_test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void lks_test_fill(uint64_t *state, void *out, size_t len)
{
    uint8_t *p = out;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t v = lks_test_random(state);
        memcpy(p + i, &v, len - i < 8 ? len - i : 8);
    }
}

const char *lks_test_vector_path(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof(path), "%s/%s", LKS_TEST_VECTORS, name);
    return access(path, R_OK) == 0 ? path : NULL;
}

static bool effort_is(const char *word)
{
    const char *effort = getenv("LKS_TEST_EFFORT");
    return effort && strcmp(effort, word) == 0;
}

bool lks_test_is_quick(void)
{
    return effort_is("quick");
}

bool lks_test_is_full(void)
{
    return effort_is("full");
}

int lks_test_skip_all(const char *runner, const char *reason)
{
    printf("SKIP %s: %s\n%s: 0 passed, 0 failed, 1 skipped\n", runner, reason, runner);
    return 77;
}

bool lks_test_tier_is_absent(const char *runner)
{
    const char *isa = getenv("LOCKSTEP_ISA");
    char reason[64];
    if (!isa || !*isa)
        return false;
    for (unsigned int id = 0; id < LKS_NUM_AEADS; id++) {
        const struct lks_aead *row = lks_aead_best(id);
        if (row && strcmp(row->isa, isa) == 0)
            return false;
    }
    snprintf(reason, sizeof(reason), "no kernel of tier %s here", isa);
    lks_test_skip_all(runner, reason);
    return true;
}
