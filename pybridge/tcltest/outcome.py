"""What became of one test, built from the events of the process that ran it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pybridge.tcl_list import split_list
from pybridge.tcltest.counts import Key
from pybridge.tcltest.events import Extent
from pybridge.tcltest.process import TclProcess
from pybridge.tcltest.trace import Command

DETAILS = ("problem", "command", "errorinfo", "errorcode", "script")  # the events about a failure
_NAMED = 5  # leaked handles of a test; description.tcl tells of no more what they name


@dataclass
class Outcome:
    """What became of a test.

    Args:
        status: `passed`, `failed`, `skipped`; `none` when tcltest has counted no result; `lost` when the
            process ended before it could.
        reason: why it was skipped or lost.
        scripts: the test's body, and its setup and cleanup where they have failed.
        problems: what tcltest found wrong: the kind, then what belongs to it.
        traces: Tcl's errorInfo, by phase: setup, body, cleanup.
        codes: Tcl's errorCode, by phase.
        command: the command that has called tcltest, where there is a trace.
        leaked: the handles that are live after the test and were not before, the first with what they name.
        seconds: how long the test ran.
        outside: what was written since the last test, to standard output and standard error.
        output: what the test wrote.
        report: what tcltest printed about the failure.
    """

    status: str
    reason: str = ""
    scripts: dict[str, str] = field(default_factory=dict)
    problems: list[list[str]] = field(default_factory=list)
    traces: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    command: Command | None = None
    leaked: list[str] = field(default_factory=list)
    seconds: float = 0.0
    outside: tuple[str, str] = ("", "")
    output: tuple[str, str] = ("", "")
    report: str = ""

    @property
    def leaked_in_short(self) -> str:
        """The first of them, and how many more there are."""
        more = len(self.leaked) - _NAMED
        return ", ".join(self.leaked[:_NAMED]) + (f" and {more} more" if more > 0 else "")

    def fails(self, strict_leaks: bool) -> bool:
        return self.status in ("failed", "lost") or (strict_leaks and bool(self.leaked))


@dataclass
class Running:
    """A test that has begun.

    Attributes:
        shown: how far the user has seen what it has written.
        seen: how much had been written when it was last known to run; what came later may be of the next.
    """

    name: str
    occurrence: int
    interpreter: str
    since: int
    start: Extent
    outside: tuple[str, str]
    details: Outcome

    def __post_init__(self) -> None:
        self.shown = self.seen = self.start

    @property
    def key(self) -> Key:
        return self.name, self.occurrence, self.interpreter

    @classmethod
    def begin(cls, words: list[str], mark: Extent, process: TclProcess) -> "Running":
        name, occurrence, interpreter, since, out, err, body = words
        start = (int(out), int(err))
        details = Outcome("failed", scripts={"body": body})
        outside = process.output(mark, start)
        return cls(name, int(occurrence), interpreter, int(since), start, outside, details)

    def add(self, kind: str, words: list[str]) -> None:
        """Take in what the process says about a failure."""
        details = self.details
        if kind == "problem":
            details.problems.append(words)
        elif kind == "command":
            file, line, further = words
            details.command = Command(file, int(line), int(further))
        else:
            by_phase = {"errorinfo": details.traces, "errorcode": details.codes, "script": details.scripts}
            phase, text = words
            by_phase[kind][phase] = text

    def show_lines(self, process: TclProcess, show: Callable[[tuple[str, str]], None]) -> None:
        """Show what was written before the test, and the lines that it has written since the last call."""
        if any(self.outside):
            show(self.outside)
            self.outside = ("", "")
        lines, self.shown = process.lines(self.shown, self.seen)
        if any(lines):
            show(lines)
        self.seen = process.extent

    def end(self, words: list[str], process: TclProcess) -> tuple[Outcome, Extent]:
        """The outcome, and how far the output has come."""
        ended, status, report, out, err, reason, leaked = words
        end = (int(out), int(err))
        outcome = self.details
        outcome.status = status.lower()
        outcome.reason = reason
        for name, *what in map(split_list, split_list(leaked)):
            outcome.leaked.append(f"{name} ({what[0]})" if any(what) else name)
        outcome.seconds = max(0, int(ended) - self.since) / 1e6
        outcome.outside = self.outside
        outcome.output = process.output(self.shown, (int(report), end[1]))
        outcome.report = process.output((int(report), end[1]), end)[0].strip("\n")
        return outcome, end

    def lose(self, reason: str, process: TclProcess) -> Outcome:
        """The outcome of a test that did not end: `none` where there is no reason that it should have."""
        self.details.status, self.details.reason = "lost" if reason else "none", reason
        self.details.seconds = max(0.0, time.time() - self.since / 1e6)
        self.details.outside = self.outside
        self.details.output = process.output(self.shown)
        return self.details
