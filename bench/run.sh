#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Measures records (bench/record_bench.cc), prints a table and draws it. See --help.
set -euo pipefail

usage() {
    cat <<'HELP'
usage: ./dev bench [--full] [--filter REGEX] [--sample N] [--list] [--json FILE] [--out FOLDER]

  --filter REGEX  only the rows that match, as seal/aes_128_gcm/lockstep/64B/32conn/batch32;
                  with --full, of all rows
  --json FILE     keep the raw data (Google Benchmark's format) there, not in build/bench
  --full          every row, more shortly and without the single repetitions: half an hour
  --sample N      every N-th of the rows
  --list          the rows' names
  --out FOLDER    where the drawings go (build/bench)

Times of handshakes, connections and ML-KEM have programs of their own, with Google Benchmark's options
alone: build/release/bench/{handshake,conn,mlkem}_bench --benchmark_filter=REGEX.
HELP
}

build=${LKS_BENCH_BUILD:-build/release}
out=build/bench filter='' sample=1 json='' full='' list=''
while [ $# -gt 0 ]; do
    case $1 in
        --filter|--json|--out|--sample)
            [ -n "${2:-}" ] || { echo "bench: $1 needs a value (--help)" >&2; exit 2; }
            declare "${1#--}=$2"; shift ;;
        --full) full=--full ;;
        --list) list=--list ;;
        -h|--help) usage; exit 0 ;;
        *) echo "bench: no option $1" >&2; usage >&2; exit 2 ;;
    esac
    shift
done
[ -x "$build/bench/record_bench" ] || { echo "bench: record_bench was not built: install libbenchmark-dev" >&2; exit 1; }

# shellcheck disable=SC2086
if [ -n "$list" ]; then exec "$build/bench/record_bench" --list $full --filter "$filter" --sample "$sample"; fi

# What an earlier run left there is no result of this one.
mkdir -p "$out"
json=${json:-$out/records.json}
{ : > "$json"; } 2>/dev/null || { echo "bench: $json cannot be written; name another file by --json" >&2; exit 1; }
keep='--benchmark_min_time=0.02 --benchmark_display_aggregates_only=true'
if [ -n "$full" ]; then keep='--benchmark_min_time=0.01 --benchmark_report_aggregates_only=true'; fi
# One core, and the last: the first has the interrupts. What Google Benchmark says of the machine goes into a
# file, our own words to who waits.
status=0
# shellcheck disable=SC2086
taskset -c "$(($(nproc) - 1))" "$build/bench/record_bench" $full --filter "$filter" --sample "$sample" \
    --benchmark_repetitions=5 $keep \
    --benchmark_out="$json" --benchmark_out_format=json 2>&1 > "$out/records.txt" | tee "$out/said.txt" |
    sed -un '/^\(record_\)\?bench: /{s/^record_//;p}' >&2 || status=$?
[ -s "$json" ] || exit $((status ? status : 1)) # no row ran, and record_bench has said why
python3 "$(dirname "$0")/report.py" "$json" "$out"
exit $status # of the rows: one that failed is missing above
