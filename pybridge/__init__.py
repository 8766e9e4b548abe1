"""PyTorch commands for Tcl: `Interpreter` is a Tcl interpreter in which `package require torch` is done."""

__version__ = "0.1.0"
__all__ = ["Interpreter", "TclError", "__version__"]

TYPE_CHECKING = False  # typing's own takes a third of the time that a client of the daemon does
if TYPE_CHECKING:
    from pybridge.errors import TclError
    from pybridge.interp import Interpreter


def __getattr__(name: str) -> object:
    # `import pybridge.quant` from a Python without tkinter must work: tkinter comes with the Interpreter.
    if name == "Interpreter":
        from pybridge.interp import Interpreter

        return Interpreter
    if name == "TclError":
        from pybridge.errors import TclError

        return TclError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
