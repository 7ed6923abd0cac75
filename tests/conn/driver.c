/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void driver_check(enum lks_status status, const struct lks_error *err)
{
    if (!status)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(2);
}

static const char *certificate; /* until its --key */

static enum lks_status set_cert(struct lks_config *config, const char *value, struct lks_error *err)
{
    (void)config;
    (void)err;
    certificate = value;
    return LKS_OK;
}

static enum lks_status set_key(struct lks_config *config, const char *value, struct lks_error *err)
{
    return lks_identities_add_certificate(config->identities, lks_from_file(certificate),
                                          lks_from_file(value), err);
}

static enum lks_status set_client_auth(struct lks_config *config, const char *value,
                                       struct lks_error *err)
{
    return lks_policy_set_client_auth(config->policy,
                                      strcmp(value, "required") == 0 ? LKS_CLIENT_AUTH_REQUIRED
                                                                     : LKS_CLIENT_AUTH_OPTIONAL,
                                      true, err);
}

static enum lks_status require_ocsp(struct lks_config *config, const char *value,
                                    struct lks_error *err)
{
    (void)value;
    return lks_policy_set_ocsp(config->policy, LKS_OCSP_REQUIRED, err);
}

/* IDENTITY:HEX */
static enum lks_status set_psk(struct lks_config *config, const char *value, struct lks_error *err)
{
    const char *colon = strchr(value, ':');
    uint8_t key[64];
    size_t len = 0;
    unsigned int byte;
    for (const char *at = colon ? colon + 1 : "";
         len < sizeof(key) && sscanf(at, "%2x", &byte) == 1; at += 2)
        key[len++] = (uint8_t)byte;
    return lks_identities_add_psk(config->identities, (const uint8_t *)value,
                                  (size_t)(colon ? colon - value : 0), key, len, "SHA256", err);
}

static enum lks_status set_tickets(struct lks_config *config, const char *value,
                                   struct lks_error *err)
{
    return lks_policy_set_tickets(config->policy, (uint32_t)strtoul(value, NULL, 10), 3600, err);
}

static enum lks_status early_data(struct lks_config *config, const char *value,
                                  struct lks_error *err)
{
    (void)err;
    return set_early_data(config, (uint32_t)strtoul(value, NULL, 10), 10000, 1024);
}

static enum lks_status set_record_size(struct lks_config *config, const char *value,
                                       struct lks_error *err)
{
    return lks_policy_set_record_size_limit(config->policy, (uint16_t)strtoul(value, NULL, 10),
                                            err);
}

static uint16_t version_of(const char *value)
{
    return strcmp(value, "1.2") == 0 ? LKS_TLS_1_2 : LKS_TLS_1_3;
}

static enum lks_status set_max_version(struct lks_config *config, const char *value,
                                       struct lks_error *err)
{
    return lks_policy_set_versions(config->policy, LKS_TLS_1_2, version_of(value), err);
}

static enum lks_status set_min_version(struct lks_config *config, const char *value,
                                       struct lks_error *err)
{
    return lks_policy_set_versions(config->policy, version_of(value), LKS_TLS_1_3, err);
}

static enum lks_status set_alpn(struct lks_config *config, const char *value, struct lks_error *err)
{
    return lks_policy_set_alpn(config->policy, value, err);
}

static enum lks_status set_preset(struct lks_config *config, const char *value,
                                  struct lks_error *err)
{
    return lks_policy_set_preset(config->policy, value, err);
}

static enum lks_status set_suites(struct lks_config *config, const char *value,
                                  struct lks_error *err)
{
    return lks_policy_set_suites(config->policy, value, err);
}

static enum lks_status set_groups(struct lks_config *config, const char *value,
                                  struct lks_error *err)
{
    return lks_policy_set_groups(config->policy, value, err);
}

static enum lks_status set_key_log(struct lks_config *config, const char *value,
                                   struct lks_error *err)
{
    return lks_policy_set_key_log(config->policy, value, err);
}

static enum lks_status set_trust(struct lks_config *config, const char *value,
                                 struct lks_error *err)
{
    return lks_policy_set_trust(config->policy, lks_from_file(value), err);
}

static enum lks_status set_ocsp_response(struct lks_config *config, const char *value,
                                         struct lks_error *err)
{
    return lks_identities_set_ocsp_response(config->identities, lks_from_file(value), err);
}

static const char *export_label; /* NULL: nothing is exported */

static enum lks_status set_export(struct lks_config *config, const char *value,
                                  struct lks_error *err)
{
    (void)config;
    (void)err;
    export_label = value;
    return LKS_OK;
}

static const struct {
    const char *name;
    enum lks_status (*set)(struct lks_config *config, const char *value, struct lks_error *err);
} options[] = {
    {"--cert", set_cert},
    {"--key", set_key},
    {"--ocsp", set_ocsp_response},
    {"--require-ocsp", require_ocsp},
    {"--compress", set_compression},
    {"--client-auth", set_client_auth},
    {"--trust", set_trust},
    {"--alpn", set_alpn},
    {"--preset", set_preset},
    {"--max-version", set_max_version},
    {"--min-version", set_min_version},
    {"--suites", set_suites},
    {"--groups", set_groups},
    {"--tickets", set_tickets},
    {"--psk", set_psk},
    {"--early-data", early_data},
    {"--record-size", set_record_size},
    {"--key-log", set_key_log},
    {"--export", set_export},
};

bool driver_option(struct lks_config *config, char **argv, int *i)
{
    struct lks_error err = {"an option's value is out of range"};
    for (size_t o = 0; o < sizeof(options) / sizeof(options[0]); o++) {
        if (strcmp(argv[*i], options[o].name))
            continue;
        if (!argv[++*i]) {
            fprintf(stderr, "%s needs a value\n", options[o].name);
            exit(2);
        }
        driver_check(options[o].set(config, argv[*i], &err), &err);
        return true;
    }
    return false;
}

static const char *end_of(const struct side *side)
{
    if (side->end)
        return lks_status_name(side->end);
    return lks_conn_truncated(side->conn) ? "truncated" : "closed";
}

/* 32 bytes in hexadecimal, or nothing. */
static const char *exported(const struct lks_conn *conn)
{
    static char hex[65];
    uint8_t bytes[32];
    hex[0] = '\0';
    if (export_label &&
        !lks_conn_export_keying_material(conn, bytes, sizeof(bytes), export_label, NULL, 0))
        for (size_t i = 0; i < sizeof(bytes); i++)
            snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return hex;
}

void driver_report(const struct side *side)
{
    struct lks_conn_info info;
    uint32_t open, seal;
    lks_conn_get_info(side->conn, &info);
    lks_conn_key_updates(side->conn, &open, &seal);
    printf("conn end=%s established=%d version=%04x suite=%s group=%s alpn=%s retried=%d "
           "updates_in=%u updates_out=%u resumed=%d psk=%d early=%zu peer_certificate=%d "
           "exported=%s\n",
           end_of(side), side->established, info.version, info.suite_name, info.group_name,
           info.alpn, info.hello_retried, open, seal, info.resumed, info.external_psk,
           info.early_data ? side->received_early.len + side->sent_early : 0,
           side->peer_certificate, exported(side->conn));
    fflush(stdout);
}
