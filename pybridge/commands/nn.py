"""The functions behind network layers, applied to tensors; the layers themselves are not there yet."""

from typing import NoReturn

from pybridge import errors
from pybridge.annotations import Tensor
from pybridge.lazy import torch
from pybridge.registry import command, form


@command(when="input")
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: tuple[int, ...] = (1,),
    padding: tuple[int, ...] = (0,),
    dilation: tuple[int, ...] = (1,),
    groups: int = 1,
) -> Tensor:
    """Convolve images with kernels (`torch.nn.functional.conv2d`).

    Args:
        input: shape N C H W, or C H W.
        weight: shape O C/groups kH kW.
        bias: shape O; none by default.
        stride: one integer, or two for height and width.
        padding: zeros added on each side; one integer, or two for height and width.
        dilation: the distance between kernel elements; one integer, or two.
        groups: into how many the channels are divided; each is convolved by itself.

    Returns:
        A tensor of shape N O H' W'.

    Errors:
        TORCH UNSUPPORTED conv2d, when the first word is an integer or the command is called conv2dLayer: that
        makes a layer in libtorchtcl.

    Example:
        set image [torch::ones {1 1 2 2}]
        torch::tensor_to_list [torch::conv2d $image [torch::ones {1 1 2 2}]]
        => 4.0
    """
    return torch.conv2d(input, weight, bias, stride, padding, dilation, groups)


@form("conv2d", names=("conv2dLayer",), when="in_channels")
def conv2d_layer(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    bias: bool = True,
) -> NoReturn:
    """A layer with its own weights."""
    raise errors.unsupported("conv2d", "conv2d makes no layers yet: give it tensors, input and weight")


@command(when="input")
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiply by a weight matrix and add a bias: input @ weight^T + bias (`torch.nn.functional.linear`).

    Args:
        input: shape ... in_features.
        weight: shape out_features in_features.
        bias: shape out_features; none by default.

    Returns:
        A tensor of shape ... out_features.

    Errors:
        TORCH UNSUPPORTED linear, when the first word is an integer or the command is called linearLayer: that
        makes a layer in libtorchtcl.

    Example:
        set y [torch::linear [torch::ones {1 3}] [torch::ones {2 3}]]
        torch::tensor_to_list $y
        => 3.0 3.0
    """
    return torch.nn.functional.linear(input, weight, bias)


@form("linear", names=("linearLayer",), when="in_features")
def linear_layer(in_features: int, out_features: int, bias: bool = True) -> NoReturn:
    """A layer with its own weights."""
    raise errors.unsupported("linear", "linear makes no layers yet: give it tensors, input and weight")
