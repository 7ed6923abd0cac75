/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_CERTIFICATE_FILE_H
#define LKS_HANDSHAKE_CERTIFICATE_FILE_H

#include "handshake/config.h"

/* Reads a chain and its key from PEM files, as lks_config_add_certificate() says. */
LKS_MUST_CHECK enum lks_status lks_certificate_load(struct lks_certificate **out,
                                                    const char *cert_file, const char *key_file,
                                                    struct lks_error *err);
void lks_certificate_free(struct lks_certificate *certificate);

#endif
