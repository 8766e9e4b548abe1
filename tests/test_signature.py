"""How words become arguments: one test a rule and a row of DESIGN's table of errors, on small functions."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pybridge.annotations import Dtype, Handle, Tensor
from pybridge.bulk import Bulk
from pybridge.errors import TclError
from pybridge.handles import HandleTable
from pybridge.registry import Command, Form
from pybridge.signature import Signature, is_option
from pybridge.values import Word

MANY = settings(deadline=None, max_examples=300)


def scale(input: str, zero_point: int, axis: int, quant_min: int = -128, quant_max: int = 127) -> None:
    """Two words of the names have two parts, as in fake_quantize_per_channel."""


def free(table: HandleTable, handle: Handle, *more: Handle) -> None: ...


def numbers(*values: int) -> None: ...


def title(text: str = "none", other_text: str = "") -> None: ...


def nothing() -> None: ...


def bound(function: Callable[..., Any], *words: Word, also: Any = None) -> dict[str, Any]:
    """The arguments that the words bind, by name; further ones of a variadic parameter under its name."""
    signature = Signature(function, also or {})
    args, kwargs = signature.convert(signature.assign(words, "called"), TABLE)
    names = [parameter.name for parameter in signature.parameters]
    rest = {signature.variadic.name: args[len(names) :]} if signature.variadic else {}
    return {**dict(zip(names, args, strict=False)), **kwargs, **rest}


def recording(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function with the parameters of this one, which tells its name and how it was called."""

    @functools.wraps(function)
    def tell(*args: Any, **kwargs: Any) -> tuple[str, list[Any], dict[str, Any]]:
        return function.__name__, list(args), kwargs

    return tell


def run(command: Command, words: tuple[Word, ...], called: str, table: HandleTable) -> Any:
    """As the dispatcher does."""
    return command.runners[len(words)](words, called, table)


def refused(function: Callable[..., Any], *words: Word, also: Any = None) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(TclError) as raised:
        bound(function, *words, also=also)
    return raised.value.message, raised.value.errorcode


def handle_table() -> HandleTable:
    table = HandleTable(lambda value: None)
    for value in torch.eye(3):
        table.add("tensor", value)
    return table


TABLE = handle_table()

# -- what is an option -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word",
    ["-a", "-axis", "-Axis", "-quant_min", "-quantMin", "-a1", "-x_", "-info", "-nano", "-e5", "-inf1"],
)
def test_options(word: str) -> None:
    assert is_option(word)


@pytest.mark.parametrize(
    "word",
    [
        *("-128", "-1e-3", "-.5", "-0x10", "-5.", "-inf", "-Inf", "-INFINITY", "-nan", "-NaN", "-inf 1 2"),
        *("", "-", "--", "---", "--axis", "-1axis", "-_axis", "axis", "+axis", " -axis", "-axis ", "-axis\n"),
        *(
            "-axis 1",
            "-a-b",
            "-a.b",
            "-axis\0",
            "-\u00e9",
            "-a\u00e9",
            "-\uff41",
            "-a\u0661",
            "{-axis}",
            "-{axis}",
        ),
    ],
)
def test_values_that_look_like_options(word: str) -> None:
    assert not is_option(word)


@pytest.mark.parametrize(
    "word", [-1, -1.5, True, (), (-1, -2), ("-axis", "1"), b"\xff", Bulk(b"", "dw", (0,))]
)
def test_native_objects_are_values(word: Word) -> None:
    assert not is_option(word)


# -- three syntaxes ----------------------------------------------------------------------------------------

ALL = {"input": "x", "zero_point": 3, "axis": -1, "quant_min": -8, "quant_max": 7}


@pytest.mark.parametrize(
    "words",
    [
        "x 3 -1 -8 7",
        "-input x -zero_point 3 -axis -1 -quant_min -8 -quant_max 7",
        "-input x -zeroPoint 3 -axis -1 -quantMin -8 -quantMax 7",
        "-quantMax 7 -axis -1 -quant_min -8 -zeroPoint 3 -input x",
        "x -quantMax 7 -axis -1 -quant_min -8 -zeroPoint 3",
        "x 3 -1 -quant_max 7 -quantMin -8",
        "x 3 -1 -8 -quantMax 7",
        "-- x 3 -1 -8 7",
        "x 3 -- -1 -8 7",
        "x 3 -1 -8 7 --",
        "x 3 -1 -quant_max 7 -quantMin -8 --",
    ],
)
def test_three_syntaxes_mean_the_same(words: str) -> None:
    assert bound(scale, *words.split()) == ALL


SPELLINGS = {
    "input": ["-input"],
    "zero_point": ["-zero_point", "-zeroPoint"],
    "axis": ["-axis"],
    "quant_min": ["-quant_min", "-quantMin"],
    "quant_max": ["-quant_max", "-quantMax"],
}


@MANY
@given(st.data())
def test_any_split_order_and_spelling_mean_the_same(data: st.DataObject) -> None:
    values = [data.draw(st.text(max_size=8).filter(lambda text: not is_option(text) and text != "--"))]
    values += [str(data.draw(st.integers(-(2**63), 2**63 - 1))) for _ in range(data.draw(st.integers(2, 4)))]
    expected = {
        name: word if name == "input" else int(word) for name, word in zip(SPELLINGS, values, strict=False)
    }
    positional = data.draw(st.integers(0, len(values)))
    named = data.draw(st.permutations(list(zip(SPELLINGS, values, strict=False))[positional:]))
    words = values[:positional]
    for name, word in named:
        words += [data.draw(st.sampled_from(SPELLINGS[name])), word]
    assert bound(scale, *words) == expected


def test_defaults_are_left_to_the_function() -> None:
    assert bound(scale, "x", "3", "1") == {"input": "x", "zero_point": 3, "axis": 1}
    assert bound(title) == {}
    assert bound(nothing) == {}
    assert bound(nothing, "--") == {}


def test_a_value_is_whatever_follows_its_option() -> None:
    for value in ("-other_text", "--", "-", "-text", "", "-128", "a b"):
        assert bound(title, "-text", value) == {"text": value}
        assert bound(title, "-otherText", value, "-text", "x") == {"other_text": value, "text": "x"}


def test_after_two_dashes_all_words_are_values() -> None:
    assert bound(title, "--", "-other_text", "--") == {"text": "-other_text", "other_text": "--"}
    assert bound(title, "a", "--", "-text") == {"text": "a", "other_text": "-text"}
    assert bound(title, "--") == {}
    assert bound(title, "-text", "a", "--") == {"text": "a"}


def test_negative_numbers_and_lists_are_values() -> None:
    assert bound(scale, "-inf 1 2", "-128", "-0x10")["input"] == "-inf 1 2"
    for word in ("-inf", "-NaN", "-1e-3", "-.5", "-5"):
        assert bound(title, word) == {"text": word}
    assert bound(scale, "x", "3", "-axis", "-2")["axis"] == -2


def test_options_are_never_abbreviated_and_keep_their_case() -> None:
    for option in ("-ax", "-inp", "-quant", "-quantmin", "-Axis", "-quant_Min", "-quant_mi", "-zeropoint"):
        message, code = refused(scale, "x", "3", option, "1")
        assert message.startswith(f'bad option "{option}": must be ')
        assert code == ("TCL", "LOOKUP", "INDEX", "option", option)


def test_an_option_where_there_are_none() -> None:
    def memory() -> None:
        """Takes nothing."""

    code = ("TCL", "LOOKUP", "INDEX", "option", "-x")
    assert refused(memory, "-x") == ('bad option "-x": there are none here', code)


def test_further_spellings_of_a_parameter() -> None:
    also = {"input": ("tensor", "raw_data"), "axis": ("dim",)}
    for option in ("-input", "-tensor", "-raw_data", "-rawData"):
        assert bound(scale, option, "x", "-zeroPoint", "3", "-dim", "1", also=also)["input"] == "x"
    assert refused(scale, "-tensor", "x", "-input", "y", also=also) == (
        'parameter "input" given twice',
        ("TORCH", "ARG", "DUPLICATE", "input"),
    )
    assert "-tensor" not in refused(scale, "-what", "x", also=also)[0]


def test_the_dispatcher_fills_in_the_table() -> None:
    signature = Signature(free, {})
    assert signature.takes_table
    assert signature.usage("free") == "torch::free handle ?more ...?"
    assert bound(free, "tensor0", "tensor1") == {"handle": "tensor0", "more": ["tensor1"]}
    assert not Signature(scale, {}).takes_table


# -- the table of errors -----------------------------------------------------------------------------------

USAGE = "torch::called input zero_point axis ?quant_min? ?quant_max?"
OPTIONS = "-input, -zero_point, -axis, -quant_min, -quant_max"


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        # too few or many words
        ([], f'wrong # args: should be "{USAGE}" (input is missing)', ("TCL", "WRONGARGS")),
        (["x"], f'wrong # args: should be "{USAGE}" (zero_point is missing)', ("TCL", "WRONGARGS")),
        (["x", "3"], f'wrong # args: should be "{USAGE}" (axis is missing)', ("TCL", "WRONGARGS")),
        (["x", "3", "1", "2", "3", "4"], f'wrong # args: should be "{USAGE}"', ("TCL", "WRONGARGS")),
        (["--"], f'wrong # args: should be "{USAGE}" (input is missing)', ("TCL", "WRONGARGS")),
        (
            ["--", "-input", "x"],
            f'wrong # args: should be "{USAGE}" (axis is missing)',
            ("TCL", "WRONGARGS"),
        ),
        (["x", "3", "1", "2", "3", "--", "4"], f'wrong # args: should be "{USAGE}"', ("TCL", "WRONGARGS")),
        # unknown option
        (
            ["x", "3", "1", "-scale", "2"],
            f'bad option "-scale": must be {OPTIONS}',
            ("TCL", "LOOKUP", "INDEX", "option", "-scale"),
        ),
        (
            ["-scale"],
            f'bad option "-scale": must be {OPTIONS}',
            ("TCL", "LOOKUP", "INDEX", "option", "-scale"),
        ),
        # option without a value
        (["x", "3", "-axis"], 'missing value for option "-axis"', ("TORCH", "ARG", "MISSING", "axis")),
        (["-axis"], 'missing value for option "-axis"', ("TORCH", "ARG", "MISSING", "axis")),
        # required parameter left out in named form
        (
            ["-input", "x", "-axis", "1"],
            'missing required option "-zero_point"',
            ("TORCH", "ARG", "MISSING", "zero_point"),
        ),
        (["x", "-zeroPoint", "1"], 'missing required option "-axis"', ("TORCH", "ARG", "MISSING", "axis")),
        (["-quantMax", "1"], 'missing required option "-input"', ("TORCH", "ARG", "MISSING", "input")),
        # given twice
        (
            ["x", "-axis", "1", "-axis", "1", "-zero_point", "3"],
            'parameter "axis" given twice',
            ("TORCH", "ARG", "DUPLICATE", "axis"),
        ),
        (
            ["x", "-zero_point", "1", "-axis", "1", "-zeroPoint", "1"],
            'parameter "zero_point" given twice',
            ("TORCH", "ARG", "DUPLICATE", "zero_point"),
        ),
        (
            ["x", "3", "1", "-zeroPoint", "3"],
            'parameter "zero_point" given twice ("3" is taken for it, too)',
            ("TORCH", "ARG", "DUPLICATE", "zero_point"),
        ),
        # positional word after a named one
        (["x", "-axis", "2", "1"], 'expected an option but got "1"', ("TORCH", "ARG", "SYNTAX")),
        (["x", "-axis", "2", "-1"], 'expected an option but got "-1"', ("TORCH", "ARG", "SYNTAX")),
        (["x", "-axis", "2", "--", "1"], 'expected an option but got "1"', ("TORCH", "ARG", "SYNTAX")),
        (["-input", "x", "", "3"], 'expected an option but got ""', ("TORCH", "ARG", "SYNTAX")),
        # wrong type
        (["x", "3", "one"], 'expected integer but got "one" for axis', ("TORCH", "ARG", "TYPE", "axis")),
        (
            ["x", "3", "-axis", "one"],
            'expected integer but got "one" for -axis',
            ("TORCH", "ARG", "TYPE", "axis"),
        ),
        (
            ["x", "3", "-axis", "-input"],
            'expected integer but got "-input" for -axis',
            ("TORCH", "ARG", "TYPE", "axis"),
        ),
        (
            ["x", "3", "1", "1.5"],
            'expected integer but got "1.5" for quant_min',
            ("TORCH", "ARG", "TYPE", "quant_min"),
        ),
        # outside its range
        (
            ["x", "3", "9223372036854775808"],
            'axis must fit into 64 bits but got "9223372036854775808"',
            ("TORCH", "ARG", "VALUE", "axis"),
        ),
    ],
)
def test_errors(words: list[str], message: str, code: tuple[str, ...]) -> None:
    assert refused(scale, *words) == (message, code)


def test_an_error_names_the_option_as_it_was_spelled() -> None:
    for option in SPELLINGS["quant_min"]:
        message, code = refused(scale, "x", "3", "1", option, "low")
        assert message == f'expected integer but got "low" for {option}'
        assert code == ("TORCH", "ARG", "TYPE", "quant_min")
        missing = f'missing value for option "{option}"', ("TORCH", "ARG", "MISSING", "quant_min")
        assert refused(scale, "x", "3", "1", option) == missing


def test_long_words_are_cut_in_messages() -> None:
    message, code = refused(scale, "x", "3", "1", "-" + 5000 * "a", "low")
    assert message == f'bad option "-{59 * "a"}...": must be {OPTIONS}'
    assert code[-1] == "-" + 5000 * "a"
    assert refused(scale, "x", "-axis", "1", 5000 * "a")[0] == f'expected an option but got "{60 * "a"}..."'


def test_usage_shows_the_name_that_was_called() -> None:
    signature = Signature(scale, {})
    for called in ("scale", "scaleIt"):
        assert signature.usage(called) == USAGE.replace("called", called)
        with pytest.raises(TclError, match=rf'^wrong # args: should be "torch::{called} input '):
            signature.assign((), called)
    assert Signature(nothing, {}).usage("nothing") == "torch::nothing"
    assert Signature(title, {}).usage("title") == "torch::title ?text? ?other_text?"


def test_handle_errors_say_why() -> None:
    def take(input: Tensor, progress: Any = None) -> None: ...

    take.__annotations__["progress"] = str
    assert refused(take, "tensor9") == ('no such tensor "tensor9"', ("TORCH", "HANDLE", "tensor9"))
    assert refused(take, "-input", "") == ('no such tensor ""', ("TORCH", "HANDLE", ""))
    assert bound(take, "tensor1")["input"] is TABLE.objects["tensor1"]


def test_nothing_takes_no_words() -> None:
    for words in (["x"], ["--", "x"]):
        assert refused(nothing, *words) == ('wrong # args: should be "torch::called"', ("TCL", "WRONGARGS"))
    assert refused(nothing, "-x")[1] == ("TCL", "LOOKUP", "INDEX", "option", "-x")


# -- variadic ----------------------------------------------------------------------------------------------


def test_variadic_takes_the_rest() -> None:
    assert bound(numbers) == {"values": []}
    assert bound(numbers, *map(str, range(300))) == {"values": list(range(300))}
    assert bound(numbers, "1", "--", "-2") == {"values": [1, -2]}
    assert bound(free, "-handle", "tensor0") == {"handle": "tensor0", "more": []}
    assert Signature(numbers, {}).usage("numbers") == "torch::numbers ?values ...?"


def test_variadic_errors() -> None:
    assert refused(free) == (
        'wrong # args: should be "torch::called handle ?more ...?" (handle is missing)',
        ("TCL", "WRONGARGS"),
    )
    assert refused(free, "tensor0", "tensor1", "tensor7") == (
        'no such handle "tensor7"',
        ("TORCH", "HANDLE", "tensor7"),
    )
    assert refused(numbers, "1", "two") == (
        'expected integer but got "two" for values',
        ("TORCH", "ARG", "TYPE", "values"),
    )
    assert refused(free, "tensor0", "-more", "tensor1") == (
        'bad option "-more": must be -handle',
        ("TCL", "LOOKUP", "INDEX", "option", "-more"),
    )
    assert refused(free, "tensor0", "-handle", "tensor1")[1] == ("TORCH", "ARG", "DUPLICATE", "handle")


# -- the short way for positional words --------------------------------------------------------------------


def slices(input: Tensor, axis: int, fraction: float = 0.5, dims: tuple[int, ...] = ()) -> None: ...


WORDS = st.one_of(
    st.sampled_from(
        ["1", "-1", "one", "-axis", "-dims", "--", "tensor0", "", "-inf", "0x7f", "010", "2.5", "1 2"]
    ),
    st.text(max_size=3),
)


@MANY
@given(st.sampled_from([scale, slices, title, numbers]), st.lists(WORDS, max_size=7))
@example(scale, ["x", "1", "2", "3", "4"])
@example(scale, ["x", "1", "2", "--"])
@example(scale, ["-axis", "1", "2"])
@example(title, ["-text", "--"])
@example(slices, ["tensor0", "1"])
@example(slices, ["tensor0", "1", "-1", "1 2"])
@example(slices, ["tensor0", "-axis", "-1"])
@example(slices, ["tensor0", "--", "-1"])
def test_a_command_binds_as_its_signature_says(function: Callable[..., Any], words: list[str]) -> None:
    command = Command("called", "made_up", "", ("called",), [Form(recording(function))])
    names = list(function.__annotations__)

    def by_command() -> dict[str, Any]:
        _, args, kwargs = run(command, tuple(words), "called", TABLE)
        return {"values": args} if function is numbers else {**dict(zip(names, args, strict=False)), **kwargs}

    assert told(by_command) == told(lambda: bound(function, *words))


def test_words_that_are_no_text_bind_as_well() -> None:
    command = Command("called", "made_up", "", ("called",), [Form(recording(slices))])
    for words in [("tensor0", 1), ("tensor0", 1, 0.25, (1, 2)), ("tensor0", "1", "0.25", ("1", "2"))]:
        _, args, _ = run(command, words, "called", TABLE)
        assert args == [TABLE.objects["tensor0"], 1, 0.25, (1, 2)][: len(words)]
    with pytest.raises(TclError, match='no such tensor "a list of numbers"'):
        run(command, (Bulk(b"", "d", (0,)), "1"), "called", TABLE)


def test_only_a_tensor_goes_the_short_way() -> None:
    table = HandleTable(lambda value: None)
    parameter, other = table.add("tensor", torch.nn.Parameter(torch.ones(2))), table.add("linear", object())
    command = Command("called", "made_up", "", ("called",), [Form(recording(slices))])
    assert run(command, (parameter, "1"), "called", table)[1] == [table.objects[parameter], 1]
    with pytest.raises(TclError, match='"linear1" is a linear, not a tensor'):
        run(command, (other, "1"), "called", table)


def test_what_runs_many_words_is_not_kept() -> None:
    command = Command("called", "made_up", "", ("called",), [Form(recording(numbers))])
    for count in (3, 1000):
        assert run(command, ("7",) * count, "called", TABLE)[1] == [7] * count
    assert list(command.runners) == [3]


def told(bind: Callable[[], dict[str, Any]]) -> str:
    """The arguments, or the error, as text: a NaN and a tensor are not equal to themselves."""
    try:
        return str(bind())
    except TclError as error:
        return f"{error.message} {error.errorcode}"


# -- several forms -----------------------------------------------------------------------------------------


def until(end: int, dtype: Dtype | None = None) -> None: ...
def between(start: int, end: int, step: int = 1, dtype: Dtype | None = None) -> None: ...
def of_tensor(input: Tensor, text: str = "") -> None: ...
def layer(in_channels: int, out_channels: int = 1) -> None: ...


RANGE = Command(
    "range",
    "made_up",
    "",
    ("range", "rangeIt"),
    [Form(recording(until), when="dtype"), Form(recording(between), when="end", also={"end": ("stop",)})],
)
CONV = Command(
    "conv",
    "made_up",
    "",
    ("conv", "convLayer"),
    [
        Form(recording(of_tensor), when="input"),
        Form(recording(layer), when="in_channels", names=("convLayer",)),
    ],
)


def meant(command: Command, called: str, *words: Word) -> tuple[str, list[Any], dict[str, Any]]:
    result: tuple[str, list[Any], dict[str, Any]] = run(command, words, called, TABLE)
    return result


def form_refuses(command: Command, called: str, *words: Word) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(TclError) as raised:
        run(command, words, called, TABLE)
    return raised.value.message, raised.value.errorcode


def test_forms_are_told_apart_by_their_words() -> None:
    assert meant(RANGE, "range", "5") == ("until", [5], {})
    assert meant(RANGE, "range", "5", "int64") == ("until", [5, torch.int64], {})
    assert meant(RANGE, "range", "5", "7") == ("between", [5, 7], {})
    assert meant(RANGE, "range", "-5", "-7", "-1") == ("between", [-5, -7, -1], {})
    assert meant(RANGE, "range", "-end", "5") == ("until", [], {"end": 5})
    assert meant(RANGE, "range", "-end", "5", "-start", "1") == ("between", [], {"end": 5, "start": 1})
    assert meant(RANGE, "range", "1", "-stop", "5") == ("between", [1], {"end": 5})
    assert meant(RANGE, "range", "5", "-dtype", "int64") == ("until", [5], {"dtype": torch.int64})
    assert meant(CONV, "conv", "tensor0") == ("of_tensor", [TABLE.objects["tensor0"]], {})
    assert meant(CONV, "conv", "3") == ("layer", [3], {})
    assert meant(CONV, "conv", "-in_channels", "3") == ("layer", [], {"in_channels": 3})
    assert meant(CONV, "convLayer", "3", "4") == ("layer", [3, 4], {})


def test_a_name_of_one_form_means_no_other() -> None:
    message, code = form_refuses(CONV, "convLayer", "tensor0")
    assert message == 'expected integer but got "tensor0" for in_channels'
    assert code == ("TORCH", "ARG", "TYPE", "in_channels")
    assert CONV.usage("convLayer") == ["torch::convLayer in_channels ?out_channels?"]


def test_usage_of_several_forms() -> None:
    assert RANGE.usage("rangeIt") == [
        "torch::rangeIt end ?dtype?",
        "torch::rangeIt start end ?step? ?dtype?",
    ]
    message, code = form_refuses(RANGE, "rangeIt")
    assert message.startswith("wrong # args: should be ")
    assert all(f'"{usage}"' in message for usage in RANGE.usage("rangeIt"))
    assert code == ("TCL", "WRONGARGS")
    assert form_refuses(RANGE, "range", *"12345")[1] == ("TCL", "WRONGARGS")


def test_errors_of_several_forms() -> None:
    assert form_refuses(RANGE, "range", "5", "-scale", "1") == (
        'bad option "-scale": must be -end, -dtype, -start, -step',
        ("TCL", "LOOKUP", "INDEX", "option", "-scale"),
    )
    assert form_refuses(RANGE, "range", "1", "5", "-step", "x") == (
        'expected integer but got "x" for -step',
        ("TORCH", "ARG", "TYPE", "step"),
    )
    assert form_refuses(RANGE, "range", "1", "5", "-step", "1", "-step", "1")[1] == (
        *("TORCH", "ARG", "DUPLICATE"),
        "step",
    )
    assert form_refuses(RANGE, "range", "1", "5", "-step")[1] == ("TORCH", "ARG", "MISSING", "step")
    assert form_refuses(RANGE, "range", "-step", "1", "5")[1] == ("TORCH", "ARG", "SYNTAX")
    assert form_refuses(RANGE, "range", "-step", "5")[1][:3] == ("TORCH", "ARG", "MISSING")
    assert form_refuses(CONV, "conv", "tensor77")[1] in (
        ("TORCH", "HANDLE", "tensor77"),
        ("TORCH", "ARG", "TYPE", "in_channels"),
    )
