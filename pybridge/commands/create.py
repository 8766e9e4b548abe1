"""Commands that make tensors."""

from typing import Any

from pybridge import errors
from pybridge.annotations import Device, Dtype, Tensor
from pybridge.bulk import Bulk, where
from pybridge.lazy import torch
from pybridge.registry import command, form
from pybridge.tcl_list import double_text
from pybridge.values import dtype_name

_EXACT_INTEGERS = 2**53  # beyond, neighbouring integers share a double


@command(also={"values": ("data",)}, when="shape")
def tensor_create(
    values: Bulk,
    shape: tuple[int, ...] | None = None,
    dtype: Dtype | None = None,
    device: Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a tensor of a number, a list or a nested list of numbers.

    Args:
        values: the elements, row by row. The nesting gives the shape; a one-element list of a number is that
            number, so a last dimension of size 1 needs `shape`.
        shape: another shape for the same number of elements; -1 once, for the size that fits.
        dtype: float32 by default, whatever the numbers look like. Integers reach an integer dtype exactly.
        device: cpu by default.
        requires_grad: whether gradients are recorded for it, as a leaf.

    Returns:
        The new tensor.

    Errors:
        An element that is no number, a ragged row, or an integer outside the dtype's range is named with its
        index.

    Example:
        torch::tensor_to_list [torch::tensor_create {{1 2} {3 4}} -dtype int64]
        => 1 2 3 4
    """
    target = dtype or torch.float32
    made = _elements(values, target).reshape(values.shape if shape is None else shape)
    return made.to(device or "cpu").requires_grad_(requires_grad)


@form("tensor_create", also={"values": ("data",)}, when="dtype")
def tensor_create_of_dtype(
    values: Bulk,
    dtype: Dtype | None = None,
    device: Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The second word is a dtype when it is no list of integers."""
    return tensor_create(values, None, dtype, device, requires_grad)


def tensor_from_doubles(values: Bulk) -> Tensor:
    """The numbers as a flat float64 tensor that owns its memory."""
    size = len(values.data) // (8 * len(values.format))
    if size == 0:
        return torch.empty(0, dtype=torch.float64)
    return torch.frombuffer(bytearray(values.data[: 8 * size]), dtype=torch.float64)


def _elements(values: Bulk, dtype: Dtype) -> Tensor:
    """The flat tensor of `dtype`; what does not fit is refused, as `torch.tensor` refuses it."""
    doubles = tensor_from_doubles(values)
    if dtype is torch.bool or dtype.is_floating_point or dtype.is_complex or not doubles.numel():
        return doubles.to(dtype)
    if dtype_name(dtype).startswith("q"):
        raise errors.arg_value("dtype", f"dtype {dtype_name(dtype)}: make a float tensor and quantize it")
    limits = torch.iinfo(dtype)
    lowest, highest = limits.min, min(limits.max, 2**63 - 1)
    integers = _integers(values, doubles)
    if integers is not None:
        outside = (integers < lowest) | (integers > highest)
    else:
        outside = ~(
            (doubles.trunc() >= float(lowest)) & (doubles < float(highest + 1))
        )  # NaN is outside, too
    if outside.any():
        _refuse(values, doubles, outside, f"{dtype_name(dtype)} ({limits.min} to {limits.max})")
    if integers is not None:
        return integers.to(dtype)
    inexact = doubles.abs() > _EXACT_INTEGERS
    if inexact.any():
        _refuse(values, doubles, inexact, "a list of integers and doubles (to 2**53; write all as integers)")
    return doubles.to(dtype)


def _integers(values: Bulk, doubles: Tensor) -> Tensor | None:
    """The elements as int64, when all are written as integers and fit."""
    if values.format != "dw":
        return None
    integers = torch.frombuffer(bytearray(values.data[len(values.data) // 2 :]), dtype=torch.int64)
    # `binary format w` takes the low 64 bits of anything larger
    return integers if bool((integers.to(torch.float64) == doubles).all()) else None


def _refuse(values: Bulk, doubles: Tensor, refused: Tensor, target: str) -> None:
    index = int(refused.nonzero()[0])
    number = doubles[index].item()
    # An integer beyond 2**53 may be a neighbour of this double: then the index has to do.
    shown = f" {double_text(number).removesuffix('.0')}" if abs(number) < _EXACT_INTEGERS else ""
    raise errors.arg_value(
        "values", f"the number{shown}{where(index, values.shape)} does not fit into {target}"
    )


def _settings(dtype: Dtype | None, device: Device | None, requires_grad: bool = False) -> dict[str, Any]:
    """Keywords for PyTorch's factories; float32 is the default dtype of every one of them."""
    return {"dtype": dtype or torch.float32, "device": device or "cpu", "requires_grad": requires_grad}


@command()
def zeros(
    shape: tuple[int, ...],
    dtype: Dtype | None = None,
    device: Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a tensor of zeros.

    Args:
        shape: sizes of its dimensions; {} for a single number.
        dtype: float32 by default.
        device: cpu by default.
        requires_grad: whether gradients are recorded for it.

    Returns:
        The new tensor.

    Example:
        torch::tensor_to_list [torch::zeros {2}]
        => 0.0 0.0
    """
    return torch.zeros(shape, **_settings(dtype, device, requires_grad))


@command()
def ones(
    shape: tuple[int, ...],
    dtype: Dtype | None = None,
    device: Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a tensor of ones. Arguments as for `zeros`.

    Example:
        torch::tensor_to_list [torch::ones {2}]
        => 1.0 1.0
    """
    return torch.ones(shape, **_settings(dtype, device, requires_grad))


@command(aliases=("Empty",))
def empty(
    shape: tuple[int, ...],
    dtype: Dtype | None = None,
    device: Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a tensor whose elements are not set. Arguments as for `zeros`.

    Example:
        torch::tensor_shape [torch::empty {2 3}]
        => 2 3
    """
    return torch.empty(shape, **_settings(dtype, device, requires_grad))


@command()
def full(
    shape: tuple[int, ...],
    value: int | float,
    dtype: Dtype | None = None,
    device: Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a tensor with one value in every element.

    Args:
        value: the value; what PyTorch makes of it for the dtype (5.7 becomes 5 in an integer one).
        shape: as for `zeros`, and so are dtype, device and requires_grad.

    Returns:
        The new tensor.

    Example:
        torch::tensor_to_list [torch::full {2} 7 int32]
        => 7 7
    """
    return torch.full(shape, value, **_settings(dtype, device, requires_grad))


@command(when="m")
def eye(
    n: int,
    m: int | None = None,
    dtype: Dtype | None = None,
    device: Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a matrix with ones on the diagonal and zeros elsewhere.

    Args:
        n: number of rows.
        m: number of columns; n by default.
        dtype: float32 by default; positionally it may follow n directly.
        device: cpu by default.
        requires_grad: whether gradients are recorded for it.

    Returns:
        The new tensor, of shape n m.

    Example:
        torch::tensor_to_list [torch::eye 2]
        => 1.0 0.0 0.0 1.0
    """
    return torch.eye(n, n if m is None else m, **_settings(dtype, device, requires_grad))


@form("eye", when="dtype")
def eye_of_dtype(
    n: int, dtype: Dtype | None = None, device: Device | None = None, requires_grad: bool = False
) -> Tensor:
    """The second word is a dtype when it is no integer."""
    return eye(n, None, dtype, device, requires_grad)


@command(when="dtype")
def arange(end: int | float, dtype: Dtype | None = None, device: Device | None = None) -> Tensor:
    """Make a 1-D tensor of evenly spaced numbers, the end left out.

    Args:
        end: where to stop, exclusive.
        start: where to begin; 0 by default.
        step: the distance between neighbours; 1 by default.
        dtype: float32 by default, for integer arguments, too.
        device: cpu by default.

    Returns:
        The new tensor, of ceil((end - start) / step) elements.

    Example:
        torch::tensor_to_list [torch::arange 1 7 2 int64]
        => 1 3 5
    """
    return torch.arange(end, dtype=dtype or torch.float32, device=device or "cpu")


@form("arange", when="step")
def arange_from(
    start: int | float,
    end: int | float,
    step: int | float = 1,
    dtype: Dtype | None = None,
    device: Device | None = None,
) -> Tensor:
    """Start, end and step."""
    return torch.arange(start, end, step, dtype=dtype or torch.float32, device=device or "cpu")


@form("arange", when="dtype")
def arange_from_of_dtype(
    start: int | float, end: int | float, dtype: Dtype | None = None, device: Device | None = None
) -> Tensor:
    """The third word is a dtype when it is no number."""
    return arange_from(start, end, 1, dtype, device)


@command()
def linspace(
    start: int | float,
    end: int | float,
    steps: int,
    dtype: Dtype | None = None,
    device: Device | None = None,
) -> Tensor:
    """Make a 1-D tensor of evenly spaced numbers, both ends included.

    Args:
        start: the first number.
        end: the last number.
        steps: how many.
        dtype: float32 by default.
        device: cpu by default.

    Returns:
        The new tensor, of shape steps.

    Example:
        torch::tensor_to_list [torch::linspace 0 1 3]
        => 0.0 0.5 1.0
    """
    return torch.linspace(start, end, steps, dtype=dtype or torch.float32, device=device or "cpu")


@command(aliases=("tensor_rand",))
def rand(shape: tuple[int, ...], device: Device | None = None, dtype: Dtype | None = None) -> Tensor:
    """Make a tensor of random numbers, uniform on [0, 1).

    Args:
        shape: sizes of its dimensions.
        device: cpu by default. Positionally it comes before the dtype, as in libtorchtcl.
        dtype: float32 by default.

    Returns:
        The new tensor.

    Example:
        torch::manual_seed 0
        torch::tensor_shape [torch::rand {2 3}]
        => 2 3
    """
    return torch.rand(shape, **_settings(dtype, device))


@command(aliases=("tensor_randn",))
def randn(shape: tuple[int, ...], device: Device | None = None, dtype: Dtype | None = None) -> Tensor:
    """Make a tensor of random numbers, normal with mean 0 and variance 1. Arguments as for `rand`.

    Example:
        torch::manual_seed 0
        torch::tensor_shape [torch::randn {2 3}]
        => 2 3
    """
    return torch.randn(shape, **_settings(dtype, device))


@command()
def randint(
    low: int,
    high: int,
    shape: tuple[int, ...],
    dtype: Dtype | None = None,
    device: Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a tensor of random integers, uniform on low .. high - 1.

    Args:
        low: the lowest integer.
        high: one above the highest.
        shape: sizes of its dimensions.
        dtype: float32 by default, as in every creator; int64 holds every integer.
        device: cpu by default.
        requires_grad: whether gradients are recorded for it.

    Returns:
        The new tensor.

    Example:
        torch::tensor_to_list [torch::randint 3 4 {2} int64]
        => 3 3
    """
    return torch.randint(low, high, shape, **_settings(dtype, device, requires_grad))


@command()
def zeros_like(
    input: Tensor, dtype: Dtype | None = None, device: Device | None = None, requires_grad: bool = False
) -> Tensor:
    """Make a tensor of zeros in the shape of another.

    Args:
        input: whose shape, dtype and device are taken.
        dtype: another dtype.
        device: another device.
        requires_grad: whether gradients are recorded for it.

    Returns:
        The new tensor.

    Example:
        torch::tensor_to_list [torch::zeros_like [torch::ones {2}]]
        => 0.0 0.0
    """
    return torch.zeros_like(input, dtype=dtype, device=device, requires_grad=requires_grad)


@command()
def ones_like(
    input: Tensor, dtype: Dtype | None = None, device: Device | None = None, requires_grad: bool = False
) -> Tensor:
    """Make a tensor of ones in the shape of another. Arguments as for `zeros_like`.

    Example:
        torch::tensor_to_list [torch::ones_like [torch::zeros {2}]]
        => 1.0 1.0
    """
    return torch.ones_like(input, dtype=dtype, device=device, requires_grad=requires_grad)


@command(also={"seed": ("s",)})
def manual_seed(seed: int) -> None:
    """Seed PyTorch's random numbers; the generator is one for the whole process.

    Args:
        seed: any 64-bit integer.

    Returns:
        Nothing.

    Example:
        torch::manual_seed 7
        set a [torch::tensor_to_list [torch::rand {3}]]
        torch::manual_seed 7
        expr {$a eq [torch::tensor_to_list [torch::rand {3}]]}
        => 1
    """
    torch.manual_seed(seed)
