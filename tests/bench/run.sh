#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run.sh SCRIPT BUILD: what cannot be measured ends ./dev bench with one line, and shows no earlier run's figures.
script=$1 build=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
says() { # STATUS LINE ARGUMENT...
    want=$1 line=$2
    shift 2
    echo '{"context": {}, "benchmarks": []}' > "$dir/records.json"
    LKS_BENCH_BUILD=$build "$script" --out "$dir" "$@" > "$dir/stdout" 2> "$dir/stderr"
    status=$?
    [ $status = "$want" ] && [ "$(cat "$dir/stderr")" = "$line" ] && [ ! -s "$dir/stdout" ] && return
    echo "FAIL run.sh $*: exit status $status, not $want, or other words than: $line"
    cat "$dir/stderr" "$dir/stdout"
    failed=$((failed + 1))
}
says 1 "bench: no row that can run here matches 'nonsense'" --filter nonsense
says 2 "bench: --sample takes a number from 1 on, not 'x'" --sample x
says 1 "bench: $dir/absent/x.json cannot be written; name another file by --json" --json "$dir/absent/x.json"
says 2 "bench: --json needs a value (--help)" --json
says 2 "bench: --filter needs a value (--help)" --list --filter ""
echo "bench-run: $((5 - failed)) passed, $failed failed, 0 skipped"
[ $failed = 0 ]
