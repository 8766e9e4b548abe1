"""Intel's hexadecimal object files: "Hexadecimal Object File Format Specification", revision A, 1988.

Records of `:LLAAAATT`, LL bytes and a checksum that makes the sum of all bytes 0 modulo 256. Addresses count
bytes; a word takes as many whole bytes as it needs, the least significant one first unless the coding says
otherwise, and its bits beyond the width are 0. Records of type 04 (and 02, when reading) give the upper part
of the addresses.
"""

import binascii
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pybridge.hardware import digits
from pybridge.hardware.format import Format
from pybridge.hardware.manifest import Coding, Manifest
from pybridge.hardware.refusals import BadContent, BadToken, quoted
from pybridge.hardware.words import Bytes, Words, byte_count
from pybridge.quant.arguments import BadArgument

_LONGEST = 255  # data bytes a record
_USUAL = 16
_SEGMENT = 1 << 16
_DATA, _END, _SEGMENT_BASE, _START_SEGMENT, _LINEAR_BASE, _START_LINEAR = range(6)
_TYPES = {_END: 0, _SEGMENT_BASE: 2, _START_SEGMENT: 4, _LINEAR_BASE: 2, _START_LINEAR: 4}  # their data bytes
_NO_RECORD = "expected a record, a colon and pairs of digits, but got {}"
_CHARACTERS = np.frombuffer(b"0123456789ABCDEF", np.uint8)


def write(words: Words, manifest: Manifest, _: str = "") -> Iterator[bytes]:
    """The content of a file: the words from address 0 on.

    Raises:
        BadArgument: a record would be too long, or the addresses too large.
    """
    size = byte_count(words.width)
    length = manifest.words_per_line * size if manifest.words_per_line else max(1, _USUAL // size) * size
    if manifest.words_per_line and length > _LONGEST:
        raise BadArgument(
            "words_per_line",
            f"words_per_line must be at most {_LONGEST // size} for words of {size} bytes "
            f"(a record has at most {_LONGEST}) but is {manifest.words_per_line}",
        )
    if len(words) * size > 1 << 32:
        raise BadArgument("format", "format intel_hex has addresses of 32 bits, too few for this input")
    data = words.data[:, ::-1] if manifest.byte_order == "big" else words.data
    octets = data.reshape(-1)
    for start in range(0, len(octets), _SEGMENT):
        if start:
            upper = np.frombuffer((start // _SEGMENT).to_bytes(2, "big"), np.uint8)
            yield _records(upper[np.newaxis], 0, _LINEAR_BASE)
        segment = octets[start : start + _SEGMENT]
        whole = len(segment) // min(length, _LONGEST) * min(length, _LONGEST)
        yield _records(segment[:whole].reshape(-1, min(length, _LONGEST)), 0, _DATA)
        yield _records(segment[whole:].reshape(1, -1), whole, _DATA) if whole < len(segment) else b""
    yield b":00000001FF\n"


def _records(data: Bytes, address: int, kind: int) -> bytes:
    """One record a row of `data`, from `address` on."""
    count, length = data.shape
    addresses = address + length * np.arange(count)
    record = np.empty((count, length + 5), np.uint8)
    record[:, 0] = length
    record[:, 1], record[:, 2], record[:, 3] = addresses >> 8, addresses & 255, kind
    record[:, 4:-1] = data
    record[:, -1] = -record[:, :-1].sum(axis=1) & 255
    text = np.empty((count, 2 * record.shape[1] + 2), np.uint8)
    text[:, 0], text[:, -1] = ord(":"), ord("\n")
    text[:, 1:-1:2], text[:, 2:-1:2] = _CHARACTERS[record >> 4], _CHARACTERS[record & 15]
    return text.tobytes()


@dataclass(frozen=True)
class _Records:
    """All records of a file, in their order.

    Attributes:
        octets: the bytes of all of them.
        starts: where each begins in `octets`.
        lengths, offsets, kinds: their length, address and type fields.
    """

    octets: Bytes
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    offsets: NDArray[np.int64]
    kinds: NDArray[np.int64]


def read(content: bytes, coding: Coding) -> Words:
    """The words of a file whose bytes fill the addresses from 0 on, in any order.

    Raises:
        BadContent: what is wrong, with its line.
    """
    lines = content.splitlines()
    numbers = [number for number, line in enumerate(lines, 1) if line.strip()]
    try:
        records = _checked([lines[number - 1].strip() for number in numbers])
        octets = _data(records)
    except BadToken as error:
        raise BadContent(f"line {numbers[error.index]}: {error}") from None
    size = byte_count(coding.word_bits)
    if len(octets) % size:
        raise BadContent(f"has {len(octets)} bytes, which are no whole words of {size} bytes")
    data = octets.reshape(-1, size)
    if coding.byte_order == "big":
        data = data[:, ::-1]
    spare = 8 * size - coding.word_bits
    wide = np.flatnonzero(data[:, -1] >> (8 - spare) if spare else ())
    if len(wide):
        raise BadContent(f"has a word of more than {coding.word_bits} bits, number {wide[0]}")
    return Words(coding.word_bits, data)


def _checked(lines: list[bytes]) -> _Records:
    """The records, each of them whole and right.

    Raises:
        BadToken: its index is that of a record.
    """
    if not lines:
        raise BadContent("has no records")
    sizes = np.fromiter(map(len, lines), np.int64, len(lines))
    _refuse_first((sizes < 11) | (sizes % 2 == 0), lines, _NO_RECORD)
    _refuse_first([line[:1] != b":" for line in lines], lines, _NO_RECORD)
    octets = np.frombuffer(_unhexlified(lines), np.uint8)
    ends = np.cumsum(sizes // 2)
    starts = ends - sizes // 2
    heads = [octets[starts + place].astype(np.int64) for place in range(4)]
    _refuse_first(heads[0] + 5 != sizes // 2, lines, "the record {} does not have the length it says")
    _refuse_first(np.add.reduceat(octets, starts, dtype=np.uint8) != 0, lines, "the checksum of {} is wrong")
    kinds = heads[3]
    wrong = ~np.isin(kinds, (_DATA, *_TYPES))
    for kind, length in _TYPES.items():
        wrong |= (kinds == kind) & (heads[0] != length)
    _refuse_first(wrong, lines, "the record {} has no type that is known, or a wrong length for it")
    _refuse_first(kinds[:-1] == _END, lines, "there are records after the end record {}")
    if kinds[-1] != _END:
        raise BadToken(len(lines) - 1, "the file ends without an end record")
    return _Records(octets, starts, heads[0], heads[1] << 8 | heads[2], kinds)


def _refuse_first(bad: NDArray[np.bool_] | list[bool], lines: list[bytes], message: str) -> None:
    found = np.flatnonzero(bad)
    if len(found):
        raise BadToken(int(found[0]), message.format(quoted(lines[found[0]])))


def _unhexlified(lines: list[bytes]) -> bytes:
    try:
        return binascii.unhexlify(b"".join([line[1:] for line in lines]))
    except binascii.Error:
        for index, line in enumerate(lines):
            try:
                binascii.unhexlify(line[1:])
            except binascii.Error:
                raise BadToken(index, _NO_RECORD.format(quoted(line))) from None
        raise


def _data(records: _Records) -> Bytes:
    """The bytes of the data records in the order of their addresses."""
    is_base = (records.kinds == _LINEAR_BASE) | (records.kinds == _SEGMENT_BASE)
    value = records.octets[np.where(is_base, records.starts + 4, 0)].astype(np.int64) << 8
    value |= records.octets[np.where(is_base, records.starts + 5, 0)]
    base = np.where(records.kinds == _SEGMENT_BASE, value << 4, value << 16)
    last = np.maximum.accumulate(np.where(is_base, np.arange(len(base)), -1))
    bases = np.where(last < 0, 0, base[np.maximum(last, 0)])
    chosen = np.flatnonzero((records.kinds == _DATA) & (records.lengths > 0))
    lengths = records.lengths[chosen]
    begins = np.cumsum(lengths) - lengths
    places = np.repeat(records.starts[chosen] + 4 - begins, lengths) + np.arange(lengths.sum())
    octets: Bytes = records.octets[places]
    try:
        order = digits.in_order_of_address(
            (bases + records.offsets)[chosen].tolist(), lengths.tolist(), unit="byte"
        )
    except BadToken as error:
        record = np.searchsorted(begins, error.index, side="right") - 1
        raise BadToken(int(chosen[record]), str(error)) from None
    return octets if order is None else octets[order]


FORMAT = Format(".hex", write, read, per_line=0)
