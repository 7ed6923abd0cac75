# SPDX-License-Identifier: BSD-3-Clause
"""End to end from a configuration's file: sites by name, pools, reloads. On a link of its own, beside the main lockstepd."""

import contextlib
import http.server
import ipaddress
import re
import signal
import socket
import subprocess
import threading

from bed import PATIENCE, equal, lcores, listens, run, sha256_of, test, until

OURS, THEIRS = "10.9.6.2", "10.9.6.1"


class Named(http.server.BaseHTTPRequestHandler):
    """A backend that says its name."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802  the library's name
        body = self.server.name.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def named_backend(name, port):
    server = http.server.ThreadingHTTPServer((THEIRS, port), Named)
    server.handle_error = lambda *_: None  # connections that are reset at the end
    server.name = name
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def link(bed):
    bed.make_link("sit0", "sit1", THEIRS)
    try:
        with named_backend("left", 8091), named_backend("right", 8092):
            yield
    finally:
        run("ip", "link", "del", "sit0")


def eal(workers=1):
    words = ["--no-huge", "--no-shconf", "-m", "256", "--no-pci", "--no-telemetry", "--log-level=4",
             f"--vdev=net_af_packet0,iface=sit1,framecnt=1024,blocksz=4096,qpairs={workers}"]
    if workers > 1:
        words.append(lcores(workers + 1))
    return "eal: [" + ", ".join(f'"{w}"' for w in words) + "]\n"


def write(bed, text, name="sites.yaml"):
    (bed.dir / name).write_text(text)
    return bed.dir / name


BASE = f"""
device:
  buffers: 8192
limits: {{connections: 500}}
pools:
- name: left
  servers: {THEIRS}:8091
- name: right
  servers: {THEIRS}:8092
frontends:
- listen: {OURS}:443
  sites:
  - certificates: {{chain: demo.pem, key: demo.key}}
    names: demo.test
    pool: left
"""
OTHER = """  - certificates: {chain: other.pem, key: other.key}
    names: other.test
    pool: right
"""


@contextlib.contextmanager
def server(bed, text, workers=1):
    path = write(bed, eal(workers) + text)
    log = bed.dir / "sites.log"
    with open(log, "wb") as out:
        child = bed.spawn([bed.program, "--config", path], stdout=out, stderr=subprocess.STDOUT)
    child.log = log
    until(lambda: "listening" in log.read_text() or child.poll() is not None, "a lockstepd that listens")
    if child.poll() is not None:
        raise RuntimeError(f"lockstepd did not start: {log.read_text()[-600:]}")
    try:
        yield child
    finally:
        if child.poll() is None:
            bed.stop(child)


def curl(bed, name, *options, check=True, ca="ca.pem", path="/"):
    done = subprocess.run(list(map(str, ["curl", "-sS", "--max-time", PATIENCE, "--cacert", bed.dir / ca, "--resolve", f"{name}:443:{OURS}",
                                         *options, f"https://{name}{path}"])), capture_output=True, text=True, timeout=PATIENCE, check=False)
    if check and done.returncode:
        raise RuntimeError(f"curl {name}: {done.stderr}")
    return done.stdout if check else done


def certificate_of(name, *options):
    """The serial number of the certificate that a name is answered with."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"{OURS}:443", *(["-servername", name] if name else ["-noservername"]), *options],
                          input=b"", capture_output=True, timeout=PATIENCE, check=False)
    return run("openssl", "x509", "-noout", "-serial", input=done.stdout.decode(errors="replace"))


def s_client(*options):
    """A request of demo.test's, and the answer to its end, so that tickets have come."""
    command = ["openssl", "s_client", "-connect", f"{OURS}:443", "-servername", "demo.test", "-ign_eof", *options]
    done = subprocess.run(list(map(str, command)), input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=PATIENCE, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


@test
def a_file_is_looked_at_and_nothing_starts(bed):
    good = write(bed, eal() + BASE + OTHER, "good.yaml")
    done = subprocess.run([bed.program, "--test", good], capture_output=True, text=True, timeout=PATIENCE, check=False)
    equal((done.returncode, done.stdout, done.stderr), (0, f"lockstepd: {good} is good\n", ""), "--test of a good file")
    for change, said in ((("chain: other.pem", "chain: none.pem"), ":17:27: chain: {dir}/none.pem: cannot read the certificate: No such file"),
                         (("names: other.test", "names: third.test"), ":18:12: names: third.test: no certificate of this site has that name, so "
                          "clients would refuse it; have one made with it, or take the name out"),
                         (("key: other.key", "key: demo.key"), ":17:27: chain: {dir}/demo.key: "),
                         (("pool: right", "pool: wrong"), ":19:11: pool: wrong: there is no such pool in \"pools\""),
                         (("buffers: 8192", "buffers: many"), ":4:12: buffers: many: not a number from 1024 to 16777216")):
        bad = write(bed, (eal() + BASE + OTHER).replace(*change), "bad.yaml")
        for how in ("--test", "--config"):
            done = subprocess.run([bed.program, how, bad], capture_output=True, text=True, timeout=PATIENCE, check=False)
            want = f"lockstepd: {bad}{said.format(dir=bed.dir)}"
            assert done.returncode == 2 and done.stderr.startswith(want) and not done.stdout, (how, want, done)
    assert "EAL" not in done.stderr, done.stderr


@test
def sites_have_their_own_certificate_and_pool(bed):
    with link(bed), server(bed, BASE + OTHER):
        for _ in range(3):
            equal(curl(bed, "demo.test"), "left", "demo.test's pool")
            equal(curl(bed, "other.test"), "right", "other.test's pool")
        # who names nobody, or somebody else, is the first site's
        first = certificate_of("demo.test")
        equal((certificate_of(None), certificate_of("third.test")), (first, first), "certificates without a known name")
        assert certificate_of("other.test") != first


@test
def a_site_of_its_own_rules(bed):
    """One site asks for certificates and speaks TLS 1.3 alone; what it has does not reach the other."""
    rules = "    client-auth: {mode: required, trust: ca.pem}\n    min-version: '1.3'\n    alpn: http/1.1\n"
    with link(bed), server(bed, BASE + OTHER + rules):
        equal(curl(bed, "demo.test", "--tls-max", "1.2"), "left", "an open site, TLS 1.2")
        equal(curl(bed, "other.test", "--cert", bed.dir / "demo.pem", "--key", bed.dir / "demo.key"), "right", "a site that asks")
        assert curl(bed, "other.test", check=False).returncode, "without a certificate"
        assert curl(bed, "other.test", "--tls-max", "1.2", "--cert", bed.dir / "demo.pem", "--key", bed.dir / "demo.key", check=False).returncode


@test
def connections_go_to_all_servers_that_answer(bed):
    """In turn by weight; one that refuses is passed over, and none of its turns is lost."""
    both = BASE.replace(f"  servers: {THEIRS}:8091\n", f"  servers:\n  - {{address: {THEIRS}:8091, weight: 2}}\n  - {THEIRS}:8092\n  - {THEIRS}:8099\n  retries: 2\n")
    with link(bed), server(bed, both):
        got = [curl(bed, "demo.test") for _ in range(12)]
        equal((got.count("left") + got.count("right"), got.count("left") > got.count("right") > 0), (12, True), f"answers {got}")


def reload(bed, child, said):
    before = child.log.read_text().count("\n")
    child.send_signal(signal.SIGHUP)
    until(lambda: re.search(said, "\n".join(child.log.read_text().split("\n")[before:])), lambda: f"{said} in {child.log.read_text()[-500:]}")


def make_certificate(bed, name):
    """A newer one for a name that has its key already."""
    (bed.dir / "san").write_text(f"subjectAltName=DNS:{name}.test\nauthorityKeyIdentifier=keyid\n")
    run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
        "-extfile", "san", "-out", f"{name}.new", cwd=bed.dir)
    (bed.dir / f"{name}.new").rename(bed.dir / f"{name}.pem")


@test
def a_reload_loses_no_connection_and_no_session(bed):
    """A renewed certificate and a site more, while a download runs and a client keeps a session."""
    nginx = BASE.replace(f"{THEIRS}:8091", "10.9.7.1:8080").replace("pools:", f"gateways: {THEIRS}\npools:")
    with link(bed), server(bed, nginx) as child:
        session, out = bed.dir / "reload-session.pem", bed.dir / "reload-got"
        before = certificate_of("demo.test")
        s_client("-sess_out", session)
        download = threading.Thread(target=curl, args=(bed, "demo.test", "--limit-rate", "20M", "-o", out), kwargs={"path": "/100M"})
        download.start()
        until(lambda: bed.counters(child)["bytes_sealed"] > 1 << 20, "a download that runs")
        make_certificate(bed, "demo")
        write(bed, eal() + nginx + OTHER)
        reload(bed, child, "sites.yaml read again")
        assert certificate_of("demo.test") != before, "the renewed certificate"
        equal(curl(bed, "other.test"), "right", "a site that was not there")
        out_of_it = s_client("-sess_in", session)
        assert "Reused, TLSv1.3" in out_of_it, out_of_it
        assert download.is_alive(), "a download that outlives the reload"
        download.join(PATIENCE)
        equal(sha256_of(out), sha256_of(bed.dir / "www/100M"), "the download")
        equal((bed.counters(child)["reloads"], bed.counters(child)["reloads_failed"]), (1, 0), "reloads")


def ask(connection, name):
    """A request on a connection that stays, and the answer's body; short ones come in one piece or in two."""
    connection.sendall(f"GET / HTTP/1.1\r\nHost: {name}.test\r\n\r\n".encode())
    got, want = b"", b"left" if name == "demo" else b"right"
    while not got.endswith(want):
        more = connection.recv(4096)
        if not more:
            raise AssertionError(f"{name}.test's connection has ended behind {got!r}")
        got += more


def connect(bed, name):
    raw = socket.create_connection((OURS, 443), timeout=PATIENCE)
    return bed.context().wrap_socket(raw, server_hostname=f"{name}.test", suppress_ragged_eofs=False)


class Load:
    """Kept connections that ask again and again, on a thread, until it is stopped or one fails."""

    def __init__(self, bed, connections):
        self.connections, self.turns, self.failed, self.stops = connections, 0, None, False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while not self.stops:
                for name, connection in self.connections:
                    ask(connection, name)
                self.turns += 1
        except Exception as why:  # whatever it is, it is this test's failure
            self.failed = why

    def go_on(self):
        """Every connection is asked once more at least."""
        before = self.turns
        until(lambda: self.failed or self.turns > before + 1, "kept connections that are answered")
        assert not self.failed, self.failed

    def stop(self):
        self.stops = True
        self.thread.join(PATIENCE)
        assert not self.failed, self.failed


def by_worker(bed, child, name):
    counters = bed.counters(child)
    return [counters[f"worker_{worker}_{name}"] for worker in (0, 1)]


def serial_of(bed, name):
    with connect(bed, name) as connection:
        return connection.getpeercert()["serialNumber"]


def serials_of_both(bed, child, name):
    """The certificates' serial numbers that new connections get, until both workers have had three of them."""
    before, seen = by_worker(bed, child, "handshakes"), set()

    def both_had():
        seen.add(serial_of(bed, name))
        return all(now >= b + 3 for now, b in zip(by_worker(bed, child, "handshakes"), before))
    until(both_had, f"handshakes of both workers for {name}.test")
    return seen


@test
def two_workers_take_a_reload(bed):
    """Both sites' certificates are renewed while both workers have connections to both sites that ask on and on: none is lost,
    each worker serves the new ones alone, and what was before is gone. How many workers only a start can say."""
    two = BASE.replace("buffers: 8192", "buffers: 8192\n  workers: 2")
    with link(bed), server(bed, two + OTHER, workers=2) as child:
        assert "2 workers, on lcores 1, 2" in child.log.read_text(), child.log.read_text()
        kept = []
        while len(kept) < 8 or not all(num >= 2 for num in by_worker(bed, child, "connections_now")):
            kept += [(name, connect(bed, name)) for name in ("demo", "other")]
        load = Load(bed, kept)
        for time in range(3):
            before = {name: serials_of_both(bed, child, name) for name in ("demo", "other")}
            equal([len(seen) for seen in before.values()], [1, 1], "certificates of each site")
            load.go_on()
            for name in before:
                make_certificate(bed, name)
            reload(bed, child, "sites.yaml read again")
            for name, old in before.items():
                now = serials_of_both(bed, child, name)
                assert len(now) == 1 and not now & old, (time, name, old, now)
            load.go_on()
        write(bed, eal(2) + two.replace("workers: 2", "workers: 1") + OTHER)
        reload(bed, child, "sites.yaml:5:12: workers: only a start can change this(.|\n)*: nothing has changed")
        load.go_on()
        load.stop()
        counters = bed.counters(child)
        equal((counters["reloads"], counters["reloads_failed"], counters["connections_refused"], counters["handshake_failures"]), (3, 1, 0, 0),
              "reloads, failed ones, connections that were refused or failed")
        for _, connection in kept:
            connection.close()


@test
def a_stop_waits_for_what_runs(bed):
    """SIGTERM: a download and a client that asks again and again go on, nobody new is taken, and the last one's end is lockstepd's."""
    nginx = BASE.replace(f"{THEIRS}:8091", "10.9.7.1:8080").replace("pools:", f"timeouts: {{drain-delay: 1s, drain: 1h}}\ngateways: {THEIRS}\npools:")
    with link(bed), server(bed, nginx) as child:
        out = bed.dir / "drain-got"
        kept = connect(bed, "demo")
        bed.ask(kept)
        download = threading.Thread(target=curl, args=(bed, "demo.test", "--limit-rate", "20M", "-o", out), kwargs={"path": "/100M"})
        download.start()
        until(lambda: bed.counters(child)["bytes_sealed"] > 1 << 20, "a download that runs")
        child.send_signal(signal.SIGTERM)
        until(lambda: not listens(OURS), "nobody who listens")
        bed.ask(kept)
        download.join(PATIENCE)
        equal(sha256_of(out), sha256_of(bed.dir / "www/100M"), "the download")
        bed.ask(kept)
        equal(child.poll(), None, "a lockstepd that waits for its last client")
        kept.close()
        counters = bed.ended(child)
        equal((counters["ended_shutdown"], counters["connections_now"]), (0, 0), "ended_shutdown, connections_now")


@test
def two_workers_drain_together(bed):
    """One that has no connection any more still hands the other one's frames on."""
    two = BASE.replace("buffers: 8192", "buffers: 8192\n  workers: 2").replace("pools:", "timeouts: {drain: 1h}\npools:")
    with link(bed), server(bed, two, workers=2) as child:
        kept = [[], []]
        while min(map(len, kept)) < 4:
            before = by_worker(bed, child, "connections")
            connection = connect(bed, "demo")
            ask(connection, "demo")
            now = by_worker(bed, child, "connections")
            kept[0 if now[0] > before[0] else 1].append(connection)
        child.send_signal(signal.SIGTERM)
        until(lambda: not listens(OURS), "nobody who listens")
        for connection in kept[0]:
            connection.close()
        until(lambda: by_worker(bed, child, "connections_now")[0] == 0, "a worker without connections")
        for _ in range(3):
            for connection in kept[1]:
                ask(connection, "demo")
        for connection in kept[1]:
            connection.close()
        equal(bed.ended(child)["ended_shutdown"], 0, "ended_shutdown")


@test
def a_bad_reload_changes_nothing(bed):
    with link(bed), server(bed, BASE + OTHER) as child:
        good = eal() + BASE + OTHER
        bad = ((good.replace("pool: right", "pool: wrong"), ":19:11: pool: wrong: there is no such pool"),
               (good.replace("other.pem", "none.pem"), "none.pem: cannot read the certificate: No such file"),
               (good.replace("buffers: 8192", "buffers: 8193"), "buffers: only a start can change this"),
               (good.replace(f"listen: {OURS}:443", f"listen: {OURS}:444"), f"listen: {OURS}:444: only a start can change this"),
               ("", "it is empty"), ("a: [", "not YAML"))
        for num, (text, said) in enumerate(bad, 1):
            write(bed, text)
            reload(bed, child, f"{re.escape(said)}(.|\n)*: nothing has changed")
            equal((curl(bed, "demo.test"), curl(bed, "other.test")), ("left", "right"), f"pools after {said}")
            equal(bed.counters(child)["reloads_failed"], num, "reloads_failed")
        write(bed, good.replace("pool: right", "pool: left"))
        reload(bed, child, "sites.yaml read again")
        equal(curl(bed, "other.test"), "left", "the pool after a good one")
        counters = bed.stop(child)
        equal((counters["reloads"], counters["reloads_failed"]), (1, len(bad)), "reloads")


@contextlib.contextmanager
def introduced_backend(port):
    """A backend that expects a PROXY header and answers with the addresses in it."""
    listener = socket.create_server((THEIRS, port))

    def serve():
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            got = b""
            while b"\r\n\r\n" not in got[12:] and (data := raw.recv(4096)):
                got += data
            client, local = ipaddress.ip_address(got[16:20]), ipaddress.ip_address(got[20:24])
            port = int.from_bytes(got[26:28], "big")
            body = f"{got[:16].hex()} {client} {local}:{port} {got[28:31].decode()}".encode()
            raw.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)
            raw.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        listener.close()


@test
def servers_hear_who_the_client_is(bed):
    told = BASE.replace(f"  servers: {THEIRS}:8091\n", f"  servers: {THEIRS}:8093\n  proxy-protocol: v2\n")
    with link(bed), introduced_backend(8093), server(bed, told + OTHER):
        equal(curl(bed, "demo.test"), f"0d0a0d0a000d0a515549540a2111000c {THEIRS} {OURS}:443 GET", "what the server heard")
        equal(curl(bed, "other.test"), "right", "a pool that is told nothing")


@test
def early_data_wait_for_the_handshake(bed):
    """A request in 0-RTT is answered, once; a site without them answers later."""
    request = write(bed, "GET / HTTP/1.0\r\n\r\n", "early-request")
    with link(bed), server(bed, BASE + "    early-data: 4k\n"):
        session = bed.dir / "early-session.pem"
        s_client("-sess_out", session)
        command = ["openssl", "s_client", "-connect", f"{OURS}:443", "-servername", "demo.test", "-ign_eof", "-sess_in", str(session),
                   "-early_data", str(request)]
        done = subprocess.run(command, input=b"", capture_output=True, timeout=PATIENCE, check=False)
        assert b"Early data was accepted" in done.stdout and done.stdout.count(b"left") == 1, done.stdout
    with link(bed), server(bed, BASE):
        s_client("-sess_out", session)
        done = subprocess.run(command, input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=PATIENCE, check=False)
        assert b"Early data was not sent" in done.stdout and b"left" in done.stdout, done.stdout
