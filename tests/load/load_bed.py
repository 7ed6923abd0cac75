# SPDX-License-Identifier: BSD-3-Clause
"""What the generator is tried on: nginx with TLS and its log, servers of Python's that do what a test wants, and
lockstepd over memif. The bed is that of tests/e2e with other servers in it."""

import contextlib
import json
import os
import socket
import ssl
import struct
import subprocess
import threading

from bed import KERNEL, PATIENCE, Bed, run, until

ADDRESSES = "10.9.0.10-10.9.0.13/24"
LOG_FORMAT = "$ssl_session_reused $ssl_protocol $connection $remote_addr $status $request_length $http_host $request"


class LoadBed(Bed):
    """nginx at ports 443 (TLS 1.2 and 1.3) and 444 (resumes nothing)."""

    def __init__(self, program, lockstepd, top):
        self.generator = program
        super().__init__(lockstepd, top)

    def start_backends(self):
        (self.dir / "www/1k").write_bytes(os.urandom(1024))
        (self.dir / "www/1M").write_bytes(os.urandom(1 << 20))
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "stranger.key",
            "-out", "stranger.pem", "-days", "2", "-subj", "/CN=Stranger", cwd=self.dir)
        user = "user root;" if os.getuid() == 0 else ""
        v6 = "listen [::]:443 ssl ipv6only=on;" if os.path.exists("/proc/net/if_inet6") else ""
        temp = "".join(f"{t}_temp_path {self.dir}/{t};" for t in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        tls = f"ssl_certificate {self.dir}/demo.pem; ssl_certificate_key {self.dir}/demo.key; ssl_protocols TLSv1.2 TLSv1.3;"
        (self.dir / "nginx.conf").write_text(
            f"{user} daemon off; worker_processes 1; pid {self.dir}/nginx.pid; error_log {self.dir}/nginx.log;\n"
            "events { worker_connections 4096; }\n"
            f"http {{ log_format full '{LOG_FORMAT}'; access_log {self.dir}/access.log full; {temp} keepalive_requests 1000000;\n"
            f"keepalive_timeout 300s; {tls} root {self.dir}/www; client_max_body_size 100m;\n"
            f"server {{ listen {KERNEL}:443 ssl backlog=4096; {v6} ssl_session_cache shared:a:1m; }}\n"
            f"server {{ listen {KERNEL}:444 ssl; ssl_session_cache off; ssl_session_tickets off; keepalive_requests 3; }} }}\n")
        self.spawn(["nginx", "-c", self.dir / "nginx.conf", "-p", self.dir, "-e", self.dir / "nginx.log"])
        until(lambda: not refuses(443), "an nginx that listens")

    def load_command(self, *options, port=443, vdev=None, trust=("--ca", "ca.pem", "--host", "demo.test"), addresses=ADDRESSES, target=KERNEL):
        vdev = vdev or f"net_af_packet0,iface=lks1,framecnt={self.frames()},blocksz=4096"
        eal = ["--no-huge", "--no-shconf", "-m", "64", "--no-pci", "--no-telemetry", "--log-level=4", f"--vdev={vdev}"]
        own = ["--address", addresses, "--mbufs", "4096"]
        if port:
            own += ["--target", f"{target}:{port}", *trust, "--json", "-"]
        return list(map(str, [self.generator, *eal, "--", *own, *options]))

    def load(self, *options, status=0, **how):
        """Runs the generator to its end; returns what its JSON says."""
        done = subprocess.run(self.load_command(*options, **how), capture_output=True, text=True, cwd=self.dir, timeout=PATIENCE, check=False)
        if done.returncode != status:
            raise AssertionError(f"lockstep-load ended with {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def start_load(self, *options, wait="lockstep-load: ", **how):
        """One that goes on; its output is in .log."""
        log = self.dir / f"load{len(self.children)}.log"
        with open(log, "wb") as out:
            child = self.spawn(self.load_command(*options, **how), stdout=out, stderr=subprocess.STDOUT, cwd=self.dir)
        child.log = log
        until(lambda: wait in log.read_text() or child.poll() is not None, "a generator that begins")
        if child.poll() is not None:
            raise RuntimeError(f"lockstep-load did not start: {log.read_text()[-400:]}")
        return child

    @contextlib.contextmanager
    def log(self):
        """The rows that nginx logs meanwhile, as lists of words; there once the block has ended."""
        rows = []
        path = self.dir / "access.log"
        before = path.stat().st_size
        yield rows
        self.settle()
        rows += [line.split(maxsplit=7) for line in path.read_bytes()[before:].decode().splitlines()]

    def settle(self):
        """A request that nginx has logged: what came before is, too."""
        with socket.create_connection((KERNEL, 443), timeout=PATIENCE) as raw:
            with self.context(verify=False).wrap_socket(raw) as tls:
                size = (self.dir / "access.log").stat().st_size
                tls.sendall(b"GET /settle HTTP/1.0\r\n\r\n")
                while tls.recv(4096):
                    pass
        until(lambda: b"/settle" in (self.dir / "access.log").read_bytes()[size:], "a line in nginx' log")


def refuses(port):
    try:
        socket.create_connection((KERNEL, port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


def reset(raw):
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


class Server:
    """Accepts in a thread; handler(connection) runs in one each. contexts: TLS, one after the other; none: plain TCP."""

    def __init__(self, handler, *contexts):
        self.listener = socket.create_server((KERNEL, 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.handler, self.contexts = handler, contexts
        self.reused, self.num_accepted = [], 0
        self.ended = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            raw.settimeout(PATIENCE)
            context = self.contexts[self.num_accepted % len(self.contexts)] if self.contexts else None
            self.num_accepted += 1
            threading.Thread(target=self.serve, args=(raw, context), daemon=True).start()

    def serve(self, raw, context):
        with contextlib.suppress(OSError):  # clients go as they like
            connection = context.wrap_socket(raw, server_side=True) if context else raw
            if context:
                self.reused.append(connection.session_reused)
            with connection:
                self.handler(self, connection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.listener.close()


def server_context(bed, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bed.dir / "demo.pem", bed.dir / "demo.key")
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def read_head(connection):
    """One request's head; None: no more come."""
    got = b""
    while not got.endswith(b"\r\n\r\n"):
        if not (byte := connection.recv(1)):
            return None
        got += byte
    return got


def answers(*pieces):
    """A handler that answers each request with these bytes."""
    def handler(_server, connection):
        while read_head(connection):
            for piece in pieces:
                connection.sendall(piece)
    return handler
