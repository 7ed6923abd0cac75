#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# outside.sh SOURCE BUILD WITH_DPDK: installs the build into a folder of its own and uses it as somebody would who has
# nothing else: pkg-config, the headers one by one, programs linked with the shared library and with the static one.
# With "installed" for BUILD it uses what the system's packages have installed.
set -uo pipefail
source=$1 build=$2 with_dpdk=$3
. "$source/tests/install/try.sh"

install_build() {
    if ! meson install -C "$build" --no-rebuild --destdir "$here/root" > "$here/install.log" 2>&1; then
        tail "$here/install.log"
        echo "install: 0 passed, 1 failed, 0 skipped"
        exit 1
    fi
    pc=$(find "$here/root" -name lockstep.pc)
    # It lies in another root; DPDK and libcrypto do not.
    sed -i "s|^prefix=|prefix=$here/root|" "${pc%/*}"/lockstep*.pc
    export PKG_CONFIG_PATH=${pc%/*}
}
if [ "$build" != installed ]; then install_build; fi
lib=$(pkg-config --variable=libdir lockstep)
include=$(pkg-config --variable=includedir lockstep)/lockstep

# shellcheck disable=SC2046 # a list of flags
compile() { "$1" -Wall -Wextra -Wpedantic -Werror "${@:3}" $(pkg-config --cflags "$2"); }

each_header() {
    local header name package=lockstep
    for header in "$include"/*.h; do
        name=$(basename "$header")
        # DPDK's own headers are no ISO C.
        if [ "$name" = dpdk.h ]; then continue; fi
        printf '#include <lockstep/%s>\n' "$name" | tee "$here/one.c" > "$here/one.cc"
        compile cc $package -std=c11 -fsyntax-only "$here/one.c" || return 1
        compile c++ $package -std=c++11 -fsyntax-only "$here/one.cc" || return 1
    done
}

cat > "$here/version.c" << 'END'
#include <stdio.h>

#include <lockstep/conn.h>
#include <lockstep/version.h>

int main(void)
{
    struct lks_engine *engine = NULL;
    if (lks_version() != LKS_VERSION_NUMBER || lks_engine_new(&engine, 1) != LKS_OK)
        return 1;
    lks_engine_free(engine);
    printf("%d.%d.%d\n", LKS_VERSION_MAJOR, LKS_VERSION_MINOR, LKS_VERSION_PATCH);
    return 0;
}
END
# shellcheck disable=SC2046
shared() {
    cc -Wall -Werror "$here/version.c" $(pkg-config --cflags --libs lockstep) -o "$here/version" || return 1
    [ "$(LD_LIBRARY_PATH=$lib "$here/version")" = "$(pkg-config --modversion lockstep)" ]
}
# liblockstep.a, and what it needs as .pc says.
# shellcheck disable=SC2046
static() {
    cc -Wall -Werror "$here/version.c" $(pkg-config --cflags lockstep) -L"$lib" \
        $(pkg-config --static --libs lockstep | sed 's/-llockstep\b/-l:liblockstep.a/') -o "$here/version" || return 1
    [ "$("$here/version")" = "$(pkg-config --modversion lockstep)" ]
}
# shellcheck disable=SC2046
burst() {
    cc -Wall -Werror "$source/examples/burst.c" $(pkg-config --cflags --libs lockstep-dpdk) -o "$here/burst" || return 1
    LD_LIBRARY_PATH=$lib "$here/burst" --no-huge --no-pci --no-shconf --no-telemetry -m 64 | grep -q 'opened 31 of 32'
}
# Everything exported is ours and has the version node; nothing else is.
symbols() {
    local names
    names=$(nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }')
    [ "$(wc -l <<< "$names")" -gt "$2" ] && ! grep -v '^lks_[a-z0-9_]*@@LOCKSTEP_0$' <<< "$names"
}
# Without DPDK neither its header nor its library is there. (The plan is enough: nothing is built.)
without_dpdk() {
    meson setup "$here/core" "$source" -Ddpdk=disabled -Dlockstepd=disabled -Dtests=disabled -Dbench=disabled || return 1
    meson introspect "$here/core" --installed > "$here/plan" || return 1
    grep -q 'lockstep/engine\.h' "$here/plan" && ! grep -E 'dpdk|lockstepd' "$here/plan" | grep -o '"[^"]*\(dpdk\|lockstepd\)[^"]*"'
}

try "each header by itself, in C11 and C++11" each_header
try "a program with the shared library, found by pkg-config" shared
try "a program with the static library, found by pkg-config" static
try "liblockstep exports lks_ names of version LOCKSTEP_0" symbols "$lib/liblockstep.so" 50
if [ "$build" != installed ]; then
    try "a build without DPDK installs nothing of it" without_dpdk
    try "debian/ and what is installed agree" python3 "$source/tests/install/packages.py" "$source" "$here/root"
fi
if [ "$with_dpdk" = true ]; then
    try "examples/burst.c outside the tree" burst
    try "liblockstep-dpdk exports lks_ names of version LOCKSTEP_0" symbols "$lib/liblockstep-dpdk.so" 3
fi
# shellcheck source=tests/install/examples.sh
. "$source/tests/install/examples.sh"
all_examples "$with_dpdk"
echo "install: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
