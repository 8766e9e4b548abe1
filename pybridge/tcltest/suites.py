"""What one pytest session knows of its Tcl test files."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from pybridge.tcltest.settings import Settings

if TYPE_CHECKING:
    from pybridge.tcltest.broken import BrokenFile
    from pybridge.tcltest.collection import Contents
    from pybridge.tcltest.comparison import Comparisons
    from pybridge.tcltest.run import Interrupted, Run
    from pybridge.tcltest.search_progress import SearchProgress


class Suites:
    """The settings, what each file holds, the item of each that is broken, and what runs it.

    Args:
        settings: what the user has configured.
        shared: in a worker of pytest-xdist, the folder that all workers have in common.
    """

    def __init__(self, settings: Settings, shared: Path | None = None) -> None:
        self.settings = settings
        self._shared = shared
        self._owned: Path | None = None
        self._progress: SearchProgress | None = None
        # while pytest looks up node ids, not all of what it comes by is to be collected
        self.selection_known = False
        self.files_ahead: list[Path] = []  # that are to be collected
        self.contents: dict[Path, Contents] = {}
        self.broken: dict[Path, BrokenFile] = {}
        self.runs: dict[Path, Run] = {}
        self.interrupted: list[Interrupted] = []
        self.nodeids: Sequence[str] = ()  # of all items that are selected, where there are Tcl files

    @cached_property
    def comparisons(self) -> "Comparisons":
        """How far the comparison of each file has come; for --tcltest-compare alone."""
        from pybridge.tcltest.comparison import Comparisons

        return Comparisons()

    def contents_of(self, path: Path) -> "Contents":
        """What a file holds; it is looked at once."""
        if path not in self.contents:
            _heed_sigterm()  # here: a run without Tcl files keeps its own handling
            self.contents[path] = self._search(path)
        return self.contents[path]

    def _search(self, path: Path) -> "Contents":
        from pybridge.tcltest.collection import collect

        # a worker on another machine does not find the folder
        if self._shared is None or not self._shared.is_dir():
            return collect(self.settings, path)
        from pybridge.tcltest.run import Interrupted
        from pybridge.tcltest.shared import search_once

        try:
            return search_once(
                self._shared, path, lambda each: collect(self.settings, each), self.files_ahead
            )
        except KeyboardInterrupt as interrupt:  # of which a worker shows nothing
            self.interrupted += [Interrupted(where, ("", "")) for where in interrupt.args]
            raise

    def share(self, config: pytest.Config) -> Path:
        """The folder for the workers of this run; what they find in the search for tests is shown."""
        if self._owned is None:
            from pybridge.tcltest.search_progress import search_progress

            _heed_sigterm()
            self._owned = Path(tempfile.mkdtemp(prefix="tcltest-"))
            self._progress = search_progress(config, self._owned)
        return self._owned

    def end_search(self) -> None:
        """Have the progress of the search shown no longer."""
        if self._progress is not None:
            self._progress.end()
            self._progress = None

    def note_interrupt(self) -> None:
        """Take note of where the processes are when the user presses Ctrl-C."""
        self.interrupted += [told for run in set(self.runs.values()) if (told := run.interrupted())]
        if self.interrupted and self._shared is not None and self._shared.is_dir():
            from pybridge.tcltest.shared import tell_interrupted

            tell_interrupted(self._shared, self.interrupted)

    def hear_workers(self) -> None:
        """Take in where the processes of all workers were at Ctrl-C."""
        if self._owned is not None:
            from pybridge.tcltest.shared import told_interrupted

            self.interrupted += told_interrupted(self._owned)

    def stop(self) -> None:
        """Stop all processes, and what shows progress."""
        self.end_search()
        for run in self.runs.values():
            run.close()

    def close(self) -> None:
        """Stop what runs, and remove what workers have shared."""
        self.stop()
        if self._owned is not None:
            shutil.rmtree(self._owned, ignore_errors=True)


def _heed_sigterm() -> None:
    """Have SIGTERM do what Ctrl-C does: it would leave behind the files of the Tcl processes."""
    process = os.getpid()

    def interrupt(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # the next one does not ask
        if os.getpid() != process:  # a fork, which is not pytest
            os.kill(os.getpid(), number)
        raise KeyboardInterrupt

    handles = threading.current_thread() is threading.main_thread()  # in which alone Python handles signals
    if handles and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, interrupt)


SUITES = pytest.StashKey[Suites]()
LEAKED = "leaked_handles"  # the property of a report
DESCRIPTION = "tcltest_description"  # an attribute of a report, where a failure has one
