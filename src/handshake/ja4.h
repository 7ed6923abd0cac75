/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LKS_HANDSHAKE_JA4_H
#define LKS_HANDSHAKE_JA4_H

/* JA4, FoxIO's fingerprint of a ClientHello: which client it is, by what it offers. */

#include "handshake/client_hello.h"

#define LKS_JA4_LEN 36u

/* Of a hello that was parsed, and its body; 0 at the end. */
LKS_MUST_CHECK enum lks_status
lks_ja4(char out[LKS_JA4_LEN + 1], const struct lks_client_hello *hello, struct lks_reader body);

#endif
