#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Lockstep with other implementations, both roles, feature by feature, over loopback. Each cell is a handshake of
its own programs, data both ways and a clean close of both sides.

usage: matrix.py BUILD [--only REGEX] [--markdown FILE] [--root DIR]

BUILD has tests/conn/lks_test_server and lks_test_client. A cell is named "role/peer/feature", as
"server/OpenSSL/TLS 1.3 TLS_AES_128_GCM_SHA256 x25519": the role is Lockstep's. The peers are DIR's, where
.ci/peers-root has seen to it that /tmp is the same there.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import re
import shutil
import sys
import threading
import time
import traceback

import page
import peers
import place
from talk import Cannot, Credentials, Failed, Talker
from wants import GROUPS, SUITES_12, SUITES_13, Want

ALL = {peer.name: peer for peer in (peers.Openssl(), peers.Gnutls(), peers.Nss(), peers.Java(), peers.Curl(),
                                    peers.Chromium())}


class Bed:
    """Files of one cell; credentials are the run's."""

    def __init__(self, credentials, folder, lock):
        self.credentials, self.folder, self.lock = credentials, folder, lock
        os.makedirs(folder, exist_ok=True)

    OWN = ("session", "early", "psk", "request", "keys", "java.security", "home", "keylog", "ourlog", "netlog")

    def __getitem__(self, name):
        return f"{self.folder}/{name}" if name in self.OWN else self.credentials[name]

    @property
    def path(self):
        return self.credentials.path

    def pkcs12(self, name):
        return self.credentials.pkcs12(name)

    def ocsp_response(self, name):
        return self.credentials.ocsp_response(name)


# How our server ends where a client has no certificate.
NO_CERTIFICATE = {"1.3": "alert_certificate_required", "1.2": "alert_handshake_failure"}


def refused_as(want):
    """How our server ends where it does not take the client; "" where it does."""
    return NO_CERTIFICATE[want.version] if want.client_auth == "missing" else want.refused


def report_of(match):
    return dict(pair.split("=", 1) for pair in match.group(0).decode().split()[1:])


class Ours:
    """One of our two test programs."""

    def __init__(self, program, args):
        self.talker = Talker([program] + args, name=os.path.basename(program))
        self.seen = 0

    def report(self):
        """The next connection's line."""
        match = self.talker.expect(rb"conn end=[^\n]*\n", after=self.seen)
        self.seen = match.end()
        return report_of(match)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.talker.stop()


def equal(got, want, what):
    if got != want:
        raise Failed(f"{what} is {got!r}, not {want!r}")


def check_report(report, want, role, resumed=False):
    equal(report["end"], "closed", "our end")
    equal(report["version"], "0304" if want.version == "1.3" else "0303", "version")
    if want.suite:
        equal(report["suite"], want.suite, "suite")
    if want.group and report["group"]:
        equal(report["group"], want.group, "group")
    equal(report["alpn"], want.alpn.split(",")[-1] if want.alpn else "", "ALPN")
    if want.retry:
        equal(report["retried"], "1", "HelloRetryRequest")
    if want.psk:
        equal(report["psk"], "1", "external PSK")
    elif resumed:
        equal(report["resumed"], "1", "resumed")
    elif want.resume:
        equal(report["resumed"], "0", "first connection resumed")
    if want.early and resumed:
        equal(report["early"], "11", "bytes of early data")
    if want.client_auth == "sent" and role == "server":
        equal(report["peer_certificate"], "1", "client's certificate")
    if want.update:
        if report["updates_in"] == "0" or report["updates_out"] == "0":
            raise Failed(f"updates in {report['updates_in']}, out {report['updates_out']}")


def check_key_logs(bed):
    """The peer's secrets are ours."""
    def lines(path):
        with open(path, encoding="ascii") as file:
            return {line.strip().lower() for line in file if line.strip() and not line.startswith("#")}

    ours = lines(bed["ourlog"])
    if not ours or not ours <= lines(bed["keylog"]):
        raise Failed(f"the key logs differ: {sorted(ours)} and {sorted(lines(bed['keylog']))}")


def cannot_renegotiate(want, peer, its_role):
    if want.renegotiate and its_role not in getattr(peer, "renegotiation", {}):
        raise Cannot(f"{peer.name}'s {its_role} here does not renegotiate when asked to")


def check_renegotiation(peer, its_role, talker, ours):
    """It is told that there is none, and ends the connection; before, data went both ways."""
    talker.say(peer.renegotiation[its_role])
    talker.expect(peer.shows_refusal)
    equal(ours.report()["end"], "peer_alert", "our end")


def our_options(want, bed, role):
    args = []
    if want.export:
        args += ["--export", want.export]
    if want.key_log:
        args += ["--key-log", bed["ourlog"]]
    if want.compress:
        args += ["--compress", want.compress]
    if want.version == "1.2" and not want.fallback:
        args += ["--max-version", "1.2"]
    if want.suite:
        args += ["--suites", want.suite]
    if want.group:
        first = "x25519," if want.retry and role == "client" and want.group != "x25519" else ""
        args += ["--groups", first + want.group]
    if want.alpn:
        args += ["--alpn", want.alpn.split(",")[-1]]
    if want.psk:
        # With a second ticket behind an external PSK, NSS' client stops reading.
        args += ["--psk", f"interop:{want.psk}", "--tickets", "1"]
    if want.record_size:
        args += ["--record-size", str(want.record_size)]
    if want.client_auth or role == "client":
        args += ["--trust", bed["ca.pem"]]
    if role == "server":
        # A message that does not become shorter goes as it is: that of one small certificate, with zstd.
        long = want.ocsp or want.compress
        args += ["--cert", bed[f"{want.certificate}.{'chain.' if long else ''}pem"], "--key",
                 bed[f"{want.certificate}.key"]]
        if want.client_auth:
            args += ["--client-auth", "required"]
        if want.early:
            args += ["--early-data", "16384"]
        if want.ocsp:
            args += ["--ocsp", bed.ocsp_response(want.certificate)]
    elif want.ocsp:
        args += ["--require-ocsp", "1"]
    elif want.client_auth == "sent":
        args += ["--cert", bed["client.pem"], "--key", bed["client.key"]]
    return args


def talk(client, line, update=None):
    """A line there and back."""
    before = len(client.text)
    client.say(line + "\n")
    client.expect(re.escape(line), after=before)
    if update:
        update(client)
        time.sleep(0.1)
        before = len(client.text)
        client.say("after-" + line + "\n")
        client.expect("after-" + re.escape(line), after=before)


def fetch(program, peer, want, bed):
    """Our server has a page, the peer gets it."""
    alpn = want.alpn or ("http/1.1" if peer.name == "Chromium" else "")
    args = our_options(dataclasses.replace(want, alpn=""), bed, "server") + ["--http", bed["page"], "--report"]
    with Ours(program, args + (["--alpn", "http/1.1"] if alpn else [])) as ours:
        port = int(ours.talker.expect(rb"port (\d+)\n").group(1))
        with peer.client(want, bed, port, 0) as client:
            if refused_as(want):
                equal(ours.report()["end"], refused_as(want), "our end")
                return
            client.expect("lockstep-page.*x{100000}")
            status = client.end()
            equal(status, 0, "its exit status")
        report = ours.report()
        if want.resume:
            check_report(report, dataclasses.replace(want, alpn="http/1.1" if alpn else ""), "server")
            report = ours.report()
        if peer.name == "Chromium":
            while report["established"] == "0":  # it opens connections in stock
                report = ours.report()
            report["end"] = "closed"  # and drops them when it ends
        check_report(report, dataclasses.replace(want, alpn="http/1.1" if alpn else ""), "server", resumed=want.resume)
        if want.key_log:
            check_key_logs(bed)
        if want.compress and not peer.took_compressed(bed):
            raise Failed("no compressed certificate came")


def download(program, peer, want, bed):
    """Our server has a long page; the peer only receives, and asks for new keys as often as its limit is reached."""
    if peer.name != "Java":
        raise Cannot("the limit is a setting of Java's")
    args = our_options(want, bed, "server") + ["--http", bed["long page"], "--report"]
    with Ours(program, args) as ours:
        port = int(ours.talker.expect(rb"port (\d+)\n").group(1))
        with peer.client(want, bed, port, 0) as client:
            got = int(client.expect(rb"got (\d+) bytes").group(1))
            if got < bed.credentials.LONG_PAGE:
                raise Failed(f"{got} bytes came")
            equal(client.end(), 0, "its exit status")
        report = ours.report()
        check_report(report, want, "server")
        # One each time that the limit is passed at the least; Java asks again until ours are there.
        least = max(bed.credentials.LONG_PAGE >> want.key_limit + 1, 1)
        if int(report["updates_in"]) < least or report["updates_out"] == "0":
            raise Failed(f"updates in {report['updates_in']}, out {report['updates_out']}")


def as_server(program, peer, want, bed):
    """Our server, the peer's client."""
    if want.key_limit:
        download(program, peer, want, bed)
        return
    if peer.fetches:
        fetch(program, peer, want, bed)
        return
    args = our_options(want, bed, "server") + ["--echo", "--report"]
    if want.update == "ours":
        args += ["--update-every", "5"]
    if want.early:
        with open(bed["early"], "w", encoding="ascii") as early:
            early.write("early-data\n")
    cannot_renegotiate(want, peer, "client")
    with Ours(program, args) as ours:
        port = int(ours.talker.expect(rb"port (\d+)\n").group(1))
        for step in range(2 if want.resume or want.early else 1):
            client = peer.client(want, bed, port, step)
            if client is None:
                continue
            with client:
                if refused_as(want):
                    equal(ours.report()["end"], refused_as(want), "our end")
                    return
                by_file = peer.name == "NSS" and want.resume  # closing included
                if by_file:
                    client.expect("hello-1.*hello-1")
                else:
                    talk(client, f"hello-{step}", peer.update if want.update == "peer" else None)
                if want.renegotiate:
                    check_renegotiation(peer, "client", client, ours)
                    return
                if want.ocsp:
                    client.expect(peer.shows_ocsp)
                if want.compress:
                    client.expect(peer.shows_compressed)
                if want.update == "ours":
                    talk(client, "more")
                if not by_file:
                    peer.bye(client)
                first = step == 0 and (want.resume or want.early)
                reports = [ours.report()]
                if step == 1 and peer.name != "OpenSSL":  # both connections in one program
                    reports.append(ours.report())
                    check_report(reports[0], dataclasses.replace(want, early=False), "server")
                check_report(reports[-1], want, "server", resumed=step == 1)
                if want.export:
                    equal(client.expect(peer.exported).group(1).decode().lower(), reports[-1]["exported"], "export")
                if first:
                    continue
        if want.key_log:
            check_key_logs(bed)


def as_client(program, peer, want, bed):
    """Our client, the peer's server."""
    if want.fallback:
        raise Cannot("our client does not try again with less")
    if want.key_limit:
        raise Cannot("our server is who sends here")
    cannot_renegotiate(want, peer, "server")
    server, port = peer.server(want, bed)
    with server:
        for step in range(2 if want.resume or want.early else 1):
            args = our_options(want, bed, "client") + ["--port", str(port), "--name", "localhost"]
            if want.resume or want.early:
                args += ["--session", bed["session"]]
            if want.early and step == 1:
                args += ["--early", "early-data"]
            with Ours(program, args) as ours:
                client, line = ours.talker, f"hello-{step}"
                if want.refused:
                    # Where the server sees our versions first, the alert is its own.
                    report = ours.report()
                    if report["end"] not in (want.refused, "peer_alert", "truncated" if want.hangs_up else ""):
                        equal(report["end"], want.refused, "our end")
                    return
                if want.client_auth == "missing":
                    report = ours.report()
                    if report["end"] == "closed":
                        raise Failed("the server took us without a certificate")
                    return
                client.expect(rb"established")
                before = len(server.text)
                lines = [line] + (["after-the-update"] if want.update else [])
                for text in lines:
                    client.say(text + "\n" if peer.name != "NSS" else f"GET /{text} HTTP/1.0\r\n\r\n")
                    if peer.answers_by_hand:
                        server.expect(re.escape(text), after=before)
                        server.say(f"answer-to-{text}\n")
                        client.expect(re.escape(f"answer-to-{text}"))
                    else:
                        client.expect(re.escape(text))
                    if want.update == "ours" and text == line:
                        client.say("!update\n")
                    elif want.update == "peer" and text == line:
                        server.say("K\n")
                    time.sleep(0.1 if want.update else 0)
                if want.renegotiate:
                    check_renegotiation(peer, "server", server, ours)
                    return
                client.hang_up()
                report = ours.report()
                check_report(report, want, "client", resumed=step == 1)
                if want.compress:
                    server.expect(peer.shows_compressed)
                equal(client.end(), 0, "our client's status")
                if want.export:
                    equal(server.expect(peer.exported).group(1).decode().lower(), report["exported"], "export")
    if want.key_log:
        check_key_logs(bed)


def cells_13():
    """(feature, want) of TLS 1.3, the same for every peer and role."""
    for suite in SUITES_13:
        for group in GROUPS:
            yield f"{suite} {group}", Want(suite=suite, group=group)
    for kind in ("rsa", "ed25519"):
        yield f"certificate {kind}", Want(certificate=kind)
    yield "HelloRetryRequest", Want(group="secp384r1", retry=True)
    yield "HelloRetryRequest, to x25519mlkem768", Want(group="x25519mlkem768", retry=True)
    yield "ALPN", Want(alpn="http/1.1,h2")
    yield "client certificate", Want(client_auth="sent")
    yield "client certificate, missing", Want(client_auth="missing")
    yield "client certificate, resumed", Want(client_auth="sent", resume=True)
    yield "resumption", Want(resume=True)
    yield "resumption, SHA-384", Want(resume=True, suite="TLS_AES_256_GCM_SHA384")
    yield "resumption behind HelloRetryRequest", Want(resume=True, group="secp384r1", retry=True)
    yield "external PSK", Want(psk="00112233445566778899aabbccddeeff")
    yield "0-RTT", Want(early=True)
    yield "KeyUpdate by the peer", Want(update="peer")
    yield "KeyUpdate by us", Want(update="ours")
    # A client that only receives, with its keys at their limit early, often, and once.
    for bits in (20, 22, 26):
        yield f"Java keyLimits 2^{bits}, 100 MB down", Want(key_limit=bits)
    yield "record_size_limit 512", Want(record_size=512)
    # Below 512 GnuTLS takes none, unless it was told to: its clients answer illegal_parameter.
    yield "record_size_limit 511, turned away", Want(record_size=511, refused="peer_alert", hangs_up=True)
    yield "OCSP stapling", Want(ocsp=True)
    for algorithm in ("zlib", "brotli", "zstd"):
        yield f"certificate compression, {algorithm}", Want(compress=algorithm)
    yield "exporter", Want(export="EXPORTER-interop")
    yield "key log", Want(key_log=True)


def cells_12():
    for suite in SUITES_12:
        certificate = "ec" if "ECDSA" in suite else "rsa"
        yield suite, Want(version="1.2", suite=suite, certificate=certificate)
        if "CBC" in suite:
            yield f"{suite}, MAC-then-encrypt", Want(version="1.2", suite=suite, certificate=certificate,
                                                     encrypt_then_mac=False)
    base = Want(version="1.2", suite="TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
    for group in ("x25519", "secp256r1", "secp384r1"):
        # The curve of an ECDSA key would have to be on offer, too.
        yield f"group {group}", Want(version="1.2", suite="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", certificate="rsa",
                                     group=group)
    yield "ALPN", dataclasses.replace(base, alpn="http/1.1,h2")
    yield "client certificate", dataclasses.replace(base, client_auth="sent")
    yield "client certificate, missing", dataclasses.replace(base, client_auth="missing")
    yield "client certificate, resumed by ticket", dataclasses.replace(base, client_auth="sent", resume=True)
    yield "client certificate, resumed by session ID", dataclasses.replace(base, client_auth="sent", resume=True, tickets=False)
    yield "resumption by ticket", dataclasses.replace(base, resume=True)
    yield "resumption by session ID", dataclasses.replace(base, resume=True, tickets=False)
    yield "without extended master secret", dataclasses.replace(base, extended_master_secret=False)
    yield "OCSP stapling", dataclasses.replace(base, ocsp=True)
    yield "record_size_limit 512", dataclasses.replace(base, record_size=512)
    yield "renegotiation refused", dataclasses.replace(base, renegotiate=True)
    yield "fallback refused", Want(version="1.2", fallback=True, refused="alert_inappropriate_fallback")
    yield "exporter", dataclasses.replace(base, export="EXPORTER-interop")
    yield "key log", dataclasses.replace(base, key_log=True)


def cells():
    """All, with their versions."""
    yield from ((f"TLS 1.3 {feature}", want) for feature, want in cells_13())
    yield from ((f"TLS 1.2 {feature}", want) for feature, want in cells_12())
    for version in ("1.1", "1.0"):
        yield f"TLS {version} refused", Want(version=version, certificate="rsa", refused="alert_protocol_version")


class Matrix:
    def __init__(self, build, credentials):
        self.programs = {"server": f"{build}/tests/conn/lks_test_server", "client": f"{build}/tests/conn/lks_test_client"}
        self.credentials = credentials
        self.lock = threading.Lock()
        self.count = 0

    def cells(self):
        for feature, want in cells():
            for role, play in (("server", as_server), ("client", as_client)):
                for peer in ALL.values():
                    if role == "server" or not peer.fetches:
                        yield f"{role}/{peer.name}/{feature}", play, role, peer, want

    def run(self, cell):
        """("pass" | "fail" | "none", words)"""
        name, play, role, peer, want = cell
        with self.lock:
            self.count += 1
            bed = Bed(self.credentials, f"{self.credentials.path}/cell-{self.count}", self.lock)
        # Java 17 drops the leading zeros of a finite-field secret (JDK-8328046): one handshake in 256 fails.
        tries = 3 if peer.name == "Java" and want.group.startswith("ffdhe") else 1
        try:
            for left in reversed(range(tries)):
                try:
                    play(self.programs[role], peer, want, bed)
                    break
                except Failed:
                    if not left:
                        raise
            return name, "pass", ""
        except Cannot as why:
            return name, "none", str(why)
        except Failed as why:
            return name, "fail", str(why)
        except Exception:  # a mistake of the matrix itself counts as a failure
            return name, "fail", traceback.format_exc()
        finally:
            shutil.rmtree(bed.folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("--only", default=".")
    parser.add_argument("--markdown")
    parser.add_argument("--root", default="")
    options = parser.parse_args()
    place.root = os.path.realpath(options.root) if options.root else ""
    credentials = Credentials()
    matrix = Matrix(os.path.abspath(options.build), credentials)
    only = re.compile(options.only)
    cells = [c for c in matrix.cells() if only.search(c[0])]
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            results = list(pool.map(matrix.run, cells))
    finally:
        credentials.close()
    for name, said, words in results:
        if said == "fail":
            print(f"FAIL {name}\n    " + words.replace("\n", "\n    "))
    counts = {said: sum(r[1] == said for r in results) for said in ("pass", "fail", "none")}
    section = page.section(results, list(ALL.values()))
    if options.markdown:
        page.put(options.markdown, section)
    else:
        print("\n".join(section))
    for name, said, words in results:
        if said == "none" and "no " in words and "here" in words:
            print(f"SKIP {name}: {words}")
    print(f"interop: {counts['pass']} passed, {counts['fail']} failed, {counts['none']} skipped")
    return 1 if counts["fail"] or not counts["pass"] else 0


if __name__ == "__main__":
    sys.exit(main())
