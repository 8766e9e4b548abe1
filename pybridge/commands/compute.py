"""Arithmetic on tensors. Each command is the PyTorch function of that name, result dtype included.

See also: convert, nn, reduce
"""

from pybridge.annotations import Tensor
from pybridge.lazy import torch
from pybridge.registry import command


@command(also={"input1": ("input",), "input2": ("other",)})
def tensor_add(input1: Tensor, input2: Tensor | int | float, alpha: int | float = 1) -> Tensor:
    """Add: input1 + alpha * input2, with broadcasting.

    Args:
        input1: any tensor.
        input2: a tensor, or a number.
        alpha: what input2 is multiplied by first.

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
        alpha: what other is multiplied by first.

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
    """Multiply a matrix by a matrix; batches of matrices broadcast (`torch.matmul`).

    Args:
        input: a tensor of at least one dimension.
        other: another, whose last but one dimension fits the last one of input.

    Returns:
        The product, of the dtype of both.

    Example:
        set x [torch::ones {1 3}]
        torch::tensor_to_list [torch::tensor_matmul $x [torch::ones {3 1}]]
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
        set x [torch::tensor_create {-1 2}]
        torch::tensor_to_list [torch::tensor_relu $x]
        => 0.0 2.0
    """
    return torch.relu(input)
