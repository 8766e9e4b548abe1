"""What is known of one file while its tests run, and what is to be reported."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from pybridge.tcltest.characters import printable
from pybridge.tcltest.collection import TclTest
from pybridge.tcltest.counts import STATUSES, Counts, Key
from pybridge.tcltest.outcome import Outcome
from pybridge.tcltest.printed_totals import NO_RESULTS, Printed, Results, Totals

_MOST_STAND_INS = 10_000  # each is a report


class Stage(IntEnum):
    """How far the process of a file has come in it."""

    BEGUN = 0
    CLEANED = 1  # to `cleanupTests`
    SOURCED = 2  # to its last line
    DIED = 3  # to an error that has ended it


@dataclass
class FileRun:
    """What is known of one file: the outcomes so far, and how it ended.

    Args:
        path: the file.
        tests: each test that was found in the file, and whether it runs.
        whole: whether all of them were selected; what was not found runs, too.
        strict_leaks: whether a test fails that leaves handles behind.
        in_setup: the tests of the set-up script.
        counts: which of them the totals count.

    Attributes:
        unfound: the tests that ran, had not been found, and are not reported yet.
        unselected: those that did not run, because not all tests were selected.
        outcomes: by their keys.
        names_in_totals: what the lines of totals begin with that tcltest prints for it.
        reported: the tests that have a report.
        problem: what is wrong with the file as a whole, such as an error after its last test.
        stand_ins: what stands for results that tcltest has counted, and of which no test has told.
        stage: how far it has come.
        lost: why tests without an outcome have none; empty where they just did not come, None before the end.
        trailing: what was written after the last test.
        stopped: whether it took too long.
        untold: whether its process could not tell of some tests.
        explained: whether a report says why the file ended.
    """

    path: Path
    tests: dict[TclTest, bool]
    whole: bool
    strict_leaks: bool
    in_setup: list[TclTest]
    counts: Counts
    unfound: list[TclTest] = field(default_factory=list, init=False)
    unselected: list[TclTest] = field(default_factory=list, init=False)
    outcomes: dict[Key, Outcome] = field(default_factory=dict, init=False)
    names_in_totals: set[str] = field(default_factory=set, init=False)
    reported: set[Key] = field(default_factory=set, init=False)
    problem: str = field(default="", init=False)
    stand_ins: list[TclTest] = field(default_factory=list, init=False)
    stage: Stage = field(default=Stage.BEGUN, init=False)
    lost: str | None = field(default=None, init=False)
    trailing: tuple[str, str] = field(default=("", ""), init=False)
    stopped: bool = field(default=False, init=False)
    untold: bool = field(default=False, init=False)
    explained: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.names_in_totals.add(self.path.name)
        self._bad_end = ""
        self._named = {test.key: test for test in self.tests}
        self._places: dict[Key, int] = {}  # in the order in which the tests ended

    def outcome_of(self, test: TclTest) -> Outcome | None:
        return self.outcomes.get(test.key)

    @property
    def ended(self) -> bool:
        return self.lost is not None

    @property
    def complete(self) -> bool:
        """Whether all of the file was to run and it ran to its end: a test that did not come is not there."""
        return self.whole and self.lost == ""

    @property
    def comparable(self) -> bool:
        """Whether its counts can be those of a run without pytest: all was to run, and not for too long."""
        return self.whole and all(self.tests.values()) and not self.stopped

    @property
    def failed(self) -> bool:
        """Whether any test has failed."""
        return any(outcome.status == "failed" for outcome in self.outcomes.values())

    @property
    def last(self) -> str:
        """The name of the test that was the last to end, as it can be shown; empty when there is none."""
        return next((printable(name) for name, occurrence, _ in reversed(self._places) if occurrence > 0), "")

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

    @property
    def totals(self) -> Totals:
        """How many tests have passed, have been skipped, have failed, each as often as it counts."""
        counted = Counter[str]()
        for key, outcome in self.outcomes.items():
            counted[outcome.status] += self.counts.of(key)
        return tuple(counted[status] for status in STATUSES)

    def add(self, key: Key, outcome: Outcome) -> None:
        self.outcomes[key] = outcome
        self._places[key] = len(self._places)
        if outcome.status != "none":
            self.counts.add(key, outcome.status)

    def recount(self, interpreter: str, theirs: str, ours: str) -> None:
        """Have as many results of each kind as tcltest has counted: a script may have changed its counts.

        Args:
            interpreter: whose tcltest it is.
            theirs, ours: how many have passed, have been skipped, have failed.
        """
        if not self.whole:  # no tclsh tells what a selection counts
            return
        try:
            more = [int(their) - int(our) for their, our in zip(theirs.split(), ours.split(), strict=True)]
            self._change_counts(interpreter, more)
        except ValueError:  # no numbers, or none that can be reported
            self.note(
                f"tcltest counted (passed skipped failed) {theirs}, of which pytest saw {ours}: "
                "a script has changed the counts"
            )

    def add_unseen(self, interpreter: str | None = None) -> None:
        """Add the results that an interpreter, or any, was told of, and no test has told of."""
        for name, *numbers in self.counts.take_unseen(interpreter) if self.whole else ():
            try:
                self._change_counts(name, numbers)
            except ValueError:
                self.note("counts were added to tcltest's of tests that are not seen")

    def _change_counts(self, interpreter: str, numbers: Sequence[int]) -> None:
        """Add results to those of an interpreter: so many that have passed, have been skipped, have failed.

        Raises:
            ValueError: they are too many, or less than none and cannot be taken back.
        """
        self._stand_in(interpreter, numbers)
        for status, number in zip(STATUSES, numbers, strict=True):
            self.counts.take_back(interpreter, status, max(0, -number))

    def _stand_in(self, interpreter: str, numbers: Sequence[int]) -> list[Key]:
        """Add results of which no test has told; return their keys.

        Raises:
            ValueError: they are too many.
        """
        if sum(max(0, number) for number in numbers) > _MOST_STAND_INS:
            raise ValueError(f"over {_MOST_STAND_INS} results")
        statuses = [each for each, number in zip(STATUSES, numbers, strict=True) for _ in range(number)]
        why = "no test told of it: a script has counted it, or it ran where pytest sees no tests"
        keys = []
        first = 1 + sum(test.interpreter == interpreter for test in self.stand_ins)
        for number, status in enumerate(statuses, first):
            test = TclTest.stand_in(self.path, interpreter, number)
            self.stand_ins.append(test)
            self.add_unfound(test)
            self.add(test.key, Outcome(status, why, report=why))
            keys.append(test.key)
        return keys

    def add_unfound(self, test: TclTest) -> None:
        """Take in a test that the search has not found, if no other has the name as it can be told here."""
        if test.key not in self._named:
            self.unfound.append(test)
            self._named[test.key] = test

    def due(self, test: TclTest) -> int | None:
        """How many reports there are to be of a test, as far as is known; None while there may be none."""
        outcome = self.outcome_of(test)
        times = self.counts.of(test.key)
        if times or not (self.ended or (outcome and outcome.status == "none")):
            return times or None
        return int(not self.complete if outcome is None else outcome.fails(self.strict_leaks))

    def beyond_totals(self, test: TclTest) -> bool:
        """Whether tcltest has printed totals, but none that count the test."""
        return self.counts.totalled_any and not self.counts.of(test.key)

    def take_earlier(self, test: TclTest) -> list[TclTest]:
        """The tests that were not found by the search, ended before another, and are to be reported now."""
        last = len(self._places)
        place = self._places.get(test.key, last)
        earlier = [each for each in self.unfound if self._places.get(each.key, last) < place]
        return self._take_unfound(earlier)

    def take_further(self) -> list[TclTest]:
        """The tests to report now that have no item: not found by the search, or counted another time."""
        first = self._take_unfound(self.unfound)
        again = self.counts.again
        self.counts.again = [key for key in again if key not in self.reported]
        return first + [self._named[key] for key in again if key in self.reported]

    def _take_unfound(self, tests: list[TclTest]) -> list[TclTest]:
        due = {test: self.due(test) for test in tests}
        self.unfound = [test for test in self.unfound if due.get(test) is None]
        taken = [test for test, times in due.items() if times]
        self.reported.update(test.key for test in taken)
        return taken

    def end(self, lost: str, trailing: tuple[str, str] = ("", ""), results: Results = NO_RESULTS) -> None:
        """Settle what is open.

        Args:
            lost: why tests without an outcome have none; empty where they just did not come.
            trailing: what was written after the last test.
            results: what its process has printed.
        """
        self.lost = f"not run: {self.problem}" if self.stage is Stage.DIED else lost
        self.trailing = trailing
        self.add_unseen()
        untold = self.without_result + self.never_came
        found = self._settle_counts(results.totals)
        self._explain_stand_ins(results.failures)
        if self.untold and (found < len(untold) or not results.totals):
            self.note("pytest could not be told what became of all tests, and no totals count them")
        self._note_problems()

    def _note_problems(self) -> None:
        """Say what is wrong with the counts, when they are settled, or that a process has ended badly."""
        if self._bad_end and not any(self.outcomes[test.key].status == "failed" for test in self.stand_ins):
            self.note(self._bad_end)
        if self.complete and self.counts.miscounted:
            self.note(
                "tests have counted that are in no totals: tcltest was deleted, or totals were kept back, "
                "or only others were printed"
            )
        if self.complete and not self.outcomes and all(test.stands_in for test in self.tests):
            self.note("no test in this file, though totals counted one when it was searched for tests")

    def _explain_stand_ins(self, failures: Sequence[tuple[str, str]]) -> None:
        """Have the failures of which no test has told show what was printed of them."""
        failed = [(key, each) for key, each in self.outcomes.items() if each.status == "failed"]
        told = Counter(
            name.removeprefix(interpreter) for (name, number, interpreter), _ in failed if number > 0
        )
        untold = []
        for name, text in failures:
            if told[name]:
                told[name] -= 1
            else:
                untold.append(text)
        stand_ins = [outcome for (_, number, _), outcome in failed if number < 0]
        for outcome, text in zip(stand_ins, untold, strict=False):
            outcome.output = (text, "")

    def note_bad_end(self, problem: str, *, may_be_failure: bool) -> None:
        """Take note of how a process of runAllTests has ended.

        Args:
            may_be_failure: whether it is none if a test has failed, also one of which only totals tell.
        """
        if not may_be_failure:
            self.note(problem)
        elif not self.failed:
            self._bad_end = self._bad_end or problem

    def note(self, problem: str) -> None:
        """Take note of a problem, if it is the first."""
        self.problem = self.problem or problem

    def _settle_counts(self, printed: Sequence[Printed]) -> int:
        """Add the results that are in printed totals, and of which nothing has told; return how many.

        There may be less of a kind, where totals went to a file or are in an encoding that is not read here.
        """
        if not self.whole:  # no tclsh tells what a selection counts
            printed = ()
        more = self.counts.end(printed, left_out=list(self.tests.values()).count(False))
        try:
            keys = self._stand_in("", more)
        except ValueError as error:
            self.note(f"totals of tests that pytest does not see: {error}")
            return 0
        self.counts.note_printed(keys)
        return len(keys)
