"""Words for how a program has ended."""

import signal


def how_ended(status: int) -> str:
    """How a program has ended.

    Args:
        status: its exit status; negative, the signal that killed it, as Python's `subprocess` gives it.

    Returns:
        `ended with status 3` or `was killed by SIGKILL`.
    """
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # most of the real-time signals have no name
        return f"was killed by signal {-status}"
