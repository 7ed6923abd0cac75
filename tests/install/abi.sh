#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# abi.sh SOURCE BUILD WITH_DPDK [make]: what programs rely on (docs/ABI.md) is as in the dumps of docs/abi, but for what
# has been added. With "make" the dumps are made anew, of what is there now.
set -uo pipefail
source=$1 build=$2 with_dpdk=$3 make=${4:-}
if ! command -v abidiff > /dev/null; then
    echo "SKIP abi: abidiff is not installed (abigail-tools)"
    echo "abi: 0 passed, 0 failed, 1 skipped"
    exit 77
fi
. "$source/tests/install/try.sh"

# dump LIBRARY OUT HEADER... [-- FLAG...]: what it exports, each name with the type that the headers give it, which is
# what a program knows of it: a library of pointers, compiled with -g. So LIBRARY itself may be built in any way.
dump() {
    local library=$1 out=$2 headers=()
    shift 2
    while [ $# != 0 ] && [ "$1" != -- ]; do
        headers+=("$1")
        shift
    done
    {
        printf '#include <%s>\n' "${headers[@]}"
        nm -D --defined-only "$library" | awk '$2 != "A" { sub("@.*", "", $3); print "__typeof__(&" $3 ") of_" $3 ";" }'
    } > "$here/types.c"
    cc -g -O0 -shared -fPIC "${@:2}" "$here/types.c" -o "$here/types.so" &&
        abidw --no-corpus-path --no-show-locs --no-comp-dir-path --no-elf-needed --out-file "$out" "$here/types.so"
}
# compatible BEFORE AFTER
compatible() {
    abidiff --no-added-syms --suppressions "$source/docs/abi/grows.suppr" "$1" "$2"
}

# What this test is worth: a small library in ten variants.
variant() {
    local flags=(-D"$1" -I"$source/tests/install/abi")
    cc -shared -fPIC "${flags[@]}" "$source/tests/install/abi/variant.c" -o "$here/$1.so" &&
        dump "$here/$1.so" "$here/$1.abi" variant.h -- "${flags[@]}"
}
passes() { variant "$1" && compatible "$here/AS_IT_WAS.abi" "$here/$1.abi"; }
is_found() { variant "$1" && ! compatible "$here/AS_IT_WAS.abi" "$here/$1.abi"; }
variants() {
    local name
    for name in AS_IT_WAS ADDED OPAQUE_LONGER ENUM_LONGER TRACE_LONGER; do try "$name passes" passes "$name"; done
    for name in REMOVED RETYPED ENUM_SHIFTED STRUCT_LONGER TRACE_SHIFTED; do try "$name is found" is_found "$name"; done
}

# line VERSION: the versions that have to be compatible with it (docs/ABI.md).
line() {
    if [[ $1 = 0.* ]]; then echo "${1%.*}"; else echo "${1%%.*}"; fi
}
# as_before NAME: the library is compatible with its dump, of which there is one, of this line.
as_before() {
    local before=("$source/docs/abi/$1"-[0-9]*.abi) of
    of=${before[0]##*-}
    if [ ${#before[@]} != 1 ] || [ "$(line "${of%.abi}")" != "$(line "$version")" ]; then
        echo "docs/abi has no dump of $1 $(line "$version"), or others, too; ./dev abi makes it"
        return 1
    fi
    compatible "${before[0]}" "$here/$1.abi" || { echo "See docs/ABI.md; before a release ./dev abi makes another dump"; return 1; }
}

version=$(sed -n "s/^  version: '\(.*\)',/\1/p" "$source/meson.build")
# each NAME FOLDER [HEADER...] -- [FLAG...]: of the headers that it is declared in.
each() {
    dump "$build/$2/$1.so" "$here/$1.abi" "${@:3}" -I"$source/include" -I"$build/include" || return 1
    if [ -n "$make" ]; then
        rm -f "$source/docs/abi/$1"-[0-9]*.abi
        cp "$here/$1.abi" "$source/docs/abi/$1-$version.abi"
    else
        as_before "$1"
    fi
}
mapfile -t headers < <(cd "$source/include" && find lockstep -name '*.h' ! -name dpdk.h | sort)
try "liblockstep is as it was" each liblockstep . "${headers[@]}" lockstep/version.h --
# shellcheck disable=SC2046
if [ "$with_dpdk" = true ]; then
    try "liblockstep-dpdk is as it was" each liblockstep-dpdk src/dpdk lockstep/dpdk.h -- $(pkg-config --cflags libdpdk)
fi
variants
echo "abi: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
