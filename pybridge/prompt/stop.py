"""What to do when Ctrl-C does not stop a command."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

from pybridge import tcl_library
from pybridge.interp import Interpreter
from pybridge.prompt.terminal import write

_TIMES, _WITHIN, _OFFERED_FOR = 3, 2.0, 5.0  # presses; seconds
_NEVER = float("-inf")
_STATUS = 130  # 128 + SIGINT, as of a program that a Ctrl-C has ended
_READING = 0.5  # seconds without a press after which one is an answer: who presses on has not read the offer
_READS_ON = 0.1  # seconds after which Tcl is taken to go on reading from the terminal
_PAUSE = 0.02
_NUDGE = signal.SIGURG  # nobody uses it, and it is ignored by default
_GRACE = 0.5  # seconds in which Tcl may flush its channels, or a text be written
_HINT = (
    "\r\nStill running: the script catches Ctrl-C, or one call takes long. Ctrl-C three\r\n"
    "times within two seconds offers to end tcltorch.\r\n"
)
_OFFER = (
    "\r\nThe script catches every Ctrl-C, or one call takes long (the first one loads\r\n"
    "PyTorch). Press Ctrl-C once more within 5 seconds to end tcltorch and lose its\r\n"
    "handles.\r\n"
)


class Insistence:
    """Counts Ctrl-C while one command runs, and offers to end the process.

    Where a command goes on after one, it tells how often to press.

    Args:
        tcl: what runs the commands.
        restore: leaves the terminal as it was.
        runs: whether the command of this number is not finished yet.
        keyboard, screen: descriptors of the terminal. A script may close the standard ones, and open files
            that get their numbers.
    """

    def __init__(
        self,
        tcl: Interpreter,
        restore: Callable[[], None],
        runs: Callable[[int], bool],
        keyboard: int,
        screen: int,
    ) -> None:
        self._tcl = tcl
        self._restore = restore
        self._runs = runs
        self._keyboard, self._screen = keyboard, screen
        self._keyboard_lock = threading.Lock()
        self._blocked: bool | None = None  # what the keyboard was before a read was to come back
        self._left = False
        signal.signal(_NUDGE, lambda *_: None)  # so that it interrupts
        self._summon = tcl_library.summoner(lambda: tcl.end_program(_STATUS))
        self._command = 0
        self._presses: list[float] = []
        self._offered = _NEVER
        self._hint: threading.Timer | None = None

    @contextlib.contextmanager
    def stoppable(self) -> Iterator[None]:
        """Ctrl-C stops what Tcl runs; what the prompt itself asks Tcl is not to be stopped."""
        self._tcl.interruptible = True
        try:
            yield
        finally:
            self._tcl.interruptible = False
            self._wait_again()  # now: prompt_toolkit would keep the mode that it finds
            self._give_up_hint()

    def leave(self) -> None:
        """Leave the keyboard, which other programs have, too, as it was; the process is about to end."""
        with self._keyboard_lock:
            self._left = True
        self._wait_again()
        self._give_up_hint()

    def pressed(self, command: int, when: float) -> None:
        """Ctrl-C was pressed while this command runs; called in a thread, with the command's number.

        It may have been a while ago, when something else has kept Python busy since, such as an import.
        """
        missed = self._offered != _NEVER and when >= self._offered + _OFFERED_FOR
        first = command != self._command or missed  # who has missed an offer is told anew how to get one
        if first:
            self._command, self._presses, self._offered = command, [], _NEVER
        if not self._runs(command):  # it has ended meanwhile
            return
        offered = when < self._offered + _OFFERED_FOR
        if offered and when - max(self._offered, *self._presses) >= _READING:
            self._end()
        self._later(_READS_ON, self._stop_reading)
        if first:
            self._hint = self._later(_WITHIN, self._tell_how)
        self._presses = [each for each in self._presses if when - each < _WITHIN] + [when]
        if len(self._presses) >= _TIMES and not offered:
            self._offered = time.monotonic()
            write(self._screen, _OFFER)

    def _later(self, seconds: float, action: Callable[[int], None]) -> threading.Timer:
        """Do something for the command that runs."""
        timer = threading.Timer(seconds, action, [self._command])
        timer.daemon = True
        timer.start()
        return timer

    def _tell_how(self, command: int) -> None:
        if self._runs(command) and self._offered == _NEVER and not _has_children():
            write(self._screen, _HINT)

    def _give_up_hint(self) -> None:
        hint, self._hint = self._hint, None
        if hint:
            hint.cancel()
            hint.join(_GRACE)  # what it has begun to write must not come behind what follows

    def _stop_reading(self, command: int) -> None:
        """Have a `gets stdin` that waits come back: Tcl repeats a read that a signal has interrupted, unless
        there is no waiting for input."""
        with self._keyboard_lock, contextlib.suppress(OSError):
            if self._left or self._blocked is not None or not self._runs(command):
                return
            self._blocked = os.get_blocking(self._keyboard)
            os.set_blocking(self._keyboard, False)
            signal.pthread_kill(threading.main_thread().ident or 0, _NUDGE)
        time.sleep(_PAUSE)
        self._wait_again()

    def _wait_again(self) -> None:
        with self._keyboard_lock, contextlib.suppress(OSError):
            if self._blocked is not None:
                os.set_blocking(self._keyboard, self._blocked)
                self._blocked = None

    def _end(self) -> None:
        write(self._screen, "\r\n")
        self._summon()
        time.sleep(_GRACE)
        self.leave()
        self._restore()
        os._exit(_STATUS)  # Tcl is in a call that it does not come back from


def _has_children() -> bool:
    """Whether there are programs that this one has started, as `less`, which has the terminal.

    Those count, too, that have ended in the background and that Tcl has not waited for yet.
    """
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
