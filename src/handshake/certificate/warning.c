/* SPDX-License-Identifier: BSD-3-Clause */

/* What is wrong with our own certificates, though they can be used: it may become so with time. */

#include "base/complain.h"
#include "handshake/config.h"
#include "handshake/errors.h"

/* Counts down to the warning that is asked for. */
struct search {
    uint32_t left;
    bool found;
    struct lks_error *out;
};

static void found(struct search *s, const char *source, int number, const char *what)
{
    if (s->found || s->left--)
        return;
    s->found = true;
    if (number)
        lks_complain(s->out, "%s: certificate %d %s", source, number, what);
    else
        lks_complain(s->out, "%s: %s", source, what);
}

static void look_at(struct search *s, const struct lks_certificate *c, uint64_t now_ms)
{
    for (int i = 0; i < sk_X509_num(c->chain); i++) {
        const X509 *x = sk_X509_value(c->chain, i);
        if (lks_asn1_time_ms(X509_get0_notAfter(x)) < now_ms)
            found(s, c->source, i + 1,
                  "has ended (notAfter), and peers refuse it; get a newer one");
        if (lks_asn1_time_ms(X509_get0_notBefore(x)) > now_ms)
            found(s, c->source, i + 1, "is not valid yet (notBefore); is the clock right?");
    }
    if (!c->names[0] && !c->has_address)
        found(s, c->source, 0,
              "names no host (subjectAltName): as a server's, clients refuse it; have one made "
              "with the names that they ask for");
    if (c->ocsp && !lks_certificate_staples(c, now_ms))
        found(s, c->source, 0,
              "its OCSP response has ended (nextUpdate) and is not sent any more; get a newer one");
}

bool lks_identities_warning(const struct lks_identities *identities, uint32_t n,
                            struct lks_error *warning)
{
    LKS_OWN_ERRORS;
    struct search s = {.left = n, .out = warning};
    lks_complain_not(warning);
    for (const struct lks_certificate *c = identities->certificates; c; c = c->next)
        look_at(&s, c, lks_identities_now_ms(identities));
    return s.found;
}
