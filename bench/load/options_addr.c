/* SPDX-License-Identifier: BSD-3-Clause */

/* Addresses on the command line: ours, the server's and gateways, and how they fit together. */

#include <stdio.h>
#include <string.h>

#include "options.h"

#define PREFIX_LEN_V4 24u
#define PREFIX_LEN_V6 64u

/* Prefixes are counted in the 16 bytes of an address; people count IPv4's in four. */
static uint8_t before_prefix(const struct net_ip *ip)
{
    return net_ip_is_v4(ip) ? 96 : 0;
}

static bool is_same_family(const struct net_ip *a, const struct net_ip *b)
{
    return net_ip_is_v4(a) == net_ip_is_v4(b);
}

/* IPv4:port or [IPv6]:port. */
static bool parse_addr(const char *text, struct net_addr *addr)
{
    char host[NET_IP_TEXT_LEN + 2];
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (!colon || (size_t)(colon - text) >= sizeof(host) ||
        !options_parse_number(colon + 1, 1, 65535, &port))
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    const size_t len = strlen(host);
    const bool is_bracketed = len > 2 && host[0] == '[' && host[len - 1] == ']';
    if (is_bracketed)
        host[len - 1] = '\0';
    if (!net_ip_parse(&addr->ip, host + is_bracketed) || net_ip_is_v4(&addr->ip) == is_bracketed)
        return false;
    addr->port = (uint16_t)port;
    return true;
}

int options_set_addr(struct net_addr *addr, const char *option, const char *value, char *error,
                     unsigned int error_len)
{
    if (parse_addr(value, addr))
        return 0;
    return options_fail(error, error_len,
                        "--%s %s: write IPv4:port or [IPv6]:port, as 10.9.0.2:443 or "
                        "[2001:db8::2]:443",
                        option, value);
}

int options_add_gateway(struct options *o, const char *value, char *error, unsigned int error_len)
{
    struct net_ip ip;
    if (!net_ip_parse(&ip, value))
        return options_fail(error, error_len, "--gateway %s: not an IP address", value);
    for (uint32_t i = 0; i < o->num_gateways; i++)
        if (is_same_family(&ip, &o->gateways[i]))
            return options_fail(error, error_len, "--gateway %s: there is one of its family",
                                value);
    o->gateways[o->num_gateways++] = ip;
    return 0;
}

static bool next_ip(struct net_ip *ip)
{
    for (int i = 15; i >= 12; i--)
        if (++ip->bytes[i])
            return true;
    return false;
}

static int add_address(struct options *o, const struct net_ip *ip, uint8_t prefix_len)
{
    for (uint32_t i = 0; i < o->num_addresses; i++)
        if (net_ip_equal(&o->addresses[i].ip, ip))
            return 0;
    if (o->num_addresses == OPTIONS_ADDRESSES)
        return -1;
    o->addresses[o->num_addresses++] = (struct net_address){*ip, prefix_len};
    return 0;
}

/* FIRST[-LAST][/PREFIX] */
int options_add_addresses(struct options *o, const char *value, char *error, unsigned int error_len)
{
    char text[2 * NET_IP_TEXT_LEN + 8];
    struct net_ip first, last;
    uint64_t prefix_len = 0;
    snprintf(text, sizeof(text), "%s", value);
    char *slash = strchr(text, '/'), *dash = strchr(text, '-');
    if (slash)
        *slash = '\0';
    if (dash)
        *dash = '\0';
    if (strlen(value) >= sizeof(text) || !net_ip_parse(&first, text) ||
        !net_ip_parse(&last, dash ? dash + 1 : text) || !is_same_family(&first, &last) ||
        (slash &&
         !options_parse_number(slash + 1, 1, net_ip_is_v4(&first) ? 32 : 128, &prefix_len)))
        return options_fail(error, error_len,
                            "--address %s: write an address, or first-last, and a prefix, as "
                            "10.9.0.10-10.9.0.19/24 or 2001:db8::10/64",
                            value);
    if (!prefix_len)
        prefix_len = net_ip_is_v4(&first) ? PREFIX_LEN_V4 : PREFIX_LEN_V6;
    const uint8_t counted = (uint8_t)(prefix_len + before_prefix(&first));
    if (memcmp(first.bytes, last.bytes, 16) > 0)
        return options_fail(error, error_len, "--address %s: the last is before the first", value);
    for (bool is_there = true; is_there && memcmp(first.bytes, last.bytes, 16) <= 0;
         is_there = next_ip(&first))
        if (add_address(o, &first, counted))
            return options_fail(error, error_len,
                                "--address %s: one too many, there is room for %u", value,
                                OPTIONS_ADDRESSES);
    return 0;
}

/* NULL, or what is wrong with talking to that address. */
static const char *unreachable(const struct options *o, const struct net_ip *ip)
{
    bool has_family = false, is_near = false;
    for (uint32_t i = 0; i < o->num_addresses; i++) {
        const struct net_address *own = &o->addresses[i];
        if (net_ip_equal(&own->ip, ip))
            return "is one of --address, not another host's";
        has_family |= is_same_family(&own->ip, ip);
        is_near |= is_same_family(&own->ip, ip) && net_ip_in_prefix(ip, &own->ip, own->prefix_len);
    }
    if (!has_family)
        return "no --address is of its family";
    for (uint32_t i = 0; i < o->num_gateways; i++)
        is_near |= is_same_family(&o->gateways[i], ip);
    return is_near ? NULL : "in no --address's network; name a --gateway";
}

int options_check_addresses(const struct options *o, char *error, unsigned int error_len)
{
    char text[NET_IP_TEXT_LEN];
    const char *wrong;
    if (!o->num_addresses)
        return options_fail(error, error_len,
                            "--address is missing: which addresses has the generator on this "
                            "port? (--help)");
    if (o->target.port && (wrong = unreachable(o, &o->target.ip)))
        return options_fail(error, error_len, "--target %s: %s", net_ip_text(text, &o->target.ip),
                            wrong);
    for (uint32_t i = 0; o->serve.port && i < o->num_addresses; i++)
        if (net_ip_equal(&o->addresses[i].ip, &o->serve.ip))
            return 0;
    if (o->serve.port)
        return options_fail(error, error_len, "--serve %s: this is none of --address",
                            net_ip_text(text, &o->serve.ip));
    return 0;
}
