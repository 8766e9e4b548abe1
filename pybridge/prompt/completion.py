"""What the Tab key offers. Nothing of the user's is run for it, neither a script nor a trace."""

import os
import re
from collections.abc import Iterator
from typing import Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from pybridge.errors import TclError
from pybridge.interp import Interpreter
from pybridge.prompt import torch_words
from pybridge.prompt.torch_words import FILES, Candidate
from pybridge.prompt.words import Place, place_at_end
from pybridge.tcl_list import split_list
from pybridge.values import text_of

_TORCH = re.compile(r"(?:::)?torch::(\w*)")
_PLAIN = re.compile(r'[^\s"{}\[\]$;\\]+')  # a name that needs no quoting
_SPECIAL = re.compile(r'([\s"{}\[\]$;\\])')
_FILE_COMMANDS = ("source", "open", "cd")
_PARTS = re.compile(r"/|::|\(")
_LONGEST_NOTE = 60
_MOST_FILES = 1_000


class TclCompleter(Completer):
    """Completes commands, options, handles, variables, enumerated values and the names of files."""

    def __init__(self, tcl: Interpreter) -> None:
        self._tcl = tcl

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        text = document.text_before_cursor
        place = place_at_end(text)
        if place is None:
            return
        written, candidates = self._candidates(place, text)
        for each in candidates:
            note = each.note if len(each.note) <= _LONGEST_NOTE else each.note[: _LONGEST_NOTE - 3] + "..."
            yield Completion(
                each.text, -len(written), display=_label(each.text, written), display_meta=note or None
            )

    def _candidates(self, place: Place, text: str) -> tuple[str, list[Candidate]]:
        """The text that is to be replaced, and by what."""
        name = place.variable
        if name is not None:
            return name, self._variables(name, "}" if place.braced else "")
        word = place.word
        if place.quoted:
            return word, self._files(place, word) if _takes_files(place) else []
        if not place.words:
            return word, self._commands(word, text)
        found: list[Candidate] = []
        for each in self._next_words(place, text):
            if each is FILES:
                found += self._files(place, word)
            elif each.text.startswith(word):
                found.append(each)
        return word, found

    # -- commands ----------------------------------------------------------------------------------------

    def _commands(self, word: str, text: str) -> list[Candidate]:
        match = _TORCH.fullmatch(word)
        if match:
            prefix = word.removesuffix(match[1])
            return [Candidate(prefix + each.text, each.note) for each in self._torch_names(match[1], text)]
        names = set(self._list("::tcl::info::commands", _glob(word) + "*"))
        names.update(self._namespaces(word))
        if not word.startswith("::"):
            names = {name.removeprefix("::") for name in names}
        return [Candidate(name) for name in sorted(names) if name.startswith(word) and _PLAIN.fullmatch(name)]

    def _torch_names(self, word: str, text: str) -> list[Candidate]:
        names = torch_words.commands(torch_words.is_camel(text, word))
        return [each for each in names if each.text.startswith(word)]

    def _namespaces(self, written: str) -> list[str]:
        """Those in the namespace that the beginning of a name is in."""
        outer = "::" + written.rpartition("::")[0].removeprefix("::")
        if self._list("::tcl::namespace::exists", outer) != ["1"]:  # an error would change ::errorInfo
            return []
        return [f"{child}::" for child in self._list("::tcl::namespace::children", outer)]

    # -- the words of a command --------------------------------------------------------------------------

    def _next_words(self, place: Place, text: str) -> list[Candidate]:
        first, *others = place.words
        match = _TORCH.fullmatch(first)
        if first in ("torch", "::torch") and not others:
            return self._torch_names(place.word, text)
        if first in ("torch", "::torch"):
            match, others = _TORCH.fullmatch(f"torch::{others[0]}"), others[1:]
        if match:
            camel = torch_words.is_camel(text, place.word if place.word.startswith("-") else "")
            table = self._tcl.dispatcher.table
            return torch_words.arguments(match[1], tuple(others), camel, table)
        subcommands = self._subcommands(first, others)
        if subcommands:
            return [Candidate(name) for name in subcommands]
        if _takes_files(place):
            return [FILES]
        variables = self._variables(place.word) if place.word else []
        return [*variables, *torch_words.handles(self._tcl.dispatcher.table)] if place.word else variables

    def _subcommands(self, command: str, words: list[str]) -> list[str]:
        """The names that an ensemble, or one inside it, has for its next word."""
        ensemble = "::tcl::namespace::ensemble"
        if not _PLAIN.fullmatch(command) or self._list(ensemble, "exists", command) != ["1"]:
            return []
        settings = self._list(ensemble, "configure", command)
        about = dict(zip(settings[::2], settings[1::2], strict=False))
        mapped = self._split(about.get("-map", ""))
        targets = dict(zip(mapped[::2], mapped[1::2], strict=False))
        if words:
            return self._subcommands(targets.get(words[0], ""), words[1:]) if words[0] in targets else []
        named = self._split(about.get("-subcommands", "")) or list(targets)
        if not named:
            space = about.get("-namespace", "").removesuffix("::") + "::"
            named = [name.removeprefix(space) for name in self._list("::tcl::info::commands", space + "*")]
        return sorted(named)

    # -- variables ---------------------------------------------------------------------------------------

    def _variables(self, written: str, end: str = "") -> list[Candidate]:
        array, opened, element = written.partition("(")
        if opened:
            names = self._elements(array, element)
            return [Candidate(f"{array}({name}){end}") for name in names]
        names = self._list("::tcl::info::vars", _glob(written) + "*")
        if "::" in written:
            names += self._namespaces(written)
        if not written.startswith("::"):
            names = [name.removeprefix("::") for name in names]
        return [
            Candidate(name if name.endswith("::") else name + end)
            for name in sorted(names)
            if name.startswith(written) and _PLAIN.fullmatch(name)
        ]

    def _elements(self, array: str, beginning: str) -> list[str]:
        """The names of the elements of an array, unless a trace would notice that they were asked for."""
        where = "::" + array.removeprefix("::")
        if not self._list("::tcl::info::vars", _glob(where)):
            return []
        if self._list("::trace", "info", "variable", where):
            return []
        return sorted(self._list("::tcl::array::names", where, _glob(beginning) + "*"))

    # -- files -------------------------------------------------------------------------------------------

    def _files(self, place: Place, word: str) -> list[Candidate]:
        plain = word if place.quoted else re.sub(r"\\(.)", r"\1", word)
        folder, name = os.path.split(plain)
        found = []
        try:
            with os.scandir(os.path.expanduser(folder) or ".") as entries:
                for entry in entries:
                    if entry.name.startswith(name) and (name or not entry.name.startswith(".")):
                        path = os.path.join(folder, entry.name) + ("/" if entry.is_dir() else "")
                        found.append(path if place.quoted else _SPECIAL.sub(r"\\\1", path))
                        if len(found) == _MOST_FILES:
                            break
        except OSError:  # no such folder, or not to be read
            return []
        return [Candidate(path) for path in sorted(found)]

    # -- asking Tcl --------------------------------------------------------------------------------------

    def _list(self, *words: str) -> list[str]:
        """The list that a command of Tcl's own returns; empty on an error."""
        try:
            return self._split(self._tcl.call(*words))
        except (TclError, ValueError):
            return []

    def _split(self, value: Any) -> list[str]:
        return [text_of(each) for each in value] if isinstance(value, tuple) else split_list(text_of(value))


def _takes_files(place: Place) -> bool:
    return bool(place.words) and place.words[0].removeprefix("::") in _FILE_COMMANDS


def _label(text: str, written: str) -> str:
    """What the menu shows: of a path, a qualified name or an element the last part, which is what differs."""
    start = max((match.end() for match in _PARTS.finditer(written)), default=0)
    return text[start:] or text


def _glob(text: str) -> str:
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)
