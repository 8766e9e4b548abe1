"""The table behind the handles: it alone owns what Tcl scripts make.

A handle is a kind and a number (`tensor0`, `progress1`); one counter serves all kinds; no name is reused.
Scopes are kept per chain of calls: the main program, each coroutine, and whatever the event loop runs.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pybridge import errors
from pybridge.bulk import is_number
from pybridge.storages import StorageOf, Storages, storage_of
from pybridge.tcl_list import elements_of, glob_match, pairs_of

TENSOR = "tensor"  # the kind of nearly all handles
ANY_KIND = "handle"  # what is missing where any kind would do
MAIN = ""  # the name of the chain outside any coroutine
_DEEPEST = 8  # levels of lists and dicts in which handles are looked for
_LONGEST_DICT = 100_000  # characters that are looked at for a message
_LONGEST_NUMBERS, _MOST_NUMBERS = 10_000, 100  # characters, and numbers among them, that are
_PATTERN = re.compile(r"\w{,30}[*?][\w*?]{,30}")  # what it needs no braces for
_HANDLE = re.compile(r"([a-z][a-z0-9_]*?)(0|[1-9][0-9]{0,17})")


@dataclass(eq=False, slots=True)
class Scope:
    """What was created while this scope was the innermost of its chain, in order."""

    number: int
    chain: "Chain"
    names: dict[str, None] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Chain:
    """One chain of calls: its open scopes, and the numbers of the `no_grad` bodies it is in.

    `origin` is the scope in which the chain was started. It owns what the chain makes outside any scope of
    its own, as long as it is open.
    """

    name: str
    origin: Scope | None = None
    scopes: list[Scope] = field(default_factory=list)
    no_grad: set[int] = field(default_factory=set)

    def innermost(self) -> Scope | None:
        """The scope that owns what this chain makes now."""
        if self.scopes:
            return self.scopes[-1]
        origin = self.origin
        return origin if origin is not None and origin in origin.chain.scopes else None


class HandleTable:
    """Maps handles to objects, counts them and frees them.

    Attributes:
        storages: the memory under the objects. It is told of one whose size changes.
    """

    def __init__(self, storage_of: StorageOf = storage_of) -> None:
        self.objects: dict[str, Any] = {}
        self.storages = Storages(self.objects, storage_of)
        self.grad_enabled = True
        self.created = 0  # those of tables that this one follows, too
        self._first = 0
        self.chain = Chain(MAIN)
        self._chains = {MAIN: self.chain}  # coroutines only while they have something open
        self._waiting: list[tuple[Chain, Chain]] = []  # the main chain, and the one that waits
        self._owners: dict[str, Scope] = {}
        self._locals: dict[str, tuple[int, str]] = {}  # number and the name of the chain that tied it
        self._other_kinds: dict[int, str] = {}  # by number, freed ones too; any other number is a tensor's
        self._kinds = {TENSOR}  # all that there have been
        self._scopes: dict[int, Scope] = {}
        self._no_grads: dict[int, Chain] = {}
        self._last_number = 0

    # -- making, finding, freeing ------------------------------------------------------------------------

    def add(self, kind: str, value: Any) -> str:
        """Own `value` and return its new handle."""
        number = self.created
        name = f"{kind}{number}"
        self.objects[name] = value
        self.storages.new.append(value)
        if kind != TENSOR:
            self._other_kinds[number] = kind
            self._kinds.add(kind)
        self.created = number + 1
        scope = self.chain.innermost()
        if scope is not None:
            scope.names[name] = None
            self._owners[name] = scope
        return name

    def follow(self, created: int, generation: int) -> None:
        """Come after tables that are gone: use no handle and no number of a scope again."""
        self.created = self._first = created
        self._last_number = generation << 32

    def check(self, name: str) -> None:
        """Raise unless `name` is live, whatever its kind."""
        if name not in self.objects:
            raise self.missing(name, ANY_KIND)

    def kind(self, name: str) -> str:
        """What a live handle stands for, in a word: `tensor`, `observer`."""
        return self._other_kinds.get(int(_parts(name)[1]), TENSOR)

    def free(self, names: Iterable[str]) -> None:
        """Free all of `names`, or none when one of them is not live or named twice."""
        wanted: dict[str, None] = {}
        for name in names:
            self.check(name)
            if name in wanted:
                raise errors.handle_twice(name)
            wanted[name] = None
        for name in wanted:
            self._drop(name)

    def close(self) -> None:
        """Free all handles."""
        for name in list(self.objects):
            self._drop(name)

    @property
    def freed(self) -> int:
        """How many handles there have been that are no longer live."""
        return self.created - self._first - len(self.objects)

    def was_given(self, name: str) -> bool:
        """Whether there has been such a handle, live or not."""
        prefix, number = _parts(name)
        return bool(number) and int(number) < self.created and self.kind(name) == prefix

    def _was_given_as(self, name: str, kind: str) -> bool:
        return self.was_given(name) and kind in (ANY_KIND, self.kind(name))

    def missing(self, name: str, kind: str) -> errors.TclError:
        """Why `name` is no live handle of `kind`."""
        if name in self.objects:
            return errors.other_kind(name, self.kind(name), kind)
        if self.was_given(name):
            return errors.freed_handle(self.kind(name), name)
        if _PATTERN.fullmatch(name) and any(glob_match(name, each) for each in self.objects):
            return errors.pattern_of_handles(kind, name)
        return errors.no_such_handle(kind, name, self._given_instead(name, kind))

    def names_in(self, text: str) -> list[str]:
        """The live handle `text`, or those in a list and among the values of a dict, be they nested.

        A dict or a text among the values of a dict with handles is passed over: one is as the other.

        Raises:
            TclError: it is none of these, or one of the handles is not live.
        """
        names = self._names_in(text)
        if not names and text.strip():
            raise self.missing(text, ANY_KIND)
        for name in names:
            self.check(name)
        return names

    def given_names_in(self, text: str) -> list[str]:
        """What `names_in` returns, with handles that were freed, and none where there is an unknown one."""
        names = self._names_in(text, depth=1)  # for which no message is made: that takes time
        return names if all(map(self.was_given, names)) else []

    def _names_in(self, text: str, depth: int = 0) -> list[str]:
        """The names of handles, live or not, in a list or a dict; other values of a dict are passed over."""
        if text in self.objects or _parts(text)[0] in self._kinds:
            return [text]
        elements = elements_of(text)
        if elements in ([], [text]) or depth == _DEEPEST:
            return []
        found = [self._names_in(each, depth + 1) for each in elements]
        if pairs_of(elements) and not any(found[::2]):
            named = [pair for pair in zip(elements, found, strict=True) if pair[1]]
            handles = [names for value, names in named if names == elements_of(value)]
            return list(dict.fromkeys(name for names in (handles or found) for name in names))
        if any(found) and not all(found):
            if depth:
                return []
            raise self.missing(elements[found.index([])], ANY_KIND)
        return [name for names in found for name in names]

    def _given_instead(self, text: str, kind: str) -> str:
        """The end of a message: what was given for a handle is a list or a dict of some, or numbers."""
        elements = elements_of(text) if len(text) <= _LONGEST_DICT else []
        if len(elements) > 1 and all(self._was_given_as(each, kind) for each in elements):
            return errors.in_list(kind)
        if found := self._in_dict(elements, kind):
            return errors.in_dict(kind, found)
        words = text[:_LONGEST_NUMBERS].replace("{", " ").replace("}", " ").split()[:_MOST_NUMBERS]
        if kind == TENSOR and len(elements) > 1 and all(map(is_number, words)):
            return " (torch::tensor_create makes one of numbers)"
        return ""

    def _in_dict(self, elements: list[str], kind: str) -> list[str]:
        """The keys with live handles of `kind`, or any kind, in a dict; none when it is no such dict."""
        pairs = pairs_of(elements)
        if not self.objects.keys().isdisjoint(pairs):
            return []
        live = {key: value for key, value in pairs.items() if value in self.objects}
        return [key for key, value in live.items() if kind in (ANY_KIND, self.kind(value))]

    def _drop(self, name: str) -> None:
        self.storages.remove(self.objects.pop(name))
        self._locals.pop(name, None)
        self._disown(name)

    def _disown(self, name: str) -> None:
        scope = self._owners.pop(name, None)
        if scope is not None:
            del scope.names[name]

    # -- scopes ------------------------------------------------------------------------------------------

    def open_scope(self, number: int = 0) -> int:
        """Open a scope in the current chain; its number closes it.

        Args:
            number: of one that is open since the time of a table before this one.
        """
        scope = Scope(number or self._next_number(), self.chain)
        self._scopes[scope.number] = scope
        self.chain.scopes.append(scope)
        self._remember(self.chain)
        return scope.number

    def close_scope(self, number: int, kept: Iterable[str] = ()) -> None:
        """Free what the scope owns, except `kept`: those move to the scope around it.

        Scopes inside it whose code was unwound without closing them end with it. A number that is closed
        already is passed over: the trace that guards a scope fires after its regular end, too.
        """
        scope = self._scopes.get(number)
        if scope is None:
            return
        while scope.chain.scopes[-1] is not scope:
            self.close_scope(scope.chain.scopes[-1].number)
        scope.chain.scopes.pop()
        del self._scopes[number]
        around = scope.chain.innermost()
        for name in [name for name in kept if name in scope.names]:
            self._disown(name)
            if around is not None:
                around.names[name] = None
                self._owners[name] = around
        for name in list(scope.names):
            self._drop(name)
        self._forget_idle_chains()

    def keep(self, name: str) -> None:
        """Take the handle out of its scope and away from its local variable."""
        self.check(name)
        self._locals.pop(name, None)
        self._disown(name)

    def begin_no_grad(self, number: int = 0) -> int:
        """Record no gradients in the current chain until `end_no_grad` gets the number given back.

        Args:
            number: as in `open_scope`.
        """
        number = number or self._next_number()
        self.chain.no_grad.add(number)
        self._no_grads[number] = self.chain
        self._remember(self.chain)
        return number

    def end_no_grad(self, number: int) -> None:
        """A number that is ended already is passed over, as in `close_scope`."""
        chain = self._no_grads.pop(number, None)
        if chain is not None:
            chain.no_grad.discard(number)
            self._forget_idle_chains()

    def _next_number(self) -> int:
        self._last_number += 1
        return self._last_number

    @property
    def records_gradients(self) -> bool:
        """Whether commands of the chain that runs record gradients."""
        return self.grad_enabled and not self.chain.no_grad

    # -- local variables ---------------------------------------------------------------------------------

    def own_locally(self, name: str) -> int:
        """Tie the handle to a local variable; the number given back releases it."""
        self.check(name)
        number = self._next_number()
        self._locals[name] = (number, self.chain.name)
        return number

    def release_local(self, name: str, number: int) -> None:
        """Free the handle unless it was freed, kept, or tied to another variable since."""
        if self._is_local(name, number):
            self._drop(name)

    def forget_local(self, name: str, number: int) -> None:
        """Untie the handle from the variable without freeing it."""
        if self._is_local(name, number):
            del self._locals[name]

    def _is_local(self, name: str, number: int) -> bool:
        return name in self._locals and self._locals[name][0] == number

    # -- chains ------------------------------------------------------------------------------------------

    def enter_chain(self, name: str) -> Chain:
        """Make the chain of coroutine `name` (or `MAIN`) the one that commands run in."""
        self.chain = self._chains.get(name) or Chain(name)
        return self.chain

    def start_chain(self, name: str) -> None:
        """A coroutine of this name is about to start inside the current chain."""
        origin = self.chain.innermost()
        if origin is not None:
            self._remember(Chain(name, origin))
        else:
            self._chains.pop(name, None)  # of an earlier coroutine of that name

    def rename_chain(self, old: str, new: str) -> None:
        """The coroutine `old` is called `new` from now on."""
        chain = self._chains.pop(old, None)
        if chain is not None:
            chain.name = new
            self._chains[new] = chain

    def _remember(self, chain: Chain) -> None:
        self._chains[chain.name] = chain

    def _forget_idle_chains(self) -> None:
        if len(self._chains) == 1:
            return
        for chain in list(self._chains.values()):
            if chain.name != MAIN and not chain.no_grad and chain.innermost() is None:
                del self._chains[chain.name]

    def start_waiting(self) -> None:
        """The event loop is entered: what it runs is no part of the chains that wait for it.

        It runs under the name of the chain that entered it: inside a coroutine, under that coroutine's.
        """
        name = self.chain.name
        self._waiting.append((self._chains[MAIN], self.chain))
        self._chains[MAIN] = Chain(MAIN)
        self.chain = self._chains[MAIN] if name == MAIN else Chain(name)
        if name != MAIN:
            self._chains[name] = self.chain

    def stop_waiting(self) -> None:
        """The event loop is left: the chain that entered it goes on."""
        if not self._waiting:
            return
        main, chain = self._waiting.pop()
        self._chains[MAIN] = main
        self.chain = chain
        self._remember(chain)
        self._forget_idle_chains()

    def mark(self) -> tuple[int, int]:
        """Where the table stands, for `unwind`."""
        return len(self._waiting), self._last_number

    def unwind(self, mark: tuple[int, int], lives: Callable[[str], bool] = bool) -> None:
        """End what was begun since `mark` by code that was stopped before it could end it.

        Args:
            lives: tells whether there still is a coroutine of that name. One that waits goes on later, and
                keeps what it has begun.
        """
        waiting, last_number = mark
        dead = [name for name in self._chains if name != MAIN and not lives(name)]
        waited = [chain for chains in self._waiting for chain in chains]
        stopped = [self._chains[MAIN], *waited, *(self._chains[name] for name in dead)]
        for name, (number, chain) in list(self._locals.items()):
            if number > last_number and (chain == MAIN or not lives(chain)):
                self.release_local(name, number)
        for number in sorted(self._scopes.keys() | self._no_grads.keys(), reverse=True):
            scope = self._scopes.get(number)
            if number > last_number and (scope.chain if scope else self._no_grads[number]) in stopped:
                self.close_scope(number)
                self.end_no_grad(number)
        while len(self._waiting) > waiting:
            self.stop_waiting()


def _parts(name: str) -> tuple[str, str]:
    match = _HANDLE.fullmatch(name)
    return (match.group(1), match.group(2)) if match else ("", "")
