"""What Tcl processes have written, as reports show it."""

from __future__ import annotations  # older ones of pytest do not name TerminalReporter

import os
import re
import sys
from typing import TYPE_CHECKING, BinaryIO

import pytest

from pybridge.tcltest.suites import LEAKED

if TYPE_CHECKING:
    from pybridge.tcltest.run import Interrupted

# what tcltest prints as its totals, each line
_LINE_OF_TOTALS = re.compile(r"|[^\t]*:\tTotal\t.*|Number of tests skipped for each constraint:|\t\d+\t.*")

_LAST_LINES = 20  # of what was written before Ctrl-C
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


def write_interrupted(terminal: pytest.TerminalReporter, interrupted: list[Interrupted]) -> None:
    """Say what ran at Ctrl-C, and show the end of what it had written."""
    terminal.ensure_newline()
    terminal.section("interrupted")
    for where, output in interrupted:
        terminal.write_line(where)
        for channel, text in zip(("stdout", "stderr"), output, strict=True):
            if text:
                terminal.section(f"Captured {channel}, its last lines", "-")
                terminal.write_line("\n".join(text.splitlines()[-_LAST_LINES:]))


def write_leaks(terminal: pytest.TerminalReporter) -> None:
    """Say which tests have left which handles, in the order of the files."""
    leaks = [
        (report.location[:2], _from_here(report.nodeid, terminal.config), handles)
        for outcome in ("passed", "failed", "skipped", "xfailed", "xpassed")
        for report in terminal.getreports(outcome)
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, handles in report.user_properties
        if name == LEAKED
    ]
    if not leaks:
        return
    # section() ends the line that is begun only after it has written its own heading
    terminal.ensure_newline()
    terminal.section("leaked torch handles")
    for _, nodeid, handles in sorted(leaks, key=lambda leak: leak[0]):
        terminal.write_line(f"{nodeid}: {handles}")
    terminal.write_line("free them in -cleanup, or run the body in torch::scope")


def _from_here(nodeid: str, config: pytest.Config) -> str:
    """A node id as it can be given to pytest where this one was started."""
    path, separator, name = nodeid.partition("::")
    return os.path.relpath(config.rootpath / path, config.invocation_params.dir) + separator + name


def without_totals(text: str) -> str:
    """The text without tcltest's totals; empty where there is nothing else in it."""
    lines = [line for line in text.split("\n") if not line or not _LINE_OF_TOTALS.fullmatch(line)]
    return "\n".join(lines) if any(lines) else ""
