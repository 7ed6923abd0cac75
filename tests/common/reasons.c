/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Every way to fail has a reason in words. The linker puts these in front of the library's calls
 * (meson's reasons_wrap), so that each case of a runner, whatever it is about, also looks at that.
 */

#include <lockstep/conn.h>

#include "common/test.h"
#include "handshake/handshake.h"

#define WRAP(type, name, ...)        \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

/* One that goes on behind its transport's end, for streams only, has a reason all the same. */
static enum lks_status check_conn(const struct lks_conn *conn, enum lks_status status)
{
    const enum lks_status end = lks_conn_status(conn);
    const char *reason = lks_conn_reason(conn);
    const bool has_reason = reason[0] && reason != lks_reason_text(LKS_WHY_TRUNCATED);
    if (has_reason != (end != LKS_OK) || (unsigned int)status > UINT16_MAX)
        LKS_CHECK(false, "%s: \"%s\" (returned %#x)", lks_status_name(end), lks_conn_reason(conn),
                  (unsigned int)status);
    return status;
}

WRAP(enum lks_status, lks_conn_open, struct lks_conn *conn, const struct lks_span *in,
     uint32_t num_in, struct lks_batch *batch, size_t *taken, size_t *wanted)
{
    return check_conn(conn, __real_lks_conn_open(conn, in, num_in, batch, taken, wanted));
}

WRAP(enum lks_status, lks_conn_opened, struct lks_conn *conn, const struct lks_op *op,
     enum lks_event *event)
{
    return check_conn(conn, __real_lks_conn_opened(conn, op, event));
}

WRAP(enum lks_status, lks_conn_sealed, struct lks_conn *conn, const struct lks_op *op)
{
    return check_conn(conn, __real_lks_conn_sealed(conn, op));
}

WRAP(enum lks_status, lks_conn_pkey_done, struct lks_conn *conn, struct lks_pkey_job *job,
     enum lks_event *event)
{
    return check_conn(conn, __real_lks_conn_pkey_done(conn, job, event));
}

/* lks_hs_job_done() also says LKS_BAD_ARGUMENT, which ends nothing. */
static enum lks_status check_hs(const struct lks_hs *hs, enum lks_status status)
{
    const bool has_reason = lks_hs_reason(hs) != LKS_WHY_NONE;
    if (has_reason != lks_status_is_fatal(status) && status != LKS_BAD_ARGUMENT)
        LKS_CHECK(false, "%s (%#x): \"%s\"", lks_status_name(status), (unsigned int)status,
                  lks_reason_text(lks_hs_reason(hs)));
    return status;
}

WRAP(enum lks_status, lks_hs_input, struct lks_hs *hs, const uint8_t *data, size_t len)
{
    return check_hs(hs, __real_lks_hs_input(hs, data, len));
}

WRAP(enum lks_status, lks_hs_job_done, struct lks_hs *hs, struct lks_pkey_job *job)
{
    return check_hs(hs, __real_lks_hs_job_done(hs, job));
}

WRAP(enum lks_status, lks_hs_change_cipher_spec, struct lks_hs *hs)
{
    return check_hs(hs, __real_lks_hs_change_cipher_spec(hs));
}
