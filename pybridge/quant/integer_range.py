"""Integer dtypes by width: what their codes can be, and what holds them."""

from dataclasses import dataclass
from typing import get_args

import torch

from pybridge.names import IntegerDtype, dtype_name
from pybridge.quant.arguments import BadArgument


@dataclass(frozen=True)
class IntegerRange:
    """The least and the greatest code of a dtype, and the dtype of PyTorch that holds them."""

    storage: torch.dtype
    low: int
    high: int


def limits(bits: int, signed: bool) -> tuple[int, int]:
    """The lowest and the highest number of so many bits."""
    half = 1 << bits - 1
    return (-half, half - 1) if signed else (0, 2 * half - 1)


def signed_dtype(bits: int) -> torch.dtype:
    """The narrowest dtype with a sign that holds so many bits."""
    return torch.int8 if bits <= 8 else torch.int16 if bits <= 16 else torch.int32


def _range(name: str) -> IntegerRange:
    signed, bits = name.startswith("int"), int(name.lstrip("uint"))
    return IntegerRange(signed_dtype(bits) if signed else torch.uint8, *limits(bits, signed))


_RANGES = {name: _range(name) for name in get_args(IntegerDtype)}


def integer_range(dtype: torch.dtype | str) -> IntegerRange:
    """The range of a dtype: int2 .. int16, int32 or uint2 .. uint8, by name or as PyTorch's own.

    Raises:
        ValueError: for any other.
    """
    name = dtype if isinstance(dtype, str) else dtype_name(dtype)
    if name not in _RANGES:
        raise BadArgument("dtype", f"dtype must be int2 .. int16, int32 or uint2 .. uint8 but is {name}")
    return _RANGES[name]
