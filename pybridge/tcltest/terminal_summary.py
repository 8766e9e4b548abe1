"""Sections of pytest's summary: what ran at Ctrl-C, and which tests have left handles."""

from __future__ import annotations  # older ones of pytest do not name TerminalReporter

import os
from typing import TYPE_CHECKING

import pytest

from pybridge.tcltest.suites import LEAKED

if TYPE_CHECKING:
    from pybridge.tcltest.run import Interrupted

_LAST_LINES = 20  # of what was written before Ctrl-C


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
    terminal.write_line("what a body returns outlives it: `set x` in the body, `torch::free $x` in -cleanup")


def _from_here(nodeid: str, config: pytest.Config) -> str:
    """A node id as it can be given to pytest where this one was started."""
    path, separator, name = nodeid.partition("::")
    return os.path.relpath(config.rootpath / path, config.invocation_params.dir) + separator + name
