/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_CONFIG_ADDRESSES_H
#define LOCKSTEPD_CONFIG_ADDRESSES_H

/* How a configuration's addresses fit together. */

#include "conf.h"

/* Finds config->own, makes ":443" what it stands for, and complains of what does not fit. */
void addresses_check(struct conf *config, struct complaints *c);

#endif
