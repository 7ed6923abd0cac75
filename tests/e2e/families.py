# SPDX-License-Identifier: BSD-3-Clause
"""End to end over IPv6, from one family to the other, by a gateway, and on a tagged port: on a link of its own,
beside the main lockstepd."""

import contextlib
import os
import re
import socket
import struct
import subprocess
import sys
import threading

from bed import KERNEL, PATIENCE, Skip, equal, run, sha256_of, test, until

OURS, THEIRS = "2001:db8:8::2", "2001:db8:8::1"
OURS_V4, THEIRS_V4 = "10.9.8.2", "10.9.8.1"
PORT = "net_af_packet0,iface=six1,framecnt=2048,blocksz=4096"


@contextlib.contextmanager
def link(bed):
    """The kernel's end is six0, in both families; the port's is six1."""
    if not os.path.exists("/proc/net/if_inet6"):
        raise Skip("this kernel has no IPv6")
    bed.make_link("six0", "six1", THEIRS_V4)
    run("ip", "addr", "add", f"{THEIRS}/64", "dev", "six0", "nodad")
    try:
        yield
    finally:
        run("ip", "link", "del", "six0")


@contextlib.contextmanager
def server(bed, *options, listen=f"[{OURS}/64]:443", backend=f"[{THEIRS}]:8080"):
    child = bed.start(*options, vdev=PORT, listen=listen, backend=backend, prefix="six")
    try:
        yield child
    finally:
        if child.poll() is None:
            bed.stop(child)


def curl(bed, path, *options, at=f"[{OURS}]", port=443, inside=()):
    return run(*inside, "curl", "-sS", "--max-time", str(PATIENCE), "--cacert", bed.dir / "ca.pem", "--resolve", f"demo.test:{port}:{at}", *options,
               f"https://demo.test:{port}{path}")


def move_both_ways(bed, what="1M", **how):
    """A file down and a megabyte up, every byte."""
    out, small = bed.dir / "six-got", bed.dir / "www/1M"
    curl(bed, f"/{what}", "-o", out, **how)
    equal(sha256_of(out), sha256_of(bed.dir / "www" / what), f"SHA-256 of the download, {how}")
    equal(curl(bed, "/upload", "-T", small, **how), sha256_of(small), f"SHA-256 of the upload, {how}")


@test
def ipv6_client_and_backend(bed):
    """Two addresses of one network, one of them on two ports."""
    with link(bed), server(bed, "--listen", f"[{OURS}]:444", "--listen", "[2001:db8:8::3]:443") as child:
        assert f"listening on [{OURS}]:443, [{OURS}]:444, [2001:db8:8::3]:443\n" in child.log.read_text(), child.log.read_text()
        assert "3 received" in run("ping", "-c", "3", "-i", "0.2", "-W", str(PATIENCE), OURS)
        move_both_ways(bed, "100M")
        assert "script saw" in curl(bed, "/", port=444)
        assert "script saw" in curl(bed, "/", at="[2001:db8:8::3]")
        done = subprocess.run(["openssl", "s_client", "-connect", f"[{OURS}]:443", "-servername", "demo.test", "-CAfile", bed.dir / "ca.pem", "-brief",
                               "-verify_return_error", "-ign_eof"], input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=PATIENCE, check=False)
        assert b"Verification: OK" in done.stderr and b"script saw" in done.stdout, done
        counters = bed.counters(child)
        equal((counters["tx_no_route"], counters["tx_too_long"]), (0, 0), "tx_no_route, tx_too_long")


@test
def a_backend_of_the_other_family(bed):
    both = ("--listen", f"{OURS_V4}/24:443")
    with link(bed), server(bed, *both):
        move_both_ways(bed, at=OURS_V4)
        assert "script saw" in curl(bed, "/")
    # nginx's IPv4 address is behind the gateway
    with link(bed), server(bed, *both, "--gateway", THEIRS_V4, backend=f"{KERNEL}:8080"):
        move_both_ways(bed)
        assert "script saw" in curl(bed, "/", at=OURS_V4)


@test
def a_link_local_backend(bed):
    """Of the same link, from the address that the port's MAC makes."""
    with link(bed):
        found = re.search(r"inet6 (fe80:\S+)/64", run("ip", "addr", "show", "dev", "six0"))
        until(lambda: "tentative" not in run("ip", "addr", "show", "dev", "six0"), "a link-local address of the kernel's")
        with server(bed, backend=f"[{found[1]}]:8080"):
            assert "script saw" in curl(bed, "/")


@contextlib.contextmanager
def far_host(bed, mtu):
    """A host behind us, who are its router and lockstepd's gateway. Our link to it takes `mtu`, but the segments that it
    asks for do not tell: it knows that only of what it sends itself."""
    host = bed.spawn(["unshare", "--net", "sleep", "infinity"])
    inside = ("nsenter", "-t", str(host.pid), "-n")
    own = os.readlink("/proc/self/ns/net")
    until(lambda: os.readlink(f"/proc/{host.pid}/ns/net") != own, "a namespace of its own")
    try:
        run("ip", "link", "add", "far0", "type", "veth", "peer", "name", "far1")
        run("ip", "link", "set", "far1", "netns", str(host.pid))
        for where, device, address in (((), "far0", "2001:db8:9::1/64"), (inside, "far1", "2001:db8:9::2/64")):
            run(*where, "ip", "addr", "add", address, "dev", device, "nodad")
            run(*where, "ip", "link", "set", device, "up")
        for where in ((), inside):
            run(*where, "ip", "link", "set", "lo", "up")
        run("ethtool", "-K", "far0", "tx", "off", "tso", "off")
        run(*inside, "ethtool", "-K", "far1", "tx", "off", "tso", "off")
        run("ip", "link", "set", "far0", "mtu", str(mtu))
        run(*inside, "ip", "-6", "route", "add", "default", "via", "2001:db8:9::1", "mtu", "lock", str(mtu), "advmss", "1440")
        run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        yield inside
    finally:
        run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=0")
        host.kill()
        host.wait()
        bed.children.remove(host)
        subprocess.run(["ip", "link", "del", "far0"], capture_output=True, check=False)


# Fetches a megabyte and says how long the segments are that it comes in (tcpi_rcv_mss).
LENGTH_OF_SEGMENTS = """
import socket, ssl, struct, sys
with ssl.create_default_context(cafile=sys.argv[2]).wrap_socket(socket.create_connection((sys.argv[1], 443)), server_hostname="demo.test") as client:
    client.sendall(b"GET /1M HTTP/1.1\\r\\nHost: demo.test\\r\\n\\r\\n")
    got = 0
    while got < 1 << 20:
        got += len(client.recv(65536))
    print(struct.unpack_from("=I", client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64), 20)[0])
"""


@test
def an_ipv6_gateway_and_its_smaller_path(bed):
    """The router's Packet Too Big is believed, and to the byte: without it the stack would try 1280. By link-local address,
    too, as routers are named."""
    with link(bed), far_host(bed, 1400) as inside:
        router = re.search(r"inet6 (fe80:\S+)/64", run("ip", "addr", "show", "dev", "six0"))[1]
        for gateway in (THEIRS, router):
            with server(bed, "--gateway", gateway) as child:
                move_both_ways(bed, inside=inside)
                counters = bed.counters(child)
                assert counters["tcp_path_mtu_lowered"] >= 1, counters
                length = int(run(*inside, sys.executable, "-c", LENGTH_OF_SEGMENTS, OURS, bed.dir / "ca.pem"))
                equal(length, 1400 - 40 - 20 - 12, f"bytes of a segment, by {gateway}")
        with server(bed) as child:  # and none without a gateway
            done = subprocess.run([*inside, "ping", "-c", "1", "-W", "1", OURS], capture_output=True, check=False)
            until(lambda: bed.counters(child)["tx_no_route"] > 0, f"an answer without a route, {done}")
            until(lambda: "there is no --gateway of its family" in child.log.read_text(), "what lockstepd says of the gateway")


@test
def an_ipv6_address_that_another_host_has(bed):
    """Duplicate address detection ends the start, by name."""
    with link(bed):
        run("ip", "addr", "add", f"{OURS}/64", "dev", "six0", "nodad")
        # until the link is known to be up it is tentative all the same, and gives way itself
        until(lambda: "tentative" not in run("ip", "-6", "addr", "show", "dev", "six0"), "an address of the kernel's")
        command = bed.command("--listen", f"{OURS_V4}/24:443", vdev=PORT, listen=f"[{OURS}/64]:443", backend=f"[{THEIRS}]:8080")
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 2 and f"lockstepd: {OURS}: another host on the link has this address\n" in done.stderr, done
        assert "listening" not in done.stdout, done


class Tagger:
    """A switch between an untagged port, `plain`, and a tagged one, `tagged`, for kernels without VLAN devices: it tags what
    goes one way and takes the tag off what comes the other. Frames with other tags, or none, are counted."""

    ALL, PACKET, AUXDATA, VALID = 3, 263, 8, 0x10

    def __init__(self, plain, tagged, vlan):
        self.vlan, self.strangers, self.done = vlan, 0, False
        self.plain, self.tagged = (self.open(name) for name in (plain, tagged))
        self.threads = [threading.Thread(target=self.tag), threading.Thread(target=self.untag)]
        for thread in self.threads:
            thread.start()

    def open(self, name):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(self.ALL))
        raw.bind((name, self.ALL))
        raw.setsockopt(self.PACKET, self.AUXDATA, 1)
        raw.settimeout(0.1)
        return raw

    def receive(self, raw):
        """A frame and its tag, which the kernel puts beside it; None: one of our own, or nothing for a while."""
        try:
            frame, beside, _, (_, _, kind, _, _) = raw.recvmsg(65536, 64)
        except TimeoutError:
            return None, 0
        status, _, _, _, _, tci, _ = struct.unpack("=IIIHHHH", beside[0][2][:20])
        return (None if kind == socket.PACKET_OUTGOING else frame), (tci & 0xfff if status & self.VALID else 0)

    def tag(self):
        while not self.done:
            frame, _ = self.receive(self.plain)
            if frame:
                self.send(frame, self.vlan)

    def send(self, frame, vlan):
        with contextlib.suppress(OSError):  # longer than the link takes, as a switch would drop it
            self.tagged.send(frame[:12] + struct.pack("!HH", 0x8100, vlan) + frame[12:] if vlan else frame)

    def untag(self):
        while not self.done:
            frame, vlan = self.receive(self.tagged)
            if frame and vlan == self.vlan:
                with contextlib.suppress(OSError):
                    self.plain.send(frame)
            elif frame:
                self.strangers += 1

    def close(self):
        self.done = True
        for thread in self.threads:
            thread.join()
        self.plain.close()
        self.tagged.close()


@test
def a_tagged_port(bed):
    """All frames of both families have the tag, full ones included; others are not heard."""
    with link(bed):
        # six0 is the switch's tagged port, and the kernel's own address moves behind its untagged one.
        run("ip", "addr", "flush", "dev", "six0")
        bed.make_link("plain0", "plain1", THEIRS_V4)
        run("ip", "addr", "add", f"{THEIRS}/64", "dev", "plain0", "nodad")
        switch = Tagger("plain1", "six0", 7)
        try:
            with server(bed, "--vlan", "7", "--listen", f"{OURS_V4}/24:443") as child:
                for at in (f"[{OURS}]", OURS_V4):
                    move_both_ways(bed, at=at)
                counters = bed.counters(child)
                equal((counters["tx_too_long"], switch.strangers), (0, 0), "tx_too_long, frames without the tag")
                switch.vlan = 8
                done = subprocess.run(["ping", "-c", "2", "-i", "0.2", "-W", "1", OURS_V4], capture_output=True, text=True, check=False)
                assert " 0 received" in done.stdout, done
                assert bed.counters(child)["rx_dropped"] >= counters["rx_dropped"] + 2, (counters, done)
        finally:
            switch.close()
            run("ip", "link", "del", "plain0")
