"""Tcl test files and their tests as pytest sees them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from _pytest.nodes import Node

from pybridge.tcltest.broken import BrokenFile
from pybridge.tcltest.characters import printable
from pybridge.tcltest.collection import TclTest
from pybridge.tcltest.counts import Counts
from pybridge.tcltest.failure import Failure, Problem
from pybridge.tcltest.file_run import FileRun
from pybridge.tcltest.outcome import Outcome
from pybridge.tcltest.output import add_output, show, shows_at_once, without_totals
from pybridge.tcltest.run import Run
from pybridge.tcltest.suites import LEAKED, SUITES, Suites
from pybridge.tcltest.unobserved import compare_counts
from pybridge.tcltest.warning import warn_of_differences

_DEEPEST = 100  # names in each other; Python cannot go much deeper into calls

Named = tuple[list[str], TclTest]


class TclFile(pytest.File):
    """A test file.

    Attributes:
        trailing: what was written after the last test, until a report tells of it.
    """

    trailing: tuple[str, str] = ("", "")
    _taken_down = False

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        suites = self.config.stash[SUITES]
        contents = suites.contents_of(self.path)
        self.taken: set[str] = set()
        names = item_names(contents.tests, self.taken)
        yield from _children(self, list(zip(names, contents.tests, strict=True)))
        if contents.problem:
            broken = suites.broken[self.path] = BrokenFile.from_parent(self, name="(file)", contents=contents)
            yield broken

    def teardown(self) -> None:
        """Say what is wrong with the file as a whole, if no test of it can say it.

        Once: pytest takes it down again after tests that the search has not found, or for shuffled items.
        """
        suites = self.config.stash[SUITES]
        stopped = self.session.shouldfail or self.session.shouldstop
        done = self._taken_down or self.path not in suites.runs
        if done or stopped or self.config.getoption("setuponly", False):
            return
        self._taken_down = True
        file = suites.runs[self.path].finish(self.path)
        self.trailing = file.trailing
        problems = []
        if file.problem and not file.explained and self.path not in suites.broken:
            file.explained = True
            problems.append(file.problem)
        problems += warn_of_differences(file)
        if suites.settings.compare and file.comparable:
            compared, difference = compare_counts(suites.settings, file)
            suites.comparisons.note(self.path, compared)
            problems += filter(None, [difference])
        if problems:
            raise Problem(self.path, 0, "\n\n".join(problems))


def note_files_ahead(collector: pytest.Collector, report: pytest.CollectReport, suites: Suites) -> None:
    """Take note of the files that are to be searched: which of them node ids and --lf select is not known."""
    if isinstance(collector, pytest.Session):
        suites.selection_known = not collector.config.getoption("lf", False)
    if suites.selection_known:
        suites.files_ahead += [node.path for node in report.result if isinstance(node, TclFile)]


class TclNames(pytest.Collector):
    """The tests whose names begin with the same words before `::`, which separates nodes in a node id."""

    def __init__(self, parent: pytest.Collector, named: list[Named], **arguments: Any) -> None:
        # the id is the file's: --lf would take one of its own for that of a test which has the group's name
        super().__init__(parent=parent, nodeid=parent.nodeid, **arguments)
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


def item_names(tests: Iterable[TclTest], taken: set[str]) -> list[list[str]]:
    """A name of its own for each test, split where a node id is split; it is added to those taken already.

    The second test called `name` is `name[2]`. Characters that cannot be printed are escaped.
    """
    names = []
    for test in tests:
        plain = printable(test.name)
        number = abs(test.occurrence)
        name = plain if number == 1 else f"{plain}[{number}]"
        while name in taken:
            name += "[2]"
        taken.add(name)
        base, bracket, rest = name.partition("[")
        *first, last = base.split("::", _DEEPEST)
        names.append([*first, last + bracket + rest])
    return names


class TclItem(pytest.Item):
    """A test.

    Args:
        nodeid: by default, the one of its place among the nodes.
        collected: whether pytest has collected it; if not, the search has not found the test.

    Attributes:
        unreported: whether no report is to come of it.
    """

    fixturenames: Sequence[str] = ()  # none, for a conftest.py that looks at those of each item

    def __init__(
        self,
        name: str,
        parent: Node,
        test: TclTest,
        nodeid: str = "",
        *,
        collected: bool = True,
        **arguments: Any,
    ) -> None:
        self.collected = collected
        # as text, in which pytest looks for parameters: it finds the id again that --lf has remembered
        names = [each.name for each in parent.listchain() if isinstance(each, TclNames) and collected]
        self._full_name = "::".join([*names, name])
        super().__init__(name, parent, nodeid=nodeid or f"{parent.nodeid}::{self._full_name}", **arguments)
        self.test = test
        self._outcome: Outcome | None = None
        self.unreported = False

    @property
    def _run(self) -> Run:
        return self.config.stash[SUITES].runs[self.path]

    @property
    def file_run(self) -> FileRun:
        return self._run.files[self.path]

    def is_to_run(self) -> bool:
        """Whether a process runs the test."""
        if self.path not in self.config.stash[SUITES].runs or self.config.getoption("setuponly", False):
            return False
        return self.file_run.tests[self.test]

    def begins(self) -> bool:
        """Wait until the test runs, or it is known whether it is to be reported; say whether it runs."""
        return self._run.begins(self.path, self.test)

    def announce(self) -> None:
        """Write the test's name to the terminal before it has ended: it may hang."""
        terminal = self.config.pluginmanager.getplugin("terminalreporter")
        if terminal is not None:
            terminal.pytest_runtest_logstart(nodeid=self.nodeid, location=self.location)

    def is_reported(self) -> bool:
        """Wait until it is known whether the test is to be reported, and say so."""
        return self._run.reports(self.path, self.test, show if shows_at_once(self.config) else None)

    def setup(self) -> None:
        """Fail here, where pytest calls it an error, if the test is in no count of tests."""
        if self.unreported or self.config.getoption("setuponly", False):
            return
        if self.file_run.beyond_totals(self.test):
            self._judge()

    def runtest(self) -> None:
        if not self.unreported:
            self._judge()

    def _judge(self) -> None:
        outcome = self._outcome = self._run.outcome(self.path, self.test)
        add_output(self, "setup", outcome.outside)
        add_output(self, "call", outcome.output)
        if outcome.leaked:
            self.user_properties.append((LEAKED, outcome.leaked_in_short))
        strict = self.file_run.strict_leaks
        if outcome.fails(strict):
            came = self.file_run.outcome_of(self.test) is not None
            beyond_totals = came and self.file_run.beyond_totals(self.test)
            raise Failure(self.test, outcome, strict_leaks=strict, beyond_totals=beyond_totals)
        if outcome.status == "skipped":
            pytest.skip(outcome.reason)

    def _initrequest(self) -> None:
        """Nothing is to be made ready anew where pytest-retry asks for that: the test has run, once."""

    def amend_report(self, report: pytest.TestReport) -> None:
        """Give a report what pytest cannot know: the time in Tcl, and where the skipped test stands."""
        if self._outcome is None or report.when == "teardown":
            return
        report.duration = self._outcome.seconds
        file = self.file_run
        if report.failed and file.problem and file.problem in self._outcome.reason:
            file.explained = True
        if report.skipped and self._outcome.status == "skipped" and isinstance(report.longrepr, tuple):
            report.longrepr = (str(self.test.path), self.test.line, report.longrepr[2])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Failure):
            return excinfo.value.describe(self.config)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        description = printable(" ".join(self.test.description.split())) or "(no description)"
        name = self._full_name or printable(self.test.name)
        return self.test.path, self.test.line - 1, f"{name} {description}".strip()


def amend_error(item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
    """Describe what pytest calls an error, which it does not ask for.

    The xfail of a test is not about the problem of its file.
    """
    problem = call.excinfo and call.excinfo.value
    if report.when == "call" or not isinstance(problem, Failure | Problem):
        return  # in a call it is the item that describes it
    report.longrepr = problem.describe(item.config)  # type: ignore[assignment]  # pytest asks for less
    if report.when == "teardown":
        report.outcome = "failed"
        vars(report).pop("wasxfail", None)


def add_trailing_output(item: pytest.Item, report: pytest.TestReport) -> None:
    """Have the report that takes a file down show what it wrote at its end, if that is more than totals."""
    file = item.getparent(TclFile)
    if file is None or report.when != "teardown":
        return
    output, file.trailing = file.trailing, ("", "")
    if report.passed and not any(map(without_totals, output)):
        return
    before = len(item._report_sections)
    add_output(item, "teardown", output)
    report.sections += [
        (f"Captured {key} {when}", text) for when, key, text in item._report_sections[before:]
    ]


def plan_runs(session: pytest.Session, suites: Suites) -> None:
    """Decide which tests each process runs, now that it is known which ones are selected."""
    items: dict[Path, int] = Counter()
    wanted: dict[Path, set[TclTest]] = defaultdict(set)
    for item in session.items:
        if isinstance(item, TclItem):
            items[item.path] += 1
            if not _is_skipped(item):
                wanted[item.path].add(item.test)
    files = {}
    for path, tests in wanted.items():
        contents = suites.contents[path]
        whole = items[path] == len(contents.tests)
        counts = Counts(wait=contents.counts_late)
        by_name = _by_name(contents.tests, tests)
        strict = suites.settings.strict_leaks
        files[path] = FileRun(
            path, by_name, whole=whole, strict_leaks=strict, in_setup=contents.in_setup, counts=counts
        )
    if suites.settings.process == "session":
        suites.runs.update(dict.fromkeys(files, Run(suites.settings, files.values())))
    else:
        suites.runs.update({path: Run(suites.settings, [file]) for path, file in files.items()})


def _is_skipped(item: TclItem) -> bool:
    """Whether marks say that the test is not to run."""
    if item.get_closest_marker("skip") is not None:
        return True
    try:
        from _pytest.skipping import evaluate_skip_marks, evaluate_xfail_marks

        if evaluate_skip_marks(item):
            return True
        expected = None if item.config.getoption("runxfail", False) else evaluate_xfail_marks(item)
        return expected is not None and not expected.run
    except ImportError:  # a pytest without these functions
        return False
    except pytest.fail.Exception:  # a bad condition: pytest will report it where the test is set up
        return False


def _by_name(tests: list[TclTest], wanted: set[TclTest]) -> dict[TclTest, bool]:
    """Whether each test runs: as with tcltest's -match, all tests of a name that is wanted."""
    names = {test.name for test in wanted}
    return {test: test.name in names for test in tests}
