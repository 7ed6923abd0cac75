/* SPDX-License-Identifier: BSD-3-Clause */
#include "net/addr.h"

#include <arpa/inet.h>

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
