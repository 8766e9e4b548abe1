"""Commands that compute: arithmetic, reductions, changes of shape.

Each is the PyTorch function of the same name, result dtype included.
"""

from pybridge.annotations import Device, Dtype, Tensor
from pybridge.lazy import torch
from pybridge.registry import command


@command(also={"input1": ("input",), "input2": ("other",)})
def tensor_add(input1: Tensor, input2: Tensor | int | float, alpha: int | float = 1) -> Tensor:
    """Add: input1 + alpha * input2, with broadcasting.

    Args:
        input1: any tensor.
        input2: a tensor, or a number.
        alpha: 1 by default.

    Returns:
        A tensor of the broadcast shape; the dtype is PyTorch's promotion of both.

    Example:
        torch::tensor_to_list [torch::tensor_add [torch::ones {2}] 3]
        => 4.0 4.0
    """
    # a keyword makes PyTorch's own argument parsing a third slower
    return torch.add(input1, input2) if alpha == 1 else torch.add(input1, input2, alpha=alpha)


@command()
def tensor_sub(input: Tensor, other: Tensor | int | float, alpha: int | float = 1) -> Tensor:
    """Subtract: input - alpha * other, with broadcasting.

    Args:
        input: any tensor.
        other: a tensor, or a number.
        alpha: 1 by default.

    Returns:
        A tensor of the broadcast shape; the dtype is PyTorch's promotion of both.

    Example:
        torch::tensor_to_list [torch::tensor_sub [torch::ones {2}] 3]
        => -2.0 -2.0
    """
    return torch.sub(input, other, alpha=alpha)


@command()
def tensor_mul(input: Tensor, other: Tensor | int | float) -> Tensor:
    """Multiply element by element, with broadcasting.

    Args:
        input: any tensor.
        other: a tensor, or a number.

    Returns:
        A tensor of the broadcast shape; the dtype is PyTorch's promotion of both.

    Example:
        torch::tensor_to_list [torch::tensor_mul [torch::ones {2}] 3]
        => 3.0 3.0
    """
    return torch.mul(input, other)


@command()
def tensor_div(input: Tensor, other: Tensor | int | float) -> Tensor:
    """Divide element by element, with broadcasting; a true division for integers, too.

    Args:
        input: any tensor.
        other: a tensor, or a number.

    Returns:
        A tensor of the broadcast shape, of a floating dtype.

    Example:
        torch::tensor_to_list [torch::tensor_div [torch::ones {2}] 4]
        => 0.25 0.25
    """
    return torch.div(input, other)


@command()
def tensor_matmul(input: Tensor, other: Tensor) -> Tensor:
    """Multiply matrices; batches of them broadcast (`torch.matmul`).

    Args:
        input: a tensor of at least one dimension.
        other: another, whose last but one dimension fits the last one of input.

    Returns:
        The product, of the dtype of both.

    Example:
        torch::tensor_to_list [torch::tensor_matmul [torch::ones {1 3}] [torch::ones {3 1}]]
        => 3.0
    """
    return torch.matmul(input, other)


@command()
def tensor_abs(input: Tensor) -> Tensor:
    """Take absolute values.

    Args:
        input: any tensor.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        torch::tensor_to_list [torch::tensor_abs [torch::full {2} -1.5]]
        => 1.5 1.5
    """
    return torch.abs(input)


@command()
def tensor_sqrt(input: Tensor) -> Tensor:
    """Take square roots; NaN for negative elements.

    Args:
        input: any tensor.

    Returns:
        A tensor of the same shape; integers give float32.

    Example:
        torch::tensor_to_list [torch::tensor_sqrt [torch::full {2} 9]]
        => 3.0 3.0
    """
    return torch.sqrt(input)


@command()
def tensor_exp(input: Tensor) -> Tensor:
    """Raise e to each element.

    Args:
        input: any tensor.

    Returns:
        A tensor of the same shape; integers give float32.

    Example:
        torch::tensor_to_list [torch::tensor_exp [torch::zeros {2}]]
        => 1.0 1.0
    """
    return torch.exp(input)


@command()
def tensor_log(input: Tensor) -> Tensor:
    """Take natural logarithms; -Inf for 0, NaN for negative elements.

    Args:
        input: any tensor.

    Returns:
        A tensor of the same shape; integers give float32.

    Example:
        torch::tensor_to_list [torch::tensor_log [torch::ones {2}]]
        => 0.0 0.0
    """
    return torch.log(input)


@command()
def tensor_relu(input: Tensor) -> Tensor:
    """Replace negative elements with 0.

    Args:
        input: any real tensor.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        torch::tensor_to_list [torch::tensor_relu [torch::tensor_create {-1 2}]]
        => 0.0 2.0
    """
    return torch.relu(input)


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
        unbiased: 1 by default, which divides by n - 1; with 0, by n.

    Returns:
        A tensor without that dimension, of the same dtype.

    Example:
        torch::tensor_item [torch::tensor_std [torch::tensor_create {1 3}] -unbiased 0]
        => 1.0
    """
    return torch.std(input, unbiased=unbiased) if dim is None else torch.std(input, dim, unbiased=unbiased)


@command()
def tensor_reshape(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Give a tensor another shape, sharing its memory where possible.

    Args:
        input: any tensor.
        shape: sizes with the same product; -1 once, for the size that fits.

    Returns:
        A tensor of that shape.

    Example:
        torch::tensor_shape [torch::tensor_reshape [torch::zeros {2 3}] {3 -1}]
        => 3 2
    """
    return input.reshape(shape)


@command()
def tensor_permute(input: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Reorder the dimensions of a tensor; a view on the same memory.

    Args:
        input: any tensor.
        dims: every dimension once, in the new order.

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

    Args:
        input: any tensor.
        device: where it is to be; by default where it is.
        dtype: what it is to be; by default what it is.

    Returns:
        The converted tensor, on the same memory when nothing changes.

    Example:
        torch::tensor_to_list [torch::tensor_to [torch::full {2} 2.5] -dtype int32]
        => 2 2
    """
    return input.to(device=device, dtype=dtype)
