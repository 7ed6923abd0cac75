// SPDX-License-Identifier: BSD-3-Clause
#include "rows.h"

#include <atomic>
#include <cstdio>

static std::atomic<unsigned> num_failed; // tries of a row; rows may have threads

void row_failed(benchmark::State &state, const char *words)
{
    num_failed++;
    std::fprintf(stderr, "bench: a row failed: %s\n", words);
    state.SkipWithError(words);
}

int run_rows()
{
    if (!benchmark::RunSpecifiedBenchmarks()) {
        std::fprintf(stderr, "bench: no row matches\n");
        return 1;
    }
    return num_failed ? 1 : 0;
}
