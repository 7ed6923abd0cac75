#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# reference.sh SOURCE BUILD: the API reference is made without a complaint, of which a function without words is one,
# each exported function has a man page, and no page a name that others' may have.
set -uo pipefail
source=$1 build=$2
if ! command -v doxygen > /dev/null; then
    echo "SKIP reference: doxygen is not installed"
    echo "reference: 0 passed, 0 failed, 1 skipped"
    exit 77
fi
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
failed=0 num=0
"$source/docs/reference/make" "$build" "$here" || failed=1
for name in $(nm -D --defined-only "$build"/liblockstep.so "$build"/src/dpdk/liblockstep-dpdk.so 2> /dev/null |
    awk '$2 == "T" { sub("@.*", "", $3); print $3 }'); do
    num=$((num + 1))
    if [ ! -f "$here/man/man3/$name.3" ]; then
        echo "no page for $name"
        failed=$((failed + 1))
    fi
done
for page in $(cd "$here/man/man3" && ls | grep -Ev '^(lks_|LKS_|lockstep_)'); do
    echo "$page is nobody's in particular"
    failed=$((failed + 1))
done
for page in $(sed -n 's/^\.so //p' "$here"/man/man3/*.3 | sort -u); do
    [ -f "$here/man/$page" ] || { echo "pages refer to $page, which is not there"; failed=$((failed + 1)); }
done
if [ $num -lt 50 ]; then echo "only $num functions are exported"; failed=$((failed + 1)); fi
echo "reference: $((failed == 0)) passed, $failed failed, 0 skipped"
[ $failed = 0 ]
