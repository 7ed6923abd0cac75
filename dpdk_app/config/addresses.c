/* SPDX-License-Identifier: BSD-3-Clause */

/* How addresses fit together: our own, gateways and servers. */

#include "addresses.h"

#include <stdio.h>
#include <string.h>

#include "address_text.h"
#include "schema.h"

#define OWN_MAX      31u   /* what an instance takes, its link-local one aside */
#define LISTENS_MAX  64u   /* and of listeners */
#define IPV6_MTU_MIN 1280u /* RFC 8200 5 */
#define HOST_BITS    128u  /* a prefix that has one address */

/* What messages call the keys, as they were given. */
struct names {
    const char *listen, *gateway;
    bool is_command_line;
};

static uint8_t before_prefix(const struct net_ip *ip)
{
    return net_ip_is_v4(ip) ? 96 : 0;
}

static const char *family_of(const struct net_ip *ip)
{
    return net_ip_is_v4(ip) ? "IPv4" : "IPv6";
}

static bool same_family(const struct net_ip *a, const struct net_ip *b)
{
    return net_ip_is_v4(a) == net_ip_is_v4(b);
}

static bool has_family(const struct conf *o, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < o->num_own; i++)
        if (same_family(&o->own[i].addr.ip, ip))
            return true;
    return false;
}

static bool has_gateway(const struct conf *o, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < o->gateways.num; i++)
        if (same_family(&o->gateways.all[i].addr.ip, ip))
            return true;
    return false;
}

/* Whether no address of this family has neighbours. */
static bool is_alone(const struct conf *o, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < o->num_own; i++)
        if (same_family(&o->own[i].addr.ip, ip) && o->own[i].prefix_len < HOST_BITS)
            return false;
    return true;
}

/* fe80::/64 is every link's; net_new() makes an address of it. */
static bool is_near(const struct conf *o, const struct net_ip *ip)
{
    static const struct net_ip link_local = {{{0xfe, 0x80}}};
    for (uint32_t i = 0; i < o->num_own; i++)
        if (same_family(&o->own[i].addr.ip, ip) &&
            net_ip_in_prefix(ip, &o->own[i].addr.ip, o->own[i].prefix_len))
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

/* NULL, or what else an address is in a network of ours: the format of a sentence about --listen's
 * network. Networks of two, IPv4's /31 and IPv6's /127, have hosts only (RFC 3021, RFC 6164). */
static const char *special_in(const struct conf_own *network, const struct net_ip *ip)
{
    const bool is_v4 = net_ip_is_v4(ip);
    if (net_ip_is_v4(&network->addr.ip) != is_v4 || network->prefix_len >= HOST_BITS - 1 ||
        !net_ip_in_prefix(ip, &network->addr.ip, network->prefix_len))
        return NULL;
    if (is_rest(ip, network->prefix_len, false))
        return is_v4 ? "is the address of %s's network itself"
                     : "is that of all routers in %s's network";
    return is_v4 && is_rest(ip, network->prefix_len, true)
               ? "is the broadcast address of %s's network"
               : NULL;
}

/* Whether no host that lockstepd can reach has this address; why says it. */
static bool no_host(char *why, size_t why_len, const struct conf *o, const struct net_ip *ip,
                    const struct names *names)
{
    static const struct net_ip none = {{{0}}};
    const char *special = NULL;
    const bool is_odd = net_ip_is_v4(ip) ? ip->bytes[12] == 0 || ip->bytes[12] >= 240
                                         : net_ip_in_prefix(ip, &none, 96);
    if (net_ip_is_loopback(ip))
        special = "is this machine's loopback, and lockstepd knows its port only";
    else if (is_odd || net_ip_is_multicast(ip))
        special = "is no single host's address";
    for (uint32_t i = 0; i < o->num_own && !special; i++)
        special = special_in(&o->own[i], ip);
    if (!special && net_ip_is_link_local(ip) && !is_near(o, ip))
        special = "is link-local, but of no network of this link";
    if (!special)
        return false;
    const char *at = strstr(special, "%s");
    if (at)
        snprintf(why, why_len, "%.*s%s%s", (int)(at - special), special, names->listen, at + 2);
    else
        snprintf(why, why_len, "%s", special);
    return true;
}

static bool is_own(const struct conf *o, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < o->num_own; i++)
        if (net_ip_equal(&o->own[i].addr.ip, ip))
            return true;
    return false;
}

/* All of a family, as 10.9.0.0/24 or 10.8.0.0/16. */
static void networks_text(char *text, size_t text_len, const struct conf *o, bool is_v4)
{
    char one[NET_IP_TEXT_LEN];
    size_t len = 0;
    for (uint32_t i = 0; i < o->num_own && len < text_len; i++) {
        struct net_ip network = o->own[i].addr.ip;
        if (net_ip_is_v4(&network) != is_v4)
            continue;
        for (uint32_t bit = o->own[i].prefix_len; bit < HOST_BITS; bit++)
            network.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
        len += (size_t)snprintf(text + len, text_len - len, "%s%s/%d", len ? " or " : "",
                                net_ip_text(one, &network),
                                o->own[i].prefix_len - before_prefix(&network));
    }
}

/* One that lockstepd talks to. */
struct other {
    const struct place *place;
    const char *key;
    struct net_ip ip;
    bool is_gateway;
};

/* What would do for one that is far. */
static void remedy_text(char *text, size_t text_len, const struct other *other,
                        const struct names *names)
{
    const bool is_v4 = net_ip_is_v4(&other->ip);
    if (!other->is_gateway)
        snprintf(text, text_len, "name a %s%s", names->gateway, is_v4 ? "" : " of IPv6");
    else if (is_v4)
        snprintf(text, text_len, "say the prefix as in %s %s", names->listen, "10.9.0.2/16:443");
    else
        snprintf(text, text_len, "say the prefix as in %s %s", names->listen,
                 names->is_command_line ? "[2001:db8::2/48]:443" : "\"[2001:db8::2/48]:443\"");
}

static void check_other(const struct conf *o, const struct other *other, const struct names *names,
                        struct complaints *c)
{
    char text[NET_IP_TEXT_LEN], networks[256], why[128], remedy[128];
    const struct net_ip *ip = &other->ip;
    bool is_wrong = no_host(why, sizeof(why), o, ip, names);
    if (!is_wrong && is_own(o, ip)) {
        snprintf(why, sizeof(why), "is %s's own, not another host's", names->listen);
        is_wrong = true;
    }
    net_ip_text(text, ip);
    if (is_wrong) {
        complain(c, other->place, other->key, text, "this address %s", why);
    } else if (!has_family(o, ip)) {
        complain(c, other->place, other->key, text,
                 "lockstepd has no %s address to reach it from; name one by %s", family_of(ip),
                 names->listen);
    } else if (!is_near(o, ip) && !(other->is_gateway ? is_alone(o, ip) : has_gateway(o, ip))) {
        networks_text(networks, sizeof(networks), o, net_ip_is_v4(ip));
        remedy_text(remedy, sizeof(remedy), other, names);
        complain(c, other->place, other->key, text, "not in %s's network, %s; %s", names->listen,
                 networks, remedy);
    }
}

static void check_own(const struct conf *o, const struct conf_own *own, const struct names *names,
                      struct complaints *c)
{
    char ip[NET_IP_TEXT_LEN], text[NET_IP_TEXT_LEN + 8], mtu[16], why[128];
    const struct net_ip *at = &own->addr.ip;
    bool is_wrong = no_host(why, sizeof(why), o, at, names);
    if (!is_wrong && !net_ip_is_v4(at) && net_ip_is_link_local(at)) {
        snprintf(why, sizeof(why),
                 "is link-local, and lockstepd makes that one itself; name one that clients can "
                 "have, too");
        is_wrong = true;
    }
    net_ip_text(ip, at);
    snprintf(text, sizeof(text), "%s/%d", ip, own->prefix_len - before_prefix(at));
    if (is_wrong) {
        complain(c, &own->place, "listen", text, "this address %s", why);
    } else if (is_alone(o, at) && !has_gateway(o, at)) {
        complain(c, &own->place, "listen", text, "nobody else is in this network; name a %s",
                 names->gateway);
    } else if (!net_ip_is_v4(at) && o->device.mtu && o->device.mtu < IPV6_MTU_MIN) {
        snprintf(mtu, sizeof(mtu), "%u", o->device.mtu);
        complain(c, conf_place(&o->device.head, offsetof(struct conf_device, mtu)), "mtu", mtu,
                 "%s %s is IPv6, which needs %u", names->listen, ip, IPV6_MTU_MIN);
    }
}

/* ---- finding our own ---- */

static struct conf_own *find_own(struct conf *o, const struct net_ip *ip)
{
    for (uint32_t i = 0; i < o->num_own; i++)
        if (net_ip_equal(&o->own[i].addr.ip, ip))
            return &o->own[i];
    return NULL;
}

static void add_own(struct conf *o, const struct conf_address *one, const char *key,
                    struct complaints *c)
{
    struct conf_own *own = find_own(o, &one->addr.ip);
    if (one->is_any)
        return;
    if (!own) {
        own = &o->own[o->num_own++];
        *own = (struct conf_own){.addr.ip = one->addr.ip, .place = one->place};
    }
    if (one->prefix_len && own->prefix_len && one->prefix_len != own->prefix_len)
        complain(c, &one->place, key, one->text,
                 "another prefix was %d; an address is in one network, say its prefix once",
                 own->prefix_len - before_prefix(&own->addr.ip));
    else if (one->prefix_len)
        own->prefix_len = one->prefix_len;
}

static uint32_t count_listens(const struct conf *o)
{
    uint32_t num = o->addresses.num;
    for (uint32_t i = 0; i < o->frontends.num; i++)
        num += CONF_ITEM(struct conf_frontend, &o->frontends, i)->listen.num;
    return num;
}

static bool find_all_own(struct conf *o, struct complaints *c)
{
    o->num_own = 0;
    o->own = arena_alloc(&o->arena, (count_listens(o) + 1) * sizeof(*o->own));
    if (!o->own)
        return false;
    for (uint32_t i = 0; i < o->addresses.num; i++)
        add_own(o, &o->addresses.all[i], "addresses", c);
    for (uint32_t i = 0; i < o->frontends.num; i++) {
        const struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &o->frontends, i);
        for (uint32_t k = 0; k < f->listen.num; k++)
            add_own(o, &f->listen.all[k], "listen", c);
    }
    for (uint32_t i = 0; i < o->num_own; i++)
        if (!o->own[i].prefix_len)
            o->own[i].prefix_len = address_usual_prefix(&o->own[i].addr.ip);
    return true;
}

/* ":443" becomes that port at every address of ours. */
static bool spread(struct conf *o, struct conf_addresses *listen, struct complaints *c)
{
    struct conf_addresses all = {0};
    all.all = arena_alloc(&o->arena, (size_t)listen->num * (o->num_own + 1) * sizeof(*all.all));
    if (!all.all)
        return false;
    for (uint32_t i = 0; i < listen->num; i++) {
        const struct conf_address *one = &listen->all[i];
        if (one->is_any && !o->num_own)
            complain(c, &one->place, "listen", one->text,
                     "there is no address that it could stand for; name one in full");
        if (!one->is_any)
            all.all[all.num++] = *one;
        for (uint32_t k = 0; one->is_any && k < o->num_own; k++) {
            all.all[all.num] = *one;
            all.all[all.num].is_any = false;
            all.all[all.num++].addr.ip = o->own[k].addr.ip;
        }
    }
    *listen = all;
    return true;
}

/* Whether one before it is the same. */
static bool is_twice(const struct conf *o, const struct conf_address *one)
{
    for (uint32_t i = 0; i < o->frontends.num; i++) {
        const struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &o->frontends, i);
        for (uint32_t k = 0; k < f->listen.num; k++) {
            const struct conf_address *other = &f->listen.all[k];
            if (other == one)
                return false;
            if (other->addr.port == one->addr.port && net_ip_equal(&other->addr.ip, &one->addr.ip))
                return true;
        }
    }
    return false;
}

static void check_listens(const struct conf *o, struct complaints *c)
{
    for (uint32_t i = 0; i < o->frontends.num; i++) {
        const struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &o->frontends, i);
        for (uint32_t k = 0; k < f->listen.num; k++)
            if (is_twice(o, &f->listen.all[k]))
                complain(c, &f->listen.all[k].place, "listen", f->listen.all[k].text,
                         "this is given twice; keep one of the two");
    }
}

static void check_gateways(const struct conf *o, const struct names *names, struct complaints *c)
{
    char text[NET_IP_TEXT_LEN];
    for (uint32_t i = 0; i < o->gateways.num; i++) {
        const struct conf_address *one = &o->gateways.all[i];
        const struct other other = {&one->place, "gateways", one->addr.ip, true};
        check_other(o, &other, names, c);
        for (uint32_t k = 0; k < i; k++)
            if (same_family(&o->gateways.all[k].addr.ip, &one->addr.ip))
                complain(c, &one->place, "gateways", one->text, "there is one for %s, %s",
                         family_of(&one->addr.ip), net_ip_text(text, &o->gateways.all[k].addr.ip));
    }
}

static void check_servers(const struct conf *o, const struct names *names, struct complaints *c)
{
    for (uint32_t i = 0; i < o->pools.num; i++) {
        const struct conf_pool *pool = CONF_ITEM(struct conf_pool, &o->pools, i);
        for (uint32_t k = 0; k < pool->servers.num; k++) {
            const struct conf_server *s = CONF_ITEM(struct conf_server, &pool->servers, k);
            const struct other other = {conf_place(&s->head, offsetof(struct conf_server, addr)),
                                        "servers", s->addr.ip, false};
            check_other(o, &other, names, c);
        }
    }
}

/* What would not start. */
static void check_numbers(const struct conf *o, struct complaints *c)
{
    const struct conf_address *one_too_many = NULL;
    uint32_t num = 0;
    for (uint32_t i = 0; i < o->frontends.num; i++) {
        const struct conf_frontend *f = CONF_ITEM(struct conf_frontend, &o->frontends, i);
        if (!one_too_many && num + f->listen.num > LISTENS_MAX)
            one_too_many = &f->listen.all[LISTENS_MAX - num];
        num += f->listen.num;
    }
    if (one_too_many)
        complain(c, &one_too_many->place, "listen", one_too_many->text,
                 "%u addresses and ports to listen on; there is room for %u", num, LISTENS_MAX);
    if (o->num_own > OWN_MAX)
        complain(c, &o->own[OWN_MAX].place, "listen", NULL,
                 "%u addresses of ours; there is room for %u", o->num_own, OWN_MAX);
}

void addresses_check(struct conf *o, struct complaints *c)
{
    const bool is_command_line = !o->head.place.file;
    const struct names names = {is_command_line ? "--listen" : "listen",
                                is_command_line ? "--gateway" : "gateway", is_command_line};
    bool is_good = find_all_own(o, c);
    for (uint32_t i = 0; is_good && i < o->frontends.num; i++)
        is_good = spread(o, &CONF_ITEM(struct conf_frontend, &o->frontends, i)->listen, c);
    if (!is_good) {
        complain_of_memory(c);
        return;
    }
    check_numbers(o, c);
    check_listens(o, c);
    for (uint32_t i = 0; i < o->num_own; i++)
        check_own(o, &o->own[i], &names, c);
    check_gateways(o, &names, c);
    check_servers(o, &names, c);
}
