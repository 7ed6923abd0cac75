#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How long others wait for their first byte while many clients ask for 100 MB and never read.

lockstepd with its defaults on an af_packet port, nginx behind it, clients of the kernel's before it, all in namespaces
of its own (tests/e2e/bed.py). The others are one after the other: a new connection (its handshake counts), then one
that has been there since before the readers came. The readers' MSS is 536, then 1460; what they left is gone before
the next row, since lockstepd is started anew.
"""
import argparse, pathlib, resource, socket, ssl, statistics, sys, time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests/e2e"))
from bed import LOCKSTEPD, Bed, enter_namespaces  # noqa: E402

KEPT = 50
REQUEST = b"GET /data.txt HTTP/1.1\r\nHost: demo.test\r\n\r\n"
ANSWER = b"forty-two"


def first_byte(s, begin):
    """Seconds from begin to the first byte; all of the answer is read."""
    s.sendall(REQUEST)
    got = s.recv(4096)
    took = time.monotonic() - begin
    while not got.endswith(ANSWER):
        if not (more := s.recv(4096)):
            raise RuntimeError("an answer was cut short")
        got += more
    return took


def reader(context, mss):
    """It has asked, and will never read; None where it is refused."""
    raw = socket.socket()
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)
    raw.settimeout(60)
    try:
        raw.connect((LOCKSTEPD, 443))
        s = context.wrap_socket(raw, server_hostname="demo.test")
        s.sendall(b"GET /100M HTTP/1.1\r\nHost: demo.test\r\n\r\n")
        return s
    except (OSError, ssl.SSLError):
        raw.close()
        return None


def is_over(s):
    """Without reading: TCP_INFO's first byte is the state, 7 is closed."""
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0] == 7


def measure(bed, context, kept, number):
    fresh, old = [], []
    for i in range(number):
        begin = time.monotonic()
        with bed.connect(context) as s:
            fresh.append(first_byte(s, begin))
        old.append(first_byte(kept[i % len(kept)], time.monotonic()))
    return fresh, old


def row(name, fresh, old, calm, note):
    def figures(times):
        return statistics.median(times) * 1e3, sorted(times)[len(times) * 99 // 100] * 1e3

    got = *figures(fresh), *figures(old)
    ratios = "  ".join(f"{a / b:.2f}" for a, b in zip(got, calm or got))
    print(f"{name:16} {got[0]:12.2f} {got[1]:8.2f} {got[2]:12.2f} {got[3]:8.2f}    {ratios}  {note}", flush=True)
    return got


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lockstepd")
    parser.add_argument("--readers", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    enter_namespaces()
    # nginx has it from us, and holds a file and a connection for each of them.
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * options.readers + 2048,) * 2)
    bed = Bed(options.lockstepd, TOP)
    context = bed.context(verify=False)
    print(f"{'first byte, ms':16} {'new: median':>12} {'p99':>8} {'kept: median':>12} {'p99':>8}    by the calm's, in this order")
    calm = None
    try:
        for mss in (0, 536, 1460):
            child = bed.start()
            kept = [bed.connect(context) for _ in range(KEPT)]
            readers = [reader(context, mss) for _ in range(options.readers if mss else 0)]
            got = measure(bed, context, kept, options.requests)
            refused = sum(s is None for s in readers)
            reset = sum(s is not None and is_over(s) for s in readers)
            name = f"{len(readers)} at MSS {mss}" if mss else "calm"
            figures = row(name, *got, calm, f"{refused} refused, {reset} reset" if mss else "")
            calm = calm or figures
            for s in [*readers, *kept]:
                if s:
                    s.close()
            bed.stop(child)
    finally:
        bed.close()


main()
