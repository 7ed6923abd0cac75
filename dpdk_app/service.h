/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_SERVICE_H
#define LOCKSTEPD_SERVICE_H

/*
 * What is served now, and how that changes while it is: the file is read anew by a thread that may
 * block, and workers find the new snapshot between two polls. Sessions end under the one that they
 * began with; what none uses any more comes back here to be freed.
 */

#include <stdio.h>

#include "snapshot.h"

struct service;

/* The first snapshot belongs to it from then on. path: the file it is of; NULL: of a command line,
 * which is not read again. NULL: no memory, and first is freed. */
struct service *service_new(struct snapshot *first, const char *path,
                            const struct snapshot_needs *needs);

/* Before a worker runs: it finds its first view in *slot, and later the next ones. *slot is empty,
 * and has to live as long as the service. CONF_WORKERS_MAX may join. false: no memory. */
bool service_join(struct service *s, struct view_slot *slot);

/* Reads the file again. Where it is bad, or would change what only a start can change, everything
 * stays as it is, and err has why. Returns whether it is served now. */
bool service_reload(struct service *s, FILE *out, FILE *err);

/* Frees what workers have no use for any more. One thread calls this and service_reload(). */
void service_collect(struct service *s);

/* Snapshots that are not freed yet, for tests. */
uint32_t service_num_snapshots(const struct service *s);

/* Once no worker runs and each has given its views back. NULL: nothing. */
void service_free(struct service *s);

#endif
