/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LOCKSTEP_LWIPOPTS_H
#define LOCKSTEP_LWIPOPTS_H

/* One poll loop, no operating system. */
#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN         0
#define LWIP_SOCKET          0
#define LWIP_TIMERS          1

/* Memory comes from arch/cc.h: the sizes below are limits only where lwIP counts. A pool's
 * number is 16 bits wide, and MEM_ALIGNMENT above malloc's own corrupts the heap. */
#define MEM_LIBC_MALLOC         1
#define MEMP_MEM_MALLOC         1
#define mem_clib_malloc         lockstepd_malloc
#define mem_clib_calloc         lockstepd_calloc
#define mem_clib_free           lockstepd_free
#define MEM_ALIGNMENT           16
#define MEMP_NUM_TCP_PCB        20000
#define MEMP_NUM_TCP_PCB_LISTEN 16
#define MEMP_NUM_TCP_SEG        60000
#define MEMP_NUM_PBUF           60000

#define LWIP_IPV4                 1
#define LWIP_IPV6                 0
#define LWIP_ARP                  1
#define ARP_TABLE_SIZE            512
#define LWIP_NETIF_HWADDRHINT     1 /* a connection remembers its entry: no search a packet */
#define ARP_QUEUEING              1
#define ARP_QUEUE_LEN             64 /* SYNs of a burst of connections wait for the first answer */
#define LWIP_ICMP                 1
#define LWIP_UDP                  0
#define LWIP_RAW                  0
#define LWIP_DHCP                 0
#define LWIP_DNS                  0
#define LWIP_IGMP                 0
#define IP_FRAG                   1
#define IP_REASSEMBLY             1
#define IP_REASS_MAX_PBUFS        64
#define LWIP_NETIF_TX_SINGLE_PBUF 0
#define LWIP_SINGLE_NETIF         1

#define LWIP_TCP                   1
#define TCP_MSS                    1460
#define LWIP_WND_SCALE             1
#define TCP_RCV_SCALE              4
#define TCP_WND                    (256 * 1024)
#define TCP_SND_BUF                (256 * 1024)
#define TCP_SND_QUEUELEN           2048
#define TCP_SNDLOWAT               (32 * 1024)
#define TCP_SNDQUEUELOWAT          1024
#define TCP_OVERSIZE               0 /* data is sent by reference, never topped up */
#define TCP_QUEUE_OOSEQ            1
#define TCP_OOSEQ_MAX_BYTES        (256 * 1024)
#define TCP_OOSEQ_MAX_PBUFS        512
#define LWIP_TCP_TIMESTAMPS        0
#define LWIP_TCP_SACK_OUT          1
#define TCP_LISTEN_BACKLOG         1
#define TCP_DEFAULT_LISTEN_BACKLOG 255
#define LWIP_TCP_KEEPALIVE         0
/* Both timers of the stack derive from this: fine enough for a LAN's round trips. */
#define TCP_TMR_INTERVAL   20
#define TCP_FAST_INTERVAL  20
#define TCP_SLOW_INTERVAL  40
#define TCP_MSL            500 /* ms: TIME_WAIT of a second frees ports for the next connection */
#define TCP_MAXRTX         12
#define TCP_SYNMAXRTX      4 /* at 1, 2, 4, 8 s: unreachable after 31 s */
#define LWIP_HOOK_FILENAME "hooks.h"
#define LWIP_HOOK_TCP_ISN  lockstepd_isn
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, len, first_len, second, p) \
    lockstepd_check_segment(pcb, header, p, len, first_len, second)
#define LWIP_EVENT_API             0
#define LWIP_CALLBACK_API          1
#define TCP_CALCULATE_EFF_SEND_MSS 1
#define LWIP_ALTCP                 0

/* Received frames: checked by the stack (virtual ports do not), with the fast sum of arch/cc.h. */
#define LWIP_CHECKSUM_ON_COPY        0
#define LWIP_SUPPORT_CUSTOM_PBUF     1
#define ETH_PAD_SIZE                 0
#define PBUF_LINK_ENCAPSULATION_HLEN 0

#define LWIP_STATS                 1
#define LWIP_STATS_DISPLAY         0
#define MEM_STATS                  0
#define MEMP_STATS                 0
#define TCP_STATS                  1
#define LWIP_STATS_LARGE           1
#define MIB2_STATS                 1
#define LWIP_NETIF_STATUS_CALLBACK 0
#define LWIP_NETIF_LINK_CALLBACK   0
#define LWIP_DEBUG                 0

#endif
