"""What pytest warns of: tests that are not in its counts, as they are not in tcltest's."""

import pytest

from pybridge.tcltest.run import FileRun

_NAMED = 20


class TclTestWarning(pytest.PytestWarning):
    """A test of a Tcl file is not in the counts."""


def warn_of_differences(node: pytest.Collector, file: FileRun) -> None:
    """Name the tests of a file that has ended which pytest does not count."""
    never_came = [test.name for test in file.never_came]
    _warn(node, never_came, "was there when the file was searched for tests, but not when they ran")
    _warn(node, file.uncounted, "was run, but no cleanupTests after it prints totals that count it")
    _warn(node, file.without_result, "was run, but tcltest counted no result for it")
    _warn(node, file.left_out, "was not run: only some tests were selected, and the search did not find it")


def _warn(node: pytest.Collector, names: list[str], what: str) -> None:
    if names:
        node.warn(TclTestWarning(f"{_listed(names)}: {what}"))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
