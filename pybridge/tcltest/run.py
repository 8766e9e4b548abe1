"""Running the selected tests of one file, or of several in one process."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pybridge.tcltest.collection import TclTest, setup_problem
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
        unfound: the tests that ran and had not been found.
        left_out: the names of those that did not run, because not all tests were selected.
        outcomes: by name and occurrence.
        problem: what is wrong with the file as a whole, such as an error after its last test.
        lost: why tests without an outcome have none; set when the file has ended.
        trailing: what was written after the last test.
        ended, cleaned, sourced: whether its process has come to its end, to `cleanupTests`, to its last line.
        totalled: the interpreters in which `cleanupTests` has printed totals.
        told: whether a report says why the file ended.
    """

    path: Path
    tests: dict[TclTest, bool]
    whole: bool
    unfound: list[TclTest] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    outcomes: dict[tuple[str, int], Outcome] = field(default_factory=dict)
    problem: str = ""
    lost: str = ""
    trailing: tuple[str, str] = ("", "")
    ended: bool = False
    cleaned: bool = False
    sourced: bool = False
    totalled: set[str] = field(default_factory=set)
    told: bool = False

    def outcome_of(self, test: TclTest) -> Outcome | None:
        return self.outcomes.get((test.name, test.occurrence))

    @property
    def complete(self) -> bool:
        """Whether all of the file was to run and it ran to its end: a test that did not come is not there."""
        return self.ended and self.whole and not (self.problem or self.lost)

    @property
    def never_came(self) -> list[TclTest]:
        if not self.complete:
            return []
        return [test for test, runs in self.tests.items() if runs and self.outcome_of(test) is None]

    def add(self, running: Running, outcome: Outcome) -> None:
        # in the file's own interpreter, what ends before the first totals is in them, or there are none
        if outcome.interpreter or "" in self.totalled:
            outcome.counted = None if outcome.status in ("passed", "skipped") else True
        self.outcomes[running.name, running.occurrence] = outcome

    def print_totals(self, interpreter: str) -> None:
        """Take note that tcltest has printed totals, which count all that is not yet counted."""
        self.totalled.add(interpreter)
        for outcome in self._open():
            if outcome.interpreter == interpreter:
                outcome.counted = True

    def report(self, interpreter: str, parent: str) -> None:
        """Take note that the tests of an interpreter will be in the totals of its parent."""
        for outcome in self._open():
            if outcome.interpreter == interpreter:
                outcome.interpreter = parent
                outcome.counted = None if parent or parent in self.totalled else True

    def end(self) -> None:
        """Settle what is open: no test is left out of a file that prints no totals at all."""
        self.ended = True
        for outcome in self._open():
            outcome.counted = not self.totalled

    def _open(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes.values() if outcome.counted is None]


def _problem_of_end(file: FileRun, end: End) -> str:
    """What is wrong with how the process ended; a suite may leave with a status because a test failed."""
    if not file.sourced and not (file.cleaned and end.exited):
        return f"the process {end} before the end of the file"
    failed = any(outcome.status == "failed" for outcome in file.outcomes.values())
    if end.ok or (end.exited and failed):
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
        self._running: list[Running] = []  # several where a test's body has a child run tests
        self._mark: Extent = (0, 0)
        self._deadline = 0.0

    # -- what items ask ----------------------------------------------------------------------------------

    def reports(self, path: Path, test: TclTest) -> bool:
        """Wait until it is known whether to report a test, and say so.

        Not if it did not come, or if tcltest's totals do not count it and it went well.
        """
        file = self.files[path]
        self._advance(lambda: file.ended or self._reports(file, test) is not None)
        return self._reports(file, test) is not False

    def _reports(self, file: FileRun, test: TclTest) -> bool | None:
        outcome = file.outcome_of(test)
        if outcome is not None:
            return True if outcome.fails(self._settings.strict_leaks) else outcome.counted
        if file.ended:
            return not file.complete
        return True if self._is_running(file, test) and "" not in file.totalled else None

    def outcome(self, path: Path, test: TclTest) -> Outcome:
        """Wait until a test has ended, and say what became of it."""
        file = self.files[path]
        self._advance(lambda: file.ended or file.outcome_of(test) is not None)
        without = file.lost or "the file was sourced to its end without this test"
        return file.outcome_of(test) or Outcome("lost", without)

    def take_unfound(self, path: Path) -> list[TclTest]:
        """The tests that the search had not found and that are to be reported now; each is told once."""
        file = self.files[path]
        known = [(test, self._reports(file, test)) for test in file.unfound]
        file.unfound = [test for test, reported in known if reported is None]
        return [test for test, reported in known if reported]

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
        """Whether a test runs in the file's own interpreter."""
        key = (test.name, test.occurrence)
        running = (each for each in self._running if not each.details.interpreter)
        return file is self._file and key in [(each.name, each.occurrence) for each in running]

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
        self._running = []
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
        if self._running:
            reason = file.problem or f"the process {end} while this test ran"
            for running in self._running:
                file.add(running, running.lose(reason, process))
            file.lost = file.lost or f"not run: the process {end} while {self._running[-1].name} ran"
            self._running = []
            file.end()
            return
        file.trailing = process.output(self._mark, None)
        file.problem = file.problem or _problem_of_end(file, end)
        if file.problem:
            file.lost = file.lost or (file.problem if file.sourced else f"not run: {file.problem}")
        file.end()

    # -- events ------------------------------------------------------------------------------------------

    def _take(self, process: TclProcess, event: Event) -> None:
        kind, *words = event
        if kind == "file":
            self._begin_file(process, words)
        elif kind == "setup_died":
            for file in self.files.values():
                file.lost = file.lost or setup_problem(words)
                file.end()
        elif self._file is None:
            return
        elif kind == "begin":
            self._running.append(Running.begin(words, self._mark, process))
        elif kind in ("problem", "errorinfo") and self._running:
            self._running[-1].add(kind, words)
        elif kind == "end" and self._running:
            running = self._running.pop()
            outcome, self._mark = running.end(words, process)
            self._file.add(running, outcome)
        else:
            self._take_of_file(self._file, kind, words)

    def _begin_file(self, process: TclProcess, words: list[str]) -> None:
        number, out, err = words
        if self._file is not None:
            self._file.trailing = process.output(self._mark, (int(out), int(err)))
            self._file.end()
        self._mark = (int(out), int(err))
        self._file = self._planned[int(number)]
        self._deadline = time.monotonic() + self._settings.timeout

    def _take_of_file(self, file: FileRun, kind: str, words: list[str]) -> None:
        if kind == "cleanup":
            file.cleaned = True
        elif kind == "sourced":
            file.sourced = True
        elif kind == "died":
            line = line_of_error(words[1], file.path)
            where = f"{file.path.name}:{line}: " if line else ""
            file.problem = f"the file ends with an error: {where}{words[0]}\n\n{trim_trace(words[1])}"
            file.lost = "not run: " + file.problem
            file.sourced = True
        elif kind == "totals":
            file.print_totals(*words)
        elif kind == "reported":
            file.report(*words)
        elif kind == "unfound":
            name, occurrence, runs, description, place, number = words
            if runs == "1":
                path = Path(place) if place else file.path
                file.unfound.append(TclTest(name, int(occurrence), description, path, int(number)))
            else:
                file.left_out.append(name)
        elif kind == "miscounted":
            file.problem = file.problem or (
                f"tcltest counted (total passed skipped failed) {words[0]}, of which pytest saw {words[1]}: "
                "some test is not seen, or the counts were changed"
            )
