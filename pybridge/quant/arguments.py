"""What the functions of this package say about an argument that they refuse."""

import torch

from pybridge.names import dtype_name

Tensor = torch.Tensor


class BadArgument(ValueError):
    """An argument of the right type that a function refuses.

    Attributes:
        parameter: its name; the message says what it got and what it needs.
    """

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def shown(shape: torch.Size) -> str:
    """A shape as Tcl writes it: `{2 3}`."""
    return f"{{{' '.join(map(str, shape))}}}"


def elements(count: int) -> str:
    """How many elements, as in `1 element`."""
    return f"{count} element{'' if count == 1 else 's'}"


def checked_dim(dim: int, parameter: str, tensor: Tensor) -> int:
    """The dimension counted from 0."""
    dims = tensor.dim()
    if not dims:
        raise BadArgument(
            parameter, f"{parameter} must be a dimension of a tensor that has none but is {dim}"
        )
    if not -dims <= dim < dims:
        raise BadArgument(
            parameter, f"{parameter} must be in -{dims} .. {dims - 1} for this tensor but is {dim}"
        )
    return dim % dims


def check_choice(value: str, parameter: str, allowed: tuple[str, ...]) -> None:
    """`value` must be one of those allowed."""
    if value not in allowed:
        raise BadArgument(parameter, f'{parameter} must be one of {", ".join(allowed)} but is "{value}"')


def check_broadcast(part: Tensor, parameter: str, whole: Tensor) -> None:
    """`part` must broadcast to the shape of `whole`, and leave it as it is."""
    sizes = zip(reversed(part.shape), reversed(whole.shape), strict=False)
    if part.dim() > whole.dim() or any(size not in (1, other) for size, other in sizes):
        raise BadArgument(
            parameter,
            f"{parameter} must broadcast to the shape {shown(whole.shape)} but has {shown(part.shape)}",
        )


def checked_real(tensor: Tensor, parameter: str) -> Tensor:
    """The tensor outside autograd, when it is one of real numbers that are there to be read."""
    if tensor.is_complex():
        raise BadArgument(parameter, f"{parameter} must be real but is {dtype_name(tensor.dtype)}")
    if tensor.is_quantized:
        name = dtype_name(tensor.dtype)
        raise BadArgument(parameter, f"{parameter} must be a plain tensor but is {name}: dequantize it first")
    if tensor.layout is not torch.strided or tensor.is_meta:
        kind = "meta" if tensor.is_meta else str(tensor.layout).removeprefix("torch.")
        raise BadArgument(parameter, f"{parameter} must be dense but is {kind}")
    return tensor.detach()


def checked_floating(tensor: Tensor, parameter: str) -> Tensor:
    """The tensor outside autograd, when it is a dense one of a floating-point dtype."""
    tensor = checked_real(tensor, parameter)
    if not tensor.is_floating_point():
        raise BadArgument(parameter, f"{parameter} must be floating-point but is {dtype_name(tensor.dtype)}")
    return tensor


def checked_integers(tensor: Tensor, parameter: str) -> Tensor:
    """The tensor outside autograd, when it is a dense one of an integer dtype, which bool is not."""
    tensor = checked_real(tensor, parameter)
    if tensor.is_floating_point() or tensor.dtype is torch.bool:
        raise BadArgument(parameter, f"{parameter} must be integers but is {dtype_name(tensor.dtype)}")
    return tensor


def checked_scale(scale: Tensor, dtype: torch.dtype) -> Tensor:
    """The scale, with its history, in the dtype that is computed in; all finite and above 0 there."""
    exact = checked_real(scale, "scale")
    if scale.dtype is torch.bool:
        raise BadArgument("scale", "scale must be of numbers but is bool")
    narrow = scale.to(dtype)
    for bad, text in (
        (~((exact > 0) & exact.isfinite()), "must be finite and above 0 but holds {}"),
        ((narrow == 0) | narrow.isinf(), f"holds {{}}, which {dtype_name(dtype)} cannot hold"),
    ):
        if bad.any():
            raise BadArgument("scale", f"scale {text.format(exact[bad][0].item())}")
    return narrow
