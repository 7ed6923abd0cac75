/* SPDX-License-Identifier: BSD-3-Clause */

/* What is wrong with our own certificates, though they can be used: it may become so with time. */

#include <stdio.h>

#include "handshake/errors.h"

#include "handshake/config.h"

/* Counts down to the warning that is asked for. */
struct search {
    uint32_t left;
    bool found;
    struct lks_error *out;
};

static void found(struct search *s, const char *file, int number, const char *what)
{
    if (s->found || s->left--)
        return;
    s->found = true;
    if (number)
        snprintf(s->out->text, sizeof(s->out->text), "%s: certificate %d %s", file, number, what);
    else
        snprintf(s->out->text, sizeof(s->out->text), "%s: %s", file, what);
}

static void look_at(struct search *s, const struct lks_certificate *c, uint64_t now_ms)
{
    for (int i = 0; i < sk_X509_num(c->chain); i++) {
        const X509 *x = sk_X509_value(c->chain, i);
        if (lks_asn1_time_ms(X509_get0_notAfter(x)) < now_ms)
            found(s, c->file, i + 1, "has ended (notAfter), and peers refuse it; get a newer one");
        if (lks_asn1_time_ms(X509_get0_notBefore(x)) > now_ms)
            found(s, c->file, i + 1, "is not valid yet (notBefore); is the clock right?");
    }
    if (!c->names[0] && !c->has_address)
        found(s, c->file, 0,
              "names no host (subjectAltName): as a server's, clients refuse it; have one made "
              "with the names that they ask for");
    if (c->ocsp && !lks_certificate_staples(c, now_ms))
        found(s, c->file, 0,
              "its OCSP response has ended (nextUpdate) and is not sent any more; get a newer one");
}

bool lks_config_warning(const struct lks_config *config, uint32_t n, struct lks_error *warning)
{
    LKS_OWN_ERRORS;
    struct search s = {.left = n, .out = warning};
    warning->text[0] = '\0';
    for (const struct lks_certificate *c = config->certificates; c; c = c->next)
        look_at(&s, c, lks_config_now_ms(config));
    return s.found;
}
