"""What the Tab key offers. Nothing of the user's is run for it, neither a script nor a trace."""

import re
from collections.abc import Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from pybridge.interp import Interpreter
from pybridge.prompt import torch_words
from pybridge.prompt.tcl_words import TclWords, files
from pybridge.prompt.torch_words import Candidate, Offer
from pybridge.prompt.words import Place, place_at_end, variables_in

_TORCH = re.compile(r"(?:::)?torch::(\w*)")
_FILE_COMMANDS = ("source", "open", "cd")
_NAMING_A_COMMAND = {("rename",), *(("info", each) for each in ("args", "body", "default"))} | {
    ("namespace", each) for each in ("import", "forget", "origin", "which")
}
_DICT_OF_VALUE = ("get", "getdef", "exists", "remove")  # subcommands of `dict` that take keys
_DICT_OF_VARIABLE = ("set", "unset", "incr", "append", "lappend", "update", "with")
_PARTS = re.compile(r"/|::|\(")


class TclCompleter(Completer):
    """Completes commands, options, handles, variables, enumerated values and the names of files."""

    def __init__(self, tcl: Interpreter) -> None:
        self._table = tcl.dispatcher.table
        self._tcl_words = TclWords(tcl)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        text = document.text_before_cursor
        place = place_at_end(text)
        if place is None:
            return
        if place.value:
            for each in self._values(place.value, text):
                yield _completion(each, place.value.word)
        written, candidates = self._candidates(place, text)
        for each in candidates:
            yield _completion(each, written)

    def _candidates(self, place: Place, text: str) -> tuple[str, list[Candidate]]:
        """The text that is to be replaced, and by what."""
        name = place.variable
        if name is not None:
            end = "}" if place.braced else ""
            own = [Candidate(each + end) for each in variables_in(text) if each.startswith(name)]
            return name, own + [each for each in self._variables(name, end) if each not in own]
        if place.opened:
            return place.word, self._values(place, text)
        if not place.words:
            return place.word, self._commands(place.word, text)
        return place.word, self._fitting(self._next_words(place, text), place, text)

    def _values(self, place: Place, text: str) -> list[Candidate]:
        """What fits after a double quote or a brace."""
        if not place.words or (place.opened == "{" and not _takes_values(place)):
            return []
        offer = self._next_words(place, text)
        return self._fitting(offer._replace(options=()), place, text)

    def _fitting(self, offer: Offer, place: Place, text: str) -> list[Candidate]:
        named = _files(place) if offer.files else []
        if offer.commands:
            named += self._torch_commands(place.word, text)
        if offer.families:
            named += _others(torch_words.topics(), place.word, named)
        words = (*offer.words, *offer.options)
        return named + [each for each in words if each.text.startswith(place.word)]

    # -- commands ----------------------------------------------------------------------------------------

    def _commands(self, word: str, text: str) -> list[Candidate]:
        if _TORCH.fullmatch(word):
            return self._torch_commands(word, text)
        return [Candidate(name) for name in self._tcl_words.commands(word)]

    def _torch_commands(self, word: str, text: str) -> list[Candidate]:
        """Commands of the package, with `torch::` in front where that is written."""
        match = _TORCH.fullmatch(word)
        name = match[1] if match else word
        prefix = word.removesuffix(name)
        return [Candidate(prefix + each.text, each.note) for each in self._torch_names(name, text)]

    def _torch_names(self, word: str, text: str) -> list[Candidate]:
        names = torch_words.commands(torch_words.is_camel(text, word))
        return [each for each in names if each.text.startswith(word)]

    # -- the words of a command --------------------------------------------------------------------------

    def _next_words(self, place: Place, text: str) -> Offer:
        first, *others = place.words
        match = _TORCH.fullmatch(first)
        if first in ("torch", "::torch") and not others:
            return Offer(self._torch_names(place.word, text))
        if first in ("torch", "::torch"):
            match, others = _TORCH.fullmatch(f"torch::{others[0]}"), others[1:]
        if match:
            camel = torch_words.is_camel(text, place.word)
            return torch_words.arguments(match[1], tuple(others), camel, self._table)
        if first.removeprefix("::") == "dict" and len(others) > 1:
            return Offer(self._keys(*others))
        subcommands = self._tcl_words.subcommands(first, others)
        if subcommands:
            return Offer([Candidate(name) for name in subcommands])
        if _takes_files(place):
            return Offer([], files=True)
        if (first.removeprefix("::"), *others[:1]) in _NAMING_A_COMMAND:
            return Offer(self._commands(place.word, text))
        return Offer([*self._variables(place.word), *torch_words.handles(self._table)] if place.word else [])

    def _keys(self, subcommand: str, dictionary: str, *path: str) -> list[Candidate]:
        """Keys of the dict in a variable, which has a dollar sign where the subcommand takes its value."""
        name = dictionary.removeprefix("$")
        valued = dictionary != name
        if subcommand not in (_DICT_OF_VALUE if valued else _DICT_OF_VARIABLE):
            return []
        return [Candidate(key) for key in self._tcl_words.keys(name.strip("{}"), list(path))]

    def _variables(self, written: str, end: str = "") -> list[Candidate]:
        return [Candidate(name) for name in self._tcl_words.variables(written, end)]


def _files(place: Place) -> list[Candidate]:
    found = files(place.word, place.opened)
    only_folders = place.words[0].removeprefix("::") == "cd"
    return [Candidate(path) for path in found if path.endswith("/") or not only_folders]


def _others(candidates: list[Candidate], word: str, known: list[Candidate]) -> list[Candidate]:
    """Those that begin with the word and are not there yet, such as families with the name of a command."""
    names = {each.text for each in known}
    return [each for each in candidates if each.text.startswith(word) and each.text not in names]


def _takes_files(place: Place) -> bool:
    return place.words[0].removeprefix("::") in _FILE_COMMANDS


def _takes_values(place: Place) -> bool:
    """Whether a word in braces can be told from a script."""
    name = place.words[0].removeprefix("::")
    return _takes_files(place) or name == "torch" or name.startswith("torch::")


def _completion(offered: Candidate, written: str) -> Completion:
    label = _label(offered.text, written)
    return Completion(offered.text, -len(written), display=label, display_meta=offered.note or None)


def _label(text: str, written: str) -> str:
    """What the menu shows: of a path, a qualified name or an element the last part, which is what differs."""
    start = max((match.end() for match in _PARTS.finditer(written)), default=0)
    return text[start:] or text
