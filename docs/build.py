"""Write what is made of the commands themselves: docs/reference, a page a family, and tclpkg/commands.tcl.

With --check it fails when any of it is out of date.
"""

import re
import sys
from pathlib import Path

import pybridge.commands  # noqa: F401  # registers them
from pybridge import cli
from pybridge.documentation import Argument, beside, documentation, purpose
from pybridge.help_page import facts, usage
from pybridge.package import commands_file
from pybridge.registry import Command, families
from pybridge.tcl_package import tcl_package

FOLDER = Path(__file__).with_name("reference")
CODE_WIDTH = 70  # the manual page indents code by ten columns of 80
# What one wants to do, and the families for it; those that stand nowhere come last, under OTHERS.
TASKS = {
    "Quantization": "quantize integers linear observe learnable apot quantized analysis hardware",
    "Tensors": "create random files look convert compute reduce nn autograd",
    "Pictures and progress": "pictures display",
}
OTHERS = "Handles, processes and help"
INDEX = """# Reference

Every command of the package `torch`, by family. The pages are generated from the commands' own definitions,
as is `torch::help COMMAND`.

## Calling a command

A command is called with positional words, with options in `-snake_case` or in `-camelCase`, or with leading
positional words and then options; it is also a word of the ensemble `torch`, as in `torch tensor_sum $x`. In
the usage lines `?x?` may be left out and `?x ...?` stands for any number of words. The page [Syntax and
errors](../errors.md) of the documentation says how words are read, and lists the errors that every command
can raise; the descriptions of the commands list only what is peculiar to one.

{tables}

```{{toctree}}
:hidden:

{names}
```
"""
PROGRAM = """# tcltorch

## Synopsis

{synopsis}

## Description

{description}

## See also

torch(n), which is the [reference](index.md) of the commands, tclsh(1), and the page [The command
line](../command-line.md) of the documentation
"""


def pages() -> dict[str, str]:
    """The text of each page, by file name."""
    found = {f"{family}.md": page(family, members) for family, members in families().items()}
    return found | {"index.md": index(), "tcltorch.md": program()}


def index() -> str:
    """The families, by what one wants to do."""
    grouped = families()
    placed = {task: names.split() for task, names in TASKS.items()}
    known = {name for names in placed.values() for name in names}
    placed[OTHERS] = [name for name in grouped if name not in known]
    tables = "\n\n".join(f"## {task}\n\n{table(names)}" for task, names in placed.items())
    return INDEX.format(tables=tables, names="\n".join(["tcltorch", *grouped]))


def program() -> str:
    """What `tcltorch --help` shows."""
    synopsis, *paragraphs = cli.USAGE.split("\n\n")
    lines = "\n".join(line.removeprefix("usage:").strip() for line in synopsis.splitlines())
    return PROGRAM.format(synopsis=fenced("text", lines), description=escaped("\n\n".join(paragraphs)))


def table(names: list[str]) -> str:
    rows = ["| family | what it is for | commands |", "|---|---|---|"]
    for name in names:
        commands = ", ".join(link(each.name, f"{name}.md") for each in families()[name])
        rows.append(f"| [{name}]({name}.md) | {escaped(purpose(name)[0])} | {commands} |")
    return "\n".join(rows)


def page(family: str, members: list[Command]) -> str:
    entries = map(entry, members)
    about = [escaped(paragraph) + "\n" for paragraph in purpose(family)]
    others = ", ".join(f"[{name}]({name}.md)" for name in beside(family))
    about.append(f"**See also:** {others}\n" if others else "")
    return "\n".join(part for part in [f"# {family}\n", *about, *entries] if part)


def entry(command: Command) -> str:
    """One command."""
    known = documentation(command)
    parts = [f"(command-{known.name})=\n## {known.name}", *map(escaped, (known.lead, *known.details))]
    usages = (usage(line, CODE_WIDTH) for line in (*known.positional, *known.named))
    parts.append(fenced("text", "\n".join(usages)))
    parts.append("\n".join(map(item, known.arguments)))
    parts.append(f"**Returns:** {escaped(known.returns)}")
    parts.append(f"**Errors:** {escaped(known.errors)}" if known.errors else "")
    parts.append(fenced("tcl", f"{known.example}\n{as_comment(known.result)}"))
    aliases = ", ".join(f"`{name}`" for name in known.aliases)
    parts.append(f"**Also called:** {aliases}" if aliases else "")
    family = f"the family [{command.family}]({command.family}.md)"
    parts.append(f"**See also:** {', '.join([family, *map(link, known.see_also)])}")
    return "\n\n".join(part for part in parts if part) + "\n"


def item(argument: Argument) -> str:
    options = ", ".join(f"`{option}`" for option in argument.options[1:])
    also = f" Also {options}." if options else ""
    return f"- `{argument.name}` ({facts(argument)}): {escaped(argument.text)}{also}"


def escaped(text: str) -> str:
    """`text` with nothing in it that Markdown would take for more, but for its code in backticks."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*\[\]<])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def fenced(language: str, text: str) -> str:
    """A block that Sphinx shows as it is; the tests run the example through the registry, not from here."""
    return f"```{{code-block}} {language}\n{text}\n```"


def as_comment(result: str) -> str:
    return "\n".join(
        f"# {'=>' if not number else '  '} {line}" for number, line in enumerate(result.splitlines())
    )


def link(name: str, page: str = "") -> str:
    return f"[{name}]({page}#command-{name})"


def main() -> int:
    wanted = {FOLDER / name: text for name, text in pages().items()}
    wanted[Path(tcl_package("commands.tcl"))] = commands_file()
    old = {path for path in FOLDER.glob("*.md") if path not in wanted}
    stale = old | {
        path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text
    }
    if "--check" in sys.argv[1:]:
        names = ", ".join(sorted(path.name for path in stale))
        if stale:
            print(f"what `make docs` generates is out of date: {names}", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path in old:
        path.unlink()
    for path in stale - old:
        path.write_text(wanted[path], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
