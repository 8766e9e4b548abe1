"""Coefficient files (.coe) of AMD's (Xilinx's) memory generators: Block Memory Generator guide, PG058.

`memory_initialization_radix=R;` with R 2, 10 or 16, then `memory_initialization_vector=`, numbers parted by
commas or blanks, and a semicolon. A line that begins with a semicolon is a comment.
"""

import re
from collections.abc import Iterator

from pybridge.hardware import digits
from pybridge.hardware.format import Format
from pybridge.hardware.manifest import Coding, Manifest
from pybridge.hardware.refusals import BadContent, BadToken, quoted
from pybridge.hardware.words import Words, from_integers

_COMMENT = re.compile(rb"^[ \t]*;[ \t\r]*[^\s;][^\n]*", re.MULTILINE)
_RADIX = b"memory_initialization_radix"
_VECTOR = b"memory_initialization_vector"
_RADICES = {b"2": 1, b"10": 0, b"16": 4}  # the bits of a digit, where it has some
_EMPTY_PLACE = re.compile(rb"^\s*,|,\s*,|,\s*\Z")
_DECIMAL = re.compile(rb"[-+]?[0-9]{1,4000}")


def write(words: Words, manifest: Manifest, _: str = "") -> Iterator[bytes]:
    """The content of a file: hexadecimal words in the order of their addresses."""
    per_line = manifest.words_per_line or 1
    yield _RADIX + b"=16;\n" + _VECTOR + (b"=\n" if len(words) else b"=;\n")
    left = len(words)
    for part in words.parts(per_line):
        lines = digits.in_lines(digits.to_text(part, 4), per_line, b", ", b",\n")
        left -= len(part)
        yield lines if left else lines[:-2] + b";\n"


def read(content: bytes, coding: Coding) -> Words:
    """The words of a file of any radix.

    Raises:
        BadContent: what is wrong, with its line.
    """
    text = digits.without_comments(content, _COMMENT, b";")
    *statements, rest = text.split(b";")
    found: dict[bytes, bytes] = {}
    line = 1
    for statement in statements:
        key, equals, value = statement.partition(b"=")
        name, here = key.strip().lower(), line + key.count(b"\n")
        line += statement.count(b"\n")
        if not statement.strip():
            continue
        if not equals or name not in (_RADIX, _VECTOR) or name in found:
            raise BadContent(f"line {here}: expected a radix and a vector but got {quoted(key.strip())}")
        if name == _VECTOR and _RADIX not in found:
            raise BadContent(f"line {here}: the radix must come before the vector")
        found[name] = value
        start = here
    if rest.strip():
        raise BadContent(
            f"line {line + rest.rstrip().count(10)}: the last statement ends without a semicolon"
        )
    if _VECTOR not in found:
        raise BadContent("has no memory_initialization_vector")
    return _vector(found[_RADIX].strip(), found[_VECTOR], start, coding)


def _vector(radix: bytes, text: bytes, line: int, coding: Coding) -> Words:
    """The words of a vector whose text begins in the line `line`."""
    if radix not in _RADICES:
        raise BadContent(f"has the radix {quoted(radix)}, which is not 2, 10 or 16")
    empty = _EMPTY_PLACE.search(text)
    if empty:
        raise BadContent(f"line {line + text.count(10, 0, empty.end())}: a number is missing at a comma")
    text = text.replace(b",", b" ")
    tokens = text.split()
    try:
        if _RADICES[radix]:
            return digits.from_tokens(tokens, coding.word_bits, _RADICES[radix])
        return _decimals(tokens, coding)
    except BadToken as error:
        raise BadContent(f"line {line - 1 + digits.line_of(text, error.index)}: {error}") from None


def _decimals(tokens: list[bytes], coding: Coding) -> Words:
    bad = next((index for index, token in enumerate(tokens) if not _DECIMAL.fullmatch(token)), None)
    if bad is not None:
        raise BadToken(bad, f"expected a decimal number but got {quoted(tokens[bad])}")
    return from_integers(list(map(int, tokens)), coding.word_bits, coding.word_signed)


FORMAT = Format(".coe", write, read)
