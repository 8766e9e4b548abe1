"""The totals that stand in what a process has written."""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

Totals = tuple[int, ...]  # how many tests have passed, have been skipped, have failed

_COUNTS = re.compile(rb":\tTotal\t\d+\tPassed\t(\d+)\tSkipped\t(\d+)\tFailed\t(\d+)")
_LONGEST = 2_000  # bytes: more than the name of a file and its totals have
_BLOCK = 1_000_000  # bytes


def printed_totals(
    stream: BinaryIO, names: Iterable[str], start: int = 0, end: int | None = None
) -> list[Totals]:
    """All totals of some files, and of none, in the order in which they stand there.

    A test may print totals of another program, such as a tcltest that it tests: those of other names are left
    out. Those without one, as of child interpreters, may be of a tcltest that pytest has not seen.

    Args:
        stream: where they are looked for.
        names: what the lines begin with that tcltest prints for the files.
        start, end: between which places of the stream, in bytes; None is its end.
    """
    before = re.compile(f"(?:{'|'.join(map(_pattern, sorted({'', *names})))})$".encode())
    return [
        tuple(map(int, counts.groups()))
        for text, counts in _counts(stream, start, end)
        if before.search(text[max(0, counts.start() - _LONGEST) : counts.start()].rpartition(b"\n")[2])
    ]


def sum_of(totals: Iterable[Totals]) -> Totals | None:
    """The sum of totals; None where there are none."""
    return tuple(map(sum, zip(*totals, strict=True))) or None


def _counts(stream: BinaryIO, start: int, end: int | None) -> Iterator[tuple[bytes, re.Match[bytes]]]:
    """What could be totals, each with the text around it, which is read in blocks: there may be gigabytes."""
    stream.seek(start)
    text = b""
    done = 0  # how far in the text that has been looked for
    block = b"more"
    while block:
        block = stream.read(_BLOCK if end is None else min(_BLOCK, end - stream.tell()))
        text += block
        limit = max(done, len(text) - _LONGEST) if block else len(text)  # what is behind it may be cut off
        for counts in _COUNTS.finditer(text, done):
            if counts.start() < limit:
                yield text, counts
        kept = max(0, limit - _LONGEST)
        text, done = text[kept:], limit - kept


def _pattern(name: str) -> str:
    """A regular expression for what stands before the counts of a file, in whatever encoding it is printed.

    A name that only ends so is another file's. The totals of a program that `exec` has run have no newline.
    """
    if not name:
        return r"(?:^|\s|\tFailed\t\d+)"
    printed = re.sub(r"[^\x00-\x7f]+", lambda _: r"[?\x80-\xff]+", re.escape(name))
    return rf"(?:^|[^\w-]|\tFailed\t\d+){printed}"
