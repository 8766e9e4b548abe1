"""The Tcl commands on files for hardware: options, errors and their codes, and what is left after them."""

import errno
import json
import math
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from safetensors.torch import save_file

from pybridge import Interpreter, TclError
from pybridge.commands import hardware as commands
from pybridge.hardware import FORMATS, arrangement, manifest

W = "set w [torch::tensor_create {{1 -2 3} {-8 7 0}} int8]; set file {%s}"


def refusal(tcl: Interpreter, script: str) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(TclError) as raised:
        tcl.eval(script)
    assert "\n" not in raised.value.message
    return raised.value.message, raised.value.errorcode


def test_the_words_offered_are_those_there_are() -> None:
    assert get_args(commands.FileFormat) == tuple(FORMATS)
    assert get_args(commands.Order) == manifest.ORDERS
    assert get_args(commands.ByteOrder) == manifest.BYTE_ORDERS


@pytest.mark.parametrize("format", FORMATS)
def test_a_tensor_goes_to_a_file_and_comes_back(tcl: Interpreter, tmp_path: Path, format: str) -> None:
    path = tmp_path / "the weights"
    tcl.eval(W % path)
    assert (
        tcl.eval(f"torch::export_integers $w $file {format} -bits 4 -values_per_word 3 -order column") == ""
    )
    assert tcl.eval("set back [torch::import_integers $file]; torch::tensor_to_list $back") == "1 -2 3 -8 7 0"
    assert tcl.eval("list [torch::tensor_shape $back] [torch::tensor_dtype $back]") == "{2 3} int8"
    Path(f"{path}.manifest.json").unlink()
    options = "-bits 4 -signed 1 -shape {2 3} -dtype int8 -values_per_word 3 -order column"
    told = tcl.eval(f"torch::tensor_to_list [torch::importIntegers $file -format {format} {options}]")
    assert told == "1 -2 3 -8 7 0"


def test_the_manifest_as_a_dict(tcl: Interpreter, tmp_path: Path) -> None:
    tcl.eval(W % (tmp_path / "w.hex"))
    tcl.eval(
        "torch::export_integers $w $file intel_hex -bits 12 -byte_order big"
        " -scales [torch::tensor_create {0.5 0.1}] -zero_points {3 -4} -axis -2"
    )
    info = tcl.eval("set info [torch::integers_info $file]; dict remove $info sha256")
    assert info == (
        "format intel_hex shape {2 3} dtype int8 words 6 word_bits 12 bits 12 signed 1 values_per_word 1"
        " byte_order big order row channels_last 0 words_per_line {} scales {0.5 0.10000000149011612}"
        " scale_exponents {} zero_points {3 -4} axis 0 group_size {}"
    )
    assert tcl.eval("string length [dict get $info sha256]") == "64"


def test_scales_from_everywhere(tcl: Interpreter, tmp_path: Path) -> None:
    tcl.eval(W % (tmp_path / "w.hex"))
    held = tmp_path / "scales.safetensors"
    save_file({"scale": torch.tensor([0.5, 2.0]), "zero_point": torch.tensor([1, 2])}, held)
    for option, scales, zero_points in (
        ("-scales 0.25", "0.25", ""),
        ("-scales {1 0.25} -axis 0", "1.0 0.25", ""),
        ("-scales [torch::tensor_create {0.5 0.25 1} float64] -axis 1", "0.5 0.25 1.0", ""),
        ("-scales [torch::tensor_create {0.5 0.25}] -group_size 3 -zero_points 7", "0.5 0.25", "7"),
        (f"-scales {held} -axis 0", "0.5 2.0", "1 2"),
        (f"-scales {held} -axis 0 -zero_points [torch::tensor_create {{5 6}} int64]", "0.5 2.0", "5 6"),
    ):
        tcl.eval(f"torch::export_integers $w $file readmemh {option} -force 1")
        assert tcl.eval("dict get [torch::integers_info $file] scales") == scales
        assert tcl.eval("dict get [torch::integers_info $file] zero_points") == zero_points


def test_what_quantize_integers_gives_is_written_as_it_is(tcl: Interpreter, tmp_path: Path) -> None:
    """Width and scales go with the integers; options that are given count more."""
    weights = torch.tensor([[191.6, -13.5, 728.6], [92.14, 295.5, -184]])
    path = tmp_path / "w.mem"
    tcl.call("set", "file", str(path))
    tcl.eval("set w [torch::tensor_create {{191.6 -13.5 728.6} {92.14 295.5 -184}}]")

    def told(options: str, words: str = "") -> dict[str, Any]:
        script = f"torch::export_integers [torch::quantize_integers $w {options}] $file readmemh {words}"
        assert tcl.eval(f"{script} -force 1") == ""
        return dict(json.loads(Path(f"{path}.manifest.json").read_text()))

    by_row = told("4 per_channel")
    assert (by_row["bits"], by_row["axis"], by_row["zero_points"]) == (4, 0, None)
    scales = weights.abs().amax(1) / 7.5
    assert by_row["scales"] == pytest.approx(scales.tolist())
    codes = torch.quantize_per_channel(weights, scales, torch.zeros(2), 0, torch.qint8).int_repr()
    expected = codes.clamp(-8, 7).flatten().tolist()
    assert path.read_text().split() == [f"{code % 16:x}" for code in expected]

    affine = told("5 per_tensor affine", "-bits 8 -signed 1 -scales 0.5")
    scale = (728.6 + 184) / 31
    assert (affine["bits"], affine["scales"]) == (8, [0.5])
    assert affine["zero_points"] == [round(-16 + 184 / scale)]

    shifts = told("6 per_group -group_size 3 -scale_mode power_of_two")
    assert (shifts["group_size"], shifts["axis"]) == (3, None)
    assert shifts["scale_exponents"] == [math.ceil(math.log2(most / 31.5)) for most in (728.6, 295.5)]


REFUSED = [
    (
        "$w $file readmemh -bits 3",
        "input must fit into 3 signed bits (-4 .. 3) but is -8 at index 1 0",
        "input",
    ),
    ("$w $file readmemh -bits 0", "bits must be in 1 .. 32 but is 0", "bits"),
    ("$w $file readmemh -bits 33", "bits must be in 1 .. 32 but is 33", "bits"),
    ("$w $file readmemh -bits 1", "bits must be 2 or more for signed values but is 1", "bits"),
    (
        "$w $file readmemh -values_per_word 0",
        "values_per_word must be in 1 .. 512 for 8 bits (a word has at most 4096) but is 0",
        "values_per_word",
    ),
    (
        "$w $file npy -values_per_word 9",
        "values_per_word must give words of at most 64 bits for format npy but gives 72",
        "values_per_word",
    ),
    (
        "$w $file npy -words_per_line 1",
        "words_per_line is not for format npy, which has no lines",
        "words_per_line",
    ),
    ("$w $file coe -words_per_line 0", "words_per_line must be in 1 .. 65536 but is 0", "words_per_line"),
    (
        "$w $file intel_hex -bits 32 -words_per_line 64",
        "words_per_line must be at most 63 for words of 4 bytes (a record has at most 255) but is 64",
        "words_per_line",
    ),
    ("$w $file coe -byte_order big", "byte_order big is for format intel_hex, not for coe", "byte_order"),
    ("$w $file coe -name x", "name is for format c_header, not for coe", "name"),
    (
        "$w $file coe -channels_last 1",
        "channels_last needs an input of 3 or more dimensions but it has 2",
        "channels_last",
    ),
    ("$w $file coe -axis 2", "axis must be in 0 .. 1 for this shape but is 2", "axis"),
    ("$w $file coe -axis -3", "axis must be in 0 .. 1 for this shape but is -3", "axis"),
    ("$w $file coe -axis 0 -group_size 3", "axis and group_size must not both be given", "axis"),
    ("$w $file coe -group_size 2", "group_size must divide the last dimension (3) but is 2", "group_size"),
    (
        "$w $file coe -scales {1 2}",
        "scales must have 1 element, because neither axis nor group_size is given, but has 2",
        "scales",
    ),
    (
        "$w $file coe -scales {1 2 3} -axis 0",
        "scales must have 2 elements, one for each slice of axis 0, but has 3",
        "scales",
    ),
    ("$w $file coe -scales Inf", "scales must be finite but one is inf", "scales"),
    ("$w $file coe -scales {0.1 0.2x}", 'scales must be numbers but has "0.2x"', "scales"),
    ("$w $file coe -scales $w", "scales must be floating-point but is int8", "scales"),
    ("$w $file coe -zero_points 1.5", "zero_points must be integers", "zero_points"),
    (
        "$w $file coe -zero_points 2147483648",
        "zero_points must fit into 32 bits but one is 2147483648",
        "zero_points",
    ),
    (
        "$w $file coe -zero_points [torch::ones 1]",
        "zero_points must be integers but is float32",
        "zero_points",
    ),
    (
        "[torch::ones 1] $file coe",
        "input must be a dense tensor of integers but is float32: quantize it first",
        "input",
    ),
    (
        "[torch::quantize_per_tensor [torch::ones 1] 0.1 0 qint8] $file coe",
        "input must be a dense tensor of integers but is qint8: its int_repr has the integers",
        "input",
    ),
    (
        "[torch::zeros 2 int8 meta] $file coe",
        "input must be a dense tensor of integers but is meta",
        "input",
    ),
    ("$w /dev/null coe -force 1", 'file must be that of a regular file but is "/dev/null"', "file"),
    ("$w a\0b coe", "file must not hold a NUL character", "file"),
]


@pytest.mark.parametrize(("words", "message", "parameter"), REFUSED)
def test_what_cannot_be_exported_is_told_and_leaves_nothing(
    tcl: Interpreter, tmp_path: Path, words: str, message: str, parameter: str
) -> None:
    tcl.eval(W % (tmp_path / "w.hex"))
    told = refusal(tcl, f"torch::export_integers {words}")
    assert told == (message, ("TORCH", "ARG", "VALUE", parameter))
    assert not list(tmp_path.iterdir())


def test_what_linear_quantization_gives_is_written_in_parts(tcl: Interpreter, tmp_path: Path) -> None:
    tcl.call("set", "file", str(tmp_path / "rows.mem"))
    tcl.eval(
        "set made [torch::linear_q_symmetric_per_channel [torch::tensor_create {{1 -3.5} {0 28}}] 0 int4]"
    )
    keys = "quantized, scale, zero_point, ?axis?, ?group_size?, bits, qscheme"
    made = tcl.eval("set made")
    assert refusal(tcl, "torch::export_integers $made $file readmemh") == (
        f'expected a tensor or a dict with {keys} but got "{made}" for input'
        " (it lacks zero_point, bits, qscheme)",
        ("TORCH", "ARG", "TYPE", "input"),
    )
    assert refusal(tcl, "torch::show $made") == (
        f'no such tensor "{made}": it is a dict, and dict get takes a tensor out of it (quantized, scale)',
        ("TORCH", "HANDLE", made),
    )
    wrong = "quantized tensor1 scale tensor2 zero_point tensor2 axis x group_size {} bits 4 qscheme symmetric"
    message, _ = refusal(tcl, f"torch::export_integers {{{wrong}}} $file readmemh")
    assert message == 'expected integer but got "x" in axis for input'
    assert refusal(tcl, "torch::export_integers {} $file readmemh")[0] == 'no such tensor ""'
    tcl.eval("""
        dict with made {torch::export_integers $quantized $file readmemh -bits 4 -scales $scale -axis 0}
    """)
    assert tcl.eval("torch::tensor_to_list [torch::import_integers $file]") == "2 -7 0 7"
    assert tcl.eval("dict get [torch::integers_info $file] scales") == "0.5 4.0"


def test_files_that_are_there_are_kept_unless_forced(tcl: Interpreter, tmp_path: Path) -> None:
    path = tmp_path / "w.hex"
    beside = Path(f"{path}.manifest.json")
    tcl.eval(W % path)
    code = ("POSIX", "EEXIST", "file exists")
    for there in (path, beside):
        there.write_text("mine")
        message = f'couldn\'t open "{there}": file exists (-force 1 overwrites it)'
        assert refusal(tcl, "torch::export_integers $w $file readmemh") == (message, code)
        assert [each.name for each in tmp_path.iterdir()] == [there.name]
        assert there.read_text() == "mine"
        there.unlink()
    path.write_text("mine")
    tcl.eval("torch::export_integers $w $file readmemh -force 1")
    assert tcl.eval("torch::tensor_to_list [torch::import_integers $file]") == "1 -2 3 -8 7 0"
    assert sorted(tmp_path.iterdir()) == [path, beside]


def test_files_that_cannot_be_written_or_read(tcl: Interpreter, tmp_path: Path) -> None:
    tcl.eval(W % (tmp_path / "w.hex"))
    missing = "no such file or directory"
    for script, path, text, name in (
        ("torch::export_integers $w $file/no coe", tmp_path / "w.hex/no", missing, "ENOENT"),
        ("torch::export_integers $w [file dirname $file] coe", tmp_path, "is a directory", "EISDIR"),
        ("torch::import_integers $file", tmp_path / "w.hex", missing, "ENOENT"),
        ("torch::import_integers $file coe", tmp_path / "w.hex", missing, "ENOENT"),
        ("torch::integers_info $file", tmp_path / "w.hex.manifest.json", missing, "ENOENT"),
        ("torch::import_integers [file dirname $file] coe", tmp_path, "is a directory", "EISDIR"),
    ):
        assert refusal(tcl, script) == (f'couldn\'t open "{path}": {text}', ("POSIX", name, text))
    code = refusal(tcl, "torch::export_integers $w $file coe -scales tensor99")[1]
    assert code == ("TORCH", "HANDLE", "tensor99")
    assert not list(tmp_path.iterdir())


def test_options_are_not_for_a_file_with_a_manifest(tcl: Interpreter, tmp_path: Path) -> None:
    tcl.eval(W % (tmp_path / "w.hex"))
    tcl.eval("torch::export_integers $w $file readmemh -bits 4")
    message, code = refusal(tcl, "torch::import_integers $file -signed 1")
    assert message.startswith("signed must not be given: the manifest")
    assert code == ("TORCH", "ARG", "VALUE", "signed")


@pytest.mark.parametrize(
    ("words", "parameter", "begin"),
    [
        ("", "format", "format must be given: there is no manifest"),
        ("readmemh", "bits", "bits must be given"),
        ("readmemh 4", "signed", "signed must be given"),
        ("readmemh 4 1 -dtype float32", "dtype", "dtype must be one of bool"),
        ("readmemh 4 1 -shape -1", "shape", "shape must be sizes of 0 or more but is -1"),
        (
            "readmemh 4 1 -shape {0 9223372036854775807}",
            "shape",
            "shape must have sizes whose product is at most 2**40",
        ),
        (
            "readmemh 4 1 -shape [lrepeat 70 1]",
            "shape",
            "shape must have at most 32 dimensions but has 70",
        ),
        ("readmemh 4 1 -channels_last 1", "channels_last", "channels_last needs"),
        ("readmemh 4 1 -byte_order big", "byte_order", "byte_order big is for"),
    ],
)
def test_options_that_do_not_do_without_a_manifest(
    tcl: Interpreter, tmp_path: Path, words: str, parameter: str, begin: str
) -> None:
    (tmp_path / "w.hex").write_text("1 e 3\n")
    handles = tcl.eval("torch::handles")
    message, code = refusal(tcl, f"torch::import_integers {{{tmp_path / 'w.hex'}}} {words}")
    assert message.startswith(begin)
    assert code == ("TORCH", "ARG", "VALUE", parameter)
    assert tcl.eval("torch::handles") == handles


def test_a_file_that_is_not_of_the_format_is_told_with_the_line(tcl: Interpreter, tmp_path: Path) -> None:
    path = tmp_path / "w.hex"
    path.write_text("1\n2 3 qq\n")
    handles = tcl.eval("torch::handles")
    assert refusal(tcl, f"torch::import_integers {{{path}}} readmemh 4 1") == (
        f'"{path}" line 2: expected a hexadecimal word but got "qq"',
        ("TORCH", "FILE", "FORMAT", str(path)),
    )
    assert tcl.eval("torch::handles") == handles


def test_a_full_disk_is_told(tcl: Interpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    tcl.eval(W % (tmp_path / "w.hex"))
    monkeypatch.setattr(manifest.Manifest, "to_json", full)
    message, code = refusal(tcl, "torch::export_integers $w $file readmemh")
    assert message == f'couldn\'t open "{tmp_path / "w.hex"}": no space left on device'
    assert code == ("POSIX", "ENOSPC", "no space left on device")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def exported(tcl: Interpreter, tmp_path: Path) -> tuple[str, Path]:
    """Totals and folder: a matrix, symmetric by rows; a kernel, affine, packed and channels last."""
    folder = tmp_path / "model"
    tcl.call("set", "folder", str(folder))
    tcl.eval("""
        set fc [torch::tensor_create {{191.6 -13.5 728.6} {92.14 295.5 -184} {0 684.6 245.5}}]
        set kernel [torch::tensor_reshape [torch::arange -end 24 -dtype float32] {2 3 2 2}]
        set model [dict create net/fc.weight $fc conv $kernel steps [torch::arange 3]]
        set common {observer minmax scale_mode float}
        set by_row [dict merge $common {bits 8 granularity per_channel qscheme symmetric axis 0}]
        set affine [dict merge $common {bits 5 granularity per_tensor qscheme affine}]
        set plan [dict create weights [dict create net/fc.weight $by_row conv $affine]]
    """)
    options = "-values_per_word 4 -channels_last 1"
    return tcl.eval(f"torch::export_model $model $plan $folder readmemh {options}"), folder


def imported(tcl: Interpreter, path: Path) -> list[int]:
    told = tcl.eval(f"torch::tensor_to_list [torch::import_integers {{{path}}}]")
    return list(map(int, told.split()))


def test_the_files_of_a_model_and_their_totals(exported: tuple[str, Path]) -> None:
    totals, folder = exported
    assert sorted(each.name for each in folder.iterdir()) == [
        *("conv.mem", "conv.mem.manifest.json", "index.json"),
        *("net_fc.weight.mem", "net_fc.weight.mem.manifest.json"),
    ]
    size = sum((folder / name).stat().st_size for name in ("net_fc.weight.mem", "conv.mem"))
    assert totals == f"weights 2 values 33 bits {9 * 8 + 24 * 5} bytes {size}"
    index = json.loads((folder / "index.json").read_text())
    assert index["totals"] == {"weights": 2, "values": 33, "bits": 192, "bytes": size}


def test_a_matrix_is_quantized_as_the_plan_says(tcl: Interpreter, exported: tuple[str, Path]) -> None:
    _, folder = exported
    rows = torch.tensor([[191.6, -13.5, 728.6], [92.14, 295.5, -184], [0, 684.6, 245.5]])
    scales = rows.abs().amax(1) / 127.5
    codes = torch.quantize_per_channel(rows, scales, torch.zeros(3), 0, torch.qint8).int_repr()
    assert imported(tcl, folder / "net_fc.weight.mem") == codes.flatten().tolist()
    entry = json.loads((folder / "index.json").read_text())["weights"]["net/fc.weight"]
    assert entry.pop("file") == "net_fc.weight.mem"
    assert (entry["scales"], entry["axis"]) == (pytest.approx(scales), 0)
    beside = json.loads((folder / "net_fc.weight.mem.manifest.json").read_text())
    assert entry == {name: value for name, value in beside.items() if name != "tcltorch_manifest"}


def test_a_kernel_is_quantized_as_the_plan_says(tcl: Interpreter, exported: tuple[str, Path]) -> None:
    _, folder = exported
    kernel = torch.arange(24.0).reshape(2, 3, 2, 2)
    integers = torch.quantize_per_tensor(kernel, 23 / 31, -16, torch.qint8).int_repr()
    assert imported(tcl, folder / "conv.mem") == integers.flatten().tolist()
    entry = json.loads((folder / "index.json").read_text())["weights"]["conv"]
    assert (entry["zero_points"], entry["channels_last"]) == ([-16], True)
    first = [value % 32 for value in integers[0, :, 0, 0].tolist() + integers[0, :1, 0, 1].tolist()]
    word = sum(value << 5 * place for place, value in enumerate(first))
    assert (folder / "conv.mem").read_text().split()[0] == f"{word:05x}"


def test_a_model_that_cannot_be_exported_leaves_nothing(tcl: Interpreter, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    tcl.call("set", "folder", str(folder))
    tcl.eval("""
        set model [dict create a [torch::ones {2 3}] b [torch::ones 3]]
        set choice {bits 4 granularity per_channel qscheme symmetric observer minmax axis 1 group_size {}
            scale_mode float}
        set plan [dict create weights [dict create a $choice b $choice]]
    """)
    for words, parameter in (
        ("$model $plan $folder coe", "tensors"),
        ("$model [dict create weights [dict create c $choice]] $folder coe", "tensors"),
        (
            "$model [dict create weights [dict create a $choice]] $folder coe -values_per_word 2000",
            "values_per_word",
        ),
    ):
        assert refusal(tcl, f"torch::export_model {words}")[1] == ("TORCH", "ARG", "VALUE", parameter)
        assert not list(tmp_path.iterdir())
    message, _ = refusal(tcl, "torch::export_model $model $plan $folder coe")
    assert message == "b: axis must be in -1 .. 0 for this tensor but is 1"
    tcl.eval("dict unset plan weights a axis")
    message, _ = refusal(tcl, "torch::export_model $model $plan $folder coe")
    assert message == "a: axis must be given for granularity per_channel"
    tcl.eval("dict set plan weights a granularity per_chanel")
    message, _ = refusal(tcl, "torch::export_model $model $plan $folder coe")
    assert message.startswith('bad granularity "per_chanel" in weights in a for plan: must be per_tensor, ')
    good = "torch::export_model $model [dict create weights [dict create a $choice]]"
    missing = ("POSIX", "ENOENT", "no such file or directory")
    assert refusal(tcl, f"{good} $folder/no/model coe")[1] == missing
    tcl.eval(f"{good} $folder coe")
    tcl.eval("torch::export_integers [torch::ones 1 int8] $folder/mine json")
    before = {each.name for each in folder.iterdir()}
    message, code = refusal(tcl, f"{good} $folder mif")
    assert (message, code[1]) == (
        f'couldn\'t open "{folder}": file exists (-force 1 overwrites it)',
        "EEXIST",
    )
    assert {each.name for each in folder.iterdir()} == before
    tcl.eval(f"{good} $folder mif -force 1")
    assert {each.name for each in folder.iterdir()} == before | {"a.mif", "a.mif.manifest.json"}
    assert json.loads((folder / "index.json").read_text())["format"] == "mif"
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def test_the_dtypes_of_files_are_pytorchs() -> None:
    for name, (bits, signed) in manifest.DTYPES.items():
        dtype = getattr(torch, name)
        assert arrangement.dtype_of(torch.zeros(2, dtype=dtype)) == name
        if dtype is not torch.bool:
            info = torch.iinfo(dtype)
            assert (info.bits, info.min < 0) == (bits, signed)


def test_paths_that_cannot_be(tcl: Interpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tcl.eval(W % "w.mem")
    tcl.eval("set m [dict create w [torch::ones 3]]; set p [torch::quantization_plan $m 20]")
    message, code = refusal(tcl, 'torch::export_model $m $p "" coe -force 1')
    assert (message, code[1]) == ('couldn\'t open "": no such file or directory', "ENOENT")
    long = "x" * 250
    tcl.eval(f"close [open {long} w]")
    message, code = refusal(tcl, f"torch::export_integers $w {long} coe -force 1")
    assert (message, code[1]) == (
        f'couldn\'t open "{long}.manifest.json": file name too long',
        "ENAMETOOLONG",
    )
    tcl.eval("torch::export_integers $w w.mem coe; file delete w.mem.manifest.json")
    tcl.eval("file link -symbolic w.mem.manifest.json w.mem")
    message, code = refusal(tcl, "torch::export_integers $w w.mem coe -force 1")
    assert message == 'file must not be the file that "w.mem.manifest.json" links to'
    assert code == ("TORCH", "ARG", "VALUE", "file")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["w.mem", "w.mem.manifest.json", long]


def test_a_tensor_of_too_many_dimensions_cannot_be_written(tcl: Interpreter, tmp_path: Path) -> None:
    tcl.eval("set many [torch::tensor_reshape [torch::ones 1 int8] [lrepeat 65 1]]")
    message, code = refusal(tcl, f"torch::export_integers $many {{{tmp_path / 'w'}}} npy")
    assert message == "input must have at most 32 dimensions but has 65"
    assert code == ("TORCH", "ARG", "VALUE", "input")
