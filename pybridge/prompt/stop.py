"""What to do when Ctrl-C does not stop a command."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable

from pybridge import interrupt
from pybridge.prompt.terminal import write

_TIMES, _WITHIN, _OFFERED_FOR = 3, 2.0, 5.0  # presses; seconds
_STATUS = 130  # 128 + SIGINT, as of a program that a Ctrl-C has ended
_READS_ON = 0.1  # seconds after which Tcl is taken to go on reading from the terminal
_PAUSE = 0.02
_NUDGE = signal.SIGURG  # nobody uses it, and it is ignored by default
_GRACE = 0.5  # seconds in which Tcl may flush its channels
_OFFER = (
    "\r\nThe script catches every Ctrl-C, or one call takes long; press Ctrl-C once more\r\n"
    "within 5 seconds to end tcltorch (its handles are lost).\r\n"
)


class Insistence:
    """Counts Ctrl-C while one command runs, and offers to end the process.

    Args:
        restore: leaves the terminal as it was.
        end: ends the process with a status, in the thread of the interpreter.
        runs: whether the command of this number is not finished yet.
        keyboard, screen: descriptors of the terminal. A script may close the standard ones, and open files
            that get their numbers.
    """

    def __init__(
        self,
        restore: Callable[[], None],
        end: Callable[[int], None],
        runs: Callable[[int], bool],
        keyboard: int,
        screen: int,
    ) -> None:
        self._restore = restore
        self._runs = runs
        self._keyboard, self._screen = keyboard, screen
        self._reading = threading.Lock()
        signal.signal(_NUDGE, lambda *_: None)  # so that it interrupts
        self._summon = interrupt.summoner(lambda: end(_STATUS))
        self._command = 0
        self._presses: list[float] = []
        self._offered = float("-inf")

    def pressed(self, command: int) -> None:
        """Ctrl-C was pressed while this command runs; called in a thread, with the command's number."""
        now = time.monotonic()
        if command != self._command:
            self._command, self._presses, self._offered = command, [], float("-inf")
        if not self._runs(command):  # it has ended meanwhile
            return
        if now - self._offered < _OFFERED_FOR:
            self._end()
        nudge = threading.Timer(_READS_ON, self._stop_reading, [command])
        nudge.daemon = True
        nudge.start()
        self._presses = [each for each in self._presses if now - each < _WITHIN] + [now]
        if len(self._presses) >= _TIMES:
            self._offered = now
            write(self._screen, _OFFER)

    def _stop_reading(self, command: int) -> None:
        """Have a `gets stdin` that waits come back: Tcl repeats a read that a signal has interrupted, unless
        there is no waiting for input."""
        # One at a time, lest one restores what another has set.
        with self._reading, contextlib.suppress(OSError):
            if not self._runs(command):
                return
            before = os.get_blocking(self._keyboard)
            os.set_blocking(self._keyboard, False)
            signal.pthread_kill(threading.main_thread().ident or 0, _NUDGE)
            time.sleep(_PAUSE)
            os.set_blocking(self._keyboard, before)

    def _end(self) -> None:
        write(self._screen, "\r\n")
        self._summon()
        time.sleep(_GRACE)
        self._restore()
        os._exit(_STATUS)  # Tcl is in a call that it does not come back from
