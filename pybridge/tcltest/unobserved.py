"""What a test file counts when nothing of pytest's is in its process."""

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

from pybridge.tcltest.counts import STATUSES
from pybridge.tcltest.file_run import FileRun
from pybridge.tcltest.settings import Settings

_COUNTS = re.compile(rb"\tTotal\t\d+\tPassed\t(\d+)\tSkipped\t(\d+)\tFailed\t(\d+)")


def compare_counts(settings: Settings, file: FileRun) -> str:
    """Run a file as without pytest, and say how its counts differ from those of the run that has ended.

    Returns:
        Nothing where they are the same, and where neither run has printed totals.
    """
    program = " ".join(settings.interpreter) or "tcltorch"
    try:
        printed = _totals(_output(settings, file.path))
    except subprocess.TimeoutExpired:
        return f"{program} alone took more than {settings.timeout:g} seconds (tcltest_timeout)"
    if printed is None and not file.counts.totalled_any:
        return ""
    if printed == file.totals:
        return ""
    alone = _in_words(printed) if printed else "prints no totals"
    return (
        f"counts differ: {program} alone {alone}, with pytest {_in_words(file.totals)}. "
        "The suite looks for what pytest adds to its interpreter, or its results are not the same each time"
    )


def _output(settings: Settings, path: Path) -> bytes:
    """What the program that runs the files prints, in the folder of the file.

    Raises:
        subprocess.TimeoutExpired: it has not ended in time.
    """
    command = [*settings.command, path.name, *settings.arguments]
    with subprocess.Popen(
        command,
        cwd=path.parent,
        env=os.environ,  # as in `TclProcess`
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            return process.communicate(timeout=settings.timeout)[0]
        finally:
            with contextlib.suppress(ProcessLookupError):  # all that it has started has ended
                os.killpg(process.pid, signal.SIGKILL)


def _totals(output: bytes) -> tuple[int, ...] | None:
    """How many have passed, have been skipped, have failed, in all totals that tcltest has printed."""
    printed = _COUNTS.findall(output)
    return tuple(sum(map(int, column)) for column in zip(*printed, strict=True)) if printed else None


def _in_words(totals: tuple[int, ...]) -> str:
    return ", ".join(f"{number} {status}" for status, number in zip(STATUSES, totals, strict=True))
