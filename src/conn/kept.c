/* SPDX-License-Identifier: BSD-3-Clause */

/* What an established connection keeps of its handshake, where its policy says so: in one piece,
 * made at the handshake's end. And what it says about itself. */

#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "base/writer.h"
#include "conn/conn.h"
#include "handshake/config.h"

/* Of a certificate's names more are left out. */
#define NAMES_MAX 4096u

static enum lks_status fill(struct conn_kept *kept, struct lks_writer *w,
                            const struct lks_about *about, const struct lks_hs *hs, bool with_chain)
{
    kept->says = true;
    kept->has_digest = lks_hs_peer_digest(hs, kept->digest);
    kept->own = about->own;
    kept->own_scheme = about->own_scheme;
    kept->peer_scheme = about->peer_scheme;
    kept->identity_len = (uint8_t)about->psk_identity.len;
    lks_write_bytes(w, about->server_name, strlen(about->server_name) + 1);
    kept->identity_at = (uint32_t)w->len;
    lks_write_bytes(w, about->psk_identity.data, about->psk_identity.len);
    kept->names_at = (uint32_t)w->len;
    struct lks_writer names = lks_writer_of(w->data + w->len, NAMES_MAX);
    enum lks_status status = lks_hs_write_peer_names(&names, hs);
    w->len += names.len;
    kept->chain_at = (uint32_t)w->len;
    if (!status && with_chain)
        status = lks_hs_write_peer_chain(w, hs);
    kept->len = (uint32_t)w->len;
    return status;
}

static enum lks_status keep_names(struct lks_conn *conn)
{
    const bool with_chain = conn->config->policy->keep == LKS_KEEP_CHAIN;
    const struct lks_hs *hs = conn->handshake->hs;
    struct lks_about about;
    lks_hs_about(hs, &about);
    size_t room = strlen(about.server_name) + 1 + about.psk_identity.len + NAMES_MAX;
    if (with_chain)
        room += lks_hs_peer_chain_room(hs);
    struct conn_kept *kept = malloc(sizeof(*kept) + room);
    if (!kept)
        return LKS_NO_MEMORY;
    memset(kept, 0, sizeof(*kept));
    struct lks_writer w = lks_writer_of(kept->bytes, room);
    enum lks_status status = fill(kept, &w, &about, hs, with_chain);
    struct conn_kept *fitted = status ? NULL : realloc(kept, sizeof(*kept) + w.len);
    conn->kept = fitted ? fitted : kept;
    return status;
}

enum lks_status conn_keep(struct lks_conn *conn)
{
    const bool wants_tickets = conn->role == LKS_CLIENT && conn->config->policy->num_tickets != 0;
    enum lks_status status = LKS_OK;
    if (conn->config->policy->keep != LKS_KEEP_NOTHING)
        status = keep_names(conn);
    else if (wants_tickets && !(conn->kept = calloc(1, sizeof(*conn->kept))))
        status = LKS_NO_MEMORY;
    return status || !wants_tickets ? status : conn_tickets_begin(conn);
}

void conn_kept_free(struct lks_conn *conn)
{
    if (conn->kept)
        conn_tickets_free(conn);
    free(conn->kept);
}

/* What is known now: all of it while the handshake runs or where it has failed, what was kept once
 * it is done. */
static struct lks_about about(const struct lks_conn *conn)
{
    struct lks_about a = {.server_name = ""};
    const struct conn_kept *kept = conn ? conn->kept : NULL;
    if (kept && kept->says)
        a = (struct lks_about){
            .server_name = (const char *)kept->bytes,
            .own = kept->own,
            .psk_identity = lks_reader_of(kept->bytes + kept->identity_at, kept->identity_len),
            .own_scheme = kept->own_scheme,
            .peer_scheme = kept->peer_scheme};
    else if (conn && !conn->established && conn->handshake)
        lks_hs_about(conn->handshake->hs, &a);
    return a;
}

static const uint8_t *bytes_of(struct lks_reader r, size_t *len)
{
    *len = r.len;
    return r.len ? r.data : NULL;
}

const char *lks_conn_server_name(const struct lks_conn *conn)
{
    return about(conn).server_name;
}

const uint8_t *lks_conn_psk_identity(const struct lks_conn *conn, size_t *len)
{
    return bytes_of(about(conn).psk_identity, len);
}

const uint8_t *lks_conn_own_certificate(const struct lks_conn *conn, size_t *len)
{
    return bytes_of(about(conn).own, len);
}

uint16_t lks_conn_signature_scheme(const struct lks_conn *conn, enum lks_role signer)
{
    const struct lks_about a = about(conn);
    return conn && signer == (enum lks_role)conn->role ? a.own_scheme : a.peer_scheme;
}

const uint8_t *lks_conn_peer_chain(const struct lks_conn *conn, uint32_t n, size_t *len)
{
    const struct conn_kept *kept = conn ? conn->kept : NULL;
    struct lks_reader chain = {0}, der = {0};
    if (kept)
        chain = lks_reader_of(kept->bytes + kept->chain_at, kept->len - kept->chain_at);
    while (lks_read_vec24(&chain, &der) && n--)
        der.len = 0;
    return bytes_of(der, len);
}

bool lks_conn_peer_digest(const struct lks_conn *conn, uint8_t digest[32])
{
    const struct conn_kept *kept = conn ? conn->kept : NULL;
    if (!kept || !kept->has_digest)
        return conn && conn->handshake && lks_hs_peer_digest(conn->handshake->hs, digest);
    memcpy(digest, kept->digest, sizeof(kept->digest));
    return true;
}

const char *lks_conn_peer_name(const struct lks_conn *conn, enum lks_name_kind kind, uint32_t n)
{
    const struct conn_kept *kept = conn ? conn->kept : NULL;
    struct lks_reader names = {0}, text;
    uint8_t is, end;
    if (kept)
        names = lks_reader_of(kept->bytes + kept->names_at, kept->chain_at - kept->names_at);
    while (lks_read_u8(&names, &is) && lks_read_vec16(&names, &text) && lks_read_u8(&names, &end))
        if (is == (uint8_t)kind && !n--)
            return (const char *)text.data;
    return NULL;
}

uint8_t lks_conn_sent_alert(const struct lks_conn *conn)
{
    return conn && conn->close_sent ? conn->alert_message[1] : ALERT_NONE;
}

void lks_conn_get_counts(const struct lks_conn *conn, struct lks_conn_counts *counts)
{
    memset(counts, 0, sizeof(*counts));
    if (!conn)
        return;
    counts->records_opened = conn->opening.num_records;
    counts->bytes_opened = conn->opening.num_bytes;
    counts->records_sealed = conn->sealing.num_records;
    counts->bytes_sealed = conn->sealing.num_bytes;
}
