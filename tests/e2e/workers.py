# SPDX-License-Identifier: BSD-3-Clause
"""Several workers on one port, of which none spreads frames by a key that it tells: software does. Beside the main
lockstepd, on the link of families.py."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess

from bed import KERNEL, PATIENCE, Skip, equal, hear_the_end, run, sha256_of, test, until
from families import OURS, OURS_V4, PORT, THEIRS, curl, far_host, link, move_both_ways

TWO_QUEUES = f"{PORT},qpairs=2"


@contextlib.contextmanager
def two_workers(bed, *options, vdev=TWO_QUEUES, listen=f"[{OURS}/64]:443", backend=f"[{THEIRS}]:8080"):
    child = bed.start("--workers", "2", *options, vdev=vdev, listen=listen, backend=backend, num_lcores=3, prefix="two")
    try:
        yield child
    finally:
        if child.poll() is None:
            bed.stop(child)


def by_worker(bed, child, name):
    """Both workers' count of something, which is the sum's."""
    counters = bed.counters(child)
    both = [counters[f"worker_{worker}_{name}"] for worker in (0, 1)]
    equal(sum(both), counters[name], f"{name} of both workers, {counters}")
    return both


@test
def two_workers_serve(bed):
    """Both, clients of both families, to a backend of either; nobody's bytes are another's. Neighbours' answers reach both,
    since each finds its way to clients and backend."""
    with link(bed), two_workers(bed, "--listen", f"{OURS_V4}/24:443") as child:
        assert "2 workers, on lcores 1, 2; frames are spread by software\n" in child.log.read_text(), child.log.read_text()
        for at in (OURS_V4, f"[{OURS}]"):
            before = by_worker(bed, child, "connections")
            got = curl(bed, "/data.txt?[1-40]", "-H", "Connection: close", at=at)  # a connection each
            equal(got, "forty-two" * 40, "what came over 40 connections")
            until(lambda: bed.counters(child)["connections_now"] == 0, "the end of all connections")
            now = by_worker(bed, child, "connections")
            assert sum(now) == sum(before) + 40 and all(n > b for n, b in zip(now, before)), (before, now)
            equal(by_worker(bed, child, "handshakes"), now, "handshakes of both workers")
            move_both_ways(bed, at=at)
        move_many(bed)
        counters = bed.counters(child)
        assert counters["rx_handed_on"] > 0, counters
        equal([counters[name] for name in ("handshake_failures", "tx_no_route", "tcp_no_ports", "ended_backend_unreachable")], [0] * 4,
              "what went wrong")


def move_many(bed):
    """Twenty downloads at once."""
    outs = [bed.dir / f"two-{i}" for i in range(20)]
    children = [subprocess.Popen(["curl", "-sS", "--max-time", str(PATIENCE), "--cacert", bed.dir / "ca.pem", "--resolve", f"demo.test:443:{OURS_V4}",
                                  "-o", out, "https://demo.test/1M"]) for out in outs]
    for child, out in zip(children, outs):
        equal(child.wait(PATIENCE), 0, "curl's exit code")
        equal(sha256_of(out), sha256_of(bed.dir / "www/1M"), "SHA-256 of one of twenty downloads")
        out.unlink()


@test
def sessions_are_resumed_by_either_worker(bed):
    """By ticket, and by TLS 1.2's session ID: what one worker remembers the other knows."""
    with link(bed), two_workers(bed) as child:
        for version, without in ((ssl.TLSVersion.TLSv1_3, 0), (ssl.TLSVersion.TLSv1_2, 0), (ssl.TLSVersion.TLSv1_2, ssl.OP_NO_TICKET)):
            before = by_worker(bed, child, "handshakes_resumed")
            context = bed.context()
            context.minimum_version = context.maximum_version = version
            context.options |= without
            session, reused = None, []
            for _ in range(24):
                with socket.create_connection((OURS, 443), timeout=PATIENCE) as raw:
                    with context.wrap_socket(raw, server_hostname="demo.test", session=session) as tls:
                        tls.sendall(b"GET /data.txt HTTP/1.0\r\nHost: demo.test\r\n\r\n")
                        while tls.recv(1000):
                            pass
                        reused.append(tls.session_reused)
                        session = session or tls.session
            equal(reused, [False] + [True] * 23, f"sessions that were resumed, {version!r} {without!r}")
            now = by_worker(bed, child, "handshakes_resumed")
            assert all(n > b for n, b in zip(now, before)), (before, now)


@test
def path_mtu_reaches_the_worker_of_the_flow(bed):
    """The router's Packet Too Big comes to one queue, whoever sent what was too big."""
    with link(bed), far_host(bed, 1400) as inside, two_workers(bed, "--gateway", THEIRS) as child:
        def both_know():
            move_both_ways(bed, inside=inside)
            counters = bed.counters(child)
            return all(counters[f"worker_{worker}_tcp_path_mtu_lowered"] for worker in (0, 1))
        until(both_know, lambda: f"a smaller path of both workers: {bed.counters(child)}")


@test
def two_workers_end_together(bed):
    """Connections of both are told, and counted; one that stops polling would be named, and is not."""
    with link(bed), two_workers(bed) as child:
        context, clients = bed.context(), []
        while len(clients) < 8 or not all(by_worker(bed, child, "connections_now")):
            raw = socket.create_connection((OURS, 443), timeout=PATIENCE)
            clients.append(context.wrap_socket(raw, server_hostname="demo.test"))
            bed.ask(clients[-1])
        child.send_signal(signal.SIGINT)
        for tls in clients:
            equal(hear_the_end(tls), b"", "what came behind the answer")
        counters = bed.ended(child)
        equal((counters["ended_shutdown"], counters["connections_now"]), (len(clients), 0), "ended_shutdown, connections_now")
        assert "lockstepd: worker" not in child.log.read_text(), child.log.read_text()


@test
def workers_that_cannot_be(bed):
    """More than there are lcores or queue pairs for, by name; auto is as many as there are."""
    with link(bed):
        for vdev, lcores, num, want in ((TWO_QUEUES, 2, "2", "--workers 2: that takes 3 lcores, one of them to do what is no worker's, and EAL has 2"),
                                        (PORT, 3, "2", "--workers 2: the port has queues for 1; ask for no more, or give the device more")):
            command = bed.command("--workers", num, vdev=vdev, listen=f"[{OURS}/64]:443", backend=f"[{THEIRS}]:8080", num_lcores=lcores)
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=PATIENCE, check=False)
            lines = [line for line in done.stderr.splitlines() if line.startswith("lockstepd: ")]
            assert done.returncode == 2 and len(lines) == 1 and want in lines[0], done
        for vdev, lcores, num in ((TWO_QUEUES, 4, 2), (TWO_QUEUES, 3, 2), (TWO_QUEUES, 2, 1), (PORT, 4, 1)):
            child = bed.start("--workers", "auto", vdev=vdev, listen=f"[{OURS}/64]:443", backend=f"[{THEIRS}]:8080", num_lcores=lcores, prefix="two")
            equal(f"{num} workers, on lcores" in child.log.read_text(), num > 1, f"{vdev}, {lcores} lcores: {child.log.read_text()}")
            bed.stop(child)


@test
def two_workers_on_a_tap(bed):
    if not os.path.exists("/dev/net/tun"):
        raise Skip("no /dev/net/tun here")
    ours, theirs = "10.9.5.2", "10.9.5.1"
    with two_workers(bed, "--gateway", theirs, vdev="net_tap0,iface=twotap", listen=f"{ours}/24:443", backend=f"{KERNEL}:8080") as child:
        run("ip", "addr", "add", f"{theirs}/24", "dev", "twotap")
        run("ip", "link", "set", "twotap", "up")
        got = curl(bed, "/data.txt?[1-40]", "-H", "Connection: close", at=ours)
        equal(got, "forty-two" * 40, "what came over 40 connections")
        assert all(by_worker(bed, child, "handshakes")), bed.counters(child)
        move_both_ways(bed, at=ours)
