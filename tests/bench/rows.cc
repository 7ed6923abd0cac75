// SPDX-License-Identifier: BSD-3-Clause

// Two rows, of which one fails: exit.sh looks at how this ends.

#include "rows.h"

static void good(benchmark::State &state)
{
    for (auto _ : state)
        ;
}

static void bad(benchmark::State &state)
{
    row_failed(state, "as it should");
    for (auto _ : state)
        ;
}

int main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    benchmark::RegisterBenchmark("good", good);
    benchmark::RegisterBenchmark("bad", bad);
    return run_rows();
}
