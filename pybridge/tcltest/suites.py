"""What one pytest session knows of its Tcl test files."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pybridge.tcltest.settings import Settings

if TYPE_CHECKING:
    from pybridge.tcltest.collection import Contents
    from pybridge.tcltest.nodes import BrokenFile
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

            self.contents[path] = collect(self.settings, path)
        return self.contents[path]

    def close(self) -> None:
        """Stop all processes."""
        for run in self.runs.values():
            run.close()


SUITES = pytest.StashKey[Suites]()
LEAKED = "leaked_handles"  # the property of a report
