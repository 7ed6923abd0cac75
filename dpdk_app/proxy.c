/* SPDX-License-Identifier: BSD-3-Clause */
#include "proxy.h"

#include <string.h>

#define VERSION_AND_PROXY 0x21 /* version 2, for somebody else */
#define TCP_OVER_IPV4     0x11
#define TCP_OVER_IPV6     0x21

static uint8_t *put(uint8_t *to, const void *from, size_t len)
{
    memcpy(to, from, len);
    return to + len;
}

static uint8_t *put_u16(uint8_t *to, uint16_t value)
{
    *to++ = (uint8_t)(value >> 8);
    *to++ = (uint8_t)value;
    return to;
}

size_t proxy_header(uint8_t out[PROXY_HEADER_MAX], const struct net_addr *client,
                    const struct net_addr *local)
{
    static const uint8_t signature[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                        0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
    const bool is_v4 = net_ip_is_v4(&client->ip);
    const size_t ip_len = is_v4 ? 4 : 16, skipped = 16 - ip_len;
    uint8_t *p = put(out, signature, sizeof(signature));
    *p++ = VERSION_AND_PROXY;
    *p++ = is_v4 ? TCP_OVER_IPV4 : TCP_OVER_IPV6;
    p = put_u16(p, (uint16_t)(2 * ip_len + 4));
    p = put(p, client->ip.bytes + skipped, ip_len);
    p = put(p, local->ip.bytes + skipped, ip_len);
    p = put_u16(p, client->port);
    p = put_u16(p, local->port);
    return (size_t)(p - out);
}
