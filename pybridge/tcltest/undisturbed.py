"""What signals raise waits while something is done that must not end half-way through."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

# the last one may be dropped where the first ends pytest
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


class _Held:
    """A handler that takes note of its signal, for another one to handle it later.

    Should it stay in its place because a signal has come while it was taken out, it does what the other does.
    """

    def __init__(self, number: int, handler: Callable[[int, FrameType | None], object]) -> None:
        self.number = number
        self.handler = handler
        self.holds = True
        self.came = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.holds:
            self.came = True
        else:
            self.handler(number, frame)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Have what ends pytest or, as an alarm does, a test wait for the end of this block.

    A mask would not do: where there are other threads, as in a worker of pytest-xdist, a signal comes in one
    of them, and Python handles it in the main thread whatever that has masked.
    """
    if threading.current_thread() is not threading.main_thread():  # in which alone Python handles signals
        yield
        return
    held: list[_Held] = []
    try:
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                held.append(_Held(number, handler))
                signal.signal(number, held[-1])
        yield
    finally:
        for each in held:
            each.holds = False
        for each in held:
            signal.signal(each.number, each.handler)
        for each in held:
            if each.came:
                signal.raise_signal(each.number)
