"""Additive powers of two: levels that are sums of a few powers of two, dense near 0 (APoT).

Li, Dong, Wang: Additive Powers-of-Two Quantization, ICLR 2020, arXiv:1909.13144, section 2.2. Codes, ties and
the order of the term sets are those of `torch.ao.quantization.experimental`, which is not in the wheels.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from pybridge.quant.arguments import BadArgument, checked_floating, checked_integers

Tensor = torch.Tensor

_MOST_BITS = 16
_MOST_LEVELS = 2**20  # a table of so many is made in a second or two, and takes 24 megabytes
_FEW_LEVELS = 2**16  # tables of so many are kept for the next call, and one larger one


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
    tables = _tables_of(alpha, bits, k, signed)
    return APoTParameters(tables.gamma, tables.levels.clone(), tables.level_indices.to(torch.int64))


def quantize_apot(input: Tensor, bits: int, k: int, signed: bool = False, alpha: float = 1.0) -> Tensor:
    """The code of the level next to each element.

    Distances are taken in float32; of levels at the same distance the lowest is taken, of equal levels the
    one that `apot_qparams` lists first. Elements beyond alpha get the level at their end.

    Args:
        input: any floating-point tensor; what it holds is rounded to float32.
        bits: as in `apot_qparams`, and so are k, signed and alpha.

    Returns:
        int32, of the shape of input, contiguous; NaN gets code 0.

    Raises:
        ValueError: for an input that is not floating-point, or an argument outside its range.
    """
    tables = _tables_of(alpha, bits, k, signed)
    checked_floating(input, "input")
    return _looked_up(input, tables.boundaries, tables.codes)


def dequantize_apot(codes: Tensor, bits: int, k: int, signed: bool = False, alpha: float = 1.0) -> Tensor:
    """The level of each code.

    Args:
        codes: any tensor of integers from 0 to the number of levels - 1.
        bits: as in `apot_qparams`, and so are k, signed and alpha.

    Returns:
        float64, of the shape of codes, contiguous, with values that float32 can hold.

    Raises:
        ValueError: for codes that are not integers or name no level, or an argument outside its range.
    """
    by_code = _tables_of(alpha, bits, k, signed).by_code
    codes = checked_integers(codes, "codes")
    index = codes.reshape(-1).to(torch.int64)
    unknown = (index < 0) | (index >= by_code.numel())
    if unknown.any():
        found = codes.reshape(-1)[int(unknown.nonzero()[0])].item()
        raise BadArgument("codes", f"codes must be in 0 .. {by_code.numel() - 1} but one is {found}")
    return by_code.to(codes.device).index_select(0, index).to(torch.float64).reshape(codes.shape)


def apot_fake_quantize(input: Tensor, bits: int, k: int, signed: bool = False, alpha: float = 1.0) -> Tensor:
    """Quantize and dequantize, with the clipped straight-through gradient.

    Args:
        input: any floating-point tensor.
        bits: as in `apot_qparams`, and so are k, signed and alpha.

    Returns:
        A contiguous tensor of the shape and dtype of input, the level of the code that `quantize_apot` gives
        (for NaN that of code 0). The gradient for input is grad_output * (|input| <= alpha), 0 for NaN;
        float64 is compared as it is, everything else in float32.

    Raises:
        ValueError: for an input that is not floating-point, or an argument outside its range.
    """
    tables = _tables_of(alpha, bits, k, signed)
    checked_floating(input, "input")
    if input.requires_grad and torch.is_grad_enabled():
        result: Tensor = _StraightThrough.apply(input, tables, alpha)  # type: ignore[no-untyped-call]
        return result
    return _looked_up(input, tables.boundaries, tables.values).to(input.dtype)


class _StraightThrough(torch.autograd.Function):
    """The gradient of clipping: section 2.3, equation 7, for a fixed alpha."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, tables: "_Tables", alpha: float) -> Tensor:
        magnitude = (input if input.dtype is torch.float64 else input.to(torch.float32)).abs()
        ctx.save_for_backward(magnitude <= alpha)
        return _looked_up(input, tables.boundaries, tables.values).to(input.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (inside,) = ctx.saved_tensors
        return gradient * inside, None, None


def _looked_up(input: Tensor, boundaries: Tensor, table: Tensor) -> Tensor:
    """The entry of the table for the interval that each element is in."""
    flat = input.detach().to(torch.float32).reshape(-1).contiguous()  # else bucketize warns
    interval = torch.bucketize(flat, boundaries.to(flat.device), out_int32=True)
    return table.to(flat.device).index_select(0, interval).reshape(input.shape)


# -- level sets ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tables:
    """A level set and the tables that quantize with it; shared, so never handed out.

    Attributes:
        gamma, levels: as in APoTParameters.
        level_indices: int32, 1-D, the code of each level.
        boundaries: float32, ascending; the largest value that takes each distinct level, infinity for the
            last. NaN is past them all.
        codes: int32, the code for each of these intervals, and one for NaN.
        values: float32, the level for each of them.
        by_code: float32, the level of each code.
    """

    gamma: float
    levels: Tensor
    level_indices: Tensor
    boundaries: Tensor
    codes: Tensor
    values: Tensor
    by_code: Tensor


def _tables_of(alpha: float, bits: int, k: int, signed: bool) -> _Tables:
    """The tables of a level set; ValueError if the four make none."""
    if not 1 <= bits <= _MOST_BITS:
        raise BadArgument("bits", f"bits must be in 1 .. {_MOST_BITS} but is {bits}")
    if k < 1 or bits % k:
        raise BadArgument("k", f"k must divide bits ({bits}) but is {k}")
    if not (math.isfinite(alpha) and alpha >= 0):
        raise BadArgument("alpha", f"alpha must be finite and at least 0 but is {alpha}")
    narrow = _float32([alpha]).item()
    if math.isinf(narrow) or (alpha and not narrow):
        raise BadArgument("alpha", f"alpha is {alpha}, which float32 cannot hold")
    count = (2 ** (k + 1) - 1) ** (bits // k) if signed else 2**bits
    if count > _MOST_LEVELS:
        raise BadArgument(
            "signed", f"signed must be 0 for {bits} bits in terms of {k}: it would make {count} levels"
        )
    kept = _tables if count <= _FEW_LEVELS else _large_tables
    return kept(narrow + 0.0, bits, k, bool(signed))  # + 0.0: the cache takes -0.0 for 0.0


def _float32(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32, device="cpu")


def _sums(bits: int, k: int, signed: bool) -> Tensor:
    """The sum of powers of two of each code, float32, 1-D."""
    terms = bits // k
    sums = _float32([0])
    for term in range(terms):
        powers = [2.0 ** -(term + j * terms) for j in range(2**k - 1)]
        choices = [*powers, 0.0, *(-power for power in reversed(powers))] if signed else [0.0, *powers]
        sums = (sums[:, None] + _float32(choices)).reshape(-1)
    return sums


def _made(alpha: float, bits: int, k: int, signed: bool) -> _Tables:
    gamma = _float32([alpha]) / (2 - 2.0 ** (1 - bits // k))
    by_code = gamma * _sums(bits, k, signed) + 0.0  # no -0
    levels, level_indices = by_code.sort(stable=True)
    first = torch.cat([torch.tensor([True], device="cpu"), levels[1:] != levels[:-1]])
    distinct = levels[first]
    codes = torch.cat([level_indices[first], torch.zeros(1, dtype=torch.int64, device="cpu")])
    boundaries = torch.cat([_last_below(distinct), _float32([math.inf])])
    values = by_code[codes]
    level_indices, codes = level_indices.to(torch.int32), codes.to(torch.int32)
    return _Tables(gamma.item(), levels, level_indices, boundaries, codes, values, by_code)


_tables = functools.lru_cache(maxsize=8)(_made)
_large_tables = functools.lru_cache(maxsize=1)(_made)


def _last_below(levels: Tensor) -> Tensor:
    """For each pair of neighbours the largest float32 value that is not nearer to the upper one.

    Nearer by distances that are rounded to float32 themselves, so that this is seldom the midpoint: found by
    bisection over the float32 numbers between the two, whose distances to the lower one only grow.
    """
    lower, upper = levels[:-1], levels[1:]
    low, high = _ordinals(lower), _ordinals(upper)
    while bool((high - low > 1).any()):
        middle = (low + high) // 2
        value = _from_ordinals(middle)
        taken = value - lower <= upper - value
        low, high = torch.where(taken, middle, low), torch.where(taken, high, middle)
    return _from_ordinals(low)


def _ordinals(values: Tensor) -> Tensor:
    """Each float32 number's place among all of them, 0 at 0, as int64."""
    bits = values.view(torch.int32).to(torch.int64)
    return torch.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def _from_ordinals(places: Tensor) -> Tensor:
    """The float32 numbers at these places."""
    bits = torch.where(places < 0, -places | 0x80000000, places)
    return torch.where(bits > 0x7FFFFFFF, bits - 2**32, bits).to(torch.int32).view(torch.float32)
