# SPDX-License-Identifier: BSD-3-Clause
# To be read by scripts that try many things: a folder that goes at the end, and what passed and failed.
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
passed=0 failed=0

# try WHAT COMMAND...
try() {
    if "${@:2}" > "$here/said" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $1"
        cat "$here/said"
    fi
}
