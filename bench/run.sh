#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Measures records (bench/record_bench.cc), prints a table and draws it. See --help.
set -eu

usage() {
    cat <<'HELP'
usage: ./dev bench [--filter REGEX] [--json FILE] [--full] [--out FOLDER]

  --filter REGEX  only the rows that match, as seal/aes_128_gcm/lockstep/64B/32conn/batch32
  --json FILE     keep the raw data (Google Benchmark's format)
  --full          every row: hours
  --out FOLDER    where the drawings go (build/bench)
HELP
}

build=${LKS_BENCH_BUILD:-build/release}
out=build/bench filter=. json='' full=''
while [ $# -gt 0 ]; do
    case $1 in
        --filter) filter=${2:?--filter needs a pattern}; shift ;;
        --json) json=${2:?--json needs a file}; shift ;;
        --out) out=${2:?--out needs a folder}; shift ;;
        --full) full=--full ;;
        -h|--help) usage; exit 0 ;;
        *) echo "bench: no option $1" >&2; usage >&2; exit 2 ;;
    esac
    shift
done
[ -x "$build/bench/record_bench" ] || { echo "bench: record_bench was not built: install libbenchmark-dev" >&2; exit 1; }

mkdir -p "$out"
json=${json:-$out/records.json}
# One core, and the last: the first has the interrupts.
taskset -c "$(($(nproc) - 1))" "$build/bench/record_bench" $full --benchmark_filter="$filter" \
    --benchmark_repetitions=5 \
    --benchmark_min_time=0.02 --benchmark_report_aggregates_only=true \
    --benchmark_out="$json" --benchmark_out_format=json > "$out/records.txt"
python3 "$(dirname "$0")/report.py" "$json" "$out"
