"""Running the selected tests of one file, or of several in one process."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pybridge.tcltest.collection import TclTest, setup_problem
from pybridge.tcltest.counts import Counts, Key
from pybridge.tcltest.outcome import Outcome, Running
from pybridge.tcltest.process import End, Event, Extent, TclProcess
from pybridge.tcltest.settings import Settings
from pybridge.tcltest.trace import line_of_error, trim_trace


@dataclass
class FileRun:
    """What is known of one file: the outcomes so far, and how it ended.

    Args:
        path: the file.
        tests: each test that was found in the file, and whether it runs.
        whole: whether all of them were selected; what was not found runs, too.
        unfound: the tests that ran, had not been found, and are not reported yet.
        left_out: those that did not run, because not all tests were selected.
        outcomes: by name and occurrence.
        counts: which of them the totals count.
        reported: the tests that have a report.
        problem: what is wrong with the file as a whole, such as an error after its last test.
        lost: why tests without an outcome have none; set when the file has ended.
        trailing: what was written after the last test.
        ended, cleaned, sourced: whether its process has come to its end, to `cleanupTests`, to its last line.
        explained: whether a report says why the file ended.
    """

    path: Path
    tests: dict[TclTest, bool]
    whole: bool
    unfound: list[TclTest] = field(default_factory=list)
    left_out: list[TclTest] = field(default_factory=list)
    outcomes: dict[Key, Outcome] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    reported: set[Key] = field(default_factory=set)
    problem: str = ""
    lost: str = ""
    trailing: tuple[str, str] = ("", "")
    ended: bool = False
    cleaned: bool = False
    sourced: bool = False
    explained: bool = False

    def __post_init__(self) -> None:
        self._named = {test.key: test for test in self.tests}
        self._places: dict[Key, int] = {}  # in the order in which the tests ended

    def outcome_of(self, test: TclTest) -> Outcome | None:
        return self.outcomes.get(test.key)

    @property
    def complete(self) -> bool:
        """Whether all of the file was to run and it ran to its end: a test that did not come is not there."""
        return self.ended and self.whole and not (self.problem or self.lost)

    @property
    def failed(self) -> bool:
        """Whether any test has failed."""
        return any(outcome.status == "failed" for outcome in self.outcomes.values())

    @property
    def never_came(self) -> list[TclTest]:
        if not self.complete:
            return []
        return [test for test, runs in self.tests.items() if runs and self.outcome_of(test) is None]

    @property
    def uncounted(self) -> list[TclTest]:
        """The tests that went well, and that no totals count."""
        well = self._with_status("passed", "skipped")
        return [test for test in well if not self.counts.of(test.key)]

    @property
    def without_result(self) -> list[TclTest]:
        return self._with_status("none")

    def _with_status(self, *statuses: str) -> list[TclTest]:
        return [self._named[key] for key, outcome in self.outcomes.items() if outcome.status in statuses]

    def add(self, running: Running, outcome: Outcome) -> None:
        self.outcomes[running.key] = outcome
        self._places[running.key] = len(self._places)
        if outcome.status != "none":
            self.counts.add(outcome.interpreter, running.key, outcome.status)

    def add_unfound(self, test: TclTest) -> None:
        """Take in a test that the search has not found, if no other has the name as it can be told here."""
        if test.key not in self._named:
            self.unfound.append(test)
            self._named[test.key] = test

    def due(self, test: TclTest, strict_leaks: bool) -> int | None:
        """How many reports there are to be of a test, as far as is known; None while there may be none."""
        outcome = self.outcome_of(test)
        times = self.counts.of(test.key)
        if times or not (self.ended or (outcome and outcome.status == "none")):
            return times or None
        return int(not self.complete if outcome is None else outcome.fails(strict_leaks))

    def beyond_totals(self, test: TclTest) -> bool:
        """Whether tcltest has printed totals, but none that count the test."""
        return self.counts.totalled_any and not self.counts.of(test.key)

    def take_earlier(self, test: TclTest, strict_leaks: bool) -> list[TclTest]:
        """The tests that were not found by the search, ended before another, and are to be reported now."""
        last = len(self._places)
        place = self._places.get(test.key, last)
        earlier = [each for each in self.unfound if self._places.get(each.key, last) < place]
        return self._take_unfound(earlier, strict_leaks)

    def take_further(self, strict_leaks: bool) -> list[TclTest]:
        """The tests to report now that have no item: not found by the search, or counted another time."""
        first = self._take_unfound(self.unfound, strict_leaks)
        again = self.counts.again
        self.counts.again = [key for key in again if key not in self.reported]
        return first + [self._named[key] for key in again if key in self.reported]

    def _take_unfound(self, tests: list[TclTest], strict_leaks: bool) -> list[TclTest]:
        due = {test: self.due(test, strict_leaks) for test in tests}
        self.unfound = [test for test in self.unfound if due.get(test) is None]
        taken = [test for test, times in due.items() if times]
        self.reported.update(test.key for test in taken)
        return taken

    def end(self) -> None:
        self.ended = True
        problem = self.counts.end()
        self.problem = self.problem or problem


def _problem_of_end(file: FileRun, end: End) -> str:
    """What is wrong with how the process ended; a suite may leave with a status because a test failed."""
    if not file.sourced and not (file.cleaned and end.exited):
        return f"the process {end} before the end of the file"
    if end.ok or (end.exited and file.failed):
        return ""
    though = ", though no test failed" if end.exited else ""
    return f"the process {end} after {'the end of the file' if file.sourced else 'cleanupTests'}{though}"


class Run:
    """One process after the other, until each file has ended.

    Args:
        settings: how to run.
        files: what is to run.
    """

    def __init__(self, settings: Settings, files: Iterable[FileRun]) -> None:
        self._settings = settings
        self.files = {file.path: file for file in files}
        self._process: TclProcess | None = None
        self._planned: list[FileRun] = []
        self._file: FileRun | None = None
        # by thread; several where a test's body has a child run tests
        self._running: defaultdict[str, list[Running]] = defaultdict(list)
        self._mark: Extent = (0, 0)
        self._deadline = 0.0

    # -- what items ask ----------------------------------------------------------------------------------

    def reports(self, path: Path, test: TclTest) -> bool:
        """Wait until it is known whether to report a test, and say so.

        Not if it did not come, or if tcltest's totals do not count it and it went well.
        """
        file, strict = self.files[path], self._settings.strict_leaks
        self._advance(lambda: file.due(test, strict) is not None)
        if not file.due(test, strict):
            return False
        file.reported.add(test.key)
        return True

    def begins(self, path: Path, test: TclTest) -> bool:
        """Wait until a test runs, or until it is known whether to report it; say whether it runs."""
        file, strict = self.files[path], self._settings.strict_leaks
        self._advance(lambda: self._is_running(file, test) or file.due(test, strict) is not None)
        return self._is_running(file, test)

    def outcome(self, path: Path, test: TclTest) -> Outcome:
        """Wait until a test has ended, and say what became of it."""
        file = self.files[path]
        self._advance(lambda: file.ended or file.outcome_of(test) is not None)
        without = file.lost or "the file was sourced to its end without this test"
        return file.outcome_of(test) or Outcome("lost", without)

    def take_earlier(self, path: Path, test: TclTest) -> list[TclTest]:
        """The tests without an item that ended before another; each is given once."""
        return self.files[path].take_earlier(test, self._settings.strict_leaks)

    def take_further(self, path: Path) -> list[TclTest]:
        """The tests to report now that have no item; each is given once."""
        return self.files[path].take_further(self._settings.strict_leaks)

    def finish(self, path: Path) -> FileRun:
        """Wait until a file has ended."""
        file = self.files[path]
        self._advance(lambda: file.ended)
        return file

    def close(self) -> None:
        """Stop what still runs; the files that it has not come to get no other process."""
        for file in self.files.values():
            if not file.ended:
                file.lost = "not run: pytest has stopped"
                file.end()
        if self._process is not None:
            self._process.close()
            self._process = None

    def _is_running(self, file: FileRun, test: TclTest) -> bool:
        """Whether a test runs in the file's own interpreter, before the first totals."""
        running = [each.key for each in self._running[""] if not each.details.interpreter]
        return file is self._file and test.key in running and not file.counts.totalled()

    # -- the process -------------------------------------------------------------------------------------

    def _advance(self, enough: Callable[[], bool]) -> None:
        while not enough():
            process = self._process or self._start()
            if process is None:
                return
            stopped = ""
            for events in process.watch():
                for event in events:
                    self._take(process, event)
                if enough():
                    return
                if process.status is None and time.monotonic() > self._deadline:
                    stopped = f"was stopped after {self._settings.timeout:g} seconds (tcltest_timeout)"
                    process.kill()
            self._end_process(process, End(process.status or 0, stopped))

    def _start(self) -> TclProcess | None:
        self._planned = [file for file in self.files.values() if not file.ended]
        plan: list[tuple[str, ...]] = [
            ("test", str(int(run)), str(number), test.name, str(test.occurrence))
            for number, file in enumerate(self._planned)
            for test, run in file.tests.items()
        ]
        plan += [("whole", str(number)) for number, file in enumerate(self._planned) if file.whole]
        self._mark = (0, 0)
        self._file = None
        self._running.clear()
        self._deadline = time.monotonic() + self._settings.timeout
        try:
            self._process = TclProcess(self._settings, "run", [file.path for file in self._planned], plan)
        except OSError as error:
            for file in self._planned:
                file.lost = error.strerror or str(error)
                file.end()
        return self._process

    def _end_process(self, process: TclProcess, end: End) -> None:
        """Settle what the process has left open; files that it did not come to get another one."""
        if self._file is not None:
            self._settle(self._file, process, end)
        else:
            for file in self.files.values():
                if not file.ended:
                    file.lost = f"the Tcl interpreter {end} before it could source the file"
                    file.lost += "".join(f"\n{text}" for text in process.output((0, 0), None) if text.strip())
                    file.end()
        self._process = None
        process.close()

    def _settle(self, file: FileRun, process: TclProcess, end: End) -> None:
        if file.sourced and end.ok and not file.problem:
            self._leave_running(file, process)
        running = [each for thread in self._running.values() for each in thread]
        if running:
            reason = file.problem or f"the process {end} while this test ran"
            for each in running:
                file.add(each, each.lose(reason, process))
            file.lost = file.lost or f"not run: the process {end} while {running[-1].name} ran"
            self._running.clear()
            file.end()
            return
        file.trailing = process.output(self._mark, None)
        file.problem = file.problem or _problem_of_end(file, end)
        if file.problem:
            file.lost = file.lost or (file.problem if file.sourced else f"not run: {file.problem}")
        file.end()

    # -- events ------------------------------------------------------------------------------------------

    def _take(self, process: TclProcess, event: Event) -> None:
        thread, kind, *words = event
        if kind == "file":
            self._begin_file(process, words)
        elif kind == "setup_died":
            for file in self.files.values():
                file.lost = file.lost or setup_problem(words)
                file.end()
        elif self._file is None or (thread and self._planned[int(thread.split()[0])] is not self._file):
            return  # a thread of an earlier file
        elif kind == "begin":
            self._running[thread].append(Running.begin(words, self._mark, process))
        elif kind in ("problem", "errorinfo", "end"):
            self._take_of_test(self._file, process, thread, kind, words)
        else:
            self._take_of_file(self._file, kind, words)

    def _take_of_test(
        self, file: FileRun, process: TclProcess, thread: str, kind: str, words: list[str]
    ) -> None:
        interpreter, *rest = words
        running = self._running[thread]
        # the last to begin there: those that children had begun may never end
        test = next((each for each in reversed(running) if each.details.interpreter == interpreter), None)
        if test is None:
            return
        if kind != "end":
            test.add(kind, rest)
            return
        running.remove(test)
        outcome, mark = test.end(rest, process)
        self._mark = (max(self._mark[0], mark[0]), max(self._mark[1], mark[1]))
        file.add(test, outcome)

    def _begin_file(self, process: TclProcess, words: list[str]) -> None:
        number, out, err = words
        if self._file is not None:
            self._leave_running(self._file, process)
            self._file.trailing = process.output(self._mark, (int(out), int(err)))
            self._file.end()
        self._mark = (int(out), int(err))
        self._file = self._planned[int(number)]
        self._deadline = time.monotonic() + self._settings.timeout

    def _leave_running(self, file: FileRun, process: TclProcess) -> None:
        """Settle what runs at the end of a file: a coroutine or a thread that nothing has waited for."""
        for running in (each for thread in self._running.values() for each in thread):
            file.add(running, running.lose("", process))
        self._running.clear()

    def _take_of_file(self, file: FileRun, kind: str, words: list[str]) -> None:
        if kind == "cleanup":
            file.cleaned = file.cleaned or not words[0]
        elif kind == "sourced":
            file.sourced = True
        elif kind == "died":
            line = line_of_error(words[1], file.path)
            where = f"{file.path.name}:{line}: " if line else ""
            file.problem = f"the file ends with an error: {where}{words[0]}\n\n{trim_trace(words[1])}"
            file.lost = "not run: " + file.problem
            file.sourced = True
        elif kind == "unfound":
            name, occurrence, runs, description, place, number = words
            path = Path(place) if place else file.path
            test = TclTest(name, int(occurrence), description, path, int(number))
            if runs == "1":
                file.add_unfound(test)
            else:
                file.left_out.append(test)
        elif kind == "process":
            name, message, status = words
            if status == "0" or not file.failed:  # a suite may leave with a status because a test failed
                file.problem = (
                    file.problem or f"{name}, which runAllTests has run, did not end well: {message}"
                )
        elif kind == "miscounted":
            file.problem = file.problem or (
                f"tcltest counted (total passed skipped failed) {words[0]}, of which pytest saw {words[1]}: "
                "some test is not seen, or the counts were changed"
            )
        else:
            self._take_counts(file.counts, kind, words)

    def _take_counts(self, counts: Counts, kind: str, words: list[str]) -> None:
        if kind == "totals":
            counts.print(*words)
        elif kind == "reporting":
            counts.begin_report(*words)
        elif kind == "handed":
            counts.hand(*words)
        elif kind == "forgotten":
            counts.forget(*words)
        elif kind == "reported":
            interpreter, _, passed, _, failed = words
            counts.report(interpreter, int(passed), int(failed))
