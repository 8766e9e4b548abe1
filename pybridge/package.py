"""The Tcl package as files that are made: the list of commands that is one of them, and all as one module."""

import os
import re
from typing import get_args

from pybridge import __version__
from pybridge.annotations import FileName
from pybridge.registry import BY_NAME, Command
from pybridge.tcl_list import join_list
from pybridge.tcl_package import package_text, tcl_package

_COMMANDS = """\
# Made by `make docs`: the version of the package, each command with the words that tell of its bulk
# parameter, and a dictionary whose keys are the commands that take names of files. Inside tcltorch, Python
# has told the first two already.

namespace eval ::torch::_ {
    if {![info exists ::torch::_::commands]} {
        variable version %s
        variable commands {
%s
        }
    }
    variable on_files {
%s
    }
}
"""

# In torch.tcl: the files that it sources.
_SOURCED = re.compile(r"^# In the module[^\n]*\nforeach \S+ \{([^}]*)\} \{[^}]*\}\n", re.MULTILINE)

_PLAIN = re.compile("[A-Za-z0-9./_-]")


def command_list() -> tuple[str | tuple[int | str, ...], ...]:
    """Each registered name that is not a Tcl procedure, and the words that tell of its bulk parameter."""
    return tuple(
        word
        for name, command in sorted(BY_NAME.items())
        if not command.in_tcl
        for word in (name, _bulk_place(command))
    )


def _bulk_place(command: Command) -> tuple[int | str, ...]:
    """Position and options of the parameter that takes numbers in bulk; empty when there is none."""
    for form in command.forms:
        for position, parameter in enumerate(form.signature.parameters):
            if parameter.type.bulk:
                return (position, *(f"-{spelling}" for spelling in parameter.spellings))
    return ()


def _is_on_files(command: Command) -> bool:
    """Whether a parameter takes the name of a file, which may begin at the folder of the program."""
    annotations = [each for form in command.forms for each in form.function.__annotations__.values()]
    return any(FileName in (annotation, *get_args(annotation)) for annotation in annotations)


def commands_file() -> str:
    """The text of `commands.tcl`: what a Tcl program knows of the commands before there is a worker."""
    words = command_list()
    lines = [
        f"            {name} {join_list([join_list(map(str, where))])}"
        for name, where in zip(words[::2], words[1::2], strict=True)
    ]
    on_files = [f"        {name} {{}}" for name, command in sorted(BY_NAME.items()) if _is_on_files(command)]
    return _COMMANDS % (__version__, "\n".join(lines), "\n".join(on_files))


def module_name() -> str:
    """The name of the package as one file, by which Tcl's `package require` finds it."""
    return f"torch-{__version__}.tm"


def module_text(python: str) -> str:
    """The package as one file, with the Python that its worker runs in."""
    start, names, end = _SOURCED.split(package_text("torch.tcl"))
    start = f"# Made by `tcltorch install-tcl` of the files in {os.path.basename(tcl_package())}/.\n\n{start}"
    home = f"set ::torch::_::home {_quoted(python)}\n\n"
    return start + home + "\n".join(map(package_text, names.split())) + end


def _quoted(text: str) -> str:
    """A word of Tcl's, in ASCII."""
    units = text.encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return '"' + "".join(chr(code) if _PLAIN.match(chr(code)) else f"\\u{code:04x}" for code in codes) + '"'
