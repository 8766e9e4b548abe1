"""Completion of the words of the package's own commands, from their signatures."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pybridge.annotations import FileName
from pybridge.documentation import argument, lead
from pybridge.handles import HandleTable
from pybridge.help_page import facts
from pybridge.registry import BY_NAME, COMMANDS, Command, Form
from pybridge.signature import Parameter, is_option
from pybridge.summary import summary
from pybridge.tcl_list import camel_case
from pybridge.values import Type, type_of

_HUMP = re.compile(r"[a-z0-9][A-Z]")
_CAMEL = re.compile(r"(?:torch::|torch\s+|\s-)[a-z0-9]+[A-Z]")


class Candidate(NamedTuple):
    """A word to offer, and what is said beside it."""

    text: str
    note: str = ""


FILES = Candidate("")  # stands for the names of files


def is_camel(text: str, word: str) -> bool:
    """Whether names are to be spelled in camelCase: as in `word` so far, else as elsewhere in `text`."""
    if "_" in word or _HUMP.search(word):
        return "_" not in word
    return _CAMEL.search(text) is not None


def commands(camel: bool) -> list[Candidate]:
    """The names of all commands in one of the two spellings."""
    found = {}
    for command in COMMANDS.values():
        for name in command.names:
            if camel_case(name) == name if camel else not _HUMP.search(name):
                found[name] = Candidate(name, lead(command))
    return [found[name] for name in sorted(found)]


def arguments(called: str, words: tuple[str, ...], camel: bool, table: HandleTable) -> list[Candidate]:
    """What the next word of a command may be: values of the parameter it is for, options not used yet."""
    command = BY_NAME.get(called)
    values: dict[str, Candidate] = {}
    options: dict[str, Candidate] = {}
    for form in _forms(command, called) if command else ():
        position, used, pending = _read(form, words)
        for parameter in [pending] if pending else _next(form, position, used):
            for each in _values(parameter, table):
                values.setdefault(each.text, each)
        if pending or (used and position < 0):
            continue
        for index, parameter in enumerate(form.signature.parameters):
            if parameter.name not in used and index >= position:
                option = "-" + (camel_case(parameter.name) if camel else parameter.name)
                options.setdefault(
                    option, Candidate(option, facts(argument(parameter, "", parameter.required)))
                )
    return [*values.values(), *options.values()]


def handles(table: HandleTable, kind: Type | None = None) -> Iterator[Candidate]:
    """The live handles that a type accepts, or all, the latest first."""
    for name, value in reversed(table.objects.items()):
        if kind is None or kind.accepts(name, table):
            yield Candidate(name, _brief(value))


def _forms(command: Command, called: str) -> list[Form]:
    return [form for form in command.forms if called in form.names] or command.forms


def _read(form: Form, words: tuple[str, ...]) -> tuple[int, set[str], Parameter | None]:
    """How many words are positional, which parameters are named, and the one whose value comes next.

    The number is -1 when the form does not know one of the options.
    """
    by_spelling = {spelling: p for p in form.signature.parameters for spelling in p.spellings}
    used: set[str] = set()
    index = position = 0
    while index < len(words):
        if not is_option(words[index]):
            position += 1
            index += 1
            continue
        parameter = by_spelling.get(words[index][1:])
        if parameter is None:
            return -1, {""}, None
        if index + 1 == len(words):
            return position, used, parameter
        used.add(parameter.name)
        index += 2
    return position, used, None


def _next(form: Form, position: int, used: set[str]) -> list[Parameter]:
    """The parameter that a positional word would be for."""
    if used:
        return []
    rest = [*form.signature.parameters[position:], form.signature.variadic]
    return [rest[0]] if rest[0] else []


def _values(parameter: Parameter, table: HandleTable) -> Iterator[Candidate]:
    yield from map(Candidate, parameter.type.choices)
    if parameter.type is type_of(FileName):
        yield FILES
    elif not parameter.type.free:
        yield from handles(table, parameter.type)


def _brief(value: Any) -> str:
    try:
        return summary(value, statistics=False)
    except Exception:  # some kinds of tensor refuse even this
        return type(value).__name__
