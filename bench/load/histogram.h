/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LOAD_HISTOGRAM_H
#define LOCKSTEP_LOAD_HISTOGRAM_H

/*
 * Times in buckets whose width grows with them: each power of two is cut into 128, so that what is
 * read out is never too low and at most 1/128 (0.8 %) too high, whatever was added, in memory of a
 * fixed size. Values below 256 have buckets of their own.
 */

#include <stdint.h>

#define HISTOGRAM_BITS    7u /* of a value, behind its highest: they choose the bucket */
#define HISTOGRAM_BUCKETS ((64u - HISTOGRAM_BITS + 1u) << HISTOGRAM_BITS)

struct histogram { /* all zeros: empty */
    uint64_t num, min, max;
    double sum;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);

/* The value that so many millionths of all (1 to 1000000) do not exceed: 500000 is the median. The
 * largest one exactly. 0: it is empty. */
uint64_t histogram_at(const struct histogram *h, uint32_t millionths);

/* 0: it is empty. */
double histogram_mean(const struct histogram *h);

#endif
