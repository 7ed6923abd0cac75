# SPDX-License-Identifier: BSD-3-Clause
"""Where the peers are: on this system, or in another root (.ci/peers-root), where they are started with chroot."""

import functools
import shutil
import subprocess

from talk import Cannot, Talker

FOLDERS = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")

root = ""  # set once, before any cell


def need(program):
    if not shutil.which(program, path=":".join(root + folder for folder in FOLDERS) if root else None):
        raise Cannot(f"no {program} here")


def inside(command):
    """The command as it is started from here."""
    return ["chroot", root, *command] if root else list(command)


def talker(command, env=None):
    """A peer that talks."""
    need(command[0])
    return Talker(inside(command), name=command[0], env=env)


@functools.lru_cache(None)
def said(*command):
    """What a program says on both outputs, whatever its exit status; asked once."""
    done = subprocess.run(inside(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout


def run(*command):
    done = subprocess.run(inside(command), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")


def system(of):
    """The name of the system whose root that is."""
    with open(f"{of}/etc/os-release", encoding="utf-8") as lines:
        names = dict(line.strip().split("=", 1) for line in lines if "=" in line)
    return names["PRETTY_NAME"].strip('"')
