/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip_bed.h"

#include <arpa/inet.h>
#include <string.h>

static void parses_and_prints(void)
{
    static const struct {
        const char *text, *again; /* NULL: it is neither */
    } rows[] = {
        {"10.9.0.2", "10.9.0.2"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:DB8:0:0:0:0:0:2", "2001:db8::2"}, /* RFC 5952 4 */
        {"::", "::"},
        {"fe80::1", "fe80::1"},
        {"::ffff:10.9.0.2", NULL},
        {"10.9.0", NULL},
        {"10.9.0.256", NULL},
        {"fe80::1%eth0", NULL},
        {"", NULL},
    };
    char text[NET_IP_TEXT_LEN];
    struct net_ip ip;
    CU_ASSERT_FALSE(net_ip_parse(&ip, "0::ffff:a09:2"));
    CU_ASSERT(net_ip_parse_mapped(&ip, "0::ffff:a09:2") &&
              net_ip_v4_be(&ip) == inet_addr("10.9.0.2"));
    CU_ASSERT(!net_ip_parse_mapped(&ip, "10.9.0.2") && !net_ip_parse_mapped(&ip, "2001:db8::2"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool good = net_ip_parse(&ip, rows[i].text);
        LKS_CHECK(good == (rows[i].again != NULL), "%s", rows[i].text);
        if (good && rows[i].again)
            LKS_CHECK(strcmp(net_ip_text(text, &ip), rows[i].again) == 0, "%s: %s", rows[i].text,
                      text);
    }
}

static void prefixes(void)
{
    static const struct {
        const char *ip, *prefix;
        uint8_t len;
        bool is_in;
    } rows[] = {
        {"10.9.0.2", "10.9.0.0", 24, true},
        {"10.9.1.2", "10.9.0.0", 24, false},
        {"10.9.1.2", "10.9.0.0", 23, true},
        {"10.9.2.2", "10.9.0.0", 23, false},
        {"192.0.2.1", "0.0.0.0", 0, true},
        {"10.9.0.2", "10.9.0.2", 32, true},
        {"10.9.0.3", "10.9.0.2", 32, false},
        {"2001:db8::1", "2001:db8::", 64, true},
        {"2001:db8:0:1::1", "2001:db8::", 64, false},
        {"2001:db8::1", "::", 0, true},
    };
    struct net_ip ip, prefix;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_FATAL(net_ip_parse(&ip, rows[i].ip) && net_ip_parse(&prefix, rows[i].prefix));
        uint8_t len = (uint8_t)(rows[i].len + (net_ip_is_v4(&ip) ? 96 : 0));
        LKS_CHECK(net_ip_in_prefix(&ip, &prefix, len) == rows[i].is_in, "%s in %s/%u", rows[i].ip,
                  rows[i].prefix, rows[i].len);
    }
}

static void kinds(void)
{
    static const struct {
        const char *ip;
        bool multicast, link_local, unspecified, loopback;
    } rows[] = {
        {"224.0.0.1", true, false, false, false},   {"239.255.255.255", true, false, false, false},
        {"240.0.0.1", false, false, false, false},  {"ff02::1", true, false, false, false},
        {"169.254.1.1", false, true, false, false}, {"fe80::1", false, true, false, false},
        {"febf::1", false, true, false, false},     {"fec0::1", false, false, false, false},
        {"0.0.0.0", false, false, true, false},     {"::", false, false, true, false},
        {"127.3.2.1", false, false, false, true},   {"::1", false, false, false, true},
        {"10.9.0.2", false, false, false, false},
    };
    struct net_ip ip;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CU_ASSERT_FATAL(net_ip_parse(&ip, rows[i].ip));
        LKS_CHECK(net_ip_is_multicast(&ip) == rows[i].multicast &&
                      net_ip_is_link_local(&ip) == rows[i].link_local &&
                      net_ip_is_unspecified(&ip) == rows[i].unspecified &&
                      net_ip_is_loopback(&ip) == rows[i].loopback,
                  "%s", rows[i].ip);
    }
}

/* Each is refused with a line that says what is wrong. [8200 5-1] */
static void bad_configurations(void)
{
    static const struct {
        const char *address, *gateway;
        uint8_t len;
        uint16_t mtu, vlan;
        const char *said;
    } rows[] = {
        {"224.0.0.1", NULL, 24, 1500, 0, "224.0.0.1 is no address of a host"},
        {"127.0.0.1", NULL, 8, 1500, 0, "127.0.0.1 is no address of a host"},
        {"::", NULL, 64, 1500, 0, ":: is no address of a host"},
        {"10.9.0.2", NULL, 33, 1500, 0, "address 10.9.0.2: a prefix of 33 bits is impossible"},
        {"2001:db8::2", NULL, 64, 1200, 0,
         "address 2001:db8::2: IPv6 needs an MTU of 1280 bytes, the port has 1200"},
        {"10.9.0.2", NULL, 24, 500, 0, "a port with MTU 500 and VLAN 0 is impossible"},
        {"10.9.0.2", NULL, 24, 1500, 4095, "a port with MTU 1500 and VLAN 4095 is impossible"},
        {"10.9.0.2", "10.9.1.1", 24, 1500, 0, "gateway 10.9.1.1 is in no subnet of our addresses"},
        {"10.9.0.2", "2001:db8::1", 24, 1500, 0,
         "route by 2001:db8::1: prefix and gateway do not fit together"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct net_address address = {.prefix_len = rows[i].len};
        struct net_route route = {.prefix = net_ip4(0), .prefix_len = 96};
        char error[256] = "";
        CU_ASSERT_FATAL(net_ip_parse(&address.ip, rows[i].address));
        if (net_ip_is_v4(&address.ip))
            address.prefix_len = (uint8_t)(address.prefix_len + 96);
        if (rows[i].gateway)
            CU_ASSERT_FATAL(net_ip_parse(&route.gateway, rows[i].gateway));
        const struct net_config config = {
            .port = {.mac = {BED_MAC}, .mtu = rows[i].mtu, .vlan = rows[i].vlan, .socket = -1},
            .addresses = &address,
            .num_addresses = 1,
            .routes = &route,
            .num_routes = rows[i].gateway != NULL,
            .max_neighbours = 8,
        };
        CU_ASSERT_PTR_NULL(net_new(&config, error, sizeof(error)));
        LKS_CHECK(strcmp(error, rows[i].said) == 0, "row %zu: %s", i, error);
    }
}

static struct bed b;
/* Of no subnet of ours. */
static const struct net_ip outside4 = {{{[10] = 0xff, [11] = 0xff, 10, 7, 0, 1}}},
                           outside6 = {{{0x20, 0x01, 0x0d, 0xb8, [5] = 7, [15] = 1}}};

/* [1122 3.2.1.3-1] */
static void sources_are_chosen(void)
{
    struct net_ip from = net_ip4(0), link_local;
    uint16_t mtu = 0;
    bed_start(&b, NULL);
    CU_ASSERT_TRUE(ip_route(b.net, &bed_far4, &from, &mtu));
    CU_ASSERT_TRUE(net_ip_equal(&from, &bed_ip4));
    CU_ASSERT_EQUAL(mtu, 1500);
    from = (struct net_ip){{{0}}};
    CU_ASSERT_TRUE(ip_route(b.net, &bed_far6, &from, &mtu));
    CU_ASSERT_TRUE(net_ip_equal(&from, &bed_ip6));
    /* a link-local peer is spoken to from our link-local address, and only on the link */
    CU_ASSERT_FATAL(net_ip_parse(&link_local, "fe80::9"));
    from = (struct net_ip){{{0}}};
    CU_ASSERT_TRUE(ip_route(b.net, &link_local, &from, &mtu));
    CU_ASSERT_TRUE(net_ip_is_link_local(&from));
    CU_ASSERT_FATAL(net_ip_parse(&link_local, "169.254.3.3"));
    from = net_ip4(0);
    CU_ASSERT_FALSE(ip_route(b.net, &link_local, &from, &mtu));
    bed_end(&b);
}

static void alone(struct net_config *config)
{
    static struct net_address addresses[2];
    static struct net_route routes[2];
    addresses[0] = (struct net_address){bed_ip4, 128};
    addresses[1] = (struct net_address){bed_ip6, 128};
    routes[0] = (struct net_route){net_ip4(0), 96, outside4};
    routes[1] = (struct net_route){.gateway = outside6};
    config->addresses = addresses;
    config->routes = routes;
}

/* Whether both who looks the way up at once and who has kept it find that next hop. */
static bool goes_by(const struct net_ip *to, const struct net_ip *hop)
{
    const uint8_t way = ip_way(b.net, to);
    const struct net_ip *found = route_next_hop(b.net, to, IP_WAY_UNKNOWN);
    return way != IP_WAY_UNKNOWN && found && net_ip_equal(found, hop) &&
           net_ip_equal(route_next_hop(b.net, to, way), hop);
}

/* An address without neighbours, /32 or /128, has its gateway on the link all the same: who it is
 * is learnt, and everybody else is behind it. */
static void gateway_without_a_subnet(void)
{
    bed_start(&b, alone);
    for (unsigned int is_v4 = 0; is_v4 < 2; is_v4++) {
        const struct net_ip *gateway = is_v4 ? &outside4 : &outside6;
        const struct net_ip *peer = is_v4 ? &bed_peer4 : &bed_peer6;
        CU_ASSERT_TRUE(goes_by(peer, gateway));
        CU_ASSERT_TRUE(goes_by(gateway, gateway));
        CU_ASSERT_TRUE(route_is_on_link(b.net, gateway));
        CU_ASSERT_FALSE(route_is_on_link(b.net, is_v4 ? &bed_peer4 : &bed_peer6));
    }
    bed_end(&b);
}

/* RFC 9293 3.9.1.1: no connection to who is not one host. [9293 3.9.1.1-5] */
static void no_way_to_groups(void)
{
    static const char *const rows[] = {"10.9.0.255", "255.255.255.255", "224.0.0.1", "0.0.0.0",
                                       "127.0.0.1",  "ff02::1",         "::",        "::1"};
    bed_start(&b, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct net_ip to, from = {{{0}}};
        uint16_t mtu;
        CU_ASSERT_FATAL(net_ip_parse(&to, rows[i]));
        if (net_ip_is_v4(&to))
            from = net_ip4(0);
        LKS_CHECK(!ip_route(b.net, &to, &from, &mtu), "%s", rows[i]);
    }
    bed_end(&b);
}

/* [1122 3.3.3-1] [1191 3-2] [8201 5.2-1] */
static void path_mtus(void)
{
    struct net_ip from = net_ip4(0);
    uint16_t mtu = 0;
    bed_start(&b, NULL);
    ip_learn_mtu(b.net, &bed_far4, 1400);
    CU_ASSERT(ip_route(b.net, &bed_far4, &from, &mtu) && mtu == 1400);
    CU_ASSERT(ip_route(b.net, &bed_peer4, &from, &mtu) && mtu == 1500);
    ip_learn_mtu(b.net, &bed_far4, 68); /* a lie, or nothing that we carry: the floor */
    CU_ASSERT(ip_route(b.net, &bed_far4, &from, &mtu) && mtu == 552);
    ip_learn_mtu(b.net, &bed_far4, 9000); /* never above the link's, nor upwards */
    CU_ASSERT(ip_route(b.net, &bed_far4, &from, &mtu) && mtu == 552);
    ip_learn_mtu(b.net, &bed_far6, 600);
    CU_ASSERT(ip_route(b.net, &bed_far6, &(struct net_ip){{{0}}}, &mtu) && mtu == 1280);
    b.now_us += 601000000;
    net_timers(b.net, b.now_us);
    CU_ASSERT(ip_route(b.net, &bed_far4, &from, &mtu) && mtu == 1500); /* RFC 1191 6.3 */
    bed_end(&b);
}

const struct lks_test addr_tests[] = {
    {"parses_and_prints", parses_and_prints},
    {"prefixes", prefixes},
    {"kinds", kinds},
    {"bad_configurations", bad_configurations},
    {"sources_are_chosen", sources_are_chosen},
    {"gateway_without_a_subnet", gateway_without_a_subnet},
    {"no_way_to_groups", no_way_to_groups},
    {"path_mtus", path_mtus},
    {NULL, NULL},
};
