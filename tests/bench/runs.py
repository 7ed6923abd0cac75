#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""runs.py NAME COLUMNS PROGRAM [ARGUMENT...]: a bench runs and its tables have rows that end in COLUMNS numbers, or "-",
and not all of them 0. Exit status 77 with a line "SKIP ...: reason" is a skip."""

import re
import subprocess
import sys

NUMBER = re.compile(r"\d+(\.\d+)?|-")


def rows(output, columns):
    """The numbers of the lines that end in that many; a row's first word may be its name."""
    for line in output.splitlines():
        words = line.split()
        end = words[-columns:]
        if len(words) > columns and all(map(NUMBER.fullmatch, end)):
            yield [0.0 if word == "-" else float(word) for word in end]


def main():
    name, columns, program = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    done = subprocess.run(program, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="")
    if done.returncode == 77:
        print(f"{name}: 0 passed, 0 failed, 1 skipped")
        return 0
    wrong = None
    found = list(rows(done.stdout, columns))
    if done.returncode:
        wrong = f"exit status {done.returncode}"
    elif not found:
        wrong = f"no row ends in {columns} numbers"
    elif not all(map(any, found)):
        wrong = "a row of zeros"
    if wrong:
        print(f"FAIL {name}: {wrong}")
    print(f"{name}: {int(not wrong)} passed, {int(bool(wrong))} failed, 0 skipped")
    return int(bool(wrong))


sys.exit(main())
