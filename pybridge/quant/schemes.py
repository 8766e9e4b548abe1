"""Which integers there are, and how a range of real numbers becomes a scale and a zero point.

The formulas are those of the observers in `torch.ao.quantization.observer` (`calculate_qmin_qmax` and
`UniformQuantizationObserverBase._calculate_qparams`), bit for bit.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import torch

from pybridge.names import QScheme, ScaleMode, dtype_name
from pybridge.quant.arguments import BadArgument, check_choice, shown
from pybridge.quant.integer_range import limits

FLOAT32_EPS = torch.finfo(torch.float32).eps
_BITS = range(2, 17)
_INT32 = limits(32, True)
_DTYPES: dict[torch.dtype, tuple[int, bool]] = {  # bits, signed
    torch.qint8: (8, True),
    torch.quint8: (8, False),
    torch.qint32: (32, True),
    torch.int8: (8, True),
    torch.uint8: (8, False),
    torch.int16: (16, True),
    torch.uint16: (16, False),
    torch.int32: (32, True),
}


@dataclass(frozen=True)
class Scheme:
    """The integers of a quantization, and the rule from a range to its scale and zero point.

    Without `dtype`, `bits` and `signed` it is PyTorch's own default: 8 bits without sign, affine.

    Attributes:
        dtype: one of qint8, quint8, qint32, int8, uint8, int16, uint16, int32; it goes with neither `bits`
            nor `signed`.
        bits: 2 .. 16; 8 when there is no dtype.
        signed: whether there are negative integers; by default when `quant_min` is negative.
        qscheme: "affine": the range, widened to hold 0, is all of the integers; "symmetric": 0 is in their
            middle; "affine_float_qparams": the range is not widened, zero points are floating-point.
        quant_min: lowest integer, 0 or less; by default that of the dtype or the bits.
        quant_max: highest integer, 0 or more. Both must fit the dtype or the bits, where these are given.
        reduce_range: halve the range of integers, one bit fewer. As in PyTorch it does nothing beyond 8 bits
            unless quant_min or quant_max is given.
        eps: the least scale, a positive float32.
        scale_mode: "power_of_two" rounds the scale up to a power of two; the zero point is that of the new
            scale.
        wide: whether a finite affine range has a finite scale also where its width is beyond float32;
            PyTorch's is infinite.

    Raises:
        BadArgument: a ValueError that names the value and what is allowed.
    """

    dtype: torch.dtype | None = None
    bits: int | None = None
    signed: bool | None = None
    qscheme: QScheme = "affine"
    quant_min: int | None = None
    quant_max: int | None = None
    reduce_range: bool = False
    eps: float = FLOAT32_EPS
    scale_mode: ScaleMode = "float"
    wide: bool = False

    def __post_init__(self) -> None:
        check_choice(self.qscheme, "qscheme", get_args(QScheme))
        check_choice(self.scale_mode, "scale_mode", get_args(ScaleMode))
        self._check_integers()
        self._check_custom_range()
        self._check_reduced()
        if not 0.0 < _float32(self.eps) < math.inf:
            raise BadArgument("eps", f"eps must be a positive float32 number but is {self.eps}")

    @cached_property
    def width(self) -> int:
        """The number of bits."""
        return self.bits or (_DTYPES[self.dtype][0] if self.dtype else 8)

    @cached_property
    def is_signed(self) -> bool:
        """Whether there are negative integers."""
        if self.dtype:
            return _DTYPES[self.dtype][1]
        return (self.quant_min or 0) < 0 if self.signed is None else self.signed

    @property
    def is_quint8(self) -> bool:
        """Whether the integers are those of quint8, which no dtype, bits or sign mean, too."""
        default = self.dtype is None and self.bits is None and self.signed is None and not self.is_signed
        return default or self.dtype is torch.quint8

    @cached_property
    def limits(self) -> tuple[int, int]:
        """The lowest and the highest integer."""
        lowest, highest = self._unreduced
        if self.reduce_range and (self._has_custom_range or self.width <= 8):
            return lowest // 2, highest // 2
        return lowest, highest

    @cached_property
    def symmetric_zero_point(self) -> int:
        """The integer that stands for 0 in a symmetric scheme.

        As in PyTorch that of uint16 is 32768 also where the integers end below, and that of uint8 and quint8
        is 128 of 0 .. 127 when reduced.
        """
        if self.is_signed:
            return 0
        middle = self._has_custom_range and self.dtype is not torch.uint16
        return sum(self.limits) // 2 if middle else 2 ** (self.width - 1)

    @property
    def _has_custom_range(self) -> bool:
        return self.quant_min is not None or self.quant_max is not None

    @property
    def _full(self) -> tuple[int, int]:
        """All integers of the dtype or the bits."""
        return limits(self.width, self.is_signed)

    @property
    def _unreduced(self) -> tuple[int, int]:
        lowest, highest = self._full
        return (
            lowest if self.quant_min is None else self.quant_min,
            highest if self.quant_max is None else self.quant_max,
        )

    def _check_integers(self) -> None:
        if self.dtype is None:
            if self.bits is not None and self.bits not in _BITS:
                raise BadArgument("bits", f"bits must be in {_BITS[0]} .. {_BITS[-1]} but is {self.bits}")
            return
        if self.dtype not in _DTYPES:
            allowed = ", ".join(dtype_name(each) for each in _DTYPES)
            raise BadArgument("dtype", f"dtype must be one of {allowed} but is {dtype_name(self.dtype)}")
        for name in ("bits", "signed"):
            if getattr(self, name) is not None:
                raise BadArgument(name, f"{name} cannot be given with dtype ({dtype_name(self.dtype)})")

    def _check_custom_range(self) -> None:
        lowest, highest = self._unreduced
        if self.dtype is None and self.bits is None:
            least, most = (_INT32[0] if self.is_signed else 0), _INT32[1]
        else:
            least, most = self._full
        if not least <= lowest <= 0:
            allowed = f"in {least} .. 0" if least else "0 for integers without sign"
            raise BadArgument("quant_min", f"quant_min must be {allowed} but is {lowest}")
        if not 0 <= highest <= most:
            raise BadArgument("quant_max", f"quant_max must be in 0 .. {most} but is {highest}")
        if lowest == highest:
            raise BadArgument("quant_max", "quant_max must be more than quant_min, 0, but is 0")

    def _check_reduced(self) -> None:
        lowest, highest = self.limits
        if lowest == highest:
            raise BadArgument("reduce_range", "reduce_range leaves no integer but 0 of this range")
        # the zero point would be beyond the range
        in_bits = self.bits is not None or self.signed is not None
        beyond = in_bits and self.width <= 8 and not self.is_signed and not self._has_custom_range
        if self.reduce_range and beyond and self.qscheme == "symmetric":
            raise BadArgument("reduce_range", "reduce_range cannot be used with symmetric bits without sign")


def choose_qparams(
    low: torch.Tensor, high: torch.Tensor, scheme: Scheme
) -> tuple[torch.Tensor, torch.Tensor]:
    """The scale and the zero point of each range low .. high.

    With mn = min(low, 0), mx = max(high, 0), all in float32:

    - affine: scale max((mx - mn) / (quant_max - quant_min), eps), zero point
      clamp(quant_min - round(mn / scale));
    - symmetric: scale max(max(-mn, mx) / ((quant_max - quant_min) / 2), eps), zero point 0, or the middle
      integer when there are no negative ones;
    - affine_float_qparams: scale (high - low) / (quant_max - quant_min), 1 where that is not above eps; zero
      point -low / scale.

    A finite range whose mx - mn is beyond float32 gives an infinite affine scale, unless the scheme is wide:
    it has both halved. NaN and infinite ranges follow the formulas, as in PyTorch: the scale is NaN or
    infinite.

    Args:
        low: float32, 0-d or 1-D.
        high: as low; nowhere less.
        scheme: the integers, and which of the rules above.

    Returns:
        The scale, float32, and the zero point, int32 (affine_float_qparams: float32), shaped as low.

    Raises:
        BadArgument: a low above its high, or other shapes or dtypes.
    """
    _check_ranges(low, high)
    quant_min, quant_max = scheme.limits
    steps = float(quant_max - quant_min)
    negative = torch.minimum(low, torch.zeros_like(low))
    positive = torch.maximum(high, torch.zeros_like(high))
    if scheme.qscheme == "affine_float_qparams":
        scale = (high - low) / steps
        scale = torch.where(scale > scheme.eps, scale, torch.ones_like(scale))
    elif scheme.qscheme == "symmetric":
        scale = (torch.maximum(-negative, positive) / (steps / 2)).clamp(min=scheme.eps)
    else:
        scale = (positive - negative) / steps
        if scheme.wide:
            scale = torch.where(scale.isinf(), (positive / 2 - negative / 2) / (steps / 2), scale)
        scale = scale.clamp(min=scheme.eps)
    if scheme.scale_mode == "power_of_two":
        scale = power_of_two(scale)
    if scheme.qscheme == "affine_float_qparams":
        return scale, -1 * low / scale
    if scheme.qscheme == "symmetric":
        return scale, torch.full_like(scale, scheme.symmetric_zero_point, dtype=torch.int32)
    zero_point = quant_min - torch.round(negative / scale).to(torch.int32)
    return scale, zero_point.clamp(quant_min, quant_max)


def power_of_two(scale: torch.Tensor) -> torch.Tensor:
    """The least power of two that is not below each scale, 2^ceil(log2(scale)), exactly.

    Args:
        scale: positive float32; NaN and infinity stay what they are, and so does 0.
    """
    mantissa, _ = torch.frexp(scale)  # scale is mantissa * 2^n with 1/2 <= mantissa < 1
    kept = ~scale.isfinite() | (mantissa == 0.5) | (scale == 0)
    return torch.where(kept, scale, scale / mantissa)  # a power of two: the quotient is not rounded


def _check_ranges(low: torch.Tensor, high: torch.Tensor) -> None:
    for name, bound in (("low", low), ("high", high)):
        if bound.dtype is not torch.float32 or bound.dim() > 1:
            got = f"{dtype_name(bound.dtype)} with {bound.dim()}"
            raise BadArgument(name, f"{name} must be float32 with 0 or 1 dimensions but is {got}")
    if low.shape != high.shape:
        raise BadArgument(
            "high", f"high must have the shape of low, {shown(low.shape)}, but has {shown(high.shape)}"
        )
    crossed = low > high
    if crossed.any():
        raise BadArgument(
            "low", f"low must not be above high but is {low[crossed][0]:g} above {high[crossed][0]:g}"
        )


def _float32(number: float) -> float:
    """As float32, which may become 0 or infinite."""
    return float(torch.tensor(number, dtype=torch.float64).to(torch.float32))
