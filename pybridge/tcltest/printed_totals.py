"""The totals that stand in what a process has written, and what tcltest prints of failures."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

Totals = tuple[int, ...]  # how many tests have passed, have been skipped, have failed


class Printed(NamedTuple):
    """A line of totals.

    Args:
        named: whether it begins with the name of a file.
        totals: what it says.
    """

    named: bool
    totals: Totals


class Results(NamedTuple):
    """What an output tells of tests.

    Args:
        totals: all totals of a file, and of none, in the order in which they stand there.
        failures: which tests have failed, and what is told of each.
    """

    totals: Sequence[Printed] = ()
    failures: Sequence[tuple[str, str]] = ()


NO_RESULTS = Results()

_COUNTS = re.compile(rb":\tTotal\t\d+\tPassed\t(\d+)\tSkipped\t(\d+)\tFailed\t(\d+)")
_FAILED = re.compile(r"^==== (.*?) +FAILED$", re.MULTILINE)
_LONGEST = 2_000  # bytes: more than the name of a file and its totals have
_BLOCK = 1_000_000  # bytes


def printed_totals(
    stream: BinaryIO, names: Iterable[str], start: int = 0, end: int | None = None
) -> list[Printed]:
    """All totals of some files, and of none, in the order in which they stand there.

    A test may print totals of another program, such as a tcltest that it tests: those of other names are left
    out. Those without one, as of child interpreters, may be of a tcltest that pytest has not seen.

    Args:
        stream: where they are looked for.
        names: what the lines begin with that tcltest prints for the files.
        start, end: between which places of the stream, in bytes; None is its end.
    """
    # a name that only ends so is another file's; the totals of a program that `exec` has run have no newline
    after = r"\A|\tFailed\t\d+"
    alternatives = "|".join(map(_pattern, sorted(names)))
    before = re.compile(
        rf"(?:(?:{after}|[^\w\x80-\xff-])({alternatives})|(?:{after}|\s))\Z".encode("latin-1")
    )
    return [
        Printed(begin[1] is not None, tuple(map(int, counts.groups())))
        for text, counts in _counts(stream, start, end)
        if (begin := before.search(text[max(0, counts.start() - _LONGEST) : counts.start()]))
    ]


def printed_failures(text: str) -> list[tuple[str, str]]:
    """The names of the tests that have failed in an output, and what tcltest tells of each."""
    failures = []
    begin = None
    for line in _FAILED.finditer(text):
        # the first line has the description, too
        if begin and f"{begin[1]} ".startswith(f"{line[1]} "):
            failures.append((line[1], text[begin.start() : line.end()]))
            begin = None
        else:
            begin = line
    return failures


def sum_of(printed: Iterable[Printed]) -> Totals | None:
    """The sum of totals; None where there are none."""
    return tuple(map(sum, zip(*(totals for _, totals in printed), strict=True))) or None


def _counts(stream: BinaryIO, start: int, end: int | None) -> Iterator[tuple[bytes, re.Match[bytes]]]:
    """What could be totals, each with the text around it, which is read in blocks: there may be gigabytes."""
    stream.seek(start)
    text = b""
    done = 0  # how far in the text that has been looked for
    block = b"more"
    while block:
        block = stream.read(_BLOCK if end is None else min(_BLOCK, max(0, end - stream.tell())))
        text += block
        limit = max(done, len(text) - _LONGEST) if block else len(text)  # what is behind it may be cut off
        for counts in _COUNTS.finditer(text, done):
            if counts.start() < limit:
                yield text, counts
        kept = max(0, limit - _LONGEST)
        text, done = text[kept:], limit - kept


def _pattern(name: str) -> str:
    """A regular expression for the name of a file, in whatever encoding it is printed."""
    return re.sub(r"[^\x00-\x7f]+", lambda _: r"[?\x80-\xff]+", re.escape(name))
