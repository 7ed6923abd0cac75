#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The load generator against real servers: load_e2e.py LOCKSTEP_LOAD LOCKSTEPD TOP [NAME...]"""

import collections
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import bed as beds  # noqa: E402
from bed import KERNEL, PATIENCE, Skip, equal, run, test, until  # noqa: E402
from load_bed import LoadBed, Server, answers, read_head, reset, server_context  # noqa: E402

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def check_sum(got):
    """Every operation that was begun has ended, one way."""
    equal(got["begun"], got["done"] + got["late"] + got["failed"], "operations begun")
    equal(got["nanoseconds"]["operation"]["num"], got["done"] + got["late"], "times of operations")
    equal(sum(got["errors"].values()), sum(r["num"] for r in got["reasons"]), "errors and their reasons")
    equal(sum(a["num"] for a in got["agreed"]), got["full_handshakes"] + got["resumed_handshakes"], "what was agreed on")


def check_error(got, kind, num, *words):
    """All failed, for one reason."""
    check_sum(got)
    equal({k: n for k, n in got["errors"].items() if n}, {kind: num}, f"errors of {got}")
    equal(got["failed"], num, "operations that failed")
    equal(len(got["reasons"]), 1, f"reasons {got['reasons']}")
    for word in words:
        assert word in got["reasons"][0]["why"], got["reasons"]


@test
def requests_are_those_that_the_server_logs(bed):
    with bed.log() as rows:
        got = bed.load("--path", "/1k", "--connections", "8", "--requests", "400")
    rows.pop()
    check_sum(got)
    equal((got["done"], got["requests"], got["statuses"], got["body_bytes"]), (400, 400, {"200": 400}, 400 * 1024), "requests")
    equal(len(rows), 400, "requests that nginx logged")
    equal({(r[4], r[6], r[7]) for r in rows}, {("200", "demo.test", "GET /1k HTTP/1.1")}, "what was asked for")
    equal(len({r[2] for r in rows}), got["connections"], "connections")
    equal((got["full_handshakes"], got["resumed_handshakes"]), (got["connections"], 0), "handshakes")
    equal({r[3] for r in rows}, {f"10.9.0.{n}" for n in range(10, 14)}, "clients' addresses")


@test
def connections_end_where_they_should(bed):
    for per_connection, requests in ((1, 30), (5, 50)):
        with bed.log() as rows:
            got = bed.load("--path", "/1k", "--connections", "3", "--per-connection", per_connection, "--requests", requests)
        rows.pop()
        check_sum(got)
        equal(got["done"], requests, "requests")
        counts = collections.Counter(r[2] for r in rows)
        equal(sum(counts.values()), requests, "requests that nginx logged")
        equal((max(counts.values()), got["full_handshakes"], got["connections"]), (per_connection, len(counts), len(counts)), "connections")
    # nginx ends each of these after its third request, and says so.
    with bed.log() as rows:
        got = bed.load("--path", "/1k", "--connections", "2", "--requests", "30", port=444)
    rows.pop()
    check_sum(got)
    equal(got["done"], 30, "requests on connections of three")
    counts = sorted(collections.Counter(r[2] for r in rows).values(), reverse=True)
    # Each of the two clients may be in the midst of its last one at the end.
    assert sum(counts) == 30 and max(counts) == 3 and counts[:-2] == [3] * (len(counts) - 2), counts


@test
def full_and_resumed_are_what_the_server_says(bed):
    for version in ("1.3", "1.2"):
        for percent, connections, requests in ((100, 1, 40), (50, 1, 40), (100, 6, 60), (0, 6, 30)):
            with bed.log() as rows:
                got = bed.load("--path", "/1k", "--tls", version, "--per-connection", "1", "--resume", percent, "--connections", connections,
                               "--requests", requests)
            rows.pop()
            check_sum(got)
            resumed = sum(r[0] == "r" for r in rows)
            what = f"TLS {version}, {percent} % of {requests} on {connections}"
            equal({r[1] for r in rows}, {f"TLSv{version}"}, what)
            equal(got["resumed_handshakes"], resumed, f"resumed handshakes, {what}")
            equal(got["full_handshakes"], len(rows) - resumed, f"full handshakes, {what}")
            equal(got["sessions_offered"], resumed, f"sessions offered, {what}")
            if connections == 1:
                equal(got["full_handshakes"], {100: 1, 50: 20}[percent], f"full handshakes, {what}")
            for kind in ("full", "resumed"):
                equal(got["nanoseconds"][f"{kind}_handshake"]["num"], got[f"{kind}_handshakes"], f"times of {kind} handshakes")


@test
def sessions_that_are_refused_are_full_handshakes(bed):
    # Two servers behind one address that do not share their keys.
    contexts = server_context(bed), server_context(bed)
    with Server(answers(OK), *contexts) as server:
        got = bed.load("--per-connection", "1", "--resume", "100", "--connections", "1", "--requests", "20", port=server.port)
        check_sum(got)
        equal((got["full_handshakes"], got["resumed_handshakes"], got["sessions_offered"]), (20, 0, 19), "full, resumed, offered")
        equal(server.reused, [False] * 20, "what the server says")
    got = bed.load("--path", "/1k", "--per-connection", "1", "--resume", "100", "--connections", "1", "--requests", "20", port=444)
    equal((got["full_handshakes"], got["resumed_handshakes"]), (20, 0), "of a server that keeps none")


@test
def handshakes_alone(bed):
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        def wait_for_the_end(_server, connection):
            while connection.recv(100):
                pass
        with Server(wait_for_the_end, server_context(bed, version)) as server:
            for percent in (0, 100):
                server.reused.clear()
                got = bed.load("--per-connection", "0", "--resume", percent, "--connections", "1", "--requests", "30", port=server.port)
                check_sum(got)
                equal((got["operation"], got["done"], got["requests"], got["statuses"]), ("connection", 30, 0, {}), "operations")
                equal(got["resumed_handshakes"], sum(server.reused), "resumed handshakes")
                equal((got["full_handshakes"], len(server.reused)), (1, 30) if percent else (30, 30), "full handshakes")


@test
def openssl_says_the_same(bed):
    port = 4433
    server = bed.spawn(["openssl", "s_server", "-accept", f"{KERNEL}:{port}", "-cert", bed.dir / "demo.pem", "-key", bed.dir / "demo.key",
                        "-naccept", "21", "-rev"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    until(lambda: f":{port:04X} 00000000:0000 0A" in pathlib.Path("/proc/net/tcp").read_text(), "an s_server that listens")
    got = bed.load("--per-connection", "0", "--resume", "100", "--connections", "1", "--requests", "20", port=port)
    with socket.create_connection((KERNEL, port), timeout=PATIENCE):
        pass  # its last
    said = server.communicate(timeout=PATIENCE)[0].decode(errors="replace")
    bed.children.remove(server)
    check_sum(got)
    equal((got["full_handshakes"], got["resumed_handshakes"]), (1, 19), "full and resumed")
    equal(said.count("CONNECTION ESTABLISHED"), 20, f"s_server's handshakes: {said}")


@test
def choices_of_tls(bed):
    for options, agreed in ((("--tls", "1.2"), "TLS 1.2, "), (("--tls", "1.3"), "TLS 1.3, "),
                            (("--suites", "TLS_CHACHA20_POLY1305_SHA256"), "TLS_CHACHA20_POLY1305_SHA256"),
                            (("--groups", "secp384r1"), "secp384r1"), (("--alpn", "http/1.1"), ", http/1.1")):
        got = bed.load("--path", "/1k", "--connections", "1", "--requests", "2", *options)
        check_sum(got)
        assert len(got["agreed"]) == 1 and agreed in got["agreed"][0]["what"], got["agreed"]
    with Server(answers(OK), server_context(bed)) as server:
        server.contexts[0].set_alpn_protocols(["h2"])
        got = bed.load("--alpn", "h2", "--connections", "1", "--requests", "1", port=server.port, status=1)
        assert "ALPN" in got["reasons"][0]["why"], got["reasons"]


@test
def the_servers_certificate_is_verified(bed):
    few = ("--path", "/1k", "--connections", "1", "--requests", "1", "--per-connection", "0")
    stranger = bed.load(*few, trust=("--ca", "stranger.pem", "--host", "demo.test"), status=1)
    check_error(stranger, "tls", 1, "certificate")
    other = bed.load(*few, trust=("--ca", "ca.pem", "--host", "other.test"), status=1)
    check_error(other, "tls", 1, "name")
    system = bed.load(*few, trust=("--host", "demo.test", "--ca", "stranger.pem", "--server-name", "demo.test"), status=1)
    check_error(system, "tls", 1)
    for trust in (("--insecure",), ("--insecure", "--host", "whoever.test"), ("--ca", "ca.pem", "--server-name", "demo.test"),
                  ("--ca", "ca.pem", "--host", "demo.test:443")):
        check_sum(bed.load(*few, trust=trust))
    bed.load("--connections", "1", "--requests", "3", "--per-connection", "1", "--resume", "100", "--path", "/1k", trust=("--insecure",))


@test
def certificates_of_clients(bed):
    context = server_context(bed)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(bed.dir / "ca.pem")
    with Server(answers(OK), context) as server:
        mine = ("--cert", "demo.pem", "--key", "demo.key")
        check_sum(bed.load("--connections", "1", "--requests", "3", *mine, port=server.port))
        got = bed.load("--connections", "1", "--requests", "3", port=server.port, status=1)
        check_sum(got)
        # Under TLS 1.3 the client learns of it behind its own Finished.
        assert got["errors"]["alert"] and "alert_certificate_required" in [r["why"] for r in got["reasons"]], got


@test
def bodies_of_every_kind(bed):
    kinds = ((OK, 2), (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\n", 19),
             (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 0), (b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno!", 3))
    turn = itertools.count()

    def each_kind(_server, connection):
        while read_head(connection):
            number = next(turn)
            answer = kinds[number % 4][0]
            for at in range(0, len(answer), 1 if number % 8 < 4 else len(answer)):  # in records of a byte, and in one
                connection.sendall(answer[at:at + 1] if number % 8 < 4 else answer)
    with Server(each_kind, server_context(bed)) as server:
        got = bed.load("--connections", "2", "--requests", "40", port=server.port)
        check_sum(got)
        equal((got["done"], got["statuses"], got["body_bytes"]), (40, {"200": 20, "204": 10, "404": 10}, 10 * (2 + 19 + 0 + 3)), "answers")

    def until_the_end(_server, connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000)
        connection.unwrap()
    with Server(until_the_end, server_context(bed)) as server:
        got = bed.load("--connections", "2", "--requests", "10", port=server.port)
        check_sum(got)
        equal((got["done"], got["body_bytes"], got["connections"] >= 10), (10, 50000, True), "answers that end with their connection")
    got = bed.load("--path", "/1M", "--method", "HEAD", "--connections", "1", "--requests", "5")
    equal((got["done"], got["body_bytes"]), (5, 0), "answers to HEAD")
    got = bed.load("--path", "/1M", "--connections", "4", "--requests", "40")
    equal((got["done"], got["body_bytes"]), (40, 40 << 20), "long answers")

    def takes_a_body(server, connection):
        while head := read_head(connection):
            left = int(re.search(rb"Content-Length: (\d+)", head)[1])
            server.heads.append((head, left))
            while left:
                left -= len(connection.recv(left))
            connection.sendall(OK)
    with Server(takes_a_body, server_context(bed)) as server:
        server.heads = []
        got = bed.load("--path", "/echo", "--body", "100000", "--header", "X-Y: z", "--connections", "3", "--requests", "12", port=server.port)
        check_sum(got)
        equal((got["done"], len(server.heads)), (12, 12), "requests with bodies")
        for head, left in server.heads:
            assert left == 100000 and head.startswith(b"POST /echo HTTP/1.1\r\n") and b"\r\nX-Y: z\r\n" in head, head


@test
def servers_that_fail_are_counted_by_kind(bed):
    def silent(server, connection):
        read_head(connection)
        server.ended.wait(PATIENCE)

    def drips(server, connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not server.ended.wait(0.05):
            connection.sendall(b"x")

    def cut(_server, connection):
        read_head(connection)
        connection.sendall(OK[:-1])

    def told(_server, connection):
        cut(_server, connection)
        connection.unwrap()

    def cut_without_length(_server, connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")

    def garbage(_server, connection):
        read_head(connection)
        connection.sendall(b"\x00\xff" * 1000)
        read_head(connection)

    def endless(line, front=b""):
        def handler(_server, connection):
            read_head(connection)
            connection.sendall(front)
            while True:
                connection.sendall(line * 100)
        return handler

    def unasked(_server, connection):
        connection.sendall(OK)
        read_head(connection)
        read_head(connection)

    def tcp_garbage(_server, connection):
        connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n" * 10)
        connection.recv(1000)

    def tcp_silent(server, _connection):
        server.ended.wait(PATIENCE)

    def tcp_closes(_server, connection):
        connection.recv(65536)  # all of it, or the kernel says RST

    head = b"HTTP/1.1 200 OK\r\n"
    cases = [
        (silent, True, "timeout", "answer"), (drips, True, "timeout", "answer"), (cut, True, "cut", "ended TCP"), (told, True, "cut", "close_notify"),
        (cut_without_length, True, "cut", "ended TCP"),
        (garbage, True, "http", "HTTP/1.1"), (endless(b"A: b\r\n", head), True, "http", "too long"),
        (endless(b"HTTP/1.1 100 Continue\r\n\r\n"), True, "http", "too long"),
        (endless(b"0", head + b"Transfer-Encoding: chunked\r\n\r\n"), True, "http", "too long"),
        (answers(OK + b"more"), True, "http", "longer"), (tcp_garbage, False, "tls", ""), (tcp_silent, False, "timeout", "handshake"),
        (tcp_closes, False, "cut", "handshake"),
    ]
    for handler, is_tls, kind, word in cases:
        with Server(handler, *[server_context(bed)] * is_tls) as server:
            got = bed.load("--connections", "2", "--requests", "4", "--timeout", "4" if kind == "timeout" else "100", port=server.port, status=1)
        try:
            check_error(got, kind, 4, word)
        except AssertionError as error:
            raise AssertionError(f"{handler.__name__}: {error}") from error
    # Of eight connections five have nothing to ask in that time.
    with Server(unasked, server_context(bed)) as server:
        got = bed.load("--connections", "8", "--duration", "3", "--rate", "1", port=server.port, status=1)
        check_sum(got)
        assert "bytes came that no request had asked for" in [r["why"] for r in got["reasons"]], got


@test
def resets_refusals_and_nobody(bed):
    def handler(_server, connection):
        read_head(connection)
        reset(connection)
    some = ("--connections", "2", "--requests", "4")
    with Server(handler, server_context(bed)) as server:
        check_error(bed.load(*some, port=server.port, status=1), "reset", 4, "within an answer")
    with Server(lambda _server, connection: reset(connection)) as server:
        got = bed.load(*some, port=server.port, status=1)
        check_sum(got)
        equal(got["failed"], 4, "connections that were reset at once")
    check_error(bed.load(*some, port=7, status=1), "refused", 4, "nobody listens")
    check_error(bed.load(*some, "--timeout", "30", target="10.9.0.77", status=1), "unreachable", 4)
    with Server(answers(OK), server_context(bed, ssl.TLSVersion.TLSv1_2)) as server:
        check_error(bed.load(*some, "--tls", "1.3", port=server.port, status=1), "alert", 4, "alert_protocol_version")


@test
def an_open_loop_asks_as_often_as_it_is_told(bed):
    for options in ((), ("--per-connection", "1"), ("--per-connection", "0"), ("--arrivals", "poisson")):
        with bed.log() as rows:
            # What this machine is too slow for is said.
            done = subprocess.run(bed.load_command("--path", "/1k", "--connections", "4", "--rate", "50", "--duration", "2", *options),
                                  capture_output=True, text=True, cwd=bed.dir, timeout=PATIENCE, check=False)
            got = json.loads(done.stdout)
        rows.pop()
        check_sum(got)
        equal(done.returncode, 1 if got["never_begun"] or got["failed"] else 0, "exit status")
        equal(got["loop"], "open", "loop")
        if "poisson" not in options:
            equal(got["begun"] + got["never_begun"], 100, f"operations in two seconds with {options}")
        else:
            assert 40 < got["begun"] + got["never_begun"] < 200, got
        equal(len(rows), 0 if "0" in options else got["requests"], "requests that nginx logged")


@test
def nothing_is_left_out_of_an_open_loops_times(bed):
    """A server that stands still for two seconds: all that were due meanwhile have waited for it."""
    seen = []

    def handler(_server, connection):
        while read_head(connection):
            if not seen:
                seen.append(1)
                time.sleep(2)
            connection.sendall(OK)
    with Server(handler, server_context(bed)) as server:
        done = subprocess.run(bed.load_command("--connections", "1", "--rate", "20", "--duration", "3", "--timeout", "100", port=server.port),
                              capture_output=True, text=True, cwd=bed.dir, timeout=PATIENCE, check=False)
        got = json.loads(done.stdout)
    check_sum(got)
    equal(got["begun"] + got["never_begun"], 60, "operations in three seconds")
    # Those that were due in the first second and a half have waited for half a second at least.
    if not got["never_begun"]:
        assert got["nanoseconds"]["operation"]["p50"] >= 4e8, got["nanoseconds"]
    assert got["nanoseconds"]["operation"]["max"] >= 1.9e9, got["nanoseconds"]


@test
def time_ends_it(bed):
    for warmup in (1, 2, 4, 8, 16, 32):  # until it is long enough on this machine for what belongs there
        with bed.log() as rows:
            got = bed.load("--path", "/1k", "--connections", "3", "--duration", "1", "--warmup", warmup)
        rows.pop()
        check_sum(got)
        equal(got["seconds"], 1, "the time that was measured")
        if not got["full_handshakes"] and 0 < got["begun"] < len(rows):
            break
    else:
        raise AssertionError(f"a warm-up that is counted: {got}, {len(rows)}")
    assert 0 < got["generator"]["busy_share"] <= 1 and got["generator"]["busy_polls"] <= got["generator"]["polls"], got["generator"]
    # And a signal, with all that was done by then.
    before = (bed.dir / "access.log").stat().st_size
    child = bed.start_load("--path", "/1k", "--connections", "3", "--duration", "1000")
    until(lambda: (bed.dir / "access.log").stat().st_size > before, "a request in nginx' log")
    child.send_signal(signal.SIGINT)
    equal(child.wait(PATIENCE), 0, "exit status after SIGINT")
    bed.children.remove(child)
    got = json.loads(child.log.read_text()[child.log.read_text().index("{"):])
    check_sum(got)
    assert got["done"] + got["late"] > 0, got


@test
def ipv6(bed):
    if not os.path.exists("/proc/net/if_inet6"):
        raise Skip("the kernel has no IPv6 here")
    run("ip", "addr", "add", "fd00:9::1/64", "dev", "lks0", "nodad")
    with bed.log() as rows:
        got = bed.load("--path", "/1k", "--connections", "4", "--requests", "40", target="[fd00:9::1]", addresses="fd00:9::10-fd00:9::12/64",
                       trust=("--ca", "ca.pem", "--server-name", "demo.test"))
    rows.pop()
    check_sum(got)
    equal((got["done"], len(rows)), (40, 40), "requests over IPv6")
    equal({r[3] for r in rows}, {f"fd00:9::1{n}" for n in range(3)}, "clients' addresses")


@test
def a_backend_answers(bed):
    child = bed.start_load("--serve", "10.9.0.10:8080", "--serve-size", "100000", port=None)

    def curl(*options):
        return run("curl", "-sS", "--max-time", str(PATIENCE), "-o", bed.dir / "got", "-w", "%{http_code} %{size_download} %{num_connects}\n", *options)
    equal(curl("http://10.9.0.10:8080/a", "-o", bed.dir / "got2", "http://10.9.0.10:8080/b"), "200 100000 1\n200 100000 0\n", "two GETs on one connection")
    equal(curl("--data-binary", f"@{bed.dir}/www/1M", "-H", "Expect:", "http://10.9.0.10:8080/"), "200 100000 1\n", "a POST")
    equal(curl("--http1.0", "http://10.9.0.10:8080/"), "200 100000 1\n", "HTTP/1.0")
    equal(set((bed.dir / "got").read_bytes()), {ord("x")}, "the body")
    with socket.create_connection(("10.9.0.10", 8080), timeout=PATIENCE) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n\r\n" * 3 + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        got = b""
        while data := raw.recv(65536):
            got += data
        equal(got.count(b"HTTP/1.1 200 OK"), 4, "answers to pipelined requests")
        equal(len(got) - 4 * (got.index(b"\r\n\r\n") + 4), 400000, "their bodies")
    with socket.create_connection(("10.9.0.10", 8080), timeout=PATIENCE) as raw:
        raw.sendall(b"\x16\x03\x01\r\n\r\n")
        equal(raw.recv(100), b"", "an answer to no HTTP")
    child.send_signal(signal.SIGTERM)
    equal(child.wait(PATIENCE), 0, "exit status")
    bed.children.remove(child)
    said = dict(re.findall(r"^  ([a-z ]+?) +(\d+)$", child.log.read_text(), re.M))
    equal((said["requests"], said["bad requests"]), ("8", "1"), child.log.read_text())


@test
def lockstepd_over_memif_between_clients_and_backend(bed):
    """No kernel in between: the generator in front of lockstepd and behind it."""
    socket_path = bed.dir / "memif.sock"
    server = bed.start("--alpn", "http/1.1", vdev=f"net_memif0,role=server,socket={socket_path},socket-abstract=no", backend="10.9.0.1:8080", prefix="memif")
    memif = {"vdev": f"net_memif0,role=client,socket={socket_path},socket-abstract=no", "target": beds.LOCKSTEPD, "addresses": "10.9.0.1"}
    got = bed.load("--serve", "10.9.0.1:8080", "--serve-size", "5000", "--connections", "6", "--per-connection", "2", "--resume", "100",
                   "--requests", "200", **memif)
    check_sum(got)
    equal((got["done"], got["body_bytes"], got["backend"]["requests"]), (200, 200 * 5000, 200), "requests")
    counters = bed.stop(server)
    equal((counters["handshakes"], counters["handshakes_resumed"]), (got["full_handshakes"] + got["resumed_handshakes"], got["resumed_handshakes"]),
          f"handshakes of lockstepd and {got}")
    assert got["resumed_handshakes"] >= 50, got


@test
def help_and_manual_name_the_same_options(bed):
    said = subprocess.run([bed.generator, "--help"], capture_output=True, text=True, check=True).stdout
    page = (bed.top / "bench/load/lockstep-load.1").read_text().replace("\\-", "-")
    usage = said[said.index("The network:"):said.index("A first try")]
    options = set(re.findall(r"--[a-z-]+", usage))
    equal(options - set(re.findall(r"--[a-z-]+", page)), set(), "options that the manual lacks")
    source = (bed.top / "bench/load/options.c").read_text()
    equal({f"--{name}" for name in re.findall(r'^    \{"([a-z-]+)", KIND', source, re.M)} ^ options, set(), "options that are not in --help, or are no more")
    for line in page.splitlines():
        assert not line.startswith("..") and len(line) < 250, line
    for words, status, want in ((["--target", "10.9.0.1:443"], 2, 'stand behind "--"'), (["--", "--nonsense"], 2, "--nonsense: no such option"),
                                (["--version"], 0, "lockstep-load "), (["--no-huge", "--no-pci", "-m", "64", "--no-shconf", "--no-telemetry", "--log-level=4",
                                "--", "--serve", "10.9.0.1:80", "--address", "10.9.0.1"], 2, "no such port"),
                                (["--", "--target", "10.9.0.1:443", "--address", "10.9.0.2", "--ca", "absent.pem"], 2, "--ca: "),
                                (["--", "--target", "10.9.0.1:443", "--address", "10.9.0.2", "--insecure", "--server-name", "a b"], 2, "--server-name a b: ")):
        done = subprocess.run([bed.generator, *words], capture_output=True, text=True, check=False)
        assert done.returncode == status and want in done.stdout + done.stderr, (words, done)


@test
def the_table_is_for_people(bed):
    command = bed.load_command("--path", "/1k", "--connections", "2", "--requests", "20", "--resume", "50", "--per-connection", "1")
    command[command.index("-")] = str(bed.dir / "out.json")
    said = subprocess.run(command, capture_output=True, text=True, cwd=bed.dir, timeout=PATIENCE, check=True).stdout
    got = json.loads((bed.dir / "out.json").read_text())
    for line in (r"answers +20 +[\d.]+ a second", rf"full handshakes +{got['full_handshakes']} ", rf"resumed handshakes +{got['resumed_handshakes']} ",
                 r"status 200 +20", r"TLS 1.3, TLS_", r"full handshake +[\d.]+", r"busy +[\d.]+ % of its core"):
        assert re.search(line, said), (line, said)
    bad = bed.load_command("--connections", "1", "--requests", "2", port=7)
    bad = bad[:bad.index("--json")] + bad[bad.index("--json") + 2:]
    done = subprocess.run(bad, capture_output=True, text=True, cwd=bed.dir, timeout=PATIENCE, check=False)
    assert done.returncode == 1 and re.search(r"errors\n  refused +\d+ +nobody listens there", done.stdout), done


def main():
    beds.enter_namespaces()
    program, lockstepd, top, *only = sys.argv[1:]
    return beds.run_tests("load-e2e", LoadBed(os.path.abspath(program), os.path.abspath(lockstepd), top), only)


if __name__ == "__main__":
    sys.exit(main())
