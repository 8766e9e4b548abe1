"""Words that Tcl knows: commands, subcommands, variables, files. Nothing of the user's is run for them."""

import os
import re
from typing import Any

from pybridge.errors import TclError
from pybridge.interp import Interpreter
from pybridge.tcl_list import elements_of, glob_match, pairs_of, split_list
from pybridge.tcl_values import is_traced
from pybridge.values import text_of

_PLAIN = re.compile(r'[^\s"{}\[\]$;\\]+')  # a name that needs no quoting
_SPECIAL = {  # what takes a backslash: in a bare word, after a double quote, after a brace
    "": re.compile(r'[\s"{}\[\]$;\\]'),
    '"': re.compile(r'["\[$\\]'),
    "{": re.compile(r"(?!)"),
}
_IN_INDEX = re.compile(r'[\s"{}\[\]$;\\)]')  # what takes a backslash in the name of an element
_OF_TCL = re.compile(r"(?:::)?(?:argc|argv0?|env|errorCode|errorInfo|(?:auto|tcl)_\w+)")
_BACKSLASH = r"\\\g<0>"  # in front of what is found
_NAME = re.compile(r"[\w:]+")
_MOST_FILES = 1_000
_LONGEST_VALUE = 1_000_000  # characters of a value in which keys are looked for


class TclWords:
    """Asks Tcl what there is whose name begins as something written does."""

    def __init__(self, tcl: Interpreter) -> None:
        self._tcl = tcl

    def commands(self, written: str) -> list[str]:
        """Commands and namespaces."""
        names = set(self._list("::tcl::info::commands", _glob(written) + "*"))
        names.update(self._namespaces(written))
        if not written.startswith("::"):
            names = {name.removeprefix("::") for name in names}
        return [name for name in sorted(names) if name.startswith(written) and _PLAIN.fullmatch(name)]

    def subcommands(self, command: str, words: list[str]) -> list[str]:
        """The names that an ensemble, or one inside it, has for its next word."""
        ensemble = "::tcl::namespace::ensemble"
        if not _PLAIN.fullmatch(command) or self._list(ensemble, "exists", command) != ["1"]:
            return []
        about = pairs_of(self._list(ensemble, "configure", command))
        targets = pairs_of(self._split(about.get("-map", "")))
        if words:
            return self.subcommands(targets.get(words[0], ""), words[1:])
        named = self._split(about.get("-subcommands", "")) or list(targets)
        if not named:
            named = self._exported(about.get("-namespace", "").removesuffix("::") + "::")
        return sorted(named)

    def _exported(self, space: str) -> list[str]:
        """The commands that a namespace exports."""
        patterns = self._list("::tcl::namespace::eval", space, "::tcl::namespace::export")
        names = [name.removeprefix(space) for name in self._list("::tcl::info::commands", space + "*")]
        return [name for name in names if any(glob_match(each, name) for each in patterns)]

    def variables(self, written: str, end: str) -> list[str]:
        """Variables, those of Tcl's own last, elements of an array and namespaces.

        Args:
            end: what goes behind a whole name: a brace, if there is one before it, or nothing.
        """
        array, opened, element = written.partition("(")
        if opened and end:
            return [f"{array}({name}){end}" for name in self._elements(array, element) if end not in name]
        if opened:
            names = self._elements(array, _without_backslashes(element))
            return [f"{array}({_IN_INDEX.sub(_BACKSLASH, name)})" for name in names]
        names = self._list("::tcl::info::vars", _glob(written) + "*")
        if "::" in written:
            names += self._namespaces(written)
        if not written.startswith("::"):
            names = [name.removeprefix("::") for name in names]
        return [
            name if name.endswith("::") else name + end
            for name in sorted(names, key=lambda name: (bool(_OF_TCL.fullmatch(name)), name))
            if name.startswith(written) and _PLAIN.fullmatch(name)
        ]

    def keys(self, name: str, path: list[str]) -> list[str]:
        """The keys of the dict in a variable, or of the one that `path` leads to inside it."""
        text = self._value(name)
        for key in path:
            text = pairs_of(elements_of(text)).get(key, "")
        return [key for key in pairs_of(elements_of(text)) if _PLAIN.fullmatch(key)]

    def _value(self, name: str) -> str:
        """What a variable holds, if it is no array, has no trace and is not long."""
        where = _global(name)
        if not (_NAME.fullmatch(where) and self._is_untraced(name) and self._is_scalar(where)):
            return ""
        try:
            # by substitution: a script may have replaced `set`
            if int(self._tcl.eval(f"::tcl::string::length ${{{where}}}")) > _LONGEST_VALUE:
                return ""
            return self._tcl.eval(f"::tcl::string::cat ${{{where}}}")
        except TclError:
            return ""

    def _is_scalar(self, where: str) -> bool:
        exists, array = self._list("::tcl::info::exists", where), self._list("::tcl::array::exists", where)
        return (exists, array) == (["1"], ["0"])  # else reading it would be an error, and change ::errorInfo

    def _elements(self, array: str, beginning: str) -> list[str]:
        """The names of the elements of an array, unless a trace would notice that they were asked for."""
        if not self._is_untraced(array):
            return []
        names = self._list("::tcl::array::names", _global(array), _glob(beginning) + "*")
        return sorted(name for name in names if name.isprintable())

    def _is_untraced(self, name: str) -> bool:
        """Whether there is such a variable that no trace belongs to, which is run when it is read."""
        there = self._list("::tcl::info::vars", _glob(_global(name)))
        return bool(there) and not is_traced(self._tcl.call, _global(name))

    def _namespaces(self, written: str) -> list[str]:
        """Those in the namespace that the beginning of a name is in."""
        outer = "::" + written.rpartition("::")[0].removeprefix("::")
        if self._list("::tcl::namespace::exists", outer) != ["1"]:  # an error would change ::errorInfo
            return []
        children = self._list("::tcl::namespace::children", outer)
        return [f"{child}::" for child in children if child != "::torch::_"]  # which is the package's own

    def _list(self, *words: str) -> list[str]:
        """The list that a command of Tcl's own returns; empty on an error."""
        try:
            return self._split(self._tcl.call(*words))
        except (TclError, ValueError):
            return []

    def _split(self, value: Any) -> list[str]:
        return [text_of(each) for each in value] if isinstance(value, tuple) else split_list(text_of(value))


def files(written: str, opened: str) -> list[str]:
    """The names of files, as they are written in a script after a double quote, a brace, or neither.

    Those of bytes that are no text are left out: Tcl would not find the file.
    """
    plain = written if opened == "{" else _without_backslashes(written)
    folder, name = os.path.split(plain)
    found = []
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            for entry in entries:
                hidden = entry.name.startswith(".") and not name
                if entry.name.startswith(name) and entry.name.isprintable() and not hidden:
                    path = os.path.join(folder, entry.name) + ("/" if entry.is_dir() else "")
                    found.append(_SPECIAL[opened].sub(_BACKSLASH, path))
                    if len(found) == _MOST_FILES:
                        break
    except (OSError, ValueError):  # no such folder, not to be read, or no name of one
        return []
    return sorted(found)


def _without_backslashes(written: str) -> str:
    return re.sub(r"\\(.)", r"\1", written)


def _global(name: str) -> str:
    return "::" + name.removeprefix("::")


def _glob(text: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)
