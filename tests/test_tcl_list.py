"""Tcl's text forms in Python against Tcl itself."""

import _tkinter
import math
import re
import struct

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pybridge.tcl_list import camel_case, double_text, glob_match, join_list, split_list

TCL = _tkinter.create(None, "t", "Tcl", False, True, False, False, None)
MANY = settings(deadline=None, max_examples=500)

SYNTAX = ["{", "}", '"', "\\", " ", "\t", "\n", "\r", "\v", "\f", "[", "]", "$", ";", "#", "\0"]
ESCAPES = ["\\x", "\\u", "\\U", "\\1", "\\n", "\\\n  ", "\\}", "\\{", '\\"', "\\ ", "\\\\"]
PLAIN = list("aB0478é€\x1c\x1d\x1e\x1f\x85\xa0\u2028\U0001f600")
TEXTS = st.one_of(
    st.lists(st.sampled_from(SYNTAX + ESCAPES + PLAIN), max_size=12).map("".join),
    st.text(max_size=30),
)
# Tcl 8.6 holds 16 bits a character and mangles these escapes; the examples below say what they are in 9.0.
BEYOND_16_BITS = re.compile(
    r"\\[\U00010000-\U0010ffff]|\\U0{0,3}[1-9a-fA-F][0-9a-fA-F]{4}|\\[uU]0{0,4}[dD][89a-fA-F]"
)


def to_tkinter(text: str) -> str:
    """tkinter cuts a text at a NUL; Tcl's own form of it is these two bytes."""
    return text.replace("\0", "\udcc0\udc80")


def split_by_tcl(text: str) -> list[str]:
    word = to_tkinter(text)
    # Not splitlist(): it refuses a NUL.
    return [str(TCL.call("lindex", word, index)) for index in range(int(TCL.call("llength", word)))]


# -- lists -----------------------------------------------------------------------------------------------


@MANY
@given(TEXTS)
@example("")
@example(" ")
@example("a {b c} d")
@example("a\x1cb")
@example("a\x1db")
@example("a\x1eb")
@example("a\x1fb")
@example("a\\")
@example("{a}b")
@example('"a"b')
@example("{a} {")
@example('a"b {c"d}')
@example("\\400 \\377 \\1234")
@example("\\x41f \\xg \\u4 \\U41 \\ug")
@example("{a\\}b}")
@example("{a\\\nb} a\\\n  b")
def test_split_list_agrees_with_tcl(text: str) -> None:
    assume(not BEYOND_16_BITS.search(text))
    try:
        expected = split_by_tcl(text)
    except _tkinter.TclError as error:
        with pytest.raises(ValueError, match=r"unmatched open|list element in") as raised:
            split_list(text)
        ours, theirs = str(raised.value), str(error)
        if not text.isascii():  # Tcl counts the bytes of what it quotes, and may cut inside a character
            ours, theirs = (message.partition("followed by")[0] for message in (ours, theirs))
        assert ours == theirs
    else:
        assert split_list(text) == expected


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        (r"\ud83d\ude00", ["\U0001f600"]),  # what `puts` shows in 8.6 and 9.0
        (r"\U0001f600", ["\U0001f600"]),
        (r"\U1f600", ["\U0001f600"]),
        (r"\U10ffff0", ["\U0010ffff0"]),
        (r"\U00110000", ["\U000110000"]),  # a digit that would lead beyond U+10FFFF is no part of the escape
        ("\\\U0001f600", ["\U0001f600"]),
    ],
)
def test_characters_beyond_16_bits(text: str, elements: list[str]) -> None:
    assert split_list(text) == elements


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "unmatched open brace in list"),
        ("a {b {c}", "unmatched open brace in list"),
        ('"', "unmatched open quote in list"),
        ('"\\"', "unmatched open quote in list"),
        ("{a}b c", 'list element in braces followed by "b" instead of space'),
        ('"a"bcd', 'list element in quotes followed by "bcd" instead of space'),
        ("{}" + 30 * "x", f'list element in braces followed by "{20 * "x"}" instead of space'),
    ],
)
def test_malformed_lists(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        split_list(text)
    with pytest.raises(_tkinter.TclError, match=f"^{re.escape(message)}$"):
        TCL.splitlist(text)


@MANY
@given(st.lists(TEXTS, max_size=6))
@example([""])
@example(["#"])
@example(["\\\n"])
@example(["{", "}"])
@example(["a\\", "\\"])
def test_join_list_round_trips(elements: list[str]) -> None:
    text = join_list(elements)
    assert split_list(text) == elements
    assert split_by_tcl(text) == elements


@MANY
@given(st.lists(TEXTS, max_size=4))
def test_a_joined_list_is_a_command_of_the_same_words(elements: list[str]) -> None:
    command = join_list(["list", *elements])
    assert [str(word) for word in TCL.splitlist(TCL.call("eval", to_tkinter(command)))] == elements


def test_a_list_whose_first_word_is_like_a_comment_is_a_command() -> None:
    TCL.eval("proc #a {word} {return $word}")
    assert TCL.eval(join_list(["#a", "said"])) == "said"


def test_long_lists_are_split_in_linear_time() -> None:
    elements = [f"{{{index}}} \\" for index in range(20_000)]
    assert split_list(join_list(elements)) == elements
    nested = 2_000 * "{" + 2_000 * "}"
    assert split_list(nested) == [nested[1:-1]]


# -- doubles ---------------------------------------------------------------------------------------------

DOUBLES = st.floats() | st.binary(min_size=8, max_size=8).map(lambda data: struct.unpack("d", data)[0])


def is_power_of_two(value: float) -> bool:
    return math.frexp(abs(value))[0] == 0.5


@MANY
@given(DOUBLES)
@example(0.0)
@example(-0.0)
@example(0.1)
@example(1e15)
@example(1e16)
@example(123456789012345678.0)
@example(1e17)
@example(1e100)
@example(1e-4)
@example(1e-5)
@example(-2.5e-9)
@example(5e-324)
@example(2.2250738585072014e-308)
@example(1.7976931348623157e308)
@example(math.nan)
@example(-math.nan)
@example(math.inf)
@example(-math.inf)
def test_double_text_is_tcls(value: float) -> None:
    if math.isnan(value):
        value = math.copysign(math.nan, value)  # Tcl shows the payload, too: NaN(1)
    expected = str(TCL.call("format", "%s", value))
    if not math.isnan(value) and float(expected) != value:
        assert is_power_of_two(value)  # Tcl 8.6.13 writes some of them with a digit too few
        assert float(double_text(value)) == value
    else:
        assert double_text(value) == expected


@MANY
@given(st.integers(-1074, 1023), st.sampled_from([-1.0, 1.0]))
def test_powers_of_two_read_back(exponent: int, sign: float) -> None:
    value = math.ldexp(sign, exponent)
    assert float(double_text(value)) == value


# -- globs -----------------------------------------------------------------------------------------------

# Tcl 8.6 counts a character beyond 16 bits as two, 9.0 as one.
SIXTEEN_BITS = st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])
GLOBS = st.lists(
    st.sampled_from(
        ["*", "?", "[", "]", "-", "\\", "^", "!", "a", "b", "c", "[a-c]", "[c-a]", ".", "é", "\n"]
    )
    | SIXTEEN_BITS,
    max_size=8,
).map("".join)
NAMES = st.lists(st.sampled_from([*"abc-]^\\[*?!.é\n"]) | SIXTEEN_BITS, max_size=5).map("".join)


@MANY
@given(GLOBS, NAMES)
@example("[a-c]", "b")
@example("[c-a]", "b")
@example("[a-]", "-")
@example("[b-]", "a")
@example("[b-]", "]")
@example("[b-", "b")
@example("[-a]", "-")
@example("[a-b-d]", "-")
@example("[^a]", "b")
@example("[!a]", "b")
@example("[a\\]]", "\\]")
@example("[\\-a]", "Z")
@example("[]", "]")
@example("[", "[")
@example("[a", "a")
@example("\\*", "*")
@example("\\*", "a")
@example("a\\", "a\\")
@example("\\", "")
@example("*", "")
@example("*a*b", "a\nb")
@example("?", "\n")
@example("a.c", "abc")
def test_glob_match_agrees_with_string_match(pattern: str, name: str) -> None:
    expected = bool(int(TCL.call("string", "match", to_tkinter(pattern), to_tkinter(name))))
    assert glob_match(pattern, name) is expected


# -- names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "camel"),
    [
        ("quant_min", "quantMin"),
        ("fake_quantize_per_channel", "fakeQuantizePerChannel"),
        ("input", "input"),
        ("input1", "input1"),
        ("conv2d", "conv2d"),
        ("q_per_channel_zero_points", "qPerChannelZeroPoints"),
        ("tensor_to_list", "tensorToList"),
        ("Empty", "Empty"),
        ("max_pool_2d", "maxPool2d"),
        ("already_camelCase", "alreadyCamelCase"),
    ],
)
def test_camel_case(name: str, camel: str) -> None:
    assert camel_case(name) == camel


@settings(deadline=None)
@given(st.from_regex(r"[a-z][a-z0-9]*(_[a-z0-9]+){0,4}", fullmatch=True))
def test_camel_case_only_joins_words(name: str) -> None:
    camel = camel_case(name)
    assert camel.lower() == name.replace("_", "")
    assert camel_case(camel) == camel
    assert sum(letter.isupper() for letter in camel) == len(re.findall("_[a-z]", name))
