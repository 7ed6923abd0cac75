/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LWIP_HOOKS_H
#define LOCKSTEP_LWIP_HOOKS_H

#include "lwip/err.h"
#include "lwip/ip_addr.h"

struct pbuf;
struct tcp_hdr;
struct tcp_pcb;

/* Initial sequence numbers as RFC 6528 wants them: dpdk_app/lwip_isn.c. */
u32_t lockstepd_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                    u16_t remote_port);

/* Whether a received segment lies where lwIP can work with it; cuts it to the window and bounds the
 * MSS among its options, in place: dpdk_app/lwip_mss.c. The options are len bytes: first_len behind
 * the header, the rest at second. */
err_t lockstepd_check_segment(struct tcp_pcb *pcb, struct tcp_hdr *header, struct pbuf *p,
                              u16_t len, u16_t first_len, u8_t *second);

#endif
