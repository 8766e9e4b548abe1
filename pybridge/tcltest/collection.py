"""Which tests a file has: found by sourcing it in a process of its own, in which no test runs.

Where the code between the tests fails then, it may need what the body of a test does: the file gets a
rehearsal, another process in which the tests run.
"""

import os
import re
import stat
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pybridge.tcltest.characters import printable
from pybridge.tcltest.counts import Key
from pybridge.tcltest.early_end import problem_of_early_end, setup_problem
from pybridge.tcltest.events import Event
from pybridge.tcltest.printed_totals import Printed, sum_of
from pybridge.tcltest.process import End, TclProcess
from pybridge.tcltest.settings import Settings
from pybridge.tcltest.trace import line_of_error, trim_trace

_MANY_TESTS, _MOST_TESTS = 1_000, 1_000_000  # a loop that does not end makes any number


@dataclass(frozen=True)
class TclTest:
    """One call of tcltest's `test`.

    Args:
        name: the test's name.
        occurrence: 1 for the first test of that name in its interpreter, 2 for the next; -1, -2 and so on for
            what stands for results of which no test has told.
        interpreter: what the names of tests begin with in its interpreter; one of another may have its name.
        description: its description.
        path: the file in which the call stands.
        line: the line in that file, from 1.
    """

    name: str
    occurrence: int
    interpreter: str
    description: str
    path: Path
    line: int

    @classmethod
    def stand_in(cls, path: Path, interpreter: str = "", number: int = 1) -> "TclTest":
        """What stands for a result that is in tcltest's totals, and of which no test has told."""
        # a test of the suite may have that name, but none has such an occurrence
        return cls(f"{interpreter}(counted)", -number, interpreter, "no test told of it", path, 1)

    @property
    def stands_in(self) -> bool:
        return self.occurrence < 0

    @property
    def key(self) -> Key:
        return self.name, self.occurrence, self.interpreter


@dataclass
class Contents:
    """What a file holds: its tests, and what is wrong with it.

    Args:
        tests: in the order in which they came; where only totals tell of some, what stands for them.
        in_setup: those of the set-up script, which are not the file's.
        problem: what is wrong.
        cut_short: whether it is to be sourced once more, tests and all: it may lack what no test has done.
        searched: whether the search came to its end, or to cleanupTests.
        cleaned: the interpreters that have called cleanupTests to print totals.
        forgotten: those in which one tcltest has followed another.
        changes_counts: whether it seems to change what tcltest has counted.
        mentions_cleanup: whether `cleanupTests` stands anywhere in it.
        rewritten: whether the file has opened itself to write, or put another in its place.
        line: the line at which the problem shows, from 1; 0 when there is none.
        output: what was written to standard output and standard error.
    """

    tests: list[TclTest] = field(default_factory=list)
    in_setup: list[TclTest] = field(default_factory=list)
    problem: str = ""
    cut_short: bool = False
    searched: bool = False
    cleaned: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    changes_counts: bool = False
    mentions_cleanup: bool = False
    rewritten: bool = False
    line: int = 0
    output: tuple[str, str] = ("", "")

    @property
    def may_lack_tests(self) -> bool:
        """Whether the file may have tests that are not found."""
        return not (self.searched and self.tests)

    @property
    def counts_late(self) -> bool:
        """Whether it is known only at the end that tests of the file's own interpreter count."""
        # the only totals may be those of another: of a child that a body makes, or where the file ends early
        another = any(self.cleaned) or (self.mentions_cleanup and "" not in self.cleaned)
        return another or self.changes_counts or "" in self.forgotten


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
        stopped = _watch(process, settings, events)
        contents.output = process.output()
        kinds = [event[1] for event in events]
        if "file" not in kinds:
            contents.problem = _problem_before(settings, events, process.end(stopped))
            return
        contents.cut_short = bool(stopped)
        if stopped and len(events) > _MANY_TESTS:
            made = f" and made {kinds.count('test'):,} tests" if len(events) <= _MOST_TESTS else ""
            contents.problem = f"sourcing the file {stopped}{made}"
            return
        begin = kinds.index("file")
        *_, out, err = events[begin]
        contents.in_setup = _tests(events[:begin], path)
        _read(events[begin:], path, contents)
        _look_at_totals(process.totals([path.name], (int(out), int(err)), None), path, mode, contents)
        if not contents.problem:
            _judge_end(contents, path, process.end(stopped))
    except KeyboardInterrupt as interrupt:
        events += process.events()
        found = _tests(events, path)
        last = f"; the last test found was {printable(found[-1].name)}" if found else ""
        interrupt.args = (f"while {path.name} was searched for tests{last}",)
        raise
    finally:  # Ctrl-C is no reason to leave a file rewritten
        process.kill()
        contents.rewritten = any(event[1] == "rewritten" for event in events + process.events())
        process.close()


def _problem_before(settings: Settings, events: list[Event], end: End) -> str:
    """Why a process has ended before it came to the file."""
    setup = settings.setup if any(event[1] == "setup" for event in events) else None
    died = next((words for _, kind, *words in events if kind == "setup_died"), None)
    return setup_problem(setup, died) if died else problem_of_early_end(setup, end)


def _watch(process: TclProcess, settings: Settings, events: list[Event]) -> str:
    """Take in the events of a process until it has ended; say why it was stopped, if it was."""
    deadline = time.monotonic() + settings.timeout
    stopped = ""

    def take(batch: list[Event]) -> bool:
        nonlocal stopped
        events.extend(batch)
        if stopped:
            return False
        if len(events) > _MOST_TESTS:
            stopped = f"made more than {_MOST_TESTS:,} tests and did not end"
        elif time.monotonic() > deadline:
            stopped = settings.timed_out
        if stopped:
            process.kill()
        return False

    process.watch(take)
    return stopped


def _read(events: list[Event], path: Path, contents: Contents) -> None:
    contents.tests = _tests(events, path)
    for _, kind, *words in events:
        if kind == "cleanup":
            contents.cleaned.add(words[0])
        elif kind == "forgotten":
            contents.forgotten.add(words[0])
        elif kind == "changes_counts":
            contents.changes_counts = True
        elif kind == "mentions_cleanup":
            contents.mentions_cleanup = True
        elif kind == "sourced":
            contents.searched = True
        elif kind == "died":
            contents.cut_short = True
            contents.line = line_of_error(words[1], path)
            contents.problem = f"{words[0]}\n\n{trim_trace(words[1])}" if words[1] else words[0]


def place_of(file: str, path: Path) -> Path:
    """The file in which a test stands, of which a process has told; its test file where the name is empty.

    One in a zip file system of Tcl 9 begins with two slashes, of which pytest can make no relative path.
    """
    return Path(re.sub("^/+", "/", file)) if file else path


def _tests(events: list[Event], path: Path) -> list[TclTest]:
    tests = []
    uses: Counter[tuple[str, str]] = Counter()
    for _, kind, *words in events:
        if kind == "test":
            name, interpreter, description, file, line = words
            uses[name, interpreter] += 1
            place = place_of(file, path)
            tests.append(TclTest(name, uses[name, interpreter], interpreter, description, place, int(line)))
    return tests


def _look_at_totals(printed: list[Printed], path: Path, mode: str, contents: Contents) -> None:
    """Take note of totals that count other tests than were found, which run in a rehearsal alone."""
    if any(each.named for each in printed):
        contents.cleaned.add("")
    counted = sum(sum_of(printed) or ())
    if printed and counted != (len(contents.tests) if mode == "rehearse" else 0):
        contents.changes_counts = True
        contents.tests = contents.tests or [TclTest.stand_in(path)]


def _judge_end(contents: Contents, path: Path, end: End) -> None:
    """Say what is wrong with how the process ended, or with what was found until then.

    Where no test runs, a script that looks at its results may end with another status, or sooner: of a status
    that comes after all tests the run is to tell.
    """
    finished = "the end of the file" if contents.searched else "cleanupTests"
    contents.searched = contents.searched or "" in contents.cleaned
    contents.cut_short = contents.cut_short or not contents.searched
    if end.stopped:
        contents.problem = f"sourcing the file {end.stopped}"
    elif not contents.searched:
        contents.problem = f"the process {end} half-way, before the end of the file or cleanupTests"
    else:
        complaint = "" if contents.tests else "no test in this file"
        contents.problem = complaint if end.exited else f"the process {end} after {finished}"
        return
    if contents.tests and not contents.tests[-1].stands_in:
        last = contents.tests[-1]
        contents.problem += f"; the last test before that was {printable(last.name)}"
        contents.line = last.line if last.path == path else 0
