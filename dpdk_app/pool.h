/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_POOL_H
#define LOCKSTEPD_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mempool;

/*
 * A pool of packet buffers, each with `room` bytes of data; NULL: no memory. is_shared: several
 * workers take from it and give back all the time, and none is to spin for one that the machine has
 * stopped in the middle of that. Built with
 * AddressSanitizer, a buffer that lies in the pool is poisoned, header and data: ASan takes a pool
 * for one block of memory and would not see the use of a freed buffer.
 */
struct rte_mempool *pool_new(const char *name, uint32_t num_mbufs, uint16_t room, int socket,
                             bool is_shared);

#endif
