"""Fake quantization, bit for bit PyTorch's operators, with its gradient.

Everything that is not plain goes to PyTorch's operator, and so does every mistake: what is accepted, what is
refused and with which words is PyTorch's own doing. Plain means a dense or dense-able tensor on the CPU,
int32 zero points and bounds of at most 2**23, within which the compiled kernels are exact.
"""

import ctypes
from dataclasses import dataclass
from typing import Any

import torch
from torch._C import DispatchKey, DispatchKeySet

from pybridge.quant.backend import Kernel, backend

Tensor = torch.Tensor

_SMALL = 4096  # elements; below, PyTorch's operator is done before a kernel is called
_SMALL_MASKED = 16384  # with a gradient asked for, which is a call of autograd's in Python
_EXACT = 2**23
_DENORMAL, _ONE = 5e-324, 1.0
_DTYPES = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
}
_NO_MASK = torch.empty(0, dtype=torch.bool)
_PLAIN = (torch.Tensor, torch.nn.Parameter)  # no subclass, which may have ideas of its own
_INFERENCE_KEYS = DispatchKeySet(DispatchKey.CPU) | DispatchKeySet(DispatchKey.AutocastCPU)
_PLAIN_KEYS = {
    _INFERENCE_KEYS.raw_repr(),
    (
        _INFERENCE_KEYS
        | DispatchKeySet(DispatchKey.AutogradCPU)
        | DispatchKeySet(DispatchKey.ADInplaceOrView)
    ).raw_repr(),
}


def fake_quantize_per_channel(
    input: Tensor, scale: Tensor, zero_point: Tensor, axis: int, quant_min: int, quant_max: int
) -> Tensor:
    """Quantize and dequantize with one scale and zero point per slice of `axis`.

    The same as `torch.fake_quantize_per_channel_affine`, errors included.

    Args:
        input: float32, float64, float16 or bfloat16, any shape and strides.
        scale: 1-D float32, one a slice.
        zero_point: 1-D int32, float32 or float16, one a slice.
        axis: 0 or more.
        quant_min: lowest quantized value; quant_max the highest.

    Returns:
        A tensor of the shape, dtype and (dense) strides of input; differentiable in input.
    """
    # where operators are traced, the count is a tensor
    if type(input) in _PLAIN and type(count := input.numel()) is int and count >= _SMALL:
        form = _form(input, "", axis, quant_min, quant_max, quant_min)
        if form and _channels_fit(input, scale, zero_point, axis, quant_min, quant_max):
            return _apply(form, input, scale.contiguous(), zero_point.contiguous())
    return torch.fake_quantize_per_channel_affine(input, scale, zero_point, axis, quant_min, quant_max)


def fake_quantize_per_tensor(
    input: Tensor, scale: float | Tensor, zero_point: int | Tensor, quant_min: int, quant_max: int
) -> Tensor:
    """Quantize and dequantize with one scale and one zero point.

    The same as `torch.fake_quantize_per_tensor_affine`, errors included.

    Args:
        input: float32, float64, float16 or bfloat16, any shape and strides.
        scale: a number, used as float32, or with a tensor for zero_point a tensor of one element.
        zero_point: an integer within the bounds, or a tensor of one element, which is not checked.
        quant_min: lowest quantized value; quant_max the highest.

    Returns:
        A tensor of the shape, dtype and (dense) strides of input; differentiable in input.
    """
    # where operators are traced, the count is a tensor
    if type(input) in _PLAIN and type(count := input.numel()) is int and count >= _SMALL:
        narrow = " narrow" if input.dtype is torch.float64 else ""
        form = _form(input, narrow, None, quant_min, quant_max, quant_max)
        parameters = _one_each(scale, zero_point, quant_min, quant_max) if form else None
        if form and parameters:
            return _apply(form, input, *parameters)
    theirs: Any = torch.fake_quantize_per_tensor_affine  # its overloads take two numbers or two tensors
    result: Tensor = theirs(input, scale, zero_point, quant_min, quant_max)
    return result


@dataclass(slots=True)  # frozen ones take three times as long to make
class _Form:
    """What is done to a tensor: the kernel, with its mask or without, and the bounds.

    Attributes:
        axis: whose slices have scales of their own; None when there is but one.
        top: what huge products become.
    """

    kernel: Kernel
    masked: bool
    axis: int | None
    low: int
    high: int
    top: int

    def run(self, input: Tensor, mask: Tensor, scale: Tensor, zero_point: Tensor) -> Tensor:
        """The result, in the strides that PyTorch would give it; `mask` is filled in where there is one."""
        output = torch.empty_like(input)
        if input.stride() != output.stride():  # not dense
            input = torch.empty_like(output).copy_(input)
        channels = scale.numel()
        inner = output.stride(self.axis) if self.axis is not None and channels > 1 else output.numel()
        backend().run(
            self.kernel, (input, output, mask, scale, zero_point),
            self.low, self.high, self.top, inner, channels, count=output.numel(),
        )  # fmt: skip
        return output


def _form(input: Tensor, variant: str, axis: int | None, low: Any, high: Any, top: int) -> _Form | None:
    """The kernel for a tensor; None where PyTorch's operator has to do, or has to refuse."""
    if torch.compiler.is_compiling() or _watched() or not _in_memory(input) or _flushing():
        return None
    if input.dtype not in _DTYPES or not input.numel():
        return None
    if type(low) is not int or type(high) is not int or not -_EXACT <= low <= high <= _EXACT:
        return None
    masked = input.requires_grad and torch.is_grad_enabled()
    if masked and input.numel() < _SMALL_MASKED:
        return None
    name = f"forward{'_masked' * masked} {_DTYPES[input.dtype]}{variant}"
    kernel = backend().kernel(name)
    return _Form(kernel, masked, axis, low, high, top) if kernel else None


class _FakeQuantize(torch.autograd.Function):
    """The operator for autograd: it keeps the mask of what was not clamped, a byte an element."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, scale: Tensor, zero_point: Tensor, form: _Form) -> Tensor:
        ctx.set_materialize_grads(False)
        mask = torch.empty_like(input, dtype=torch.bool)
        ctx.save_for_backward(mask)
        return form.run(input, mask, scale, zero_point)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:
        (mask,) = ctx.saved_tensors
        return None if gradient is None else _masked(gradient, mask), None, None, None


def _masked(gradient: Tensor, mask: Tensor) -> Tensor:
    """gradient * mask, itself differentiable.

    The mask is looked at as if it were a stranger's: a hook on saved tensors may have put another in its
    place.
    """
    if mask.dtype is not torch.bool or mask.numel() != gradient.numel():
        refused: Tensor = torch.ops.aten.fake_quantize_per_tensor_affine_cachemask_backward(gradient, mask)
        return refused
    plain = type(gradient) in _PLAIN and gradient.stride() == mask.stride() and gradient.dtype in _DTYPES
    differentiable = gradient.requires_grad and torch.is_grad_enabled()
    # the strides of a product's result are PyTorch's own choice where a dimension of one element has any
    plain = plain and (gradient.is_contiguous() or 1 not in gradient.shape)
    plain = plain and type(mask) in _PLAIN and mask.shape == gradient.shape
    kernel = None
    if plain and not differentiable and _in_memory(gradient) and _in_memory(mask) and not _watched():
        kernel = backend().kernel(f"backward {_DTYPES[gradient.dtype]}")
    if kernel is None:
        return gradient * mask
    # as a product's result
    memory_format = torch.contiguous_format if gradient.is_contiguous() else torch.preserve_format
    result = torch.empty_like(gradient, memory_format=memory_format)
    backend().run(kernel, (gradient, mask, result), count=result.numel())
    return result


def _apply(form: _Form, input: Tensor, scale: Tensor, zero_point: Tensor) -> Tensor:
    if form.masked:
        result: Tensor = _FakeQuantize.apply(input, scale, zero_point, form)  # type: ignore[no-untyped-call]
        return result
    return form.run(input, _NO_MASK, scale, zero_point)


def _in_memory(tensor: Tensor) -> bool:
    """Whether the numbers lie in the memory of the CPU as they are: strided, not negated, not nested."""
    return torch._C._dispatch_keys(tensor).raw_repr() in _PLAIN_KEYS


def _watched() -> bool:
    """Whether somebody else than a kernel must see what is done to tensors: a mode or a transform."""
    return bool(
        torch._C._len_torch_function_stack()
        or torch._C._len_torch_dispatch_stack()
        or torch._C._functorch.peek_interpreter_stack() is not None
        or torch.autograd.forward_ad._current_level >= 0
    )


def _flushing() -> bool:
    """Whether this thread takes denormal numbers for 0.

    PyTorch's other threads do not, and which of them has which element is PyTorch's own choice.
    """
    return _DENORMAL * _ONE == 0.0


def _constant(value: Any) -> bool:
    """Whether this is a plain tensor that no gradient is asked for."""
    return type(value) in _PLAIN and _in_memory(value) and not value.requires_grad


def _channels_fit(input: Tensor, scale: Any, zero_point: Any, axis: Any, low: int, high: int) -> bool:
    """Whether PyTorch would accept these, as far as the input's channels go."""
    if not (_constant(scale) and _constant(zero_point)):
        return False
    if scale.dtype is not torch.float32 or zero_point.dtype is not torch.int32:
        return False
    if type(axis) is not int or not 0 <= axis < input.dim() or scale.dim() != 1 or zero_point.dim() != 1:
        return False
    if not scale.numel() == zero_point.numel() == input.shape[axis]:
        return False
    return backend().inside(zero_point, low, high)


def _one_each(scale: Any, zero_point: Any, low: int, high: int) -> tuple[Tensor, Tensor] | None:
    """Scale and zero point, each as a tensor of one element; None where PyTorch has to look."""
    if type(scale) is float and type(zero_point) is int:
        # autocast has this overload run in float32
        if not low <= zero_point <= high or torch.is_autocast_enabled("cpu"):
            return None
        return (  # in a third of the time that torch.tensor takes
            torch.frombuffer(ctypes.c_float(scale), dtype=torch.float32),
            torch.frombuffer(ctypes.c_int32(zero_point), dtype=torch.int32),
        )
    if not (_constant(scale) and _constant(zero_point) and scale.numel() == zero_point.numel() == 1):
        return None
    if scale.dtype is not torch.float32 or zero_point.is_complex() or not abs(zero_point.item()) <= _EXACT:
        return None
    return scale.reshape(1), zero_point.reshape(1).to(torch.int32)
