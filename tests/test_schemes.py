"""Scales and zero points from ranges: PyTorch's own, bit for bit, and hand computations where it has none."""

import math
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.ao.quantization import observer as torchs

from pybridge.names import QScheme
from pybridge.quant.arguments import BadArgument
from pybridge.quant.schemes import Scheme, choose_qparams, power_of_two
from tests.bits import from_bits, same

PER_TENSOR = {"affine": torch.per_tensor_affine, "symmetric": torch.per_tensor_symmetric}
PER_CHANNEL = {
    "affine": torch.per_channel_affine,
    "symmetric": torch.per_channel_symmetric,
    "affine_float_qparams": torch.per_channel_affine_float_qparams,
}
FULL = {
    torch.qint8: (-128, 127),
    torch.quint8: (0, 255),
    torch.qint32: (-(2**31), 2**31 - 1),
    torch.int8: (-128, 127),
    torch.uint8: (0, 255),
    torch.int16: (-(2**15), 2**15 - 1),
    torch.uint16: (0, 2**16 - 1),
    torch.int32: (-(2**31), 2**31 - 1),
}


def torchs_observer(scheme: Scheme, low: torch.Tensor, high: torch.Tensor) -> Any:
    """PyTorch's observer of the scheme, as if it had seen low .. high."""
    kind, schemes = (
        (torchs.PerChannelMinMaxObserver, PER_CHANNEL) if low.dim() else (torchs.MinMaxObserver, PER_TENSOR)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = kind(
            dtype=scheme.dtype or torch.quint8,
            qscheme=schemes[scheme.qscheme],
            reduce_range=scheme.reduce_range,
            quant_min=scheme.quant_min,
            quant_max=scheme.quant_max,
            eps=scheme.eps,
        )
    made.min_val, made.max_val = low, high
    return made


@st.composite
def schemes(draw: Any) -> Scheme:
    """What PyTorch takes, too: both ends of a custom range or none."""
    dtype = draw(st.sampled_from([None, *FULL]))
    qscheme: Any = draw(st.sampled_from(list(PER_CHANNEL)))
    lowest, highest = FULL[dtype or torch.quint8]
    options: dict[str, Any] = {}
    if draw(st.booleans()):
        options = {
            "quant_min": draw(st.integers(lowest, -2) if lowest else st.just(0)),
            "quant_max": draw(st.integers(2, highest)),
        }
    reduces = draw(st.booleans()) and (dtype in (torch.uint8, *FULL) or qscheme != "symmetric")
    if reduces and dtype is torch.quint8 and qscheme == "symmetric":
        reduces = False
    eps = draw(st.sampled_from([1.1920928955078125e-07, 0.1, 1e-30, 3.0]))
    return Scheme(dtype=dtype, qscheme=qscheme, reduce_range=reduces, eps=eps, **options)


def ranges(numbers: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Low and high of each channel, from twice as many numbers."""
    pairs = torch.tensor(numbers, dtype=torch.float32).reshape(-1, 2)
    return torch.minimum(*pairs.T), torch.maximum(*pairs.T)


NUMBERS = (
    st.floats(width=32)
    | st.floats(-10, 10, width=32)
    | st.sampled_from([0.0, -0.0, 1.0, -128.0, math.inf, -math.inf, math.nan])
)


@settings(max_examples=100, deadline=None)
@given(schemes(), st.lists(NUMBERS, min_size=2, max_size=12).filter(lambda found: len(found) % 2 == 0))
def test_per_channel_is_torchs(scheme: Scheme, numbers: list[float]) -> None:
    low, high = ranges(numbers)
    expected = torchs_observer(scheme, low, high)
    scale, zero_point = expected.calculate_qparams()
    found = choose_qparams(low, high, scheme)
    assert scheme.limits == (expected.quant_min, expected.quant_max)
    assert same(found[0], scale)
    kept = torch.float32 if scheme.qscheme == "affine_float_qparams" else torch.int32
    assert same(found[1], zero_point.to(kept))


@settings(max_examples=100, deadline=None)
@given(schemes().filter(lambda scheme: scheme.qscheme in PER_TENSOR), NUMBERS, NUMBERS)
def test_per_tensor_is_torchs(scheme: Scheme, one: float, other: float) -> None:
    low, high = (each[0] for each in ranges([one, other]))
    scale, zero_point = torchs_observer(scheme, low, high).calculate_qparams()
    found = choose_qparams(low, high, scheme)
    assert found[0].dim() == found[1].dim() == 0
    assert same(found[0][None], scale)
    assert same(found[1][None], zero_point.to(torch.int32))


@pytest.mark.parametrize(("dtype", "limits"), FULL.items())
def test_limits_of_dtypes(dtype: torch.dtype, limits: tuple[int, int]) -> None:
    assert Scheme(dtype=dtype).limits == limits


@pytest.mark.parametrize("bits", range(2, 17))
def test_bits(bits: int) -> None:
    """By hand: -2^(b-1) .. 2^(b-1) - 1 or 0 .. 2^b - 1; one bit fewer when reduced, up to 8 bits."""
    fewer = bits - (bits <= 8)
    assert Scheme(bits=bits).limits == (0, 2**bits - 1)
    assert Scheme(bits=bits, signed=True).limits == (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    assert Scheme(bits=bits, reduce_range=True).limits == (0, 2**fewer - 1)
    reduced = Scheme(bits=bits, signed=True, reduce_range=True)
    assert reduced.limits == (-(2 ** (fewer - 1)), 2 ** (fewer - 1) - 1)


@pytest.mark.parametrize(("bits", "dtype"), [(8, torch.quint8), (16, torch.uint16)])
def test_bits_without_sign_are_the_dtype_of_that_width(bits: int, dtype: torch.dtype) -> None:
    low, high = torch.tensor(-1.0), torch.tensor(2.0)
    qschemes: tuple[QScheme, ...] = ("affine", "symmetric")
    for qscheme in qschemes:
        by_bits = choose_qparams(low, high, Scheme(bits=bits, qscheme=qscheme))
        assert by_bits == choose_qparams(low, high, Scheme(dtype=dtype, qscheme=qscheme))


def qparams(low: float, high: float, **options: Any) -> tuple[float, int]:
    scale, zero_point = choose_qparams(torch.tensor(low), torch.tensor(high), Scheme(**options))
    return scale.item(), int(zero_point)


def test_four_bits_by_hand() -> None:
    assert qparams(-3.0, 4.5, bits=4) == (0.5, 6)
    assert qparams(-3.0, 4.5, bits=4, signed=True) == (0.5, -2)
    assert qparams(-3.0, 3.75, bits=4, signed=True, qscheme="symmetric") == (0.5, 0)
    assert qparams(-3.0, 3.75, bits=4, qscheme="symmetric") == (0.5, 8)


def test_one_end_of_the_range_given() -> None:
    """The other end stays that of the integers; a negative lowest one means that they have a sign."""
    assert Scheme(bits=8, signed=True, quant_min=-127).limits == (-127, 127)
    assert Scheme(dtype=torch.int8, quant_max=100).limits == (-128, 100)
    assert Scheme(quant_min=-7).limits == (-7, 127)
    assert Scheme(quant_max=1000).limits == (0, 1000)
    assert qparams(-1.5, 3.75, quant_min=-8, quant_max=7, qscheme="symmetric") == (0.5, 0)


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (0.25, 0.25),
        (math.nextafter(0.25, 1) + 2**-26, 0.5),
        (0.24999999, 0.25),
        (0.015686275, 0.015625 * 2),
        (1.0, 1.0),
        (1.5, 2.0),
        (2.0**-126, 2.0**-126),
        (2.0**-149, 2.0**-149),
        (3 * 2.0**-149, 2.0**-147),
        (2.0**127, 2.0**127),
        (1.5 * 2.0**127, math.inf),
        (math.inf, math.inf),
        (0.0, 0.0),
    ],
)
def test_power_of_two(scale: float, expected: float) -> None:
    assert power_of_two(torch.tensor(scale)).item() == expected


@settings(deadline=None)
@given(st.integers(1, 0x7F7FFFFF))
def test_power_of_two_is_the_least_that_is_not_below(bits: int) -> None:
    scale = from_bits(torch.float32, [bits])
    exponent = math.ceil(math.log2(scale.item()))
    exponent += 2.0**exponent < scale.item()  # log2 in double may round down to the power
    expected = torch.tensor([2.0**exponent], dtype=torch.float64).to(torch.float32)
    assert same(power_of_two(scale), expected)


def test_power_of_two_keeps_nan() -> None:
    assert power_of_two(torch.tensor([math.nan, 3.0])).isnan().tolist() == [True, False]


def test_zero_point_of_a_power_of_two() -> None:
    """-1 .. 2 in 0 .. 255: the scale 3/255 becomes 1/64, and -1 is 64 of these below 0."""
    assert qparams(-1.0, 2.0, scale_mode="power_of_two") == (1 / 64, 64)
    assert qparams(-1.0, 2.0, qscheme="symmetric", scale_mode="power_of_two") == (1 / 32, 128)
    low, high = torch.tensor([-1.0]), torch.tensor([2.0])
    scheme = Scheme(qscheme="affine_float_qparams", scale_mode="power_of_two")
    assert [each.item() for each in choose_qparams(low, high, scheme)] == [1 / 64, 64.0]


@pytest.mark.parametrize(
    ("options", "parameter", "message"),
    [
        ({"bits": 1}, "bits", "bits must be in 2 .. 16 but is 1"),
        ({"bits": 17}, "bits", "bits must be in 2 .. 16 but is 17"),
        (
            {"dtype": torch.float32},
            "dtype",
            "dtype must be one of qint8, quint8, qint32, int8, uint8, int16, uint16, int32 but is float32",
        ),
        ({"dtype": torch.int8, "bits": 8}, "bits", "bits cannot be given with dtype (int8)"),
        ({"dtype": torch.int8, "signed": True}, "signed", "signed cannot be given with dtype (int8)"),
        (
            {"qscheme": "linear"},
            "qscheme",
            'qscheme must be one of affine, symmetric, affine_float_qparams but is "linear"',
        ),
        ({"scale_mode": "int"}, "scale_mode", 'scale_mode must be one of float, power_of_two but is "int"'),
        ({"eps": 0.0}, "eps", "eps must be a positive float32 number but is 0.0"),
        ({"eps": 1e-50}, "eps", "eps must be a positive float32 number but is 1e-50"),
        ({"eps": 1e50}, "eps", "eps must be a positive float32 number but is 1e+50"),
        ({"eps": math.nan}, "eps", "eps must be a positive float32 number but is nan"),
        (
            {"quant_min": 1, "quant_max": 5},
            "quant_min",
            "quant_min must be 0 for integers without sign but is 1",
        ),
        (
            {"quant_min": 0, "quant_max": 0},
            "quant_max",
            "quant_max must be more than quant_min, 0, but is 0",
        ),
        (
            {"quant_min": -200, "quant_max": 200, "dtype": torch.qint8},
            "quant_min",
            "quant_min must be in -128 .. 0 but is -200",
        ),
        ({"quant_max": 16, "bits": 4}, "quant_max", "quant_max must be in 0 .. 15 but is 16"),
        (
            {"quant_min": -1, "signed": False},
            "quant_min",
            "quant_min must be 0 for integers without sign but is -1",
        ),
        ({"quant_max": 2**31}, "quant_max", "quant_max must be in 0 .. 2147483647 but is 2147483648"),
        (
            {"quant_max": 1, "reduce_range": True},
            "reduce_range",
            "reduce_range leaves no integer but 0 of this range",
        ),
        (
            {"bits": 8, "signed": False, "qscheme": "symmetric", "reduce_range": True},
            "reduce_range",
            "reduce_range cannot be used with symmetric bits without sign",
        ),
    ],
)
def test_bad_scheme(options: dict[str, Any], parameter: str, message: str) -> None:
    with pytest.raises(BadArgument) as raised:
        Scheme(**options)
    assert (raised.value.parameter, str(raised.value)) == (parameter, message)


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (torch.tensor(1.0), torch.tensor(0.0), "low must not be above high but is 1 above 0"),
        (torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.5]), "low must not be above high but is 2 above 1.5"),
        (torch.zeros(2), torch.zeros(3), "high must have the shape of low, {2}, but has {3}"),
        (
            torch.zeros(2, dtype=torch.float64),
            torch.zeros(2),
            "low must be float32 with 0 or 1 dimensions but is float64 with 1",
        ),
        (
            torch.zeros(2),
            torch.zeros(2, 1),
            "high must be float32 with 0 or 1 dimensions but is float32 with 2",
        ),
    ],
)
def test_bad_range(low: torch.Tensor, high: torch.Tensor, message: str) -> None:
    with pytest.raises(BadArgument) as raised:
        choose_qparams(low, high, Scheme())
    assert str(raised.value) == message


def test_no_channel() -> None:
    scale, zero_point = choose_qparams(torch.zeros(0), torch.zeros(0), Scheme())
    assert (scale.shape, scale.dtype) == ((0,), torch.float32)
    assert (zero_point.shape, zero_point.dtype) == ((0,), torch.int32)
