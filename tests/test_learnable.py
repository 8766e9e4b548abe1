"""Learnable and fused fake quantization against PyTorch's operators, and what is kept from those."""

import re
from math import inf, nan
from typing import Any

import pytest
import torch

from pybridge import Interpreter, TclError, quant
from tests.bits import same
from tests.test_fake_quantize_vectors import argument, arguments, expected, of

PER_TENSOR = of("_fake_quantize_learnable_per_tensor_affine")
PER_CHANNEL = of("_fake_quantize_learnable_per_channel_affine")
FUSED = of("fused_moving_avg_obs_fake_quant")
# Empty inputs, and those of one dimension per channel, are not PyTorch's: see below.
LEARNABLE = [
    each
    for each in PER_TENSOR + PER_CHANNEL
    if len(shape := each.values[0]["args"]["input"]["shape"]) > ("axis" in each.values[0]["args"])
    and 0 not in shape
]
OBSERVE_AND_QUANTIZE: Any = quant.fused_moving_avg_obs_fake_quant
TORCHS_PER_TENSOR: Any = torch._fake_quantize_learnable_per_tensor_affine
TORCHS_PER_CHANNEL: Any = torch._fake_quantize_learnable_per_channel_affine
TORCHS: Any = torch.fused_moving_avg_obs_fake_quant
STATE = ("running_min", "running_max", "scale", "zero_point")


def learned(**given: Any) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    """The output and the gradients for input, scale and zero point; `grad_output` is that of the output."""
    gradient = given.pop("grad_output")
    leaves = [given[name].requires_grad_() for name in ("input", "scale", "zero_point")]
    function: Any = (
        quant.fake_quantize_learnable_per_channel
        if "axis" in given
        else quant.fake_quantize_learnable_per_tensor
    )
    result = function(**given)
    return result, torch.autograd.grad(result, leaves, gradient)


def state(rows: int = 1) -> dict[str, torch.Tensor]:
    return {
        "running_min": torch.full((rows,), inf),
        "running_max": torch.full((rows,), -inf),
        "scale": torch.ones(rows),
        "zero_point": torch.zeros(rows, dtype=torch.int32),
    }


def fused(x: torch.Tensor, kept: dict[str, torch.Tensor], **given: Any) -> Any:
    settings = {
        "observer_on": True,
        "fake_quant_on": True,
        "averaging_const": 0.01,
        "quant_min": -128,
        "quant_max": 127,
        "ch_axis": 0,
    }
    return OBSERVE_AND_QUANTIZE(x, **kept, **(settings | given))


# -- learnable -------------------------------------------------------------------------------------------


def test_none_is_left_out() -> None:
    assert (len(PER_TENSOR), len(PER_CHANNEL), len(FUSED)) == (21, 17, 66)
    assert len(LEARNABLE) == 36


@pytest.mark.parametrize("vector", LEARNABLE)
def test_learnable_vectors(vector: Any) -> None:
    """Gradients included; what PyTorch refuses, be it in the backward pass, is refused here at once."""
    given = arguments(vector)
    if "error" in vector:
        given.setdefault("grad_output", torch.ones_like(given["input"]))
        with pytest.raises(ValueError, match=r"^(input|scale|zero_point|quant_min) must"):
            learned(**given)
        return
    result, gradients = learned(**given)
    assert same(result, expected(vector, "output"))
    for found, field in zip(gradients, ("grad", "grad_scale", "grad_zero_point"), strict=True):
        assert same(found, expected(vector, field))


@pytest.mark.parametrize("bounds", [(-8, 7), (0, 255), (-128, 0), (0, 0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1, -3])
def test_output_and_gradients_are_pytorchs(
    axis: int | None, dtype: torch.dtype, bounds: tuple[int, int]
) -> None:
    torch.manual_seed(1)
    shape = (3, 4, 5)
    x = (torch.randn(5, 4, 3).permute(2, 1, 0) * 2).to(dtype)
    channels = 1 if axis is None else shape[axis]
    scale, zero_point = torch.rand(channels) * 0.4 - 0.05, torch.randn(channels) * 3
    gradient = torch.randn(shape).to(dtype)
    where: dict[str, Any] = {} if axis is None else {"axis": axis}
    names: dict[str, Any] = {"input": x.clone(), "scale": scale.clone(), "zero_point": zero_point.clone()}
    low, high = bounds
    ours, our_gradients = learned(
        **names, **where, quant_min=low, quant_max=high, grad_factor=0.25, grad_output=gradient
    )
    leaves = [each.clone().requires_grad_() for each in (x, scale, zero_point)]
    theirs = (
        TORCHS_PER_TENSOR(*leaves, low, high, 0.25)
        if axis is None
        else TORCHS_PER_CHANNEL(*leaves, axis % 3, low, high, 0.25)
    )
    assert same(ours, theirs)
    for found, each in zip(our_gradients, torch.autograd.grad(theirs, leaves, gradient), strict=True):
        assert same(found, each)


def test_gradients_by_hand() -> None:
    """Esser et al., equations 3 and 5: round(x/s) - x/s inside, the bound outside."""
    x, scale, zero_point = (torch.tensor(each) for each in ([0.75, 1.75, -9, 9], [0.5], [0.0]))
    result, (of_x, of_scale, of_zero_point) = learned(
        input=x,
        scale=scale,
        zero_point=zero_point,
        quant_min=-8,
        quant_max=7,
        grad_factor=0.5,
        grad_output=torch.tensor([1.0, 2, 4, 8]),
    )
    assert result.tolist() == [1, 2, -4, 3.5]  # 1.5 and 3.5 go to the even neighbour
    assert of_x.tolist() == [1, 2, 0, 0]
    assert of_scale.tolist() == [0.5 * (0.5 * 1 + 0.5 * 2 - 8 * 4 + 7 * 8)]
    assert of_zero_point.tolist() == [0.5 * -0.5 * (4 + 8)]


def test_one_dimension_is_a_matrix_of_one_column() -> None:
    torch.manual_seed(2)
    x, scale, zero_point = torch.randn(6), torch.rand(6) + 0.1, torch.randn(6)
    settings: dict[str, Any] = {"axis": 0, "quant_min": -2, "quant_max": 1}
    gradient = torch.randn(6)
    for axis in (0, -1):
        result, gradients = learned(
            input=x.clone(),
            scale=scale.clone(),
            zero_point=zero_point.clone(),
            **settings | {"axis": axis},
            grad_output=gradient,
        )
        matrix, matrix_gradients = learned(
            input=x[:, None].clone(),
            scale=scale.clone(),
            zero_point=zero_point.clone(),
            **settings,
            grad_output=gradient[:, None],
        )
        assert same(result, matrix[:, 0].contiguous())
        for one, other in zip(gradients, matrix_gradients, strict=True):
            assert torch.equal(one, other.flatten())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("shape", "axis"), [((0,), None), ((2, 0), None), ((2, 0), 0), ((0, 3), 0), ((0,), 0)]
)
def test_empty_input_gives_no_gradient(shape: tuple[int, ...], axis: int | None, dtype: torch.dtype) -> None:
    channels = 1 if axis is None else shape[axis]
    result, gradients = learned(
        input=torch.zeros(shape, dtype=dtype),
        scale=torch.full((channels,), 0.5),
        zero_point=torch.full((channels,), 3.0),
        quant_min=-8,
        quant_max=7,
        grad_output=torch.zeros(shape, dtype=dtype),
        **({} if axis is None else {"axis": axis}),
    )
    assert same(result, torch.zeros(shape, dtype=dtype))
    assert [each.tolist() for each in gradients[1:]] == [[0.0] * channels] * 2


def test_a_scale_is_learned_at_the_prompt(tcl: Interpreter) -> None:
    """Gradient descent on the squared error moves a step that is far too wide towards a good one."""
    script = """
        torch::manual_seed 0
        set x [torch::randn {1000}]
        set step 2.0
        for {set i 0} {$i < 60} {incr i} {
            torch::scope {
                set scale [torch::tensor_create $step -shape 1 -requires_grad 1]
                set y [torch::fake_quantize_learnable_per_tensor $x $scale [torch::zeros 1] -8 7]
                set difference [torch::tensor_sub $y $x]
                set loss [torch::tensor_mean [torch::tensor_mul $difference $difference]]
                torch::tensor_backward $loss
                lappend losses [torch::tensor_item $loss]
                set step [expr {$step - 0.5 * [torch::tensor_item [torch::tensor_grad $scale]]}]
            }
        }
        list [lindex $losses 0] [lindex $losses end] $step
    """
    first, last, step = (float(word) for word in tcl.eval(script).split())
    assert last < first / 10
    assert 0.25 < step < 0.45  # the best step of 4 bits for a normal distribution is 0.335


# -- fused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", [each for each in FUSED if "expect" in each.values[0]])
def test_fused_vectors(vector: Any) -> None:
    given = arguments(vector)
    given["observer_on"], given["fake_quant_on"] = bool(given["observer_on"]), bool(given["fake_quant_on"])
    given["input"].requires_grad_()
    result = OBSERVE_AND_QUANTIZE(**given)
    assert same(result, expected(vector, "output"))
    for name in STATE:
        assert same(given[name], expected(vector, name))
    if "grad" in vector["expect"]:
        (gradient,) = torch.autograd.grad(result, given["input"], torch.ones_like(result))
        assert same(gradient, expected(vector, "grad"))


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("per_row", [False, True])
@pytest.mark.parametrize(
    ("observe", "quantize"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_fused_is_pytorchs(observe: bool, quantize: bool, per_row: bool, symmetric: bool) -> None:
    torch.manual_seed(3)
    rows = 4 if per_row else 1
    ours, theirs = state(rows), state(rows)
    on = torch.tensor([1])
    for round_ in range(4):
        x = (torch.randn(2, 3, 4).permute(2, 1, 0) + 0.2) * (round_ + 1)
        settings = (0.1, -8, 7, 0 if per_row else -1, per_row, symmetric)
        if round_ == 0:
            flags = (on, on)
        else:
            flags = (torch.tensor([int(observe)]), torch.tensor([int(quantize)]))
        one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
        result = OBSERVE_AND_QUANTIZE(one, bool(flags[0]), bool(flags[1]), *ours.values(), *settings)
        reference = TORCHS(other, *flags, *theirs.values(), *settings)
        assert same(result, reference)
        for name in STATE:
            assert same(ours[name], theirs[name])
        gradient = torch.randn_like(x)
        assert same(
            torch.autograd.grad(result, one, gradient)[0], torch.autograd.grad(reference, other, gradient)[0]
        )


def test_fused_by_hand(tcl: Interpreter) -> None:
    """The first range is taken as it is, the second moves it by a quarter."""
    tcl.eval("""
        set min [torch::full 1 Inf]
        set max [torch::full 1 -Inf]
        set scale [torch::ones 1]
        set zero_point [torch::zeros 1 int32]
        proc observed {values} {
            global min max scale zero_point
            set x [torch::tensor_create $values]
            set y [torch::fused_moving_avg_obs_fake_quant $x yes yes $min $max $scale $zero_point 0.25 0 15]
            list [torch::tensor_to_list $y] [lmap each [list $min $max $scale $zero_point] {
                torch::tensor_item $each
            }]
        }
    """)
    assert tcl.eval("observed {-1.0 0.4 6.5}") == "{-1.0 0.5 6.5} {-1.0 6.5 0.5 2}"
    assert (
        tcl.eval("observed {-5 12.5 5.5}") == "{-2.0 8.0 5.333333492279053} {-2.0 8.0 0.6666666865348816 3}"
    )


@pytest.mark.parametrize("shape", [(0,), (2, 0)])
def test_empty_input_changes_nothing(shape: tuple[int, ...]) -> None:
    for per_row in (False, True)[: len(shape)]:
        kept = state(2 if per_row else 1)
        before = {name: each.clone() for name, each in kept.items()}
        x = torch.zeros(shape, requires_grad=True)
        result = fused(x, kept, per_row_fake_quant=per_row)
        assert same(result, torch.zeros(shape))
        assert all(same(kept[name], before[name]) for name in STATE)


def test_without_rows_the_axis_is_not_looked_at() -> None:
    for x in (torch.tensor(1.5), torch.tensor([1.5, -3])):
        kept, other = state(), state()
        on = torch.tensor([1])
        result = fused(x, kept, ch_axis=7)
        theirs = TORCHS(x, on, on, *other.values(), 0.01, -128, 127, -1)
        assert same(result, theirs)


# -- errors ----------------------------------------------------------------------------------------------

SETUP = """
    set x [torch::tensor_create {{1 2 3} {4 5 6}}]
    set double [torch::ones {2 3} float64]
    set half [torch::ones {2 3} float16]
    set with_nan [torch::tensor_create {{NaN 1 2} {3 4 5}}]
    set number [torch::full {} 2]
    set one [torch::ones 1]
    set two [torch::ones 2]
    set three [torch::ones 3]
    set int [torch::zeros 1 int32]
    set long [torch::zeros 1 int64]
    set nan [torch::full 1 NaN]
    set nan_of_two [torch::tensor_create {0 NaN}]
    set learned [torch::ones 1 -requires_grad 1]
    foreach name {min max scale} { set $name [torch::ones 1] }
    set point [torch::zeros 1 int32]
    foreach name {min max scale} { set ${name}2 [torch::ones 2] }
    set point2 [torch::zeros 2 int32]
"""
TENSOR = "fake_quantize_learnable_per_tensor"
CHANNEL = "fake_quantize_learnable_per_channel"
OBSERVE = "fused_moving_avg_obs_fake_quant"


@pytest.mark.parametrize(
    ("call", "parameter", "message"),
    [
        (f"{TENSOR} $double $one $one", "input", "input must be float32 or bfloat16 but is float64"),
        (f"{TENSOR} $half $one $one", "input", "input must be float32 or bfloat16 but is float16"),
        (f"{TENSOR} $int $one $one", "input", "input must be float32 or bfloat16 but is int32"),
        (f"{TENSOR} $x $number $one", "scale", "scale must be 1-D with 1 element but has the shape {}"),
        (f"{TENSOR} $x $two $one", "scale", "scale must be 1-D with 1 element but has the shape {2}"),
        (f"{TENSOR} $x $int $one", "scale", "scale must be float32 but is int32"),
        (f"{TENSOR} $x $one $int", "zero_point", "zero_point must be float32 but is int32"),
        (f"{TENSOR} $x $one $nan", "zero_point", "zero_point must not be NaN"),
        (f"{TENSOR} $x $one $one 1 127", "quant_min", "quant_min must be at most 0 but is 1"),
        (f"{TENSOR} $x $one $one -8 -1", "quant_max", "quant_max must be at least 0 but is -1"),
        (f"{TENSOR} $x $one $one 9 8", "quant_min", "quant_min must be at most quant_max (8) but is 9"),
        (
            f"{TENSOR} $x $one $one 0 2147483648",
            "quant_max",
            "quant_max must fit into 32 bits but is 2147483648",
        ),
        (
            f"{TENSOR} $x $one $one -1 2147483647",
            "quant_max",
            "quant_max must be less than 2**31 above quant_min (-1) but is 2147483647",
        ),
        (
            f"{TENSOR} $x $one $one -grad_factor Inf",
            "grad_factor",
            "grad_factor must be finite but is inf",
        ),
        (f"{CHANNEL} $x $two $two 2", "axis", "axis must be in -2 .. 1 for this tensor but is 2"),
        (
            f"{CHANNEL} $number $one $one 0",
            "axis",
            "axis must be a dimension of a tensor that has none but is 0",
        ),
        (
            f"{CHANNEL} $x $three $two 0",
            "scale",
            "scale must be 1-D with 2 elements but has the shape {3}",
        ),
        (
            f"{CHANNEL} $x $two $three 0",
            "zero_point",
            "zero_point must be 1-D with 2 elements but has the shape {3}",
        ),
        (f"{CHANNEL} $x $two $nan_of_two 0", "zero_point", "zero_point must not be NaN"),
        (f"{OBSERVE} $double 1 1 $min $max $scale $point", "input", "input must be float32 but is float64"),
        (
            f"{OBSERVE} $x 1 1 $min2 $max $scale $point",
            "running_min",
            "running_min must be 1-D with 1 element but has the shape {2}",
        ),
        (
            f"{OBSERVE} $x 1 1 $min [torch::zeros 0] $scale $point",
            "running_max",
            "running_max must be 1-D with 1 element but has the shape {0}",
        ),
        (f"{OBSERVE} $x 1 1 $min $max $int $point", "scale", "scale must be float32 but is int32"),
        (f"{OBSERVE} $x 1 1 $min $max $scale $long", "zero_point", "zero_point must be int32 but is int64"),
        (
            f"{OBSERVE} $x 1 1 $min $max $learned $point",
            "scale",
            "scale must not require a gradient",
        ),
        (
            f"{OBSERVE} $x 1 1 $min $min $scale $point",
            "running_max",
            "running_max must have memory of its own, not that of another argument",
        ),
        (
            f"{OBSERVE} $min 1 1 $min $max $scale $point",
            "running_min",
            "running_min must have memory of its own, not that of another argument",
        ),
        (
            f"{OBSERVE} $x 1 1 $min $max $scale $point 1.5",
            "averaging_const",
            "averaging_const must be in 0 .. 1 but is 1.5",
        ),
        (
            f"{OBSERVE} $x 1 1 $min $max $scale $point NaN",
            "averaging_const",
            "averaging_const must be in 0 .. 1 but is nan",
        ),
        (
            f"{OBSERVE} $x 1 1 $min $max $scale $point 0.1 3 2",
            "quant_min",
            "quant_min must be at most quant_max (2) but is 3",
        ),
        (
            f"{OBSERVE} $x 1 1 $min2 $max2 $scale2 $point2 0.1 -8 7 1 1",
            "ch_axis",
            "ch_axis must be the first dimension but is 1",
        ),
        (
            f"{OBSERVE} $x 1 1 $min2 $max2 $scale2 $point2 0.1 -8 7 2 1",
            "ch_axis",
            "ch_axis must be in -2 .. 1 for this tensor but is 2",
        ),
        (
            f"{OBSERVE} $two 1 1 $min2 $max2 $scale2 $point2 0.1 -8 7 0 1",
            "input",
            "input must have two dimensions or more to have rows but has 1",
        ),
        (
            f"{OBSERVE} $with_nan 1 1 $min2 $max2 $scale2 $point2 0.1 -8 7 0 1",
            "input",
            "input must be finite to quantize rows but holds nan",
        ),
        (
            f"{OBSERVE} $x 0 1 $nan_of_two $max2 $scale2 $point2 0.1 -8 7 0 1",
            "running_min",
            "running_min must be finite to quantize rows but holds nan",
        ),
        (
            f"{OBSERVE} $x 1 1 $min $max $scale $point 0.1 -8 7 0 1",
            "running_min",
            "running_min must be 1-D with 2 elements but has the shape {1}",
        ),
    ],
)
def test_refused_before_anything_changes(tcl: Interpreter, call: str, parameter: str, message: str) -> None:
    tcl.eval(SETUP)
    objects = tcl.dispatcher.table.objects
    before = {name: each.detach().clone() for name, each in objects.items()}
    with pytest.raises(TclError, match=f"^{re.escape(message)}$") as raised:
        tcl.eval(f"torch::{call}")
    assert raised.value.errorcode == ("TORCH", "ARG", "VALUE", parameter)
    assert all(same(objects[name], each) for name, each in before.items())


def test_strided_state_is_refused() -> None:
    """PyTorch would write to the wrong elements."""
    kept = state(2) | {"running_max": torch.zeros(4)[::2]}
    with pytest.raises(ValueError, match=r"^running_max must be contiguous$"):
        fused(torch.ones(2, 3), kept, per_row_fake_quant=True)


def test_negative_axis_counts_from_the_end() -> None:
    x = torch.tensor([[1.0, -2, 0.5], [3, 4, -5]])
    one, other = state(2), state(2)
    assert same(
        fused(x, one, ch_axis=-2, per_row_fake_quant=True),
        fused(x, other, ch_axis=0, per_row_fake_quant=True),
    )
    assert one["running_min"].tolist() == [-2, -5]
    assert one["running_max"].tolist() == [1, 4]


def test_nan_goes_into_the_running_tensors() -> None:
    """As in PyTorch, vector 397; a scale of NaN makes everything NaN."""
    kept = state()
    assert fused(torch.tensor([1.0, nan]), kept).isnan().all()
    assert kept["running_min"].isnan().all()
    assert argument({"dtype": "int32", "shape": [1], "bits": [-(2**31)]}).equal(kept["zero_point"])
