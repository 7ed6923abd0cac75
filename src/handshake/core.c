/* SPDX-License-Identifier: BSD-3-Clause */

/* A handshake's frame: messages in, the table of what may come when, events out. */

#include "handshake/core.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "handshake/errors.h"
#include "handshake/resumption/standing.h"

/* The longest bodies. Where the lengths within a message allow more than anybody needs, the bound
 * is ours: a ClientHello with post-quantum key shares has some 2 KiB, one with many tickets more; a
 * prime field that is too long for us has an alert of its own. */
#define HELLO_MAX         65536u
#define EXTENSIONS_MAX    (2u + 65535u)
#define SERVER_HELLO_MAX  (2u + 32u + 33u + 3u + EXTENSIONS_MAX)
#define REQUEST_MAX       (256u + EXTENSIONS_MAX)
#define TLS12_REQUEST_MAX (256u + 2u * (2u + 65535u))
#define CERTIFICATE_MAX   LKS_CERTIFICATE_MAX
#define SIGNATURE_MAX     (4u + LKS_SIGNATURE_MAX)
#define KX_MAX            4096u
#define TICKET_MAX        (6u + 65535u)
#define STATUS_MAX        (4u + 65536u)

/* (role, state, message) → handler. An absent row is unexpected_message. [8446 4-1
 * 4-2 4.5-3 4.6.3-1 B-1] [5246 7.4-1] */
static const struct row {
    enum lks_role role;
    enum lks_hs_state state;
    enum lks_message message;
    uint32_t body_max;
    bool is_alone; /* ends its record: the peer sends nothing more before it has our answer */
    enum lks_status (*handle)(struct lks_hs *hs, const struct lks_incoming *in);
} rows[] = {
    {LKS_SERVER, LKS_STATE_CLIENT_HELLO, LKS_MSG_CLIENT_HELLO, HELLO_MAX, true,
     lks_server_client_hello},
    {LKS_SERVER, LKS_STATE_SECOND_CLIENT_HELLO, LKS_MSG_CLIENT_HELLO, HELLO_MAX, true,
     lks_server_client_hello},
    {LKS_SERVER, LKS_STATE_CERTIFICATE, LKS_MSG_CERTIFICATE, CERTIFICATE_MAX, false,
     lks_server_certificate},
    {LKS_SERVER, LKS_STATE_CERTIFICATE, LKS_MSG_COMPRESSED_CERTIFICATE, CERTIFICATE_MAX, false,
     lks_server_certificate},
    {LKS_SERVER, LKS_STATE_CERTIFICATE_VERIFY, LKS_MSG_CERTIFICATE_VERIFY, SIGNATURE_MAX, false,
     lks_server_certificate_verify},
    {LKS_SERVER, LKS_STATE_END_OF_EARLY_DATA, LKS_MSG_END_OF_EARLY_DATA, 0, true,
     lks_server_end_of_early_data},
    {LKS_SERVER, LKS_STATE_FINISHED, LKS_MSG_FINISHED, LKS_HASH_MAX, true, lks_server_finished},

    {LKS_CLIENT, LKS_STATE_SERVER_HELLO, LKS_MSG_SERVER_HELLO, SERVER_HELLO_MAX, false,
     lks_client_server_hello},
    {LKS_CLIENT, LKS_STATE_SECOND_SERVER_HELLO, LKS_MSG_SERVER_HELLO, SERVER_HELLO_MAX, false,
     lks_client_server_hello},
    {LKS_CLIENT, LKS_STATE_ENCRYPTED_EXTENSIONS, LKS_MSG_ENCRYPTED_EXTENSIONS, EXTENSIONS_MAX,
     false, lks_client_encrypted_extensions},
    {LKS_CLIENT, LKS_STATE_CERTIFICATE_REQUEST, LKS_MSG_CERTIFICATE_REQUEST, REQUEST_MAX, false,
     lks_client_certificate_request},
    {LKS_CLIENT, LKS_STATE_CERTIFICATE_REQUEST, LKS_MSG_CERTIFICATE, CERTIFICATE_MAX, false,
     lks_client_certificate},
    {LKS_CLIENT, LKS_STATE_CERTIFICATE_REQUEST, LKS_MSG_COMPRESSED_CERTIFICATE, CERTIFICATE_MAX,
     false, lks_client_certificate},
    {LKS_CLIENT, LKS_STATE_CERTIFICATE, LKS_MSG_CERTIFICATE, CERTIFICATE_MAX, false,
     lks_client_certificate},
    {LKS_CLIENT, LKS_STATE_CERTIFICATE, LKS_MSG_COMPRESSED_CERTIFICATE, CERTIFICATE_MAX, false,
     lks_client_certificate},
    {LKS_CLIENT, LKS_STATE_CERTIFICATE_VERIFY, LKS_MSG_CERTIFICATE_VERIFY, SIGNATURE_MAX, false,
     lks_client_certificate_verify},
    {LKS_CLIENT, LKS_STATE_FINISHED, LKS_MSG_FINISHED, LKS_HASH_MAX, true, lks_client_finished},

    {LKS_SERVER, LKS_STATE_12_CERTIFICATE, LKS_MSG_CERTIFICATE, CERTIFICATE_MAX, false,
     lks_tls12_server_certificate},
    {LKS_SERVER, LKS_STATE_12_CLIENT_KEY_EXCHANGE, LKS_MSG_CLIENT_KEY_EXCHANGE, KX_MAX, false,
     lks_tls12_server_client_key_exchange},
    {LKS_SERVER, LKS_STATE_12_CERTIFICATE_VERIFY, LKS_MSG_CERTIFICATE_VERIFY, SIGNATURE_MAX, false,
     lks_tls12_server_certificate_verify},
    {LKS_SERVER, LKS_STATE_12_FINISHED, LKS_MSG_FINISHED, LKS_HASH_MAX, true,
     lks_tls12_server_finished},

    {LKS_CLIENT, LKS_STATE_12_CERTIFICATE, LKS_MSG_CERTIFICATE, CERTIFICATE_MAX, false,
     lks_tls12_client_certificate},
    {LKS_CLIENT, LKS_STATE_12_CERTIFICATE_STATUS, LKS_MSG_CERTIFICATE_STATUS, STATUS_MAX, false,
     lks_tls12_client_certificate_status},
    {LKS_CLIENT, LKS_STATE_12_CERTIFICATE_STATUS, LKS_MSG_SERVER_KEY_EXCHANGE, KX_MAX, false,
     lks_tls12_client_server_key_exchange},
    {LKS_CLIENT, LKS_STATE_12_CERTIFICATE_STATUS, LKS_MSG_CERTIFICATE_REQUEST, TLS12_REQUEST_MAX,
     false, lks_tls12_client_certificate_request},
    {LKS_CLIENT, LKS_STATE_12_CERTIFICATE_STATUS, LKS_MSG_SERVER_HELLO_DONE, 0, true,
     lks_tls12_client_server_hello_done},
    {LKS_CLIENT, LKS_STATE_12_SERVER_KEY_EXCHANGE, LKS_MSG_SERVER_KEY_EXCHANGE, KX_MAX, false,
     lks_tls12_client_server_key_exchange},
    {LKS_CLIENT, LKS_STATE_12_CERTIFICATE_REQUEST, LKS_MSG_CERTIFICATE_REQUEST, TLS12_REQUEST_MAX,
     false, lks_tls12_client_certificate_request},
    {LKS_CLIENT, LKS_STATE_12_CERTIFICATE_REQUEST, LKS_MSG_SERVER_HELLO_DONE, 0, true,
     lks_tls12_client_server_hello_done},
    {LKS_CLIENT, LKS_STATE_12_SERVER_HELLO_DONE, LKS_MSG_SERVER_HELLO_DONE, 0, true,
     lks_tls12_client_server_hello_done},
    {LKS_CLIENT, LKS_STATE_12_NEW_SESSION_TICKET, LKS_MSG_NEW_SESSION_TICKET, TICKET_MAX, true,
     lks_tls12_client_new_session_ticket},
    {LKS_CLIENT, LKS_STATE_12_FINISHED, LKS_MSG_FINISHED, LKS_HASH_MAX, true,
     lks_tls12_client_finished},
};

static const struct row *find_row(const struct lks_hs *hs, uint8_t message)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].role == hs->role && rows[i].state == hs->state && rows[i].message == message)
            return &rows[i];
    return NULL;
}

enum lks_status lks_hs_new(struct lks_hs **out, struct lks_config *config, enum lks_role role,
                           const struct lks_conn_options *options)
{
    LKS_OWN_ERRORS;
    static const struct lks_conn_options none;
    *out = NULL;
    enum lks_status status = lks_config_check(config, role, NULL);
    if (status)
        return status;
    struct lks_hs *hs = calloc(1, sizeof(*hs));
    if (!hs)
        return LKS_NO_MEMORY;
    hs->config = lks_config_ref(config);
    hs->role = role;
    hs->state = LKS_STATE_CLIENT_HELLO;
    status = role == LKS_CLIENT ? lks_client_start(hs, options ? options : &none) : LKS_OK;
    if (status) {
        status = lks_errors_cause(status);
        lks_hs_free(hs);
        return lks_bare(status);
    }
    *out = hs;
    return LKS_OK;
}

void lks_hs_set_conn(struct lks_hs *hs, struct lks_conn *conn)
{
    hs->conn = conn;
}

void lks_hs_free(struct lks_hs *hs)
{
    LKS_OWN_ERRORS;
    if (!hs)
        return;
    lks_ask_forget(hs->ask);
    lks_ask_forget(hs->stored);
    lks_pkey_job_free(hs->job);
    for (size_t i = 0; i < LKS_KEY_SHARES_MAX; i++)
        lks_group_key_free(hs->shares[i].key);
    /* Section 6: what was agreed is forgotten, however it ended. [8446 6-2] */
    lks_schedule_wipe(&hs->schedule);
    lks_tls12_wipe(&hs->tls12);
    lks_config_free(hs->config);
    lks_peer_free(hs->peer);
    lks_standing_forget_client(hs);
    if (hs->session)
        lks_wipe(&hs->session->session, sizeof(hs->session->session));
    free(hs->session);
    free(hs->server_name);
    free(hs->peer_name);
    free(hs->cookie);
    free(hs->in);
    while (hs->buffers) {
        struct lks_hs_buffer *next = hs->buffers->next;
        free(hs->buffers);
        hs->buffers = next;
    }
    lks_wipe(hs, sizeof(*hs));
    free(hs);
}

enum lks_status lks_hs_random(struct lks_hs *hs, uint8_t *out, size_t len)
{
    if (hs->config->policy->hooks && hs->config->policy->hooks->random) {
        hs->config->policy->hooks->random(hs->config->policy->hooks->user, out, len);
        return LKS_OK;
    }
    return RAND_bytes(out, (int)len) == 1 ? LKS_OK : LKS_INTERNAL;
}

enum lks_status lks_hs_grease(struct lks_hs *hs)
{
    static const uint8_t zeros[3];
    uint8_t random[2];
    if (!hs->config->policy->greases)
        return LKS_OK;
    enum lks_status status = lks_hs_random(hs, random, sizeof(random));
    if (status)
        return status;
    lks_write_u16(&hs->out, lks_grease(random[0]));
    lks_write_u16(&hs->out, random[1] & 3);
    lks_write_bytes(&hs->out, zeros, random[1] & 3);
    return LKS_OK;
}

void lks_hs_log_secret(const struct lks_hs *hs, const char *label, const uint8_t *secret)
{
    lks_config_log_secret(hs->config, label, hs->client_random, secret, hs->suite->hash_len);
}

/* A flight is a Certificate and some small messages beside it. */
#define BUFFER_LEN 4096u

enum lks_status lks_message_reserve(struct lks_hs *hs, size_t len)
{
    if (hs->buffers && hs->out.cap - hs->out.len >= len)
        return LKS_OK;
    size_t cap = len < BUFFER_LEN ? BUFFER_LEN : len;
    struct lks_hs_buffer *buffer = malloc(sizeof(*buffer) + cap);
    if (!buffer)
        return LKS_NO_MEMORY;
    lks_event_send(hs);
    buffer->next = hs->buffers;
    hs->buffers = buffer;
    hs->out = lks_writer_of(buffer->data, cap);
    hs->out_marked = 0;
    return LKS_OK;
}

enum lks_status lks_transcript_add(struct lks_hs *hs, const uint8_t *message, size_t len)
{
    enum lks_status status = lks_tls12_keep_message(&hs->tls12, message, len);
    return status ? status : lks_schedule_add(&hs->schedule, message, len);
}

size_t lks_message_begin(struct lks_hs *hs, enum lks_message type)
{
    if (lks_message_reserve(hs, LKS_MESSAGE_LEN))
        hs->out.failed = hs->out_lacks_memory = true; /* lks_message_end() tells */
    lks_write_u8(&hs->out, (uint8_t)type);
    return lks_write_open(&hs->out, 3);
}

enum lks_status lks_hs_read_answers(struct lks_hs *hs, struct lks_reader list,
                                    enum lks_extension_place place,
                                    enum lks_status (*read)(struct lks_hs *hs, uint16_t type,
                                                            struct lks_reader body))
{
    struct lks_extension_block block = {.rest = list, .place = place, .offered = hs->offered};
    enum lks_status status = LKS_OK;
    while (!status && block.rest.len) {
        uint16_t type;
        struct lks_reader body;
        status = lks_extension_next(&block, &type, &body);
        if (!status)
            status = read(hs, type, body);
    }
    return status;
}

enum lks_status lks_message_end(struct lks_hs *hs, size_t mark)
{
    lks_write_close(&hs->out, mark, 3);
    if (hs->out.failed)
        return hs->out_lacks_memory ? LKS_NO_MEMORY : LKS_INTERNAL;
    size_t begin = mark - LKS_MSG_HEADER_LEN;
    if (hs->config->policy->hooks && hs->config->policy->hooks->message)
        hs->config->policy->hooks->message(hs->config->policy->hooks->user, &hs->out, begin);
    if (!hs->schedule.suite)
        return LKS_OK;
    return lks_transcript_add(hs, hs->out.data + begin, hs->out.len - begin);
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
    add_event(hs, LKS_HS_CCS);
}

enum lks_status lks_event_key(struct lks_hs *hs, enum lks_hs_event_kind kind, enum lks_level level,
                              const uint8_t *secret)
{
    /* Section 5.1: no message spans a change of keys. [8446 5.1-4] */
    if (kind == LKS_HS_OPEN_KEY && lks_hs_mid_message(hs))
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_KEY_CHANGE_MID_MESSAGE);
    lks_event_send(hs);
    struct lks_hs_event *event = add_event(hs, kind);
    event->level = level;
    event->key.aead = hs->suite->aead;
    memcpy(event->secret, secret, hs->suite->hash_len);
    return lks_tls13_traffic_key(hs->suite, secret, event->key.key, event->key.iv);
}

enum lks_status lks_event_record_key(struct lks_hs *hs, enum lks_hs_event_kind kind,
                                     const struct lks_record_key *key)
{
    if (kind == LKS_HS_OPEN_KEY && lks_hs_mid_message(hs))
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_KEY_CHANGE_MID_MESSAGE);
    lks_event_send(hs);
    struct lks_hs_event *event = add_event(hs, kind);
    event->level = LKS_LEVEL_APPLICATION;
    event->key = *key;
    return LKS_OK;
}

void lks_event_plain(struct lks_hs *hs)
{
    lks_event_send(hs);
    add_event(hs, LKS_HS_SEAL_KEY)->level = LKS_LEVEL_PLAIN;
}

void lks_event_done(struct lks_hs *hs)
{
    lks_event_send(hs);
    struct lks_hs_event *event = add_event(hs, LKS_HS_DONE);
    if (hs->version == LKS_TLS_1_2)
        memcpy(event->secret, hs->tls12.master, LKS_MASTER_LEN);
    else
        memcpy(event->secret, hs->exporter_secret, hs->suite->hash_len);
    hs->state = LKS_STATE_DONE;
    if (hs->num_tickets)
        lks_event_told(hs, LKS_HS_TICKETS, hs->num_tickets);
}

void lks_event_told(struct lks_hs *hs, enum lks_hs_event_kind kind, size_t num)
{
    lks_event_send(hs);
    add_event(hs, kind)->len = num;
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
    if (hs->in_at) {
        memmove(hs->in, hs->in + hs->in_at, hs->in_len - hs->in_at);
        hs->in_len -= hs->in_at;
        hs->in_at = 0;
    }
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
 * The first message that came, if it is whole: its handler runs, and it is gone. A message that
 * may not come now, or is too long, is refused from its header; the latter with decode_error, RFC
 * 8446 section 6.2: a field is out of range, or the length of a message. [8446 4-2 6-5]
 */
static enum lks_status take_message(struct lks_hs *hs)
{
    struct lks_reader all = lks_reader_of(hs->in + hs->in_at, hs->in_len - hs->in_at), rest = all;
    if (!all.len)
        return LKS_WANT_DATA;
    const struct row *row = find_row(hs, all.data[0]);
    if (!row)
        return lks_tls12_skip_hello_request(hs, all);
    struct lks_incoming in;
    uint8_t type;
    uint32_t len;
    if (!lks_read_u8(&rest, &type) || !lks_read_u24(&rest, &len))
        return LKS_WANT_DATA;
    if (len > row->body_max)
        return lks_because(LKS_ALERT_DECODE_ERROR, LKS_WHY_MESSAGE_TOO_LONG);
    if (rest.len < len)
        return LKS_WANT_DATA;
    in.message = lks_reader_of(all.data, LKS_MSG_HEADER_LEN + len);
    in.body = lks_reader_of(rest.data, len);
    /* Section 5.1: the keys change behind it. [8446 5.1-4] */
    if (row->is_alone && rest.len > len)
        return lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_MESSAGE_NOT_ALONE);
    hs->in_at += in.message.len;
    const enum lks_status status = row->handle(hs, &in);
    if (hs->repeats)
        hs->in_at -= in.message.len;
    hs->repeats = false;
    return status;
}

enum lks_status lks_hs_start_job(struct lks_hs *hs, struct lks_pkey_job *job,
                                 enum lks_status (*resume)(struct lks_hs *hs,
                                                           struct lks_pkey_job *job))
{
    hs->job = job;
    hs->resume = resume;
    return LKS_WANT_PKEY;
}

static enum lks_status finish_job(struct lks_hs *hs, struct lks_pkey_job *job)
{
    hs->job = NULL;
    hs->job_taken = NULL;
    lks_pkey_job_run(job); /* unless it ran elsewhere */
    enum lks_status status = job->status ? job->status : hs->resume(hs, job);
    lks_pkey_job_free(job);
    return status;
}

/* It is over; nothing more is taken. */
static enum lks_status fail(struct lks_hs *hs, enum lks_status status)
{
    hs->state = LKS_STATE_FAILED;
    hs->reason = lks_reason_of(status);
    hs->failure = lks_bare(status);
    return hs->failure;
}

/* As far as it goes without more input, an answer, or work that is done elsewhere. */
static enum lks_status go_on(struct lks_hs *hs, enum lks_status status)
{
    while (!status || status == LKS_WANT_PKEY || status == LKS_WANT_ANSWER) {
        if (hs->ask && !hs->ask->answered)
            return LKS_WANT_ANSWER;
        if (hs->job_taken || (hs->job && hs->config->policy->defers_pkey))
            return LKS_WANT_PKEY;
        if (hs->ask)
            status = lks_hs_take_answer(hs);
        else if (hs->job)
            status = finish_job(hs, hs->job);
        else if (hs->state == LKS_STATE_DONE)
            return LKS_OK;
        else
            status = take_message(hs);
    }
    if (status == LKS_WANT_DATA)
        return status;
    return fail(hs, lks_errors_cause(status));
}

enum lks_status lks_hs_input(struct lks_hs *hs, const uint8_t *data, size_t len)
{
    LKS_OWN_ERRORS;
    if (hs->state == LKS_STATE_FAILED)
        return hs->failure;
    return go_on(hs, append(hs, data, len));
}

enum lks_status lks_hs_go_on(struct lks_hs *hs)
{
    LKS_OWN_ERRORS;
    return hs->state == LKS_STATE_FAILED ? hs->failure : go_on(hs, LKS_OK);
}

struct lks_pkey_job *lks_hs_take_job(struct lks_hs *hs)
{
    struct lks_pkey_job *job = hs->job;
    hs->job = NULL;
    if (job)
        hs->job_taken = job;
    return job;
}

enum lks_status lks_hs_job_done(struct lks_hs *hs, struct lks_pkey_job *job)
{
    LKS_OWN_ERRORS;
    if (hs->state == LKS_STATE_FAILED || !job || job != hs->job_taken) {
        lks_pkey_job_free(job);
        return hs->state == LKS_STATE_FAILED ? hs->failure : LKS_BAD_ARGUMENT;
    }
    return go_on(hs, finish_job(hs, job));
}

enum lks_status lks_hs_change_cipher_spec(struct lks_hs *hs)
{
    LKS_OWN_ERRORS;
    if (hs->state == LKS_STATE_FAILED)
        return hs->failure;
    enum lks_status status = lks_because(LKS_ALERT_UNEXPECTED_MESSAGE, LKS_WHY_CCS_MISPLACED);
    if (hs->state == LKS_STATE_12_CHANGE_CIPHER_SPEC)
        status = lks_event_record_key(hs, LKS_HS_OPEN_KEY, &hs->tls12.open);
    hs->state = LKS_STATE_12_FINISHED;
    return status ? fail(hs, status) : LKS_OK;
}

struct lks_config *lks_hs_config(const struct lks_hs *hs)
{
    return hs->config;
}

enum lks_reason lks_hs_reason(const struct lks_hs *hs)
{
    return hs->reason;
}

uint16_t lks_hs_version(const struct lks_hs *hs)
{
    return hs->version;
}

bool lks_hs_mid_message(const struct lks_hs *hs)
{
    return hs->in_len != hs->in_at;
}

bool lks_hs_is_retried(const struct lks_hs *hs)
{
    return hs->retried;
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
    info->hello_retried = hs->retried || hs->state == LKS_STATE_SECOND_CLIENT_HELLO;
    info->early_data = hs->early.taken;
    info->resumed = hs->tls12.resumed || (hs->psk.used && !hs->psk.external);
    info->external_psk = hs->psk.used && hs->psk.external;
}
