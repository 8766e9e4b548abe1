"""examples/choose_quantization.tcl: its numbers are PyTorch's, and its files hold the integers."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from math import inf, log10
from pathlib import Path

import matplotlib.image
import numpy
import pytest
import torch
from safetensors.torch import load_file, save_file

from pybridge import Interpreter, lazy
from pybridge.commands import display
from pybridge.hardware import export_integers
from tests.documents import MODEL_FILE, blocks
from tests.terminal import TerminalStream
from tests.warm import Warm
from tests.weights import waves

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
EXAMPLE = ROOT / "examples" / "choose_quantization.tcl"
BITS = (3, 4, 5, 6, 7, 8)
PICTURES = ("sqnr.png", "errors.png", "histogram.png", "levels.png")


def with_outlier(weights: torch.Tensor) -> torch.Tensor:
    weights = weights.clone()
    weights.view(-1)[5] = 20.0
    return weights


MATRICES = {
    "a[0].*": waves(8, 256, phase=2),
    "conv": waves(6, 3, 3, 3),
    "float16": waves(5, 7).half(),
    "outlier": with_outlier(waves(8, 256, phase=1)),
    "tensor1": waves(4, 8, phase=3),
    "zeros": torch.zeros(3, 5),
}
OTHERS = {"bias": waves(4), "integers": torch.arange(6).reshape(2, 3), "none": torch.zeros(0, 5)}


def choose(tcl: Interpreter, *arguments: object) -> None:
    tcl.set_arguments("choose_quantization.tcl", [str(argument) for argument in arguments])
    tcl.run_file(EXAMPLE)


@dataclass(frozen=True)
class Run:
    """What one run printed and wrote."""

    output: str
    folder: Path

    @property
    def lines(self) -> list[str]:
        return self.output.splitlines()

    @property
    def index(self) -> dict[str, dict[str, object]]:
        weights = json.loads((self.folder / "weights" / "index.json").read_text())["weights"]
        assert isinstance(weights, dict)
        return weights

    def sweep(self) -> dict[str, list[str]]:
        """Way -> the cells of its line."""
        start = next(at for at, line in enumerate(self.lines) if line.startswith("way "))
        found = {}
        for line in self.lines[start + 1 :]:
            way = re.match(r"(per_\w+ \w+ \w+(?: 2\^n)?) +(.*)", line)
            if not way:
                break
            found[way[1]] = way[2].split()
        return found

    def plan(self) -> dict[str, list[str]]:
        """Layer -> shape, bits, dB, bytes, percent."""
        start = next(at for at, line in enumerate(self.lines) if line.startswith("layer "))
        end = next(
            at
            for at in range(start, len(self.lines))
            if re.match(r"$|! misses|The \d+ of \d+ matrices that", self.lines[at])
        )
        return {line.split()[0]: line.split()[1:] for line in self.lines[start + 1 : end]}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_file(MATRICES | OTHERS, path)
    return path


@pytest.fixture(scope="module")
def small(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose standard error is a terminal."""
    folder = tmp_path_factory.mktemp("small")
    save_file(MATRICES | OTHERS, folder / "model.safetensors")
    done = warm.drawn(EXAMPLE, "model.safetensors", "-folder", "out", "-sqnr", "25", folder=folder)
    assert done.returncode == 0
    return Run(done.stdout, folder / "out")


def run(capfd: pytest.CaptureFixture[str], model: Path, folder: Path, *options: object) -> Run:
    """A run in this process. Its pictures are made but not drawn, which takes most of the time."""
    with pytest.MonkeyPatch.context() as patched, Interpreter() as tcl:
        patched.setattr(lazy.pictures, "render", lambda figure, ending: b"\x89PNG")
        choose(tcl, model, "-folder", folder, *options)
        assert tcl.eval("torch::handles") == ""
    out, err = capfd.readouterr()
    assert err == ""
    return Run(out, folder)


# -- the same with PyTorch called directly ---------------------------------------------------------------


def per_channel(
    weights: torch.Tensor, bits: int, power_of_two: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes and scales, symmetric, of the range of each slice of dimension 0."""
    rows = weights.float().flatten(1)
    low, high = rows.amin(1).clamp(max=0), rows.amax(1).clamp(min=0)
    scales = (torch.maximum(-low, high) / ((2**bits - 1) / 2)).clamp(min=torch.finfo(torch.float32).tiny)
    if power_of_two:
        scales = 2 ** scales.log2().ceil()
    codes = (rows * (1 / scales)[:, None]).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return codes, scales


def decibels(weights: torch.Tensor, codes: torch.Tensor, scales: torch.Tensor) -> float:
    rows = weights.double().flatten(1)
    noise = (rows - (codes * scales[:, None]).double()).square().sum().item()
    return inf if noise == 0 else 10 * log10(rows.square().sum().item() / noise)


def fewest_bits(weights: torch.Tensor, target: float, widths: tuple[int, ...] = BITS) -> tuple[int, float]:
    for bits in widths:
        reached = decibels(weights, *per_channel(weights, bits))
        if reached >= target:
            break
    return bits, reached


# -- a small model ---------------------------------------------------------------------------------------


def test_sweep_is_pytorchs(small: Run) -> None:
    assert small.lines[0] == "Sweep: SQNR in dB of outlier"
    table = small.sweep()
    assert len(table) == 11
    for way, power_of_two in (
        ("per_channel symmetric minmax", False),
        ("per_channel symmetric minmax 2^n", True),
    ):
        for cell, bits in zip(table[way], BITS, strict=True):
            expected = decibels(MATRICES["outlier"], *per_channel(MATRICES["outlier"], bits, power_of_two))
            assert float(cell.rstrip("*")) == pytest.approx(expected, abs=0.051)
            assert cell.endswith("*") == (expected >= 25)
    middle = [float(cells[3].rstrip("*")) for cells in table.values()]
    assert middle == sorted(middle, reverse=True)


def test_plan_takes_the_fewest_bits(small: Run) -> None:
    table = small.plan()
    assert sorted(table) == sorted(MATRICES)
    total = signal = noise = 0.0
    for name, weights in MATRICES.items():
        bits, reached = fewest_bits(weights, 25)
        size = -(-weights.numel() * bits // 8) + 4 * len(weights)
        shape = "x".join(map(str, weights.shape))
        cells = [shape, str(bits), f"{reached:.1f}", str(size), f"{25 * size / weights.numel():.1f}", "%"]
        assert table[name] == cells
        total += size
        energy = weights.double().square().sum().item()
        signal += energy
        noise += 0 if reached == inf else energy / 10 ** (reached / 10)
    elements = sum(weights.numel() for weights in MATRICES.values())
    assert f"Whole model: 6 weight matrices, {elements} weights" in small.lines
    assert f"planned {total / 1e6:.4g} MB ({25 * total / elements:.1f} %)" in small.output
    together = f"SQNR of all weights together {10 * log10(signal / noise):.1f} dB"
    assert f"{8 * total / elements:.2f} bits a weight with scales, {together}" in small.lines
    assert "misses" not in small.output.lower()


def test_files_hold_the_integers(small: Run) -> None:
    assert list(small.index) == sorted(MATRICES)
    for name, weights in MATRICES.items():
        bits, _ = fewest_bits(weights, 25)
        codes, scales = per_channel(weights, bits)
        entry = small.index[name]
        words = (small.folder / "weights" / str(entry["file"])).read_text().split()
        assert [int(word, 16) for word in words] == [int(code) % 2**bits for code in codes.flatten()]
        assert (entry["bits"], entry["shape"]) == (bits, list(weights.shape))
        assert entry["scales"] == pytest.approx(scales.tolist(), rel=1e-6)
    files = [path for path in (small.folder / "weights").iterdir() if path.suffix == ".mem"]
    size = sum(path.stat().st_size for path in files)
    assert f"readmemh, {size / 1e6:.4g} MB for" in small.output
    assert "read back outlier.mem:\n2048 words of" in small.output


def test_pictures(small: Run) -> None:
    for name in PICTURES:
        assert f"\n{name} " in small.output
        pixels = matplotlib.image.imread(small.folder / name)
        assert min(pixels.shape[:2]) >= 200
        assert pixels.std() > 0.01


def test_output_fits_a_terminal(small: Run) -> None:
    assert [line for line in small.lines if len(line) > 79] == []


def test_a_target_that_is_not_reached(capfd: pytest.CaptureFixture[str], model: Path, tmp_path: Path) -> None:
    found = run(capfd, model, tmp_path / "out", "-sqnr", 60, "-bits", "4 2")
    assert "None of per_channel with float scales reaches 60 dB." in found.lines
    assert "! misses 60 dB" in found.lines
    assert {name for name, cells in found.plan().items() if cells[2].endswith("!")} == set(MATRICES) - {
        "zeros"
    }
    missed = {line.removeprefix("Misses the target: ") for line in found.lines if line.startswith("Misses")}
    assert missed == set(MATRICES) - {"zeros"}
    assert {cells[1] for name, cells in found.plan().items() if name != "zeros"} == {"4"}


@pytest.mark.parametrize("format", ["intel_hex", "npy"])
def test_formats(capfd: pytest.CaptureFixture[str], model: Path, tmp_path: Path, format: str) -> None:
    """The script reads one file back; here npy is read by another program."""
    found = run(capfd, model, tmp_path / "out", "-format", format, "-bits", "8", "-layer", "tensor1")
    assert found.lines[0] == "Sweep: SQNR in dB of tensor1"
    assert f"{format}, " in found.output
    if format == "npy":
        codes = numpy.load(tmp_path / "out" / "weights" / str(found.index["tensor1"]["file"]))
        assert codes.tolist() == per_channel(MATRICES["tensor1"], 8)[0].int().tolist()


def test_the_cheapest_way_is_one_that_the_options_allow(
    capfd: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    """per_group affine minmax needs fewer bits than any of these."""
    options = ["-bits", "6 7 8", "-sqnr", 24, "-layer", "outlier", "-granularity"]
    weights = MATRICES["outlier"]
    cheapest = {}
    for granularity, mode in (("per_channel", "float"), ("per_channel", "power_of_two")):
        words = [*options, granularity, "-scale_mode", mode]
        found = run(capfd, model, tmp_path / mode, *words)
        kind = "2^n" if mode == "power_of_two" else "float"
        at = found.lines.index(f"Fewest bytes at 24 dB, per_channel with {kind} scales:")
        cheapest[mode] = found.lines[at + 1 : at + 3]
    bits = next(
        bits for bits in (6, 7, 8) if decibels(weights, *per_channel(weights, bits, power_of_two=True)) >= 24
    )
    assert cheapest["power_of_two"][0] == f"{bits} bits, per_channel symmetric minmax 2^n"
    size = 256 * bits + 8  # a byte for each exponent
    assert cheapest["power_of_two"][1] == f"{size} bytes with its scales, {size / 81.92:.1f} % of float32"
    assert cheapest["float"][0] == "6 bits, per_channel affine minmax"
    found = run(
        capfd, model, tmp_path / "group", *options, "per_group per_tensor", "-scale_mode", "power_of_two"
    )
    assert "Fewest bytes at 24 dB, per_group per_tensor with 2^n scales:" in found.lines
    assert {"per_group symmetric minmax 2^n", "per_tensor symmetric minmax 2^n"} <= set(found.sweep())
    assert max(map(len, found.lines)) <= 79


def test_packing_and_powers_of_two(capfd: pytest.CaptureFixture[str], model: Path, tmp_path: Path) -> None:
    options = ["-values_per_word", 4, "-scale_mode", "power_of_two", "-bits", "6", "-layer", "a[0].*"]
    found = run(capfd, model, tmp_path / "out", *options)
    assert "512 words of 24 bits, every integer as it was" in found.lines
    codes, scales = per_channel(MATRICES["a[0].*"], 6, power_of_two=True)
    entry = found.index["a[0].*"]
    assert entry["scales"] == scales.tolist()
    first = int((tmp_path / "out" / "weights" / str(entry["file"])).read_text().split()[0], 16)
    assert [first >> 6 * at & 63 for at in range(4)] == [int(code) % 64 for code in codes[0, :4]]


def test_granularity(capfd: pytest.CaptureFixture[str], model: Path, tmp_path: Path) -> None:
    found = run(capfd, model, tmp_path / "out", "-granularity", "per_tensor per_group", "-bits", "6 8")
    scales = {name: entry["scales"] for name, entry in found.index.items()}
    assert isinstance(scales["outlier"], list)
    assert len(scales["outlier"]) == 8 * 256 / 128
    bits = int(found.plan()["conv"][1])
    assert scales["conv"] == pytest.approx([MATRICES["conv"].abs().max().item() / (2**bits - 1) * 2])


def test_existing_files_stay(capfd: pytest.CaptureFixture[str], model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "sqnr.png").write_text("mine")
    (folder / "notes").write_text("mine")
    message = f'"{folder}" has files in it; -force 1 overwrites them'
    assert complaint(capfd, model, "-folder", folder) == message
    assert [path.read_text() for path in sorted(folder.iterdir())] == ["mine", "mine"]
    run(capfd, model, folder, "-force", 1, "-bits", 8)
    run(capfd, model, folder, "-force", "yes", "-bits", 4)
    assert (folder / "notes").read_text() == "mine"
    assert (folder / "sqnr.png").read_bytes().startswith(b"\x89PNG")


def test_memory_holds_the_model_and_a_layer(tmp_path: Path) -> None:
    size = 50 * 1000
    save_file({f"layer.{at}": waves(50, 1000, phase=at) for at in range(8)}, tmp_path / "m.safetensors")
    with Interpreter() as tcl:
        choose(tcl, tmp_path / "m.safetensors", "-folder", tmp_path / "out", "-bits", "8")
        peak = int(tcl.eval("dict get [torch::memory] peak_bytes"))
    assert peak <= 4 * size * (8 + 4)


def test_progress_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"wave": waves(9, 9)}, tmp_path / "m.safetensors")
    monkeypatch.setattr(lazy.pictures, "render", lambda figure, ending: b"\x89PNG")
    monkeypatch.setattr(display, "_SOON", 0)
    monkeypatch.setattr(sys, "stderr", screen := TerminalStream())
    with Interpreter() as tcl:
        choose(tcl, tmp_path / "m.safetensors", "-folder", tmp_path / "out", "-bits", "8")
    for label in ("sweep: 100%", "plan: 100%", "export: 100%"):
        assert label in screen.getvalue()


# -- errors ----------------------------------------------------------------------------------------------

USAGE = """usage: choose_quantization.tcl MODEL.safetensors ?-sqnr 30?
    ?-bits {3 4 5 6 7 8}? ?-granularity per_channel? ?-scale_mode float?
    ?-layer name? ?-folder build/choose_quantization? ?-format readmemh?
    ?-values_per_word 1? ?-force 0?
"""
OPTIONS = "-sqnr, -bits, -granularity, -scale_mode, -layer, -folder, -format, -values_per_word, -force"


def complaint(capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line on standard error of a run that ends with status 1; no handle stays alive."""
    with Interpreter() as tcl:
        with pytest.raises(SystemExit) as stop:
            choose(tcl, *arguments)
        assert stop.value.code == 1
        assert tcl.eval("torch::handles") == ""
    out, err = capfd.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line.removeprefix("choose_quantization: ")


@pytest.mark.parametrize("arguments", [[], ["-sqnr", "30"]])
def test_usage(warm: Warm, tmp_path: Path, arguments: list[str]) -> None:
    done = warm.program(EXAMPLE, *arguments, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", USAGE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-bit", "8"], f'bad option "-bit": must be {OPTIONS}'),
        (["-sqnr"], 'missing value for option "-sqnr"'),
        (["-sqnr", "high"], '-sqnr must be a number of dB but is "high"'),
        (["-sqnr", ""], '-sqnr must be a number of dB but is ""'),
        (["-sqnr", "NaN"], '-sqnr must be a number of dB but is "NaN"'),
        (["-values_per_word", "1.5"], '-values_per_word must be a number, 1 or more, but is "1.5"'),
        (["-values_per_word", "0"], '-values_per_word must be a number, 1 or more, but is "0"'),
        (["-force", "perhaps"], '-force must be 0 or 1 but is "perhaps"'),
        (["-bits", ""], '-bits must be a list of widths, such as {4 6 8}, but is ""'),
        (["-bits", "8 {6"], '-bits must be a list of widths, such as {4 6 8}, but is "8 {6"'),
        (["-bits", "8 17"], '-bits must hold widths from 2 to 16 but has "17"'),
        (["-granularity", ""], '-granularity must be a list, such as {per_channel per_group}, but is ""'),
        (
            ["-granularity", "per_row"],
            '-granularity must hold per_tensor, per_channel or per_group but has "per_row"',
        ),
        (["-scale_mode", "log"], '-scale_mode must be one of float, power_of_two but is "log"'),
        (
            ["-format", "hex"],
            "-format must be one of readmemh, readmemb, coe, mif, intel_hex, c_header, npy, json"
            ' but is "hex"',
        ),
        (["-layer", "nothing"], 'no weight matrix is called "nothing"'),
        (["-folder", "."], '"." has files in it; -force 1 overwrites them'),
        (["-folder", "model.safetensors"], 'couldn\'t write into "model.safetensors": not a directory'),
    ],
)
def test_bad_options(
    capfd: pytest.CaptureFixture[str],
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(model.parent)
    assert complaint(capfd, model, *options) == message
    assert sorted(path.name for path in model.parent.iterdir()) == ["model.safetensors"]


def test_no_such_file(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    message = f'couldn\'t open "{tmp_path / "no"}": no such file or directory'
    assert complaint(capfd, tmp_path / "no", "-folder", tmp_path / "out") == message


def test_no_matrix(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file(OTHERS, path)
    message = f'"{path}" has no weight matrix (floating point, two dimensions or more)'
    assert complaint(capfd, path, "-folder", tmp_path / "out") == message


@pytest.mark.parametrize("bad", [inf, -inf, float("nan")])
def test_weights_that_are_not_finite(capfd: pytest.CaptureFixture[str], tmp_path: Path, bad: float) -> None:
    weights = waves(4, 4)
    weights[2, 1] = bad
    save_file({"good": waves(2, 2), "a[0].*\n": weights}, tmp_path / "m.safetensors")
    message = 'layer "a[0].*?" holds a weight that is not finite'
    assert complaint(capfd, tmp_path / "m.safetensors", "-folder", tmp_path / "out") == message
    assert not (tmp_path / "out").exists()


# -- the model of the demo -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("real")
    done = warm.program(EXAMPLE, MODEL_FILE, "-folder", "out", "-bits", "6 8", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return Run(done.stdout, folder / "out")


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return {
        name: tensor
        for name, tensor in load_file(MODEL_FILE).items()
        if tensor.dim() > 1 and tensor.is_floating_point()
    }


def test_real_model_layer(real: Run, weights: dict[str, torch.Tensor]) -> None:
    layer = max(
        weights, key=lambda name: (weights[name].abs().max() / weights[name].square().mean().sqrt()).item()
    )
    assert (
        real.lines[0]
        == f"Sweep: SQNR in dB of {layer}"
        == "Sweep: SQNR in dB of encoder.layer.0.output.dense.weight"
    )
    for cell, bits in zip(real.sweep()["per_channel symmetric minmax"], (6, 8), strict=True):
        expected = decibels(weights[layer], *per_channel(weights[layer], bits))
        assert float(cell.rstrip("*")) == pytest.approx(expected, abs=0.051)


def test_real_model_plan(real: Run, weights: dict[str, torch.Tensor]) -> None:
    assert len(real.index) == len(weights) == 40
    for name, tensor in weights.items():
        if name == "embeddings.word_embeddings.weight":
            continue  # half of the model
        bits, reached = fewest_bits(tensor, 30, (6, 8))
        assert real.index[name]["bits"] == bits
        if reached < 30:
            assert f"Misses the target: {name}" in real.lines
    size = sum(
        -(-tensor.numel() * int(str(real.index[name]["bits"])) // 8) + 4 * len(tensor)
        for name, tensor in weights.items()
    )
    assert f"float32 90.73 MB, planned {size / 1e6:.4g} MB ({100 * size / 90728448:.1f} %)" in real.output


def test_real_model_file(real: Run, weights: dict[str, torch.Tensor]) -> None:
    layer = "encoder.layer.0.output.dense.weight"
    codes, _ = per_channel(weights[layer], 8)
    words = (real.folder / "weights" / f"{layer}.mem").read_text().split()
    assert [int(word, 16) for word in words] == [int(code) % 256 for code in codes.flatten().tolist()]
    assert max(map(len, real.lines)) <= 79


# -- docs/hardware.md ------------------------------------------------------------------------------------


def test_the_test_bench_of_the_hardware_guide(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    """A simulator prints with it what the guide says: the first weights, packed four to a word."""
    for program in ("iverilog", "vvp"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    layer = "encoder.layer.0.output.dense.weight"
    codes = per_channel(weights[layer], 8)[0].int()
    firmware = tmp_path / "build" / "guide" / "firmware"
    firmware.mkdir(parents=True)
    export_integers(codes, str(firmware / f"{layer}.mem"), "readmemh", bits=8, values_per_word=4)
    guide = (DOCS / "hardware.md").read_text(encoding="utf-8")
    (bench,) = (block for block in blocks(guide) if block.language == "verilog")
    (tmp_path / bench.file).write_text(bench.text)
    printed = ""
    for words in (["iverilog", "-Wall", "-o", "bench", bench.file], ["vvp", "-n", "bench"]):
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        printed = done.stdout
    assert printed.split() == [str(code) for code in codes[0, :4].tolist()] == ["10", "13", "11", "15"]
