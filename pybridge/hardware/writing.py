"""Tensors of integers to files that hardware tools load."""

import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from pybridge.hardware import manifest as manifests
from pybridge.hardware.arrangement import dtype_of, to_values
from pybridge.hardware.formats import FORMATS, check_coding, check_format
from pybridge.hardware.manifest import DTYPES, Manifest
from pybridge.hardware.words import pack
from pybridge.quant.arguments import BadArgument
from pybridge.replacing import replacing


def export_integers(
    tensor: torch.Tensor,
    path: str,
    format: str,
    *,
    bits: int | None = None,
    signed: bool | None = None,
    values_per_word: int = 1,
    order: str = "row",
    channels_last: bool = False,
    words_per_line: int | None = None,
    byte_order: str = "little",
    scales: Sequence[float] | None = None,
    zero_points: Sequence[int] | None = None,
    axis: int | None = None,
    group_size: int | None = None,
    name: str = "",
    overwrite: bool = False,
) -> Manifest:
    """Write a tensor's integers to a file, and its manifest beside it; both or none.

    Args:
        tensor: of a dtype of `manifest.DTYPES`, of any shape; one without dimensions has one value.
        path: of the data file; the manifest's is the same and `.manifest.json`.
        format: a key of `FORMATS`.
        bits: the width of a value, 1 .. 32 (signed: 2 .. 32); by default that of the dtype, at most 32.
        signed: two's complement; by default as the dtype.
        values_per_word, order, channels_last, words_per_line, byte_order, scales, zero_points, axis,
            group_size: see `Manifest`; a negative axis counts from the end.
        name: of the array in a C header; by default it comes from the file's name.
        overwrite: whether files of these names may be there.

    Returns:
        What the manifest says.

    Raises:
        BadArgument: an argument does not do, or a value does not fit into the bits. Nothing is written.
        OSError, NotRegular: as `replacing`.
    """
    dtype, shape = dtype_of(tensor), tuple(tensor.shape)
    manifests.check_shape(shape, "input")
    usual_bits, usual_sign = DTYPES[dtype]
    manifest = Manifest(
        format=format,
        shape=shape,
        dtype=dtype,
        bits=min(usual_bits, 32) if bits is None else bits,
        signed=usual_sign if signed is None else signed,
        values_per_word=values_per_word,
        byte_order=byte_order,
        order=order,
        channels_last=channels_last,
        words_per_line=_words_per_line(format, words_per_line),
        scales=None if scales is None else tuple(map(float, scales)),
        zero_points=None if zero_points is None else tuple(map(int, zero_points)),
        axis=axis if axis is None else _from_the_start(axis, len(shape)),
        group_size=group_size,
    )
    check_coding(format, manifest)
    return _written(_content(tensor, manifest, path, name), path, manifest, overwrite)


def _words_per_line(format: str, given: int | None) -> int | None:
    check_format(format)
    usual = FORMATS[format].per_line
    if usual is None and given is not None:
        raise BadArgument("words_per_line", f"words_per_line is not for format {format}, which has no lines")
    return usual or None if given is None else given


def _from_the_start(axis: int, dims: int) -> int:
    """The number of a dimension that may be counted from the end; one that is not there stays as it is."""
    return axis + dims if -dims <= axis < 0 else axis


def _content(tensor: torch.Tensor, manifest: Manifest, path: str, name: str) -> Iterator[bytes]:
    """What the data file holds, piece by piece; a value that does not fit is refused before the first."""
    if name and manifest.format != "c_header":
        raise BadArgument("name", f"name is for format c_header, not for {manifest.format}")
    words = pack(to_values(tensor, manifest), manifest.bits, manifest.values_per_word)
    return FORMATS[manifest.format].write(words, manifest, name or Path(path).stem)


def _written(content: Iterator[bytes], path: str, manifest: Manifest, overwrite: bool) -> Manifest:
    """Write both files; the manifest with the checksum of the data."""
    beside = path + manifests.SUFFIX
    with replacing(path, beside, overwrite=overwrite) as (data_file, manifest_file):
        digest = hashlib.sha256()
        with open(data_file, "wb") as file:
            for piece in content:
                digest.update(piece)
                file.write(piece)
        manifest = dataclasses.replace(manifest, sha256=digest.hexdigest())
        Path(manifest_file).write_text(manifest.to_json(), encoding="ascii")
    return manifest
