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
    if words[:1] in (["--version"], ["-version"]):
        return _say(f"tcltorch {__version__}")
    if words[:1] in (["--help"], ["-help"], ["-h"]):
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
    if arguments is None and not _are_arguments(
        words
    ):  # a Python program's process may not end here
        from pybridge.daemon import program

        status = program.run(words)
        if status is not None:
            os._exit(status)
    return run_here(words)


def _is_understood(words: list[str]) -> bool:
    """Whether these are a script, with its arguments, or are for commands on standard input."""
    if _are_arguments(words):
        return not words or not os.isatty(0)  # there they are rather a mistake
    return not words[0].startswith("-") or len(words) > {"-c": 1, "-encoding": 2}.get(words[0], len(words))


def _are_arguments(words: list[str]) -> bool:
    """Whether these are arguments of commands on standard input: as in tclsh, options such as `-verbose`."""
    option = words[0] if words else "-none"
    return option[:1] == "-" and option[1:2].isalpha() and len(option) > 2 and option != "-encoding"


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
        name = _name_program()
        return _prompt(tcl, name) if prompts else _run(tcl, name, words)


def _name_program() -> str:
    """Have `info nameofexecutable` be what runs a Tcl script; tkinter has told Tcl that it is Python.

    Tcl looks for packages in `../lib`, so only the `tcltorch` beside Python will do, no link that is called.

    Returns:
        The name of the program, for `argv0`.
    """
    from pybridge import tcl_library

    program = os.path.join(os.path.dirname(sys.executable), "tcltorch")
    if not os.path.isabs(program) or not os.access(program, os.X_OK):
        return "tcltorch"
    tcl_library.name_executable(program)
    return program


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


def _prompt(tcl: "Interpreter", name: str) -> int:
    from pybridge.prompt.session import Prompt

    tcl.set_arguments(name, [], interactive=True)
    Prompt(tcl).run()
    return 0


def _say(text: str) -> int:
    try:
        print(text, flush=True)
    except OSError as error:
        print(f"tcltorch: {error.strerror}", file=sys.stderr)
        os._exit(1)  # Python would try to write it again
    return 0


def _run(tcl: "Interpreter", name: str, words: list[str]) -> int:
    """Run what the arguments name, and `exit` at the end where a script has replaced it, as tclsh does."""
    import contextlib

    from pybridge.errors import TclError
    from pybridge.standard_input import complain

    ours = tcl.call("::tcl::info::body", "::exit")
    try:
        _run_words(tcl, name, words)
        status = 0
    except TclError as error:
        complain(tcl, error.errorinfo or error.message)
        status = 1
    with contextlib.suppress(TclError):
        if tcl.call("::tcl::info::body", "::exit") == ours:
            return status
    with contextlib.suppress(TclError):
        tcl.eval(f"exit {status}")
    return status


def _run_words(tcl: "Interpreter", name: str, words: list[str]) -> None:
    from pybridge.standard_input import StandardInput

    if _are_arguments(words):
        tcl.set_arguments(name, words)
        StandardInput(tcl).run()
    elif words[0] == "-c":
        tcl.set_arguments(name, words[2:])
        tcl.eval(words[1])
    elif words[0] == "-encoding":
        tcl.set_arguments(words[2], words[3:])
        tcl.run_file(words[2], words[1])
    else:
        tcl.set_arguments(words[0], words[1:])
        tcl.run_file(words[0])
