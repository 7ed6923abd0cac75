/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/resumption/session.h"

#include <string.h>

#include "base/ct.h"

/* A reader of another version takes the ticket for one it cannot open, and shakes hands in full. */
#define FORMAT_VERSION 4u

enum {
    FLAG_EXTENDED_MASTER = 1,
    FLAG_STAPLED = 2,
    FLAG_MUST_STAPLE = 4,
    FLAG_OWN_ASKED = 8,
    FLAGS_KNOWN = 15,
};

/* Clocks of machines that share keys. */
#define CLOCK_SKEW_MS 60000u

static void write_vec8(struct lks_writer *w, const uint8_t *bytes, uint8_t len)
{
    lks_write_u8(w, len);
    lks_write_bytes(w, bytes, len);
}

static uint8_t flags_of(const struct lks_session *s)
{
    return (uint8_t)((s->extended_master ? FLAG_EXTENDED_MASTER : 0) |
                     (s->verified.stapled ? FLAG_STAPLED : 0) |
                     (s->verified.must_staple ? FLAG_MUST_STAPLE : 0) |
                     (s->verified.own_asked ? FLAG_OWN_ASKED : 0));
}

void lks_session_write(struct lks_writer *w, const struct lks_session *s)
{
    lks_write_u8(w, FORMAT_VERSION);
    lks_write_u8(w, s->kind);
    lks_write_u16(w, s->suite);
    lks_write_uint(w, s->issued_ms, 8);
    lks_write_uint(w, s->until_ms, 8);
    lks_write_bytes(w, s->basis, sizeof(s->basis));
    lks_write_bytes(w, s->auth, sizeof(s->auth));
    lks_write_u32(w, s->lifetime_s);
    lks_write_u32(w, s->age_add);
    lks_write_u32(w, s->max_early);
    lks_write_uint(w, s->origin, 8);
    lks_write_u8(w, flags_of(s));
    if (s->verified.own_asked)
        lks_write_bytes(w, s->verified.own_digest, sizeof(s->verified.own_digest));
    write_vec8(w, s->secret, s->secret_len);
    write_vec8(w, s->server_name, s->server_name_len);
    write_vec8(w, s->alpn, s->alpn_len);
    const size_t shown = lks_write_open(w, 2);
    lks_write_bytes(w, s->shown.data, s->shown.len);
    lks_write_close(w, shown, 2);
}

static bool read_vec8(struct lks_reader *in, uint8_t *out, uint8_t *out_len, size_t max)
{
    struct lks_reader v;
    if (!lks_read_vec8(in, &v) || v.len > max)
        return false;
    *out_len = (uint8_t)v.len;
    return lks_read_copy(&v, out, v.len);
}

static bool read_fields(struct lks_session *s, struct lks_reader *in)
{
    uint8_t version, flags;
    if (!lks_read_u8(in, &version) || version != FORMAT_VERSION || !lks_read_u8(in, &s->kind) ||
        !lks_read_u16(in, &s->suite) || !lks_read_uint(in, &s->issued_ms, 8) ||
        !lks_read_uint(in, &s->until_ms, 8) || !lks_read_copy(in, s->basis, sizeof(s->basis)) ||
        !lks_read_copy(in, s->auth, sizeof(s->auth)) || !lks_read_u32(in, &s->lifetime_s) ||
        !lks_read_u32(in, &s->age_add) || !lks_read_u32(in, &s->max_early) ||
        !lks_read_uint(in, &s->origin, 8) || !lks_read_u8(in, &flags) ||
        flags & ~(unsigned int)FLAGS_KNOWN)
        return false;
    s->extended_master = flags & FLAG_EXTENDED_MASTER;
    s->verified.stapled = flags & FLAG_STAPLED;
    s->verified.must_staple = flags & FLAG_MUST_STAPLE;
    s->verified.own_asked = flags & FLAG_OWN_ASKED;
    return (!s->verified.own_asked ||
            lks_read_copy(in, s->verified.own_digest, sizeof(s->verified.own_digest))) &&
           read_vec8(in, s->secret, &s->secret_len, sizeof(s->secret)) &&
           read_vec8(in, s->server_name, &s->server_name_len, sizeof(s->server_name)) &&
           read_vec8(in, s->alpn, &s->alpn_len, sizeof(s->alpn)) && lks_read_vec16(in, &s->shown) &&
           s->shown.len <= LKS_SHOWN_MAX;
}

/* The suite is this build's, and the secret fits it. */
static bool makes_sense(const struct lks_session *s)
{
    const struct lks_suite *suite = lks_suite_find(s->suite);
    if (!suite || s->lifetime_s > LKS_TICKET_LIFETIME_MAX)
        return false;
    if (s->kind == LKS_SESSION_TLS13)
        return suite->version == LKS_TLS_1_3 && s->secret_len == suite->hash_len;
    return s->kind == LKS_SESSION_TLS12 && suite->version == LKS_TLS_1_2 && s->secret_len == 48;
}

bool lks_session_read(struct lks_session *s, struct lks_reader in)
{
    memset(s, 0, sizeof(*s));
    if (read_fields(s, &in) && !in.len && makes_sense(s))
        return true;
    lks_wipe(s, sizeof(*s));
    return false;
}

bool lks_session_expired(const struct lks_session *s, uint64_t now_ms)
{
    if (now_ms >= s->until_ms)
        return true;
    if (now_ms < s->issued_ms)
        return s->issued_ms - now_ms > CLOCK_SKEW_MS;
    return now_ms - s->issued_ms >= (uint64_t)s->lifetime_s * 1000;
}

bool lks_session_set_name(uint8_t *out, uint8_t *out_len, const char *name)
{
    const size_t len = name ? strlen(name) : 0;
    if (len > LKS_SESSION_NAME_MAX)
        return false;
    *out_len = (uint8_t)len;
    if (len)
        memcpy(out, name, len);
    return true;
}
