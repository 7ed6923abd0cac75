/* SPDX-License-Identifier: BSD-3-Clause */

/* The sentences, for reason.h and reason.c. One that has another cause than those here gets a row
 * of its own. */

/* Of statuses that have one cause. */
REASON(NO_MEMORY, "there was no memory")
REASON(INTERNAL, "libcrypto, or what is below it, failed where it should not")
REASON(BAD_CONFIG, "the configuration, or LOCKSTEP_ISA or LOCKSTEP_PROVIDER, cannot be used")
REASON(UNSUPPORTED, "something is needed that was not built in, or that this CPU lacks")
REASON(BAD_ARGUMENT, "the application broke a call's contract: an op that is missing, came twice "
                     "or is another connection's")
REASON(INSIDE, "the application freed or closed the connection from within a callback")
REASON(NOT_RUN, "an op came back that no engine had done")
REASON(NO_ROOM, "an op's destination was too short")
REASON(BAD_OVERLAP, "an op's source and destination overlap")
REASON(SEQ_EXHAUSTED, "a key has done as many records as it may")
REASON(BAD_TAG, "a record is not what the peer sealed: it was changed on its way, or the two sides "
                "have different keys")
REASON(BAD_RECORD, "a record whose header or length makes no sense under its key")
REASON(RECORD_OVERFLOW, "a record longer than the protocol allows")
REASON(PEER_ALERT, "the peer ended the connection with an alert")

/* The transport's end, where a stream is told of it. */
REASON(TRUNCATED, "the transport ended without the peer's close_notify, so that what came may have "
                  "been cut short")
REASON(TRUNCATED_EARLY, "the transport ended before the handshake was done")

/* Records. */
REASON(RECORD_TYPE, "a record of no known content type: this may not be TLS at all")
REASON(INNER_TYPE, "a protected record with no content type, or one that may not be protected")
REASON(RECORD_UNPROTECTED, "an unprotected record where only protected ones may come")
REASON(RECORD_BEFORE_KEYS, "application data before the keys for them were agreed")
REASON(RECORD_LIMIT_EXCEEDED, "a record longer than our record_size_limit")
REASON(CCS_MISPLACED,
       "a change_cipher_spec where none may come, or more of them than anybody needs")
REASON(CCS_VALUE, "a change_cipher_spec that is not the one byte 1")
REASON(MESSAGE_INTERRUPTED, "a handshake message was interrupted by a record of another type")
REASON(HANDSHAKE_EMPTY, "a handshake record without content")
REASON(KEY_CHANGE_MID_MESSAGE, "a handshake message goes on across a change of keys")
REASON(IDLE_RECORDS, "too many records in a row that moved nothing")
REASON(ALERT_EMPTY, "an alert record without content")
REASON(ALERT_LENGTH, "an alert record that is not one alert")
REASON(ALERT_LEVEL, "an alert of an unknown level")
REASON(ALERT_WARNINGS, "too many warnings in a row")
REASON(EARLY_DATA_UNEXPECTED,
       "application data before the handshake was done, and no early data was allowed")
REASON(EARLY_DATA_TOO_MUCH, "more early data than the ticket allows")
REASON(EARLY_DATA_SKIPPED,
       "records that do not open, more of them than early data could account for")

/* Any handshake message. */
REASON(MESSAGE_UNEXPECTED, "a handshake message that may not come now")
REASON(MESSAGE_TOO_LONG, "a handshake message longer than any of its kind may be")
REASON(MESSAGE_NOT_ALONE, "a record with more behind a message that has to end it")
REASON(EXTENSIONS_MALFORMED, "a list of extensions that does not parse")
REASON(EXTENSION_TWICE, "an extension that comes twice")
REASON(EXTENSION_MISPLACED, "an extension in a message where it may not stand")
REASON(EXTENSION_UNASKED, "the answer to an extension that was not sent")
REASON(SCHEME_NOT_OFFERED, "the peer signed with a signature scheme that was not offered")
REASON(SCHEME_UNFIT,
       "the peer signed with a signature scheme that does not fit its certificate's key")
REASON(SIGNATURE_WRONG, "the peer's signature is wrong: it does not have its certificate's key, or "
                        "the handshake was changed on its way")
REASON(FINISHED_LENGTH, "a Finished of the wrong length")
REASON(FINISHED_WRONG, "the peer's Finished does not match: the handshake was changed on its way, "
                       "or the two sides have different keys")
REASON(SHARE_LENGTH, "a key share of the wrong length for its group")
REASON(SHARE_INVALID, "a key share that is no valid element of its group")
REASON(RECORD_LIMIT_MALFORMED, "a record_size_limit that does not parse")
REASON(RECORD_LIMIT_VALUE, "a record_size_limit that the RFC forbids")
REASON(TICKET_MALFORMED, "a NewSessionTicket that does not parse")

/* ClientHello, and what follows from it. */
REASON(HELLO_MALFORMED, "a ClientHello that does not parse")
REASON(HELLO_EXTENSION, "an extension of the ClientHello does not parse")
REASON(HELLO_NAMES, "server_name has two host names, or a zero byte in one")
REASON(HELLO_COMPRESSION, "a ClientHello of TLS 1.3 that offers compression")
REASON(NULL_COMPRESSION, "a ClientHello that does not offer to leave compression out")
REASON(HELLO_INCOMPLETE,
       "the client sent no supported_groups, key_share or signature_algorithms where it has to")
REASON(SHARES_ORDER,
       "the client's key shares are not in the order of its groups, or one comes twice")
REASON(PSK_MALFORMED, "pre_shared_key does not parse")
REASON(PSK_BINDERS, "pre_shared_key has not as many binders as identities")
REASON(PSK_NOT_LAST, "an extension stands behind pre_shared_key")
REASON(PSK_MODES_MISSING, "pre_shared_key without psk_key_exchange_modes")
REASON(BINDER_WRONG, "the binder of a pre-shared key is wrong: the client has another key of that "
                     "identity, or the hello was changed on its way")
REASON(CLIENT_SSL3, "the client speaks SSL 3 or older")
REASON(NO_VERSION, "the client and we have no version in common")
REASON(NO_SUITE, "the client and we have no cipher suite in common that fits a certificate of ours")
REASON(NO_GROUP, "the client and we have no key exchange group in common")
REASON(NO_ALPN, "the client and we have no application protocol (ALPN) in common")
REASON(NO_CERTIFICATE, "no certificate of ours suits what the client can verify")
REASON(NAME_UNKNOWN, "the client asked for a host that no certificate of ours names")
REASON(NAME_MISSING, "the client named no host, and has to")
REASON(FALLBACK, "the client came down to an older version though both sides speak a newer one: "
                 "somebody on the way may have made it so")
REASON(RENEGOTIATION_INFO, "renegotiation_info of another handshake in a first one")
REASON(POINT_FORMATS, "ec_point_formats without the uncompressed one")
REASON(COOKIE_FOREIGN, "a cookie that nobody made who has our key")
REASON(COOKIE_EXPIRED, "a cookie older than a minute")
REASON(COOKIE_OTHER_CONFIG, "a cookie of a machine with other suites or groups than ours")
REASON(COOKIE_MISSING, "a second ClientHello without the cookie that we sent")
REASON(SECOND_HELLO_DIFFERS, "a second ClientHello that differs from the first in what has to "
                             "stay, or has not the key share that we asked for")
REASON(RESUMED_WITHOUT_EMS, "a session with extended master secret taken up without it")
REASON(CLIENT_KX_MALFORMED, "a ClientKeyExchange that does not parse")

/* ServerHello, and what follows from it. */
REASON(SERVER_HELLO_MALFORMED, "a ServerHello, or an extension of it, that does not parse")
REASON(SERVER_SSL3, "the server answered with SSL 3 or older")
REASON(SERVER_VERSION, "the server answered with a version that was not offered")
REASON(SERVER_ECHO, "the ServerHello does not repeat our session ID, or has compression")
REASON(DOWNGRADE,
       "the server speaks TLS 1.3 but chose TLS 1.2: somebody on the way has changed our hello")
REASON(SUITE_NOT_OFFERED,
       "the server chose a cipher suite that was not offered, or another one than before")
REASON(RETRY_VERSION, "a HelloRetryRequest that is not TLS 1.3's")
REASON(RETRY_AGAIN, "a second HelloRetryRequest")
REASON(RETRY_GROUP,
       "a HelloRetryRequest for a group that was not offered, or of which a share was sent")
REASON(RETRY_NOTHING, "a HelloRetryRequest that changes nothing")
REASON(SERVER_SHARE_MISSING, "the server sent no key share")
REASON(SERVER_SHARE_GROUP, "the server's key share is of a group of which none was sent")
REASON(
    PSK_NOT_OFFERED,
    "the server chose a pre-shared key that was not offered, or one of another hash than its suite")
REASON(PSK_MODE, "the server uses a pre-shared key in a way that was not offered (with or without "
                 "a key exchange)")
REASON(ALPN_MALFORMED, "the server's answer to ALPN is not one name")
REASON(ALPN_NOT_OFFERED, "the server chose an application protocol (ALPN) that was not offered")
REASON(EARLY_DATA_UNASKED,
       "the server took early data that were not offered, or not under the session's key and suite")
REASON(EARLY_DATA_ALPN,
       "the server took early data but chose another application protocol (ALPN) than theirs")
REASON(ENCRYPTED_EXTENSIONS, "EncryptedExtensions, or one of them, that does not parse")
REASON(SESSION_NOT_OFFERED,
       "the server took up a session that was not offered, or with another suite")
REASON(NO_SECURE_RENEGOTIATION,
       "the server does not know renegotiation_info, which older attacks need")
REASON(ENCRYPT_THEN_MAC, "the server answered encrypt_then_mac with a suite that has no MAC")
REASON(SERVER_KX_MALFORMED, "a ServerKeyExchange that does not parse")
REASON(CURVE_EXPLICIT, "a ServerKeyExchange with a curve that has no name")
REASON(CURVE_NOT_OFFERED,
       "a ServerKeyExchange with a curve that was not offered, or a share of the wrong length")
REASON(PRIME_UNKNOWN, "the server's prime field (DHE) is none of those that are known to be good")

/* Certificates. */
REASON(CERTIFICATE_MALFORMED, "a Certificate message that does not parse")
REASON(CERTIFICATE_CONTEXT,
       "a Certificate, or the request for one, with a context that has no place in the handshake")
REASON(SERVER_CERTIFICATE_MISSING, "the server showed no certificate")
REASON(CLIENT_CERTIFICATE_MISSING, "the client showed no certificate, and has to")
REASON(COMPRESSED_UNASKED, "a compressed certificate that was not asked for")
REASON(COMPRESSED_MALFORMED, "a CompressedCertificate that does not parse")
REASON(COMPRESSION_NOT_OFFERED, "a certificate compressed in a way that was not offered")
REASON(COMPRESSED_LENGTH, "a compressed certificate that says it is empty, or too long")
REASON(COMPRESSED_DAMAGED, "a compressed certificate that does not decompress to what it says")
REASON(CERTIFICATE_VERIFY_MALFORMED, "a CertificateVerify that does not parse")
REASON(REQUEST_MALFORMED, "a CertificateRequest that does not parse")
REASON(REQUEST_SCHEMES, "a CertificateRequest without signature_algorithms")
REASON(SCT_MALFORMED, "signed certificate timestamps that do not parse")
REASON(NOT_X509, "the peer's certificate, or one with it, is no X.509")
REASON(X509_MALFORMED,
       "an extension of a certificate in the peer's chain does not parse, or comes twice")
REASON(KEY_UNKNOWN, "the peer's certificate has a kind of key that we do not know")
REASON(KEY_OF_SUITE, "the server's certificate has another kind of key than its cipher suite wants")
REASON(KEY_USAGE, "the key usage of the peer's certificate forbids what it was used for")
REASON(PURPOSE, "the peer's certificate, or one of its chain, is not meant for this side of TLS")
REASON(CRITICAL_EXTENSION,
       "a certificate in the peer's chain has a critical extension that we do not know")
REASON(EXPIRED, "a certificate in the peer's chain has expired")
REASON(NOT_YET_VALID, "a certificate in the peer's chain is not valid yet")
REASON(REVOKED, "a certificate in the peer's chain was revoked")
REASON(CRL_MISSING, "no CRL is there of a CA in the peer's chain (lks_policy_add_crls())")
REASON(CRL_EXPIRED,
       "the CRL of a CA in the peer's chain has ended (nextUpdate), and no newer one is "
       "there (lks_policy_add_crls())")
REASON(CRL_NOT_YET_VALID, "the CRL of a CA in the peer's chain is of a later time than now")
REASON(CRL_UNFIT, "the CRL of a CA in the peer's chain is not signed by that CA, or covers other "
                  "certificates, or has a critical extension that we do not know")
REASON(NO_ISSUER, "the peer's chain leads to no CA that is trusted: its CA is another one, or an "
                  "intermediate certificate is missing")
REASON(SELF_SIGNED, "the peer's certificate is self-signed, and not trusted")
REASON(SELF_SIGNED_ROOT, "the root of the peer's chain is not trusted")
REASON(CHAIN_TOO_LONG, "the peer's chain is longer than allowed")
REASON(NOT_A_CA, "a certificate in the peer's chain was issued by one that is no CA, or none for "
                 "chains of that length")
REASON(NAME_MISMATCH, "the server's certificate is not for the name that was wanted")
REASON(ADDRESS_MISMATCH, "the server's certificate is not for the address that was wanted")
REASON(CHAIN_SIGNATURE, "a signature in the peer's chain is wrong")
REASON(WEAK, "a certificate in the peer's chain has a key or a signature that is too weak")
REASON(NAME_CONSTRAINTS, "a CA of the peer's chain may not issue for that name")
REASON(CHAIN_BAD, "the peer's chain does not verify")
REASON(NO_NAME_TO_VERIFY, "the server showed a certificate, but no name to verify it for was given "
                          "(lks_conn_options.server_name)")
REASON(NO_TRUST, "the peer showed a certificate, but nobody is trusted (lks_policy_set_trust())")
REASON(OCSP_MALFORMED, "a stapled OCSP response that does not parse, or is no successful one")
REASON(OCSP_SIGNER,
       "a stapled OCSP response that nobody signed who may, or about another certificate")
REASON(OCSP_UNKNOWN, "the stapled OCSP response does not say that the certificate is good")
REASON(OCSP_TIME, "the stapled OCSP response has expired, or is of the future, or does not say "
                  "until when it is good")
REASON(OCSP_REVOKED, "the stapled OCSP response says that the server's certificate was revoked")
REASON(OCSP_MISSING, "the server stapled no OCSP response, and has to")
REASON(MUST_STAPLE_MALFORMED,
       "the TLS feature extension of the server's certificate does not parse")

/* Answers of the application. */
REASON(SIGNER_FAILED, "whoever signs with our certificate's key has not done so")
REASON(SIGNER_WRONG, "whoever signs with our certificate's key gave what is no signature of it")
REASON(HELLO_REFUSED, "the application does not want this client")
REASON(PEER_REFUSED, "the application does not accept the peer's certificates")

/* Behind the handshake. */
REASON(POST_HANDSHAKE, "a message that may not come behind the handshake")
REASON(UPDATE_LENGTH, "a KeyUpdate of the wrong length")
REASON(UPDATE_VALUE, "a KeyUpdate that is neither a request nor an answer")
REASON(RENEGOTIATION_LENGTH, "a request to negotiate again of a length that it cannot have")
