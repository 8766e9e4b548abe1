"""What the tests of the Interpreter share."""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pybridge import Interpreter, TclError


def python(code: str, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a Python program of its own."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def error_of(action: Callable[..., Any], *words: Any) -> TclError:
    with pytest.raises(TclError) as raised:
        action(*words)
    return raised.value


def in_thread(action: Callable[[], Any]) -> list[Any]:
    """What the action gives in another thread, or what it raises."""
    got: list[Any] = []

    def run() -> None:
        try:
            got.append(action())
        except BaseException as error:
            got.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return got


def live(tcl: Interpreter) -> int:
    return int(tcl.eval("dict get [torch::memory] live"))
