"""A worker ends with its program, whatever it is doing, and so do the commands that its scripts wait for.

One of the daemon's is ended by the daemon, which sees its client go.
"""

import contextlib
import os
import select
import signal
import threading
from pathlib import Path
from typing import NoReturn


def end_with(descriptor: int) -> None:
    """End this process when the other side of `descriptor` closes it, also in the middle of a command."""
    threading.Thread(target=_wait, args=(descriptor,), name="tcltorch-hangup", daemon=True).start()


def _wait(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP)  # and what is always told: POLLHUP, POLLERR
    poll.poll()
    end(0)


def end(status: int) -> NoReturn:
    """End this process, and the processes that it has started itself."""
    signal_children(signal.SIGKILL)
    os._exit(status)


def signal_children(number: int) -> None:
    """Send a signal to the processes that this one has started itself."""
    for child in _children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)


def _children() -> list[int]:
    """The processes that this one waits for or has forgotten: those of a script's `exec`."""
    found = []
    for task in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended
            found += [int(word) for word in task.read_text().split()]
    return found
