/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LOAD_SETUP_H
#define LOCKSTEP_LOAD_SETUP_H

/* What connections and requests are made of, from the options. */

#include <lockstep/config.h>

#include "options.h"

#define SETUP_NAME_MAX 256u
#define SETUP_HEAD_MAX 16384u

struct setup {
    struct lks_config *tls;
    char server_name[SETUP_NAME_MAX]; /* that a certificate is to be for */
    char head[SETUP_HEAD_MAX];        /* of each request */
    uint32_t head_len;
};

/* 0, or -1 with one line in error. */
int setup_make(struct setup *s, const struct options *o, char *error, unsigned int error_len);
void setup_free(struct setup *s);

#endif
