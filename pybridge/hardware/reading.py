"""Files of integers back to the tensors that they were."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from pybridge.hardware import manifest as manifests
from pybridge.hardware.arrangement import to_tensor
from pybridge.hardware.formats import FORMATS, check_coding, check_format
from pybridge.hardware.manifest import DTYPES, Coding, Manifest
from pybridge.hardware.refusals import BadContent, BadFile
from pybridge.hardware.words import Words, unpack
from pybridge.quant.arguments import BadArgument
from pybridge.replacing import NotRegular

_TOLD_ONLY = ("array_shape", "format", *manifests.DERIVED)  # what a file tells beyond what it needs


def manifest_path(path: str) -> str:
    """Where the manifest of the data file at `path` is."""
    return path + manifests.SUFFIX


def read_manifest(path: str) -> Manifest:
    """The manifest of the data file at `path`.

    Raises:
        BadFile: it is none.
        OSError, NotRegular: it cannot be read.
    """
    beside = manifest_path(path)
    content = _content(beside)
    try:
        manifest = manifests.from_json(content)
        if manifest.format not in FORMATS:
            raise BadContent(f"has the unknown format {manifest.format}")
        if not manifest.sha256:
            raise BadContent("has no checksum")
        check_coding(manifest.format, manifest)
    except (BadContent, BadArgument) as error:
        raise BadFile(beside, str(error)) from None
    return manifest


def import_integers(path: str) -> torch.Tensor:
    """Read the tensor back that `export_integers` wrote: shape, dtype and every value.

    Raises:
        BadFile: the content is not what the format or the manifest needs.
        OSError, NotRegular: a file cannot be read.
    """
    content = _content(path)
    manifest = read_manifest(path)
    try:
        words = FORMATS[manifest.format].read(content, manifest)
        _check_described(FORMATS[manifest.format].describe(content), manifest)
        tensor = _tensor(words, manifest)
        if hashlib.sha256(content).hexdigest() != manifest.sha256:
            raise BadContent("is not the file that its manifest is for: the checksum differs")
    except BadContent as error:
        raise BadFile(path, str(error)) from None
    return tensor


def import_without_manifest(
    path: str,
    format: str,
    *,
    bits: int | None = None,
    signed: bool | None = None,
    shape: Sequence[int] | None = None,
    dtype: str | None = None,
    values_per_word: int | None = None,
    order: str | None = None,
    channels_last: bool | None = None,
    byte_order: str | None = None,
) -> torch.Tensor:
    """Read integers from a file that has no manifest.

    Args:
        path: of the data file.
        format: a key of `FORMATS`.
        bits, signed: must be given, unless the format tells them: json does; npy and c_header have a type,
            which is the default.
        shape: by default what the format tells, else 1-D with all values.
        dtype: by default what the format tells, else the smallest of int8, uint8, int16, int32 and int64.
        values_per_word, order, channels_last, byte_order: as for `export_integers`, with its defaults.

    Raises:
        BadArgument: an argument is missing, does not do, or is not what the file says.
        BadFile, OSError, NotRegular: as `import_integers`.
    """
    check_format(format)
    content = _content(path)
    given = {
        "bits": bits,
        "signed": signed,
        "values_per_word": values_per_word,
        "byte_order": byte_order,
        "order": order,
        "channels_last": channels_last,
        "shape": None if shape is None else tuple(shape),
        "dtype": dtype,
    }
    try:
        told = FORMATS[format].describe(content)
        known = _known(told, {name: value for name, value in given.items() if value is not None})
        coding = _coding(known, format)
        words = FORMATS[format].read(content, coding)
        manifest = Manifest(**_completed(known, coding, len(words)), format=format)
        if shape is not None and values_per_word in (None, 1):
            _check_described({name: told[name] for name in told.keys() & {"array_shape"}}, manifest)
        return _tensor(words, manifest)
    except BadContent as error:
        raise BadFile(path, str(error)) from None


def _known(told: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What the file tells and what the caller gives, together."""
    for name in given.keys() & told.keys():
        if given[name] != told[name]:
            raise BadArgument(
                name, f"{name} is {_shown(told[name])} in the file but got {_shown(given[name])}"
            )
    known = {**told, **given}
    container = known.pop("container", None)
    if container and known.get("values_per_word", 1) == 1:
        usual_bits, usual_sign = DTYPES[container]
        known = {"bits": min(usual_bits, 32), "signed": usual_sign, "dtype": container} | known
    return known


def _coding(known: Mapping[str, Any], format: str) -> Coding:
    for name in ("bits", "signed"):
        if name not in known:
            raise BadArgument(name, f"{name} must be given: there is no manifest that says it")
    coding = Coding(
        bits=known["bits"],
        signed=known["signed"],
        values_per_word=known.get("values_per_word", 1),
        byte_order=known.get("byte_order", "little"),
    )
    check_coding(format, coding)
    return coding


def _completed(known: Mapping[str, Any], coding: Coding, words: int) -> dict[str, Any]:
    """The arguments of a manifest."""
    fields = {name: value for name, value in known.items() if name not in _TOLD_ONLY}
    channels_last = fields.get("channels_last", False)
    shape = (words * coding.values_per_word,)
    if coding.values_per_word == 1 and "array_shape" in known:
        shape = known["array_shape"]
        if channels_last and len(shape) > 2:
            shape = (shape[0], shape[-1], *shape[1:-1])
    defaults = {
        "shape": shape,
        "dtype": _smallest_dtype(coding),
        "bits": coding.bits,
        "signed": coding.signed,
    }
    return defaults | fields


def _smallest_dtype(coding: Coding) -> str:
    """PyTorch computes little on uint16 and the larger unsigned ones."""
    sizes = {8: "int8" if coding.signed else "uint8", 16: "int16", 32: "int32", 64: "int64"}
    needed = coding.bits if coding.signed or coding.bits <= 8 else coding.bits + 1
    return next(name for size, name in sizes.items() if needed <= size)


def _check_described(told: Mapping[str, Any], manifest: Manifest) -> None:
    """Refuse a file that contradicts its manifest."""
    for name, value in told.items():
        wanted = getattr(manifest, name)
        if value != wanted:
            label = {"array_shape": "shape", "container": "type"}.get(name, name)
            raise BadContent(f"has the {label} {_shown(value)} where {_shown(wanted)} was told")


def _tensor(words: Words, manifest: Manifest) -> torch.Tensor:
    if len(words) != manifest.words:
        raise BadContent(f"has {len(words)} words where its shape needs {manifest.words}")
    return to_tensor(unpack(words, manifest.bits, manifest.signed, manifest.values), manifest)


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _content(path: str) -> bytes:
    """All of a file; pipes and devices, which may have no end, are not read."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise NotRegular(path)
    with open(path, "rb") as file:
        return file.read()
