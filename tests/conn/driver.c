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

bool driver_option(struct lks_config *config, char **argv, int *i)
{
    static const char *cert; /* until its --key */
    struct lks_error err = {"no memory"};
    const char *option = argv[*i], *value = argv[*i + 1] ? argv[*i + 1] : "";
    if (strcmp(option, "--cert") == 0)
        cert = value;
    else if (strcmp(option, "--key") == 0)
        driver_check(lks_config_add_certificate(config, cert, value, &err), &err);
    else if (strcmp(option, "--alpn") == 0)
        driver_check(lks_config_set_alpn(config, value, &err), &err);
    else if (strcmp(option, "--suites") == 0)
        driver_check(lks_config_set_suites(config, value, &err), &err);
    else if (strcmp(option, "--groups") == 0)
        driver_check(lks_config_set_groups(config, value, &err), &err);
    else if (strcmp(option, "--trust") == 0)
        driver_check(lks_config_set_trust(config, value, &err), &err);
    else if (strcmp(option, "--client-auth") == 0)
        lks_config_set_client_auth(config,
                                   strcmp(value, "required") == 0 ? LKS_CLIENT_AUTH_REQUIRED
                                                                  : LKS_CLIENT_AUTH_OPTIONAL,
                                   true);
    else if (strcmp(option, "--ocsp") == 0)
        driver_check(lks_config_set_ocsp_response(config, value, &err), &err);
    else if (strcmp(option, "--compress") == 0)
        driver_check(lks_config_set_certificate_compression(config, value, &err), &err);
    else if (strcmp(option, "--key-log") == 0)
        driver_check(lks_config_set_key_log(config, value, &err), &err);
    else
        return false;
    ++*i;
    return true;
}

static const char *end_of(const struct side *side)
{
    if (side->end)
        return lks_status_name(side->end);
    return lks_conn_truncated(side->conn) ? "truncated" : "closed";
}

void driver_report(const struct side *side)
{
    struct lks_conn_info info;
    uint32_t open, seal;
    lks_conn_get_info(side->conn, &info);
    lks_conn_key_updates(side->conn, &open, &seal);
    printf("conn end=%s established=%d version=%04x suite=%s group=%s alpn=%s retried=%d "
           "updates_in=%u updates_out=%u\n",
           end_of(side), side->established, info.version, info.suite_name, info.group_name,
           info.alpn, info.hello_retried, open, seal);
    fflush(stdout);
}
