/* SPDX-License-Identifier: BSD-3-Clause */
#include "counts.h"

#include <stdio.h>
#include <string.h>

#include <lockstep/engine.h>

const char *load_error_name(enum load_error error)
{
    static const char *const names[LOAD_NUM_ERRORS] = {
        [LOAD_REFUSED] = "refused", [LOAD_UNREACHABLE] = "unreachable",
        [LOAD_RESET] = "reset",     [LOAD_TLS] = "tls",
        [LOAD_ALERT] = "alert",     [LOAD_CUT] = "cut",
        [LOAD_HTTP] = "http",       [LOAD_TIMEOUT] = "timeout",
        [LOAD_OWN] = "own",
    };
    return names[error];
}

/* Reasons are few; should there ever be more than there is room for, the last row has the rest. */
void counts_error(struct counts *c, enum load_error error, const char *why)
{
    uint32_t i = 0;
    c->errors[error]++;
    while (i < c->num_reasons &&
           (c->reasons[i].error != error || strcmp(c->reasons[i].why, why) != 0))
        i++;
    if (i == COUNTS_REASONS) {
        c->reasons[--i].why = "this and other reasons";
    } else if (i == c->num_reasons) {
        c->reasons[i] = (struct reason){error, why, 0};
        c->num_reasons++;
    }
    c->reasons[i].num++;
}

void counts_handshake(struct counts *c, const struct lks_conn_info *info, bool is_late)
{
    char text[sizeof(c->agreed[0].text)];
    uint32_t i = 0;
    c->full += !info->resumed;
    c->resumed += info->resumed;
    c->late_full += is_late && !info->resumed;
    c->late_resumed += is_late && info->resumed;
    c->retried += info->hello_retried;
    snprintf(text, sizeof(text), "TLS 1.%u, %s, %s%s%s", info->version == LKS_TLS_1_3 ? 3 : 2,
             info->suite_name, info->group_name, *info->alpn ? ", " : "", info->alpn);
    while (i < c->num_agreed && strcmp(c->agreed[i].text, text) != 0)
        i++;
    if (i == COUNTS_AGREED)
        return;
    if (i == c->num_agreed) {
        memcpy(c->agreed[i].text, text, sizeof(text));
        c->num_agreed++;
    }
    c->agreed[i].num++;
}
