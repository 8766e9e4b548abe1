"""The numbers that the integers of a uniform quantizer stand for."""

from math import isfinite

import torch

from pybridge.quant.arguments import BadArgument

_MOST = 1 << 16


def uniform_levels(
    scale: float, zero_point: int = 0, quant_min: int = -128, quant_max: int = 127
) -> torch.Tensor:
    """The level of each integer from quant_min to quant_max: (integer - zero_point) * scale.

    Args:
        scale: used as float32; finite there.
        zero_point: the integer that stands for 0; it need not be one of them.
        quant_min: lowest integer.
        quant_max: highest integer; there are at most 65536.

    Returns:
        1-D float32, quant_max - quant_min + 1 levels: what dequantizing gives, which multiplies in float64
        and rounds.

    Raises:
        BadArgument: a ValueError, for each rule above.
    """
    if not quant_min <= quant_max:
        raise BadArgument(
            "quant_min", f"quant_min must be at most quant_max ({quant_max}) but is {quant_min}"
        )
    if quant_max - quant_min >= _MOST:
        raise BadArgument(
            "quant_max", f"quant_max must leave at most {_MOST} levels but gives {quant_max - quant_min + 1}"
        )
    narrow = torch.tensor(scale, dtype=torch.float64).to(torch.float32)
    if not isfinite(narrow.item()):
        raise BadArgument("scale", f"scale must be a finite float32 but is {scale}")
    integers = torch.arange(quant_min - zero_point, quant_max - zero_point + 1, dtype=torch.float64)
    return (integers * narrow.to(torch.float64)).to(torch.float32)
