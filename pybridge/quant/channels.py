"""Which elements of a tensor share a scale: all, those of a slice of one dimension, or those of a group."""

from dataclasses import dataclass

import torch

from pybridge.quant.arguments import BadArgument, checked_dim, elements


@dataclass(frozen=True)
class Channels:
    """How a tensor is cut into channels, each with a scale of its own.

    Attributes:
        axis: a channel is a slice of this dimension, which counts from the end when negative.
        group_size: a channel is so many neighbours along the last dimension. Without either, all is one.

    Raises:
        BadArgument: for both at once, or a group_size below 1.
    """

    axis: int | None = None
    group_size: int | None = None

    def __post_init__(self) -> None:
        if self.group_size is None:
            return
        if self.axis is not None:
            raise BadArgument("axis", "axis cannot be given with group_size, which cuts the last dimension")
        if self.group_size < 1:
            raise BadArgument("group_size", f"group_size must be at least 1 but is {self.group_size}")

    @property
    def is_one(self) -> bool:
        """Whether the whole tensor is one channel."""
        return self.axis is None and self.group_size is None

    def check_count(self, parameter: str, given: int, channels: int) -> None:
        """There must be a number for each channel.

        Raises:
            BadArgument: it says why as many are needed.
        """
        if given == channels:
            return
        if self.group_size is not None:
            why = f"one for each group of {self.group_size}"
        elif self.axis is not None:
            why = f"one for each slice of axis {self.axis}"
        else:
            why = "because neither axis nor group_size is given"
        raise BadArgument(parameter, f"{parameter} must have {elements(channels)}, {why}, but has {given}")

    def rows(self, tensor: torch.Tensor) -> torch.Tensor:
        """The elements of each channel in a row, 2-D; for a tensor that is one channel 1-D.

        Raises:
            BadArgument: for an axis that the tensor does not have, or a last dimension that is no multiple of
                group_size.
        """
        if self.group_size is not None:
            self._check_groups(tensor, self.group_size)
            return tensor.reshape(tensor.numel() // self.group_size, self.group_size)
        if self.axis is None:
            return tensor.reshape(-1)
        axis = checked_dim(self.axis, "axis", tensor)
        size = tensor.shape[axis]
        return tensor.transpose(0, axis).reshape(size, tensor.numel() // size if size else 0)

    def _check_groups(self, tensor: torch.Tensor, group_size: int) -> None:
        if not tensor.dim():
            raise BadArgument("group_size", "group_size needs an input with a dimension but it has none")
        if tensor.shape[-1] % group_size:
            size = tensor.shape[-1]
            raise BadArgument(
                "group_size",
                f"group_size must divide the last dimension of input, {size}, but is {group_size}",
            )
