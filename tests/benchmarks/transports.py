"""What the pipe costs: PyTorch in a worker of a stock tclsh, and in the process; and what the daemon saves.

Both transports are measured in the same run, in turn, with one thread each and on one core: on two, each
command waits for another core to wake up, and so does a bare exchange. Figures are medians, and for a single
command those of the rounds at the full clock of a shared machine.
"""

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pybridge.tcl_package import tcl_package

ROUNDS = 3
SCRIPT = Path(__file__).with_name("transports.tcl")
ECHO = "import os\nwhile os.read(0, 65536): os.write(1, b'x' * 20)"  # the bare pipe exchange
ENVIRONMENT = os.environ | {
    "OMP_NUM_THREADS": "1",
    "TCLLIBPATH": str(tcl_package()),
    "TORCH_TCL_PYTHON": sys.executable,
    "TORCH_TCL_DAEMON": "0",
}
INSIDE = [sys.executable, "-P", "-c", "import pybridge.cli; raise SystemExit(pybridge.cli.main())"]
FIRST = "package require torch; puts [torch::tensor_sum [torch::ones 4]]"
TIMED = f"set begin [clock microseconds]; {FIRST}; puts [expr {{[clock microseconds] - $begin}}]"


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Have the processes that are started here share a core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure(program: list[str]) -> dict[str, float]:
    """What the script finds in one process."""
    command = [*program, str(SCRIPT), sys.executable, "-S", "-c", ECHO]
    with one_core():
        words = subprocess.run(
            command, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, check=True
        ).stdout.split()
    return dict(zip(words[::2], map(float, words[1::2]), strict=True))


def seconds(command: list[str], script: str = "", environment: dict[str, str] = ENVIRONMENT) -> float:
    """How long a process takes that reads this script."""
    begin = time.perf_counter()
    subprocess.run(command, input=script, env=environment, text=True, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


@contextlib.contextmanager
def daemon() -> Iterator[dict[str, str]]:
    """The environment of programs that find a daemon of their own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = ENVIRONMENT | {"XDG_RUNTIME_DIR": folder, "TORCH_TCL_DAEMON": "1"}
        control = [*INSIDE, "daemon"]
        subprocess.run([*control, "start"], env=environment, check=True, stdout=subprocess.DEVNULL)
        try:
            yield environment
        finally:
            subprocess.run([*control, "stop"], env=environment, check=True, stdout=subprocess.DEVNULL)


def to_first_result(tclsh: str, environment: dict[str, str]) -> float:
    """Seconds from `package require torch` to a first result, as the script itself measures them."""
    ended = subprocess.run(
        [tclsh], input=TIMED, env=environment, text=True, stdout=subprocess.PIPE, check=True
    )
    return int(ended.stdout.split()[-1]) / 1e6


def medians(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(each[name] for each in found) for name in found[0]}


def in_turn(*actions: Callable[[], float]) -> list[float]:
    times = [[action() for action in actions] for _ in range(2 * ROUNDS + 1)]
    return list(map(statistics.median, zip(*times, strict=True)))


def row(what: str, ours: float, theirs: float, aim: str = "") -> None:
    print(f"{what:58} {ours:9.1f} {theirs:9.1f} {ours / theirs:7.2f}  {aim}")


def main() -> None:
    tclsh = shutil.which("tclsh")
    if not tclsh:
        sys.exit("this needs tclsh: apt-get install tcl")
    both = [(measure([tclsh]), measure(INSIDE)) for _ in range(ROUNDS)]
    pipe, inside = (medians([pair[index] for pair in both]) for index in (0, 1))
    print(f"{'':58} {'worker':>9} {'other':>9} {'ratio':>7}  aim")
    row("torch::tensor_numel, against a bare exchange (us)", pipe["command"], pipe["bare"], "at most 2.5x")
    row("torch::tensor_numel, against tcltorch (us)", pipe["command"], inside["command"])
    row("100 commands in torch::remote, against one by one (us)", pipe["remote"], pipe["loop"])
    row("100 commands in torch::remote, against tcltorch (us)", pipe["remote"], inside["loop"])
    row("10^6 doubles in, against tcltorch (ms)", pipe["in"] / 1000, inside["in"] / 1000, "at most 1.5x")
    row("10^6 doubles out, against tcltorch (ms)", pipe["out"] / 1000, inside["out"] / 1000, "at most 1.5x")
    cold, own = in_turn(lambda: seconds([tclsh], FIRST), lambda: seconds(INSIDE, FIRST))
    row("a process that makes one tensor, against tcltorch (ms)", cold * 1000, own * 1000)
    compare_with_daemon(tclsh)


def compare_with_daemon(tclsh: str) -> None:
    program = [*INSIDE, "-c", FIRST]
    with daemon() as there:
        empty, warm, cold, warm_program, cold_program = in_turn(
            lambda: seconds([tclsh]),
            lambda: to_first_result(tclsh, there),
            lambda: to_first_result(tclsh, ENVIRONMENT),
            lambda: seconds(program, environment=there),
            lambda: seconds(program),
        )
    print(f"{'':58} {'none':>9} {'daemon':>9} {'times':>7}")
    row("package require torch to a first result in tclsh (ms)", cold * 1000, warm * 1000)
    row("tcltorch -c with one result, the whole process (ms)", cold_program * 1000, warm_program * 1000)
    print(f"an empty script takes tclsh {empty * 1000:.1f} ms")


if __name__ == "__main__":
    main()
