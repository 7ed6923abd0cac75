#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# DPDK's net_af_packet on an interface whose MTU is smaller than a frame.
#
# A guess: the port has the MTU of the interface it was given (the driver asks the kernel for its MAC address and its
# index by the same kind of call), and a frame that the kernel refuses is not sent: the burst takes fewer, or an error
# is counted.
# Seen, DPDK 22.11.11 (Debian 12), a veth pair, MTU 1400: rte_eth_dev_get_mtu() says 1500. Frames of 1500 bytes are
# taken and counted as sent, tx errors stay 0, and the other end receives none of them; those of 100 bytes arrive.
# With MTU 1500 both arrive.
# What follows: ask the interface for its MTU, and count nothing by the port's counters.
# shellcheck source=findings/packages.sh
source "$(dirname "$0")/packages.sh"
unpack dpdk-dev=22.11.11-0+deb12u1
export here

# In namespaces of its own: frames MTU LENGTH says how many were counted as sent, as errors, and came out of the pair.
cat > "$here/frames.sh" << 'END'
mtu=$1 length=$2
mount -t sysfs none /sys
ip link add name port type veth peer name far
ip link set port mtu "$mtu" up
ip link set far up
sysctl -q net.ipv6.conf.port.disable_ipv6=1 net.ipv6.conf.far.disable_ipv6=1
sleep 1
came() { cat /sys/class/net/far/statistics/rx_packets; }
said() { grep -c "$1" "$here/out" || true; }
mkfifo "$here/in"
"$here/root/usr/bin/dpdk-testpmd" --no-huge -m 256 --no-pci --no-telemetry --no-shconf -l 0,1 \
    --vdev=net_af_packet0,iface=port -- -i --total-num-mbufs=2048 < "$here/in" > "$here/out" 2>&1 &
exec 3> "$here/in"
until [ "$(said 'testpmd>')" != 0 ]; do sleep 0.1; done
printf '%s\n' "show port info 0" "set fwd txonly" "set burst 1" "set txpkts $length" >&3
before=$(came)
printf 'start\n' >&3
sleep 1
printf '%s\n' stop "show port stats 0" quit >&3
exec 3>&-
wait
rm "$here/in"
sent=$(sed -n 's/^ *TX-packets: \([0-9]*\) *TX-errors.*/\1/p' "$here/out" | tail -n 1)
errors=$(sed -n 's/.*TX-errors: \([0-9]*\).*/\1/p' "$here/out" | tail -n 1)
port_mtu=$(sed -n 's/^MTU: //p' "$here/out" | head -n 1)
some() { if [ "$1" -gt 0 ]; then echo some; else echo none; fi; }
echo "MTU $port_mtu, sent $(some "$sent"), errors $errors, came $(some $(($(came) - before)))"
END
frames() {
    RUNTIME_DIRECTORY=$(mktemp -d -p "$here") unshare -n -m bash "$here/frames.sh" "$@"
}
same "interface 1400, frames of 100" "$(frames 1400 100)" "MTU 1500, sent some, errors 0, came some"
same "interface 1400, frames of 1500" "$(frames 1400 1500)" "MTU 1500, sent some, errors 0, came none"
same "interface 1500, frames of 1500" "$(frames 1500 1500)" "MTU 1500, sent some, errors 0, came some"
