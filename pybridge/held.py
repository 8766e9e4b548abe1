"""Interpreters of tkinter's are deleted by the thread that made them, whoever else lets them go.

Tcl aborts the process when another thread does it. The garbage collector runs in any thread, and the
traceback of an error may be the last to hold an interpreter: so each is held here as well, until its own
thread comes by and nobody else holds it.
"""

import _tkinter
import contextlib
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

from pybridge.install import CALLBACKS


@dataclass(eq=False, slots=True)
class Held:
    """An interpreter of tkinter's.

    Attributes:
        commands: the Tcl commands that call Python, each of which holds the interpreter.
        dropped: whether its Interpreter was collected in another thread.
    """

    tk: Any
    thread: threading.Thread = field(default_factory=threading.current_thread)
    commands: list[str] = field(default_factory=lambda: list(CALLBACKS))
    dropped: bool = False

    def __post_init__(self) -> None:
        let_go()
        _held.append(self)

    def delete_commands(self) -> None:
        for name in self.commands:
            with contextlib.suppress(_tkinter.TclError):  # a script has deleted the namespace
                self.tk.deletecommand(name)
        self.commands = []


_held: list[Held] = []
_NOBODY_ELSE = 2  # references: of `Held`, and of the argument that asks


def let_go() -> None:
    """Delete this thread's interpreters that nobody uses or holds any more."""
    thread = threading.current_thread()
    for held in [each for each in _held if each.thread is thread]:
        if held.dropped:
            held.delete_commands()
        if sys.getrefcount(held.tk) == _NOBODY_ELSE:
            held.tk = None  # here and now: an Interpreter that is closed may hold `held`
            _held.remove(held)
