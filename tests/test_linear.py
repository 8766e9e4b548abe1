"""Linear quantization against the lesson: its numbers, its formulas, and what it leaves to chance."""

import re
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest
import torch

from pybridge import Interpreter, TclError, quant
from tests import lesson
from tests.bits import same
from tests.test_fake_quantize_vectors import argument, of

LESSON = torch.tensor([[191.6, -13.5, 728.6], [92.14, 295.5, -184], [0, 684.6, 245.5]])
OPERATORS = ["linear_q_symmetric", "linear_q_symmetric_per_group", "linear_quantization_asymmetric"]
VECTORS = [each for operator in OPERATORS for each in of(operator)]
RANGES = {
    "int2": (-2, 1),
    "int3": (-4, 3),
    "int4": (-8, 7),
    "int7": (-64, 63),
    "int8": (-128, 127),
    "uint2": (0, 3),
    "uint5": (0, 31),
    "uint8": (0, 255),
    "int12": (-2048, 2047),
    "int16": (-32768, 32767),
}


def storage(dtype: str) -> torch.dtype:
    return torch.int16 if dtype in ("int12", "int16") else torch.uint8 if dtype[0] == "u" else torch.int8


def handle(tcl: Interpreter, name: str, tensor: torch.Tensor) -> None:
    tcl.call("set", name, tcl.dispatcher.table.add("tensor", tensor))


# -- the lesson ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dim", "scales", "codes", "dequantized", "error"),
    [
        (
            0,
            [[5.7370076], [2.3267717], [5.3905511]],
            [[33, -2, 127], [40, 127, -79], [0, 127, 46]],
            [[189.32126, -11.474015, 728.6], [93.07087, 295.5, -183.81497], [0, 684.6, 247.96535]],
            1.8084441,
        ),
        (
            1,
            [[1.5086615, 5.3905511, 5.7370076]],
            [[127, -3, 127], [61, 55, -32], [0, 127, 43]],
            [[191.6, -16.171654, 728.6], [92.02835, 296.48032, -183.58424], [0, 684.6, 246.69133]],
            1.0781488,
        ),
    ],
)
def test_the_lessons_tensor(
    tcl: Interpreter, dim: int, scales: Any, codes: Any, dequantized: Any, error: float
) -> None:
    handle(tcl, "x", LESSON)
    tcl.eval(f"set result [torch::linear_q_symmetric_per_channel $x {dim}]")
    tcl.eval("set q [dict get $result quantized]; set s [dict get $result scale]")
    tcl.eval("set y [torch::linear_dequantization $q $s 0]")
    q, s, y = (tcl.dispatcher.table.objects[tcl.eval(f"set {name}")] for name in "qsy")
    assert same(q, torch.tensor(codes, dtype=torch.int8))
    torch.testing.assert_close(s, torch.tensor(scales), rtol=1e-7, atol=0)
    torch.testing.assert_close(y, torch.tensor(dequantized), rtol=1e-7, atol=0)
    assert float(tcl.eval("torch::quantization_error $x $y")) == pytest.approx(error, rel=1e-7)


def test_the_lessons_tensor_with_one_scale(tcl: Interpreter) -> None:
    handle(tcl, "x", LESSON)
    assert tcl.eval("torch::get_q_scale_symmetric $x") == "5.737007681779035"
    assert tcl.eval("torch::get_q_scale_and_zero_point $x") == "scale 3.578823433670343 zero_point -77"
    symmetric = [[33, -2, 127], [16, 52, -32], [0, 119, 43]]
    affine = [[-23, -81, 127], [-51, 6, -128], [-77, 114, -8]]
    for scale, zero_point, codes, error in (
        (5.737007681779035, 0, symmetric, 2.5091913),
        (3.578823433670343, -77, affine, 1.5729731),
    ):
        tcl.eval(f"set q [torch::linear_q_with_scale_and_zero_point $x {scale} {zero_point}]")
        tcl.eval(f"set y [torch::linear_dequantization $q {scale} {zero_point}]")
        assert tcl.dispatcher.table.objects[tcl.eval("set q")].tolist() == codes
        assert float(tcl.eval("torch::quantization_error $x $y")) == pytest.approx(error, rel=1e-7)


@pytest.mark.parametrize("vector", VECTORS)
def test_vectors(vector: Any) -> None:
    given, expect = vector["args"], {name: argument(each) for name, each in vector["expect"].items()}
    x, dtype = argument(given["input"]), getattr(torch, given["dtype"].removeprefix("torch."))
    scale: Any
    if "group_size" in given:
        codes, scale = quant.linear_q_symmetric_per_group(x, given["group_size"], dtype)
        assert same(scale, expect["scale"])
        result = quant.linear_dequantization_per_group(codes, scale, given["group_size"])
    else:
        zero_point = 0
        if "zero_point" in expect:
            scale, zero_point = quant.get_q_scale_and_zero_point(x, dtype)
            assert zero_point == expect["zero_point"]
            codes = quant.linear_q_with_scale_and_zero_point(x, scale, zero_point, dtype)
        else:
            codes, scale = quant.linear_q_symmetric(x, dtype)
        assert scale == expect["scale"]
        result = quant.linear_dequantization(codes, scale, zero_point)
    assert same(codes, expect["quantized"])
    assert same(result, expect["dequantized"])
    assert quant.quantization_error(x, result) == expect["mse"].item()


def test_none_is_left_out() -> None:
    assert len(VECTORS) == 11


@pytest.mark.parametrize("dtype", RANGES)
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_formulas(kind: torch.dtype, dtype: str) -> None:
    """Every function with every width, on tensors of many scales, bit for bit what the lesson computes."""
    torch.manual_seed(2)
    q_min, q_max = RANGES[dtype]
    for magnitude in (1e-6, 1.0, 7e4):
        x = (torch.randn(6, 8, 3, dtype=kind) + 0.3) * magnitude
        scale = quant.get_q_scale_symmetric(x, dtype)
        assert scale == lesson.get_q_scale_symmetric(x, q_max)
        codes, found = quant.linear_q_symmetric(x, dtype)
        assert found == scale
        assert same(codes, lesson.linear_q(x, scale, 0, q_min, q_max).to(storage(dtype)))
        scale, zero_point = quant.get_q_scale_and_zero_point(x, dtype)
        assert (scale, zero_point) == lesson.get_q_scale_and_zero_point(x, q_min, q_max)
        codes = quant.linear_q_with_scale_and_zero_point(x, scale, zero_point, dtype)
        assert same(codes, lesson.linear_q(x, scale, zero_point, q_min, q_max).to(storage(dtype)))
        y = quant.linear_dequantization(codes, scale, zero_point)
        assert same(y, lesson.linear_dequantization(codes, scale, zero_point))
        for dim in (0, 1, 2, -1):
            codes, scales = quant.linear_q_symmetric_per_channel(x, dim, dtype)
            assert same(scales, lesson.scale_per_channel(x, dim, q_max))
            assert same(codes, lesson.linear_q(x, scales, 0, q_min, q_max).to(storage(dtype)))
            y = quant.linear_dequantization(codes, scales, 0)
            assert same(y, lesson.linear_dequantization(codes, scales))


@pytest.mark.parametrize("group_size", [1, 2, 3, 4, 6, 12])
def test_groups_are_the_rows_of_a_narrower_matrix(group_size: int) -> None:
    torch.manual_seed(3)
    x = torch.randn(5, 12)
    rows = x.reshape(-1, group_size)
    scales = lesson.scale_per_channel(rows, 0)
    expected = lesson.linear_q(rows, scales).reshape(5, 12).to(torch.int8)
    for each in (x, x.t().contiguous().t()):
        codes, found = quant.linear_q_symmetric_per_group(each, group_size)
        assert same(found, scales)
        assert torch.equal(codes, expected)
    result = quant.linear_dequantization_per_group(codes, scales, group_size)
    assert same(result, lesson.linear_dequantization(codes.reshape(rows.shape), scales).reshape(5, 12))


def test_commands_that_return_a_dict(tcl: Interpreter) -> None:
    torch.manual_seed(4)
    x = torch.randn(4, 6)
    handle(tcl, "x", x)
    for call, scale, rows in (
        ("linear_q_symmetric $x -dtype int4", lesson.get_q_scale_symmetric(x, 7), x),
        ("linearQSymmetric -dtype int4 -tensor $x", lesson.get_q_scale_symmetric(x, 7), x),
        ("linear_q_symmetric_per_channel $x -1 int4", lesson.scale_per_channel(x, 1, 7), x),
        ("linearQSymmetricPerChannel $x -dim 1 -dtype int4", lesson.scale_per_channel(x, 1, 7), x),
        (
            "linear_q_symmetric_per_group $x 3 int4",
            lesson.scale_per_channel(x.view(8, 3), 0, 7),
            x.view(8, 3),
        ),
    ):
        tcl.eval(f"set result [torch::{call}]")
        assert tcl.eval("dict keys $result") == "quantized scale"
        objects = tcl.dispatcher.table.objects
        codes = lesson.linear_q(rows, scale, 0, -8, 7).to(torch.int8).view(4, 6)
        assert same(objects[tcl.eval("dict get $result quantized")], codes)
        found = tcl.eval("dict get $result scale")
        if isinstance(scale, float):
            assert found == repr(scale)
        else:
            assert same(objects[found], scale)


# -- what the lesson leaves to chance --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [*RANGES, "int32"])
def test_results_are_clamped_and_never_wrap(dtype: str) -> None:
    low, high = RANGES.get(dtype, (-(2**31), 2**31 - 1))
    x = torch.tensor([1e30, -1e30, inf, -inf, high + 300.0, low - 300.0])
    codes = quant.linear_q_with_scale_and_zero_point(x, 1, 0, dtype)
    assert codes.tolist() == [high, low] * 3
    scales = torch.full((6,), 0.5)
    assert quant.linear_q_with_scale_and_zero_point(x, scales, high, dtype).tolist() == [high, low] * 3


@pytest.mark.parametrize("dtype", [*RANGES, "int32"])
def test_each_code_comes_back(dtype: str) -> None:
    low, high = RANGES.get(dtype, (-(2**31), 2**31 - 1))
    all_codes = torch.linspace(low, high, min(high - low + 1, 4096), dtype=torch.float64).round()
    for scale in (0.25, 1.0, 3.0):
        codes = quant.linear_q_with_scale_and_zero_point(all_codes * scale, scale, 0, dtype)
        assert codes.tolist() == all_codes.tolist()
        y = quant.linear_dequantization(codes, torch.tensor(scale, dtype=torch.float64), 0)
        assert y.tolist() == (all_codes * scale).tolist()


def test_int32_is_exact() -> None:
    """float32 would round 2**31 - 1 up, and the cast would wrap it to -2**31."""
    x = torch.tensor([1.0, -1.0, 0.3])
    codes, scale = quant.linear_q_symmetric(x, torch.int32)
    exact = [round(value / scale) for value in x.tolist()]
    assert codes.tolist() == exact == [2**31 - 1, -(2**31) + 1, exact[2]]
    scale, zero_point = quant.get_q_scale_and_zero_point(x, torch.int32)
    codes = quant.linear_q_with_scale_and_zero_point(x, scale, zero_point, torch.int32)
    torch.testing.assert_close(quant.linear_dequantization(codes, scale, zero_point), x, rtol=1e-7, atol=1e-9)


def test_halves_go_to_the_even_code() -> None:
    x = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5])
    assert quant.linear_q_with_scale_and_zero_point(x, 1, 0).tolist() == [0, 2, 2, 0, -2, -2]
    # The zero point is added before rounding: 0.5 + 1 is a half, too.
    assert quant.linear_q_with_scale_and_zero_point(x, 1, 1).tolist() == [2, 2, 4, 0, 0, -2]


@pytest.mark.parametrize("tiny", [0.0, -0.0, 1e-45, -1e-45])
@pytest.mark.parametrize("dtype", ["int8", "uint4", "int32"])
def test_slices_of_zeros(dtype: str, tiny: float) -> None:
    x = torch.tensor([[1.0, -2.0], [tiny, tiny]])
    codes, scale = quant.linear_q_symmetric_per_channel(x, 0, dtype)
    assert scale[1].item() == 1
    assert codes[1].tolist() == [0, 0]
    assert quant.linear_dequantization(codes, scale, 0)[1].tolist() == [0, 0]
    codes, scale = quant.linear_q_symmetric_per_group(x, 2, dtype)
    assert (scale[1].item(), codes[1].tolist()) == (1, [0, 0])
    for zeros in (x[1], torch.tensor(tiny)):
        assert quant.get_q_scale_symmetric(zeros, dtype) == 1
        assert quant.get_q_scale_and_zero_point(zeros, dtype) == (1, 0)
        assert not quant.linear_q_symmetric(zeros, dtype)[0].any()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int2", "int16", "int32"])
@pytest.mark.parametrize("constant", [3.0, -3.0, 0.1, -7e8, 1e-30])
def test_constant_tensors_come_back(constant: float, dtype: str) -> None:
    x = torch.full((2, 3), constant)
    low, high = RANGES.get(dtype, (-(2**31), 2**31 - 1))
    scale, zero_point = quant.get_q_scale_and_zero_point(x, dtype)
    assert scale == abs(x[0, 0].item()) / (high - low)
    assert zero_point == (low if constant > 0 else high)
    codes = quant.linear_q_with_scale_and_zero_point(x, scale, zero_point, dtype)
    assert codes.unique().tolist() == [high if constant > 0 else low]
    result = quant.linear_dequantization(codes, scale, zero_point)
    torch.testing.assert_close(result, x, rtol=2e-7, atol=0)


def test_double_keeps_what_float32_cannot_hold() -> None:
    x = torch.tensor([1e-300, -2e-300], dtype=torch.float64)
    codes, scale = quant.linear_q_symmetric(x)
    assert (scale, codes.tolist()) == (2e-300 / 127, [64, -127])
    with pytest.raises(quant.BadArgument, match=r"^tensor has a slice whose scale float32 cannot hold$"):
        quant.linear_q_symmetric_per_channel(x[:, None], 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_half_is_computed_in_float32(dtype: torch.dtype) -> None:
    torch.manual_seed(5)
    x = (torch.randn(5, 7) * 100).to(dtype)
    wide = x.float()
    for name in ("int8", "int16"):
        for one, other in zip(
            (*quant.linear_q_symmetric(x, name), *quant.linear_q_symmetric_per_channel(x, 0, name)),
            (*quant.linear_q_symmetric(wide, name), *quant.linear_q_symmetric_per_channel(wide, 0, name)),
            strict=True,
        ):
            assert one == other if isinstance(one, float) else torch.equal(one, other)  # type: ignore[arg-type]
    assert quant.get_q_scale_symmetric(x) == lesson.get_q_scale_symmetric(wide)
    mean = (wide - 3).square().mean().item()  # many squares are beyond what float16 can hold
    assert quant.quantization_error(x, torch.full_like(wide, 3)) == mean
    assert quant.quantization_error(torch.full_like(x, 3), x) == mean


@pytest.mark.parametrize(
    "x",
    [torch.tensor(-0.7), torch.rand(4, 6).t(), torch.rand(4, 6)[:, ::2], torch.rand(3, 1).expand(3, 5)],
    ids=["0-d", "transposed", "sliced", "expanded"],
)
def test_shapes_and_strides(x: torch.Tensor) -> None:
    codes, scale = quant.linear_q_symmetric(x)
    assert torch.equal(codes, lesson.linear_q(x, scale).to(torch.int8))
    assert torch.equal(
        quant.linear_dequantization(codes, scale, 0), lesson.linear_dequantization(codes, scale)
    )
    for dim in range(x.dim()):
        codes, scales = quant.linear_q_symmetric_per_channel(x, dim)
        assert torch.equal(scales, lesson.scale_per_channel(x, dim))
        assert torch.equal(codes, lesson.linear_q(x, scales).to(torch.int8))


def test_each_element_of_a_vector_has_its_scale() -> None:
    codes, scales = quant.linear_q_symmetric_per_channel(torch.tensor([0.5, -8, 0]), 0)
    assert codes.tolist() == [127, -127, 0]
    assert same(scales, torch.tensor([0.5 / 127, 8 / 127, 1]))


def test_gradients() -> None:
    """Codes have none; a learned scale and zero point get theirs from the product."""
    x = torch.tensor([1.0, -3.0], requires_grad=True)
    codes, scale = quant.linear_q_symmetric(x)
    assert not codes.requires_grad
    assert isinstance(scale, float)
    assert not quant.linear_q_symmetric_per_channel(x, 0)[1].requires_grad
    learned = torch.tensor([0.5], requires_grad=True)
    quant.linear_dequantization(torch.tensor([3, -4], dtype=torch.int8), learned, 1).sum().backward()
    assert learned.grad is not None
    assert learned.grad.tolist() == [-3.0]
    assert quant.quantization_error(x, x * 2) == 5


def test_tensors_as_scale_and_zero_point() -> None:
    x = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    for scale in (torch.tensor([[1], [5], [10]]), torch.tensor([[1, 5, 10]]), torch.tensor([1, 5, 10])):
        zero_point = torch.tensor([[1], [-2], [3]], dtype=torch.int16)
        codes = quant.linear_q_with_scale_and_zero_point(x, scale, zero_point)
        assert codes.tolist() == (x / scale + zero_point).round().tolist()
        y = quant.linear_dequantization(codes, scale, zero_point)
        assert torch.equal(y, scale * (codes.float() - zero_point))
    empty = torch.zeros(0, 3)
    assert same(
        quant.linear_q_with_scale_and_zero_point(empty, torch.ones(3), torch.zeros(0, 1, dtype=torch.int8)),
        torch.zeros(0, 3, dtype=torch.int8),
    )


def test_double_scales_are_narrowed_to_what_is_computed_in() -> None:
    """float32, unless the tensor or the codes are wider; elements halfway between codes show it."""
    scale = torch.tensor([0.1], dtype=torch.float64)
    x = torch.tensor([(code + 0.5) * 0.1 for code in range(-128, 127)])
    codes = quant.linear_q_with_scale_and_zero_point(x, scale, 0)
    assert codes.tolist() == (x / torch.tensor([0.1])).round().tolist() != (x / scale).round().tolist()
    wide = quant.linear_q_with_scale_and_zero_point(x.double(), scale, 0)
    assert wide.tolist() == (x / scale).round().clamp(-128, 127).tolist()


@pytest.mark.parametrize("kind", ["meta", "sparse_coo"])
def test_tensors_that_are_not_there_to_be_read(kind: str) -> None:
    x, codes = torch.ones(2, 3), torch.ones(2, 3, dtype=torch.int8)
    odd, odd_codes = (each.to("meta") if kind == "meta" else each.to_sparse() for each in (x, codes))
    calls: list[tuple[str, Callable[[], object]]] = [
        ("tensor", lambda: quant.get_q_scale_symmetric(odd)),
        ("tensor", lambda: quant.linear_q_symmetric_per_channel(odd, 0)),
        ("tensor", lambda: quant.linear_q_with_scale_and_zero_point(odd, 1, 0)),
        ("scale", lambda: quant.linear_q_with_scale_and_zero_point(x, odd, 0)),
        ("zero_point", lambda: quant.linear_q_with_scale_and_zero_point(x, 1, odd_codes)),
        ("quantized", lambda: quant.linear_dequantization(odd_codes, 1, 0)),
        ("quantized", lambda: quant.linear_dequantization_per_group(odd_codes, x, 1)),
        ("scale", lambda: quant.linear_dequantization_per_group(codes, odd, 1)),
        ("dequantized", lambda: quant.quantization_error(x, odd)),
        ("input", lambda: quant.quantize_apot(odd, 4, 2)),
        ("input", lambda: quant.apot_fake_quantize(odd, 4, 2)),
        ("codes", lambda: quant.dequantize_apot(odd_codes, 4, 2)),
    ]
    for parameter, call in calls:
        with pytest.raises(quant.BadArgument, match=f"^{parameter} must be dense but is {kind}$"):
            call()


def test_a_double_without_dimensions_gives_doubles() -> None:
    codes = torch.tensor([3, 5], dtype=torch.int8)
    found = quant.linear_dequantization(codes, torch.tensor(0.1, dtype=torch.float64), 0)
    assert found.dtype is torch.float64
    assert found.tolist() == [3 * 0.1, 5 * 0.1]
    assert quant.linear_dequantization(codes.int(), torch.tensor(0.5), 0).dtype is torch.float32


def test_distances_from_far_zero_points_are_exact() -> None:
    codes = torch.tensor([3, 5], dtype=torch.int8)
    for far in (2**23 + 1, 16777217, -16777211):
        for zero_point in (far, torch.tensor(far)):
            found = quant.linear_dequantization(codes, 1.0, zero_point)
            assert same(found, torch.tensor([3.0 - far, 5.0 - far], dtype=torch.float32))


def test_double_slices_of_zeros_have_a_scale() -> None:
    x = torch.tensor([[0, -0.0], [1, 2]], dtype=torch.float64)
    assert quant.linear_q_symmetric_per_channel(x, 0)[1][0].item() == 1


# -- errors ----------------------------------------------------------------------------------------------

SETUP = """
    set tiny [torch::full 3 1e-50 float64]
    set x [torch::tensor_create {{1 2 3} {4 5 6}}]
    set codes [torch::tensor_create {{1 2 3} {4 5 6}} int8]
    set empty [torch::zeros {0 3}]
    set spoiled [torch::tensor_create {1 NaN 3}]
    set endless [torch::tensor_create {1 -Inf 3}]
    set truth [torch::tensor_create {1 0} bool]
    set pair [torch::tensor_create {1 2}]
    set zero [torch::tensor_create {1 0} -shape {2 1}]
    set far [torch::tensor_create {1 200 3} int32]
    set huge [torch::tensor_create {1e300 1} -dtype float64]
    set ends [torch::tensor_create {-1.7e308 1.7e308} float64]
    set number [torch::full {} 2]
"""


@pytest.mark.parametrize(
    ("call", "parameter", "message"),
    [
        ("get_q_scale_symmetric $codes", "tensor", "tensor must be floating-point but is int8"),
        ("get_q_scale_symmetric $empty", "tensor", "tensor must have elements"),
        ("get_q_scale_symmetric $spoiled", "tensor", "tensor must be finite but holds nan"),
        ("get_q_scale_and_zero_point $endless", "tensor", "tensor must be finite but holds -inf"),
        ("get_q_scale_and_zero_point $ends", "tensor", "tensor must span a range that float64 can hold"),
        ("linear_q_symmetric $empty", "tensor", "tensor must have elements"),
        ("linear_q_symmetric_per_channel $empty 0", "tensor", "tensor must have elements"),
        ("linear_q_symmetric_per_channel $spoiled 0", "tensor", "tensor must be finite but holds nan"),
        ("linear_q_symmetric_per_channel $x 2", "dim", "dim must be in -2 .. 1 for this tensor but is 2"),
        ("linear_q_symmetric_per_channel $x -3", "dim", "dim must be in -2 .. 1 for this tensor but is -3"),
        (
            "linear_q_symmetric_per_channel $number 0",
            "dim",
            "dim must be a dimension of a tensor that has none but is 0",
        ),
        (
            "linear_q_symmetric_per_channel $huge 0",
            "tensor",
            "tensor has a slice whose scale float32 cannot hold",
        ),
        ("linear_q_symmetric_per_group $pair 1", "tensor", "tensor must be 2-D but has 1 dimensions"),
        (
            "linear_q_symmetric_per_group $x 2",
            "group_size",
            "group_size must divide the length of a row (3) but is 2",
        ),
        (
            "linear_q_symmetric_per_group $x 0",
            "group_size",
            "group_size must divide the length of a row (3) but is 0",
        ),
        ("linear_q_with_scale_and_zero_point $spoiled 1 0", "tensor", "tensor must not hold NaN"),
        ("linear_q_with_scale_and_zero_point $x 0 0", "scale", "scale must be finite and above 0 but is 0.0"),
        (
            "linear_q_with_scale_and_zero_point $x -0.5 0",
            "scale",
            "scale must be finite and above 0 but is -0.5",
        ),
        (
            "linear_q_with_scale_and_zero_point $x NaN 0",
            "scale",
            "scale must be finite and above 0 but is nan",
        ),
        (
            "linear_q_with_scale_and_zero_point $x 1e-50 0",
            "scale",
            "scale is 1e-50, which float32 cannot hold",
        ),
        (
            "linear_q_with_scale_and_zero_point $x $zero 0",
            "scale",
            "scale must be finite and above 0 but holds 0.0",
        ),
        (
            "linear_q_with_scale_and_zero_point $x $pair 0",
            "scale",
            "scale must broadcast to the shape {2 3} but has {2}",
        ),
        (
            "linear_q_with_scale_and_zero_point $pair $truth 0",
            "scale",
            "scale must be of numbers but is bool",
        ),
        (
            "linear_q_with_scale_and_zero_point $x $tiny 0",
            "scale",
            "scale holds 1e-50, which float32 cannot hold",
        ),
        (
            "linear_q_with_scale_and_zero_point $x 1 128",
            "zero_point",
            "zero_point must be in -128 .. 127 but is 128",
        ),
        (
            "linear_q_with_scale_and_zero_point $x 1 -1 uint8",
            "zero_point",
            "zero_point must be in 0 .. 255 but is -1",
        ),
        (
            "linear_q_with_scale_and_zero_point $x 1 $far",
            "zero_point",
            "zero_point must be in -128 .. 127 but is 200",
        ),
        (
            "linear_q_with_scale_and_zero_point $x 1 $pair",
            "zero_point",
            "zero_point must be integers but is float32",
        ),
        ("linear_dequantization $x 1 0", "quantized", "quantized must be integers but is float32"),
        ("linear_dequantization $codes Inf 0", "scale", "scale must be finite and above 0 but is inf"),
        (
            "linear_dequantization $codes $pair 0",
            "scale",
            "scale must broadcast to the shape {2 3} but has {2}",
        ),
        (
            "linear_dequantization_per_group $codes $pair 1",
            "scale",
            "scale must have 6 elements, one for each group of 1, but has 2",
        ),
        (
            "linear_dequantization_per_group $codes $pair 2",
            "group_size",
            "group_size must divide the length of a row (3) but is 2",
        ),
        (
            "quantization_error $x $pair",
            "dequantized",
            "dequantized must have the shape of original, {2 3}, but has {2}",
        ),
        ("quantization_error $x $codes", "dequantized", "dequantized must be floating-point but is int8"),
        ("quantization_error $empty $empty", "original", "original must have elements"),
    ],
)
def test_refused(tcl: Interpreter, call: str, parameter: str, message: str) -> None:
    tcl.eval(SETUP)
    live = tcl.eval("torch::handles")
    with pytest.raises(TclError, match=f"^{re.escape(message)}$") as raised:
        tcl.eval(f"torch::{call}")
    assert raised.value.errorcode == ("TORCH", "ARG", "VALUE", parameter)
    assert tcl.eval("torch::handles") == live


def test_refused_dtypes(tcl: Interpreter) -> None:
    tcl.eval(SETUP)
    with pytest.raises(TclError, match=r'^bad dtype "float32": must be int8, int16, int32, uint8, int2, '):
        tcl.eval("torch::linear_q_symmetric $x float32")
    for bad in (torch.float32, torch.int64, "int17", "uint9"):
        with pytest.raises(ValueError, match=r"^dtype must be int2 .. int16, int32 or uint2 .. uint8 but is"):
            quant.get_q_scale_symmetric(torch.ones(1), bad)


def test_nan_is_no_error_of_the_error() -> None:
    assert str(quant.quantization_error(torch.tensor([nan]), torch.ones(1))) == "nan"
