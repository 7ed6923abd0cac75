/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_ERRORS_H
#define LKS_HANDSHAKE_ERRORS_H

/*
 * libcrypto queues errors by thread, and the queue is the application's, too: ours are told as
 * statuses and leave nothing in it. LKS_OWN_ERRORS stands first in what is called from outside, and
 * (the queue holds sixteen, so the oldest would be lost) in what may fail many times over: from
 * there to the end of the block whatever is queued goes again.
 */

#include <lockstep/status.h>
#include <openssl/err.h>
#include <stdbool.h>

#include "base/reason.h"

static inline void lks_errors_forget(const int *mark)
{
    (void)mark;
    ERR_pop_to_mark(); /* without a mark the queue was empty, and is again */
}

#define LKS_OWN_ERRORS \
    __attribute__((cleanup(lks_errors_forget), unused)) const int own_errors = ERR_set_mark()

/*
 * A call into libcrypto that fails may do so for want of memory, which is then no fault of the
 * peer's, nor of ours. Mostly the queue tells. But some calls keep it to themselves (a key that is
 * decoded, an extension that is looked at, a signature's context): so what fails without a word is
 * tried once more, from its first allocation on, and is a verdict only if it fails again, and in
 * the same way.
 */

/* The status in truth: LKS_NO_MEMORY where libcrypto has found none since LKS_OWN_ERRORS, or there
 * is none now. */
LKS_MUST_CHECK enum lks_status lks_errors_cause(enum lks_status status);

/* Whether to try again. */
static inline bool lks_errors_doubt(enum lks_status status)
{
    return status == LKS_INTERNAL || lks_bare(status) >= LKS_ALERT_BASE;
}

/* What a second try, of something that failed at first, comes to. */
static inline enum lks_status lks_errors_settle(enum lks_status first, enum lks_status second)
{
    return lks_errors_doubt(second) && second != first ? LKS_NO_MEMORY : second;
}

#endif
