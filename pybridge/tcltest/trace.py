"""Tcl's stack traces as a user of pytest wants them."""

import re
from pathlib import Path
from typing import NamedTuple

_OURS = re.compile(
    r'\n    (?:invoked from within|while executing)\n"source \{\*\}\$::pytest_tcltest::script"$'
)
_EVALUATED = (
    r'\n    \("uplevel" body line (\d+)\)\n    invoked from within\n"uplevel 1 \$(?:script|setup|cleanup)"'
)
_TCLTESTS = re.compile(_EVALUATED + ".*", re.S)
# the last such entry, as `.*` takes all it can: a procedure of the suite's may call `uplevel 1 $script`, too
_OF_SCRIPT = re.compile("(.*)" + _EVALUATED, re.S)


class Command(NamedTuple):
    """Where a command stands.

    Args:
        file: the path; empty where it is that of the test file.
        line: its first line, from 1.
        continuation_lines: how many it has after that.
    """

    file: str
    line: int
    continuation_lines: int


def line_of_error(trace: str, path: Path) -> int:
    """The line of the test file that Tcl's stack trace names last; 0 when there is none."""
    lines = re.findall(rf'\(file "(?:[^"\n]*/)?{re.escape(path.name)}" line (\d+)\)', trace)
    return int(lines[-1]) if lines else 0


def trace_in_script(trace: str) -> tuple[str, int]:
    """The part of Tcl's stack trace that is about a test's script, and the script's line (0: not known)."""
    match = _OF_SCRIPT.match(trace)
    return (match[1], int(match[2])) if match else (trim_trace(trace), 0)


def line_in_file(text: list[str], command: Command, phase: str, script: str, line: int) -> int:
    """The line of a file in which the line of a script stands; 0 where that is not known.

    Args:
        text: the lines of the file.
        command: the call of tcltest that has the script in braces.
        phase: setup, body or cleanup.
        script: the script as Tcl has it: what continues a line after a backslash is in the same line.
        line: the line of the script.
    """
    joined, numbers = _joined(text, command)
    words = "\n".join(joined)
    # the script of another phase may be the same; a test in the old style has its body in a word of its own
    for flag in (rf"-{phase}\s+", *([] if f"-{phase}" in words else [""])):
        # tcltest, or a procedure that makes tests, may have trimmed it
        found = list(re.finditer(rf"{flag}\{{\s*({re.escape(script)})\s*\}}", words))
        if len(found) == 1:
            place = words.count("\n", 0, found[0].start(1)) + line - 1
            return numbers[place] if place < len(numbers) else 0  # -errorline may be any number
    return 0


def _joined(text: list[str], command: Command) -> tuple[list[str], list[int]]:
    """The lines of a command as Tcl has them, joined at backslashes, and where in the file they begin."""
    joined, numbers = list[str](), list[int]()
    goes_on = False
    for number, each in enumerate(text[command.line - 1 :], command.line):
        if goes_on:
            joined[-1] = joined[-1][:-1] + " " + each.lstrip(" \t")
        else:
            joined.append(each)
            numbers.append(number)
        goes_on = (len(each) - len(each.rstrip("\\"))) % 2 == 1
        if len(joined) == command.continuation_lines + 1 and not goes_on:
            break
    return joined, numbers


def trim_trace(trace: str) -> str:
    """Tcl's stack trace without the lines that are the plugin's and tcltest's own."""
    return _OURS.sub("", _TCLTESTS.sub("", trace))
