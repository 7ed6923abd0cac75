// SPDX-License-Identifier: BSD-3-Clause
#ifndef LKS_BENCH_KEY_LINES_H
#define LKS_BENCH_KEY_LINES_H

#include "record_provider.h"

// Bytes that one direction of a connection takes: the key, and what a provider keeps on the heap;
// and how many of them are the kernel's own.
struct KeyBytes {
    size_t all = 0, state = 0;
};
KeyBytes key_bytes(const Case &c);

// Cache lines of a key that Lockstep reads or writes for one record of a burst; 0 where this cannot
// be found out. Lines that are only fetched ahead do not count.
uint32_t key_lines(const Case &c);

#endif
