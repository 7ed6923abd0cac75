/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_WORKERS_H
#define LOCKSTEPD_WORKERS_H

/*
 * All workers of a port. One runs on EAL's main lcore; several on the others, a worker an lcore,
 * and the main one waits for their end and for signals.
 */

#include "chores.h"
#include "drain.h"
#include "service.h"

#define WORKERS_MAX PORT_QUEUES_MAX

/*
 * How many workers there are to be, on how many lcores EAL has, of which one is the main one, and
 * at a port that has queues for max_queues. asked 0: as many as these have room for. 0: error has
 * one line.
 */
uint32_t workers_choose(uint32_t asked, uint32_t num_lcores, uint32_t max_queues, char *error,
                        unsigned int error_len);

struct workers_config {
    uint32_t num;
    const struct snapshot *first; /* that the service begins with */
    struct service *service;
    struct view_slot *slots; /* one each, as are the next two */
    struct port *ports;      /* started */
    struct post *posts;
    struct chores *chores;
    const struct chores_reload *reload; /* what the chores get once there are workers */
    struct stop *stop;
};

/* Runs the workers until they are to stop and have drained; from when they serve the chores attend
 * to them. 0, or -1 with one line in error: nobody was served. */
int workers_run(const struct workers_config *config, char *error, unsigned int error_len);

#endif
