"""What commands annotate their parameters with, beyond Python's own types. No torch is imported for it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor as Tensor
    from torch import device as Device
    from torch import dtype as Dtype
else:

    class Tensor:
        """Takes the handle of a tensor; type checkers see `torch.Tensor`."""

    class Dtype:
        """Takes the name of a dtype; type checkers see `torch.dtype`."""

    class Device:
        """Takes the name of a device; type checkers see `torch.device`."""


class FileName(str):
    """Takes the name of a file or folder, and stays a text."""

    __slots__ = ()


class WidgetName(str):
    """Takes the path of a window of Tk's, there or to be made, and stays a text."""

    __slots__ = ()


class CommandName(str):
    """Takes the name of a command, or any other text, and stays a text; the prompt offers the names."""

    __slots__ = ()


class Topic(str):
    """Takes what help is asked for, and stays a text; the prompt offers commands and their families."""

    __slots__ = ()


class ParameterName(str):
    """Takes the name of a parameter of the command that another word names, and stays a text."""

    __slots__ = ()


class Handle(str):
    """Takes a live handle of any kind, and stays its name."""

    __slots__ = ()


class Handles(tuple[str, ...]):
    """Takes a live handle, a list of some, or a dict with some among its values; their names."""

    __slots__ = ()


class TensorHandle(str):
    """Takes the handle of a tensor, and stays its name."""

    __slots__ = ()


__all__ = [
    "CommandName",
    "Device",
    "Dtype",
    "FileName",
    "Handle",
    "Handles",
    "ParameterName",
    "Tensor",
    "TensorHandle",
    "Topic",
    "WidgetName",
]
