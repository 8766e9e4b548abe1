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
import threading
from dataclasses import dataclass

PROTOCOL = b"tch1"
_HEADER = struct.Struct(">4s4I")
_LONGEST_LIST = 1 << 28
_CHUNK = 1 << 20


class Garbled(Exception):
    """What came is no frame, or one that was cut short."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A request or an answer; see the module."""

    number: int
    text: str
    payload: bytes = b""
    created: int = 0

    def to_bytes(self) -> bytes:
        """The frame but for its payload."""
        text = encode(self.text)
        header = _HEADER.pack(PROTOCOL, self.number, self.created & 0xFFFFFFFF, len(text), len(self.payload))
        return header + text


class Reader:
    """Takes frames from a descriptor.

    Memory is taken as bytes arrive, never for a length that was only claimed.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._ahead = b""

    def next(self) -> Frame | None:
        """The next frame; None at the end.

        Raises:
            Garbled: it is no frame, or ends before its end.
        """
        header = self._take(_HEADER.size)
        if not header:
            return None
        if len(header) < _HEADER.size:
            raise Garbled("a frame was cut short")
        protocol, number, created, length, size = _HEADER.unpack(header)
        if protocol != PROTOCOL:
            raise Garbled(f"a frame must begin with {PROTOCOL!r} but began with {protocol!r}")
        if length > _LONGEST_LIST:
            raise Garbled(f"a list must have at most {_LONGEST_LIST} bytes but had {length}")
        text, payload = self._take(length), self._take(size)
        if len(text) < length or len(payload) < size:
            raise Garbled("a frame was cut short")
        return Frame(number, decode(text), payload, created)

    def _take(self, count: int) -> bytes:
        """The next `count` bytes; fewer at the end."""
        ahead = self._ahead
        if len(ahead) < count:
            ahead = self._read(ahead, count)
        self._ahead = ahead[count:]
        return ahead[:count]

    def _read(self, ahead: bytes, count: int) -> bytes:
        chunks, got = [ahead], len(ahead)
        while got < count:
            chunk = os.read(self._descriptor, _CHUNK)
            if not chunk:
                break
            chunks.append(chunk)
            got += len(chunk)
        return b"".join(chunks)


class Writer:
    """Puts frames into a descriptor, whole, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, frame: Frame) -> None:
        """Write a frame to its end."""
        with self._lock:
            self._write(frame.to_bytes())
            self._write(frame.payload)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


def encode(text: str) -> bytes:
    """UTF-8, in which half a surrogate pair, which Tcl has no words against, is kept."""
    return text.encode("utf-8", "surrogatepass")


def decode(data: bytes) -> str:
    """The opposite of `encode`; what is no UTF-8 at all is kept as Python's escapes."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "surrogateescape")
