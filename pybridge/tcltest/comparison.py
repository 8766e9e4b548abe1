"""Of which files the counts have been compared with a run without pytest, in all workers of pytest-xdist."""

import os
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path


class Compared(IntEnum):
    """How far the comparison of a file has come; of several workers, that counts which has come furthest."""

    NOT_RUN = 0
    WITHOUT_TOTALS = 1
    DONE = 2


_REASONS = {
    Compared.NOT_RUN: "of which not all tests have run",
    Compared.WITHOUT_TOTALS: "which did not end or printed no totals there",
}


class Comparisons:
    """How far the comparison of each file has come."""

    def __init__(self) -> None:
        self._files: dict[bytes, Compared] = {}

    def note(self, path: Path, compared: Compared) -> None:
        self.add({os.fsencode(path): compared})

    def note_files(self, paths: Iterable[Path]) -> None:
        """Take note of files that were to be compared."""
        for path in paths:
            self.note(path, Compared.NOT_RUN)

    def told(self) -> dict[bytes, int]:
        """What a worker tells, in types that pytest-xdist can send."""
        return {path: int(compared) for path, compared in self._files.items()}

    def add(self, told: dict[bytes, int]) -> None:
        """Take in what a worker has told."""
        for path, compared in told.items():
            self._files[path] = max(self._files.get(path, Compared.NOT_RUN), Compared(compared))

    def __str__(self) -> str:
        """Of how many files the counts have been compared, and why of which not; empty without a file."""
        if not self._files:
            return ""
        number = list(self._files.values()).count(Compared.DONE)
        parts = [f"counts compared with a run without pytest: {number} file{'' if number == 1 else 's'}"]
        for compared, reason in _REASONS.items():
            paths = sorted(path for path, state in self._files.items() if state is compared)
            if paths:
                parts.append(f"not {', '.join(Path(os.fsdecode(path)).name for path in paths)}, {reason}")
        return "; ".join(parts)
