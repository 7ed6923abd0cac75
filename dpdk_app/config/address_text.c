/* SPDX-License-Identifier: BSD-3-Clause */
#include "address_text.h"

#include <stdio.h>
#include <string.h>

#define HOST_MAX      64u
#define BEFORE_V4     96u /* bits of the 16 bytes in front of an IPv4 address */
#define PREFIX_LEN_V4 24u
#define PREFIX_LEN_V6 64u

bool number_parse(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    uint64_t number = 0;
    if (!*text || (text[0] == '0' && text[1]))
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || number > (UINT64_MAX - 9) / 10)
            return false;
        number = 10 * number + (uint64_t)(*text - '0');
    }
    if (number < low || number > high)
        return false;
    *out = number;
    return true;
}

const char *address_parse_ip(const char *text, struct net_ip *ip)
{
    if (strchr(text, '%'))
        return "an address has no zone here, since there is one port";
    if (net_ip_parse(ip, text))
        return NULL;
    return net_ip_parse_mapped(ip, text) ? "IPv4 in IPv6's form is no address of a host; write it "
                                           "as IPv4"
                                         : "not an IP address";
}

/* Address and prefix, cut out of what is around them. */
static const char *parse_host(char *host, bool is_v6, struct net_ip *ip, uint8_t *prefix_len)
{
    char *slash = strchr(host, '/');
    uint64_t len = 0;
    if (slash && !prefix_len)
        return "no prefix belongs here";
    if (slash && !number_parse(slash + 1, 1, is_v6 ? 128 : 32, &len))
        return is_v6 ? "the prefix is not a number from 1 to 128"
                     : "the prefix is not a number from 1 to 32";
    if (slash)
        *slash = '\0';
    if (prefix_len)
        *prefix_len = (uint8_t)(len && !is_v6 ? len + BEFORE_V4 : len);
    return address_parse_ip(host, ip);
}

uint8_t address_usual_prefix(const struct net_ip *ip)
{
    return net_ip_is_v4(ip) ? BEFORE_V4 + PREFIX_LEN_V4 : PREFIX_LEN_V6;
}

const char *address_parse(const char *text, struct net_addr *addr, uint8_t *prefix_len)
{
    char host[HOST_MAX];
    const bool is_bracketed = *text == '[';
    const char *end = is_bracketed ? strchr(text, ']') : strrchr(text, ':');
    uint64_t port;
    if (is_bracketed && !end)
        return "the bracket is not closed";
    if (!is_bracketed && end && strchr(text, ':') != end)
        return "an IPv6 address stands in brackets";
    const char *colon = end && is_bracketed ? end + 1 : end;
    if (is_bracketed && *colon == '/')
        return "the prefix stands within the brackets";
    if (!colon || *colon != ':')
        return "it names no port";
    text += is_bracketed;
    if ((size_t)(end - text) >= sizeof(host))
        return "not an IP address";
    snprintf(host, sizeof(host), "%.*s", (int)(end - text), text);
    const char *wrong = parse_host(host, is_bracketed, &addr->ip, prefix_len);
    if (!wrong && is_bracketed && net_ip_is_v4(&addr->ip))
        wrong = "an IPv4 address stands without brackets";
    if (wrong)
        return wrong;
    if (!number_parse(colon + 1, 1, 65535, &port))
        return "the port is not a number from 1 to 65535";
    addr->port = (uint16_t)port;
    return NULL;
}

const char *address_parse_own(const char *text, struct net_ip *ip, uint8_t *prefix_len)
{
    char host[HOST_MAX];
    size_t len = strlen(text);
    const bool is_bracketed = *text == '[';
    if (is_bracketed && text[len - 1] != ']')
        return "the bracket is not closed";
    text += is_bracketed;
    len -= 2 * (size_t)is_bracketed;
    if (len >= sizeof(host))
        return "not an IP address";
    snprintf(host, sizeof(host), "%.*s", (int)len, text);
    return parse_host(host, strchr(host, ':') != NULL, ip, prefix_len);
}
