"""What pytest warns of: tests that are not in its counts, as they are not in tcltest's."""

import warnings
from collections import Counter

import pytest

from pybridge.tcltest.characters import printable
from pybridge.tcltest.collection import TclTest
from pybridge.tcltest.file_run import FileRun

_NAMED = 20
_NOT_TOLD = (
    "pytest could not be told what became of {it}: no file descriptor was left, no right to write to its "
    "temporary files, or these were gone"
)


class TclTestWarning(pytest.PytestWarning):
    """A test of a Tcl file is not in the counts."""


def warn_of_differences(file: FileRun) -> list[str]:
    """Name the tests of a file that has ended which pytest does not count.

    Returns:
        The warnings that are to be errors.
    """
    missing = {
        "{was} there when the file was searched for tests, but not when they ran": file.never_came,
        "began, but tcltest counted no result for {it}": file.without_result,
    }
    if file.untold:
        missing = {_NOT_TOLD: file.without_result + file.never_came}
    differences = missing | {
        "{was} run by the set-up script, whose tests are in no count": file.in_setup,
        "{was} run, but no cleanupTests after {it} prints totals that count {it}": file.uncounted,
        "{was} counted by tcltest, but no test told: a script has changed the counts, "
        "or {it} ran where pytest sees no tests": file.stand_ins,
        "{was} not run: only some tests were selected, and the search did not find {it}": file.unselected,
    }
    errors = []
    for what, tests in differences.items():
        try:
            _warn(tests, what)
        except TclTestWarning as warning:
            errors.append(f"{TclTestWarning.__name__}: {warning}")
    return errors


def _warn(tests: list[TclTest], what: str) -> None:
    """Warn of tests where the first of them stands."""
    if tests:
        several = len({test.name for test in tests}) > 1
        words = {"was": "were", "it": "them"} if several else {"was": "was", "it": "it"}
        warning = TclTestWarning(f"{_listed(tests)}: {what.format_map(words)}")
        warnings.warn_explicit(warning, None, str(tests[0].path), tests[0].line)


def _listed(tests: list[TclTest]) -> str:
    times = Counter(test.name for test in tests)
    names = [
        printable(name) if number == 1 else f"{printable(name)} ({number} times)"
        for name, number in times.items()
    ]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
