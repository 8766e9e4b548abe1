"""Ctrl-C while Tcl runs.

Python's own handler does not run before Tcl returns, and would then raise inside a callback, where Tcl sees
an error without a message. So the signal is read from a wake-up descriptor by a small thread, which cancels
the script with the one function of Tcl that any thread may call.
"""

import _tkinter
import contextlib
import ctypes
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator

_PATIENCE = 1.0  # seconds to wait for the thread to have read a signal that has arrived


class Watcher:
    """Reads SIGINT from a wake-up descriptor in a thread of its own."""

    def __init__(self) -> None:
        self.process = os.getpid()  # a forked child has no such thread
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._changed = threading.Condition()
        self._cancel: Callable[[], None] | None = None
        self._read = 0
        self._arrived = 0
        self._others = -1
        threading.Thread(target=self._run, name="tcltorch-interrupt", daemon=True).start()

    def _run(self) -> None:
        while data := self._reader.recv(256):
            if self._others >= 0:
                with contextlib.suppress(OSError):
                    os.write(self._others, data)
            with self._changed:
                signals = data.count(signal.SIGINT)
                self._read += signals
                if signals and self._cancel is not None:
                    self._cancel()
                self._changed.notify_all()

    @contextlib.contextmanager
    def watching(self, cancel: Callable[[], None]) -> Iterator[None]:
        """Have SIGINT call `cancel`, from the thread, and do nothing else, until the block ends."""
        begun = self._arrived
        self._read = begun
        self._cancel = cancel
        self._others = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGINT, self._count)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.set_wakeup_fd(self._others)
            with self._changed:  # no cancel may come after the block
                self._changed.wait_for(lambda: self._read >= self._arrived, _PATIENCE)
                self._cancel = None

    def _count(self, *_: object) -> None:
        self._arrived += 1

    @property
    def arrived(self) -> int:
        """How many SIGINT there have been while watching."""
        return self._arrived


_watcher: Watcher | None = None


def watcher() -> Watcher | None:
    """The process's watcher; None outside the main thread, which alone handles signals."""
    global _watcher
    if threading.current_thread() is not threading.main_thread():
        return None
    if _watcher is None or _watcher.process != os.getpid():
        _watcher = Watcher()
    return _watcher


def canceller(address: int) -> Callable[[], None]:
    """A function that cancels what the interpreter at `address` runs; a script's `catch` may stop it."""
    library = ctypes.CDLL(_tkinter.__file__)
    return lambda: library.Tcl_CancelEval(ctypes.c_void_p(address), None, None, 0)
