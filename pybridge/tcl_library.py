"""The functions of Tcl's C library that tkinter does not offer."""

import _tkinter
import ctypes
from collections.abc import Callable
from typing import Any

_LIMIT_COMMANDS = 1  # TCL_LIMIT_COMMANDS of tcl.h
_library = ctypes.PyDLL(_tkinter.__file__)  # linked with Tcl; none of these calls takes long
_library.Tcl_AsyncCreate.restype = ctypes.c_void_p
_AsyncProcedure = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_procedures: list[Any] = []  # Tcl keeps their addresses


def canceller(address: int) -> Callable[[], None]:
    """A function for any thread that cancels what the interpreter at `address` runs; `catch` may stop it."""
    interpreter = ctypes.c_void_p(address)
    return lambda: _library.Tcl_CancelEval(interpreter, None, None, 0)


def summoner(action: Callable[[], None]) -> Callable[[], None]:
    """A function for any thread that has Tcl call `action` in this one, before the next Tcl command."""

    def called(_: Any, interpreter: Any, code: int) -> int:
        action()
        return code

    procedure = _AsyncProcedure(called)
    handler = ctypes.c_void_p(_library.Tcl_AsyncCreate(procedure, None))
    _procedures.append(procedure)
    return lambda: _library.Tcl_AsyncMark(handler)


def exceed_limit(address: int) -> None:
    """Have the interpreter at `address` run no more commands: the one error that no `catch` stops."""
    interpreter = ctypes.c_void_p(address)
    _library.Tcl_LimitSetCommands(interpreter, 0)
    _library.Tcl_LimitTypeSet(interpreter, _LIMIT_COMMANDS)
    _library.Tcl_LimitCheck(interpreter)


def lift_limit(address: int) -> None:
    """Have it run commands again."""
    _library.Tcl_LimitTypeReset(ctypes.c_void_p(address), _LIMIT_COMMANDS)
