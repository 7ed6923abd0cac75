#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Goodput of lockstepd's TCP over a link with loss and delay, beside the Linux kernel's on the same link.

The client is the kernel's in both cases; the server is net_endpoint on an af_packet port, or the kernel on the
same interface. Between them is net_forwarder, started anew for each run: run n of every row has the same seed.
A run ends after --bytes or --seconds, whichever comes first; a row is the median of --repeats runs. Offloads are off
everywhere. Down, the server sends; up, it receives. In namespaces of its own.
"""
import argparse, fcntl, os, selectors, shutil, signal, socket, statistics, struct, subprocess, sys, tempfile, threading, time

KERNEL, OURS = "10.8.0.3", "10.8.0.2"
TAKE, GIVE = 9, 19
SIOCOUTQ = 0x5411
CHUNK = bytes(1 << 18)
CELLS = [(loss, rtt) for loss in (0.01, 0.001) for rtt in (0.1, 10, 50)] + [(0, 100)]
SMALL = [(0.01, 10)]


def sh(command):
    subprocess.run(command, shell=True, check=True)


def enter():
    """Lives again in new namespaces, as root there."""
    if os.environ.get("LOCKSTEP_GOODPUT_INSIDE"):
        sh("mount -t tmpfs none /run")  # names of namespaces stay ours
        return
    flags = ["--net", "--pid", "--fork", "--mount", "--mount-proc", "--kill-child"]
    flags += [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    if not all(map(shutil.which, ("unshare", "ip", "ethtool"))) or subprocess.run(["unshare", *flags, "true"], capture_output=True).returncode:
        print("SKIP goodput: no unshare, ip or ethtool, or no namespaces here")
        sys.exit(77)
    os.environ["LOCKSTEP_GOODPUT_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])


# ---- the kernel's ends ----

def serve(options):
    """The kernel's server: the same two services as net_endpoint's."""
    def give(s):
        left = options.bytes
        while left:
            left -= s.send(CHUNK[:min(left, len(CHUNK))])
        s.shutdown(socket.SHUT_WR)
        take(s)

    def take(s):
        while s.recv(1 << 18):
            pass
        s.close()

    def quietly(service, s):
        try:
            service(s)
        except OSError:
            pass  # the client had enough

    polled = selectors.DefaultSelector()
    for port, service in ((TAKE, take), (GIVE, give)):
        listener = socket.create_server((KERNEL, port))
        congestion(listener, options.congestion)
        polled.register(listener, selectors.EVENT_READ, service)
    print("ready", flush=True)
    while True:
        for key, _ in polled.select():
            threading.Thread(target=quietly, args=(key.data, key.fileobj.accept()[0]), daemon=True).start()


def congestion(s, name):
    """By socket: the kernel lets namespaces choose only what is unrestricted everywhere."""
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())


def connect(host, port, options):
    s = socket.socket()
    congestion(s, options.congestion)
    s.settimeout(options.seconds)
    s.connect((host, port))
    return s


def leave(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def down(host, options):
    size, seconds, begin = options.bytes, options.seconds, time.monotonic()
    s = connect(host, GIVE, options)
    got = 0
    try:
        while got < size and (left := begin + seconds - time.monotonic()) > 0:
            s.settimeout(left)
            chunk = s.recv(1 << 18)
            if not chunk:
                raise RuntimeError(f"the server ended after {got} bytes")
            got += len(chunk)
    except TimeoutError:
        pass
    took = time.monotonic() - begin
    leave(s)
    return got / took


def up(host, options):
    """What the server has acknowledged, by the time that took."""
    size, seconds, begin = options.bytes, options.seconds, time.monotonic()
    s = connect(host, TAKE, options)

    def waiting():
        return struct.unpack("i", fcntl.ioctl(s, SIOCOUTQ, bytes(4)))[0]

    sent = 0
    try:
        while sent < size and (left := begin + seconds - time.monotonic()) > 0:
            s.settimeout(left)
            sent += s.send(CHUNK[:min(size - sent, len(CHUNK))])
        s.shutdown(socket.SHUT_WR)
        s.settimeout(max(begin + seconds - time.monotonic(), 0.001))
        s.recv(1)  # its FIN
    except TimeoutError:
        pass
    took = time.monotonic() - begin
    acked = sent - max(waiting() - 1, 0)  # our FIN counts there
    leave(s)
    return acked / took


# ---- the bed ----

class Bed:
    def __init__(self, programs, size):
        self.programs, self.size = programs, size
        self.dir = tempfile.mkdtemp()
        os.environ["RUNTIME_DIRECTORY"] = self.dir
        sh("ip link set lo up")
        for side, ours, theirs, address in (("client", "c0", "f0", "10.8.0.1"), ("server", "s0", "f1", KERNEL)):
            sh(f"ip netns add {side} && ip link add {theirs} type veth peer name {ours} netns {side} && ip -n {side} addr add {address}/24 dev {ours} && "
               f"ip link set {theirs} up && ip -n {side} link set {ours} up && ip -n {side} link set lo up")
            sh(f"sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip netns exec {side} sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.tcp_no_metrics_save=1 || true")
            off = "tx off tso off gso off gro off > /dev/null"
            sh(f"ethtool -K {theirs} {off}; ip netns exec {side} ethtool -K {ours} {off}")

    def spawn(self, *command):
        child = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        line = child.stdout.readline()
        if "ready" not in line:
            raise RuntimeError(f"{command} does not start: {line}")
        return child

    def stop(self, child):
        child.send_signal(signal.SIGTERM)
        said = child.stdout.read()
        child.wait()
        return said

    def server(self, peer):
        inside = ("ip", "netns", "exec", "server")
        if peer != "ours":
            return self.spawn(*inside, sys.executable, __file__, "--serve", self.programs, "--bytes", self.size, "--congestion", peer)
        return self.spawn(*inside, f"{self.programs}/net_endpoint", "--no-huge", "--no-shconf", "-m", "400", "--no-pci", "--no-telemetry",
                          "--log-level=4", "--vdev=net_af_packet0,iface=s0,framecnt=8192,blocksz=4096,qdisc_bypass=1", "--", self.size)

    def run(self, peer, direction, loss, rtt, seed, seconds):
        """Bytes a second of one run."""
        server = self.server(peer)
        link = self.spawn(f"{self.programs}/net_forwarder", "f0", "f1", seed, loss, int(rtt * 500))
        try:
            host = OURS if peer == "ours" else KERNEL
            client = subprocess.run(["ip", "netns", "exec", "client", sys.executable, __file__, f"--{direction}", host, self.programs,
                                     "--bytes", str(self.size), "--seconds", str(seconds),
                                     "--congestion", "cubic" if peer == "ours" else peer], capture_output=True, text=True)
        finally:
            said = self.stop(link)
            self.stop(server)
        if client.returncode:
            raise RuntimeError(f"{direction} {peer}: {client.stderr.strip()[-300:]}")
        for line in said.splitlines():
            if "dropped=0" not in line:
                print(f"bench: the forwarder could not keep up: {line}", file=sys.stderr)
        return float(client.stdout)

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def rate(bytes_a_second):
    return f"{bytes_a_second / 1e6:.3f}" if bytes_a_second < 1e7 else f"{bytes_a_second / 1e6:.1f}"


def table(bed, options):
    has_bbr = "bbr" in open("/proc/sys/net/ipv4/tcp_available_congestion_control").read()
    print(f"{'':5} {'loss':>6} {'RTT':>9} {'ours':>11} {'kernel cubic':>13} {'ratio':>6} {'kernel bbr':>11}   MB/s, median of {options.repeats}; bbr once")
    for direction in ("down", "up"):
        for loss, rtt in SMALL if options.few else CELLS:
            got = {}
            for peer, runs in (("ours", options.repeats), ("cubic", options.repeats), ("bbr", int(has_bbr and not options.few))):
                all_runs = [bed.run(peer, direction, loss, rtt, seed, options.seconds) for seed in range(1, runs + 1)]
                got[peer] = statistics.median(all_runs) if runs else None
            print(f"{direction:5} {loss * 100:5.1f}% {rtt:6.1f} ms {rate(got['ours']):>11} {rate(got['cubic']):>13} {got['ours'] / got['cubic']:6.2f} "
                  f"{rate(got['bbr']) if got['bbr'] else '-':>11}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", help="the folder with net_endpoint and net_forwarder")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--bytes", type=int, default=100_000_000)
    parser.add_argument("--few", action="store_true", help="one cell, without bbr: to see that it runs")
    for inner in ("down", "up"):
        parser.add_argument(f"--{inner}", metavar="HOST", help=argparse.SUPPRESS)
    parser.add_argument("--congestion", default="cubic", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options)
    elif options.down or options.up:
        print((down if options.down else up)(options.down or options.up, options))
    else:
        enter()
        bed = Bed(options.programs, options.bytes)
        try:
            table(bed, options)
        finally:
            bed.close()


main()
