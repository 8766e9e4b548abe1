"""What the tests of the package in a Tcl that is not ours share."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from pybridge.tcl_package import tcl_package

TCLSH = shutil.which("tclsh") or pytest.fail("these tests need tclsh: apt-get install tcl")

PROLOGUE = "package require torch; proc code {} {dict get $::options -errorcode}\n"
python = sys.executable  # of workers; the fixture `forked_workers` puts another in its place
STARTS = {"TORCH_TCL_PYTHON": sys.executable}  # for tests that are about the start of a worker


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """What a Tcl program needs to find this package and this Python, and these variables."""
    own = {"TCLLIBPATH": f"{{{tcl_package()}}}", "TORCH_TCL_PYTHON": python}
    return {**os.environ, **own, **variables}


def start(
    folder: Path,
    script: str,
    arguments: Iterable[object] = (),
    variables: Mapping[str, str] | None = None,
    stdout: int = subprocess.PIPE,
) -> "subprocess.Popen[str]":
    """Run a script in tclsh, with these environment variables."""
    path = folder / "script.tcl"
    path.write_text(script, "utf-8")
    return subprocess.Popen(
        [TCLSH, path, *map(str, arguments)],
        cwd=folder,
        env=environment(variables or {}),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def tclsh(
    folder: Path, script: str, *arguments: object, variables: Mapping[str, str] | None = None
) -> list[str]:
    """The lines that a script prints in tclsh, where it must end without an error."""
    process = start(folder, script, arguments, variables)
    printed, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (0, "")
    return printed.splitlines()


def run(script: str, folder: Path, **variables: str) -> tuple[str, str, int]:
    """What a script that has the package prints, says on standard error, and its status."""
    process = start(folder, PROLOGUE + script, variables=variables)
    printed, said = process.communicate(timeout=120)
    return printed, said, process.returncode
