"""What the tests of the package in a Tcl that is not ours share."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from pybridge.package import tcl_package

TCLSH = shutil.which("tclsh") or pytest.fail("these tests need tclsh: apt-get install tcl")


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
    own = {"TCLLIBPATH": f"{{{tcl_package()}}}", "TORCH_TCL_PYTHON": sys.executable}
    return subprocess.Popen(
        [TCLSH, path, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **own, **(variables or {})},
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


def runs(pid: str | int) -> bool:
    """Whether this process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
