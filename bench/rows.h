// SPDX-License-Identifier: BSD-3-Clause
#ifndef LKS_BENCH_ROWS_H
#define LKS_BENCH_ROWS_H

// Google Benchmark's exit status is 0 whatever a row said. Rows that fail say so here, and main()
// ends with run_rows().

#include <benchmark/benchmark.h>

// The row is skipped with these words, and they are said on stderr.
void row_failed(benchmark::State &state, const char *words);

// Runs the registered rows. Returns the exit status: 1 where one failed, or none matched.
int run_rows();

#endif
