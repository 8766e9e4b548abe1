"""Keys that are pressed, and text that is pasted as if they were."""

from types import SimpleNamespace
from typing import Any

import pytest

from pybridge.prompt.keys import Pace


@pytest.mark.parametrize(
    ("keys", "pasting"),
    [
        ([(100.0, 0)], False),
        ([(100.0, 0), (100.03, 0)], False),
        ([(100.0, 0), (100.03, 1)], True),
        ([(100.0, 0), (100.001, 0)], True),
        ([(100.0, 0), (100.001, 0), (100.2, 0)], False),
        # read together, however busy the machine has been between them
        ([(100.0, 1), (101.0, 0)], True),
        ([(100.0, 1), (101.0, 0), (102.0, 0)], False),
    ],
)
def test_keys_that_come_together_are_pasted(keys: list[tuple[float, int]], pasting: bool) -> None:
    """Each key with its time, and how many more were read with it."""
    clock = iter(at for at, _ in keys)
    pace = Pace(lambda: next(clock))
    for _, more in keys:
        processor: Any = SimpleNamespace(input_queue=["x"] * more)
        pace.note(processor)
    assert pace.is_pasting() is pasting
