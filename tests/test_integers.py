"""Integers by a choice of scheme, and back: against PyTorch's fake quantization, and by hand."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pybridge import Interpreter, quant
from pybridge.names import Granularity
from pybridge.quant import (
    BadArgument,
    Channels,
    Choice,
    dequantize_integers,
    quantize_integers,
    uniform_levels,
)
from pybridge.quant.integers import OBSERVERS
from tests.interpreters import error_of, live

LESSON = torch.tensor([[191.6, -13.5, 728.6], [92.14, 295.5, -184], [0, 684.6, 245.5]])
PLACES: list[tuple[Granularity, int]] = [("per_tensor", 0), ("per_channel", 0), ("per_channel", -1)]
CHOICES = [
    Choice(bits, granularity, qscheme, axis=axis)
    for bits in (2, 5, 8, 9, 16)
    for granularity, axis in PLACES
    for qscheme in ("symmetric", "affine")
]


def weights(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3 + 0.5


def faked(input: torch.Tensor, integers: quant.Integers) -> torch.Tensor:
    """What PyTorch's operators make of the input with the scale and zero point of the integers."""
    choice = integers.choice
    limits = choice.scheme.limits
    scale, zero_point = integers.scale, integers.zero_point
    match choice.granularity:
        case "per_tensor":
            return torch.fake_quantize_per_tensor_affine(input, scale, zero_point, *limits)
        case "per_channel":
            axis = choice.axis % input.dim()
            return torch.fake_quantize_per_channel_affine(input, scale, zero_point, axis, *limits)
    groups = input.reshape(-1, choice.group_size)
    result = torch.fake_quantize_per_channel_affine(groups, scale, zero_point, 0, *limits)
    return result.reshape(input.shape)


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_dequantized_integers_are_what_fake_quantization_gives(choice: Choice) -> None:
    x = weights(3, 5, 4)
    integers = quantize_integers(x, choice)
    assert torch.equal(integers.dequantize(), faked(x, integers))
    assert integers.quantized.dtype is (torch.int8 if choice.bits <= 8 else torch.int16)
    assert integers.quantized.is_contiguous()
    assert integers.zero_point.dtype is torch.int32
    assert integers.scale.shape == integers.zero_point.shape


@pytest.mark.parametrize("choice", [*CHOICES, Choice(4, observer="mse"), Choice(4, observer="percentile")])
def test_the_scale_of_the_weights_does_not_matter(choice: Choice) -> None:
    x = weights(3, 5, 4)
    one = quantize_integers(x, choice)
    for factor in (2.0**-20, 2.0**-100, 2.0**100):
        other = quantize_integers(x * factor, choice)
        assert torch.equal(other.quantized, one.quantized)
        assert torch.equal(other.scale, one.scale * factor)
    assert set(quantize_integers(x * 0, choice).scale.reshape(-1).tolist()) == {2.0**-126}


def test_a_range_wider_than_float32() -> None:
    """As numbers: the scale is 6.4e38 / 255."""
    x = torch.tensor([3.2e38, -3.2e38, 5])
    wide = quantize_integers(x, Choice(8, qscheme="affine"))
    assert wide.scale.item() == pytest.approx(6.4e38 / 255, rel=1e-6)
    assert (wide.quantized.tolist(), wide.zero_point.item()) == ([127, -128, 0], 0)
    with pytest.raises(BadArgument, match=r"^input must have a scale that float32 can hold"):
        quantize_integers(x, Choice(2, scale_mode="power_of_two"))
    best = quantize_integers(x, Choice(4, observer="mse", scale_mode="power_of_two"))
    assert best.dequantize().isfinite().all()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["per_tensor", "per_channel", "per_group"]),
    st.sampled_from(["symmetric", "affine"]),
    st.sampled_from(list(OBSERVERS)),
    st.integers(2, 16),
    st.sampled_from(["float", "power_of_two"]),
)
def test_every_choice(
    seed: int, granularity: Any, qscheme: Any, observer: Any, bits: int, scale_mode: Any
) -> None:
    x = weights(4, 12, seed=seed)
    choice = Choice(bits, granularity, qscheme, observer, 1, 6, scale_mode)
    integers = quantize_integers(x, choice)
    assert torch.equal(integers.dequantize(), faked(x, integers))
    low, high = choice.scheme.limits
    assert low <= int(integers.quantized.min())
    assert int(integers.quantized.max()) <= high
    count = {"per_tensor": (), "per_channel": (12,), "per_group": (8,)}[granularity]
    assert integers.scale.shape == count
    if qscheme == "symmetric":
        assert not integers.zero_point.any()
    if scale_mode == "power_of_two":
        assert bool((torch.frexp(integers.scale).mantissa == 0.5).all())


def test_by_hand() -> None:
    """Symmetric, 4 bits: scale = max / 7.5, so that 7.5 becomes 8 by ties to even, and is clamped to 7."""
    integers = quantize_integers(torch.tensor([7.5, -7.5, 2.5, 3.5, -1.0]), Choice(4))
    assert integers.scale.item() == 1
    assert integers.quantized.tolist() == [7, -8, 2, 4, -1]
    # affine: -1 .. 2 over 0 .. 3 steps; zero point -2 - round(-1)
    integers = quantize_integers(torch.tensor([-1.0, 2.0, 0.4]), Choice(2, qscheme="affine"))
    assert (integers.scale.item(), integers.zero_point.item()) == (1, -1)
    assert integers.quantized.tolist() == [-2, 1, -1]
    assert integers.dequantize().tolist() == [-1, 2, 0]


def test_groups_are_numbered_row_by_row() -> None:
    x = torch.tensor([[1.0, 0.5, 10.0, -10.0], [100.0, 0.0, 0.0, 0.0]])
    integers = quantize_integers(x, Choice(8, "per_group", group_size=2))
    expected = torch.tensor([1.0, 10.0, 100.0, 0.0]) / 127.5
    assert torch.equal(integers.scale, expected.clamp(min=2.0**-126))
    assert integers.quantized.tolist() == [[127, 64, 127, -128], [127, 0, 0, 0]]


def test_elements_far_beyond_the_range_are_clamped_on_their_side() -> None:
    """PyTorch's operator per channel sends products of 2^63 and more to quant_min."""
    x = torch.full((1, 100001), 1e-3)
    x[0, 0], x[0, 1] = 3e38, -3e38
    for granularity in ("per_tensor", "per_channel"):
        integers = quantize_integers(x, Choice(8, granularity, observer="percentile"))
        assert integers.quantized[0, :3].tolist() == [127, -128, 127]


def test_odd_tensors() -> None:
    empty = quantize_integers(torch.ones(0, 3), Choice(8, "per_channel", axis=1))
    assert (empty.quantized.shape, empty.scale.tolist()) == ((0, 3), [1, 1, 1])
    assert empty.dequantize().shape == (0, 3)
    assert quantize_integers(torch.ones(0), Choice(8)).scale.shape == ()
    single = quantize_integers(torch.tensor(3.0, requires_grad=True), Choice(8))
    assert (single.quantized.item(), single.quantized.shape) == (127, ())
    zeros = quantize_integers(torch.zeros(2, 2), Choice(4, qscheme="affine"))
    assert not zeros.dequantize().any()
    strided = weights(6, 8).t()[::2]
    choice = Choice(8, "per_channel", axis=1)
    assert torch.equal(
        quantize_integers(strided, choice).quantized,
        quantize_integers(strided.contiguous(), choice).quantized,
    )
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int32):
        x = weights(4, 4).to(dtype)
        assert torch.equal(
            quantize_integers(x, choice).quantized, quantize_integers(x.float(), choice).quantized
        )


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        ({"bits": 1}, "bits"),
        ({"bits": 17}, "bits"),
        ({"granularity": "per_row"}, "granularity"),
        ({"qscheme": "affine_float_qparams"}, "qscheme"),
        ({"observer": "histogram"}, "observer"),
        ({"scale_mode": "log"}, "scale_mode"),
        ({"granularity": "per_group", "group_size": 0}, "group_size"),
    ],
)
def test_choices_that_are_none(wrong: dict[str, Any], parameter: str) -> None:
    with pytest.raises(quant.BadArgument) as raised:
        Choice(**wrong)
    assert raised.value.parameter == parameter


def test_bytes() -> None:
    """100 elements of 3 bits are 37.5 bytes; 10 scales of 4 bytes, 10 zero points of 3 bits."""
    assert Choice(3).bytes(100, 10) == 38 + 40
    assert Choice(3, qscheme="affine").bytes(100, 10) == 38 + 40 + 4
    assert Choice(3, scale_mode="power_of_two").bytes(100, 10) == 38 + 10


def test_dequantizing_by_axis_and_group() -> None:
    codes = torch.arange(-6, 6, dtype=torch.int8).reshape(2, 3, 2)
    scale, zero_point = torch.tensor([0.5, 1.0, 2.0]), torch.tensor([0, 1, -1], dtype=torch.int32)
    shape = (1, 3, 1)
    expected = (codes.float() - zero_point.reshape(shape)) * scale.reshape(shape)
    assert torch.equal(dequantize_integers(codes, scale, zero_point, Channels(axis=-2)), expected)
    grouped = dequantize_integers(
        codes, torch.arange(1.0, 7), torch.zeros(6, dtype=torch.int64), Channels(group_size=2)
    )
    assert torch.equal(grouped, codes.float() * torch.arange(1.0, 7).reshape(2, 3, 1))


def test_uniform_levels() -> None:
    levels = uniform_levels(0.1, 3, -7, 8)
    integers = torch.arange(-7, 9, dtype=torch.float32)
    reached = torch.fake_quantize_per_tensor_affine((integers - 3) * 0.1, 0.1, 3, -7, 8)
    assert torch.equal(levels, reached)
    assert uniform_levels(2.0, 0, 5, 5).tolist() == [10]


# -- the commands ----------------------------------------------------------------------------------------


def test_commands_by_options_and_like_a_plan(tcl: Interpreter) -> None:
    tcl.call("set", "w", tcl.dispatcher.table.add("tensor", LESSON))
    tcl.eval("set found [torch::quantize_integers $w 6 per_channel -axis 1]")
    assert tcl.eval("dict remove $found quantized scale zero_point") == (
        "quant_min -32 quant_max 31 bits 6 granularity per_channel qscheme symmetric observer minmax"
        " axis 1 group_size {} scale_mode float"
    )
    expected = quantize_integers(LESSON, Choice(6, "per_channel", axis=1))
    table = tcl.dispatcher.table.objects
    for name in ("quantized", "scale", "zero_point"):
        assert torch.equal(table[tcl.eval(f"dict get $found {name}")], getattr(expected, name))
    for like in ("$found", "-like $found"):
        again = tcl.eval(f"dict get [torch::quantize_integers $w {like}] quantized")
        assert torch.equal(table[again], expected.quantized)
    tcl.eval("dict with found {set back [torch::dequantize_integers $quantized $scale $zero_point $axis]}")
    for back in (
        "$back",
        "[torch::dequantize_integers $found]",
        "[torch::dequantizeIntegers -integers $found]",
    ):
        assert torch.equal(table[tcl.eval(f"set back {back}")], expected.dequantize())
    for lacking, code in (("scale", ("TYPE", "integers")), ("axis", ("VALUE", "scale"))):
        error = error_of(tcl.eval, f"torch::dequantize_integers [dict remove $found {lacking}]")
        assert error.errorcode == ("TORCH", "ARG", *code)


@pytest.mark.parametrize(
    ("call", "message", "parameter"),
    [
        ("quantize_integers $w 1", "bits must be in 2 .. 16 but is 1", "bits"),
        (
            "quantize_integers $w 8 per_channel -axis 2",
            "axis must be in -2 .. 1 for this tensor but is 2",
            "axis",
        ),
        (
            "quantize_integers $w 8 per_group",
            "group_size must divide the last dimension of input, 3, but is 128",
            "group_size",
        ),
        (
            "quantize_integers [torch::full 2 NaN]",
            "input must be finite as float32 but has NaN or infinite elements",
            "input",
        ),
        (
            "quantize_integers [torch::full 2 1e300 float64]",
            "input must be finite as float32 but has NaN or infinite elements",
            "input",
        ),
        (
            "dequantize_integers $w [torch::ones 1] [torch::zeros 1 int32]",
            "quantized must be integers but is float32",
            "quantized",
        ),
        *(
            (
                f"dequantize_integers [torch::zeros 3 int8] [torch::full 1 {scale} float64] 0",
                f"scale {message}",
                "scale",
            )
            for scale, message in (
                ("NaN", "must be finite and above 0 but holds nan"),
                ("-Inf", "must be finite and above 0 but holds -inf"),
                ("0", "must be finite and above 0 but holds 0.0"),
                ("1e50", "holds 1e+50, which float32 cannot hold"),
            )
        ),
        (
            "dequantize_integers [torch::zeros {2 3} int8] [torch::ones 2] [torch::zeros 1 int32] 0",
            "zero_point must have 2 elements, one for each slice of axis 0, but has 1",
            "zero_point",
        ),
        (
            "dequantize_integers [torch::zeros {2 3} int8] [torch::ones 2] [torch::zeros 2 int32]",
            "scale must have 1 element, because neither axis nor group_size is given, but has 2",
            "scale",
        ),
        ("uniform_levels Inf", "scale must be a finite float32 but is inf", "scale"),
        ("uniform_levels 1 0.5", "zero_point must be an integer but is 0.5", "zero_point"),
        (
            "uniform_levels 1 0 0 65536",
            "quant_max must leave at most 65536 levels but gives 65537",
            "quant_max",
        ),
        ("uniform_levels 1 0 1 0", "quant_min must be at most quant_max (0) but is 1", "quant_min"),
        ("uniform_levels $w", "scale must be a tensor of one element but has 9", "scale"),
    ],
)
def test_refused(tcl: Interpreter, call: str, message: str, parameter: str) -> None:
    tcl.call("set", "w", tcl.dispatcher.table.add("tensor", LESSON))
    call = call.replace("uniform_levels 1 0.5", "uniform_levels 1 [torch::full {} 0.5]")
    before = live(tcl)
    error = error_of(tcl.eval, f"torch::scope {{torch::{call}}}")
    assert (error.message, error.errorcode) == (message, ("TORCH", "ARG", "VALUE", parameter))
    assert live(tcl) == before


def test_a_dict_that_is_no_choice(tcl: Interpreter) -> None:
    tcl.eval("set w [torch::ones 2]")
    error = error_of(tcl.eval, "torch::quantize_integers $w -like {bits 4}")
    assert error.message == (
        "expected a dict with bits, granularity, qscheme, observer, ?axis?, ?group_size?, scale_mode "
        'but got "bits 4" for -like (it lacks granularity, qscheme, observer, scale_mode)'
    )
    error = error_of(
        tcl.eval,
        "torch::quantize_integers $w -like {bits x granularity per_tensor qscheme affine observer mse"
        " axis {} group_size {} scale_mode float}",
    )
    assert error.message == 'expected integer but got "x" in bits for -like'
    assert error.errorcode == ("TORCH", "ARG", "TYPE", "like")


@pytest.mark.parametrize(("granularity", "missing"), [("per_group", "group_size"), ("per_channel", "axis")])
def test_a_choice_lacks_what_its_granularity_needs(tcl: Interpreter, granularity: str, missing: str) -> None:
    like = f"bits 4 granularity {granularity} qscheme symmetric observer minmax scale_mode float"
    like += " axis {} group_size {}"
    error = error_of(tcl.eval, f"torch::quantize_integers [torch::ones {{2 4}}] -like {{{like}}}")
    assert error.errorcode == ("TORCH", "ARG", "VALUE", missing)
    assert error.message == f"{missing} must be given for granularity {granularity}"


@pytest.mark.parametrize("dtype", [torch.int32, torch.complex64, torch.bool])
def test_a_scale_is_floating_point(dtype: torch.dtype) -> None:
    with pytest.raises(quant.BadArgument, match="scale must be"):
        quant.dequantize_integers(
            torch.ones(3, dtype=torch.int8),
            torch.ones(1, dtype=dtype),
            torch.zeros(1).int(),
            quant.Channels(),
        )


def test_the_default_dtype_changes_nothing() -> None:
    x = torch.linspace(-3, 3, 50)
    choice = quant.Choice(4, "per_tensor", "affine", "minmax")
    expected = quant.quantize_integers(x, choice)
    torch.set_default_dtype(torch.float64)
    try:
        found = quant.quantize_integers(x, choice)
        back = quant.dequantize_integers(found.quantized, found.scale, found.zero_point, quant.Channels())
        for kind in (quant.MinMaxObserver, quant.HistogramObserver, quant.PercentileObserver):
            observer = kind(quant.Scheme())
            observer.load_state(kind(quant.Scheme()).state())
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found.quantized, expected.quantized)
    assert (found.scale.dtype, back.dtype) == (torch.float32, torch.float32)


def test_one_zero_point_for_all_scales(tcl: Interpreter) -> None:
    tcl.eval("set q [torch::tensor_create {{1 2} {3 4}} -dtype int8]; set s [torch::tensor_create {0.5 2}]")
    for words, expected in (
        ("", "0.5 1.0 6.0 8.0"),
        ("1", "0.0 0.5 4.0 6.0"),
        ("-zero_point 0", "0.5 1.0 6.0 8.0"),
    ):
        call = f"torch::dequantize_integers $q $s {words} -axis 0"
        assert tcl.eval(f"torch::tensor_to_list [{call}]") == expected
    error = error_of(tcl.eval, "torch::dequantize_integers $q $s 2147483648 -axis 0")
    assert error.errorcode == ("TORCH", "ARG", "VALUE", "zero_point")


def test_two_conventions_for_a_symmetric_scale(tcl: Interpreter) -> None:
    """What the help of both commands says: 3.3/127.5 and 3.3/127."""
    tcl.eval("set x [torch::tensor_create {3.3 -3.3 1}]; set finer [torch::quantize_integers $x]")
    tcl.eval("set exact [torch::linear_q_symmetric $x]")
    codes = [tcl.eval(f"torch::tensor_to_list [dict get ${name} quantized]") for name in ("finer", "exact")]
    assert codes == ["127 -128 39", "127 -127 38"]
    largest = torch.tensor(3.3)
    assert float(tcl.eval("torch::tensor_item [dict get $finer scale]")) == (largest / 127.5).item()
    assert float(tcl.eval("dict get $exact scale")) == largest.item() / 127
    for name, formula in (("quantize_integers", "max/127.5"), ("linear_q_symmetric", "max/127,")):
        assert formula in tcl.eval(f"torch::help {name}")
