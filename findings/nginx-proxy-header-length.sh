#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# PROXY protocol, version 2: how long a header may be for nginx, by what else the same listener does.
#
# A guess: the header is read before anything else is known of the connection, so one limit holds for every listener, and
# TLVs that a receiver does not know are skipped up to it.
# Seen, nginx 1.22.1 (Debian 12): a plain HTTP listener takes a header with a NOOP TLV of 300 bytes; one with `ssl` reads
# 107 bytes and closes without an answer on the same header. Both take a NOOP of 60 bytes (91 in all).
# What follows: a sender's header has at most 107 bytes (version 1's longest line) unless its operator asks for more.
# shellcheck source=findings/packages.sh
source "$(dirname "$0")/packages.sh"
# shellcheck source=findings/proxy.sh
source "$(dirname "$0")/proxy.sh"
receivers

# header NOOP_BYTES: TCP4 and one TLV of type NOOP.
header() {
    python3 -c 'import sys
n = int(sys.argv[1])
print("0d0a0d0a000d0a515549540a2111%04xc0000207c000020803e8005004%04x" % (12 + 3 + n, n) + "00" * n)' "$1"
}
for length in 60 300; do
    same "nginx, http, NOOP of $length" "$(answer 18081 "$(header $length)")" "from 192.0.2.7"
done
same "nginx, http and ssl, NOOP of 60" "$(answer 18082 "$(header 60)")" "from 192.0.2.7"
same "nginx, http and ssl, NOOP of 300" "$(answer 18082 "$(header 300)")" closed
