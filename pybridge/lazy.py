"""Modules that are imported when they are first used.

`import torch` takes over a second; a Tcl script that needs no tensor must not wait for it.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING


class LazyModule(ModuleType):
    """Stands for the module of its name and imports it at the first attribute asked for.

    An attribute once found is stored, so later uses cost what they cost on the real module.
    """

    def __getattr__(self, attribute: str) -> object:
        value = getattr(importlib.import_module(self.__name__), attribute)
        setattr(self, attribute, value)
        return value


if TYPE_CHECKING:
    import safetensors
    import torch

    from pybridge import hardware, pictures, quant
else:
    hardware = LazyModule("pybridge.hardware")
    pictures = LazyModule("pybridge.pictures")
    quant = LazyModule("pybridge.quant")
    safetensors = LazyModule("safetensors")
    torch = LazyModule("torch")

__all__ = ["hardware", "pictures", "quant", "safetensors", "torch"]
