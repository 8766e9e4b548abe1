"""Every error the Tcl side can see, with its -errorcode.

One exception class carries them all; one function a row of the table in docs/errors.md makes them.
"""

import errno
import os
import re
import traceback
from collections.abc import Container, Iterable, Sequence

from pybridge import file_names
from pybridge.nearest import LONGEST_WORD, nearest

MOST_MEANT = 3  # words that a suggestion names
_SYNONYMS = {"asymmetric": "affine"}  # near to another word is not what it means
_INTEGERS = ["quantized", "scale", "zero_point"]  # the keys with tensors of what quantize_integers gives
_LEADING_ZERO = re.compile(r"[-+]?0\d+")
_IN_A_LIST = re.compile(r" at index \d+")  # and in no list of lists
_VARIABLE = re.compile(r"\$[A-Za-z_:][\w:]*")
_WITH_COMMAS = re.compile(r"\[?-?[\d.]+,[\d., e+-]*\]?")
_OUT_OF_MEMORY = re.compile(r"can't allocate memory|out of memory", re.IGNORECASE)
# What checks raise, PyTorch's and those of other libraries that commands call.
_REFUSALS = (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError, OverflowError)


class TclError(Exception):
    """An error as Tcl knows it.

    Attributes:
        message: one line, what Tcl's `catch` stores.
        errorcode: the words of `-errorcode`, such as `("TORCH", "HANDLE", "tensor9")`.
        errorinfo: Tcl's stack trace; before an error has reached Tcl it is empty, or holds the Python
            traceback of a mistake in the bridge.
    """

    def __init__(self, message: str, errorcode: Sequence[str] = ("NONE",), errorinfo: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.errorcode = tuple(errorcode)
        self.errorinfo = errorinfo


def shown(word: object) -> str:
    """`word` as a message quotes it: on one line, whole when short, its beginning when long."""
    text = one_line(word if isinstance(word, str) else str(word))
    return text if len(text) <= LONGEST_WORD else text[:LONGEST_WORD] + "..."


def one_line(text: str) -> str:
    return text.replace("\n", "\\n").replace("\r", "\\r")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message: the known words that `word` may stand for, if there are some."""
    near = nearest(word, known)
    return f" ({meant(near)})" if near else ""


def meant(words: Sequence[str]) -> str:
    """The question whether one of these words was meant; of many, the first `MOST_MEANT`."""
    *others, last = words[:MOST_MEANT]
    return f"did you mean {', '.join(others)}{' or ' if others else ''}{last}?"


def wrong_args(usages: Iterable[str], hint: str = "") -> TclError:
    """Too few or too many words; `hint` is how the message ends."""
    choices = " or ".join(f'"{usage}"' for usage in usages)
    return TclError(f"wrong # args: should be {choices}{hint}", ("TCL", "WRONGARGS"))


def bad_option(option: str, allowed: Sequence[str], called: str) -> TclError:
    """The command that is `called` has no such option."""
    known = f"must be {', '.join(allowed)}" if allowed else "there are none here"
    hint = _help_asked_for(option, called) or did_you_mean(option, allowed)
    return TclError(
        f'bad option "{shown(option)}": {known}{hint}',
        ("TCL", "LOOKUP", "INDEX", "option", option),
    )


def meant_option(option: str, known: Container[str], called: str) -> str:
    """The end of a message: this option of the command that is `called` was meant, if there is such a one."""
    return f" ({meant([option])})" if option in known else _help_asked_for(option, called)


def _help_asked_for(option: str, called: str) -> str:
    asked = option.lower() in ("-h", "-help")
    return f" (torch::help {called} shows what it does)" if asked else ""


def with_hint(error: TclError, hint: str) -> TclError:
    """The same error; `hint` is how its message ends."""
    return TclError(error.message + hint, error.errorcode, error.errorinfo)


def bad_choice(parameter: str, word: str, allowed: Sequence[str], where: str = "") -> TclError:
    """`word` is none of those that are allowed; in a dict `where` tells the keys to it."""
    synonym = _SYNONYMS.get(word.lower(), "")
    hint = f" ({meant([synonym])})" if synonym in allowed else did_you_mean(word, allowed)
    keys, _, name = where.rpartition(" in ")
    place = f"{keys} for {parameter}" if name else ""
    return TclError(
        f'bad {name or parameter} "{shown(word)}"{place}: must be {", ".join(allowed)}{hint}',
        ("TCL", "LOOKUP", "INDEX", parameter, word),
    )


def unknown_subcommand(name: str, hint: str) -> TclError:
    """There is no command `name` in the ensemble; `hint` is how the message ends."""
    return TclError(f'unknown subcommand "{shown(name)}"{hint}', ("TCL", "LOOKUP", "SUBCOMMAND", name))


def missing_value(parameter: str, option: str) -> TclError:
    return TclError(f'missing value for option "{option}"', ("TORCH", "ARG", "MISSING", parameter))


def missing_option(parameter: str) -> TclError:
    return TclError(f'missing required option "-{parameter}"', ("TORCH", "ARG", "MISSING", parameter))


def given_twice(parameter: str, positional: str | None) -> TclError:
    """`positional` is the word without an option that has been taken for the parameter, if one has."""
    hint = "" if positional is None else f' ("{shown(positional)}" is taken for it, too)'
    return TclError(f'parameter "{parameter}" given twice{hint}', ("TORCH", "ARG", "DUPLICATE", parameter))


def expected_option(word: str) -> TclError:
    return TclError(f'expected an option but got "{shown(word)}"', ("TORCH", "ARG", "SYNTAX"))


def wrong_type(
    expected: str, got: str, parameter: str, label: str, where: str = "", hint: str = ""
) -> TclError:
    """`got` is no `expected`; `label` is the parameter as the user named it, with its dash.

    `hint` is how the message ends.
    """
    if expected.endswith(("number", "integer")):
        if _WITH_COMMAS.fullmatch(got):
            hint = " (blanks separate the elements of a list, a point the decimals)"
        elif _LEADING_ZERO.fullmatch(got.strip()):
            hint = " (leave out the leading zero: Tcl 8.6 takes 010 for 8, Tcl 9 for 10)"
        elif _VARIABLE.fullmatch(got):
            remedy = f": [list {shown(got)} ...]" if _IN_A_LIST.fullmatch(where) else ""
            hint = f" (braces keep Tcl from putting in its value{remedy})"
    message = f'expected {expected} but got "{shown(got)}"{where} for {label}{hint}'
    return TclError(message, ("TORCH", "ARG", "TYPE", parameter))


def arg_value(parameter: str, message: str) -> TclError:
    """A value of the right type that the command refuses; `message` says what it got and what it needs."""
    return TclError(message, ("TORCH", "ARG", "VALUE", parameter))


def no_such_handle(kind: str, name: str, hint: str = "") -> TclError:
    """`name` is no handle; `hint` is how the message ends."""
    return TclError(f'no such {kind} "{shown(name)}"{hint}', ("TORCH", "HANDLE", name))


def in_list(kind: str) -> str:
    """The end of a message: what was given for a handle is a list of some."""
    return f": it is a list, and lindex takes a {kind} out of it"


def in_dict(kind: str, names: Sequence[str]) -> str:
    """The end of a message: what was given for a handle is a dict that has some, by these names."""
    several = ", ".join(map(shown, names[:3])) + ", ..." * (len(names) > 3)
    if list(names) == _INTEGERS:  # to take out the integers alone would give other numbers without a word
        return f": it is a dict of integers ({several}), and torch::dequantize_integers makes a tensor of it"
    return f": it is a dict, and dict get takes a {kind} out of it ({several})"


def pattern_of_handles(kind: str, pattern: str) -> TclError:
    """`pattern` is no handle, but some match it."""
    hint = f" (it is a pattern: [torch::handles {pattern}] lists the handles that match)"
    return TclError(f'no such {kind} "{pattern}"{hint}', ("TORCH", "HANDLE", pattern))


def freed_handle(kind: str, name: str) -> TclError:
    return TclError(f'{kind} "{name}" was freed', ("TORCH", "HANDLE", name))


def handle_twice(name: str) -> TclError:
    return TclError(f'"{name}" given twice', ("TORCH", "HANDLE", name))


def other_kind(name: str, kind: str, wanted: str) -> TclError:
    return TclError(
        f'"{name}" is {_with_article(kind)}, not {_with_article(wanted)}', ("TORCH", "HANDLE", name)
    )


def unsupported(name: str, why: str) -> TclError:
    """A feature that is not there, or needs something that is not installed."""
    return TclError(why, ("TORCH", "UNSUPPORTED", name))


def not_installed(package: str, extra: str, feature: str) -> TclError:
    return unsupported(feature, f"{feature} needs {package}: pip install 'tcltorch[{extra}]'")


def interrupted() -> TclError:
    return TclError("interrupted", ("TORCH", "INTERRUPT"))


def closed() -> TclError:
    return TclError("the interpreter is closed", ("TORCH", "CLOSED"))


def file_format(path: str, what: str) -> TclError:
    """The content of the file at `path` is not what the command reads."""
    path = file_names.to_tcl(path)
    return TclError(f'"{one_line(path)}" {one_line(what)}', ("TORCH", "FILE", "FORMAT", path))


def file_access(path: str, error: OSError, hint: str = "") -> TclError:
    """The operating system refused `path`: Tcl's own text and code (`POSIX ENOENT {no such file ...}`)."""
    return _refused("open", file_names.to_tcl(path), error, hint)


def folder_access(path: str, error: OSError) -> TclError:
    """The operating system does not let the process work in the folder `path`."""
    return _refused("change working directory to", path, error)


def _refused(what: str, path: str, error: OSError, hint: str = "") -> TclError:
    text = (os.strerror(error.errno) if error.errno else str(error)).lower()
    code = ("POSIX", _errno_name(error), text)
    return TclError(f'couldn\'t {what} "{one_line(path)}": {text}{hint}', code)


def one_line_warning(message: Warning | str, *_: object, **__: object) -> str:
    """A warning of PyTorch's for a Tcl user: what it says, not the Python line that it fell on."""
    said = str(message).partition(" (Triggered internally at ")[0]
    return f"warning: {' '.join(said.split())}\n"


def from_exception(error: BaseException) -> TclError:
    """What the Tcl user sees of any exception that a command raised.

    The traceback is let go, and its frames with their tensors: nothing of a failed command stays alive.
    """
    try:
        return _translated(error)
    finally:
        _let_go(error)


def _let_go(error: BaseException) -> None:
    """Drop the tracebacks of an exception and of all that led to it."""
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or not (each.__traceback__ or each.__context__ or each.__cause__):
            continue
        waiting += [each.__context__, each.__cause__]
        traceback.clear_frames(each.__traceback__)
        each.__traceback__ = each.__context__ = each.__cause__ = None


def _translated(error: BaseException) -> TclError:
    name = type(error).__name__
    first_line = next((line for line in str(error).splitlines() if line.strip()), "") or name
    if isinstance(error, TclError):
        return TclError(error.message, error.errorcode, error.errorinfo)
    parameter = getattr(error, "parameter", None)  # of `pybridge.quant.arguments.BadArgument`
    if isinstance(error, ValueError) and isinstance(parameter, str):
        return arg_value(parameter, first_line)
    if isinstance(error, KeyboardInterrupt):
        return interrupted()
    if isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(first_line)
    ):
        return TclError(_memory_message(first_line), ("TORCH", "MEMORY"))
    if isinstance(error, SystemExit) or (isinstance(error, _REFUSALS) and not _in_the_bridge(error)):
        return TclError(first_line, ("TORCH", "RUNTIME", name))
    trace = "".join(traceback.format_exception(error)).rstrip()
    if isinstance(error, ImportError) and error.name == "torch":
        return TclError(first_line, ("TORCH", "UNSUPPORTED", "torch"), trace)
    return TclError(f"internal error: {name}: {first_line}", ("TORCH", "BUG", name), trace)


def _in_the_bridge(error: BaseException) -> bool:
    """Whether the exception comes from the bridge's own machinery, not from a command or what it calls."""
    frames = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    folder, name = os.path.split(frames[-1]) if frames else ("", "")
    return folder == os.path.dirname(__file__) and name != "lazy.py"


def _memory_message(line: str) -> str:
    asked = re.search(r"tried to allocate ([0-9.]+ ?[A-Za-z]+)", line, re.IGNORECASE)
    return f"out of memory: tried to allocate {asked.group(1)}" if asked else f"out of memory: {line}"


def _with_article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _errno_name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "UNKNOWN")
