"""What is written while the prompt waits goes above it."""

import contextlib
import io
import os
import sys
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from typing import Any

from prompt_toolkit.application import Application

from pybridge.errors import TclError
from pybridge.interp import Interpreter
from pybridge.prompt.terminal import start_line, write

_CHANNELS = {"stdout": 1, "stderr": 2}
# A transformation of a channel that changes nothing, and tells before something is written. `chan pop` takes
# the topmost one off a channel: where a script has pushed another meanwhile, ours has to stay. A procedure
# `chan`, and a trace on it, are the user's: they may not end, and nothing here may be stopped half-way.
_TRANSFORMATION = """
namespace eval ::torch::_ {variable transformed {}}

proc ::torch::_::above_prompt {channel operation args} {
    variable transformed
    switch $operation {
        initialize {
            dict set transformed $channel topmost
            return {initialize finalize write}
        }
        write {
            written
            return [lindex $args 1]
        }
        finalize {
            dict unset transformed $channel
        }
    }
}

proc ::torch::_::transform {channel} {
    variable transformed
    if {![dict exists $transformed $channel]} {
        ::tcl::chan::push $channel [list ::torch::_::above_prompt $channel]
    }
    tell_of_pushes add
}

proc ::torch::_::tell_of_pushes {operation} {
    if {[llength [::tcl::info::procs ::trace]] || ![llength [::tcl::info::commands ::trace]]} {
        return  ;# one of the user's own is not run
    }
    foreach command {::chan ::zlib} {
        ::trace $operation execution $command enter ::torch::_::other_pushed
    }
}

proc ::torch::_::other_pushed {command args} {
    variable transformed
    foreach channel [dict keys $transformed] {
        if {$channel in $command && [string match [lindex $command 1]* push]} {
            dict set transformed $channel covered
        }
    }
}

proc ::torch::_::restore {channel} {
    variable transformed
    tell_of_pushes remove
    if {[dict exists $transformed $channel] && [dict get $transformed $channel] eq "topmost"} {
        ::tcl::chan::pop $channel
    }
}
"""


class AbovePrompt(io.TextIOBase):
    """Takes the prompt off the screen before an event's script writes, and puts it back afterwards.

    Tcl writes to the terminal by itself, so its channels tell before they do. The object also stands in for
    Python's standard error, where warnings come from any thread.
    """

    def __init__(
        self, tcl: Interpreter, application: Application[str], loop: AbstractEventLoop, screen: int
    ) -> None:
        self._tcl = tcl
        self._application = application
        self._loop = loop
        self._screen = screen
        self._hidden = False
        tcl.define("written", self._hide)
        tcl.eval(_TRANSFORMATION)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """For the length of this the prompt is on the screen."""
        channels = [name for name, number in _CHANNELS.items() if os.isatty(number)]
        for name in channels:
            self._ask("transform", name)
        errors = sys.stderr
        if os.isatty(2):
            sys.stderr = self
        try:
            yield
        finally:
            sys.stderr = errors
            for name in channels:
                self._ask("restore", name)

    def write(self, text: str) -> int:
        self._loop.call_soon_threadsafe(self._say, text)
        return len(text)

    def _say(self, text: str) -> None:
        self._hide()
        write(self._screen, text.replace("\n", "\r\n"))

    def _hide(self, *_: Any) -> str:
        if not self._hidden and self._on_screen():
            self._hidden = True
            self._application.renderer.erase()
            self._loop.call_soon_threadsafe(self._show)  # after the event's script
        return ""

    def _show(self) -> None:
        self._hidden = False
        if not self._on_screen():
            return
        start_line(self._screen)
        self._application.renderer.reset()
        self._application.renderer.request_absolute_cursor_position()
        self._application.invalidate()

    def _on_screen(self) -> bool:
        return self._application.is_running and not self._application._running_in_terminal  # as for $EDITOR

    def _ask(self, procedure: str, channel: str) -> None:
        with contextlib.suppress(TclError):  # a script has closed the channel, or renamed a command
            self._tcl.call(f"::torch::_::{procedure}", channel)
