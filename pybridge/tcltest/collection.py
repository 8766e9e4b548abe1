"""Which tests a file has: found by sourcing it in a process of its own, in which no test runs.

Where the code between the tests fails then, it may need what the body of a test does: the file gets a
rehearsal, another process in which the tests run.
"""

import os
import stat
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pybridge.tcltest.counts import Key
from pybridge.tcltest.process import End, Event, TclProcess
from pybridge.tcltest.settings import Settings
from pybridge.tcltest.trace import line_of_error, trim_trace

_MANY_TESTS, _MOST_TESTS = 1_000, 1_000_000  # a loop that does not end makes any number


@dataclass(frozen=True)
class TclTest:
    """One call of tcltest's `test`.

    Args:
        name: the test's name.
        occurrence: 1 for the first test of that name in the file, 2 for the next; -1, -2 and so on for what
            stands for results of which no test has told.
        description: its description.
        path: the file in which the call stands.
        line: the line in that file, from 1.
    """

    name: str
    occurrence: int
    description: str
    path: Path
    line: int

    @property
    def key(self) -> Key:
        return self.name, self.occurrence


@dataclass
class Contents:
    """What a file holds: its tests, and what is wrong with it.

    Args:
        tests: in the order in which they came.
        problem: what is wrong.
        cut_short: whether it ended with an error between tests, or did not end.
        cleaned: the interpreters in which cleanupTests was called.
        forgotten: those in which one tcltest has followed another.
        changes_counts: whether it seems to change what tcltest has counted.
        rewritten: whether the file has opened itself to write, or put another in its place.
        line: the line at which the problem shows, from 1.
        output: what was written to standard output and standard error.
    """

    tests: list[TclTest] = field(default_factory=list)
    problem: str = ""
    cut_short: bool = False
    cleaned: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    changes_counts: bool = False
    rewritten: bool = False
    line: int = 1
    output: tuple[str, str] = ("", "")

    @property
    def counts_late(self) -> bool:
        """Whether it is known only at the end that tests of the file's own interpreter count."""
        alone = bool(self.cleaned) and "" not in self.cleaned  # a child may be the only one with totals
        return alone or self.changes_counts or "" in self.forgotten


def collect(settings: Settings, path: Path) -> Contents:
    """Find the tests of a file."""
    contents = _searched(settings, path, "collect")
    if contents.cut_short:
        rehearsed = _searched(settings, path, "rehearse")
        return contents if rehearsed.problem else rehearsed
    return contents


def _searched(settings: Settings, path: Path, mode: str) -> Contents:
    """Source the file, and put it back where its script has deleted or rewritten it: it is to run, too.

    What has not done so itself is left alone: it may have been saved by an editor meanwhile.
    """
    before = _state(path)
    contents = Contents()
    try:
        _source(settings, path, mode, contents)
    finally:
        after = _state(path)
        if before and (after is None or (contents.rewritten and after != before)):
            with suppress(OSError):  # the run will tell that it is not there
                _put_back(path, before, after)
    return contents


class _State(NamedTuple):
    """What is in a file, its mode, when it was written, and what it links to."""

    text: bytes
    mode: int
    mtime: int
    link: str


def _state(path: Path) -> _State | None:
    """The state of a file; None where it cannot be read."""
    try:
        status = path.stat()
        link = os.readlink(path) if path.is_symlink() else ""
        return _State(path.read_bytes(), stat.S_IMODE(status.st_mode), status.st_mtime_ns, link)
    except OSError:
        return None


def _put_back(path: Path, before: _State, after: _State | None) -> None:
    """Make a file what it was before; one that has come in the place of none is left alone."""
    if after and after.link != before.link:
        path.unlink()
        after = None
    if after is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if before.link and not path.is_symlink():
            path.symlink_to(before.link)
            if _state(path) == before:
                return
        path = path.resolve()
        path.touch(exist_ok=False)
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    path.write_bytes(before.text)
    path.chmod(before.mode)
    os.utime(path, ns=(before.mtime, before.mtime))


def _source(settings: Settings, path: Path, mode: str, contents: Contents) -> None:
    try:
        process = TclProcess(settings, mode, [path])
    except OSError as error:
        contents.problem = error.strerror or str(error)
        return
    events = list[Event]()
    try:
        deadline = time.monotonic() + settings.timeout
        for batch in process.watch():
            events += batch
            if len(events) > _MOST_TESTS:
                contents.problem = f"sourcing the file made more than {_MOST_TESTS:,} tests and did not end"
            elif time.monotonic() > deadline:
                contents.problem = (
                    f"sourcing the file took more than {settings.timeout:g} seconds (tcltest_timeout)"
                )
                if len(events) > _MANY_TESTS:
                    contents.problem += f" and made {len(events):,} tests"
            if contents.problem:
                contents.cut_short = True
                process.kill()
        contents.output = process.output((0, 0), None)
        if contents.cut_short and len(events) > _MANY_TESTS:
            return
        _read(events, path, contents)
        contents.problem = contents.problem or _incomplete(events, contents, process.status or 0)
        contents.problem = contents.problem or ("" if contents.tests else "no test in this file")
    finally:  # Ctrl-C is no reason to leave a file rewritten
        process.kill()
        contents.rewritten = any(event[1] == "rewritten" for event in events + process.events())
        process.close()


def _read(events: list[Event], path: Path, contents: Contents) -> None:
    uses: Counter[str] = Counter()
    for _, kind, *words in events:
        if kind == "test":
            name, description, file, line = words
            uses[name] += 1
            contents.tests.append(
                TclTest(name, uses[name], description, Path(file) if file else path, int(line))
            )
        elif kind == "cleanup":
            contents.cleaned.add(words[0])
        elif kind == "forgotten":
            contents.forgotten.add(words[0])
        elif kind == "changes_counts":
            contents.changes_counts = True
        elif kind == "setup_died":
            contents.problem = setup_problem(words)
        elif kind == "died":
            contents.cut_short = True
            contents.line = line_of_error(words[1], path) or 1
            contents.problem = f"{words[0]}\n\n{trim_trace(words[1])}" if words[1] else words[0]


def setup_problem(words: Event) -> str:
    """What is wrong when the set-up script has failed."""
    message, trace = words
    return f"the set-up script failed: {message}\n\n{trim_trace(trace)}"


def _incomplete(events: list[Event], contents: Contents, status: int) -> str:
    """What is wrong with how the process ended."""
    kinds = [event[1] for event in events]
    if "file" not in kinds:
        return f"the Tcl interpreter {End(status)} before it could source the file"
    if status < 0 or not ("sourced" in kinds or "" in contents.cleaned):
        return f"the process {End(status)} half-way, before the end of the file or cleanupTests"
    return f"the process {End(status)} after cleanupTests" if status else ""
