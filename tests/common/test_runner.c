/* SPDX-License-Identifier: BSD-3-Clause */

/* What the runner makes of tests that are wrong themselves. CUnit has one registry a process, so
 * each case runs in a child, made before there is one here. (Not this program again by its path: an
 * emulator is not there for that.) */

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/test.h"

/* CUnit refuses a suite for want of memory, or one called "refused". */
CU_pSuite __real_CU_add_suite(const char *name, CU_InitializeFunc init, CU_CleanupFunc clean);
CU_pSuite __wrap_CU_add_suite(const char *name, CU_InitializeFunc init, CU_CleanupFunc clean);
CU_pSuite __wrap_CU_add_suite(const char *name, CU_InitializeFunc init, CU_CleanupFunc clean)
{
    if (strcmp(name, "refused"))
        return __real_CU_add_suite(name, init, clean);
    CU_set_error(CUE_NOMEMORY);
    return NULL;
}

static void passes(void)
{
    CU_PASS("");
}

static void fails(void)
{
    CU_FAIL("");
}

static void skips(void)
{
    LKS_SKIP("for a reason");
}

static void skips_too_late(void)
{
    CU_PASS("");
    LKS_SKIP("for a reason");
}

static void asserts_nothing(void)
{
}

#define TABLE(...)            \
    (const struct lks_test[]) \
    {                         \
        __VA_ARGS__,          \
        {                     \
            NULL, NULL        \
        }                     \
    }
#define NO_TEST               \
    (const struct lks_test[]) \
    {                         \
        {                     \
            NULL, NULL        \
        }                     \
    }
#define MAX_SUITES 3

static const struct {
    const char *name;
    const char *last_line;
    int exit_code;
    struct lks_test_suite suites[MAX_SUITES];
} cases[] = {
    {"good",
     "good: 2 passed, 0 failed, 1 skipped",
     0,
     {{"a", TABLE({"x", passes}, {"y", skips})}, {"b", TABLE({"x", passes})}}},
    {"skips", "skips: 0 passed, 0 failed, 1 skipped", 77, {{"a", TABLE({"x", skips})}}},
    {"fails",
     "fails: 1 passed, 1 failed, 0 skipped",
     1,
     {{"a", TABLE({"x", fails}, {"y", passes})}}},
    {"asserts_nothing",
     "asserts_nothing: 1 passed, 1 failed, 0 skipped",
     1,
     {{"a", TABLE({"x", asserts_nothing}, {"y", passes})}}},
    {"skips_too_late",
     "skips_too_late: 1 passed, 1 failed, 0 skipped",
     1,
     {{"a", TABLE({"x", skips_too_late}, {"y", passes})}}},
    {"suite_refused",
     "suite_refused: 1 passed, 1 failed, 0 skipped",
     1,
     {{"refused", TABLE({"x", passes})}, {"b", TABLE({"x", passes})}}},
    {"suite_twice",
     "suite_twice: 1 passed, 1 failed, 0 skipped",
     1,
     {{"a", TABLE({"x", passes})}, {"a", TABLE({"y", passes})}}},
    {"test_twice",
     "test_twice: 1 passed, 1 failed, 0 skipped",
     1,
     {{"a", TABLE({"x", passes}, {"x", passes})}}},
    {"test_without_code",
     "test_without_code: 1 passed, 1 failed, 0 skipped",
     1,
     {{"a", TABLE({"x", NULL}, {"y", passes})}}},
    {"suite_without_test",
     "suite_without_test: 1 passed, 1 failed, 0 skipped",
     1,
     {{"a", NO_TEST}, {"b", TABLE({"x", passes})}}},
    {"no_suite", "no_suite: 0 passed, 1 failed, 0 skipped", 1, {{NULL, NULL}}},
};
#define NUM_CASES (sizeof(cases) / sizeof(cases[0]))

/* What became of each case's child. */
static struct outcome {
    char last_line[256];
    int status; /* waitpid()'s; -1: there was no child */
} outcomes[NUM_CASES];

static void run_case(size_t i)
{
    int ends[2];
    outcomes[i].status = -1;
    fflush(NULL);
    if (pipe(ends))
        return;
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        exit(lks_test_run(cases[i].name, cases[i].suites));
    }
    close(ends[1]);
    FILE *out = fdopen(ends[0], "r");
    while (out && fgets(outcomes[i].last_line, sizeof(outcomes[i].last_line), out))
        ;
    if (out)
        fclose(out);
    if (child < 0 || waitpid(child, &outcomes[i].status, 0) != child)
        outcomes[i].status = -1;
    outcomes[i].last_line[strcspn(outcomes[i].last_line, "\n")] = '\0';
}

static void each_case_ends_as_it_should(void)
{
    for (size_t i = 0; i < NUM_CASES; i++) {
        const int status = outcomes[i].status;
        LKS_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == cases[i].exit_code,
                  "%s: status %#x, not exit code %d", cases[i].name, (unsigned int)status,
                  cases[i].exit_code);
        LKS_CHECK(strcmp(outcomes[i].last_line, cases[i].last_line) == 0, "%s ended with \"%s\"",
                  cases[i].name, outcomes[i].last_line);
    }
}

int main(void)
{
    const struct lks_test_suite suites[] = {
        {"runner", TABLE({"each case ends as it should", each_case_ends_as_it_should})},
        {NULL, NULL}};
    for (size_t i = 0; i < NUM_CASES; i++)
        run_case(i);
    return lks_test_run("common", suites);
}
