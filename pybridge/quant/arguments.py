"""What the functions of this package say about an argument that they refuse."""

import torch


class BadArgument(ValueError):
    """An argument of the right type that a function refuses.

    Attributes:
        parameter: its name; the message says what it got and what it needs.
    """

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def checked_real(tensor: torch.Tensor, parameter: str) -> torch.Tensor:
    """The tensor outside autograd, when it is one of real numbers that are there to be read."""
    if tensor.is_complex():
        raise BadArgument(parameter, f"{parameter} must be real but is {dtype_name(tensor.dtype)}")
    if tensor.is_quantized:
        name = dtype_name(tensor.dtype)
        raise BadArgument(parameter, f"{parameter} must be a plain tensor but is {name}: dequantize it first")
    if tensor.layout is not torch.strided or tensor.is_meta:
        kind = "meta" if tensor.is_meta else str(tensor.layout).removeprefix("torch.")
        raise BadArgument(parameter, f"{parameter} must be dense but is {kind}")
    return tensor.detach()


def checked_axis(tensor: torch.Tensor, axis: int) -> int:
    """The axis counted from 0."""
    dims = tensor.dim()
    if not dims:
        raise BadArgument("axis", f"axis must be a dimension of input, which has none, but is {axis}")
    if not -dims <= axis < dims:
        raise BadArgument("axis", f"axis must be in -{dims} .. {dims - 1} for this input but is {axis}")
    return axis % dims


def dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
