/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Initial sequence numbers, RFC 6528: a clock that ticks every 4 microseconds, so that a
 * connection's successor between the same ports starts above it, plus a keyed hash of the
 * addresses, so that seeing one connection's number does not give away another's. The hash is
 * SipHash-2-4 (Aumasson and Bernstein, 2012) of two words.
 */

#include "hooks.h"

#include <stdbool.h>

#include "arch/cc.h"
#include "frame.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

static uint64_t siphash(const uint64_t key[2], const uint64_t words[2])
{
    struct sip s = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                    key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    sip_word(&s, words[0]);
    sip_word(&s, words[1]);
    sip_word(&s, (uint64_t)16 << 56); /* length in bytes */
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static uint64_t random64(void)
{
    uint64_t high = lockstepd_random();
    return high << 32 | lockstepd_random();
}

u32_t lockstepd_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                    u16_t remote_port)
{
    static uint64_t key[2];
    static bool has_key;
    if (!has_key) {
        key[0] = random64();
        key[1] = random64();
        has_key = true;
    }
    const uint64_t words[2] = {(uint64_t)ip4_addr_get_u32(local_ip) << 32 |
                                   ip4_addr_get_u32(remote_ip),
                               (uint64_t)local_port << 16 | remote_port};
    return (u32_t)siphash(key, words) + (u32_t)(frame_now_us() / 4);
}
