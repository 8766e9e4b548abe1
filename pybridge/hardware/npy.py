"""NumPy's array files (.npy): an array of the values, or of words that hold several."""

import ast
import io
import math
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib import format as npy

from pybridge.hardware.format import Format
from pybridge.hardware.manifest import Coding, Manifest
from pybridge.hardware.refusals import BadContent, BadToken
from pybridge.hardware.words import Words, from_array, to_integers

_LENGTHS = {b"\x01\x00": "<H", b"\x02\x00": "<I"}  # how the length of the header is told, by version
_LONGEST = 10_000  # bytes of a header, as in NumPy
_KEYS = {"descr", "fortran_order", "shape"}


def write(words: Words, manifest: Manifest, _: str = "") -> Iterator[bytes]:
    """The content of a file: an array of the smallest integer type that holds a word."""
    dtype = np.dtype(manifest.container).newbyteorder("<")
    header = io.BytesIO()
    npy.write_array_header_1_0(
        header,
        {
            "shape": manifest.array_shape,
            "fortran_order": manifest.order == "column",
            "descr": npy.dtype_to_descr(dtype),
        },
    )
    yield header.getvalue()
    for part in words.parts():
        yield to_integers(part, manifest.word_signed).astype(dtype).tobytes()


def read(content: bytes, coding: Coding) -> Words:
    """The words of a file, in the order of its bytes.

    Raises:
        BadContent: it is no array of integers, or one of them does not fit.
    """
    _, _, dtype, data = _parsed(content)
    try:
        return from_array(np.frombuffer(data, dtype), coding.word_bits, coding.word_signed)
    except BadToken as error:
        raise BadContent(f"has a bad element number {error.index}: {error}") from None


def describe(content: bytes) -> dict[str, Any]:
    """Shape, order and type of the array."""
    shape, fortran, dtype, _ = _parsed(content)
    known: dict[str, Any] = {"array_shape": shape, "container": dtype.newbyteorder("=").name}
    return known | {"order": "column" if fortran else "row"}


def _parsed(content: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], bytes]:
    """Shape, whether in column order, dtype, and the bytes of the elements.

    NumPy's own reader of headers lets exceptions of its tokenizer through, and warns.
    """
    if content[:6] != npy.MAGIC_PREFIX or content[6:8] not in _LENGTHS:
        raise BadContent("is no npy file of version 1 or 2")
    begin = 8 + struct.calcsize(_LENGTHS[content[6:8]])
    if len(content) < begin:
        raise BadContent("ends in its header")
    end = begin + int(struct.unpack(_LENGTHS[content[6:8]], content[8:begin])[0])
    shape, fortran, dtype = _header(content[begin:end]) if end - begin <= _LONGEST else (None, None, None)
    if not isinstance(shape, tuple) or not isinstance(fortran, bool) or dtype is None:
        raise BadContent("has a header that tells no shape, order and type")
    if not all(type(size) is int and size >= 0 for size in shape):
        raise BadContent("has a header that tells no shape")
    if dtype.kind not in "iub":
        raise BadContent(f"holds {dtype}, which are no integers")
    size = math.prod(shape) * dtype.itemsize
    if len(content) - end != size:
        raise BadContent(f"has {len(content) - end} bytes of elements where its shape needs {size}")
    return shape, fortran, dtype, content[end:]


def _header(text: bytes) -> tuple[Any, Any, np.dtype[Any] | None]:
    """Shape, order and dtype as a header tells them; the dtype is None where it does not."""
    try:
        told = ast.literal_eval(text.decode("latin-1").strip())
        if isinstance(told, dict) and told.keys() == _KEYS and isinstance(told["descr"], str):
            return told["shape"], told["fortran_order"], np.dtype(told["descr"])
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        pass  # it is not written by NumPy; MemoryError and RecursionError are how Python refuses deep nesting
    return None, None, None


FORMAT = Format(".npy", write, read, per_line=None, widest=64, describe=describe)
