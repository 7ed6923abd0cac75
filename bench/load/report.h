/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LOAD_REPORT_H
#define LOCKSTEP_LOAD_REPORT_H

#include <stdio.h>

#include "backend.h"
#include "load.h"

/* All that is said at the end. */
struct report {
    const struct load *load;              /* NULL: none ran */
    const struct backend_counts *backend; /* NULL: none */
    struct flow_counters tcp;
    struct net_counters net;
    struct port_counters port;
};

/* For people. */
void report_print(FILE *to, const struct report *r);
/* One object of JSON (RFC 8259); its members stay as they are. */
void report_json(FILE *to, const struct report *r);

/* Whether every operation was done. */
bool report_is_good(const struct report *r);

#endif
