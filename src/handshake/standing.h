/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_STANDING_H
#define LKS_HANDSHAKE_STANDING_H

/* What the sessions of a handshake stand on, and whether that is still there: session.h. */

#include "handshake/core.h"

/* A handshake in full: its sessions stand on that, until then and for seven days at most. */
void lks_standing_set(struct lks_hs *hs, const uint8_t basis[32], uint64_t until_ms);

/* A client's: the server's chain, that was verified, here or by the application. */
LKS_MUST_CHECK enum lks_status lks_standing_on_peer(struct lks_hs *hs);

/* The server's own certificate, as it is shown to this client. */
void lks_standing_on_certificate(struct lks_hs *hs);

/* A handshake that resumes a session inherits. */
void lks_standing_inherit(struct lks_hs *hs, const struct lks_session *session);

/* Whether a session may be resumed: its time is not over, and in full we would come to the same. A
 * server has chosen its certificate for that, hs->certificate. */
bool lks_standing_holds(const struct lks_hs *hs, const struct lks_session *session,
                        uint64_t now_ms);

/* The part of a session that does not depend on the version; the peer's name is the server's,
 * whoever asks. False: a name is too long, or libcrypto failed. */
bool lks_standing_describe(const struct lks_hs *hs, struct lks_session *session);

#endif
