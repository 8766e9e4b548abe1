"""Quantization commands: what a Tcl user naturally has is accepted here, checked here, and given to PyTorch.

The commands on quantized dtypes (`quantize_per_channel`, `q_scale`, ...) are legacy: PyTorch deprecates them.
"""

from pybridge import errors
from pybridge.annotations import Dtype, Tensor
from pybridge.lazy import torch
from pybridge.registry import command
from pybridge.values import dtype_name

_FEW = 256  # up to so many elements a Python list is the faster way to their extremes
_QUANTIZED = {"qint8": (-128, 127), "quint8": (0, 255), "qint32": (-(2**31), 2**31 - 1)}


@command()
def fake_quantize_per_channel(
    input: Tensor, scales: Tensor, zero_points: Tensor, axis: int, quant_min: int = -128, quant_max: int = 127
) -> Tensor:
    """Quantize and dequantize a tensor with one scale and zero point per slice of one dimension.

    Args:
        input: a float32, float64, float16 or bfloat16 tensor.
        scales: 1-D float32, one a slice; float64 is rounded to float32.
        zero_points: 1-D, one a slice, integers in quant_min .. quant_max; float32 and float16 ones are taken
            as they are, and not checked, as in PyTorch.
        axis: the dimension whose slices have scales of their own; a negative one counts from the end.
        quant_min: lowest quantized value, -128 by default.
        quant_max: highest quantized value, 127 by default.

    Returns:
        A tensor of the shape and dtype of input, (clamp(round(input / scale) + zero_point) - zero_point) *
        scale, bit for bit `torch.fake_quantize_per_channel_affine`. Gradients pass where nothing was clamped.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set x [torch::tensor_create {{1.3 2.4} {3.3 4.4}}]
        set scales [torch::tensor_create {0.5 0.25}]
        set zero_points [torch::tensor_create {0 0} int32]
        torch::tensor_to_list [torch::fake_quantize_per_channel $x $scales $zero_points 1]
        => 1.5 2.5 3.5 4.5
    """
    _check_range(quant_min, quant_max)
    _check_floating(input)
    axis = _checked_axis(input, axis)
    _check_channels(input, scales, zero_points, axis)
    if scales.dtype is not torch.float32:
        scales = _float32_scales(scales, "scales")
    if zero_points.dtype is not torch.int32:
        zero_points = _int32_zero_points(zero_points)
    _check_zero_points(zero_points, quant_min, quant_max)
    return torch.fake_quantize_per_channel_affine(input, scales, zero_points, axis, quant_min, quant_max)


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
        scale: a number, or a tensor of one element; used as float32, which must be able to hold it.
        zero_point: an integer in quant_min .. quant_max, or a tensor of one element (when scale is one, too),
            whose value PyTorch does not check.
        quant_min: lowest quantized value, -128 by default.
        quant_max: highest quantized value, 127 by default.

    Returns:
        A tensor of the shape and dtype of input, bit for bit `torch.fake_quantize_per_tensor_affine`.
        Gradients pass where nothing was clamped.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        torch::tensor_to_list [torch::fake_quantize_per_tensor [torch::tensor_create {1.3 200}] 0.5 0]
        => 1.5 63.5
    """
    _check_range(quant_min, quant_max)
    _check_floating(input)
    if isinstance(scale, torch.Tensor) and isinstance(zero_point, torch.Tensor):
        _check_single(scale, "scale")
        _check_single(zero_point, "zero_point")
        return torch.fake_quantize_per_tensor_affine(input, scale, zero_point, quant_min, quant_max)
    if isinstance(scale, torch.Tensor) or isinstance(zero_point, torch.Tensor):
        raise errors.arg_value("zero_point", "scale and zero_point must be both numbers or both tensors")
    _check_zero_point(zero_point, zero_point, quant_min, quant_max, "zero_point")
    _float32_scales(torch.tensor([scale], dtype=torch.float64), "scale")
    return torch.fake_quantize_per_tensor_affine(input, scale, zero_point, quant_min, quant_max)


@command()
def quantize_per_channel(
    input: Tensor, scales: Tensor, zero_points: Tensor, axis: int, dtype: Dtype
) -> Tensor:
    """Quantize a tensor to integers, with one scale and zero point per slice of one dimension. Legacy.

    Args:
        input: a float32 tensor.
        scales: 1-D, floating-point, one a slice.
        zero_points: 1-D, one a slice; integers in the range of dtype, or floats, for qint8 and quint8 only.
        axis: the dimension whose slices have scales of their own; a negative one counts from the end.
        dtype: qint8, quint8 or qint32.

    Returns:
        A tensor of that quantized dtype, clamp(round(input / scale + zero_point)), as
        `torch.quantize_per_channel`.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set x [torch::tensor_create {{1.3 2.4} {3.3 4.4}}]
        set scales [torch::tensor_create {0.5 0.25}]
        set zero_points [torch::tensor_create {0 0} int32]
        torch::tensor_to_list [torch::int_repr [torch::quantize_per_channel $x $scales $zero_points 1 qint8]]
        => 3 10 7 18
    """
    low, high = _quantized_range(dtype)
    _check_float32(input)
    axis = _checked_axis(input, axis)
    _check_channels(input, scales, zero_points, axis)
    if not scales.is_floating_point():
        raise errors.arg_value("scales", f"scales must be floating-point but are {dtype_name(scales.dtype)}")
    if dtype is torch.qint32 and zero_points.is_floating_point():  # PyTorch 2.13 dies of SIGILL
        raise errors.arg_value("zero_points", "zero_points must be integers for qint32 but are floats")
    _check_zero_points(zero_points, low, high)
    return torch.quantize_per_channel(input, scales, zero_points, axis, dtype)


@command()
def quantize_per_tensor(input: Tensor, scale: float, zero_point: int, dtype: Dtype) -> Tensor:
    """Quantize a tensor to integers, with one scale and one zero point. Legacy.

    Args:
        input: a float32 tensor.
        scale: a number.
        zero_point: an integer in the range of dtype.
        dtype: qint8, quint8 or qint32.

    Returns:
        A tensor of that quantized dtype, clamp(round(input / scale + zero_point)), as
        `torch.quantize_per_tensor`.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set q [torch::quantize_per_tensor [torch::tensor_create {1.3 200}] 0.5 0 qint8]
        torch::tensor_to_list [torch::int_repr $q]
        => 3 127
    """
    low, high = _quantized_range(dtype)
    _check_float32(input)
    _check_zero_point(zero_point, zero_point, low, high, "zero_point")
    return torch.quantize_per_tensor(input, scale, zero_point, dtype)


@command(aliases=("de_quantize",))
def dequantize(input: Tensor) -> Tensor:
    """Turn a quantized tensor back to floats: (integer - zero_point) * scale.

    Args:
        input: a quantized tensor; any other is converted to float32.

    Returns:
        A float32 tensor of the same shape.

    Example:
        torch::tensor_to_list [torch::dequantize \\
            [torch::quantize_per_tensor [torch::tensor_create {1.3 200}] 0.5 0 qint8]]
        => 1.5 63.5
    """
    return torch.dequantize(input)


@command(also={"input": ("tensor",)})
def int_repr(input: Tensor) -> Tensor:
    """Return the integers of a quantized tensor.

    Args:
        input: a quantized tensor.

    Returns:
        A tensor of the same shape: int8 for qint8, uint8 for quint8, int32 for qint32.

    Example:
        torch::tensor_to_list [torch::int_repr \\
            [torch::quantize_per_tensor [torch::tensor_create {1.3 200}] 0.5 0 qint8]]
        => 3 127
    """
    _check_quantized(input, "input")
    return input.int_repr()


@command(also={"quantized_tensor": ("input", "tensor")})
def q_scale(quantized_tensor: Tensor) -> float:
    """Return the scale of a tensor that is quantized per tensor.

    Args:
        quantized_tensor: what `quantize_per_tensor` gave.

    Returns:
        A double.

    Example:
        torch::q_scale [torch::quantize_per_tensor [torch::ones {2}] 0.5 3 qint8]
        => 0.5
    """
    _check_scheme(quantized_tensor, per_channel=False)
    return quantized_tensor.q_scale()


@command(also={"quantized_tensor": ("input", "tensor")})
def q_zero_point(quantized_tensor: Tensor) -> int:
    """Return the zero point of a tensor that is quantized per tensor.

    Args:
        quantized_tensor: what `quantize_per_tensor` gave.

    Returns:
        An integer.

    Example:
        torch::q_zero_point [torch::quantize_per_tensor [torch::ones {2}] 0.5 3 qint8]
        => 3
    """
    _check_scheme(quantized_tensor, per_channel=False)
    return quantized_tensor.q_zero_point()


@command(also={"quantized_tensor": ("input", "tensor")})
def q_per_channel_scales(quantized_tensor: Tensor) -> Tensor:
    """Return the scales of a tensor that is quantized per channel.

    Args:
        quantized_tensor: what `quantize_per_channel` gave.

    Returns:
        A 1-D tensor; float64, or float32 with floating-point zero points.

    Example:
        set q [torch::quantize_per_channel [torch::ones {2 1}] \\
            [torch::tensor_create {0.5 0.25}] [torch::tensor_create {3 4} int32] 0 qint8]
        torch::tensor_to_list [torch::q_per_channel_scales $q]
        => 0.5 0.25
    """
    _check_scheme(quantized_tensor, per_channel=True)
    return quantized_tensor.q_per_channel_scales()


@command(also={"quantized_tensor": ("input", "tensor")})
def q_per_channel_zero_points(quantized_tensor: Tensor) -> Tensor:
    """Return the zero points of a tensor that is quantized per channel.

    Args:
        quantized_tensor: what `quantize_per_channel` gave.

    Returns:
        A 1-D tensor; int64, or float32 when floating-point ones were given.

    Example:
        set q [torch::quantize_per_channel [torch::ones {2 1}] \\
            [torch::tensor_create {0.5 0.25}] [torch::tensor_create {3 4} int32] 0 qint8]
        torch::tensor_to_list [torch::q_per_channel_zero_points $q]
        => 3 4
    """
    _check_scheme(quantized_tensor, per_channel=True)
    return quantized_tensor.q_per_channel_zero_points()


@command(also={"quantized_tensor": ("input", "tensor")})
def q_per_channel_axis(quantized_tensor: Tensor) -> int:
    """Return the dimension along which a tensor is quantized per channel.

    Args:
        quantized_tensor: what `quantize_per_channel` gave.

    Returns:
        An integer, counted from 0.

    Example:
        set q [torch::quantize_per_channel [torch::ones {2 1}] \\
            [torch::tensor_create {0.5 0.25}] [torch::tensor_create {3 4} int32] 0 qint8]
        torch::q_per_channel_axis $q
        => 0
    """
    _check_scheme(quantized_tensor, per_channel=True)
    return quantized_tensor.q_per_channel_axis()


# -- checks, each with its own message -------------------------------------------------------------------


def _check_range(quant_min: int, quant_max: int) -> None:
    if quant_min > quant_max:
        raise errors.arg_value(
            "quant_min", f"quant_min must be at most quant_max, {quant_max}, but is {quant_min}"
        )


def _check_floating(input: Tensor) -> None:
    if not input.is_floating_point():
        raise errors.arg_value("input", f"input must be floating-point but is {dtype_name(input.dtype)}")


def _check_float32(input: Tensor) -> None:
    if input.dtype is not torch.float32:
        raise errors.arg_value("input", f"input must be float32 but is {dtype_name(input.dtype)}")


def _checked_axis(input: Tensor, axis: int) -> int:
    """The axis counted from 0."""
    dims = input.dim()
    if not dims:
        raise errors.arg_value("axis", f"axis must be a dimension of input, which has none, but is {axis}")
    if not -dims <= axis < dims:
        raise errors.arg_value("axis", f"axis must be in -{dims} .. {dims - 1} for this input but is {axis}")
    return axis % dims


def _check_channels(input: Tensor, scales: Tensor, zero_points: Tensor, axis: int) -> None:
    channels = input.size(axis)
    _check_per_channel(scales, "scales", channels, axis)
    _check_per_channel(zero_points, "zero_points", channels, axis)


def _check_per_channel(tensor: Tensor, name: str, channels: int, axis: int) -> None:
    if tensor.dim() != 1:
        hint = " (-shape 1 makes it 1-D)" if tensor.numel() == 1 else ""
        raise errors.arg_value(name, f"{name} must be 1-D but has {tensor.dim()} dimensions{hint}")
    if tensor.numel() != channels:
        raise errors.arg_value(
            name,
            f"{name} must have {channels} elements, one for each slice of axis {axis}, "
            f"but has {tensor.numel()}",
        )


def _check_single(tensor: Tensor, name: str) -> None:
    if tensor.numel() != 1:
        raise errors.arg_value(name, f"{name} must be a tensor of one element but has {tensor.numel()}")


def _check_zero_point(lowest: int, highest: int, quant_min: int, quant_max: int, name: str) -> None:
    if not quant_min <= lowest <= highest <= quant_max:
        wrong = lowest if lowest < quant_min else highest
        raise errors.arg_value(name, f"{name} must be in {quant_min} .. {quant_max} but got {wrong}")


def _check_zero_points(zero_points: Tensor, quant_min: int, quant_max: int) -> None:
    """Integers must be in the range; floats are not checked, as in PyTorch."""
    if zero_points.is_floating_point() or not zero_points.numel():
        return
    if zero_points.numel() <= _FEW:
        values = zero_points.tolist()
        lowest, highest = min(values), max(values)
    else:
        lowest, highest = (int(limit) for limit in torch.aminmax(zero_points))
    _check_zero_point(lowest, highest, quant_min, quant_max, "zero_points")


def _float32_scales(scales: Tensor, name: str) -> Tensor:
    """float64 rounded to float32, as PyTorch rounds a Python float; never to 0 or infinity."""
    if scales.dtype is not torch.float64:
        raise errors.arg_value(name, f"{name} must be float32 or float64 but is {dtype_name(scales.dtype)}")
    rounded = scales.to(torch.float32)
    lost = scales.isfinite() & (scales != 0) & ~(rounded.isfinite() & (rounded != 0))
    if lost.any():
        raise errors.arg_value(name, f"{name} has {scales[lost][0].item()}, which float32 cannot hold")
    return rounded


def _int32_zero_points(zero_points: Tensor) -> Tensor:
    """Smaller and larger integers as int32; float32 and float16 unchanged."""
    if zero_points.dtype in (torch.float32, torch.float16):
        return zero_points
    if zero_points.is_floating_point() or zero_points.is_complex() or zero_points.dtype is torch.bool:
        raise errors.arg_value(
            "zero_points",
            f"zero_points must be integers, float32 or float16 but are {dtype_name(zero_points.dtype)}",
        )
    _check_zero_points(zero_points, *_QUANTIZED["qint32"])
    return zero_points.to(torch.int32)


def _quantized_range(dtype: Dtype) -> tuple[int, int]:
    name = dtype_name(dtype)
    if name not in _QUANTIZED:
        raise errors.arg_value("dtype", f"dtype must be qint8, quint8 or qint32 but is {name}")
    return _QUANTIZED[name]


def _check_quantized(tensor: Tensor, name: str) -> None:
    if not tensor.is_quantized:
        raise errors.arg_value(name, f"{name} must be quantized but is {dtype_name(tensor.dtype)}")


def _check_scheme(tensor: Tensor, *, per_channel: bool) -> None:
    _check_quantized(tensor, "quantized_tensor")
    if (tensor.qscheme() is not torch.per_tensor_affine) is not per_channel:
        wanted, got = ("channel", "tensor") if per_channel else ("tensor", "channel")
        raise errors.arg_value(
            "quantized_tensor", f"quantized_tensor must be quantized per {wanted} but is quantized per {got}"
        )
