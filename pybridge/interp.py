"""The interpreter: Tcl as tkinter builds it, with every command of the registry in it."""

import _tkinter
import atexit
import contextlib
import os
import re
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from pybridge import channels, errors, file_names, install, tcl_library, top_level
from pybridge.dispatch import Dispatcher
from pybridge.handles import HandleTable
from pybridge.held import Held, let_go
from pybridge.tcl_list import join_list
from pybridge.tcl_values import encodable, from_tcl, last_error, to_tcl
from pybridge.values import text_of

_Result = TypeVar("_Result")
_LAST_ENTRY = re.compile(r'\n    (?:invoked from within|while executing)\n"source -encoding [^\n]*"$')
_open: "weakref.WeakSet[Interpreter]" = weakref.WeakSet()


class Interpreter:
    """A Tcl interpreter in which `package require torch` is done.

    Interpreters in one process are independent: variables, handles, gradient mode. Each belongs to the thread
    that made it.

    Args:
        program: whether `exit` ends the process, as in the `tcltorch` program. Otherwise it stops the script
            and `eval` raises SystemExit.
        table: handles to share; a table of its own by default.

    Attributes:
        interruptible: whether Ctrl-C stops what Tcl runs, and `eval` raises KeyboardInterrupt. In the program
            the signal is left to do what it does, but for the commands of the prompt.
        on_exit: called when `exit` is about to end the process.

    Example:
        with Interpreter() as tcl:
            tcl.eval("torch::tensor_to_list [torch::ones {2}]")
    """

    def __init__(self, *, program: bool = False, table: HandleTable | None = None) -> None:
        # Not tkinter.Tcl(): that one runs the user's ~/.Tcl.tcl and ~/.Tcl.py.
        self._tk: Any = _tkinter.create(None, "tcltorch", "Tcl", False, True, False, False, None)
        self._thread = threading.get_ident()
        self._held = Held(self._tk)
        self._tk.eval("unset -nocomplain ::_tkinter_skip_tk_init")  # tkinter has read it
        self._program = program
        self.interruptible = not program
        self.on_exit: Callable[[], None] | None = None
        self._depth = 0
        self._closing = False
        self._cancel: Callable[[], None] | None = None
        self._exit_status: int | None = None
        self.dispatcher = Dispatcher(to_tcl, table)
        self._define_commands()
        _open.add(self)
        if program:
            tcl_library.replace_exit(self._end_at_once)

    # -- running Tcl -------------------------------------------------------------------------------------

    def eval(self, script: str) -> str:
        """Run a script at global level and return its result as text.

        Raises:
            TclError: with the message, the error code and Tcl's stack trace.
            SystemExit: the script called `exit`.
            KeyboardInterrupt: Ctrl-C was pressed meanwhile.
        """
        if "\0" not in script and encodable(script):
            return str(self._run(lambda tk: tk.eval(script)))
        self.call("set", "::torch::_::script", script)  # tkinter's own eval takes neither NUL nor stray bytes
        return str(self._run(lambda tk: tk.eval("uplevel #0 $::torch::_::script")))

    def call(self, *words: Any) -> Any:
        """Call one command with these words, no text in between: numbers and (nested) tuples go as they are.

        A list is a tuple, a dict its keys and values in turn. The result is a native object where Tcl has one
        (int, float, bytes, tuple), else text. Raises as `eval`, and TypeError for a word without a Tcl form.
        """
        carried = to_tcl(words)
        return self._run(lambda tk: from_tcl(tk.call(*carried)))

    def run_file(self, path: str | os.PathLike[str], encoding: str = "utf-8") -> str:
        """Run the script in a file and return the result of its last command. Raises as `eval`.

        Args:
            encoding: its encoding, by Tcl's name.
        """
        name = file_names.to_tcl(os.fsdecode(path))
        if not self._depth:
            return self._run(lambda tk: top_level.evaluate_file(tk, name, encoding))
        try:  # within a command that would be evaluated where the command is, not at global level
            return text_of(self.call("source", "-encoding", encoding, name))
        except errors.TclError as error:
            # the last entry of the trace is the `source` above, which the user has not written
            trace = _LAST_ENTRY.sub("", error.errorinfo)
            raise errors.TclError(error.message, error.errorcode, trace) from None

    def at_top_level(self, function: Callable[[Any], _Result]) -> _Result:
        """Call one that is made of `pybridge.top_level`, with tkinter's interpreter. Raises as `eval`."""
        return self._run(function)

    def define(self, name: str, function: Callable[..., str]) -> None:
        """Make `::torch::_::name` call a function of texts. What it raises is an error of Tcl's."""
        self._held.commands += install.define(self._tk, self.dispatcher, name, function)

    def serve(self, descriptor: int, seconds: float | None = None) -> None:
        """Run Tcl's event loop until `descriptor` is readable or the time is over.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed meanwhile; it has stopped what was running.
        """
        with channels.noticing_input(self._tk, descriptor, seconds) as over:
            while not over and self._tk is not None:
                self._serve_one()

    def _serve_one(self) -> None:
        mark = self.dispatcher.table.mark()
        try:
            self._run(lambda tk: tk.dooneevent(0))
        finally:
            self.dispatcher.table.unwind(mark, self._is_command)  # a stopped event's script leaves it open

    def flush(self) -> None:
        """Write what Tcl's channels, and Python's standard ones, have buffered."""
        channels.flush_all(self._tk)

    def set_arguments(self, argv0: str, argv: list[str], *, interactive: bool = False) -> None:
        """Set `argv0`, `argv`, `argc` and `tcl_interactive` as tclsh does."""
        values = {"argv0": argv0, "argv": tuple(argv), "argc": len(argv), "tcl_interactive": int(interactive)}
        for name, value in values.items():
            self.call("set", f"::{name}", value)

    def close(self) -> None:
        """Free every handle, flush Tcl's channels and let the interpreter go. Closing twice is no error.

        While a script runs, its commands fail from then on (`TORCH CLOSED`), and the rest waits for its end.

        Raises:
            RuntimeError: this is not the thread that made it.
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
        channels.flush_all(self._tk)
        self._held.delete_commands()
        self._tk = None
        let_go()

    def __enter__(self) -> "Interpreter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_tk", None) is None or not hasattr(self, "dispatcher"):
            return
        if threading.get_ident() == self._thread:
            self.close()
        else:
            self.dispatcher.close()
            self._held.dropped = True

    def _run(self, action: Callable[[Any], _Result]) -> _Result:
        if self._tk is None:
            raise errors.closed()
        if threading.get_ident() != self._thread:
            raise RuntimeError("an Interpreter is used by the thread that made it")
        result: _Result
        if self._depth or (watching := self._watching()) is None:
            result, failure = self._attempt(action, lambda: False)
        else:
            with watching as settle:
                result, failure = self._attempt(action, settle)
        if failure is not None:
            raise failure  # out here, where it does not hold tkinter's exception, and with it the interpreter
        return result

    def _watching(self) -> AbstractContextManager[Callable[[], bool]] | None:
        """What stands between signals and this interpreter; None where nothing needs to."""
        if not self.interruptible:  # it need not wait for this import
            return None
        from pybridge import interrupt

        if self._cancel is None:
            self._cancel = tcl_library.canceller(self._tk.interpaddr())
        watcher = interrupt.watcher()
        return watcher.watching(self._cancel) if watcher else None

    def _attempt(
        self, action: Callable[[Any], Any], settle: Callable[[], bool]
    ) -> tuple[Any, BaseException | None]:
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
            told = self._tcl_error(str(error), cancelled)
            if cancelled and self._take_cancel():
                told = KeyboardInterrupt()  # the error came before it, as of a program that Ctrl-C has ended
            failure = self._failure(told, mark)
        finally:
            self._depth -= 1
            if self._closing and not self._depth:
                self.close()
        return result, failure

    def _failure(self, told: BaseException, mark: tuple[int, int]) -> BaseException:
        """What an error that Tcl returned is for Python; what the script has left open is closed."""
        stopped = self._exit_status
        failure = told if stopped is None else SystemExit(stopped)
        if self._depth == 1:
            if stopped is not None:
                self._exit_status = None
                tcl_library.lift_limit(self._tk.interpaddr())
            self.dispatcher.table.unwind(mark, self._is_command)
        return failure

    def _is_command(self, name: str) -> bool:
        try:
            return bool(self._tk.call("::info", "commands", name))
        except _tkinter.TclError:
            return True

    def _take_cancel(self) -> bool:
        """Use up a cancel that came too late for what it meant, lest it hit the next script."""
        if self._cancel is None:
            return False
        taken = tcl_library.take_cancel(self._tk.interpaddr())
        self._take_cancels_of_children(self._tk.interpaddr(), [])
        return taken

    def _take_cancels_of_children(self, address: int, path: list[str]) -> None:
        """A cancel is one of all children, too, of which those that run nothing would keep it."""
        with contextlib.suppress(_tkinter.TclError):  # a script may have renamed the command
            for name in self._tk.splitlist(self._tk.call("::interp", "slaves", join_list(path))):
                found = tcl_library.child(address, name)
                if found:
                    tcl_library.take_cancel(found)
                    self._take_cancels_of_children(found, [*path, name])

    def _tcl_error(self, message: str, cancelled: bool) -> BaseException:
        error = last_error(self._tk, message)
        code = error.errorcode[:2]
        stopped = code == ("TCL", "CANCEL") or error.message.endswith(": eval canceled")  # in a trace
        if code == ("TORCH", "INTERRUPT") or (cancelled and stopped):
            return KeyboardInterrupt()
        return error

    # -- building ----------------------------------------------------------------------------------------

    def _define_commands(self) -> None:
        this = weakref.ref(self)  # a command that held the interpreter would keep it alive for ever

        def payload() -> bytes:
            alive = this()
            if alive is None or alive._tk is None:
                raise errors.closed()
            return install.take_payload(alive._tk)

        def end(status: int) -> None:
            alive = this()
            if alive is not None:
                alive._exit(status)

        def cancel_again() -> None:
            alive = this()
            if alive is None or not alive.interruptible:
                return
            from pybridge import interrupt

            watcher = interrupt.watcher()
            if watcher:
                watcher.cancel_again()

        install.install(self._tk, self.dispatcher, payload, end, cancel_again)

    # -- ending ------------------------------------------------------------------------------------------

    def end_program(self, status: int) -> NoReturn:
        """End the process; what is buffered is written first."""
        if self.on_exit:
            self.on_exit()
        self._take_cancel()  # it would stop the flushing
        channels.flush_all(self._tk)
        self._held.delete_commands()
        tcl_library.end_thread()
        os._exit(status & 0xFF)

    def _end_at_once(self, status: int) -> None:
        """End the process where Tcl's own `exit` would call destructors while other threads go on."""
        if self.on_exit:
            self.on_exit()
        tcl_library.end_thread()
        os._exit(status & 0xFF)

    def _exit(self, status: int) -> None:
        if self._program:
            self.end_program(status)
        self._exit_status = status
        tcl_library.exceed_limit(self._tk.interpaddr())


@atexit.register
def _close_all() -> None:
    for interpreter in list(_open):
        if threading.get_ident() == interpreter._thread:
            interpreter.close()
