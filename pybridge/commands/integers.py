"""Quantization to integers and back, by options or by the choice of a sweep or a plan: weights for hardware.

See also: linear, observe, quantized
"""

from typing import Any, TypedDict

from pybridge.annotations import Tensor
from pybridge.commands.quantize import check_zero_point
from pybridge.lazy import quant, torch
from pybridge.names import Granularity, IntegerScheme, ObserverKind, ScaleMode
from pybridge.registry import command, form


class Chosen(TypedDict):
    """A choice among the dicts of `quantization_sweep`, or the one for a weight of `quantization_plan`."""

    bits: int
    granularity: Granularity
    qscheme: IntegerScheme
    observer: ObserverKind
    axis: int | None
    group_size: int | None
    scale_mode: ScaleMode


class Made(TypedDict):
    """What `quantize_integers` gives, as far as it tells what the integers stand for."""

    quantized: Tensor
    scale: Tensor
    zero_point: Tensor
    axis: int | None
    group_size: int | None


class Integers(Made):
    """The same with what a file of them needs besides."""

    bits: int
    qscheme: IntegerScheme


@command(when="bits")
def quantize_integers(
    input: Tensor,
    bits: int = 8,
    granularity: Granularity = "per_tensor",
    qscheme: IntegerScheme = "symmetric",
    observer: ObserverKind = "minmax",
    axis: int = 0,
    group_size: int = 128,
    scale_mode: ScaleMode = "float",
) -> dict[str, Any]:
    """Quantize a tensor to integers, by options or like one of the dicts of a sweep or a plan.

    Of the range low .. high that the observer finds, a symmetric scale is max(-low, high) / ((quant_max -
    quant_min) / 2), as in PyTorch's observers: at 8 bits max/127.5, so that the largest magnitude is half a
    step off the nearest integer, 127 or -128. `linear_q_symmetric` has max/127, and is exact there.

    The least scale is 2^-126, the least normal float32, not the 2^-23 of an observer: elements times 2^-20
    become the same integers.

    Args:
        input: any shape and real dtype, all elements finite; it is rounded to float32.
        bits: the width of the integers, 2 to 16, such as 4 for 4-bit weights; they are signed.
        granularity: what shares a scale: the tensor, a slice of axis, or group_size neighbours along the last
            dimension.
        qscheme: whether the zero point is 0.
        observer: how the range is found; see `observer`.
        axis: of per_channel; a negative one counts from the end.
        group_size: of per_group, a divisor of the last dimension.
        scale_mode: power_of_two for scales that are shifts, as in fixed-point arithmetic.
        like: in place of these options a dict that has them, such as one of those that `quantization_sweep`
            gives, or of the `weights` of a `quantization_plan`.

    Returns:
        A dict, which `export_integers` takes as it is: handles `quantized` (int8, or int16 for more than 8
        bits), `scale` (float32) and `zero_point` (int32), both 0-d, or 1-D with one for each channel or
        group, groups in row-major order; `quant_min`, `quant_max`; and the options, `axis` and `group_size`
        empty where they do not matter.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above, and for an input whose scale float32
        cannot hold: a power of two above 2^127.

    Example:
        set w [torch::tensor_create {{191.6 -13.5 728.6} {92.14 295.5 -184}}]
        set integers [torch::quantize_integers $w 4 per_channel]
        torch::tensor_to_list [dict get $integers quantized]
        => 2 0 7 2 7 -5
    """
    return quantized_by(
        input, quant.Choice(bits, granularity, qscheme, observer, axis, group_size, scale_mode)
    )


@form("quantize_integers", when="like")
def _quantize_like(input: Tensor, like: Chosen) -> dict[str, Any]:
    return quantized_by(input, choice_of(like))


@command()
def dequantize_integers(
    quantized: Tensor,
    scale: Tensor,
    zero_point: Tensor | int = 0,
    axis: int | None = None,
    group_size: int | None = None,
) -> Tensor:
    """Compute the numbers that integers stand for: (quantized - zero_point) * scale.

    Args:
        quantized: integers of any dtype.
        scale: one element, or 1-D with one for each channel or group, as `quantize_integers` gives it; finite
            and above 0.
        zero_point: integers, as many as there are scales, or one number for all.
        axis: the dimension whose slices have scales of their own; a negative one counts from the end.
        group_size: how many neighbours along the last dimension share a scale; it goes without axis.
        integers: in place of all these the dict that `quantize_integers` gives.

    Returns:
        A float32 tensor of the shape of quantized.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set weights [torch::tensor_create {7.5 -7.4 2.3 0}]
        set integers [torch::quantize_integers $weights 4]
        torch::tensor_to_list [torch::dequantize_integers $integers]
        => 7.0 -7.0 2.0 0.0
    """
    if isinstance(zero_point, int):
        check_zero_point(zero_point, -(2**31), 2**31 - 1, "zero_point")
        zero_point = torch.full_like(scale, zero_point, dtype=torch.int32)
    return quant.dequantize_integers(quantized, scale, zero_point, quant.Channels(axis, group_size))


@form("dequantize_integers", when="integers")
def _dequantize_made(integers: Made) -> Tensor:
    channels = quant.Channels(integers["axis"], integers["group_size"])
    return quant.dequantize_integers(
        integers["quantized"], integers["scale"], integers["zero_point"], channels
    )


def described(choice: Any) -> dict[str, Any]:
    """A choice as the Tcl side sees it, and as `Chosen` reads it."""
    per_channel, per_group = choice.granularity == "per_channel", choice.granularity == "per_group"
    return {
        "bits": choice.bits,
        "granularity": choice.granularity,
        "qscheme": choice.qscheme,
        "observer": choice.observer,
        "axis": choice.axis if per_channel else None,
        "group_size": choice.group_size if per_group else None,
        "scale_mode": choice.scale_mode,
    }


def choice_of(chosen: Chosen) -> Any:
    """The `quant.Choice` behind such a dict; an axis or group_size that does not matter is empty there."""
    for granularity, needed in (("per_channel", "axis"), ("per_group", "group_size")):
        if chosen["granularity"] == granularity and chosen.get(needed) is None:
            raise quant.BadArgument(needed, f"{needed} must be given for granularity {granularity}")
    return quant.Choice(
        chosen["bits"],
        chosen["granularity"],
        chosen["qscheme"],
        chosen["observer"],
        chosen["axis"] or 0,
        1 if chosen["group_size"] is None else chosen["group_size"],
        chosen["scale_mode"],
    )


def quantized_by(input: Tensor, choice: Any) -> dict[str, Any]:
    """What `quantize_integers` gives, by a `quant.Choice`."""
    integers = quant.quantize_integers(input, choice)
    quant_min, quant_max = choice.scheme.limits
    return {
        "quantized": integers.quantized,
        "scale": integers.scale,
        "zero_point": integers.zero_point,
        "quant_min": quant_min,
        "quant_max": quant_max,
        **described(choice),
    }
