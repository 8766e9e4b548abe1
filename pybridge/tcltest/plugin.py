"""The pytest plugin: each test of a Tcl test suite (tcltest) is one pytest item.

Every pytest run in an environment that has tcltorch loads this module. It must not break the run of someone
who only wants to test Python, so it imports next to nothing, and makes do with what pytest 7.0 has.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pybridge.tcltest.settings import add_options, read_settings
from pybridge.tcltest.suites import DESCRIPTION, SUITES, Suites

if TYPE_CHECKING:
    from pybridge.tcltest.nodes import TclFile

_SHARED = "tcltest_shared"  # what workers are told of
_COMPARED = "tcltest_compared"  # what they tell


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    folder = getattr(config, "workerinput", {}).get(_SHARED)
    config.stash[SUITES] = Suites(read_settings(config), Path(folder) if folder else None)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where all workers find what one of them has found."""
    node.workerinput[_SHARED] = str(node.config.stash[SUITES].share(node.config))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> TclFile | None:
    if not parent.config.stash[SUITES].settings.is_test_file(file_path):
        return None
    from pybridge.tcltest.nodes import TclFile

    return TclFile.from_parent(parent, path=file_path)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, None]:
    result = yield
    suites = collector.config.stash[SUITES]
    if suites.broken:
        from pybridge.tcltest.broken import collect_broken_files

        collect_broken_files(collector, result.get_result(), suites)
    if hasattr(collector.config, "workerinput"):
        from pybridge.tcltest.nodes import note_files_ahead

        note_files_ahead(collector, result.get_result(), suites)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Plan the runs when all plugins have selected and before any is told what was."""
    suites = session.config.stash[SUITES]
    if suites.contents:
        from pybridge.tcltest.broken import keep_broken_files
        from pybridge.tcltest.nodes import plan_runs

        keep_broken_files(session, suites)
        plan_runs(session, suites)
        suites.nodeids = [item.nodeid for item in session.items]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """Take note of the items that the workers of pytest-xdist have; the controller has none."""
    suites = node.config.stash[SUITES]
    suites.end_search()
    suites.nodeids = ids


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    result = yield
    if item.config.stash[SUITES].contents:
        from pybridge.tcltest.failure import fit_description
        from pybridge.tcltest.nodes import TclItem, add_trailing_output, amend_error

        report = result.get_result()
        amend_error(item, report, call)
        add_trailing_output(item, report)
        fit_description(report, item.config.getoption("tbstyle", "auto"))
        if isinstance(item, TclItem):
            item.amend_report(report)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Report a test after those that ran before it, and not if no totals of tcltest count it."""
    if not item.config.stash[SUITES].runs:
        return None
    from pybridge.tcltest.nodes import TclItem

    if not isinstance(item, TclItem) or not item.collected:
        return None
    from pybridge.tcltest.protocol import report_earlier

    return report_earlier(item, nextitem)


@pytest.hookimpl(hookwrapper=True, specname="pytest_runtest_protocol")
def pytest_after_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, Any, None]:
    """After the last test of a file, report those that have no item and have not been reported yet."""
    yield
    if item.config.stash[SUITES].runs and (nextitem is None or nextitem.path != item.path):
        from pybridge.tcltest.protocol import report_further

        report_further(item, nextitem)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Give a report that a worker of pytest-xdist has sent what pytest prints of a failure."""
    if hasattr(report, DESCRIPTION) and isinstance(report.longrepr, str):
        from pybridge.tcltest.failure import restore_description

        restore_description(report)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """Stop what still runs before pytest, after Ctrl-C, has each file taken down: none is to wait."""
    suites = session.config.stash[SUITES]
    try:
        if exitstatus == pytest.ExitCode.INTERRUPTED and not session.shouldstop:
            suites.note_interrupt()
    finally:  # a second Ctrl-C may come
        suites.stop()
    if suites.settings.compare:
        suites.comparisons.note_files([*suites.runs, *suites.broken])
        getattr(session.config, "workeroutput", {})[_COMPARED] = suites.comparisons.told()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take in what a worker of pytest-xdist has compared; one that has crashed tells nothing."""
    told = getattr(node, "workeroutput", {}).get(_COMPARED)
    if told:
        node.config.stash[SUITES].comparisons.add(told)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int | pytest.ExitCode
) -> None:
    if not hasattr(terminalreporter, "getreports"):
        return  # it is of another plugin, such as pytest-tldr
    suites = terminalreporter.config.stash[SUITES]
    comparison = str(suites.comparisons) if suites.settings.compare else ""
    if comparison:
        terminalreporter.ensure_newline()
        terminalreporter.write_line(comparison)
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        suites.hear_workers()
    if suites.interrupted:
        from pybridge.tcltest.terminal_summary import write_interrupted

        write_interrupted(terminalreporter, suites.interrupted)
    if suites.nodeids:
        from pybridge.tcltest.last_failed import remember_files
        from pybridge.tcltest.terminal_summary import write_leaks

        remember_files(terminalreporter, suites)
        write_leaks(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    suites = config.stash.get(SUITES, None)
    if suites is not None:
        suites.close()
