/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_SNAPSHOT_TLS_H
#define LOCKSTEPD_SNAPSHOT_TLS_H

/* From a site's keys to the library's policy and identities. */

#include <lockstep/callbacks.h>

#include "snapshot.h"

struct site_parts {
    const struct conf_site *conf;
    const struct snapshot_needs *needs;
    void (*hello)(void *user, struct lks_conn *conn, struct lks_ask *ask); /* NULL: not asked */
    void *hello_user;
};

/* NULL: complained about. arena: for what is thrown away with the configuration. *identities (NULL:
 * of no interest) is the caller's. */
struct lks_config *site_make(const struct site_parts *parts, struct lks_identities **identities,
                             struct arena *arena, struct complaints *c);

#endif
