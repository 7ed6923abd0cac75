/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEPD_POOL_H
#define LOCKSTEPD_POOL_H

#include <stdint.h>

struct rte_mempool;

/*
 * A pool of packet buffers, each with `room` bytes of data; NULL: no memory. Built with
 * AddressSanitizer, a buffer that lies in the pool is poisoned, header and data: ASan takes a pool
 * for one block of memory and would not see the use of a freed buffer.
 */
struct rte_mempool *pool_new(const char *name, uint32_t num_mbufs, uint16_t room, int socket);

#endif
