"""`tcltorch tclpkg` and `tcltorch install-tcl`, and the module that the latter writes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pybridge import __version__
from pybridge.package import module_name, module_text
from pybridge.tcl_package import tcl_package
from tests.stock_tclsh import tclsh

OWN = f"torch{__version__}"
SERVES = "puts [package require torch]; puts [torch::tensor_to_list [torch::ones 2]]; puts $::torch::_::home"
SERVED = [__version__, "1.0 1.0", sys.executable]
ELSEWHERE = {"TCLLIBPATH": "", "TORCH_TCL_PYTHON": ""}


def tcltorch(*words: str, **options: Any) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "pybridge", *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, **options)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of an odd name with the package in it."""
    folder = tmp_path_factory.mktemp("tcl") / "of \u00fc [x] $a {"
    status, out, said = tcltorch("install-tcl", str(folder))
    assert (status, said) == (0, "")
    written = [line.removeprefix("wrote ") for line in out.splitlines() if line.startswith("wrote ")]
    assert sorted(written) == sorted(map(str, (folder / OWN).iterdir()))
    return folder


def test_tclpkg() -> None:
    assert tcltorch("tclpkg") == (0, f"{tcl_package()}\n", "")


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        (("tclpkg", "x"), "tclpkg has no arguments"),
        (("install-tcl", "x", "y"), "install-tcl takes the name of one folder, or none"),
        (("install-tcl", "-x"), "install-tcl takes the name of one folder, or none"),
        (("install-tcl", ""), "install-tcl takes the name of one folder, or none"),
    ],
)
def test_wrong_words(words: tuple[str, ...], mistake: str) -> None:
    status, out, said = tcltorch(*words)
    assert (status, out) == (2, "")
    assert said.startswith(f"tcltorch: {mistake}\nusage: tcltorch ")


def test_on_the_auto_path(tmp_path: Path, installed: Path) -> None:
    script = "lappend auto_path [lindex $argv 0];" + SERVES
    assert tclsh(tmp_path, script, installed, variables=ELSEWHERE) == SERVED
    script = "lappend auto_path [lindex $argv 0]; puts [package require torch::tcltest]"
    assert tclsh(tmp_path, script, installed, variables=ELSEWHERE) == [__version__]


def test_as_a_module(tmp_path: Path, installed: Path) -> None:
    script = "::tcl::tm::path add [lindex $argv 0];" + SERVES
    assert tclsh(tmp_path, script, installed / OWN, variables=ELSEWHERE) == SERVED


def test_by_source_anywhere_and_twice(tmp_path: Path, installed: Path) -> None:
    script = """
        proc load_it {file} {
            source $file
            source $file
            info locals
        }
        puts [load_it [lindex $argv 0]]
        cd /
    """
    printed = tclsh(
        tmp_path, script + SERVES, installed / OWN / module_name(), variables=ELSEWHERE | {"LC_ALL": "C"}
    )
    assert printed == ["file", *SERVED]


def test_what_it_prints_can_be_pasted(tmp_path: Path) -> None:
    _, out, _ = tcltorch("install-tcl", str(tmp_path / "a folder"))
    first, second = (line.split(": ", 1)[1].strip() for line in out.splitlines()[-2:])
    shown = "; puts [package present torch]"
    assert tclsh(tmp_path, first + shown, variables=ELSEWHERE) == [__version__]
    assert tclsh(tmp_path, second + shown, variables=ELSEWHERE) == [__version__]


def test_installing_again_replaces_the_files(tmp_path: Path) -> None:
    folder = tmp_path / OWN
    folder.mkdir()
    (folder / module_name()).write_text("error old")
    (folder / "notes.txt").write_text("the user's")
    assert tcltorch("install-tcl", ".", cwd=tmp_path)[0] == 0
    assert (folder / module_name()).read_text() == module_text(sys.executable)
    assert (folder / "notes.txt").read_text() == "the user's"


def test_a_python_that_is_gone(tmp_path: Path) -> None:
    """The module then goes on to python3."""
    (tmp_path / "torch.tcl").write_text(module_text(str(tmp_path / "gone")))
    assert tclsh(tmp_path, "source torch.tcl; puts [::torch::_::find_python]", variables=ELSEWHERE) == [
        "python3"
    ]


def test_folders_that_cannot_be(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert tcltorch("install-tcl", str(file)) == (
        1,
        "",
        f'couldn\'t write to "{file / OWN}": not a directory\n',
    )
    status, out, said = tcltorch("install-tcl", "/proc/nowhere")
    assert (status, out) == (1, "")
    assert said.startswith("couldn't write to \"/proc/nowhere")
    (tmp_path / OWN / module_name()).mkdir(parents=True)
    status, out, said = tcltorch("install-tcl", str(tmp_path))
    assert (status, out) == (1, "")
    assert said.startswith(f"couldn't write to \"{tmp_path / OWN}")


def fake_tclsh(folder: Path, *looks_in: str | Path) -> dict[str, str]:
    """The environment in which `tclsh` says that it looks in these folders."""
    program = folder / "tclsh"
    program.write_text("#!/bin/sh\ncat >/dev/null\n" + "".join(f"echo '{path}'\n" for path in looks_in))
    program.chmod(0o755)
    return os.environ | {"PATH": f"{folder}:/usr/bin:/bin"}


def test_the_default_is_where_tclsh_looks(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    no_good = ("/usr/share/tcltk", tmp_path / "file" / "tcl", tcl_package())
    environment = fake_tclsh(tmp_path, *no_good, tmp_path / "local" / "tcl", tmp_path)
    status, out, said = tcltorch("install-tcl", env=environment)
    assert (status, said) == (0, "")
    assert (tmp_path / "local" / "tcl" / OWN / "pkgIndex.tcl").is_file()
    assert out.splitlines()[-1] == "tclsh finds it: package require torch"


def test_no_folder_to_choose(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    expected = "tclsh looks in no folder that can be written: name one, tcltorch install-tcl DIR\n"
    environment = fake_tclsh(tmp_path, "/usr/share/tcltk", tmp_path / "file" / "tcl")
    assert tcltorch("install-tcl", env=environment) == (1, "", expected)
    assert tcltorch("install-tcl", env=os.environ | {"PATH": "/nowhere"}) == (1, "", expected)
