"""Fake quantization that learns its scale and zero point, and the one that observes its range itself.

PyTorch's own operators do the work; what they crash on, or answer with wrong gradients, is kept from them.
"""

import math

import torch

from pybridge.names import dtype_name
from pybridge.quant.arguments import BadArgument, checked_dim, elements, shown

Tensor = torch.Tensor


def fake_quantize_learnable_per_tensor(
    input: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    quant_min: int,
    quant_max: int,
    grad_factor: float = 1.0,
) -> Tensor:
    """Quantize and dequantize with a learned scale and zero point (LSQ, Esser et al. 2020, arXiv:1902.08153).

    `torch._fake_quantize_learnable_per_tensor_affine`, forward and backward.

    Args:
        input: float32 or bfloat16.
        scale: 1-D float32, one element, any value.
        zero_point: 1-D float32, one element; rounded and clamped to the bounds, infinities too.
        quant_min: 0 or less; quant_max 0 or more.
        grad_factor: what the gradients for scale and zero_point are multiplied with.

    Returns:
        A tensor of the shape and dtype of input; differentiable in input, scale and zero_point. For an empty
        input the gradients for those two are 0 (PyTorch's operator would give their own values).

    Raises:
        ValueError: for an argument that is not as above.
    """
    _check_learnable(input, scale, zero_point, 1, quant_min, quant_max, grad_factor)
    if not input.numel():
        return _nothing_from(input, scale, zero_point)
    return torch._fake_quantize_learnable_per_tensor_affine(
        input, scale, zero_point, quant_min, quant_max, grad_factor
    )


def fake_quantize_learnable_per_channel(
    input: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    axis: int,
    quant_min: int,
    quant_max: int,
    grad_factor: float = 1.0,
) -> Tensor:
    """Quantize and dequantize with a learned scale and zero point for each slice of `axis`.

    `torch._fake_quantize_learnable_per_channel_affine`, forward and backward; 1-D inputs, which that cannot
    differentiate, are given to it as a matrix of one column.

    Args:
        input: float32 or bfloat16, of one dimension or more.
        scale: 1-D float32, one a slice, any value.
        zero_point: 1-D float32, one a slice; rounded and clamped to the bounds, infinities too.
        axis: the dimension whose slices these are for; a negative one counts from the end.
        quant_min: 0 or less; quant_max 0 or more.
        grad_factor: what the gradients for scale and zero_point are multiplied with.

    Returns:
        As `fake_quantize_learnable_per_tensor`.

    Raises:
        ValueError: for an argument that is not as above.
    """
    axis = checked_dim(axis, "axis", input)
    _check_learnable(input, scale, zero_point, input.shape[axis], quant_min, quant_max, grad_factor)
    if not input.numel():
        return _nothing_from(input, scale, zero_point)
    if input.dim() == 1:
        input = input.unsqueeze(1)
        return fake_quantize_learnable_per_channel(
            input, scale, zero_point, 0, quant_min, quant_max, grad_factor
        ).squeeze(1)
    return torch._fake_quantize_learnable_per_channel_affine(
        input, scale, zero_point, axis, quant_min, quant_max, grad_factor
    )


def fused_moving_avg_obs_fake_quant(
    input: Tensor,
    observer_on: bool,
    fake_quant_on: bool,
    running_min: Tensor,
    running_max: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    averaging_const: float,
    quant_min: int,
    quant_max: int,
    ch_axis: int,
    per_row_fake_quant: bool = False,
    symmetric_quant: bool = False,
) -> Tensor:
    """Observe the range of a tensor by moving averages, and quantize and dequantize it with what they give.

    `torch.fused_moving_avg_obs_fake_quant`. A call that is refused changes nothing.

    Args:
        input: float32; what it holds of NaN and infinities goes into the running tensors, and is refused
            where a row's zero point would come of it.
        observer_on: whether to update running_min and running_max.
        fake_quant_on: whether to compute scale and zero_point from them, and to quantize with those.
        running_min: 1-D, contiguous float32, one element or one a row, as the next three; changed in place.
            Infinite ones are replaced, not averaged. All four need memory of their own.
        zero_point: int32.
        averaging_const: the weight of this input, 0 .. 1.
        quant_min: lowest quantized value; quant_max the highest, less than 2**31 above it.
        ch_axis: which dimension has the rows: the first, for an input of two dimensions or more. Not looked
            at without per_row_fake_quant.
        per_row_fake_quant: whether each row has its own range.
        symmetric_quant: whether 0 is in the middle of the range.

    Returns:
        A tensor of the shape of input, differentiable in it; a copy if fake_quant_on is false. An empty input
        changes nothing.

    Raises:
        ValueError: for an argument that is not as above.
    """
    if input.dtype is not torch.float32:
        raise BadArgument("input", f"input must be float32 but is {dtype_name(input.dtype)}")
    if per_row_fake_quant:
        _check_rows(input, ch_axis)
    state = {"running_min": running_min, "running_max": running_max, "scale": scale, "zero_point": zero_point}
    _check_state(state, input, per_row_fake_quant)
    if not 0 <= averaging_const <= 1:
        raise BadArgument("averaging_const", f"averaging_const must be in 0 .. 1 but is {averaging_const}")
    _check_bounds(quant_min, quant_max)
    if not input.numel():
        return input.clone()
    observe, quantize = torch.tensor([[int(observer_on)], [int(fake_quant_on)]], device=input.device)
    # The operator may fail when it has written to some.
    low, high, factor, point = changed = [each.clone() for each in state.values()]
    try:
        result: Tensor = torch.fused_moving_avg_obs_fake_quant(
            input, observe, quantize, low, high, factor, point, averaging_const,
            quant_min, quant_max, 0 if per_row_fake_quant else -1, per_row_fake_quant, symmetric_quant,
        )  # fmt: skip
    except RuntimeError:  # a zero point beyond the bounds: it checks those of rows
        _check_finite({"input": input, "running_min": running_min, "running_max": running_max})
        raise
    for each, new in zip(state.values(), changed, strict=True):
        each.copy_(new)
    return result


# -- checks ----------------------------------------------------------------------------------------------


def _check_learnable(
    input: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    channels: int,
    quant_min: int,
    quant_max: int,
    grad_factor: float,
) -> None:
    """What the operators take forward and backward; forward alone they would take more."""
    if input.dtype not in (torch.float32, torch.bfloat16):
        raise BadArgument("input", f"input must be float32 or bfloat16 but is {dtype_name(input.dtype)}")
    for name, each in (("scale", scale), ("zero_point", zero_point)):
        _check_vector(each, name, torch.float32, channels)
    if zero_point.isnan().any():
        raise BadArgument("zero_point", "zero_point must not be NaN")
    _check_bounds(quant_min, quant_max)
    if quant_min > 0:
        raise BadArgument("quant_min", f"quant_min must be at most 0 but is {quant_min}")
    if quant_max < 0:
        raise BadArgument("quant_max", f"quant_max must be at least 0 but is {quant_max}")
    if not math.isfinite(grad_factor):
        raise BadArgument("grad_factor", f"grad_factor must be finite but is {grad_factor}")


def _check_bounds(quant_min: int, quant_max: int) -> None:
    if quant_min > quant_max:
        raise BadArgument(
            "quant_min", f"quant_min must be at most quant_max ({quant_max}) but is {quant_min}"
        )
    for name, bound in (("quant_min", quant_min), ("quant_max", quant_max)):
        if not -(2**31) <= bound < 2**31:
            raise BadArgument(name, f"{name} must fit into 32 bits but is {bound}")
    if quant_max - quant_min >= 2**31:
        raise BadArgument(
            "quant_max", f"quant_max must be less than 2**31 above quant_min ({quant_min}) but is {quant_max}"
        )


def _check_vector(tensor: Tensor, name: str, dtype: torch.dtype, size: int) -> None:
    if tensor.dtype is not dtype:
        raise BadArgument(name, f"{name} must be {dtype_name(dtype)} but is {dtype_name(tensor.dtype)}")
    if tensor.dim() != 1 or tensor.numel() != size:
        needed = f"1-D with {elements(size)}"
        raise BadArgument(name, f"{name} must be {needed} but has the shape {shown(tensor.shape)}")


def _check_rows(input: Tensor, ch_axis: int) -> None:
    if input.dim() < 2:
        raise BadArgument(
            "input", f"input must have two dimensions or more to have rows but has {input.dim()}"
        )
    if checked_dim(ch_axis, "ch_axis", input):
        raise BadArgument("ch_axis", f"ch_axis must be the first dimension but is {ch_axis}")


def _check_state(state: dict[str, Tensor], input: Tensor, per_row: bool) -> None:
    """The operator writes through bare pointers: the sizes must be right, and nothing shared."""
    memory = {input.untyped_storage().data_ptr()}
    for name, tensor in state.items():
        dtype = torch.int32 if name == "zero_point" else torch.float32
        _check_vector(tensor, name, dtype, input.shape[0] if per_row else 1)
        if not tensor.is_contiguous():
            raise BadArgument(name, f"{name} must be contiguous")
        if tensor.requires_grad:
            raise BadArgument(name, f"{name} must not require a gradient")
        place = tensor.untyped_storage().data_ptr()
        if place in memory and tensor.numel():
            raise BadArgument(name, f"{name} must have memory of its own, not that of another argument")
        memory.add(place)


def _check_finite(tensors: dict[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        bad = tensor[~tensor.isfinite()]
        if bad.numel():
            text = f"{name} must be finite to quantize rows but holds {bad[0].item()}"
            raise BadArgument(name, text)


def _nothing_from(input: Tensor, scale: Tensor, zero_point: Tensor) -> Tensor:
    """An empty result that depends on all three."""
    return input + 0 * (scale.sum() + zero_point.sum())
