"""Having a Tcl interpreter tell of the script that it runs itself; the other half is `main_script.tcl`."""

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from pybridge.tcl_list import join_list

_HERE = Path(__file__).resolve().parent
_WATCH = "trace add variable ::tcl_rcFileName write {set ::came 1 ;#}\nerror elsewhere\n"
_TELL = "puts [info exists ::came]\n"
_TCLTORCH = """
import _tkinter
tcl = _tkinter.create(None, "", "Tcl", False, True, False, False, None)
tcl.setvar("tcl_rcFileName", "")
print(tcl.eval("info exists ::came"))
"""  # what matters of it here, in a fifth of its time
_PATIENCE = 60.0  # seconds; one that does not answer fails without us, too


def environment(folder: Path) -> dict[str, str]:
    """The environment of a process that is to begin with the `init.tcl` in a folder."""
    return {**os.environ, "TCL_LIBRARY": str(folder)}


def write_init_script(folder: Path, plan: Path) -> None:
    """Write the `init.tcl` that such a process begins with.

    Args:
        plan: the plan of the process, in the same folder.
    """
    library = os.environ.get("TCL_LIBRARY", "")
    variables = {"here": str(_HERE), "plan_path": str(plan), "library": library}
    words = " ".join(join_list([name, value]) for name, value in variables.items())
    script = str(_HERE / "main_script.tcl")
    begin = join_list(["source", "-encoding", "utf-8", script])
    text = f"namespace eval ::pytest_tcltest {{variable {words}}}\n{begin}\n"
    (folder / "init.tcl").write_bytes(os.fsencode(text))  # it is read as names of files are


@functools.cache
def lets_in(interpreter: tuple[str, ...]) -> bool:
    """Whether an interpreter begins as tclsh does: with the `init.tcl` of the folder that TCL_LIBRARY names.

    Args:
        interpreter: the words of the command that runs a Tcl script; empty for tcltorch.
    """
    with tempfile.TemporaryDirectory(prefix="tcltest-") as name:
        folder = Path(name)
        (folder / "init.tcl").write_text(_WATCH)
        script = folder / "tell.tcl"
        script.write_text(_TELL)
        tells = [*interpreter, str(script)] if interpreter else [sys.executable, "-S", "-c", _TCLTORCH]
        try:
            answer = subprocess.run(
                tells,
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_PATIENCE,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
    return answer.stdout.strip() == b"1"
