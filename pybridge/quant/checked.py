"""Checks of tensors that several functions need; each says what is wrong in one line."""

from typing import Any

import torch

from pybridge.quant.arguments import BadArgument


def checked_real(tensor: torch.Tensor, parameter: str) -> torch.Tensor:
    """The tensor outside autograd, when it is one of real numbers that are there to be read."""
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"{parameter} must be a tensor but is a {type(tensor).__name__}")
    if tensor.is_complex():
        raise BadArgument(parameter, f"{parameter} must be real but is {_dtype(tensor)}")
    if tensor.is_quantized:
        raise BadArgument(
            parameter, f"{parameter} must be a plain tensor but is {_dtype(tensor)}: dequantize it first"
        )
    if tensor.layout is not torch.strided or tensor.is_meta:
        kind = "meta" if tensor.is_meta else str(tensor.layout).removeprefix("torch.")
        raise BadArgument(parameter, f"{parameter} must be dense but is {kind}")
    return tensor.detach()


def checked_same_shape(tensor: torch.Tensor, parameter: str, like: torch.Tensor, other: str) -> None:
    if tensor.shape != like.shape:
        shapes = f"the shape of {other}, {list(like.shape)}, but has {list(tensor.shape)}"
        raise BadArgument(parameter, f"{parameter} must have {shapes}")
    if tensor.device != like.device:
        devices = f"the device of {other}, {like.device}, but is on {tensor.device}"
        raise BadArgument(parameter, f"{parameter} must be on {devices}")


def checked_axis(tensor: torch.Tensor, axis: int, parameter: str = "axis") -> int:
    """The axis counted from 0."""
    dims = tensor.dim()
    if not dims:
        allowed = "a dimension of the tensor, which has none,"
    else:
        allowed = f"in -{dims} .. {dims - 1} for this tensor"
    if not -dims <= axis < dims:
        raise BadArgument(parameter, f"{parameter} must be {allowed} but is {axis}")
    return axis % dims


def _dtype(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")
