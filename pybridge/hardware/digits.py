"""Words as digits, for the formats that are text; a column of an array is a column of the text."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from pybridge.hardware.refusals import BadContent, BadToken, quoted
from pybridge.hardware.words import Bytes, Words, byte_count

_PART = 1 << 16
_CHARACTERS = np.frombuffer(b"0123456789abcdef", np.uint8)
_NO_DIGIT = 255


def _digit_values(base: int) -> Bytes:
    values = np.full(256, _NO_DIGIT, np.uint8)
    for value in range(base):
        for character in (f"{value:x}", f"{value:X}"):
            values[ord(character)] = value
    return values


_VALUES = {1: _digit_values(2), 4: _digit_values(16)}


def digit_count(width: int, digit_bits: int) -> int:
    """The digits that a word of `width` bits has."""
    return -(-width // digit_bits)


def to_text(words: Words, digit_bits: int) -> Bytes:
    """The ASCII digits of words.

    Args:
        digit_bits: 4 for hexadecimal digits, 1 for binary ones.

    Returns:
        [words, digits], leading zeros included.
    """
    if digit_bits == 1:
        digits = np.unpackbits(words.data, axis=1, count=words.width, bitorder="little")
    else:
        digits = np.stack((words.data & 15, words.data >> 4), axis=2).reshape(len(words), -1)
        digits = digits[:, : digit_count(words.width, 4)]
    return _CHARACTERS[digits[:, ::-1]]


def numbers_to_text(numbers: NDArray[np.int64], digits: int) -> Bytes:
    """Hexadecimal digits of numbers that are 0 or more, such as addresses."""
    octets = numbers.astype("<u8").view(np.uint8).reshape(-1, 8)
    return to_text(Words(4 * digits, octets[:, : byte_count(4 * digits)]), 4)


def in_lines(cells: Bytes, per_line: int, between: bytes, after: bytes) -> bytes:
    """Cells as text: `between` after each but the last of a line, `after` after that; of one length."""
    count, digits = cells.shape
    text = np.empty((count, digits + len(between)), np.uint8)
    text[:, :digits] = cells
    text[:, digits:] = np.frombuffer(between, np.uint8)
    text[per_line - 1 :: per_line, digits:] = np.frombuffer(after, np.uint8)
    text[-1:, digits:] = np.frombuffer(after, np.uint8)
    return text.tobytes()


def decimals_in_lines(numbers: Sequence[str], per_line: int) -> Iterator[bytes]:
    """Numbers as indented lines with a comma after each but the last."""
    step = per_line * max(1, _PART // per_line)
    for start in range(0, len(numbers), step):
        part = iter(numbers[start : start + step])
        lines = iter(lambda: ", ".join(islice(part, per_line)), "")  # noqa: B023  # used up in this turn
        end = "\n" if start + step >= len(numbers) else ",\n"
        yield ("    " + ",\n    ".join(lines) + end).encode()


def from_tokens(tokens: list[bytes], width: int, digit_bits: int) -> Words:
    """The words that digits spell.

    Raises:
        BadToken: something is no number of so many bits.
    """
    data = np.empty((len(tokens), byte_count(width)), np.uint8)
    for start in range(0, len(tokens), _PART):
        part = tokens[start : start + _PART]
        try:
            data[start : start + len(part)] = _from_tokens(part, width, digit_bits)
        except BadToken as error:
            raise BadToken(start + error.index, str(error)) from None
    return Words(width, data)


def _from_tokens(tokens: list[bytes], width: int, digit_bits: int) -> Bytes:
    digits = digit_count(width, digit_bits)
    if max(map(len, tokens)) > digits:
        tokens = [token.lstrip(b"0") if len(token) > digits else token for token in tokens]
        longest = next((index for index, token in enumerate(tokens) if len(token) > digits), None)
        if longest is not None:
            _checked(tokens[longest], longest, width, digit_bits)
    text = b"".join([token.rjust(digits, b"0") for token in tokens])
    values = _VALUES[digit_bits][np.frombuffer(text, np.uint8)].reshape(-1, digits)
    limit = 1 << width - digit_bits * (digits - 1)  # of the highest digit
    bad = (values == _NO_DIGIT).any(axis=1) | (values[:, 0] >= limit)
    if bad.any():
        index = int(bad.argmax())
        _checked(tokens[index], index, width, digit_bits)
    values = values[:, ::-1]
    if digit_bits == 1:
        return np.packbits(values, axis=1, bitorder="little")
    if digits % 2:
        values = np.pad(values, ((0, 0), (0, 1)))
    packed: Bytes = np.bitwise_or(values[:, ::2], values[:, 1::2] << 4, dtype=np.uint8)
    return packed


def _checked(token: bytes, index: int, width: int, digit_bits: int) -> None:
    """Say what is wrong with a token of which something is."""
    kind = "hexadecimal" if digit_bits == 4 else "binary"
    if (_VALUES[digit_bits][np.frombuffer(token, np.uint8)] == _NO_DIGIT).any():
        hint = " (an undefined bit has no value)" if set(token.lower()) & set(b"xz?") else ""
        raise BadToken(index, f"expected a {kind} word but got {quoted(token)}{hint}")
    raise BadToken(index, f"{quoted(token)} does not fit into {width} bits")


def in_order_of_address(
    starts: list[int], lengths: list[int], unit: str = "word"
) -> NDArray[np.int64] | None:
    """Where to find the word of each address, when runs of words are given in any order.

    Args:
        starts: the address of the first word of each run.
        lengths: how many words it has.
        unit: what has an address, for the messages.

    Returns:
        For each address the index among all words, or None where they are in order already.

    Raises:
        BadToken: an address has two words; its index is that of the second.
        BadContent: an address has none.
    """
    count = sum(lengths)
    far = next((index for index, start in enumerate(starts) if start > count), None)
    if far is not None:
        raise BadContent(f"has a {unit} at address {starts[far]} but only {count} in all")
    sizes = np.array(lengths, np.int64)
    offsets = np.cumsum(sizes) - sizes
    addresses = np.repeat(np.array(starts, np.int64) - offsets, sizes) + np.arange(count)
    if (addresses == np.arange(count)).all():
        return None
    order = np.argsort(addresses, kind="stable")
    found = addresses[order]
    twice = np.flatnonzero(found[1:] == found[:-1])
    if len(twice):
        raise BadToken(int(order[twice[0] + 1]), f"address {found[twice[0]]} is given twice")
    if found[-1] != count - 1:
        missing = int((found != np.arange(count)).argmax())
        raise BadContent(f"has no {unit} for address {missing}")
    return order


def line_of(text: bytes, index: int) -> int:
    """The line, from 1, of the word number `index` of a text, from 0, where blanks part the words."""
    for number, line in enumerate(text.split(b"\n"), 1):
        index -= len(line.split())
        if index < 0:
            return number
    return text.count(b"\n") + 1


def without_comments(content: bytes, comment: re.Pattern[bytes], *signs: bytes) -> bytes:
    """The content with its comments blank; the lines stay. In every comment there is one of `signs`."""
    if not any(sign in content for sign in signs):
        return content
    return comment.sub(lambda match: b" " + b"\n" * match[0].count(b"\n"), content)
