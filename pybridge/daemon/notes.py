"""What the daemon notes in its log: why a program was not served. `tcltorch daemon status` shows the last."""

import contextlib
import os
import re
import time

_NOTE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S.*")
_PAUSE = 60.0  # seconds before the same is noted again: who connects again and again does not fill the disk
_LONGEST = 500  # characters


class Notes:
    """Notes each reason at most once a minute."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}  # when

    def add(self, reason: str) -> None:
        """Note it, unless it was noted a moment ago."""
        now = time.monotonic()
        if now - self._noted.get(reason, -_PAUSE) >= _PAUSE:
            self._noted[reason] = now
            write(reason)


def write(reason: str) -> None:
    """Note it on standard error, which is the log in the daemon and in a child that has no client yet."""
    with contextlib.suppress(OSError):  # the disk is full
        os.write(2, f"{time.strftime('%F %T')} {reason[:_LONGEST]}\n".encode(errors="replace"))


def last_of(path: str) -> str:
    """The last note in this log; empty when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return next(filter(_NOTE.fullmatch, reversed(log.read().splitlines())), "")
    except OSError:  # removed, perhaps
        return ""
