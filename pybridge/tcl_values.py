"""Words and values on their way between Python and tkinter."""

import _tkinter
import re
from collections.abc import Callable
from typing import Any

from pybridge import errors
from pybridge.command_names import meant_command
from pybridge.nearest import is_slip
from pybridge.registry import BY_NAME
from pybridge.tcl_list import split_list
from pybridge.values import text_of

_LINE = re.compile(r"([\w:]+)\s.*", re.DOTALL)
_QUALIFIED = re.compile(r"torch::?(\w+)", re.IGNORECASE)
_MISTYPED = re.compile(r"[a-zA-Z]\w{3,}")  # what is shorter is near to too much
_TENSOR = re.compile(r"tensor\d+")
_OF_OTHER_PROGRAMS = {"quit": "exit", "print": "puts"}


def to_tcl(value: Any) -> Any:
    """`value` with texts as Tcl takes them: a NUL as Tcl's two bytes, which tkinter would cut at, and nothing
    that it cannot encode, on which it crashes (CPython 3.11)."""
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:
            return value
        text = value.replace("\0", "\udcc0\udc80")
        return text if encodable(text, "surrogateescape") else text.encode("utf-8", "replace").decode()
    if isinstance(value, tuple | list):
        return tuple(to_tcl(each) for each in value)
    if isinstance(value, dict):
        return tuple(to_tcl(each) for pair in value.items() for each in pair)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if isinstance(value, bool | int | float | bytes | _tkinter.Tcl_Obj):
        return value
    raise TypeError(f"a {type(value).__name__} has no Tcl form")


def encodable(text: str, errors: str = "strict") -> bool:
    """Whether `text` can be UTF-8."""
    try:
        text.encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
    return True


def from_tcl(value: Any) -> Any:
    """`value` without what is tkinter's own."""
    if isinstance(value, _tkinter.Tcl_Obj):
        return str(value)
    if isinstance(value, tuple):
        return tuple(from_tcl(each) for each in value)
    return value


def last_error(tk: Any, message: str) -> errors.TclError:
    """The error that Tcl has just returned, with its code and its trace."""
    code = _error_code(tk)
    trace = text_of(_variable(tk, "::errorInfo"))
    suggestion = _several_words(tk, code) or _suggestion(tk, code, message)
    if suggestion and trace.startswith(message):
        trace = message + suggestion + trace[len(message) :]
    return errors.TclError(message + suggestion, code, trace)


def _error_code(tk: Any) -> tuple[str, ...]:
    code = _variable(tk, "::errorCode")
    if isinstance(code, tuple):
        return tuple(map(text_of, code))
    try:
        return tuple(split_list(code))
    except ValueError:  # a script may have any text there
        return (code,)


def _variable(tk: Any, name: str) -> Any:
    """A variable of Tcl's, without running a script for it: that could be cancelled; empty if unset."""
    try:
        value = tk.getvar(name)
    except _tkinter.TclError:
        return ""
    return value if isinstance(value, tuple) else str(value)


def _several_words(tk: Any, code: tuple[str, ...]) -> str:
    """What ends the message that there is no such command, when it is a command with its arguments."""
    line = _LINE.fullmatch(code[3]) if code[:3] == ("TCL", "LOOKUP", "COMMAND") and len(code) == 4 else None
    try:
        found = line and tk.call("::tcl::info::commands", f"::{line[1].removeprefix('::')}")
    except _tkinter.TclError:  # a script may have renamed it
        return ""
    return f" (all of it is one word; {line[1]} alone is a command)" if line and found else ""


def is_traced(call: Callable[..., Any], name: str) -> bool:
    """Whether to read a variable may run a script of the user's; `trace` itself may be one."""
    try:
        if call("::tcl::info::procs", "::trace") or not call("::tcl::info::commands", "::trace"):
            return True
        return bool(call("::trace", "info", "variable", name))
    except (_tkinter.TclError, errors.TclError):  # it is another command
        return True


def _suggestion(tk: Any, code: tuple[str, ...], message: str) -> str:
    """What ends the message that there is no such command, when it may be one of ours or of Tcl's."""
    if code[:3] != ("TCL", "LOOKUP", "COMMAND") or len(code) != 4 or code[3] not in message:
        return ""  # a script may throw any message with that code
    name = code[3].removeprefix("::")
    if name in _OF_OTHER_PROGRAMS:
        return f" ({errors.meant([_OF_OTHER_PROGRAMS[name]])})"
    if _TENSOR.fullmatch(name):
        return " (a handle is no command; puts [torch::show ...] prints a tensor)"
    qualified = _QUALIFIED.fullmatch(name)
    own = qualified[1] if qualified else name
    if own in BY_NAME and not name.startswith("torch::"):  # else a script has deleted it
        return f" ({errors.meant([f'torch::{own}'])})"
    return meant_command(own, "torch::") if qualified else _near_command(tk, name)


def _near_command(tk: Any, name: str) -> str:
    """What ends the message that there is no such command, when a slip has made the name of another's.

    A script may be about anything, so that words which are only like each other say nothing.
    """
    if not _MISTYPED.fullmatch(name):
        return ""
    try:
        if tk.call("::tcl::info::procs", "::tcl::info::commands"):
            return ""  # a script has put a procedure in its place, which is not to run for this
        found = tk.splitlist(tk.call("::tcl::info::commands", "::*"))
    except (_tkinter.TclError, TypeError):  # a script may have renamed one, or put another in its place
        return ""
    plain = [text_of(each).removeprefix("::") for each in found]
    known = {f"torch::{each}": each for each in BY_NAME} | dict(zip(plain, plain, strict=True))
    near = [called for called, each in known.items() if is_slip(name, each)]
    return f" ({errors.meant(near)})" if near else ""
