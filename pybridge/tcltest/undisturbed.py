"""What signals raise waits while something is done that must not end half-way through."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

# Where several come and the first of these raises, the others are dropped.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


class _Held:
    """A handler in the place of others, which takes note of what comes for them to handle later.

    Should it stay in a place because a signal has come while it was taken out, it does what the other did.
    """

    def __init__(self) -> None:
        self.handlers: dict[int, Callable[[int, FrameType | None], object]] = {}
        self.holds = True
        self._came: set[int] = set()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.holds:
            self._came.add(number)
        else:
            self.handlers[number](number, frame)

    def begin(self) -> None:
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                self.handlers[number] = handler
                signal.signal(number, self)

    def end(self) -> None:
        self.holds = False  # first, and for all: those of them that are back may raise here
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        for number in self.handlers:
            if number in self._came:
                signal.raise_signal(number)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Have what ends pytest or, as an alarm does, a test wait for the end of this block.

    A mask would not do: where there are other threads, as in a worker of pytest-xdist, a signal comes in one
    of them, and Python handles it in the main thread whatever that has masked.
    """
    if threading.current_thread() is not threading.main_thread():  # in which alone Python handles signals
        yield
        return
    held = _Held()
    try:
        held.begin()
        yield
    finally:
        held.end()
