#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# PROXY protocol, versions 1 and 2: a header whose bytes come in two segments 100 ms apart.
#
# A guess: a receiver waits for the rest, as for any other line or length on a stream. TCP may cut anywhere: a sender
# whose library writes twice, or a segment boundary within the header, is enough.
# Seen, HAProxy 2.6.12 and nginx 1.22.1 (Debian 12): both look once at what is there and close the connection without
# an answer. A header by itself, with the request 100 ms behind it, is accepted by both.
# What follows: a sender puts the header into one write and one segment.
# shellcheck source=findings/packages.sh
source "$(dirname "$0")/packages.sh"
# shellcheck source=findings/proxy.sh
source "$(dirname "$0")/proxy.sh"
receivers

v1=$(printf 'PROXY TCP4 192.0.2.7 192.0.2.8 1000 80\r\n' | hex)
v2=0d0a0d0a000d0a515549540a2111000cc0000207c000020803e80050
for receiver in "HAProxy 18080" "nginx 18081"; do
    read -r name port <<< "$receiver"
    for header in "$v1" "$v2"; do
        start=${header:0:20}
        same "$name, one segment" "$(answer "$port" "$header")" "from 192.0.2.7"
        same "$name, request later" "$(answer "$port+" "$header")" "from 192.0.2.7"
        same "$name, header in two segments" "$(answer "$port" "$start" "${header:20}")" closed
    done
done
