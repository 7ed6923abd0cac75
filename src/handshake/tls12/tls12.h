/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_TLS12_H
#define LKS_HANDSHAKE_TLS12_H

/*
 * TLS 1.2's handshake, RFC 5246, inside struct lks_hs. It shares with TLS 1.3's the hellos, the
 * state table, certificates, signatures and groups.
 */

#include "handshake/client_hello.h"
#include "handshake/pkey.h"
#include "handshake/resumption/session.h"
#include "handshake/server_hello.h"
#include "handshake/suite.h"

struct lks_hs;
struct lks_incoming;

#define LKS_VERIFY_DATA_LEN 12u /* RFC 5246 section 7.4.9 */

/* A server's key exchange parameters as they are sent and signed: the prime, the generator and the
 * share, with their lengths, are the longest. */
#define LKS_KX_PARAMS_MAX (3u * 2u + 384u + 1u + 384u)

struct lks_tls12 {
    bool extended_master;    /* RFC 7627 is agreed on */
    bool encrypt_then_mac;   /* RFC 7366 is */
    bool resumed;            /* an earlier session is taken up */
    bool renegotiation_info; /* the client showed that it knows RFC 5746 */
    bool point_formats;      /* the client sent them */
    bool sends_ticket;       /* a NewSessionTicket comes in this handshake */
    bool sends_status;       /* a CertificateStatus may come */
    bool sends_sct;
    bool keeps_messages; /* a CertificateVerify may come, which signs them */
    uint8_t num_hello_requests;
    uint8_t session_id_len; /* a server's answer */
    uint8_t session_id[LKS_SESSION_ID_MAX];
    uint16_t client_version; /* of the ClientHello: RSA's pre-master secret has it */
    uint8_t server_random[32];
    uint8_t master[LKS_MASTER_LEN];
    struct lks_record_key open, seal; /* from the change_cipher_spec on */
    struct lks_group_key *key;        /* a server's, of the key exchange */
    size_t params_len;
    uint8_t params[LKS_KX_PARAMS_MAX]; /* a server's, to be signed; a client has the share alone */
    uint8_t *messages;                 /* all of them, up to CertificateVerify */
    size_t messages_len, messages_cap;
    uint8_t *ticket; /* a client's: that came */
    size_t ticket_len;
    uint32_t lifetime_s; /* of that, 0: not said */
    uint8_t *sct;        /* a client's: that came with ServerHello */
    size_t sct_len;
};

void lks_tls12_wipe(struct lks_tls12 *t);

/* messages.c: keeps a message for a CertificateVerify, if one may come. */
LKS_MUST_CHECK enum lks_status lks_tls12_keep_message(struct lks_tls12 *t, const uint8_t *message,
                                                      size_t len);
/* A client that shakes hands ignores a HelloRequest (RFC 5246 section 7.4.1.1), and forgets it:
 * LKS_OK where one began what came in, and was taken; unexpected_message where it did not. */
LKS_MUST_CHECK enum lks_status lks_tls12_skip_hello_request(struct lks_hs *hs,
                                                            struct lks_reader in);

/* secrets.c: PRF(secret, label, seed) of RFC 5246 section 5 with the suite's hash.
 * LKS_BAD_ARGUMENT: label and seed are longer than LKS_PRF_SEED_MAX. */
#define LKS_PRF_SEED_MAX 1024u
LKS_MUST_CHECK enum lks_status lks_tls12_prf(const struct lks_suite *suite, const uint8_t *secret,
                                             size_t secret_len, const char *label,
                                             struct lks_reader seed, uint8_t *out, size_t out_len);
/* The master secret from a pre-master secret; ClientKeyExchange is in the transcript. */
LKS_MUST_CHECK enum lks_status lks_tls12_master(struct lks_hs *hs, const uint8_t *premaster,
                                                size_t premaster_len);
/* The keys of both directions from the master secret. */
LKS_MUST_CHECK enum lks_status lks_tls12_keys(struct lks_hs *hs);
/* verify_data of a role's Finished, for the messages so far. */
LKS_MUST_CHECK enum lks_status lks_tls12_verify_data(const struct lks_hs *hs, enum lks_role role,
                                                     uint8_t out[LKS_VERIFY_DATA_LEN]);

/* hello.c: ServerHello. */
LKS_MUST_CHECK enum lks_status lks_tls12_server_hello_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_tls12_server_hello_read(struct lks_hs *hs,
                                                           const struct lks_server_hello *hello);
/* What a ClientHello has for TLS 1.2 only. */
void lks_tls12_client_extensions_write(struct lks_hs *hs);
/* Whether what a ClientHello says for TLS 1.2 can be answered at all. */
LKS_MUST_CHECK enum lks_status lks_tls12_client_hello_check(struct lks_hs *hs,
                                                            const struct lks_client_hello *hello);

/* key_exchange.c. */
const struct lks_group *lks_tls12_choose_group(const struct lks_config *config,
                                               const struct lks_client_hello *hello,
                                               enum lks_key_exchange kx);
/* Makes the server's key and starts the job that signs it; _write() writes the message when that is
 * done. */
LKS_MUST_CHECK enum lks_status lks_server_key_exchange_sign(
    struct lks_hs *hs, enum lks_status (*resume)(struct lks_hs *hs, struct lks_pkey_job *job));
LKS_MUST_CHECK enum lks_status lks_server_key_exchange_write(struct lks_hs *hs,
                                                             const struct lks_pkey_job *job);
/* Reads and verifies it; the server's share stays in params for the job to come. */
LKS_MUST_CHECK enum lks_status lks_server_key_exchange_read(struct lks_hs *hs,
                                                            struct lks_reader body);
/* The client's half: starts the job; _write() writes what it made, and sets the master secret. */
LKS_MUST_CHECK enum lks_status lks_client_key_exchange_start(
    struct lks_hs *hs, enum lks_status (*resume)(struct lks_hs *hs, struct lks_pkey_job *job));
LKS_MUST_CHECK enum lks_status lks_client_key_exchange_write(struct lks_hs *hs,
                                                             const struct lks_pkey_job *job);
/* Reads it and starts the job; resume has _finish() set the master secret. */
LKS_MUST_CHECK enum lks_status lks_client_key_exchange_read(
    struct lks_hs *hs, struct lks_reader body,
    enum lks_status (*resume)(struct lks_hs *hs, struct lks_pkey_job *job));
LKS_MUST_CHECK enum lks_status lks_client_key_exchange_finish(struct lks_hs *hs,
                                                              const struct lks_pkey_job *job);

/* certificate.c. */
LKS_MUST_CHECK enum lks_status lks_tls12_certificate_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_tls12_certificate_read(struct lks_hs *hs,
                                                          struct lks_reader body);
LKS_MUST_CHECK enum lks_status lks_certificate_status_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_certificate_status_read(struct lks_hs *hs,
                                                           struct lks_reader body);
LKS_MUST_CHECK enum lks_status lks_tls12_certificate_request_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_tls12_certificate_request_read(struct lks_hs *hs,
                                                                  struct lks_reader body);
LKS_MUST_CHECK enum lks_status lks_tls12_certificate_verify_read(struct lks_hs *hs,
                                                                 struct lks_reader body);
LKS_MUST_CHECK enum lks_status lks_tls12_certificate_verify_sign(
    struct lks_hs *hs, enum lks_status (*resume)(struct lks_hs *hs, struct lks_pkey_job *job));

/* session.c. A server's: takes up what a hello offers, or nothing (hs->tls12.resumed tells);
 * and keeps the session that it has just made, in a ticket or its cache. */
LKS_MUST_CHECK enum lks_status lks_tls12_resume(struct lks_hs *hs,
                                                const struct lks_client_hello *hello);
LKS_MUST_CHECK enum lks_status lks_tls12_begin_session(struct lks_hs *hs,
                                                       const struct lks_client_hello *hello);
LKS_MUST_CHECK enum lks_status lks_tls12_ticket_write(struct lks_hs *hs);
void lks_tls12_cache_session(struct lks_hs *hs);
/* A client's. */
LKS_MUST_CHECK enum lks_status lks_tls12_ticket_read(struct lks_hs *hs, struct lks_reader body);
bool lks_tls12_has_session(const struct lks_hs *hs);
/* The ClientHello's session_id, if a session is offered: its own, or one to know by that the
 * ticket was taken. */
LKS_MUST_CHECK enum lks_status lks_tls12_set_session_id(struct lks_hs *hs);

/* What ends a flight: change_cipher_spec and Finished under the new key. */
LKS_MUST_CHECK enum lks_status lks_tls12_finished_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_tls12_finished_verify(struct lks_hs *hs, struct lks_reader body);

/* server.c: goes on where a ClientHello chose TLS 1.2. */
LKS_MUST_CHECK enum lks_status lks_tls12_server_client_hello(struct lks_hs *hs,
                                                             const struct lks_client_hello *hello,
                                                             const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_tls12_server_certificate(struct lks_hs *hs,
                                                            const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_tls12_server_client_key_exchange(struct lks_hs *hs,
                                                                    const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_tls12_server_certificate_verify(struct lks_hs *hs,
                                                                   const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_tls12_server_finished(struct lks_hs *hs,
                                                         const struct lks_incoming *in);

/* client.c: goes on where a ServerHello chose TLS 1.2. */
LKS_MUST_CHECK enum lks_status lks_tls12_client_server_hello(struct lks_hs *hs,
                                                             const struct lks_server_hello *hello,
                                                             const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_tls12_client_certificate(struct lks_hs *hs,
                                                            const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_tls12_client_certificate_status(struct lks_hs *hs,
                                                                   const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_tls12_client_server_key_exchange(struct lks_hs *hs,
                                                                    const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_tls12_client_certificate_request(struct lks_hs *hs,
                                                                    const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_tls12_client_server_hello_done(struct lks_hs *hs,
                                                                  const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_tls12_client_new_session_ticket(struct lks_hs *hs,
                                                                   const struct lks_incoming *in);
LKS_MUST_CHECK enum lks_status lks_tls12_client_finished(struct lks_hs *hs,
                                                         const struct lks_incoming *in);

#endif
