"""How a test is reported that pytest did not collect, and how one is not reported that it did."""

import pytest
from _pytest.runner import runtestprotocol

from pybridge.tcltest.collection import TclTest
from pybridge.tcltest.nodes import TclFile, TclItem, item_names
from pybridge.tcltest.suites import SUITES


def report_earlier(item: TclItem, nextitem: pytest.Item | None) -> bool | None:
    """Wait until a test runs or has run, and report what ran before it and has no item.

    Returns:
        True if pytest is to go on to the next item: this one is not to be reported, or nothing more is.
    """
    if not item.is_to_run():
        return None
    runs = item.begins()
    _report_all(item, item.file_run.take_earlier(item.test), item)
    if _stops(item):
        return True
    if runs:
        item.announce()
    if item.is_reported():
        return None
    _leave_out(item, nextitem)
    return True


def _stops(item: pytest.Item) -> bool:
    return bool(item.session.shouldfail or item.session.shouldstop)


def _leave_out(item: TclItem, nextitem: pytest.Item | None) -> None:
    """Do without a report of this test what else pytest does for it: its file may have to be taken down."""
    item.unreported = True
    item.session.testscollected -= 1
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if any(report.failed for report in reports):
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in reports:
            if report.failed:
                item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def report_further(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Report what is left of the item's file: not found by the search, or counted again."""
    suites = item.config.stash[SUITES]
    if item.path in suites.runs and not _stops(item):
        _report_all(item, suites.runs[item.path].files[item.path].take_further(), nextitem)


def _report_all(item: pytest.Item, tests: list[TclTest], nextitem: pytest.Item | None) -> None:
    """Report tests that have no item in the place of one of their file.

    Args:
        nextitem: the item that follows them.
    """
    if not tests:  # as most often; of many items, finding the place takes its time
        return
    place = item.session.items.index(item)
    found = [_item_of(test, item) for test in tests]
    for each, following in zip(found, [*found[1:], nextitem], strict=True):
        item.session.testscollected += 1
        item.session.items[place] = each  # pytest-xdist wants a report to be about the item that runs
        try:
            each.ihook.pytest_runtest_protocol(item=each, nextitem=following)
        finally:
            item.session.items[place] = item
        if _stops(item):
            return


def _item_of(test: TclTest, item: pytest.Item) -> TclItem:
    """An item that pytest can set up where it can set up the other, of the same file."""
    file = item.getparent(TclFile)
    assert file is not None
    assert item.parent is not None
    (names,) = item_names([test], file.taken)
    name = "::".join(names)
    nodeid = f"{file.nodeid}::{name}"
    return TclItem.from_parent(item.parent, name=name, test=test, nodeid=nodeid, collected=False)
