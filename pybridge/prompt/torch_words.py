"""Completion of the words of the package's own commands, from their signatures."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pybridge.annotations import CommandName, FileName, ParameterName, Topic
from pybridge.documentation import argument, documentation, lead, purpose
from pybridge.handles import HandleTable
from pybridge.help_page import facts
from pybridge.parameter_types import type_of
from pybridge.registry import BY_NAME, COMMANDS, Form, bare, families
from pybridge.signature import Parameter, options_and_values
from pybridge.summary import summary
from pybridge.tcl_list import camel_case, spellings
from pybridge.values import Type, text_of

_HUMP = re.compile(r"[a-z0-9][A-Z]")
_NEXT = "-next"  # an option in the place of the next word tells what may be there
_CAMEL = re.compile(r"(?:torch::|torch\s+|\s-)[a-z0-9]+[A-Z]")


class Candidate(NamedTuple):
    """A word to offer, and what is said beside it."""

    text: str
    note: str = ""


class Offer(NamedTuple):
    """What the next word may be: one of these, the name of a file, a command of the package or a family."""

    words: list[Candidate]
    options: Sequence[Candidate] = ()
    files: bool = False
    commands: bool = False
    families: bool = False


class _Words(NamedTuple):
    """What the words of a command so far are for."""

    positional: int  # how many are
    named: set[str]  # the parameters whose options are there
    texts: dict[str, str]  # what is there for each parameter
    pending: Parameter | None  # the one whose value comes next
    ended: bool  # there are no options any more, after `--`


def is_camel(text: str, word: str) -> bool:
    """Whether names are to be spelled in camelCase: as in `word` so far, else as elsewhere in `text`."""
    if "_" in word or _HUMP.search(word):
        return "_" not in word
    return _CAMEL.search(text) is not None


def commands(camel: bool) -> list[Candidate]:
    """The names of all commands in one of the two spellings: their own, after these the other aliases."""
    found = {}
    for command in COMMANDS.values():
        own = spellings(command.name)
        for name in command.names:
            if camel_case(name) == name if camel else not _HUMP.search(name):
                found[name not in own, name] = Candidate(name, lead(command))
    return [found[key] for key in sorted(found)]


def arguments(called: str, words: tuple[str, ...], camel: bool, table: HandleTable) -> Offer:
    """What the next word of a command may be: values of the parameter it is for, options not used yet."""
    command = BY_NAME.get(called)
    values: dict[str, Candidate] = {}
    options: dict[str, Candidate] = {}
    types = []
    for form in command.forms_of(called) if command else ():
        given = _read(form, words)
        if given is None:
            continue
        parameter = given.pending or _next(form, given)
        if parameter:
            types.append(parameter.type)
            for each in (*_values(parameter, table), *_parameters(form, given, parameter, camel)):
                values.setdefault(each.text, each)
        if not given.pending and not given.ended:
            for each in _options(form, given, camel):
                options.setdefault(each.text, each)
    return Offer(  # types of any text are equal, but not the same
        list(values.values()),
        list(options.values()),
        files=any(each is type_of(FileName) for each in types),
        commands=any(each is type_of(kind) for each in types for kind in (CommandName, Topic)),
        families=any(each is type_of(Topic) for each in types),
    )


def topics() -> list[Candidate]:
    """The families of commands, which `torch::help` lists."""
    return [Candidate(name, "".join(purpose(name)[:1])) for name in families()]


def handles(table: HandleTable, kind: Type | None = None) -> Iterator[Candidate]:
    """The live handles that a type accepts, or all, the latest first."""
    for name, value in reversed(table.objects.items()):
        if kind is None or kind.accepts(name, table):
            yield Candidate(name, summary(value, statistics=False))


def _read(form: Form, words: tuple[str, ...]) -> _Words | None:
    """What the words are for; None when the form does not know one of the options."""
    by_spelling = form.signature.by_spelling
    positional, named, texts = 0, set[str](), dict[str, str]()
    *before, (last, value) = options_and_values((*words, _NEXT))
    for option, word in before:
        if not option:
            texts |= {each.name: text_of(word or "") for each in form.signature.parameters[positional:][:1]}
            positional += 1
        elif option[1:] in by_spelling:
            named.add(by_spelling[option[1:]].name)
            texts[by_spelling[option[1:]].name] = text_of(word or "")
        else:
            return None
    if not last or value is None:
        return _Words(positional, named, texts, None, ended=not last)
    pending = by_spelling.get(last[1:])
    return _Words(positional, named, texts, pending, ended=False) if pending else None


def _next(form: Form, given: _Words) -> Parameter | None:
    """The parameter that a positional word would be for."""
    if given.named:
        return None
    return [*form.signature.parameters[given.positional :], form.signature.variadic][0]


def _options(form: Form, given: _Words, camel: bool) -> Iterator[Candidate]:
    for parameter in form.signature.parameters[given.positional :]:
        if parameter.name not in given.named:
            option = "-" + (camel_case(parameter.name) if camel else parameter.name)
            yield Candidate(option, facts(argument(parameter, "", parameter.required)))


def _values(parameter: Parameter, table: HandleTable) -> Iterator[Candidate]:
    yield from map(Candidate, parameter.type.choices)
    if not parameter.type.free:
        yield from handles(table, parameter.type)


def _parameters(form: Form, given: _Words, parameter: Parameter, camel: bool) -> Iterator[Candidate]:
    """The parameters of the command that another word names, for a word that names one of them."""
    if parameter.type is not type_of(ParameterName):
        return
    for other in form.signature.parameters:
        called = bare(given.texts.get(other.name, "")) if other.type is type_of(CommandName) else ""
        if called in BY_NAME:
            spell = camel_case if camel or is_camel("", called) else str
            for each in documentation(BY_NAME[called]).arguments:
                yield Candidate(spell(each.name), facts(each))
