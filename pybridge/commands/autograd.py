"""Commands of automatic differentiation.

See also: learnable, nn
"""

from pybridge import errors
from pybridge.annotations import Tensor
from pybridge.handles import HandleTable
from pybridge.lazy import torch
from pybridge.registry import command, tcl_command


@command()
def tensor_backward(input: Tensor, gradient: Tensor | None = None, retain_graph: bool = False) -> None:
    """Compute the gradients of a tensor and add them up in the leaves it was computed from.

    Args:
        input: a tensor of one element, unless a gradient is given.
        gradient: the gradient of the final result with respect to input, of its shape; 1 by default.
        retain_graph: keep what a second call needs.

    Returns:
        Nothing; `tensor_grad` reads the gradients.

    Errors:
        TORCH RUNTIME RuntimeError, when no gradients were recorded for input.

    Example:
        set x [torch::tensor_create {1 2} -requires_grad 1]
        torch::tensor_backward [torch::tensor_sum [torch::tensor_mul $x $x]]
        torch::tensor_to_list [torch::tensor_grad $x]
        => 2.0 4.0
    """
    torch.autograd.backward(input, gradient, retain_graph=retain_graph)


@command()
def tensor_grad(input: Tensor) -> Tensor:
    """Return the gradient that `tensor_backward` has added up in a leaf.

    Args:
        input: a tensor made with requires_grad.

    Returns:
        A tensor of the same shape, sharing the memory of the gradient.

    Errors:
        TORCH ARG VALUE input, when there is no gradient.

    Example:
        set x [torch::tensor_create {1 2} -requires_grad 1]
        torch::tensor_backward [torch::tensor_sum $x]
        torch::tensor_to_list [torch::tensor_grad $x]
        => 1.0 1.0
    """
    if not input.requires_grad:
        raise errors.arg_value("input", "input has no gradient: it was made without requires_grad")
    if not input.is_leaf:
        raise errors.arg_value("input", "input has no gradient: it is computed, and only leaves keep theirs")
    if input.grad is None:
        raise errors.arg_value("input", "input has no gradient yet: call tensor_backward first")
    return input.grad


@command()
def set_grad_enabled(table: HandleTable, enabled: bool) -> None:
    """Record gradients from now on, or stop recording them. The setting is the interpreter's own.

    Args:
        enabled: 1 or 0.

    Returns:
        Nothing.

    Example:
        torch::set_grad_enabled 0
        set recorded [torch::is_grad_enabled]
        torch::set_grad_enabled 1
        set recorded
        => 0
    """
    table.grad_enabled = enabled


@command()
def enable_grad(table: HandleTable) -> None:
    """Record gradients from now on: the way back from `no_grad` without a script.

    Returns:
        Nothing.

    Example:
        torch::no_grad
        torch::enable_grad
        torch::is_grad_enabled
        => 1
    """
    table.grad_enabled = True


@command()
def is_grad_enabled(table: HandleTable) -> bool:
    """Return 1 when gradients are recorded here, else 0.

    Returns:
        1 or 0.

    Example:
        torch::no_grad {torch::is_grad_enabled}
        => 0
    """
    return table.records_gradients


tcl_command(
    __name__,
    "no_grad",
    "?script?",
    """Run a script in which no gradients are recorded.

    Args:
        script: runs in the caller's frame; return, break, continue and errors pass through. Without it, no
            gradients are recorded from now on, until `enable_grad` (libtorchtcl's global switch).

    Returns:
        The result of the script.

    Example:
        set x [torch::ones {2} -requires_grad 1]
        torch::no_grad {torch::tensor_requires_grad [torch::tensor_add $x $x]}
        => 0
    """,
)
