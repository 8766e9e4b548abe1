"""Keys that are pressed, and text that is pasted as if they were."""

from types import SimpleNamespace
from typing import Any

import pytest
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyPress

from pybridge.prompt.keys import Pace, PromptKeys, joined


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


@pytest.mark.parametrize(
    ("pasted", "typed"),
    [
        ("% set x 1\n1\n% incr x\n2\n", "set x 1\nincr x"),
        ("% set x 1", "set x 1"),
        ("\n  % set x 1", "set x 1"),
        ("% proc f {} {\n>\n>     expr 1\n> }", "proc f {} {\n\n    expr 1\n}"),
        ("% proc f {} {\n>     expr 1\n> }\n% f\n1", "proc f {} {\n    expr 1\n}\nf"),
        ("% foreach x {1 2} {\n    puts $x\n}\n1\n2", "foreach x {1 2} {\n    puts $x\n}"),
        ("% list\n\n% list %", "list\nlist %"),
        ("set x 1\n% set y", "set x 1\n% set y"),
        ("expr {7\n% 4}", "expr {7\n% 4}"),
        ("", ""),
    ],
)
def test_a_session_is_pasted_without_prompts_and_results(pasted: str, typed: str) -> None:
    def is_complete(script: str) -> bool:
        return script.count("{") == script.count("}")

    keys = PromptKeys(is_complete, lambda _: None, lambda _: None, Pace())
    assert keys.typed_in(pasted) == typed
