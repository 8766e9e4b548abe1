"""What --lf finds of a failure that has no item, because the search does not find its test."""

from __future__ import annotations  # older ones of pytest do not name TerminalReporter

from pathlib import Path
from typing import Any

import pytest

from pybridge.tcltest.suites import Suites

_FAILED = "cache/lastfailed"  # the same since pytest 3.1


def remember_files(terminal: pytest.TerminalReporter, suites: Suites) -> None:
    """In the place of such failures, remember all tests of their files, which bring them again.

    Nothing could select them; pytest would say at each --lf that they are "not in selected tests". It does
    where the search names a test anew each time: of that file no names select the failure again. That a file
    was broken is forgotten when it no longer is.

    Args:
        terminal: it has the reports of this run.
        suites: they tell which items there are, and which files are ours.
    """
    cache = getattr(terminal.config, "cache", None)
    if cache is None or hasattr(terminal.config, "workerinput"):  # a worker's results are the controller's
        return
    nodeids = suites.nodeids
    reports = [
        report
        for found in terminal.stats.values()
        for report in found
        if isinstance(report, pytest.TestReport) and (report.when == "call" or not report.passed)
    ]
    told = {report.nodeid for report in reports}
    failed = {report.nodeid for report in reports if report.failed}
    unsteady = {_file(nodeid) for nodeid in nodeids if nodeid not in told}
    files = {
        nodeid: file
        for nodeid in failed.difference(nodeids)
        if suites.settings.is_test_file(terminal.config.rootpath / (file := _file(nodeid)))
        and file not in unsteady
    }
    mended = _mended(cache, terminal.config.rootpath, suites)
    if files or mended:
        whole = set(files.values())
        again = [nodeid for nodeid in nodeids if _file(nodeid) in whole]
        others = [nodeid for nodeid in cache.get(_FAILED, {}) if nodeid not in files.keys() | mended]
        cache.set(_FAILED, dict.fromkeys([*others, *again], True))


def _mended(cache: Any, root: Path, suites: Suites) -> set[str]:
    """The failures of files as a whole that have been found to be good since."""
    of_files = {nodeid for nodeid in cache.get(_FAILED, {}) if nodeid.endswith("::(file)")}
    # --lf leaves out all of a file in which it knows of no test; workers of pytest-xdist tell only of items
    searched = {*suites.contents, *(root / _file(nodeid) for nodeid in suites.nodeids)}
    return {
        nodeid
        for nodeid in of_files.difference(suites.nodeids)
        if (path := root / _file(nodeid)) in searched and path not in suites.broken
    }


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
