/* SPDX-License-Identifier: BSD-3-Clause */

/* What is read out of a histogram beside the same values sorted. */

#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "suites.h"

#define VALUES 20000u

static struct histogram h;

static void an_empty_one(void)
{
    memset(&h, 0, sizeof(h));
    CU_ASSERT_EQUAL(histogram_at(&h, 500000), 0);
    CU_ASSERT_EQUAL(histogram_at(&h, 1000000), 0);
    CU_ASSERT_EQUAL(histogram_mean(&h), 0);
}

/* Never too low, and at most 1/128 too high: each value alone, around every power of two. */
static void the_bound_of_each_value(void)
{
    for (uint32_t bit = 0; bit < 64; bit++) {
        for (int64_t near = -300; near <= 300; near++) {
            const uint64_t value = ((uint64_t)1 << bit) + (uint64_t)near;
            memset(&h, 0, sizeof(h));
            histogram_add(&h, value);
            h.max = UINT64_MAX; /* which would hide what the bucket says */
            const uint64_t got = histogram_at(&h, 1);
            LKS_CHECK(got >= value && got - value <= value / 128, "%llu: %llu",
                      (unsigned long long)value, (unsigned long long)got);
            if (value < 256)
                CU_ASSERT_EQUAL(got, value);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The smallest value that so many millionths of all do not exceed. */
static uint64_t exact(const uint64_t *sorted, uint64_t num, uint32_t millionths)
{
    uint64_t rank = (num * millionths + 999999) / 1000000;
    return sorted[rank ? rank - 1 : 0];
}

static void check_percentiles(const uint64_t *sorted, uint64_t num)
{
    static const uint32_t all[] = {1,      10000,  250000, 500000, 900000,
                                   990000, 999000, 999900, 999999};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const uint64_t want = exact(sorted, num, all[i]), got = histogram_at(&h, all[i]);
        LKS_CHECK(got >= want && got - want <= want / 128, "%u of %llu: %llu, not %llu", all[i],
                  (unsigned long long)num, (unsigned long long)got, (unsigned long long)want);
    }
    CU_ASSERT_EQUAL(histogram_at(&h, 1000000), sorted[num - 1]);
    CU_ASSERT_EQUAL(h.min, sorted[0]);
    CU_ASSERT_EQUAL(h.max, sorted[num - 1]);
}

static void percentiles(void)
{
    static uint64_t values[VALUES];
    static const uint64_t counts[] = {1, 2, 3, 99, 100, 101, VALUES};
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        double sum = 0;
        memset(&h, 0, sizeof(h));
        for (uint64_t n = 0; n < counts[i]; n++) {
            values[n] = lks_test_random(&seed) >> (20 + lks_test_random(&seed) % 40);
            histogram_add(&h, values[n]);
            sum += (double)values[n];
        }
        qsort(values, counts[i], sizeof(values[0]), by_value);
        check_percentiles(values, counts[i]);
        CU_ASSERT_DOUBLE_EQUAL(histogram_mean(&h), sum / (double)counts[i], 1e-3);
    }
}

/* A million of one and one of another: the tail is not lost. */
static void a_single_slow_one(void)
{
    memset(&h, 0, sizeof(h));
    for (uint32_t i = 0; i < 999999; i++)
        histogram_add(&h, 100);
    histogram_add(&h, 5000000000u);
    CU_ASSERT_EQUAL(histogram_at(&h, 999999), 100);
    CU_ASSERT_EQUAL(histogram_at(&h, 1000000), 5000000000u);
    CU_ASSERT_EQUAL(h.max, 5000000000u);
}

const struct lks_test histogram_tests[] = {
    {"an_empty_one", an_empty_one},
    {"the_bound_of_each_value", the_bound_of_each_value},
    {"percentiles", percentiles},
    {"a_single_slow_one", a_single_slow_one},
    {NULL, NULL},
};
