# SPDX-License-Identifier: BSD-3-Clause
"""The bed the end-to-end tests lie in: namespaces, a veth pair, certificates, a plain nginx and an upload
sink as backends, and lockstepd on a virtual DPDK port between them and real clients."""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import traceback

KERNEL = "10.9.0.1"
LOCKSTEPD = "10.9.0.2"
# No test says how fast this machine is: they wait for what must come, and this ends what hangs.
PATIENCE = 300


TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Skip(Exception):
    """This machine lacks what the test needs."""


def equal(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: got {got!r}, want {want!r}")


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def until(happened, what):
    """Waits until happened() is true, and returns what it was."""
    end = time.monotonic() + PATIENCE
    while not (result := happened()):
        if time.monotonic() > end:
            raise AssertionError(f"{what() if callable(what) else what}: not within {PATIENCE} s")
        time.sleep(0.02)
    return result


def enter_namespaces():
    """Runs this program again as root of namespaces of its own; everything made there ends with it.
    Returns only inside. Exits as skipped where the system allows no namespaces."""
    if os.environ.get("LOCKSTEP_E2E_INSIDE"):
        return
    flags = ["--net", "--pid", "--fork", "--mount", "--mount-proc", "--kill-child"]
    if os.getuid():
        flags += ["--user", "--map-root-user"]
    if subprocess.run(["unshare", *flags, "true"], capture_output=True, check=False).returncode:
        print("SKIP e2e: this system lets this user make no namespaces; run as root")
        print("e2e: 0 passed, 0 failed, 1 skipped")
        sys.exit(77)
    os.environ["LOCKSTEP_E2E_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])


def run(*command, **options):
    """Runs a command that must succeed; returns its output."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def lcores(num):
    """EAL's word for so many lcores, which share the CPUs that there are."""
    return f"--lcores=(0-{num - 1})@({','.join(map(str, sorted(os.sched_getaffinity(0))))})"


class Bed:
    """Everything the tests use; close() ends it."""

    def __init__(self, lockstepd, top):
        self.program = lockstepd
        self.top = pathlib.Path(top)
        self.dir = pathlib.Path(tempfile.mkdtemp())
        self.children = []
        os.environ["RUNTIME_DIRECTORY"] = str(self.dir / "run")
        (self.dir / "run").mkdir()
        (self.dir / "www").mkdir()
        run("ip", "link", "set", "lo", "up")
        # BBR takes a window that a slow reader keeps shut for the path's bandwidth, and then crawls for
        # minutes; the peers here are to test lockstepd, not that.
        subprocess.run(["sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno"], capture_output=True, check=False)
        self.make_link("lks0", "lks1", KERNEL)
        self.make_certificates()
        self.start_backends()

    def make_link(self, ours, ports, address):
        """A veth pair whose one end is the kernel's and whose other one a DPDK port gets."""
        run("ip", "link", "add", ours, "type", "veth", "peer", "name", ports)
        run("ip", "addr", "add", f"{address}/24", "dev", ours)
        # Its link-local address would be lockstepd's, too: both are made of the port's MAC.
        subprocess.run(["sysctl", "-qw", f"net.ipv6.conf.{ports}.disable_ipv6=1"], capture_output=True, check=False)
        run("ip", "link", "set", ours, "up")
        run("ip", "link", "set", ports, "up")
        run("ethtool", "-K", ours, "tx", "off", "tso", "off")

    def make_certificates(self):
        """A CA that is strictly by RFC 5280, as newer Pythons ask, and leaves for demo.test (ECDSA P-256) and other.test (RSA-2048)."""
        key = {"demo": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "other": ["-newkey", "rsa:2048"]}
        run("openssl", "req", "-x509", *key["demo"], "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=Test CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign", cwd=self.dir)
        for name, how in key.items():
            (self.dir / "san").write_text(f"subjectAltName=DNS:{name}.test,IP:{LOCKSTEPD}\nauthorityKeyIdentifier=keyid\n")
            run("openssl", "req", *how, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}.test",
                cwd=self.dir)
            run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "san", "-out", f"{name}.pem", cwd=self.dir)

    def start_backends(self):
        """nginx at 8080; its /upload goes on to a sink that answers with the SHA-256."""
        (self.dir / "www/index.html").write_text(
            "<!doctype html><title>t</title><p id=p>static</p><img src=i.svg>"
            "<script>fetch('/data.txt').then(r=>r.text()).then(t=>{document.getElementById('p').textContent='script saw '+t})</script>")
        (self.dir / "www/i.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
        (self.dir / "www/data.txt").write_text("forty-two")
        for name, size in (("1M", 1 << 20), ("100M", 100 << 20)):
            (self.dir / "www" / name).write_bytes(os.urandom(size))
        user = "user root;" if os.getuid() == 0 else ""
        v6 = "listen [::]:8080 ipv6only=on backlog=4096;" if os.path.exists("/proc/net/if_inet6") else ""
        temp = "".join(f"{t}_temp_path {self.dir}/{t};" for t in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.dir / "nginx.conf").write_text(
            f"{user} daemon off; worker_processes 1; pid {self.dir}/nginx.pid; error_log {self.dir}/nginx.log;\n"
            "events { worker_connections 8192; }\n"
            f"http {{ access_log off; {temp} client_max_body_size 1g; keepalive_requests 1000000; default_type text/html; send_timeout 300s; client_header_timeout 300s;\n"
            f"types {{ image/svg+xml svg; text/plain txt; }}\n"
            f"server {{ listen {KERNEL}:8080 backlog=4096; listen 10.9.7.1:8080; {v6} root {self.dir}/www;\n"
            "location /small { client_max_body_size 1k; proxy_pass http://127.0.0.1:8081; }\n"
            "location /upload { proxy_pass http://127.0.0.1:8081; proxy_request_buffering off; proxy_ignore_client_abort on; } } }\n")
        run("ip", "addr", "add", "10.9.7.1/32", "dev", "lo")
        self.spawn(["nginx", "-c", self.dir / "nginx.conf", "-p", self.dir, "-e", self.dir / "nginx.log"])
        self.spawn([sys.executable, self.top / "dpdk_app/upload_sink.py", "127.0.0.1", "8081"])

    def spawn(self, command, **options):
        child = subprocess.Popen(list(map(str, command)), **options)
        self.children.append(child)
        return child

    def frames(self):
        """Frames of the port's rings: locked memory, of which an ordinary user has little."""
        limit = int(subprocess.run(["sh", "-c", "ulimit -l | sed s/unlimited/999999/"], capture_output=True, text=True, check=True).stdout)
        count = 32768
        while count * 6 > limit:
            count //= 2
        return count

    def command(self, *options, vdev=None, backend=f"{KERNEL}:8080", listen=f"{LOCKSTEPD}:443", num_lcores=1):
        """How lockstepd is started with these options; its lcores share the CPUs that there are."""
        vdev = vdev or f"net_af_packet0,iface=lks1,framecnt={self.frames()},blocksz=4096"
        eal = ["--no-huge", "--no-shconf", "-m", "768", "--no-pci", "--no-telemetry", "--log-level=4", f"--vdev={vdev}"]
        if num_lcores > 1:
            eal.append(lcores(num_lcores))
        own = ["--listen", listen, "--backend", backend]
        if "--cert" not in options:
            own += ["--cert", self.dir / "demo.pem", "--key", self.dir / "demo.key"]
        return [self.program, *eal, "--", *own, *options]

    def start(self, *options, prefix="lks", **how):
        """A lockstepd that is ready; its output goes to .log."""
        log = self.dir / f"{prefix}{len(self.children)}.log"
        with open(log, "wb") as out:
            child = self.spawn(self.command(*options, **how), stdout=out, stderr=subprocess.STDOUT)
        child.log = log
        until(lambda: "listening" in log.read_text() or child.poll() is not None, "a lockstepd that listens")
        if child.poll() is not None:
            raise RuntimeError(f"lockstepd did not start: {log.read_text()[-400:]}")
        return child

    def stop(self, child):
        """Stops a lockstepd, which waits for nobody; returns its counters."""
        child.send_signal(signal.SIGINT)
        return self.ended(child)

    def ended(self, child):
        """Waits for a lockstepd that stops in good order; returns its counters."""
        if child.wait(PATIENCE):
            raise RuntimeError(f"lockstepd exited with {child.returncode}: {child.log.read_text()[-400:]}")
        self.children.remove(child)
        return counters_in(child.log.read_text())

    def counters(self, child):
        """A running lockstepd's counters, by SIGUSR1."""
        before = child.log.read_text().count("polls_busy")
        child.send_signal(signal.SIGUSR1)
        until(lambda: child.log.read_text().count("polls_busy") > before or child.poll() is not None, "counters on SIGUSR1")
        return counters_in(child.log.read_text())

    def curl(self, path, *options, name="demo.test"):
        return run("curl", "-sS", "--max-time", str(PATIENCE), "--cacert", self.dir / "ca.pem", "--resolve", f"{name}:443:{LOCKSTEPD}",
                   *options, f"https://{name}{path}")

    def context(self, verify=True):
        context = ssl.create_default_context(cafile=self.dir / "ca.pem")
        if not verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def connect(self, context=None):
        raw = socket.create_connection((LOCKSTEPD, 443), timeout=PATIENCE)
        return (context or self.context()).wrap_socket(raw, server_hostname="demo.test", suppress_ragged_eofs=False)

    def ask(self, tls, path="/data.txt", want=b"forty-two"):
        """A request on a connection that stays, and its answer to the end."""
        got = b""
        tls.sendall(f"GET {path} HTTP/1.1\r\nHost: demo.test\r\n\r\n".encode())
        while not got.endswith(want):
            data = tls.recv(65536)
            assert data, f"an end behind {got!r}"
            got += data

    # What run_tests() does before all tests, behind one that failed, and behind all.
    def begin(self):
        pass

    def mend(self):
        pass

    def end(self):
        pass

    def close(self):
        for child in self.children:
            child.kill()
            child.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def counters_in(text):
    """The last block of counters in a log, as a dict of numbers."""
    block = text[text.rindex("lockstepd counters"):]
    return {name: float(value) for name, value in re.findall(r"^  (\w+)\s+([\d.]+)$", block, re.M)}


def listens(address):
    """Whether somebody takes connections there."""
    try:
        socket.create_connection((address, 443), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:  # whose handshake was half done when nobody listened any more
        pass
    return True


def hear_the_end(tls, close_notify=True):
    """Reads a connection to its end, which is none of RST; what came before."""
    got = b""
    try:
        while data := tls.recv(65536):
            got += data
        ended_by = "close_notify"
    except ssl.SSLEOFError:
        ended_by = "FIN"
    tls.close()
    equal(ended_by, "close_notify" if close_notify else "FIN", "what a connection ended by")
    return got


def run_tests(name, bed, only):
    """Runs all tests that registered themselves, or those named; says what came of each, and the sum last.
    Returns an exit status."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        bed.begin()
        for function in TESTS:
            if only and function.__name__ not in only:
                continue
            start = time.monotonic()
            try:
                function(bed)
                counts["passed"] += 1
                print(f"ok   {function.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
            except Skip as reason:
                counts["skipped"] += 1
                print(f"SKIP {function.__name__}: {reason}", flush=True)
            except Exception:  # whatever a test throws is its failure
                counts["failed"] += 1
                print(f"FAIL {function.__name__}\n{traceback.format_exc()}", flush=True)
                bed.mend()
        bed.end()
    except Exception:  # the bed itself
        counts["failed"] += 1
        print(f"FAIL the bed\n{traceback.format_exc()}", flush=True)
    finally:
        bed.close()
        print(f"{name}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0
