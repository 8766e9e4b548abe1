"""What tclsh does with its arguments: it runs a script, or commands from standard input, and then `exit`."""

import contextlib
import sys
from collections.abc import Callable

from pybridge import tcl_library
from pybridge.errors import TclError
from pybridge.interp import Interpreter
from pybridge.values import text_of


def run_script(tcl: Interpreter, path: str, arguments: list[str], encoding: str = "utf-8") -> int:
    """Run the script in a file; the status of the program."""
    tcl.set_arguments(path, arguments)
    return _status(tcl, lambda: tcl.run_file(path, encoding))


def run_text(tcl: Interpreter, name: str, script: str, arguments: list[str]) -> int:
    """Run a script; the status of the program, which has been called by this name."""
    tcl.set_arguments(name, arguments)
    return _status(tcl, lambda: tcl.eval(script))


def _status(tcl: Interpreter, run: Callable[[], object]) -> int:
    try:
        run()
    except TclError as error:
        _complain(tcl, error.errorinfo or error.message)
        return 1
    return 0


def run_commands(tcl: Interpreter, name: str, arguments: list[str]) -> int:
    """Run the commands of standard input; the status of the program, which has been called by this name."""
    tcl.set_arguments(name, arguments)
    _StandardInput(tcl).run()
    return 0


def end(tcl: Interpreter, status: int) -> None:
    """End the program by `exit`, which a script may have replaced; this comes back if that does."""
    with contextlib.suppress(TclError):  # tclsh does not tell of it either
        tcl.eval(f"exit {status}")


class _StandardInput:
    """Runs each command as soon as it is complete; a script may read the rest of the input itself.

    As in tclsh, the next one follows one that has failed. But what is not complete at the end is reported,
    where tclsh drops it.
    """

    def __init__(self, tcl: Interpreter) -> None:
        self._tcl = tcl
        self._terminal = sys.stdin is not None and sys.stdin.isatty()
        # a script may have prompts and results shown where there is no terminal, and the other way round
        self._interactive = tcl.link_boolean("tcl_interactive", self._terminal)

    def run(self) -> None:
        """Run all commands, until the end of the input or until a script closes it."""
        lines: list[str] = []
        data = (
            bytearray()
        )  # the same, for Tcl: a command may have so many lines that it must not be made anew
        while (line := self._line(continued=bool(lines))) is not None:
            lines.append(line)
            data += line.encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80") + b"\n"
            if tcl_library.is_complete(data):
                self._run_command("\n".join(lines))
                lines, data = [], bytearray()
        if any(line.strip() for line in lines):
            self._run_command("\n".join(lines))
        if self._terminal:
            _channel(self._tcl, "puts", "stdout", "")

    def _line(self, continued: bool) -> str | None:
        """The next line; None at the end of the input, or when a script has closed it."""
        if self._interactive and self._has_input():
            self._show_prompt(continued)
        try:
            # bytes where a script has made it binary
            line = text_of(self._tcl.call("::tcl::chan::gets", "stdin"))
            return None if line == "" and self._tcl.call("::tcl::chan::eof", "stdin") else line
        except TclError:
            if self._has_input():
                raise
            return None

    def _has_input(self) -> bool:
        return "stdin" in self._tcl.call("::tcl::chan::names")

    def _show_prompt(self, continued: bool) -> None:
        """Run the script that the user has for a prompt, or print one."""
        variable, default = ("::tcl_prompt2", "") if continued else ("::tcl_prompt1", "% ")
        if continued and self._terminal:
            default = "> "  # tclsh has none
        if self._tcl.call("::tcl::info::exists", variable):
            try:
                self._tcl.run_prompt(text_of(self._tcl.call("set", variable)))
                default = ""
            except TclError as error:
                _complain(self._tcl, error.message)
        if default:
            _channel(self._tcl, "puts", "-nonewline", "stdout", default)
        _channel(self._tcl, "flush", "stdout")

    def _run_command(self, script: str) -> None:
        try:
            result = self._tcl.run_command(script)
        except TclError as error:
            _complain(self._tcl, error.message)
            return
        if result and self._interactive:
            _channel(self._tcl, "puts", "stdout", result)


def _complain(tcl: Interpreter, text: str) -> None:
    """Write a message to standard error, after what a script has written to standard output."""
    _channel(tcl, "flush", "stdout")
    _channel(tcl, "puts", "stderr", text)


def _channel(tcl: Interpreter, subcommand: str, *words: str) -> None:
    """Call a command for a channel, unless a script has closed that."""
    with contextlib.suppress(TclError):
        tcl.call(f"::tcl::chan::{subcommand}", *words)
