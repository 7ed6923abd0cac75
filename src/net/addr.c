/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/addr.h"

#include <arpa/inet.h>

bool net_ip_in_prefix(const struct net_ip *ip, const struct net_ip *prefix, uint8_t prefix_len)
{
    const uint8_t whole = prefix_len / 8, bits = prefix_len % 8;
    if (memcmp(ip->bytes, prefix->bytes, whole) != 0)
        return false;
    return !bits || ((ip->bytes[whole] ^ prefix->bytes[whole]) >> (8 - bits)) == 0;
}

bool net_ip_is_multicast(const struct net_ip *ip)
{
    return net_ip_is_v4(ip) ? (ip->bytes[12] & 0xf0) == 0xe0 : ip->bytes[0] == 0xff;
}

bool net_ip_is_link_local(const struct net_ip *ip)
{
    if (net_ip_is_v4(ip))
        return ip->bytes[12] == 169 && ip->bytes[13] == 254;
    return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

bool net_ip_is_unspecified(const struct net_ip *ip)
{
    if (net_ip_is_v4(ip))
        return net_ip_v4_be(ip) == 0;
    return !ip->halves[0] && !ip->halves[1];
}

bool net_ip_is_loopback(const struct net_ip *ip)
{
    static const uint8_t one[16] = {[15] = 1};
    return net_ip_is_v4(ip) ? ip->bytes[12] == 127 : memcmp(ip->bytes, one, 16) == 0;
}

const char *net_ip_text(char text[NET_IP_TEXT_LEN], const struct net_ip *ip)
{
    if (net_ip_is_v4(ip))
        inet_ntop(AF_INET, ip->bytes + 12, text, NET_IP_TEXT_LEN);
    else
        inet_ntop(AF_INET6, ip->bytes, text, NET_IP_TEXT_LEN);
    return text;
}

bool net_ip_parse(struct net_ip *out, const char *text)
{
    uint32_t v4;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        *out = net_ip4(v4);
        return true;
    }
    /* An IPv4 address in IPv6's clothes is nobody's address on a wire (RFC 4038 4.2). */
    return inet_pton(AF_INET6, text, out->bytes) == 1 && !net_ip_is_v4(out);
}

bool net_ip_parse_mapped(struct net_ip *out, const char *text)
{
    return inet_pton(AF_INET6, text, out->bytes) == 1 && net_ip_is_v4(out);
}
