"""What fake quantization costs: `make bench` runs this, and so does `python -m tests.benchmarks.kernels`.

Ours, PyTorch's operator and `x.clone()`, which is the memory's limit, take turns in one process; figures are
medians. The last table holds the aims, as ratios in this run.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import product
from math import inf
from pathlib import Path
from typing import Any

os.environ.setdefault("TCLTORCH_KERNELS", "numba")

import torch

from pybridge import quant
from pybridge.quant.backend import backend

Tensor = torch.Tensor
KI, MI = 1 << 10, 1 << 20
SIZES = [6, 4 * KI, 64 * KI, MI, 16 * MI]
DTYPES = ["float32", "bfloat16", "float64"]
AXES = ["first", "middle", "last", "none"]
MODES = ["forward", "forward+backward"]
SAMPLE = 1e-3  # seconds that one timing lasts at least
LEAST_ROUNDS, MOST_ROUNDS = 3, 101


@dataclass(frozen=True)
class Cell:
    """One comparison; `axis` is none for one scale and zero point per tensor."""

    size: int
    axis: str
    dtype: str
    mode: str
    threads: int

    @property
    def shape(self) -> tuple[int, ...]:
        channels, inner = (3, 2) if self.size == 6 else (64, 64)
        if self.axis == "middle":
            return (self.size // channels // inner, channels, inner)
        return (self.size // channels, channels) if self.axis == "last" else (channels, self.size // channels)


@dataclass(frozen=True)
class Measured:
    """Medians of seconds for one call."""

    cell: Cell
    ours: float
    theirs: float
    clone: float

    @property
    def speed(self) -> float:
        return self.theirs / self.ours

    @property
    def against_clone(self) -> float:
        return self.ours / self.clone

    def row(self) -> str:
        cell = self.cell
        times = "".join(f"{each * 1e6:12.1f}" for each in (self.ours, self.theirs, self.clone))
        return (
            f"{named(cell.size):>5} {cell.axis:7} {cell.dtype:9} {cell.mode:17} {cell.threads:3}{times}"
            f"{self.speed:8.2f}{self.against_clone:8.2f}{self.ours / cell.size * 1e9:10.3f}"
        )


@dataclass(frozen=True)
class Aim:
    """What a comparison on one thread should reach."""

    size: int
    speed: float
    clone: float = inf
    axis: str = "first"
    dtype: str = "float32"
    mode: str = "forward"

    @property
    def cell(self) -> Cell:
        return Cell(self.size, self.axis, self.dtype, self.mode, 1)

    def row(self, measured: Measured) -> str:
        met = measured.speed >= self.speed and measured.against_clone <= self.clone
        limit = f"<= {self.clone:4.1f}" if self.clone < inf else "       "
        return (
            f"{named(self.size):>5} {self.axis:7} {self.dtype:9} {self.mode:17}"
            f" {measured.speed:7.2f}  >= {self.speed:4.1f} {measured.against_clone:7.2f}  {limit}"
            f"  {'met' if met else 'MISSED'}"
        )


AIMS = [
    Aim(64 * KI, 8, 3.5),
    Aim(MI, 15, 1.6),
    Aim(MI, 4, mode="forward+backward"),
    Aim(16 * MI, 2.5, 1.3),
    Aim(MI, 5, axis="last"),
    Aim(MI, 3, dtype="bfloat16"),
    Aim(MI, 3, dtype="float64"),
    Aim(6, 1),
]


def named(size: int) -> str:
    """64 Ki as `64Ki`."""
    for unit, name in ((MI, "Mi"), (KI, "Ki")):
        if size >= unit:
            return f"{size // unit}{name}"
    return str(size)


def operators(cell: Cell) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """Ours and PyTorch's, of the input alone."""
    if cell.axis == "none":
        numbers = 0.05, 3, -128, 127
        return (
            lambda x: quant.fake_quantize_per_tensor(x, *numbers),
            lambda x: torch.fake_quantize_per_tensor_affine(x, *numbers),
        )
    axis = {"first": 0, "middle": 1, "last": len(cell.shape) - 1}[cell.axis]
    channels = cell.shape[axis]
    scale = torch.linspace(0.02, 0.05, channels)
    zero_point = torch.arange(channels, dtype=torch.int32) - channels // 2
    return (
        lambda x: quant.fake_quantize_per_channel(x, scale, zero_point, axis, -128, 127),
        lambda x: torch.fake_quantize_per_channel_affine(x, scale, zero_point, axis, -128, 127),
    )


def actions(cell: Cell) -> list[Callable[[], object]]:
    """What is timed: ours, PyTorch's, a copy."""
    torch.manual_seed(1)
    x = torch.randn(cell.shape, dtype=getattr(torch, cell.dtype))
    gradient = torch.randn_like(x)
    ours, theirs = operators(cell)

    def of(quantize: Callable[[Tensor], Tensor]) -> Callable[[], object]:
        if cell.mode == "forward":
            return lambda: quantize(x)
        leaf = x.clone().requires_grad_()
        return lambda: torch.autograd.grad(quantize(leaf), leaf, gradient)

    return [of(ours), of(theirs), x.clone]


def timed(action: Callable[[], object], calls: int) -> float:
    """Seconds for one of `calls` calls."""
    begin = time.perf_counter()
    for _ in range(calls):
        action()
    return (time.perf_counter() - begin) / calls


def measure(cell: Cell, budget: float) -> Measured:
    """Let the three take turns for `budget` seconds."""
    torch.set_num_threads(cell.threads)
    turns = actions(cell)
    for action in turns:
        timed(action, 2)
    counts = [max(1, round(SAMPLE / timed(action, 1))) for action in turns]
    times: list[list[float]] = [[] for _ in turns]
    end = time.perf_counter() + budget
    while len(times[0]) < LEAST_ROUNDS or (time.perf_counter() < end and len(times[0]) < MOST_ROUNDS):
        for action, calls, found in zip(turns, counts, times, strict=True):
            found.append(timed(action, calls))
    return Measured(cell, *(statistics.median(found) for found in times))


def cells(quick: bool) -> Iterator[Cell]:
    """All that is compared; with `quick` what the aims need."""
    if quick:
        yield from (aim.cell for aim in AIMS)
        return
    for threads in sorted({1, torch.get_num_threads()}):
        for dtype, mode, axis, size in product(DTYPES, MODES, AXES, SIZES):
            yield Cell(size, axis, dtype, mode, threads)


def machine() -> dict[str, Any]:
    """Where this was measured."""
    model = platform.processor()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        names = [line.split(":")[1] for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].strip() if names else model
    return {
        "processor": model,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
    }


def plot(found: dict[Cell, Measured], path: Path) -> None:
    """Draw nanoseconds for an element over the size, one field for each number of threads."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    threads = sorted({cell.threads for cell in found})
    figure, grid = plt.subplots(
        1, len(threads), figsize=(5 * len(threads), 4.4), sharey=True, squeeze=False, layout="constrained"
    )
    lines = {"theirs": ("PyTorch", "C1"), "ours": ("pybridge.quant", "C0"), "clone": ("x.clone()", "C7")}
    for count, axes in zip(threads, grid[0], strict=True):
        for (side, (label, colour)), mode in product(lines.items(), MODES):
            if side == "clone" and mode != MODES[0]:
                continue
            each = {
                size: found.get(Cell(size, "first", "float32", mode, count)) for size in SIZES if size > 6
            }
            sizes = [size for size, measured in each.items() if measured]
            values = [getattr(each[size], side) / size * 1e9 for size in sizes]
            style = "-" if mode == MODES[0] else "--"
            axes.loglog(sizes, values, style, marker="o", color=colour, label=f"{label}, {mode}")
        axes.set_xscale("log", base=2)
        axes.set_xticks([size for size in SIZES if size > 6], [named(size) for size in SIZES if size > 6])
        axes.set(xlabel="elements", title=f"{count} thread{'s' * (count > 1)}")
        axes.grid(alpha=0.3)
    grid[0][0].set_ylabel("ns an element (float32, per channel)")
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(path, metadata={"Date": None})


def read(path: Path) -> dict[Cell, Measured]:
    """The figures that `--json` has written."""
    rows = json.loads(path.read_text())["measured"]
    names = [field.name for field in fields(Cell)]
    cells = [Cell(*(row[name] for name in names)) for row in rows]
    return {
        cell: Measured(cell, row["ours"], row["torch"], row["clone"])
        for cell, row in zip(cells, rows, strict=True)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure only what the aims name, in seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, in seconds for a call")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw ns an element over the size")
    parser.add_argument("--from", type=Path, metavar="FILE", dest="kept", help="draw those of such a FILE")
    arguments = parser.parse_args()
    if arguments.kept:
        if not arguments.plot:
            parser.error("--from needs --plot")
        plot(read(arguments.kept), arguments.plot)
        return
    where = machine()
    print(", ".join(f"{name} {value}" for name, value in where.items()))
    times = "".join(f"{name:>12}" for name in ("ours (us)", "PyTorch (us)", "clone (us)"))
    print(f"{'size':>5} {'axis':7} {'dtype':9} {'mode':17} thr{times}   speed  /clone   ns each")
    found = {}
    for cell in cells(arguments.quick):
        found[cell] = measure(cell, 0.2)
        print(found[cell].row(), flush=True)
    where["kernels"] = backend().describe()
    print(f"\nkernels: {where['kernels']}\n")
    print(f"{'aims':5} {'axis':7} {'dtype':9} {'mode':17}   speed     aim  /clone      aim")
    for aim in AIMS:
        print(aim.row(found[aim.cell]))
    if arguments.json:
        rows = [
            asdict(each.cell) | {"ours": each.ours, "torch": each.theirs, "clone": each.clone}
            for each in found.values()
        ]
        arguments.json.write_text(json.dumps({"machine": where, "measured": rows}, indent=1) + "\n")
    if arguments.plot:
        plot(found, arguments.plot)


if __name__ == "__main__":
    main()
