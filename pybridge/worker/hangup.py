"""A worker ends with the program that it works for, whatever it is doing."""

import os
import select
import threading


def end_with(descriptor: int) -> None:
    """End this process when the other side of `descriptor` closes it, also in the middle of a command."""
    threading.Thread(target=_wait, args=(descriptor,), name="tcltorch-hangup", daemon=True).start()


def _wait(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP)  # and what is always told: POLLHUP, POLLERR
    poll.poll()
    os._exit(0)
