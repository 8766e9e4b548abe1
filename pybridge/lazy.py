"""Modules that are imported when they are first used.

`import torch` takes over a second; a Tcl script that needs no tensor must not wait for it.
"""

import functools
import importlib
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING

_importing = threading.RLock()
_failures: list[BaseException] = []  # the one that no second try may follow


def import_once(name: str) -> ModuleType:
    """Import a module, unless that would import PyTorch again, which has failed half-way.

    PyTorch's C code would be initialized a second time, and the process dies of that.

    Raises:
        ImportError: of the name `torch` when it is PyTorch that cannot be imported.
    """
    with _importing:
        if _failures:
            raise _without_torch(_failures[0])
        try:
            return importlib.import_module(name)
        except BaseException as error:
            if "torch" in sys.modules:
                raise
            if "torch._C" in sys.modules:
                _failures.append(error.with_traceback(None))
            if isinstance(error, ImportError):
                raise _without_torch(error) from error
            raise


def _without_torch(reason: BaseException) -> ImportError:
    return ImportError(f"PyTorch cannot be imported: {str(reason) or type(reason).__name__}", name="torch")


class LazyModule(ModuleType):
    """Stands for the module of its name and imports it at the first attribute asked for.

    From then on it is an ordinary module with the same contents, of which Python finds an attribute several
    times faster than of a subclass that has a `__getattr__`.
    """

    def __getattr__(self, attribute: str) -> object:
        module = import_once(self.__name__)
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
