"""How the failure of a test reads."""

import difflib
import itertools
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from pybridge.tcl_list import split_list
from pybridge.tcltest.collection import TclTest
from pybridge.tcltest.outcome import Outcome
from pybridge.tcltest.suites import LOCATION
from pybridge.tcltest.trace import trim_trace

_CODES = {"0": "ok", "1": "error", "2": "return", "3": "break", "4": "continue"}
_SHORT = 60
_DIFFED_CLOSELY = 4_000  # characters; difflib.ndiff takes seconds for more
_LONGEST_LINE = 4_000  # characters
_SHOWN_LINES = 200


@dataclass
class Location:
    """Where a failure is and what it says in short; pytest shows it in the summary."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.lineno}: {self.message}"


class Description:
    """The text of a failure: what pytest prints, in colours where it uses them."""

    def __init__(self, location: Location, lines: list[str]) -> None:
        self.reprcrash = location
        self._lines = lines

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def toterminal(self, terminal: Any) -> None:
        for line in self._lines:
            wrong = line.startswith("E ")
            terminal.line(line, red=wrong, bold=wrong)


def keep_location(report: pytest.TestReport) -> None:
    """Have a report keep what pytest-xdist loses when it makes text of a description."""
    description: object = report.longrepr
    if isinstance(description, Description):
        setattr(report, LOCATION, asdict(description.reprcrash))


def restore_description(report: pytest.TestReport) -> None:
    """Make a description of the text that pytest-xdist has made of it."""
    description = Description(Location(**getattr(report, LOCATION)), str(report.longrepr).split("\n"))
    report.longrepr = description  # type: ignore[assignment]  # pytest asks for less


class Problem(Exception):
    """Something is wrong with a file, at this line (0 when there is none).

    Args:
        path: the file.
        line: the line, from 1.
        message: what is wrong.
    """

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(message)
        self._path, self._line, self._message = path, line, message

    def describe(self, config: pytest.Config) -> Description:
        first, *rest = self._message.split("\n")
        where = _relative(config, self._path) + (f":{self._line}" if self._line else "")
        lines = [*_marked([first]), *(f"    {line}" if line else "" for line in rest), "", where]
        return Description(Location(str(self._path), self._line, first), lines)


class Failure(Exception):
    """A test did not pass."""

    def __init__(self, test: TclTest, outcome: Outcome, *, strict_leaks: bool, beyond_totals: bool) -> None:
        super().__init__(test.name)
        self._test, self._outcome = test, outcome
        self._strict_leaks, self._beyond_totals = strict_leaks, beyond_totals

    def describe(self, config: pytest.Config) -> Description:
        whole = config.getoption("verbose", 0) > 1
        body = textwrap.indent(textwrap.dedent(self._outcome.body).strip("\n"), "    ")
        wrong = list(self._wrong(whole))
        traces = [line for phase, trace in self._outcome.traces.items() for line in _trace(phase, trace)]
        where = f"{_relative(config, self._test.path)}:{self._test.line}: {self._test.name}"
        lines = [*([*body.split("\n"), ""] if body else []), *_marked(wrong), *traces, "", where]
        return Description(Location(str(self._test.path), self._test.line, _in_short(wrong)), lines)

    def _wrong(self, whole: bool) -> Iterator[str]:
        outcome = self._outcome
        if outcome.status == "lost":
            yield from outcome.reason.split("\n")
        for kind, *words in outcome.problems:
            yield from _problem(kind, words, whole)
        if outcome.status == "failed" and not outcome.problems:
            yield from (outcome.report or "tcltest counted a failure").split("\n")
        if outcome.leaked and self._strict_leaks:
            yield f"leaked {', '.join(outcome.leaked)}: live after the test and not before"
        if self._beyond_totals:
            yield "an error, not a failed test: no cleanupTests after it prints totals that count it"


def _in_short(wrong: list[str]) -> str:
    """The first line, with the beginning of a value that stands below it."""
    first, *rest = wrong
    value = " ".join(" ".join(itertools.takewhile(lambda line: line.startswith("  "), rest)).split())
    if not (first.endswith(" was:") and value):
        return first
    return f"{first} {value if len(value) <= _SHORT else value[:_SHORT] + '...'}"


def _problem(kind: str, words: list[str], whole: bool) -> Iterator[str]:
    if kind == "mismatch":
        yield from _mismatch(words, whole)
    elif kind == "code":
        allowed, code, message = words
        names = " or ".join(_CODES.get(each, each) for each in allowed.split())
        got = "error: " + message if code == "1" else f"return code {_CODES.get(code, code)}"
        yield from _labelled(got, "")
        yield f"return code was {_CODES.get(code, code)} ({code}), should have been {names} ({allowed})"
        if code != "1" and message:
            yield from _labelled("result was: ", message)
    elif kind == "errorcode":
        yield f"error code was {words[1]}"
        yield f"error code should have been {words[0]} (glob matching)"
    elif kind == "core":
        yield f"a core file was made {words[0]}".rstrip()
    else:
        yield from _labelled(f"{kind} failed: ", words[0])


def _labelled(label: str, text: str) -> list[str]:
    return (label + text).rstrip("\n").split("\n")


def _mismatch(words: list[str], whole: bool) -> Iterator[str]:
    what, mode, expected, actual, message = words
    if message:
        yield from f"{what} does not match: {message}".split("\n")
    matching = "" if mode == "exact" else f" ({mode} matching)"
    if mode == "exact" and "\n" in expected + actual:
        wanted, got = expected.split("\n"), actual.split("\n")
        yield f"{what} differs {_where_lists_differ('line', wanted, got, begin=1)}"
        yield "- expected, + got:"
        yield from _cut(_diff(wanted, got), whole)
        return
    if mode == "exact" and max(len(expected), len(actual)) > _SHORT:
        yield f"{what} differs {_first_difference(expected, actual)}"
    if mode != "tensor" or not message:  # the message says more than the name of a handle
        yield from _valued(f"{what} was:", actual, whole)
    yield from _valued(f"{what} should have been{matching}:", expected, whole)


def _valued(label: str, text: str, whole: bool) -> Iterator[str]:
    if "\n" not in text and len(text) <= _SHORT:
        yield f"{label} {text}".rstrip()
    else:
        yield label
        yield from _cut(text.split("\n"), whole)


def _diff(expected: list[str], actual: list[str]) -> list[str]:
    if sum(map(len, expected + actual)) <= _DIFFED_CLOSELY:
        return [line.rstrip("\n") for line in difflib.ndiff(expected, actual)]
    return list(difflib.unified_diff(expected, actual, lineterm=""))[2:]


def _cut(lines: list[str], whole: bool) -> Iterator[str]:
    """The lines, indented; not too many of them, and none too long, unless all are wanted."""
    shown = lines if whole else lines[:_SHOWN_LINES]
    for line in shown:
        long = not whole and len(line) > _LONGEST_LINE
        yield "  " + (f"{line[:_LONGEST_LINE]}... ({len(line)} characters; -vv shows all)" if long else line)
    if len(shown) < len(lines):
        yield f"  ... ({len(lines) - len(shown)} more lines; -vv shows all)"


def _first_difference(expected: str, actual: str) -> str:
    """Where two lines begin to differ: at which element, when both are lists of several."""
    try:
        wanted, got = split_list(expected), split_list(actual)
    except ValueError:  # one is no list
        wanted = got = []
    if min(len(wanted), len(got)) < 2:
        length = min(len(expected), len(actual))
        at = next((at for at in range(length) if expected[at] != actual[at]), length)
        return f"at character {at}"
    return _where_lists_differ("element", wanted, got, begin=0)


def _where_lists_differ(kind: str, wanted: list[str], got: list[str], *, begin: int) -> str:
    for index, (left, right) in enumerate(zip(wanted, got, strict=False), start=begin):
        if left != right:
            short = max(len(left), len(right)) <= _SHORT
            return f"at {kind} {index}" + (f": got {right or '{}'}, expected {left or '{}'}" if short else "")
    return f"in length: {len(got)} {kind}s, expected {len(wanted)}"


def _trace(phase: str, trace: str) -> list[str]:
    lines = trim_trace(trace).split("\n")
    return ["", f"errorInfo ({phase}):", *(f"    {line}".rstrip() for line in lines)]


def _marked(lines: list[str]) -> list[str]:
    return [f"E   {line}".rstrip() for line in lines]


def _relative(config: pytest.Config, path: Path) -> str:
    try:
        return str(path.relative_to(config.invocation_params.dir))
    except ValueError:
        return str(path)
