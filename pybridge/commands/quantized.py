"""Quantization to PyTorch's quantized dtypes. Legacy: PyTorch has deprecated these and will remove them."""

from pybridge import errors
from pybridge.annotations import Dtype, Tensor
from pybridge.commands.quantize import check_channels, check_zero_point, check_zero_points, checked_axis
from pybridge.lazy import torch
from pybridge.names import dtype_name
from pybridge.registry import command

_RANGES = {"qint8": (-128, 127), "quint8": (0, 255), "qint32": (-(2**31), 2**31 - 1)}
_ALSO = {"quantized_tensor": ("input", "tensor")}


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
        set q [torch::quantize_per_channel $x $scales $zero_points 1 qint8]
        torch::tensor_to_list [torch::int_repr $q]
        => 3 10 7 18
    """
    low, high = _quantized_range(dtype)
    _check_float32(input)
    axis = checked_axis(input, axis)
    check_channels(input, scales, zero_points, axis)
    if not scales.is_floating_point():
        raise errors.arg_value("scales", f"scales must be floating-point but are {dtype_name(scales.dtype)}")
    if dtype is torch.qint32 and zero_points.is_floating_point():  # PyTorch 2.13 dies of SIGILL
        raise errors.arg_value("zero_points", "zero_points must be integers for qint32 but are floats")
    check_zero_points(zero_points, low, high)
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
        set x [torch::tensor_create {1.3 200}]
        set q [torch::quantize_per_tensor $x 0.5 0 qint8]
        torch::tensor_to_list [torch::int_repr $q]
        => 3 127
    """
    low, high = _quantized_range(dtype)
    _check_float32(input)
    check_zero_point(zero_point, low, high, "zero_point")
    return torch.quantize_per_tensor(input, scale, zero_point, dtype)


@command(aliases=("de_quantize",))
def dequantize(input: Tensor) -> Tensor:
    """Turn a quantized tensor back to floats: (integer - zero_point) * scale.

    Args:
        input: a quantized tensor; any other is converted to float32.

    Returns:
        A float32 tensor of the same shape.

    Example:
        set x [torch::tensor_create {1.3 200}]
        set q [torch::quantize_per_tensor $x 0.5 0 qint8]
        torch::tensor_to_list [torch::dequantize $q]
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
        set x [torch::tensor_create {1.3 200}]
        set q [torch::quantize_per_tensor $x 0.5 0 qint8]
        torch::tensor_to_list [torch::int_repr $q]
        => 3 127
    """
    _check_quantized(input, "input")
    return input.int_repr()


@command(also=_ALSO)
def q_scale(quantized_tensor: Tensor) -> float:
    """Return the scale of a tensor that is quantized per tensor.

    Args:
        quantized_tensor: what `quantize_per_tensor` gave.

    Returns:
        A double.

    Example:
        set q [torch::quantize_per_tensor [torch::ones {2}] 0.5 3 qint8]
        torch::q_scale $q
        => 0.5
    """
    _check_scheme(quantized_tensor, per_channel=False)
    return quantized_tensor.q_scale()


@command(also=_ALSO)
def q_zero_point(quantized_tensor: Tensor) -> int:
    """Return the zero point of a tensor that is quantized per tensor.

    Args:
        quantized_tensor: what `quantize_per_tensor` gave.

    Returns:
        An integer.

    Example:
        set q [torch::quantize_per_tensor [torch::ones {2}] 0.5 3 qint8]
        torch::q_zero_point $q
        => 3
    """
    _check_scheme(quantized_tensor, per_channel=False)
    return quantized_tensor.q_zero_point()


@command(also=_ALSO)
def q_per_channel_scales(quantized_tensor: Tensor) -> Tensor:
    """Return the scales of a tensor that is quantized per channel.

    Args:
        quantized_tensor: what `quantize_per_channel` gave.

    Returns:
        A 1-D tensor; float64, or float32 with floating-point zero points.

    Example:
        set scales [torch::tensor_create {0.5 0.25}]
        set zero_points [torch::tensor_create {3 4} int32]
        set x [torch::ones {2 1}]
        set q [torch::quantize_per_channel $x $scales $zero_points 0 qint8]
        torch::tensor_to_list [torch::q_per_channel_scales $q]
        => 0.5 0.25
    """
    _check_scheme(quantized_tensor, per_channel=True)
    return quantized_tensor.q_per_channel_scales()


@command(also=_ALSO)
def q_per_channel_zero_points(quantized_tensor: Tensor) -> Tensor:
    """Return the zero points of a tensor that is quantized per channel.

    Args:
        quantized_tensor: what `quantize_per_channel` gave.

    Returns:
        A 1-D tensor; int64, or float32 when floating-point ones were given.

    Example:
        set scales [torch::tensor_create {0.5 0.25}]
        set zero_points [torch::tensor_create {3 4} int32]
        set x [torch::ones {2 1}]
        set q [torch::quantize_per_channel $x $scales $zero_points 0 qint8]
        torch::tensor_to_list [torch::q_per_channel_zero_points $q]
        => 3 4
    """
    _check_scheme(quantized_tensor, per_channel=True)
    return quantized_tensor.q_per_channel_zero_points()


@command(also=_ALSO)
def q_per_channel_axis(quantized_tensor: Tensor) -> int:
    """Return the dimension along which a tensor is quantized per channel.

    Args:
        quantized_tensor: what `quantize_per_channel` gave.

    Returns:
        An integer, counted from 0.

    Example:
        set scales [torch::tensor_create {0.5 0.25}]
        set zero_points [torch::tensor_create {3 4} int32]
        set x [torch::ones {2 1}]
        set q [torch::quantize_per_channel $x $scales $zero_points 0 qint8]
        torch::q_per_channel_axis $q
        => 0
    """
    _check_scheme(quantized_tensor, per_channel=True)
    return quantized_tensor.q_per_channel_axis()


def _check_float32(input: Tensor) -> None:
    if input.dtype is not torch.float32:
        raise errors.arg_value("input", f"input must be float32 but is {dtype_name(input.dtype)}")


def _quantized_range(dtype: Dtype) -> tuple[int, int]:
    name = dtype_name(dtype)
    if name not in _RANGES:
        raise errors.arg_value("dtype", f"dtype must be qint8, quint8 or qint32 but is {name}")
    return _RANGES[name]


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
