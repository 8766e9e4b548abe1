"""The package as a user gets it: sdist to wheel to a fresh virtual environment to the `tcltorch` program."""

import email
import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import pybridge

CHECKOUT = Path(__file__).resolve().parents[1]
BUILD = (sys.executable, "-m", "hatchling", "build", "-t")
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
    run(*BUILD, "sdist", "-d", dist, cwd=CHECKOUT)
    (sdist,) = dist.glob("tcltorch-*.tar.gz")
    run("tar", "xzf", sdist, "-C", dist, cwd=dist)
    run(*BUILD, "wheel", "-d", dist, cwd=dist / sdist.name.removesuffix(".tar.gz"))
    (wheel,) = dist.glob("tcltorch-*.whl")
    return wheel


def needed(requires: list[str]) -> dict[str, metadata.Distribution]:
    """The distributions here, by name, that these requirements ask for, and what those ask for in turn."""
    found: dict[str, metadata.Distribution] = {}
    wanted = list(requires)
    while wanted:
        requirement = Requirement(wanted.pop())
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and requirement.name not in found:
            found[requirement.name] = metadata.distribution(requirement.name)
            wanted += found[requirement.name].requires or []
    return found


@pytest.fixture(scope="module")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a virtual environment that has only links to what the wheel asks for.

    pip sees to it that this is all there, and in the right versions. Copying PyTorch takes a minute.
    """
    root = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", root, cwd=root)
    (packages,) = root.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as held:
        name = f"tcltorch-{pybridge.__version__}.dist-info/METADATA"
        requires = email.message_from_bytes(held.read(name)).get_all("Requires-Dist", [])
    for distribution in needed(requires).values():
        tops = {Path(str(distribution.locate_file(file.parts[0]))) for file in distribution.files or []}
        for top in tops:
            if top.name not in ("..", "__pycache__") and not (packages / top.name).exists():
                (packages / top.name).symlink_to(top)
    run(*PIP, "--python", root, "install", "--no-index", "--no-compile", wheel, cwd=root)
    return root / "bin"


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
