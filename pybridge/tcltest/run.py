"""Running the selected tests of one file, or of several in one process."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from pybridge.tcltest.characters import printable
from pybridge.tcltest.collection import TclTest, place_of
from pybridge.tcltest.early_end import problem_of_early_end, setup_problem
from pybridge.tcltest.events import Event, Extent
from pybridge.tcltest.file_run import FileRun, Stage
from pybridge.tcltest.outcome import DETAILS, Outcome, Running
from pybridge.tcltest.printed_totals import Results, printed_failures
from pybridge.tcltest.process import End, TclProcess
from pybridge.tcltest.settings import Settings
from pybridge.tcltest.trace import line_of_error, trim_trace

_CUT_OFF = (
    "something has cut off standard output, which is a file, as by opening /dev/stdout to write and not to "
    "append: totals of tests that pytest does not see may be lost"
)


def _problem_of_end(file: FileRun, end: End, *, failed: bool) -> str:
    """What is wrong with how the process ended; a suite may leave with a status because a test failed."""
    if file.stage < (Stage.CLEANED if end.exited else Stage.SOURCED):
        last = f"; the last test before that was {file.last}" if file.last else ""
        return f"the process {end} before the end of the file{last}"
    if end.ok or (end.exited and failed):
        return ""
    though = ", though no test failed" if end.exited else ""
    after = "cleanupTests" if file.stage is Stage.CLEANED else "the end of the file"
    return f"the process {end} after {after}{though}"


class Interrupted(NamedTuple):
    """Where Ctrl-C has interrupted a process, and what the test wrote, or what came since the last one."""

    where: str
    output: tuple[str, str]


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
        self._begun: Extent = (0, 0)  # where in the output the file begins
        self._deadline = 0.0
        self._setup: Path | None = None  # the set-up script, when it has begun
        self._stopped = ""  # why the process was killed

    # -- what items ask ----------------------------------------------------------------------------------

    def reports(
        self, path: Path, test: TclTest, show: Callable[[tuple[str, str]], None] | None = None
    ) -> bool:
        """Wait until it is known whether to report a test, and say so.

        Not if it did not come, or if tcltest's totals do not count it and it went well.

        Args:
            path: the test's file.
            test: the test.
            show: what is called with the lines that the test writes while it runs.
        """
        file = self.files[path]

        def idle() -> None:
            running = self._running_test(file, test)
            if show and running and self._process:
                running.show_lines(self._process, show)

        self._advance(lambda: file.due(test) is not None, idle)
        if not file.due(test):
            return False
        file.reported.add(test.key)
        return True

    def begins(self, path: Path, test: TclTest) -> bool:
        """Wait until a test runs, or until it is known whether to report it; say whether it runs."""
        file = self.files[path]
        self._advance(lambda: bool(self._running_test(file, test)) or file.due(test) is not None)
        return self._running_test(file, test) is not None

    def outcome(self, path: Path, test: TclTest) -> Outcome:
        """Wait until a test has ended, and say what became of it."""
        file = self.files[path]
        self._advance(lambda: file.ended or file.outcome_of(test) is not None)
        without = file.lost or "the file was sourced to its end without this test"
        return file.outcome_of(test) or Outcome("lost", without)

    def finish(self, path: Path) -> FileRun:
        """Wait until a file has ended."""
        file = self.files[path]
        self._advance(lambda: file.ended)
        return file

    def interrupted(self) -> Interrupted | None:
        """Where the process is when the user presses Ctrl-C; None where there is none."""
        process = self._process
        if process is None:
            return None
        for event in process.events():
            self._take(process, event)
        running = self._all_running()
        shown = [each.shown for each in running] or [self._mark]
        output = process.output((max(out for out, _ in shown), max(err for _, err in shown)))
        if self._file is None:
            return Interrupted("before the first test file was sourced", output)
        name = self._file.path.name
        if running:
            seconds = time.time() - running[-1].since / 1e6
            where = f"{printable(running[-1].name)} in {name} had run for {seconds:.1f} seconds"
        else:
            last = f"after {self._file.last}" if self._file.last else "before the first of them"
            where = f"between the tests of {name}, {last}"
        return Interrupted(where, output)

    def close(self) -> None:
        """Stop what still runs; the files that it has not come to get no other process."""
        self._lose_rest("not run: pytest has stopped")
        if self._process is not None:
            self._process.close()
            self._process = None

    def _all_running(self) -> list[Running]:
        return [each for thread in self._running.values() for each in thread]

    def _running_test(self, file: FileRun, test: TclTest) -> Running | None:
        """A test that runs in the file's own interpreter, before the first totals."""
        if file is not self._file or file.counts.totalled:
            return None
        return next(
            (each for each in self._running[""] if each.key == test.key and not each.interpreter), None
        )

    # -- the process -------------------------------------------------------------------------------------

    def _advance(self, enough: Callable[[], bool], idle: Callable[[], None] = lambda: None) -> None:
        while not enough():
            process = self._process or self._start()
            if process is None:
                return
            try:
                ended = not process.watch(partial(self._take_batch, process, enough), idle)
            except pytest.fail.Exception as failure:  # of an alarm: pytest expects none where it waits for us
                self._stopped = f'was killed for "{failure}"'
                process.kill()
            else:
                if ended:
                    self._end_process(process, process.end(self._stopped))

    def _take_batch(self, process: TclProcess, enough: Callable[[], bool], events: list[Event]) -> bool:
        for event in events:
            self._take(process, event)
        if enough():
            return True
        if process.status is None and time.monotonic() > self._deadline:
            self._stopped = self._settings.timed_out
            process.kill()
        return False

    def _start(self) -> TclProcess | None:
        self._planned = [file for file in self.files.values() if not file.ended]
        plan: list[tuple[str, ...]] = [
            ("test", str(int(run)), str(number), test.name, str(test.occurrence), test.interpreter)
            for number, file in enumerate(self._planned)
            for test, run in file.tests.items()
        ]
        plan += [("whole", str(number)) for number, file in enumerate(self._planned) if file.whole]
        self._mark = (0, 0)
        self._file = None
        self._setup = None
        self._stopped = ""
        self._running.clear()
        self._deadline = time.monotonic() + self._settings.timeout
        try:
            self._process = TclProcess(self._settings, "run", [file.path for file in self._planned], plan)
        except OSError as error:
            self._lose_rest(error.strerror or str(error))
        return self._process

    def _end_process(self, process: TclProcess, end: End) -> None:
        """Settle what the process has left open; files that it did not come to get another one."""
        if self._file is not None:
            self._settle(self._file, process, end)
        else:
            written = "".join(f"\n{text}" for text in process.output() if text.strip())
            self._lose_rest(f"{problem_of_early_end(self._setup, end)}{written}")
        self._process = None
        process.close()

    def _lose_rest(self, reason: str, output: tuple[str, str] = ("", "")) -> None:
        """Settle the files that have not ended: there is no process for them."""
        for file in self.files.values():
            if not file.ended:
                file.end(reason, output)

    def _settle(self, file: FileRun, process: TclProcess, end: End) -> None:
        file.stopped = bool(end.stopped)
        died = file.stage is Stage.DIED
        results = self._results(file, process, None)
        if any(each.named for each in results.totals):
            file.stage = max(file.stage, Stage.CLEANED)
        if file.stage is Stage.SOURCED and end.ok:
            self._leave_running(file, process)
        running = self._all_running()
        if running:
            reason = file.problem if died else f"the process {end} while this test ran"
            for each in running:
                file.add(each.key, each.lose(reason, process))
            self._running.clear()
            lost = f"not run: the process {end} while {printable(running[-1].name)} ran"
            file.end(lost, results=results)
            return
        failed = file.failed or (file.whole and any(each.totals[-1] for each in results.totals))
        problem = "" if died else _problem_of_end(file, end, failed=failed)
        file.problem = "\n\n".join(filter(None, (file.problem, problem)))
        lost = f"not run: {problem}" if problem and file.stage < Stage.SOURCED else ""
        file.end(lost, process.output(self._mark), results)

    # -- events ------------------------------------------------------------------------------------------

    def _take(self, process: TclProcess, event: Event) -> None:
        thread, kind, *words = event
        if kind == "file":
            self._begin_file(process, words)
        elif kind == "setup_died":
            self._lose_rest(setup_problem(self._settings.setup, words), process.output())
        elif kind == "setup":
            self._setup = self._settings.setup
        elif self._file is None or (thread and self._planned[int(thread.split()[0])] is not self._file):
            return  # a thread of an earlier file
        elif kind == "begin":
            self._running[thread].append(Running.begin(words, self._mark, process))
        elif kind == "end" or kind in DETAILS:
            self._take_of_test(self._file, process, thread, kind, words)
        else:
            self._take_of_file(self._file, kind, words)

    def _take_of_test(
        self, file: FileRun, process: TclProcess, thread: str, kind: str, words: list[str]
    ) -> None:
        interpreter, *rest = words
        running = self._running[thread]
        # the last to begin there: those that children had begun may never end
        test = next((each for each in reversed(running) if each.interpreter == interpreter), None)
        if test is None:
            return
        if kind != "end":
            test.add(kind, rest)
            return
        running.remove(test)
        outcome, mark = test.end(rest, process)
        self._mark = (max(self._mark[0], mark[0]), max(self._mark[1], mark[1]))
        file.add(test.key, outcome)

    def _begin_file(self, process: TclProcess, words: list[str]) -> None:
        number, out, err = words
        begun = (int(out), int(err))
        if self._file is not None:
            self._leave_running(self._file, process)
            self._file.end("", process.output(self._mark, begun), self._results(self._file, process, begun))
            self._mark = begun  # what the set-up script wrote comes before the first test
        self._file = self._planned[int(number)]
        self._begun = begun
        self._deadline = time.monotonic() + self._settings.timeout

    def _results(self, file: FileRun, process: TclProcess, end: Extent | None) -> Results:
        """What the output since a file began tells; of failures only if totals count any."""
        if process.cut_off and file.whole:  # one that comes later could be cut off unseen
            file.note(_CUT_OFF)
        totals = process.totals(file.names_in_totals, self._begun, end)
        if not any(each.totals[-1] for each in totals):
            return Results(totals)
        written = process.output(self._begun, end)
        return Results(totals, [each for text in written for each in printed_failures(text)])

    def _leave_running(self, file: FileRun, process: TclProcess) -> None:
        """Settle what runs at the end of a file: a coroutine or a thread, or a test that has ended it."""
        for running in self._all_running():
            file.add(running.key, running.lose(file.problem if file.stage is Stage.DIED else "", process))
        self._running.clear()

    def _take_of_file(self, file: FileRun, kind: str, words: list[str]) -> None:
        match [kind, *words]:
            case ["cleanup", interpreter]:
                if not interpreter:
                    file.stage = max(file.stage, Stage.CLEANED)
            case ["sourced"]:
                file.stage = max(file.stage, Stage.SOURCED)
            case ["untold"]:
                file.untold = True
            case ["died", message, trace, *_]:
                line = line_of_error(trace, file.path)
                where = f"{file.path.name}:{line}: " if line else ""
                file.problem = f"the file ends with an error: {where}{message}\n\n{trim_trace(trace)}"
                file.stage = Stage.DIED
            case ["unfound", name, occurrence, interpreter, runs, description, place, number]:
                path = place_of(place, file.path)
                test = TclTest(name, int(occurrence), interpreter, description, path, int(number))
                if runs == "1":
                    file.add_unfound(test)
                else:
                    file.unselected.append(test)
            case ["process", name, message, status]:
                problem = f"{name}, which runAllTests has run, did not end well: {trim_trace(message)}"
                file.note_bad_end(problem, may_be_failure=status == "1")
            case ["reported", interpreter, passed, skipped, failed]:
                file.counts.receive(interpreter, int(passed), int(skipped), int(failed))
            case [_, interpreter, *rest]:
                # all that was added is in what tcltest has counted, and prints now or adds to others
                file.add_unseen(interpreter)
                self._take_of_counts(file, kind, interpreter, rest)

    def _take_of_counts(self, file: FileRun, kind: str, interpreter: str, words: list[str]) -> None:
        match [kind, *words]:
            case ["recounted", theirs, ours]:
                file.recount(interpreter, theirs, ours)
            case ["totals", name]:
                if name:
                    file.names_in_totals.add(name)
                file.counts.note_totals(interpreter, named=bool(name))
            case ["reporting"]:
                file.counts.begin_handing(interpreter)
            case ["handed", _]:
                file.counts.hand(interpreter)
            case ["forgotten"]:
                file.counts.forget(interpreter)
            case ["unprinted"]:
                file.counts.keep_back(interpreter)
