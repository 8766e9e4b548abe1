"""PyTorch is loaded while the user types the first command."""

import contextlib
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType

from pybridge import lazy

_LONG_WAIT = 2.0  # seconds


class Loading:
    """Imports, in a thread, the modules that commands would import when they are first used."""

    def __init__(self) -> None:
        self._thread = threading.Thread(target=self._load, name="tcltorch-load", daemon=True)

    def start(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    @property
    def going_on(self) -> bool:
        return self._thread.is_alive()

    @contextlib.contextmanager
    def telling(self, tell: Callable[[], None]) -> Iterator[None]:
        """Call `tell`, in a thread, when the command in this block has to wait for this."""
        if not self.going_on:
            yield
            return
        done = threading.Event()
        thread = threading.Thread(target=self._tell, args=[tell, done], daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()  # what it has begun to write must not come behind what follows

    def _tell(self, tell: Callable[[], None], done: threading.Event) -> None:
        while not done.wait(_LONG_WAIT) and self.going_on:
            if _is_waited_for():
                tell()
                return

    def _load(self) -> None:
        for name in lazy.__all__:
            module: ModuleType = getattr(lazy, name)
            with contextlib.suppress(Exception):  # the command that needs it tries again, and says why
                importlib.import_module(module.__name__)


def _is_waited_for() -> bool:
    """Whether the main thread imports one of these modules, too."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None and frame.f_code is not lazy.import_once.__code__:
        frame = frame.f_back
    return frame is not None
