#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# exit.sh ROWS: a bench's exit status tells whether a row failed, also one of several.
failed=0
ends() { # STATUS FILTER
    "$rows" --benchmark_min_time=0.001 --benchmark_filter="$2" --benchmark_repetitions=2 \
        --benchmark_report_aggregates_only=true >/dev/null 2>&1
    status=$?
    [ $status = "$1" ] && return
    echo "FAIL rows $2: exit status $status, not $1"
    failed=$((failed + 1))
}
rows=$1
ends 0 good
ends 1 bad
ends 1 .
ends 1 absent
echo "bench-exit: $((4 - failed)) passed, $failed failed, 0 skipped"
[ $failed = 0 ]
