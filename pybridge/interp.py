"""The interpreter: Tcl as tkinter builds it, with every command of the registry in it."""

import _tkinter
import atexit
import contextlib
import math
import os
import re
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from pybridge import __version__, errors
from pybridge.bulk import Bulk
from pybridge.commands import about
from pybridge.dispatch import OK, Dispatcher, Reply
from pybridge.registry import BY_NAME
from pybridge.tcl_list import split_list
from pybridge.values import text_of

_LIMIT_COMMANDS = 1  # TCL_LIMIT_COMMANDS of tcl.h
_CALLBACKS = ("dispatch", "dispatch_bulk", "end", "cancel_again")
_RETURN_REPLY = """
    lassign [%s {*}$args] status value options
    return -code $status {*}$options $value
"""
_LAST_ENTRY = re.compile(r'\n    (?:invoked from within|while executing)\n"source -encoding utf-8 [^\n]*"$')
_open: "weakref.WeakSet[Interpreter]" = weakref.WeakSet()
# Tcl aborts the process when an interpreter is deleted by another thread than the one that made it; those
# that the garbage collector finds there are kept for ever instead.
_stranded: list[Any] = []


class Interpreter:
    """A Tcl interpreter in which `package require torch` is done.

    Interpreters in one process are independent: variables, handles, gradient mode. Each belongs to the thread
    that made it.

    Args:
        program: whether `exit` ends the process, as in the `tcltorch` program. Otherwise it stops the script
            and `eval` raises SystemExit.

    Attributes:
        interruptible: whether Ctrl-C stops what Tcl runs, and `eval` raises KeyboardInterrupt. In the program
            the signal is left to do what it does, but for the commands of the prompt.
        on_exit: called when `exit` is about to end the process.

    Example:
        with Interpreter() as tcl:
            tcl.eval("torch::tensor_to_list [torch::ones {2}]")
    """

    def __init__(self, *, program: bool = False) -> None:
        # Not tkinter.Tcl(): that one runs the user's ~/.Tcl.tcl and ~/.Tcl.py.
        self._tk: Any = _tkinter.create(None, "tcltorch", "Tcl", False, True, False, False, None)
        self._thread = threading.get_ident()
        self._program = program
        self.interruptible = not program
        self._defined: list[str] = []
        self.on_exit: Callable[[], None] | None = None
        self._depth = 0
        self._closing = False
        self._cancel: Callable[[], None] | None = None
        self._exit_status: int | None = None
        self.dispatcher = Dispatcher(_to_tcl)
        self._define_commands()
        _open.add(self)

    # -- running Tcl -------------------------------------------------------------------------------------

    def eval(self, script: str) -> str:
        """Run a script at global level and return its result as text.

        Raises:
            TclError: with the message, the error code and Tcl's stack trace.
            SystemExit: the script called `exit`.
            KeyboardInterrupt: Ctrl-C was pressed meanwhile.
        """
        if "\0" not in script and _encodable(script):
            return str(self._run(lambda tk: tk.eval(script)))
        self.call("set", "::torch::_::script", script)  # tkinter's own eval takes neither NUL nor stray bytes
        return str(self._run(lambda tk: tk.eval("uplevel #0 $::torch::_::script")))

    def call(self, *words: Any) -> Any:
        """Call one command with these words, no text in between: numbers and (nested) tuples go as they are.

        A list is a tuple, a dict its keys and values in turn. The result is a native object where Tcl has one
        (int, float, bytes, tuple), else text. Raises as `eval`, and TypeError for a word without a Tcl form.
        """
        carried = _to_tcl(words)
        return self._run(lambda tk: _from_tcl(tk.call(*carried)))

    def run_file(self, path: str | os.PathLike[str]) -> str:
        """Run the script in a file (UTF-8) and return the result of its last command. Raises as `eval`."""
        try:
            return str(self.call("source", "-encoding", "utf-8", os.fspath(path)))
        except errors.TclError as error:
            # the last entry of the trace is the `source` above, which the user has not written
            trace = _LAST_ENTRY.sub("", error.errorinfo)
            raise errors.TclError(error.message, error.errorcode, trace) from None

    def define(self, name: str, function: Callable[..., str]) -> None:
        """Make `::torch::_::name` call a function of texts. What it raises is an error of Tcl's."""
        dispatcher = self.dispatcher

        def reply(*words: str) -> Reply:
            try:
                return OK, function(*words), ()
            except BaseException as error:
                return dispatcher.failed(error)

        self._tk.createcommand(f"::torch::_::{name}_reply", reply)
        self._defined.append(f"{name}_reply")
        self.call("proc", f"::torch::_::{name}", "args", _RETURN_REPLY % f"::torch::_::{name}_reply")

    def serve(self, descriptor: int, seconds: float | None = None) -> None:
        """Run Tcl's event loop until `descriptor` is readable or the time is over.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed meanwhile; it has stopped what was running.
        """
        over: list[None] = []
        tk = self._tk
        tk.createfilehandler(descriptor, _tkinter.READABLE, lambda *_: over.append(None))
        timer = None
        try:
            if seconds is not None:
                timer = tk.createtimerhandler(math.ceil(seconds * 1000), lambda: over.append(None))
            while not over and self._tk is not None:
                self._serve_one()
        finally:
            tk.deletefilehandler(descriptor)
            if timer:
                timer.deletetimerhandler()

    def _serve_one(self) -> None:
        mark = self.dispatcher.table.mark()
        try:
            self._run(lambda tk: tk.dooneevent(0))
        finally:
            self.dispatcher.table.unwind(mark, self._is_command)  # a stopped event's script leaves it open

    def set_arguments(self, argv0: str, argv: list[str], *, interactive: bool = False) -> None:
        """Set `argv0`, `argv`, `argc` and `tcl_interactive` as tclsh does."""
        values = {"argv0": argv0, "argv": tuple(argv), "argc": len(argv), "tcl_interactive": int(interactive)}
        for name, value in values.items():
            self.call("set", f"::{name}", value)

    def close(self) -> None:
        """Free every handle, flush Tcl's channels and let the interpreter go. Closing twice is no error.

        While a script runs, its commands fail from then on (`TORCH CLOSED`), and the rest waits for its end.
        """
        if self._tk is None:
            return
        if threading.get_ident() != self._thread:
            raise RuntimeError("an Interpreter is closed by the thread that made it")
        self.dispatcher.close()
        if self._depth:
            self._closing = True
            return
        _open.discard(self)
        self._flush()
        for name in (*_CALLBACKS, *self._defined):  # each holds the interpreter
            self._tk.deletecommand(f"::torch::_::{name}")
        self._tk = None

    def __enter__(self) -> "Interpreter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        tk = getattr(self, "_tk", None)
        if tk is None:
            return
        if threading.get_ident() == self._thread:
            self.close()
        else:
            self.dispatcher.close()
            _stranded.append(tk)

    def _run(self, action: Any) -> Any:
        if self._tk is None:
            raise errors.closed()
        if threading.get_ident() != self._thread:
            raise RuntimeError("an Interpreter is used by the thread that made it")
        if self._depth or (watcher := self._watcher()) is None:
            result, failure = self._attempt(action, lambda: False)
        else:
            with watcher.watching(self._cancel) as settle:
                result, failure = self._attempt(action, settle)
        if failure is not None:
            raise failure  # out here, where it does not hold tkinter's exception, and with it the interpreter
        return result

    def _watcher(self) -> Any:
        """What stands between signals and this interpreter; None where nothing needs to."""
        if not self.interruptible:  # it need not wait for this import
            return None
        from pybridge import interrupt

        if self._cancel is None:
            self._cancel = interrupt.canceller(self._tk.interpaddr())
        return interrupt.watcher()

    def _attempt(self, action: Any, settle: Callable[[], bool]) -> tuple[Any, BaseException | None]:
        """Run `action`: its result, and the exception to raise instead, with nothing left open."""
        mark = self.dispatcher.table.mark()
        self._depth += 1
        result: Any = None
        failure: BaseException | None = None
        try:
            result = action(self._tk)
            if settle() and self._take_cancel():
                failure = KeyboardInterrupt()
        except _tkinter.TclError as error:
            cancelled = settle()
            if cancelled:
                self._take_cancel()
            failure = self._failure(str(error), mark, cancelled)
        finally:
            self._depth -= 1
            if self._closing and not self._depth:
                self.close()
        return result, failure

    def _failure(self, message: str, mark: tuple[int, int], cancelled: bool) -> BaseException:
        """What an error that Tcl returned is for Python; what the script has left open is closed."""
        stopped = self._exit_status
        failure = self._tcl_error(message, cancelled) if stopped is None else SystemExit(stopped)
        if self._depth == 1:
            if stopped is not None:
                self._exit_status = None
                self._tcl_library().Tcl_LimitTypeReset(self._address(), _LIMIT_COMMANDS)
            self.dispatcher.table.unwind(mark, self._is_command)
        return failure

    def _is_command(self, name: str) -> bool:
        try:
            return bool(self._tk.call("::info", "commands", name))
        except _tkinter.TclError:
            return True

    def _take_cancel(self) -> bool:
        """Use up a cancel that came too late for what it meant, lest it hit the next script."""
        taken = False
        for _ in range(3):
            try:
                self._tk.eval("for {set ::torch::_::i 0} {$::torch::_::i < 1000} {incr ::torch::_::i} {}")
            except _tkinter.TclError:
                taken = True
            else:
                break
        return taken

    def _tcl_error(self, message: str, cancelled: bool) -> BaseException:
        code = self._error_code()
        if code[:2] == ("TORCH", "INTERRUPT") or (cancelled and code[:2] == ("TCL", "CANCEL")):
            return KeyboardInterrupt()
        trace = text_of(self._variable("::errorInfo"))
        near = _nearest(code)
        if near and trace.startswith(message):
            trace = message + near + trace[len(message) :]
        return errors.TclError(message + near, code, trace)

    def _error_code(self) -> tuple[str, ...]:
        code = self._variable("::errorCode")
        return tuple(map(text_of, code)) if isinstance(code, tuple) else tuple(split_list(code))

    def _variable(self, name: str) -> Any:
        """A variable of Tcl's, without running a script for it: that could be cancelled; empty if unset."""
        try:
            value = self._tk.getvar(name)
        except _tkinter.TclError:
            return ""
        return value if isinstance(value, tuple) else str(value)

    # -- building ----------------------------------------------------------------------------------------

    def _define_commands(self) -> None:
        tk, dispatcher = self._tk, self.dispatcher
        this = weakref.ref(self)  # a command that held the interpreter would keep it alive for ever

        def dispatch_bulk(index: str, form: str, shape: str, chain: str, called: str, *words: Any) -> Reply:
            try:
                bulk = Bulk(_payload(this()), form, tuple(map(int, shape.split())))
                words = (*words[: int(index)], bulk, *words[int(index) + 1 :])
            except BaseException as error:
                return dispatcher.failed(error)
            return dispatcher(chain, called, *words)

        def end(status: str) -> Reply:
            try:
                alive = this()
                if alive is not None:
                    alive._exit(int(status))
            except BaseException as error:
                return dispatcher.failed(error)
            return OK, "", ()

        def cancel_again() -> None:
            alive = this()
            watcher = alive and alive._watcher()
            if watcher:
                watcher.cancel_again()

        tk.eval("namespace eval ::torch::_ {}")
        callbacks = (dispatcher, dispatch_bulk, end, cancel_again)
        for name, callback in zip(_CALLBACKS, callbacks, strict=True):
            tk.createcommand(f"::torch::_::{name}", callback)
        tk.setvar("::torch::_::version", __version__)
        folder = tcl_package()
        tk.call("lappend", "::auto_path", str(folder))
        tk.call("source", "-encoding", "utf-8", str(folder / "torch.tcl"))
        about.host_facts["Tcl"] = tk.eval("info patchlevel")
        for name, command in BY_NAME.items():
            if command.script:
                continue
            where = _bulk_place(command)
            words = ("::torch::_::call_bulk", where, name) if where else ("::torch::_::call", name)
            tk.call("interp", "alias", "", f"::torch::{name}", "", *words)

    # -- ending ------------------------------------------------------------------------------------------

    def end_program(self, status: int) -> NoReturn:
        """End the process; what is buffered is written first."""
        if self.on_exit:
            self.on_exit()
        self._take_cancel()  # it would stop the flushing
        self._flush()
        os._exit(status & 0xFF)

    def _exit(self, status: int) -> None:
        if self._program:
            self.end_program(status)
        self._exit_status = status
        self._tcl_library().Tcl_LimitSetCommands(self._address(), 0)
        self._tcl_library().Tcl_LimitTypeSet(self._address(), _LIMIT_COMMANDS)
        # An exceeded limit is the one error that no `catch` stops and that leaves the interpreter usable.
        self._tcl_library().Tcl_LimitCheck(self._address())

    def _tcl_library(self) -> Any:
        import ctypes

        return ctypes.PyDLL(_tkinter.__file__)

    def _address(self) -> Any:
        import ctypes

        return ctypes.c_void_p(self._tk.interpaddr())

    def _flush(self) -> None:
        with contextlib.suppress(_tkinter.TclError):  # a script may have renamed these
            for channel in self._tk.splitlist(self._tk.eval("::chan names")):
                with contextlib.suppress(_tkinter.TclError):  # only open for reading, or a broken pipe
                    self._tk.call("::flush", channel)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):  # None, broken pipe, closed
                stream.flush()


def tcl_package() -> Path:
    """The folder of the Tcl package: inside the Python package when installed, beside it in a checkout."""
    here = Path(__file__).resolve().parent
    inside = here / "tclpkg"
    return inside if inside.is_dir() else here.parent / "tclpkg"


def _nearest(code: tuple[str, ...]) -> str:
    """What ends the message that there is no such command, when it may be one of ours that is mistyped."""
    name = code[3].removeprefix("::") if code[:3] == ("TCL", "LOOKUP", "COMMAND") and len(code) == 4 else ""
    return errors.did_you_mean(name.removeprefix("torch::"), BY_NAME) if name.startswith("torch::") else ""


def _payload(interpreter: Interpreter | None) -> bytes:
    """The bytes that the Tcl side has packed; they are taken out of its variable."""
    if interpreter is None or interpreter._tk is None:
        raise errors.closed()
    data = interpreter._tk.getvar("::torch::_::payload")
    interpreter._tk.setvar("::torch::_::payload", "")
    return data if isinstance(data, bytes) else b""


def _bulk_place(command: Any) -> tuple[Any, ...]:
    """Position and options of the parameter that takes numbers in bulk; empty when there is none."""
    for form in command.forms:
        for position, parameter in enumerate(form.signature.parameters):
            if parameter.type.bulk:
                return (position, *(f"-{spelling}" for spelling in parameter.spellings))
    return ()


def _to_tcl(value: Any) -> Any:
    """`value` with texts as Tcl takes them: a NUL as Tcl's two bytes, which tkinter would cut at, and nothing
    that it cannot encode, on which it crashes (CPython 3.11)."""
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:
            return value
        text = value.replace("\0", "\udcc0\udc80")
        return text if _encodable(text, "surrogateescape") else text.encode("utf-8", "replace").decode()
    if isinstance(value, tuple | list):
        return tuple(_to_tcl(each) for each in value)
    if isinstance(value, dict):
        return tuple(_to_tcl(each) for pair in value.items() for each in pair)
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, bool | int | float | bytes | _tkinter.Tcl_Obj):
        return value
    raise TypeError(f"a {type(value).__name__} has no Tcl form")


def _encodable(text: str, errors: str = "strict") -> bool:
    try:
        text.encode("utf-8", errors)
    except UnicodeEncodeError:
        return False
    return True


def _from_tcl(value: Any) -> Any:
    """`value` without what is tkinter's own."""
    if isinstance(value, _tkinter.Tcl_Obj):
        return str(value)
    if isinstance(value, tuple):
        return tuple(_from_tcl(each) for each in value)
    return value


@atexit.register
def _close_all() -> None:
    for interpreter in list(_open):
        if threading.get_ident() == interpreter._thread:
            interpreter.close()
