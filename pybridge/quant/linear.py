"""Linear quantization as it is taught: a scale, a zero point, and every step visible.

The functions, names and formulas of the lessons "Linear Quantization" I and II of "Quantization in Depth"
(DeepLearning.AI and Hugging Face). What those leave to chance is settled here: results are clamped, never
wrapped; a scale is never 0; NaN, infinities and empty tensors have no range and are refused.
"""

import math

import torch

from pybridge.names import dtype_name
from pybridge.quant.arguments import (
    BadArgument,
    check_broadcast,
    checked_dim,
    checked_floating,
    checked_integers,
    checked_real,
    checked_scale,
    shown,
)
from pybridge.quant.channels import Channels
from pybridge.quant.integer_range import IntegerRange, integer_range

Tensor = torch.Tensor
_NEAR = 2**23  # distances of codes of up to 16 bits from such zero points are exact in float32


def get_q_scale_symmetric(tensor: Tensor, dtype: torch.dtype | str = torch.int8) -> float:
    """max(|tensor|) / q_max; 1 where float32 could not tell that from 0, so that a zero tensor has a scale.

    Args:
        tensor: floating-point, with elements, all finite.
        dtype: of the codes, as for `integer_range`.

    Raises:
        ValueError: for any other tensor or dtype.
    """
    q_max = integer_range(dtype).high
    low, high = _extremes(tensor)
    return _usable(max(-low, high) / q_max, tensor) or 1.0


def get_q_scale_and_zero_point(tensor: Tensor, dtype: torch.dtype | str = torch.int8) -> tuple[float, int]:
    """(max - min) / (q_max - q_min), and the code that stands for 0, clamped to the range.

    The range is not widened to hold 0: values all on one side of it saturate. A constant tensor, whose scale
    would be 0, is taken with 0 as the other end, and is dequantized to itself; an all-zero one has scale 1.

    Args:
        tensor: floating-point, with elements, all finite.
        dtype: of the codes, as for `integer_range`.

    Raises:
        ValueError: for any other tensor or dtype, and for a span that its dtype cannot hold.
    """
    codes = integer_range(dtype)
    low, high = _extremes(tensor)
    scale = _usable((high - low) / (codes.high - codes.low), tensor)
    if not scale:
        low, high = min(low, 0.0), max(high, 0.0)
        scale = _usable((high - low) / (codes.high - codes.low), tensor)
    if not scale:
        low, scale = codes.low, 1.0  # as if the codes stood for themselves: 0 is 0
    zero_point = codes.low - low / scale
    return scale, round(min(max(zero_point, codes.low), codes.high))


def linear_q_with_scale_and_zero_point(
    tensor: Tensor, scale: float | Tensor, zero_point: int | Tensor, dtype: torch.dtype | str = torch.int8
) -> Tensor:
    """clamp(round(tensor / scale + zero_point)), halves to even.

    Args:
        tensor: floating-point, without NaN; infinities saturate.
        scale: above 0 and finite; a number, or a tensor that broadcasts to the shape of tensor.
        zero_point: a code, or a tensor of codes that broadcasts.
        dtype: of the codes, as for `integer_range`.

    Returns:
        Codes in the storage of dtype. They are computed in float64 for int32 and for a float64 tensor,
        otherwise in float32.

    Raises:
        ValueError: for an argument that is not as above.
    """
    codes = integer_range(dtype)
    tensor = checked_floating(tensor, "tensor")
    wide = codes.storage is torch.int32 or tensor.dtype is torch.float64
    work = torch.float64 if wide else torch.float32
    scale = _checked_scale(scale, tensor, work)
    _check_zero_point(zero_point, tensor, codes)
    quotient = tensor.to(work) / _detached(scale) + _detached(zero_point)
    if quotient.isnan().any():
        raise BadArgument("tensor", "tensor must not hold NaN")
    return quotient.round().clamp(codes.low, codes.high).to(codes.storage)


def linear_q_symmetric(tensor: Tensor, dtype: torch.dtype | str = torch.int8) -> tuple[Tensor, float]:
    """Codes with the zero point 0, and the scale of `get_q_scale_symmetric`.

    Raises:
        ValueError: as `get_q_scale_symmetric`.
    """
    scale = get_q_scale_symmetric(tensor, dtype)
    return linear_q_with_scale_and_zero_point(tensor, scale, 0, dtype), scale


def linear_q_symmetric_per_channel(
    tensor: Tensor, dim: int, dtype: torch.dtype | str = torch.int8
) -> tuple[Tensor, Tensor]:
    """Codes with the zero point 0, and a scale for each slice of `dim`.

    Args:
        tensor: floating-point, with elements, all finite.
        dim: the dimension whose slices have scales of their own; a negative one counts from the end.
        dtype: of the codes, as for `integer_range`.

    Returns:
        The codes, and the scales in float32, of the shape of tensor with all sizes but that of dim being 1.

    Raises:
        ValueError: for an argument that is not as above, and for a scale that float32 cannot hold.
    """
    q_max = integer_range(dtype).high
    _extremes(tensor)
    dim = checked_dim(dim, "dim", tensor)
    magnitudes = _wide(tensor).abs().movedim(dim, 0).reshape(tensor.shape[dim], -1).amax(1)
    scale = (magnitudes.to(torch.float64) / q_max).to(torch.float32)
    vanished = (scale == 0) & (magnitudes != 0) & (tensor.dtype is torch.float64)
    if (scale.isinf() | vanished).any():
        raise BadArgument("tensor", "tensor has a slice whose scale float32 cannot hold")
    shape = [1] * tensor.dim()
    shape[dim] = -1
    scale = torch.where(scale == 0, 1.0, scale).view(shape)
    return linear_q_with_scale_and_zero_point(tensor, scale, 0, dtype), scale


def linear_q_symmetric_per_group(
    tensor: Tensor, group_size: int, dtype: torch.dtype | str = torch.int8
) -> tuple[Tensor, Tensor]:
    """Codes with the zero point 0, and a scale for each run of `group_size` elements of a row.

    Args:
        tensor: floating-point, 2-D, with elements, all finite.
        group_size: a divisor of the length of a row.
        dtype: of the codes, as for `integer_range`.

    Returns:
        The codes, of the shape of tensor, and the scales in float32, one a row: of shape (groups, 1).

    Raises:
        ValueError: for an argument that is not as above.
    """
    integer_range(dtype)
    _extremes(tensor)
    groups = _groups(tensor, group_size, "tensor")
    quantized, scale = linear_q_symmetric_per_channel(groups, 0, dtype)
    return quantized.view(tensor.shape), scale


def linear_dequantization(quantized: Tensor, scale: float | Tensor, zero_point: int | Tensor) -> Tensor:
    """scale * (quantized - zero_point).

    Args:
        quantized: integers.
        scale: above 0 and finite; a number, or a tensor that broadcasts to the shape of quantized.
        zero_point: an integer, or a tensor of integers that broadcasts.

    Returns:
        float32, computed in float64 where the codes are 32 or 64 bits wide or a zero point is beyond 2^23;
        float64 where the scale is a float64 tensor.

    Raises:
        ValueError: for an argument that is not as above.
    """
    quantized = checked_integers(quantized, "quantized")
    far = _check_zero_point(zero_point, quantized, None) > _NEAR
    wide = far or quantized.dtype.itemsize >= 4
    exact = isinstance(scale, Tensor) and scale.dtype is torch.float64
    work = torch.float64 if wide or exact else torch.float32
    result = _checked_scale(scale, quantized, work) * (quantized.to(work) - zero_point)
    return result if exact else result.to(torch.float32)


def linear_dequantization_per_group(quantized: Tensor, scale: Tensor, group_size: int) -> Tensor:
    """What `linear_q_symmetric_per_group` has quantized.

    Args:
        quantized: integers, 2-D.
        scale: one scale for each group, in any shape.
        group_size: a divisor of the length of a row.

    Returns:
        A tensor of the shape of quantized, as of `linear_dequantization`.

    Raises:
        ValueError: for an argument that is not as above.
    """
    quantized = checked_integers(quantized, "quantized")
    checked_real(scale, "scale")
    groups = _groups(quantized, group_size, "quantized")
    Channels(group_size=group_size).check_count("scale", scale.numel(), len(groups))
    return linear_dequantization(groups, scale.reshape(-1, 1), 0).view(quantized.shape)


def quantization_error(original: Tensor, dequantized: Tensor) -> float:
    """The mean squared error, (original - dequantized)**2 averaged in float32, or float64 where one is that.

    Args:
        original: floating-point, with elements.
        dequantized: floating-point, of the same shape.

    Raises:
        ValueError: for tensors that are not as above.
    """
    original = checked_floating(original, "original")
    dequantized = checked_floating(dequantized, "dequantized")
    if original.shape != dequantized.shape:
        raise BadArgument(
            "dequantized",
            f"dequantized must have the shape of original, {shown(original.shape)}, "
            f"but has {shown(dequantized.shape)}",
        )
    if not original.numel():
        raise BadArgument("original", "original must have elements")
    return float((_wide(original) - _wide(dequantized)).square().mean())


def _wide(tensor: Tensor) -> Tensor:
    """The tensor without its history, in float32 or float64."""
    return tensor.detach().to(torch.float64 if tensor.dtype is torch.float64 else torch.float32)


# -- checks ----------------------------------------------------------------------------------------------


def _extremes(tensor: Tensor) -> tuple[float, float]:
    """The least and the greatest element of a tensor that has a range."""
    tensor = checked_floating(tensor, "tensor")
    if not tensor.numel():
        raise BadArgument("tensor", "tensor must have elements")
    low, high = (limit.item() for limit in _wide(tensor).aminmax())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise BadArgument("tensor", f"tensor must be finite but holds {high if math.isfinite(low) else low}")
    return low, high


def _usable(scale: float, tensor: Tensor) -> float:
    """The scale, or 0 where the arithmetic for this tensor could not tell it from that."""
    if math.isinf(scale):
        raise BadArgument("tensor", "tensor must span a range that float64 can hold")
    if tensor.dtype is torch.float64:
        return scale
    return scale if torch.tensor(scale, dtype=torch.float32).item() else 0.0


def _checked_scale(scale: float | Tensor, tensor: Tensor, work: torch.dtype) -> float | Tensor:
    """A number, or a tensor that broadcasts, in the dtype that is computed in."""
    if isinstance(scale, Tensor):
        check_broadcast(scale, "scale", tensor)
        return checked_scale(scale, work)
    if not (scale > 0 and math.isfinite(scale)):
        raise BadArgument("scale", f"scale must be finite and above 0 but is {scale}")
    narrow = torch.tensor(scale, dtype=work).item()
    if not narrow or math.isinf(narrow):
        raise BadArgument("scale", f"scale is {scale}, which {dtype_name(work)} cannot hold")
    return scale


def _check_zero_point(zero_point: int | Tensor, tensor: Tensor, codes: IntegerRange | None) -> int:
    """An integer, or integers that broadcast; of the range of the codes where that is known.

    Returns:
        The largest magnitude.
    """
    if not isinstance(zero_point, Tensor):
        low = high = zero_point
    else:
        zero_point = checked_integers(zero_point, "zero_point")
        check_broadcast(zero_point, "zero_point", tensor)
        if not zero_point.numel():
            return 0
        low, high = (int(limit) for limit in zero_point.to(torch.float64).aminmax())
    if codes and not codes.low <= low <= high <= codes.high:
        bad = low if low < codes.low else high
        raise BadArgument("zero_point", f"zero_point must be in {codes.low} .. {codes.high} but is {bad}")
    return max(-low, high)


def _groups(tensor: Tensor, group_size: int, name: str) -> Tensor:
    """The tensor as one row a group."""
    if tensor.dim() != 2:
        raise BadArgument(name, f"{name} must be 2-D but has {tensor.dim()} dimensions")
    if group_size < 1 or tensor.shape[1] % group_size:
        raise BadArgument(
            "group_size",
            f"group_size must divide the length of a row ({tensor.shape[1]}) but is {group_size}",
        )
    return tensor.reshape(-1, group_size)


def _detached(value: float | Tensor) -> float | Tensor:
    return value.detach() if isinstance(value, Tensor) else value
