"""Commands that show how far a script has come."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from pybridge import errors
from pybridge.interrupt import checkpoint
from pybridge.registry import command

_SOON = 0.5  # seconds in which work ends that needs no bar


class Progress:
    """A progress bar on standard error; nothing is drawn where that is no terminal."""

    handle_kind = "progress_bar"

    def __init__(self, total: int, label: str, delay: float = 0) -> None:
        from tqdm import tqdm

        self._total, self._done = total, 0
        # tqdm itself heeds its variable only where it is told nothing; None is for a terminal
        unwanted = True if not sys.stderr or os.environ.get("TQDM_DISABLE") else None
        self._bar: Any = tqdm(total=total, desc=label or None, disable=unwanted, delay=delay)

    @classmethod
    @contextlib.contextmanager
    def steps(cls, total: int, label: str) -> Iterator[Callable[[], None]]:
        """A bar for a block, which is given what moves it on, and raises KeyboardInterrupt after a Ctrl-C.

        Nothing is drawn if the block ends soon.
        """
        bar, interrupted = cls(total, label, _SOON), checkpoint()

        def step() -> None:
            bar.step(1)
            interrupted()

        try:
            yield step
        finally:
            bar.close()

    def step(self, count: int) -> None:
        """Move the bar forward by `count`; at its total it is finished."""
        self._done += count
        self._bar.update(count)
        if self._done >= self._total:
            self.close()

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


@command()
def progress_bar(total: int, label: str = "") -> Progress:
    """Show a progress bar on standard error, when that is a terminal.

    Long work, such as `quantization_plan`, has one of its own. With TQDM_DISABLE=1 in the environment there
    is none.

    Args:
        total: the number of steps to come, 0 or more.
        label: text before the bar.

    Returns:
        A handle for `progress_step`; freeing it ends the bar where it is.

    Example:
        set bar [torch::progress_bar 2 layers]
        foreach layer {a b} {torch::progress_step $bar}
        => {}
    """
    if total < 0:
        raise errors.arg_value("total", f"total must be 0 or more but is {total}")
    return Progress(total, label)


@command()
def progress_step(bar: Progress, count: int = 1) -> None:
    """Move a progress bar forward.

    Args:
        bar: what `progress_bar` gave.
        count: by how many steps.

    Returns:
        Nothing.

    Example:
        torch::progress_step [torch::progress_bar 2] 2
        => {}
    """
    if count < 0:
        raise errors.arg_value("count", f"count must be 0 or more but is {count}")
    bar.step(count)
