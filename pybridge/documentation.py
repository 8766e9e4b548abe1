"""What is known of a command, part by part: from its docstring, its signature and the other commands.

`torch::help`, the reference pages and the manual page are made of this, and of nothing else.
"""

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from pybridge.registry import BY_NAME, COMMANDS, Command, Form, families
from pybridge.signature import Parameter, Signature
from pybridge.tcl_list import camel_case, join_list

_SECTIONS = ("Args", "Returns", "Errors", "Example")
_ARGUMENT = re.compile(r"(\w+): (.*)", re.DOTALL)
_INHERITS = re.compile(r"(?:Other a|A)rguments as for `(\w+)`\.")
_SEE_ALSO = "See also: "
_MENTION = re.compile(r"`(?:torch::)?(\w+)[^`]*`")


@dataclass(frozen=True)
class Argument:
    """One parameter.

    Attributes:
        type: what is read, in the words of the error messages; `script` and the like for the words of a
            command that runs one.
        optional: whether it may be left out.
        default: its Tcl word; empty when it is required, or when leaving it out means something of its own.
        options: how it is given by name, with the dash.
        text: what the docstring says of it.
    """

    name: str
    type: str
    optional: bool
    default: str
    options: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Documentation:
    """One command.

    Attributes:
        lead: the first paragraph, in one line.
        details: further paragraphs; of a list, whose items begin with a dash, each item is a line.
        positional: a usage line for each form; the words of a script command, too.
        named: the same with options, in snake_case and camelCase.
        example: lines of Tcl; `result` is what the last one gives.
        aliases: its other names.
        see_also: the commands that its docstring names, and those whose docstrings name it.
    """

    name: str
    lead: str
    details: tuple[str, ...]
    positional: tuple[str, ...]
    named: tuple[str, ...]
    arguments: tuple[Argument, ...]
    returns: str
    errors: str
    example: str
    result: str
    aliases: tuple[str, ...]
    see_also: tuple[str, ...]


def documentation(command: Command, called: str = "") -> Documentation:
    """All that is known of a command; the positional usage shows the name `called`, its own by default."""
    called = called or command.name
    sections = _sections(command.doc)
    _, *details = _paragraphs(sections[""])
    example, _, result = sections["Example"].partition("\n=> ")
    return Documentation(
        name=command.name,
        lead=lead(command),
        details=tuple(details),
        positional=_positional(command, called),
        named=_named(command),
        arguments=_arguments(command),
        returns=" ".join(_paragraphs(sections["Returns"] or _model(command)["Returns"])),
        errors=" ".join(_paragraphs(sections["Errors"])),
        example=example,
        result=re.sub(r"\n {3}", "\n", result),
        aliases=tuple(each for each in command.names if each != command.name),
        see_also=tuple(sorted(_related(command))),
    )


def lead(command: Command) -> str:
    """The first paragraph of the docstring, in one line."""
    return _INHERITS.sub("", _paragraphs(_sections(command.doc)[""])[0]).strip()


def prose(command: Command) -> str:
    """The docstring without its example, whose words are about something else."""
    return "\n".join(text for name, text in _sections(command.doc).items() if name != "Example")


def purpose(family: str) -> list[str]:
    """What the module of a family says of it, by paragraphs."""
    return [each for each in _module_paragraphs(family) if not each.startswith(_SEE_ALSO)]


def beside(family: str) -> list[str]:
    """The families that its module names after `See also:`, and those whose modules name it."""
    return [name for name in families() if name in named_beside(family) or family in named_beside(name)]


def named_beside(family: str) -> list[str]:
    """The families that its module names."""
    lists = (each for each in _module_paragraphs(family) if each.startswith(_SEE_ALSO))
    return [name for each in lists for name in each.removeprefix(_SEE_ALSO).split(", ")]


def _module_paragraphs(family: str) -> list[str]:
    """The docstring of the module; empty for commands that are defined elsewhere."""
    module = sys.modules.get(f"pybridge.commands.{family}")
    return _paragraphs(inspect.getdoc(module) or "") if module else []


def parameters(command: Command) -> dict[str, Parameter]:
    """The parameters of all forms, by name, in order."""
    found: dict[str, Parameter] = {}
    for form in _there(command):
        variadic = [form.signature.variadic] if form.signature.variadic else []
        for each in [*form.signature.parameters, *variadic]:
            found.setdefault(each.name, each)
    return found


def choices(command: Command) -> list[str]:
    """The words that its arguments may be, where these are some few, such as `per_tensor`."""
    types = [each.type for each in parameters(command).values()]
    return list(dict.fromkeys(word for each in types if each.closed for word in each.choices))


def default_word(parameter: Parameter) -> str | int | float:
    """The Tcl word that an optional parameter stands for when it is left out; empty when there is none."""
    default: Any = parameter.default
    if default is None:
        return ""
    if isinstance(default, bool):
        return int(default)
    return join_list(map(str, default)) if isinstance(default, tuple) else default


def _sections(doc: str) -> dict[str, str]:
    """The docstring by its headings, without their indentation; under the empty name what comes first."""
    sections = dict.fromkeys(("", *_SECTIONS), "")
    current = ""
    for line in doc.splitlines():
        if line.removesuffix(":") in _SECTIONS:
            current = line.removesuffix(":")
            continue
        sections[current] += (line[4:] if current else line) + "\n"
    return {name: text.strip("\n") for name, text in sections.items()}


def _paragraphs(text: str) -> list[str]:
    """Each in one line; a list in one for each item."""
    return [_joined(paragraph) for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]


def _joined(paragraph: str) -> str:
    items = re.split(r"\n(?=- )", paragraph) if paragraph.startswith("- ") else [paragraph]
    return "\n".join(" ".join(item.split()) for item in items)


def _model(command: Command) -> dict[str, str]:
    """The docstring, by its headings, of the command whose arguments this one has; else empty."""
    match = _INHERITS.search(command.doc)
    return _sections(COMMANDS[match[1]].doc if match else "")


def _there(command: Command) -> list[Form]:
    """The forms of a command, without those that only say that they are not there yet."""
    there = [form for form in command.forms if form.function.__annotations__.get("return") is not NoReturn]
    return there or command.forms


def _positional(command: Command, called: str) -> tuple[str, ...]:
    if called in {name for form in command.forms for name in form.names} or command.in_tcl:
        return tuple(command.usage(called))
    return tuple(form.signature.usage(called) for form in _there(command) if not form.names)


def _arguments(command: Command) -> tuple[Argument, ...]:
    texts = _argument_texts(_model(command)["Args"]) | _argument_texts(_sections(command.doc)["Args"])
    if command.in_tcl:
        words = [(word.strip("?"), word[0] == "?") for word in command.words.split()]
        return tuple(
            Argument(name, "", optional, "", (), texts.get(name, ""))
            for name, optional in words
            if name[0] != "-"  # the name of an option, whose value is the argument
        )
    return tuple(
        argument(parameter, texts.get(name, ""), _required(command, name))
        for name, parameter in parameters(command).items()
    )


def _argument_texts(section: str) -> dict[str, str]:
    entries = (_ARGUMENT.match(entry) for entry in re.split(r"\n(?=\w)", section))
    return {entry[1]: " ".join(entry[2].split()) for entry in entries if entry}


def _required(command: Command, name: str) -> bool:
    """Whether no form can do without the parameter."""
    return all(
        any(each.name == name and each.required for each in form.signature.parameters)
        for form in _there(command)
    )


def argument(parameter: Parameter, text: str, required: bool) -> Argument:
    """What is known of one parameter, with what its docstring says."""
    options = tuple(f"-{spelling}" for spelling in parameter.spellings)
    default = "" if parameter.required else str(default_word(parameter))
    return Argument(parameter.name, parameter.type.noun, not required, default, options, text)


def _named(command: Command) -> tuple[str, ...]:
    """A usage line for each form and spelling of the options; the same only once."""
    usages = [
        _named_usage(form.signature, spell(command.name), spell)
        for spell in (str, camel_case)
        for form in _there(command)
        if form.signature.parameters
    ]
    return tuple(dict.fromkeys(usages))


def _named_usage(signature: Signature, called: str, spell: Callable[[str], str]) -> str:
    words = []
    for parameter in signature.parameters:
        option = f"-{spell(parameter.name)} {parameter.name}"
        words.append(option if parameter.required else f"?{option}?")
    return " ".join([f"torch::{called}", *words])


def _related(command: Command) -> set[str]:
    """The commands that its docstring names, and those whose docstrings name it."""
    names = set(command.names)
    back = {each.name for each in COMMANDS.values() if names & _mentions(each.doc)}
    there = {BY_NAME[word].name for word in _mentions(command.doc) if word in BY_NAME}
    return (back | there) - {command.name}


@cache
def _mentions(doc: str) -> frozenset[str]:
    return frozenset(_MENTION.findall(doc))
