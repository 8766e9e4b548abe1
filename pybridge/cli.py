"""The `tcltorch` program: tclsh with PyTorch in it."""

# What takes time to import waits until it is needed: a daemon may do the work (pybridge/daemon/program.py).
import os
import signal
import sys

from pybridge import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pybridge.interp import Interpreter

USAGE = """usage: tcltorch [[-encoding name] script.tcl [arg ...]]
       tcltorch -c script [arg ...]
       tcltorch tclpkg | install-tcl [folder]
       tcltorch daemon start | status | stop
       tcltorch --version | --help

Runs a Tcl script in which `package require torch` is done. Without a script it
reads commands from standard input; on a terminal, with a prompt. Scripts are in
UTF-8 where no other encoding is named.

For other Tcl programs, tclpkg tells the folder for their auto_path or for
TCLLIBPATH, and install-tcl copies the package into a folder, with the path of
this Python in it; by default one where tclsh finds it. A script of such a name
is run as ./tclpkg."""


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the status it ends with is returned, unless the script calls `exit`."""
    words = sys.argv[1:] if arguments is None else arguments
    if arguments is None:
        _open_what_is_closed()
    if words[:1] == ["--version"]:
        return _say(f"tcltorch {__version__}")
    if words[:1] in (["--help"], ["-h"]):
        return _say(USAGE)
    if words[:1] in (["tclpkg"], ["install-tcl"]):
        return _for_other_tcl(*words)
    if not _is_understood(words):
        print(USAGE, file=sys.stderr)
        return 2
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as of tclsh; the prompt has its own
    if words[:1] == ["daemon"]:
        from pybridge.daemon import control

        return control.main(words[1:])
    if words and arguments is None:  # not where a Python program calls this: its process ends here
        from pybridge.daemon import program

        status = program.run(words)
        if status is not None:
            os._exit(status)
    return run_here(words)


def _is_understood(words: list[str]) -> bool:
    """Whether these are a script, with its arguments, or nothing."""
    option = words[0] if words and words[0].startswith("-") else ""
    return not option or len(words) > {"-c": 1, "-encoding": 2}.get(option, len(words))


def _open_what_is_closed() -> None:
    """Have each standard channel be one, as Tcl does: what is opened next would be in its place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def run_here(words: list[str]) -> int:
    """Run the program in this process."""
    import atexit
    import gc
    import warnings

    from pybridge.errors import one_line_warning

    prompts = not words and _on_terminal()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    warnings.formatwarning = one_line_warning
    atexit.register(gc.freeze)  # or Python ends with a search for garbage in all of PyTorch
    try:
        from pybridge.interp import Interpreter
    except ImportError as error:
        if error.name != "_tkinter":
            raise
        print("tcltorch needs Python's tkinter: apt-get install python3-tk", file=sys.stderr)
        return 1
    with Interpreter(program=True) as tcl:
        _name_program()
        return _prompt(tcl) if prompts else _run(tcl, words)


def _name_program() -> None:
    """Have `info nameofexecutable` be what runs a Tcl script; tkinter has told Tcl that it is Python.

    Tcl looks for packages in `../lib`, so only the `tcltorch` beside Python will do, no link that is called.
    """
    from pybridge import tcl_library

    program = os.path.join(os.path.dirname(sys.executable), "tcltorch")
    if os.path.isabs(program) and os.access(program, os.X_OK):
        tcl_library.name_executable(program)


def _for_other_tcl(verb: str, *words: str) -> int:
    """What Tcl programs other than this one need to find the package."""
    if len(words) > (verb == "install-tcl") or words[:1] == ("",) or any(word[:1] == "-" for word in words):
        print(USAGE, file=sys.stderr)
        return 2
    if verb == "tclpkg":
        from pybridge.tcl_package import tcl_package

        return _say(str(tcl_package()))
    from pybridge.install_tcl import NoFolder, install_tcl

    try:
        return _say(install_tcl(*words))
    except NoFolder as error:
        print(error, file=sys.stderr)
        return 1


def _on_terminal() -> bool:
    """Whether there is a terminal to show the prompt on, one that knows more than to print."""
    if sys.stdin is None or sys.stdout is None or os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        return False
    return sys.stdin.isatty() and sys.stdout.isatty()


def _prompt(tcl: "Interpreter") -> int:
    from pybridge.prompt.session import Prompt

    tcl.set_arguments("tcltorch", [], interactive=True)
    Prompt(tcl).run()
    return 0


def _say(text: str) -> int:
    try:
        print(text, flush=True)
    except OSError as error:
        print(f"tcltorch: {error.strerror}", file=sys.stderr)
        os._exit(1)  # Python would try to write it again
    return 0


def _run(tcl: "Interpreter", words: list[str]) -> int:
    from pybridge.errors import TclError

    try:
        if not words:
            return _read_commands(tcl, interactive=sys.stdin is not None and sys.stdin.isatty())
        if words[0] == "-c":
            tcl.set_arguments("tcltorch", words[2:])
            tcl.eval(words[1])
        else:
            encoding = "utf-8"
            if words[0] == "-encoding":
                _, encoding, *words = words
            tcl.set_arguments(words[0], words[1:])
            tcl.run_file(words[0], encoding)
    except TclError as error:
        _complain(tcl, error.errorinfo or error.message)
        return 1
    return 0


def _read_commands(tcl: "Interpreter", *, interactive: bool) -> int:
    """Run each command of standard input as soon as it is complete; the script may read the rest itself.

    As in tclsh, the next one follows one that has failed.
    """
    tcl.set_arguments("tcltorch", [], interactive=interactive)
    script = ""
    while (line := _read_line(tcl, continued=bool(script))) is not None:
        script += line + "\n"
        if not tcl.call("::tcl::info::complete", script):
            continue
        _run_command(tcl, script)
        script = ""
    if script.strip():
        _run_command(tcl, script)
    if interactive:
        print()
    return 0


def _is_interactive(tcl: "Interpreter") -> bool:
    """Whether prompts and results are shown: a script may decide, also where there is no terminal."""
    from pybridge.errors import TclError

    try:
        return (
            str(tcl.call("::tcl::string::is", "true", "-strict", tcl.call("set", "::tcl_interactive"))) == "1"
        )
    except TclError:
        return False


def _read_line(tcl: "Interpreter", continued: bool) -> str | None:
    from pybridge.errors import TclError
    from pybridge.values import text_of

    if _is_interactive(tcl) and "stdin" in tcl.call("::tcl::chan::names"):
        _show_prompt(tcl, *(("tcl_prompt2", "> ") if continued else ("tcl_prompt1", "% ")))
    try:
        line = text_of(tcl.call("::tcl::chan::gets", "stdin"))  # bytes where a script has made it binary
        return None if line == "" and tcl.call("::tcl::chan::eof", "stdin") else line
    except TclError:
        if "stdin" in tcl.call("::tcl::chan::names"):
            raise
        return None  # a script has closed it


def _show_prompt(tcl: "Interpreter", variable: str, default: str) -> None:
    """Run the script that the user has for a prompt, or print one."""
    from pybridge.errors import TclError
    from pybridge.values import text_of

    script = None
    try:
        if tcl.call("::tcl::info::exists", f"::{variable}"):
            script = text_of(tcl.call("set", f"::{variable}"))
            tcl.eval(script)
    except TclError as error:
        _complain(tcl, error.message)
        script = None
    if script is None:
        _chan(tcl, "puts", "-nonewline", "stdout", default)
    _chan(tcl, "flush", "stdout")


def _run_command(tcl: "Interpreter", script: str) -> None:
    from pybridge.errors import TclError

    try:
        result = tcl.eval(script)
    except TclError as error:
        _complain(tcl, error.message)
        return
    if result and _is_interactive(tcl):
        _chan(tcl, "puts", "stdout", result)


def _complain(tcl: "Interpreter", text: str) -> None:
    _chan(tcl, "flush", "stdout")
    _chan(tcl, "puts", "stderr", text)


def _chan(tcl: "Interpreter", subcommand: str, *words: str) -> None:
    """Call a command for a channel, unless a script has closed that."""
    import contextlib

    from pybridge.errors import TclError

    with contextlib.suppress(TclError):
        tcl.call(f"::tcl::chan::{subcommand}", *words)
