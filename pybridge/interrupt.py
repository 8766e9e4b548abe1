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

_PATIENCE = 0.2  # seconds to wait for the thread to have read a signal that has arrived


class Watcher:
    """Reads SIGINT from a wake-up descriptor in a thread of its own.

    Attributes:
        arrived: how many SIGINT there have been while watching.
    """

    def __init__(self) -> None:
        self.arrived = 0
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._changed = threading.Condition()
        self._cancels: list[Callable[[], None]] = []
        self._read = 0
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
                if signals and self._cancels:
                    self._cancels[-1]()
                self._changed.notify_all()

    @contextlib.contextmanager
    def watching(self, cancel: Callable[[], None]) -> Iterator[None]:
        """Have SIGINT call `cancel`, from the thread, until the block ends; of nested blocks the inner one.

        Raises:
            KeyboardInterrupt: for a SIGINT that came too late to be a cancel.
        """
        if self._cancels:
            self._cancels.append(cancel)
            try:
                yield
            finally:
                self._cancels.pop()
            return
        self._read = self.arrived
        # The handler comes first and goes last: under it nothing in between is interrupted half-way.
        signal.signal(signal.SIGINT, self._count)
        try:
            self._cancels.append(cancel)
            self._others = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
            yield
        finally:
            signal.set_wakeup_fd(self._others)
            with self._changed:  # no cancel may come after the block
                self._changed.wait_for(lambda: self._read >= self.arrived, _PATIENCE)
                self._cancels.clear()
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self.arrived > self._read:
            raise KeyboardInterrupt

    def _count(self, *_: object) -> None:
        self.arrived += 1

    def handles(self) -> bool:
        """Whether Ctrl-C is Python's to handle, or ours already, and not the program's own business."""
        return signal.getsignal(signal.SIGINT) in (signal.default_int_handler, self._count)


_watcher: Watcher | None = None


def watcher() -> Watcher | None:
    """The process's watcher; None where the program handles SIGINT itself, and outside the main thread."""
    global _watcher
    if threading.current_thread() is not threading.main_thread():
        return None
    if _watcher is None:
        _watcher = Watcher()
    return _watcher if _watcher.handles() else None


def _forget() -> None:
    """A forked child has no such thread, and must not write to its parent's."""
    global _watcher
    if _watcher is not None and _watcher._cancels:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _watcher = None


os.register_at_fork(after_in_child=_forget)


def canceller(address: int) -> Callable[[], None]:
    """A function that cancels what the interpreter at `address` runs; a script's `catch` may stop it."""
    library = ctypes.CDLL(_tkinter.__file__)
    return lambda: library.Tcl_CancelEval(ctypes.c_void_p(address), None, None, 0)
