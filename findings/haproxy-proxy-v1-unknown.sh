#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# PROXY protocol, version 1: `PROXY UNKNOWN` with addresses behind it.
#
# A guess: HAProxy, the protocol's home, skips them. The protocol's text (2.1) lets the sender leave out what stands
# between UNKNOWN and the line's end, and tells the receiver to ignore whatever is there.
# Seen, HAProxy 2.6.12 (Debian 12): the short form is answered; with addresses the connection is closed without an
# answer. nginx 1.22.1 answers both. In version 2, HAProxy answers LOCAL with an address block, but refuses PROXY
# with the family UNSPEC, which the text (2.2) leaves to the receiver, and which nginx answers.
# What follows: a sender that has no address to tell says version 2's LOCAL with length 0.
# shellcheck source=findings/packages.sh
source "$(dirname "$0")/packages.sh"
# shellcheck source=findings/proxy.sh
source "$(dirname "$0")/proxy.sh"
receivers

short=$(printf 'PROXY UNKNOWN\r\n' | hex)
addresses=$(printf 'PROXY UNKNOWN 192.0.2.7 192.0.2.8 1000 80\r\n' | hex)
signature=0d0a0d0a000d0a515549540a
block=c0000207c000020803e80050
same "HAProxy, v1 UNKNOWN" "$(answer 18080 "$short")" "from 127.0.0.1"
same "HAProxy, v1 UNKNOWN with addresses" "$(answer 18080 "$addresses")" closed
same "HAProxy, v2 LOCAL" "$(answer 18080 "${signature}20000000")" "from 127.0.0.1"
same "HAProxy, v2 LOCAL with addresses" "$(answer 18080 "${signature}2011000c$block")" "from 127.0.0.1"
same "HAProxy, v2 PROXY, UNSPEC" "$(answer 18080 "${signature}21000000")" closed
same "nginx, v1 UNKNOWN" "$(answer 18081 "$short")" "from "
same "nginx, v1 UNKNOWN with addresses" "$(answer 18081 "$addresses")" "from "
same "nginx, v2 LOCAL" "$(answer 18081 "${signature}20000000")" "from "
same "nginx, v2 LOCAL with addresses" "$(answer 18081 "${signature}2011000c$block")" "from "
same "nginx, v2 PROXY, UNSPEC" "$(answer 18081 "${signature}21000000")" "from "
