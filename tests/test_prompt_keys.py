"""Keys that are pressed, and text that is pasted as if they were."""

from types import SimpleNamespace
from typing import Any

import pytest

from pybridge.prompt.keys import Pace


@pytest.mark.parametrize(
    ("times", "more_to_come", "pasting"),
    [
        ([100.0], False, False),
        ([100.0, 100.03], False, False),
        ([100.0, 100.03], True, True),
        ([100.0, 100.001], False, True),
        ([100.0, 100.001, 100.2], False, False),
    ],
)
def test_keys_that_come_together_are_pasted(times: list[float], more_to_come: bool, pasting: bool) -> None:
    clock = iter(times)
    pace = Pace(lambda: next(clock))
    for _ in times:
        pace.note(None)
    event: Any = SimpleNamespace(key_processor=SimpleNamespace(input_queue=["x"] if more_to_come else []))
    assert pace.is_pasting(event) is pasting
