# SPDX-License-Identifier: BSD-3-Clause
"""Other implementations as clients and as servers: how each is told what a cell wants.

A peer's client(want, bed, port, step) returns the Talker of connection number `step` (a resumed session is
step 1), or None where the program makes both connections in the process of the last step. A peer's
server(want, bed) returns (Talker, port). Both raise Cannot for what the program does not have.
"""

import json
import os
import pathlib
import re
import shutil
import time

import place
from place import need, said, talker
from talk import Cannot, free_port, wait_for_port
from wants import GROUPS, SUITES_12, SUITES_13, Want


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
        return said("openssl", "version").split(" (")[0].strip()

    exported = rb"Keying material: ([0-9A-F]{64})"
    # What makes the client, the server ask for a second handshake, and what they say when they get none.
    renegotiation = {"client": "R\n", "server": "r\n"}
    shows_refusal = "no renegotiation"
    shows_compressed = r"Handshake \[length \w+\], CompressedCertificate"

    @staticmethod
    def ciphers(want):
        """The value of -cipher; "" leaves it. It has the security level, whose default says no to short tags, and to
        some more of TLS 1.2; what that is depends on version and distribution."""
        if want.version < "1.2":
            return "ALL:@SECLEVEL=0"
        level = 0 if "CCM_8" in want.suite else 1
        if want.version == "1.2" and want.suite:
            return f"{SUITES_12[want.suite][0]}:@SECLEVEL={level}"
        return "" if level else "DEFAULT:@SECLEVEL=0"

    @staticmethod
    def group(want):
        ours = GROUPS[want.group][0]
        cannot("MLKEM" in ours and ours not in said("openssl", "list", "-tls-groups"),
               "this OpenSSL has no X25519MLKEM768 (3.5 is the first)")
        return ours

    @staticmethod
    def _common(want, bed):
        need("openssl")
        options = said("openssl", "s_client", "-help")
        cannot(want.record_size, "OpenSSL has no record_size_limit")
        args = ["-tls" + want.version.replace("1.0", "1").replace(".", "_")]
        if not want.extended_master_secret:
            cannot("-no_ems" not in options, "this OpenSSL has no option to leave it out (3.2 is the first)")
            args += ["-no_ems"]
        if want.suite and want.version == "1.3":
            args += ["-ciphersuites", want.suite]
        if Openssl.ciphers(want):
            args += ["-cipher", Openssl.ciphers(want)]
        if want.compress:
            cannot("-no_rx_cert_comp" not in options, "this OpenSSL does not compress certificates (3.2 is the first)")
            cannot(want.compress.upper() in said("openssl", "list", "-disabled").split(),
                   f"this OpenSSL is built without {want.compress}")
            args += ["-msg"]
        if want.psk:
            args += ["-psk_identity", "interop", "-psk", want.psk]
        if want.export:
            args += ["-keymatexport", want.export, "-keymatexportlen", "32"]
        if want.key_log:
            args += ["-keylogfile", bed["keylog"]]
        return args

    def client(self, want, bed, port, step):
        args = self._common(want, bed)
        if want.group:
            args += ["-groups", ("P-521:" if want.retry else "") + self.group(want)]
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
        return talker(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", bed["ca.pem"],
                       "-verify_return_error", "-verify_hostname", "localhost", "-servername", "localhost"] + args)

    @staticmethod
    def update(talker):
        talker.say("K\n")

    @staticmethod
    def bye(talker):
        talker.say("Q\n")

    def server(self, want, bed):
        args = self._common(want, bed)
        if want.group:
            args += ["-groups", self.group(want)]
        if want.compress:
            args += ["-cert_comp"]
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
        server = talker(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert",
                         bed[f"{want.certificate}.pem"], "-key", bed[f"{want.certificate}.key"]] + args)
        wait_for_port(port, server)
        return server, port

    answers_by_hand = True  # what the server sends is typed into it


class Gnutls:
    name = "GnuTLS"
    exported = rb"Key material: ([0-9a-f]{64})"
    renegotiation = {"client": "^renegotiate^\n"}
    shows_refusal = "No renegotiation is allowed"
    shows_ocsp = "OCSP status request"
    fetches = False

    @staticmethod
    def version():
        return "GnuTLS " + said("gnutls-cli", "--version").split()[1]

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
            cannot(GROUPS[want.group][1] not in said("gnutls-cli", "--list"), "Debian's GnuTLS is built without X25519MLKEM768")
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
        cannot(want.compress, "Debian's GnuTLS is built without compression")
        return talker(["gnutls-cli"] + args, env=key_log_env(want, bed))

    @staticmethod
    def update(talker):
        talker.say("^rekey^\n")

    @staticmethod
    def bye(talker):
        talker.hang_up()

    def server(self, want, bed):
        cannot(want.update == "peer", "gnutls-serv does not ask for new keys")
        cannot(want.export, "gnutls-serv does not export keying material")
        cannot(want.compress, "Debian's GnuTLS is built without compression")
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
        server = talker(["gnutls-serv"] + args, env=key_log_env(want, bed))
        wait_for_port(port, server)
        return server, port

    answers_by_hand = False


class Nss:
    name = "NSS"
    shows_ocsp = "Received 1 Cert Status items"
    fetches = False

    @staticmethod
    def version():
        known = re.match(r"(?:\d+:)?([\d.]+)", said("dpkg-query", "-W", "-f=${Version}", "libnss3-tools"))
        return "NSS " + (known.group(1) if known else "of unknown version")

    @staticmethod
    def _database(bed):
        """Both programs read certificates from a database, made once a run."""
        folder = bed["nss"]
        with bed.lock:
            if not os.path.isdir(folder):
                os.mkdir(folder)
                place.run("certutil", "-N", "-d", f"sql:{folder}", "--empty-password")
                place.run("certutil", "-A", "-d", f"sql:{folder}", "-n", "ca", "-t", "CT,C,C", "-i", bed["ca.pem"])
                for name in ("ec", "rsa", "client"):
                    place.run("pk12util", "-i", bed.pkcs12(name), "-d", f"sql:{folder}", "-W", "interop", "-K", "")
        return f"sql:{folder}"

    @staticmethod
    def _common(want):
        cannot(want.certificate == "ed25519", "NSS has no Ed25519 in TLS")
        cannot(want.update == "peer", "NSS' programs do not ask for new keys")
        cannot(want.record_size and want.refused, "NSS takes limits below 512, too")
        cannot(not want.encrypt_then_mac, "NSS has no encrypt-then-MAC: what it does in the row above is MAC-then-encrypt")
        cannot(want.export, "NSS' programs print no keying material, asked for (-x) or not")
        cannot(want.key_log, "Debian's NSS is built without a key log")
        args = ["-V", f"tls{want.version}:tls{want.version}"]
        if want.suite:
            number = (SUITES_13 if want.version == "1.3" else SUITES_12)[want.suite][1 if want.version == "1.3" else 2]
            cannot(number is None, "NSS has no AES-CCM")
            args += ["-c", ":" + number.upper()]
        if want.group:
            cannot(GROUPS[want.group][2] not in said("selfserv"), "this NSS has no X25519MLKEM768")
            args += ["-I", ("P521," if want.retry else "") + GROUPS[want.group][2]]
        if want.psk:
            args += ["-z", f"0x{want.psk}:interop"]
        return args

    def client(self, want, bed, port, step):
        cannot(want.resume and want.suite, "tstclnt crashes with a list of suites and two connections")
        cannot(want.client_auth == "missing", "tstclnt sends what its database has")
        cannot(want.early, "tstclnt sends a whole request early: no line to wait for")
        cannot(want.alpn, "tstclnt offers no ALPN")
        cannot(want.compress, "tstclnt knows zlib at most, and does not show how the certificate came")
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
        return talker(["tstclnt", "-h", "127.0.0.1", "-a", "localhost", "-p", str(port), "-d", self._database(bed),
                       "-C"] + args)

    @staticmethod
    def bye(talker):
        talker.say("goodbye\n")  # tstclnt closes only after the server, and when its input has ended
        talker.hang_up()

    def server(self, want, bed):
        cannot(want.psk, "selfserv takes no external key, its own client's neither")
        cannot(want.alpn, "selfserv takes http/1.1 alone, the row is h2")
        cannot(want.update, "selfserv ends the connection behind its answer, before new keys are used")
        cannot(want.compress, "selfserv does not compress its certificate")
        cannot(want.ocsp, "selfserv makes only test responses of its own")
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
        server = talker(["selfserv", "-p", str(port), "-d", self._database(bed), "-v"] + args)
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
        return "Java " + said("java", "-version").split('"')[1]

    @staticmethod
    def compiled(bed):
        """The program's classes, compiled once a run where the Java here can compile."""
        need("java")
        need("javac")
        with bed.lock:
            if not os.path.exists(bed["Peer.class"]):
                place.run("javac", "-d", bed.path, shutil.copy(Java.source, bed.path))
        return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]

    @staticmethod
    def _common(want, bed):
        cannot(want.psk, "Java has no external keys")
        cannot(want.early, "Java has no early data")
        cannot(want.record_size, "Java has no record_size_limit")
        cannot(want.compress, "Java has no compress_certificate")
        cannot(want.fallback, "Java does not send TLS_FALLBACK_SCSV")
        cannot(want.export or want.key_log, "Java neither exports keying material nor logs keys")
        cannot(not want.encrypt_then_mac, "Java has no encrypt-then-MAC: what it does in the row above is MAC-then-encrypt")
        args = []
        suites = SUITES_13 if want.version == "1.3" else SUITES_12
        if want.suite:
            cannot(not suites[want.suite][-1], "Java has no AES-CCM")
            args += [f"suite={want.suite}"]
        args += [f"version=TLSv{want.version.replace('1.0', '1')}"]
        if want.alpn:
            args += [f"alpn={want.alpn}"]
        return args

    def _java(self, want, bed):
        command = self.compiled(bed) + ["-cp", bed.path]
        if want.group:
            cannot(GROUPS[want.group][3] is None, "this Java has no X25519MLKEM768")
            command += ["-Djdk.tls.namedGroups=" + ("secp521r1," if want.retry else "") + GROUPS[want.group][3]]
        if want.ocsp:
            command += ["-Djdk.tls.client.enableStatusRequestExtension=true"]
        if not want.extended_master_secret:
            command += ["-Djdk.tls.useExtendedMasterSecret=false"]
        if not want.tickets:
            command += [f"-Djdk.tls.{side}.enableSessionTicketExtension=false" for side in ("client", "server")]
        # What a Java of today has switched off for weakness is asked for by some cells of TLS 1.2.
        with open(bed["java.security"], "w", encoding="ascii") as file:
            file.write("jdk.tls.disabledAlgorithms=SSLv3\njdk.certpath.disabledAlgorithms=MD2\n")
            if want.update == "peer":  # it asks by itself, behind each record that is read until new keys come
                file.write("jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^6\n")
            if want.key_limit:
                file.write(f"jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^{want.key_limit}\n")
        return command + [f"-Djava.security.properties={bed['java.security']}", "Peer"]

    def client(self, want, bed, port, step):
        cannot(want.ocsp, "Java does not say whether a response was stapled")
        if want.resume and step == 0:
            return None
        args = self._common(want, bed)
        if want.client_auth == "sent":
            args += [f"key={bed.pkcs12('client')}"]
        if want.key_limit:
            args += ["download=yes"]
        return talker(self._java(want, bed) + [f"connect={port}", f"trust={bed['ca.pem']}",
                                               f"connections={2 if want.resume else 1}"] + args)

    @staticmethod
    def update(talker):
        """Its limit does that."""

    @staticmethod
    def bye(talker):
        talker.hang_up()

    def server(self, want, bed):
        args = self._common(want, bed)
        if want.client_auth:
            args += ["auth=need"]
        cannot(want.ocsp, "Java's server fetches responses over the network")
        port = free_port()
        server = talker(self._java(want, bed) + [f"listen={port}", f"trust={bed['ca.pem']}",
                                                 f"key={bed.pkcs12(want.certificate)}"] + args)
        wait_for_port(port, server)
        return server, port

    answers_by_hand = False


class Curl:
    name = "curl"
    fetches = True

    @staticmethod
    def version():
        return " ".join(said("curl", "--version").split()[:2])

    @staticmethod
    def client(want, bed, port, step):
        for wanted, what in ((want.early, "early data"), (want.psk, "external keys"), (want.update, "new keys"),
                             (want.record_size, "a record_size_limit"), (want.compress, "compressed certificates"),
                             (want.export, "keying material"), (want.fallback, "TLS_FALLBACK_SCSV"),
                             (want.renegotiate, "renegotiation"), (not want.tickets, "sessions without tickets"),
                             (not want.extended_master_secret, "leaving out the extended master secret"),
                             (not want.encrypt_then_mac, "MAC-then-encrypt")):
            cannot(wanted, f"curl has no option for {what}")
        # Where TLS 1.3 is the least, curl 8.14 reads no --ciphers, and the security level is there.
        least = "1.2" if want.version == "1.3" and Openssl.ciphers(want) else want.version
        args = [f"--tlsv{least}", "--tls-max", want.version]
        if want.suite and want.version == "1.3":
            args += ["--tls13-ciphers", want.suite]
        if Openssl.ciphers(want):
            args += ["--ciphers", Openssl.ciphers(want)]
        if want.group:
            args += ["--curves", ("P-521:" if want.retry else "") + Openssl.group(want)]
        if want.alpn:
            args += ["--http1.1"]
        else:
            args += ["--no-alpn"]
        if want.client_auth == "sent":
            args += ["--cert", bed["client.pem"], "--key", bed["client.key"]]
        if want.ocsp:
            args += ["--cert-status"]
        urls = [f"https://localhost:{port}/"]
        if want.resume:
            urls += urls + ["--http1.0"]  # each in a connection of its own
        return talker(["curl", "-sS", "--fail", "--cacert", bed["ca.pem"], "--resolve", f"localhost:{port}:127.0.0.1"]
                      + urls + args, env=key_log_env(want, bed))


class Chromium:
    """Its suites and groups are its own; what it shows is that a browser of today is served."""
    name = "Chromium"
    fetches = True

    @staticmethod
    def version():
        return " ".join(re.search(r"Chromium [\d.]+|$", said("chromium", "--version")).group(0).split()) or "Chromium"

    @staticmethod
    def client(want, bed, port, step):
        need("certutil")
        cannot(want.version < "1.2", "Chromium has nothing below TLS 1.2")
        cannot("CCM" in want.suite, "Chromium has no AES-CCM")
        cannot("ffdhe" in want.group or "TLS_DHE" in want.suite, "Chromium has no finite-field groups")
        cannot("CBC_SHA256" in want.suite or "CBC_SHA384" in want.suite, "Chromium has CBC with SHA-1 alone")
        cannot("ECDSA" in want.suite and "CBC" in want.suite, "Chromium has no CBC with ECDSA")
        cannot(not want.encrypt_then_mac, "Chromium has no encrypt-then-MAC: what it does in the row above is MAC-then-encrypt")
        cannot(want.certificate == "ed25519", "Chromium does not take Ed25519")
        cannot(want.retry and want.group != "secp384r1", "Chromium's own shares are X25519MLKEM768 and X25519")
        cannot(want.compress and want.compress != "brotli", "Chromium knows brotli alone")
        plain = Want(version=want.version, group=want.group, alpn=want.alpn, suite=want.suite, certificate=want.certificate,
                     retry=want.retry, key_log=want.key_log, compress=want.compress)
        cannot(want != plain, "Chromium has no switch for it")
        home = bed["home"]
        database = f"{home}/.pki/nssdb"
        os.makedirs(database)
        for command in (["-N", "--empty-password"], ["-A", "-n", "ca", "-t", "C,,", "-i", bed["ca.pem"]]):
            place.run("certutil", "-d", f"sql:{database}", *command)
        return talker(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                       "--disable-background-networking", "--disable-component-update", "--disable-sync",
                       "--disable-dev-shm-usage", f"--user-data-dir={home}/profile", "--dump-dom",
                       f"--ssl-version-max=tls{want.version}", f"--log-net-log={bed['netlog']}", f"https://localhost:{port}/"],
                      env={**(key_log_env(want, bed) or os.environ), "HOME": home})

    @staticmethod
    def took_compressed(bed):
        """Whether a CompressedCertificate came, as the browser itself noted."""
        with open(bed["netlog"], encoding="utf-8") as file:
            log = json.load(file)
        kind = log["constants"]["logEventTypes"]["SSL_HANDSHAKE_MESSAGE_RECEIVED"]
        return any(event["type"] == kind and event.get("params", {}).get("type") == 25 for event in log["events"])
