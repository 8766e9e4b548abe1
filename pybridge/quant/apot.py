"""Additive powers of two: levels that are sums of a few powers of two, dense near 0 (APoT).

Li, Dong, Wang: Additive Powers-of-Two Quantization, ICLR 2020, arXiv:1909.13144, section 2.2. Codes, ties and
the order of the term sets are those of `torch.ao.quantization.experimental`, which is not in the wheels.
"""

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

Tensor = torch.Tensor

_MOST_BITS = 16
_MOST_LEVELS = 2**20  # a table of so many is made in a second or two, and takes some tens of megabytes


class APoTParameters(NamedTuple):
    """What a level set is made of.

    Attributes:
        gamma: the factor between sums of powers of two and levels, a float32 value.
        levels: float32, 1-D, all levels in ascending order; equal ones as often as codes have them.
        level_indices: int64, 1-D, the code of each level.
    """

    gamma: float
    levels: Tensor
    level_indices: Tensor


def apot_qparams(alpha: float, bits: int, k: int, signed: bool = False) -> APoTParameters:
    """The levels of `bits`-bit APoT quantization with `k` bits a term, for the range up to alpha.

    With n = bits / k terms, term i is 0 or 2**-(i + j n), j = 0 .. 2**k - 2 (section 2.2, equation 5), for
    signed levels with either sign; gamma scales the largest sum to alpha. A code numbers the choices of all
    terms, the last term running fastest.

    Args:
        alpha: the largest magnitude, finite, 0 or more, used as float32; 0 makes all levels 0.
        bits: 1 .. 16.
        k: a divisor of bits; 1 gives uniform levels.
        signed: whether levels have both signs, and then (2**(k+1) - 1)**n codes, at most 2**20.

    Returns:
        gamma, levels and level_indices, new tensors on the CPU.

    Raises:
        ValueError: for an argument outside its range.
    """
    tables = _tables(_checked(alpha, bits, k, signed), bits, k, bool(signed))
    return APoTParameters(tables.gamma, tables.levels.clone(), tables.level_indices.clone())


@dataclass(frozen=True)
class _Tables:
    """A level set and the tables that quantize with it; shared, so never handed out.

    Attributes:
        gamma, levels, level_indices: as in APoTParameters.
    """

    gamma: float
    levels: Tensor
    level_indices: Tensor


def _checked(alpha: float, bits: int, k: int, signed: bool) -> float:
    """alpha, without the sign of -0; ValueError if the four make no level set."""
    if not 1 <= bits <= _MOST_BITS:
        raise ValueError(f"bits must be in 1 .. {_MOST_BITS} but is {bits}")
    if k < 1 or bits % k:
        raise ValueError(f"k must divide bits ({bits}) but is {k}")
    if not (math.isfinite(alpha) and alpha >= 0):
        raise ValueError(f"alpha must be finite and at least 0 but is {alpha}")
    narrow = _float32(alpha).item()
    if math.isinf(narrow) or (alpha and not narrow):
        raise ValueError(f"alpha is {alpha}, which float32 cannot hold")
    count = (2 ** (k + 1) - 1) ** (bits // k)
    if signed and count > _MOST_LEVELS:
        raise ValueError(
            f"bits and k must make at most {_MOST_LEVELS} signed levels but {bits} and {k} make {count}"
        )
    return alpha + 0.0


def _float32(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float32, device="cpu")


@functools.lru_cache(maxsize=8)
def _sums(bits: int, k: int, signed: bool) -> Tensor:
    """The sum of powers of two of each code, float32, 1-D."""
    terms = bits // k
    sums = torch.zeros(1, dtype=torch.float32, device="cpu")
    for term in range(terms):
        powers = [2.0 ** -(term + j * terms) for j in range(2**k - 1)]
        choices = [*powers, 0.0, *(-power for power in reversed(powers))] if signed else [0.0, *powers]
        sums = (sums[:, None] + torch.tensor(choices, dtype=torch.float32, device="cpu")).reshape(-1)
    return sums


@functools.lru_cache(maxsize=8)
def _tables(alpha: float, bits: int, k: int, signed: bool) -> _Tables:
    gamma = _float32(alpha) / (2 - 2.0 ** (1 - bits // k))
    levels, level_indices = (gamma * _sums(bits, k, signed) + 0.0).sort(stable=True)
    if not levels.isfinite().all():
        raise ValueError(f"alpha is {alpha}, whose levels float32 cannot hold")
    return _Tables(gamma.item(), levels, level_indices)
