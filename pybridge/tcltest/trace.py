"""Tcl's stack traces as a user of pytest wants them."""

import re
from pathlib import Path

_OURS = re.compile(
    r'\n    (?:invoked from within|while executing)\n"source \{\*\}\$::pytest_tcltest::script"$'
)
_TCLTESTS = re.compile(
    r'\n    \("uplevel" body line \d+\)\n    invoked from within\n"uplevel 1 \$(?:script|setup|cleanup)".*',
    re.S,
)


def line_of_error(trace: str, path: Path) -> int:
    """The line of the test file that Tcl's stack trace names last; 0 when there is none."""
    lines = re.findall(rf'\(file "(?:[^"\n]*/)?{re.escape(path.name)}" line (\d+)\)', trace)
    return int(lines[-1]) if lines else 0


def trim_trace(trace: str) -> str:
    """Tcl's stack trace without the lines that are the plugin's and tcltest's own."""
    return _OURS.sub("", _TCLTESTS.sub("", trace))
