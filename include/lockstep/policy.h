/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_POLICY_H
#define LOCKSTEP_POLICY_H

/*
 * What may be agreed with a peer, and what is asked of one: <lockstep/config.h> says how it is used
 * and which errors all of these calls have in common. A call takes the place of an earlier one for
 * the same thing; one that fails, but for want of memory, changes nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lockstep/source.h>
#include <lockstep/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct lks_policy;

/* Every AEAD suite that is on by default, every group and signature; no ALPN, nobody trusted, no
 * key log. lks_policy_free() gives up the caller's reference; configurations hold their own. NULL
 * is allowed. */
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_new(struct lks_policy **out);
LKS_API void lks_policy_free(struct lks_policy *policy);

/*
 * The versions to speak, enum lks_version: at first all, TLS 1.2 and 1.3. One for which no suite is
 * configured is not spoken either. Older ones get protocol_version. LKS_BAD_ARGUMENT: an unknown
 * version, or none between the two.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_set_versions(struct lks_policy *policy,
                                                               uint16_t min, uint16_t max,
                                                               struct lks_error *err);

/* The suites of both versions in order of the server's preference, by their registered names (RFC
 * 8446 appendix B.4, RFC 5246 appendix A.5), separated by commas; in this list and the next ones a
 * name twice is LKS_BAD_CONFIG, and so is an unknown one: *err lists the known ones. Without this
 * call all are on that have AEADs and, in TLS 1.2, forward secrecy; off are AES-CCM-8, whose tags
 * have 8 bytes, AES-CCM in TLS 1.2, RSA key exchange (TLS_RSA_…), which has no forward secrecy, and
 * the suites with a MAC (…_CBC_…). */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_suites(struct lks_policy *policy, const char *suites, struct lks_error *err);

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
lks_policy_set_preset(struct lks_policy *policy, const char *preset, struct lks_error *err);

/* The key exchange groups in order of the server's preference ("x25519,secp256r1"). A server of
 * TLS 1.2 chooses prime fields by itself (RFC 7919 came later): a client takes ffdhe2048 and
 * ffdhe3072, and RFC 3526's of 2048 and 3072 bits, whether they are listed or not, and no other. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_groups(struct lks_policy *policy, const char *groups, struct lks_error *err);

/* What peers may sign handshakes with, and we: schemes in order of preference, by their registered
 * names (RFC 8446 section 4.2.3: "ecdsa_secp256r1_sha256,rsa_pss_rsae_sha256"). They are offered;
 * of those that a peer offers the first is taken that is among them and fits the key. All but
 * SHA-1's unless called; rsa_pkcs1_… sign under TLS 1.2 only. What signs certificates is another
 * matter: anything with SHA-2 and keys of 112 bits of security. */
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_set_signature_schemes(struct lks_policy *policy,
                                                                        const char *schemes,
                                                                        struct lks_error *err);

/* The application protocols in order of preference, separated by commas ("http/1.1" or
 * "h2,http/1.1"): RFC 7301. A server whose client offers ALPN with none of them ends the handshake
 * with no_application_protocol; without this call it ignores the extension. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_alpn(struct lks_policy *policy, const char *protocols, struct lks_error *err);

/*
 * Whom to trust: a PEM file, a directory of such files, memory with the same in it, or
 * lks_from_file(NULL) for the system's directory (/etc/ssl/certs). Read once, now. Each certificate
 * there is trusted as the end of a chain, a root or not. Without this call nobody is trusted and a
 * peer that has to show a certificate is refused with unknown_ca. LKS_BAD_CONFIG: missing,
 * unreadable, longer than 4 MiB, damaged, or without any certificate, a CRL (which is for
 * lks_policy_add_crls()), a TRUSTED CERTIFICATE (OpenSSL's own), or one with a curve's parameters
 * in place of its name; in a file that is named, and in memory, all other PEM blocks, too, private
 * keys among them. Text between blocks is nobody's business. *err says which, with its line. In the
 * system's directory all that is left out, but for what is damaged.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_trust(struct lks_policy *policy, struct lks_source trusted, struct lks_error *err);

/*
 * Adds CRLs (RFC 5280 section 5), in PEM as many as there are, or one in DER; several calls add
 * more, the same one twice counts once. From then on each certificate of a peer's chain, but the
 * last one, which is trusted as it is, needs a CRL of its CA that has not ended (nextUpdate), was
 * signed by that CA, and does not list it: of clients that show one to a server, and of servers.
 * certificate_revoked where one does, certificate_unknown where there is none such
 * (lks_conn_reason() tells which). Of a CA several may be there, an old one and its successor, say.
 *
 * Newer CRLs go into a new policy. Sessions go on under it: they carry the serial numbers of the
 * client's chain, which are looked up in the CRLs of now when one is to be resumed; a client that
 * was revoked, or whose CRL has ended, is asked for its certificate again, and refused. Only a CRL
 * of a CA that is not trusted itself (lks_policy_set_trust()), of an intermediate one, can be
 * checked with a chain alone: where such a one has changed all clients are asked again. Trust the
 * intermediate CAs, too, and they are not. A client's sessions end with its CRLs.
 *
 * What they cost: a full handshake in which a certificate is shown hashes all bytes of the CRLs of
 * its chain's CAs, to check their signatures, and does so before it is known whether the chain is
 * good; with 100000 entries that are some megabytes, and more than all the rest of the handshake.
 * Who has such CRLs limits how many handshakes one client may begin.
 *
 * LKS_BAD_CONFIG: missing, unreadable, longer than 64 MiB, empty or damaged, without any CRL, with
 * another PEM block, a delta CRL, or one without a nextUpdate; *err says which, with its line. One
 * that has ended is taken, for the clock may be wrong: lks_policy_warning() tells.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_add_crls(struct lks_policy *policy, struct lks_source crls, struct lks_error *err);

/* Where there are CRLs, whether a chain is taken that one is missing for, and one whose CRL has
 * ended (which is still asked). Neither unless called. */
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_allow_crl_lack(struct lks_policy *policy,
                                                                 bool missing, bool expired,
                                                                 struct lks_error *err);

/* What is wrong with a policy that can be used all the same: a CRL that has ended, is of a later
 * time than now, or was not signed by the trusted certificate that has its issuer's name. Otherwise
 * as lks_identities_warning(). */
LKS_API bool lks_policy_warning(const struct lks_policy *policy, uint32_t n,
                                struct lks_error *warning);

/* Whether a server asks its clients for a certificate, to be verified against what
 * lks_policy_set_trust() says. Off unless called. */
enum lks_client_auth {
    LKS_CLIENT_AUTH_OFF,
    LKS_CLIENT_AUTH_OPTIONAL, /* a client may have none; one that it has must be good */
    LKS_CLIENT_AUTH_REQUIRED, /* certificate_required without one; who has an external PSK of ours
                               * needs none */
};
/* send_authorities: CertificateRequest names the trusted CAs (section 4.2.4), so that a client with
 * several certificates can choose. Their names, two bytes more each, have room for 65023 bytes in
 * it: with more this call, or lks_policy_set_trust() behind it, is LKS_BAD_CONFIG.
 * LKS_BAD_ARGUMENT: no such mode. */
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_set_client_auth(struct lks_policy *policy,
                                                                  enum lks_client_auth mode,
                                                                  bool send_authorities,
                                                                  struct lks_error *err);

/*
 * What a server that asks for certificates puts into its sessions (tickets and session IDs) about
 * the client, so that it is known when it resumes. Such a session ends with the first certificate
 * of the chain that was verified, and is taken only by a server that asks in the same way
 * (lks_policy_set_client_auth(), this call, the signature schemes), trusts the same certificates,
 * and whose CRLs (lks_policy_add_crls()) still say nothing against it: else the client is asked
 * again. Where a certificate is required, one of a client that showed none resumes nothing.
 */
enum lks_client_sessions {
    LKS_CLIENT_SESSIONS_CHAIN,  /* the chain: lks_conn_peer_certificate() and what belongs to it are
                                   as they were in the first handshake; as without this call */
    LKS_CLIENT_SESSIONS_DIGEST, /* lks_conn_peer_digest() alone, in some 150 bytes */
    LKS_CLIENT_SESSIONS_OFF,    /* there are none: every client is asked each time */
};
/*
 * A chain makes a ticket longer by as much as it has in DER, less its trusted end, and each session
 * by ID that is remembered. A ticket stays within 4 KiB, which all clients take that we know, so
 * with more than some 3 KiB of chain (three certificates for RSA keys, or six for ECDSA) there is
 * no session, and full handshakes go on: who has such chains wants the digest. Tickets are sealed,
 * but whoever has their keys can read who the clients were. Where the application verifies clients
 * (lks_policy_set_verifier()) it is as if this were OFF. LKS_BAD_ARGUMENT: no such way.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_client_sessions(struct lks_policy *policy, enum lks_client_sessions sessions,
                               struct lks_error *err);

/* Whether a client asks for a stapled OCSP response. Off unless called. LKS_BAD_ARGUMENT: no such
 * way. */
enum lks_ocsp {
    LKS_OCSP_OFF,
    LKS_OCSP_CHECKED, /* one that comes must be good; it may be missing, unless the certificate says
                         that it must not (RFC 7633) */
    LKS_OCSP_REQUIRED, /* bad_certificate_status_response without a good one */
};
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_ocsp(struct lks_policy *policy, enum lks_ocsp ocsp, struct lks_error *err);

/* Whether a client asks for signed certificate timestamps; lks_conn_peer_scts() has what came. Off
 * unless called. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_sct_wanted(struct lks_policy *policy, bool wanted, struct lks_error *err);

/*
 * Whether a server insists on server_name (SNI): a client that names no host of its certificates is
 * told unrecognized_name (RFC 6066 section 3), one that names none missing_extension (RFC 8446
 * section 9.2) or, under TLS 1.2, handshake_failure. Off unless called: then the first certificate
 * that the client can use stands in.
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_sni_required(struct lks_policy *policy, bool required, struct lks_error *err);

/*
 * How a peer may send its certificates compressed (RFC 8879): algorithms in order of preference,
 * separated by commas, of "brotli,zstd,zlib"; "all": what the library was built with, none
 * included. They are offered to it. Off unless called. Ours: lks_identities_set_compression().
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_certificate_compression(struct lks_policy *policy, const char *algorithms,
                                       struct lks_error *err);

/* How many tickets a server sends after each full or resumed TLS 1.3 handshake (0 to 4, 0: none; at
 * first 2), and for how many seconds they are good (1 to 604800, RFC 8446 section 4.6.1; at first
 * 7200), as are sessions that are remembered by ID. TLS 1.2 has one ticket a full handshake, or
 * with num 0 none: then clients that know tickets, too, resume by ID. A key that opens no longer
 * ends them earlier, and so does a client's certificate (lks_policy_set_client_sessions()). None is
 * sent for no time: where a session's end has come, or there are no keys, TLS 1.3 sends none and
 * TLS 1.2, which has promised one, an empty one with a lifetime of 0 (RFC 5077 section 3.3). A
 * client with 0 wants no tickets; others keep the newest, in some KiB a connection.
 * LKS_BAD_ARGUMENT: out of range. */
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_set_tickets(struct lks_policy *policy,
                                                              uint32_t num, uint32_t lifetime_s,
                                                              struct lks_error *err);

/* How pre-shared keys, of tickets or external, are used: with a key exchange, which keeps forward
 * secrecy and goes first (psk_dhe_ke; alone unless this is called), or without, which is less work
 * (psk_ke). A client offers what is on, a server takes what is. RFC 8446 section 4.2.9.
 * LKS_BAD_ARGUMENT: neither. */
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_set_psk_modes(struct lks_policy *policy,
                                                                bool psk_dhe_ke, bool psk_ke,
                                                                struct lks_error *err);

/*
 * Lets a server take early data (0-RTT, RFC 8446 section 2.3), up to max_bytes a connection; 0, as
 * without this call: it refuses all of it, and handshakes go on without. Early data are not forward
 * secret, and an attacker can send them again elsewhere: only for requests that are harmless twice.
 * The memory must have something against replay: lks_memory_set_replay().
 */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_early_data(struct lks_policy *policy, uint32_t max_bytes, struct lks_error *err);

/* Whether a handshake stops for its public-key work, which the caller then runs where it likes
 * (lks_conn_take_pkey_job()). Off unless called: the work is done inline. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_deferred_pkey(struct lks_policy *policy, bool deferred, struct lks_error *err);

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
/* LKS_BAD_ARGUMENT: no such value. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_keep(struct lks_policy *policy, enum lks_keep keep, struct lks_error *err);

/* Whether values that mean nothing are put where the other side has to ignore them, so that it does
 * not get used to there being none: RFC 8701. A client's go into its hello, a server's into
 * CertificateRequest and NewSessionTicket. Off unless called. */
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_set_grease(struct lks_policy *policy, bool grease,
                                                             struct lks_error *err);

/* Whether a client's handshake looks like TLS 1.2's to boxes on its way: RFC 8446 appendix D.4. On
 * unless called. A server does what its client does. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_compatibility(struct lks_policy *policy, bool compatible, struct lks_error *err);

/* The longest record content that the peer may send, for memory's sake: RFC 8449's
 * record_size_limit, which counts the content's type, too; 64 … 16385, the default. A client always
 * says it, a server to clients that do; who does not know the extension sends what it likes, as do
 * 0-RTT data, which leave before it is known. Below 512 a server turns GnuTLS' clients away, which
 * take no less (illegal_parameter) unless they were told to. LKS_BAD_ARGUMENT: out of range. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_record_size_limit(struct lks_policy *policy, uint16_t limit, struct lks_error *err);

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
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_set_padding(struct lks_policy *policy,
                                                              enum lks_padding padding,
                                                              uint16_t size, struct lks_error *err);

/* Appends every connection's secrets to a file, in the NSS key log format. Whoever has the file can
 * read the traffic: for debugging, off unless called. It is made with mode 0600; LKS_BAD_CONFIG: it
 * cannot be opened, is a FIFO without a reader, or one that others than its owner may read or
 * write. What cannot be written, and what a FIFO has no room for, is left out. */
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_set_key_log(struct lks_policy *policy, const char *file, struct lks_error *err);

/*
 * A file may be slow, and each line is written where its handshake runs. With this call a line goes
 * to a function instead, whether there is a file or not, on the connection's core and by the rule
 * of <lockstep/callbacks.h>: the application has a queue for it, and another thread, say, gives it
 * to lks_policy_write_key_log() later. line has len bytes, at most LKS_KEY_LOG_LINE_MAX with its
 * newline, and is wiped after the call: who keeps a copy wipes that.
 */
#define LKS_KEY_LOG_LINE_MAX 256u
LKS_API LKS_MUST_CHECK enum lks_status
lks_policy_queue_key_log(struct lks_policy *policy,
                         void (*queue)(void *user, const char *line, size_t len), void *user,
                         struct lks_error *err);

/* Appends a whole line to the key log's file. Callable on any thread. LKS_WANT_ROOM: it is a FIFO
 * whose reader is slow; nothing was written. LKS_INTERNAL: it cannot be written, or there is none.
 */
LKS_API LKS_MUST_CHECK enum lks_status lks_policy_write_key_log(const struct lks_policy *policy,
                                                                const char *line, size_t len);

#ifdef __cplusplus
}
#endif
#endif
