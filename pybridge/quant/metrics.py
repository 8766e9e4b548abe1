"""How far a quantized tensor is from the original.

With x the original, y the dequantized and e = x - y, over n elements (Proakis and Manolakis, "Digital Signal
Processing", on quantization noise):

- mse = sum(e^2) / n
- sqnr_db = 10 * log10(sum(x^2) / sum(e^2)), the signal to quantization noise ratio
- max_abs = max(|e|)
- cosine = sum(x * y) / (sqrt(sum(x^2)) * sqrt(sum(y^2))), of the angle between the two as vectors

All sums are of float64 numbers.
"""

from dataclasses import dataclass

import torch

from pybridge.quant.arguments import BadArgument, checked_dim, checked_real, shown
from pybridge.quant.blocks import blocks

Tensor = torch.Tensor
vecdot = torch.linalg.vecdot


@dataclass(frozen=True, slots=True)
class Metrics:
    """The error of a tensor or of each of its slices: float64, 0-d or 1-D with one element a slice."""

    mse: Tensor
    sqnr_db: Tensor
    max_abs: Tensor
    cosine: Tensor


def quantization_metrics(original: Tensor, dequantized: Tensor, axis: int | None = None) -> Metrics:
    """Measure the error of quantization.

    Args:
        original: any shape and real dtype; integers beyond 2**53 are rounded to float64.
        dequantized: the same shape, and any real dtype.
        axis: measure each slice of this dimension on its own; a negative one counts from the end. None for
            the whole tensor.

    Returns:
        The metrics. Without an error sqnr_db is inf, also of a signal of zeros; a signal of zeros with an
        error has -inf. The cosine of two vectors of zeros is 1, of one with another 0. A NaN makes all four
        NaN, and so do two equal infinities at one place. Any other infinity makes mse and max_abs inf, cosine
        NaN, and sqnr_db NaN where original has it, else -inf. Of nothing (an empty tensor or slice) all are
        NaN. They are on the tensors' device.

    Raises:
        BadArgument: a ValueError, for shapes or devices that differ, an axis that is not there, or tensors
            that are complex, sparse or of a quantized dtype.
    """
    original = checked_real(original, "original")
    dequantized = checked_real(dequantized, "dequantized")
    checked_same_shape(dequantized, "dequantized", original, "original")
    axis = None if axis is None else checked_dim(axis, "axis", original)
    sums = Sums(1 if axis is None else original.shape[axis], original.device)
    for block in blocks(original.shape):
        sums.add(original[block], dequantized[block], axis, block[axis].start if axis is not None else 0)
    found = sums.metrics(original.numel() // (sums.slices or 1))
    if axis is not None:
        return found
    return Metrics(found.mse[0], found.sqnr_db[0], found.max_abs[0], found.cosine[0])


class Sums:
    """Running sums over the elements of each slice, from which the metrics follow.

    Args:
        slices: how many there are.

    Attributes:
        signal: of each slice the sum of the squares of the original.
    """

    def __init__(self, slices: int, device: torch.device | None = None) -> None:
        self.slices = slices
        zeros = torch.zeros(5, slices, dtype=torch.float64, device=device)
        self.signal, self._noise, self._dot, self._other, self._max_abs = zeros.unbind()

    def add(self, original: Tensor, dequantized: Tensor, axis: int | None = None, start: int = 0) -> None:
        """Count the elements of two tensors; slice `i` of `axis` is slice `start + i` of all."""
        x = original.to(torch.float64)
        y = dequantized.to(torch.float64)
        x = x.reshape(1, -1) if axis is None else x.movedim(axis, 0).reshape(x.shape[axis], -1)
        y = y.reshape(1, -1) if axis is None else y.movedim(axis, 0).reshape(y.shape[axis], -1)
        error = x - y
        here = slice(start, start + len(x))
        self.signal[here] += vecdot(x, x)
        self._noise[here] += vecdot(error, error)
        self._dot[here] += vecdot(x, y)
        self._other[here] += vecdot(y, y)
        self._max_abs[here] = torch.maximum(self._max_abs[here], error.abs_().amax(1))

    def metrics(self, count: int) -> Metrics:
        """The metrics of slices of `count` elements each."""
        if not count:
            nothing = torch.full_like(self._noise, torch.nan)
            return Metrics(nothing, nothing.clone(), nothing.clone(), nothing.clone())
        found = (self._noise / count, decibels(self.signal, self._noise), self._max_abs, self._cosine())
        return Metrics(*(each.masked_fill(each.isnan(), torch.nan) for each in found))  # no NaN with a sign

    def _cosine(self) -> Tensor:
        lengths = self.signal.sqrt() * self._other.sqrt()  # the root of the product could overflow
        cosine = (self._dot / lengths).clamp(-1, 1)  # which rounding may leave by a hair
        one_is_zero = (self.signal == 0) | (self._other == 0)
        both_are = (self.signal == 0) & (self._other == 0)
        return cosine.masked_fill(one_is_zero & ~self._dot.isnan(), 0).masked_fill(both_are, 1)


def checked_same_shape(tensor: Tensor, parameter: str, like: Tensor, other: str) -> None:
    """Raise BadArgument unless the tensor has the shape of another one, and is on its device."""
    if tensor.shape != like.shape:
        shapes = f"the shape of {other}, {shown(like.shape)}, but has {shown(tensor.shape)}"
        raise BadArgument(parameter, f"{parameter} must have {shapes}")
    if tensor.device != like.device:
        devices = f"the device of {other}, {like.device}, but is on {tensor.device}"
        raise BadArgument(parameter, f"{parameter} must be on {devices}")


def decibels(signal: Tensor, noise: Tensor) -> Tensor:
    """The ratio of two sums of squares; without noise it is infinite, whatever the signal."""
    ratio: Tensor = 10 * torch.log10(signal / noise)
    return ratio.masked_fill((noise == 0) & ~signal.isnan(), torch.inf)
