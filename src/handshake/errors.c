/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake/errors.h"

#include <openssl/crypto.h>

/*
 * What libcrypto complains of last is seldom the cause, which may lie anywhere behind the mark; and
 * only its state, deprecated but public, shows entries without taking the application's away.
 */
static bool found_no_memory(void)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    const ERR_STATE *state = ERR_get_state();
#pragma GCC diagnostic pop
    if (!state) /* there was none for that either */
        return true;
    for (int i = state->top; i != state->bottom && !state->err_marks[i];
         i = (i + ERR_NUM_ERRORS - 1) % ERR_NUM_ERRORS)
        if (ERR_GET_REASON(state->err_buffer[i]) == ERR_R_MALLOC_FAILURE)
            return true;
    return false;
}

static bool is_memory_gone(void)
{
    void *some = OPENSSL_malloc(64);
    OPENSSL_free(some);
    return !some;
}

enum lks_status lks_errors_cause(enum lks_status status)
{
    return lks_errors_doubt(status) && (found_no_memory() || is_memory_gone()) ? LKS_NO_MEMORY
                                                                               : status;
}
