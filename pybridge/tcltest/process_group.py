"""Programs that are started in a process group of their own, to be killed with all that they have started."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

from pybridge.tcltest import watchdog
from pybridge.tcltest.undisturbed import undisturbed

_PYTESTS = ("PYTEST_CURRENT_TEST", "PYTEST_VERSION")  # what pytest sets for programs that it starts
_PAUSE = 0.005  # seconds between two looks at a process


def start_process(
    command: list[str], folder: Path, stdout: BinaryIO, stderr: BinaryIO, library: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Start a program that finds nothing of pytest's but most of the environment.

    Args:
        library: the folder where Tcl is to look for its init.tcl first.

    Raises:
        OSError: it cannot be started.
    """
    environment = dict(os.environ)  # Python's own: readline sets COLUMNS and LINES behind its back
    for name in _PYTESTS:
        environment.pop(name, None)
    if "PWD" in environment:  # as a shell has it that is in the folder
        environment["PWD"] = str(folder)
    if library:
        environment["TCL_LIBRARY"] = str(library)
    with undisturbed():  # none is to run of which nobody knows
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,  # a process group, to be killed as one
        )
        watchdog.watch(process.pid)
    return process


def status_of(process: "subprocess.Popen[bytes]") -> int | None:
    """The exit status of what `start_process` has started; None while it runs.

    One that has ended is left to be waited for until `kill_group`: so long its group cannot be another's.
    """
    if process.returncode is not None:
        return process.returncode
    try:
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # a test has waited for it, or ignores SIGCHLD: taken for 0, as subprocess does
        return 0
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def end_of(process: "subprocess.Popen[bytes]", seconds: float) -> tuple[int, bool]:
    """Wait until it has ended, but no longer than that; its status, and whether it has ended by itself.

    What it has left behind ends, too, also at Ctrl-C.
    """
    deadline = time.monotonic() + seconds
    try:
        while status_of(process) is None and time.monotonic() <= deadline:
            time.sleep(_PAUSE)
        ended = status_of(process) is not None
    finally:
        status = kill_group(process)
    return status, ended


def kill_group(process: "subprocess.Popen[bytes]") -> int:
    """End the process and all that it has started; its exit status."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):  # all of them have ended
            os.killpg(process.pid, signal.SIGKILL)
        watchdog.leave(process.pid)
    return process.wait()
