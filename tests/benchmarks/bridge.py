"""What the bridge costs: `make bench` runs this and prints one table.

Both sides of each ratio are measured in the same run, in turn, with pinned threads. Figures are medians.
Small calls are timed in a thousand short rounds, of which those at the full clock of a shared machine count.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from pybridge import Interpreter, quant
from pybridge.handles import HandleTable
from pybridge.registry import BY_NAME

ROUNDS = 15
FEW, SHORT_ROUNDS = 50, 1000  # calls in a round that is over before the clock changes, and how many of them
MEGA = 10**6


@dataclass(frozen=True)
class Measured:
    """Two sides of one comparison, in seconds for one call or one list."""

    what: str
    ours: float
    theirs: float
    unit: float
    aim: str

    def row(self) -> str:
        difference = (self.ours - self.theirs) / self.unit
        return (
            f"{self.what:52} {self.ours / self.unit:9.2f} {self.theirs / self.unit:9.2f} "
            f"{difference:9.2f} {self.ours / self.theirs:7.2f}  {self.aim}"
        )


def at_full_clock(times: list[float]) -> float:
    """The time that one round in fifty is shorter than."""
    return statistics.quantiles(times, n=50)[0]


def in_turn(
    *actions: Callable[[], float],
    rounds: int = ROUNDS,
    of: Callable[[list[float]], float] = statistics.median,
) -> list[float]:
    """Of the timings of each action the median, or what `of` tells; the actions take turns."""
    times: list[list[float]] = [[] for _ in actions]
    for _ in range(rounds):
        for action, found in zip(actions, times, strict=True):
            found.append(action())
    return [of(found) for found in times]


def timed(action: Callable[[], object], calls: int) -> Callable[[], float]:
    """Seconds for one of `calls` calls in a Python loop."""

    def run() -> float:
        begin = time.perf_counter()
        for _ in range(calls):
            action()
        return (time.perf_counter() - begin) / calls

    return run


def timed_in_tcl(tcl: Interpreter, script: str, calls: int) -> Callable[[], float]:
    """Seconds for one of `calls` runs of a script, by Tcl's own `time`."""
    return lambda: float(tcl.eval(f"lindex [time {{{script}}} {calls}] 0")) / 1e6


def calls(tcl: Interpreter) -> list[Measured]:
    """A command against the same PyTorch call made from Python. Its handle is freed with the next scope."""
    a, b = torch.ones(4), torch.ones(4)
    x = torch.randn(2, 3)
    scales, zero_points = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0, 1, 2], dtype=torch.int32)
    table = tcl.dispatcher.table
    for name, tensor in {"a": a, "b": b, "x": x, "s": scales, "z": zero_points}.items():
        tcl.call("set", name, table.add("tensor", tensor))
    rows = []
    for script, direct, aim in (
        ("torch::tensor_add $a $b", lambda: torch.add(a, b), "at most 4 us more"),
        (
            "torch::fake_quantize_per_channel $x $s $z 1",
            lambda: torch.fake_quantize_per_channel_affine(x, scales, zero_points, 1, -128, 127),
            "at most 8 us more",
        ),
    ):
        command = timed_in_tcl(tcl, script, FEW)

        def round_of_commands(command: Callable[[], float] = command) -> float:
            seconds = command()
            tcl.eval("torch::free {*}[lrange [torch::handles] 5 end]")
            return seconds

        ours, theirs = in_turn(round_of_commands, timed(direct, FEW), rounds=SHORT_ROUNDS, of=at_full_clock)
        rows.append(Measured(f"{script.split()[0]} (us)", ours, theirs, 1e-6, aim))
    tcl.eval("torch::free {*}[torch::handles]")
    return rows


def then_freed(action: Callable[[], float], table: HandleTable) -> Callable[[], float]:
    """The action, after which only the handles of now are left."""
    kept = len(table.objects)

    def run() -> float:
        seconds = action()
        table.free(list(table.objects)[kept:])
        return seconds

    return run


def parts(tcl: Interpreter) -> list[str]:
    """What each part of a command costs: each layer is called in turn with those around it."""
    x = torch.randn(2, 3)
    scales, zero_points = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0, 1, 2], dtype=torch.int32)
    table, dispatch = tcl.dispatcher.table, tcl.dispatcher
    name = "fake_quantize_per_channel"
    words = [*(table.add("tensor", tensor) for tensor in (x, scales, zero_points)), "1"]
    operator, function = torch.fake_quantize_per_channel_affine, BY_NAME[name].forms[0].function

    def bound() -> None:
        BY_NAME[name].runners[len(words)](tuple(words), name, table)

    layers: dict[str, Callable[[], float]] = {
        "PyTorch's operator": timed(lambda: operator(x, scales, zero_points, 1, -128, 127), FEW),
        "no kernel for so few": timed(
            lambda: quant.fake_quantize_per_channel(x, scales, zero_points, 1, -128, 127), FEW
        ),
        "what the command checks": timed(lambda: function(x, scales, zero_points, 1), FEW),
        "words to arguments": timed(bound, FEW),
        "the dispatcher, a handle": timed(lambda: dispatch("", name, *words), FEW),
        "Tcl and tkinter": timed_in_tcl(tcl, f"torch::{name} {' '.join(words)}", FEW),
    }

    freed = (then_freed(action, table) for action in layers.values())
    took = in_turn(*freed, rounds=SHORT_ROUNDS, of=at_full_clock)
    tcl.eval("torch::free {*}[torch::handles]")
    before = [0.0, *took]
    return [
        f"{what:52} {all_of_it * 1e6:9.2f} {'':9} {(all_of_it - less) * 1e6:9.2f}"
        for what, all_of_it, less in zip(layers, took, before, strict=False)
    ]


def bulk(tcl: Interpreter) -> list[Measured]:
    """10^6 doubles in and out, against `binary format` and `binary scan` alone."""
    tcl.eval(f"set list {{}}; for {{set i 0}} {{$i < {MEGA}}} {{incr i}} {{lappend list [expr {{rand()}}]}}")
    tcl.eval("set bytes [binary format d* $list]; set tensor [torch::tensor_create $list -dtype float64]")
    tcl.eval("set text [join [torch::tensor_to_list $tensor]]")
    fresh = "string range $text 0 end"  # a text without a list behind it
    packed = timed_in_tcl(tcl, "binary format d* $list", 1)
    rows = []
    for what, script, bare, aim in (
        (
            "10^6 doubles in, from a list (ms)",
            "torch::free [torch::tensor_create $list -dtype float64]",
            packed,
            "at most 2.5x",
        ),
        (
            "10^6 doubles in, from a literal string (ms)",
            f"torch::free [torch::tensor_create [{fresh}] -dtype float64]",
            timed_in_tcl(tcl, f"binary format d* [{fresh}]", 1),
            "",
        ),
        (
            "10^6 doubles out (ms)",
            "torch::tensor_to_list $tensor",
            timed_in_tcl(tcl, "binary scan $bytes d* numbers", 1),
            "",
        ),
    ):
        ours, theirs = in_turn(timed_in_tcl(tcl, script, 1), bare, rounds=7)
        rows.append(Measured(what, ours, theirs, 1e-3, aim))
    return rows


def start_up() -> list[Measured]:
    """A process that runs plain Tcl, and one that makes a tensor, against one that imports torch."""

    def process(*words: str) -> Callable[[], float]:
        return timed(lambda: subprocess.run([sys.executable, *words], check=True, capture_output=True), 1)

    plain, tensor, bare, imported = in_turn(
        process("-m", "pybridge", "-c", "puts hello"),
        process("-m", "pybridge", "-c", "torch::ones 2"),
        process("-c", "pass"),
        process("-c", "import torch"),
        rounds=5,
    )
    return [
        Measured("process of plain Tcl, against `import torch` (ms)", plain, imported, 1e-3, "at most 0.1x"),
        Measured("process of one tensor, against `import torch` (ms)", tensor, imported, 1e-3, ""),
        Measured("process of plain Tcl, against bare Python (ms)", plain, bare, 1e-3, ""),
    ]


def memory(rounds: int) -> int:
    """Peak resident KiB of a process that makes `rounds` sums of 400 KB tensors in scopes."""
    script = (
        "set a [torch::ones 100000]; set b [torch::ones 100000];"
        f"for {{set i 0}} {{$i < {rounds}}} {{incr i}} "
        "{torch::scope {set c [torch::tensor_add $a $b]; expr 0}}"
    )
    with Interpreter() as tcl:
        tcl.eval(script)
    # not getrusage: its maximum is inherited from the process that started this one
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0])


def peak_in_process(rounds: int) -> int:
    words = [sys.executable, __file__, "--memory", str(rounds)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--memory", type=int, metavar="ROUNDS", help="print the peak memory of that many rounds"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.memory is not None:
        print(memory(arguments.memory))
        return
    print(f"{'':52} {'bridge':>9} {'bare':>9} {'more by':>9} {'ratio':>7}  aim")
    with Interpreter() as tcl:
        for row in calls(tcl):
            print(row.row())
        print(*parts(tcl), sep="\n")
        for row in bulk(tcl):
            print(row.row())
    for row in start_up():
        print(row.row())
    few, many = peak_in_process(10), peak_in_process(10_000)
    print(
        f"{'peak memory of 10,000 scopes, against 10 (KiB)':52} {many:9} {few:9} {many - few:9} "
        f"{many / few:7.2f}  at most 1024 more"
    )


if __name__ == "__main__":
    main()
