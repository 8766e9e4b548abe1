"""Which Python a Tcl program takes for its worker, and what it says of one that will not do."""

import os
import shutil
import struct
import sys
from pathlib import Path

import pytest

from pybridge import __version__
from pybridge.tcl_package import tcl_package
from tests.processes import is_running
from tests.stock_tclsh import tclsh

FIRST = """
package require torch
catch {torch::handles} message options
puts $message
puts [dict get $options -errorcode]
"""
FOUND = "package require torch; puts [::torch::_::find_python]"
ADVICE = "pip install tcltorch for it, or let ::torch::python or TORCH_TCL_PYTHON name a Python that has it"


def fake(folder: Path, text: str, program: str = "/bin/sh") -> str:
    """A program that is taken for Python."""
    path = folder / "fake python"
    path.write_text(f"#!{program}\n{text}\n")
    path.chmod(0o755)
    return str(path)


def refusal(folder: Path, python: str, script: str = FIRST) -> list[str]:
    return tclsh(folder, script, variables={"TORCH_TCL_PYTHON": python})


def no_good(python: str, why: str) -> list[str]:
    return [f'"{python}" cannot run tcltorch ({why}): {ADVICE}', "TORCH UNSUPPORTED python"]


def trouble(python: str, why: str) -> list[str]:
    """What no installation would mend."""
    return [f'"{python}" cannot run tcltorch ({why})', "TORCH UNSUPPORTED python"]


# -- which one -------------------------------------------------------------------------------------------


def test_the_variable_goes_before_the_environment(tmp_path: Path) -> None:
    script = FOUND + "; set ::torch::python /one; " + FOUND + "; set ::torch::python {}; " + FOUND
    assert tclsh(tmp_path, script, variables={"TORCH_TCL_PYTHON": "/two"}) == ["/two", "/one", "/two"]


def test_it_may_be_named_before_the_package_is_required(tmp_path: Path) -> None:
    script = "namespace eval torch {variable python /one}; " + FOUND
    assert tclsh(tmp_path, script) == ["/one"]


@pytest.mark.parametrize(
    ("package", "python"),
    [
        ("tclpkg", ".venv/bin/python"),  # a checkout
        ("lib/python3.11/site-packages/pybridge/tclpkg", "bin/python3"),  # an installed wheel
    ],
)
def test_the_python_beside_the_package(tmp_path: Path, package: str, python: str) -> None:
    shutil.copytree(tcl_package(), tmp_path / package)
    (tmp_path / python).parent.mkdir(parents=True)
    (tmp_path / python).symlink_to(sys.executable)
    own = {"TCLLIBPATH": f"{{{tmp_path / package}}}", "TORCH_TCL_PYTHON": ""}
    (found,) = tclsh(tmp_path, FOUND, variables=own)
    assert os.path.normpath(found) == str(tmp_path / python)


def test_the_python_of_the_path(tmp_path: Path) -> None:
    shutil.copytree(tcl_package(), tmp_path / "a" / "tclpkg")
    own = {
        "TCLLIBPATH": f"{{{tmp_path}/a/tclpkg}}",
        "TORCH_TCL_PYTHON": "",
        "PATH": f"{tmp_path}:/usr/bin:/bin",
    }
    assert tclsh(tmp_path, FOUND, variables=own) == ["python3"]
    os.rename(fake(tmp_path, f'exec "{sys.executable}" "$@"'), tmp_path / "python3")
    script = "package require torch; puts [torch::version]; puts [pid $::torch::_::channel]"
    assert tclsh(tmp_path, script, variables=own)[0] == __version__


# -- those that will not do ------------------------------------------------------------------------------


def test_no_such_program(tmp_path: Path) -> None:
    assert refusal(tmp_path, "/no/python") == no_good(
        "/no/python", 'couldn\'t execute "/no/python": no such file or directory'
    )


def test_a_file_that_is_no_program(tmp_path: Path) -> None:
    python = fake(tmp_path, "")
    Path(python).chmod(0o644)
    (said, code) = refusal(tmp_path, python)
    assert said.startswith(f'"{python}" cannot run tcltorch (couldn\'t execute "')
    assert "permission denied" in said
    assert code == "TORCH UNSUPPORTED python"


def test_a_python_without_pybridge(tmp_path: Path) -> None:
    python = fake(tmp_path, f'shift 1; exec "{sys.executable}" -S -I "$@"')
    said, code = refusal(tmp_path, python)
    assert said.startswith(f'"{python}" cannot run tcltorch (')
    assert "No module named 'pybridge'" in said
    assert said.endswith(ADVICE)
    assert code == "TORCH UNSUPPORTED python"


def test_an_old_python(tmp_path: Path) -> None:
    """What Python 3.10 says to -P."""
    python = fake(
        tmp_path,
        "echo 'Unknown option: -P' >&2\n"
        "echo 'usage: python3 [option] ... [-c cmd | -m mod | file | -] [arg] ...' >&2\n"
        "echo 'Try `python -h'\"'\"' for more information.' >&2\n"
        "exit 2",
    )
    assert refusal(tmp_path, python) == no_good(python, "it is older than 3.11")


def test_programs_that_are_no_python(tmp_path: Path) -> None:
    assert refusal(tmp_path, "/bin/echo") == no_good("/bin/echo", "it does not answer as one")
    assert refusal(tmp_path, "/bin/true") == no_good("/bin/true", "it does not answer as one")
    python = fake(tmp_path, "echo something else; exec sleep 600")
    assert refusal(tmp_path, python) == no_good(python, "it does not answer as one")
    frame = struct.pack(">2I", 5, 0) + b"a b c"
    python = fake(tmp_path, f"import os, sys; os.write(1, {frame!r}); sys.stdin.read()", sys.executable)
    assert refusal(tmp_path, python) == no_good(python, "it does not answer as one")


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("exit 1", "it has ended with status 1 and said nothing"),  # also where there was no room to say it
        ("kill -KILL $$", "child killed: kill signal"),
        (
            "echo Traceback >&2; echo 'OSError: [Errno 28] No space left on device' >&2; exit 1",
            "OSError: [Errno 28] No space left on device",
        ),
        ("echo MemoryError >&2; exit 1", "MemoryError"),
    ],
)
def test_a_python_that_cannot_begin(program: str, why: str, tmp_path: Path) -> None:
    python = fake(tmp_path, program)
    assert refusal(tmp_path, python) == trouble(python, why)


def test_what_python_itself_says(tmp_path: Path) -> None:
    """It tells more about itself after the reason."""
    said = refusal(tmp_path, sys.executable, "package require torch; set env(PYTHONHASHSEED) bad;" + FIRST)
    assert said[0].startswith(f'"{sys.executable}" cannot run tcltorch (Fatal Python error: ')
    assert "PYTHONHASHSEED must be" in said[0]


def test_a_worker_that_cannot_watch_its_program_does_not_begin(tmp_path: Path) -> None:
    """It would outlive it."""
    (tmp_path / "sitecustomize.py").write_text(
        "import threading\n"
        "def start(thread):\n"
        '    raise RuntimeError("can\'t start new thread")\n'
        "threading.Thread.start = start\n"
    )
    before = f"package require torch; append env(PYTHONPATH) {{:{tmp_path}}};" + FIRST
    assert refusal(tmp_path, sys.executable, before) == trouble(
        sys.executable, "RuntimeError: can't start new thread"
    )


def test_no_room_for_what_it_says(tmp_path: Path) -> None:
    """Tcl keeps that in a file in /tmp."""
    why = "couldn't create error file for command: no space left on device"
    full = f"package require torch; proc ::torch::_::open args {{error {{{why}}}}};" + FIRST
    assert refusal(tmp_path, sys.executable, full) == trouble(sys.executable, why)


def test_a_program_that_never_answers_is_ended(tmp_path: Path) -> None:
    python = fake(tmp_path, f'echo $$ >"{tmp_path}/pid"; exec sleep 600')
    hurried = "package require torch; set ::torch::_::patience 500;" + FIRST
    assert refusal(tmp_path, python, hurried) == trouble(python, "it has said nothing for 0.5 seconds")
    assert not is_running((tmp_path / "pid").read_text().strip())


def test_another_version(tmp_path: Path) -> None:
    said = b"hello 9.8.7 1"
    frame = struct.pack(">2I", len(said), 0) + said
    python = fake(tmp_path, f"import os, sys; os.write(1, {frame!r}); sys.stdin.read()", sys.executable)
    assert refusal(tmp_path, python) == [
        f'this is package torch {__version__} but "{python}" has tcltorch 9.8.7: '
        "install the same version of both",
        f"TORCH VERSION 9.8.7 {__version__}",
    ]


def test_another_python_can_be_named_after_a_failure(tmp_path: Path) -> None:
    script = FIRST + f"set ::torch::python {{{sys.executable}}}; puts [torch::version]"
    assert refusal(tmp_path, "/bin/true", script)[2:] == [__version__]
