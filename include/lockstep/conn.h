/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_CONN_H
#define LOCKSTEP_CONN_H

/*
 * One TLS connection without I/O. It turns bytes from the peer into ops for an open batch, and what
 * is to be sent into ops for a seal batch; the caller runs both batches, each shared by all of its
 * connections, through lks_engine_process():
 *
 *     for each connection with input:   lks_conn_open(conn, bytes, &open_batch)
 *     lks_engine_process(engine, open_batch.ops, open_batch.num_ops)
 *     for each op:                      lks_conn_opened(op.user, op, &event)
 *     for each connection with output:  lks_conn_seal_own(...) and lks_conn_seal(...)
 *     lks_engine_process(engine, seal_batch.ops, seal_batch.num_ops)
 *     for each op:                      lks_conn_sealed(op.user, op)
 *
 * From an op to one's own data: lks_op_user(). A connection belongs to one core. From
 * lks_conn_open() to the last lks_conn_opened() of that batch its ops are under way (and likewise
 * for sealing):
 *
 * - They are in one open batch and one seal batch at a time: another one is refused with
 *   LKS_BAD_ARGUMENT until all have come back.
 * - Each comes back once, and a connection's ops in the order of the batch. One that is missing is
 *   noticed when the next one comes, or when ops are to go into a batch where it is not. Behind a
 *   KeyUpdate that is missing nothing can be sealed (lks_conn_can_seal() is false,
 *   lks_conn_own_len() 0), under the old key or the next: lks_conn_seal_own() says
 *   LKS_BAD_ARGUMENT.
 * - They begin as LKS_NOT_RUN. One that comes back so was never done, and what it should have
 *   sealed is in the clear: don't send it.
 * - An op that breaks these rules, or another connection's, ends the connection: lks_conn_opened()
 *   and lks_conn_sealed() return LKS_BAD_ARGUMENT, or LKS_NOT_RUN.
 * - Queueing (lks_conn_close(), lks_conn_update_key()) is allowed meanwhile, exporting keys is not.
 * - They name the connection's keys: before it is freed they have come back, or their batch was
 *   emptied without being run.
 */

#include <stdbool.h>

#include <lockstep/config.h>
#include <lockstep/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Ops on their way to the engine, with the spans that they name. The caller owns the arrays and
 * empties the batch (lks_batch_reset) after each burst. */
struct lks_batch {
    struct lks_op *ops;
    struct lks_span *spans;
    uint32_t num_ops, max_ops;
    uint32_t num_spans, max_spans;
};

/* Empties a batch; its arrays stay. */
static inline void lks_batch_reset(struct lks_batch *batch)
{
    batch->num_ops = 0;
    batch->num_spans = 0;
}

struct lks_conn;

/* What differs between connections of one configuration. Zero-initialise it; strings are copied. */
struct lks_conn_options {
    /* A client's: the DNS name or IP address of the server, which its certificate must be for. A
     * name, not an address, is also sent (SNI, RFC 6066 section 3). Names are compared and sent in
     * lower case, without the one dot that may stand at their end; others than ASCII come as
     * A-labels (xn--…). An address is "192.0.2.1" or "2001:db8::1": no brackets, zone or port.
     * NULL: a certificate is then for nobody, and every one is refused with bad_certificate; that
     * is for clients whose servers all have external keys (lks_identities_add_psk()). */
    const char *server_name;
    /* A client's: a session of an earlier connection to that name, from lks_conn_take_session();
     * NULL: none. One that has expired, is for another name or makes no sense is not offered, nor
     * one that stands on a certificate that has ended or on a CA that is no longer trusted, that
     * was made without an OCSP response which lks_policy_set_ocsp() now asks for, or with a server
     * that asked for our certificate when others were configured
     * (lks_identities_add_certificate()). Without it the handshake is a full one, as it is if the
     * server will not have it. */
    const uint8_t *session;
    size_t session_len;
    /* A client's: offers to send early data (0-RTT), if the session allows any. lks_conn_can_seal()
     * is then true as soon as the hello was fetched (lks_conn_seal_own(), whose batch may have
     * them, too), for as many bytes as the server takes and until its answer has come. struct
     * lks_conn_info says whether they were taken; if not, they are lost and have to be sent again.
     * They can be replayed, and are not forward secret: see lks_policy_set_early_data(). */
    bool early_data;
};

/* So many bytes hold any session. */
#define LKS_SESSION_MAX 5120u

/* Makes a connection (this allocates, as does the handshake; an established connection does not).
 * options may be NULL. A client has its first bytes to send at once. LKS_BAD_CONFIG where the
 * configuration lacks what the role needs: lks_config_check() tells. LKS_BAD_ARGUMENT: no
 * configuration, a role that is none, or a name that is neither an address nor a host's: labels of
 * 1 to 63 letters, digits, '-' and '_', 253 bytes at most, the last label not a number. */
LKS_API LKS_MUST_CHECK enum lks_status lks_conn_new(struct lks_conn **out,
                                                    struct lks_config *config, enum lks_role role,
                                                    const struct lks_conn_options *options);

/* Frees a connection and wipes its keys; not from within one of its callbacks
 * (<lockstep/callbacks.h>). NULL is allowed. Says nothing to the peer: see lks_conn_close(). */
LKS_API void lks_conn_free(struct lks_conn *conn);

/* A pointer of the application's, NULL until it is set; the library only keeps it. NULL for a
 * connection does nothing, or is NULL. lks_op_user(): the pointer of the connection whose op it is,
 * as lks_conn_open(), lks_conn_seal() and lks_conn_seal_own() make them; not for other ops, unless
 * their user is NULL. */
LKS_API void lks_conn_set_user(struct lks_conn *conn, void *user);
LKS_API void *lks_conn_user(const struct lks_conn *conn);
LKS_API void *lks_op_user(const struct lks_op *op);

/*
 * Takes complete records from the front of the peer's bytes and adds an op for each to the batch,
 * with op.user = conn. The bytes must stay where they are, and be writable, until the batch is
 * done. The spans array itself is copied.
 *
 * *taken: how many bytes from the front the connection has dealt with or put into ops. Records
 * whose op comes back LKS_DEFERRED are not taken after all: see lks_conn_opened(). Returns LKS_OK
 * (more may follow at once), LKS_WANT_DATA (the rest is no whole record yet; *wanted, if not NULL,
 * is how many bytes from the front of the untaken rest make asking again worthwhile), LKS_WANT_ROOM
 * (the batch is full, or an earlier record must be looked at first: ask again after this batch),
 * LKS_WANT_PKEY (a public-key job must come back first: see lks_conn_pkey_done()), LKS_WANT_ANSWER
 * (a question of a callback's waits, <lockstep/callbacks.h>),
 * LKS_CLOSED (input after close_notify, or in a handshake that lks_conn_close() gave up, is
 * ignored, all of it is taken), LKS_NO_ROOM (a record lies in more spans than the whole batch has:
 * join some of them and ask again), or the error that ended the connection: send what
 * lks_conn_own_len() has (the alert), then drop it.
 *
 * While a handshake runs a batch gets one record of a connection; afterwards as many as there are.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_conn_open(struct lks_conn *conn,
                                                     const struct lks_span *in, uint32_t num_in,
                                                     struct lks_batch *batch, size_t *taken,
                                                     size_t *wanted);

/* What a record that was opened means to the caller: lks_conn_opened() tells. */
enum lks_event {
    LKS_EVENT_NONE, /* the record was for the connection itself: drop its bytes */
    LKS_EVENT_DATA, /* op->len bytes of application data, at lks_op_content_at() of the record */
    LKS_EVENT_ESTABLISHED, /* the handshake is done: both directions may carry data. Under TLS 1.3 a
                              server that refuses the client's certificate says so only later */
    LKS_EVENT_CLOSED,      /* close_notify: no more data will come; sending goes on. Before
                              LKS_EVENT_ESTABLISHED: there will be no connection, and anybody on the
                              path may have said so; in the clear lks_conn_open() may tell it alone,
                              by LKS_CLOSED */
    LKS_EVENT_DEFERRED,    /* this record was not opened: give its bytes to lks_conn_open() again */
    LKS_EVENT_PKEY,        /* public-key work waits: lks_conn_take_pkey_job() */
    LKS_EVENT_EARLY_DATA,  /* as LKS_EVENT_DATA, but 0-RTT data, before the handshake is done: only
                              where lks_policy_set_early_data() allows it */
    LKS_EVENT_SESSION,     /* a client: the server sent a ticket, see lks_conn_take_session(); not
                              under TLS 1.2, where a session is there once established, or never */
};

/* Acts on an op of lks_conn_open() after the engine ran; once, in the order of the batch. On
 * anything but LKS_OK the connection has failed: as for lks_conn_open(). */
LKS_API LKS_MUST_CHECK enum lks_status
lks_conn_opened(struct lks_conn *conn, const struct lks_op *op, enum lks_event *event);

/*
 * Public-key work of a handshake (a signature, a key agreement) that the caller runs, if the
 * configuration says so (lks_policy_set_deferred_pkey()): on another thread, say, while the core
 * goes on with other connections. The job has all that it needs; running it touches neither the
 * connection nor the configuration. A handshake has one at a time and takes no input until it is
 * back: lks_conn_open() returns LKS_WANT_PKEY. What it has to send may be sealed meanwhile.
 */
struct lks_pkey_job;

/* The connection's job, which is the caller's from now on; NULL where there is none, or it was
 * taken before. The connection may be freed while the job is out. */
LKS_API struct lks_pkey_job *lks_conn_take_pkey_job(struct lks_conn *conn);

/* Does the work. On any thread. */
LKS_API void lks_pkey_job_run(struct lks_pkey_job *job);

/* Gives a job back to the connection that it came from, and frees it; one that did not run runs
 * now. The handshake goes on: *event and the result are as those of lks_conn_opened(). Then ask
 * lks_conn_open() again for what has come meanwhile. LKS_BAD_ARGUMENT: not this connection's job
 * (it is freed all the same; the connection waits on). */
LKS_API LKS_MUST_CHECK enum lks_status
lks_conn_pkey_done(struct lks_conn *conn, struct lks_pkey_job *job, enum lks_event *event);

/* Frees a job whose connection is gone. NULL is allowed. */
LKS_API void lks_pkey_job_free(struct lks_pkey_job *job);

/* So many handshake records the connection wants to send in one go, at most. An empty batch with
 * that many ops always has room for them (and for an alert and a KeyUpdate without them). */
#define LKS_OWN_RECORDS_MAX 8u

/* Bytes of the records that the connection itself wants to send now (handshake, alerts, KeyUpdate):
 * room for all of them. 0: nothing. There may be more behind them (a peer that takes small records
 * only, RFC 8449, gets a handshake in many): ask again after lks_conn_seal_own(). */
LKS_API size_t lks_conn_own_len(const struct lks_conn *conn);

/* Adds ops for all that lks_conn_own_len() counts to the batch; the records go one after the other
 * into dst, exactly lks_conn_own_len() bytes. Nothing was added on LKS_WANT_ROOM (the batch has too
 * few ops or spans left), LKS_NO_ROOM (dst is too short) and LKS_BAD_ARGUMENT (ops are under way
 * elsewhere, as said above). */
LKS_API LKS_MUST_CHECK enum lks_status lks_conn_seal_own(struct lks_conn *conn,
                                                         const struct lks_span *dst,
                                                         uint32_t num_dst, struct lks_batch *batch);

/* How many bytes of early data a client may still send now (lks_conn_options.early_data): 0 also
 * before there is a hello to send them behind, and once the server's answer has come. */
LKS_API uint32_t lks_conn_early_data_left(const struct lks_conn *conn);

/*
 * Lets a server of TLS 1.3 send application data before the client's Finished has come, half a
 * round trip earlier: lks_conn_can_seal() is true once its own handshake records were fetched
 * (lks_conn_seal_own(), whose batch may have them, too). They are for whoever sent the ClientHello,
 * which may be a replay of another one's where early data are allowed: an answer to early data, or
 * what everybody gets. Under TLS 1.2 it does nothing. LKS_UNSUPPORTED: the configuration asks for
 * client certificates, and nothing is said to a client that has not shown its own.
 * LKS_BAD_ARGUMENT: NULL, a client, or one that is established already.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_conn_allow_half_rtt(struct lks_conn *conn);

/* True where lks_conn_seal() would take application data now. */
LKS_API bool lks_conn_can_seal(const struct lks_conn *conn);

/*
 * Adds an op that seals len bytes of application data (all of src, at most lks_conn_record_max())
 * as one record into dst, lks_conn_record_len() bytes of it. In place as struct lks_op says.
 * Nothing was added on LKS_WANT_ROOM (the batch is full, own records go first, or it is early data
 * and more than the server takes), LKS_CLOSED (after lks_conn_close()), LKS_NO_ROOM (dst is too
 * short) and LKS_BAD_ARGUMENT (src is too long, or ops are under way elsewhere, as said above).
 *
 * 0 bytes make a record, too, and a legal one; but Java (17 and 21) ends its connection at the
 * first one, and others after some in a row. The connection never makes one by itself. To send
 * cover traffic, pad (lks_policy_set_padding()) records that have something in them.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_conn_seal(struct lks_conn *conn,
                                                     const struct lks_span *src, uint32_t num_src,
                                                     const struct lks_span *dst, uint32_t num_dst,
                                                     struct lks_batch *batch);

/* The most application data that a record may carry now: LKS_RECORD_PLAINTEXT_MAX, or less where
 * the peer has a limit (record_size_limit, RFC 8449). */
LKS_API size_t lks_conn_record_max(const struct lks_conn *conn);

/* Length of the record that carries len bytes of application data now. */
LKS_API size_t lks_conn_record_len(const struct lks_conn *conn, size_t len);

/* Acts on an op of the seal batch after the engine ran; once, in the order of the batch. On
 * anything but LKS_OK the connection has failed and nothing of this op may be sent. */
LKS_API LKS_MUST_CHECK enum lks_status lks_conn_sealed(struct lks_conn *conn,
                                                       const struct lks_op *op);

/*
 * Queues close_notify (once): the half-close of RFC 8446 section 6.1. Receiving goes on.
 *
 * Before our Finished is on its way this gives the handshake up, since that may not follow a
 * close_notify: the alert is all that is still sent, behind what lks_conn_own_len() counts already,
 * what comes is ignored (LKS_CLOSED), there is no LKS_EVENT_ESTABLISHED any more and no data; a
 * public-key job that is out may come back and is dropped. A TLS 1.3 server, and who resumes under
 * TLS 1.2, may close earlier than its peer's Finished: the handshake then gets done, and receiving
 * goes on.
 */
LKS_API void lks_conn_close(struct lks_conn *conn);

/* Queues a KeyUpdate (RFC 8446 section 4.6.3), asking the peer for one too if request_peer. The
 * connection does so by itself before a key's limit, and in answer to the peer. LKS_WANT_ROOM while
 * one is still queued or the handshake runs; LKS_CLOSED after lks_conn_close(). TLS 1.2 has
 * none: LKS_UNSUPPORTED, and before the limit of a key to seal (2^24 records of AES-GCM, 2^23 of
 * AES-CCM, less 2^16 in hand) the connection fails with LKS_SEQ_EXHAUSTED and queues a fatal
 * internal_error: what was sent is whole records of a stream that is cut, and the peer is told so.
 * What was sealed by then is good. Nothing is opened beyond that number either. */
LKS_API LKS_MUST_CHECK enum lks_status lks_conn_update_key(struct lks_conn *conn,
                                                           bool request_peer);

/*
 * A client's session, to be resumed by a later connection: struct lks_conn_options. Servers send
 * tickets when they like, mostly right after the handshake; the connection keeps the newest, if its
 * configuration says so (lks_policy_set_tickets()), and forgets it when it is taken; a
 * NewSessionTicket of more than 4 KiB is skipped. Use a session once, lest who watches can tell
 * that it is you again (RFC 8446 appendix C.4). The bytes are for this library only, and as secret
 * as the connections' keys. A resumed connection does not ask for the peer's certificate again; so
 * a session ends with the first of what was verified then, with the CA's place among those trusted
 * (lks_policy_set_trust()), and after seven days, and a session that was got by resuming is as old
 * as the first one. *len: how many bytes were written to buf (at most LKS_SESSION_MAX), or with
 * LKS_NO_ROOM how many it takes. LKS_WANT_DATA: there is none now.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_conn_take_session(struct lks_conn *conn, uint8_t *buf,
                                                             size_t cap, size_t *len);

/* Where the connection stands. lks_conn_status(): LKS_OK, or the error that has ended it; one may
 * come while records are sealed, TLS 1.2's key limit. */
LKS_API enum lks_status lks_conn_status(const struct lks_conn *conn);
/*
 * Why the connection has ended, for a log: one sentence without a full stop, static, the same each
 * time for the same cause ("the certificate … has expired"). The alert and lks_conn_status() leave
 * open which of its causes it was; this does not. It names nothing that a peer chose. "" where
 * nothing has failed, and for NULL.
 */
LKS_API const char *lks_conn_reason(const struct lks_conn *conn);
LKS_API bool lks_conn_is_established(const struct lks_conn *conn);
LKS_API bool lks_conn_close_sent(const struct lks_conn *conn); /* sealed, not only queued */
LKS_API bool lks_conn_close_received(const struct lks_conn *conn);

/* Ask when the transport has ended (TCP FIN or RST): true if the peer never said close_notify or
 * why it stopped, so that what came may have been cut short by somebody else (RFC 8446
 * section 6.1). A close_notify counts once the handshake is done: before that it is not known to be
 * the peer's, early data that came or not. lks_conn_close_received() tells of both. */
LKS_API bool lks_conn_truncated(const struct lks_conn *conn);

/* What was negotiated; empty strings and 0 before that. Static or the connection's storage. */
struct lks_conn_info {
    uint16_t version;   /* enum lks_version */
    uint16_t suite;     /* TLS cipher suite number */
    uint16_t group;     /* NamedGroup number */
    uint8_t peer_alert; /* AlertDescription the peer ended with; 0xff: none */
    bool hello_retried;
    bool resumed;      /* by a ticket of an earlier connection */
    bool external_psk; /* by a key of lks_identities_add_psk() */
    bool early_data;   /* offered by the client, and taken */
    const char *suite_name;
    const char *group_name;
    const char *alpn;
    char kernel[32]; /* "aes_128_gcm/aesni" */
};
LKS_API void lks_conn_get_info(const struct lks_conn *conn, struct lks_conn_info *info);

/*
 * The peer's certificate in DER, verified; and the SignedCertificateTimestampList that came with it
 * (RFC 6962 section 3.3), not verified. Ask when LKS_EVENT_ESTABLISHED is told: they are there
 * until the next lks_conn_open() with bytes, so that an idle connection does not keep them. NULL
 * and 0: none, as on a client's resumed connection, where no certificate is sent. A server that
 * resumes has its client's certificate from the session, where lks_policy_set_client_sessions()
 * puts it there.
 */
LKS_API const uint8_t *lks_conn_peer_certificate(const struct lks_conn *conn, size_t *len);
LKS_API const uint8_t *lks_conn_peer_scts(const struct lks_conn *conn, size_t *len);

/* The SHA-256 of that certificate; true: written. It is there on each connection whose client has
 * shown one, resumed or not, and for as long: with lks_policy_set_keep() until the connection is
 * freed. False: none, or NULL. */
LKS_API bool lks_conn_peer_digest(const struct lks_conn *conn, uint8_t digest[32]);

/*
 * Who the connection is with. While the handshake runs, and where it has failed, each says what is
 * known by then; once it is done, what lks_policy_set_keep() kept, until the connection is freed:
 * NULL, 0 or "" where that is nothing, as for NULL and for an imported connection. Chain and names
 * of a client are there behind a resumption, too, as lks_conn_peer_certificate() says; it is the
 * session that tells them, and a session is taken only while all of it is still good.
 */

/* The host that the client asked for, in lower case and without a dot at its end: of a server what
 * came by SNI (nothing that can be no host's name), of a client what lks_conn_options said. */
LKS_API const char *lks_conn_server_name(const struct lks_conn *conn);
/* The identity of the external pre-shared key in use (lks_identities_add_psk()); NULL and 0: none.
 */
LKS_API const uint8_t *lks_conn_psk_identity(const struct lks_conn *conn, size_t *len);
/* Our certificate, if it was shown, in DER. */
LKS_API const uint8_t *lks_conn_own_certificate(const struct lks_conn *conn, size_t *len);
/* The SignatureScheme (RFC 8446 section 4.2.3) with which that side has signed; 0: it has not. */
LKS_API uint16_t lks_conn_signature_scheme(const struct lks_conn *conn, enum lks_role signer);
/* The peer's chain as it was verified, each certificate in DER: n is 0 for its own, and the last
 * one is what is trusted. NULL and 0: no more. Only with LKS_KEEP_CHAIN, and not before the
 * handshake is done. */
LKS_API const uint8_t *lks_conn_peer_chain(const struct lks_conn *conn, uint32_t n, size_t *len);

/* The names in a certificate. */
enum lks_name_kind {
    LKS_NAME_SUBJECT, /* all of it, as RFC 4514 writes it: "CN=client 7,O=Example" */
    LKS_NAME_ISSUER,
    LKS_NAME_COMMON, /* a CN of the subject alone */
    LKS_NAME_DNS,    /* and of its alternative names */
    LKS_NAME_EMAIL,
    LKS_NAME_URI,
    LKS_NAME_ADDRESS, /* "192.0.2.1", "2001:db8:0:0:0:0:0:1" */
};
/* The n-th (from 0) name of a kind in the peer's certificate, verified; NULL: no more. All of it is
 * ASCII without control characters: in the first three others are escaped, of the rest a name with
 * such a byte is left out, as is what does not fit into 4 KiB with all before. Not before the
 * handshake is done. */
LKS_API const char *lks_conn_peer_name(const struct lks_conn *conn, enum lks_name_kind kind,
                                       uint32_t n);

/* The AlertDescription that we have sent, 0 for close_notify; 0xff: none. Of the peer's: struct
 * lks_conn_info. */
LKS_API uint8_t lks_conn_sent_alert(const struct lks_conn *conn);

/* Application data, early data among them, that went through the connection: records that were
 * opened or sealed, and bytes of content. An imported one counts from the import on. */
struct lks_conn_counts {
    uint64_t records_opened, bytes_opened;
    uint64_t records_sealed, bytes_sealed;
};
/* All 0 for NULL. */
LKS_API void lks_conn_get_counts(const struct lks_conn *conn, struct lks_conn_counts *counts);

/*
 * Keying material for another protocol, bound to this connection: RFC 8446 section 7.5, with the
 * interface of RFC 5705. Both sides get the same out_len bytes for the same label and context.
 * context NULL: none, which is the same as an empty one in TLS 1.3, and not in TLS 1.2.
 * LKS_WANT_ROOM: not established yet. LKS_UNSUPPORTED: an imported connection, or TLS 1.2 without
 * extended master secret (RFC 7627 section 5.4). LKS_BAD_ARGUMENT: a label of more than 249 bytes,
 * or more output than 255 hashes; under TLS 1.2 label and context of more than 900 bytes.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_conn_export_keying_material(const struct lks_conn *conn, uint8_t *out, size_t out_len,
                                const char *label, const uint8_t *context, size_t context_len);

/*
 * One direction of an established TLS 1.3 connection, to go on with elsewhere (another process, a
 * NIC, the kernel) or to decrypt a capture. Whoever has it can read and forge the connection: wipe
 * it after use.
 */
struct lks_traffic_keys {
    uint64_t seq;               /* of the next record */
    uint32_t num_updates;       /* KeyUpdates in this direction so far */
    uint16_t suite;             /* TLS cipher suite number */
    uint16_t record_size_limit; /* RFC 8449's for this direction, the content's type included; 0:
                                   none, which is 16385 */
    uint8_t key_len;            /* 16 or 32 */
    uint8_t secret_len;         /* 32 or 48 */
    uint8_t iv[12];
    uint8_t key[32];
    uint8_t secret[48]; /* application traffic secret, for KeyUpdates to come */
};

/* Copies out one direction's traffic keys. LKS_WANT_ROOM while the handshake runs, an op of either
 * direction is under way (a record that is about to be sent has the number that seq would say), a
 * record of the connection itself is queued, or a message has come in part: run the batches and ask
 * again. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_conn_export(const struct lks_conn *conn, enum lks_dir dir, struct lks_traffic_keys *out);

/* How many KeyUpdates there were in each direction: where a number has changed, exported keys are
 * no longer the ones in use. */
LKS_API void lks_conn_key_updates(const struct lks_conn *conn, uint32_t *open, uint32_t *seal);

/* Makes an established connection of exported keys (key and iv are derived anew from secret), once:
 * neither the connection that they came from nor another import may seal or open from the export
 * on, or two records would have one nonce. What lks_conn_get_info() says of group and ALPN is
 * empty. LKS_BAD_ARGUMENT: no configuration, no such role, unknown suite, two suites, secrets of
 * the wrong length, or a record_size_limit that is none (64 to 16385, or 0). */
LKS_API LKS_MUST_CHECK enum lks_status
lks_conn_import(struct lks_conn **out, struct lks_config *config, enum lks_role role,
                const struct lks_traffic_keys *open, const struct lks_traffic_keys *seal);

#ifdef __cplusplus
}
#endif
#endif
