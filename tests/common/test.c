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

/* CUnit's tests take no argument; this runs one and keeps what it said about skipping. */
static void run_one(CU_pSuite suite, CU_pTest test, unsigned int *passed, unsigned int *failed,
                    unsigned int *skipped)
{
    skip_reason = NULL;
    CU_run_test(suite, test);
    unsigned int failures = CU_get_number_of_failures();
    for (CU_pFailureRecord f = CU_get_failure_list(); f; f = f->pNext)
        printf("FAIL %s/%s %s:%u: %s\n", suite->pName, test->pName, f->strFileName, f->uiLineNumber,
               f->strCondition);
    if (failures) {
        (*failed)++;
    } else if (skip_reason) {
        (*skipped)++;
        printf("SKIP %s/%s: %s\n", suite->pName, test->pName, skip_reason);
    } else if (CU_get_number_of_asserts() == 0) {
        (*failed)++;
        printf("FAIL %s/%s: asserted nothing\n", suite->pName, test->pName);
    } else {
        (*passed)++;
    }
}

int lks_test_run(const char *layer, const struct lks_test_suite *suites)
{
    unsigned int passed = 0, failed = 0, skipped = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 1;
    for (; suites->name; suites++) {
        CU_pSuite suite = CU_add_suite(suites->name, NULL, NULL);
        for (const struct lks_test *t = suites->tests; suite && t->name; t++) {
            CU_pTest test = CU_add_test(suite, t->name, t->run);
            if (test)
                run_one(suite, test, &passed, &failed, &skipped);
            else
                failed++;
        }
    }
    CU_cleanup_registry();
    printf("%s: %u passed, %u failed, %u skipped\n", layer, passed, failed, skipped);
    if (failed)
        return 1;
    return passed ? 0 : 77;
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

bool lks_test_is_quick(void)
{
    const char *effort = getenv("LKS_TEST_EFFORT");
    return effort && strcmp(effort, "quick") == 0;
}

bool lks_test_tier_is_absent(const char *runner)
{
    const char *isa = getenv("LOCKSTEP_ISA");
    if (!isa || !*isa)
        return false;
    for (unsigned int id = 0; id < LKS_NUM_AEADS; id++) {
        const struct lks_aead *row = lks_aead_best(id);
        if (row && strcmp(row->isa, isa) == 0)
            return false;
    }
    printf("SKIP: no kernel of tier %s here\n%s: 0 passed, 0 failed, 1 skipped\n", isa, runner);
    return true;
}
