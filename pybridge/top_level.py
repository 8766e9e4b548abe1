"""What is evaluated at the top level of Tcl, with no command around it, as tclsh evaluates what it is given.

tkinter's own `eval` compiles nothing, so that a `catch` takes levels of its own, and its `evalfile` knows one
encoding. The functions of Tcl's that tclsh calls must be called while tkinter waits for Tcl, or the commands
that are Python's would have no thread to run in. So Tcl's event loop calls them, outside of all commands.
"""

import _tkinter
import ctypes
from collections.abc import Callable
from typing import Any

from pybridge.tcl_library import OK, library
from pybridge.tcl_values import to_tcl

_GLOBALLY = 1 << 17  # TCL_EVAL_GLOBAL
_WAITS_NOT, _FILES = 1 << 1, 1 << 3  # TCL_DONT_WAIT, TCL_FILE_EVENTS
_FIRST = 1  # TCL_QUEUE_HEAD
_TO_ITS_END = ctypes.c_ssize_t(-1)  # the length of a text that ends with a NUL
_CARRIER = "::torch carrier"  # a variable that is there for a moment, in which no script runs
_EventProcedure = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class _Event(ctypes.Structure):  # Tcl_Event of tcl.h
    _fields_ = (("procedure", _EventProcedure), ("next", ctypes.c_void_p))


class _Evaluation:
    """A call of a function of Tcl's, for the event loop to do."""

    def __init__(self, function: Callable[..., int], *arguments: object) -> None:
        self.function, self.arguments = function, arguments
        self.code: int | BaseException | None = None


# It lets go of Python's lock, as what these functions evaluate may take for ever.
_evaluators = ctypes.CDLL(_tkinter.__file__)
library.Tcl_Alloc.restype = ctypes.POINTER(_Event)
library.Tcl_GetVar2Ex.restype = ctypes.c_void_p
library.Tcl_GetObjResult.restype = ctypes.c_void_p
library.Tcl_GetString.restype = ctypes.c_void_p
library.Tcl_NewStringObj.restype = ctypes.c_void_p
library.Tcl_SetVar2Ex.restype = ctypes.c_void_p
_waiting: dict[int, _Evaluation] = {}  # by the addresses of their events


def _called(event: int, flags: int) -> int:
    # It calls nothing of tkinter's, which waits for Tcl and would forget its thread; and it makes no object
    # for which Python collects garbage, as that may have interpreters of tkinter's in it.
    evaluation = _waiting[event]
    try:
        evaluation.code = evaluation.function(*evaluation.arguments)
    except BaseException as error:
        evaluation.code = error
    return 1  # Tcl frees the event


_procedure = _EventProcedure(_called)


def evaluate_file(tk: Any, name: str, encoding: str) -> str:
    """Evaluate the script in a file and return its result.

    Raises:
        _tkinter.TclError: with the message; Tcl has the trace and the code.
    """
    return _evaluated(tk, name, _evaluators.Tcl_FSEvalFileEx, encoding.encode("utf-8", "replace"))


def evaluate_command(tk: Any, script: str) -> str:
    """Evaluate a command of standard input; Tcl's history has it, too. Returns and raises as above."""
    return _evaluated(tk, script, _evaluators.Tcl_RecordAndEvalObj, _GLOBALLY)


def evaluate_prompt(tk: Any, script: str) -> str:
    """Evaluate the script that prints a prompt. Returns and raises as above."""
    place = "\n    (script that generates prompt)"
    return _evaluated(tk, script, _evaluators.Tcl_EvalObjEx, _GLOBALLY, place=place)


def _evaluated(tk: Any, text: str, function: Callable[..., int], option: object, place: str = "") -> str:
    """The result of a function that is given the interpreter, an object with this text, and an option.

    Args:
        place: what an error adds to the trace.
    """
    at = ctypes.c_void_p(tk.interpaddr())
    word = _word(tk, at, text)
    evaluation = _Evaluation(function, at, word, option)
    event = library.Tcl_Alloc(ctypes.sizeof(_Event))
    event.contents.procedure = _procedure
    address = ctypes.addressof(event.contents)
    _waiting[address] = evaluation
    library.Tcl_QueueEvent(event, _FIRST)
    while evaluation.code is None:  # a signal's handler of Tcl's may come before it
        tk.dooneevent(_FILES | _WAITS_NOT)
    del _waiting[address]
    library.Tcl_DbDecrRefCount(word, b"", 0)
    if isinstance(evaluation.code, BaseException):
        raise evaluation.code
    result = _result(tk, at)
    if evaluation.code != OK:
        # even an empty one makes a trace of the message where there is none
        library.Tcl_AppendObjToErrorInfo(at, _string(place.encode()))
        raise _tkinter.TclError(result)
    return result


def _word(tk: Any, at: ctypes.c_void_p, text: str) -> ctypes.c_void_p:
    """An object of Tcl's with this text, to be given back."""
    tk.setvar(_CARRIER, to_tcl(text))
    word = ctypes.c_void_p(library.Tcl_GetVar2Ex(at, _CARRIER.encode(), None, 0))
    library.Tcl_DbIncrRefCount(word, b"", 0)
    tk.unsetvar(_CARRIER)
    return word


def _result(tk: Any, at: ctypes.c_void_p) -> str:
    """The text of Tcl's result. A new object has it: of others tkinter makes numbers, and 1 of `true`."""
    text = ctypes.c_void_p(library.Tcl_GetString(ctypes.c_void_p(library.Tcl_GetObjResult(at))))
    library.Tcl_SetVar2Ex(at, _CARRIER.encode(), None, _string(text), 0)
    result: str = tk.getvar(_CARRIER)
    tk.unsetvar(_CARRIER)
    return result


def _string(text: ctypes.c_void_p | bytes) -> ctypes.c_void_p:
    """A new object of Tcl's, for a function that takes it over."""
    return ctypes.c_void_p(library.Tcl_NewStringObj(text, _TO_ITS_END))
