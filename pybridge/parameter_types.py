"""The type of a parameter, found by its annotation; those of lists, dicts and unions are made of others."""

import functools
import operator
import re
import types
import typing
from typing import Any, Literal

from pybridge.annotations import Tensor
from pybridge.bulk import BadElement
from pybridge.errors import TclError, shown, with_hint
from pybridge.handles import HandleTable
from pybridge.values import TENSOR_TYPE, TYPES, BadChoice, OutOfRange, Type, Word, pairs, split, text_of

_LIKE_A_NAME = re.compile(r"[A-Za-z_]\w*( .*)?", re.DOTALL)
_TENSOR_HANDLE = re.compile(r"tensor[0-9]+")
_CONTAINERS = (list, tuple, dict)  # list[X], tuple[X, ...], dict[str, X]


def type_of(annotation: Any) -> Type:
    """The type of a parameter from its annotation; `| None` is left out, a union with a handle tries both."""
    if annotation in TYPES:
        return TYPES[annotation]
    if typing.get_origin(annotation) is Literal:
        return _choice(typing.get_args(annotation))
    if typing.is_typeddict(annotation):
        return _record(typing.get_type_hints(annotation))
    if typing.get_origin(annotation) in _CONTAINERS:
        return _several(typing.get_origin(annotation), typing.get_args(annotation))
    if isinstance(annotation, type) and hasattr(annotation, "handle_kind"):
        return _object(annotation)
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):  # the latter when a Literal is in it
        return _union(annotation)
    raise TypeError(f"no Tcl type for the annotation {annotation!r}")


def _union(annotation: Any) -> Type:
    members = [member for member in typing.get_args(annotation) if member is not type(None)]
    if len(members) == 1:
        return type_of(members[0])
    if Tensor not in members:
        together = functools.reduce(operator.or_, members)
        return TYPES[together] if together in TYPES else _first_of(members)
    number = type_of(functools.reduce(operator.or_, [member for member in members if member is not Tensor]))
    if number.free:
        return _tensor_or_free(number)
    if any(map(typing.is_typeddict, members)):
        return _tensor_or_dict(number)

    def parse(word: Word, table: HandleTable) -> Any:
        if text_of(word) in table.objects:
            return TENSOR_TYPE.parse(word, table)
        try:
            return number.parse(word, table)
        except OutOfRange:
            raise
        except ValueError:
            if not _LIKE_A_NAME.fullmatch(text_of(word)):  # neither a handle nor a dict with some
                raise
            return TENSOR_TYPE.parse(word, table)

    return Type(f"{number.noun} or tensor", parse)


def _first_of(members: list[Any]) -> Type:
    """The first of several types that takes the word; the last one is to take, or refuse, what is left."""
    *types, last = map(type_of, members)

    def parse(word: Word, table: HandleTable) -> Any:
        fitting = next((each for each in types if each.accepts(word, table)), last)
        return fitting.parse(word, table)

    return Type(" or ".join(each.noun for each in (*types, last)), parse, free=last.free)


def _tensor_or_free(other: Type) -> Type:
    """A tensor or, as any word is possible, something else; what looks like a tensor's handle must be one."""

    def parse(word: Word, table: HandleTable) -> Any:
        if text_of(word) in table.objects or _TENSOR_HANDLE.fullmatch(text_of(word)):
            return TENSOR_TYPE.parse(word, table)
        return other.parse(word, table)

    return Type(f"{other.noun} or tensor", parse, free=True)


def _tensor_or_dict(record: Type) -> Type:
    """A tensor or a dict; several words are meant as a dict."""

    def parse(word: Word, table: HandleTable) -> Any:
        if len(text_of(word).split()) < 2:
            return TENSOR_TYPE.parse(word, table)
        try:
            return record.parse(word, table)
        except BadElement as error:
            if error.where:
                raise
            raise BadElement(f"a tensor or {error.expected}", error.got, hint=error.hint) from None

    return Type(f"tensor or {record.noun}", parse)


def _choice(allowed: tuple[str, ...]) -> Type:
    def parse(word: Word, _: HandleTable) -> str:
        text = text_of(word)
        if text not in allowed:
            raise BadChoice(text, allowed)
        return text

    return Type(f"one of {', '.join(allowed)}", parse, choices=allowed, closed=True)


def _several(kind: Any, members: tuple[Any, ...]) -> Type:
    """A list, a tuple of any length or a dict with texts as keys, from the type of what is in it."""
    if (kind is tuple and members[1:] != (...,)) or (kind is dict and members[0] is not str):
        raise TypeError(f"no Tcl type for the annotation {kind.__name__}{list(members)}")
    member = type_of(members[1] if kind is dict else members[0])

    def parse_list(word: Word, table: HandleTable) -> Any:
        return kind(_member(member, each, f" at index {i}", table) for i, each in enumerate(split(word)))

    def parse_dict(word: Word, table: HandleTable) -> Any:
        return {
            name: _member(member, each, f" in {shown(name) or '{}'}", table) for name, each in pairs(word)
        }

    noun = member.noun.removeprefix("one of ")
    if kind is dict:
        return Type(f"dict of {noun}", parse_dict)
    return Type(f"list of {noun}", parse_list, choices=member.choices)  # one word is a list, too


def _record(fields: dict[str, Any]) -> Type:
    """A dict that has these keys, and may have others; what may be None may be empty, or left out."""
    types = {name: type_of(annotation) for name, annotation in fields.items()}
    optional = {name for name, annotation in fields.items() if type(None) in typing.get_args(annotation)}
    noun = f"dict with {', '.join(f'?{name}?' if name in optional else name for name in types)}"

    def parse(word: Word, table: HandleTable) -> Any:
        given = dict(pairs(word))
        lacking = [name for name in types if name not in given and name not in optional]
        if lacking:
            hint = f" (it lacks {', '.join(lacking)})" if types.keys() & given.keys() else ""
            raise BadElement(f"a {noun}", text_of(word), hint=hint)
        empty = {name for name in optional if not given.get(name)}
        return {
            name: None if name in empty else _member(each, given[name], f" in {name}", table)
            for name, each in types.items()
        }

    return Type(noun, parse)


def _member(member: Type, word: str, where: str, table: HandleTable) -> Any:
    try:
        return member.parse(word, table)
    except BadElement as error:
        raise BadElement(error.expected, error.got, f"{where}{error.where}", error.hint) from None
    except TclError as error:  # of a handle; no other type raises it
        raise with_hint(error, f" ({where.strip()})") from None
    except OutOfRange:
        raise
    except BadChoice as error:
        place = where if where.startswith(" in ") else ""  # in a list the word itself tells
        raise BadChoice(error.word, error.allowed, f"{place}{error.where}") from None
    except ValueError:
        raise BadElement(member.noun, word, where) from None


def _object(cls: Any) -> Type:
    def parse(word: Word, table: HandleTable) -> Any:
        value = table.objects.get(text_of(word))
        if isinstance(value, cls):
            return value
        raise table.missing(text_of(word), cls.handle_kind)

    return Type(cls.handle_kind, parse)
