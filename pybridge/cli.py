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
       tcltorch [- [arg ...] | -option [arg ...]] < commands
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
    if mistake := _mistake(words):
        print(f"tcltorch: {mistake}\n{USAGE}", file=sys.stderr)
        return 2
    if words[:1] in (["tclpkg"], ["install-tcl"]):
        return _for_other_tcl(*words)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as of tclsh; the prompt has its own
    if words[:1] == ["daemon"]:
        from pybridge.daemon import control

        return control.main(words[1:])
    # The daemon's children read no commands from standard input, and a Python program goes on after this.
    if arguments is None and not _reads_commands(words):
        from pybridge.daemon import program

        status = program.run(words)
        if status is not None:
            os._exit(status)
    return run_here(words, ends=arguments is None)


def _mistake(words: list[str]) -> str:
    """Why it is not clear what to run; empty where it is."""
    first = words[0] if words else ""
    if first == "-c" and len(words) < 2:
        return "-c needs a script"
    if first == "-encoding" and len(words) < 3:
        return "-encoding needs the name of an encoding and a script"
    if first == "tclpkg" and len(words) > 1:
        return "tclpkg has no arguments"
    if first == "install-tcl" and (len(words) > 2 or words[1:] == [""] or words[-1].startswith("-")):
        return "install-tcl takes the name of one folder, or none"
    if not first.startswith("-") or first in ("-c", "-encoding"):
        return ""
    if os.isatty(0):  # tclsh would take it for an argument of what is typed
        return f"unknown option {first}; only commands on a pipe can have options of their own"
    if not _reads_commands(words):
        return f"unknown option {first} (as an argument of commands on a pipe: tcltorch - {first})"
    return ""


def _reads_commands(words: list[str]) -> bool:
    """Whether commands come from standard input, with these arguments: the first is `-`, or as `-verbose`."""
    if not words or words[0] == "-":
        return True
    option = words[0]
    return option[:1] == "-" and option[1:2].isalpha() and len(option) > 2 and option != "-encoding"


def _open_what_is_closed() -> None:
    """Have each standard channel be one, as Tcl does: what is opened next would be in its place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def run_here(words: list[str], *, ends: bool = True) -> int:
    """Run the program in this process.

    Args:
        ends: whether the process ends with it; then this comes back only where a script has replaced `exit`.
    """
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
    from pybridge import tclsh

    with Interpreter(program=True) as tcl:
        _name_program()
        status = _prompt(tcl) if prompts else _run(tcl, words)
        if ends:
            tclsh.end(tcl, status)
        return status


def _name_program() -> None:
    """Have `info nameofexecutable` be what runs a Tcl script; tkinter has told Tcl that it is Python.

    Tcl looks for packages in `../lib`, so only the `tcltorch` beside Python will do, no link that is called.
    """
    from pybridge import tcl_library

    program = os.path.join(os.path.dirname(sys.executable), "tcltorch")
    if os.path.isabs(program) and os.access(program, os.X_OK):
        tcl_library.name_executable(program)


def _called() -> str:
    """The name that the program was called by, which is `argv0` where there is no script."""
    return sys.argv[0] if os.path.basename(sys.argv[0]) == "tcltorch" else "tcltorch"


def _for_other_tcl(verb: str, *words: str) -> int:
    """What Tcl programs other than this one need to find the package."""
    if verb == "tclpkg":
        from pybridge.tcl_package import tcl_package

        return _say(tcl_package())
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
    from pybridge import tclsh
    from pybridge.prompt.session import Prompt

    tclsh.begin(tcl, _called(), [], interactive=True)
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
    from pybridge import tclsh

    if _reads_commands(words):
        return tclsh.run_commands(tcl, _called(), words)
    if words[0] == "-c":
        return tclsh.run_text(tcl, _called(), words[1], words[2:])
    if words[0] == "-encoding":
        return tclsh.run_script(tcl, words[2], words[3:], words[1])
    return tclsh.run_script(tcl, words[0], words[1:])
