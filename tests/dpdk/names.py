#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every name of DPDK's and of ours in docs/DPDK.md, members included, is in the headers of the DPDK here or in our own.

usage: names.py PAGE OURS, the folder of our headers
"""

import pathlib
import re
import subprocess
import sys

NAME = re.compile(r"\b(?:rte|RTE|lks|LKS)_\w+")
MEMBERS = re.compile(r"`([a-z]\w*(?:\.[a-z]\w*)+)`")  # as tls_1_3.seq_no; files' names aside


def names(page):
    found = set(NAME.findall(page))
    for dotted in MEMBERS.findall(page):
        if not dotted.endswith((".h", ".md")):
            found |= set(dotted.split("."))
    return found


def words(ours):
    """Those of the headers."""
    flags = subprocess.run(["pkg-config", "--cflags-only-I", "libdpdk"], capture_output=True, text=True, check=True).stdout
    folders = {flag[2:] for flag in flags.split()} | {"/usr/include/dpdk", ours}
    return {word for folder in folders for header in pathlib.Path(folder).glob("*.h")
            for word in re.findall(r"\w+", header.read_text(encoding="utf-8")) + [header.stem]}


def main():
    wanted, there = names(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")), words(sys.argv[2])
    if "RTE_SECURITY_PROTOCOL_TLS_RECORD" not in there:
        print("SKIP dpdk-names: this DPDK has no TLS records (23.11 is the first)")
        print("dpdk-names: 0 passed, 0 failed, 1 skipped")
        return 77
    missing = sorted(wanted - there)
    for name in missing:
        print(f"FAIL {name}: in docs/DPDK.md and in no header")
    print(f"dpdk-names: {len(wanted) - len(missing)} passed, {len(missing)} failed, 0 skipped")
    return 1 if missing or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
