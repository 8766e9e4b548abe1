"""Tcl words to Python values: one converter a type."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pybridge import errors, file_names
from pybridge.annotations import (
    CommandName,
    Device,
    Dtype,
    FileName,
    Handle,
    Handles,
    ParameterName,
    Tensor,
    TensorHandle,
    Topic,
    WidgetName,
)
from pybridge.bulk import BadElement, Bulk, from_text, parse_float, parse_integer, parse_number
from pybridge.handles import HandleTable
from pybridge.lazy import torch
from pybridge.tcl_list import double_text, join_list, split_list

Word = str | int | float | bytes | tuple[Any, ...] | Bulk

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")

DTYPES = (
    *("float32", "float64", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"),
    *("complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("qint8", "quint8", "qint32"),
)
_DTYPE_ALIASES = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "byte": "uint8",
    "char": "int8",
}
_INTEGERS = re.compile(r"q?u?int([1-9][0-9]?)")
_WIDTHS = range(2, 17)  # in bits, of the integers that tensors are quantized to


class OutOfRange(ValueError):
    """A word of the right type whose value the parameter cannot take; the text says why."""


class BadChoice(ValueError):
    """A word that is none of those the parameter knows."""

    def __init__(self, word: str, allowed: tuple[str, ...], where: str = "") -> None:
        super().__init__(word, allowed, where)
        self.word, self.allowed, self.where = word, allowed, where


@dataclass(frozen=True)
class Type:
    """How the words of one kind of parameter are read.

    Attributes:
        noun: what an error says was expected, and what help shows.
        parse: gives the value of a word, or raises ValueError.
        bulk: whether the Tcl side packs the word as numbers.
        choices: the words that it may be, where those can be listed.
        closed: whether it takes no word but those.
        free: whether it takes any word.
        hint: how the message ends that a word does not read so.
    """

    noun: str
    parse: Callable[[Any, HandleTable], Any]
    bulk: bool = False
    choices: tuple[str, ...] = ()
    closed: bool = False
    free: bool = False
    hint: Callable[[str], str] = lambda _: ""

    def convert(self, word: Word, parameter: str, label: str, table: HandleTable) -> Any:
        """The value of `word`; messages name the parameter as `label`, error codes by its own name."""
        try:
            return self.parse(word, table)
        except errors.TclError:
            raise
        except OutOfRange as error:
            raise errors.arg_value(parameter, f"{parameter} {error}") from None
        except BadElement as error:
            raise errors.wrong_type(
                error.expected, error.got, parameter, label, error.where, error.hint
            ) from None
        except BadChoice as error:
            raise errors.bad_choice(parameter, error.word, error.allowed, error.where) from None
        except ValueError:
            got = text_of(word)
            raise errors.wrong_type(self.noun, got, parameter, label, hint=self.hint(got)) from None

    def accepts(self, word: Word, table: HandleTable) -> bool:
        """Whether `word` reads as this type."""
        try:
            self.parse(word, table)
        except (ValueError, errors.TclError):
            return False
        return True


def text_of(word: Word) -> str:
    """The text of a word. tkinter gives text (`wantobjects` 1); another transport may give native objects."""
    if isinstance(word, str):
        return word
    if isinstance(word, Bulk):
        return "a list of numbers"
    if isinstance(word, bool):
        return "1" if word else "0"
    if isinstance(word, float):
        return double_text(word)
    if isinstance(word, bytes):
        return word.decode("latin-1")
    if isinstance(word, tuple | list):
        return join_list(text_of(element) for element in word)
    if isinstance(word, int) and word.bit_length() > 10_000:
        return hex(word)  # Python refuses to write thousands of decimal digits
    return str(word)


# -- one function a type ---------------------------------------------------------------------------------


def _tensor(word: Word, table: HandleTable) -> Any:
    value = table.objects.get(word if isinstance(word, str) else text_of(word))
    if value is not None and isinstance(value, torch.Tensor):
        return value
    raise table.missing(text_of(word), "tensor")


def _tensor_handle(word: Word, table: HandleTable) -> TensorHandle:
    _tensor(word, table)
    return TensorHandle(text_of(word))


def _handle(word: Word, table: HandleTable) -> Handle:
    table.check(text_of(word))
    return Handle(text_of(word))


def _handles(word: Word, table: HandleTable) -> Handles:
    return Handles(table.names_in(text_of(word)))


def _integer(word: Word, _: HandleTable) -> int:
    value = parse_integer(word if type(word) is str else text_of(word))  # a call less
    if not -(2**63) <= value < 2**63:
        raise OutOfRange(f'must fit into 64 bits but got "{errors.shown(text_of(word))}"')
    return value


def _float(word: Word, _: HandleTable) -> float:
    return parse_float(text_of(word))


def _number(word: Word, table: HandleTable) -> int | float:
    text = text_of(word)
    value = parse_number(text)
    return _integer(word, table) if isinstance(value, int) else value


def _boolean(word: Word, _: HandleTable) -> bool:
    """Any form of Tcl: 1/0, true/false, yes/no, on/off, and their unique beginnings, in any case."""
    text = text_of(word).lower()
    meanings = {value for names, value in ((_TRUE, True), (_FALSE, False)) if _begins_one(text, names)}
    if len(meanings) != 1:
        raise ValueError(text)
    return meanings.pop()


def _begins_one(text: str, names: tuple[str, ...]) -> bool:
    return bool(text) and any(name.startswith(text) for name in names)


def _string(word: Word, _: HandleTable) -> str:
    return text_of(word)


def _file_name(word: Word, _: HandleTable) -> str:
    return file_names.from_tcl(text_of(word))


def _widget(word: Word, _: HandleTable) -> str:
    text = text_of(word)
    if not text.startswith("."):
        raise ValueError(text)
    return text


def _integers(word: Word, table: HandleTable) -> tuple[int, ...]:
    return tuple(_element(element, index, table) for index, element in enumerate(split(word)))


def _dtype(word: Word, _: HandleTable) -> Any:
    name = text_of(word).lower().removeprefix("torch.")
    name = _DTYPE_ALIASES.get(name, name)
    if name not in DTYPES:
        raise ValueError(name)
    return getattr(torch, name)


def _dtype_meant(word: str) -> str:
    """What was meant by a word that is no dtype, or else all that there are."""
    name = word.lower().removeprefix("torch.")
    width = _INTEGERS.fullmatch(name)
    if width and int(width[1]) in _WIDTHS:
        return f" (for {width[1]} bits: torch::quantize_integers, or -bits of torch::observer)"
    return errors.did_you_mean(name, (*DTYPES, *_DTYPE_ALIASES)) or f": must be {', '.join(DTYPES)}"


def _device(word: Word, _: HandleTable) -> Any:
    try:
        device = torch.device(text_of(word))
    except RuntimeError:
        raise ValueError(word) from None
    available = _device_count(device.type)
    if (device.index or 0) >= available:
        raise OutOfRange(f'"{device}" is not available: {device.type} devices here: {available}')
    return device


def _device_meant(_: str) -> str:
    return ": must be cpu, cuda, cuda:0 or the like"


def _device_count(kind: str) -> int:
    if kind in ("cpu", "meta"):
        return 1
    module = getattr(torch, kind, None)
    return int(module.device_count()) if module is not None and hasattr(module, "device_count") else 0


def _bulk(word: Word, _: HandleTable) -> Bulk:
    return word if isinstance(word, Bulk) else from_text(text_of(word))


def _series(word: Word, _: HandleTable) -> dict[str, Bulk]:
    return {name: from_text(numbers) for name, numbers in pairs(word)}


def pairs(word: Word) -> list[tuple[str, str]]:
    """The names and values of a dict, in its order; of equal names each."""
    words = split(word)
    if len(words) % 2:
        raise BadElement("a dict, names and values in turn,", text_of(word))
    return list(zip(words[::2], words[1::2], strict=True))


def split(word: Word) -> list[str]:
    """The elements of a list."""
    try:
        return split_list(text_of(word))
    except ValueError as error:
        raise BadElement(f"a list ({error})", text_of(word)) from None


def _element(element: str, index: int, table: HandleTable) -> int:
    try:
        return _integer(element, table)
    except OutOfRange:
        raise
    except ValueError:
        raise BadElement("integer", element, f" at index {index}") from None


TENSOR_TYPE = Type("tensor", _tensor)

# By annotation; `parameter_types` makes others of these.
TYPES: dict[Any, Type] = {
    Tensor: TENSOR_TYPE,
    TensorHandle: Type("tensor", _tensor_handle),
    Handle: Type("handle", _handle),
    Handles: Type("handle", _handles),
    int: Type("integer", _integer),
    float: Type("floating-point number", _float),
    int | float: Type("number", _number),
    bool: Type("boolean value", _boolean, choices=("0", "1")),
    str: Type("string", _string, free=True),
    FileName: Type("file name", _file_name, free=True),
    CommandName: Type("string", _string, free=True),
    Topic: Type("string", _string, free=True),
    ParameterName: Type("string", _string, free=True),
    WidgetName: Type("window path", _widget),
    Dtype: Type("dtype", _dtype, choices=DTYPES, hint=_dtype_meant),
    Device: Type("device", _device, choices=("cpu", "cuda", "meta"), hint=_device_meant),
    Bulk: Type("list of numbers", _bulk, bulk=True),
    tuple[int, ...]: Type("list of integers", _integers),
    dict[str, Bulk]: Type("dict of lists of numbers", _series),
}
