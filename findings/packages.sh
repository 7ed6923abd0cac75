# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Sourced by the findings: a folder that goes at the end, and Debian 12 packages of pinned versions unpacked in it (not
# installed). What those need beyond the packages named must be on the machine, as it is where `./dev setup` has run.
set -euo pipefail
here=$(mktemp -d)
pids=()
ends() {
    for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null || true; done
    rm -rf "$here"
}
trap ends EXIT

# unpack NAME=VERSION...: into $here/root, its libraries first in LD_LIBRARY_PATH.
unpack() {
    mkdir -p "$here/root"
    chmod 755 "$here"
    (cd "$here" && apt-get -qq -o APT::Sandbox::User=root download "$@")
    for package in "$here"/*.deb; do dpkg-deb -x "$package" "$here/root"; done
    LD_LIBRARY_PATH=$here/root/usr/lib/$(uname -m)-linux-gnu
    export LD_LIBRARY_PATH
}

# same WHAT SEEN EXPECTED: the finding stands.
same() {
    if [ "$2" = "$3" ]; then
        echo "as found: $1: $2"
    else
        echo "changed: $1: $2 (was: $3)"
        exit 1
    fi
}
