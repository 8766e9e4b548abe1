"""`pybridge.quant` against PyTorch's operators: bits, strides, gradients and errors, with every back end."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf, nan
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pybridge import quant
from tests.bits import INTEGER, outcome, same
from tests.counting import CountingBackend

Tensor = torch.Tensor
Operators = tuple[Callable[..., Any], Callable[..., Any]]  # ours and PyTorch's
PER_CHANNEL: Operators = (quant.fake_quantize_per_channel, torch.fake_quantize_per_channel_affine)
PER_TENSOR: Operators = (quant.fake_quantize_per_tensor, torch.fake_quantize_per_tensor_affine)

# A back end serves all examples of a test.
EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

SPECIAL = [0.0, -0.0, 0.5, 1.5, -2.5, 1.0, 127.5, -128.5, inf, -inf, nan, 1e-45, -1e-40, 3.4e38, -3.4e38]
SPECIAL += [2.0**k * sign for k in (22, 23, 24, 30, 31, 62, 63, 64) for sign in (1, -1)]
SCALES = [0.1, 0.0371, 1.0, 0.5, -0.0037, 1e-20, 3e38, 0.0, -0.0, inf, -inf, nan, 1e-45, 2.9e-39, 2.0**-126]
RANGES = [(-128, 127), (0, 255), (-8, 7), (0, 0), (-7, -5), (-(2**22), 2**22), (-(2**23), 2**23)]
WIDE = [
    (-(2**23) - 1, 2**23),
    (-(2**23), 2**23 + 1),
    (-(2**25), 2**25 - 1),
    (-(2**31), 2**31 - 1),
    (-(2**40), 2**40),
    (-(2**63), 2**63 - 1),
]
DTYPES = st.sampled_from([*[torch.float32] * 3, torch.float64, torch.float16, torch.bfloat16])
SHAPES = st.one_of(
    st.lists(st.integers(0, 5), max_size=4),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.sampled_from([[1], [1, 1], [3, 1, 4], [1, 70], [70, 1], [2, 33, 31], [3, 1025], [1025, 3], [4000]]),
).map(tuple)
LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {}


def layout(arrange: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A function that gives a dense tensor other strides; the numbers may be repeated or some left out."""
    LAYOUTS[arrange.__name__] = arrange
    return arrange


@layout
def dense(tensor: Tensor) -> Tensor:
    return tensor


@layout
def transposed(tensor: Tensor) -> Tensor:
    return tensor.permute(tuple(reversed(range(tensor.dim()))))


@layout
def rotated(tensor: Tensor) -> Tensor:
    return tensor.permute(*range(1, tensor.dim()), 0) if tensor.dim() else tensor


@layout
def channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


@layout
def every_second(tensor: Tensor) -> Tensor:
    return tensor[..., ::2] if tensor.dim() else tensor


@layout
def columns(tensor: Tensor) -> Tensor:
    return tensor[..., 1:-1].movedim(-1, 0) if tensor.dim() else tensor


@layout
def expanded(tensor: Tensor) -> Tensor:
    return tensor[:, :1].expand(tensor.shape) if tensor.dim() > 1 else tensor.expand(3, *tensor.shape)


@layout
def overlapping(tensor: Tensor) -> Tensor:
    return tensor.unfold(0, 2, 1) if tensor.dim() and tensor.shape[0] >= 2 else tensor


@layout
def flipped(tensor: Tensor) -> Tensor:
    return tensor.flip(tuple(range(tensor.dim())))


@layout
def odd_stride_of_one(tensor: Tensor) -> Tensor:
    return tensor.unsqueeze(0).as_strided((1, *tensor.shape), (17, *tensor.stride()))


@layout
def not_at_the_start(tensor: Tensor) -> Tensor:
    return torch.cat([tensor.new_ones(3), tensor.reshape(-1)])[3:].view(tensor.shape)


def numbers(dtype: torch.dtype, shape: tuple[int, ...], seed: int, scale: float) -> Tensor:
    """A third are any bit patterns, a third special numbers, a third ties of rounding, give or take a bit."""
    random = np.random.default_rng(seed)
    count = int(np.prod(shape))
    size = 8 * INTEGER[dtype].itemsize
    patterns = random.integers(-(1 << (size - 1)), 1 << (size - 1), count, dtype=f"int{size}")
    result = torch.from_numpy(patterns).view(dtype)
    special = torch.tensor(SPECIAL, dtype=torch.float64).to(dtype)[random.integers(0, len(SPECIAL), count)]
    halves = (torch.from_numpy(random.integers(-300, 300, count) / 2) * scale).to(dtype)
    ties = (halves.view(INTEGER[dtype]) + torch.from_numpy(random.integers(-1, 2, count))).to(INTEGER[dtype])
    kind = torch.from_numpy(random.integers(0, 3, count))
    return torch.where(kind == 0, result, torch.where(kind == 1, special, ties.view(dtype))).reshape(shape)


@dataclass(frozen=True)
class Case:
    """What is quantized, and with which parameters; the zero points are given dtype and strides by name."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    layout: str
    seed: int
    scales: list[float]
    offsets: list[int]
    bounds: tuple[int, int]
    axis: int = 0
    zero_point_dtype: torch.dtype = torch.int32
    strided: bool = False

    @property
    def input(self) -> Tensor:
        return LAYOUTS[self.layout](numbers(self.dtype, self.shape, self.seed, self.scales[0]))

    def channels(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """A scale and a zero point for each slice, as tensors with gaps where `strided`."""
        low, high = self.bounds
        count = input.shape[self.axis]
        step = 2 if self.strided else 1
        zero = [max(-(2**31), min(2**31 - 1, high, low + offset)) for offset in self.offsets]
        scale = torch.tensor([self.scales[k % len(self.scales)] for k in range(count * step)])
        zero_point = torch.tensor(
            [zero[k % len(zero)] for k in range(count * step)], dtype=self.zero_point_dtype
        )
        return scale[::step], zero_point[::step]


@st.composite
def cases(draw: st.DrawFn, ranges: list[tuple[int, int]], per_channel: bool) -> Case:
    shape = draw(SHAPES)
    case = Case(
        dtype=draw(DTYPES),
        shape=shape,
        layout=draw(st.sampled_from(sorted(LAYOUTS))),
        seed=draw(st.integers(0, 2**32)),
        scales=draw(st.lists(st.sampled_from(SCALES) | st.floats(width=32), min_size=1, max_size=7)),
        offsets=draw(st.lists(st.integers(0, 2**32), min_size=1, max_size=5)),
        bounds=draw(st.sampled_from(ranges)),
        zero_point_dtype=draw(st.sampled_from([*[torch.int32] * 4, torch.float32, torch.float16])),
        strided=draw(st.booleans()),
    )
    if not per_channel:
        return case
    dimensions = case.input.dim()
    return Case(**{**case.__dict__, "axis": draw(st.integers(0, max(0, dimensions - 1)))})


def both(ours: Callable[..., Any], theirs: Callable[..., Any], input: Tensor, *arguments: Any) -> None:
    """Compare results and, for two gradients, what goes back."""
    expected = outcome(lambda: theirs(input, *arguments))
    found = outcome(lambda: ours(input, *arguments))
    if isinstance(expected, tuple):
        assert found == expected
        return
    assert same(found, expected)
    leaves = [input.detach().requires_grad_() for _ in range(2)]
    results = [f(leaf, *arguments) for f, leaf in zip((ours, theirs), leaves, strict=True)]
    assert same(*results)
    for gradient in gradients(expected):
        ways = [
            torch.autograd.grad(result, leaf, gradient, retain_graph=True)[0]
            for result, leaf in zip(results, leaves, strict=True)
        ]
        assert same(*ways)


def gradients(like: Tensor) -> list[Tensor]:
    """One dense with odd numbers, one with other strides, one that is expanded."""
    odd = numbers(like.dtype, tuple(like.shape), like.numel(), 1.0)
    return [torch.empty_like(like).copy_(odd), odd, odd.new_ones(()).expand(like.shape)]


def per_channel(case: Case) -> None:
    input = case.input
    scale, zero_point = case.channels(input) if input.dim() else (torch.ones(1), torch.zeros(1).int())
    both(*PER_CHANNEL, input, scale, zero_point, case.axis, *case.bounds)


def per_tensor(case: Case) -> None:
    low, high = case.bounds
    zero_point = min(high, low + case.offsets[0])
    both(*PER_TENSOR, case.input, case.scales[0], zero_point, low, high)
    if abs(case.offsets[0]) < 2**31:
        tensors = torch.tensor([case.scales[0]]), torch.tensor([case.offsets[0]], dtype=case.zero_point_dtype)
        both(*PER_TENSOR, case.input, *tensors, low, high)


@given(cases(RANGES, per_channel=True))
@example(Case(torch.float32, (3, 4), "odd_stride_of_one", 1, [0.1], [128], (-128, 127)))
@example(Case(torch.float32, (1, 2, 2, 1), "transposed", 0, [0.1], [0], (-128, 127)))
@EXAMPLES
@pytest.mark.usefixtures("back_end")
def test_per_channel(case: Case) -> None:
    per_channel(case)


@given(cases(RANGES, per_channel=False))
@EXAMPLES
@pytest.mark.usefixtures("back_end")
def test_per_tensor(case: Case) -> None:
    per_tensor(case)


@given(cases(WIDE, per_channel=True))
@settings(EXAMPLES, max_examples=30)
@pytest.mark.usefixtures("back_end")
def test_per_channel_in_wide_ranges(case: Case) -> None:
    per_channel(case)


@given(cases(WIDE, per_channel=False))
@settings(EXAMPLES, max_examples=30)
@pytest.mark.usefixtures("back_end")
def test_per_tensor_in_wide_ranges(case: Case) -> None:
    per_tensor(case)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("scale", SCALES)
def test_every_number_of_sixteen_bits(dtype: torch.dtype, scale: float, back_end: CountingBackend) -> None:
    patterns = torch.arange(-(2**15), 2**15).to(torch.int16).view(dtype).reshape(64, 1024)
    scales, zero_points = torch.full((64,), scale), torch.arange(64, dtype=torch.int32) - 32
    both(*PER_CHANNEL, patterns, scales, zero_points, 0, -128, 127)
    both(*PER_TENSOR, patterns, scale, 5, -8, 7)
    assert back_end.runs >= (6 if back_end.choice == "numba" else 0)


def test_results_of_bfloat16_are_rounded_half_to_even(back_end: CountingBackend) -> None:
    """1 and 2 times 257/256 are in the middle between two numbers of 8 bits."""
    x = torch.tensor([1.0, 2.0, -1.0, -2.0], dtype=torch.bfloat16).repeat(16)
    assert torch.equal(quant.fake_quantize_per_tensor(x, 257 / 256, 0, -8, 7), x)
    assert back_end.runs == (back_end.choice == "numba")


@pytest.mark.parametrize("dtype", INTEGER)
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_each_layout_in_several_shares(
    name: str, axis: int, dtype: torch.dtype, back_end: CountingBackend
) -> None:
    """Channels that fill rows, parts of rows and single elements, in tensors that threads share."""
    for shape in (5, 37, 11), (40, 3, 50), (2, 1500, 2), (2, 2000, 13):
        per_channel(Case(dtype, shape, name, 3, SCALES[:7], [3, 0, 7], (-8, 7), axis))
    per_tensor(Case(dtype, (40, 7, 31), name, 4, [0.1], [9], (-8, 7)))
    assert back_end.runs >= (12 if back_end.choice == "numba" else 0)


SCALE = torch.tensor([0.1, 0.2, 0.3])
ZERO_POINT = torch.tensor([0, 1, 2], dtype=torch.int32)
INPUT = torch.linspace(-3, 3, 12).reshape(3, 4)


def changed(**arguments: Any) -> dict[str, Any]:
    plain = {"input": INPUT, "scale": SCALE, "zero_point": ZERO_POINT, "axis": 0}
    return plain | {"quant_min": -8, "quant_max": 7} | arguments


def negated(count: int) -> Tensor:
    return torch._neg_view(torch.arange(count, dtype=torch.int32))


ODD_CHANNELS: dict[str, dict[str, Any]] = {
    "negative axis": changed(axis=-2),
    "axis beyond": changed(axis=2),
    "axis far below": changed(axis=-3),
    "axis is a bool": changed(axis=False),
    "axis is a float": changed(axis=0.0),
    "axis of numpy": changed(axis=np.int64(0)),
    "axis is a tensor": changed(axis=torch.tensor(0)),
    "other axis": changed(axis=1),
    "swapped bounds": changed(quant_min=7, quant_max=-8),
    "bounds of numpy": changed(quant_min=np.int8(-8), quant_max=np.int8(7)),
    "bounds are bools": changed(quant_min=False, quant_max=True),
    "bound beyond 64 bits": changed(quant_max=2**63),
    "scale is a number": changed(scale=0.1),
    "scale is a list": changed(scale=[0.1, 0.2, 0.3]),
    "scale without dimension": changed(scale=torch.tensor(0.1)),
    "scale of two dimensions": changed(scale=SCALE[None]),
    "two scales": changed(scale=SCALE[:2]),
    "two of each": changed(scale=SCALE[:2], zero_point=ZERO_POINT[:2]),
    "scale wants a gradient": changed(scale=SCALE.clone().requires_grad_()),
    "scale wants one, and the input": changed(
        scale=SCALE.clone().requires_grad_(), input=INPUT.clone().requires_grad_()
    ),
    "negated scale": changed(scale=torch._neg_view(SCALE)),
    "scale of zeros that are not there": changed(scale=torch._efficientzerotensor(3)),
    "scale elsewhere": changed(scale=SCALE.to("meta")),
    "negated zero points": changed(zero_point=negated(3)),
    "zero points that are not there": changed(zero_point=torch._efficientzerotensor(3, dtype=torch.int32)),
    "zero point above": changed(zero_point=ZERO_POINT + 6),
    "zero point below": changed(zero_point=ZERO_POINT - 9),
    "zero points of two dimensions": changed(zero_point=ZERO_POINT[None]),
    "float zero points that want a gradient": changed(zero_point=ZERO_POINT.float().requires_grad_()),
    "no channels": changed(input=INPUT[:0], scale=SCALE[:0], zero_point=ZERO_POINT[:0]),
    "no elements": changed(input=INPUT[:, :0]),
    "no dimension": changed(input=torch.tensor(1.0), scale=SCALE[:1], zero_point=ZERO_POINT[:1]),
    **{
        f"scale {str(dtype)[6:]}": changed(scale=SCALE.to(dtype))
        for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int32)
    },
    **{
        f"zero points {str(dtype)[6:]}": changed(zero_point=ZERO_POINT.to(dtype))
        for dtype in (torch.int64, torch.int8, torch.uint8, torch.bool, torch.float64, torch.float16)
    },
}
ODD_INPUTS: dict[str, Tensor] = {
    "negated": torch._neg_view(INPUT),
    "imaginary part of a conjugate": torch.complex(INPUT, INPUT).conj().imag,
    "real part": torch.complex(INPUT, INPUT).real,
    "zeros that are not there": torch._efficientzerotensor(3, 4),
    "functional": torch._to_functional_tensor(INPUT),
    "elsewhere": INPUT.to("meta"),
    "sparse": INPUT.to_sparse(),
    "oneDNN": INPUT.to_mkldnn(),
    "quantized": torch.quantize_per_tensor(INPUT, 0.1, 0, torch.qint8),
    "parameter": torch.nn.Parameter(INPUT.clone()),
    "buffer": torch.nn.Buffer(INPUT),
    "not a tensor": None,  # type: ignore[dict-item]
    **{
        str(dtype)[6:]: INPUT.to(dtype)
        for dtype in (torch.int32, torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn)
    },
}
ONE = torch.tensor([0.1])
ODD_PAIRS: dict[str, tuple[Any, Any]] = {
    "integers": (3, 0),
    "integer of 200 bits": (2**200, 0),
    "integer of 2000 bits": (2**2000, 0),
    "integer between floats": (2**24 + 1, 0),
    "a scale that becomes infinite": (1e50, 0),
    "a scale that becomes 0": (1e-50, 0),
    "a bool": (True, 0),
    "a text": ("0.1", 0),
    "a scale of numpy": (np.float32(0.1), np.int64(0)),
    "zero point above": (0.1, 8),
    "zero point below": (0.1, -9),
    "float zero point": (0.1, 0.0),
    "a tensor and a number": (torch.tensor(0.1), 0),
    "a number and a tensor": (0.1, torch.tensor(0)),
    "no dimension": (torch.tensor(0.1), torch.tensor(2)),
    "three dimensions": (ONE.reshape(1, 1, 1), torch.tensor([[2]])),
    "two scales": (SCALE[:2], torch.tensor([0])),
    "no scale": (SCALE[:0], torch.tensor([0])),
    "two zero points": (ONE, torch.tensor([0, 1])),
    "scale wants a gradient": (ONE.clone().requires_grad_(), torch.tensor([0])),
    "zero point wants one": (ONE, torch.tensor([0.0], requires_grad=True)),
    "negated": (torch._neg_view(ONE), torch._neg_view(torch.tensor([3]))),
    "not there": (torch._efficientzerotensor(1), torch.tensor([0])),
    "elsewhere": (ONE.to("meta"), torch.tensor([0])),
    "scale of double that is too large": (torch.tensor([1e300], dtype=torch.float64), torch.tensor([0])),
    "scale of double": (torch.tensor([0.1], dtype=torch.float64), torch.tensor([0])),
    "integer scale": (torch.tensor([2**62 + 1]), torch.tensor([0])),
    "scale is a bool": (torch.tensor([True]), torch.tensor([True])),
    "complex": (torch.tensor([1 + 1j]), torch.tensor([0])),
    "complex zero point": (ONE, torch.tensor([2 + 0j])),
    "zero point of 64 bits": (ONE, torch.tensor([2**63 + 3], dtype=torch.uint64)),
    "quantized scale": (torch.quantize_per_tensor(ONE, 0.1, 0, torch.quint8), torch.tensor([0])),
    **{
        f"zero point {z}": (ONE, torch.tensor([z]))
        for z in (2.7, -2.7, nan, inf, 1e10, 500, 2**23, 2**23 + 1, -(2**31), 2**31, 2**40)
    },
}


@pytest.mark.parametrize("name", ODD_CHANNELS)
@pytest.mark.usefixtures("back_end")
def test_odd_channels_are_taken_or_refused_alike(name: str) -> None:
    arguments = ODD_CHANNELS[name].values()
    found, expected = (outcome(partial(f, *arguments)) for f in PER_CHANNEL)
    agree(found, expected)


@pytest.mark.parametrize("name", ODD_INPUTS)
@pytest.mark.usefixtures("back_end")
def test_odd_inputs_are_taken_or_refused_alike(name: str) -> None:
    taken_or_refused(ODD_INPUTS[name])


@pytest.mark.usefixtures("back_end")
@pytest.mark.filterwarnings("ignore:Sparse CSR:UserWarning", "ignore:The PyTorch API of nested:UserWarning")
def test_sparse_rows_and_nested_inputs_are_refused_alike() -> None:
    taken_or_refused(INPUT.to_sparse_csr())
    taken_or_refused(torch.nested.nested_tensor(list(INPUT)))


def taken_or_refused(input: Tensor) -> None:
    cases: list[tuple[Operators, tuple[Any, ...]]] = [
        (PER_CHANNEL, (SCALE, ZERO_POINT, 0)),
        (PER_TENSOR, (0.1, 0)),
        (PER_TENSOR, (ONE, ZERO_POINT[:1])),
    ]
    for operators, arguments in cases:
        found, expected = (outcome(partial(f, input, *arguments, -8, 7)) for f in operators)
        agree(found, expected)


@pytest.mark.parametrize("name", ODD_PAIRS)
@pytest.mark.usefixtures("back_end")
def test_odd_scales_and_zero_points_are_taken_or_refused_alike(name: str) -> None:
    for bounds in (-8, 7), (7, -8):
        words = INPUT, *ODD_PAIRS[name], *bounds
        found, expected = (outcome(partial(f, *words)) for f in PER_TENSOR)
        agree(found, expected)


def agree(found: Any, expected: Any) -> None:
    if isinstance(expected, tuple) or isinstance(found, tuple):
        assert found == expected
    elif torch._is_functional_tensor(expected):
        assert same(*(torch._from_functional_tensor(each) for each in (found, expected)))
    else:
        assert found.requires_grad == expected.requires_grad
        assert same(found, expected)
