"""What one pytest session knows of its Tcl test files."""

import os
import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from pybridge.tcltest.settings import Settings

if TYPE_CHECKING:
    from pybridge.tcltest.broken import BrokenFile
    from pybridge.tcltest.collection import Contents
    from pybridge.tcltest.run import Run


class Suites:
    """The settings, what each file holds, the item of each that is broken, and what runs it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.contents: dict[Path, Contents] = {}
        self.broken: dict[Path, BrokenFile] = {}
        self.runs: dict[Path, Run] = {}

    def contents_of(self, path: Path) -> "Contents":
        """What a file holds; it is looked at once."""
        if path not in self.contents:
            from pybridge.tcltest.collection import collect

            _heed_sigterm()  # here: a run without Tcl files keeps its own handling
            self.contents[path] = collect(self.settings, path)
        return self.contents[path]

    def close(self) -> None:
        """Stop all processes."""
        for run in self.runs.values():
            run.close()


def _heed_sigterm() -> None:
    """Have SIGTERM do what Ctrl-C does: it would leave behind the files of the Tcl processes."""
    process = os.getpid()

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # the next one does not ask
        if os.getpid() != process:  # a fork, which is not pytest
            os.kill(os.getpid(), number)
        raise KeyboardInterrupt

    try:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        pass  # pytest does not run in the main thread, in which alone Python takes signals


SUITES = pytest.StashKey[Suites]()
LEAKED = "leaked_handles"  # the property of a report
DESCRIPTION = "tcltest_description"  # an attribute of a report, where a failure has one
