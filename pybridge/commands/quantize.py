"""Fake quantization: a tensor stays floating-point and is rounded to what integers can stand for.

See also: analysis, apot, integers, learnable, linear, observe, quantized
"""

from pybridge import errors
from pybridge.annotations import Tensor
from pybridge.lazy import quant, torch
from pybridge.names import dtype_name
from pybridge.registry import command

_FEW = 256  # up to so many elements a Python list is the faster way to their extremes


@command()
def fake_quantize_per_channel(
    input: Tensor, scales: Tensor, zero_points: Tensor, axis: int, quant_min: int = -128, quant_max: int = 127
) -> Tensor:
    """Quantize and dequantize a tensor with one scale and zero point per slice of one dimension.

    Args:
        input: a float32, float64, float16 or bfloat16 tensor.
        scales: 1-D float32, one a slice; float64 is rounded to float32. Zero, negative and non-finite ones
            are taken as they are, as in PyTorch.
        zero_points: 1-D, one a slice, integers in quant_min .. quant_max; float32 and float16 ones are taken
            as they are, and not checked, as in PyTorch.
        axis: the dimension whose slices have scales of their own; a negative one counts from the end.
        quant_min: lowest quantized value.
        quant_max: highest quantized value.

    Returns:
        A tensor of the shape and dtype of input, (clamp(round(input / scale) + zero_point) - zero_point) *
        scale, bit for bit `torch.fake_quantize_per_channel_affine`. Gradients pass where nothing was clamped.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set x [torch::tensor_create {{1.3 2.4} {3.3 4.4}}]
        set scales [torch::tensor_create {0.5 0.25}]
        set zero_points [torch::tensor_create {0 0} int32]
        set y [torch::fake_quantize_per_channel $x $scales $zero_points 1]
        torch::tensor_to_list $y
        => 1.5 2.5 3.5 4.5
    """
    if axis >= 0 and scales.dtype is torch.float32 and zero_points.dtype is torch.int32:
        try:
            return quant.fake_quantize_per_channel(input, scales, zero_points, axis, quant_min, quant_max)
        except (RuntimeError, IndexError):
            pass  # PyTorch has checked the same as what follows, which names the parameter
    _check_range(quant_min, quant_max)
    _check_floating(input)
    axis = checked_axis(input, axis)
    check_channels(input, scales, zero_points, axis)
    scales, zero_points = _float32_scales(scales), _int32_zero_points(zero_points)
    check_zero_points(zero_points, quant_min, quant_max)
    return quant.fake_quantize_per_channel(input, scales, zero_points, axis, quant_min, quant_max)


@command()
def fake_quantize_per_tensor(
    input: Tensor,
    scale: Tensor | float,
    zero_point: Tensor | int,
    quant_min: int = -128,
    quant_max: int = 127,
) -> Tensor:
    """Quantize and dequantize a tensor with one scale and one zero point.

    Args:
        input: a float32, float64, float16 or bfloat16 tensor.
        scale: a number, or a tensor of one element; used as float32, which must be able to hold it. Zero and
            negative ones are taken as they are, as in PyTorch.
        zero_point: an integer in quant_min .. quant_max, or a tensor of one element (when scale is one, too),
            whose value PyTorch does not check.
        quant_min: lowest quantized value.
        quant_max: highest quantized value.

    Returns:
        A tensor of the shape and dtype of input, (clamp(round(input / scale) + zero_point) - zero_point) *
        scale, bit for bit `torch.fake_quantize_per_tensor_affine`. Gradients pass where nothing was clamped.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set x [torch::tensor_create {1.3 200}]
        torch::tensor_to_list [torch::fake_quantize_per_tensor $x 0.5 0]
        => 1.5 63.5
    """
    _check_range(quant_min, quant_max)
    _check_floating(input)
    if isinstance(scale, torch.Tensor) and isinstance(zero_point, torch.Tensor):
        _check_single(scale, "scale")
        _check_single(zero_point, "zero_point")
        _check_narrowing(scale, "scale")
        check_zero_points(zero_point, quant_min, quant_max, "zero_point")
        return quant.fake_quantize_per_tensor(input, scale, zero_point, quant_min, quant_max)
    if isinstance(scale, torch.Tensor) or isinstance(zero_point, torch.Tensor):
        raise errors.arg_value("zero_point", "scale and zero_point must be both numbers or both tensors")
    check_zero_point(zero_point, quant_min, quant_max, "zero_point")
    _check_narrowing(torch.tensor(scale, dtype=torch.float64), "scale")
    return quant.fake_quantize_per_tensor(input, scale, zero_point, quant_min, quant_max)


# -- checks, each with its own message -------------------------------------------------------------------


def _check_range(quant_min: int, quant_max: int) -> None:
    if quant_min > quant_max:
        raise errors.arg_value(
            "quant_min", f"quant_min must be at most quant_max ({quant_max}) but is {quant_min}"
        )


def _check_floating(input: Tensor) -> None:
    if not input.is_floating_point():
        raise errors.arg_value("input", f"input must be floating-point but is {dtype_name(input.dtype)}")


def checked_axis(input: Tensor, axis: int) -> int:
    """The axis counted from 0."""
    dims = input.dim()
    if not dims:
        raise errors.arg_value("axis", f"axis must be a dimension of input, which has none, but is {axis}")
    if not -dims <= axis < dims:
        raise errors.arg_value("axis", f"axis must be in -{dims} .. {dims - 1} for this input but is {axis}")
    return axis % dims


def check_channels(input: Tensor, scales: Tensor, zero_points: Tensor, axis: int) -> None:
    """There must be a scale and a zero point for each slice of the axis, 0 or more."""
    channels = input.size(axis)
    _check_per_channel(scales, "scales", channels, axis)
    _check_per_channel(zero_points, "zero_points", channels, axis)


def _check_per_channel(tensor: Tensor, name: str, channels: int, axis: int) -> None:
    if tensor.dim() != 1:
        hint = " (-shape 1 makes it 1-D)" if tensor.numel() == 1 else ""
        raise errors.arg_value(name, f"{name} must be 1-D but has {tensor.dim()} dimensions{hint}")
    quant.Channels(axis).check_count(name, tensor.numel(), channels)


def _check_single(tensor: Tensor, name: str) -> None:
    if tensor.numel() != 1:
        raise errors.arg_value(name, f"{name} must be a tensor of one element but has {tensor.numel()}")


def check_zero_point(zero_point: int, quant_min: int, quant_max: int, name: str) -> None:
    """It must be in the range."""
    if not quant_min <= zero_point <= quant_max:
        raise errors.arg_value(name, f"{name} must be in {quant_min} .. {quant_max} but got {zero_point}")


def check_zero_points(zero_points: Tensor, quant_min: int, quant_max: int, name: str = "zero_points") -> None:
    """Integers must be in the range; floats are not checked, as in PyTorch."""
    if zero_points.dtype is not torch.int32:
        if zero_points.is_floating_point():
            return
        _check_integers(zero_points, name)
    if zero_points.numel() > _FEW:
        lowest, highest = (int(limit) for limit in torch.aminmax(zero_points))
    else:
        values = zero_points.reshape(-1).tolist() if zero_points.dim() != 1 else zero_points.tolist()
        if not values:
            return
        lowest, highest = min(values), max(values)
    if lowest < quant_min or highest > quant_max:
        check_zero_point(lowest if lowest < quant_min else highest, quant_min, quant_max, name)


def _check_integers(zero_points: Tensor, name: str) -> None:
    if zero_points.is_complex() or zero_points.dtype is torch.bool:
        raise errors.arg_value(
            name, f"{name} must be integers, float32 or float16 but are {dtype_name(zero_points.dtype)}"
        )


def _float32_scales(scales: Tensor) -> Tensor:
    """float64 rounded to float32, as PyTorch rounds a Python float; never to 0 or infinity."""
    if scales.dtype is torch.float32:
        return scales
    if scales.dtype is not torch.float64:
        raise errors.arg_value(
            "scales", f"scales must be float32 or float64 but is {dtype_name(scales.dtype)}"
        )
    _check_narrowing(scales, "scales")
    return scales.to(torch.float32)


def _check_narrowing(scales: Tensor, name: str) -> None:
    """No finite scale but 0 may become 0 or infinite as float32."""
    if scales.dtype is not torch.float64:
        return
    narrow = scales.to(torch.float32)
    lost = scales.isfinite() & (scales != 0) & ~(narrow.isfinite() & (narrow != 0))
    if lost.any():
        raise errors.arg_value(name, f"{name} has {scales[lost][0].item()}, which float32 cannot hold")


def _int32_zero_points(zero_points: Tensor) -> Tensor:
    """Integers as int32; float32 and float16 unchanged."""
    if zero_points.dtype in (torch.int32, torch.float32, torch.float16):
        return zero_points
    if zero_points.is_floating_point():
        raise errors.arg_value(
            "zero_points",
            f"zero_points must be integers, float32 or float16 but are {dtype_name(zero_points.dtype)}",
        )
    check_zero_points(zero_points, -(2**31), 2**31 - 1)
    return zero_points.to(torch.int32)
