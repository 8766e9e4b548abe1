"""Run all tests, then those of tests/tcl once more in a stock tclsh: `python tests/both_transports.py ARGS`

The commands come through a pipe there, from a worker. Both runs take the arguments, which are pytest's. The
same tests of tests/tcl must pass in both.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

CHECKOUT = Path(__file__).resolve().parents[1]
_NO_TESTS = 5  # pytest's status when it has found none
_STOCK = ("--tcltest-interpreter=tclsh", "--override-ini=testpaths=tests/tcl")


def main(arguments: list[str]) -> int:
    """Run both; the status of the first that fails, 1 when they have run different tests."""
    with tempfile.TemporaryDirectory() as folder:
        inside, stock = Path(folder, "inside.xml"), Path(folder, "stock.xml")
        statuses = [run_pytest(inside, *arguments)]
        if passed(inside):
            others = [each for each in arguments if not each.partition("::")[0].endswith(".py")]
            # one process: it has one worker, and the scratch files of a suite have fixed names
            statuses.append(run_pytest(stock, *_STOCK, *others, "-n0"))
        return verdict(statuses, passed(inside), passed(stock))


def run_pytest(report: Path, *arguments: str) -> int:
    environment = {
        **os.environ,
        "TCLLIBPATH": str(CHECKOUT / "tclpkg"),
        "TORCH_TCL_PYTHON": sys.executable,
    }
    command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=environment).returncode


def passed(report: Path) -> set[str]:
    """The tests of tests/tcl that a run has passed; none when it wrote no report."""
    if not report.exists():
        return set()
    return {
        f"{case.get('classname')}::{case.get('name')}"
        for case in ElementTree.parse(report).iter("testcase")
        if case.get("classname", "").startswith("tests.tcl.") and not len(case)
    }


def verdict(statuses: list[int], inside: set[str], stock: set[str]) -> int:
    """Say what was counted, and answer the status to end with."""
    print(f"tests/tcl: {len(inside)} passed in tcltorch, {len(stock)} passed in tclsh", flush=True)
    for status in statuses:
        if status not in (0, _NO_TESTS):
            return status
    for name in sorted(inside ^ stock):
        print(f"passed only in {'tcltorch' if name in inside else 'tclsh'}: {name}")
    return 1 if inside != stock else min(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
