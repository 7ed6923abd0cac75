/* SPDX-License-Identifier: BSD-3-Clause */
#include "histogram.h"

/* Buckets of one power of two. */
#define OCTAVE (1u << HISTOGRAM_BITS)

static uint32_t bucket_of(uint64_t value)
{
    if (value < OCTAVE)
        return (uint32_t)value;
    const uint32_t shift = 63u - (uint32_t)__builtin_clzll(value) - HISTOGRAM_BITS;
    return shift * OCTAVE + (uint32_t)(value >> shift); /* whose highest bit is one OCTAVE more */
}

/* The largest value that goes into it. */
static uint64_t bucket_top(uint32_t bucket)
{
    if (bucket < OCTAVE)
        return bucket;
    const uint32_t shift = bucket / OCTAVE - 1;
    return ((((uint64_t)bucket % OCTAVE + OCTAVE) << shift) | (((uint64_t)1 << shift) - 1));
}

void histogram_add(struct histogram *h, uint64_t value)
{
    if (!h->num || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->num++;
    h->sum += (double)value;
    h->buckets[bucket_of(value)]++;
}

uint64_t histogram_at(const struct histogram *h, uint32_t millionths)
{
    const uint64_t whole = h->num / 1000000, rest = h->num % 1000000;
    uint64_t rank = whole * millionths + (rest * millionths + 999999) / 1000000;
    rank += !rank;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (h->buckets[i] < rank) {
            rank -= h->buckets[i];
            continue;
        }
        return bucket_top(i) < h->max ? bucket_top(i) : h->max;
    }
    return h->max;
}

double histogram_mean(const struct histogram *h)
{
    return h->num ? h->sum / (double)h->num : 0;
}
