"""What Tcl processes have written, as reports show it."""

import re
import sys
from typing import BinaryIO

import pytest

# what tcltest prints as its totals, each line
_LINE_OF_TOTALS = re.compile(r"|[^\t]*:\tTotal\t.*|Number of tests skipped for each constraint:|\t\d+\t.*")

_LONGEST = 1_000_000  # bytes: a test that is stopped in a loop may have written gigabytes


def excerpt(stream: BinaryIO, start: int, end: int) -> str:
    """What stands between two places; of very much the beginning and the end."""
    stream.seek(start)
    left_out = end - start - _LONGEST
    if left_out <= 0:
        return stream.read(max(0, end - start)).decode("utf-8", "replace")
    first = stream.read(_LONGEST // 2).decode("utf-8", "replace")
    stream.seek(end - _LONGEST // 2)
    last = stream.read(_LONGEST // 2).decode("utf-8", "replace")
    return f"{first}\n... ({left_out:,} bytes left out)\n{last}"


def add_output(item: pytest.Item, phase: str, output: tuple[str, str]) -> None:
    """Put what was written into the item's report; with `pytest -s`, show it at once."""
    for channel, text in zip(("stdout", "stderr"), output, strict=True):
        if text and item.config.getoption("capture", "no") == "no":
            stream = getattr(sys, channel)
            encoding = getattr(stream, "encoding", None) or "utf-8"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        elif text:
            item.add_report_section(phase, channel, text)


def without_totals(text: str) -> str:
    """The text without tcltest's totals; empty where there is nothing else in it."""
    lines = [line for line in text.split("\n") if not line or not _LINE_OF_TOTALS.fullmatch(line)]
    return "\n".join(lines) if any(lines) else ""
