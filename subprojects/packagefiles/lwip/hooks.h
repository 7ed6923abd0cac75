/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LWIP_HOOKS_H
#define LOCKSTEP_LWIP_HOOKS_H

#include "lwip/ip_addr.h"

/* Initial sequence numbers as RFC 6528 wants them: dpdk_app/lwip_isn.c. */
u32_t lockstepd_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                    u16_t remote_port);

#endif
