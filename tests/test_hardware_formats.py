"""Files for hardware: texts written by hand from the formats' definitions, and round trips through all."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pybridge.hardware import (
    FORMATS,
    BadArgument,
    export_integers,
    import_integers,
    import_without_manifest,
    read_manifest,
)

W = torch.tensor([[1, -2, 3], [-8, 7, 0]], dtype=torch.int8)
DTYPES = {
    "bool": torch.bool,
    "uint8": torch.uint8,
    "int8": torch.int8,
    "int16": torch.int16,
    "uint16": torch.uint16,
    "int32": torch.int32,
    "uint32": torch.uint32,
    "int64": torch.int64,
    "uint64": torch.uint64,
}

MIF_HEAD = "WIDTH=4;\nDEPTH=6;\n\nADDRESS_RADIX=HEX;\nDATA_RADIX=HEX;\n\nCONTENT BEGIN\n"
COE_HEAD = "memory_initialization_radix=16;\nmemory_initialization_vector=\n"
WRITTEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "readmemh": ("readmemh", {}, "1\ne\n3\n8\n7\n0\n"),
    "readmemh, by column": ("readmemh", {"order": "column"}, "1\n8\ne\n7\n3\n0\n"),
    "readmemh, two words a line": ("readmemh", {"words_per_line": 4}, "1 e 3 8\n7 0\n"),
    "readmemh, wide": ("readmemh", {"bits": 9}, "001\n1fe\n003\n1f8\n007\n000\n"),
    "readmemh, packed": ("readmemh", {"values_per_word": 4}, "83e1\n0007\n"),
    "readmemh, packed across digits": ("readmemh", {"bits": 5, "values_per_word": 2}, "3c1\n303\n007\n"),
    "readmemb": ("readmemb", {}, "0001\n1110\n0011\n1000\n0111\n0000\n"),
    "readmemb, packed": ("readmemb", {"values_per_word": 3}, "001111100001\n000001111000\n"),
    "coe": ("coe", {}, COE_HEAD + "1,\ne,\n3,\n8,\n7,\n0;\n"),
    "coe, lines": ("coe", {"words_per_line": 3}, COE_HEAD + "1, e, 3,\n8, 7, 0;\n"),
    "mif": ("mif", {}, MIF_HEAD + "\t0 : 1;\n\t1 : e;\n\t2 : 3;\n\t3 : 8;\n\t4 : 7;\n\t5 : 0;\nEND;\n"),
    "mif, lines": ("mif", {"words_per_line": 4}, MIF_HEAD + "\t0 : 1 e 3 8;\n\t4 : 7 0;\nEND;\n"),
    "mif, whole lines": (
        "mif",
        {"words_per_line": 2},
        MIF_HEAD + "\t0 : 1 e;\n\t2 : 3 8;\n\t4 : 7 0;\nEND;\n",
    ),
    # 0x06 + 0x01 + 0x0e + 0x03 + 0x08 + 0x07 = 0x27, and 0x100 - 0x27 = 0xd9
    "intel_hex": ("intel_hex", {}, ":06000000010E03080700D9\n:00000001FF\n"),
    # 0x04 + 0x01 + 0xfe + 0x0f = 0x112, and 0x200 - 0x112 = 0xee
    "intel_hex, records": (
        "intel_hex",
        {"bits": 12, "values_per_word": 1, "words_per_line": 2},
        ":040000000100FE0FEE\n:040004000300F80FEE\n:0400080007000000ED\n:00000001FF\n",
    ),
    "intel_hex, big": (
        "intel_hex",
        {"bits": 12, "words_per_line": 6, "byte_order": "big"},
        ":0C00000000010FFE00030FF800070000D5\n:00000001FF\n",
    ),
}


@pytest.mark.parametrize(("format", "options", "expected"), WRITTEN.values(), ids=WRITTEN)
def test_the_text_is_that_of_the_definition(
    tmp_path: Path, format: str, options: dict[str, Any], expected: str
) -> None:
    path = tmp_path / "weights"
    export_integers(W, str(path), format, **{"bits": 4, **options})
    assert path.read_text() == expected


def test_a_header_for_c(tmp_path: Path) -> None:
    path = tmp_path / "conv-1.weight.h"
    scales = torch.tensor([0.1, 2.0])
    export_integers(
        W,
        str(path),
        "c_header",
        bits=4,
        words_per_line=4,
        scales=scales.tolist(),
        zero_points=[0, -3],
        axis=0,
    )
    assert path.read_text() == (
        "/* 2 x 3, 4 bits signed, row order, scales along dimension 0 */\n"
        "#ifndef CONV_1_WEIGHT_H\n#define CONV_1_WEIGHT_H\n\n#include <stdint.h>\n\n"
        "#define CONV_1_WEIGHT_SIZE 6\n#define CONV_1_WEIGHT_BITS 4\n"
        "#define CONV_1_WEIGHT_VALUES_PER_WORD 1\n#define CONV_1_WEIGHT_DIMS 2\n"
        "#define CONV_1_WEIGHT_DIM_0 2\n#define CONV_1_WEIGHT_DIM_1 3\n\n"
        "static const int8_t conv_1_weight[6] = {\n    1, -2, 3, -8,\n    7, 0\n};\n\n"
        "static const float conv_1_weight_scales[2] = {\n    0.100000001f, 2.0f\n};\n\n"
        "static const int32_t conv_1_weight_zero_points[2] = {\n    0, -3\n};\n\n"
        "#endif /* CONV_1_WEIGHT_H */\n"
    )


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("9lives.h", "tensor_9lives"),
        ("int.h", "tensor_int"),
        ("int8_t.h", "tensor_int8_t"),
        ("__.h", "tensor_"),
    ],
)
def test_an_array_has_a_name_that_c_allows(tmp_path: Path, file: str, name: str) -> None:
    export_integers(W, str(tmp_path / file), "c_header")
    assert f"static const int8_t {name}[6] = {{" in (tmp_path / file).read_text()


@pytest.mark.parametrize(
    ("tensor", "options", "array"),
    [
        (torch.tensor([2**32 - 1]).to(torch.uint32), {}, "uint32_t w[1] = {\n    4294967295u\n}"),
        (torch.tensor([-(2**31)], dtype=torch.int32), {}, "int32_t w[1] = {\n    -2147483648\n}"),
        (torch.tensor([-1, 2]), {"bits": 16, "values_per_word": 2}, "uint32_t w[1] = {\n    0x0002ffffu\n}"),
        (
            torch.tensor([-1, 2, 3]),
            {"bits": 16, "values_per_word": 3},
            "uint64_t w[1] = {\n    0x00030002ffffull\n}",
        ),
    ],
    ids=["unsigned", "signed", "words of 32 bits", "words of 48 bits"],
)
def test_literals_in_c_have_the_type_of_the_array(
    tmp_path: Path, tensor: torch.Tensor, options: dict[str, Any], array: str
) -> None:
    export_integers(tensor, str(tmp_path / "w.h"), "c_header", **options)
    assert f"static const {array};\n" in (tmp_path / "w.h").read_text()


@pytest.mark.parametrize("order", ["row", "column"])
def test_numpy_reads_an_npy_file(tmp_path: Path, order: str) -> None:
    path = tmp_path / "w.npy"
    image = torch.arange(-60, 60, dtype=torch.int16).reshape(2, 3, 4, 5)
    export_integers(image, str(path), "npy", bits=7, order=order)
    assert np.load(path).dtype == np.int8
    assert (np.load(path) == image.numpy()).all()
    export_integers(image, str(path), "npy", bits=7, order=order, channels_last=True, overwrite=True)
    assert (np.load(path) == image.permute(0, 2, 3, 1).numpy()).all()
    export_integers(image, str(path), "npy", order=order, overwrite=True)
    assert np.load(path).dtype.str == "<i2"  # as it lies in the memory of most machines


def test_any_program_reads_a_json_file(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    export_integers(W, str(path), "json", bits=4, scales=[0.25], words_per_line=4)
    assert path.read_text().endswith('  "data": [\n    1, -2, 3, -8,\n    7, 0\n  ]\n}\n')
    held = json.loads(path.read_text())
    assert held["data"] == W.flatten().tolist()
    assert (held["shape"], held["bits"], held["signed"], held["scales"]) == ([2, 3], 4, True, [0.25])


def test_the_manifest_tells_all(tmp_path: Path) -> None:
    path = tmp_path / "weights.hex"
    export_integers(
        W, str(path), "readmemh", bits=5, values_per_word=4, scales=[0.5, 0.25], zero_points=[1], axis=-2
    )
    assert json.loads(Path(f"{path}.manifest.json").read_text()) == {
        "tcltorch_manifest": 1,
        "format": "readmemh",
        "shape": [2, 3],
        "dtype": "int8",
        "words": 2,
        "word_bits": 20,
        "bits": 5,
        "signed": True,
        "values_per_word": 4,
        "byte_order": "little",
        "order": "row",
        "channels_last": False,
        "words_per_line": 1,
        "scales": [0.5, 0.25],
        "scale_exponents": [-1, -2],
        "zero_points": [1],
        "axis": 0,
        "group_size": None,
        # printf 'c0fc1\n00007\n' | sha256sum
        "sha256": "d335c28c30ec8b31e4da89b7d045a3f30339a2a22066fb462f70fc9156b3339d",
    }


@pytest.mark.parametrize(
    ("scales", "exponents"),
    [
        ([1.0, 2.0], [0, 1]),
        ([2.0**-149, 2.0**127], [-149, 127]),
        ([0.5, 0.75], None),
        ([0.5, 0.0], None),
        ([0.5, -0.5], None),
        (None, None),
    ],
)
def test_exponents_of_scales_that_are_powers_of_two(
    tmp_path: Path, scales: list[float] | None, exponents: list[int] | None
) -> None:
    path = tmp_path / "w.json"
    export_integers(W, str(path), "json", bits=4, scales=scales, axis=0)
    for file in (path, Path(f"{path}.manifest.json")):
        assert json.loads(file.read_text())["scale_exponents"] == exponents
    assert import_integers(str(path)).tolist() == W.tolist()


@st.composite
def exports(draw: st.DrawFn) -> tuple[torch.Tensor, dict[str, Any]]:
    """A tensor and options that fit together."""
    signed = draw(st.booleans())
    bits = draw(st.integers(2 if signed else 1, 32))
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    element = st.one_of(st.sampled_from((lowest, highest)), st.integers(lowest, highest))
    values = draw(st.lists(element, min_size=math.prod(shape), max_size=math.prod(shape)))
    fitting = [
        name
        for name, dtype in DTYPES.items()
        if (bits == 1 and not signed)
        or (
            dtype is not torch.bool and torch.iinfo(dtype).min <= lowest and highest <= torch.iinfo(dtype).max
        )
    ]
    tensor = torch.tensor(values, dtype=torch.int64).reshape(shape).to(DTYPES[draw(st.sampled_from(fitting))])
    return tensor, {
        "bits": bits,
        "signed": signed,
        "order": draw(st.sampled_from(("row", "column"))),
        "values_per_word": draw(st.integers(1, 64 // bits)),
        "channels_last": len(shape) > 2 and draw(st.booleans()),
    }


@settings(max_examples=80, deadline=None)
@given(exports(), st.sampled_from(sorted(FORMATS)), st.integers(0, 5), st.sampled_from(("little", "big")))
def test_what_is_written_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    export: tuple[torch.Tensor, dict[str, Any]],
    format: str,
    per_line: int,
    byte_order: str,
) -> None:
    tensor, options = export
    path = str(tmp_path_factory.mktemp("files") / "data")
    if per_line and format != "npy":
        options["words_per_line"] = per_line
    if format == "intel_hex":
        options["byte_order"] = byte_order
    export_integers(tensor, path, format, **options)
    back = import_integers(path)
    assert (back.dtype, back.shape) == (tensor.dtype, tensor.shape)
    assert torch.equal(back, tensor)
    options.pop("words_per_line", 0)
    dtype = str(tensor.dtype).removeprefix("torch.")
    told = import_without_manifest(path, format, shape=tensor.shape, dtype=dtype, **options)
    assert torch.equal(told, tensor)


@settings(max_examples=40, deadline=None)
@given(exports())
def test_words_are_what_arithmetic_makes_of_the_values(
    tmp_path_factory: pytest.TempPathFactory, export: tuple[torch.Tensor, dict[str, Any]]
) -> None:
    tensor, options = export
    path = tmp_path_factory.mktemp("files") / "data"
    export_integers(tensor, str(path), "readmemh", **options)
    placed = tensor.to(torch.int64).movedim(1, -1) if options["channels_last"] else tensor.to(torch.int64)
    if options["order"] == "column":
        placed = placed.permute(list(reversed(range(placed.dim()))))
    bits, values_per_word = options["bits"], options["values_per_word"]
    values = [value % 2**bits for value in placed.flatten().tolist()]
    groups = [values[start : start + values_per_word] for start in range(0, len(values), values_per_word)]
    words = [sum(value << bits * place for place, value in enumerate(group)) for group in groups]
    digits = -(-bits * values_per_word // 4)
    assert path.read_text() == "".join(f"{word:0{digits}x}\n" for word in words)
    export_integers(tensor, str(path), "readmemb", **options, overwrite=True)
    assert path.read_text() == "".join(f"{word:0{bits * values_per_word}b}\n" for word in words)


@pytest.mark.parametrize("format", FORMATS)
def test_large_wide_and_odd_tensors(tmp_path: Path, format: str) -> None:
    """More words than are worked on at a time; addresses beyond 64 KiB; strides; gradients have no part."""
    path = str(tmp_path / "data")
    large = torch.randint(-(2**17), 2**17, (3, 50_000), dtype=torch.int32, generator=torch.manual_seed(7)).T
    export_integers(large, path, format, bits=18, values_per_word=3)
    assert torch.equal(import_integers(path), large)
    if FORMATS[format].widest > 64:
        export_integers(large[:1000], path, format, bits=18, values_per_word=200, overwrite=True)
        assert torch.equal(import_integers(path), large[:1000])
    lone = torch.tensor(-5)
    export_integers(lone, path, format, overwrite=True)
    assert torch.equal(import_integers(path), lone)
    assert read_manifest(path).bits == 32


def test_a_value_that_does_not_fit_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data"
    for options, message in (
        ({"bits": 3}, "input must fit into 3 signed bits (-4 .. 3) but is -8 at index 1 0"),
        (
            {"bits": 4, "signed": False},
            "input must fit into 4 unsigned bits (0 .. 15) but is -2 at index 0 1",
        ),
    ):
        with pytest.raises(BadArgument, match="input") as raised:
            export_integers(W, str(path), "coe", **options)  # type: ignore[arg-type]
        assert str(raised.value) == message
    with pytest.raises(BadArgument) as raised:
        export_integers(torch.tensor(2**63, dtype=torch.uint64), str(path), "coe")
    assert str(raised.value) == f"input must fit into 32 unsigned bits (0 .. {2**32 - 1}) but is {2**63}"
    assert not list(tmp_path.iterdir())
