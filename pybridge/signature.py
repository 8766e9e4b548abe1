"""From a function's own signature: how its words are parsed, and its usage text.

Three syntaxes for every command: positional, `-snake_case` and `-camelCase` options, leading positional words
followed by options.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile, zip_longest
from typing import Any

from pybridge import errors
from pybridge.bulk import Bulk, is_number, parse_integer
from pybridge.handles import HandleTable
from pybridge.parameter_types import type_of
from pybridge.tcl_list import spellings
from pybridge.values import Type, Word, text_of

_LIST_OF_INTEGERS = type_of(tuple[int, ...])
_OPTION = re.compile(r"-[A-Za-z][A-Za-z0-9_]*")
_NEGATIVE_NUMBER = re.compile(r"-(?:inf|infinity|nan)", re.IGNORECASE)


def is_option(word: Word) -> bool:
    """Whether the whole word is a dash, a letter, then letters, digits and underscores, and no number."""
    return (
        isinstance(word, str)
        and word[:1] == "-"
        and _OPTION.fullmatch(word) is not None
        and _NEGATIVE_NUMBER.fullmatch(word) is None
    )


def options_and_values(words: tuple[Word, ...]) -> Iterator[tuple[str, Word | None]]:
    """Each value and the option before it: "" for a positional word, None for the value that is missing."""
    rest = iter(words)
    for word in rest:
        if word == "--":
            break
        if is_option(word):
            yield text_of(word), next(rest, None)
        else:
            yield "", word
    for word in rest:
        yield "", word


@dataclass(frozen=True)
class Parameter:
    """One parameter of a command.

    Attributes:
        spellings: the option names that mean it, without the dash; the first is its own name.
    """

    name: str
    type: Type
    default: Any
    required: bool
    spellings: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """A word that was given for a parameter; the label names it as the user spelled it."""

    parameter: Parameter
    word: Word
    label: str


class Signature:
    """How the words of one function are told apart.

    Args:
        function: its annotations give the types, its defaults what may be left out. A first parameter
            annotated `HandleTable` is filled in by the dispatcher.
        also: further option spellings of parameters (`{"values": ("data",)}`).

    Attributes:
        by_spelling: the parameters by the names of their options, without the dash.
    """

    def __init__(self, function: Callable[..., Any], also: Mapping[str, tuple[str, ...]]) -> None:
        found = list(inspect.signature(function).parameters.values())
        self.takes_table = bool(found) and found[0].annotation is HandleTable
        if self.takes_table:
            del found[0]
        self.variadic: Parameter | None = None
        if found and found[-1].kind is inspect.Parameter.VAR_POSITIONAL:
            self.variadic = _parameter(found.pop(), ())
        self.parameters = tuple(_parameter(each, also.get(each.name, ())) for each in found)
        self.required = sum(parameter.required for parameter in self.parameters)
        self.by_spelling = {
            spelling: parameter for parameter in self.parameters for spelling in parameter.spellings
        }

    def usage(self, called: str) -> str:
        """`torch::called input ?dim?`"""
        words = [p.name if p.required else f"?{p.name}?" for p in self.parameters]
        if self.variadic:
            words.append(f"?{self.variadic.name} ...?")
        return " ".join([f"torch::{called}", *words])

    def assign(self, words: tuple[Word, ...], called: str) -> list[Given]:
        """Which word is meant for which parameter.

        Raises:
            TclError: as in the table of docs/errors.md.
        """
        positional, named = self._separate(words, called)
        if len(positional) > len(self.parameters) and not self.variadic:
            hint = self._one_list(positional, len(self.parameters))
            raise errors.wrong_args([self.usage(called)], hint)
        given = [
            Given(parameter, word, parameter.name)
            for parameter, word in zip(self.parameters, positional, strict=False)
        ]
        taken: dict[str, str | None] = {each.parameter.name: text_of(each.word) for each in given}
        for each in named:
            if each.parameter.name in taken:
                raise errors.given_twice(each.parameter.name, taken[each.parameter.name])
            taken[each.parameter.name] = None
        for parameter in self.parameters:
            if parameter.required and parameter.name not in taken:
                raise (
                    errors.missing_option(parameter.name)
                    if named
                    else errors.wrong_args([self.usage(called)], self.lacking(words))
                )
        if self.variadic:
            rest = positional[len(self.parameters) :]
            given += [Given(self.variadic, word, self.variadic.name) for word in rest]
        return given + named

    def _separate(self, words: tuple[Word, ...], called: str) -> tuple[list[Word], list[Given]]:
        positional: list[Word] = []
        named: list[Given] = []
        for option, word in options_and_values(words):
            if option or word is None:
                named.append(self._named(option, word, called))
            elif named:
                raise errors.expected_option(text_of(word))
            else:
                positional.append(word)
        return positional, named

    def _named(self, option: str, word: Word | None, called: str) -> Given:
        parameter = self.by_spelling.get(option[1:])
        if parameter is None:
            raise errors.bad_option(option, self.options(), called)
        if word is None:
            raise errors.missing_value(parameter.name, option)
        return Given(parameter, word, option)

    def options(self) -> list[str]:
        return [f"-{parameter.name}" for parameter in self.parameters]

    def convert(self, given: list[Given], table: HandleTable) -> tuple[list[Any], dict[str, Any]]:
        """The positional and named arguments for the function."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for place, each in enumerate(given):
            value = self._value(given, place, table)
            if each.label.startswith("-"):
                kwargs[each.parameter.name] = value
            else:
                args.append(value)
        return args, kwargs

    def _value(self, given: list[Given], place: int, table: HandleTable) -> Any:
        """The value of the word at that place among those given."""
        parameter, word, label = given[place].parameter, given[place].word, given[place].label
        try:
            return parameter.type.convert(word, parameter.name, label, table)
        except errors.TclError as error:
            positional = [each.word for each in given if each.label[:1] != "-"]
            meant = self._one_list(positional, place) or self._of_another(given[place])
            if error.errorcode[:3] != ("TORCH", "ARG", "TYPE") or not meant:
                raise
            got = text_of(word)
            raise errors.wrong_type(parameter.type.noun, got, parameter.name, label, hint=meant) from None

    def _one_list(self, positional: list[Word], refused: int) -> str:
        """The end of a message, where the word at `refused` is one of several integers for a list of them.

        `torch::zeros 2 3` gives the 3 for the dtype. What must follow the list is no part of it, such as the
        value of `torch::full 2 3 7`. Where there are several lists, none of them is meant.
        """
        lists = [place for place, each in enumerate(self.parameters) if each.type is _LIST_OF_INTEGERS]
        place = lists[0] if len(lists) == 1 else refused
        run = list(takewhile(_is_integer, positional[place:]))
        if self._begins_list_of_numbers(positional, refused):
            return f" ({self.parameters[0].name} is one list of numbers)"
        if not place < refused < place + len(run):
            return ""
        after = sum(each.required for each in self.parameters[place + 1 :])
        others = len(positional) - place - len(run)
        meant = run[: len(run) - max(0, after - others)]
        text = errors.shown(" ".join(map(text_of, meant)))
        return f" ({self.parameters[place].name} is one list: {{{text}}})" if len(meant) > 1 else ""

    @staticmethod
    def _begins_list_of_numbers(positional: list[Word], refused: int) -> bool:
        """Whether one number in bulk comes first, and only numbers follow, up to the one at `refused`."""
        if not 0 < refused < len(positional):
            return False
        first, *others = positional[: refused + 1]
        alone = isinstance(first, Bulk) and first.shape == ()
        return alone and all(is_number(text_of(each)) for each in others)

    def _of_another(self, refused: Given) -> str:
        """The end of a message, where the word is one of the choices of another parameter, and no boolean."""
        text = text_of(refused.word)
        meant = [each.name for each in self.parameters if text in each.type.choices and not is_number(text)]
        return f" ({errors.shown(text)} is for -{meant[0]})" if meant else ""

    def lacking(self, words: tuple[Word, ...]) -> str:
        """The end of a message on too few words: the first parameter that has none, and what it may be.

        A word before it that is none of the choices of its own parameter is told in its place.
        """
        positional = [word for option, word in options_and_values(words) if not option]
        for parameter, word in zip_longest(self.parameters, positional[: len(self.parameters)]):
            choices = parameter.type.choices if parameter.type.closed else ()
            if word is None and parameter.required:
                return f" ({parameter.name} is missing{': one of ' * bool(choices)}{', '.join(choices)})"
            if word is not None and choices and text_of(word) not in choices:
                return f" ({parameter.name} must be {', '.join(choices)})"
        return ""

    def understood(self, words: tuple[Word, ...], called: str, table: HandleTable) -> int:
        """How many of the words read as their types, up to the first that does not."""
        reads = [each.parameter.type.accepts(each.word, table) for each in self.assign(words, called)]
        return reads.index(False) if False in reads else len(reads)


def _is_integer(word: Word) -> bool:
    try:
        parse_integer(text_of(word))
    except ValueError:
        return False
    return True


def _parameter(found: inspect.Parameter, also: tuple[str, ...]) -> Parameter:
    variadic = found.kind is inspect.Parameter.VAR_POSITIONAL
    required = found.default is inspect.Parameter.empty and not variadic
    return Parameter(
        found.name,
        type_of(found.annotation),
        None if required or variadic else found.default,
        required,
        spellings(found.name, *also),
    )
