"""Numbers in bulk: the Tcl side that packs them, the slow pass over their text, and PyTorch must agree."""

import itertools
import math
import re
import struct
from collections.abc import Iterator
from typing import Any, cast

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pybridge import Interpreter, TclError
from pybridge.dispatch import Dispatcher
from pybridge.tcl_list import join_list
from tests.boundary_matrix import (
    FLOAT_DTYPES,
    FLOATS,
    INTEGER_RANGES,
    INTEGERS,
    LENGTHS,
    NO_NUMBERS,
    WIDE_INTEGERS,
    hint_on_number,
)

MANY = settings(deadline=None, max_examples=100)
DTYPES = (*INTEGER_RANGES, *FLOAT_DTYPES, "bool", "complex64", "complex128")
REAL_DTYPES = DTYPES[:-2]
Made = torch.Tensor | tuple[str, tuple[str, ...]]  # or the error: message, code


@pytest.fixture(scope="module")
def shared() -> Iterator[Interpreter]:
    """One interpreter for all examples of this file."""
    with Interpreter() as interpreter:
        yield interpreter


@pytest.fixture(autouse=True)
def _nothing_stays_alive(shared: Interpreter) -> Iterator[None]:
    yield
    table = shared.dispatcher.table
    left = list(table.objects)
    table.free(left)
    assert not left
    assert table.storages.bytes == 0


def take(shared: Interpreter, handle: Any) -> torch.Tensor:
    """The tensor of a handle, which is freed."""
    tensor: torch.Tensor = shared.dispatcher.table.objects[str(handle)]
    shared.dispatcher.table.free([str(handle)])
    return tensor


def packed(shared: Interpreter, value: Any, dtype: str) -> Made:
    """What tensor_create makes of a value that Tcl holds: text, or a nested list of native numbers."""
    try:
        return take(shared, shared.call("torch::tensor_create", value, "-dtype", dtype))
    except TclError as error:
        return error.message, error.errorcode


def from_text(text: str, dtype: str) -> Made:
    """The same by the slow pass, as over a transport that has only words."""
    dispatcher = Dispatcher()
    status, value, options = dispatcher("", "tensor_create", text, "-dtype", dtype)
    return (value, options[1]) if status else dispatcher.table.objects[value]


def put(shared: Interpreter, tensor: torch.Tensor) -> str:
    return shared.dispatcher.table.add("tensor", tensor)


def bits(tensor: torch.Tensor) -> tuple[Any, ...]:
    """Shape, dtype and every bit, but all NaNs alike."""
    flat = tensor.contiguous().reshape(-1)
    if flat.is_floating_point() and flat.dtype is not torch.float64:
        flat = torch.where(flat.isnan(), torch.full_like(flat, math.nan), flat)
    return tuple(tensor.shape), tensor.dtype, flat.view(torch.uint8).tolist() if flat.numel() else []


def same(one: Made, other: Made) -> bool:
    if isinstance(one, tuple) or isinstance(other, tuple):
        return one is other or (isinstance(one, tuple) and isinstance(other, tuple) and one == other)
    return bits(one) == bits(other)


def written(value: Any) -> str:
    """A nested tuple of numbers as a script writes it."""
    if isinstance(value, tuple):
        return " ".join(
            "{" + written(each) + "}" if isinstance(each, tuple) else written(each) for each in value
        )
    if value != value:
        return "NaN" if math.copysign(1, value) > 0 else "-NaN"
    return repr(value)


def whole(value: Any) -> Any:
    """The same nested numbers without their fractions."""
    return tuple(map(whole, value)) if isinstance(value, tuple) else int(value)


# -- against torch.tensor ----------------------------------------------------------------------------------

# Of what a nested list can say: a last dimension of 1 is none, and nothing is nested in an empty list.
SHAPES = st.tuples(st.lists(st.integers(1, 3), max_size=3), st.sampled_from([0, 2, 3, 5])).map(
    lambda parts: (*parts[0], parts[1])
) | st.just(())


def without_payload(value: float) -> float:
    return math.copysign(math.nan, value) if math.isnan(value) else value


DOUBLES = (
    st.floats() | st.floats(width=32) | st.floats(width=16) | st.sampled_from([5e-324, -0.0, 1e-45, 6e-8])
).map(without_payload)


def nest(flat: list[Any], shape: tuple[int, ...]) -> Any:
    if not shape:
        return flat[0]
    step = math.prod(shape[1:])
    return tuple(nest(flat[index * step : (index + 1) * step], shape[1:]) for index in range(shape[0]))


@st.composite
def nested_numbers(draw: st.DrawFn, numbers: st.SearchStrategy[Any]) -> Any:
    shape = draw(SHAPES)
    size = math.prod(shape)
    return nest(draw(st.lists(numbers, min_size=size, max_size=size)), shape)


def agree(shared: Interpreter, value: Any, dtype: str, expected: torch.Tensor) -> None:
    for made in (
        packed(shared, value, dtype),
        packed(shared, written(value), dtype),
        from_text(written(value), dtype),
    ):
        assert isinstance(made, torch.Tensor), made
        assert bits(made) == bits(expected)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_integers(shared: Interpreter, dtype: str, data: st.DataObject) -> None:
    low, high = INTEGER_RANGES.get(dtype, (-(2**63), 2**63 - 1))
    value = data.draw(nested_numbers(st.integers(low, high) | st.sampled_from([low, high, 0])))
    agree(shared, value, dtype, torch.tensor(value, dtype=getattr(torch, dtype)))


@pytest.mark.parametrize("dtype", [*FLOAT_DTYPES, "bool", "complex64", "complex128"])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_doubles(shared: Interpreter, dtype: str, data: st.DataObject) -> None:
    numbers = DOUBLES | st.integers(-(2**63), 2**63 - 1)
    value = data.draw(nested_numbers(numbers))
    agree(shared, value, dtype, torch.tensor(value, dtype=getattr(torch, dtype)))


@pytest.mark.parametrize("dtype", INTEGER_RANGES)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_doubles_into_integer_dtypes(shared: Interpreter, dtype: str, data: st.DataObject) -> None:
    low, high = (max(-(2**52), INTEGER_RANGES[dtype][0]), min(2**52, INTEGER_RANGES[dtype][1]))
    value = data.draw(nested_numbers(st.floats(low, high)))
    agree(shared, value, dtype, torch.tensor(whole(value), dtype=getattr(torch, dtype)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", LENGTHS)
def test_lengths(shared: Interpreter, dtype: str, length: int) -> None:
    value = tuple((7 * index) % 128 for index in range(length))
    expected = torch.tensor(value[0] if length == 1 else value, dtype=getattr(torch, dtype))
    agree(shared, value, dtype, expected)
    matrix = (value, value, value)
    agree(shared, matrix, dtype, torch.stack([expected] * 3))


def test_the_default_dtype_is_float32(shared: Interpreter) -> None:
    for value in ((1, 2), (1.5, 2), ((0.1, 0.2), (3, 4))):
        made = take(shared, shared.call("torch::tensor_create", value))
        assert bits(made) == bits(torch.tensor(value, dtype=torch.float32))


# -- limits ------------------------------------------------------------------------------------------------


FAR_BEYOND = (2**64, 2**65, 2**70 + 1, -(2**70), 10**400)
BEYOND = [
    (dtype, beyond)
    for dtype, (low, high) in INTEGER_RANGES.items()
    for beyond in sorted({low - 1, high + 1, 2**64 - 1, *FAR_BEYOND})
    if not low <= beyond <= high
]


@pytest.mark.parametrize(("dtype", "beyond"), BEYOND, ids=lambda value: str(value)[:24])
def test_beyond_the_limits_is_refused(shared: Interpreter, dtype: str, beyond: int) -> None:
    low, high = INTEGER_RANGES[dtype]
    for words, where in (
        (f"{beyond}", ""),
        (f"1 {beyond} 1", " at index 1"),
        (f"{{1 1}} {{1 {beyond}}}", " at index 1 1"),
        (" ".join(["1"] * 300 + [str(beyond)]), " at index 300"),
    ):
        made = packed(shared, words, dtype)
        assert isinstance(made, tuple), made
        message, code = made
        assert code == ("TORCH", "ARG", "VALUE", "values")
        assert re.fullmatch(
            rf"the number( -?\d+)?{where} does not fit into {dtype} \({low} to {high}\)", message
        )
        if abs(beyond) < 2**53:
            assert f"the number {beyond}{where} " in message
        assert same(from_text(words, dtype), made)


@pytest.mark.parametrize("dtype", INTEGER_RANGES)
@pytest.mark.parametrize("word", ["nan", "inf", "-inf", "1e30", "-1e30", "1e400"])
def test_doubles_that_are_no_integers_of_the_dtype_are_refused(
    shared: Interpreter, dtype: str, word: str
) -> None:
    made = packed(shared, f"1 {word}", dtype)
    assert isinstance(made, tuple)
    assert made[1] == ("TORCH", "ARG", "VALUE", "values")
    assert " at index 1 does not fit into " in made[0]
    assert same(from_text(f"1 {word}", dtype), made)


@pytest.mark.parametrize("dtype", FLOAT_DTYPES)
def test_integers_of_any_size_into_float_dtypes(shared: Interpreter, dtype: str) -> None:
    for word, value in WIDE_INTEGERS.items():
        double = float(value) if abs(value) < 2**1023 else math.copysign(math.inf, 1 if value > 0 else -1)
        expected = torch.tensor(double, dtype=getattr(torch, dtype))
        for made in (packed(shared, word, dtype), from_text(word, dtype)):
            assert isinstance(made, torch.Tensor), word[:70]
            assert bits(made) == bits(expected)


# -- spellings ---------------------------------------------------------------------------------------------


def test_every_spelling_of_a_number(shared: Interpreter) -> None:
    for word, value in {**INTEGERS, **FLOATS}.items():
        for text, expected in (
            (word, torch.tensor(value, dtype=torch.float64)),
            (f"{{{word}}}  {{{word}}} 1.5", torch.tensor([value, value, 1.5], dtype=torch.float64)),
            (f"{{{{{word}}} 2}} {{3 4}}", torch.tensor([[value, 2], [3, 4]], dtype=torch.float64)),
        ):
            for made in (packed(shared, text, "float64"), from_text(text, "float64")):
                assert isinstance(made, torch.Tensor), (text, made)
                assert bits(made) == bits(expected), text


def test_every_spelling_of_an_integer_is_exact(shared: Interpreter) -> None:
    for word, value in INTEGERS.items():
        for made in (packed(shared, f"{{{word}}} 1", "int64"), from_text(f"{{{word}}} 1", "int64")):
            assert isinstance(made, torch.Tensor), (word, made)
            assert made.tolist() == [value, 1], word


def test_what_is_no_number_is_named_with_its_index(shared: Interpreter) -> None:
    wrong: list[tuple[str, Any]] = []
    for word in NO_NUMBERS:
        try:
            size = int(shared.call("llength", word))
        except TclError:
            continue
        if size != 1 or shared.call("lindex", word, 0) != word:
            continue  # read as a list, it is something else
        for index in (0, 1, 5):
            elements = ["1.5", "2", "-3", "4e0", "0x5", "6"]
            elements[index] = word
            text = join_list(elements)
            message = f'expected number but got "{word}" at index {index} for values{hint_on_number(word)}'
            for made in (packed(shared, text, "float64"), packed(shared, tuple(elements), "float64")):
                if made != (message, ("TORCH", "ARG", "TYPE", "values")):
                    wrong.append((text, made))
            if from_text(text, "float64") != (message, ("TORCH", "ARG", "TYPE", "values")):
                wrong.append((text, "by its text"))
    assert not wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{1 2} {3}", 'expected a row of 2 elements but got "3" at index 1'),
        ("{1 2} {3 4 5}", 'expected a row of 2 elements but got "3 4 5" at index 1'),
        ("{1 2} 3", 'expected a row of 2 elements but got "3" at index 1'),
        ("{{1 2} {3 4}} {{5 6} {7}}", 'expected a row of 2 elements but got "7" at index 1 1'),
        ("{{1 2} {3 4}} {{5 6}}", 'expected a row of 2 elements but got "{5 6}" at index 1'),
        ("{} 1", 'expected a row of 0 elements but got "1" at index 1'),
        ("1 {2 3}", 'expected number but got "2 3" at index 1'),
        ("1 {}", 'expected number but got "" at index 1'),
        ("{1 x} {3 4}", 'expected number but got "x" at index 0 1'),
        ("{1 2} {3 x}", 'expected number but got "x" at index 1 1'),
        ("x", 'expected number but got "x"'),
        ("{1 2", 'expected a list (unmatched open brace in list) but got "{1 2"'),
        ("1 {2 3", 'expected a list (unmatched open brace in list) but got "1 {2 3"'),
        ("1 \\{2", 'expected a list (unmatched open brace in list) but got "{2" at index 1'),
        ("1 2\0", 'expected number but got "2\0" at index 1'),
        ("\0", 'expected number but got "\0"'),
        ("1 { 010}", 'expected number but got " 010" at index 1'),
        ("{1 2} {3 \t-08}", 'expected number but got "-08" at index 1 1'),
    ],
)
def test_bad_lists(shared: Interpreter, text: str, message: str) -> None:
    hint = hint_on_number(message.split('"')[1])
    expected = f"{message} for values{hint}", ("TORCH", "ARG", "TYPE", "values")
    assert packed(shared, text, "float64") == expected
    assert from_text(text, "float64") == expected


TOKENS = st.sampled_from(
    [
        *(
            "0",
            "1",
            "-1",
            "+2",
            "1.5",
            ".5",
            "5.",
            "1e3",
            "nan",
            "-NaN",
            "inf",
            "-inf",
            "0x10",
            "0b1",
            "0o7",
            "08.5",
        ),
        *(
            "010",
            "00",
            "-00",
            "08",
            "0d10",
            "{ 010}",
            "{\t-010 }",
            "1_0",
            "true",
            "x",
            "-",
            "",
            "1e",
            "0x",
            "\u0661",
        ),
        *("1e400", "1e-400", "5e-324", "9223372036854775807", "9223372036854775808", "-9223372036854775809"),
        *(
            "18446744073709551615",
            "18446744073709551617",
            "36893488147419103232",
            "1" + 30 * "0",
            "0xffffffffffffffff",
        ),
        *(
            "{}",
            "{ }",
            "{1}",
            "{{1}}",
            "{1 2}",
            "{ 1 }",
            "\\x31",
            '"1"',
            '"1 2"',
            "{}1",
            "{1",
            "1}",
            "\\ 1",
            "{1\0}",
        ),
        *("NaN(1)", "{1 2 3}", "{{1 2} {3 4}}", "{1 {2 3}}", "{{} {}}", "$x", "[x]", "#", "1;", "\U0001f600"),
    ]
)
LISTS = st.recursive(
    TOKENS, lambda inner: st.lists(inner, max_size=4).map(lambda all: "{" + " ".join(all) + "}")
)
TEXTS = st.lists(LISTS, max_size=4).map(" ".join) | LISTS


@settings(deadline=None, max_examples=200)
@given(text=TEXTS, dtype=st.sampled_from(["float64", "int64", "uint8", "bool", "float32"]))
@example(text="9223372036854775807 18446744073709551617", dtype="int64")
@example(text="1.5 { 010}", dtype="int64")
@example(text="1 NaN(1)", dtype="float64")
@example(text="NaN(1)", dtype="float32")
@example(text="{ -00} 1", dtype="bool")
@example(text="{ 010} 1", dtype="bool")
def test_any_text_means_the_same_to_both_passes(shared: Interpreter, text: str, dtype: str) -> None:
    fast, slow = packed(shared, text, dtype), from_text(text, dtype)
    assert same(fast, slow), (fast, slow)


# -- what Tcl holds without text ---------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1, 999, 1234, 1999])
@pytest.mark.parametrize("word", ["010", "-08", " 017"])
def test_a_leading_zero_is_refused_in_a_long_literal_list(shared: Interpreter, index: int, word: str) -> None:
    elements = [str(number / 2) for number in range(2000)]
    elements[index] = word
    message, code = cast(tuple[str, tuple[str, ...]], packed(shared, join_list(elements), "float64"))
    told = re.escape(hint_on_number(word))
    assert re.fullmatch(
        rf'expected number but got " ?{word.strip()}" at index {index}( 0)? for values{told}', message
    )
    assert code == ("TORCH", "ARG", "TYPE", "values")


# Tcl 8.6.13 writes these with a digit too few: whatever goes through text comes back as the double below.
MISWRITTEN = [2.0**exponent for exponent in (-1019, -98, -44, -24, 64, 65, 85, 1002)]


@pytest.mark.parametrize("number", MISWRITTEN)
def test_no_element_of_a_native_list_goes_through_text(shared: Interpreter, number: float) -> None:
    shared.call("set", "x", number)
    for value in (
        (number, 1.5),
        (1.5, number),
        (number, number, number),
        ((number, 1.5), (2.5, number)),
        ((number, 1.0), (2.0, 3.0)),
        (((number, number),),),
        (number, 7),
        (7, number),
    ):
        made = packed(shared, value, "float64")
        assert isinstance(made, torch.Tensor)
        assert made.equal(torch.tensor(value, dtype=torch.float64)), value
        shared.call("set", "numbers", value)
        take(shared, shared.eval("torch::tensor_create $numbers -dtype float64"))
        assert shared.call("set", "numbers") == value  # the caller's own list is as it was
    take(shared, shared.eval("torch::tensor_create [list $x 1.5]"))
    assert shared.call("set", "x") == number
    assert (
        shared.call("expr", "[torch::tensor_item [set y [torch::tensor_create $x -dtype float64]]] == $x")
        == 1
    )
    shared.eval("torch::free $y")


def test_lists_never_become_text(shared: Interpreter) -> None:
    shared.eval("""
        set numbers {}
        for {set i 0} {$i < 2000} {incr i} {lappend numbers [expr {$i * 0.25}]}
        set x [torch::tensor_create $numbers]
        set back [torch::tensor_to_list $x]
        set y [torch::tensor_create $back -dtype float64]
        set matrix [torch::tensor_to_list [torch::tensor_reshape $y {40 50}] -nested 1]
        set z [torch::tensor_create $matrix]
        set row $numbers
        torch::tensor_create [list [lreplace $row 0 0 0.5]]
        torch::tensor_create [list [list $row]]
        expr 0
    """)
    for value in (
        "$numbers",
        "[lindex $numbers 3]",
        "$back",
        "[lindex $back 7]",
        "$matrix",
        "[lindex $matrix 1 1]",
    ):
        how = shared.eval(f"::tcl::unsupported::representation {value}")
        assert how.endswith("no string representation"), (value, how)
    assert take(shared, shared.eval("set z")).flatten().tolist() == [index * 0.25 for index in range(2000)]
    shared.eval("torch::free {*}[torch::handles]")


@pytest.mark.parametrize("operation", ["enterstep", "leavestep"])
def test_a_trace_of_steps_may_call_commands(shared: Interpreter, operation: str) -> None:
    shared.eval(
        f"""
        proc watched {{}} {{torch::tensor_create {{1 2 200 -3}} int64}}
        proc step args {{torch::free [torch::tensor_create {{4 5}} int64]}}
        trace add execution watched {operation} step
        """
    )
    try:
        assert take(shared, shared.eval("watched")).tolist() == [1, 2, 200, -3]
    finally:
        shared.eval("rename watched {}; rename step {}")


def test_nothing_of_a_call_stays_behind_in_tcl(shared: Interpreter) -> None:
    shared.eval("catch error")  # an error makes globals of Tcl's own
    before = set(shared.eval("info vars ::torch::_::*; info globals").split())
    for text in ("1 2 3", "1 x", "{1 2} {3"):
        packed(shared, text, "float32")
    assert set(shared.eval("info vars ::torch::_::*; info globals").split()) == before


# -- round trips -------------------------------------------------------------------------------------------


def listed(shared: Interpreter, tensor: torch.Tensor, *options: Any) -> Any:
    handle = put(shared, tensor)
    try:
        return shared.call("torch::tensor_to_list", handle, *options)
    finally:
        shared.call("torch::free", handle)


def there_and_back(shared: Interpreter, tensor: torch.Tensor) -> torch.Tensor:
    """To a Tcl list and back to a tensor, inside Tcl."""
    shared.call("set", "there", put(shared, tensor))
    script = "torch::tensor_create [torch::tensor_to_list $there] -dtype [torch::tensor_dtype $there]"
    try:
        return take(shared, shared.eval(script))
    finally:
        shared.eval("torch::free $there")


@MANY
@given(st.lists(st.binary(min_size=8, max_size=8), min_size=2, max_size=20))
@example([struct.pack("Q", pattern) for pattern in (0x7FF8000000000001, 0xFFF8000000000000, 1, 1 << 63)])
def test_any_doubles_bit_for_bit(shared: Interpreter, patterns: list[bytes]) -> None:
    tensor = torch.frombuffer(bytearray(b"".join(patterns)), dtype=torch.float64)
    # A signalling NaN becomes a quiet one on the way through the processor; everything else stays.
    quiet = torch.where(tensor.isnan(), (tensor.view(torch.int64) | 1 << 51), tensor.view(torch.int64))
    assert (
        there_and_back(shared, tensor)
        .view(torch.int64)
        .bitwise_or(torch.where(tensor.isnan(), 1 << 51, 0))
        .tolist()
        == quiet.tolist()
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int16", "uint16", "int8", "uint8"])
def test_every_value_of_a_small_dtype(shared: Interpreter, dtype: str) -> None:
    small = getattr(torch, dtype)
    patterns = torch.arange(2 ** (8 * small.itemsize), dtype=torch.int32)
    every = patterns.to(torch.uint16 if small.itemsize == 2 else torch.uint8).view(small)
    assert bits(there_and_back(shared, every)) == bits(every)
    by_torch = every.tolist()
    by_us = listed(shared, every)
    assert all(
        one == other or (one != one and other != other) for one, other in zip(by_torch, by_us, strict=True)
    )


@pytest.mark.parametrize("dtype", REAL_DTYPES)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_tensor(shared: Interpreter, dtype: str, data: st.DataObject) -> None:
    if dtype in INTEGER_RANGES:
        numbers: st.SearchStrategy[Any] = st.integers(*INTEGER_RANGES[dtype])
    else:
        numbers = st.booleans() if dtype == "bool" else st.floats()
    values = data.draw(st.lists(numbers, min_size=2, max_size=12))
    tensor = torch.tensor(values, dtype=getattr(torch, dtype))
    assert bits(there_and_back(shared, tensor)) == bits(tensor)
    native = listed(shared, tensor)
    assert [repr(value) for value in native] == [
        repr(int(value) if dtype == "bool" else value) for value in tensor.to(torch.double).tolist()
    ] or [repr(value) for value in native] == [repr(value) for value in tensor.tolist()]


@MANY
@given(st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=12))
def test_float32_survives_as_text(shared: Interpreter, values: list[float]) -> None:
    tensor = torch.tensor(values, dtype=torch.float32)
    shared.call("set", "there", put(shared, tensor))
    text = shared.eval("torch::tensor_to_list $there")
    shared.eval("torch::free $there")
    for made in (packed(shared, text, "float32"), from_text(text, "float32")):
        assert isinstance(made, torch.Tensor)
        assert bits(made) == bits(tensor)


def test_powers_of_two_survive(shared: Interpreter) -> None:
    """Tcl 8.6.13 writes 2**-24 as 5.960464477539062e-8, which is the double below it."""
    tensor = torch.ldexp(torch.ones(2044, dtype=torch.float64), torch.arange(-1021, 1023))
    assert there_and_back(shared, tensor).equal(tensor)
    shared.call("set", "there", put(shared, tensor))
    text = shared.eval("torch::tensor_to_list $there")
    shared.eval("torch::free $there")
    made = packed(shared, text, "float64")
    assert isinstance(made, torch.Tensor)
    assert (made / tensor - 1).abs().max() <= 2**-53


@MANY
@given(
    shape=st.lists(st.integers(1, 4), max_size=4),
    nested=st.booleans(),
    dtype=st.sampled_from(["int64", "float64"]),
)
@example(shape=[0], nested=True, dtype="int64")
@example(shape=[3, 1], nested=True, dtype="float64")
@example(shape=[2, 0], nested=True, dtype="float64")
@example(shape=[2, 3, 0], nested=True, dtype="float64")
def test_nesting_of_results(shared: Interpreter, shape: list[int], nested: bool, dtype: str) -> None:
    tensor = torch.arange(math.prod(shape), dtype=getattr(torch, dtype)).reshape(shape)
    script = f"torch::tensor_to_list {put(shared, tensor)} -nested {int(nested)}"
    text = shared.eval(script)
    shared.eval("torch::free {*}[torch::handles]")
    if not nested:
        assert text == " ".join(map(str, tensor.flatten().tolist()))
        return
    for index in itertools.product(*map(range, shape)):
        assert shared.call("lindex", text, *index) in (str(tensor[index].item()), tensor[index].item())
    made = packed(shared, text, dtype)
    assert isinstance(made, torch.Tensor)
    expected = list(shape)
    while expected and expected[-1] == 1:
        expected.pop()
    if tensor.numel() > 1:
        assert list(made.shape) == expected
        assert made.flatten().tolist() == tensor.flatten().tolist()


def test_not_contiguous_tensors_are_listed_in_their_order(shared: Interpreter) -> None:
    base = torch.arange(24.0).reshape(2, 3, 4)
    for tensor in (base.permute(2, 0, 1), base[:, ::2], base.flip(0), base[..., 1], base.expand(2, 2, 3, 4)):
        assert list(listed(shared, tensor)) == tensor.flatten().tolist()
    for number in (torch.tensor(1.5, requires_grad=True), -torch.tensor(1.5).conj(), torch.tensor([2.5])):
        assert listed(shared, number) in ((number.item(),), number.item())


# -- shapes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("5", ()),
        (" 5 ", ()),
        ("{5}", ()),
        ("{1 2}", (1, 2)),
        ("1 2", (2,)),
        ("{1} {2}", (2,)),
        ("{{1}} {{2}}", (2,)),
        ("{{1 2}} {{3 4}}", (2, 1, 2)),
        ("{{1} {2}} {{3} {4}}", (2, 2)),
        ("", (0,)),
        ("  \n", (0,)),
        ("{}", (1, 0)),
        ("{} {}", (2, 0)),
        ("{{} {}} {{} {}}", (2, 2, 0)),
        ("{{{1 2} {3 4}} {{5 6} {7 8}}} {{{1 2} {3 4}} {{5 6} {7 8}}}", (2, 2, 2, 2)),
    ],
)
def test_nesting_gives_the_shape(shared: Interpreter, text: str, shape: tuple[int, ...]) -> None:
    for dtype in ("float32", "int64"):
        for made in (packed(shared, text, dtype), from_text(text, dtype)):
            assert isinstance(made, torch.Tensor), made
            assert tuple(made.shape) == shape


def test_a_shape_makes_up_for_what_nesting_cannot_say(shared: Interpreter) -> None:
    for value, shape in (
        ((1, 2), (2, 1)),
        (5, (1, 1, 1)),
        ((1, 2, 3, 4), (2, -1)),
        ((), (0, 3)),
        (((1, 2),), ()),
    ):
        script = ("torch::tensor_create", value, "-shape", shape)
        if shape == ():
            with pytest.raises(TclError, match="shape"):
                shared.call(*script)
            continue
        made = take(shared, shared.call(*script))
        assert made.shape == torch.tensor(value).reshape(shape).shape


@pytest.mark.parametrize("depth", [2, 10, 63, 64])
def test_as_many_dimensions_as_pytorch(shared: Interpreter, depth: int) -> None:
    text = (depth - 1) * "{" + "1 2" + (depth - 1) * "}"
    for made in (packed(shared, text, "float32"), from_text(text, "float32")):
        assert isinstance(made, torch.Tensor)
        assert tuple(made.shape) == (1,) * (depth - 1) + (2,)


@pytest.mark.parametrize(
    "text", [64 * "{" + "1 2" + 64 * "}", 5000 * "{" + "1 2" + 5000 * "}", 5000 * "{" + 5000 * "}"]
)
def test_more_dimensions_are_refused(shared: Interpreter, text: str) -> None:
    for made in (packed(shared, text, "float32"), from_text(text, "float32")):
        assert isinstance(made, tuple)
        assert made[1] == ("TORCH", "ARG", "TYPE", "values")
        assert made[0].startswith("expected a list of at most 64 dimensions but got ")


# -- where the word stands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["-5", "-inf", "-NaN", "-1 -2", "-inf 1 2", "", "{1 2} {3 4}", "7", " -5 "])
@pytest.mark.parametrize(
    "script",
    [
        "torch::tensor_create $value {} float64",
        "torch::tensor_create $value -dtype float64",
        "torch::tensor_create $value -dtype float64 --",
        "torch::tensor_create -- $value float64",
        "torch::tensor_create -values $value -dtype float64",
        "torch::tensor_create -dtype float64 -values $value",
        "torch::tensor_create -data $value -dtype float64 -requiresGrad 0",
        "torch::tensorCreate $value -dtype float64",
        "torch tensor_create $value -dtype float64",
        "torch tensorCreate -dtype float64 -data $value",
        "interp eval {} [list torch::tensor_create $value -dtype float64]",
        "coroutine worker torch::tensor_create $value -dtype float64",
    ],
)
def test_wherever_the_word_stands(shared: Interpreter, script: str, value: str) -> None:
    if "{} float64" in script:
        script = script.replace("{} ", "")  # the second word is a dtype when it is no list of integers
    shared.call("set", "value", value)
    expected = from_text(value, "float64")
    assert isinstance(expected, torch.Tensor)
    assert same(take(shared, shared.eval(script)), expected)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", ("TCL", "WRONGARGS")),
        ("-values", ("TORCH", "ARG", "MISSING", "values")),
        ("{1 2} -values {3 4}", ("TORCH", "ARG", "DUPLICATE", "values")),
        ("-values {1 2} -data {3 4}", ("TORCH", "ARG", "DUPLICATE", "values")),
        ("-dtype float64", ("TORCH", "ARG", "MISSING", "values")),
        ("-dtype float64 {1 2}", ("TORCH", "ARG", "SYNTAX")),
        ("{1 2} -numbers 5", ("TCL", "LOOKUP", "INDEX", "option", "-numbers")),
        ("-shape {1 2} -- {1 2}", ("TORCH", "ARG", "SYNTAX")),
        ("{1 x} -dtype nothing", ("TORCH", "ARG", "TYPE")),
    ],
)
def test_the_rules_of_parsing_hold_for_bulk_words(
    shared: Interpreter, words: str, code: tuple[str, ...]
) -> None:
    with pytest.raises(TclError) as raised:
        shared.eval(f"torch::tensor_create {words}")
    assert raised.value.errorcode[: len(code)] == code
