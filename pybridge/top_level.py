"""What is evaluated at the top level of Tcl, with no command around it, as tclsh evaluates what it is given.

tkinter's own `eval` compiles nothing, so that a `catch` takes levels of its own, and its `evalfile` knows one
encoding. The functions of Tcl's that tclsh calls must be called while tkinter waits for Tcl, or the commands
that are Python's would have no thread to run in. So Tcl's event loop calls them, outside of all commands.
"""

import _tkinter
import ctypes
from collections.abc import Callable
from typing import Any

from pybridge.tcl_values import to_tcl

_OK = 0  # TCL_OK
_GLOBALLY = 1 << 17  # TCL_EVAL_GLOBAL
_WAITS_NOT, _FILES = 1 << 1, 1 << 3  # TCL_DONT_WAIT, TCL_FILE_EVENTS
_FIRST = 1  # TCL_QUEUE_HEAD
_BOOLEAN = 3  # TCL_LINK_BOOLEAN
_CARRIER = "::tcl::torch_carrier"  # a variable that is there for a moment, where no script runs
_EventProcedure = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class _Event(ctypes.Structure):  # Tcl_Event of tcl.h
    _fields_ = (("procedure", _EventProcedure), ("next", ctypes.c_void_p))


_library = ctypes.CDLL(_tkinter.__file__)  # which lets go of Python's lock, as these may take for ever
_keeping = ctypes.PyDLL(_tkinter.__file__)  # which does not
_keeping.Tcl_Alloc.restype = ctypes.POINTER(_Event)
_keeping.Tcl_GetVar2Ex.restype = ctypes.c_void_p
_keeping.Tcl_GetObjResult.restype = ctypes.c_void_p
_keeping.Tcl_GetString.restype = ctypes.c_void_p
_keeping.Tcl_NewStringObj.restype = ctypes.c_void_p
_keeping.Tcl_SetVar2Ex.restype = ctypes.c_void_p
_actions: list[Callable[[], None]] = []
_linked: list[ctypes.c_int] = []


def _called(event: int, flags: int) -> int:
    _actions.pop()()
    return 1  # Tcl frees the event


_procedure = _EventProcedure(_called)


def evaluate_file(tk: Any, name: str, encoding: str) -> str:
    """Evaluate the script in a file and return its result.

    Raises:
        _tkinter.TclError: with the message; Tcl has the trace and the code.
    """
    coding = encoding.encode("utf-8", "replace")
    return _evaluated(tk, name, lambda at, path: int(_library.Tcl_FSEvalFileEx(at, path, coding)))


def evaluate_command(tk: Any, script: str) -> str:
    """Evaluate a command of standard input; Tcl's history has it, too. Returns and raises as above."""
    return _evaluated(tk, script, lambda at, text: int(_library.Tcl_RecordAndEvalObj(at, text, _GLOBALLY)))


def evaluate_prompt(tk: Any, script: str) -> str:
    """Evaluate the script that prints a prompt. Returns and raises as above."""

    def evaluate(at: ctypes.c_void_p, text: ctypes.c_void_p) -> int:
        code: int = _library.Tcl_EvalObjEx(at, text, _GLOBALLY)
        if code != _OK:
            _library.Tcl_AddErrorInfo(at, b"\n    (script that generates prompt)")
        return code

    return _evaluated(tk, script, evaluate)


class LinkedBoolean:
    """A global variable of Tcl's that takes nothing but booleans."""

    def __init__(self, tk: Any, name: str, value: bool) -> None:
        self._value = ctypes.c_int(value)
        _linked.append(self._value)  # Tcl writes to it for as long as there is the variable
        _keeping.Tcl_LinkVar(
            ctypes.c_void_p(tk.interpaddr()), name.encode(), ctypes.byref(self._value), _BOOLEAN
        )

    def __bool__(self) -> bool:
        return bool(self._value)


def _evaluated(tk: Any, text: str, evaluate: Callable[[ctypes.c_void_p, ctypes.c_void_p], int]) -> str:
    at = ctypes.c_void_p(tk.interpaddr())
    word = _word(tk, at, text)
    codes: list[int] = []
    _actions.append(lambda: codes.append(evaluate(at, word)))  # it calls nothing of tkinter's, which waits
    event = _keeping.Tcl_Alloc(ctypes.sizeof(_Event))
    event.contents.procedure = _procedure
    _keeping.Tcl_QueueEvent(event, _FIRST)
    tk.dooneevent(_FILES | _WAITS_NOT)
    _keeping.Tcl_DbDecrRefCount(word, b"", 0)
    result = _result(tk, at)
    if codes != [_OK]:
        _keeping.Tcl_AddErrorInfo(at, b"")  # so that there is a trace, if only of the message
        raise _tkinter.TclError(result)
    return result


def _word(tk: Any, at: ctypes.c_void_p, text: str) -> ctypes.c_void_p:
    """An object of Tcl's with this text, to be given back."""
    tk.setvar(_CARRIER, to_tcl(text))
    word = ctypes.c_void_p(_keeping.Tcl_GetVar2Ex(at, _CARRIER.encode(), None, 0))
    _keeping.Tcl_DbIncrRefCount(word, b"", 0)
    tk.unsetvar(_CARRIER)
    return word


def _result(tk: Any, at: ctypes.c_void_p) -> str:
    """The text of Tcl's result. A new object has it: of others tkinter makes numbers, and 1 of `true`."""
    text = _keeping.Tcl_GetString(ctypes.c_void_p(_keeping.Tcl_GetObjResult(at)))
    word = _keeping.Tcl_NewStringObj(ctypes.c_void_p(text), -1)
    _keeping.Tcl_SetVar2Ex(at, _CARRIER.encode(), None, ctypes.c_void_p(word), 0)
    result: str = tk.getvar(_CARRIER)
    tk.unsetvar(_CARRIER)
    return result
