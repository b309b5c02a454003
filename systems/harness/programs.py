"""The programs that a check runs: installed, or built."""

import os
import pathlib
import shlex
import subprocess

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))


def installed(*parts):
    """Installs parts of systems/install, and returns the variables that name them."""
    output = subprocess.run(
        [REPOSITORY / "systems/install", *parts], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    words = (word for line in output.splitlines() for word in shlex.split(line)[1:])
    return dict(word.split("=", 1) for word in words)


def built(package, *names):
    """Builds a package, and returns the paths of its programs."""
    folder = os.environ.get("SYSTEMS_PROGRAMS") # a folder of programs that are built already
    if folder is None:
        subprocess.run(["cargo", "build", "-q", "-p", package], check=True, cwd=REPOSITORY)
        folder = TARGET / "debug"
    return [pathlib.Path(folder).resolve() / name for name in names]
