"""What the daemon waits for: descriptors on which something happens, and whom to call then."""

import select
from collections.abc import Callable

_LONGEST_WAIT = 60.0  # seconds: poll(2) knows no infinity


class Watch:
    """Waits for several descriptors at a time."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._calls: dict[int, Callable[[int], None]] = {}

    def add(self, descriptor: int, call: Callable[[int], None], events: int = select.POLLIN) -> None:
        """Have `call` called with what has happened to a descriptor, when it is one of these events."""
        self._calls[descriptor] = call
        self._poll.register(descriptor, events)

    def remove(self, descriptor: int) -> None:
        """Watch a descriptor no longer, if it was."""
        if self._calls.pop(descriptor, None):
            self._poll.unregister(descriptor)

    def wait(self, seconds: float, comes_last: Callable[[int], bool]) -> None:
        """Wait until something happens, for some time at the most, and call all whom it concerns.

        Args:
            seconds: however many; a minute at the most is waited.
            comes_last: says of a descriptor whether it is left until the others have been seen to.
        """
        found = self._poll.poll(max(0.0, min(_LONGEST_WAIT, seconds)) * 1000 + 1)
        for descriptor, events in sorted(found, key=lambda each: comes_last(each[0])):
            if descriptor in self._calls:  # not ended by one before it
                self._calls[descriptor](events)
