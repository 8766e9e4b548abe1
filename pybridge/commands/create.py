"""Commands that make tensors.

See also: convert, files, random
"""

from typing import Any

from pybridge.annotations import Device, Dtype, Tensor
from pybridge.bulk import Bulk
from pybridge.elements import elements
from pybridge.lazy import torch
from pybridge.registry import command, form


def settings(dtype: Dtype | None, device: Device | None, requires_grad: bool = False) -> dict[str, Any]:
    """Keywords for PyTorch's factories; float32 is the default dtype of every one of them."""
    return {"dtype": dtype or torch.float32, "device": device or "cpu", "requires_grad": requires_grad}


@command(also={"values": ("data",)}, when="shape")
def tensor_create(
    values: Bulk,
    shape: tuple[int, ...] | None = None,
    dtype: Dtype | None = None,
    device: Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a tensor of a number, a list or a nested list of numbers.

    Tcl's split reads the rows of a CSV file of plain numbers: from its text, the values are `[lmap row [split
    [string trim $text] \\n] {split $row ,}]`.

    Args:
        values: the elements, row by row. The nesting gives the shape; a one-element list of a number is that
            number, so a last dimension of size 1 needs `shape`.
        shape: another shape for the same number of elements; -1 once, for the size that fits.
        dtype: float32 by default, whatever the numbers look like. Integers reach an integer dtype exactly;
            fractions are cut off towards zero.
        device: cpu by default.
        requires_grad: whether gradients are recorded for it, as a leaf.

    Returns:
        The new tensor.

    Errors:
        An element that is no number, a ragged row, or an integer outside the dtype's range is named with its
        index.

    Example:
        set x [torch::tensor_create {{1 2} {3 4}} -dtype int64]
        torch::tensor_to_list $x
        => 1 2 3 4
    """
    target = dtype or torch.float32
    made = elements(values, target).reshape(values.shape if shape is None else shape)
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
    return torch.zeros(shape, **settings(dtype, device, requires_grad))


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
    return torch.ones(shape, **settings(dtype, device, requires_grad))


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
    return torch.empty(shape, **settings(dtype, device, requires_grad))


@command()
def full(
    shape: tuple[int, ...],
    value: int | float,
    dtype: Dtype | None = None,
    device: Device | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a tensor with one value in every element. Other arguments as for `zeros`.

    Args:
        value: the value; what PyTorch makes of it for the dtype (5.7 becomes 5 in an integer one).

    Returns:
        The new tensor.

    Example:
        torch::tensor_to_list [torch::full {2} 7 int32]
        => 7 7
    """
    return torch.full(shape, value, **settings(dtype, device, requires_grad))


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
    return torch.eye(n, n if m is None else m, **settings(dtype, device, requires_grad))


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
        start: where to begin; 0 when only the end is given.
        step: the distance between neighbours, after start and end.
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
