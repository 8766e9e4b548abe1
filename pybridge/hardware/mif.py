"""Memory initialization files (.mif) of Intel's (Altera's) Quartus: its help, "Memory Initialization File".

`WIDTH`, `DEPTH`, the radices of addresses and data, then `CONTENT BEGIN`, lines of `address : words;`, and
`END;`. Several words fill the addresses from the first on; `[first..last] : words;` repeats them in turn over
the range. What comes later wins, and an address that is not given holds 0, as in Quartus. Comments are
`-- ...` and `%...%`.
"""

import re
from collections.abc import Iterator

import numpy as np

from pybridge.hardware import digits
from pybridge.hardware.format import Format
from pybridge.hardware.manifest import Coding, Manifest
from pybridge.hardware.mif_content import RADICES, words_of
from pybridge.hardware.refusals import BadContent, BadToken, quoted
from pybridge.hardware.words import Bytes, Words

_COMMENT = re.compile(rb"--[^\n]*|%[^%]*%")
_CONTENT = re.compile(rb"(?<![^\s;])CONTENT\s+BEGIN(?!\S)", re.IGNORECASE)
_END = re.compile(rb"END\s*;\s*", re.IGNORECASE)
_SETTING = re.compile(rb"\s*(\w+)\s*=\s*(\w+)\s*")
_COUNT = re.compile(rb"[0-9]{1,10}")
_DEEPEST = 1 << 26  # words, of a file that is smaller: ranges can ask for more than any machine has


def write(words: Words, manifest: Manifest, _: str = "") -> Iterator[bytes]:
    """The content of a file: hexadecimal words in the order of their addresses."""
    per_line = manifest.words_per_line or 1
    address_digits = len(f"{max(0, len(words) - 1):x}")
    yield (
        f"WIDTH={words.width};\nDEPTH={len(words)};\n\nADDRESS_RADIX=HEX;\nDATA_RADIX=HEX;\n\nCONTENT BEGIN\n"
    ).encode()
    start = 0
    for part in words.parts(per_line):
        cells = digits.to_text(part, 4)
        whole = len(part) // per_line * per_line
        for few, count in ((cells[:whole], per_line), (cells[whole:], len(part) - whole)):
            if len(few):
                addresses = np.arange(start, start + len(few), count)
                yield _lines(digits.numbers_to_text(addresses, address_digits), few, count)
                start += len(few)
    yield b"END;\n"


def _lines(addresses: Bytes, cells: Bytes, count: int) -> bytes:
    """A line of `count` words for each address."""
    lines = len(addresses)
    spaced = np.insert(cells, 0, ord(" "), axis=1).reshape(lines, -1)
    signs = (np.frombuffer(sign, np.uint8) for sign in (b"\t", b" :", b";\n"))
    tab, colon, end = (np.broadcast_to(sign, (lines, len(sign))) for sign in signs)
    return np.concatenate((tab, addresses, colon, spaced, end), axis=1).tobytes()


def read(content: bytes, coding: Coding) -> Words:
    """The words of a file, of any radix.

    Raises:
        BadContent: what is wrong, with its line.
    """
    text = digits.without_comments(content, _COMMENT, b"--", b"%")
    begin = _CONTENT.search(text)
    if not begin:
        raise BadContent("has no CONTENT BEGIN")
    end = text.upper().rfind(b"END")
    if end < begin.end() or not _END.fullmatch(text, end):
        raise BadContent(f"line {text.rstrip().count(10) + 1}: the content ends without END;")
    header = _header(text[: begin.start()])
    width, depth = _count(header, b"WIDTH"), _count(header, b"DEPTH")
    if width != coding.word_bits:
        raise BadContent(f"has words of {width} bits, not of {coding.word_bits}")
    if depth > max(_DEEPEST, len(content)):
        raise BadContent(f"says DEPTH={depth}, too many words for a file of {len(content)} bytes")
    radices = _radix(header, b"ADDRESS_RADIX"), _radix(header, b"DATA_RADIX")
    body = text[begin.end() : end]
    try:
        return words_of(body, depth, *radices, coding)
    except BadToken as error:
        before = b";".join(body.split(b";")[: error.index])
        first = body[len(before) :].lstrip(b"; \t\r\n")
        line = text.count(10, 0, begin.end() + len(body) - len(first)) + 1
        raise BadContent(f"line {line}: {error}") from None


def _header(text: bytes) -> dict[bytes, bytes]:
    """The settings before the content, in capital letters."""
    *settings, rest = text.split(b";")
    found = {}
    line = 1
    for setting in settings:
        match = _SETTING.fullmatch(setting)
        if not match or match[1].upper() in found:
            here = line + setting[: len(setting) - len(setting.lstrip())].count(10)
            raise BadContent(
                f"line {here}: expected a setting such as WIDTH=8 but got {quoted(setting.strip())}"
            )
        found[match[1].upper()] = match[2].upper()
        line += setting.count(10)
    if rest.strip():
        raise BadContent(
            f"line {line + rest.rstrip().count(10)}: {quoted(rest.strip())} ends without a semicolon"
        )
    for name in (b"WIDTH", b"DEPTH", b"ADDRESS_RADIX", b"DATA_RADIX"):
        if name not in found:
            raise BadContent(f"does not say {name.decode()}")
    return found


def _count(header: dict[bytes, bytes], name: bytes) -> int:
    text = header[name]
    if not _COUNT.fullmatch(text):
        raise BadContent(f"has a bad {name.decode()}: {quoted(text)}")
    return int(text)


def _radix(header: dict[bytes, bytes], name: bytes) -> bytes:
    if header[name] not in RADICES:
        raise BadContent(f"has a bad {name.decode()}: {quoted(header[name])}")
    return header[name]


FORMAT = Format(".mif", write, read)
