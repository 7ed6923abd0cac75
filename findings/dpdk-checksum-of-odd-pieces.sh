#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# DPDK's rte_raw_cksum_mbuf() over a packet in several mbufs, one of which begins at an odd offset.
#
# A guess: the sum of a packet's bytes is the same however they lie in mbufs (the function swaps the bytes of what begins
# at an odd offset, so it was thought of).
# Seen, DPDK 22.11.11 (Debian 12), 1200 bytes: in one mbuf, and cut at 100, the sums are those of RFC 1071 4.1; cut at
# 101 it is another, since 32 bits of a piece's sum are cut to 16 before they are swapped, and its carries lost.
# A piece with a sum below 2^16 has no carries: short pieces look right.
# What follows: checksums of payload that may be cut anywhere are not left to it; fold a piece's sum before it is swapped.
# shellcheck source=findings/packages.sh
source "$(dirname "$0")/packages.sh"
unpack libdpdk-dev=22.11.11-0+deb12u1

cat > "$here/sum.c" << 'END'
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>

static uint8_t bytes[1200];

/* Two octets at a time, the carries folded back: RFC 1071 4.1. */
static uint16_t by_the_rfc(void)
{
    uint32_t sum = 0;
    for (unsigned int i = 0; i < sizeof(bytes); i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

int main(int argc, char **argv)
{
    const uint16_t cut = argc > 1 ? (uint16_t)atoi(argv[1]) : 0;
    struct rte_mbuf first = {.buf_addr = bytes, .nb_segs = 1, .pkt_len = sizeof(bytes), .data_len = sizeof(bytes)};
    struct rte_mbuf second = {.buf_addr = bytes + cut, .data_len = (uint16_t)(sizeof(bytes) - cut), .nb_segs = 1};
    uint16_t sum = 0;
    for (unsigned int i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + 3);
    if (cut) {
        first.data_len = cut;
        first.nb_segs = 2;
        first.next = &second;
    }
    rte_raw_cksum_mbuf(&first, 0, sizeof(bytes), &sum);
    puts(rte_be_to_cpu_16(sum) == by_the_rfc() ? "right" : "wrong");
    return 0;
}
END
include=$here/root/usr/include
machine=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
cc -std=gnu11 -O1 -march=native -include rte_config.h -isystem "$include/dpdk" -isystem "$include/$machine/dpdk" \
    -o "$here/sum" "$here/sum.c"
same "in one mbuf" "$("$here/sum")" right
same "cut at 100" "$("$here/sum" 100)" right
same "cut at 101" "$("$here/sum" 101)" wrong
same "cut at 1199, one byte behind it" "$("$here/sum" 1199)" right
