"""Run the tests: those in Python, then tests/tcl in tcltorch and in a stock tclsh: `both_transports.py ARGS`

In a stock tclsh the commands come through a pipe, from a worker. The arguments are pytest's: paths go to the
runs that they are for, options to all. The same tests of tests/tcl must pass in both transports.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

CHECKOUT = Path(__file__).resolve().parents[1]
_NO_TESTS = 5  # pytest's status when it has found none
_IN_PYTHON = ("--ignore=tests/tcl", "-n", "auto", "--dist", "loadfile")
# One process each, which all files of a run share, and folders of their own, because they run side by side.
_SUITES = ("-o", "testpaths=tests/tcl", "-o", "tcltest_args=-tmpdir ../../build/tcltest/")
_INSIDE = (*_SUITES[:-1], f"{_SUITES[-1]}inside")
_STOCK = (*_SUITES[:-1], f"{_SUITES[-1]}stock", "--tcltest-interpreter=tclsh")


def main(arguments: list[str]) -> int:
    """Run all; the status of the first that fails, 1 when the transports have run different tests."""
    suites = [each for each in arguments if each.partition("::")[0].endswith(".test")]
    modules = [each for each in arguments if each.partition("::")[0].endswith(".py")]
    options = [each for each in arguments if each not in suites and each not in modules]
    statuses = []
    if modules or not suites:
        statuses.append(start_pytest(sys.stdout, *_IN_PYTHON, *options, *modules).wait())
    if suites or not modules:
        return compare(statuses, [*options, *suites, "-n0"])
    return statuses[0]


def compare(statuses: list[int], arguments: list[str]) -> int:
    """Run tests/tcl in both transports, side by side."""
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder, "inside.xml"), Path(folder, "stock.xml")
        with tempfile.TemporaryFile("w+") as shown:
            second = start_pytest(shown, f"--junitxml={reports[1]}", *_STOCK, *arguments)
            first = start_pytest(sys.stdout, f"--junitxml={reports[0]}", *_INSIDE, *arguments)
            statuses = [*statuses, first.wait(), second.wait()]
            shown.seek(0)
            print(shown.read(), flush=True)
        return verdict(statuses, passed(reports[0]), passed(reports[1]))


def start_pytest(output: IO[str], *arguments: str) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "TCLLIBPATH": str(CHECKOUT / "tclpkg"),
        "TORCH_TCL_PYTHON": sys.executable,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments], cwd=CHECKOUT, env=environment, stdout=output
    )


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
