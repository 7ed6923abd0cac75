/* SPDX-License-Identifier: BSD-3-Clause */

/* Addresses on the command line: our own, gateways and the backend, and how they fit together. */

#include "options_addr.h"

#include <stdio.h>
#include <string.h>

#define IPV6_MTU_MIN  1280u /* RFC 8200 5 */
#define PREFIX_LEN_V4 24
#define PREFIX_LEN_V6 64
#define HOST_BITS     128u /* a prefix that has one address */
#define EXAMPLES      "; write IPv4%s:port or [IPv6%s]:port, as %s or %s"

/* Prefixes are counted in the 16 bytes of an address; people count IPv4's in four. */
static uint8_t before_prefix(const struct net_ip *ip)
{
    return net_ip_is_v4(ip) ? 96 : 0;
}

static const char *family_of(const struct net_ip *ip)
{
    return net_ip_is_v4(ip) ? "IPv4" : "IPv6";
}

/* NULL, or what is wrong. */
static const char *parse_ip(const char *text, struct net_ip *ip)
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
static const char *parse_host(char *host, bool is_bracketed, struct net_ip *ip,
                              uint32_t *prefix_len)
{
    char *slash = strchr(host, '/');
    if (slash && !prefix_len)
        return "no prefix belongs here";
    if (slash && !options_parse_number(slash + 1, 1, is_bracketed ? 128 : 32, prefix_len))
        return is_bracketed ? "the prefix is not a number from 1 to 128"
                            : "the prefix is not a number from 1 to 32";
    if (slash)
        *slash = '\0';
    const char *wrong = parse_ip(host, ip);
    if (!wrong && is_bracketed && net_ip_is_v4(ip))
        return "an IPv4 address stands without brackets";
    return wrong;
}

/* IPv4[/prefix]:port or [IPv6[/prefix]]:port; prefix_len NULL: none allowed. NULL, or what is
 * wrong. */
static const char *parse_addr(const char *text, struct net_addr *addr, uint32_t *prefix_len)
{
    char host[64];
    const bool is_bracketed = *text == '[';
    const char *end = is_bracketed ? strchr(text, ']') : strrchr(text, ':');
    uint32_t port;
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
    if (wrong)
        return wrong;
    if (!options_parse_number(colon + 1, 1, 65535, &port))
        return "the port is not a number from 1 to 65535";
    addr->port = (uint16_t)port;
    return NULL;
}

/* Ours with this address, made where there is none yet: there is room for one a --listen. */
static struct net_address *own_address(struct options *o, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < o->num_addresses; i++)
        if (net_ip_equal(&o->addresses[i].ip, ip))
            return &o->addresses[i];
    o->addresses[o->num_addresses] = (struct net_address){.ip = *ip};
    return &o->addresses[o->num_addresses++];
}

int options_add_listen(struct options *o, const char *value, char *error, unsigned int error_len)
{
    struct net_addr *addr = &o->listen[o->num_listen];
    uint32_t prefix_len = 0;
    if (o->num_listen == OPTIONS_LIST_MAX)
        return options_fail(error, error_len,
                            "--listen %s: one too many, there is room for %u; leave some out, or "
                            "run another lockstepd on another port",
                            value, OPTIONS_LIST_MAX);
    const char *wrong = parse_addr(value, addr, &prefix_len);
    if (wrong)
        return options_fail(error, error_len, "--listen %s: %s" EXAMPLES, value, wrong, "[/prefix]",
                            "[/prefix]", "10.9.0.2/24:443", "[2001:db8::2/64]:443");
    struct net_address *own = own_address(o, &addr->ip);
    const uint8_t before = before_prefix(&addr->ip);
    if (prefix_len && own->prefix_len && prefix_len + before != own->prefix_len)
        return options_fail(error, error_len,
                            "--listen %s: another prefix was %d; an address is in one network, say "
                            "its prefix once",
                            value, own->prefix_len - before);
    if (prefix_len)
        own->prefix_len = (uint8_t)(prefix_len + before);
    for (uint32_t i = 0; i < o->num_listen; i++)
        if (addr->port == o->listen[i].port && net_ip_equal(&addr->ip, &o->listen[i].ip))
            return options_fail(error, error_len,
                                "--listen %s: this is given twice; keep one of the two", value);
    o->num_listen++;
    return 0;
}

int options_set_backend(struct options *o, const char *value, char *error, unsigned int error_len)
{
    const char *wrong = parse_addr(value, &o->backend, NULL);
    return wrong ? options_fail(error, error_len, "--backend %s: %s" EXAMPLES, value, wrong, "", "",
                                "10.9.0.1:8080", "[2001:db8::1]:8080")
                 : 0;
}

int options_add_gateway(struct options *o, const char *value, char *error, unsigned int error_len)
{
    char other[NET_IP_TEXT_LEN];
    struct net_ip ip;
    const char *wrong =
        *value == '[' ? "a gateway's address stands without brackets" : parse_ip(value, &ip);
    if (wrong)
        return options_fail(error, error_len, "--gateway %s: %s", value, wrong);
    for (uint32_t i = 0; i < o->num_gateways; i++)
        if (net_ip_is_v4(&ip) == net_ip_is_v4(&o->gateways[i]))
            return options_fail(error, error_len, "--gateway %s: there is one for %s, %s", value,
                                family_of(&ip), net_ip_text(other, &o->gateways[i]));
    o->gateways[o->num_gateways++] = ip;
    return 0;
}

/* ---- how they fit together ---- */

static bool has_family(const struct options *o, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < o->num_addresses; i++)
        if (net_ip_is_v4(&o->addresses[i].ip) == net_ip_is_v4(ip))
            return true;
    return false;
}

static bool has_gateway(const struct options *o, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < o->num_gateways; i++)
        if (net_ip_is_v4(&o->gateways[i]) == net_ip_is_v4(ip))
            return true;
    return false;
}

/* Whether no address of this family has neighbours. */
static bool is_alone(const struct options *o, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < o->num_addresses; i++)
        if (net_ip_is_v4(&o->addresses[i].ip) == net_ip_is_v4(ip) &&
            o->addresses[i].prefix_len < HOST_BITS)
            return false;
    return true;
}

/* fe80::/64 is every link's; net_new() makes an address of it. */
static bool is_near(const struct options *o, const struct net_ip *ip)
{
    static const struct net_ip link_local = {{{0xfe, 0x80}}};
    for (uint32_t i = 0; i < o->num_addresses; i++)
        if (net_ip_is_v4(&o->addresses[i].ip) == net_ip_is_v4(ip) &&
            net_ip_in_prefix(ip, &o->addresses[i].ip, o->addresses[i].prefix_len))
            return true;
    return !net_ip_is_v4(ip) && net_ip_in_prefix(ip, &link_local, 64);
}

/* Whether all bits behind a prefix are `bit`. */
static bool is_rest(const struct net_ip *ip, uint8_t prefix_len, bool bit)
{
    for (uint32_t i = prefix_len; i < HOST_BITS; i++)
        if ((bool)(ip->bytes[i / 8] >> (7 - i % 8) & 1) != bit)
            return false;
    return true;
}

/* NULL, or what else an address is in a network of ours. Networks of two, IPv4's /31 and IPv6's
 * /127, have hosts only (RFC 3021, RFC 6164). */
static const char *special_in(const struct net_address *network, const struct net_ip *ip)
{
    const bool is_v4 = net_ip_is_v4(ip);
    if (net_ip_is_v4(&network->ip) != is_v4 || network->prefix_len >= HOST_BITS - 1 ||
        !net_ip_in_prefix(ip, &network->ip, network->prefix_len))
        return NULL;
    if (is_rest(ip, network->prefix_len, false))
        return is_v4 ? "is the address of --listen's network itself"
                     : "is that of all routers in --listen's network";
    return is_v4 && is_rest(ip, network->prefix_len, true)
               ? "is the broadcast address of --listen's network"
               : NULL;
}

/* NULL, or why no host that lockstepd can reach has this address. */
static const char *no_host(const struct options *o, const struct net_ip *ip)
{
    static const struct net_ip none = {{{0}}};
    const char *special = NULL;
    if (net_ip_is_loopback(ip))
        return "is this machine's loopback, and lockstepd knows its port only";
    const bool is_odd = net_ip_is_v4(ip) ? ip->bytes[12] == 0 || ip->bytes[12] >= 240
                                         : net_ip_in_prefix(ip, &none, 96);
    if (is_odd || net_ip_is_multicast(ip))
        return "is no single host's address";
    for (uint32_t i = 0; i < o->num_addresses && !special; i++)
        special = special_in(&o->addresses[i], ip);
    if (!special && net_ip_is_link_local(ip) && !is_near(o, ip))
        return "is link-local, but of no network of this link";
    return special;
}

static bool is_own(const struct options *o, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < o->num_addresses; i++)
        if (net_ip_equal(&o->addresses[i].ip, ip))
            return true;
    return false;
}

/* All of a family, as 10.9.0.0/24 or 10.8.0.0/16. */
static void networks_text(char *text, size_t text_len, const struct options *o, bool is_v4)
{
    char one[NET_IP_TEXT_LEN];
    size_t len = 0;
    for (uint32_t i = 0; i < o->num_addresses && len < text_len; i++) {
        struct net_address network = o->addresses[i];
        if (net_ip_is_v4(&network.ip) != is_v4)
            continue;
        for (uint32_t bit = network.prefix_len; bit < HOST_BITS; bit++)
            network.ip.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
        len += (size_t)snprintf(text + len, text_len - len, "%s%s/%d", len ? " or " : "",
                                net_ip_text(one, &network.ip),
                                network.prefix_len - before_prefix(&network.ip));
    }
}

/* One of those that lockstepd talks to. */
static int check_other(const struct options *o, const char *option, const struct net_ip *ip,
                       bool has_way, const char *remedy, char *error, unsigned int error_len)
{
    char text[NET_IP_TEXT_LEN], networks[256];
    const char *wrong = no_host(o, ip);
    if (!wrong && is_own(o, ip))
        wrong = "is --listen's own, not another host's";
    net_ip_text(text, ip);
    if (wrong)
        return options_fail(error, error_len, "%s %s: this address %s", option, text, wrong);
    if (!has_family(o, ip))
        return options_fail(error, error_len,
                            "%s %s: lockstepd has no %s address to reach it from; name one by "
                            "--listen",
                            option, text, family_of(ip));
    if (is_near(o, ip) || has_way)
        return 0;
    networks_text(networks, sizeof(networks), o, net_ip_is_v4(ip));
    return options_fail(error, error_len, "%s %s: not in --listen's network, %s; %s", option, text,
                        networks, remedy);
}

static int check_own(const struct options *o, const struct net_address *own, char *error,
                     unsigned int error_len)
{
    char text[NET_IP_TEXT_LEN];
    const int prefix_len = own->prefix_len - before_prefix(&own->ip);
    const char *wrong = no_host(o, &own->ip);
    net_ip_text(text, &own->ip);
    if (!wrong && !net_ip_is_v4(&own->ip) && net_ip_is_link_local(&own->ip))
        wrong = "is link-local, and lockstepd makes that one itself; name one that clients can "
                "have, too";
    if (wrong)
        return options_fail(error, error_len, "--listen %s/%d: this address %s", text, prefix_len,
                            wrong);
    if (is_alone(o, &own->ip) && !has_gateway(o, &own->ip))
        return options_fail(error, error_len,
                            "--listen %s/%d: nobody else is in this network; name a --gateway",
                            text, prefix_len);
    if (!net_ip_is_v4(&own->ip) && o->mtu && o->mtu < IPV6_MTU_MIN)
        return options_fail(error, error_len, "--mtu %u: --listen %s is IPv6, which needs %u",
                            o->mtu, text, IPV6_MTU_MIN);
    return 0;
}

int options_check_addresses(struct options *o, char *error, unsigned int error_len)
{
    for (uint32_t i = 0; i < o->num_addresses; i++)
        if (!o->addresses[i].prefix_len)
            o->addresses[i].prefix_len =
                net_ip_is_v4(&o->addresses[i].ip) ? 96 + PREFIX_LEN_V4 : PREFIX_LEN_V6;
    for (uint32_t i = 0; i < o->num_addresses; i++)
        if (check_own(o, &o->addresses[i], error, error_len))
            return -1;
    for (uint32_t i = 0; i < o->num_gateways; i++)
        if (check_other(o, "--gateway", &o->gateways[i], is_alone(o, &o->gateways[i]),
                        net_ip_is_v4(&o->gateways[i])
                            ? "say the prefix as in --listen 10.9.0.2/16:443"
                            : "say the prefix as in --listen [2001:db8::2/48]:443",
                        error, error_len))
            return -1;
    return check_other(o, "--backend", &o->backend.ip, has_gateway(o, &o->backend.ip),
                       net_ip_is_v4(&o->backend.ip) ? "name a --gateway"
                                                    : "name a --gateway of IPv6",
                       error, error_len);
}
