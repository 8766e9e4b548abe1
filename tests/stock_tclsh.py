"""What the tests of the package in a Tcl that is not ours share."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pybridge.package import tcl_package

TCLSH = shutil.which("tclsh") or pytest.fail("these tests need tclsh: apt-get install tcl")


def tclsh(folder: Path, script: str, *arguments: object, **variables: str) -> list[str]:
    """The lines that a script prints in tclsh, where it must end without an error."""
    path = folder / "script.tcl"
    path.write_text(script, "utf-8")
    own = {"TCLLIBPATH": f"{{{tcl_package()}}}", "TORCH_TCL_PYTHON": sys.executable}
    ended = subprocess.run(
        [TCLSH, path, *map(str, arguments)],
        cwd=folder,
        env=os.environ | own | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def runs(pid: str | int) -> bool:
    """Whether this process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
