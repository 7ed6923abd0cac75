/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_CALLBACKS_H
#define LOCKSTEP_CALLBACKS_H

/*
 * Where connections ask the application. Each callback is optional, is set in a policy or a memory
 * and frozen with it, and has its part's user pointer handed on, which has to live as long as
 * connections do that were made with the part. Connections of several cores call at once.
 *
 * One rule for all callbacks:
 *
 * - A callback comes from within a call of <lockstep/conn.h> or <lockstep/stream.h> (or one of the
 *   answers below), on the thread that made that call, on the connection's core. Until it returns
 *   nothing else of that core goes on; so it waits for nothing.
 * - Within it its connection may be asked what it knows (all calls that take it as const), may get
 *   another user pointer, and the question at hand may be answered. Every other call that would
 *   move the connection, or its stream, does nothing and returns LKS_INSIDE (or NULL).
 * - It is never freed or closed from within. lks_conn_free(), lks_stream_free() and
 *   lks_conn_close() do nothing then but to fail the call that the callback came from, and the
 *   connection, with LKS_INSIDE; whoever made that call frees the connection afterwards.
 * - Other connections, policies and the like are what they are outside; an engine is not to be run.
 *
 * A question (struct lks_ask) may be answered within its callback or at any time later: until then
 * the connection waits, takes no input (lks_conn_open() returns LKS_WANT_ANSWER), and what it has
 * to send may be sealed. It may be closed or freed while it waits.
 */

#include <lockstep/conn.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A question. From its callback on it is the application's, until it gives it to lks_ask_free(),
 * once, answered or not. It outlives its connection: an answer that comes too late says so. What
 * the calls with const tell may be read on any thread, and lies in the question; answering and
 * freeing are for the connection's core.
 */
struct lks_ask;

/* The connection that waits for the answer; NULL: it was answered, or the connection is gone. */
LKS_API struct lks_conn *lks_ask_conn(const struct lks_ask *ask);

/* Frees a question. One that was not answered is so now, by failure. NULL is allowed. */
LKS_API void lks_ask_free(struct lks_ask *ask);

/*
 * Answers, one a question. Within the callback an answer is kept until it returns: LKS_OK, and
 * LKS_EVENT_NONE. Later, the handshake goes on at once: *event and the result are as those of
 * lks_conn_opened(), and lks_conn_open() is to be asked again for what has come meanwhile. event
 * may be NULL. LKS_CLOSED: the connection was freed, closed or has failed meanwhile, and nothing
 * happens. LKS_BAD_ARGUMENT: NULL, answered already, or the answer to another kind of question.
 */

/* Any question: no. alert says with which alert the connection ends: LKS_ALERT_…, or LKS_INTERNAL
 * for what is no fault of the peer's, which is what a signer's failure always is.
 * LKS_BAD_ARGUMENT: no alert. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_answer_failure(struct lks_ask *ask, enum lks_status alert, enum lks_event *event);

/*
 * Signatures that are made elsewhere: in an HSM, by PKCS#11, by a server that holds the keys. sign
 * is asked for each signature of a certificate that was added without its key
 * (lks_identities_add_remote()): a server's and a client's, CertificateVerify of both versions and
 * TLS 1.2's ServerKeyExchange. Such a certificate does not serve TLS 1.2's RSA key exchange, for
 * which one decrypts. sign NULL: none, as without this call; a configuration that needs one is
 * LKS_BAD_CONFIG (lks_config_check()).
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_signer(struct lks_policy *policy,
                      void (*sign)(void *user, struct lks_conn *conn, struct lks_ask *ask),
                      void *user, struct lks_error *err);

/* What is to be signed: the bytes, not their hash, and the SignatureScheme (RFC 8446 section
 * 4.2.3), which says how they are hashed and padded; with TLS 1.2's client certificates the bytes
 * are the whole handshake so far, some KiB. key: as lks_identities_add_remote() was told.
 * certificate: the leaf in DER. NULL and 0 of another kind of question. */
LKS_API const uint8_t *lks_ask_content(const struct lks_ask *ask, size_t *len);
LKS_API uint16_t lks_ask_scheme(const struct lks_ask *ask);
LKS_API void *lks_ask_key(const struct lks_ask *ask);
LKS_API const uint8_t *lks_ask_certificate(const struct lks_ask *ask, size_t *len);

/* The signature as it stands in the message, copied: of ECDSA an ECDSA-Sig-Value in DER. It is
 * verified with the certificate before anything is sent; one that is wrong, in whatever way, ends
 * the connection with LKS_INTERNAL. */
LKS_API LKS_MUST_CHECK enum lks_status lks_answer_signature(struct lks_ask *ask, const uint8_t *sig,
                                                            size_t sig_len, enum lks_event *event);

#ifdef __cplusplus
}
#endif
#endif
