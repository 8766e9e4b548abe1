"""Frames, in which a Tcl program and its worker talk.

A frame is a header, a Tcl list in UTF-8 and bytes that belong to it. The header is five fields, big-endian:

| bytes | field |
|---|---|
| 4 | `tch1`: the protocol |
| 4 | the number of the request; 0 where nobody waits for an answer |
| 4 | in an answer, how many handles there have been |
| 4 | the length of the list |
| 4 | the length of the bytes |
"""

import os
import struct

PROTOCOL = b"tch1"
HEADER = struct.Struct(">4s4I")
_pack, _unpack = HEADER.pack, HEADER.unpack_from
_LONGEST_LIST = 1 << 28
_MOST_BYTES = (1 << 31) - 1  # Tcl 8.6 reads no more at once
_FEW, _MANY = 1 << 14, 1 << 20  # bytes asked for at once; Python makes room for all of them
_ROOM = 1 << 28  # bytes that are made room for before they have arrived


class Garbled(Exception):
    """What came is no frame, or one that was cut short."""


class TooLong(Exception):
    """A frame that the other side would not take."""


Bytes = bytes | bytearray | memoryview
Frame = tuple[int, str, bytes | bytearray, int]  # number, list, bytes, handles: made for every command


def head(number: int, data: bytes, payload: Bytes = b"", created: int = 0) -> bytes:
    """A frame but for its payload; `data` is the list.

    Raises:
        TooLong: the other side would not take it.
    """
    if len(data) > _LONGEST_LIST or len(payload) > _MOST_BYTES:
        raise TooLong(
            f"a result must have at most {_LONGEST_LIST} bytes of text and {_MOST_BYTES} of numbers"
        )
    return _pack(PROTOCOL, number, created & 0xFFFFFFFF, len(data), len(payload)) + data


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
        ahead = self._ahead or os.read(self._descriptor, _FEW)
        if not ahead:
            return None
        if len(ahead) < HEADER.size:
            ahead = self._read(ahead, HEADER.size)
        protocol, number, created, length, size = _unpack(ahead)
        if protocol != PROTOCOL:
            raise Garbled(f"a frame must begin with {PROTOCOL!r} but began with {protocol!r}")
        if length > _LONGEST_LIST:
            raise Garbled(f"a list must have at most {_LONGEST_LIST} bytes but had {length}")
        middle = HEADER.size + length
        if len(ahead) == middle and not size:  # as nearly always
            self._ahead, data = b"", ahead[HEADER.size :]
            return number, data.decode() if data.isascii() else decode(data), b"", created
        if len(ahead) < middle:
            ahead = self._read(ahead, middle)
        end = middle + size
        text, payload = decode(ahead[HEADER.size : middle]), ahead[middle:end]
        self._ahead = ahead[end:]
        return number, text, self._payload(payload, size) if size else b"", created

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

    def send(self, number: int, data: bytes, payload: Bytes = b"", created: int = 0) -> None:
        """Write a frame to its end. Raises TooLong and has written nothing."""
        begin = head(number, data, payload, created)
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
