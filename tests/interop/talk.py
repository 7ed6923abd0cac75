# SPDX-License-Identifier: BSD-3-Clause
"""Programs that talk: started with pipes, spoken to by lines, their output awaited."""

import random
import re
import socket
import subprocess
import tempfile
import threading
import time

TIMEOUT = 120  # ends what hangs


class Failed(Exception):
    """What a cell expected did not happen."""


class Cannot(Exception):
    """This peer has no such feature, or is not installed."""


class Talker:
    """A program with its standard input and output; everything it says is kept."""

    def __init__(self, command, name=None, env=None, cwd=None):
        self.name = name or command[0]
        self.command = command
        self.text = b""
        self.changed = threading.Condition()
        # Not a pipe: NSS' tstclnt does not see the end of one.
        self.input, theirs = socket.socketpair()
        self.process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env=env, cwd=cwd, bufsize=0)
        theirs.close()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while chunk := self.process.stdout.read(65536):
            with self.changed:
                self.text += chunk
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def say(self, text):
        try:
            self.input.sendall(text if isinstance(text, bytes) else text.encode())
        except OSError as error:
            raise Failed(f"{self.name} is gone: {self.tail()}") from error

    def hang_up(self):
        """End of its standard input."""
        try:
            self.input.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def expect(self, pattern, timeout=TIMEOUT, after=0):
        """Waits until a regular expression is found behind byte `after`; returns the match."""
        compiled = re.compile(pattern if isinstance(pattern, bytes) else pattern.encode(), re.S)
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                match = compiled.search(self.text, after)
                if match:
                    return match
                left = end - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self.reader.is_alive()):
                    raise Failed(f"{self.name} never said {pattern!r}; it said: {self.tail()}")
                self.changed.wait(min(left, 0.5))

    def end(self, timeout=TIMEOUT):
        """Waits for its end; returns the exit status."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{self.name} does not end; it said: {self.tail()}") from error
        self.reader.join(timeout)
        return status

    def stop(self):
        """Ends it, whatever it does."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join(3)
        self.input.close()
        self.process.stdout.close()

    def tail(self):
        return self.text[-1500:].decode(errors="replace").strip()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


# Below where the kernel takes those of clients; from a place of its own, for a run may have another beside it.
_ports = iter(random.sample(range(21000, 32000), 11000))


def free_port():
    for port in _ports:
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no port is free")


def wait_for_port(port, talker, timeout=TIMEOUT):
    """Until something listens; looks into the kernel's table, since a connection would count."""
    want = f"{port:04X}"
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            try:
                with open(table, encoding="ascii") as lines:
                    for line in lines:
                        field = line.split()
                        if len(field) > 3 and field[1].endswith(":" + want) and field[3] == "0A":
                            return
            except OSError:
                pass
        if talker.process.poll() is not None:
            break
        time.sleep(0.01)
    raise Failed(f"{talker.name} does not listen: {talker.tail()}")


class Credentials:
    """A CA, leaves of each kind for localhost, and a client's: made anew for each run."""

    KINDS = {
        "ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "rsa": ["rsa:2048"],
        "ed25519": ["ed25519"],
        "client": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    }

    LONG_PAGE = 100_000_000

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="lockstep-interop-")
        self.path = self.folder.name
        self._run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-days", "2", "-subj", "/CN=interop CA", "-keyout", self["ca.key"], "-out", self["ca.pem"])
        for name, kind in self.KINDS.items():
            self._run("openssl", "req", "-newkey", *kind, "-nodes", "-subj", f"/CN={name}", "-keyout",
                      self[f"{name}.key"], "-out", self["csr"])
            with open(self["ext"], "w", encoding="ascii") as ext:
                ext.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n" if name != "client" else
                          "extendedKeyUsage=clientAuth\n")
            self._run("openssl", "x509", "-req", "-in", self["csr"], "-CA", self["ca.pem"], "-CAkey",
                      self["ca.key"], "-CAcreateserial", "-days", "2", "-extfile", self["ext"], "-out",
                      self[f"{name}.pem"])
            with open(self[f"{name}.chain.pem"], "w", encoding="ascii") as chain:
                for part in (f"{name}.pem", "ca.pem"):
                    with open(self[part], encoding="ascii") as file:
                        chain.write(file.read())
            if name != "client":
                self._make_ocsp_response(name)
        with open(self["page"], "wb") as page:
            page.write(b"<title>interop</title><p>lockstep-page</p>" + b"x" * 100000)
        with open(self["long page"], "wb") as page:
            page.truncate(self.LONG_PAGE)

    def __getitem__(self, name):
        return f"{self.path}/{name}"

    @staticmethod
    def _run(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")

    def pkcs12(self, name):
        """A PKCS #12 file of one leaf with its key, password "interop"."""
        path = self[f"{name}.p12"]
        self._run("openssl", "pkcs12", "-export", "-in", self[f"{name}.pem"], "-inkey", self[f"{name}.key"],
                  "-certfile", self["ca.pem"], "-name", name, "-passout", "pass:interop", "-out", path)
        return path

    def ocsp_response(self, name):
        """The file with a good OCSP response about one leaf."""
        return self[f"{name}.ocsp"]

    def _make_ocsp_response(self, name):
        path = self[f"{name}.ocsp"]
        serial = subprocess.run(["openssl", "x509", "-in", self[f"{name}.pem"], "-noout", "-serial"], capture_output=True,
                                text=True, check=True).stdout.strip().split("=")[1]
        with open(f"{path}.index", "w", encoding="ascii") as index:
            index.write(f"V\t491231235959Z\t\t{serial}\tunknown\t/CN={name}\n")
        self._run("openssl", "ocsp", "-index", f"{path}.index", "-CA", self["ca.pem"], "-rsigner", self["ca.pem"],
                  "-rkey", self["ca.key"], "-issuer", self["ca.pem"], "-cert", self[f"{name}.pem"], "-ndays", "2",
                  "-respout", path)

    def close(self):
        self.folder.cleanup()
