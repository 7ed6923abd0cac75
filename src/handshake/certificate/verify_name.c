/* SPDX-License-Identifier: BSD-3-Clause */

/* The name that a server's certificate must be for. */

#include <openssl/x509v3.h>
#include <string.h>

#include "handshake/certificate/host.h"
#include "handshake/certificate/verify.h"

/* RFC 9525: subjectAltName only, wildcards for a whole label only. */
bool lks_verify_set_name(X509_VERIFY_PARAM *param, const char *name)
{
    uint8_t address[16];
    char text[LKS_ADDRESS_TEXT_MAX];
    const uint8_t len = lks_host_address(address, text, name);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return len ? X509_VERIFY_PARAM_set1_ip(param, address, len)
               : X509_VERIFY_PARAM_set1_host(param, name, 0);
}

/* What was asked for: a host, or (len) an address. */
struct asked {
    const char *host;
    uint8_t address[16], len;
};

static int type_of(const struct asked *a)
{
    return a->len ? GEN_IPADD : GEN_DNS;
}

/* RFC 5280 section 4.2.1.10: the name, or one with more labels in front; everything is within the
 * empty name, and a dot in front wants at least one label more. What no host can be called
 * contains none. */
static bool is_within_dns(const char *host, const ASN1_STRING *base)
{
    char root[LKS_HOST_MAX + 1];
    if (!lks_host_fold(
            root, lks_reader_of(ASN1_STRING_get0_data(base), (size_t)ASN1_STRING_length(base))))
        return false;
    const size_t len = strlen(host), root_len = strlen(root);
    if (!root_len)
        return true;
    if (root_len > len || strcmp(host + len - root_len, root) != 0)
        return false;
    return root_len == len || root[0] == '.' || host[len - root_len - 1] == '.';
}

/* An address and a mask. */
static bool is_within_network(const struct asked *a, const ASN1_STRING *base)
{
    const uint8_t *network = ASN1_STRING_get0_data(base);
    if (ASN1_STRING_length(base) != 2 * a->len)
        return false;
    for (uint8_t i = 0; i < a->len; i++)
        if ((a->address[i] ^ network[i]) & network[a->len + i])
            return false;
    return true;
}

static bool is_within(const struct asked *a, const GENERAL_NAME *base)
{
    return a->len ? is_within_network(a, base->d.iPAddress)
                  : is_within_dns(a->host, base->d.dNSName);
}

/* Whether some subtree is of the name's type, and whether the name is within one. */
static void look(const struct asked *a, STACK_OF(GENERAL_SUBTREE) * trees, bool *some, bool *within)
{
    *some = *within = false;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
        const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(trees, i)->base;
        if (base->type != type_of(a))
            continue;
        *some = true;
        *within |= is_within(a, base);
    }
}

static bool allows(X509 *ca, const struct asked *a)
{
    bool permits, permitted, excludes, excluded;
    int critical;
    NAME_CONSTRAINTS *c = X509_get_ext_d2i(ca, NID_name_constraints, &critical, NULL);
    if (!c)
        return critical == -1; /* there is none */
    look(a, c->permittedSubtrees, &permits, &permitted);
    look(a, c->excludedSubtrees, &excludes, &excluded);
    NAME_CONSTRAINTS_free(c);
    return (permitted || !permits) && !excluded;
}

/* libcrypto has compared the leaf's names with the constraints. A wildcard among them is within
 * none that excludes one of the hosts that it stands for. */
bool lks_verify_constraints(STACK_OF(X509) * chain, const char *name)
{
    char text[LKS_ADDRESS_TEXT_MAX];
    struct asked a = {.host = name};
    a.len = lks_host_address(a.address, text, name);
    for (int i = 1; i < sk_X509_num(chain); i++)
        if (!allows(sk_X509_value(chain, i), &a))
            return false;
    return true;
}
