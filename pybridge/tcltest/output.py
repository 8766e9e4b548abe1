"""What Tcl processes have written, as reports show it."""

import re
import sys
from typing import BinaryIO

import pytest

# what tcltest prints as its totals, each line
_LINE_OF_TOTALS = re.compile(r"|[^\t]*:\tTotal\t.*|Number of tests skipped for each constraint:|\t\d+\t.*")

_REPORT = re.compile(rb"^==== ", re.MULTILINE)
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


def whole_lines(stream: BinaryIO, start: int, end: int) -> int:
    """How many bytes between two places are whole lines that come before tcltest's report of a failure.

    That begins with blank lines; such lines of the test's are counted with the one that follows them. There
    may be gigabytes: no more are counted than reports show, which is also the longest line.
    """
    stream.seek(start)
    text = stream.read(min(_LONGEST, max(0, end - start)))
    report = _REPORT.search(text)
    written = text[: report.start() if report else len(text)].rstrip(b"\n")
    whole = text.rfind(b"\n", 0, len(written) + 1) + 1 if written else 0
    return whole or (_LONGEST if len(written) == _LONGEST else 0)


def shows_at_once(config: pytest.Config) -> bool:
    """Whether what is written goes to the terminal and not into reports, as with `pytest -s`."""
    return bool(config.getoption("capture", "no") == "no")


def add_output(item: pytest.Item, phase: str, output: tuple[str, str]) -> None:
    """Put what was written into the item's report; with `pytest -s`, show it."""
    if shows_at_once(item.config):
        show(output)
        return
    for channel, text in zip(("stdout", "stderr"), output, strict=True):
        if text:
            item.add_report_section(phase, channel, text)


def show(output: tuple[str, str]) -> None:
    """Write this to standard output and standard error."""
    for stream, text in zip((sys.stdout, sys.stderr), output, strict=True):
        if text:
            encoding = getattr(stream, "encoding", None) or "utf-8"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()


def without_totals(text: str) -> str:
    """The text without tcltest's totals; empty where there is nothing else in it."""
    lines = [line for line in text.split("\n") if not line or not _LINE_OF_TOTALS.fullmatch(line)]
    return "\n".join(lines) if any(lines) else ""
