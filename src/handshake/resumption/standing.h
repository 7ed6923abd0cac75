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

/* The client has shown hs->peer, which was verified: what is made of this handshake ends with that,
 * and says so much of it as the policy wants; nothing where the application
 * verifies, which is to be asked each time. */
LKS_MUST_CHECK enum lks_status lks_standing_on_client(struct lks_hs *hs);
void lks_standing_forget_client(struct lks_hs *hs);

/* A handshake that resumes a session inherits. */
LKS_MUST_CHECK enum lks_status lks_standing_inherit(struct lks_hs *hs,
                                                    const struct lks_session *session);
/* The same of the client alone. */
LKS_MUST_CHECK enum lks_status lks_standing_inherit_client(struct lks_hs *hs,
                                                           struct lks_reader shown);

/* Whether a session may be resumed: its time is not over, and in full we would come to the same. A
 * server has chosen its certificate for that, hs->certificate. */
bool lks_standing_holds(const struct lks_hs *hs, const struct lks_session *session,
                        uint64_t now_ms);

/* Digest of how peers have to show who they are: a server's clients, of whom it trusts, and of the
 * CRLs that cannot be looked at again; a client's servers, of the CRLs alone. Zeros where there is
 * nothing of that. A session is taken only where it is the same. */
LKS_MUST_CHECK bool lks_standing_auth(const struct lks_hs *hs, uint8_t auth[32]);
/* And whether what a client has shown then is enough now; empty: nothing. */
bool lks_standing_admits(const struct lks_hs *hs, struct lks_reader shown);

/* Whether a session may be made of this handshake, which is done. */
bool lks_standing_is_kept(const struct lks_hs *hs);

/* The part of a session that does not depend on the version; the peer's name is the server's,
 * whoever asks. LKS_INTERNAL: a name is too long. LKS_NO_MEMORY: libcrypto's digests fail for want
 * of it only, and do not always say so. */
LKS_MUST_CHECK enum lks_status lks_standing_describe(const struct lks_hs *hs,
                                                     struct lks_session *session);

#endif
