"""What tclsh does with its arguments: it runs a script, or commands from standard input, and then `exit`."""

import contextlib
import os
import sys
from collections.abc import Callable

from pybridge import file_names, tcl_library, top_level
from pybridge.errors import TclError
from pybridge.interp import Interpreter

_LONGEST = 60  # characters of a command in a message


def run_script(tcl: Interpreter, path: str, arguments: list[str], encoding: str = "utf-8") -> int:
    """Run the script in a file; the status of the program."""
    begin(tcl, file_names.to_tcl(path), arguments)
    return _status(tcl, lambda: tcl.run_file(path, encoding))


def run_text(tcl: Interpreter, name: str, script: str, arguments: list[str]) -> int:
    """Run a script; the status of the program, which has been called by this name."""
    begin(tcl, name, arguments)
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
    begin(tcl, name, arguments)
    _StandardInput(tcl).run()
    return 0


def begin(tcl: Interpreter, name: str, arguments: list[str], *, interactive: bool = False) -> None:
    """Set the arguments, and then which file is run before commands are typed, as each Tcl program does."""
    tcl.set_arguments(name, arguments, interactive=interactive)
    tcl.call("set", "::tcl_rcFileName", file_names.to_tcl(os.path.expanduser("~/.tcltorchrc")))


def run_start_file(tcl: Interpreter) -> None:
    """Run the file that `tcl_rcFileName` names, if there is one."""
    path = tcl.eval("if {[info exists ::tcl_rcFileName]} {set ::tcl_rcFileName}")
    if os.path.isfile(file_names.from_tcl(path)):
        tcl.run_file(file_names.from_tcl(path))


def end(tcl: Interpreter, status: int) -> None:
    """End the program by `exit`, which a script may have replaced; this comes back if that does."""
    with contextlib.suppress(TclError):  # tclsh does not tell of it either
        tcl.eval(f"exit {status}")


class _StandardInput:
    """Runs each command as soon as it is complete; a script may read the rest of the input itself.

    As in tclsh, the next one follows one that has failed.
    """

    def __init__(self, tcl: Interpreter) -> None:
        self._tcl = tcl
        self._terminal = sys.stdin is not None and sys.stdin.isatty()
        # a script may have prompts and results shown where there is no terminal, and the other way round
        self._interactive = tcl.at_top_level(
            lambda tk: tcl_library.LinkedBoolean(tk.interpaddr(), "tcl_interactive", self._terminal)
        )

    def run(self) -> None:
        """Run all commands, until the end of the input or until a script closes it."""
        if self._terminal:
            self._run_start_file()
        # the same twice: a command may have so many lines that its text may not be made anew for each
        lines: list[str] = []
        data = bytearray()
        while (line := self._line(continued=bool(lines))) is not None:
            lines.append(line)
            data += line.encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80") + b"\n"
            if tcl_library.is_complete(data):
                self._run_command("\n".join(lines))
                lines, data = [], bytearray()
        if any(line.strip() for line in lines):  # tclsh is silent about it
            _write(self._tcl, 2, f"the input ends within a command, which is not run: {_shortened(lines)}\n")
        if self._terminal:
            _write(self._tcl, 1, "\n")

    def _run_start_file(self) -> None:
        try:
            run_start_file(self._tcl)
        except TclError as error:
            _complain(self._tcl, error.errorinfo or error.message)

    def _line(self, continued: bool) -> str | None:
        """The next line; None at the end of the input, or when a script has closed it."""
        if self._interactive and top_level.has_input():
            self._show_prompt(continued)
        return self._tcl.at_top_level(top_level.read_line)

    def _show_prompt(self, continued: bool) -> None:
        """Run the script that the user has for a prompt, or print one."""
        variable, default = ("tcl_prompt2", "") if continued else ("tcl_prompt1", "% ")
        if continued and self._terminal:
            default = "> "  # tclsh has none
        try:
            if self._tcl.at_top_level(lambda tk: top_level.evaluate_prompt(tk, variable)):
                default = ""
        except TclError as error:
            _complain(self._tcl, error.message)
        _write(self._tcl, 1, default)

    def _run_command(self, script: str) -> None:
        try:
            result = self._tcl.at_top_level(lambda tk: top_level.evaluate_command(tk, script))
        except TclError as error:
            _complain(self._tcl, error.message)
            return
        if result and self._interactive:
            _write(self._tcl, 1, result + "\n")


def _shortened(lines: list[str]) -> str:
    """The beginning of a command."""
    first = lines[0]
    return first if len(lines) == 1 and len(first) <= _LONGEST else first[:_LONGEST] + "..."


def _complain(tcl: Interpreter, text: str) -> None:
    """Write a message to standard error, after what a script has written to standard output."""
    _write(tcl, 1, "")
    _write(tcl, 2, text + "\n")


def _write(tcl: Interpreter, standard: int, text: str) -> None:
    tcl.at_top_level(lambda tk: top_level.write(tk, standard, text))
