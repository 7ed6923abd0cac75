/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LWIP_ARCH_CC_H
#define LOCKSTEP_LWIP_ARCH_CC_H

/* What lwIP asks of the platform. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define LWIP_NO_INTTYPES_H   0
#define LWIP_TIMEVAL_PRIVATE 0

#define LWIP_PLATFORM_DIAG(x) \
    do {                      \
        printf x;             \
    } while (0)
#define LWIP_PLATFORM_ASSERT(x)                                       \
    do {                                                              \
        fprintf(stderr, "lwip: %s (%s:%d)\n", x, __FILE__, __LINE__); \
        abort();                                                      \
    } while (0)

/* From the kernel: dpdk_app/frame.c. */
uint32_t lockstepd_random(void);
#define LWIP_RAND() lockstepd_random()

/* The Internet checksum, by DPDK's code: dpdk_app/frame.c. */
uint16_t lockstepd_checksum(const void *data, int len);
#define LWIP_CHKSUM lockstepd_checksum

/* Blocks of small sizes, quickly: dpdk_app/lwip_memory.c. */
void *lockstepd_malloc(size_t len);
void *lockstepd_calloc(size_t num, size_t len);
void lockstepd_free(void *p);

#endif
