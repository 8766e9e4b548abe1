"""The package as a user gets it: sdist to wheel to a fresh virtual environment to the `tcltorch` program."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import pybridge

CHECKOUT = Path(__file__).resolve().parents[1]
PIP = (sys.executable, "-m", "pip")

SCRIPT = """\
puts [torch::tensor_to_list [torch::tensor_create {1 2 3}]]
puts [package require torch]
"""


def run(*command: str | Path, cwd: Path) -> str:
    # PYTHONPATH would let the installed program import the checkout instead of the wheel.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the sdist, so that a file missing in either is noticed."""
    dist = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", dist, cwd=CHECKOUT)
    (sdist,) = dist.glob("tcltorch-*.tar.gz")
    run(*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", dist, sdist, cwd=dist)
    (wheel,) = dist.glob("tcltorch-*.whl")
    return wheel


@pytest.fixture(scope="module")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the wheel into a virtual environment of its own, removed afterwards: it has PyTorch in it."""
    root = tmp_path_factory.mktemp("installed")
    # No pip and no compiling of modules that are never imported: both only cost time here.
    run(sys.executable, "-m", "venv", "--without-pip", root / "venv", cwd=root)
    run(*PIP, "--python", root / "venv", "install", "--no-compile", "torch==2.13.0", wheel, cwd=root)
    yield root / "venv" / "bin"
    shutil.rmtree(root)


def test_wheel_holds_both_packages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = [path for kind in ("py", "tcl") for path in CHECKOUT.glob(f"pybridge/**/*.{kind}")]
    package = [path.relative_to(CHECKOUT) for path in CHECKOUT.glob("tclpkg/**/*.tcl")]
    wanted = {path.relative_to(CHECKOUT).as_posix() for path in sources}
    wanted |= {f"pybridge/{path.as_posix()}" for path in package}
    assert (
        wanted | {"pybridge/py.typed", "pybridge/tclpkg/torch.tcl", "pybridge/tclpkg/pkgIndex.tcl"} <= names
    )
    assert {"pybridge/tcltest/run.tcl", "pybridge/tclpkg/tcltest/match.tcl"} <= names
    outside = {
        name
        for name in names
        if not name.startswith(("pybridge/", f"tcltorch-{pybridge.__version__}.dist-info/"))
    }
    assert not outside


def test_installed_program_says_its_version(bin_folder: Path, tmp_path: Path) -> None:
    assert pybridge.__version__ in run(bin_folder / "tcltorch", "--version", cwd=tmp_path).split()


def test_installed_program_runs_a_script(bin_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "script.tcl").write_text(SCRIPT)
    printed = run(bin_folder / "tcltorch", "script.tcl", cwd=tmp_path)
    assert printed.splitlines() == ["1.0 2.0 3.0", pybridge.__version__]


def test_installed_program_finds_the_match_modes(bin_folder: Path, tmp_path: Path) -> None:
    words = ("-c", "package require torch::tcltest; puts [package present torch::tcltest]")
    assert run(bin_folder / "tcltorch", *words, cwd=tmp_path).strip() == pybridge.__version__
