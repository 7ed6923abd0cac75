/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "options.h"

/* In three pieces, since a string has a longest length. */
static const char purpose[] =
    "lockstep-load loads an HTTPS server through a DPDK port and says what it did: requests and\n"
    "handshakes a second, full and resumed apart, and how long they took.\n"
    "\n"
    "usage: %s [EAL options] -- --target ADDRESS --address ADDRESSES [OPTION...]\n"
    "       %s [EAL options] -- --serve ADDRESS --address ADDRESSES [OPTION...]\n"
    "\n"
    "The network:\n"
    "  --target IPv4:PORT, --target [IPv6]:PORT\n"
    "                          the HTTPS server\n"
    "  --address FIRST[-LAST][/PREFIX]\n"
    "                          our own addresses on this port, from which connections are made in\n"
    "                          turn (prefix 24 or 64 unless given); may be repeated, 31 in all\n"
    "  --gateway IP            router for what is not on the port's network; one a family\n"
    "  --port N                DPDK port number (0)\n"
    "  --mtu N, --vlan ID      as the network has it (the interface's MTU; untagged)\n"
    "  --mbufs N               packet buffers for receiving, and as many for sending (32768)\n"
    "\n"
    "The load:\n"
    "  --connections N         at once (100)\n"
    "  --per-connection N|all  requests on each; 1: no keep-alive, 0: handshakes alone (all)\n"
    "  --rate N                operations a second, begun when they are due, and their time "
    "counts\n"
    "                          from there: an open loop. Without it a closed one: each connection\n"
    "                          asks again when it has its answer\n"
    "  --arrivals even|poisson of an open loop (even)\n"
    "  --duration SECONDS      (10)\n"
    "  --warmup SECONDS        before that, not counted (none)\n"
    "  --requests N            ends after so many operations, if the time is not over before\n"
    "  --timeout SECONDS       for an operation, and a connection's beginning (10)\n"
    "  --resume PERCENT        of connections that offer a session of an earlier one (0)\n";

static const char request[] =
    "\n"
    "The request:\n"
    "  --path PATH             (/)\n"
    "  --host NAME             Host (--server-name, else the target's address)\n"
    "  --method WORD           (GET; POST with --body)\n"
    "  --header \"Name: value\"  one more; may be repeated\n"
    "  --body BYTES            so many bytes behind the head (0)\n"
    "\n"
    "TLS:\n"
    "  --ca FILE               who signs the server's certificate, PEM (the system's CAs)\n"
    "  --insecure              takes any certificate\n"
    "  --server-name NAME      that it has to be for, and SNI (--host, else the address)\n"
    "  --tls 1.2|1.3           that version alone (both)\n"
    "  --suites LIST           cipher suites in order of preference\n"
    "  --groups LIST           key exchange groups in order of preference; the first has the "
    "share\n"
    "  --alpn LIST             application protocols; what is spoken is HTTP/1.1 (http/1.1)\n"
    "  --cert FILE --key FILE  for a server that asks for a certificate, PEM\n"
    "  --key-log FILE          appends the secrets of every connection (debugging only)\n";

static const char others[] =
    "\n"
    "A backend, too or instead: plaintext HTTP for what stands behind a terminator.\n"
    "  --serve ADDRESS:PORT    answers there; the address is one of --address\n"
    "  --serve-size BYTES      in each answer's body (1024)\n"
    "  --serve-connections N   at once (4096)\n"
    "\n"
    "Others:\n"
    "  --json FILE             what the table says, for programs; \"-\": in the table's place\n"
    "  --idle spin|yield|sleep:US\n"
    "                          what a poll loop without work does (yield)\n"
    "  --help, -h; --version   say what there is, and stop\n"
    "\n"
    "SIGINT and SIGTERM end it early, with a report. Exit status: 0, all operations were done; 1,\n"
    "some failed or were never begun; 2, it could not start.\n"
    "\n"
    "A first try on a veth pair, as root, nginx at 10.9.0.1:443 (lockstep-load(1) has more):\n"
    "  ip link add lks0 type veth peer name lks1; ip addr add 10.9.0.1/24 dev lks0\n"
    "  ip link set lks0 up; ip link set lks1 up; ethtool -K lks0 tx off tso off\n"
    "  sysctl net.ipv6.conf.lks1.disable_ipv6=1\n"
    "  %s --no-huge -m 512 -l 0 --no-pci --no-telemetry \\\n"
    "    --vdev=net_af_packet0,iface=lks1,framecnt=4096,blocksz=4096 -- \\\n"
    "    --target 10.9.0.1:443 --address 10.9.0.10-10.9.0.19/24 --ca ca.pem --host demo.test\n";

void options_help(const char *program)
{
    printf(purpose, program, program);
    fputs(request, stdout);
    printf(others, program);
}
