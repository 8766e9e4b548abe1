"""Frames, in which a Tcl program and its worker talk.

A frame is a header of two numbers (4 bytes each, big-endian), a Tcl list in UTF-8, and sometimes bytes that
belong to it:

| number | |
|---|---|
| length | how many bytes the list has; with `BYTES` where bytes follow, with `NOT_ASCII` where it is not |
| number | that of the request; 0 where nobody waits for an answer |
| size | only where bytes follow: how many |

A Tcl program feels each field and each look at one in every command. So there are no more, and what is seldom
makes the length one that no list has. The program does not say `NOT_ASCII`, because it would have to look.

| from | the list |
|---|---|
| the program | the words of a request (server.py) |
| the worker, as an answer | status, value, options, created: how many handles there have been |
| the worker, first | `hello`, version, process, and what the daemon is known by |
| the worker, at any time | `stdout` or `stderr`: the bytes are what it has printed |
"""

import os
import struct

HEADER = struct.Struct(">2I")
SIZE = struct.Struct(">I")
BYTES = 1 << 31
NOT_ASCII = 1 << 30
_HEADER = HEADER.size
_pack, _unpack = HEADER.pack, HEADER.unpack_from
_LONGEST_LIST = 1 << 28
_MOST_BYTES = (1 << 31) - 1  # Tcl 8.6 reads no more at once
# bytes asked for at once: Python makes room for all of them, and at no cost for what most requests have
_COMMON, _FEW, _MANY = 448, 1 << 14, 1 << 20
_ROOM = 1 << 28  # bytes that are made room for before they have arrived


class Garbled(Exception):
    """What came is no frame, or one that was cut short."""


class TooLong(Exception):
    """A frame that the other side would not take."""


Bytes = bytes | bytearray | memoryview
Frame = tuple[int, str, bytes | bytearray]  # number, list, bytes: made for every command


def head(number: int, data: bytes, payload: Bytes = b"") -> bytes:
    """A frame but for its payload; `data` is the list.

    Raises:
        TooLong: the other side would not take it.
    """
    length, size = len(data), len(payload)
    if length > _LONGEST_LIST or size > _MOST_BYTES:
        raise TooLong(
            f"a result must have at most {_LONGEST_LIST} bytes of text and {_MOST_BYTES} of numbers"
        )
    if not data.isascii():
        length |= NOT_ASCII
    return _pack(length | BYTES, number) + SIZE.pack(size) + data if size else _pack(length, number) + data


class Reader:
    """Takes frames from a descriptor.

    Beyond 256 MiB, memory is taken as bytes arrive, never for a length that was only claimed.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._ahead = b""

    def next(self) -> Frame | None:
        """The next frame; None at the end.

        Raises:
            Garbled: it is no frame, or ends before its end.
        """
        ahead = self._ahead or os.read(self._descriptor, _COMMON)
        if not ahead:
            return None
        if len(ahead) < _HEADER:
            ahead = self._read(ahead, _HEADER)
        length, number = _unpack(ahead)
        if len(ahead) == _HEADER + length:  # as nearly always
            self._ahead, data = b"", ahead[_HEADER:]
            return number, data.decode() if data.isascii() else decode(data), b""
        begin, size = _HEADER, 0
        if length & BYTES:
            begin += SIZE.size
            if len(ahead) < begin:
                ahead = self._read(ahead, begin)
            (size,) = SIZE.unpack_from(ahead, _HEADER)
        length &= ~(BYTES | NOT_ASCII)
        if length > _LONGEST_LIST:
            raise Garbled(f"a list must have at most {_LONGEST_LIST} bytes but had {length}")
        middle = begin + length
        if len(ahead) < middle:
            ahead = self._read(ahead, middle)
        end = middle + size
        text, payload = decode(ahead[begin:middle]), ahead[middle:end]
        self._ahead = ahead[end:]
        return number, text, self._payload(payload, size) if size else b""

    def _payload(self, begun: bytes, size: int) -> bytearray:
        """`size` bytes that begin with these, in memory of their own."""
        payload = bytearray(min(size, _ROOM))
        payload[: len(begun)] = begun
        got = len(begun)
        while got < size:
            if got == len(payload):
                payload.extend(bytes(min(size - got, got)))
            with memoryview(payload) as view, view[got:] as rest:
                count = os.readv(self._descriptor, [rest])
            if not count:
                raise Garbled("a frame was cut short")
            got += count
        return payload

    def _read(self, ahead: bytes, count: int) -> bytes:
        """`ahead` and what comes after it, `count` bytes or more."""
        chunks, got = [ahead], len(ahead)
        while got < count:
            chunk = os.read(self._descriptor, min(_MANY, max(_FEW, count - got)))
            if not chunk:
                raise Garbled("a frame was cut short")
            chunks.append(chunk)
            got += len(chunk)
        return b"".join(chunks)


class Writer:
    """Puts frames into a descriptor, whole. Only one thread does so."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, number: int, data: bytes, payload: Bytes = b"") -> None:
        """Write a frame to its end. Raises TooLong and has written nothing."""
        begin = head(number, data, payload)
        written = os.write(self._descriptor, begin)
        if written < len(begin) or payload:
            self._write(begin[written:])
            self._write(payload)

    def _write(self, data: Bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


def encode(text: str) -> bytes:
    """The opposite of `decode`. Half a surrogate pair that Tcl has not said is told as `?`."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def decode(data: bytes) -> str:
    """UTF-8. What is none, such as half a surrogate pair of Tcl's, becomes Python's escapes as in tkinter."""
    return data.decode("utf-8", "surrogateescape")
