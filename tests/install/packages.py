#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""packages.py SOURCE ROOT: debian/ agrees with the tree, and with what Meson has installed in ROOT: each file
belongs to one package and each pattern to a file, the versions are the same, and a package of headers depends on
the packages of what its .pc file requires. That they build is .ci/packages' business."""

import pathlib
import re
import subprocess
import sys


def patterns(debian, kind):
    """Yields (package, pattern) of debian/PACKAGE.KIND."""
    for path in sorted(debian.glob(f"*.{kind}")):
        for line in path.read_text(encoding="utf-8").split():
            yield path.stem, line


def glob(pattern):
    return re.compile(re.escape(pattern).replace(r"\*", "[^/]*"))


def one_package_each(paths, claims):
    """Each path is claimed once; each claim, where it says anything of such paths, is of one that is there."""
    for path in paths:
        owners = [package for package, pattern in claims if glob(pattern).fullmatch(path)]
        if len(owners) != 1:
            yield f"{path}: belongs to {' and '.join(owners) or 'no package'}"
    for package, pattern in claims:
        if not any(glob(pattern).fullmatch(path) for path in paths):
            yield f"{package}: no {pattern} is there"


def installed(root):
    """As under Debian's prefix, whatever the build's."""
    pc = next(root.glob("**/lockstep.pc"))
    prefix = pathlib.Path(re.search(r"^prefix=(.*)", pc.read_text(encoding="utf-8"), re.M).group(1))
    return ["usr/" + str(p.relative_to(prefix)) for p in sorted(prefix.rglob("*")) if p.is_symlink() or p.is_file()], pc.parent


def versions(source, pc):
    of_debian = re.match(r"lockstep \(([^)-]+)", (source / "debian/changelog").read_text(encoding="utf-8"))
    of_meson = re.search(r"^Version: (.*)", (pc / "lockstep.pc").read_text(encoding="utf-8"), re.M)
    if of_debian.group(1) != of_meson.group(1):
        yield f"debian/changelog: version {of_debian.group(1)}, and Meson's is {of_meson.group(1)}"


def fields(source):
    """Package → what it depends on, of debian/control."""
    for paragraph in (source / "debian/control").read_text(encoding="utf-8").split("\n\n"):
        name = re.search(r"^Package: (.*)", paragraph, re.M)
        depends = re.search(r"^Depends:((?:.*\n)(?: .*\n?)*)", paragraph + "\n", re.M)
        if name:
            yield name.group(1), set(re.findall(r"[a-z][a-z0-9.+-]+", re.sub(r"[\[(].*?[\])]|\$\{.*?\}", "", depends.group(1))))


def required_packages(source, pc):
    """Where Debian's dpkg knows whose a .pc file is."""
    depends = dict(fields(source))
    for name in ("lockstep", "lockstep-dpdk"):
        if not (pc / f"{name}.pc").is_file():
            continue
        text = (pc / f"{name}.pc").read_text(encoding="utf-8")
        for words in re.findall(r"^Requires(?:\.private)?: (.*)", text, re.M):
            for required in re.findall(r"([A-Za-z][\w.+-]*)(?: *[<>=]+ *[\w.]+)?", words):
                if required.startswith("lockstep"):
                    wanted = f"lib{required}-dev"
                else:
                    there = subprocess.run(["pkg-config", "--path", required], capture_output=True, text=True, check=False).stdout.strip()
                    owner = subprocess.run(["dpkg", "-S", there], capture_output=True, text=True, check=False).stdout
                    wanted = owner.split(":")[0]
                if wanted and wanted not in depends[f"lib{name}-dev"]:
                    yield f"debian/control: lib{name}-dev does not depend on {wanted}, but {name}.pc requires {required}"


def main():
    source, root = map(pathlib.Path, sys.argv[1:])
    debian = source / "debian"
    files, pc = installed(root)
    with_dpdk = (pc / "lockstep-dpdk.pc").is_file()
    claims = [c for c in patterns(debian, "install") if with_dpdk or not ("dpdk" in c[0] or c[0] == "lockstepd")]
    examples = sorted("examples/" + p.name for p in (source / "examples").glob("*.c"))
    found = [*one_package_each(files, claims), *one_package_each(examples, list(patterns(debian, "examples"))),
             *versions(source, pc), *required_packages(source, pc)]
    for line in found:
        print(line)
    return 1 if found or len(files) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
