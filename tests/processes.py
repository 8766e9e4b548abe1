"""Processes that tests watch."""

import contextlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 120.0  # seconds, for a busy machine


def is_running(pid: int | str) -> bool:
    """Whether there is a process of this number, other than one that only waits to be reaped."""
    try:
        return state(pid) not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def state(pid: int | str) -> str:
    """The letter that proc(5) has for what the process does."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def handles(pid: int, number: int) -> bool:
    """Whether the process has a handler for this signal."""
    caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def eventually(holds: Callable[[], object]) -> None:
    """Wait until it does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never does"
        time.sleep(0.01)


def all_of(terminal: int) -> bytes:
    """All that the programs on a terminal have written, which nobody has open any more."""
    data = b""
    with contextlib.suppress(OSError):  # no more comes
        while piece := os.read(terminal, 1 << 16):  # the kernel hands it over in pieces, and not at once
            data += piece
    return data
