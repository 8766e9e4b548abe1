"""Modules that are imported when they are first used.

`import torch` takes over a second; a Tcl script that needs no tensor must not wait for it.
"""

import functools
import importlib
from types import ModuleType
from typing import TYPE_CHECKING


class LazyModule(ModuleType):
    """Stands for the module of its name and imports it at the first attribute asked for.

    From then on it is an ordinary module with the same contents, of which Python finds an attribute several
    times faster than of a subclass that has a `__getattr__`.
    """

    def __getattr__(self, attribute: str) -> object:
        module = importlib.import_module(self.__name__)
        vars(self).update(vars(module))
        vars(self)["__getattr__"] = functools.partial(getattr, module)  # what the module gets later
        self.__class__ = ModuleType  # type: ignore[assignment]
        return getattr(module, attribute)


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
