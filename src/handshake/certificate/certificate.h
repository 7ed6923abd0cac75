/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_CERTIFICATE_H
#define LKS_HANDSHAKE_CERTIFICATE_H

/*
 * The room of certificates. It knows files of certificates and keys (pem.h, file.h), which of ours
 * suits a peer (choose.c), how one is compressed, signatures and their schemes (sign.h), whom to
 * trust, chains, their status and names (verify.h, host.h); and, here, the messages that show and
 * check them: Certificate, CompressedCertificate, CertificateRequest, CertificateVerify.
 */

#include "base/reader.h"
#include "handshake/pkey.h"

struct lks_hs;

LKS_MUST_CHECK enum lks_status lks_certificate_write(struct lks_hs *hs);
/* Starts the job of a CertificateVerify's signature; resume has lks_certificate_verify_write() take
 * it from there. */
LKS_MUST_CHECK enum lks_status
lks_certificate_verify_sign(struct lks_hs *hs,
                            enum lks_status (*resume)(struct lks_hs *hs, struct lks_pkey_job *job));
LKS_MUST_CHECK enum lks_status lks_certificate_verify_write(struct lks_hs *hs,
                                                            const struct lks_pkey_job *job);
LKS_MUST_CHECK enum lks_status lks_certificate_read(struct lks_hs *hs, struct lks_reader body);
LKS_MUST_CHECK enum lks_status lks_compressed_certificate_read(struct lks_hs *hs,
                                                               struct lks_reader body);
LKS_MUST_CHECK enum lks_status lks_certificate_verify_read(struct lks_hs *hs,
                                                           struct lks_reader body);
LKS_MUST_CHECK enum lks_status lks_certificate_request_write(struct lks_hs *hs);
LKS_MUST_CHECK enum lks_status lks_certificate_request_read(struct lks_hs *hs,
                                                            struct lks_reader body);

#endif
