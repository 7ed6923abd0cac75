/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_TESTS_COMMON_TEST_H
#define LKS_TESTS_COMMON_TEST_H

/*
 * One CUnit runner per layer. A test is a function; a suite is a table of them; main() is
 *
 *     int main(void) { return lks_test_run("record", suites); }
 *
 * which prints each failure with file and line, each skip with its reason, and last
 * "record: N passed, N failed, N skipped". A test that calls LKS_SKIP() counts as skipped, never as
 * passed. Exit code: 1 if any failed; 77 (meson: SKIP) if none passed; else 0.
 */

#include <CUnit/CUnit.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lks_test {
    const char *name;
    void (*run)(void);
};

struct lks_test_suite {
    const char *name;
    const struct lks_test *tests; /* ended by a NULL name */
};

int lks_test_run(const char *layer, const struct lks_test_suite *suites);

/* Ends the test as skipped: only before it has asserted anything. */
#define LKS_SKIP(reason)       \
    do {                       \
        lks_test_skip(reason); \
        return;                \
    } while (0)
void lks_test_skip(const char *reason);

/* A check that says more than its expression when it fails (printf style); returns cond. */
#define LKS_CHECK(cond, ...) lks_test_check((cond), #cond, __FILE__, __LINE__, __VA_ARGS__)
bool lks_test_check(bool cond, const char *expr, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Bytes of a hex string (blanks allowed) into out; returns how many, or aborts if cap is short or
 * the text is not hex: test data are the programmer's. */
size_t lks_test_hex(const char *hex, uint8_t *out, size_t cap);

/* A small, fast generator (splitmix64) so that a failure can print its seed and be replayed. */
uint64_t lks_test_random(uint64_t *state);
void lks_test_fill(uint64_t *state, void *out, size_t len);

/* Whether fewer cases of the same kinds will do: LKS_TEST_EFFORT=quick (sanitizers, emulators). */
bool lks_test_is_quick(void);
/* Whether all cases are wanted, however long they take: LKS_TEST_EFFORT=full. */
bool lks_test_is_full(void);

/* For a runner's main(), which cannot run at all here: says why, and prints its last line. Returns
 * what main() is to return, 77. */
int lks_test_skip_all(const char *runner, const char *reason);

/* For a runner's main(): where LOCKSTEP_ISA names a tier of which this CPU runs no kernel, the run
 * would repeat a lower tier's and must not count as passed. Then true, and the runner's last line
 * was printed: return 77. */
bool lks_test_tier_is_absent(const char *runner);

/* Path of a file in the vectors folder (meson option `vectors`), in static storage; NULL where it
 * is absent: then LKS_SKIP. */
const char *lks_test_vector_path(const char *name);

#endif
