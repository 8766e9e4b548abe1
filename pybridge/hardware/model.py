"""All quantized weights of a model into one folder, with an index."""

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pybridge.hardware import c_header
from pybridge.hardware.formats import FORMATS, check_format
from pybridge.hardware.manifest import SUFFIX, Manifest
from pybridge.hardware.writing import export_integers
from pybridge.quant.arguments import BadArgument
from pybridge.replacing import put_in_place, refusal, targets_of

INDEX = "index.json"
VERSION = 1
_LONGEST_STEM = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Weight:
    """One quantized tensor of a model.

    Attributes:
        name: as in the model, any text.
        integers, bits, signed, scales, zero_points, axis, group_size: as `export_integers` takes them.
    """

    name: str
    integers: torch.Tensor
    bits: int
    signed: bool = True
    scales: Sequence[float] | None = None
    zero_points: Sequence[int] | None = None
    axis: int | None = None
    group_size: int | None = None


@dataclass
class Totals:
    """What a folder of weights holds.

    Attributes:
        weights: how many.
        values: their elements.
        bits: of all values, each of its weight's width.
        bytes: of the data files.
    """

    weights: int = 0
    values: int = 0
    bits: int = 0
    bytes: int = 0


def export_model(
    weights: Iterable[Weight],
    folder: str,
    format: str,
    *,
    values_per_word: int = 1,
    order: str = "row",
    channels_last: bool = False,
    byte_order: str = "little",
    overwrite: bool = False,
    step: Callable[[str], None] = lambda name: None,
) -> Totals:
    """Write each weight as `export_integers` does, and `index.json`, which tells the file of each name.

    Weights are taken one by one, and only one is held. All of it is written into a hidden folder first, in
    the folder or, where that is new, beside it, and goes to its place when it is complete, the index last.
    The index has an entry a line: the file's name, and what its manifest says. A process that is killed
    leaves the hidden folder, `.tcltorch-` and 16 digits, which can be deleted.

    Args:
        weights: of different names.
        folder: is made; it may be there when it is empty, and stays the same one.
        format, values_per_word, order, byte_order: as for `export_integers`.
        channels_last: for the weights of three or more dimensions.
        overwrite: whether there may be files in the folder; those of other names stay. A file that is
            replaced hands its mode on, and a link goes on pointing to its file.
        step: called with each name after its weight is written; what it raises ends it, with nothing written.

    Raises:
        BadArgument: a weight or an option does not do; the message begins with the weight's name.
        OSError: the folder cannot be written, or has files in it.
        NotRegular, OneFile: as for `replacing`, of a file in the folder.
    """
    check_format(format)
    _check_folder(folder, overwrite)
    with _hidden(folder) as unfinished:
        names, totals = _Names(format), Totals()
        with open(os.path.join(unfinished, INDEX), "w", encoding="ascii") as index:
            index.write(
                f'{{\n  "tcltorch_index": {VERSION},\n  "format": {json.dumps(format)},\n  "weights": {{'
            )
            for weight in weights:
                file = names.add(weight.name, weight.integers.dim())
                path = os.path.join(unfinished, file)
                manifest = _written(
                    weight,
                    path,
                    format,
                    values_per_word=values_per_word,
                    order=order,
                    channels_last=channels_last and weight.integers.dim() > 2,
                    byte_order=byte_order,
                )
                index.write(f"{',' if totals.weights else ''}\n    {_entry(weight.name, file, manifest)}")
                _count(totals, manifest, os.path.getsize(path))
                step(weight.name)
            index.write(f'\n  }},\n  "totals": {json.dumps(vars(totals))}\n}}\n')
        _move(unfinished, folder, overwrite)
    return totals


def _written(weight: Weight, path: str, format: str, **layout: Any) -> Manifest:
    """Write one weight; messages begin with its name."""
    try:
        return export_integers(
            weight.integers,
            path,
            format,
            bits=weight.bits,
            signed=weight.signed,
            scales=weight.scales,
            zero_points=weight.zero_points,
            axis=weight.axis,
            group_size=weight.group_size,
            **layout,
        )
    except BadArgument as error:
        raise BadArgument(error.parameter, f"{weight.name}: {error}") from None


def _entry(name: str, file: str, manifest: Manifest) -> str:
    entry: dict[str, Any] = {"file": file, **manifest.described()}
    return f"{json.dumps(name)}: {json.dumps(entry)}"


def _count(totals: Totals, manifest: Manifest, size: int) -> None:
    totals.weights += 1
    totals.values += manifest.values
    totals.bits += manifest.values * manifest.bits
    totals.bytes += size


class _Names:
    """File names for names of weights: safe in every file system, and no two alike, in any case."""

    def __init__(self, format: str) -> None:
        self._ending = FORMATS[format].ending
        self._in_c = format == "c_header"
        self._names: set[str] = set()
        self._taken = {INDEX}

    def add(self, name: str, dims: int) -> str:
        """The file's name for a weight of so many dimensions.

        Raises:
            BadArgument: the weight was there already.
        """
        if name in self._names:
            raise BadArgument("weights", f"weights must have different names but two are {name}")
        self._names.add(name)
        safe = _UNSAFE.sub("_", name).lstrip(".-")[:_LONGEST_STEM] or "tensor"
        number = 1
        while self._keys(stem := safe if number == 1 else f"{safe}-{number}", dims) & self._taken:
            number += 1
        self._taken |= self._keys(stem, dims)
        return stem + self._ending

    def _keys(self, stem: str, dims: int) -> set[str]:
        """What no other weight may have: file names, and in C what the header defines."""
        file = (stem + self._ending).lower()
        in_c = c_header.names(stem, dims) if self._in_c else []
        return {file, file + SUFFIX, *(f"{name.upper()} in C" for name in in_c)}


def _check_folder(folder: str, overwrite: bool) -> None:
    if os.path.isdir(folder):
        if os.listdir(folder) and not overwrite:
            raise refusal(errno.EEXIST, folder)
    elif os.path.lexists(folder):
        raise refusal(errno.ENOTDIR, folder)
    elif not folder:  # which realpath takes for the current one
        raise refusal(errno.ENOENT, folder)


@contextlib.contextmanager
def _hidden(folder: str) -> Iterator[str]:
    """A new folder in another, or beside it where that is to be made; it is gone at the end.

    Errors name the other one. One that is there is written into, not exchanged: it may be a mount point, or
    somebody's current folder, and has its mode.
    """
    target = os.path.realpath(folder)
    place = target if os.path.isdir(target) else os.path.dirname(target)
    unfinished = os.path.join(place, f".tcltorch-{secrets.token_hex(8)}")
    try:
        os.mkdir(unfinished)
        yield unfinished
    except OSError as error:
        if str(error.filename or unfinished).startswith(unfinished):
            error.filename, error.filename2 = folder, None
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _move(unfinished: str, folder: str, overwrite: bool) -> None:
    """Everything to its folder: all at once where that is new, else file by file, all or none."""
    target = os.path.realpath(folder)
    if os.path.dirname(unfinished) != target:
        os.rename(unfinished, target)
        return
    files = sorted(os.listdir(unfinished), key=lambda file: file == INDEX)  # the index comes last
    finished = [os.path.join(unfinished, file) for file in files]
    paths = [os.path.join(folder, file) for file in files]
    put_in_place(finished, targets_of(paths, overwrite), paths, overwrite)
