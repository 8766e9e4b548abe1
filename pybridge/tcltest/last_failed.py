"""What --lf finds of a failure that has no item, because the search does not find its test."""

from __future__ import annotations  # older ones of pytest do not name TerminalReporter

from collections.abc import Sequence

import pytest

from pybridge.tcltest.settings import Settings

_FAILED = "cache/lastfailed"  # the same since pytest 3.1


def remember_files(terminal: pytest.TerminalReporter, nodeids: Sequence[str], settings: Settings) -> None:
    """In the place of such failures, remember all tests of their files, which bring them again.

    Nothing could select them; pytest would say at each --lf that they are "not in selected tests". It does
    where the search names a test anew each time: of that file no names select the failure again.

    Args:
        terminal: it has the reports of this run.
        nodeids: of the items that there are.
        settings: they tell which files are ours.
    """
    cache = getattr(terminal.config, "cache", None)
    if cache is None or hasattr(terminal.config, "workerinput"):  # a worker's results are the controller's
        return
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
        if settings.is_test_file(terminal.config.rootpath / (file := _file(nodeid))) and file not in unsteady
    }
    if files:
        whole = set(files.values())
        again = [nodeid for nodeid in nodeids if _file(nodeid) in whole]
        others = [nodeid for nodeid in cache.get(_FAILED, {}) if nodeid not in files]
        cache.set(_FAILED, dict.fromkeys([*others, *again], True))


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
