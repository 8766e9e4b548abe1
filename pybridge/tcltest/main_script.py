"""Having a Tcl interpreter tell of the script that it runs itself; the other half is `main_script.tcl`."""

import contextlib
import functools
import os
import sys
import tempfile
from pathlib import Path

from pybridge.tcl_list import join_list
from pybridge.tcltest.process_group import end_of, start_process

# After a name that begins with `tcl` Tcl would go on from our init.tcl to that of `tcl8.6` beside the folder,
# which may be anybody's in /tmp.
FOLDER_PREFIX = "pytest-tcl-"

_HERE = Path(__file__).resolve().parent
_TELL = """
puts [expr {[info exists ::pytest_tcltest::came] && [catch {package present Tk}]}]
exit
"""
# what matters of tcltorch here, in a fifth of its time
_TCLTORCH = """
import _tkinter, sys
tcl = _tkinter.create(None, "", "Tcl", False, True, False, False, None)
tcl.setvar("tcl_rcFileName", "")
tcl.evalfile(sys.argv[1])
"""
_SHORTEST_WAIT, _LONGEST_WAIT = 10.0, 60.0  # seconds


def write_init_script(folder: Path, plan: Path | None = None) -> None:
    """Write the `init.tcl` that such a process begins with.

    Args:
        plan: the plan of the process, in the same folder; None to see only whether it comes so far.
    """
    named = [word for item in os.environ.items() if item[0] == "TCL_LIBRARY" for word in item]
    variables = {"here": str(_HERE), "plan_path": str(plan or ""), "named": join_list(named)}
    words = " ".join(map(join_list, variables.items()))
    begin = join_list(["source", "-encoding", "utf-8", str(_HERE / "main_script.tcl")])
    text = f"namespace eval ::pytest_tcltest {{variable {words}}}\n{begin}\n"
    (folder / "init.tcl").write_bytes(os.fsencode(text))  # it is read as names of files are


@functools.cache
def begins_as_tclsh(interpreter: tuple[str, ...], timeout: float) -> bool:
    """Whether a program reads the `init.tcl` in TCL_LIBRARY, sets `tcl_rcFileName`, and evaluates its script.

    Not wish, which tells of an error without calling `exit`.

    Args:
        interpreter: the words of the command that runs a Tcl script; empty for tcltorch.
        timeout: how many seconds a test file has; one that takes as long does not, but it is given 10 to 60.
    """
    with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as name:
        folder = Path(name)
        write_init_script(folder)
        script = folder / "tell.tcl"
        script.write_text(_TELL)
        command = interpreter or (sys.executable, "-S", "-c", _TCLTORCH)
        with contextlib.suppress(OSError):  # to start it for a test file will tell
            return b"1" in _output([*command, str(script)], folder, timeout).splitlines()
    return False


def _output(command: list[str], folder: Path, timeout: float) -> bytes:
    """What such a process writes until it ends, or has taken too long; what it has started ends, too."""
    with tempfile.TemporaryFile() as output:
        process = start_process(command, folder, output, output, folder)
        end_of(process, min(max(timeout, _SHORTEST_WAIT), _LONGEST_WAIT))
        output.seek(0)
        return output.read()
