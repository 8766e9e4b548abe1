"""Tensors from bit patterns, and compared by them: any NaN equals any NaN, all else must be the same bits."""

from collections.abc import Callable
from typing import Any

import torch

INTEGER = {
    torch.float64: torch.int64,
    torch.float32: torch.int32,
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
}


def differing(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Where two tensors of one dtype and shape differ."""
    if one.dtype not in INTEGER:
        return one != other
    integer = INTEGER[one.dtype]
    return (one.view(integer) != other.view(integer)) & ~(one.isnan() & other.isnan())


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors agree in dtype, shape, strides and bits."""
    one, other = one.detach(), other.detach()
    alike = one.dtype is other.dtype and one.shape == other.shape and one.stride() == other.stride()
    return alike and not bool(differing(one, other).any())


def outcome(action: Callable[[], Any]) -> Any:
    """What it returns, or the class and the first line of the error that it raises."""
    try:
        return action()
    except Exception as error:
        return type(error).__name__, str(error).splitlines()[0]


def from_bits(dtype: torch.dtype, bits: Any) -> torch.Tensor:
    """A 1-D tensor whose elements have these bits, given as integers without sign."""
    integer = INTEGER[dtype]
    size = 8 * integer.itemsize
    signed = [each - (1 << size) if each >> (size - 1) else each for each in bits]
    return torch.tensor(signed, dtype=integer).view(dtype)
