"""What the workers of pytest-xdist share: what they find in test files, and what ran in each at Ctrl-C.

Each file is searched once, by one of them.

Every worker collects all tests, and they must be the same ones. If each searched for itself, a file would be
sourced by all of them at the same time, and find others at work on its files and ports; and where the name of
a test differs each time, no test at all would run.
"""

import fcntl
import hashlib
import os
import pickle
from collections.abc import Callable, Iterable
from pathlib import Path

from pybridge.tcltest.collection import Contents
from pybridge.tcltest.run import Interrupted

Search = Callable[[Path], Contents]


def search_once(folder: Path, path: Path, search: Search, coming: Iterable[Path]) -> Contents:
    """What a file holds, as one of the workers finds it; while another is at it, this one searches others.

    Args:
        folder: what the workers of one run have in common.
        path: the file.
        search: what finds out what is in a file.
        coming: files that the workers will want to know of, too.
    """
    for other in coming:
        contents = _searched(folder, path, search, wait=False)
        if contents is not None:
            return contents
        if not _place(folder, other).exists():
            _searched(folder, other, search, wait=False)
    contents = _searched(folder, path, search, wait=True)
    assert contents is not None
    return contents


def _place(folder: Path, path: Path) -> Path:
    return folder / hashlib.sha256(os.fsencode(path)).hexdigest()


def _searched(folder: Path, path: Path, search: Search, *, wait: bool) -> Contents | None:
    """What a file holds; None while another worker searches it, if this one is not to wait for that."""
    place = _place(folder, path)
    with open(place.with_suffix(".lock"), "w") as lock:  # the kernel gives it free when a worker dies
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return None
        if place.exists():
            known: Contents = pickle.loads(place.read_bytes())
            return known
        contents = search(path)
        _write(place, contents)
        return contents


def number_searched(folder: Path) -> int:
    """How many files have been searched so far."""
    return sum("." not in name for name in os.listdir(folder)) if folder.is_dir() else 0


def tell_interrupted(folder: Path, interrupted: list[Interrupted]) -> None:
    """Leave word of what ran in this worker at Ctrl-C: pytest-xdist sends nothing after that."""
    _write(folder / f"{os.getpid()}.interrupted", interrupted)


def told_interrupted(folder: Path) -> list[Interrupted]:
    """What ran in all workers at Ctrl-C, when they have ended."""
    told: list[list[Interrupted]] = [pickle.loads(path.read_bytes()) for path in folder.glob("*.interrupted")]
    return sorted(each for one in told for each in one)


def _write(place: Path, what: object) -> None:
    """Write a file that is there whole or not at all."""
    unfinished = place.with_suffix(".new")
    unfinished.write_bytes(pickle.dumps(what))
    unfinished.replace(place)
