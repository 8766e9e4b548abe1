"""Commands that give a tensor another shape, dtype or device."""

from pybridge.annotations import Device, Dtype, Tensor
from pybridge.registry import command


@command()
def tensor_reshape(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Give a tensor another shape, sharing its memory where possible.

    Args:
        input: any tensor.
        shape: sizes with the same product; -1 once, for the size that fits.

    Returns:
        A tensor of that shape.

    Example:
        set x [torch::zeros {2 3}]
        torch::tensor_shape [torch::tensor_reshape $x {3 -1}]
        => 3 2
    """
    return input.reshape(shape)


@command()
def tensor_permute(input: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Reorder the dimensions of a tensor; a view on the same memory.

    Args:
        input: any tensor.
        dims: every dimension once, in the new order; `{1 0}` is the transpose of a matrix.

    Returns:
        The view.

    Example:
        torch::tensor_shape [torch::tensor_permute [torch::zeros {2 3}] {1 0}]
        => 3 2
    """
    return input.permute(dims)


@command()
def tensor_to(input: Tensor, device: Device | None = None, dtype: Dtype | None = None) -> Tensor:
    """Move a tensor to a device, or convert it to a dtype.

    To an integer dtype, fractions are cut off, and what is beyond its range becomes another number;
    `quantize_integers` rounds and clamps.

    Args:
        input: any tensor.
        device: where it is to be; by default where it is.
        dtype: what it is to be; by default what it is.

    Returns:
        The converted tensor, on the same memory when nothing changes.

    Example:
        set x [torch::full {2} 2.5]
        torch::tensor_to_list [torch::tensor_to $x -dtype int32]
        => 2 2
    """
    return input.to(device=device, dtype=dtype)
