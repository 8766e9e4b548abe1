"""What `torch::help` shows: text for a terminal of 80 columns."""

from collections.abc import Iterable
from textwrap import fill, indent

from pybridge.documentation import Argument, beside, documentation, lead, purpose
from pybridge.registry import Command, families

_WIDTH = 80
_INDENT = "  "
_OVERVIEW = """\
torch::help COMMAND     describes a command
torch::help PATTERN     lists the commands whose names match, as torch::help q_*
torch::help FAMILY      lists the commands of a family, such as quantize
torch::apropos WORD     searches the help of all commands
less << [torch::help X] pages through help that is long, at the prompt
try {...} trap {TORCH ARG} message {...}
                        traps errors by their code; the last is in ::errorCode"""
_GLUE = "\0"  # stands for a blank at which no line is broken


def page(command: Command, called: str) -> str:
    """All about one command."""
    known = documentation(command, called)
    parts = [_filled(f"torch::{called} - {known.lead}", "")]
    parts += map(_paragraph, known.details)
    parts.append(_section("Usage", indent("\n".join(map(usage, (*known.positional, *known.named))), _INDENT)))
    parts.append(_section("Arguments", *_arguments(known.arguments)))
    parts.append(_section("Returns", _filled(known.returns)))
    parts.append(_section("Errors", _filled(known.errors)))
    example = [*known.example.splitlines(), *(f"=> {line}" for line in known.result.splitlines())]
    parts.append(_section("Example", *(_INDENT + line for line in example)))
    others = [name for name in (command.name, *known.aliases) if name != called]
    parts.append(_section("Also called", _filled(", ".join(others))))
    group = [f"torch::help{_GLUE}{command.family}"] if command.family != called else []
    parts.append(_section("See also", _filled(", ".join([*known.see_also, *group]))))
    if called in (grouped := families()):
        parts.append(_section(f"The family {called}", _filled(_names(grouped[called]))))
        parts.append(_beside(called))
    return "\n\n".join(part for part in parts if part)


def family(name: str) -> str:
    """What a family is for, its commands, and the families beside it."""
    parts = [_filled(f"{name} - {' '.join(purpose(name))}", ""), listing(families()[name]), _beside(name)]
    return "\n\n".join(part for part in parts if part)


def listing(commands: Iterable[Command]) -> str:
    """Name and purpose of each."""
    return "\n".join(f"torch::{each.name}\n{_filled(lead(each))}" for each in commands)


def overview() -> str:
    """The names of all, by family. How to go on comes last: it is what a small terminal still shows."""
    grouped = families()
    column = max(map(len, grouped)) + 2
    rows = [_row(name.ljust(column), _names(members)) for name, members in grouped.items()]
    return "\n".join([*rows, "", _OVERVIEW])


def _beside(name: str) -> str:
    others = beside(name)
    column = max(map(len, others), default=0) + 2
    rows = [_row(_INDENT + other.ljust(column), "".join(purpose(other)[:1])) for other in others]
    return _section("See also, with torch::help", *rows)


def _names(commands: Iterable[Command]) -> str:
    return " ".join(each.name for each in commands)


def _row(heading: str, text: str) -> str:
    return fill(text, _WIDTH, initial_indent=heading, subsequent_indent=" " * len(heading))


def _section(heading: str, *lines: str) -> str:
    """A heading and its lines; nothing when there are none."""
    return "\n".join((heading, *lines)) if any(lines) else ""


def _filled(text: str, first: str = _INDENT, hanging: str = "", width: int = _WIDTH) -> str:
    lines = fill(
        text, width, initial_indent=first, subsequent_indent=first + hanging,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return lines.replace(_GLUE, " ")


def _paragraph(text: str) -> str:
    """As wide as the page; the items of a list hang on their dashes."""
    return "\n".join(_filled(line, "", _INDENT * line.startswith("- ")) for line in text.splitlines())


def usage(line: str, width: int = _WIDTH - len(_INDENT)) -> str:
    """A usage line, broken where it must be, but only between parameters."""
    words: list[str] = []
    for word in line.split():
        if words and (words[-1].count("?") % 2 or (words[-1][0] == "-" and _GLUE not in words[-1])):
            words[-1] += _GLUE + word
        else:
            words.append(word)
    return _filled(" ".join(words), "", "    ", width)


def _arguments(arguments: tuple[Argument, ...]) -> list[str]:
    return [_filled(f"{each.name}{_GLUE}({facts(each)}): {each.text}", hanging="    ") for each in arguments]


def facts(argument: Argument) -> str:
    """Type and default, as in `integer, -128 by default` or `one of row (default), column`."""
    if argument.default and argument.type.startswith("one of "):
        choices = argument.type.removeprefix("one of ").split(", ")
        marked = (f"{each} (default)" if each == argument.default else each for each in choices)
        return f"one of {', '.join(marked)}"
    default = f"{argument.default} by default" if argument.default else "optional" * argument.optional
    between = "; " if ", " in argument.type else ", "  # a list must not seem to go on
    return between.join(part for part in (argument.type, default) if part) or "required"
