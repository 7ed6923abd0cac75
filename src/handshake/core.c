/* SPDX-License-Identifier: BSD-3-Clause */

/* A handshake's frame: messages in, the table of what may come when, events out. */

#include "handshake/core.h"

#include <stdlib.h>
#include <string.h>

#include "base/ct.h"

/* A ClientHello with post-quantum key shares has some 2 KiB, one with many tickets more. */
#define HELLO_MAX 65536u

/* (role, state, message) → handler. An absent row is unexpected_message. */
static const struct row {
    enum lks_role role;
    enum lks_hs_state state;
    enum lks_message message;
    uint32_t body_max;
    enum lks_status (*handle)(struct lks_hs *hs, const struct lks_incoming *in);
} rows[] = {
    {LKS_SERVER, LKS_STATE_CLIENT_HELLO, LKS_MSG_CLIENT_HELLO, HELLO_MAX, lks_server_client_hello},
    {LKS_SERVER, LKS_STATE_SECOND_CLIENT_HELLO, LKS_MSG_CLIENT_HELLO, HELLO_MAX,
     lks_server_client_hello},
    {LKS_SERVER, LKS_STATE_FINISHED, LKS_MSG_FINISHED, LKS_HASH_MAX, lks_server_finished},
};

static const struct row *find_row(const struct lks_hs *hs, uint8_t message)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].role == hs->role && rows[i].state == hs->state && rows[i].message == message)
            return &rows[i];
    return NULL;
}

enum lks_status lks_hs_new(struct lks_hs **out, struct lks_config *config, enum lks_role role)
{
    *out = NULL;
    if (role != LKS_SERVER)
        return LKS_UNSUPPORTED;
    if (!config->certificates)
        return LKS_BAD_CONFIG;
    struct lks_hs *hs = calloc(1, sizeof(*hs));
    if (!hs)
        return LKS_NO_MEMORY;
    /* The flight is the Certificate and some small messages beside it. */
    size_t out_cap = config->entries_len_max + LKS_SIGNATURE_MAX + LKS_SHARE_MAX + 2048;
    hs->out = lks_writer_of(malloc(out_cap), out_cap);
    if (!hs->out.data) {
        free(hs);
        return LKS_NO_MEMORY;
    }
    hs->config = lks_config_ref(config);
    hs->role = role;
    *out = hs;
    return LKS_OK;
}

void lks_hs_free(struct lks_hs *hs)
{
    if (!hs)
        return;
    lks_schedule_wipe(&hs->schedule);
    lks_config_free(hs->config);
    free(hs->in);
    free(hs->out.data);
    lks_wipe(hs, sizeof(*hs));
    free(hs);
}

size_t lks_message_begin(struct lks_hs *hs, enum lks_message type)
{
    lks_write_u8(&hs->out, (uint8_t)type);
    return lks_write_open(&hs->out, 3);
}

enum lks_status lks_message_end(struct lks_hs *hs, size_t mark)
{
    lks_write_close(&hs->out, mark, 3);
    if (hs->out.failed)
        return LKS_INTERNAL;
    size_t begin = mark - LKS_MSG_HEADER_LEN;
    return lks_schedule_add(&hs->schedule, hs->out.data + begin, hs->out.len - begin);
}

static struct lks_hs_event *add_event(struct lks_hs *hs, enum lks_hs_event_kind kind)
{
    struct lks_hs_event *event = &hs->events[hs->num_events++];
    event->kind = kind;
    event->suite = hs->suite;
    return event;
}

void lks_event_send(struct lks_hs *hs)
{
    if (hs->out_marked == hs->out.len)
        return;
    struct lks_hs_event *event = add_event(hs, LKS_HS_SEND);
    event->data = hs->out.data + hs->out_marked;
    event->len = hs->out.len - hs->out_marked;
    hs->out_marked = hs->out.len;
}

void lks_event_ccs(struct lks_hs *hs)
{
    lks_event_send(hs);
    add_event(hs, LKS_HS_COMPAT_CCS);
}

void lks_event_key(struct lks_hs *hs, enum lks_hs_event_kind kind, enum lks_level level,
                   const uint8_t *secret)
{
    lks_event_send(hs);
    struct lks_hs_event *event = add_event(hs, kind);
    event->level = level;
    memcpy(event->secret, secret, hs->suite->hash_len);
}

void lks_event_done(struct lks_hs *hs)
{
    lks_event_send(hs);
    add_event(hs, LKS_HS_DONE);
}

bool lks_hs_next_event(struct lks_hs *hs, struct lks_hs_event *event)
{
    if (hs->next_event == hs->num_events)
        return false;
    *event = hs->events[hs->next_event];
    lks_wipe(&hs->events[hs->next_event++], sizeof(*event));
    return true;
}

static enum lks_status append(struct lks_hs *hs, const uint8_t *data, size_t len)
{
    size_t need = hs->in_len + len;
    if (need > hs->in_cap) {
        uint8_t *grown = realloc(hs->in, need);
        if (!grown)
            return LKS_NO_MEMORY;
        hs->in = grown;
        hs->in_cap = need;
    }
    memcpy(hs->in + hs->in_len, data, len);
    hs->in_len = need;
    return LKS_OK;
}

/*
 * The first message in hs->in, if it is whole: its handler runs and the bytes go. A message that
 * may not come now, or is too long, is refused from its header. RFC 8446 names no alert for the
 * latter; illegal_parameter says that a length is out of range.
 */
static enum lks_status take_message(struct lks_hs *hs)
{
    if (!hs->in_len)
        return LKS_WANT_DATA;
    const struct row *row = find_row(hs, hs->in[0]);
    if (!row)
        return LKS_ALERT_UNEXPECTED_MESSAGE;
    struct lks_reader all = lks_reader_of(hs->in, hs->in_len), rest = all;
    struct lks_incoming in;
    uint8_t type;
    uint32_t len;
    if (!lks_read_u8(&rest, &type) || !lks_read_u24(&rest, &len))
        return LKS_WANT_DATA;
    if (len > row->body_max)
        return LKS_ALERT_ILLEGAL_PARAMETER;
    if (rest.len < len)
        return LKS_WANT_DATA;
    in.message = lks_reader_of(all.data, LKS_MSG_HEADER_LEN + len);
    in.body = lks_reader_of(rest.data, len);
    /* RFC 8446 section 5.1: each message that we wait for ends what the client may send before the
     * keys change, so nothing may stand behind it in the same record. */
    if (rest.len > len)
        return LKS_ALERT_UNEXPECTED_MESSAGE;
    enum lks_status status = row->handle(hs, &in);
    hs->in_len = 0;
    return status;
}

enum lks_status lks_hs_input(struct lks_hs *hs, const uint8_t *data, size_t len)
{
    if (hs->state == LKS_STATE_FAILED)
        return hs->failure;
    enum lks_status status = append(hs, data, len);
    while (!status && hs->state != LKS_STATE_DONE)
        status = take_message(hs);
    if (status != LKS_OK && status != LKS_WANT_DATA) {
        hs->state = LKS_STATE_FAILED;
        hs->failure = status;
    }
    return status;
}

bool lks_hs_mid_message(const struct lks_hs *hs)
{
    return hs->in_len != 0;
}

bool lks_hs_skip_early_data(const struct lks_hs *hs)
{
    return hs->skip_early_data;
}

void lks_hs_get_info(const struct lks_hs *hs, struct lks_conn_info *info)
{
    if (hs->suite) {
        info->version = (uint16_t)hs->suite->version;
        info->suite = hs->suite->number;
        info->suite_name = hs->suite->name;
    }
    if (hs->group) {
        info->group = hs->group->number;
        info->group_name = hs->group->name;
    }
    if (hs->alpn)
        info->alpn = hs->alpn;
    info->hello_retried = hs->retried;
}
