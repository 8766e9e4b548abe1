"""The totals that stand in what a process has written."""

import mmap
import os
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

Totals = tuple[int, ...]  # how many tests have passed, have been skipped, have failed

_MIDDLE = b":\tTotal\t"
_COUNTS = re.compile(rb":\tTotal\t\d+\tPassed\t(\d+)\tSkipped\t(\d+)\tFailed\t(\d+)")
_LONGEST = 2_000  # bytes: more than a file's name and a line of totals have


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
    name = re.compile(f"(?:{'|'.join(map(_pattern, sorted({'', *names})))})$".encode())
    size = os.fstat(stream.fileno()).st_size
    if not size:  # which cannot be mapped
        return []
    with mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_READ) as text:
        return [
            tuple(map(int, counts.groups()))
            for place in _places(text, start, size if end is None else end)
            if (counts := _COUNTS.match(text[place : place + _LONGEST]))
            and name.search(text[max(start, place - _LONGEST) : place].rpartition(b"\n")[2])
        ]


def sum_of(totals: Iterable[Totals]) -> Totals | None:
    """The sum of totals; None where there are none."""
    return tuple(map(sum, zip(*totals, strict=True))) or None


def _places(text: mmap.mmap, start: int, end: int) -> Iterator[int]:
    place = text.find(_MIDDLE, start, end)
    while place >= 0:
        yield place
        place = text.find(_MIDDLE, place + 1, end)


def _pattern(name: str) -> str:
    """A regular expression for the name of a file, in whatever encoding it is printed; none ends no other."""
    if not name:
        return r"(?<!\S)"
    return re.sub(r"[^\x00-\x7f]+", lambda _: r"[?\x80-\xff]+", re.escape(name))
