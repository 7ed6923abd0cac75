/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * What resumption reads: the state in a ticket, a client's stored session with the NewSessionTicket
 * that it is made of, and the file of ticket keys. The first byte of an input says which. What is
 * taken must come out the same when it is written again; a ticket made of it must open.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "configs.h"
#include "handshake/core.h"
#include "handshake/resumption/ticket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool cond, const char *what)
{
    if (cond)
        return;
    fprintf(stderr, "fuzz_session: %s\n", what);
    abort();
}

static void state(const uint8_t *data, size_t len)
{
    static const struct lks_ticket_ring ring = {.num_keys = 1, .until_s = UINT64_MAX};
    uint8_t bytes[LKS_SESSION_STATE_MAX], ticket[LKS_TICKET_MAX], opened[LKS_SESSION_STATE_MAX];
    struct lks_session session, again;
    if (!lks_session_read(&session, lks_reader_of(data, len)))
        return;
    struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
    lks_session_write(&w, &session);
    must(!w.failed && w.len == len && memcmp(bytes, data, len) == 0, "written otherwise");
    w = lks_writer_of(ticket, sizeof(ticket));
    must(!lks_ticket_seal(&w, &ring, &session), "not sealed");
    must(lks_ticket_open(&again, opened, &ring, lks_reader_of(ticket, w.len)), "not opened");
    must(again.shown.len == session.shown.len &&
             (!again.shown.len ||
              memcmp(again.shown.data, session.shown.data, again.shown.len) == 0),
         "shown otherwise");
    again.shown = session.shown; /* which lies elsewhere */
    must(memcmp(&again, &session, sizeof(session)) == 0, "another session");
}

static void new_session_ticket(const uint8_t *data, size_t len)
{
    struct lks_ticket_base base = {
        .session = {.kind = LKS_SESSION_TLS13,
                    .suite = 0x1301,
                    .until_ms = UINT64_MAX, /* what it stands on is good for ever */
                    .secret_len = 32}};
    uint8_t bytes[LKS_SESSION_MAX];
    struct lks_writer w = lks_writer_of(bytes, sizeof(bytes));
    struct lks_hs *hs;
    static const struct lks_hooks any_peer = {.takes_any_peer = true}; /* the base names no CA */
    static struct lks_config *config;
    if (!config) {
        config = config_new();
        config->policy->hooks = &any_peer;
    }
    if (lks_new_session_ticket_read(&w, &base, lks_reader_of(data, len),
                                    config->policy->now_ms()) ||
        w.failed || !w.len)
        return;
    /* Without a name, as the base has none: it is offered. */
    const struct lks_conn_options options = {.session = bytes, .session_len = w.len};
    must(!lks_hs_new(&hs, config, LKS_CLIENT, &options), "client");
    must(hs->session && hs->session->session.lifetime_s <= LKS_TICKET_LIFETIME_MAX, "not taken");
    lks_hs_free(hs);
}

static void key_file(const uint8_t *data, size_t len)
{
    struct lks_ticket_ring ring;
    struct lks_error err = {""};
    if (lks_ticket_file_parse(&ring, (const char *)data, len, "file", &err))
        must(strncmp(err.text, "file: line ", 11) == 0 && !ring.num_keys, "refused without a word");
    else
        must(ring.num_keys >= 1 && ring.num_keys <= LKS_TICKET_RING_MAX, "number of keys");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!len)
        return 0;
    if (data[0] % 3 == 0)
        state(data + 1, len - 1);
    else if (data[0] % 3 == 1)
        new_session_ticket(data + 1, len - 1);
    else
        key_file(data + 1, len - 1);
    return 0;
}
