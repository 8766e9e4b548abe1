"""`@command`: one typed Python function is one Tcl command, in all its spellings."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from typing import Any, TypeVar

from pybridge import errors
from pybridge.direct import Runner, direct
from pybridge.handles import HandleTable
from pybridge.signature import Signature, is_option, options_and_values
from pybridge.tcl_list import spellings
from pybridge.values import Word

Function = TypeVar("Function", bound=Callable[..., Any])
_MOST_WORDS = 16  # of which what runs them is kept


@dataclass
class Form:
    """One reading of a command.

    Attributes:
        when: with several forms, the parameter whose word must read as its type for this one to be meant.
        names: the called names that mean this form and no other; empty for the forms of the plain name.
    """

    function: Callable[..., Any]
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    when: str = ""
    names: tuple[str, ...] = ()

    @cached_property
    def signature(self) -> Signature:
        return Signature(self.function, self.also)


@dataclass
class Command:
    """One Tcl command: its forms, and the names it is registered under.

    Attributes:
        family: the name of the module that defines it.
        words: of a command that is a Tcl procedure in tclpkg, most often because it takes a script: Python
            never evaluates a script from inside a command. It has no forms.
    """

    name: str
    family: str
    doc: str
    names: tuple[str, ...]
    forms: list[Form] = field(default_factory=list)
    words: str = ""

    @property
    def in_tcl(self) -> bool:
        """Whether it is a Tcl procedure."""
        return not self.forms

    def usage(self, called: str) -> list[str]:
        """A usage line for each form that `called` can mean."""
        if self.in_tcl:
            return [f"torch::{called} {self.words}".rstrip()]
        return [form.signature.usage(called) for form in self.forms_of(called)]

    @cached_property
    def runners(self) -> "Runners":
        """By the number of words, what calls the function that is meant.

        Each raises TclError, as in the table of docs/errors.md.
        """
        return Runners(self)

    def run_carefully(self, words: tuple[Word, ...], called: str, table: HandleTable) -> Any:
        """What runs words of any kind; others are a short way for some."""
        try:
            form = self.forms[0] if len(self.forms) == 1 else self._meant(words, called, table)
            args, kwargs = form.signature.convert(form.signature.assign(words, called), table)
        except errors.TclError as error:
            raise errors.with_hint(error, self._foreign_option(error, words, called)) from None
        if form.signature.takes_table:
            args.insert(0, table)
        return form.function(*args, **kwargs)

    def forms_of(self, called: str) -> list[Form]:
        """The forms that `called` can mean."""
        return [form for form in self.forms if called in form.names] or self.forms

    def _meant(self, words: tuple[Word, ...], called: str, table: HandleTable) -> Form:
        forms = self.forms_of(called)
        self._check_options(words, called, forms)
        fitting, refusals = [], []
        for form in forms:
            try:
                given = form.signature.assign(words, called)
            except errors.TclError as error:
                refusals.append(error)
                continue
            deciding = next((each for each in given if each.parameter.name == form.when), None)
            if deciding is None or deciding.parameter.type.accepts(deciding.word, table):
                return form
            fitting.append(form)
        if fitting:  # the one that goes furthest tells what is wrong
            return max(fitting, key=lambda form: form.signature.understood(words, called, table))
        telling = [error for error in refusals if error.errorcode[:2] == ("TORCH", "ARG")]
        raise telling[-1] if telling else self._wrong_args(words, called)

    def _wrong_args(self, words: tuple[Word, ...], called: str) -> errors.TclError:
        """Too few or too many words; what is missing is told where all forms lack the same."""
        hints = {form.signature.lacking(words) for form in self.forms_of(called)}
        return errors.wrong_args(self.usage(called), hints.pop() if len(hints) == 1 else "")

    def _foreign_option(self, error: errors.TclError, words: tuple[Word, ...], called: str) -> str:
        """The end of a message on an option as other programs have them: with two dashes, or with `=`."""
        known = {f"-{name}" for form in self.forms_of(called) for name in form.signature.by_spelling}
        for word in takewhile(lambda word: word != "--", words):
            if not isinstance(word, str) or word[:1] != "-" or is_option(word):
                continue
            option = word.partition("=")[0]
            option = option if is_option(option) else option[1:]
            told = error.errorcode == ("TCL", "WRONGARGS") or f'"{word}"' in error.message
            hint = errors.meant_option(option, known, called) if is_option(option) else ""
            if told and hint and option not in words:
                return hint
        return ""

    def _check_options(self, words: tuple[Word, ...], called: str, forms: list[Form]) -> None:
        """An option that no form knows is told before any form refuses the words for its own reason."""
        allowed = dict.fromkeys(option for form in forms for option in form.signature.options())
        for option, _ in options_and_values(words):
            if option and not any(option[1:] in form.signature.by_spelling for form in forms):
                raise errors.bad_option(option, list(allowed), called)


class Runners(dict[int, Runner]):
    """See `Command.runners`; they are made when they are first needed."""

    def __init__(self, command: Command) -> None:
        self.command = command

    def __missing__(self, count: int) -> Runner:
        runner = self._made(count)
        if count <= _MOST_WORDS:
            self[count] = runner
        return runner

    def _made(self, count: int) -> Runner:
        forms, careful = self.command.forms, self.command.run_carefully
        if len(forms) > 1:  # which one is meant takes a closer look
            return careful
        return direct(forms[0].function, forms[0].signature, count, careful)


COMMANDS: dict[str, Command] = {}  # by their own name
BY_NAME: dict[str, Command] = {}  # by every registered name


def command(
    *, aliases: tuple[str, ...] = (), also: Mapping[str, tuple[str, ...]] | None = None, when: str = ""
) -> Callable[[Function], Function]:
    """Register a function as `torch::its_name` and `torch::itsName`.

    Args:
        aliases: further snake_case names; each gets its camelCase form, too.
        also: further option spellings of parameters.
        when: for a command of several forms, see `Form.when`.
    """

    def register(function: Function) -> Function:
        name = function.__name__
        if name in COMMANDS:
            raise ValueError(f"the command {name} is defined twice")
        names = spellings(name, *aliases)
        family = function.__module__.rpartition(".")[2]
        doc = inspect.getdoc(function) or ""
        _enter(Command(name, family, doc, names, [Form(function, also or {}, when)]))
        return function

    return register


def form(
    name: str,
    *,
    when: str,
    names: tuple[str, ...] = (),
    also: Mapping[str, tuple[str, ...]] | None = None,
) -> Callable[[Function], Function]:
    """Add a function as a further form of the command `name`.

    Args:
        names: registered names that mean only this form.
    """

    def register(function: Function) -> Function:
        target = COMMANDS[name]
        target.forms.append(Form(function, also or {}, when, names))
        target.names += names
        _enter(target)
        return function

    return register


def tcl_command(module: str, name: str, words: str, doc: str) -> None:
    """Make a command that is a Tcl procedure known to help; `module` is the caller's `__name__`."""
    family = module.rpartition(".")[2]
    _enter(Command(name, family, inspect.cleandoc(doc), spellings(name), words=words))


def bare(name: str) -> str:
    """The name of a command without `torch::`."""
    return name.removeprefix("::").removeprefix("torch::")


def families() -> dict[str, list[Command]]:
    """The commands by family, both in alphabetical order."""
    found: dict[str, list[Command]] = {}
    for each in sorted(COMMANDS.values(), key=lambda command: (command.family, command.name)):
        found.setdefault(each.family, []).append(each)
    return found


def _enter(target: Command) -> None:
    COMMANDS[target.name] = target
    for name in target.names:
        BY_NAME[name] = target
