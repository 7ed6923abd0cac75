/* SPDX-License-Identifier: BSD-3-Clause */
#include "schema.h"

#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define DAY         86400u
#define WEEK        604800u
#define LIST_MAX    16u
#define MANY        100000u

/* clang-format off: a row reads as one */
static const char *const idle_ways[] = {"spin", "yield", "sleep", NULL};
static const char *const client_auth_modes[] = {"off", "optional", "required", NULL};
static const char *const client_session_ways[] = {"chain", "digest", "off", NULL};
static const char *const padding_ways[] = {"none", "multiple", "at-least", NULL};
static const char *const proxy_ways[] = {"off", "v2", NULL};
static const char *const balance_ways[] = {"round-robin", "least-connections", "source", NULL};

#define AT(member) offsetof(struct BLOCK, member)

#define BLOCK conf_device
static const struct conf_key device_keys[] = {
    {"port", KIND_NUMBER, AT(port), .high = 65535, .fallback = "0", .is_at_start = true,
     .help = "The DPDK port, by its number."},
    {"mtu", KIND_NUMBER, AT(mtu), .low = CONF_MTU_MIN, .high = CONF_MTU_MAX,
     .without = "what the interface has", .is_at_start = true, .example = "1500",
     .help = "Bytes of an IP packet."},
    {"vlan", KIND_NUMBER, AT(vlan), .low = 1, .high = 4094, .without = "frames are untagged",
     .is_at_start = true, .example = "7",
     .help = "802.1Q tag of all frames; others are not heard."},
    {"workers", KIND_NUMBER, AT(workers), .low = 1, .high = CONF_WORKERS_MAX, .zero = "auto",
     .fallback = "1", .is_at_start = true,
     .help =
         "Poll loops, each with a queue pair of the port: one on EAL's main lcore, or several "
         "on the others, an lcore each; auto: as many as there are lcores and queue pairs for."},
    {"buffers", KIND_NUMBER, AT(buffers), .low = 1024, .high = 1u << 24, .fallback = "32768",
     .is_at_start = true,
     .help = "Packet buffers for receiving, and as many for sending, of each worker."},
    {"idle", KIND_CHOICE, AT(idle), .choices = idle_ways, .fallback = "yield", .is_at_start = true,
     .help = "What a poll loop without work does."},
    {"idle-sleep", KIND_MICROSECONDS, AT(idle_us), .low = 1, .high = 1000000, .fallback = "100us",
     .is_at_start = true, .help = "How long it sleeps, where idle says so."},
};
#undef BLOCK

#define BLOCK conf_limits
static const struct conf_key limits_keys[] = {
    {"connections", KIND_NUMBER, AT(connections), .low = 1, .high = 9000, .fallback = "8000",
     .is_at_start = true, .help = "Clients at once, of each worker."},
};
#undef BLOCK

#define BLOCK conf_timeouts
static const struct conf_key timeouts_keys[] = {
    {"handshake", KIND_SECONDS, AT(handshake_s), .low = 1, .high = 3600, .fallback = "10s",
     .help = "For a client that does not finish its handshake."},
    {"idle", KIND_SECONDS, AT(idle_s), .low = 1, .high = DAY, .fallback = "300s",
     .help = "For an established connection on which nothing moves."},
    {"drain-delay", KIND_SECONDS, AT(drain_delay_s), .high = 3600, .fallback = "0s",
     .help = "Behind SIGTERM or SIGQUIT: how long new connections are still taken, until who "
             "spreads them looks elsewhere."},
    {"drain", KIND_SECONDS, AT(drain_s), .high = DAY, .fallback = "30s",
     .help = "Behind that: how long connections go on that are there; what is left is ended."},
};
#undef BLOCK

#define BLOCK conf_sessions
static const struct conf_key sessions_keys[] = {
    {"ticket-keys", KIND_FILE, AT(ticket_keys), .without = "random keys, good in this process",
     .is_at_start = true, .example = "tickets.keys",
     .help = "Keys that seal session tickets, shared by machines; the file is read again when it "
             "changes."},
    {"ticket-secret", KIND_FILE, AT(ticket_secret), .without = "none", .is_at_start = true,
     .example = "tickets.secret",
     .help = "32 to 64 random bytes of which the keys are derived, by the time; for machines that "
             "share it."},
    {"ticket-period", KIND_SECONDS, AT(ticket_period_s), .low = 60, .high = WEEK, .fallback = "2h",
     .is_at_start = true, .help = "How often random or derived keys change."},
    {"cache", KIND_NUMBER, AT(cache), .high = 1u << 24, .fallback = "1024", .is_at_start = true,
     .help = "Sessions that are remembered by ID, for clients of TLS 1.2 that know no tickets."},
    {"replay-window", KIND_MILLISECONDS, AT(replay_window_ms), .low = 1000, .high = 60000,
     .fallback = "10s", .is_at_start = true,
     .help = "How far the clocks of a client that sends early data and of lockstepd may differ."},
    {"replay-hellos", KIND_NUMBER, AT(replay_hellos), .low = 64, .high = 1u << 24,
     .fallback = "65536", .is_at_start = true,
     .help = "Hellos with early data that are remembered, against replay."},
    {"cookie-key", KIND_FILE, AT(cookie_key), .without = "a random key", .is_at_start = true,
     .example = "cookie.key",
     .help =
         "32 random bytes: machines that share them take each other's HelloRetryRequest cookies."},
};
#undef BLOCK

#define BLOCK conf_certificate
static const struct conf_key certificate_keys[] = {
    {"chain", KIND_FILE, AT(chain), .is_required = true, .example = "www.pem",
     .help = "The certificate and its intermediates, PEM, the leaf first."},
    {"key", KIND_FILE, AT(key), .without = "it is in the chain's file", .example = "www.key",
     .help = "Its private key, PEM."},
    {"ocsp-response", KIND_FILE, AT(ocsp_response), .without = "none is stapled",
     .example = "www.ocsp",
     .help = "An OCSP response in DER, stapled until it ends; a reload reads a newer one."},
    {"sct", KIND_FILE, AT(sct), .without = "none", .example = "www.sct",
     .help = "A SignedCertificateTimestampList, passed on to clients that ask."},
};
#undef BLOCK

#define BLOCK conf_client_auth
static const struct conf_key client_auth_keys[] = {
    {"mode", KIND_CHOICE, AT(mode), .choices = client_auth_modes, .fallback = "off",
     .help = "Whether clients are asked for a certificate, and whether they need one."},
    {"trust", KIND_FILE, AT(trust), .without = "nobody is trusted", .example = "clients-ca.pem",
     .help = "Whom clients' certificates come from: a PEM file, or a folder of them."},
    {"crls", KIND_FILES, AT(crls), .low = 1, .high = 1000, .without = "nothing is revoked",
     .example = "clients.crl",
     .help =
         "CRLs: with one, each certificate of a chain needs a CRL of its CA that has not ended."},
    {"crl-missing", KIND_YES_NO, AT(crl_missing), .fallback = "no",
     .help = "Take a chain that a CRL is missing for."},
    {"crl-expired", KIND_YES_NO, AT(crl_expired), .fallback = "no",
     .help = "Take one whose CRL has ended (which is still asked)."},
    {"send-authorities", KIND_YES_NO, AT(send_authorities), .fallback = "no",
     .help = "Tell clients the names of the trusted CAs, so that they can choose."},
    {"sessions", KIND_CHOICE, AT(sessions), .choices = client_session_ways, .fallback = "chain",
     .help = "What sessions keep of a client's chain."},
    {"compression", KIND_TEXTS, AT(compression), .low = 1, .high = LIST_MAX, .without = "none",
     .example = "all",
     .help = "How clients may compress their certificates: brotli, zstd, zlib, or all of them."},
};
#undef BLOCK

#define BLOCK conf_tickets
static const struct conf_key tickets_keys[] = {
    {"number", KIND_NUMBER, AT(number), .high = 4, .fallback = "2",
     .help = "Tickets a handshake under TLS 1.3; 0: none."},
    {"lifetime", KIND_SECONDS, AT(lifetime_s), .low = 1, .high = WEEK, .fallback = "2h",
     .help = "How long they are good."},
};
#undef BLOCK

static const struct conf_schema device_schema = {
    "device", sizeof(struct conf_device), device_keys, COUNT(device_keys), 0, NULL};
static const struct conf_schema limits_schema = {
    "limits", sizeof(struct conf_limits), limits_keys, COUNT(limits_keys), 0, NULL};
static const struct conf_schema timeouts_schema = {
    "timeouts", sizeof(struct conf_timeouts), timeouts_keys, COUNT(timeouts_keys), 0, NULL};
static const struct conf_schema sessions_schema = {
    "sessions", sizeof(struct conf_sessions), sessions_keys, COUNT(sessions_keys), 0, NULL};
static const struct conf_schema certificate_schema = {
    "certificate", sizeof(struct conf_certificate), certificate_keys, COUNT(certificate_keys), 0,
    "chain"};
static const struct conf_schema client_auth_schema = {
    "client-auth", sizeof(struct conf_client_auth), client_auth_keys, COUNT(client_auth_keys), 0,
    "mode"};
static const struct conf_schema tickets_schema = {
    "tickets", sizeof(struct conf_tickets), tickets_keys, COUNT(tickets_keys), 0, NULL};

#define BLOCK conf_site
static const struct conf_key site_keys[] = {
    {"names", KIND_TEXTS, AT(names), .low = 1, .high = 1000,
     .without = "of the first site alone: whatever clients ask for",
     .example = "[www.example.com, \"*.example.net\"]",
     .help = "The hosts that clients ask for (SNI), \"*.\" for one label."},
    {"certificates", KIND_BLOCKS, AT(certificates), .low = 1, .high = LIST_MAX,
     .schema = &certificate_schema, .is_required = true,
     .help = "Certificates and their keys; of those that have the name the one that the client can "
             "use."},
    {"pool", KIND_TEXT, AT(pool_name), .is_required = true, .example = "www",
     .help = "The pool that gets the plaintext."},
    {"certificate-compression", KIND_TEXTS, AT(compression), .low = 1, .high = LIST_MAX,
     .without = "none", .example = "all",
     .help = "How certificates are sent compressed to clients that take it: brotli, zstd, zlib, or "
             "all of them."},
    {"preset", KIND_TEXT, AT(preset), .without = "intermediate", .example = "modern",
     .help = "Versions and suites as Mozilla names them: modern (TLS 1.3 alone), intermediate, or "
             "old (RSA key exchange and CBC, too)."},
    {"min-version", KIND_TEXT, AT(min_version), .without = "1.2", .example = "\"1.3\"",
     .help = "The oldest TLS, 1.2 or 1.3."},
    {"max-version", KIND_TEXT, AT(max_version), .without = "1.3", .example = "\"1.3\"",
     .help = "The newest TLS."},
    {"suites", KIND_TEXTS, AT(suites), .low = 1, .high = 64, .without = "as the preset has them",
     .example = "[TLS_AES_128_GCM_SHA256]", .help = "Cipher suites in order of preference."},
    {"groups", KIND_TEXTS, AT(groups), .low = 1, .high = 64, .without = "all",
     .example = "[x25519, secp256r1]", .help = "Key exchange groups in order of preference."},
    {"signature-schemes", KIND_TEXTS, AT(schemes), .low = 1, .high = 64,
     .without = "all but SHA-1's", .example = "[ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256]",
     .help = "What handshakes are signed with, in order of preference."},
    {"alpn", KIND_TEXTS, AT(alpn), .low = 1, .high = 64,
     .without = "the extension is not looked at", .example = "[h2, http/1.1]",
     .help = "Application protocols in order of preference; clients that offer others alone are "
             "refused."},
    {"strict-sni", KIND_YES_NO, AT(strict_sni), .fallback = "no",
     .help = "Refuse clients that name no host of the certificates, or none at all."},
    {"client-auth", KIND_BLOCK, AT(client_auth), .schema = &client_auth_schema,
     .help = "Clients' certificates."},
    {"tickets", KIND_BLOCK, AT(tickets), .schema = &tickets_schema, .help = "Session tickets."},
    {"psk-modes", KIND_TEXTS, AT(psk_modes), .low = 1, .high = 2, .without = "psk_dhe_ke",
     .example = "[psk_dhe_ke]",
     .help = "How sessions are resumed: psk_dhe_ke (forward secret), psk_ke (not)."},
    {"early-data", KIND_SIZE, AT(early_data), .high = 1u << 30, .fallback = "0",
     .help =
         "Bytes of 0-RTT data a connection, which wait until the handshake is done; 0: refused."},
    {"grease", KIND_YES_NO, AT(grease), .fallback = "no",
     .help = "Send values that mean nothing where clients have to ignore them."},
    {"record-size-limit", KIND_SIZE, AT(record_size_limit), .low = 64, .high = 16385,
     .fallback = "16385", .help = "The longest record that clients may send, its type included."},
    {"padding", KIND_CHOICE, AT(padding), .choices = padding_ways, .fallback = "none",
     .help = "Hides the lengths of records under TLS 1.3: up to a multiple of padding-size, or to "
             "that at least."},
    {"padding-size", KIND_SIZE, AT(padding_size), .low = 1, .high = 16384, .fallback = "512",
     .help = "See padding."},
};
#undef BLOCK
#define COMMON_KEYS 2u /* from here on: what sites may have in common */

static const struct conf_schema site_schema = {
    "site", sizeof(struct conf_site), site_keys, COUNT(site_keys), 0, NULL};
static const struct conf_schema defaults_schema = {
    "defaults", sizeof(struct conf_site), site_keys, COUNT(site_keys), COMMON_KEYS, NULL};

#define BLOCK conf_frontend
static const struct conf_key frontend_keys[] = {
    {"listen", KIND_LISTEN, AT(listen), .low = 1, .high = 64, .is_required = true,
     .is_at_start = true, .example = "10.9.0.2:443",
     .help = "Where clients connect: 10.9.0.2:443, 10.9.0.2/24:443, \"[2001:db8::2]:443\", or "
             "\":443\", every address in addresses."},
    {"sites", KIND_BLOCKS, AT(sites), .low = 1, .high = MANY, .schema = &site_schema,
     .is_required = true,
     .help = "Who is served there; the first one serves clients that name no site's host."},
};
#undef BLOCK

#define BLOCK conf_server
static const struct conf_key server_keys[] = {
    {"address", KIND_SERVER, AT(addr), .is_required = true, .example = "10.9.0.1:8080",
     .help = "Address and port."},
    {"weight", KIND_NUMBER, AT(weight), .low = 1, .high = 256, .fallback = "1",
     .help = "Its share of the connections."},
};
#undef BLOCK

static const struct conf_schema frontend_schema = {
    "frontend", sizeof(struct conf_frontend), frontend_keys, COUNT(frontend_keys), 0, NULL};
static const struct conf_schema server_schema = {
    "server", sizeof(struct conf_server), server_keys, COUNT(server_keys), 0, "address"};

#define BLOCK conf_pool
static const struct conf_key pool_keys[] = {
    {"name", KIND_TEXT, AT(name), .is_required = true, .example = "www",
     .help = "What sites call it."},
    {"servers", KIND_BLOCKS, AT(servers), .low = 1, .high = 64, .schema = &server_schema,
     .is_required = true, .help = "Who gets the plaintext, by TCP."},
    {"balance", KIND_CHOICE, AT(balance), .choices = balance_ways, .fallback = "round-robin",
     .help = "Which server gets a connection: in turn, the one that has fewest, or the same for "
             "the same client address."},
    {"retries", KIND_NUMBER, AT(retries), .high = 16, .fallback = "1",
     .help = "How many more servers are tried where one does not answer or refuses."},
    {"proxy-protocol", KIND_CHOICE, AT(proxy_protocol), .choices = proxy_ways, .fallback = "off",
     .help = "Tells servers the client's address and lockstepd's by a PROXY header, which they "
             "have to expect."},
};
#undef BLOCK

static const struct conf_schema pool_schema = {
    "pool", sizeof(struct conf_pool), pool_keys, COUNT(pool_keys), 0, NULL};

#define BLOCK conf
static const struct conf_key keys[] = {
    {"eal", KIND_TEXTS, AT(eal), .high = 64, .without = "none", .is_at_start = true,
     .example = "[--no-pci, \"--vdev=net_af_packet0,iface=lks1\"]",
     .help = "Words for DPDK's EAL, behind those of the command line."},
    {"device", KIND_BLOCK, AT(device), .schema = &device_schema,
     .help = "The port, and what polls it."},
    {"addresses", KIND_ADDRESSES, AT(addresses), .low = 1, .high = 64,
     .without = "those that frontends listen on", .is_at_start = true,
     .example = "[10.9.0.2/24, \"2001:db8::2/64\"]",
     .help = "lockstepd's own, with the prefix of their network."},
    {"gateways", KIND_GATEWAYS, AT(gateways), .low = 1, .high = 2,
     .without = "nobody but our networks is reached", .is_at_start = true, .example = "10.9.0.1",
     .help = "Routers for what is not on the port's own networks, one a family."},
    {"limits", KIND_BLOCK, AT(limits), .schema = &limits_schema, .help = "How much at once."},
    {"timeouts", KIND_BLOCK, AT(timeouts), .schema = &timeouts_schema, .help = "How long."},
    {"sessions", KIND_BLOCK, AT(sessions), .schema = &sessions_schema,
     .help = "What is remembered from one connection to the next."},
    {"key-log", KIND_FILE, AT(key_log), .without = "none", .is_at_start = true,
     .example = "keys.log",
     .help = "Appends the secrets of every connection, for debugging only; lines that a slow file "
             "has no room for are lost and counted."},
    {"defaults", KIND_BLOCK, AT(defaults), .schema = &defaults_schema,
     .help = "What all sites have in common that do not say otherwise."},
    {"pools", KIND_BLOCKS, AT(pools), .low = 1, .high = MANY, .schema = &pool_schema,
     .is_required = true, .help = "Groups of servers."},
    {"frontends", KIND_BLOCKS, AT(frontends), .low = 1, .high = 64, .schema = &frontend_schema,
     .is_required = true, .help = "Where lockstepd listens, and for whom."},
};
#undef BLOCK
/* clang-format on */

const struct conf_schema conf_schema = {
    "configuration", sizeof(struct conf), keys, COUNT(keys), 0, NULL};

const struct conf_schema *const conf_schemas[] = {&conf_schema,        &device_schema,
                                                  &limits_schema,      &timeouts_schema,
                                                  &sessions_schema,    &defaults_schema,
                                                  &frontend_schema,    &site_schema,
                                                  &pool_schema,        &certificate_schema,
                                                  &client_auth_schema, &tickets_schema,
                                                  &server_schema,      NULL};

const struct conf_key *conf_find_key(const struct conf_schema *schema, const char *name)
{
    for (uint32_t i = schema->first; i < schema->num_keys; i++)
        if (strcmp(schema->keys[i].name, name) == 0)
            return &schema->keys[i];
    return NULL;
}
