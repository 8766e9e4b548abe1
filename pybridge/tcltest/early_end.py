"""What can go wrong in a process before its first test file is sourced."""

from pathlib import Path

from pybridge.tcltest.process import End
from pybridge.tcltest.trace import trim_trace


def setup_problem(setup: Path | None, words: list[str]) -> str:
    """What is wrong when the set-up script has failed."""
    assert setup is not None, "it is what has failed"
    message, trace = words
    return f"the set-up script {setup.name} failed: {message}\n\n{trim_trace(trace)}"


def problem_of_early_end(setup: Path | None, end: End) -> str:
    """What is wrong with a process that has ended before it could source a file.

    Args:
        setup: the set-up script, if it has begun.
        end: how the process ended.
    """
    if setup is not None:
        return f"the process {end} in the set-up script {setup.name}"
    return f"the Tcl interpreter {end} before it could source the file"
