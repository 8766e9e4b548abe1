"""Commands that make random tensors. The generator is PyTorch's, one for the whole process."""

from pybridge.annotations import Device, Dtype, Tensor
from pybridge.commands.create import settings
from pybridge.lazy import torch
from pybridge.registry import command


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
    return torch.rand(shape, **settings(dtype, device))


@command(aliases=("tensor_randn",))
def randn(shape: tuple[int, ...], device: Device | None = None, dtype: Dtype | None = None) -> Tensor:
    """Make a tensor of random numbers, normal with mean 0 and variance 1. Arguments as for `rand`.

    Example:
        torch::manual_seed 0
        torch::tensor_shape [torch::randn {2 3}]
        => 2 3
    """
    return torch.randn(shape, **settings(dtype, device))


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
    return torch.randint(low, high, shape, **settings(dtype, device, requires_grad))


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
