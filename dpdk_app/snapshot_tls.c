/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot_tls.h"

#include <stdio.h>
#include <string.h>

#include <lockstep/engine.h>

/* What is being made, and where what is wrong with it was said. */
struct making {
    const struct conf_site *site;
    struct lks_policy *policy;
    struct lks_identities *identities;
    struct arena *arena;
    struct complaints *c;
    struct lks_error err;
};

/* A list as the library takes it, with commas; NULL: no memory. */
static const char *join(struct making *m, const struct conf_words *words)
{
    size_t len = 1;
    for (uint32_t i = 0; i < words->num; i++)
        len += strlen(words->all[i].text) + 1;
    char *text = arena_alloc(m->arena, len), *to = text;
    for (uint32_t i = 0; text && i < words->num; i++) {
        const size_t word_len = strlen(words->all[i].text);
        if (i)
            *to++ = ',';
        memcpy(to, words->all[i].text, word_len);
        to += word_len;
    }
    return text;
}

static enum lks_status set_list(struct making *m, const struct conf_words *words,
                                enum lks_status (*set)(struct lks_policy *, const char *,
                                                       struct lks_error *))
{
    if (!words->num)
        return LKS_OK;
    const char *text = join(m, words);
    return text ? set(m->policy, text, &m->err) : LKS_NO_MEMORY;
}

/* ---- policy, a function a key ---- */

static enum lks_status set_preset(struct making *m)
{
    return m->site->preset ? lks_policy_set_preset(m->policy, m->site->preset, &m->err) : LKS_OK;
}

/* 0: no version. */
static uint16_t version_of(const char *text)
{
    return strcmp(text, "1.2") == 0 ? LKS_TLS_1_2 : strcmp(text, "1.3") == 0 ? LKS_TLS_1_3 : 0;
}

static enum lks_status set_versions(struct making *m)
{
    const struct conf_site *s = m->site;
    if (!s->min_version && !s->max_version)
        return LKS_OK;
    const uint16_t min = s->min_version ? version_of(s->min_version) : LKS_TLS_1_2;
    const uint16_t max = s->max_version ? version_of(s->max_version) : LKS_TLS_1_3;
    if (min && max)
        return lks_policy_set_versions(m->policy, min, max, &m->err);
    snprintf(m->err.text, sizeof(m->err.text), "TLS is spoken in the versions 1.2 and 1.3");
    return LKS_BAD_CONFIG;
}

static enum lks_status set_suites(struct making *m)
{
    return set_list(m, &m->site->suites, lks_policy_set_suites);
}

static enum lks_status set_groups(struct making *m)
{
    return set_list(m, &m->site->groups, lks_policy_set_groups);
}

static enum lks_status set_schemes(struct making *m)
{
    return set_list(m, &m->site->schemes, lks_policy_set_signature_schemes);
}

static enum lks_status set_alpn(struct making *m)
{
    return set_list(m, &m->site->alpn, lks_policy_set_alpn);
}

static enum lks_status set_strict_sni(struct making *m)
{
    return lks_policy_set_sni_required(m->policy, m->site->strict_sni, &m->err);
}

static enum lks_status set_psk_modes(struct making *m)
{
    const struct conf_words *modes = &m->site->psk_modes;
    bool dhe = false, plain = false;
    for (uint32_t i = 0; i < modes->num; i++) {
        const bool is_dhe = strcmp(modes->all[i].text, "psk_dhe_ke") == 0;
        const bool is_plain = strcmp(modes->all[i].text, "psk_ke") == 0;
        dhe |= is_dhe;
        plain |= is_plain;
        if (is_dhe || is_plain)
            continue;
        snprintf(m->err.text, sizeof(m->err.text), "\"%.100s\": say psk_dhe_ke, psk_ke or both",
                 modes->all[i].text);
        return LKS_BAD_CONFIG;
    }
    return modes->num ? lks_policy_set_psk_modes(m->policy, dhe, plain, &m->err) : LKS_OK;
}

static enum lks_status set_tickets(struct making *m)
{
    const struct conf_tickets *t = &m->site->tickets;
    return lks_policy_set_tickets(m->policy, t->number, t->lifetime_s, &m->err);
}

static enum lks_status set_early_data(struct making *m)
{
    return lks_policy_set_early_data(m->policy, m->site->early_data, &m->err);
}

static enum lks_status set_grease(struct making *m)
{
    return lks_policy_set_grease(m->policy, m->site->grease, &m->err);
}

static enum lks_status set_record_size_limit(struct making *m)
{
    return lks_policy_set_record_size_limit(m->policy, (uint16_t)m->site->record_size_limit,
                                            &m->err);
}

static enum lks_status set_padding(struct making *m)
{
    return lks_policy_set_padding(m->policy, (enum lks_padding)m->site->padding,
                                  (uint16_t)m->site->padding_size, &m->err);
}

static enum lks_status set_trust(struct making *m)
{
    const char *trust = m->site->client_auth.trust;
    return trust ? lks_policy_set_trust(m->policy, lks_from_file(trust), &m->err) : LKS_OK;
}

static enum lks_status set_crls(struct making *m)
{
    const struct conf_words *crls = &m->site->client_auth.crls;
    enum lks_status status = LKS_OK;
    for (uint32_t i = 0; !status && i < crls->num; i++)
        status = lks_policy_add_crls(m->policy, lks_from_file(crls->all[i].text), &m->err);
    return status;
}

static enum lks_status set_crl_lack(struct making *m)
{
    const struct conf_client_auth *a = &m->site->client_auth;
    return lks_policy_allow_crl_lack(m->policy, a->crl_missing, a->crl_expired, &m->err);
}

static enum lks_status set_client_auth(struct making *m)
{
    const struct conf_client_auth *a = &m->site->client_auth;
    if (a->mode != LKS_CLIENT_AUTH_OFF && !a->trust) {
        snprintf(m->err.text, sizeof(m->err.text),
                 "clients are asked for certificates, but nobody is trusted; name their CA in "
                 "\"trust\"");
        return LKS_BAD_CONFIG;
    }
    return lks_policy_set_client_auth(m->policy, (enum lks_client_auth)a->mode, a->send_authorities,
                                      &m->err);
}

static enum lks_status set_client_sessions(struct making *m)
{
    return lks_policy_set_client_sessions(
        m->policy, (enum lks_client_sessions)m->site->client_auth.sessions, &m->err);
}

static enum lks_status set_client_compression(struct making *m)
{
    return set_list(m, &m->site->client_auth.compression, lks_policy_set_certificate_compression);
}

/* In this order: a preset is what the calls behind it change. */
static const struct step {
    bool is_client_auth; /* whose block the key is of */
    size_t member;
    enum lks_status (*set)(struct making *);
} steps[] = {
    {false, offsetof(struct conf_site, preset), set_preset},
    {false, offsetof(struct conf_site, min_version), set_versions},
    {false, offsetof(struct conf_site, suites), set_suites},
    {false, offsetof(struct conf_site, groups), set_groups},
    {false, offsetof(struct conf_site, schemes), set_schemes},
    {false, offsetof(struct conf_site, alpn), set_alpn},
    {false, offsetof(struct conf_site, strict_sni), set_strict_sni},
    {false, offsetof(struct conf_site, psk_modes), set_psk_modes},
    {false, offsetof(struct conf_site, tickets), set_tickets},
    {false, offsetof(struct conf_site, early_data), set_early_data},
    {false, offsetof(struct conf_site, grease), set_grease},
    {false, offsetof(struct conf_site, record_size_limit), set_record_size_limit},
    {false, offsetof(struct conf_site, padding), set_padding},
    {true, offsetof(struct conf_client_auth, trust), set_trust},
    {true, offsetof(struct conf_client_auth, crls), set_crls},
    {true, offsetof(struct conf_client_auth, crl_missing), set_crl_lack},
    {true, offsetof(struct conf_client_auth, mode), set_client_auth},
    {true, offsetof(struct conf_client_auth, sessions), set_client_sessions},
    {true, offsetof(struct conf_client_auth, compression), set_client_compression},
};

static void complain_of(struct making *m, const struct conf_head *head, size_t member,
                        enum lks_status status)
{
    if (status == LKS_NO_MEMORY)
        complain_of_memory(m->c);
    else if (status)
        complain(m->c, conf_place(head, member), conf_key_name(head, member), NULL, "%s",
                 m->err.text);
}

static void make_policy(struct making *m)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        complain_of(m, steps[i].is_client_auth ? &m->site->client_auth.head : &m->site->head,
                    steps[i].member, steps[i].set(m));
}

/* ---- identities ---- */

static void add_certificate(struct making *m, const struct conf_certificate *from)
{
    const struct conf_head *head = &from->head;
    const char *key = from->key ? from->key : from->chain;
    enum lks_status status = lks_identities_add_certificate(
        m->identities, lks_from_file(from->chain), lks_from_file(key), &m->err);
    complain_of(m, head, offsetof(struct conf_certificate, chain), status);
    if (!status && from->ocsp_response)
        complain_of(m, head, offsetof(struct conf_certificate, ocsp_response),
                    lks_identities_set_ocsp_response(m->identities,
                                                     lks_from_file(from->ocsp_response), &m->err));
    if (!status && from->sct)
        complain_of(m, head, offsetof(struct conf_certificate, sct),
                    lks_identities_set_sct(m->identities, lks_from_file(from->sct), &m->err));
}

static void make_identities(struct making *m)
{
    const struct conf_site *site = m->site;
    const uint32_t before = m->c->num;
    if (site->compression.num) {
        const char *list = join(m, &site->compression);
        complain_of(m, &site->head, offsetof(struct conf_site, compression),
                    list ? lks_identities_set_compression(m->identities, list, &m->err)
                         : LKS_NO_MEMORY);
    }
    for (uint32_t i = 0; i < site->certificates.num; i++)
        add_certificate(m, CONF_ITEM(struct conf_certificate, &site->certificates, i));
    for (uint32_t i = 0; m->c->num == before && i < site->names.num; i++)
        if (!lks_identities_cover(m->identities, site->names.all[i].text))
            complain(m->c, &site->names.all[i].place, "names", site->names.all[i].text,
                     "no certificate of this site has that name, so clients would refuse it; have "
                     "one made with it, or take the name out");
}

/* ---- a site ---- */

static enum lks_status set_callbacks(struct making *m, const struct site_parts *parts)
{
    const struct snapshot_key_log *key_log = parts->needs->key_log;
    enum lks_status status = LKS_OK;
    if (parts->hello)
        status = lks_policy_set_hello(m->policy, parts->hello, parts->hello_user, &m->err);
    if (!status && key_log)
        status = lks_policy_queue_key_log(m->policy, key_log->queue, key_log->user, &m->err);
    return status;
}

static void warn(const struct making *m, FILE *to)
{
    struct lks_error warning;
    for (uint32_t n = 0; to && lks_identities_warning(m->identities, n, &warning); n++)
        fprintf(to, "lockstepd: warning: %s\n", warning.text);
    for (uint32_t n = 0; to && lks_policy_warning(m->policy, n, &warning); n++)
        fprintf(to, "lockstepd: warning: %s\n", warning.text);
}

static struct lks_config *finish(struct making *m, const struct site_parts *parts)
{
    struct lks_config *config = NULL;
    enum lks_status status = set_callbacks(m, parts);
    if (!status)
        status = lks_config_new(&config, m->policy, m->identities, parts->needs->memory, &m->err);
    if (!status)
        status = lks_config_check(config, LKS_SERVER, &m->err);
    if (status == LKS_NO_MEMORY)
        complain_of_memory(m->c);
    else if (status)
        complain(m->c, &m->site->head.place, NULL, NULL, "%s", m->err.text);
    if (!status) {
        warn(m, parts->needs->warnings);
        return config;
    }
    lks_config_free(config);
    return NULL;
}

struct lks_config *site_make(const struct site_parts *parts, struct lks_identities **identities,
                             struct arena *arena, struct complaints *c)
{
    struct making m = {.site = parts->conf, .arena = arena, .c = c};
    struct lks_config *config = NULL;
    const uint32_t before = c->num;
    if (lks_policy_new(&m.policy) || lks_identities_new(&m.identities)) {
        complain_of_memory(c);
    } else {
        make_policy(&m);
        make_identities(&m);
        if (c->num == before)
            config = finish(&m, parts);
    }
    lks_policy_free(m.policy);
    if (identities)
        *identities = m.identities;
    else
        lks_identities_free(m.identities);
    return config;
}
