"""Memory files of Verilog (IEEE 1364-2005, section 17.2.9), for $readmemh and $readmemb.

Numbers without a size, parted by blanks and comments; `@address`, in hexadecimal, says where the next one
goes; underscores between digits mean nothing. Undefined bits (x, z) are legal there; here they are not.
"""

import itertools
import re
from collections.abc import Iterator
from functools import partial
from typing import NoReturn

from pybridge.hardware import digits
from pybridge.hardware.format import Format
from pybridge.hardware.manifest import Coding, Manifest
from pybridge.hardware.refusals import BadContent, BadToken, quoted
from pybridge.hardware.words import Words

_COMMENT = re.compile(rb"//[^\n]*|/\*.*?\*/", re.DOTALL)
_ADDRESS = re.compile(rb"@[0-9a-fA-F]{1,16}")
_LOST_UNDERSCORE = re.compile(rb"(?<!\S)@?_")


def write(words: Words, manifest: Manifest, _: str = "", *, digit_bits: int) -> Iterator[bytes]:
    """The words from address 0 on, each with all its digits."""
    per_line = manifest.words_per_line or 1
    for part in words.parts(per_line):
        yield digits.in_lines(digits.to_text(part, digit_bits), per_line, b" ", b"\n")


def read(content: bytes, coding: Coding, *, digit_bits: int) -> Words:
    """The words in the order of their addresses, which must be 0, 1, 2 and so on without a gap.

    Raises:
        BadContent: what is wrong, with its line.
    """
    text = digits.without_comments(content, _COMMENT, b"/")
    if b"/" in text:
        at = text.index(b"/")
        raise BadContent(f"line {text.count(10, 0, at) + 1}: a comment that does not end, or a stray slash")
    if b"_" in text:
        lost = _LOST_UNDERSCORE.search(text)
        if lost:
            raise BadContent(
                f"line {text.count(10, 0, lost.start()) + 1}: a number begins with an underscore"
            )
        text = text.replace(b"_", b"")
    tokens = text.split()
    if b"@" not in text:
        try:
            return digits.from_tokens(tokens, coding.word_bits, digit_bits)
        except BadToken as error:
            _refuse(text, error)
    return _read_with_addresses(text, tokens, coding.word_bits, digit_bits)


def _read_with_addresses(text: bytes, tokens: list[bytes], width: int, digit_bits: int) -> Words:
    marks = [index for index, token in enumerate(tokens) if token[:1] == b"@"]
    words_at = [index for index, token in enumerate(tokens) if token[:1] != b"@"]
    try:
        bad = next((index for index in marks if not _ADDRESS.fullmatch(tokens[index])), None)
        if bad is not None:
            raise BadToken(bad, f"expected @ and a hexadecimal address but got {quoted(tokens[bad])}")
        try:
            words = digits.from_tokens([tokens[index] for index in words_at], width, digit_bits)
            runs = [-1, *marks, len(tokens)]
            starts = [0, *(int(tokens[index][1:], 16) for index in marks)]
            lengths = [end - begin - 1 for begin, end in itertools.pairwise(runs)]
            filled = [index for index, length in enumerate(lengths) if length]
            order = digits.in_order_of_address(
                [starts[index] for index in filled], [lengths[index] for index in filled]
            )
        except BadToken as error:
            raise BadToken(words_at[error.index], str(error)) from None
    except BadToken as error:
        _refuse(text, error)
    return words if order is None else Words(width, words.data[order])


def _refuse(text: bytes, error: BadToken) -> NoReturn:
    raise BadContent(f"line {digits.line_of(text, error.index)}: {error}") from None


def _format(digit_bits: int) -> Format:
    return Format(".mem", partial(write, digit_bits=digit_bits), partial(read, digit_bits=digit_bits))


HEXADECIMAL, BINARY = _format(4), _format(1)
