"""Signals while Tcl runs.

A Python handler that raises would do so on entry to whatever function Tcl calls next, where Tcl sees an error
without a message, or half-way through a piece of bookkeeping. So what a handler raises waits for the end of
the script, which is cancelled. Ctrl-C does not even wait for a function to be called: a small thread reads it
from a wake-up descriptor, and cancels the script with the one function of Tcl that any thread may call.
"""

import _signal  # type: ignore[import-not-found]
import _thread
import contextlib
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from pybridge import tcl_library

_AGAIN = 0  # no signal's number
_PAUSE, _LONGEST_PAUSE = 0.001, 0.05  # seconds after which a cancel is tried again
_PATIENCE = 0.2  # seconds to wait for the thread to have read a signal that has arrived
_NUMBERS = tuple(map(int, signal.valid_signals()))
_SO_TIMESTAMPNS, _TIME = 35, struct.Struct("@ll")  # <asm-generic/socket.h>, struct timespec


class Watcher:
    """Stands in front of the handlers of all signals, and reads Ctrl-C in a thread of its own."""

    def __init__(self) -> None:
        # each signal is a datagram of one byte, for which the kernel notes the time
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        if sys.platform == "linux":
            self._reader.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._writer.setblocking(False)
        self._changed = threading.Condition()
        self._cancels: list[Callable[[], None]] = []
        self._arrived = 0  # how many Ctrl-C the handler has seen
        self._read = 0  # how many the thread has seen
        self._others = -1  # the wake-up descriptor that was there before
        self._guards = False
        self._guard = self._guarded  # one object, to know it by
        self._handlers: dict[int, Any] = {}
        self._raised: BaseException | None = None
        self._tried_again = False
        self._blocks = 0
        self.always = 0  # a signal that cancels whatever its handler is
        # called in the thread as soon as a signal of this number comes while Tcl runs
        self.at_once: dict[int, Callable[[], None]] = {}
        # called in the thread with the number of the block, and when (as `time.monotonic`) Ctrl-C was pressed
        self.on_press: Callable[[int, float], None] | None = None
        threading.Thread(target=self._run, name="tcltorch-interrupt", daemon=True).start()

    def _run(self) -> None:
        pause: float | None = None
        while True:
            number, when = self._receive(pause)
            if number in self.at_once:
                self.at_once[number]()
            with self._changed:
                pressed = number is not None and self._is_interrupt(number)
                self._read += pressed
                again = number is None and self._tried_again
                if (pressed or again) and self._cancels:
                    self._cancels[-1]()
                self._changed.notify_all()
                block = self._blocks if pressed and self._cancels else 0
                pause = self._next_pause(pause)
            if block and self.on_press:
                self.on_press(block, when)

    def _receive(self, pause: float | None) -> tuple[int | None, float]:
        """The number of a signal and when it came; None when the pause is over.

        An import in another thread may hold Python's lock for seconds, and this may come that much later.
        """
        self._reader.settimeout(pause)
        try:
            data, notes, *_ = self._reader.recvmsg(1, socket.CMSG_SPACE(_TIME.size))
        except TimeoutError:
            return None, 0.0
        if self._others >= 0 and data[0] != _AGAIN:
            with contextlib.suppress(OSError):
                os.write(self._others, data)
        return data[0], _sent(notes)

    def _next_pause(self, pause: float | None) -> float | None:
        """How long to wait before the next cancel; None when none is due.

        A cancel that is repeated may be swallowed, too: on a busy machine what has swallowed the first may
        not have ended yet. So there is another one until the script has ended.
        """
        if not self._tried_again or not self._cancels:
            return None
        return _PAUSE if pause is None else min(2 * pause, _LONGEST_PAUSE)

    @contextlib.contextmanager
    def watching(self, cancel: Callable[[], None]) -> Iterator[Callable[[], bool]]:
        """Have Ctrl-C, and each handler that raises, call `cancel`: of nested blocks the inner one's.

        The block is given a function that ends this, and tells whether there may have been a cancel. For the
        rest of the outermost block still nothing is raised by a signal.

        Raises:
            KeyboardInterrupt: at the end of the outermost block, for a Ctrl-C too late to be a cancel.
            BaseException: then, too, what a handler of the program's has raised.
        """
        before, depth = self._arrived, len(self._cancels)

        def settle() -> bool:
            self._settle(depth)
            return self._arrived > before or self._raised is not None or self._tried_again

        if self._guards:
            self._cancels.append(cancel)
            try:
                yield settle
            finally:
                del self._cancels[depth:]
            return
        self._guards = True
        try:
            self._read, self._raised, self._tried_again = before, None, False
            self._stand_in_front()
            self._blocks += 1
            self._cancels.append(cancel)
            self._others = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
            if self._arrived > before or self._raised is not None:
                cancel()  # for a signal that has arrived before there was something to cancel
            yield settle
        finally:
            self._settle(0)
            self._guards = False
            self._step_back()
        raised, self._raised = self._raised, None
        if raised is None and self._arrived > self._read:
            raised = KeyboardInterrupt()
        if raised is not None:
            raise raised

    def checkpoint(self) -> Callable[[], None]:
        """What a command that takes long calls between its steps: it raises KeyboardInterrupt when there is a
        reason to stop that was not there yet at this call."""
        before, raised = self._arrived, self._raised

        def check() -> None:
            if self._guards and (self._arrived > before or self._raised is not raised):
                raise KeyboardInterrupt

        return check

    def runs(self, block: int) -> bool:
        """Whether the outermost block of this number has not ended."""
        return self._guards and self._blocks == block

    def cancel_again(self) -> None:
        """Cancel again from now on until the script ends: something else has swallowed the cancel."""
        self._tried_again = True
        with contextlib.suppress(BlockingIOError):  # full of signals: there will be a cancel
            self._writer.send(bytes([_AGAIN]))

    def _settle(self, depth: int) -> None:
        """No cancel comes after this; what has arrived has been read, unless the thread is very late."""
        if not depth:
            signal.set_wakeup_fd(self._others)
        with self._changed:
            self._changed.wait_for(lambda: self._read >= self._arrived, _PATIENCE)
            del self._cancels[depth:]

    def _stand_in_front(self) -> None:
        for number in _NUMBERS:
            handler = _signal.getsignal(number)  # the public one costs ten times as much
            if callable(handler) and handler is not self._guard:
                self._handlers[number] = handler
                _signal.signal(number, self._guard)

    def _step_back(self) -> None:
        """Put the handlers back. One that raises meanwhile leaves the rest to the next time: a guard that
        does not guard only passes on."""
        for number, handler in self._handlers.items():
            if _signal.getsignal(number) is self._guard:
                _signal.signal(number, handler)

    def _guarded(self, number: int, frame: FrameType | None) -> None:
        if not self._guards:
            self._handlers[number](number, frame)
        elif self._is_interrupt(number):
            self._arrived += 1
        elif tcl_library.loading.locked():  # where no handler may use an interpreter
            _thread.interrupt_main(number)  # type: ignore[arg-type]  # again, as soon as other code runs
        else:
            try:
                self._handlers[number](number, frame)
            except BaseException as error:
                self._keep(error)

    def _keep(self, error: BaseException) -> None:
        """Raise `error` later; one that ends the program outranks the others."""
        if self._raised is None or not isinstance(error, Exception):
            self._raised = error
        if self._cancels:
            self._cancels[-1]()

    def _is_interrupt(self, number: int) -> bool:
        """Whether the handler is the one that raises KeyboardInterrupt, or does not matter."""
        handler = self._handlers.get(number)
        return handler is signal.default_int_handler or (number == self.always and handler is not None)


def _sent(notes: list[tuple[int, int, bytes]]) -> float:
    """When a datagram was sent of which the kernel has noted this; now where it notes nothing."""
    now = time.monotonic()
    for _, _, note in notes:
        seconds, nanoseconds = _TIME.unpack(note)
        at: float = seconds + nanoseconds / 1e9
        # the clocks are read one after the other, and the thread may have to wait in between
        ahead = max(time.time() - time.monotonic() for _ in range(3))
        return min(now, at - ahead)
    return now


_watcher: Watcher | None = None


def watcher() -> Watcher | None:
    """The process's watcher; None outside the main thread, the only one in which handlers run."""
    global _watcher
    if threading.current_thread() is not threading.main_thread():
        return None
    if _watcher is None:
        _watcher = Watcher()
    return _watcher


def checkpoint() -> Callable[[], None]:
    """See `Watcher.checkpoint`; outside the main thread nothing arrives."""
    found = watcher() if _watcher is not None else None
    return found.checkpoint() if found else lambda: None


def _forget() -> None:
    """A forked child has no such thread, and must not write to its parent's."""
    global _watcher
    if _watcher is not None and _watcher._guards:
        signal.set_wakeup_fd(-1)
        _watcher._guards = False
        _watcher._step_back()
    _watcher = None


os.register_at_fork(after_in_child=_forget)
