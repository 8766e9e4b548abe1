"""What is shown while the workers of pytest-xdist look for tests, which may take minutes."""

from __future__ import annotations  # older ones of pytest do not name TerminalReporter

import threading
from pathlib import Path

import pytest

from pybridge.tcltest.shared import number_searched

_PAUSE = 1.0  # seconds between two looks


class SearchProgress(threading.Thread):
    """Shows how many files have been searched, until the end of the search.

    A thread: in the controller of pytest-xdist nothing is called until a worker has collected all tests.

    Args:
        terminal: where to show it.
        folder: what the workers have in common.
    """

    def __init__(self, terminal: pytest.TerminalReporter, folder: Path) -> None:
        super().__init__(daemon=True)
        self._terminal = terminal
        self._folder = folder
        self._ended = threading.Event()

    def run(self) -> None:
        shown = 0
        while not self._ended.wait(_PAUSE):
            searched = number_searched(self._folder)
            if searched > shown:
                shown = searched
                self._terminal.rewrite(f"looking for tests in Tcl files: {shown:,} searched", erase=True)
        if shown:
            self._terminal.rewrite("", erase=True)

    def end(self) -> None:
        self._ended.set()
        self.join()


def search_progress(config: pytest.Config, folder: Path) -> SearchProgress | None:
    """What shows the progress, begun; None where lines cannot be written over, or little is to be shown."""
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if (
        not (getattr(terminal, "isatty", False) and hasattr(terminal, "rewrite"))
        or config.getoption("verbose") < 0
    ):
        return None
    progress = SearchProgress(terminal, folder)
    progress.start()
    return progress
