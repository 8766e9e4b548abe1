"""From real numbers to integers and back, by a choice of width, granularity, scheme and observer."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import torch

from pybridge.names import Granularity, IntegerScheme, ObserverKind, ScaleMode
from pybridge.quant.arguments import (
    BadArgument,
    check_choice,
    checked_floating,
    checked_integers,
    checked_real,
    checked_scale,
)
from pybridge.quant.blocks import blocks
from pybridge.quant.channels import Channels
from pybridge.quant.integer_range import signed_dtype
from pybridge.quant.observers import MinMaxObserver, UniformObserver
from pybridge.quant.recorded import MSEObserver, PercentileObserver
from pybridge.quant.schemes import Scheme

Tensor = torch.Tensor

# The least normal float32, 2^-126: its reciprocal is finite and no bits of it are lost. PyTorch's eps, 2^-23,
# is for activations; it would cut off the codes of weights that are small as a whole.
LEAST_SCALE = torch.finfo(torch.float32).tiny

OBSERVERS: dict[ObserverKind, type[UniformObserver]] = {
    "minmax": MinMaxObserver,
    "percentile": PercentileObserver,
    "mse": MSEObserver,
}


@dataclass(frozen=True)
class Choice:
    """How a tensor is quantized: all that its integers depend on.

    Attributes:
        bits: 2 to 16; the integers are signed.
        granularity: one scale for the tensor, for each slice of `axis`, or for each `group_size` neighbours
            along the last dimension.
        qscheme: whether the zero point is 0.
        observer: which range becomes the integers'.
        axis: of per_channel.
        group_size: of per_group.
        scale_mode: "power_of_two" for scales that are shifts.

    Raises:
        BadArgument: a ValueError that names the value and what is allowed.
    """

    bits: int = 8
    granularity: Granularity = "per_tensor"
    qscheme: IntegerScheme = "symmetric"
    observer: ObserverKind = "minmax"
    axis: int = 0
    group_size: int = 128
    scale_mode: ScaleMode = "float"

    def __post_init__(self) -> None:
        check_choice(self.granularity, "granularity", get_args(Granularity))
        check_choice(self.qscheme, "qscheme", get_args(IntegerScheme))
        check_choice(self.observer, "observer", get_args(ObserverKind))
        for part in (self.scheme, self.channels):  # each refuses what it cannot be
            assert part

    @cached_property
    def scheme(self) -> Scheme:
        """The integers, and the rule that makes scales of ranges."""
        return Scheme(
            bits=self.bits,
            signed=True,
            qscheme=self.qscheme,
            eps=LEAST_SCALE,
            scale_mode=self.scale_mode,
            wide=True,
        )

    @cached_property
    def channels(self) -> Channels:
        """Which elements share a scale."""
        match self.granularity:
            case "per_channel":
                return Channels(axis=self.axis)
            case "per_group":
                return Channels(group_size=self.group_size)
        return Channels()

    def bytes(self, elements: int, scales: int) -> int:
        """What the integers take, and their scales (4 bytes; an exponent of 1 byte for a power of two) and,
        in an affine scheme, zero points of `bits` bits; what is packed is rounded up to whole bytes."""
        zero_points = scales if self.qscheme == "affine" else 0
        scale_bytes = 1 if self.scale_mode == "power_of_two" else 4
        return -(-elements * self.bits // 8) + scales * scale_bytes + -(-zero_points * self.bits // 8)


@dataclass(frozen=True)
class Integers:
    """A quantized tensor, (quantized - zero_point) * scale.

    Attributes:
        quantized: int8, or int16 for more than 8 bits, of the shape of the original.
        scale: float32, 0-d, or 1-D with one for each channel or group; groups in row-major order.
        zero_point: int32, of the shape of scale.
        choice: how it was quantized.
    """

    quantized: Tensor
    scale: Tensor
    zero_point: Tensor
    choice: Choice

    def dequantize(self) -> Tensor:
        """The numbers that the integers stand for, float32."""
        return dequantize_integers(self.quantized, self.scale, self.zero_point, self.choice.channels)


def quantize_integers(input: Tensor, choice: Choice) -> Integers:
    """Quantize a tensor: clamp(round(input / scale) + zero_point), ties to even.

    The division is a product with the float32 reciprocal, as in PyTorch, so that `Integers.dequantize` gives
    what `torch.fake_quantize_per_tensor_affine` or `_per_channel_affine` gives; but what is far beyond the
    range, 2^63 scales and more, becomes quant_max per channel, too. The least scale is 2^-126, so that the
    integers do not depend on how large the elements are as a whole.

    Args:
        input: any shape, real and finite; it is rounded to float32. Of no elements the scale is 1.
        choice: how.

    Raises:
        BadArgument: a ValueError; also for an axis or a group size that does not fit the tensor, and for an
            input whose scale float32 cannot hold: a power of two above 2^127.
    """
    input = checked_finite(input, "input")
    scale, zero_point = _qparams(input, choice)
    if not scale.isfinite().all():
        raise BadArgument("input", "input must have a scale that float32 can hold but is too large")
    rows = as_rows(input, choice.channels)
    codes = torch.empty(rows.shape, dtype=signed_dtype(choice.bits), device=input.device)
    for block in blocks(rows.shape):
        codes[block] = to_codes(rows[block], scale, zero_point, block[0], choice.scheme.limits)
    return Integers(_from_rows(codes, input.shape, choice.channels), scale, zero_point, choice)


def dequantize_integers(quantized: Tensor, scale: Tensor, zero_point: Tensor, channels: Channels) -> Tensor:
    """The numbers that integers stand for: (quantized - zero_point) * scale.

    Args:
        quantized: integers of any dtype, within 2^24 of their zero points.
        scale: floating-point, finite and above 0 as float32; one element, or 1-D with one for each channel.
        zero_point: integers, as many as there are scales.
        channels: which elements share a scale.

    Returns:
        float32, of the shape of quantized.

    Raises:
        BadArgument: a ValueError, for other dtypes, numbers of elements or scales.
    """
    quantized = checked_integers(quantized, "quantized")
    zero_point = checked_integers(zero_point, "zero_point")
    scale = checked_scale(checked_floating(scale, "scale"), torch.float32)
    rows = as_rows(quantized, channels)
    for name, each in (("scale", scale), ("zero_point", zero_point)):
        channels.check_count(name, each.numel(), len(rows))
    result = torch.empty(rows.shape, dtype=torch.float32, device=rows.device)
    for block in blocks(rows.shape):
        result[block] = from_codes(rows[block], scale, zero_point, block[0])
    return _from_rows(result, quantized.shape, channels)


def checked_finite(tensor: Tensor, parameter: str, name: str = "") -> Tensor:
    """The tensor outside autograd, when it is one of finite real numbers; `name` is its own."""
    tensor = checked_real(tensor, parameter)
    for block in blocks(tensor.shape):
        if not all(math.isfinite(end.item()) for end in tensor[block].to(torch.float32).aminmax()):
            text = "must be finite as float32 but has NaN or infinite elements"
            raise BadArgument(parameter, f"{name or parameter} {text}")
    return tensor


def observed(input: Tensor, choice: Choice) -> UniformObserver:
    """The observer of a choice, which has seen the tensor."""
    observer = OBSERVERS[choice.observer](choice.scheme, choice.channels)
    observer.observe(input)
    return observer


def _qparams(input: Tensor, choice: Choice) -> tuple[Tensor, Tensor]:
    if input.numel():
        return observed(input, choice).calculate_qparams()
    channels = choice.channels
    shape = () if channels.is_one else (len(channels.rows(input)),)
    scale = torch.ones(shape, dtype=torch.float32, device=input.device)
    return scale, torch.zeros(shape, dtype=torch.int32, device=input.device)


def as_rows(tensor: Tensor, channels: Channels) -> Tensor:
    """The elements of each channel in a row, 2-D; a view where that can be."""
    rows = channels.rows(tensor)
    return rows if rows.dim() == 2 else rows[None]


def to_codes(x: Tensor, scale: Tensor, zero_point: Tensor, rows: slice, limits: tuple[int, int]) -> Tensor:
    """The integers of some elements of `rows`, as float32; scale and zero_point are those of all rows."""
    inverse = scale.reshape(-1, 1)[rows].reciprocal()
    codes = (x.to(torch.float32) * inverse).round_()
    return codes.add_(zero_point.reshape(-1, 1)[rows]).clamp_(*limits)


def from_codes(codes: Tensor, scale: Tensor, zero_point: Tensor, rows: slice) -> Tensor:
    """What the integers of some elements of `rows` stand for, float32."""
    distance = codes.to(torch.float32) - zero_point.reshape(-1, 1)[rows]
    return distance.mul_(scale.reshape(-1, 1)[rows].to(torch.float32))


def _from_rows(rows: Tensor, shape: torch.Size, channels: Channels) -> Tensor:
    """The tensor of this shape whose rows these are."""
    if channels.axis is None:
        return rows.reshape(shape)
    axis = channels.axis % len(shape)
    swapped = list(shape)
    swapped[0], swapped[axis] = swapped[axis], swapped[0]
    return rows.reshape(swapped).transpose(0, axis).contiguous()
