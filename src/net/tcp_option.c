/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/tcp_option.h"

#include <stddef.h>
#include <string.h>

#include <rte_byteorder.h>

enum {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_SCALE = 3,
    OPTION_SACK_OK = 4,
    OPTION_SACK = 5,
    OPTION_TS = 8,
};

static uint32_t read32(const uint8_t *bytes)
{
    uint32_t be;
    memcpy(&be, bytes, sizeof(be));
    return rte_be_to_cpu_32(be);
}

static void write32(uint8_t *bytes, uint32_t value)
{
    const uint32_t be = rte_cpu_to_be_32(value);
    memcpy(bytes, &be, sizeof(be));
}

/* One option with the body's length; false: not a length that it can have. */
/* [7323 2.2-2 2.3-3] [9293 3.1-7] */
static bool read_option(struct tcp_options *options, uint8_t kind, const uint8_t *body,
                        uint32_t len, bool is_syn)
{
    switch (kind) {
    case OPTION_MSS:
        if (len != 2)
            return false;
        options->has_mss = is_syn;
        options->mss = (uint16_t)(body[0] << 8 | body[1]);
        return true;
    case OPTION_SCALE:
        if (len != 1)
            return false;
        options->has_scale = is_syn;
        options->scale = body[0] < TCP_SCALE_MAX ? body[0] : TCP_SCALE_MAX;
        return true;
    case OPTION_SACK_OK:
        options->has_sack_ok = is_syn;
        return len == 0;
    case OPTION_TS:
        if (len != 8)
            return false;
        options->has_ts = true;
        options->ts_value = read32(body);
        options->ts_echo = read32(body + 4);
        return true;
    case OPTION_SACK:
        if (len == 0 || len % 8 || len / 8 > TCP_SACKS_MAX)
            return false;
        options->num_sacks = (uint8_t)(len / 8);
        for (uint32_t i = 0; i < options->num_sacks; i++)
            options->sacks[i] = (struct tcp_sack){read32(body + i * 8), read32(body + i * 8 + 4)};
        return true;
    default:
        return true; /* unknown: skipped (RFC 9293 MUST-6) */
    }
}

/* [9293 3.1-5 3.1-6 3.1-8] */
bool tcp_options_read(struct tcp_options *options, const uint8_t *bytes, uint32_t len, bool is_syn)
{
    static const uint8_t only_ts[4] = {OPTION_NOP, OPTION_NOP, OPTION_TS, 10};

    /* nearly every segment */
    memset(options, 0, offsetof(struct tcp_options, sacks));
    if (len == TCP_OPT_TS_LEN && memcmp(bytes, only_ts, 4) == 0) {
        options->has_ts = true;
        options->ts_value = read32(bytes + 4);
        options->ts_echo = read32(bytes + 8);
        return true;
    }
    for (uint32_t at = 0; at < len && bytes[at] != OPTION_END;) {
        if (bytes[at] == OPTION_NOP) {
            at++;
            continue;
        }
        if (len - at < 2 || bytes[at + 1] < 2 || bytes[at + 1] > len - at)
            return false;
        if (!read_option(options, bytes[at], bytes + at + 2, bytes[at + 1] - 2u, is_syn))
            return false;
        at += bytes[at + 1];
    }
    return true;
}

uint32_t tcp_options_write(uint8_t bytes[TCP_OPTIONS_MAX], const struct tcp_options *options)
{
    uint32_t at = 0;
    if (options->has_mss) {
        const uint8_t head[] = {OPTION_MSS, 4, (uint8_t)(options->mss >> 8), (uint8_t)options->mss};
        memcpy(bytes, head, 4);
        at += 4;
    }
    if (options->has_ts) {
        const uint8_t head[] = {OPTION_NOP, OPTION_NOP, OPTION_TS, 10};
        memcpy(bytes + at, head, 4);
        if (options->has_sack_ok) { /* in the place of the two NOPs */
            bytes[at] = OPTION_SACK_OK;
            bytes[at + 1] = 2;
        }
        write32(bytes + at + 4, options->ts_value);
        write32(bytes + at + 8, options->ts_echo);
        at += TCP_OPT_TS_LEN;
    } else if (options->has_sack_ok) {
        const uint8_t head[] = {OPTION_NOP, OPTION_NOP, OPTION_SACK_OK, 2};
        memcpy(bytes + at, head, 4);
        at += 4;
    }
    if (options->has_scale) {
        const uint8_t head[] = {OPTION_NOP, OPTION_SCALE, 3, options->scale};
        memcpy(bytes + at, head, 4);
        at += 4;
    }
    if (options->num_sacks) {
        const uint32_t fit = (TCP_OPTIONS_MAX - at - 4) / 8;
        const uint32_t num = options->num_sacks < fit ? options->num_sacks : fit;
        const uint8_t head[] = {OPTION_NOP, OPTION_NOP, OPTION_SACK, (uint8_t)(2 + num * 8)};
        memcpy(bytes + at, head, 4);
        at += 4;
        for (uint32_t i = 0; i < num; i++, at += 8) {
            write32(bytes + at, options->sacks[i].from);
            write32(bytes + at + 4, options->sacks[i].to);
        }
    }
    return at;
}
