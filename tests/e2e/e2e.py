#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""End to end: real clients, a real DPDK port, a real backend. Usage: e2e.py LOCKSTEPD TOP [NAME...]"""

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import termios
import threading
import time

import bed as beds
import families  # noqa: F401  its tests register themselves
import sites  # noqa: F401  and these
import workers  # noqa: F401  and these
from bed import KERNEL, LOCKSTEPD, PATIENCE, Skip, equal, hear_the_end, listens, run, sha256_of, test, until


def need(program):
    path = shutil.which(program)
    if not path:
        raise Skip(f"no {program} here")
    return path


def alert_of(context):
    """The alert's name that a handshake with this context ends with."""
    raw = socket.create_connection((LOCKSTEPD, 443), timeout=PATIENCE)
    try:
        with context.wrap_socket(raw, server_hostname="demo.test"):
            return "none"
    except ssl.SSLError as error:
        return f"{error.reason or error}".upper().replace(" ", "_")


def wait_counter(bed, name, want):
    """Sessions end a moment after their clients have seen it."""
    until(lambda: bed.counters(bed.server)[name] >= want, lambda: f"{name} {want}: {bed.counters(bed.server)}")
    equal(bed.counters(bed.server)[name], want, name)


class Download:
    """A long download in the background that whatever else happens must not disturb."""

    def __init__(self, bed):
        self.bed = bed
        self.result = None
        self.thread = threading.Thread(target=self.fetch)
        self.thread.start()
        time.sleep(0.3)

    def fetch(self):
        out = self.bed.dir / "long-download"
        try:
            self.bed.curl("/100M", "--limit-rate", "40M", "-o", out)
            self.result = sha256_of(out)
        except RuntimeError as error:
            self.result = str(error)

    def check(self):
        self.thread.join(PATIENCE)
        equal(self.result, sha256_of(self.bed.dir / "www/100M"), "the download that went on meanwhile")


@test
def ping(bed):
    out = run("ping", "-c", "3", "-i", "0.2", "-W", str(PATIENCE), LOCKSTEPD)
    assert "3 received" in out, out


@test
def curl_fetches_a_page(bed):
    assert "script saw" in bed.curl("/")


@test
def curl_downloads_100_megabytes(bed):
    out = bed.dir / "got"
    bed.curl("/100M", "-o", out)
    equal(sha256_of(out), sha256_of(bed.dir / "www/100M"), "SHA-256 of the download")


@test
def curl_uploads_100_megabytes(bed):
    got = bed.curl("/upload", "-T", bed.dir / "www/100M")
    equal(got, sha256_of(bed.dir / "www/100M"), "SHA-256 of the upload")


@test
def openssl_every_suite(bed):
    for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        out = s_client(bed, "-ciphersuites", suite)
        assert suite in out and "Verification: OK" in out and "script saw" in out, out


@test
def openssl_every_group_and_hello_retry(bed):
    before = bed.counters(bed.server)["hello_retries"]
    for groups, retries in (("X25519", 0), ("P-256", 0), ("P-384", 0), ("ffdhe2048", 0), ("X448:X25519", 1), ("X448:P-256", 1)):
        out = s_client(bed, "-groups", groups)
        assert "Verification: OK" in out and "script saw" in out, (groups, out)
        before += retries
        equal(bed.counters(bed.server)["hello_retries"], before, f"HelloRetryRequests after {groups}")


def s_client(bed, *options, send=b"GET / HTTP/1.0\r\n\r\n"):
    command = ["openssl", "s_client", "-connect", f"{LOCKSTEPD}:443", "-servername", "demo.test", "-CAfile", bed.dir / "ca.pem",
               "-verify_return_error", "-brief", "-ign_eof", *options]
    done = subprocess.run(list(map(str, command)), input=send, capture_output=True, timeout=PATIENCE, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


@test
def key_update_from_the_client(bed):
    command = ["openssl", "s_client", "-connect", f"{LOCKSTEPD}:443", "-servername", "demo.test", "-CAfile", str(bed.dir / "ca.pem")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        out = b""
        for num, line in enumerate((b"K\n", b"k\n", b"K\n", b"GET / HTTP/1.0\r\n\r\n")):
            while b"Verify return code" not in out or out.count(b"KEYUPDATE") < num:  # a letter alone in what is read is a command
                assert (data := child.stdout.read1()), out
                out += data
            child.stdin.write(line)
            child.stdin.flush()
        out = (out + child.stdout.read()).decode(errors="replace")
        child.wait(PATIENCE)
    equal(out.count("KEYUPDATE"), 3, "KeyUpdates that s_client says it sent")
    assert "script saw" in out, out


def put_ticket_keys(bed, *lines):
    """Each line a role and a digit that makes up name and key."""
    text = "".join(f"{role} {digit * 32} {digit * 64}\n" for role, digit in lines)
    (bed.dir / "tickets.new").write_text(text)
    (bed.dir / "tickets.new").rename(bed.dir / "tickets")


@test
def sessions_outlive_a_change_of_ticket_keys(bed):
    """The file is read again while the server runs; a bad one changes nothing."""
    session = bed.dir / "session.pem"
    assert "script saw" in s_client(bed, "-sess_out", session)
    for lines, reused in (([("current", "2"), ("previous", "1")], True), ([("current", "bad")], True),
                          ([("current", "3")], False)):
        said = re.compile("ticket keys read again|--ticket-keys: ")
        before = len(said.findall(bed.server.log.read_text()))
        put_ticket_keys(bed, *lines)
        until(lambda n=before: len(said.findall(bed.server.log.read_text())) > n, f"what lockstepd says of {lines}")
        command = ["openssl", "s_client", "-connect", f"{LOCKSTEPD}:443", "-servername", "demo.test", "-CAfile", bed.dir / "ca.pem",
                   "-verify_return_error", "-ign_eof", "-sess_in", session]
        done = subprocess.run(list(map(str, command)), input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=PATIENCE, check=False)
        out = done.stdout.decode(errors="replace")
        assert "script saw" in out and ("Reused, TLSv1.3" in out) == reused, (lines, out)
    put_ticket_keys(bed, ("current", "1"))


@test
def gnutls_fetches_a_page(bed):
    need("gnutls-cli")
    for cipher in ("AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305"):
        command = ["gnutls-cli", "--x509cafile", bed.dir / "ca.pem", "--sni-hostname", "demo.test", "--verify-hostname", "demo.test",
                   "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+{cipher}", "-p", "443", LOCKSTEPD]
        done = subprocess.run(list(map(str, command)), input=b"GET / HTTP/1.0\r\n\r\n", capture_output=True, timeout=PATIENCE, check=False)
        out = done.stdout.decode(errors="replace")
        assert "The certificate is trusted" in out and "script saw" in out and cipher in out, out + done.stderr.decode()


@test
def chromium_renders_the_page(bed):
    chromium = need("chromium")
    need("certutil")
    home = bed.dir / "home"
    database = home / ".pki/nssdb"
    database.mkdir(parents=True)
    run("certutil", "-N", "-d", f"sql:{database}", "--empty-password")
    run("certutil", "-A", "-d", f"sql:{database}", "-n", "ca", "-t", "C,,", "-i", bed.dir / "ca.pem")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", f"--user-data-dir={bed.dir}/profile",
               f"--host-resolver-rules=MAP demo.test {LOCKSTEPD}", "--virtual-time-budget=5000", "--dump-dom", "https://demo.test/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env={**os.environ, "HOME": str(home)})
    assert "script saw forty-two" in done.stdout, done.stdout[-500:] + done.stderr[-500:]


@test
def a_thousand_connections_transfer_a_gigabyte(bed):
    want = hashlib.sha256((bed.dir / "www/1M").read_bytes()).digest()
    context = bed.context()
    all_there = asyncio.Event()
    num = 200 if os.environ.get("LKS_TEST_EFFORT") == "quick" else 1000
    count = {"open": 0, "bytes": 0, "wrong": 0}

    async def one():
        reader, writer = await asyncio.open_connection(LOCKSTEPD, 443, ssl=context, server_hostname="demo.test",
                                                       ssl_handshake_timeout=900)
        count["open"] += 1
        if count["open"] == num:
            all_there.set()
        await all_there.wait()
        writer.write(b"GET /1M HTTP/1.1\r\nHost: demo.test\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: 1048576" in head, head
        body = await reader.readexactly(1 << 20)
        count["bytes"] += len(body)
        count["wrong"] += hashlib.sha256(body).digest() != want
        writer.close()

    async def everything():
        await asyncio.wait_for(asyncio.gather(*(one() for _ in range(num))), 900)

    asyncio.run(everything())
    equal(count, {"open": num, "bytes": num << 20, "wrong": 0}, "connections open at once, bytes and wrong ones")


@test
def sni_chooses_the_certificate(bed):
    assert "script saw" in bed.curl("/", name="other.test")  # curl checks the name in the RSA leaf


@test
def tls12_client_is_served_beside_tls13(bed):
    assert "script saw" in bed.curl("/", "--tls-max", "1.2")
    context = bed.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with bed.connect(context) as tls:
        equal(tls.version(), "TLSv1.2", "version")
    context.set_ciphers("AES128-SHA")  # not in the preset
    assert "HANDSHAKE_FAILURE" in alert_of(context)


@test
def tls11_client_is_told_protocol_version(bed):
    context = bed.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    equal(alert_of(context), "TLSV1_ALERT_PROTOCOL_VERSION", "alert")


@test
def unknown_alpn_is_refused(bed):
    context = bed.context()
    context.set_alpn_protocols(["h2"])
    assert "NO_APPLICATION_PROTOCOL" in alert_of(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with bed.connect(context) as tls:
        equal(tls.selected_alpn_protocol(), "http/1.1", "ALPN")


class Engine:
    """A client's TLS apart from its socket, so that close_notify and FIN can be sent without waiting."""

    def __init__(self, context):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="demo.test")
        self.raw = socket.create_connection((LOCKSTEPD, 443), timeout=PATIENCE)
        self.step(self.tls.do_handshake)

    def step(self, function):
        while True:
            try:
                return function()
            except ssl.SSLWantReadError:
                self.flush()
                data = self.raw.recv(65536)
                if not data:
                    raise
                self.incoming.write(data)
            finally:
                self.flush()

    def flush(self):
        if data := self.outgoing.read():
            self.raw.sendall(data)

    def close_notify(self):
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            self.flush()

    def read(self):
        """b"" at close_notify."""
        try:
            return self.step(lambda: self.tls.read(65536))
        except ssl.SSLZeroReturnError:
            return b""


@test
def half_close_still_gets_the_answer(bed):
    """close_notify, or close_notify and FIN, right behind the request: the answer comes whole, and ends with
    close_notify."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for fin in (False, True):
            context = bed.context()
            context.minimum_version = context.maximum_version = version
            engine = Engine(context)
            body = os.urandom(300000)
            engine.tls.write(b"PUT /upload HTTP/1.0\r\nHost: demo.test\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            engine.flush()
            engine.close_notify()
            if fin:
                engine.raw.shutdown(socket.SHUT_WR)
            got = b""
            while data := engine.read():
                got += data
            assert got.endswith(hashlib.sha256(body).hexdigest().encode()), (version, fin, got)
            engine.raw.close()


class EarlyAnswer:
    """A backend that answers a request by its header alone and closes: what it has not read makes the kernel
    send RST behind FIN. (Not before lockstepd's TCP has all of the answer: a reset would take back the rest.)"""

    BODY = b"too large, all %d bytes\n" * 4000

    def __init__(self, address):
        self.listener = socket.create_server(address)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += raw.recv(100)
            raw.sendall(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(self.BODY) + self.BODY)
            raw.shutdown(socket.SHUT_WR)
            while struct.unpack("i", fcntl.ioctl(raw, termios.TIOCOUTQ, bytes(4)))[0]:
                time.sleep(0.001)
            raw.close()


@test
def an_early_answer_arrives_whole(bed):
    """413 while the client is still uploading, from a backend that then resets, and from nginx, which lingers."""
    big = bed.dir / "www/100M"
    status = ["-T", big, "-H", "Expect:", "-o", bed.dir / "early", "-w", "%{http_code}"]
    equal(bed.curl("/small", *status), "413", "curl's status from nginx")
    bed.stop(bed.server)
    backend = EarlyAnswer((KERNEL, 8099))
    bed.server = bed.start(backend=f"{KERNEL}:8099")
    try:
        for _ in range(5):
            for version in ("1.2", "1.3"):
                equal(bed.curl("/", *status, "--tls-max", version), "413", f"curl's status, TLS {version}")
                equal((bed.dir / "early").read_bytes(), backend.BODY, "the answer's body")
        request = b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + bytes(3000000)
        for version in ("-tls1_2", "-tls1_3"):
            out = s_client(bed, version, "-nocommands", send=request)
            equal(out.count("too large"), 4000, f"lines of the answer that s_client got with {version}")
        engine = Engine(bed.context())  # goes on sending whatever comes
        engine.tls.write(request)
        engine.flush()
        got = b""
        while data := engine.read():
            got += data
            engine.tls.write(bytes(10000))
        assert got.endswith(backend.BODY), (len(got), got[:100])
        for _ in range(20):  # behind close_notify, too, nobody is reset
            engine.tls.write(bytes(10000))
            engine.flush()
        engine.raw.close()
        wait_counter(bed, "connections_now", 0)
        equal(bed.counters(bed.server)["ended_backend_reset"], 0, "resets that counted")
    finally:
        backend.listener.shutdown(socket.SHUT_RDWR)
        backend.listener.close()
        bed.stop(bed.server)
        bed.server = start_main(bed)


@test
def a_close_notify_alone_ends_at_once(bed):
    with socket.create_connection((LOCKSTEPD, 443), timeout=PATIENCE) as raw:
        raw.sendall(b"\x15\x03\x01\x00\x02\x01\x00")
        got = b""
        while data := raw.recv(100):  # --handshake-timeout is 60 here, this socket's is 10
            got += data
        equal(got[:1] + got[5:], b"\x15\x01\x00", "the answer to close_notify")


@test
def signals_do_not_kill(bed):
    """Those that would; and then the connections that are open are told of the end, and counted."""
    harmless = [signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO,
                signal.SIGPWR, signal.SIGSTKFLT, signal.SIGXFSZ, signal.SIGRTMIN, signal.SIGRTMAX]
    for number in harmless:
        bed.server.send_signal(number)
        assert "script saw" in bed.curl("/"), number
    for _ in range(400):
        if "SIGHUP" in bed.server.log.read_text():
            break
        time.sleep(0.05)
    equal(bed.server.log.read_text().count("SIGHUP"), 1, "lines about SIGHUP")
    for first, second in ((signal.SIGINT, None), (signal.SIGTERM, signal.SIGQUIT), (signal.SIGQUIT, signal.SIGTERM)):
        wait_counter(bed, "connections_now", 0)
        tls = bed.connect()
        bed.ask(tls)
        bed.server.send_signal(first)
        if second:
            until(lambda: not listens(LOCKSTEPD), "nobody who listens")
            bed.server.send_signal(second)
        equal(hear_the_end(tls), b"", "what came behind the answer")
        equal(bed.ended(bed.server)["ended_shutdown"], 1, f"ended_shutdown after {first!r}")
        bed.server = start_main(bed)


@test
def output_that_nobody_reads_stops_nothing(bed):
    """Standard output is a pipe that is full, then one without a reader."""
    bed.stop(bed.server)
    reader, writer = os.pipe()
    fcntl.fcntl(writer, 1031, 4096)  # F_SETPIPE_SZ: two or three times the counters
    server = bed.spawn(bed.command(), stdout=writer)
    os.close(writer)
    try:
        out = b""
        while b"listening" not in out:
            data = os.read(reader, 1000)
            assert data, out
            out += data
        for _ in range(10):
            server.send_signal(signal.SIGUSR1)
            assert "script saw" in bed.curl("/", "--max-time", "10")
        os.close(reader)
        for _ in range(3):
            server.send_signal(signal.SIGUSR1)
            assert "script saw" in bed.curl("/", "--max-time", "10")
        server.send_signal(signal.SIGTERM)
        equal(server.wait(PATIENCE), 0, "exit status")
    finally:
        server.kill()
        server.wait()
        bed.children.remove(server)
        bed.server = start_main(bed)


@test
def junk_and_quitters_do_not_disturb(bed):
    download = Download(bed)
    junk = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", bytes(100), os.urandom(5000), b"\x16\x03\x01\xff\xff" + bytes(70000),
            b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x17\x03\x03\x00\x10" + bytes(16)]
    for data in junk:
        with socket.create_connection((LOCKSTEPD, 443), timeout=PATIENCE) as raw:
            try:
                raw.sendall(data)
                raw.settimeout(2)
                answer = raw.recv(100)
                assert answer == b"" or answer[0] == 21, (data[:20], answer)  # an alert, or the end
            except (ConnectionError, socket.timeout):
                pass
    held = [socket.create_connection((LOCKSTEPD, 443), timeout=PATIENCE) for _ in range(20)]  # they say nothing, or half a hello
    for raw in held[::2]:
        raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
    for _ in range(20):  # RST in the middle of an answer
        tls = bed.connect()
        tls.sendall(b"GET /100M HTTP/1.1\r\nHost: x\r\n\r\n")
        tls.recv(1000)
        tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(tls.detach())
    victim = subprocess.Popen(["curl", "-sk", "-o", "/dev/null", f"https://{LOCKSTEPD}/100M"])
    time.sleep(0.1)
    victim.kill()
    victim.wait()
    download.check()
    for name, least in (("ended_tls_error", 6), ("ended_client_reset", 10)):
        until(lambda n=name, m=least: bed.counters(bed.server)[n] >= m, lambda: str(bed.counters(bed.server)))
    for raw in held:
        raw.close()


@test
def silent_client_times_out(bed):
    bed.stop(bed.server)
    bed.server = bed.start("--handshake-timeout", "2")
    try:
        with socket.create_connection((LOCKSTEPD, 443), timeout=PATIENCE) as raw:
            raw.sendall(b"\x16\x03\x01")
            start = time.monotonic()
            equal(raw.recv(100), b"", "what a silent client gets")
            assert time.monotonic() - start > 1
        wait_counter(bed, "ended_handshake_timeout", 1)
    finally:
        bed.stop(bed.server)
        bed.server = start_main(bed)


def crumb_socket():
    raw = socket.create_connection((LOCKSTEPD, 443), timeout=PATIENCE)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return raw


@test
def one_byte_segments_do_not_take_all_buffers(bed):
    """An unfinished record in segments of a byte each: 64,000 of them would be twice the port's buffers."""
    hellos = [crumb_socket() for _ in range(4)]
    for raw in hellos:
        raw.sendall(b"\x16\x03\x01\x3f\xf0\x01\x00\x3f\xec\x03\x03")
        raw.setblocking(False)
    sent = [0] * len(hellos)
    end = time.monotonic() + PATIENCE
    while min(sent) < 16000 and time.monotonic() < end:
        for i, raw in enumerate(hellos):
            try:
                for _ in range(8):
                    if sent[i] < 16000:
                        sent[i] += raw.send(b"x")
            except BlockingIOError:
                pass
        time.sleep(0.0005)
    assert min(sent) == 16000, sent
    assert "script saw" in bed.curl("/")
    for raw in hellos:
        try:
            raise AssertionError(f"a crumbling hello got {raw.recv(100)} before the others were served")
        except BlockingIOError:
            pass
        raw.close()


@test
def one_byte_records_to_a_stuck_backend_end_nobody(bed):
    """The backend takes nothing more: senders of records of a byte are held back, not reset."""
    before = bed.counters(bed.server)["ended_no_memory"]
    stuck = []
    for _ in range(4):
        tls = bed.connect()
        tls.sendall(b"PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\nExpect: nothing\r\n\r\n")
        tls.setblocking(False)
        stuck.append(tls)
    backends = subprocess.run(["pgrep", "-f", "upload_sink.py"], capture_output=True, text=True, check=True).stdout.split()
    for pid in backends:
        os.kill(int(pid), signal.SIGSTOP)
    try:
        end = time.monotonic() + 6
        while time.monotonic() < end:
            for tls in stuck:
                try:
                    for _ in range(200):
                        tls.send(b"y")
                except ssl.SSLWantWriteError:
                    pass
        assert "script saw" in bed.curl("/")
    finally:
        for pid in backends:
            os.kill(int(pid), signal.SIGCONT)
    equal(bed.counters(bed.server)["ended_no_memory"], before, "sessions ended for want of memory")
    for tls in stuck:
        tls.close()


class Backend:
    """A backend that misbehaves: says something, then does what it was told."""

    def __init__(self, address, after):
        self.listener = socket.create_server(address)
        self.after = after
        self.was_heard = threading.Event()  # the beginning is with the client
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            raw.recv(10000)
            raw.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nthe beginning")
            self.was_heard.wait(PATIENCE)
            if self.after == "reset":
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raw.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def read_all(bed, backend=None):
    """What a request's answer is, and how it ends: close_notify, or cut off. The backend hears that its beginning came."""
    tls = bed.connect()
    got = b""
    try:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while True:
            data = tls.recv(10000)
            if not data:
                return got, "close_notify"
            got += data
            if backend and got.endswith(b"the beginning"):
                backend.was_heard.set()
    except (ssl.SSLError, ConnectionError):
        return got, "cut off"
    finally:
        tls.close()


@test
def backend_troubles_are_told_truly(bed):
    bed.stop(bed.server)
    bed.server = bed.start(backend=f"{KERNEL}:8099")
    try:
        equal(read_all(bed), (b"", "close_notify"), "with no backend")
        wait_counter(bed, "ended_backend_unreachable", 1)
        for after, end in (("close", "close_notify"), ("reset", "cut off")):
            backend = Backend((KERNEL, 8099), after)
            got, how = read_all(bed, backend)
            backend.close()
            equal(how, end, f"a backend's {after} in the middle")
            assert got.endswith(b"the beginning"), got
        wait_counter(bed, "ended_backend_reset", 1)
    finally:
        bed.stop(bed.server)
        bed.server = start_main(bed)


class TwoFacedBackend:
    """Serves an answer to one request, the second half when it may, and resets the connections of all others in the
    middle."""

    SIZE = 64 << 20

    def __init__(self, address):
        self.listener = socket.create_server(address)
        self.is_halfway, self.may_finish = threading.Event(), threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        request = raw.recv(10000)
        raw.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.SIZE)
        if b"/long" in request:
            block = bytes(range(256)) * 4096
            for at in range(0, self.SIZE, len(block)):
                if at == self.SIZE // 2:
                    self.is_halfway.set()
                    self.may_finish.wait(PATIENCE)
                raw.sendall(block)
            raw.shutdown(socket.SHUT_WR)
            raw.recv(100)
        else:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()


@test
def a_backend_that_dies_does_not_disturb_others(bed):
    bed.stop(bed.server)
    backend = TwoFacedBackend((KERNEL, 8099))
    bed.server = bed.start(backend=f"{KERNEL}:8099")
    try:
        out = bed.dir / "long"
        url = ["curl", "-sS", "--max-time", str(PATIENCE), "--cacert", bed.dir / "ca.pem", "--resolve", f"demo.test:443:{LOCKSTEPD}"]
        with subprocess.Popen([*map(str, url), "-o", str(out), "https://demo.test/long"]) as download:
            assert backend.is_halfway.wait(PATIENCE)
            for _ in range(10):
                done = subprocess.run([*map(str, url), "-o", "/dev/null", "https://demo.test/"], capture_output=True, check=False)
                assert done.returncode != 0, "a cut answer passed for a whole one"
            backend.listener.shutdown(socket.SHUT_RDWR)
            backend.listener.close()  # from here on the backend is down
            read_all(bed)
            assert download.poll() is None, "the download was to be still on its way"
            backend.may_finish.set()
            equal(download.wait(PATIENCE), 0, "curl's exit code")
        equal(sha256_of(out), hashlib.sha256(bytes(range(256)) * (TwoFacedBackend.SIZE // 256)).hexdigest(), "SHA-256")
        wait_counter(bed, "ended_backend_reset", 10)
        wait_counter(bed, "ended_backend_unreachable", 1)
    finally:
        bed.stop(bed.server)
        bed.server = start_main(bed)


@test
def key_log_has_what_wireshark_needs(bed):
    log = bed.dir / "keys"
    bed.stop(bed.server)
    bed.server = bed.start("--key-log", log)
    bed.curl("/")
    bed.stop(bed.server)
    labels = {line.split()[0] for line in log.read_text().splitlines()}
    bed.server = start_main(bed)
    equal(labels, {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
                   "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET"}, "labels in the key log")


@test
def an_mtu_below_1500(bed):
    """At either end, at both, or by --mtu: no longer packet is sent, and none that the peer may send is refused."""
    big = bed.dir / "www/1M"
    bed.stop(bed.server)
    try:
        for ports, ours, options in ((1400, 1500, ()), (1500, 1400, ()), (1280, 1400, ()), (9000, 9000, ()), (1500, 1500, ("--mtu", "1300"))):
            run("ip", "link", "set", "lks1", "mtu", str(ports))
            run("ip", "link", "set", "lks0", "mtu", str(ours))
            bed.server = bed.start(*options)
            out = bed.dir / "got"
            bed.curl("/1M", "-o", out)
            equal(sha256_of(out), sha256_of(big), f"SHA-256 of the download, MTU {ports} and {ours}, {options}")
            equal(bed.curl("/upload", "-T", big), sha256_of(big), f"SHA-256 of the upload, MTU {ports} and {ours}, {options}")
            with bed.connect() as client:  # what lockstepd announces
                mss = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
                least = min(ports, ours, 1500, int(options[1]) if options else 1500)
                assert least - 60 <= mss <= least - 40, (mss, ports, ours, options)
            counters = bed.stop(bed.server)
            equal((counters["tx_dropped"], counters["tx_too_long"]), (0, 0), "tx_dropped, tx_too_long")
        for mtu, option, want in ((1400, "1450", "--mtu 1450: the port's interface has an MTU of 1400"), (500, "1400", "an MTU of 500; it takes 576 at least")):
            run("ip", "link", "set", "lks1", "mtu", str(mtu))
            command = list(map(str, bed.command("--mtu", option)))
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
            assert done.returncode == 2 and want in done.stderr, (done.returncode, done.stderr)
    finally:
        if bed.server.poll() is None:
            bed.stop(bed.server)
        for name in ("lks0", "lks1"):
            run("ip", "link", "set", name, "mtu", "1500")
        bed.server = start_main(bed)


@test
def who_is_beyond_the_subnet_needs_a_gateway(bed):
    """Without one a stranger's SYN and ping get no answer, which is counted, and said once; with one the page."""
    said = "there is no --gateway"
    run("ip", "addr", "add", "10.8.0.1/32", "dev", "lo")
    try:
        before = bed.counters(bed.server)["tx_no_route"]
        for _ in range(3):
            with socket.socket() as raw:
                raw.bind(("10.8.0.1", 0))
                raw.setblocking(False)
                raw.connect_ex((LOCKSTEPD, 443))
                until(lambda: bed.counters(bed.server)["tx_no_route"] > before, "a packet without a route")
                before = bed.counters(bed.server)["tx_no_route"]
        subprocess.run(["ping", "-c", "1", "-W", "1", "-I", "10.8.0.1", LOCKSTEPD], capture_output=True, check=False)
        until(lambda: bed.counters(bed.server)["tx_no_route"] > before, "an answer to a ping without a route")
        until(lambda: said in bed.server.log.read_text(), "what lockstepd says of the gateway")
        assert "script saw" in bed.curl("/")
        equal(bed.server.log.read_text().count(said), 1, "times that it was said")
        bed.stop(bed.server)
        bed.server = bed.start("--gateway", KERNEL)
        assert "script saw" in bed.curl("/", "--interface", "10.8.0.1")
        equal(bed.counters(bed.server)["tx_no_route"], 0, "tx_no_route with a gateway")
    finally:
        run("ip", "addr", "del", "10.8.0.1/32", "dev", "lo")
        bed.stop(bed.server)
        bed.server = start_main(bed)


@test
def frames_that_come_cut_are_counted(bed):
    """Longer than the port's buffers: a peer with larger MTU whose segments nobody splits."""
    before = bed.counters(bed.server)["rx_cut"]
    for name in ("lks1", "lks0"):
        run("ip", "link", "set", name, "mtu", "9000")
    try:
        subprocess.run(["ping", "-c", "3", "-i", "0.2", "-W", "1", "-s", "4000", "-M", "do", LOCKSTEPD], capture_output=True, check=False)
        equal(bed.counters(bed.server)["rx_cut"], before + 3, "rx_cut")
        until(lambda: "rx_cut counts them" in bed.server.log.read_text(), "the remedy")
        equal(bed.server.log.read_text().count("rx_cut counts them"), 1, "times that the remedy was said")
    finally:
        for name in ("lks0", "lks1"):
            run("ip", "link", "set", name, "mtu", "1500")


@test
def net_tap_port(bed):
    if not os.path.exists("/dev/net/tun"):
        raise Skip("no /dev/net/tun here")
    server = bed.start("--port", "0", vdev="net_tap0,iface=lkstap", backend="10.9.6.1:8080", listen="10.9.6.2:443", prefix="tap")
    try:
        run("ip", "addr", "add", "10.9.6.1/24", "dev", "lkstap")
        run("ip", "link", "set", "lkstap", "up")
        run("ip", "addr", "del", "10.9.7.1/32", "dev", "lo")
        run("ip", "addr", "add", "10.9.7.1/24", "dev", "lkstap")
        bed.stop(server)
        server = bed.start("--strict-sni", "--tls-preset", "old", "--cert", bed.dir / "demo.pem", "--key", bed.dir / "demo.key",
                           "--cert", bed.dir / "other.pem", "--key", bed.dir / "other.key", vdev="net_tap0,iface=lkstap", backend="10.9.6.1:8080",
                           listen="10.9.6.2:443", prefix="tap")
        run("ip", "addr", "replace", "10.9.6.1/24", "dev", "lkstap")
        run("ip", "link", "set", "lkstap", "up")
        proxy = tcp_relay(("10.9.6.1", 8080), (KERNEL, 8080))
        out = run("curl", "-sS", "--max-time", str(PATIENCE), "--cacert", bed.dir / "ca.pem", "--resolve", "demo.test:443:10.9.6.2",
                  "-o", bed.dir / "tap-got", "-w", "%{http_code}", "https://demo.test/100M")
        equal(out, "200", "status through net_tap")
        # What its preset and --strict-sni say; other.test has the RSA key.
        old = run("curl", "-sS", "--max-time", str(PATIENCE), "--cacert", bed.dir / "ca.pem", "--resolve", "other.test:443:10.9.6.2", "--tls-max", "1.2",
                  "--ciphers", "AES128-SHA:@SECLEVEL=0", "-o", "/dev/null", "-w", "%{http_code}", "https://other.test/")
        equal(old, "200", "status with RSA key exchange and CBC")
        stranger = subprocess.run(["curl", "-sS", "--max-time", str(PATIENCE), "-k", "--resolve", "nobody.test:443:10.9.6.2", "https://nobody.test/"],
                                  capture_output=True, text=True, check=False)
        assert "unrecognized name" in stranger.stderr, stranger.stderr
        proxy.close()
        equal(sha256_of(bed.dir / "tap-got"), sha256_of(bed.dir / "www/100M"), "SHA-256 through net_tap")
    finally:
        bed.stop(server)


def tcp_relay(at, to):
    """Passes connections on to another address."""
    listener = socket.create_server(at)

    def copy(source, sink):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)

    def serve():
        while True:
            try:
                ours, _ = listener.accept()
            except OSError:
                return
            theirs = socket.create_connection(to)
            threading.Thread(target=copy, args=(ours, theirs), daemon=True).start()
            threading.Thread(target=copy, args=(theirs, ours), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listener


@test
def bad_options_are_named(bed):
    (bed.dir / "empty").write_text("")
    good = {"--listen": "10.9.0.2:443", "--backend": "10.9.0.1:8080", "--cert": bed.dir / "demo.pem", "--key": bed.dir / "demo.key"}
    cases = [({"--listen": None}, "--listen"), ({"--backend": None}, "--backend"), ({"--cert": None}, "--cert"), ({"--key": None}, "--key"),
             ({"--listen": "10.9.0.2"}, "10.9.0.2"), ({"--backend": "nowhere:80"}, "nowhere:80"), ({"--backend": "10.9.0.1:99999"}, "99999"),
             ({"--key": bed.dir / "other.key"}, "--cert: "), ({"--key": bed.dir / "other.key"}, "does not belong"),
             ({"--cert": bed.dir / "absent.pem"}, "absent.pem"), ({"--cert": bed.dir / "absent.pem"}, "--cert: "),
             ({"--key": bed.dir / "empty"}, "no private key"), ({"--cert": bed.dir / "empty"}, "no certificate"),
             ({"--idle": "doze"}, "--idle doze"), ({"--suites": "RC4"}, "TLS_AES_128_GCM_SHA256"), ({"--groups": "p1"}, "x25519"),
             ({"--ticket-keys": bed.dir / "empty"}, "--ticket-keys: "), ({"--max-connections": "0"}, "--max-connections"), ({"--frobnicate": "1"}, "--frobnicate"),
             ({"--gateway": "10.8.0.1"}, "--gateway 10.8.0.1: not in --listen's network"), ({}, "DPDK has no port; give EAL a device"),
             ({"--port": "7"}, "--port 7: no such DPDK port; there are 1, the first is 0", "net_ring0"),
             ({}, "DPDK made no port of the device", "net_af_packet0,iface=absent")]
    for change, want, *vdev in cases:
        devices = [f"--vdev={device}" for device in vdev]
        options = [str(x) for pair in {**good, **change}.items() if pair[1] is not None for x in pair]
        done = subprocess.run([bed.program, "--no-huge", "--no-shconf", "-m", "64", "--no-pci", "--no-telemetry", "--log-level=1", *devices, "--", *options],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        lines = [line for line in done.stderr.splitlines() if line.startswith("lockstepd: ")]
        assert done.returncode == 2 and len(lines) == 1 and want in lines[0], (change, done.returncode, done.stderr)


@test
def eal_that_does_not_start(bed):
    """No hugepages is what most first tries meet."""
    with open("/proc/meminfo", encoding="ascii") as info:
        if not re.search("^HugePages_Free: +0$", info.read(), re.M):
            raise Skip("there are hugepages here")
    command = [str(x) for x in bed.command() if x not in ("--no-huge", "-m", "768")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2 and last.startswith("lockstepd: DPDK's EAL does not start: no hugepage is free"), done.stderr


@test
def dev_without_arguments_helps(bed):
    for arguments in ([], ["help"], ["--help"]):
        done = subprocess.run([bed.top / "dev", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stdout.startswith("usage: ./dev COMMAND") and not done.stderr, done


@test
def nothing_is_left_open(bed):
    """Once all clients are gone, so are the connections."""
    def is_empty():
        counters = bed.counters(bed.server)
        return counters["connections_now"] == 0 and counters["tcp_connections_now"] == 0
    until(is_empty, lambda: f"no connection left: {bed.counters(bed.server)}")


def start_main(bed):
    put_ticket_keys(bed, ("current", "1"))
    return bed.start("--cert", bed.dir / "demo.pem", "--key", bed.dir / "demo.key", "--cert", bed.dir / "other.pem", "--key",
                     bed.dir / "other.key", "--alpn", "http/1.1", "--handshake-timeout", "1000", "--ticket-keys", bed.dir / "tickets")


class MainBed(beds.Bed):
    """One lockstepd that most tests share."""

    def begin(self):
        self.server = start_main(self)

    def mend(self):
        if self.server.poll() is not None:
            print(f"lockstepd is gone: {self.server.log.read_text()[-800:]}", flush=True)
            self.server = start_main(self)

    def end(self):
        self.stop(self.server)  # its exit code counts: under sanitizers that is where leaks are said


def main():
    beds.enter_namespaces()
    program, top, *only = sys.argv[1:]
    return beds.run_tests("e2e", MainBed(program, top), only)


if __name__ == "__main__":
    sys.exit(main())
