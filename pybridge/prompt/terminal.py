"""The terminal under the prompt: how to wait at it, and how to leave it as it was."""

import contextlib
import ctypes
import os
import select
import selectors
import sys
import termios
import threading
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from pybridge.interp import Interpreter

_LOCAL, _CHARACTERS = 3, 6  # places in what tcgetattr returns
_DISABLED = b"\0"
_PASTE_PAUSE = 0.5  # seconds without a character
_RESTORE_PATIENCE = 1.0  # seconds
_RESET = "\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[0m"  # no bracketed paste; lines wrap; the cursor shown; no colours


class TclSelector(selectors.DefaultSelector):
    """Lets asyncio wait in Tcl's event loop, so that `after` scripts and file events run meanwhile.

    Args:
        serving: calls a function that has Tcl run such scripts.
    """

    def __init__(self, tcl: Interpreter, serving: Callable[[Callable[[], object]], None]) -> None:
        super().__init__()
        self._tcl = tcl
        self._serving = serving

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        self._serving(lambda: self._tcl.serve(self.fileno(), timeout))
        return super().select(0)


@contextlib.contextmanager
def ctrl_c_is_a_signal(keyboard: int, restorer: "Restorer") -> Iterator[None]:
    """In the raw mode of the prompt Ctrl-C is a key, which nobody reads while Tcl runs an event's script."""
    before = termios.tcgetattr(keyboard)
    if before[_LOCAL] & termios.ISIG:
        yield
        return
    attributes: list[Any] = [*before]
    attributes[_LOCAL] |= termios.ISIG  # without NOFLSH: Ctrl-C also drops what was typed before it
    attributes[_CHARACTERS] = [*before[_CHARACTERS]]
    for other in (termios.VQUIT, termios.VSUSP):
        attributes[_CHARACTERS][other] = _DISABLED
    restorer.change(lambda: termios.tcsetattr(keyboard, termios.TCSANOW, attributes))
    try:
        yield
    finally:
        restorer.change(lambda: termios.tcsetattr(keyboard, termios.TCSANOW, before))


class Restorer:
    """Leaves the terminal as it was found, for good; may be called in any thread, and in several at once."""

    def __init__(self, keyboard: int, screen: int) -> None:
        self._keyboard, self._screen = keyboard, screen
        self._attributes = termios.tcgetattr(keyboard)
        self._at_work = threading.Lock()
        self._left = False

    def __call__(self) -> None:
        # Whoever calls this ends the process next, and must not do so before another thread is through with
        # it. But a terminal that takes nothing must not keep it from ending.
        first = self._at_work.acquire(timeout=_RESTORE_PATIENCE)
        try:
            self._restore()
        finally:
            if first:
                self._at_work.release()

    def guarded(self, mode: Callable[[], AbstractContextManager[None]]) -> Callable[[], Any]:
        """Make blocks in a mode of the terminal go by `change`."""

        @contextlib.contextmanager
        def block() -> Iterator[None]:
            inner = mode()
            self.change(inner.__enter__)
            try:
                yield
            finally:
                self.change(lambda: inner.__exit__(None, None, None))

        return block

    def change(self, action: Callable[[], object]) -> None:
        """Call what changes the mode of the terminal, if that has not been left for good."""
        with self._at_work:
            if not self._left:
                action()

    def _restore(self) -> None:
        self._left = True
        with contextlib.suppress(OSError, termios.error):  # the terminal is gone
            raw = not termios.tcgetattr(self._keyboard)[_LOCAL] & termios.ICANON
            termios.tcsetattr(self._keyboard, termios.TCSANOW, self._attributes)
            if raw:  # the prompt was waiting; what was typed for it is not for the shell
                termios.tcflush(self._keyboard, termios.TCIFLUSH)
                write(self._screen, _RESET + "\r\x1b[J")


def give_up_paste(parser: Any, loop: AbstractEventLoop, length: int = -1) -> None:
    """Have keys be keys again when the end of a paste does not come: Ctrl-C drops what the terminal has.

    Args:
        length: how much of the paste there was when this was called before.
    """
    if parser._in_bracketed_paste:
        now = len(parser._paste_buffer)
        if now == length:
            parser.reset()
        else:  # it still comes, and must not be taken for keys
            loop.call_later(_PASTE_PAUSE, give_up_paste, parser, loop, now)


def die_of(number: int) -> None:
    """End the process as this signal does by default; unlike `signal.signal`, in any thread."""
    ctypes.CDLL(None).signal(number, None)
    os.kill(os.getpid(), number)


def start_line(screen: int) -> None:
    """Go to the start of a line, to the next one only if something stands on this one.

    A line full of blanks does it: from the left edge they end at the right one, where a terminal waits for
    one more character before it goes to the next line; from any other column they go over to that line.
    """
    try:
        width = os.get_terminal_size(screen).columns
    except OSError:
        width = 0
    write(screen, f"{' ' * width}\r\x1b[K" if width else "\r\n")


def write(screen: int, text: str) -> None:
    """Write all of `text`, with a question mark for what the terminal's encoding lacks."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    data = memoryview(text.encode(encoding, "replace"))
    while data:
        try:
            data = data[os.write(screen, data) :]
        except BlockingIOError:  # a script, or a program that it has run, has left the terminal so
            select.select([], [screen], [])
