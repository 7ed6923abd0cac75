# SPDX-License-Identifier: BSD-3-Clause
"""Other implementations as clients and as servers: how each is told what a cell wants.

A peer's client(want, bed, port, step) returns the Talker of connection number `step` (a resumed session is
step 1), or None where the program makes both connections in the process of the last step. A peer's
server(want, bed) returns (Talker, port). Both raise Cannot for what the program does not have.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import time

from talk import Cannot, Talker, free_port, wait_for_port

SUITES_13 = {  # name: GnuTLS' ciphers, NSS' number, whether Java has it
    "TLS_AES_128_GCM_SHA256": ("+AES-128-GCM", "1301", True),
    "TLS_AES_256_GCM_SHA384": ("+AES-256-GCM", "1302", True),
    "TLS_CHACHA20_POLY1305_SHA256": ("+CHACHA20-POLY1305", "1303", True),
    "TLS_AES_128_CCM_SHA256": ("+AES-128-CCM", None, False),
    "TLS_AES_128_CCM_8_SHA256": ("+AES-128-CCM-8", None, False),
}

GROUPS = {  # name: OpenSSL's, GnuTLS', NSS', Java's name
    "x25519": ("X25519", "GROUP-X25519", "x25519", "x25519"),
    "secp256r1": ("P-256", "GROUP-SECP256R1", "P256", "secp256r1"),
    "secp384r1": ("P-384", "GROUP-SECP384R1", "P384", "secp384r1"),
    "ffdhe2048": ("ffdhe2048", "GROUP-FFDHE2048", "FF2048", "ffdhe2048"),
    "ffdhe3072": ("ffdhe3072", "GROUP-FFDHE3072", "FF3072", "ffdhe3072"),
    "x25519mlkem768": (None, None, None, None),
}


def _suites_12():
    """TLS 1.2: name: (OpenSSL's name, GnuTLS' priorities, NSS' number, whether Java has it)."""
    ciphers = {
        "AES_128_GCM_SHA256": ("AES128-GCM-SHA256", "+AES-128-GCM:+AEAD"),
        "AES_256_GCM_SHA384": ("AES256-GCM-SHA384", "+AES-256-GCM:+AEAD"),
        "CHACHA20_POLY1305_SHA256": ("CHACHA20-POLY1305", "+CHACHA20-POLY1305:+AEAD"),
        "AES_128_CBC_SHA": ("AES128-SHA", "+AES-128-CBC:+SHA1"),
        "AES_256_CBC_SHA": ("AES256-SHA", "+AES-256-CBC:+SHA1"),
        "AES_128_CBC_SHA256": ("AES128-SHA256", "+AES-128-CBC:+SHA256"),
        "AES_256_CBC_SHA256": ("AES256-SHA256", "+AES-256-CBC:+SHA256"),
        "AES_256_CBC_SHA384": ("AES256-SHA384", "+AES-256-CBC:+SHA384"),
        "AES_128_CCM": ("AES128-CCM", "+AES-128-CCM:+AEAD"),
        "AES_256_CCM": ("AES256-CCM", "+AES-256-CCM:+AEAD"),
        "AES_128_CCM_8": ("AES128-CCM8", "+AES-128-CCM-8:+AEAD"),
        "AES_256_CCM_8": ("AES256-CCM8", "+AES-256-CCM-8:+AEAD"),
    }
    exchanges = {"ECDHE_ECDSA": ("ECDHE-ECDSA-", "+ECDHE-ECDSA"), "ECDHE_RSA": ("ECDHE-RSA-", "+ECDHE-RSA"),
                 "DHE_RSA": ("DHE-RSA-", "+DHE-RSA"), "RSA": ("", "+RSA")}
    numbers = {
        "ECDHE_ECDSA": ["c02b", "c02c", "cca9", "c009", "c00a", "c023", None, "c024", "c0ac", "c0ad", "c0ae", "c0af"],
        "ECDHE_RSA": ["c02f", "c030", "cca8", "c013", "c014", "c027", None, "c028"],
        "DHE_RSA": ["009e", "009f", "ccaa", "0033", "0039", "0067", "006b", None],
        "RSA": ["009c", "009d", None, "002f", "0035", "003c", "003d", None],
    }
    table = {}
    for exchange, (openssl, gnutls) in exchanges.items():
        for number, (cipher, (ours, priority)) in zip(numbers[exchange], ciphers.items()):
            if number:
                table[f"TLS_{exchange}_WITH_{cipher}"] = (openssl + ours, f"{gnutls}:{priority}",
                                                            None if "CCM" in cipher else number, "CCM" not in cipher)
    return table


SUITES_12 = _suites_12()


@dataclasses.dataclass
class Want:
    """What one cell asks of both sides. Empty: the implementation's defaults."""
    version: str = "1.3"
    suite: str = ""
    group: str = ""
    certificate: str = "ec"  # the server's: a kind of Credentials
    alpn: str = ""
    client_auth: str = ""  # "", "sent", "missing"
    retry: bool = False  # the client's first share is of a group that the server does not take
    resume: bool = False
    early: bool = False
    psk: str = ""  # hex; identity "interop"
    update: str = ""  # "peer" or "ours" asks for new keys both ways
    key_limit: int = 0  # the peer gets a long page, and asks for new keys each 2^key_limit bytes
    record_size: int = 0
    ocsp: bool = False
    extended_master_secret: bool = True
    encrypt_then_mac: bool = True
    tickets: bool = True
    export: str = ""  # the label of keying material that both sides export
    key_log: bool = False  # both write one
    compress: bool = False  # our certificate, as the client likes
    fallback: bool = False  # the client says that it has come down to this version
    renegotiate: bool = False  # the peer asks for it
    refused: str = ""  # how our side ends instead of taking the peer
    hangs_up: bool = False  # its server refuses us without a word


def need(program):
    path = shutil.which(program)
    if not path:
        raise Cannot(f"no {program} here")
    return path


def cannot(condition, why):
    if condition:
        raise Cannot(why)


def key_log_env(want, bed):
    return {**os.environ, "SSLKEYLOGFILE": bed["keylog"]} if want.key_log else None


class Openssl:
    name = "OpenSSL"
    shows_ocsp = "Cert Status: good"  # what its client says of a stapled response
    fetches = False  # whether its client gets a page instead of talking line by line

    @staticmethod
    def version():
        return subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout.split(" (")[0]

    exported = rb"Keying material: ([0-9A-F]{64})"
    # What makes the client, the server ask for a second handshake, and what they say when they get none.
    renegotiation = {"client": "R\n", "server": "r\n"}
    shows_refusal = "no renegotiation"

    @staticmethod
    def _common(want, bed):
        cannot(want.record_size, "OpenSSL 3.0 has no such extension")
        cannot(not want.extended_master_secret, "openssl 3.0 has no option for it")
        args = ["-tls" + want.version.replace("1.0", "1").replace(".", "_")]
        if want.version < "1.2":
            args += ["-cipher", "ALL:@SECLEVEL=0"]
        if want.suite:
            if want.version == "1.3":
                args += ["-ciphersuites", want.suite]
            else:
                args += ["-cipher", SUITES_12[want.suite][0] + ":@SECLEVEL=1"]
        if want.psk:
            args += ["-psk_identity", "interop", "-psk", want.psk]
        if want.export:
            args += ["-keymatexport", want.export, "-keymatexportlen", "32"]
        if want.key_log:
            args += ["-keylogfile", bed["keylog"]]
        cannot(want.compress, "OpenSSL 3.0 has no such extension")
        return args

    def client(self, want, bed, port, step):
        need("openssl")
        args = self._common(want, bed)
        if want.group:
            cannot(GROUPS[want.group][0] is None, "OpenSSL 3.0 has no such group")
            first = "P-521:" if want.retry else ""
            args += ["-groups", first + GROUPS[want.group][0]]
        if want.alpn:
            args += ["-alpn", want.alpn]
        if want.client_auth == "sent":
            args += ["-cert", bed["client.pem"], "-key", bed["client.key"]]
        if want.resume or want.early:
            args += [["-sess_out"], ["-sess_in"]][step] + [bed["session"]]
        if want.early and step == 1:
            args += ["-early_data", bed["early"]]
        if want.ocsp:
            args += ["-status"]
        if want.fallback:
            args += ["-fallback_scsv"]
        if not want.encrypt_then_mac:
            args += ["-no_etm"]
        if not want.tickets:
            args += ["-no_ticket"]
        return Talker(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", bed["ca.pem"],
                       "-verify_return_error", "-verify_hostname", "localhost", "-servername", "localhost"] + args)

    @staticmethod
    def update(talker):
        talker.say("K\n")

    @staticmethod
    def bye(talker):
        talker.say("Q\n")

    def server(self, want, bed):
        need("openssl")
        args = self._common(want, bed)
        if want.group:
            cannot(GROUPS[want.group][0] is None, "OpenSSL 3.0 has no such group")
            args += ["-groups", GROUPS[want.group][0]]
        if want.alpn:
            args += ["-alpn", want.alpn]
        if want.client_auth:
            args += ["-Verify", "2", "-verify_return_error", "-CAfile", bed["ca.pem"]]
        if want.early:
            args += ["-early_data", "-max_early_data", "16384", "-no_anti_replay"]
        if want.ocsp:
            args += ["-status_file", bed.ocsp_response(want.certificate)]
        if not want.encrypt_then_mac:
            args += ["-no_etm"]
        if not want.tickets:
            args += ["-no_ticket"]
        port = free_port()
        server = Talker(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert",
                         bed[f"{want.certificate}.pem"], "-key", bed[f"{want.certificate}.key"]] + args)
        wait_for_port(port, server)
        return server, port

    answers_by_hand = True  # what the server sends is typed into it


NO_GNUTLS_COMPRESSION = "Debian's GnuTLS is built without compression"


class Gnutls:
    name = "GnuTLS"
    exported = rb"Key material: ([0-9a-f]{64})"
    renegotiation = {"client": "^renegotiate^\n"}
    shows_refusal = "No renegotiation is allowed"
    shows_ocsp = "OCSP status request"
    fetches = False

    @staticmethod
    def version():
        said = subprocess.run(["gnutls-cli", "--version"], capture_output=True, text=True, check=True).stdout
        return "GnuTLS " + said.split()[1]

    @staticmethod
    def _priority(want):
        parts = ["NORMAL"]
        if want.version == "1.3":
            parts += ["-VERS-ALL", "+VERS-TLS1.3"]
            if want.suite:
                parts += ["-CIPHER-ALL", SUITES_13[want.suite][0]]
            if want.psk:
                parts += ["-KX-ALL", "+ECDHE-PSK"]
        else:
            parts += ["-VERS-ALL", f"+VERS-TLS{want.version}", "%VERIFY_ALLOW_SIGN_WITH_SHA1"]
            if want.suite:
                parts += ["-CIPHER-ALL", "-MAC-ALL", "-KX-ALL"] + SUITES_12[want.suite][1].split(":")
        if want.group:
            cannot(GROUPS[want.group][1] is None, "this GnuTLS has no such group")
            first = ["+GROUP-SECP521R1"] if want.retry else []
            parts += ["-GROUP-ALL"] + first + ["+" + GROUPS[want.group][1]]
        if not want.extended_master_secret:
            parts += ["%NO_SESSION_HASH"]
        if not want.encrypt_then_mac:
            parts += ["%NO_ETM"]
        if want.fallback:
            parts += ["%FALLBACK_SCSV"]
        return ":".join(parts)

    def client(self, want, bed, port, step):
        need("gnutls-cli")
        if want.resume and step == 0:
            return None
        cannot(want.early, "gnutls-cli sends early data only when the ticket allows it by itself")
        args = ["--x509cafile", bed["ca.pem"], "--verify-hostname=localhost", "--sni-hostname=localhost",
                "--priority", self._priority(want), "-p", str(port), "127.0.0.1"]
        if want.retry:
            args += ["--single-key-share"]
        if want.resume:
            args += ["--resume", "--waitresumption"]
        for protocol in want.alpn.split(",") if want.alpn else []:
            args += ["--alpn", protocol]
        if want.client_auth == "sent":
            args += ["--x509certfile", bed["client.pem"], "--x509keyfile", bed["client.key"]]
        if want.psk:
            args += ["--pskusername", "interop", "--pskkey", want.psk]
        if want.update or want.renegotiate:
            args += ["--inline-commands"]
        if want.record_size >= 512:
            args += ["--recordsize", str(want.record_size)]
        if not want.tickets:
            args += ["--noticket"]
        if want.export:
            args += ["--keymatexport", want.export, "--keymatexportsize", "32"]
        cannot(want.compress, NO_GNUTLS_COMPRESSION)
        return Talker(["gnutls-cli"] + args, env=key_log_env(want, bed))

    @staticmethod
    def update(talker):
        talker.say("^rekey^\n")

    @staticmethod
    def bye(talker):
        talker.hang_up()

    def server(self, want, bed):
        need("gnutls-serv")
        cannot(want.update == "peer", "gnutls-serv does not ask for new keys")
        cannot(want.export, "gnutls-serv exports nothing")
        cannot(want.compress, NO_GNUTLS_COMPRESSION)
        port = free_port()
        args = ["--echo", "-p", str(port), "--priority", self._priority(want)]
        if want.psk:
            with open(bed["psk"], "w", encoding="ascii") as file:
                file.write(f"interop:{want.psk}\n")
            args += ["--pskpasswd", bed["psk"]]
        else:
            args += ["--x509certfile", bed[f"{want.certificate}.pem"], "--x509keyfile",
                     bed[f"{want.certificate}.key"]]
        if want.client_auth:
            args += ["--require-client-cert", "--verify-client-cert", "--x509cafile", bed["ca.pem"]]
        else:
            args += ["--disable-client-cert"]
        for protocol in want.alpn.split(",") if want.alpn else []:
            args += ["--alpn", protocol]
        if want.early:
            args += ["--earlydata", "--maxearlydata=16384"]
        if want.record_size >= 512:
            args += ["--recordsize", str(want.record_size)]
        if want.ocsp:
            args += ["--ocsp-response", bed.ocsp_response(want.certificate), "--ignore-ocsp-response-errors"]
        if not want.tickets:
            args += ["--noticket"]
        server = Talker(["gnutls-serv"] + args, env=key_log_env(want, bed))
        wait_for_port(port, server)
        return server, port

    answers_by_hand = False


class Nss:
    name = "NSS"
    shows_ocsp = "Received 1 Cert Status items"
    fetches = False

    @staticmethod
    def version():
        said = subprocess.run(["dpkg-query", "-W", "-f=${Version}", "libnss3-tools"], capture_output=True, text=True,
                              check=False).stdout
        return "NSS " + (said.split("-")[0].split(":")[-1] or "of unknown version")

    @staticmethod
    def _database(bed):
        """Both programs read certificates from a database, made once a run."""
        folder = bed["nss"]
        with bed.lock:
            if not os.path.isdir(folder):
                os.mkdir(folder)
                run = lambda *c: subprocess.run(c, check=True, capture_output=True)
                run("certutil", "-N", "-d", f"sql:{folder}", "--empty-password")
                run("certutil", "-A", "-d", f"sql:{folder}", "-n", "ca", "-t", "CT,C,C", "-i", bed["ca.pem"])
                for name in ("ec", "rsa", "client"):
                    run("pk12util", "-i", bed.pkcs12(name), "-d", f"sql:{folder}", "-W", "interop", "-K", "")
        return f"sql:{folder}"

    @staticmethod
    def _common(want):
        cannot(want.certificate == "ed25519", "NSS here does not sign with Ed25519")
        cannot(want.update, "NSS' programs do not ask for new keys")
        cannot(want.record_size or want.compress, "NSS' programs have no option for it")
        cannot(want.export, "NSS' programs export nothing")
        cannot(want.key_log, "Debian's NSS is built without a key log")
        args = ["-V", f"tls{want.version}:tls{want.version}"]
        if want.suite:
            number = (SUITES_13 if want.version == "1.3" else SUITES_12)[want.suite][1 if want.version == "1.3" else 2]
            cannot(number is None, "NSS has no such suite")
            args += ["-c", ":" + number.upper()]
        if want.group:
            cannot(GROUPS[want.group][2] is None, "this NSS has no such group")
            args += ["-I", ("P521," if want.retry else "") + GROUPS[want.group][2]]
        if want.psk:
            args += ["-z", f"0x{want.psk}:interop"]
        return args

    def client(self, want, bed, port, step):
        need("tstclnt")
        cannot(want.resume and want.suite, "tstclnt crashes with a list of suites and two connections")
        cannot(want.client_auth == "missing", "tstclnt sends what its database has")
        cannot(want.early, "tstclnt sends a whole request early: no line to wait for")
        cannot(want.alpn, "tstclnt offers no ALPN of our choosing")
        cannot(not want.encrypt_then_mac or not want.tickets, "no option for it")
        if want.resume and step == 0:
            return None
        args = self._common(want)
        if want.version == "1.2" and want.extended_master_secret:
            args += ["-G"]
        if want.fallback:
            args += ["-K"]
        if want.resume:
            with open(bed["request"], "w", encoding="ascii") as request:
                request.write("hello-1\ngoodbye\n")
            args += ["-L", "2", "-u", "-A", bed["request"]]
        if want.client_auth == "sent":
            args += ["-n", "client"]
        if want.ocsp:
            args += ["-T"]
        return Talker(["tstclnt", "-h", "127.0.0.1", "-a", "localhost", "-p", str(port), "-d", self._database(bed),
                       "-C"] + args)

    @staticmethod
    def bye(talker):
        talker.say("goodbye\n")  # tstclnt closes only after the server, and when its input has ended
        talker.hang_up()

    def server(self, want, bed):
        need("selfserv")
        cannot(want.psk, "selfserv takes no external key, its own client's neither")
        cannot(want.alpn, "selfserv takes no ALPN")
        cannot(want.ocsp, "selfserv makes only test responses of its own")
        cannot(not want.encrypt_then_mac, "no option for it")
        args = self._common(want)
        if want.client_auth:
            args += ["-r", "-r"]
        if want.early:
            args += ["-Z"]
        if want.tickets:
            args += ["-u"]
        if want.version == "1.2" and want.extended_master_secret:
            args += ["-G"]
        port = free_port()
        nickname = want.certificate
        args += ["-e", nickname] if nickname == "ec" else ["-n", nickname]
        server = Talker(["selfserv", "-p", str(port), "-d", self._database(bed), "-v"] + args)
        wait_for_port(port, server)
        if want.early:
            time.sleep(11)  # it takes none in the first window of its memory against replay
        return server, port

    answers_by_hand = False


class Java:
    name = "Java"
    fetches = False
    source = str(pathlib.Path(__file__).with_name("Peer.java"))

    @staticmethod
    def version():
        said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
        return "Java " + said.split('"')[1]

    @staticmethod
    def compiled(bed):
        """The program's classes, compiled once a run where the Java here can compile."""
        need("java")
        need("javac")
        with bed.lock:
            if not os.path.exists(bed["Peer.class"]):
                done = subprocess.run(["javac", "-d", bed.path, Java.source], capture_output=True, text=True, check=False)
                if done.returncode:
                    raise RuntimeError(done.stdout + done.stderr)
        return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]

    @staticmethod
    def _common(want, bed):
        cannot(want.psk, "Java has no external keys")
        cannot(want.early, "Java has no early data")
        cannot(want.record_size or want.compress, "Java has no such extension")
        cannot(want.fallback, "Java does not say so")
        cannot(want.export or want.key_log, "Java neither exports keying material nor logs keys")
        cannot(not want.encrypt_then_mac, "Java has no encrypt-then-MAC")
        cannot(want.certificate == "ed25519" and want.version == "1.2", "not in TLS 1.2")
        args = []
        suites = SUITES_13 if want.version == "1.3" else SUITES_12
        if want.suite:
            cannot(not suites[want.suite][-1], "Java has no such suite")
            args += [f"suite={want.suite}"]
        args += [f"version=TLSv{want.version.replace('1.0', '1')}"]
        if want.alpn:
            args += [f"alpn={want.alpn}"]
        return args

    def _java(self, want, bed):
        command = self.compiled(bed) + ["-cp", bed.path]
        if want.group:
            cannot(GROUPS[want.group][3] is None, "Java here has no such group")
            command += ["-Djdk.tls.namedGroups=" + ("secp521r1," if want.retry else "") + GROUPS[want.group][3]]
        if want.ocsp:
            command += ["-Djdk.tls.client.enableStatusRequestExtension=true"]
        if not want.extended_master_secret:
            command += ["-Djdk.tls.useExtendedMasterSecret=false"]
        # What a Java of today has switched off for weakness is asked for by some cells of TLS 1.2.
        with open(bed["java.security"], "w", encoding="ascii") as file:
            file.write("jdk.tls.disabledAlgorithms=SSLv3\njdk.certpath.disabledAlgorithms=MD2\n")
            if want.update == "peer":  # it asks by itself, behind each record that is read until new keys come
                file.write("jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^6\n")
            if want.key_limit:
                file.write(f"jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^{want.key_limit}\n")
        return command + [f"-Djava.security.properties={bed['java.security']}", "Peer"]

    def client(self, want, bed, port, step):
        cannot(not want.tickets, "no option for it")
        cannot(want.ocsp, "Java does not say whether a response was stapled")
        if want.resume and step == 0:
            return None
        args = self._common(want, bed)
        if want.client_auth == "sent":
            args += [f"key={bed.pkcs12('client')}"]
        if want.key_limit:
            args += ["download=yes"]
        return Talker(self._java(want, bed) + [f"connect={port}", f"trust={bed['ca.pem']}",
                                               f"connections={2 if want.resume else 1}"] + args)

    @staticmethod
    def update(talker):
        """Its limit does that."""

    @staticmethod
    def bye(talker):
        talker.hang_up()

    def server(self, want, bed):
        cannot(want.retry and want.group == "", "no group named")
        args = self._common(want, bed)
        if want.client_auth:
            args += ["auth=need"]
        cannot(want.ocsp, "Java's server fetches responses over the network")
        port = free_port()
        server = Talker(self._java(want, bed) + [f"listen={port}", f"trust={bed['ca.pem']}",
                                                 f"key={bed.pkcs12(want.certificate)}"] + args)
        wait_for_port(port, server)
        return server, port

    answers_by_hand = False


class Curl:
    name = "curl"
    fetches = True

    @staticmethod
    def version():
        return " ".join(subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout.split()[:2])

    @staticmethod
    def client(want, bed, port, step):
        need("curl")
        cannot(want.resume or want.early or want.psk or want.update or want.record_size or want.retry
               or want.compress or want.export or want.fallback or want.renegotiate, "curl has no option for it")
        cannot(not (want.tickets and want.extended_master_secret and want.encrypt_then_mac), "curl has no option for it")
        args = ["--tlsv1.3"] if want.version == "1.3" else [f"--tlsv{want.version}", "--tls-max", want.version]
        if want.version < "1.2":
            args += ["--ciphers", "ALL:@SECLEVEL=0"]
        if want.suite and want.version == "1.3":
            args += ["--tls13-ciphers", want.suite]
        elif want.suite:
            args += ["--ciphers", SUITES_12[want.suite][0] + ":@SECLEVEL=1"]
        if want.group:
            cannot(GROUPS[want.group][0] is None or "ffdhe" in want.group, "curl has no such group")
            args += ["--curves", GROUPS[want.group][0]]
        if want.alpn:
            args += ["--http1.1"]
        else:
            args += ["--no-alpn"]
        if want.client_auth == "sent":
            args += ["--cert", bed["client.pem"], "--key", bed["client.key"]]
        if want.ocsp:
            args += ["--cert-status"]
        return Talker(["curl", "-sS", "--fail", "--cacert", bed["ca.pem"], "--resolve", f"localhost:{port}:127.0.0.1",
                       f"https://localhost:{port}/"] + args, env=key_log_env(want, bed))


class Chromium:
    """Its suites and groups are its own; what it shows is that a browser of today is served."""
    name = "Chromium"
    fetches = True

    @staticmethod
    def version():
        said = subprocess.run(["chromium", "--version"], capture_output=True, text=True, check=False).stdout
        return " ".join(said.split()[:2]) or "Chromium"

    @staticmethod
    def client(want, bed, port, step):
        need("chromium")
        need("certutil")
        plain = Want(version=want.version, group=want.group, alpn=want.alpn, suite=want.suite,
                     certificate=want.certificate, retry=want.retry, key_log=want.key_log, compress=want.compress)
        cannot(want != plain, "Chromium has no switch for it")
        cannot(want.version != "1.3" or "CCM" in want.suite or "ffdhe" in want.group, "Chromium has no such thing")
        cannot(want.certificate == "ed25519", "Chromium does not take Ed25519")
        cannot(want.retry and want.group != "secp384r1", "its shares are X25519MLKEM768 and X25519")
        home = bed["home"]
        database = f"{home}/.pki/nssdb"
        os.makedirs(database)
        for command in (["-N", "--empty-password"], ["-A", "-n", "ca", "-t", "C,,", "-i", bed["ca.pem"]]):
            subprocess.run(["certutil", "-d", f"sql:{database}"] + command, check=True, capture_output=True)
        return Talker(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                       "--disable-background-networking", "--disable-component-update", "--disable-sync",
                       "--disable-dev-shm-usage", f"--user-data-dir={home}/profile", "--dump-dom",
                       f"--log-net-log={bed['netlog']}", f"https://localhost:{port}/"],
                      env={**(key_log_env(want, bed) or os.environ), "HOME": home})

    @staticmethod
    def took_compressed(bed):
        """Whether a CompressedCertificate came, as the browser itself noted."""
        with open(bed["netlog"], encoding="utf-8") as file:
            log = json.load(file)
        kind = log["constants"]["logEventTypes"]["SSL_HANDSHAKE_MESSAGE_RECEIVED"]
        return any(event["type"] == kind and event.get("params", {}).get("type") == 25 for event in log["events"])
