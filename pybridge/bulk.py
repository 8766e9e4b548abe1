"""Numbers in bulk: how a list of them reaches the dispatcher without a text for each.

The Tcl side packs a list with `binary format` and tells its shape. Where that fails, or could misread an
element (a leading zero), it hands the plain list over instead, and `from_text` reads it one by one: slower,
exact, and able to name the element that is wrong.
"""

import re
import sys
from array import array
from dataclasses import dataclass
from functools import lru_cache

from pybridge.tcl_list import split_list

_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[-+]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?|inf(?:inity)?|nan(?:\(([0-9a-f]+)\))?)",
    re.IGNORECASE,
)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_LONGEST = 4000  # digits; more than this Python does not read
_HUGE = 1 << 20000  # stands for an integer of more digits: no type takes either
_DEEPEST = 64  # dimensions, as in PyTorch
_BLANKS = " \t\n\v\f\r"


class BadElement(ValueError):
    """One element of a list is not what the list must hold; `hint` is how the message ends."""

    def __init__(self, expected: str, got: str, where: str = "", hint: str = "") -> None:
        super().__init__(expected, got, where, hint)
        self.expected, self.got, self.where, self.hint = expected, got, where, hint


@dataclass(frozen=True, slots=True)
class Bulk:
    """Numbers as bytes, row by row, and their shape.

    Attributes:
        data: doubles (format `d`), or the same numbers twice: as doubles, then the low 64 bits of the
            integers that they are (`dw`). A tensor takes over what can be written to. In an answer it may be
            a tensor's own memory.
        format: `dw` when every number is written as an integer, else `d`.
        shape: the shape that the nesting of the list gives; `()` for a single number.
    """

    data: bytes | bytearray | memoryview
    format: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return len(self.data) // (8 * len(self.format))

    def doubles(self) -> list[float]:
        """The numbers, as Python floats."""
        return array("d", self.data[: 8 * self.size]).tolist()


@lru_cache  # the same few words, `1` or `-128`, come again and again
def parse_integer(text: str) -> int:
    """The integer that Tcl reads in `text`; a leading zero is refused (8.6 reads octal, 9.0 decimal)."""
    text = text.strip(_BLANKS)
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return _integer(text)


def parse_number(text: str) -> int | float:
    """The integer or double that Tcl reads in `text`."""
    text = text.strip(_BLANKS)
    if _INTEGER.fullmatch(text):
        return _integer(text)
    match = _FLOAT.fullmatch(text)
    if not match or _LEADING_ZERO.fullmatch(text):
        raise ValueError(text)
    return _nan(text[0] == "-", int(match.group(1), 16)) if match.group(1) else float(text)


def _nan(negative: bool, bits: int) -> float:
    """The NaN that Tcl writes as NaN(bits)."""
    pattern = (0xFFF8 if negative else 0x7FF8) << 48 | bits & (1 << 51) - 1
    return array("d", pattern.to_bytes(8, sys.byteorder))[0]


def _integer(text: str) -> int:
    if len(text) > _LONGEST and text.lstrip("+-").isdigit():
        return -_HUGE if text[0] == "-" else _HUGE
    return int(text, 0)


def parse_float(text: str) -> float:
    """The double that Tcl reads in `text`; an integer stands for the nearest double, infinity beyond them."""
    return _double(parse_number(text))


def _double(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def is_number(text: str) -> bool:
    """Whether `parse_number` takes it."""
    try:
        parse_number(text)
    except ValueError:
        return False
    return True


def from_text(text: str) -> Bulk:
    """Read a number or a nested list of numbers.

    A one-element list of a number is that number, as Tcl itself cannot tell the two apart.

    Raises:
        BadElement: an element is no number, or a row has another length than the first row.
    """
    shape = _shape(text)
    rows = [text]
    for level, length in enumerate(shape):
        rows = [
            element for index, row in enumerate(rows) for element in _row(row, length, index, shape[:level])
        ]
    numbers = [_number(word, index, shape) for index, word in enumerate(rows)]
    return from_numbers(numbers, shape)


def from_numbers(numbers: list[int | float], shape: tuple[int, ...]) -> Bulk:
    """Pack Python numbers."""
    doubles = array("d", map(_double, numbers)).tobytes()
    if not all(isinstance(number, int) for number in numbers):
        return Bulk(doubles, "d", shape)
    wides = array("Q", [int(number) & (2**64 - 1) for number in numbers])
    return Bulk(doubles + wides.tobytes(), "dw", shape)


def _shape(text: str) -> tuple[int, ...]:
    """The shape along the first elements."""
    shape: list[int] = []
    while not is_number(text):
        elements = _split(text)
        if elements == [text]:  # a word that is no number: `_number` names it
            break
        shape.append(len(elements))
        if not elements:
            break
        if len(shape) > _DEEPEST:
            raise BadElement("a list of at most 64 dimensions", text)
        text = elements[0]
    while shape and shape[-1] == 1 and is_number(text):
        shape.pop()
    return tuple(shape)


def _row(text: str, length: int, index: int, shape: tuple[int, ...]) -> list[str]:
    elements = _split(text, where(index, shape))
    if len(elements) != length:
        raise BadElement(f"a row of {length} elements", text, where(index, shape))
    return elements


def _split(text: str, where: str = "") -> list[str]:
    try:
        return split_list(text)
    except ValueError as error:
        raise BadElement(f"a list ({error})", text, where) from None


def _number(word: str, index: int, shape: tuple[int, ...]) -> int | float:
    text = word
    while not is_number(text):  # {{1}} is {1} is 1
        inner = _split(text, where(index, shape))
        if len(inner) != 1 or inner == [text]:
            raise BadElement("number", word, where(index, shape))
        text = inner[0]
    return parse_number(text)


def where(index: int, shape: tuple[int, ...]) -> str:
    """The index of an element as `lindex` takes it: one number for each dimension."""
    path: list[int] = []
    for length in reversed(shape):
        index, position = divmod(index, length)
        path.insert(0, position)
    return f" at index {' '.join(map(str, path))}" if path else ""
