"""Which results the totals count that tcltest prints: most of them once, some more often or never."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable

from pybridge.tcltest.printed_totals import Printed, Totals, sum_of

Key = tuple[str, int, str]  # a test's name, its occurrence, and the interpreter that it is of
STATUSES = ("passed", "skipped", "failed")  # in the order of tcltest's totals


class Counts:
    """What the tcltest of each interpreter has counted, and what it has printed.

    A tcltest counts until it prints totals, and then begins anew. A child made by `loadIntoChildInterpreter`
    prints none: at each `cleanupTests` it adds all its counts to those of its parent.

    Args:
        wait: whether it is known only at the end that tests of the file's own interpreter count.
    """

    def __init__(self, *, wait: bool = False) -> None:
        self._wait = wait
        self._held: defaultdict[str, list[tuple[Key, str]]] = defaultdict(list)
        self._printed: Counter[Key] = Counter()
        self._assumed: set[Key] = set()
        self._totalled: set[str] = set()
        self._told: list[Printed] = []  # the totals of which interpreters have told
        self._unseen_totals = False  # whether there are totals of which no interpreter has told
        self._kept_back: list[str] = []
        self._reporting: list[str] = []
        self._added: list[tuple[str, int, int, int]] = []
        self._numbers = itertools.count()
        # tests that were counted when totals had counted them already, once for each time
        self.again: list[Key] = []

    def add(self, key: Key, status: str) -> None:
        """Take note of a result."""
        interpreter = key[2]
        self._held[interpreter].append((key, status))
        # in the file's own interpreter, what ends before the first totals is in them, or there are none
        if not (interpreter or self._wait or self.totalled):
            self._assumed.add(key)

    def take_back(self, interpreter: str, status: str, number: int) -> None:
        """Have the last results of a kind count no longer.

        Raises:
            ValueError: there are not so many, or they are taken for counted and may have a report.
        """
        held = self._held[interpreter]
        found = [
            place for place, each in enumerate(held) if each[1] == status and each[0] not in self._assumed
        ]
        if len(found) < number:
            raise ValueError(f"{number} of {len(found)} {status} cannot be taken back")
        for place in reversed(found[len(found) - number :]):
            del held[place]

    def note_totals(self, interpreter: str, *, named: bool) -> None:
        """Take note that totals were printed, and whether with the name of a file."""
        self._told.append(Printed(named, self._totals_of(interpreter)))
        self._count(interpreter)

    def _totals_of(self, interpreter: str) -> Totals:
        statuses = Counter(status for _, status in self._held[interpreter])
        return tuple(statuses[status] for status in STATUSES)

    def _count(self, interpreter: str) -> None:
        self._totalled.add(interpreter)
        for key, _ in self._held.pop(interpreter, []):
            if self._printed[key]:
                self.again.append(key)
            self._printed[key] += 1

    def note_printed(self, keys: Iterable[Key]) -> None:
        """Take note that tests are in totals of which no interpreter has told."""
        self._printed.update(keys)

    def begin_handing(self, interpreter: str) -> None:
        """Take note that an interpreter is about to add its counts to those of another."""
        self._reporting.append(interpreter)
        self._match_reports()

    def hand(self, interpreter: str) -> None:
        """Take note that an interpreter was read by another when it printed totals."""
        self.begin_handing(self._set_aside(interpreter))

    def forget(self, interpreter: str) -> None:
        """Take note that no totals will have what an interpreter has counted: its tcltest is gone."""
        self._set_aside(interpreter)

    def keep_back(self, interpreter: str) -> None:
        """Take note that totals are nowhere yet: the suite may print them later."""
        self._kept_back.append(self._set_aside(interpreter))

    def _set_aside(self, interpreter: str) -> str:
        """Have what an interpreter has counted under another name, which this returns."""
        name = f"{interpreter} {next(self._numbers)}"
        self._held[name] = self._held.pop(interpreter, [])
        return name

    def receive(self, interpreter: str, passed: int, skipped: int, failed: int) -> None:
        """Take note that counts were added to those of an interpreter."""
        self._added.append((interpreter, passed, skipped, failed))
        self._match_reports()

    def _match_reports(self) -> None:
        """Find of which tests the counts are that were added: of two processes, either may tell first."""
        for added in list(self._added):
            interpreter, passed, _, failed = added
            for each in self._reporting:
                ours = self._totals_of(each)
                if (ours[0], ours[2]) == (passed, failed):
                    self._reporting.remove(each)
                    self._added.remove(added)
                    self._held[interpreter] += self._held[each]
                    break

    def take_unseen(self, interpreter: str | None = None) -> list[tuple[str, int, int, int]]:
        """The counts that were added to those of an interpreter, or of any, and of which no test has told."""
        unseen = [added for added in self._added if interpreter in (None, added[0])]
        self._added = [added for added in self._added if added not in unseen]
        return unseen

    def end(self, printed: Iterable[Printed], left_out: int) -> Totals:
        """Settle what is open: where no totals at all are printed, each test counts.

        Args:
            printed: all totals that stand in what the process has written.
            left_out: how many results they have of tests that were not to run.

        Returns:
            What they have more than the tests have told of.
        """
        unseen = list(printed)
        self._unseen_totals = bool(unseen)
        missed = [told for told in self._told if not _take(told, unseen, left_out)]
        self._find_kept_back(unseen)
        missed += self._find_own(unseen)
        if not self.totalled_any:
            self._assumed.update(key for held in self._held.values() for key, _ in held)
        return _rest(unseen, missed)

    def _find_kept_back(self, unseen: list[Printed]) -> None:
        """Have tests count whose totals were printed after all, and take these out of the others."""
        for name in self._kept_back:
            totals = self._totals_of(name)
            if any(totals) and any(_take(Printed(named, totals), unseen, 0) for named in (False, True)):
                self._count(name)

    def _find_own(self, unseen: list[Printed]) -> list[Printed]:
        """Have the file's own tests count, if they may be in its totals and nobody could tell of these.

        Returns:
            What they have of them.
        """
        named = [each for each in unseen if each.named]
        own = Printed(True, self._totals_of(""))
        has_more = any(_rest([own], named))
        if self.totalled or not named or has_more:
            return []
        self._count("")
        return [own]

    @property
    def miscounted(self) -> bool:
        """Whether tests have been taken for counted that are in no totals, though there are some."""
        return self.totalled_any and not all(self._printed[key] for key in self._assumed)

    @property
    def totalled_any(self) -> bool:
        """Whether any totals have been printed."""
        return bool(self._totalled) or self._unseen_totals

    @property
    def totalled(self) -> bool:
        """Whether the file's own interpreter has printed totals."""
        return "" in self._totalled

    def of(self, key: Key) -> int:
        """How often a test has been counted, as far as is known."""
        return self._printed[key] or int(key in self._assumed)


def _take(told: Printed, unseen: list[Printed], left_out: int) -> bool:
    """Take totals of which an interpreter has told out of those that were printed; whether they are there."""
    for each in unseen:
        (passed, skipped, failed), ours = each.totals, told.totals
        alike = (each.named, passed, failed) == (told.named, ours[0], ours[2])
        if alike and 0 <= skipped - ours[1] <= left_out:
            unseen.remove(each)
            return True
    return False


def _rest(unseen: list[Printed], missed: list[Printed]) -> Totals:
    """What is in totals that no interpreter has told so.

    Args:
        unseen: the totals that were printed.
        missed: those that should have been; a script may have changed the counts, or they are in pieces.
    """
    rest: Totals = (0, 0, 0)
    for named in (False, True):
        there, told = (
            sum_of(each for each in lines if each.named is named) or (0, 0, 0) for lines in (unseen, missed)
        )
        more = (max(0, number - known) for number, known in zip(there, told, strict=True))
        rest = tuple(map(sum, zip(rest, more, strict=True)))
    return rest
