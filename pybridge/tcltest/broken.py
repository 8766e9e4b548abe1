"""Files in which not all tests can be found: the item that says why, which nothing is to leave out."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.nodes import Node

from pybridge.tcltest.collection import Contents
from pybridge.tcltest.failure import Problem
from pybridge.tcltest.output import add_output, without_totals
from pybridge.tcltest.suites import Suites


class BrokenFile(pytest.Item):
    """Stands for a file in which not all tests can be found; it always is an error, and no failed test."""

    def __init__(self, contents: Contents, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._contents = contents

    def iter_markers_with_node(self, name: str | None = None) -> Iterator[tuple[Node, pytest.Mark]]:
        """None: a mark that skips all tests, or expects them to fail, is not about this."""
        return iter(())

    def setup(self) -> None:
        if not self.config.getoption("setuponly", False):
            out, err = map(without_totals, self._contents.output)  # no test has run, so the totals are wrong
            add_output(self, "setup", (out, err))
            raise Problem(self.path, self._contents.line, self._contents.problem)

    def runtest(self) -> None:
        """Not reached."""

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, max(0, self._contents.line - 1), f"{self.path.name}: looking for its tests"


def collect_broken_files(collector: pytest.Collector, report: pytest.CollectReport, suites: Suites) -> None:
    """Have the items collected that --lf or node ids leave out.

    The cause is to be told, and not just that a test was not found.
    """
    if isinstance(collector, pytest.File):
        broken = [item for path, item in suites.broken.items() if path == collector.path]
    elif isinstance(collector, pytest.Session):
        # pytest has no public way to take back that a node id was not found (seen with 7.0 to 9.2)
        hiding = {path for path in suites.broken if suites.contents[path].may_lack_tests}
        collector._notfound[:] = [
            (wanted, places)
            for wanted, places in collector._notfound
            if not any(place.path in hiding for place in places)
        ]
        # so far only files of node ids have been searched; a file that is selected as a whole is yet to be
        whole = {node.path for node in report.result if isinstance(node, pytest.File)}
        broken = [item for path, item in suites.broken.items() if path not in whole]
    else:
        return
    _put_back(report.result, broken)


def keep_broken_files(session: pytest.Session, suites: Suites) -> None:
    """Put back what -k, a mark or --lf has left out: like a broken Python file, this one cannot be hidden."""
    missing = _put_back(session.items, suites.broken.values())
    terminal = session.config.pluginmanager.getplugin("terminalreporter")
    if missing and terminal is not None:
        deselected = terminal.stats.get("deselected", [])
        deselected[:] = [item for item in deselected if item not in missing]


def _put_back(nodes: list[Any], items: Iterable[BrokenFile]) -> list[BrokenFile]:
    """Put each item that is missing behind the last node of its file.

    Returns:
        Those that were missing.
    """
    missing = [item for item in items if item not in nodes]
    for item in missing:
        places = [place for place, other in enumerate(nodes) if other.path == item.path]
        nodes.insert(places[-1] + 1 if places else len(nodes), item)
    return missing
