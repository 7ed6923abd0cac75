/* SPDX-License-Identifier: BSD-3-Clause */

/* When operations of an open loop are due; the clock is the test's. */

#include "schedule.h"
#include "suites.h"

#define SECOND 1000000000u

/* At any rate the n-th is due at n / rate, rounded down, with nothing added up over a day. */
static void even_ones_do_not_drift(void)
{
    static const uint64_t rates[] = {1, 3, 7, 1000, 999983, 100000000};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct schedule s;
        schedule_start(&s, rates[i], false, 0, 5);
        for (uint64_t n = 0; n < 1000; n++)
            LKS_CHECK(schedule_take(&s) == 5 + n * SECOND / rates[i], "%llu at %llu a second",
                      (unsigned long long)n, (unsigned long long)rates[i]);
        s.num_taken = 86400 * rates[i] - 1; /* a day later */
        schedule_take(&s);
        CU_ASSERT_EQUAL(schedule_take(&s), 5 + 86400ull * SECOND);
    }
}

static void none_is_due_early(void)
{
    struct schedule s;
    schedule_start(&s, 1000, false, 0, 100);
    CU_ASSERT_FALSE(schedule_is_due(&s, 99));
    CU_ASSERT_TRUE(schedule_is_due(&s, 100));
    CU_ASSERT_EQUAL(schedule_take(&s), 100);
    CU_ASSERT_FALSE(schedule_is_due(&s, 100 + 999999));
    CU_ASSERT_TRUE(schedule_is_due(&s, 100 + 1000000));
}

/* Who comes late finds all that were due meanwhile, each with its own time: a server that stood
 * still for a second has a thousand slow answers, not one. */
static void a_stall_is_seen_by_all_that_were_due(void)
{
    struct schedule s;
    uint64_t num = 0;
    schedule_start(&s, 1000, false, 0, 0);
    for (; schedule_is_due(&s, SECOND); num++)
        CU_ASSERT_EQUAL(schedule_take(&s), num * 1000000);
    CU_ASSERT_EQUAL(num, 1001);
}

static void those_never_taken(void)
{
    struct schedule s;
    schedule_start(&s, 1000, false, 0, 0);
    for (uint32_t i = 0; i < 10; i++)
        schedule_take(&s);
    CU_ASSERT_EQUAL(schedule_take_rest(&s, SECOND), 990);
    CU_ASSERT_EQUAL(schedule_take_rest(&s, SECOND), 0);
    CU_ASSERT_EQUAL(schedule_take_rest(&s, 0), 0);
}

/* Random intervals: of the same average, never back, as exponential ones are spread (of a part e^-1
 * is longer than the average, its variance is its square), and others by another seed. */
static void random_ones(void)
{
    const uint64_t rate = 1000, num = 200000;
    const double mean_ns = SECOND / (double)rate;
    struct schedule s, other;
    uint64_t before = 0, num_long = 0, num_same = 0;
    double squares = 0;
    schedule_start(&s, rate, true, 1, 0);
    schedule_start(&other, rate, true, 2, 0);
    for (uint64_t n = 0; n < num; n++) {
        const uint64_t due = schedule_take(&s);
        const double interval = (double)due - (double)before;
        num_same += due == schedule_take(&other);
        CU_ASSERT(due >= before);
        num_long += interval > mean_ns;
        squares += (interval - mean_ns) * (interval - mean_ns);
        before = due;
    }
    CU_ASSERT_DOUBLE_EQUAL((double)before / (double)num, mean_ns, mean_ns / 100);
    CU_ASSERT_DOUBLE_EQUAL((double)num_long / (double)num, 0.36788, 0.01);
    CU_ASSERT_DOUBLE_EQUAL(squares / (double)num, mean_ns * mean_ns, mean_ns * mean_ns / 20);
    CU_ASSERT(num_same < 10);
}

const struct lks_test schedule_tests[] = {
    {"even_ones_do_not_drift", even_ones_do_not_drift},
    {"none_is_due_early", none_is_due_early},
    {"a_stall_is_seen_by_all_that_were_due", a_stall_is_seen_by_all_that_were_due},
    {"those_never_taken", those_never_taken},
    {"random_ones", random_ones},
    {NULL, NULL},
};
