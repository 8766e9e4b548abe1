"""Tcl's channels and files, as far as Python sees to them."""

import _tkinter
import contextlib
import math
import sys
from collections.abc import Iterator
from typing import Any


def flush_all(tk: Any) -> None:
    """Write what Tcl's channels and Python's standard ones have buffered."""
    with contextlib.suppress(_tkinter.TclError):  # a script may have renamed these
        for channel in tk.splitlist(tk.eval("::chan names")):
            with contextlib.suppress(_tkinter.TclError):  # only open for reading, or a broken pipe
                tk.call("::flush", channel)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # None, broken pipe, closed
            stream.flush()


@contextlib.contextmanager
def noticing_input(tk: Any, descriptor: int, seconds: float | None) -> Iterator[list[None]]:
    """A list to which Tcl's event loop adds when `descriptor` is readable or the time is over."""
    over: list[None] = []
    tk.createfilehandler(descriptor, _tkinter.READABLE, lambda *_: over.append(None))
    timer = None
    try:
        if seconds is not None:
            timer = tk.createtimerhandler(math.ceil(seconds * 1000), lambda: over.append(None))
        yield over
    finally:
        tk.deletefilehandler(descriptor)
        if timer:
            timer.deletetimerhandler()
