"""NumPy's array files (.npy): an array of the values, or of words that hold several."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib import format as npy

from pybridge.hardware.format import Format
from pybridge.hardware.manifest import Coding, Manifest
from pybridge.hardware.refusals import BadContent, BadToken
from pybridge.hardware.words import Words, from_array, to_integers

_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


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
    """Shape, whether in column order, dtype, and the bytes of the elements."""
    file = io.BytesIO(content)
    try:
        shape, fortran, dtype = _READERS[npy.read_magic(file)](file)
    except KeyError:
        raise BadContent("has a version of the npy format that is not read") from None
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        raise BadContent(f"is no npy file: {error}") from None
    if dtype.kind not in "iub":
        raise BadContent(f"holds {dtype}, which are no integers")
    data = content[file.tell() :]
    count = 1
    for size in shape:
        count *= size
    if len(data) != count * dtype.itemsize:
        raise BadContent(f"has {len(data)} bytes of elements where its shape needs {count * dtype.itemsize}")
    return shape, fortran, dtype, data


FORMAT = Format(".npy", write, read, per_line=None, widest=64, describe=describe)
