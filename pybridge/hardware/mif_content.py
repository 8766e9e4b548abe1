"""The content of a memory initialization file: what stands between `CONTENT BEGIN` and `END`, as words.

All at once where every statement is `address : words;`, one by one where there are ranges or mistakes. In
this module the index of a `BadToken` is that of a statement.
"""

import bisect
import itertools
import operator
import re
from dataclasses import dataclass

import numpy as np

from pybridge.hardware import digits
from pybridge.hardware.manifest import Coding
from pybridge.hardware.refusals import BadToken, quoted
from pybridge.hardware.words import Words, from_integers

RADICES = {b"HEX": 16, b"DEC": 10, b"UNS": 10, b"OCT": 8, b"BIN": 2}
_NUMBERS = {
    16: re.compile(rb"[0-9a-fA-F]{1,2000}"),
    10: re.compile(rb"-?[0-9]{1,2000}"),
    8: re.compile(rb"[0-7]{1,2000}"),
    2: re.compile(rb"[01]{1,4096}"),
}
_RANGE = re.compile(rb"\[\s*(\w+)\s*\.\.\s*(\w+)\s*\]")
_BLANK, _WORD, _COLON, _SEMICOLON, _OTHER = range(5)  # kinds of characters
_KINDS = np.full(256, _WORD, np.uint8)
for _kind, _characters in ((_BLANK, b" \t\n\r\v\f"), (_COLON, b":"), (_SEMICOLON, b";"), (_OTHER, b"[].")):
    _KINDS[list(_characters)] = _kind
_BLANK_SIGNS = bytes.maketrans(b":;", b"  ")


@dataclass(frozen=True)
class _Statements:
    """All statements.

    Attributes:
        addresses: the address, or the range, of each.
        tokens: the words of all of them.
        counts: how many words each has.
    """

    addresses: list[bytes]
    tokens: list[bytes]
    counts: list[int]


def words_of(body: bytes, depth: int, address_radix: bytes, data_radix: bytes, coding: Coding) -> Words:
    """The words of addresses 0 .. depth - 1.

    Raises:
        BadToken: a statement is wrong.
    """
    found = _all_at_once(body) or _one_by_one(body)
    starts, lengths = _places(found, RADICES[address_radix], depth)
    try:
        words = _words(found.tokens, data_radix, coding)
    except BadToken as error:  # a word: which statement's?
        statement = bisect.bisect_right(list(itertools.accumulate(found.counts)), error.index)
        raise BadToken(statement, str(error)) from None
    return _filled(words, depth, found.counts, starts, lengths)


def _all_at_once(body: bytes) -> _Statements | None:
    """The statements without a look at each; None where one is a range, or not as it should be."""
    kinds = _KINDS[np.frombuffer(body, np.uint8)]
    begins = kinds == _WORD
    begins[1:] &= kinds[:-1] != _WORD
    events = kinds[begins | (kinds > _WORD)]
    if not len(events) or events[-1] != _SEMICOLON or (events == _OTHER).any():
        return None
    # An address, a colon, words, a semicolon: a colon stands second in each statement, and nowhere else.
    ends = np.flatnonzero(events == _SEMICOLON)
    colons = np.flatnonzero(events == _COLON)
    firsts = np.concatenate(([0], ends[:-1] + 1))
    if len(colons) != len(ends) or (colons != firsts + 1).any() or (ends - colons < 2).any():
        return None
    is_address = np.zeros(len(events), bool)
    is_address[firsts] = True
    is_address = is_address[events == _WORD]
    tokens = body.translate(_BLANK_SIGNS).split()
    return _Statements(
        list(itertools.compress(tokens, is_address.tolist())),
        list(itertools.compress(tokens, (~is_address).tolist())),
        (ends - colons - 1).tolist(),
    )


def _one_by_one(body: bytes) -> _Statements:
    """The statements, each looked at."""
    *statements, rest = body.split(b";")
    found = _Statements([], [], [])
    for index, statement in enumerate(statements):
        address, colon, text = statement.partition(b":")
        words = text.split()
        if not colon or not words or b":" in text:
            got = quoted(statement.strip())
            raise BadToken(index, f"expected an address, a colon and words but got {got}")
        found.addresses.append(address.strip())
        found.tokens.extend(words)
        found.counts.append(len(words))
    if rest.strip():
        raise BadToken(len(statements), f"{quoted(rest.strip())} ends without a semicolon")
    return found


def _places(found: _Statements, radix: int, depth: int) -> tuple[list[int], list[int]]:
    """Where the words of each statement begin, and how many places they fill."""
    lengths = found.counts.copy()
    try:
        starts = [int(address, radix) for address in found.addresses]
        plain = b"".join(found.addresses).isalnum()  # no sign, no underscore, which Python would read
    except ValueError:
        plain = False
    if not plain:
        starts = [0] * len(lengths)
        for index, address in enumerate(found.addresses):
            starts[index], lengths[index] = _place(address, found.counts[index], radix, index)
    ends = list(map(operator.add, starts, lengths))
    if max(ends, default=0) > depth:
        index = next(index for index, end in enumerate(ends) if end > depth)
        raise BadToken(index, f"address {ends[index] - 1} is beyond DEPTH={depth}")
    return starts, lengths


def _place(address: bytes, count: int, radix: int, index: int) -> tuple[int, int]:
    """Where `count` words go, and how many places they fill there."""
    if address[:1] != b"[":
        return _address(address, radix, index), count
    match = _RANGE.fullmatch(address)
    if not match:
        raise BadToken(index, f"expected a range such as [0..7] but got {quoted(address)}")
    first, last = (_address(each, radix, index) for each in match.groups())
    if last - first + 1 < count:
        raise BadToken(index, f"the range {quoted(address)} has no room for {count} words")
    return first, last - first + 1


def _filled(words: Words, depth: int, counts: list[int], starts: list[int], lengths: list[int]) -> Words:
    """Each statement's words, again and again over its places."""
    data = np.zeros((depth, words.data.shape[1]), np.uint8)
    if lengths == counts:
        sizes = np.array(counts, np.int64)
        offsets = np.array(starts, np.int64) - np.cumsum(sizes) + sizes
        data[np.repeat(offsets, sizes) + np.arange(len(words))] = words.data
        return Words(words.width, data)
    end = 0
    for start, length, count in zip(starts, lengths, counts, strict=True):
        end += count
        run = words.data[end - count : end]
        whole = length // count * count
        data[start : start + whole].reshape(-1, *run.shape)[:] = run
        data[start + whole : start + length] = run[: length - whole]
    return Words(words.width, data)


def _address(text: bytes, radix: int, index: int) -> int:
    if not _NUMBERS[radix].fullmatch(text) or text[:1] == b"-":
        raise BadToken(index, f"expected an address but got {quoted(text)}")
    return int(text, radix)


def _words(tokens: list[bytes], radix: bytes, coding: Coding) -> Words:
    if radix in (b"HEX", b"BIN"):
        return digits.from_tokens(tokens, coding.word_bits, 4 if radix == b"HEX" else 1)
    base = RADICES[radix]
    for index, token in enumerate(tokens):
        if not _NUMBERS[base].fullmatch(token) or (radix == b"UNS" and token[:1] == b"-"):
            raise BadToken(index, f"expected a number (DATA_RADIX={radix.decode()}) but got {quoted(token)}")
    signed = coding.word_signed and radix == b"DEC"
    return from_integers([int(token, base) for token in tokens], coding.word_bits, signed)
