"""How far in the lines of a script begin at the prompt."""

import pytest

from pybridge.prompt import margin


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", ""),
        ("set x 1", ""),
        ("  set x [list \\", "  "),
        ("proc f {} {", "    "),
        ("\tif 1 {  ", "\t    "),
        ("  } else {", "      "),
        ("    }", "    "),
    ],
)
def test_after_a_line(line: str, expected: str) -> None:
    assert margin.after(line) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("set x {}\n    ", None),
        ("proc f {} {\n    ", ""),
        ("proc f {} {\n  if 1 {\n      ", "  "),
        ("proc f {} {\n  if 1 {\n  }\n  ", ""),
        ("proc f {} {\n  puts \\{\n  ", ""),
        ("} {\n", ""),
    ],
)
def test_of_a_closing_brace(text: str, expected: str | None) -> None:
    assert margin.of_closing_brace(text) == expected
