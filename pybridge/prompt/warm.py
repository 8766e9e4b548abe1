"""PyTorch is loaded while the user types the first command."""

import contextlib
import importlib
import threading
from types import ModuleType

from pybridge import lazy


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

    def _load(self) -> None:
        for name in lazy.__all__:
            module: ModuleType = getattr(lazy, name)
            with contextlib.suppress(Exception):  # the command that needs it tries again, and says why
                importlib.import_module(module.__name__)
