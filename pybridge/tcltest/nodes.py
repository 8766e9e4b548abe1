"""Tcl test files and their tests as pytest sees them."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from pybridge.tcltest.collection import Contents, TclTest
from pybridge.tcltest.failure import Failure, Problem
from pybridge.tcltest.outcome import Outcome
from pybridge.tcltest.run import FileRun, Run
from pybridge.tcltest.suites import LEAKED, SUITES, Suites

Named = tuple[list[str], TclTest]


class TclFile(pytest.File):
    """A test file."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        contents = self.config.stash[SUITES].contents_of(self.path)
        yield from _children(self, list(zip(item_names(contents.tests), contents.tests, strict=True)))
        if contents.problem:
            yield BrokenFile.from_parent(self, name="(file)", contents=contents)


class TclNames(pytest.Collector):
    """The tests whose names begin with the same words before `::`, which separates nodes in a node id."""

    def __init__(self, named: list[Named], **arguments: Any) -> None:
        super().__init__(**arguments)
        self._named = named

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        return _children(self, self._named)


def _children(parent: pytest.Collector, named: list[Named]) -> Iterator[pytest.Item | pytest.Collector]:
    for (first, nested), group in groupby(named, lambda each: (each[0][0], len(each[0]) > 1)):
        if nested:
            rest = [(parts[1:], test) for parts, test in group]
            yield TclNames.from_parent(parent, name=first, named=rest)
        else:
            for _, test in group:
                yield TclItem.from_parent(parent, name=first, test=test)


def item_names(tests: Iterable[TclTest]) -> list[list[str]]:
    """A name of its own for each test, split where a node id is split.

    The second test called `name` is `name[2]`. Characters that cannot be printed are escaped.
    """
    taken: set[str] = set()
    names = []
    for test in tests:
        plain = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in test.name)
        name = plain if test.occurrence == 1 else f"{plain}[{test.occurrence}]"
        while name in taken:
            name += "[2]"
        taken.add(name)
        base, bracket, rest = name.partition("[")
        *first, last = base.split("::")
        names.append([*first, last + bracket + rest])
    return names


class TclItem(pytest.Item):
    """A test."""

    def __init__(self, test: TclTest, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.test = test
        self.is_last = False
        self._outcome: Outcome | None = None

    @property
    def _run(self) -> Run:
        return self.config.stash[SUITES].runs[self.path]

    def setup(self) -> None:
        self._run.wait_for_begin(self.path, self.test)

    def runtest(self) -> None:
        outcome = self._outcome = self._run.outcome(self.path, self.test)
        _add_output(self, "setup", outcome.outside)
        _add_output(self, "call", outcome.output)
        if outcome.leaked:
            self.user_properties.append((LEAKED, " ".join(outcome.leaked)))
        if outcome.status == "skipped":
            pytest.skip(outcome.reason)
        strict = self.config.stash[SUITES].settings.strict_leaks
        if outcome.status != "passed" or (strict and outcome.leaked):
            raise Failure(self.test, outcome, strict)

    def teardown(self) -> None:
        if not self.is_last or self._outcome is None:  # no outcome: pytest was interrupted
            return
        file = self._run.finish(self.path)
        if file.problem and not self._problem_is_told(file):
            _add_output(self, "teardown", file.trailing)
            raise Problem(self.path, 0, file.problem)

    def _problem_is_told(self, file: FileRun) -> bool:
        """Whether a failing item says why the file ended: a test without an outcome, or the file's own."""
        without = any(run and file.is_lost(test) for test, run in file.tests.items())
        return without or any(
            isinstance(item, BrokenFile) and item.path == self.path for item in self.session.items
        )

    def amend_report(self, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
        """Give a report what pytest cannot know: the time in Tcl, and where the skipped test stands."""
        if report.when == "teardown" and call.excinfo and isinstance(call.excinfo.value, Problem):
            report.longrepr = self.repr_failure(call.excinfo)  # pytest itself asks it only about calls
        if report.when != "call" or self._outcome is None:
            return
        report.duration = self._outcome.seconds
        if report.skipped and self._outcome.status == "skipped" and isinstance(report.longrepr, tuple):
            report.longrepr = (str(self.test.path), self.test.line, report.longrepr[2])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Failure | Problem):
            return excinfo.value.describe(self.config)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        description = " ".join(self.test.description.split()) or "(no description)"
        return self.test.path, self.test.line - 1, f"{self.name} {description}"


class BrokenFile(pytest.Item):
    """Stands for a file in which not all tests can be found; it always fails."""

    def __init__(self, contents: Contents, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._contents = contents

    def runtest(self) -> None:
        _add_output(self, "call", self._contents.output)
        raise Problem(self.path, self._contents.line, self._contents.problem)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Problem):
            return excinfo.value.describe(self.config)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._contents.line - 1, f"{self.path.name}: looking for its tests"


def _add_output(item: pytest.Item, phase: str, output: tuple[str, str]) -> None:
    """Put what was written into the item's report; with `pytest -s`, show it at once."""
    for channel, text in zip(("stdout", "stderr"), output, strict=True):
        if text and item.config.getoption("capture") == "no":
            print(text, end="", file=getattr(sys, channel))
        elif text:
            item.add_report_section(phase, channel, text)


def plan_runs(session: pytest.Session, suites: Suites) -> None:
    """Decide which tests each process runs, now that it is known which ones are selected."""
    selected: dict[Path, set[TclTest]] = defaultdict(set)
    last: dict[Path, TclItem] = {}
    for item in session.items:
        if isinstance(item, TclItem) and item.get_closest_marker("skip") is None:
            selected[item.path].add(item.test)
            last[item.path] = item
    for item in last.values():
        item.is_last = True
    files = {path: _to_run(suites.contents[path].tests, tests) for path, tests in selected.items()}
    if suites.settings.process == "session":
        run = Run(suites.settings, files)
        suites.runs.update(dict.fromkeys(files, run))
    else:
        suites.runs.update({path: Run(suites.settings, {path: tests}) for path, tests in files.items()})


def _to_run(tests: list[TclTest], selected: set[TclTest]) -> dict[TclTest, bool]:
    """Whether each test runs: as with tcltest's -match, all tests of a selected name."""
    names = {test.name for test in selected}
    return {test: test.name in names for test in tests}
