/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_CLIENT_HELLO_H
#define LKS_HANDSHAKE_CLIENT_HELLO_H

#include <stdbool.h>

#include <lockstep/status.h>

#include "base/reader.h"
#include "handshake/extensions.h"

#define LKS_SSL_3 0x0300u /* its version, which nobody may say any more */

/*
 * struct ClientHello, RFC 8446 section 4.1.2, taken apart. Readers point into the message. The list
 * extensions hold the list without its own length prefix and are empty where absent; has_* tells.
 */
struct lks_client_hello {
    uint16_t legacy_version;
    uint8_t random[32];
    struct lks_reader session_id;
    struct lks_reader suites;
    struct lks_reader server_name; /* HostName */
    bool has_wrong_name;           /* it has a zero byte, or there are two */
    struct lks_reader groups;      /* NamedGroup list */
    struct lks_reader schemes;     /* SignatureScheme list */
    struct lks_reader alpn;        /* ProtocolName list */
    struct lks_reader versions;
    struct lks_reader key_shares;   /* KeyShareEntry list */
    struct lks_reader cert_schemes; /* SignatureScheme list of signature_algorithms_cert */
    struct lks_reader compressions; /* CertificateCompressionAlgorithm list */
    bool has_status, has_sct;       /* asks for status_request, signed_certificate_timestamp */
    struct lks_reader cookie;       /* empty: none */
    struct lks_reader psk_modes;
    struct lks_reader psk_identities; /* PskIdentity list */
    struct lks_reader psk_binders;    /* PskBinderEntry list: as many; ends the message */
    uint16_t record_size_limit;
    struct lks_reader point_formats;  /* ECPointFormat list */
    struct lks_reader session_ticket; /* empty: a new one is wanted */
    struct lks_reader renegotiated;   /* verify_data of renegotiation_info */
    bool has_null_compression;
    bool has_point_formats, has_session_ticket, has_renegotiation_info;
    bool has_extended_master_secret, has_encrypt_then_mac;
    bool has_groups, has_schemes, has_alpn, has_versions, has_key_shares;
    bool has_psk, has_psk_modes, has_early_data, has_record_size_limit;
    /* What is wrong with extensions that one version alone uses: the alert, if it is chosen. */
    enum lks_status wrong_tls12, wrong_tls13;
};

/* Parses the body of a ClientHello (no handshake header). Fails with the alert to send; what ends
 * the handshake in one version only is in hello->wrong_… instead. */
LKS_MUST_CHECK enum lks_status lks_client_hello_parse(struct lks_client_hello *hello,
                                                      struct lks_reader body);

/* A whole extension that is one vector<2..> of 16-bit numbers, RFC 8446 sections 4.2.3, 4.2.7. */
bool lks_read_u16_list(struct lks_reader body, struct lks_reader *list);

/* Whether a list of 16-bit numbers has one. */
bool lks_list_has_u16(struct lks_reader list, uint16_t number);

/*
 * A digest of what a second ClientHello must repeat (RFC 8446 section 4.1.2) and TLS 1.3 looks at:
 * everything but the extensions key_share, early_data, cookie and pre_shared_key. What we don't
 * know is for others to compare: some of it has to change (encrypted_client_hello always does).
 */
LKS_MUST_CHECK enum lks_status lks_client_hello_digest(const struct lks_client_hello *hello,
                                                       uint8_t out[32]);

#endif
