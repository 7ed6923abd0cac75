/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_CONFIG_H
#define LOCKSTEP_CONFIG_H

/*
 * What the connections of one listener have in common. Build it, then share it read-only between
 * any number of connections and cores: nothing in it changes after the first lks_conn_new(), but
 * for ticket keys. Calls with an err, which may not be NULL, fill it when they return
 * LKS_BAD_CONFIG: one line that names the file or the word at fault and what would do.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lks_config;

/* An empty configuration: every AEAD suite that is on by default, every group and signature; no
 * certificate, no ALPN, no key log. References are counted: lks_config_free() gives up the
 * caller's, and each connection holds one of its own. */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_new(struct lks_config **out);
LKS_API void lks_config_free(struct lks_config *config);

/*
 * Adds a certificate chain and its private key, both PEM files: leaf first, then intermediates. The
 * key may be ECDSA P-256, P-384 or P-521, Ed25519, or RSA (also RSASSA-PSS) of at least 2048 bits.
 * A server chooses by the client's SNI among the leaves' DNS names (exact, then wildcard; whatever
 * the case, and with or without a dot at the end) and its signature algorithms; the first one added
 * is what a client without SNI, or with an unknown name, gets. A leaf whose key usage forbids
 * signatures serves TLS 1.2's RSA key exchange only; a chain signed with SHA-1 only clients that
 * list it, for names that no other certificate has. LKS_BAD_CONFIG: missing, unreadable or empty
 * file, an encrypted key, a key that cannot sign (an
 * RSASSA-PSS one whose parameters suit no scheme, too) or has its curve's parameters in place of
 * its name, a leaf that is not X.509v3, a malformed extension or one twice, a TRUSTED CERTIFICATE,
 * or a key that does not belong to the leaf; *err says which. See lks_config_warning().
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_add_certificate(struct lks_config *config,
                                                                  const char *cert_file,
                                                                  const char *key_file,
                                                                  struct lks_error *err);

/*
 * A stapled OCSP response for the certificate that was added last: a file with an OCSPResponse in
 * DER (RFC 6960), sent to peers that ask (RFC 8446 section 4.4.2.1) until its nextUpdate and no
 * longer: lks_config_warning() tells. NULL: none any more. A newer response goes into a new
 * configuration for the connections to come.
 * LKS_BAD_CONFIG: unreadable, no successful response, one about another certificate, that says
 * revoked or unknown, that has no nextUpdate or ended then, or that is of the future; *err says
 * which.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_ocsp_response(struct lks_config *config, const char *file, struct lks_error *err);

/*
 * What is wrong with a configuration that can be used all the same: a certificate that has ended or
 * is not valid yet, one that names no host, an OCSP response that has ended. Writes the n-th (from
 * 0) such line, which names the file and the remedy; false: there is none. It is the clock that
 * makes some of them, so ask when the configuration is made, and again as often as it matters; from
 * any core.
 */
LKS_API bool lks_config_warning(const struct lks_config *config, uint32_t n,
                                struct lks_error *warning);

/* Signed certificate timestamps for the certificate that was added last: a file with a
 * SignedCertificateTimestampList (RFC 6962 section 3.3), passed on to peers that ask. NULL: none.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_set_sct(struct lks_config *config,
                                                          const char *file, struct lks_error *err);

/*
 * Certificate compression (RFC 8879): algorithms in order of preference, separated by commas, of
 * "brotli,zstd,zlib"; "all": what the library was built with, none included. Ours are compressed
 * once, by the call; the peer's may come compressed where we offer it. Off unless called.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_certificate_compression(struct lks_config *config, const char *algorithms,
                                       struct lks_error *err);

/* Whether a client asks for a stapled OCSP response. Off unless called. */
enum lks_ocsp {
    LKS_OCSP_OFF,
    LKS_OCSP_CHECKED, /* one that comes must be good; it may be missing, unless the certificate says
                         that it must not (RFC 7633) */
    LKS_OCSP_REQUIRED, /* bad_certificate_status_response without a good one */
};
LKS_API void lks_config_set_ocsp(struct lks_config *config, enum lks_ocsp ocsp);

/* Whether a client asks for signed certificate timestamps; lks_conn_peer_scts() has what came. Off
 * unless called. */
LKS_API void lks_config_set_sct_wanted(struct lks_config *config, bool wanted);

/*
 * Whether a server insists on server_name (SNI): a client that names no host of its certificates is
 * told unrecognized_name (RFC 6066 section 3), one that names none missing_extension (RFC 8446
 * section 9.2) or, under TLS 1.2, handshake_failure. Off unless called: then the first certificate
 * that the client can use stands in.
 */
LKS_API void lks_config_set_sni_required(struct lks_config *config, bool required);

/* Whether a server asks its clients for a certificate, to be verified against what
 * lks_config_set_trust() says. Off unless called. A server that asks resumes nothing and sends no
 * tickets: who the client is would not be shown again. */
enum lks_client_auth {
    LKS_CLIENT_AUTH_OFF,
    LKS_CLIENT_AUTH_OPTIONAL, /* a client may have none; one that it has must be good */
    LKS_CLIENT_AUTH_REQUIRED, /* certificate_required without one */
};
/* send_authorities: CertificateRequest names the trusted CAs (section 4.2.4), so that a client with
 * several certificates can choose. Their names, two bytes more each, have room for 65023 bytes in
 * it; with more lks_config_set_trust(), called behind this, is LKS_BAD_CONFIG, and so is
 * lks_conn_new(). */
LKS_API void lks_config_set_client_auth(struct lks_config *config, enum lks_client_auth mode,
                                        bool send_authorities);

/*
 * Whom to trust: path is a PEM file, a directory of such files, or NULL for the system's directory
 * (/etc/ssl/certs). Read once, now; a later call takes the place of an earlier one. Each
 * certificate there is trusted as the end of a chain, a root or not. Without this call nobody is
 * trusted and a peer that has to show a certificate is refused with unknown_ca. LKS_BAD_CONFIG:
 * missing, unreadable, longer than 4 MiB, damaged, or without any certificate, a CRL (none is
 * looked at: see lks_config_set_ocsp()), a TRUSTED CERTIFICATE (OpenSSL's own), or one with a
 * curve's parameters in place of its name; in a file that is named, all other PEM blocks, too,
 * private keys among them. Text between blocks is nobody's business. *err says which, with its
 * line. In the system's directory all that is left out, but for what is damaged.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_trust(struct lks_config *config, const char *path, struct lks_error *err);

/* The application protocols in order of preference, separated by commas ("http/1.1" or
 * "h2,http/1.1"): RFC 7301. In this list and the next ones a name twice is LKS_BAD_CONFIG. A server
 * whose client offers ALPN with none of them ends the handshake with no_application_protocol;
 * without this call it ignores the extension. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_alpn(struct lks_config *config, const char *protocols, struct lks_error *err);

/* The suites of both versions in order of the server's preference, by their registered names (RFC
 * 8446 appendix B.4, RFC 5246 appendix A.5), separated by commas. An unknown name is LKS_BAD_CONFIG
 * and *err lists the known ones. Without this call all are on that have AEADs and, in TLS 1.2,
 * forward secrecy; off are AES-CCM-8, whose tags have 8 bytes, AES-CCM in TLS 1.2, RSA key exchange
 * (TLS_RSA_…), which has no forward secrecy, and the suites with a MAC (…_CBC_…). */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_suites(struct lks_config *config, const char *suites, struct lks_error *err);

/*
 * The versions to speak, enum lks_version: at first all, TLS 1.2 and 1.3. One for which no suite is
 * configured is not spoken either. Older ones get protocol_version. LKS_BAD_ARGUMENT: an unknown
 * version, or none between the two.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_set_versions(struct lks_config *config,
                                                               uint16_t min, uint16_t max);

/*
 * Versions and suites as Mozilla's guidelines for servers name them; the calls before and after
 * count as well, the last one for each.
 *
 *     modern        TLS 1.3 alone
 *     intermediate  TLS 1.3, and 1.2 with forward secrecy and AEADs: as without this call
 *     old           also RSA key exchange and suites with a MAC, but no TLS 1.0 or 1.1
 *
 * LKS_BAD_CONFIG: an unknown name; *err lists the known ones.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_preset(struct lks_config *config, const char *preset, struct lks_error *err);

/* The key exchange groups in order of the server's preference ("x25519,secp256r1"). A server of
 * TLS 1.2 chooses prime fields by itself (RFC 7919 came later): a client takes ffdhe2048 and
 * ffdhe3072, and RFC 3526's of 2048 and 3072 bits, whether they are listed or not, and no other. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_groups(struct lks_config *config, const char *groups, struct lks_error *err);

/* Whether a handshake stops for its public-key work, which the caller then runs where it likes
 * (lks_conn_take_pkey_job()). Off unless called: the work is done inline. */
LKS_API void lks_config_set_deferred_pkey(struct lks_config *config, bool deferred);

/*
 * What a connection keeps of its handshake when that is done, in one allocation of its own:
 * lks_conn_server_name() and those behind it. Nothing unless called: then an idle connection takes
 * 1 KiB and no more. The names are some hundred bytes; the chain is all of its certificates.
 */
enum lks_keep {
    LKS_KEEP_NOTHING,
    LKS_KEEP_NAMES, /* the server's name, the pre-shared key's identity, own certificate, signature
                       schemes, and the names in the peer's certificate */
    LKS_KEEP_CHAIN, /* the peer's chain, too */
};
LKS_API void lks_config_set_keep(struct lks_config *config, enum lks_keep keep);

/* Whether values that mean nothing are put where the other side has to ignore them, so that it does
 * not get used to there being none: RFC 8701. A client's go into its hello, a server's into
 * CertificateRequest and NewSessionTicket. Off unless called. */
LKS_API void lks_config_set_grease(struct lks_config *config, bool grease);

/* Whether a client's handshake looks like TLS 1.2's to boxes on its way: RFC 8446 appendix D.4. On
 * unless called. A server does what its client does. */
LKS_API void lks_config_set_compatibility(struct lks_config *config, bool compatible);

/* The key that a server's HelloRetryRequests are recognized by when a client comes back with one's
 * cookie: RFC 8446 section 4.2.2. The cookie holds all that the server has to know, so the second
 * ClientHello may go to a fresh connection, on another machine, too, if that has the same key. Made
 * at random unless called. */
LKS_API void lks_config_set_cookie_key(struct lks_config *config, const uint8_t key[32]);

/* The longest record content that the peer may send, for memory's sake: RFC 8449's
 * record_size_limit, which counts the content's type, too; 64 … 16385, the default. A client always
 * says it, a server to clients that do; who does not know the extension sends what it likes, as do
 * 0-RTT data, which leave before it is known. Below 512 a server turns GnuTLS' clients away, which
 * take no less (illegal_parameter) unless they were told to. LKS_BAD_ARGUMENT: out of range. */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_set_record_size_limit(struct lks_config *config,
                                                                        uint16_t limit);

/*
 * How the length of application data is hidden under TLS 1.3, by zeros behind it (RFC 8446 section
 * 5.4): no record's content is padded beyond lks_conn_record_max(). Under TLS 1.2, and for records
 * of the handshake, it does nothing. Who fills ops without a connection has lks_op.pad_len.
 */
enum lks_padding {
    LKS_PADDING_NONE,     /* as without this call; size is not looked at */
    LKS_PADDING_MULTIPLE, /* to the next multiple of size bytes */
    LKS_PADDING_AT_LEAST, /* to size bytes where there are fewer: one length for all up to that */
};
/* LKS_BAD_ARGUMENT: no such way, or size is 0 or more than LKS_RECORD_PLAINTEXT_MAX. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_padding(struct lks_config *config, enum lks_padding padding, uint16_t size);

/* Appends every connection's secrets to a file, in the NSS key log format. Whoever has the file can
 * read the traffic: for debugging, off unless called. It is made with mode 0600; LKS_BAD_CONFIG: it
 * cannot be opened, is a FIFO without a reader, or one that others than its owner may read or
 * write. What cannot be written, and what a FIFO has no room for, is left out. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_key_log(struct lks_config *config, const char *file, struct lks_error *err);

/*
 * A file may be slow, and each line is written where its handshake runs. With this call a line goes
 * to a function instead, on the connection's core, for which the application has a queue; another
 * thread gives it to lks_config_write_key_log() later. line has len bytes, at most
 * LKS_KEY_LOG_LINE_MAX with its newline, and is wiped after the call: who keeps a copy wipes that.
 */
#define LKS_KEY_LOG_LINE_MAX 256u
LKS_API void lks_config_queue_key_log(struct lks_config *config,
                                      void (*queue)(void *user, const char *line, size_t len),
                                      void *user);

/* Appends a whole line to the key log's file. Callable on any thread. LKS_WANT_ROOM: it is a FIFO
 * whose reader is slow; nothing was written. LKS_INTERNAL: it cannot be written, or there is none.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_write_key_log(const struct lks_config *config,
                                                                const char *line, size_t len);

/*
 * Resumption. A server seals what a later handshake needs into tickets and keeps nothing itself; a
 * ring of keys does that: the current one seals, it and its neighbours open. Machines that share
 * keys may differ in their certificates: a ticket is taken where a certificate answers to its name,
 * or (where none did) where the same one stands in; and no longer than seven days after the
 * handshake that showed a certificate, however often it is resumed. Without any of the next three
 * calls the keys are random, made by lks_config_new(), a new one every two hours, and good in this
 * process only. Each of these calls replaces the keys there were.
 */

/* Random keys, a new one each period_s seconds (60 to 604800); the one before opens for one period
 * more, so tickets live at least one period. LKS_BAD_ARGUMENT: the period. */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_set_ticket_random(struct lks_config *config,
                                                                    uint32_t period_s);

/* Keys derived (HKDF-SHA-256) from one secret and the time, cut into periods of period_s seconds
 * (60 to 604800) of Unix time: machines with the same secret and period resume each other's
 * sessions, with clocks apart by less than a period. Keys of the periods before and after open.
 * The secret is 32 to 64 bytes from a good random source; it is copied into a derived form.
 * LKS_BAD_ARGUMENT: its length, or the period. */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_set_ticket_secret(struct lks_config *config,
                                                                    const uint8_t *secret,
                                                                    size_t secret_len,
                                                                    uint32_t period_s);

/*
 * Keys from a text file, which several machines may share. A line is empty, a comment behind '#',
 * or a key:
 *
 *     current   <name: 32 hex digits> <key: 64 hex digits>
 *     previous  …
 *     next      …
 *
 * Exactly one key is current and seals; up to seven previous and next ones open. To change keys
 * without losing a ticket: give all machines the new key as next, then make it current and the old
 * one previous, then drop the old one when its tickets have expired. Whoever has the file can open
 * the tickets: it should be readable by its owner only. Replace it by rename(2), not in place, so
 * that nobody reads half of it. LKS_BAD_CONFIG: *err names file, line and remedy; nothing changed.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_set_ticket_key_file(struct lks_config *config, const char *file, struct lks_error *err);

/*
 * Reads the file of lks_config_set_ticket_key_file() again if it has changed; else it costs one
 * stat(2). Call it as often as changes are to be noticed, once a second, say. Unlike the rest of
 * this header it is for while connections use the configuration: from any core, though not from two
 * at once. The cores do not wait; handshakes under way keep the keys that they have looked up.
 * *changed: there are other keys now. LKS_BAD_CONFIG: the file is bad, *err says where, and the
 * keys stay; each state of a file is complained about once. LKS_WANT_ROOM: now is no time, call
 * again. Does nothing for keys that come from elsewhere.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_config_reload_ticket_keys(struct lks_config *config, bool *changed, struct lks_error *err);

/* How many tickets a server sends after each full or resumed TLS 1.3 handshake (0 to 4, 0: none; at
 * first 2), and for how many seconds they are good (1 to 604800, RFC 8446 section 4.6.1; at first
 * 7200). A key that opens no longer ends them earlier; where lks_config_set_client_auth() asks for
 * certificates none are sent. None is sent for no time either: where a session's end has come, or
 * there are no keys, TLS 1.3 sends none and TLS 1.2, which has promised one, an empty one with a
 * lifetime of 0 (RFC 5077 section 3.3). A client with 0 wants no tickets; others keep the newest,
 * in some KiB a connection. LKS_BAD_ARGUMENT: out of range. */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_set_tickets(struct lks_config *config,
                                                              uint32_t num, uint32_t lifetime_s);

/* How many sessions a server remembers by ID, for clients of TLS 1.2 that know no tickets: 0 (none)
 * to 2^24, at first 1024, in some 150 bytes each, allocated here. All cores that use the
 * configuration share them and none waits for another: where two want the same few sessions at
 * once, one of them shakes hands in full. The oldest make room. LKS_BAD_ARGUMENT: out of range. */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_set_session_cache(struct lks_config *config,
                                                                    uint32_t num_sessions);

/* How pre-shared keys, of tickets or external, are used: with a key exchange, which keeps forward
 * secrecy and goes first (psk_dhe_ke; alone unless this is called), or without, which is less work
 * (psk_ke). A client offers what is on, a server takes what is. RFC 8446 section 4.2.9.
 * LKS_BAD_ARGUMENT: neither. */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_set_psk_modes(struct lks_config *config,
                                                                bool psk_dhe_ke, bool psk_ke);

/*
 * Adds an external pre-shared key, for both roles: RFC 8446 section 4.2.11. identity is 1 to 255
 * bytes, sent in the clear; key 16 to 64 bytes of real entropy (no password: RFC 9257), copied;
 * hash "SHA256" or "SHA384", which the suite then has to have. A server with such keys needs no
 * certificate if all its clients have one of them; a client offers all of them. At most 8.
 * LKS_BAD_ARGUMENT: a length, the hash, the same identity twice, or too many.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_add_psk(struct lks_config *config,
                                                          const uint8_t *identity,
                                                          size_t identity_len, const uint8_t *key,
                                                          size_t key_len, const char *hash);

/*
 * Lets a server take early data (0-RTT, RFC 8446 section 2.3), up to max_bytes a connection; 0, as
 * without this call: it refuses all of it, and handshakes go on without. Early data are not forward
 * secret, and an attacker can send them again elsewhere: only for requests that are harmless twice.
 *
 * Against replay each hello is taken at most once, and only if it was sent within window_ms
 * (1000 to 60000) of now by both clocks. num_hellos (64 to 2^24, rounded up to a power of two) are
 * remembered at a time, in eight bytes each, allocated here: as many as come in four windows, and
 * half as many again. Where there is no room to remember one its early data are refused, never
 * taken twice. The memory is one for all cores that use the configuration. Tickets say which
 * memory they belong to: on another machine, in another process or after a restart they resume,
 * without early data, so that nothing is taken twice there either.
 * LKS_BAD_ARGUMENT: out of range.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_config_set_early_data(struct lks_config *config,
                                                                 uint32_t max_bytes,
                                                                 uint32_t window_ms,
                                                                 uint32_t num_hellos);

#ifdef __cplusplus
}
#endif
#endif
