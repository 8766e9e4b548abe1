"""Several actions take turns, so that what else the machine does hits all of them alike."""

import statistics
import time
from collections.abc import Callable

Action = Callable[[], object]
ROUNDS = 15


def timed(action: Action) -> float:
    """Seconds for one call."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def medians(actions: list[Action], rounds: int = ROUNDS) -> list[float]:
    """The median seconds of each, after one call that does not count."""
    for action in actions:
        action()
    times = [[timed(action) for action in actions] for _ in range(rounds)]
    return [statistics.median(found) for found in zip(*times, strict=True)]
