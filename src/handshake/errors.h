/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_ERRORS_H
#define LKS_HANDSHAKE_ERRORS_H

/*
 * libcrypto queues errors by thread, and the queue is the application's, too: ours are told as
 * statuses and leave nothing in it. LKS_OWN_ERRORS stands first in what is called from outside, and
 * (the queue holds sixteen, so the oldest would be lost) in what may fail many times over: from
 * there to the end of the block whatever is queued goes again.
 */

#include <openssl/err.h>

static inline void lks_errors_forget(const int *mark)
{
    (void)mark;
    ERR_pop_to_mark(); /* without a mark the queue was empty, and is again */
}

#define LKS_OWN_ERRORS \
    __attribute__((cleanup(lks_errors_forget), unused)) const int own_errors = ERR_set_mark()

#endif
