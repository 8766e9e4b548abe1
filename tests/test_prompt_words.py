"""Where the cursor is in a script, for completion."""

from dataclasses import replace

import pytest

from pybridge.prompt.words import Place, place_at_end

PLACES = [
    ("", (), ""),
    ("put", (), "put"),
    ("set x ", ("set", "x"), ""),
    ("set x 1; se", (), "se"),
    ("set x 1\n  se", (), "se"),
    ("set x [torch::on", (), "torch::on"),
    ("set x [torch::ones {2 3} -dt", ("torch::ones", "{2 3}"), "-dt"),
    ("set x [torch::ones 2] ", ("set", "x", "[torch::ones 2]"), ""),
    ("foreach x {1 2} {\n  torch::ad", (), "torch::ad"),
    ("foreach x {1 2} {\n  puts $x\n} ", ("foreach", "x", "{1 2}", "{\n  puts $x\n}"), ""),
    ("if {[f a {b c}] > 1} {g [h ", ("h",), ""),
    ('puts "a [torch::ones ', ("torch::ones",), ""),
    ('puts "a [f] b" x', ("puts", '"a [f] b"'), "x"),
    ('puts "a \\" b" x', ("puts", '"a \\" b"'), "x"),
    ('puts "a\\"" x', ("puts", '"a\\""'), "x"),
    ('puts a"b c', ("puts", 'a"b'), "c"),
    ("puts a\\ b c", ("puts", "a\\ b"), "c"),
    ("puts a \\\n  b", ("puts", "a"), "b"),
    ("puts \\\n$x b", ("puts", "$x"), "b"),
    ("puts a\\  b", ("puts", "a\\ "), "b"),
    ("puts {a \\} b} c", ("puts", "{a \\} b}"), "c"),
    ("puts {a {b} c} d", ("puts", "{a {b} c}"), "d"),
    ("puts a{b c", ("puts", "a{b"), "c"),
    ("f {*}$x {*}{a b} c", ("f", "$x", "{a b}"), "c"),
    ("f {*} c", ("f", "{*}"), "c"),
    ("f {g a{*}b c", ("g", "a{*}b"), "c"),
    ("puts ${a b} c", ("puts", "${a b}"), "c"),
    ("# not this\nputs x", ("puts",), "x"),
    ("# goes on \\\n still\nputs x", ("puts",), "x"),
    ("puts #x y", ("puts", "#x"), "y"),
    ("a#b c", ("a#b",), "c"),
    ("f ] } x", ("f", "]", "}"), "x"),
    ("f \\", ("f",), "\\"),
]


@pytest.mark.parametrize(("text", "words", "word"), PLACES)
def test_the_words_before_the_cursor(text: str, words: tuple[str, ...], word: str) -> None:
    place = place_at_end(text)
    assert place is not None
    assert (place.words, place.word, place.opened) == (words, word, "")


def test_inside_of_quotes() -> None:
    assert place_at_end('source "my fi') == Place(("source",), "my fi", '"')


@pytest.mark.parametrize(
    ("text", "script", "value"),
    [
        ("f a {b c", Place(("b",), "c"), Place(("f", "a"), "b c", "{")),
        ("f {a {b", Place((), "b"), Place(("a",), "b", "{")),
        ("f {a x{b", Place((), "b"), None),
        ("f {*}{b", Place((), "b"), Place(("f",), "b", "{")),
        ("f {g [h b", Place(("h",), "b"), None),
    ],
)
def test_what_is_in_braces_is_a_script_or_a_value(text: str, script: Place, value: Place | None) -> None:
    assert place_at_end(text) == replace(script, value=value)


@pytest.mark.parametrize("text", ["# puts $x", "set x 1 ;# to", "f {\n # in a body", "# a \\\n b"])
def test_nothing_is_completed_in_a_comment(text: str) -> None:
    assert place_at_end(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("puts $x", "x"),
        ("puts $", ""),
        ("puts a$x", "x"),
        ("puts ${a b", "a b"),
        ("puts $a(b", "a(b"),
        ("puts $::ns::x", "::ns::x"),
        ('puts "$x and $y', "y"),
        ("puts $x-$y", "y"),
        ("expr {$a + $b", "b"),
        ("puts \\$x", None),
        ("puts \\\\$x", "x"),
        ("puts $x-y", None),
        ("puts $a(b)", None),
        ("puts ${a}", None),
        ("puts x", None),
    ],
)
def test_the_name_of_a_variable(text: str, name: str | None) -> None:
    place = place_at_end(text)
    assert place is not None
    assert place.variable == name
