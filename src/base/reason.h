/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_BASE_REASON_H
#define LKS_BASE_REASON_H

/*
 * Why, in words. An alert has many causes, and who looks for one wants that. So where a peer is
 * refused the status that goes up carries the number of a sentence in its upper half, through
 * whatever is between, jobs on other threads included; the connection (or, for its callers, the
 * handshake) takes the two apart and keeps both. An application sees bare statuses only.
 */

#include <lockstep/status.h>

enum lks_reason {
    LKS_WHY_NONE,
#define REASON(name, text) LKS_WHY_##name,
#include "base/reasons.h"
#undef REASON
    LKS_NUM_REASONS,
};

#define LKS_STATUS_BITS 16u

static inline enum lks_status lks_because(enum lks_status status, enum lks_reason reason)
{
    return (enum lks_status)((unsigned int)status | (unsigned int)reason << LKS_STATUS_BITS);
}

/* The two apart. */
static inline enum lks_status lks_bare(enum lks_status status)
{
    return (enum lks_status)((unsigned int)status & ((1u << LKS_STATUS_BITS) - 1));
}

/* What a status says that came without a reason: enough where it has one cause only. */
enum lks_reason lks_reason_of(enum lks_status status);

/* The sentence; "" for LKS_WHY_NONE. Static. */
const char *lks_reason_text(enum lks_reason reason);
/* The same of the alert that a peer has sent. */
const char *lks_reason_of_peer_alert(uint8_t description);

#endif
