"""Every converter of `pybridge.values` against the boundary matrix: what comes out, or which error."""

import _tkinter
import math
import struct
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pybridge import file_names
from pybridge.annotations import Device, Dtype, FileName, Handle, Tensor, TensorHandle
from pybridge.bulk import Bulk
from pybridge.errors import TclError
from pybridge.handles import HandleTable
from pybridge.names import dtype_name
from pybridge.parameter_types import type_of
from pybridge.values import DTYPES, Word
from tests.boundary_matrix import (
    ALL_WORDS,
    BOOLEAN_WORDS,
    FLOATS,
    HOSTILE_TEXTS,
    INTEGER_RANGES,
    INTEGERS,
    LENGTHS,
    NO_NUMBERS,
    WIDE_INTEGERS,
    hint_on_list,
    hint_on_number,
    no_such_tensor,
    quoted,
)

TCL = _tkinter.create(None, "t", "Tcl", False, True, False, False, None)
Outcome = tuple[Any, ...]  # ("value", the value) or the error: (code, message)


class Progress:
    handle_kind = "progress"


class Optimizer:
    handle_kind = "optimizer"


PROGRESS = Progress()
TENSOR = torch.arange(3.0)


def handle_table() -> HandleTable:
    """tensor0 and progress2 are live, tensor1 was freed."""
    table = HandleTable(lambda value: None)
    table.add("tensor", TENSOR)
    table.add("tensor", torch.zeros(1))
    table.add("progress", PROGRESS)
    table.free(["tensor1"])
    return table


TABLE = handle_table()
LIVE = {"tensor0": TENSOR, "progress2": PROGRESS}


def outcome(annotation: Any, word: Word, label: str = "axis") -> Outcome:
    try:
        return "value", type_of(annotation).convert(word, "axis", label, TABLE)
    except TclError as error:
        return error.errorcode, error.message


def same(one: Any, other: Any) -> bool:
    """Equal in type and value; a float bit for bit, apart from a NaN's payload."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        sign = math.copysign(1, one) == math.copysign(1, other)
        return sign and (one == other or (math.isnan(one) and math.isnan(other)))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return one is other if isinstance(one, torch.Tensor) else bool(one == other)


def wrong_type(expected: str, word: str, where: str = "", label: str = "axis", hint: str = "") -> Outcome:
    if expected.endswith(("number", "integer")):
        hint = hint_on_number(word, where) or hint
    message = f"expected {expected} but got {quoted(word)}{where} for {label}{hint}"
    return ("TORCH", "ARG", "TYPE", label), message


def no_handle(word: str, kind: str) -> Outcome:
    told = (
        no_such_tensor(word)
        if kind == "tensor"
        else f"no such {kind} {quoted(word)}{hint_on_list(word, kind)}"
    )
    return ("TORCH", "HANDLE", word), told


def elements_by_tcl(word: str) -> list[str] | None:
    """Tcl's own view of the word as a list; None when it is none."""
    text = word.replace("\0", "\udcc0\udc80")
    if any("\ud800" <= letter < "\udc80" for letter in text):
        return [word]  # not to be told to tkinter
    try:
        return [str(TCL.call("lindex", text, index)) for index in range(int(TCL.call("llength", text)))]
    except _tkinter.TclError:
        return None


# -- what each word must give, a function a type -----------------------------------------------------------

BEYOND = ("TORCH", "ARG", "VALUE", "axis")


def as_double(integer: int) -> float:
    try:
        return float(integer)
    except OverflowError:
        return math.inf if integer > 0 else -math.inf


def expect_integer(word: str) -> Outcome:
    if word in INTEGERS:
        return "value", INTEGERS[word]
    if word in WIDE_INTEGERS:
        return BEYOND, f"axis must fit into 64 bits but got {quoted(word)}"
    return wrong_type("integer", word)


def expect_float(word: str) -> Outcome:
    if word in FLOATS:
        return "value", FLOATS[word]
    if word in INTEGERS or word in WIDE_INTEGERS:
        return "value", as_double({**INTEGERS, **WIDE_INTEGERS}[word])
    return wrong_type("floating-point number", word)


def expect_number(word: str) -> Outcome:
    if word in FLOATS:
        return "value", FLOATS[word]
    if word in INTEGERS or word in WIDE_INTEGERS:
        return expect_integer(word)
    return wrong_type("number", word)


def expect_boolean(word: str) -> Outcome:
    text = word.replace("\0", "\udcc0\udc80")
    readable = not any("\ud800" <= letter < "\udc80" for letter in text)
    if readable and TCL.getboolean(TCL.call("string", "is", "boolean", "-strict", text)):
        return "value", bool(TCL.getboolean(TCL.call("string", "is", "true", "-strict", text)))
    return wrong_type("boolean value", word)


DTYPE_WORDS = {
    **{name: getattr(torch, name) for name in DTYPES},
    **{name.upper(): getattr(torch, name) for name in DTYPES},
    **{name: getattr(torch, name) for name in ("float", "double", "half", "short", "int", "long")},
    "byte": torch.uint8,
    "char": torch.int8,
    "Float": torch.float32,
    "torch.float32": torch.float32,
    "torch.Long": torch.int64,
}
NO_DTYPES = (
    "float33",
    "float3",
    "float 32",
    " float32",
    "Tensor",
    "dtype",
    "__class__",
    "nn",
)


def expect_dtype(word: str) -> Outcome:
    if word in DTYPE_WORDS:
        return "value", DTYPE_WORDS[word]
    meant = "int8, int16 or int32" if word == "in" else "float32"
    hint = f" (did you mean {meant}?)" if word in ("in", *NO_DTYPES[:4]) else f": must be {', '.join(DTYPES)}"
    return wrong_type("dtype", word, hint=hint)


DEVICES = {"cpu": torch.device("cpu"), "cpu:0": torch.device("cpu:0"), "meta": torch.device("meta")}
NO_DEVICES = ("gpu", "CPU", "cpu:", "cpu:x", "cpu:-1", "cpu:00", " cpu", "cpu cpu", "cuda:1.5", "0", "cpu\0")


def expect_device(word: str) -> Outcome:
    hint = ": must be cpu, cuda, cuda:0 or the like"
    return ("value", DEVICES[word]) if word in DEVICES else wrong_type("device", word, hint=hint)


def expect_text(word: str) -> Outcome:
    return "value", word


def expect_handle(word: str) -> Outcome:
    if word in LIVE:
        return "value", Handle(word)
    if word == "tensor1":
        return ("TORCH", "HANDLE", "tensor1"), 'tensor "tensor1" was freed'
    return no_handle(word, "handle")


def expect_tensor(word: str) -> Outcome:
    known = {
        "tensor0": ("value", TENSOR),
        "tensor1": (("TORCH", "HANDLE", "tensor1"), 'tensor "tensor1" was freed'),
        "progress2": (("TORCH", "HANDLE", "progress2"), '"progress2" is a progress, not a tensor'),
    }
    return known.get(word) or no_handle(word, "tensor")


def expect_tensor_handle(word: str) -> Outcome:
    return ("value", TensorHandle(word)) if word == "tensor0" else expect_tensor(word)


def expect_progress(word: str) -> Outcome:
    known = {
        "progress2": ("value", PROGRESS),
        "tensor0": (("TORCH", "HANDLE", "tensor0"), '"tensor0" is a tensor, not a progress'),
        "tensor1": (("TORCH", "HANDLE", "tensor1"), 'tensor "tensor1" was freed'),
    }
    return known.get(word) or no_handle(word, "progress")


def expect_choice(word: str) -> Outcome:
    if word in ("mean", "on"):
        return "value", word
    meant = {"meta": "mean", **dict.fromkeys(("one", "ON", "non", "onn", "on\n"), "on")}.get(word)
    hint = f" (did you mean {meant}?)" if meant else ""
    return ("TCL", "LOOKUP", "INDEX", "axis", word), f"bad axis {quoted(word)}: must be mean, on{hint}"


def expect_tensor_or(scalar: Callable[[str], Outcome], noun: str) -> Callable[[str], Outcome]:
    def expect(word: str) -> Outcome:
        got = scalar(word)
        if got[0] in ("value", BEYOND):
            return got
        begins_like_a_name = word[:1] == "_" or (word[:1].isalpha() and word[:1].isascii())
        names = begins_like_a_name and word.split(" ")[0].replace("_", "a").isalnum()
        return expect_tensor(word) if names else wrong_type(noun, word)

    return expect


EXPECTED: dict[Any, Callable[[str], Outcome]] = {
    int: expect_integer,
    float: expect_float,
    int | float: expect_number,
    bool: expect_boolean,
    str: expect_text,
    Dtype: expect_dtype,
    Device: expect_device,
    Handle: expect_handle,
    Tensor: expect_tensor,
    TensorHandle: expect_tensor_handle,
    Progress: expect_progress,
    Literal["mean", "on"]: expect_choice,
    Tensor | int | float: expect_tensor_or(expect_number, "number or tensor"),
    Tensor | float: expect_tensor_or(expect_float, "floating-point number or tensor"),
    Tensor | int: expect_tensor_or(expect_integer, "integer or tensor"),
    int | None: expect_integer,
    int | float | None: expect_number,
    Dtype | None: expect_dtype,
    Literal["mean", "on"] | None: expect_choice,
    Tensor | None: expect_tensor,
    Tensor | float | None: expect_tensor_or(expect_float, "floating-point number or tensor"),
}
ANNOTATIONS = pytest.mark.parametrize("annotation", EXPECTED, ids=str)
WORDS = (*ALL_WORDS, "tensor0", "tensor1", "progress2", "tensor3", "mean", *DTYPE_WORDS, *NO_DTYPES, *DEVICES)
WORDS += NO_DEVICES


@ANNOTATIONS
def test_every_word_gives_its_value_or_its_error(annotation: Any) -> None:
    wrong = []
    for word in WORDS:
        got, expected = outcome(annotation, word), EXPECTED[annotation](word)
        if not same(got, expected):
            wrong.append(f"{word[:70]!r}: {got} instead of {expected}")
    assert not wrong, "\n".join(wrong)


@ANNOTATIONS
def test_messages_name_the_option_as_given_and_codes_the_parameter(annotation: Any) -> None:
    for word in (*NO_NUMBERS, *WIDE_INTEGERS):
        code, message = outcome(annotation, word, "axis")
        if code == "value" or code[1] == "HANDLE":
            continue
        named_code, named = outcome(annotation, word, "-alsoAxis")
        assert named_code == code
        if code[2] == "TYPE":
            assert named == message.replace("for axis", "for -alsoAxis")


@ANNOTATIONS
def test_accepts_says_whether_it_would_convert(annotation: Any) -> None:
    for word in WORDS:
        assert type_of(annotation).accepts(word, TABLE) == (outcome(annotation, word)[0] == "value"), word


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("flot32", " (did you mean float32?)"),
        ("torch.Flot32", " (did you mean float32?)"),
        ("doubel", " (did you mean double?)"),
        ("flo", " (did you mean float32, float64 or float16?)"),
        ("int4", " (for 4 bits: torch::quantize_integers, or -bits of torch::observer)"),
        ("uint2", " (for 2 bits: torch::quantize_integers, or -bits of torch::observer)"),
        ("int1", " (did you mean int16?)"),
        ("uint128", " (did you mean uint8?)"),
    ],
)
def test_a_word_that_is_nearly_a_dtype(word: str, hint: str) -> None:
    assert outcome(Dtype, word) == wrong_type("dtype", word, hint=hint)


def test_a_word_that_is_far_from_a_dtype_is_told_all() -> None:
    assert outcome(Dtype, "x")[1] == (
        'expected dtype but got "x" for axis: must be float32, float64, float16, bfloat16, float8_e4m3fn, '
        "float8_e5m2, complex64, complex128, bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64, "
        "qint8, quint8, qint32"
    )


def test_the_boolean_words_hold_both_kinds() -> None:
    meanings = [expect_boolean(word) for word in BOOLEAN_WORDS]
    assert meanings.count(("value", True)) > 10
    assert meanings.count(("value", False)) > 10
    assert len([meaning for meaning in meanings if meaning[0] != "value"]) > 10


def test_home_folders_are_those_of_tcl_8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/me")
    try:
        for patch_level, expected in (("9.0.1", "~/x"), ("8.6.13", "/home/of/me/x")):
            file_names.follow("utf-8", patch_level)
            assert outcome(FileName, "~/x") == ("value", expected)
    finally:
        file_names.follow("utf-8", "8.6.13")


@pytest.mark.parametrize("index", [0, 7])
def test_a_device_that_is_not_there_is_out_of_range(index: int) -> None:
    if index < torch.cuda.device_count():
        pytest.skip("there is such a device here")
    code, message = outcome(Device, f"cuda:{index}")
    assert code == BEYOND
    assert f'"cuda:{index}" is not available' in message


def test_every_dtype_has_the_name_that_reads_as_it() -> None:
    for name in DTYPES:
        assert dtype_name(getattr(torch, name)) == name


# -- lists and dicts ---------------------------------------------------------------------------------------


def expect_integers(word: str) -> Outcome:
    elements = elements_by_tcl(word)
    if elements is None:
        return (("TORCH", "ARG", "TYPE", "axis"),)
    for index, element in enumerate(elements):
        got = expect_integer(element)
        if got[0] == BEYOND:
            return got
        if got[0] != "value":
            return wrong_type("integer", element, f" at index {index}")
    return "value", tuple(INTEGERS[element] for element in elements)


def test_every_word_as_a_list_of_integers() -> None:
    for word in WORDS:
        got, expected = outcome(tuple[int, ...], word), expect_integers(word)
        assert same(got[: len(expected)], expected), word


@pytest.mark.parametrize("length", LENGTHS)
def test_lists_of_integers(length: int) -> None:
    numbers = tuple((-1) ** index * index**7 for index in range(length))
    assert outcome(tuple[int, ...], " ".join(map(str, numbers))) == ("value", numbers)
    assert outcome(tuple[int, ...], "\n{" + "}\t{".join(map(str, numbers)) + "}" if numbers else " ") == (
        "value",
        numbers,
    )
    for word in ("one", "1.0", "010", ""):
        for index in {0, length // 2, length}:
            elements = [*map(str, numbers[:index]), word or "{}", *map(str, numbers[index:])]
            assert outcome(tuple[int, ...], " ".join(elements)) == wrong_type(
                "integer", word, f" at index {index}"
            )


@pytest.mark.parametrize("dtype", INTEGER_RANGES)
def test_lists_of_limits(dtype: str) -> None:
    for limit in INTEGER_RANGES[dtype]:
        for value in (limit - 1, limit, limit + 1):
            code, *rest = outcome(tuple[int, ...], f"0 {value}")
            if -(2**63) <= value < 2**63:
                assert (code, *rest) == ("value", (0, value))
            else:
                assert code == BEYOND


def unpacked(bulk: Bulk) -> tuple[tuple[int, ...], list[float], list[int] | None]:
    """Shape, doubles, and the integers when all were written as integers."""
    size = math.prod(bulk.shape)
    doubles = list(struct.unpack(f"{size}d", bulk.data[: 8 * size]))
    if bulk.format == "d":
        assert len(bulk.data) == 8 * size
        return bulk.shape, doubles, None
    assert bulk.format == "dw"
    assert len(bulk.data) == 16 * size
    return bulk.shape, doubles, list(struct.unpack(f"{size}q", bulk.data[8 * size :]))


def nested(elements: list[str], shape: tuple[int, ...]) -> str:
    if len(shape) < 2:
        return " ".join(elements)
    step = math.prod(shape[1:])
    rows = [nested(elements[start * step : (start + 1) * step], shape[1:]) for start in range(shape[0])]
    return " ".join("{" + row + "}" for row in rows)


@pytest.mark.parametrize("length", LENGTHS)
def test_lists_of_numbers(length: int) -> None:
    integers = [(-1) ** index * index**7 for index in range(length)]
    shape = () if length == 1 else (length,)  # a one-element list of a number is that number
    for text in (" ".join(map(str, integers)), "\n".join(f" {{{value}}}" for value in integers)):
        code, bulk = outcome(Bulk, text)
        assert (code, unpacked(bulk)) == ("value", (shape, [float(value) for value in integers], integers))
    if length:
        doubles = [value / 3 for value in integers[:-1]] + [0.5]
        code, bulk = outcome(Bulk, " ".join(map(repr, doubles)))
        assert (code, unpacked(bulk)) == ("value", (shape, doubles, None))


@pytest.mark.parametrize("rows", [1, 2, 7, 33])
@pytest.mark.parametrize("length", LENGTHS)
def test_nested_lists_of_numbers(rows: int, length: int) -> None:
    numbers = list(range(rows * length))
    text = nested(list(map(str, numbers)), (rows, length))
    if length == 0 and rows == 1:
        text = "{}" + " "  # a list that holds the empty list
    code, bulk = outcome(Bulk, text)
    assert code == "value"
    if length == 1:  # {{0} {1}} is {0 1}
        assert unpacked(bulk) == (() if rows == 1 else (rows,), numbers, numbers)
    else:
        assert unpacked(bulk) == ((rows, length), numbers, numbers)


@pytest.mark.parametrize("length", [length for length in LENGTHS if length])
def test_lists_of_numbers_name_the_element_that_is_wrong(length: int) -> None:
    for word in ("one", "010", "1_0", "true"):
        for index in {0, length // 2, length}:
            elements = [*["1.5"] * index, word, *["2"] * (length - index)]
            where = f" at index {index}" if len(elements) > 1 else ""
            assert outcome(Bulk, " ".join(elements)) == wrong_type("number", word, where)
            matrix = " ".join(["{" + " ".join(["1"] * len(elements)) + "}", "{" + " ".join(elements) + "}"])
            assert outcome(Bulk, matrix) == wrong_type("number", word, f" at index 1 {index}")
    row = " ".join(["1"] * (length + 2))
    code, message = outcome(Bulk, f"{{1 1 {row}}} {{{row}}}")
    assert code == ("TORCH", "ARG", "TYPE", "axis")
    assert message.startswith(f"expected a row of {length + 4} elements but got ")
    assert message.endswith(" at index 1 for axis")


def test_every_number_as_a_list_of_numbers() -> None:
    for word, value in {**INTEGERS, **WIDE_INTEGERS, **FLOATS}.items():
        for text, shape in ((word, ()), (f"{{{word}}}", ()), (f"{{{word}}} {{{word}}}", (2,))):
            code, bulk = outcome(Bulk, text)
            assert code == "value", text[:70]
            got_shape, doubles, integers = unpacked(bulk)
            count = math.prod(shape)
            assert got_shape == shape
            double = as_double(value) if isinstance(value, int) else value
            assert same(tuple(doubles), (double,) * count), text[:70]
            if word in INTEGERS:
                assert integers == [value] * count
            elif word in FLOATS:
                assert integers is None


def test_no_word_that_is_no_number_is_a_list_of_numbers() -> None:
    for word in NO_NUMBERS:
        elements = elements_by_tcl(word)
        if elements and (len(elements) > 1 or elements[0] != word):
            continue  # read as a list, it is another one
        if elements == []:
            assert outcome(Bulk, word)[1].shape == (0,)
            continue
        code, message = outcome(Bulk, word)
        assert code == ("TORCH", "ARG", "TYPE", "axis"), word
        assert quoted(word) in message


@pytest.mark.parametrize("length", LENGTHS)
def test_dicts_of_tensors(length: int) -> None:
    names = [f"layer {index}.weight" for index in range(length)]
    text = " ".join(f"{{{name}}} tensor0" for name in names)
    code, tensors = outcome(dict[str, Tensor], text)
    assert code == "value"
    assert list(tensors) == names
    assert all(tensor is TENSOR for tensor in tensors.values())
    code, message = outcome(dict[str, Tensor], f"{text} odd")
    assert code == ("TORCH", "ARG", "TYPE", "axis")
    assert message.startswith("expected a dict")
    for word, expected in {
        "tensor1": 'tensor "tensor1" was freed',
        "tensor77": 'no such tensor "tensor77"',
        "progress2": '"progress2" is a progress, not a tensor',
    }.items():
        told = f"{expected} (in odd)"
        assert outcome(dict[str, Tensor], f"{text} odd {word}") == (("TORCH", "HANDLE", word), told)


def test_the_last_of_equal_names_in_a_dict_counts() -> None:
    assert outcome(dict[str, Bulk], "a 1 b 2 a 3")[1]["a"] == outcome(Bulk, "3")[1]
    assert list(outcome(dict[str, Bulk], "a 1 b 2 a 3")[1]) == list(
        TCL.splitlist(TCL.eval("dict keys {a 1 b 2 a 3}"))
    )


@pytest.mark.parametrize("length", LENGTHS)
def test_dicts_of_lists_of_numbers(length: int) -> None:
    numbers = " ".join(map(str, range(length)))
    code, series = outcome(dict[str, Bulk], f"{{per tensor}} {{{numbers}}} empty {{}}")
    assert code == "value"
    assert list(series) == ["per tensor", "empty"]
    assert unpacked(series["per tensor"])[1] == list(range(length))
    assert series["empty"].shape == (0,)
    if length > 1:
        code, message = outcome(dict[str, Bulk], f"a {{{numbers} x}}")
        assert code == ("TORCH", "ARG", "TYPE", "axis")
        assert message.startswith(f'expected number but got "x" at index {length}')


# -- native objects ----------------------------------------------------------------------------------------

# Pythons after 3.12 hand over what Tcl holds natively; the text of the same word must mean the same.
NATIVE: tuple[Any, ...] = (
    *(0, 1, -1, 255, 2**31, 2**63 - 1, -(2**63), 2**63, 10**30, -(10**30)),
    *(value for word, value in FLOATS.items() if not word.startswith("5e")),
    *(True, False),
    *(b"", b"5", b" 5", b"1.5", b"true", b"cpu", b"int64", b"mean", b"tensor0", b"progress2", b"1 2 3"),
    *(b"a tensor0", b"\0", b"\xff", b"\xc3\xa9", b"{", bytes(range(256))),
    *((), (1,), (1, 2), (1.5,), (1.5, 2), (True, False), ("1", 2, 3.5), ("",), ("a b",), ("a b", "c")),
    *(("tensor0",), ("progress2",), ("on",), ("cpu",), ("int8",), ("a", "tensor0"), ("a", "tensor1")),
    *(
        ((1, 2), (3, 4)),
        ((1.5, 2), (3, 4)),
        ((), ()),
        (((1,),),),
        ((1, 2), (3,)),
        ("a", (1, 2, 3)),
        (b"1", b"2"),
    ),
    *(("{",), ("\\",), ("#",), ("a\nb",), ("a", ("b c", "{")), tuple(range(257)), (2**63,), (1e16, 1e-7)),
)
ALL_ANNOTATIONS = (*EXPECTED, Bulk, tuple[int, ...], dict[str, Tensor], dict[str, Bulk])


def text_by_tcl(value: Any) -> str:
    TCL.setvar("word", value)
    return str(TCL.eval("set word"))


@pytest.mark.parametrize("annotation", ALL_ANNOTATIONS, ids=str)
def test_native_objects_mean_what_their_texts_mean(annotation: Any) -> None:
    wrong = []
    for value in NATIVE:
        text = text_by_tcl(value)
        expected = outcome(annotation, text)
        try:
            got = outcome(annotation, value)
        except Exception as error:
            got = (repr(error),)
        if not same(got, expected):
            wrong.append(f"{text[:60]!r} as {type(value).__name__}: {got} instead of {expected}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("sign", [1, -1])
def test_native_integers_with_more_digits_than_python_writes(sign: int) -> None:
    value = sign * 10**5000
    assert outcome(float, value) == ("value", sign * math.inf)
    assert unpacked(outcome(Bulk, value)[1])[1] == [sign * math.inf]
    beyond: tuple[Any, ...] = (int, int | float, Tensor | int, tuple[int, ...])
    for annotation in beyond:
        assert outcome(annotation, value)[0] == BEYOND
    for annotation in (bool, Dtype, Device, Handle, Tensor, Progress, dict[str, Tensor]):
        assert outcome(annotation, value)[0] != "value"


def test_bulk_words_pass_where_numbers_are_wanted_and_nowhere_else() -> None:
    bulk = Bulk(struct.pack("2d", 1, 2), "d", (2,))
    assert outcome(Bulk, bulk) == ("value", bulk)
    for annotation in EXPECTED:
        if annotation is not str:
            assert outcome(annotation, bulk)[0] != "value"


# -- any text ----------------------------------------------------------------------------------------------

CODES = (("TORCH", "ARG", "TYPE"), ("TORCH", "ARG", "VALUE"), ("TORCH", "HANDLE"), ("TCL", "LOOKUP", "INDEX"))


@settings(deadline=None, max_examples=150)
@given(
    st.one_of(st.text(max_size=40), st.sampled_from(HOSTILE_TEXTS), st.text('{}" \\019.ex-\n', max_size=20))
)
def test_any_text_gives_a_value_or_a_tcl_error(word: str) -> None:
    for annotation in ALL_ANNOTATIONS:
        code, message = outcome(annotation, word)
        if code != "value":
            assert any(code[: len(known)] == known for known in CODES)
            assert len(message) < 320


@settings(deadline=None, max_examples=500)
@given(st.integers() | st.floats() | st.integers(-(2**70), 2**70))
def test_tcls_text_of_any_number_gives_that_number(number: int | float) -> None:
    if isinstance(number, float) and math.isnan(number):
        number = math.copysign(math.nan, number)  # Tcl shows the payload of others
    text = text_by_tcl(number)
    if isinstance(number, float) and math.frexp(abs(number))[0] == 0.5:
        text = repr(number)  # Tcl 8.6.13 writes some powers of two with a digit too few
    exact = as_double(number) if isinstance(number, int) else number
    assert same(outcome(float, text), ("value", exact))
    if isinstance(number, int) and -(2**63) <= number < 2**63:
        assert outcome(int, text) == ("value", number)
        assert outcome(int | float, text) == ("value", number)
    else:
        assert outcome(int, text)[0] != "value"


def test_a_type_without_a_converter_is_the_programmers_mistake() -> None:
    wrong = (complex, bytes, "int", set[str], list[bytes], dict[int, int], tuple[int, int])
    for annotation in wrong:
        with pytest.raises(TypeError, match="no Tcl type for the annotation"):
            type_of(annotation)
