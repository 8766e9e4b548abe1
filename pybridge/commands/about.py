"""Commands about the commands, and about this installation. They return their text and print nothing."""

import os
import sys
from typing import Literal

from pybridge import __version__, errors, help_page
from pybridge.annotations import CommandName, ParameterName, Topic
from pybridge.command_names import meant_command
from pybridge.documentation import documentation
from pybridge.lazy import torch
from pybridge.registry import BY_NAME, COMMANDS, Command, bare, command, families
from pybridge.search import commands_about
from pybridge.tcl_list import glob_match, spellings

_LONGEST_PATTERN = 1000  # characters; a longer one is a mistake
_PACKAGES = ("numpy", "numba", "safetensors", "tqdm", "matplotlib")

# What the transport knows of the other side, such as the version of Tcl; `sitrep` shows it. A worker, which
# has an interpreter for scripts, too, tells of its client.
host_facts: dict[str, str] = {}


@command()
def help(topic: Topic | None = None) -> str:
    """Describe a command, list those that match a pattern, or list them all; `apropos` searches.

    The list of all ends with how to go on, and how to trap an error by its errorcode.

    Args:
        topic: a command, with or without `torch::`, in any spelling; a pattern as in `string match`; a family
            of commands, such as `quantize`; or part of a name, in any case and with blanks or underscores
            between its words. The page of a command that is called like a family ends with the commands of
            the family, and each family with those beside it.

    Returns:
        Text to read.

    Errors:
        TORCH ARG VALUE topic, when nothing matches.

    Example:
        lindex [split [torch::help tensor_abs] \\n] 0
        => torch::tensor_abs - Take absolute values.
    """
    if not topic:
        return help_page.overview()
    name = bare(topic)
    if name in BY_NAME:
        return help_page.page(BY_NAME[name], name)
    if name in families():
        return help_page.family(name)
    pattern = name if len(name) <= _LONGEST_PATTERN else ""
    matching = [
        each for each in COMMANDS.values() if any(glob_match(pattern, called) for called in each.names)
    ]
    part = "_".join(name.lower().split())
    if part and not matching:
        matching = [each for each in COMMANDS.values() if part in "\n".join(each.names).lower()]
        if len(matching) == 1:
            return help_page.page(matching[0], matching[0].name)
    if not matching:
        near = errors.did_you_mean(name, [*BY_NAME, *families()])
        message = f'no command matches "{errors.shown(topic)}"{near}; torch::apropos searches all help'
        raise errors.arg_value("topic", message)
    return help_page.listing(sorted(matching, key=lambda each: each.name))


@command()
def apropos(word: str, *more: str) -> str:
    """List the commands whose help speaks of all these words, those first that have them in their names.

    After these come those that have them in the first sentence of their help, elsewhere in it, and in that of
    their family; where there are none, those that have them in their example.

    Args:
        word: looked for in any case, at the beginning of words. Several between braces are several.
        more: further ones.

    Returns:
        Text to read: the name and the purpose of each command.

    Errors:
        TORCH ARG VALUE word, when there is no such command; of over 1000 characters there is none.

    Example:
        lindex [split [torch::apropos load safetensors] \\n] 0
        => torch::load_safetensors
    """
    words = {bare(each) for given in (word, *more) for each in given.split()}
    found = commands_about(words) if 0 < sum(map(len, words)) <= _LONGEST_PATTERN else []
    if not found:
        said = errors.shown(" ".join((word, *more)))
        raise errors.arg_value("word", f'no command is about "{said}"; torch::help lists all')
    return help_page.listing(found)


@command()
def commands(pattern: str = "*") -> list[str]:
    """List the names of the commands, in their snake_case spelling and without `torch::`.

    Args:
        pattern: only those that match it, as in `string match`.

    Returns:
        A sorted list.

    Example:
        torch::commands tensor_m*
        => tensor_matmul tensor_max tensor_mean tensor_min tensor_mul
    """
    return sorted(name for name in COMMANDS if glob_match(pattern, name))


@command()
def info(
    subject: Literal["args", "default", "aliases", "family", "usage"],
    command: CommandName,
    parameter: ParameterName | None = None,
) -> list[str] | str:
    """Tell one fact about a command, for programs; `help` is for people.

    Args:
        subject: `args` (names of the parameters), `default` (the default of one of them), `aliases` (the
            other names of the command), `family` (its group), `usage` (a line for each form).
        command: with or without `torch::`, in any spelling.
        parameter: for `default`; in snake_case or camelCase.

    Returns:
        A list for `args` and `aliases`, else a value. A parameter that may be left out and then has no value
        has the default {}.

    Errors:
        TORCH ARG VALUE, for a command or a parameter that is not there, and for the default of a required
        one.

    Example:
        torch::info default fake_quantize_per_channel quant_min
        => -128
    """
    name = bare(command)
    if name not in BY_NAME:
        message = f'no such command "{errors.shown(command)}"{meant_command(name)}'
        raise errors.arg_value("command", message)
    target = BY_NAME[name]
    if parameter and subject != "default":
        raise errors.arg_value("parameter", f"parameter is for the default of one, not for {subject}")
    if subject == "args":
        return [each.name for each in documentation(target).arguments]
    if subject == "aliases":
        return list(documentation(target).aliases)
    if subject == "family":
        return target.family
    if subject == "usage":
        return "\n".join(target.usage(name))
    return _default(target, parameter or "")


@command()
def version() -> str:
    """Return the version of tcltorch.

    Returns:
        As `package require torch` does.

    Example:
        expr {[torch::version] eq [package require torch]}
        => 1
    """
    return __version__


@command()
def sitrep() -> str:
    """Report what is installed where: what a bug report needs.

    Returns:
        Text to read, one fact a line; `runs in` tells whether PyTorch is in one process with Tcl, in a
        worker, or in one of the daemon's.

    Example:
        string match "*PyTorch*" [torch::sitrep]
        => 1
    """
    import platform

    cuda = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    facts = {
        "tcltorch": f"{__version__} in {os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}",
        "Python": f"{platform.python_version()} ({sys.executable})",
        "Tcl": host_facts.get("Tcl", "none"),
        "runs in": f"process {os.getpid()}, {host_facts.get('runs in', 'without Tcl')}",
        "PyTorch": f"{torch.__version__} in {os.path.dirname(os.path.abspath(torch.__file__ or ''))}",
        "packages": ", ".join(f"{name} {_installed(name)}" for name in _PACKAGES),
        "threads": str(torch.get_num_threads()),
        "CPU kernels": torch.backends.cpu.get_cpu_capability(),
        "fake quantization": _kernels(),
        "CUDA devices": ", ".join(cuda) or "none",
        "platform": platform.platform(),
    }
    width = max(map(len, facts))
    return "\n".join(f"{name:{width}}  {fact}" for name, fact in facts.items())


def _kernels() -> str:
    from pybridge.quant.backend import backend

    try:
        return backend().describe()
    except ValueError as error:  # what a bug report is about
        return str(error)


def _installed(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _default(target: Command, parameter: str) -> str:
    arguments = documentation(target).arguments
    names = [each.name for each in arguments]
    known = {spelling: each for each in arguments for spelling in spellings(each.name)}
    if not parameter and names:
        message = f"missing parameter of torch::{target.name}: must be {', '.join(names)}"
        raise errors.arg_value("parameter", message)
    if parameter not in known:
        message = f'torch::{target.name} has no parameter "{errors.shown(parameter)}"'
        if names:
            message += f": must be {', '.join(names)}{errors.did_you_mean(parameter, names)}"
        raise errors.arg_value("parameter", message)
    if not known[parameter].optional:
        raise errors.arg_value("parameter", f"torch::{target.name} has no default for {parameter}")
    return known[parameter].default
