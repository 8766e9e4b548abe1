"""Reductions: from all elements, or those along one dimension, to one."""

from pybridge.annotations import Tensor
from pybridge.lazy import torch
from pybridge.registry import command


@command()
def tensor_sum(input: Tensor, dim: int | None = None) -> Tensor:
    """Sum the elements, of the whole tensor or along one dimension.

    Args:
        input: any tensor.
        dim: the dimension to sum along; a negative one counts from the end. All by default.

    Returns:
        A tensor without that dimension; integers and booleans sum to int64.

    Example:
        torch::tensor_item [torch::tensor_sum [torch::ones {2 3}]]
        => 6.0
    """
    return torch.sum(input) if dim is None else torch.sum(input, dim)


@command()
def tensor_mean(input: Tensor, dim: int | None = None) -> Tensor:
    """Average the elements, of the whole tensor or along one dimension.

    Args:
        input: a floating-point tensor.
        dim: the dimension to average along; a negative one counts from the end. All by default.

    Returns:
        A tensor without that dimension, of the same dtype.

    Example:
        torch::tensor_item [torch::tensor_mean [torch::tensor_create {1 2 6}]]
        => 3.0
    """
    return torch.mean(input) if dim is None else torch.mean(input, dim)


@command()
def tensor_max(input: Tensor, dim: int | None = None) -> Tensor:
    """Find the largest element, of the whole tensor or along one dimension; NaN when there is one.

    Args:
        input: a real tensor of at least one element.
        dim: the dimension to search along; a negative one counts from the end. All by default.

    Returns:
        The values, a tensor without that dimension, of the same dtype.

    Example:
        torch::tensor_item [torch::tensor_max [torch::tensor_create {1 6 2}]]
        => 6.0
    """
    return torch.max(input) if dim is None else torch.max(input, dim).values


@command()
def tensor_min(input: Tensor, dim: int | None = None) -> Tensor:
    """Find the smallest element, of the whole tensor or along one dimension; NaN when there is one.

    Args:
        input: a real tensor of at least one element.
        dim: the dimension to search along; a negative one counts from the end. All by default.

    Returns:
        The values, a tensor without that dimension, of the same dtype.

    Example:
        torch::tensor_item [torch::tensor_min [torch::tensor_create {4 1 2}]]
        => 1.0
    """
    return torch.min(input) if dim is None else torch.min(input, dim).values


@command(also={"input": ("tensor",), "dim": ("dimension",)})
def tensor_std(input: Tensor, dim: int | None = None, unbiased: bool = True) -> Tensor:
    """Take the standard deviation, of the whole tensor or along one dimension.

    Args:
        input: a floating-point tensor.
        dim: the dimension; a negative one counts from the end. All by default.
        unbiased: with 1 the sum of squares is divided by n - 1, with 0 by n.

    Returns:
        A tensor without that dimension, of the same dtype.

    Example:
        set x [torch::tensor_create {1 3}]
        torch::tensor_item [torch::tensor_std $x -unbiased 0]
        => 1.0
    """
    return torch.std(input, unbiased=unbiased) if dim is None else torch.std(input, dim, unbiased=unbiased)
