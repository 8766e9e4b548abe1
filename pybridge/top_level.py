"""What is evaluated at the top level of Tcl, with no command around it, as tclsh evaluates what it is given.

tkinter's own `eval` compiles nothing, so that a `catch` takes levels of its own, and its `evalfile` knows one
encoding. The functions of Tcl's that tclsh calls must be called while tkinter waits for Tcl, or the commands
that are Python's would have no thread to run in. So Tcl's event loop calls them, outside of all commands.

`tk` is an interpreter of tkinter's in all of these; `Interpreter.at_top_level` calls them.
"""

import _tkinter
import ctypes
import functools
import itertools
import operator
import time
from collections.abc import Callable
from typing import Any

from pybridge.tcl_library import OK, STANDARD, library, unlocked
from pybridge.tcl_values import to_tcl

_GLOBALLY = 1 << 17  # TCL_EVAL_GLOBAL
_WAITS_NOT, _FILES = 1 << 1, 1 << 3  # TCL_DONT_WAIT, TCL_FILE_EVENTS
_FIRST = 1  # TCL_QUEUE_HEAD
_TO_ITS_END = ctypes.c_ssize_t(-1)  # the length of a text that ends with a NUL
_CARRIER = "::torch carrier"  # a variable that is there for a moment, in which no script runs
_PAUSE = 0.01  # seconds
_EventProcedure = ctypes.CFUNCTYPE(ctypes.c_int)  # Tcl_EventProc; what it is given does not matter


class _Event(ctypes.Structure):  # Tcl_Event of tcl.h
    _fields_ = (("procedure", _EventProcedure), ("next", ctypes.c_void_p))


library.Tcl_Alloc.restype = ctypes.POINTER(_Event)
library.Tcl_GetVar2Ex.restype = ctypes.c_void_p
library.Tcl_SetVar2Ex.restype = ctypes.c_void_p
library.Tcl_GetObjResult.restype = ctypes.c_void_p
library.Tcl_GetString.restype = ctypes.c_void_p
library.Tcl_NewStringObj.restype = ctypes.c_void_p
library.Tcl_GetStdChannel.restype = ctypes.c_void_p


def _at_top(tk: Any, function: Callable[..., int], *arguments: object) -> int:
    """What a function of Tcl's returns that is called there."""
    values: list[int] = []
    # Meanwhile nothing may use tkinter, which waits for Tcl and would forget its thread: no handler of a
    # signal, and no interpreter that is garbage. These come between the steps of a function of Python's, or
    # with a new object. Here all steps are C functions; the last one counts the None that `append` returns,
    # and with 1 Tcl frees the event.
    steps = map(values.append, itertools.starmap(function, [arguments]))
    procedure = _EventProcedure(functools.partial(operator.countOf, steps, None))
    event = library.Tcl_Alloc(ctypes.sizeof(_Event))
    event.contents.procedure = procedure
    library.Tcl_QueueEvent(event, _FIRST)
    while not values:  # a handler of Tcl's for a signal may come before it
        tk.dooneevent(_FILES | _WAITS_NOT)
    return values[0]


# -- scripts -----------------------------------------------------------------------------------------------


def evaluate_file(tk: Any, name: str, encoding: str) -> str:
    """Evaluate the script in a file and return its result.

    Raises:
        _tkinter.TclError: with the message; Tcl has the trace and the code.
    """
    with _Word(tk, name) as path:
        return _evaluated(tk, unlocked.Tcl_FSEvalFileEx, path, encoding.encode("utf-8", "replace"))


def evaluate_command(tk: Any, script: str) -> str:
    """Evaluate a command of standard input; Tcl's history has it, too. Returns and raises as above."""
    with _Word(tk, script) as word:
        return _evaluated(tk, unlocked.Tcl_RecordAndEvalObj, word, _GLOBALLY)


def evaluate_prompt(tk: Any, variable: str) -> bool:
    """Evaluate the script in a variable, which prints a prompt; whether there is one. Raises as above."""
    script = library.Tcl_GetVar2Ex(_address(tk), variable.encode(), None, 0)
    if script:
        place = "\n    (script that generates prompt)"
        _evaluated(tk, unlocked.Tcl_EvalObjEx, ctypes.c_void_p(script), _GLOBALLY, place=place)
    return bool(script)


def _evaluated(
    tk: Any, function: Callable[..., int], word: ctypes.c_void_p, option: object, place: str = ""
) -> str:
    """The result of a function that is given the interpreter, an object of Tcl's, and an option.

    Args:
        place: what an error adds to the trace.
    """
    at = _address(tk)
    code = _at_top(tk, function, at, word, option)
    result = _text(tk, library.Tcl_GetObjResult(at))
    if code != OK:
        # even an empty one makes a trace of the message where there is none
        library.Tcl_AppendObjToErrorInfo(at, _string(place.encode()))
        library.Tcl_ResetResult(at)  # only with this do the variables have the trace and the code
        raise _tkinter.TclError(result)
    return result


# -- standard channels -------------------------------------------------------------------------------------


def read_line(tk: Any) -> str | None:
    """The next line of standard input; None at its end, or where there is none."""
    at = library.Tcl_GetStdChannel(STANDARD[0])
    if not at:
        return None
    channel = ctypes.c_void_p(at)
    with _Word(tk, "") as line:
        while _at_top(tk, unlocked.Tcl_GetsObj, channel, line) < 0:
            if library.Tcl_GetStdChannel(STANDARD[0]) != at or not library.Tcl_InputBlocked(channel):
                return None
            time.sleep(_PAUSE)  # a script has it not wait; what there is of the line stays in the channel
        return _text(tk, line.value)


def write(tk: Any, standard: int, text: str) -> None:
    """Write to standard output (1) or error (2), at once; not where a script has closed it."""
    with _Word(tk, text) as word:
        for function, arguments in ((unlocked.Tcl_WriteObj, (word,)), (unlocked.Tcl_Flush, ())):
            at = library.Tcl_GetStdChannel(STANDARD[standard])  # each time: a channel may be a script's work
            if at:
                _at_top(tk, function, ctypes.c_void_p(at), *arguments)


def has_input() -> bool:
    """Whether there is standard input, which a script may have closed."""
    return bool(library.Tcl_GetStdChannel(STANDARD[0]))


# -- texts -------------------------------------------------------------------------------------------------


class _Word:
    """An object of Tcl's with this text, for a block."""

    def __init__(self, tk: Any, text: str) -> None:
        tk.setvar(_CARRIER, to_tcl(text))
        self._object = ctypes.c_void_p(library.Tcl_GetVar2Ex(_address(tk), _CARRIER.encode(), None, 0))
        library.Tcl_DbIncrRefCount(self._object, b"", 0)
        tk.unsetvar(_CARRIER)

    def __enter__(self) -> ctypes.c_void_p:
        return self._object

    def __exit__(self, *_: object) -> None:
        library.Tcl_DbDecrRefCount(self._object, b"", 0)


def _text(tk: Any, address: int | None) -> str:
    """The text of an object of Tcl's. A new one has it: of others tkinter makes numbers, and 1 of `true`."""
    text = ctypes.c_void_p(library.Tcl_GetString(ctypes.c_void_p(address)))
    library.Tcl_SetVar2Ex(_address(tk), _CARRIER.encode(), None, _string(text), 0)
    result: str = tk.getvar(_CARRIER)
    tk.unsetvar(_CARRIER)
    return result


def _string(text: ctypes.c_void_p | bytes) -> ctypes.c_void_p:
    """A new object of Tcl's, for a function that takes it over."""
    return ctypes.c_void_p(library.Tcl_NewStringObj(text, _TO_ITS_END))


def _address(tk: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(tk.interpaddr())
