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
 * the calls with const tell may be read on any thread, and lies in the question; lks_ask_conn(),
 * answering and freeing are for the connection's core.
 */
struct lks_ask;

/* The connection that waits for the answer; NULL: it was answered, or the connection is gone. */
LKS_API struct lks_conn *lks_ask_conn(const struct lks_ask *ask);

/* Frees a question. One that was not answered is so now, by lks_answer_failure(). NULL is allowed.
 */
LKS_API void lks_ask_free(struct lks_ask *ask);

/*
 * Answers, one a question. Within the callback an answer is kept until it returns: LKS_OK, and
 * LKS_EVENT_NONE. Later, the handshake goes on at once: *event and the result are as those of
 * lks_conn_opened(), and lks_conn_open() is to be asked again for what has come meanwhile. event
 * may be NULL. LKS_CLOSED: the connection was freed, closed or has failed meanwhile, and nothing
 * happens. LKS_BAD_ARGUMENT: NULL, answered already, or the answer to another kind of question.
 */

/* Any question: no. alert says with which alert the connection ends: LKS_ALERT_…, or LKS_INTERNAL
 * for what is no fault of the peer's, which is what a signer's failure always is. A session store's
 * no ends nothing: the handshake is a full one. LKS_BAD_ARGUMENT: no alert. */
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

/*
 * A ClientHello came, the first that this connection gets, and nothing was chosen yet: hello may
 * choose another configuration, for this connection alone, or refuse it. It is asked once: a second
 * hello (HelloRetryRequest) finds the configuration that was chosen for the first. What is resumed,
 * and which early data are taken, is decided as that configuration says, whose memory has to open
 * the tickets; so the same hello is to get the same configuration each time. A hello that answers
 * another connection's HelloRetryRequest is a first one here. Of a server; hello NULL: none.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_hello(struct lks_policy *policy,
                     void (*hello)(void *user, struct lks_conn *conn, struct lks_ask *ask),
                     void *user, struct lks_error *err);

/* What a client offers. It may grow at its end: the library alone makes one. */
struct lks_hello {
    const char *server_name; /* in lower case, without a dot at its end; "": none that a host has */
    const uint8_t *alpn;     /* protocols (RFC 7301), each behind a byte with its length */
    size_t alpn_len;
    const uint16_t *versions, *suites, *groups, *schemes; /* in the client's order, as they came */
    size_t num_versions, num_suites, num_groups, num_schemes;
    const uint8_t *message; /* all of it, behind the header of the handshake message */
    size_t message_len;
    char ja4[40]; /* FoxIO's fingerprint: "t13d1516h2_8daaf6152771_e5627efa2ab1" */
};

/* NULL of another kind of question. */
LKS_API const struct lks_hello *lks_ask_hello(const struct lks_ask *ask);

/* Go on with this configuration, of which a reference is taken; NULL: with the one that there is.
 * lks_answer_failure() refuses. LKS_BAD_CONFIG: it lacks what a server needs (lks_config_check()),
 * and LKS_UNSUPPORTED: a stream, and early data are on; the question is still open then. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_answer_hello(struct lks_ask *ask, struct lks_config *config, enum lks_event *event);

/* Who verifies a peer's certificates. */
enum lks_verify {
    LKS_VERIFY_AFTER,   /* the library, and if it finds nothing wrong the application, too */
    LKS_VERIFY_INSTEAD, /* the application alone, with all that there is to it: chain, names, times,
                           usage, OCSP. lks_policy_set_trust() and _set_ocsp() do nothing */
};

/*
 * The peer has shown its certificates, a server or a client; that it has the key, the handshake
 * shows afterwards, and nothing of the application's leaves or comes in before that. A resumed
 * connection shows none, and nobody is asked; so a client resumes only sessions of connections that
 * were verified in the same way, and as long as the answer said. A server's clients that have shown
 * a certificate resume nothing, and are asked for it each time. verify NULL: none.
 * LKS_BAD_ARGUMENT: no such way.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_verifier(struct lks_policy *policy, enum lks_verify how,
                        void (*verify)(void *user, struct lks_conn *conn, struct lks_ask *ask),
                        void *user, struct lks_error *err);

/* The n-th certificate in DER, 0 the peer's own: of the verified chain, whose last one is trusted,
 * or with LKS_VERIFY_INSTEAD as they came. NULL and 0: no more. */
LKS_API const uint8_t *lks_ask_peer_chain(const struct lks_ask *ask, uint32_t n, size_t *len);
/* A server's name or address that was asked for; "": none, a client. */
LKS_API const char *lks_ask_peer_name(const struct lks_ask *ask);
/* The OCSP response (RFC 6960) that came with it; NULL and 0: none. */
LKS_API const uint8_t *lks_ask_ocsp_response(const struct lks_ask *ask, size_t *len);

/* The peer is who it should be, and sessions of this connection may be resumed until until_ms (Unix
 * time in milliseconds, of the policy's clock), or where that is sooner until what the library has
 * verified ends, and seven days; 0: none is resumed, UINT64_MAX: nothing to add.
 * lks_answer_failure() says no: LKS_ALERT_BAD_CERTIFICATE, _CERTIFICATE_REVOKED, _UNKNOWN_CA,
 * _ACCESS_DENIED, … */
LKS_API LKS_MUST_CHECK enum lks_status lks_answer_peer(struct lks_ask *ask, uint64_t until_ms,
                                                       enum lks_event *event);

/*
 * Sessions that clients of TLS 1.2 without tickets take up by their ID, kept elsewhere in place of
 * the memory's own room for them: a store that several machines share, say. What is kept is sealed
 * with the memory's ticket keys (so machines that share sessions share these) and bound to its ID:
 * the store can read and change nothing, and what it gives that is damaged, of another ID or of
 * other keys is dropped, with remove, and the handshake is a full one, as it is without an answer
 * that has it. put and remove are told; get is a question. Of a server; get NULL: none.
 * LKS_BAD_ARGUMENT: one of the three is missing.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_memory_set_session_store(struct lks_memory *memory,
                             void (*get)(void *user, struct lks_conn *conn, struct lks_ask *ask),
                             void (*put)(void *user, const uint8_t *id, size_t id_len,
                                         const uint8_t *bytes, size_t len, uint64_t until_ms),
                             void (*remove)(void *user, const uint8_t *id, size_t id_len),
                             void *user, struct lks_error *err);

/* So many bytes has what put keeps, at most. */
#define LKS_STORED_MAX 4096u

/* The ID that is looked for; NULL and 0 of another kind of question. */
LKS_API const uint8_t *lks_ask_session_id(const struct lks_ask *ask, size_t *len);

/* What was put for that ID, copied; len 0: nothing is there. */
LKS_API LKS_MUST_CHECK enum lks_status lks_answer_session(struct lks_ask *ask, const uint8_t *bytes,
                                                          size_t len, enum lks_event *event);

/*
 * The time, Unix time in milliseconds, in place of the system's clock for all that connections do:
 * certificates and OCSP responses, tickets, sessions, cookies, early data. It may not go backwards
 * by more than clocks of two machines differ. It is called often: some ten times a handshake.
 * now_ms NULL: the system's, as are at any time those of identities, which look at it when they are
 * set, and of new ticket keys.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_set_clock(struct lks_policy *policy,
                                                            uint64_t (*now_ms)(void *user),
                                                            void *user, struct lks_error *err);

/* What is told of a connection, for logs and metrics. */
enum lks_traced {
    LKS_TRACED_ESTABLISHED,
    LKS_TRACED_FAILED,       /* status and reason say why */
    LKS_TRACED_CLOSED,       /* the peer's close_notify came */
    LKS_TRACED_OPEN_UPDATE,  /* the peer has a new key: num_updates of them so far, */
    LKS_TRACED_SEAL_UPDATE,  /* and we */
    LKS_TRACED_FREED,        /* the last one of each connection */
    LKS_TRACED_RETRIED,      /* a server's HelloRetryRequest, or a client's answer to one */
    LKS_TRACED_TICKETS_SENT, /* a server's, num_tickets of them; a client came with one: resumed */
    LKS_TRACED_SESSION_CAME, /* a client's: lks_conn_take_session() has it */
};

/* One row. It may grow at its end: the library alone makes one. */
struct lks_trace {
    enum lks_traced what;
    enum lks_role role;
    uint64_t time_ms; /* by the policy's clock */
    enum lks_status status;
    const char *reason;             /* lks_conn_reason() */
    uint16_t version, suite, group; /* as in struct lks_conn_info; 0: not agreed on */
    uint8_t sent_alert, peer_alert; /* AlertDescription; 0xff: none, or not yet */
    bool resumed, early_data, hello_retried;
    uint32_t num_updates;
    struct lks_conn_counts counts;
    uint32_t num_tickets;
};

/* Where a connection succeeds, fails or changes. The rule above holds; to free or close it there is
 * told by the connection's next call. trace NULL: none. */
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_set_trace(
    struct lks_policy *policy,
    void (*trace)(void *user, const struct lks_conn *conn, const struct lks_trace *row), void *user,
    struct lks_error *err);

#ifdef __cplusplus
}
#endif
#endif
