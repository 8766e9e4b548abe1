"""Words of a memory, and how integers become words: two's complement, the lowest value in the lowest bits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pybridge.hardware.refusals import BadContent, BadToken
from pybridge.quant.integer_range import limits

Bytes = NDArray[np.uint8]
WIDEST = 4096  # bits a word
_PART = 1 << 16  # words at a time, so that what is needed on the way stays small


@dataclass(frozen=True)
class Words:
    """The words of a memory.

    Attributes:
        width: bits a word, 1 .. 4096.
        data: [words, bytes a word], the least significant byte first; the bits beyond the width are 0.
    """

    width: int
    data: Bytes

    def __len__(self) -> int:
        return len(self.data)

    def parts(self, multiple: int = 1) -> Iterator["Words"]:
        """The words in turn, some thousands at a time: each time a multiple of `multiple`, until the end."""
        step = multiple * max(1, _PART // multiple)
        for start in range(0, len(self.data), step):
            yield Words(self.width, self.data[start : start + step])


def byte_count(width: int) -> int:
    """The bytes that hold a word of `width` bits."""
    return -(-width // 8)


def pack(values: NDArray[Any], bits: int, per_word: int = 1) -> Words:
    """Put integers into words.

    Args:
        values: 1-D, each in the range of `bits` bits, signed or not.
        bits: 1 .. 32, the width of a value.
        per_word: values a word: the first one in the lowest bits. A last word that is not full ends in 0.
    """
    width = bits * per_word
    count = -(-len(values) // per_word)
    data = np.zeros((count, byte_count(width)), np.uint8)
    for start in range(0, count, _PART):
        part = values[start * per_word : (start + _PART) * per_word]
        codes = (part.astype(np.int64) & ((1 << bits) - 1)).astype("<u4")
        target = data[start : start + _PART]
        if len(codes) < len(target) * per_word:
            codes = np.pad(codes, (0, len(target) * per_word - len(codes)))
        octets = codes.view(np.uint8).reshape(-1, 4)
        if bits % 8 == 0 or per_word == 1:
            target[:] = octets[:, : byte_count(bits)].reshape(len(target), -1)
        else:
            each = np.unpackbits(octets, axis=1, count=bits, bitorder="little")
            target[:] = np.packbits(each.reshape(len(target), width), axis=1, bitorder="little")
    return Words(width, data)


def unpack(words: Words, bits: int, signed: bool, count: int) -> NDArray[np.int64]:
    """The first `count` integers in words: the reverse of `pack`.

    Raises:
        BadContent: there are values other than 0 beyond `count`.
    """
    per_word = words.width // bits
    values = np.empty(len(words) * per_word, np.int64)
    for start, part in zip(range(0, len(words), _PART), words.parts(), strict=True):
        octets = np.zeros((len(part) * per_word, 4), np.uint8)
        if bits % 8 == 0 or per_word == 1:
            octets[:, : byte_count(bits)] = part.data.reshape(len(octets), -1)
        else:
            each = np.unpackbits(part.data, axis=1, count=words.width, bitorder="little")
            packed = np.packbits(each.reshape(-1, bits), axis=1, bitorder="little")
            octets[:, : packed.shape[1]] = packed
        values[start * per_word : (start + len(part)) * per_word] = octets.view("<u4")[:, 0]
    if values[count:].any():
        raise BadContent(f"holds more than the {count} values of its shape")
    return _with_sign(values[:count], bits) if signed else values[:count]


def from_integers(numbers: list[int], width: int, signed: bool) -> Words:
    """Words from Python's integers.

    Raises:
        BadToken: a number does not fit.
    """
    lowest, highest = limits(width, signed)
    if numbers and not (lowest <= min(numbers) and max(numbers) <= highest):
        index = next(index for index, each in enumerate(numbers) if not lowest <= each <= highest)
        number = numbers[index]
        shown = number if number.bit_length() <= 128 else f"a number of {number.bit_length()} bits"
        raise BadToken(index, f"{shown} does not fit into {width} {'signed' if signed else 'unsigned'} bits")
    if width < 64:
        return from_array(np.array(numbers, np.int64), width, signed)
    size, mask = byte_count(width), (1 << width) - 1
    data = b"".join([(each & mask).to_bytes(size, "little") for each in numbers])
    return Words(width, np.frombuffer(data, np.uint8).reshape(-1, size))


def from_array(numbers: NDArray[Any], width: int, signed: bool) -> Words:
    """Words of up to 64 bits from an array of integers.

    Raises:
        BadToken: a number does not fit.
    """
    lowest, highest = limits(width, signed)
    flat = numbers.reshape(-1)
    if len(flat) and not (lowest <= int(flat.min()) and int(flat.max()) <= highest):
        return from_integers(flat.tolist(), width, signed)  # which finds the one
    octets = flat.astype("<i8" if flat.dtype.kind == "i" else "<u8").view("<u8") & np.uint64((1 << width) - 1)
    return Words(width, octets.view(np.uint8).reshape(-1, 8)[:, : byte_count(width)])


def to_integers(words: Words, signed: bool) -> NDArray[Any]:
    """Words of up to 64 bits as numbers: int64 where they are signed, else uint64."""
    octets = np.zeros((len(words), 8), np.uint8)
    octets[:, : words.data.shape[1]] = words.data
    values = octets.view("<u8")[:, 0]
    return _with_sign(values.view("<i8"), words.width) if signed else values


def _with_sign(values: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """The highest of `bits` bits taken for the sign."""
    if bits == 64:
        return values
    sign = 1 << bits - 1
    return (values ^ sign) - sign
