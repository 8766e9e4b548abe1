"""How the failure of a test reads."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pybridge.tcltest.characters import harmless, printable
from pybridge.tcltest.collection import TclTest
from pybridge.tcltest.difference import mismatch, mismatch_in_short
from pybridge.tcltest.outcome import Outcome
from pybridge.tcltest.suites import DESCRIPTION, SUITES
from pybridge.tcltest.trace import line_in_file, trace_in_script

# Where pytest asks for no description, it makes a trace of any other exception, from much source and unseen.
if TYPE_CHECKING:
    from _pytest.outcomes import Failed
else:
    Failed = pytest.fail.Exception  # its public name

_CODES = {"0": "ok", "1": "error", "2": "return", "3": "break", "4": "continue"}
_NOT_FOUND = re.compile(r"can't find package torch(?:::tcltest)?(?![\w:])")
_TRACE_ENDS = 30  # lines


@dataclass
class Location:
    """Where a failure is (line 0: none) and what it says in short; pytest shows it in the summary."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}{f':{self.lineno}' if self.lineno else ''}: {self.message}"


class Description:
    """The text of a failure: what pytest prints, in colours where it uses them.

    Args:
        location: where it is.
        lines: the whole text.
        short: what `--tb=short` shows of it; all, if it is not given.

    Attributes:
        shown: what the terminal shows of it; None for all.
    """

    def __init__(self, location: Location, lines: list[str], short: list[str] | None = None) -> None:
        self.reprcrash = Location(location.path, location.lineno, harmless(location.message))
        self._lines, self._short = lines, short
        self.shown: list[str] | None = None

    def __str__(self) -> str:
        return harmless("\n".join(self._lines))

    def toterminal(self, terminal: Any) -> None:
        for line in self._lines if self.shown is None else self.shown:
            wrong = line == "E" or line.startswith("E ")
            terminal.line(harmless(line), red=wrong, bold=wrong)

    def shorten(self, style: str, when: str | None) -> None:
        """Show what this `--tb` asks for, in the report of this phase."""
        if style == "short":
            self.shown = self._short
        elif style == "line":  # pytest writes the line of a failure, and none for an error
            self.shown = [] if when == "call" else [str(self.reprcrash)]


def fit_description(report: pytest.TestReport, style: str) -> None:
    """Have pytest show as much of a failure as `--tb` asks for.

    The report keeps what pytest-xdist loses when it makes text of a description.
    """
    description: object = report.longrepr
    if isinstance(description, Description):
        description.shorten(style, report.when)
        kept = {"location": asdict(description.reprcrash), "shown": description.shown}
        setattr(report, DESCRIPTION, kept)


def restore_description(report: pytest.TestReport) -> None:
    """Make a description of the text that pytest-xdist has made of it."""
    kept = getattr(report, DESCRIPTION)
    description = Description(Location(**kept["location"]), str(report.longrepr).split("\n"))
    description.shown = kept["shown"]
    report.longrepr = description  # type: ignore[assignment]  # pytest asks for less


def _way_out(config: pytest.Config, wrong: list[str]) -> list[str]:
    """What to do where another interpreter than tcltorch does not find our packages."""
    interpreter = config.stash[SUITES].settings.interpreter
    if not (interpreter and any(map(_NOT_FOUND.search, wrong))):
        return []
    return [
        f"{Path(interpreter[0]).name} finds it with TCLLIBPATH=$(tcltorch tclpkg) in the environment, "
        "or after a set-up script (--tcltest-setup)",
        "that has the line: lappend auto_path [exec tcltorch tclpkg]",
    ]


class Problem(Failed):
    """Something is wrong with a file, at this line (0 when there is none).

    Args:
        path: the file.
        line: the line, from 1.
        message: what is wrong.
    """

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(message, pytrace=False)
        self._path, self._line, self._message = path, line, message

    def describe(self, config: pytest.Config) -> Description:
        first, *rest = self._message.split("\n")
        where = _relative(config, self._path) + (f":{self._line}" if self._line else "")
        marked = _marked([first, *_way_out(config, [first])])
        lines = [*marked, *(f"    {line}" if line else "" for line in rest), "", where]
        return Description(Location(str(self._path), self._line, first), lines)


class Failure(Failed):
    """A test did not pass."""

    def __init__(self, test: TclTest, outcome: Outcome, *, strict_leaks: bool, beyond_totals: bool) -> None:
        super().__init__(test.name, pytrace=False)
        self._test, self._outcome = test, outcome
        self._strict_leaks, self._beyond_totals = strict_leaks, beyond_totals

    def describe(self, config: pytest.Config) -> Description:
        whole = config.getoption("verbose", 0) > 1
        wrong = list(self._wrong(whole))
        in_short = self._in_short(wrong)
        wrong += _way_out(config, wrong)
        traces = [line for phase in self._outcome.traces for line in self._trace(config, phase, whole)]
        where = f"{_relative(config, self._test.path)}:{self._test.line}: {printable(self._test.name)}"
        lines = [*self._scripts(), *_marked(wrong), *traces, "", where]
        location = Location(str(self._test.path), self._test.line, in_short)
        return Description(location, lines, short=[where, *_marked(wrong), *traces])

    def _scripts(self) -> Iterator[str]:
        """What has failed: after a set-up that has, the body did not run."""
        scripts = self._outcome.scripts
        kinds = {kind for kind, *_ in self._outcome.problems}
        for phase in ("setup", "body", "cleanup"):
            script = textwrap.indent(textwrap.dedent(scripts.get(phase, "")).strip("\n"), "    ")
            if script and not (phase == "body" and ("setup" in scripts or kinds == {"cleanup"})):
                if phase != "body":
                    yield f"{phase}:"
                yield from [*script.split("\n"), ""]

    def _trace(self, config: pytest.Config, phase: str, whole: bool) -> Iterator[str]:
        """Tcl's stack trace, the last line of which is about the test's script, and its errorCode."""
        trace, number = trace_in_script(self._outcome.traces[phase])
        lines = trace.split("\n")
        if number:
            lines.append(f"    ({phase} line {number}{self._place(config, phase, number)})")
        yield from ["", f"errorInfo ({phase}):"]
        yield from (f"    {line}".rstrip() for line in _ends(lines, whole))
        code = self._outcome.codes.get(phase, "NONE")
        if code != "NONE":
            yield from _labelled(f"errorCode ({phase}): ", code)

    def _place(self, config: pytest.Config, phase: str, number: int) -> str:
        """Where the line of a script stands, if that is known."""
        command, script = self._outcome.command, self._outcome.scripts.get(phase)
        if command is None or script is None:
            return ""
        path = Path(command.file or self._test.path)
        try:
            text = path.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return ""
        line = line_in_file(text, command, phase, script, number)
        return f", {_relative(config, path)}:{line}" if line else ""

    def _wrong(self, whole: bool) -> Iterator[str]:
        outcome = self._outcome
        if outcome.status == "lost":
            yield from outcome.reason.split("\n")
        for kind, *words in outcome.problems:
            yield from _problem(kind, words, whole)
        if outcome.status == "failed" and not outcome.problems:
            yield from (outcome.report or "tcltest counted a failure").split("\n")
        if outcome.leaked and self._strict_leaks:
            yield f"leaked {outcome.leaked_in_short}: live after the test and not before"
        if self._beyond_totals:
            yield "an error, not a failed test: no cleanupTests after it prints totals that count it"

    def _in_short(self, wrong: list[str]) -> str:
        """What is wrong in one line: the first, unless it takes two to tell what was and what should be."""
        if self._outcome.status == "failed" and self._outcome.problems:
            kind, *words = self._outcome.problems[0]
            if kind == "mismatch":
                return mismatch_in_short(*words)
        return wrong[0]


def _problem(kind: str, words: list[str], whole: bool) -> Iterator[str]:
    if kind == "mismatch":
        yield from mismatch(*words, whole=whole)
    elif kind == "code":
        allowed, code, message = words
        names = " or ".join(_CODES.get(each, each) for each in allowed.split())
        if code == "1":
            yield from _labelled("error: ", message)
        yield f"return code was {_CODES.get(code, code)} ({code}), should have been {names} ({allowed})"
        if code != "1" and message:
            yield from _labelled("result was: ", message)
    elif kind == "core":
        yield f"a core file was made {words[0]}".rstrip()
    else:
        code, message = words
        if code == "1":
            yield from _labelled(f"{kind} failed: ", message)
        else:
            yield f"{kind} failed: return code was {_CODES.get(code, code)} ({code}), should have been ok (0)"
            if message:
                yield from _labelled("result was: ", message)


def _labelled(label: str, text: str) -> list[str]:
    return (label + text).rstrip("\n").split("\n")


def _ends(lines: list[str], whole: bool) -> list[str]:
    left_out = len(lines) - 2 * _TRACE_ENDS  # a recursion that does not end leaves thousands
    if left_out <= 1 or whole:
        return lines
    note = f"... ({left_out} more lines; -vv shows all)"
    return [*lines[:_TRACE_ENDS], note, *lines[-_TRACE_ENDS:]]


def _marked(lines: list[str]) -> list[str]:
    return [f"E   {line}".rstrip() for line in lines]


def _relative(config: pytest.Config, path: Path) -> str:
    try:
        return str(path.relative_to(config.invocation_params.dir))
    except ValueError:
        return str(path)
