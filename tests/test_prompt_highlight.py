"""Colours of what is typed, and that they can be read on any background."""

import pytest
from prompt_toolkit.styles import default_ui_style, merge_styles
from pygments.token import Comment, Keyword, Name, String, Text, Token

import pybridge.commands  # noqa: F401  # registers them
from pybridge.prompt.highlight import STYLE, TorchTclLexer

KINDS = [
    ("torch::ones 2", "torch::ones", Name.Function),
    ("set x [::torch::quantizePerTensor $y]", "::torch::quantizePerTensor", Name.Function),
    ("if 1 {torch::ones 2}", "torch::ones", Name.Function),
    ("torch::onse 2", "torch::onse", Name.Variable),
    ("torch::ones_like_nothing 2", "torch::ones_like_nothing", Name.Variable),
    ("mine 2", "mine", Name.Variable),
    ("puts x", "puts", Name.Builtin),
    ("set x 1", "set", Keyword),
    ("puts $x", "$x", Name.Variable.Global),
    ("puts $::space::x", "$::space::x", Name.Variable.Global),
    ("puts ${odd name}", "${odd name}", Name.Variable.Global),
    ("puts a\\ b", "\\ ", String.Escape),
    ("puts \\$x", "\\$", String.Escape),
    ("puts \\\n  x", "\\\n", String.Escape),
    ('puts "t"', "t", String.Double),
    ('puts "a $x b"', "$x", Name.Variable.Global),
    ('puts "[list $x]"', "$x", Name.Variable.Global),
    ('puts "\\$x"', "\\$", String.Double),
    ("puts text", "text", Text),
    ("# all of it", " all of it\n", Comment),
]
COLOURS = {"ansimagenta", "ansired"}
MENU = "class:completion-menu class:completion-menu."


@pytest.mark.parametrize(("text", "part", "kind"), KINDS)
def test_what_a_part_of_a_script_is_taken_for(text: str, part: str, kind: object) -> None:
    tokens = list(TorchTclLexer().get_tokens(text))
    assert "".join(value for _, value in tokens) == f"{text}\n"
    assert (kind, part) in tokens
    assert Token.Error not in [token for token, _ in tokens]


def test_a_comment_that_is_being_typed_is_one() -> None:
    tokens = TorchTclLexer().get_tokens_unprocessed("set x 1\n# all of it")
    assert [(kind, value) for _, kind, value in tokens][-2:] == [(Comment, "#"), (Comment, " all of it")]


def test_every_colour_can_be_read_on_black_and_on_white() -> None:
    style = merge_styles([default_ui_style(), STYLE])
    foregrounds, backgrounds = set(), set()
    for classes, _ in STYLE.style_rules:
        attributes = style.get_attrs_for_style_str(f"class:{classes}")
        foregrounds.add(attributes.color)
        backgrounds.add(attributes.bgcolor)
    assert foregrounds - {"", "default"} == COLOURS
    assert backgrounds <= {"", "default"}


@pytest.mark.parametrize("part", ["completion", "meta.completion"])
def test_the_menu_has_the_terminal_s_own_colours(part: str) -> None:
    style = merge_styles([default_ui_style(), STYLE])
    for entry, reverse in ((part, False), (f"{part}.current", True)):
        attributes = style.get_attrs_for_style_str(MENU + entry)
        assert {attributes.color, attributes.bgcolor} <= {"", "default"}
        assert attributes.reverse == reverse


def test_what_is_known_is_told_from_what_is_mistyped() -> None:
    known, mistyped = (
        STYLE.get_attrs_for_style_str(f"class:pygments.name.{kind}") for kind in ("function", "variable")
    )
    assert (known.color, known.bold) == ("ansimagenta", True)
    assert (mistyped.color, mistyped.bold) == ("", False)
