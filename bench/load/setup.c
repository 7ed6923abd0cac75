/* SPDX-License-Identifier: BSD-3-Clause */
#include "setup.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <lockstep/callbacks.h>
#include <lockstep/engine.h>

#define HTTPS 443u

/* ---- TLS ---- */

/* --insecure: whoever has the certificate's key is welcome. */
static void believe(void *user, struct lks_conn *conn, struct lks_ask *ask)
{
    enum lks_event event;
    (void)user;
    (void)conn;
    (void)!lks_answer_peer(ask, UINT64_MAX, &event);
    lks_ask_free(ask);
}

static enum lks_status set_trust(struct lks_policy *policy, const struct options *o,
                                 struct lks_error *err)
{
    if (o->is_insecure)
        return lks_policy_set_verifier(policy, LKS_VERIFY_INSTEAD, believe, NULL, err);
    return lks_policy_set_trust(policy, lks_from_file(o->ca), err);
}

static enum lks_status set_version(struct lks_policy *policy, const struct options *o,
                                   struct lks_error *err)
{
    if (!o->tls)
        return LKS_OK;
    const uint16_t version = strcmp(o->tls, "1.2") == 0 ? LKS_TLS_1_2 : LKS_TLS_1_3;
    return lks_policy_set_versions(policy, version, version, err);
}

static enum lks_status set_tickets(struct lks_policy *policy, const struct options *o,
                                   struct lks_error *err)
{
    return lks_policy_set_tickets(policy, o->resume_percent ? 1 : 0, 7200, err);
}

/* *option: which one, where it fails. */
static enum lks_status make_policy(struct lks_policy *policy, const struct options *o,
                                   const char **option, struct lks_error *err)
{
    const struct {
        const char *option, *value;
        enum lks_status (*set)(struct lks_policy *, const char *, struct lks_error *);
    } rows[] = {{"--suites", o->suites, lks_policy_set_suites},
                {"--groups", o->groups, lks_policy_set_groups},
                {"--alpn", o->alpn, lks_policy_set_alpn},
                {"--key-log", o->key_log, lks_policy_set_key_log}};
    *option = o->ca ? "--ca" : "the system's CAs (--ca FILE names others)";
    enum lks_status status = set_trust(policy, o, err);
    for (size_t i = 0; !status && i < sizeof(rows) / sizeof(rows[0]); i++) {
        *option = rows[i].option;
        status = rows[i].value ? rows[i].set(policy, rows[i].value, err) : LKS_OK;
    }
    if (status)
        return status;
    *option = "--tls";
    status = set_version(policy, o, err);
    return status ? status : set_tickets(policy, o, err);
}

static int make_tls(struct setup *s, const struct options *o, char *error, unsigned int error_len)
{
    struct lks_error cause = {"out of memory"};
    struct lks_policy *policy = NULL;
    struct lks_identities *identities = NULL;
    const char *option = "TLS";
    enum lks_status status = lks_policy_new(&policy);
    if (!status)
        status = make_policy(policy, o, &option, &cause);
    if (!status && o->cert) {
        option = "--cert, --key";
        status = lks_identities_new(&identities);
        if (!status)
            status = lks_identities_add_certificate(identities, lks_from_file(o->cert),
                                                    lks_from_file(o->key), &cause);
    }
    if (!status)
        status = lks_config_new(&s->tls, policy, identities, NULL, &cause);
    if (!status)
        status = lks_config_check(s->tls, LKS_CLIENT, &cause);
    if (status)
        options_fail(error, error_len, "%s: %.400s", option, cause.text);
    lks_policy_free(policy);
    lks_identities_free(identities);
    return status ? -1 : 0;
}

/* ---- the request ---- */

static const char *target_ip(char text[NET_IP_TEXT_LEN], const struct options *o)
{
    return net_ip_text(text, &o->target.ip);
}

/* --server-name, or the name in --host, or the address. */
static void choose_name(struct setup *s, const struct options *o)
{
    char text[NET_IP_TEXT_LEN];
    const char *colon = o->host ? strrchr(o->host, ':') : NULL;
    const bool is_bracketed = o->host && *o->host == '[';
    if (o->server_name)
        snprintf(s->server_name, sizeof(s->server_name), "%s", o->server_name);
    else if (o->host && !is_bracketed)
        snprintf(s->server_name, sizeof(s->server_name), "%.*s",
                 (int)(colon ? (size_t)(colon - o->host) : strlen(o->host)), o->host);
    else
        snprintf(s->server_name, sizeof(s->server_name), "%s", target_ip(text, o));
}

static void add(struct setup *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* head_len goes on to count where there is no room. */
static void add(struct setup *s, const char *fmt, ...)
{
    va_list args;
    const uint32_t at = s->head_len < SETUP_HEAD_MAX ? s->head_len : SETUP_HEAD_MAX;
    va_start(args, fmt);
    s->head_len += (uint32_t)vsnprintf(s->head + at, SETUP_HEAD_MAX - at, fmt, args);
    va_end(args);
}

static void add_host(struct setup *s, const struct options *o)
{
    const bool is_v6 = strchr(s->server_name, ':') != NULL;
    if (o->host) {
        add(s, "Host: %s\r\n", o->host);
        return;
    }
    add(s, "Host: %s%s%s", is_v6 ? "[" : "", s->server_name, is_v6 ? "]" : "");
    if (o->target.port != HTTPS)
        add(s, ":%u", o->target.port);
    add(s, "\r\n");
}

static int make_head(struct setup *s, const struct options *o, char *error, unsigned int error_len)
{
    add(s, "%s %s HTTP/1.1\r\n", o->method, o->path);
    add_host(s, o);
    add(s, "User-Agent: lockstep-load\r\nAccept: */*\r\n");
    if (o->body_len || strcmp(o->method, "POST") == 0 || strcmp(o->method, "PUT") == 0)
        add(s, "Content-Length: %" PRIu64 "\r\n", o->body_len);
    if (o->per_connection == 1)
        add(s, "Connection: close\r\n");
    for (uint32_t i = 0; i < o->num_headers; i++)
        add(s, "%s\r\n", o->headers[i]);
    add(s, "\r\n");
    if (s->head_len < SETUP_HEAD_MAX)
        return 0;
    return options_fail(error, error_len, "the request's head has %u bytes; there is room for %u",
                        s->head_len, SETUP_HEAD_MAX - 1);
}

int setup_make(struct setup *s, const struct options *o, char *error, unsigned int error_len)
{
    struct lks_conn *conn = NULL;
    *s = (struct setup){0};
    choose_name(s, o);
    if (make_head(s, o, error, error_len) || make_tls(s, o, error, error_len))
        return -1;
    const struct lks_conn_options options = {.server_name = s->server_name};
    const enum lks_status status = lks_conn_new(&conn, s->tls, LKS_CLIENT, &options);
    lks_conn_free(conn);
    if (!status)
        return 0;
    return options_fail(error, error_len, "--server-name %s: %s", s->server_name,
                        status == LKS_BAD_ARGUMENT ? "not a host's name or an address"
                                                   : lks_status_name(status));
}

void setup_free(struct setup *s)
{
    lks_config_free(s->tls);
    s->tls = NULL;
}
