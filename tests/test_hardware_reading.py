"""Files for hardware that others have written, or that are damaged."""

import json
from collections.abc import Callable
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
    BadFile,
    export_integers,
    import_integers,
    import_without_manifest,
)

W = torch.tensor([[1, -2, 3], [-8, 7, 0]], dtype=torch.int8)
SIGNED_8 = {"bits": 8, "signed": True}
UNSIGNED_14 = {"bits": 14, "signed": False}

# The example of Quartus's help on memory initialization files, with DEPTH 18 in place of 32.
QUARTUS = """\
% multiple-line comment
multiple-line comment %
-- single-line comment
DEPTH = 18;                 -- The size of memory in words
WIDTH = 14;                 -- The size of data in bits
ADDRESS_RADIX = HEX;        -- The radix for address values
DATA_RADIX = HEX;           -- The radix for data values
CONTENT                     -- start of (address : data pairs)
BEGIN
[0..F]  : 3FFF;             -- Range--Every address from 0 to F = 3FFF
6       : F;                -- Single address--Address 6 = F
8       : F E 5;            -- Range starting from specific address
END ;
"""
# The example of the guide to AMD's block memory generator, with words of 16 bits.
COE = """\
; Sample initialization file for a
; 32x16 distributed ROM
memory_initialization_radix = 16;
memory_initialization_vector =
23f4 0721 11ff ABe1 0001 1 0A 0
23f4 0721 11ff ABe1,0001, 1, 0A , 0;
"""
COE_VALUES = [0x23F4, 0x0721, 0x11FF, 0xABE1, 1, 1, 10, 0] * 2
MIF = "WIDTH=8;DEPTH=3;ADDRESS_RADIX=UNS;DATA_RADIX={};CONTENT BEGIN {} END;"

FOREIGN: dict[str, tuple[str, str, dict[str, Any], list[int]]] = {
    "readmemh": (
        "readmemh",
        "// a comment\n 7f  /* one\n more */ 8_0 // 12\r\n@2 ff @0003 0",
        SIGNED_8,
        [127, -128, -1, 0],
    ),
    "readmemh, out of order": ("readmemh", "@2 3\n4\n@0 1 2", SIGNED_8, [1, 2, 3, 4]),
    "readmemh, short and long": ("readmemh", "000001 f", SIGNED_8, [1, 15]),
    "readmemb": ("readmemb", "0111_1111\n1000_0000 1 @3 10", SIGNED_8, [127, -128, 1, 2]),
    "intel_hex, segments": (  # of 16 bytes
        "intel_hex",
        ":10000000000102030405060708090A0B0C0D0E0F78\n:020000020001FB\n:0100000010EF\n:00000001FF\n",
        SIGNED_8,
        list(range(17)),
    ),
    "intel_hex, big": (
        "intel_hex",
        ":040000001234800135\n:00000001FF\n",
        {"bits": 16, "signed": True, "byte_order": "big"},
        [0x1234, -0x7FFF],
    ),
    "coe": ("coe", COE, {"bits": 16, "signed": False}, COE_VALUES),
    "coe, decimal": (
        "coe",
        "MEMORY_INITIALIZATION_RADIX=10;\nMEMORY_INITIALIZATION_VECTOR=-128,127 , 0;",
        SIGNED_8,
        [-128, 127, 0],
    ),
    "coe, binary": (
        "coe",
        "memory_initialization_radix=2;memory_initialization_vector=11111111,\n101\n;\n",
        SIGNED_8,
        [-1, 5],
    ),
    "mif": ("mif", QUARTUS, UNSIGNED_14, [0x3FFF] * 6 + [15, 0x3FFF, 15, 14, 5] + [0x3FFF] * 5 + [0, 0]),
    "mif, in turn": ("mif", MIF.format("HEX", "[0..2] : 1 ff;"), SIGNED_8, [1, -1, 1]),
    "mif, in turn, with a rest": (
        "mif",
        MIF.replace("DEPTH=3", "DEPTH=8").format("HEX", "[0..7] : 1 2 3;"),
        SIGNED_8,
        [1, 2, 3, 1, 2, 3, 1, 2],
    ),
    "mif, out of order": ("mif", MIF.format("HEX", "2:3; 0:1; 1:2; 0:9;"), SIGNED_8, [9, 2, 3]),
    "mif, decimal": ("mif", MIF.format("DEC", "0 : -128 127 -1;"), SIGNED_8, [-128, 127, -1]),
    "mif, unsigned": ("mif", MIF.format("UNS", "0 : 128 127 255;"), SIGNED_8, [-128, 127, -1]),
    "mif, octal": ("mif", MIF.format("OCT", "0 : 200 177 377;"), SIGNED_8, [-128, 127, -1]),
    "mif, binary": (
        "mif",
        MIF.format("BIN", "0 : 10000000 1111111; 2 : 11111111;"),
        SIGNED_8,
        [-128, 127, -1],
    ),
    # Records of the specification's types; objcopy writes type 02 and 03 for what lies below 1 MiB.
    "intel_hex": (
        "intel_hex",
        ":020000020000FC\r\n:02000200FF00FD\n\n:020000007F80FF\n:0400000300003800C1\n:00000001ff\n",
        SIGNED_8,
        [127, -128, -1, 0],
    ),
    "c_header": (
        "c_header",
        "// mine\nconst int8_t w[] = {1};\nstatic int16_t other[3] = { -0x10, /* two */ 0x7FFFu, +5, };\n",
        {},
        [-16, 32767, 5],
    ),
    "json": (
        "json",
        json.dumps(
            {
                **{"format": "json", "shape": [2], "dtype": "int16", "words": 1, "word_bits": 8, "bits": 4},
                "scale_exponents": [0],
                **{"signed": True, "values_per_word": 2, "byte_order": "little", "order": "row"},
                **{"channels_last": False, "words_per_line": None, "scales": [1], "zero_points": None},
                **{"axis": None, "group_size": None, "data": [0x7F]},
            }
        ),
        {},
        [-1, 7],
    ),
}


@pytest.mark.parametrize(("format", "text", "options", "values"), FOREIGN.values(), ids=FOREIGN)
def test_files_of_others_are_read_as_their_definition_says(
    tmp_path: Path, format: str, text: str, options: dict[str, Any], values: list[int]
) -> None:
    path = tmp_path / "data"
    path.write_bytes(text.encode())
    assert import_without_manifest(str(path), format, **options).tolist() == values


def test_a_file_without_manifest_has_the_smallest_dtype_that_pytorch_computes_on(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("1\n")
    for bits, signed, dtype in (
        (8, True, torch.int8),
        (9, True, torch.int16),
        (17, True, torch.int32),
        (8, False, torch.uint8),
        (9, False, torch.int16),
        (16, False, torch.int32),
        (32, False, torch.int64),
    ):
        back = import_without_manifest(str(path), "readmemh", bits=bits, signed=signed)
        assert (back.dtype, back.tolist()) == (dtype, [1])


def test_npy_files_of_numpy(tmp_path: Path) -> None:
    path = tmp_path / "w.npy"
    image = np.arange(-60, 60).reshape(2, 4, 5, 3)
    for saved in (image, np.asfortranarray(image), image.astype(">i2"), image.astype(np.int8)):
        np.save(path, saved)
        assert np.array_equal(import_without_manifest(str(path), "npy").numpy(), image)
    back = import_without_manifest(str(path), "npy", channels_last=True)
    assert np.array_equal(back.numpy(), image.transpose(0, 3, 1, 2))
    np.save(path, np.array([True, False]))
    assert import_without_manifest(str(path), "npy").tolist() == [True, False]
    np.save(path, np.array([1.0]))
    with pytest.raises(BadFile, match="holds float64, which are no integers"):
        import_without_manifest(str(path), "npy")
    np.save(path, np.array([2**40]))
    with pytest.raises(BadFile, match="number 0: 1099511627776 does not fit into 32 signed bits"):
        import_without_manifest(str(path), "npy")
    np.save(path, np.array([None]), allow_pickle=True)
    with pytest.raises(BadFile, match="holds object"):
        import_without_manifest(str(path), "npy")


def npy(header: str) -> str:
    """A file of this header and no elements."""
    length = len(header).to_bytes(2, "little").decode("ascii", "surrogateescape")
    return f"\udc93NUMPY\x01\x00{length}{header}"


HEX = ":0100000001FE\n"
WRONG: list[tuple[str, str, str]] = [
    ("readmemh", "1\n2 // x\nxy", r'line 3: expected a hexadecimal word but got "xy" \(an undefined bit'),
    ("readmemh", "1 /* 2", "line 1: a comment that does not end"),
    ("readmemh", "1\n\n123", 'line 3: "123" does not fit into 8 bits'),
    ("readmemh", "1\n_2", "line 2: a number begins with an underscore"),
    ("readmemh", "@0 1 2\n@1 3", "line 2: address 1 is given twice"),
    ("readmemh", "1\n@4 3", "has a word at address 4 but only 2 in all"),
    ("readmemh", "1\n@2 3", "has no word for address 1"),
    ("readmemh", "1\n@2g 3", 'line 2: expected @ and a hexadecimal address but got "@2g"'),
    ("readmemh", "1\n@1 3 z", 'line 2: expected a hexadecimal word but got "z"'),
    ("readmemh", "1\n" + "f" * 1000, "line 2: .* does not fit into 8 bits"),
    ("readmemb", "0\n2", 'line 2: expected a binary word but got "2"'),
    ("readmemb", "0\n111111111", "line 2: .* does not fit into 8 bits"),
    ("readmemh", "\udcff\udc80", r'line 1: expected a hexadecimal word but got "\\xff\\x80"'),
    ("coe", "memory_initialization_vector=1;", "line 1: the radix must come before the vector"),
    ("coe", "memory_initialization_radix=8;memory_initialization_vector=1;", 'radix "8", which is not 2, 10'),
    (
        "coe",
        "memory_initialization_radix=16;\nmemory_initialization_vector=1,\n2",
        "line 3: .* without a semi",
    ),
    (
        "coe",
        "memory_initialization_radix=16;\nmemory_initialization_vector=1,\n,2;",
        "line 3: a number is miss",
    ),
    ("coe", "memory_initialization_radix=16;\nmemory_initialization_vector=\n1,\nq;", 'line 4: .* got "q"'),
    (
        "coe",
        "memory_initialization_radix=10;\nmemory_initialization_vector=1,128;",
        "line 2: 128 does not fit",
    ),
    (
        "coe",
        "memory_initialization_radix=16;\nmore=1;",
        'line 2: expected a radix and a vector but got "more"',
    ),
    ("coe", "memory_initialization_radix=16;", "has no memory_initialization_vector"),
    ("mif", "WIDTH=8;", "has no CONTENT BEGIN"),
    ("mif", MIF.format("HEX", "0 : 1;\n1 : 2;")[:-4], "line 2: the content ends without END;"),
    ("mif", MIF.format("HEX", "0 : 1;\n1 : 2;\n2 : 100;"), 'line 3: "100" does not fit into 8 bits'),
    ("mif", MIF.format("HEX", "0 : 1;\n1 : 2;\n3 : 0;"), "line 3: address 3 is beyond DEPTH=3"),
    ("mif", MIF.format("HEX", "0 : 1;\n1 2;\n2 : 0;"), 'line 2: expected an address, a colon .* got "1 2"'),
    ("mif", MIF.format("HEX", "0 1 : ;\n : 5 6;"), "line 1: expected an address, a colon and words"),
    ("mif", MIF.format("HEX", "0 : 1;\n[0.2] : 2;"), "line 2: expected a range"),
    ("mif", MIF.format("HEX", "[0..1] : 1 2 3;"), "line 1: the range .* has no room for 3 words"),
    ("mif", MIF.format("HEX", "[0..99999999999] : 1;"), "line 1: address 99999999999 is beyond DEPTH=3"),
    ("mif", MIF.format("HEX", "-1 : 1;"), "line 1: expected an address"),
    ("mif", MIF.format("HEX", "0 : 1;\n1 : 5"), "line 2: .* ends without a semicolon"),
    ("mif", MIF.format("DEC", "0 : 128;"), "line 1: 128 does not fit into 8 signed bits"),
    ("mif", MIF.format("UNS", "0 : -1;"), r"line 1: expected a number \(DATA_RADIX=UNS\)"),
    ("mif", MIF.format("WEB", "0 : 1;"), 'has a bad DATA_RADIX: "WEB"'),
    ("mif", MIF.replace("8", "9").format("HEX", "0 : 1;"), "has words of 9 bits, not of 8"),
    ("mif", MIF.replace("3", "9999999999").format("HEX", "0 : 1;"), "says DEPTH=9999999999, too many words"),
    ("mif", MIF.replace("DEPTH=3;", "").format("HEX", "0 : 1;"), "does not say DEPTH"),
    ("mif", "hello;\n" + MIF, 'line 1: expected a setting such as WIDTH=8 but got "hello"'),
    ("intel_hex", "", "has no records"),
    ("intel_hex", HEX, "line 1: the file ends without an end record"),
    ("intel_hex", HEX + "\n:0100010001FC\n:00000001FF", 'line 3: the checksum of ":0100010001FC" is wrong'),
    ("intel_hex", HEX + "0100010001FD\n:00000001FF", "line 2: expected a record"),
    ("intel_hex", HEX + ":0100010001F\n:00000001FF", "line 2: expected a record"),
    ("intel_hex", HEX + ":01000100 1FD\n:00000001FF", "line 2: expected a record"),
    ("intel_hex", HEX + ":0200010001FC\n:00000001FF", "line 2: .* does not have the length it says"),
    ("intel_hex", HEX + ":00000001FF\n" + HEX, "line 2: there are records after the end record"),
    ("intel_hex", HEX + ":0100000701F7\n:00000001FF", "line 2: .* has no type that is known"),
    ("intel_hex", HEX + HEX + ":00000001FF", "line 2: address 0 is given twice"),
    # The first record of the example in every description of the format, at address 0x100.
    (
        "intel_hex",
        ":10010000214601360121470136007EFE09D2190140\n:00000001FF",
        "a byte at address 256 but only 16",
    ),
    ("c_header", "int w[1] = {1};", "has no whole array"),
    ("c_header", "int8_t w[2] = {1,\n 2", "has no whole array"),
    ("c_header", "int8_t w[2] = {1,\n\n 0b1};", 'line 3: expected an integer but got "0b1"'),
    ("c_header", "int8_t w[2] = {1,\n 010};", 'line 2: expected an integer but got "010"'),
    ("c_header", "int8_t w[2] = {1, 1_0};", 'line 1: expected an integer but got "1_0"'),
    ("c_header", "int8_t w[2] = {1,\n 200};", "line 2: 200 does not fit into 8 signed bits"),
    ("c_header", "int8_t w[2] = {1, -3\n 2};", r'expected an integer but got "-3\\n 2"'),
    ("c_header", "\nint8_t w[4] = {1, 2};", "line 2: an array of 4 numbers has 2"),
    ("c_header", "int8_t w[0x1] = {1, 2};", "line 1: an array of 1 numbers has 2"),
    ("npy", "\udc93NUMPY\x03\x00", "is no npy file of version 1 or 2"),
    ("npy", "\udc93NUMPY\x01\x00", "ends in its header"),
    ("npy", "\udc93NUMPY\x01\x00\x02\x00{\n", "has a header that tells no shape, order and type"),
    (
        "npy",
        npy("{'shape': (-1,), 'fortran_order': False, 'descr': '|i1'}"),
        "has a header that tells no shape",
    ),
    (
        "npy",
        npy("{'shape': (2,), 'fortran_order': False, 'descr': '|x1'}"),
        "has a header that tells no shape",
    ),
    (
        "npy",
        npy("{'shape': (2**9,), 'fortran_order': False, 'descr': '|i1'}"),
        "has a header that tells no sh",
    ),
    ("npy", npy("{'shape': (2,), 'fortran_order': False, 'descr': '|i1'}"), "has 0 bytes of elements where"),
    (
        "npy",
        npy("{'shape': (2,), 'fortran_order': False, 'descr': '|i1'}") + "abc",
        "has 3 bytes of elements where its shape needs 2",
    ),
    ("npy", npy("(" * 9000), "has a header that tells no shape"),
    ("json", '{"data": [1,\n2', "line 2: no JSON"),
    ("json", "[" * 100_000, "holds no JSON"),
    ("json", '{"data": [NaN]}', "holds no JSON: NaN is no number"),
    ("json", "[]", "holds no JSON object"),
    ("json", '{"data": [1]}', "has no entry"),
]


@pytest.mark.parametrize(("format", "text", "message"), WRONG)
def test_what_is_wrong_with_a_file_is_told_with_its_line(
    tmp_path: Path, format: str, text: str, message: str
) -> None:
    path = tmp_path / "data"
    path.write_bytes(text.encode(errors="surrogateescape"))
    options = {} if format in ("npy", "json") else SIGNED_8
    with pytest.raises(BadFile, match=message) as raised:
        import_without_manifest(str(path), format, **options)  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)


def test_words_of_more_bits_than_told_are_refused_in_intel_hex(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text(":0100000010EF\n:00000001FF\n")
    with pytest.raises(BadFile, match="has a word of more than 4 bits, number 0"):
        import_without_manifest(str(path), "intel_hex", bits=4, signed=True)
    with pytest.raises(BadFile, match="has 1 bytes, which are no whole words of 2 bytes"):
        import_without_manifest(str(path), "intel_hex", bits=12, signed=True)


def test_options_that_the_file_contradicts(tmp_path: Path) -> None:
    path = str(tmp_path / "data")
    export_integers(W, path, "json", bits=4)
    with pytest.raises(BadArgument, match="bits is 4 in the file but got 5") as raised:
        import_without_manifest(path, "json", bits=5)
    assert raised.value.parameter == "bits"
    export_integers(W, path, "npy", bits=4, overwrite=True)
    with pytest.raises(BadFile, match="has the shape 2 3 where 6 was told"):
        import_without_manifest(path, "npy", shape=[6])
    export_integers(W, path, "coe", bits=4, overwrite=True)
    with pytest.raises(BadFile, match="has 6 words where its shape needs 7"):
        import_without_manifest(path, "coe", bits=4, signed=True, shape=[7])
    with pytest.raises(BadArgument, match="bits must be given"):
        import_without_manifest(path, "coe")


def edited(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path, Path], None]:
    def edit(_: Path, manifest: Path) -> None:
        entries = json.loads(manifest.read_text())
        change(entries)
        manifest.write_text(json.dumps(entries))

    return edit


DAMAGE: list[tuple[Callable[[Path, Path], Any], str]] = [
    (lambda data, _: data.write_text("1\n"), "has 1 words where its shape needs 6"),
    (lambda data, _: data.write_text("1\ne\n3\n8\n7\n1\n"), "the checksum differs"),
    (lambda data, _: data.write_text("1\ne\n3\n8\n7\n 0\n"), "the checksum differs"),
    (lambda data, _: data.write_text("1\ne\n3\n8\n7\n0g\n"), "line 6: "),
    (lambda _, manifest: manifest.write_text(""), "line 1: no JSON"),
    (lambda _, manifest: manifest.write_bytes(b"\xff\xff"), "holds no JSON"),
    (lambda _, manifest: manifest.write_text("{}"), "is no manifest"),
    (edited(lambda entries: entries.pop("bits")), "has no entry bits"),
    (edited(lambda entries: entries.update(more=1)), "has an unknown entry more"),
    (edited(lambda entries: entries.update(bits="4")), "has a bad entry bits"),
    (edited(lambda entries: entries.update(bits=True)), "has a bad entry bits"),
    (edited(lambda entries: entries.update(bits=40, word_bits=40)), "contradicts itself: bits must be in 1"),
    (edited(lambda entries: entries.update(bits=5)), "contradicts itself: word_bits must be 5"),
    (
        edited(lambda entries: entries.update(scales=[0.25])),
        r"contradicts itself: scale_exponents must be \[-2\]",
    ),
    (edited(lambda entries: entries.update(shape=[2, 4])), "contradicts itself: words must be 8"),
    (edited(lambda entries: entries.update(shape=[2, -3])), "contradicts itself: shape must be sizes"),
    (edited(lambda entries: entries.update(shape=[2**62, 2**62])), "shape must have sizes whose product is"),
    (edited(lambda entries: entries.update(shape=[0, 2**63 - 1], words=0)), "shape must have sizes whose"),
    (edited(lambda entries: entries.update(shape=[6] + [1] * 69)), "shape must have at most 32 dimensions"),
    (edited(lambda entries: entries.update(shape=[7], words=7)), "has 6 words where its shape needs 7"),
    (edited(lambda entries: entries.update(dtype="float32")), "contradicts itself: dtype must be"),
    (edited(lambda entries: entries.update(dtype="bool")), "holds values that do not fit into bool"),
    (edited(lambda entries: entries.update(format="hex")), "has the unknown format hex"),
    (edited(lambda entries: entries.update(format="npy")), "is no npy file"),
    (edited(lambda entries: entries.update(scales=[1e999])), "holds no JSON: Infinity is no number"),
    (
        edited(lambda entries: entries.update(scales=[1.0, 2.0])),
        "contradicts itself: scales must have 1 elem",
    ),
    (edited(lambda entries: entries.update(sha256="")), "has no checksum"),
    (edited(lambda entries: entries.update(sha256="0" * 64)), "the checksum differs"),
    (edited(lambda entries: entries.update(byte_order="big")), "byte_order big is for format intel_hex"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGE)
def test_a_manifest_that_does_not_fit_is_told(
    tmp_path: Path, damage: Callable[[Path, Path], Any], message: str
) -> None:
    data = tmp_path / "weights.hex"
    export_integers(W, str(data), "readmemh", bits=4)
    damage(data, Path(f"{data}.manifest.json"))
    with pytest.raises(BadFile, match=message) as raised:
        import_integers(str(data))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("format", "entries", "message"),
    [
        ("npy", {"shape": [3, 2]}, "has the shape 2 3 where 3 2 was told"),
        ("npy", {"order": "column"}, "has the order row where column was told"),
        ("npy", {"dtype": "int16", "bits": 9, "word_bits": 9}, "has the type int8 where int16 was told"),
        (
            "c_header",
            {"dtype": "uint8", "signed": False, "bits": 8},
            "has the type int8 where uint8 was told",
        ),
        ("json", {"shape": [3, 2]}, "has the shape 2 3 where 3 2 was told"),
    ],
)
def test_a_manifest_that_says_other_than_its_file_is_told(
    tmp_path: Path, format: str, entries: dict[str, Any], message: str
) -> None:
    """Its checksum is right: only its other entries are edited."""
    data = tmp_path / "weights"
    values = torch.tensor([[1, 2, 3], [4, 5, 6]], dtype=torch.int8)
    export_integers(values, str(data), format)
    edited(lambda known: known.update(entries))(data, Path(f"{data}.manifest.json"))
    with pytest.raises(BadFile, match=message):
        import_integers(str(data))


def test_values_left_in_the_last_word_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "data"
    export_integers(W, str(path), "readmemh", bits=4, values_per_word=4)
    path.write_text("83e1\n1007\n")
    with pytest.raises(BadFile, match="holds more than the 6 values of its shape"):
        import_integers(str(path))


@settings(max_examples=80, deadline=None)
@given(st.data(), st.sampled_from(sorted(FORMATS)))
def test_a_damaged_file_never_comes_back_as_another_tensor(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, format: str
) -> None:
    """A byte changed, cut off or added anywhere: a BadFile, and nothing else."""
    path = tmp_path_factory.mktemp("files") / "data"
    export_integers(W, str(path), format, bits=4, scales=[0.5])
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    piece = data.draw(st.binary(max_size=3))
    damaged = content[:at] + piece + content[at + data.draw(st.integers(0, 3)) :]
    path.write_bytes(damaged)
    if damaged == content:
        assert torch.equal(import_integers(str(path)), W)
        return
    with pytest.raises(BadFile):
        import_integers(str(path))
    options = {} if format in ("npy", "json") else {"bits": 4, "signed": True}
    try:
        import_without_manifest(str(path), format, **options)  # type: ignore[arg-type]
    except BadFile:
        pass
