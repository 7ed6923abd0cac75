#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Measures the TCP/IP stack of lockstepd (src/net). See --help.
set -euo pipefail
here=$(dirname "$0")

usage() {
    cat <<'HELP'
usage: ./dev bench net [--repeats N] [--seconds S] [PART...]

  cost     cycles of a request and its answer by the number of connections, in process
  bulk     bytes a cycle between two instances in one process
  goodput  MB/s over a link with loss and delay, beside the Linux kernel's: runs of 30 s or 100 MB, the median
           of 5; --repeats and --seconds make it shorter. Nearly an hour as it is
  forward  bulk of 8 connections through lockstepd beside a loop that only sends back what it receives on the same
           port, and nginx (bench/terminator.sh)
  flood    what established connections feel of 100,000 SYNs a second, in process
  readers  the first byte of others while 1,000 clients ask for 100 MB of lockstepd and never read

Without a part all of them, one after the other. docs/PERFORMANCE.md says what each measures.
HELP
}

parts=(cost bulk goodput forward flood readers)
repeats=5 seconds=30
chosen=()
while [ $# -gt 0 ]; do
    case $1 in
        -h|--help) usage; exit 0 ;;
        --repeats|--seconds)
            [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || { echo "bench: $1 takes a number from 1 on, not '${2:-}'" >&2; exit 2; }
            declare "${1#--}=$2"; shift ;;
        -*) echo "bench: no option $1" >&2; usage >&2; exit 2 ;;
        *)
            [[ " ${parts[*]} " == *" $1 "* ]] || { echo "bench: no part $1 (--help)" >&2; exit 2; }
            chosen+=("$1") ;;
    esac
    shift
done
[ ${#chosen[@]} != 0 ] || chosen=("${parts[@]}")
build=${LKS_BENCH_BUILD:-build/release}
[ -x "$build/bench/net/net_cost" ] || { echo "bench: the net benches were not built: they need DPDK, as lockstepd does" >&2; exit 1; }

# One core, and the last: the first has the interrupts.
on_one_core() { taskset -c "$(($(nproc) - 1))" "$@"; }

part_cost() { on_one_core "$build/bench/net/net_cost"; }
part_bulk() { on_one_core "$build/bench/net/net_bulk"; }
part_goodput() { python3 "$here/goodput.py" "$build/bench/net" --repeats "$repeats" --seconds "$seconds"; }
part_forward() { TERMINATORS="lockstepd forward nginx-proxy" "$here/../terminator.sh"; }
part_flood() { on_one_core "$build/bench/net/net_flood"; }
part_readers() { python3 "$here/readers.py" "$build/dpdk_app/lockstepd"; }

sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1
failed=0
for part in "${chosen[@]}"; do
    printf '\n%s\n' "$part"
    "part_$part" || { echo "bench: $part failed" >&2; failed=1; }
done
exit $failed
