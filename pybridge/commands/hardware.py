"""Integers in files that hardware tools load, and back.

A data file in one of eight formats, and beside it a manifest: a JSON file that tells shape, width, sign,
scales and whatever else the data file does not say itself.

See also: files, integers
"""

import os
from collections.abc import Iterator
from typing import Any, Literal, TypedDict

from pybridge import errors
from pybridge.annotations import Dtype, FileName, Tensor
from pybridge.bulk import Bulk, is_number
from pybridge.commands.display import Progress
from pybridge.commands.files import load_safetensors, refused_by_system
from pybridge.commands.integers import Chosen, Integers, choice_of, quantized_by
from pybridge.lazy import hardware, quant, torch
from pybridge.names import dtype_name
from pybridge.registry import command
from pybridge.tcl_list import split_list

FileFormat = Literal["readmemh", "readmemb", "coe", "mif", "intel_hex", "c_header", "npy", "json"]
Order = Literal["row", "column"]
ByteOrder = Literal["little", "big"]


class Plan(TypedDict):
    """What `export_model` reads of a plan of `quantization_plan`: the choice for each weight."""

    weights: dict[str, Chosen]


_SCALES = ("scales", "scale")
_ZERO_POINTS = ("zero_points", "zero_point")


@command(also={"file": ("path",)})
def export_integers(
    input: Tensor | Integers,
    file: FileName,
    format: FileFormat,
    bits: int | None = None,
    signed: bool | None = None,
    values_per_word: int = 1,
    order: Order = "row",
    channels_last: bool = False,
    words_per_line: int | None = None,
    byte_order: ByteOrder = "little",
    scales: Tensor | Bulk | FileName | None = None,
    zero_points: Tensor | Bulk | None = None,
    axis: int | None = None,
    group_size: int | None = None,
    name: str = "",
    force: bool = False,
) -> None:
    """Write a tensor of integers to a file that hardware tools load, and a manifest beside it.

    The manifest has the data file's full name and `.manifest.json`; `import_integers` reads both. Where all
    scales are powers of two, it and the C header also tell `scale_exponents`: a scale is 2^e, which stands
    for a shift left by e, or right by -e where e is negative. A file is written whole or not at all, and so
    are the two. A process that is killed meanwhile, by Ctrl-C too, may leave hidden files beside them whose
    names begin with `.tcltorch-`; these can be deleted.

    Args:
        input: a dense tensor of an integer dtype or bool, of any shape: one without dimensions is one value,
            an empty one no values. Or the dict that `quantize_integers` gives, which says bits, scales,
            zero_points, axis and group_size, too, where these are not given. Of the dict that
            `linear_q_symmetric_per_channel` and its like give, `quantized` is the input, `scale` the scales,
            and the dimension the axis.
        file: the data file.
        format: readmemh and readmemb for Verilog's $readmemh and $readmemb; coe for memories of AMD's
            (Xilinx's) Vivado and mif for those of Intel's (Altera's) Quartus; intel_hex for programmers and
            boot loaders; c_header for C and C++; npy for NumPy; json.
        bits: the width of a value, 1 to 32, signed ones 2 to 32; by default that of the dtype, at most 32.
        signed: whether values are in two's complement; by default as the dtype is. Values that fit are what
            counts: an int32 tensor of 0 .. 15 can be written with 4 bits unsigned.
        values_per_word: how many values a word of the file holds, the first one in its lowest bits; what is
            left of the last word is 0. A word has at most 4096 bits, 64 in c_header, npy and json.
        order: row, the last index runs fastest; column, the first one does.
        channels_last: whether dimension 1 is moved to the end first: NCHW weights as NHWC.
        words_per_line: words on a line; 1 by default, 12 in c_header, 16 in json; in intel_hex words a
            record, by default as many as fit into 16 bytes.
        byte_order: of the bytes of a word in intel_hex.
        scales: for the manifest and the C header: a tensor, a list of numbers, or a safetensors file that
            holds scales or scale, and perhaps zero_points or zero_point. One for all, or as many as axis or
            group_size needs.
        zero_points: integers, one or as many as scales.
        axis: the dimension whose slices have scales of their own; a negative one counts from the end.
        group_size: how many neighbours along the last dimension share a scale; it goes without axis.
        name: of the array in a C header; by default made of the file's name.
        force: whether files of these names are overwritten. Modes and links are kept.

    Returns:
        Nothing.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above, and for the first value that does not fit,
        with its index; POSIX EEXIST, when there is such a file; other POSIX codes.

    Example:
        set weights [torch::tensor_create {{1 -2 3} {-8 7 0}} int8]
        torch::export_integers $weights weights.mem readmemh -bits 4
        set channel [open weights.mem]
        split [string trim [read $channel][close $channel]] \\n
        => 1 e 3 8 7 0
    """
    told = _told(input, scales, zero_points, bits=bits, axis=axis, group_size=group_size)
    with refused_by_system(file, "file"):
        hardware.export_integers(
            input if isinstance(input, torch.Tensor) else input["quantized"],
            file,
            format,
            **told,
            signed=signed,
            values_per_word=values_per_word,
            order=order,
            channels_last=channels_last,
            words_per_line=words_per_line,
            byte_order=byte_order,
            name=name,
            overwrite=force,
        )


@command(also={"file": ("path",)})
def import_integers(
    file: FileName,
    format: FileFormat | None = None,
    bits: int | None = None,
    signed: bool | None = None,
    shape: tuple[int, ...] | None = None,
    dtype: Dtype | None = None,
    values_per_word: int | None = None,
    order: Order | None = None,
    channels_last: bool | None = None,
    byte_order: ByteOrder | None = None,
) -> Tensor:
    """Read a tensor of integers back, exactly: its shape, dtype and every value.

    Where there is no manifest beside the file, options tell what it would.

    Args:
        file: what `export_integers` has written, or another file of one of the formats.
        format: as for `export_integers`. This and all other options only without a manifest.
        bits: the width of a value. It and signed may be left out where the file tells them: in json, and in
            npy and c_header, whose types are the default.
        signed: whether values are in two's complement.
        shape: by default what json and npy tell, else 1-D with all values.
        dtype: by default what json, npy and c_header tell, else the smallest of int8, uint8, int16, int32 and
            int64 that holds the values.
        values_per_word: values a word, 1 by default.
        order: row by default.
        channels_last: whether dimension 1 is the last one in the file.
        byte_order: little by default.

    Returns:
        A tensor.

    Errors:
        TORCH FILE FORMAT path, with the line, for a file that is not whole or not of the format, or does not
        belong to its manifest; TORCH ARG VALUE, naming the parameter, for options that are missing, wrong or
        given beside a manifest; POSIX codes.

    Example:
        set weights [torch::tensor_create {{1 -2 3} {-8 7 0}} int8]
        torch::export_integers $weights weights.coe coe -bits 4
        torch::tensor_to_list [torch::import_integers weights.coe] -nested 1
        => {1 -2 3} {-8 7 0}
    """
    options: dict[str, Any] = {
        "bits": bits,
        "signed": signed,
        "shape": shape,
        "dtype": None if dtype is None else dtype_name(dtype),
        "values_per_word": values_per_word,
        "order": order,
        "channels_last": channels_last,
        "byte_order": byte_order,
    }
    given = [name for name, value in {"format": format, **options}.items() if value is not None]
    with refused_by_system(file, "file"):
        beside = hardware.manifest_path(file)
        if given and os.path.exists(beside):
            message = f'{given[0]} must not be given: the manifest "{errors.shown(beside)}" says it'
            raise errors.arg_value(given[0], message)
        if os.path.exists(beside) or not os.path.exists(file):
            return _read(file)
        if format is None:
            message = f'format must be given: there is no manifest "{errors.shown(beside)}"'
            raise errors.arg_value("format", message)
        return _read(file, format, **options)


@command(also={"file": ("path",)})
def integers_info(file: FileName) -> dict[str, Any]:
    """Tell what the manifest of a file of integers says, without reading the file.

    Args:
        file: what `export_integers` has written: the data file.

    Returns:
        A dict: `format`, `shape`, `dtype`, `words` (the depth of the memory), `word_bits` (its width),
        `bits`, `signed`, `values_per_word`, `byte_order`, `order`, `channels_last`, `words_per_line`,
        `scales`, `scale_exponents` (where all scales are powers of two, the integer e of each 2^e) and
        `zero_points` (lists of numbers), `axis`, `group_size`, `sha256` (of the data file). What
        is not there is empty.

    Errors:
        POSIX codes, when there is no manifest; TORCH FILE FORMAT path, when it is none.

    Example:
        set weights [torch::tensor_create {{1 -2 3} {-8 7 0}} int8]
        set options {-bits 4 -values_per_word 3 -scales {0.5 0.25} -axis 0}
        torch::export_integers $weights weights.mif mif {*}$options
        set info [torch::integers_info weights.mif]
        lmap key {words word_bits scales} {dict get $info $key}
        => 2 12 {0.5 0.25}
    """
    with refused_by_system(file, "file"):
        try:
            described: dict[str, Any] = hardware.read_manifest(file).described()
        except hardware.BadFile as error:
            raise errors.file_format(error.path, error.what) from None
        return described


@command(also={"folder": ("path",)})
def export_model(
    tensors: dict[str, Tensor],
    plan: Plan,
    folder: FileName,
    format: FileFormat,
    values_per_word: int = 1,
    order: Order = "row",
    channels_last: bool = False,
    byte_order: ByteOrder = "little",
    force: bool = False,
) -> dict[str, int]:
    """Quantize the weights of a model as a plan says, and write them to a folder, a file each.

    Beside each file is its manifest, with scales and zero points, and `index.json` tells the file of each
    name and all that the manifests say. Weights are taken one by one. All is written under a hidden name
    first, so that nothing is left of what could not be completed. A process that is killed meanwhile, by
    Ctrl-C too, may leave that: its name begins with `.tcltorch-`, in the folder or, where that is new, beside
    it; it can be deleted. Long work shows a progress bar on a terminal.

    Args:
        tensors: a dict from names to handles, as `load_safetensors` gives it. Those that are not in the plan
            are left out.
        plan: what `quantization_plan` gives: of its `weights` the choice for each name.
        folder: is made; one that is there must be empty, and stays the same one.
        format: see `export_integers` for this one and those that follow.
        values_per_word: values a word.
        order: row or column.
        channels_last: for the weights of three or more dimensions.
        byte_order: of the bytes of a word in intel_hex.
        force: whether files in the folder are overwritten; those of other names stay. Modes and links are
            kept.

    Returns:
        A dict: `weights`, how many; `values`, their elements; `bits` of all values; `bytes` of the data
        files.

    Errors:
        TORCH ARG VALUE, naming the parameter, as for `export_integers` and `quantize_integers`, and for a
        plan with a name that tensors does not have; POSIX EEXIST, when there are files in the folder; other
        POSIX codes; TORCH INTERRUPT.

    Example:
        set model [dict create fc [torch::tensor_create {{1 -2 3} {4 5 -6}}]]
        set plan [torch::quantization_plan $model 30]
        torch::export_model $model $plan firmware readmemh
        => weights 1 values 6 bits 36 bytes 18
    """
    chosen = plan["weights"]
    lacking = next((name for name in chosen if name not in tensors), None)
    if lacking is not None:
        raise errors.arg_value(
            "tensors", f"tensors must have each weight of the plan but lacks {errors.shown(lacking)}"
        )
    with Progress.steps(len(chosen), "export") as step, refused_by_system(folder, "folder"):
        totals = hardware.export_model(
            _quantized(tensors, chosen),
            folder,
            format,
            values_per_word=values_per_word,
            order=order,
            channels_last=channels_last,
            byte_order=byte_order,
            overwrite=force,
            step=lambda _: step(),
        )
    return dict(vars(totals))


def _quantized(tensors: dict[str, Tensor], chosen: dict[str, Chosen]) -> Iterator[Any]:
    """The weights, each quantized when it is asked for."""
    for name, each in chosen.items():
        try:
            integers: Any = quantized_by(tensors[name], choice_of(each))
        except quant.BadArgument as error:
            raise errors.arg_value("tensors", f"{name}: {error}") from None
        yield hardware.Weight(name, integers["quantized"], **_told_by(integers))


def _told(
    input: Tensor | Integers,
    scales: Tensor | Bulk | str | None,
    zero_points: Tensor | Bulk | None,
    **options: int | None,
) -> dict[str, Any]:
    """What is given, and beside it what the dict of `quantize_integers` says, when that is the input."""
    all_scales, all_zero_points = _scaling(scales, zero_points)
    given = {**options, "scales": all_scales, "zero_points": all_zero_points}
    told = {} if isinstance(input, torch.Tensor) else _told_by(input)
    return told | {name: value for name, value in given.items() if value is not None}


def _told_by(integers: Integers) -> dict[str, Any]:
    """What there is to say of integers in a file, by the names of `hardware.export_integers`."""
    affine = integers["qscheme"] == "affine"
    return {
        "bits": integers["bits"],
        "scales": _numbers(integers["scale"], "scale"),
        "zero_points": _integers(integers["zero_point"]) if affine else None,
        "axis": integers["axis"],
        "group_size": integers["group_size"],
    }


def _read(file: str, format: str | None = None, **options: Any) -> Tensor:
    try:
        if format is None:
            return hardware.import_integers(file)
        return hardware.import_without_manifest(file, format, **options)
    except hardware.BadFile as error:
        raise errors.file_format(error.path, error.what) from None


def _scaling(
    scales: Tensor | Bulk | str | None, zero_points: Tensor | Bulk | None
) -> tuple[list[float] | None, list[int] | None]:
    """The scales and zero points as numbers, whatever they were given as."""
    if isinstance(scales, str):
        _check_no_list(scales)
        held = load_safetensors(FileName(scales))
        found = [held[name] for name in _SCALES if name in held]
        if len(found) != 1:
            raise errors.arg_value(
                "scales",
                f'scales must be a file that holds scales or scale but "{errors.shown(scales)}" does not',
            )
        if zero_points is None:
            zero_points = next((held[name] for name in _ZERO_POINTS if name in held), None)
        scales = found[0]
    return (
        None if scales is None else _numbers(scales, "scales"),
        None if zero_points is None else _integers(zero_points),
    )


def _check_no_list(word: str) -> None:
    """Refuse a list with a wrong number in it, which would be told as a file that is not there."""
    try:
        elements = [] if os.path.lexists(word) else split_list(word)
    except ValueError:  # no list, so the name of a file
        return
    wrong = [element for element in elements if not is_number(element)]
    if wrong and len(wrong) < len(elements):
        raise errors.arg_value("scales", f'scales must be numbers but has "{errors.shown(wrong[0])}"')


def _numbers(given: Tensor | Bulk, name: str) -> list[float]:
    if isinstance(given, Bulk):
        return given.doubles()
    if not given.is_floating_point():
        raise errors.arg_value(name, f"{name} must be floating-point but is {dtype_name(given.dtype)}")
    numbers: list[float] = given.detach().reshape(-1).to(torch.float64).tolist()
    return numbers


def _integers(given: Tensor | Bulk) -> list[int]:
    if isinstance(given, Bulk):
        numbers = given.doubles()
        if given.format == "d" and numbers:
            raise errors.arg_value("zero_points", "zero_points must be integers")
        return [int(number) for number in numbers]
    if given.is_floating_point() or given.is_complex() or given.is_quantized or given.dtype is torch.bool:
        raise errors.arg_value(
            "zero_points", f"zero_points must be integers but is {dtype_name(given.dtype)}"
        )
    integers: list[int] = given.reshape(-1).tolist()
    return integers
