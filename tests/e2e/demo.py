#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev demo is told to end: at once, while it starts, while it works and while it stays up. Whoever is told, only the
process that was started is; nothing of it may be left: no process, no namespace, no file."""
import glob
import os
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 300  # only ends what hangs
LOCKSTEPD, SOURCE = map(os.path.abspath, sys.argv[1:3])

# (arguments, the line after which the signal comes, or None, the signal, exit statuses)
CASES = [
    (["--stay"], "In another terminal", signal.SIGTERM, [0]),
    (["--stay"], "In another terminal", signal.SIGINT, [0]),
    ([], "curl: 100 MB down", signal.SIGTERM, [143]),
    ([], "A network", signal.SIGHUP, [143]),
    ([], None, signal.SIGTERM, [143, -signal.SIGTERM]),
]


def net_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


def processes(nets):
    """Of all processes those that are in one of these network namespaces."""
    pids = [int(os.path.basename(path)) for path in glob.glob("/proc/[0-9]*")]
    return [pid for pid in pids if net_of(pid) in nets]


def descendants(pid):
    found, at = [], [pid]
    while at:
        one = at.pop()
        found.append(one)
        for path in glob.glob(f"/proc/{one}/task/*/children"):
            try:
                with open(path, encoding="ascii") as f:
                    at += [int(word) for word in f.read().split()]
            except OSError:
                pass
    return found


def run(arguments, line, number, statuses, tmp):
    demo = subprocess.Popen([f"{SOURCE}/dpdk_app/demo.sh", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={**os.environ, "LOCKSTEPD": LOCKSTEPD, "TMPDIR": tmp}, text=True)
    said = []
    while line:
        text = demo.stdout.readline()
        if not text:
            return f"ended before it said {line!r}: {''.join(said)}"
        said.append(text)
        if line in text:
            break
    nets = {net_of(pid) for pid in descendants(demo.pid)} - {None, net_of(os.getpid())}
    if line and not nets:
        return "no namespace of its own was found"
    demo.send_signal(number)
    try:
        said.append(demo.communicate(timeout=PATIENCE)[0])
    except subprocess.TimeoutExpired:
        demo.kill()
        return "did not end"
    if demo.returncode not in statuses:
        return f"status {demo.returncode}: {''.join(said)}"
    # What the kernel ends with the namespace may take it a moment.
    until = time.monotonic() + PATIENCE
    while processes(nets) and time.monotonic() < until:
        time.sleep(0.05)
    if processes(nets):
        return f"left processes: {processes(nets)}"
    return f"left files: {os.listdir(tmp)}" if os.listdir(tmp) else None


def main():
    if subprocess.run(["unshare", "--net", "--pid", "--fork", "--mount", "true"], check=False, capture_output=True).returncode:
        print("SKIP: demo: no namespaces here")
        print("demo: 0 passed, 0 failed, 1 skipped")
        return 77
    failed = 0
    for arguments, line, number, statuses in CASES:
        with tempfile.TemporaryDirectory(prefix="lks-demo-") as tmp:
            fault = run(arguments, line, number, statuses, tmp)
        if fault:
            failed += 1
            print(f"FAIL {' '.join(arguments)} {line!r} {signal.Signals(number).name}: {fault}")
    print(f"demo: {len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


sys.exit(main())
