/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LOAD_BATCH_H
#define LOCKSTEP_LOAD_BATCH_H

#include "load.h"

/* Opens what the clients of this turn have received, all in one batch, and has them act on it. */
void batch_open(struct load *l);

/* Seals what they have to say, all in one batch. */
void batch_seal(struct load *l);

#endif
