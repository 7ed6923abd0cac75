/* SPDX-License-Identifier: BSD-3-Clause */

/* Addresses on the command line: ours, the server's and gateways, and how they fit together. */

#include <stdio.h>
#include <string.h>

#include "config/address_text.h"
#include "options.h"

static bool is_same_family(const struct net_ip *a, const struct net_ip *b)
{
    return net_ip_is_v4(a) == net_ip_is_v4(b);
}

int options_set_addr(struct net_addr *addr, const char *option, const char *value, char *error,
                     unsigned int error_len)
{
    const char *wrong = address_parse(value, addr, NULL);
    if (!wrong)
        return 0;
    return options_fail(error, error_len,
                        "--%s %s: %s; write IPv4:port or [IPv6]:port, as 10.9.0.2:443 or "
                        "[2001:db8::2]:443",
                        option, value, wrong);
}

int options_add_gateway(struct options *o, const char *value, char *error, unsigned int error_len)
{
    struct net_ip ip;
    const char *wrong = address_parse_ip(value, &ip);
    if (wrong)
        return options_fail(error, error_len, "--gateway %s: %s", value, wrong);
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

/* FIRST[-LAST][/PREFIX]. NULL, or what is wrong with it. */
static const char *parse_range(const char *value, struct net_ip *first, struct net_ip *last,
                               uint8_t *prefix_len)
{
    char text[NET_IP_TEXT_LEN];
    const char *dash = strchr(value, '-');
    const char *wrong = address_parse_own(dash ? dash + 1 : value, last, prefix_len);
    *first = *last;
    if (dash && !wrong) {
        snprintf(text, sizeof(text), "%.*s", (int)(dash - value), value);
        wrong = address_parse_ip(text, first);
    }
    if (!wrong && !is_same_family(first, last))
        wrong = "these are of two families";
    if (!wrong && !*prefix_len)
        *prefix_len = address_usual_prefix(first);
    return wrong;
}

int options_add_addresses(struct options *o, const char *value, char *error, unsigned int error_len)
{
    struct net_ip first, last;
    uint8_t prefix_len;
    const char *wrong = parse_range(value, &first, &last, &prefix_len);
    if (wrong)
        return options_fail(error, error_len,
                            "--address %s: %s; write an address, or first-last, and a prefix, as "
                            "10.9.0.10-10.9.0.19/24 or 2001:db8::10/64",
                            value, wrong);
    if (memcmp(first.bytes, last.bytes, 16) > 0)
        return options_fail(error, error_len, "--address %s: the last is before the first", value);
    for (bool is_there = true; is_there && memcmp(first.bytes, last.bytes, 16) <= 0;
         is_there = next_ip(&first))
        if (add_address(o, &first, prefix_len))
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
