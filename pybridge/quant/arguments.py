"""What the functions in here say of an argument that they refuse."""

from typing import Any

import torch


class BadArgument(ValueError):
    """An argument of the right type that cannot be used; the text says what it is and what it must be.

    Attributes:
        parameter: its name.
    """

    def __init__(self, parameter: str, text: str) -> None:
        super().__init__(f"{parameter} must {text}")
        self.parameter = parameter


def checked_real(tensor: torch.Tensor, parameter: str) -> torch.Tensor:
    """The tensor outside autograd, when it is one of real numbers that are there to be read."""
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"{parameter} must be a tensor but is a {type(tensor).__name__}")
    if tensor.is_complex():
        raise BadArgument(parameter, f"be real but is {_dtype(tensor)}")
    if tensor.is_quantized:
        raise BadArgument(parameter, f"be a plain tensor but is {_dtype(tensor)}: dequantize it first")
    if tensor.layout is not torch.strided or tensor.is_meta:
        kind = "meta" if tensor.is_meta else str(tensor.layout).removeprefix("torch.")
        raise BadArgument(parameter, f"be dense but is {kind}")
    return tensor.detach()


def checked_same_shape(tensor: torch.Tensor, parameter: str, like: torch.Tensor, other: str) -> None:
    if tensor.shape != like.shape:
        raise BadArgument(
            parameter, f"have the shape of {other}, {list(like.shape)}, but has {list(tensor.shape)}"
        )
    if tensor.device != like.device:
        raise BadArgument(parameter, f"be on the device of {other}, {like.device}, but is on {tensor.device}")


def checked_axis(tensor: torch.Tensor, axis: int, parameter: str = "axis") -> int:
    """The axis counted from 0."""
    dims = tensor.dim()
    if not dims:
        raise BadArgument(parameter, f"be a dimension of the tensor, which has none, but is {axis}")
    if not -dims <= axis < dims:
        raise BadArgument(parameter, f"be in -{dims} .. {dims - 1} for this tensor but is {axis}")
    return axis % dims


def _dtype(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")
