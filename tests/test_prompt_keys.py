"""Keys that are pressed, and text that is pasted as if they were."""

from types import SimpleNamespace
from typing import Any

import pytest
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyPress

from pybridge.prompt.keys import Pace, joined


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


@pytest.mark.parametrize(
    ("read", "waiting", "keys"),
    [
        ("set x 1", False, ["set x 1"]),
        ("set x 1", True, [*"set x 1"]),
        ("s", False, ["s"]),
        ("proc f {} {\r\tset é 1\n}\r", False, ["proc f {} {", "\r", "\t", *"set é 1", "\n", "}", "\r"]),
        ("\n  ab\x1bfoo", False, ["\n", "  ab", "\x1b", *"foo"]),
        ("\x1b[Aab", False, ["\x1b[A", *"ab"]),
        ("\x1b[200~a\nb\x1b[201~", False, ["a\nb"]),
        ("", False, []),
    ],
)
def test_text_that_is_read_at_once_is_one_key(read: str, waiting: bool, keys: list[str]) -> None:
    """Where nothing before it may have to do with its first character."""
    parsed: list[KeyPress] = []
    parser = Vt100Parser(parsed.append)
    parser.feed(read)
    assert [press.data for press in joined(parsed, waiting)] == keys
