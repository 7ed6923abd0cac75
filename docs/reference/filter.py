#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""filter.py HEADER: the header with its comments as Doxygen wants them, on standard output.

A comment on lines of its own is about what follows, up to the next blank line: about each declaration there that
has none of its own. One behind code is about that code; one in front of the includes is about the file. What
Doxygen would take for a command or a tag is quoted."""

import pathlib
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
SPECIAL = re.compile(r"[\\@<>#%&]")
DECLARATION = re.compile(r"^(?=LKS_API |static inline |#define |struct \w+ \{|enum \w+ \{)", re.M)


def spread(chunk):
    """What stands above several declarations is said above each."""
    comment = COMMENT.match(chunk)
    if not comment:
        return chunk
    first, *others = DECLARATION.split(chunk[comment.end():].lstrip("\n"))
    if not first.strip() and others:
        first = others.pop(0)
    out = comment.group() + "\n" + first
    for other in others:
        has_own = out.endswith("*/\n") and out.rsplit("\n", 2)[-2].startswith((" *", "/*"))
        out += other if has_own else comment.group() + "\n" + other
    return out


def as_doxygen(text):
    out = []
    at = 0
    for match in COMMENT.finditer(text):
        comment, before = match.group(), text[text.rfind("\n", 0, match.start()) + 1:match.start()]
        out.append(text[at:match.start()])
        at = match.end()
        words = SPECIAL.sub(lambda m: "\\" + m.group(), comment[2:-2])
        if "SPDX-License-Identifier" in comment:
            out.append(comment)
        elif before.strip():
            out.append(f"/**<{words}*/")
        elif text[at:].lstrip().startswith("#include"):
            out.append(f"/** \\file\n{words}*/")
        else:
            out.append(f"/**{words}*/")
    return "".join(out) + text[at:]


def filtered(text):
    return as_doxygen("\n\n".join(spread(chunk) for chunk in text.split("\n\n")))


if __name__ == "__main__":
    sys.stdout.write(filtered(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
