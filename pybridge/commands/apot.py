"""Commands on additive powers of two (APoT)."""

from pybridge.annotations import Tensor
from pybridge.lazy import quant
from pybridge.registry import command


@command()
def apot_levels(bits: int, k: int, signed: bool = False, alpha: float = 1.0) -> dict[str, float | Tensor]:
    """Make the levels of APoT quantization: sums of bits / k powers of two each, dense near 0.

    Li, Dong, Wang, ICLR 2020, arXiv:1909.13144. A multiplication by such a level is one shift and one
    addition a term.

    Args:
        bits: width, 1 .. 16.
        k: bits a term, a divisor of bits; 1 gives uniform levels.
        signed: whether levels have both signs; there are then (2**(k+1) - 1)**(bits/k) codes instead of
            2**bits, at most 1048576.
        alpha: the largest magnitude, at least 0, used as float32.

    Returns:
        A dict of `alpha` and `gamma` (numbers: gamma is the factor between sums of powers of two and levels),
        `levels` (a float32 tensor, ascending) and `level_indices` (int64, the code of each level).

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set found [torch::apot_levels -bits 3 -k 3]
        torch::tensor_to_list [dict get $found levels]
        => 0.0 0.015625 0.03125 0.0625 0.125 0.25 0.5 1.0
    """
    found = quant.apot_qparams(alpha, bits, k, signed)
    return {
        "alpha": alpha,
        "gamma": found.gamma,
        "levels": found.levels,
        "level_indices": found.level_indices,
    }


@command()
def quantize_apot(input: Tensor, bits: int, k: int, signed: bool = False, alpha: float = 1.0) -> Tensor:
    """Give the code of the APoT level that is nearest to each element.

    Args:
        input: a floating-point tensor; distances are taken in float32, and at the same distance the lower
            level is taken. Elements beyond alpha get the level at their end; NaN gets code 0.
        bits: width, 1 .. 16.
        k: bits a term, a divisor of bits.
        signed: whether levels have both signs.
        alpha: the largest magnitude, at least 0.

    Returns:
        An int32 tensor of the shape of input, of codes as in `level_indices` of `apot_levels`.

    Errors:
        TORCH ARG VALUE, naming the parameter, for an input that is not floating-point, and as in
        `apot_levels`.

    Example:
        set x [torch::tensor_create {0 0.0215 0.1692 0.385 1 0.0391}]
        torch::tensor_to_list [torch::quantize_apot $x -bits 4 -k 2]
        => 0 3 8 13 5 12
    """
    return quant.quantize_apot(input, bits, k, signed, alpha)


@command()
def dequantize_apot(codes: Tensor, bits: int, k: int, signed: bool = False, alpha: float = 1.0) -> Tensor:
    """Give the APoT level of each code.

    Args:
        codes: a tensor of integers, as `quantize_apot` returns it.
        bits: width, 1 .. 16.
        k: bits a term, a divisor of bits.
        signed: whether levels have both signs.
        alpha: the largest magnitude, at least 0.

    Returns:
        A float64 tensor of the shape of codes, whose values float32 can hold.

    Errors:
        TORCH ARG VALUE codes, for a code that no level has and for elements that are not integers; others as
        in `apot_levels`.

    Example:
        set codes [torch::tensor_create {0 8 10 4 5} int32]
        set x [torch::dequantize_apot $codes -bits 4 -k 2 -alpha 1.5]
        torch::tensor_to_list $x
        => 0.0 0.25 0.375 1.0 1.5
    """
    return quant.dequantize_apot(codes, bits, k, signed, alpha)


@command()
def apot_fake_quantize(input: Tensor, bits: int, k: int, signed: bool = False, alpha: float = 1.0) -> Tensor:
    """Quantize a tensor to APoT levels and dequantize it.

    Args:
        input: a floating-point tensor.
        bits: width, 1 .. 16.
        k: bits a term, a divisor of bits.
        signed: whether levels have both signs.
        alpha: the largest magnitude, at least 0.

    Returns:
        A tensor of the shape and dtype of input, the level of the code that `quantize_apot` gives. Gradients
        pass where |input| <= alpha; NaN passes none.

    Errors:
        TORCH ARG VALUE, naming the parameter, as in `quantize_apot`.

    Example:
        set x [torch::tensor_create {-0.2 0.2 0.9 3}]
        set y [torch::apot_fake_quantize $x -bits 4 -k 2 -signed 1 -alpha 1.5]
        torch::tensor_to_list $y
        => -0.1875 0.1875 0.875 1.5
    """
    return quant.apot_fake_quantize(input, bits, k, signed, alpha)
