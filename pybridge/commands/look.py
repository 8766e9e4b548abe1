"""Commands that look at a tensor.

See also: convert, reduce
"""

from typing import Any

from pybridge import errors
from pybridge.annotations import Tensor
from pybridge.bulk import Bulk
from pybridge.lazy import torch
from pybridge.names import dtype_name
from pybridge.registry import command
from pybridge.summary import table
from pybridge.tcl_list import double_text

_ALSO = {"input": ("tensor",)}


@command(also=_ALSO)
def tensor_shape(input: Tensor) -> tuple[int, ...]:
    """Return the sizes of a tensor's dimensions, as a list; a single number has none.

    Args:
        input: any tensor.

    Returns:
        A list of integers.

    Example:
        torch::tensor_shape [torch::zeros {2 3}]
        => 2 3
    """
    return tuple(input.shape)


@command(also=_ALSO)
def tensor_dtype(input: Tensor) -> str:
    """Return the name of a tensor's dtype, such as `float32` or `qint8`.

    Args:
        input: any tensor.

    Returns:
        PyTorch's name, without `torch.`.

    Example:
        torch::tensor_dtype [torch::zeros {2} int64]
        => int64
    """
    return dtype_name(input.dtype)


@command(also=_ALSO)
def tensor_device(input: Tensor) -> str:
    """Return the name of the device that holds a tensor, such as `cpu` or `cuda:0`.

    Args:
        input: any tensor.

    Returns:
        PyTorch's name of the device.

    Example:
        torch::tensor_device [torch::zeros {2}]
        => cpu
    """
    return str(input.device)


@command(also=_ALSO)
def tensor_numel(input: Tensor) -> int:
    """Return the number of a tensor's elements.

    Args:
        input: any tensor.

    Returns:
        An integer.

    Example:
        torch::tensor_numel [torch::zeros {2 3}]
        => 6
    """
    return input.numel()


@command(also=_ALSO)
def tensor_item(input: Tensor) -> int | float | bool:
    """Return the only element of a tensor as a number, at full precision.

    Args:
        input: a tensor of one element, of any shape; not complex.

    Returns:
        A double for floating dtypes (a float32 0.1 is 0.10000000149011612), an integer for integer dtypes,
        1 or 0 for bool.

    Errors:
        TORCH ARG VALUE input, when there is not exactly one element.

    Example:
        torch::tensor_item [torch::full {} 2.5]
        => 2.5
    """
    if input.numel() != 1:
        raise errors.arg_value("input", f"tensor_item needs a tensor of one element but got {input.numel()}")
    return _plain(input).item()


@command(also=_ALSO)
def tensor_to_list(input: Tensor, nested: bool = False) -> Bulk:
    """Return the elements of a tensor as a list, row by row.

    Args:
        input: any tensor; not complex. Quantized ones give their dequantized values.
        nested: with 1 the nesting of the list mirrors the shape; with 0 it is flat.

    Returns:
        A list of numbers as in `tensor_item`, bit for bit.

    Example:
        torch::tensor_to_list [torch::eye 2] 1
        => {1.0 0.0} {0.0 1.0}
    """
    flat = _plain(input).flatten()
    if flat.dtype is torch.uint64:
        wide, code = flat.view(torch.int64), "wu*"
    elif flat.is_floating_point():
        wide, code = flat.to(torch.float64), "d*"
    else:
        wide, code = flat.to(torch.int64), "w*"
    data = wide.contiguous().view(torch.uint8).numpy().data
    return Bulk(data, code, tuple(input.shape) if nested else ())


@command()
def tensor_print(input: Tensor) -> str:
    """Return the elements of a tensor as text to read: a nested list, with a line for each row of the first
    dimension. It prints nothing.

    Args:
        input: any tensor; not complex.

    Returns:
        The text, which is a Tcl list, too: `tensor_to_list -nested 1` with line breaks.

    Example:
        torch::tensor_print [torch::eye 2]
        => {1.0 0.0}
           {0.0 1.0}
    """
    rows: Any = _plain(input).tolist()
    if not isinstance(rows, list):
        return _text(rows)
    return ("\n" if input.dim() > 1 else " ").join(_text(row) for row in rows)


@command()
def show(tensor: Tensor, rows: int = 6, digits: int = 4) -> str:
    """Show a tensor as people read it: shape, dtype, and the elements at its edges. It returns the text and
    prints nothing; `tensor_to_list` gives all elements at full precision.

    Args:
        tensor: any tensor; of a large one only the edges are looked at.
        rows: how many indices of each dimension but the last are shown, 1 or more.
        digits: digits after the decimal point, 0 to 17.

    Returns:
        Text of at most 80 columns, where digits allow it, and some hundred lines.

    Example:
        torch::show [torch::tensor_create {{1 2.5} {-3 4}}] -digits 1
        => float32 [2, 2]  mean 1.125 std 3.01
           [0]   1.0   2.5
           [1]  -3.0   4.0
    """
    if rows < 1:
        raise errors.arg_value("rows", f"rows must be 1 or more but is {rows}")
    if not 0 <= digits <= 17:
        raise errors.arg_value("digits", f"digits must be 0 to 17 but is {digits}")
    return table(tensor, rows, digits)


@command(also=_ALSO)
def tensor_requires_grad(input: Tensor) -> bool:
    """Return 1 when gradients are recorded for a tensor, else 0.

    Args:
        input: any tensor.

    Returns:
        1 or 0.

    Example:
        torch::tensor_requires_grad [torch::zeros {2} -requires_grad 1]
        => 1
    """
    return input.requires_grad


def _plain(input: Tensor) -> Tensor:
    """The tensor on the CPU, dequantized and outside autograd."""
    if input.is_complex():
        raise errors.unsupported("complex", "Tcl has no complex numbers")
    plain = input.detach().cpu()
    return plain.dequantize() if plain.is_quantized else plain


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "{" + " ".join(_text(element) for element in value) + "}"
    return double_text(value) if isinstance(value, float) else str(int(value))
