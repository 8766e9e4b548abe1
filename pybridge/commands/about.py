"""Commands about the commands, and about this installation. They return their text and print nothing."""

import os
import platform
import sys
from textwrap import fill
from typing import Literal

from pybridge import __version__, errors
from pybridge.lazy import torch
from pybridge.registry import BY_NAME, COMMANDS, Command, command
from pybridge.signature import Parameter, Signature
from pybridge.tcl_list import camel_case, glob_match, join_list

_WIDTH = 80
_PACKAGES = ("numpy", "safetensors", "tqdm", "matplotlib")

# What the transport knows of the other side, such as the version of Tcl; `sitrep` shows it.
host_facts: dict[str, str] = {}


@command()
def help(topic: str = "") -> str:
    """Describe a command, list those that match a pattern, or list them all.

    Args:
        topic: a command, with or without `torch::`, in any spelling; a pattern as in `string match`; or a
            group of commands, such as `quantize`.

    Returns:
        Text to read.

    Errors:
        TORCH ARG VALUE topic, when nothing matches.

    Example:
        lindex [split [torch::help tensor_sqrt] \\n] 0
        => torch::tensor_sqrt input
    """
    if not topic:
        return _overview()
    name = topic.removeprefix("::").removeprefix("torch::")
    if name in BY_NAME:
        return _page(BY_NAME[name], name)
    matching = [each for each in COMMANDS.values() if any(glob_match(name, called) for called in each.names)]
    matching = matching or [each for each in COMMANDS.values() if each.family == name]
    if not matching:
        raise errors.arg_value("topic", f'no command matches "{errors.shown(topic)}"')
    return "\n".join(_line(each) for each in sorted(matching, key=lambda each: each.name))


@command()
def commands(pattern: str = "*") -> list[str]:
    """List the names of the commands, in their snake_case spelling and without `torch::`.

    Args:
        pattern: only those that match it, as in `string match`; all by default.

    Returns:
        A sorted list.

    Example:
        torch::commands q_*
        => q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point
    """
    return sorted(name for name in COMMANDS if glob_match(pattern, name))


@command()
def info(
    subject: Literal["args", "default", "aliases", "family", "usage"], command: str, parameter: str = ""
) -> list[str] | str | int | float:
    """Tell one fact about a command, for programs; `help` is for people.

    Args:
        subject: `args` (names of the parameters), `default` (the default of one of them), `aliases` (the
            other names of the command), `family` (its group), `usage` (a line for each form).
        command: with or without `torch::`, in any spelling.
        parameter: for `default`.

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
    name = command.removeprefix("::").removeprefix("torch::")
    if name not in BY_NAME:
        raise errors.arg_value("command", f'no such command "{errors.shown(command)}"')
    target = BY_NAME[name]
    if subject == "args":
        return [word.strip("?") for word in target.script.split()] or list(_parameters(target))
    if subject == "aliases":
        return [each for each in target.names if each != target.name]
    if subject == "family":
        return target.family
    if subject == "usage":
        return "\n".join(target.usage(name))
    return _default(target, parameter)


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
        Text to read, one fact a line.

    Example:
        string match "*PyTorch*" [torch::sitrep]
        => 1
    """
    cuda = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    facts = {
        "tcltorch": f"{__version__} in {os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}",
        "Python": f"{platform.python_version()} ({sys.executable})",
        **host_facts,
        "PyTorch": f"{torch.__version__} in {os.path.dirname(os.path.abspath(torch.__file__ or ''))}",
        "packages": ", ".join(f"{name} {_installed(name)}" for name in _PACKAGES),
        "threads": str(torch.get_num_threads()),
        "CPU kernels": torch.backends.cpu.get_cpu_capability(),
        "CUDA devices": ", ".join(cuda) or "none",
        "platform": platform.platform(),
    }
    width = max(map(len, facts))
    return "\n".join(f"{name:{width}}  {fact}" for name, fact in facts.items())


def _installed(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _overview() -> str:
    families: dict[str, list[str]] = {}
    for each in COMMANDS.values():
        families.setdefault(each.family, []).append(each.name)
    parts = ["torch::help COMMAND describes a command; COMMAND may be a pattern."]
    for family, names in sorted(families.items()):
        listed = fill(" ".join(sorted(names)), _WIDTH, initial_indent="    ", subsequent_indent="    ")
        parts.append(f"{family}\n{listed}")
    return "\n\n".join(parts)


def _line(target: Command) -> str:
    return f"{target.usage(target.name)[0]}\n    {target.doc.splitlines()[0]}"


def _page(target: Command, called: str) -> str:
    usages = target.usage(called)
    for form in target.forms[:1]:
        if form.signature.parameters:
            spellings = dict.fromkeys((target.name, camel_case(target.name)))
            usages = usages + [_named_usage(form.signature, each) for each in spellings]
    return "\n".join(usages) + "\n\n" + target.doc


def _named_usage(signature: Signature, called: str) -> str:
    spell = str if called == called.lower() else camel_case
    words = []
    for parameter in signature.parameters:
        option = f"-{spell(parameter.name)} {parameter.name}"
        words.append(option if parameter.required else f"?{option}?")
    return " ".join([f"torch::{called}", *words])


def _parameters(target: Command) -> dict[str, Parameter]:
    found = {}
    for form in target.forms:
        variadic = [form.signature.variadic] if form.signature.variadic else []
        found.update({each.name: each for each in [*form.signature.parameters, *variadic]})
    return found


def _default(target: Command, parameter: str) -> str | int | float:
    found = _parameters(target).get(parameter)
    if found is None:
        raise errors.arg_value(
            "parameter", f'torch::{target.name} has no parameter "{errors.shown(parameter)}"'
        )
    if found.required:
        raise errors.arg_value("parameter", f"torch::{target.name} has no default for {parameter}")
    if found.default is None:
        return ""
    return join_list(map(str, found.default)) if isinstance(found.default, tuple) else found.default
