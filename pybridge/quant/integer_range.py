"""Integer dtypes by width: what their codes can be, and what holds them."""

from dataclasses import dataclass

import torch

from pybridge.quant.arguments import BadArgument, dtype_name


@dataclass(frozen=True)
class IntegerRange:
    """The least and the greatest code of a dtype, and the dtype of PyTorch that holds them."""

    storage: torch.dtype
    low: int
    high: int


def _ranges() -> dict[str, IntegerRange]:
    found = {"int32": IntegerRange(torch.int32, -(2**31), 2**31 - 1)}
    for bits in range(2, 17):
        storage = torch.int8 if bits <= 8 else torch.int16
        found[f"int{bits}"] = IntegerRange(storage, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if bits <= 8:
            found[f"uint{bits}"] = IntegerRange(torch.uint8, 0, 2**bits - 1)
    return found


_RANGES = _ranges()


def integer_range(dtype: torch.dtype | str) -> IntegerRange:
    """The range of a dtype: int2 .. int16, int32 or uint2 .. uint8, by name or as PyTorch's own.

    Raises:
        ValueError: for any other.
    """
    name = dtype if isinstance(dtype, str) else dtype_name(dtype)
    if name not in _RANGES:
        raise BadArgument("dtype", f"dtype must be int2 .. int16, int32 or uint2 .. uint8 but is {name}")
    return _RANGES[name]
