# SPDX-License-Identifier: BSD-3-Clause
"""docs/INTEROP.md: a section for each system that peers came from; a run puts its own in place."""

import os
import re

import place

HEAD = """# Interoperation

Made by `./dev interop --markdown docs/INTEROP.md`, and with `--root DIR` for another system's peers, a section each: don't edit. A cell
is a handshake of its own programs over loopback, data both ways and a clean close of both sides, on Lockstep's side checked for
what was negotiated. The column's first word is Lockstep's role. A number instead of "yes" is the reason's, below the table.
"""


def columns(peers):
    return [(role, peer.name) for role in ("server", "client") for peer in peers if role == "server" or not peer.fetches]


def table(results, peers):
    """Markdown: a row a feature, a column a role and peer; reasons by number, in the order in which they come."""
    rows, reasons = {}, {}
    for name, said, words in results:
        role, peer, feature = name.split("/", 2)
        text = "yes"
        if said != "pass":
            number = reasons.setdefault((said, peer, words), len(reasons) + 1)
            text = f"**no** {number}" if said == "fail" else f"{number}"
        rows.setdefault(feature, {})[role, peer] = text
    heads = columns(peers)
    yield "| feature | " + " | ".join(": ".join(head) for head in heads) + " |"
    yield "| --- |" + " --- |" * len(heads)
    for feature, row in rows.items():
        yield f"| {feature} | " + " | ".join(row.get(head, "") for head in heads) + " |"
    yield ""
    for (said, peer, words), number in reasons.items():
        yield f"{number}. {peer}: {'**failed**: ' if said == 'fail' else ''}{' '.join(words.split())}"


def section(results, peers):
    """A run's lines. The first names the system, and is the section's key."""
    count = {said: sum(r[1] == said for r in results) for said in ("pass", "fail", "none")}
    yield f"## Peers of {place.system(place.root)}"
    yield ""
    yield ", ".join(peer.version() for peer in peers) + f"; Lockstep on {place.system('')}."
    yield f"{count['pass']} yes, {count['fail']} no, {count['none']} cannot be: the peer has no such thing, or does not show it."
    yield ""
    yield from table(results, peers)


def put(path, lines):
    """The section into the page, in its old place or at the end."""
    lines = list(lines)
    sections = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            parts = re.split(r"^(?=## )", file.read(), flags=re.M)[1:]
        sections = {part.split("\n", 1)[0]: part.strip("\n") for part in parts}
    sections[lines[0]] = "\n".join(lines)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n\n".join([HEAD.strip("\n"), *sections.values()]) + "\n")
