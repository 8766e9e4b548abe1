"""Run the tests: tests/tcl in tcltorch and in a stock tclsh, then all others: `both_transports.py ARGS`

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
_FOLDER = CHECKOUT / "tests" / "tcl"
_NO_TESTS = 5  # pytest's status when it has found none
_OTHERS = ("--ignore=tests/tcl", "-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")
# One process each, which all files of a run share, and folders of their own, because they run side by side.
_SUITES = ("-o", "testpaths=tests/tcl", "-o", "tcltest_args=-tmpdir ../../build/tcltest/")
_INSIDE = (*_SUITES[:-1], f"{_SUITES[-1]}inside")
_STOCK = (*_SUITES[:-1], f"{_SUITES[-1]}stock", "--tcltest-interpreter=tclsh")


def main(arguments: list[str]) -> int:
    """Run all; the status of the first that fails, 1 when the transports have run different tests."""
    files = [each for each in arguments if each.partition("::")[0].endswith((".test", ".py"))]
    suites = [each for each in files if Path(each.partition("::")[0]).resolve().parent == _FOLDER]
    modules = [each for each in files if each not in suites]
    options = [each for each in arguments if each not in suites and each not in modules]
    statuses = []
    if suites or not modules:
        statuses.append(compare([*options, *suites, "-n0"]))
    if modules or not suites:  # last, so that what is printed ends as pytest ends
        statuses.append(start_pytest(sys.stdout, *_OTHERS, *options, *modules).wait())
    return verdict(statuses)


def compare(arguments: list[str]) -> int:
    """Run tests/tcl in both transports, side by side, and say what was counted."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as shown:
        reports = Path(folder, "inside.xml"), Path(folder, "stock.xml")
        second = start_pytest(shown, f"--junitxml={reports[1]}", *_STOCK, *arguments)
        first = start_pytest(sys.stdout, f"--junitxml={reports[0]}", *_INSIDE, *arguments)
        statuses = [first.wait(), second.wait()]
        shown.seek(0)
        print(shown.read(), flush=True)
        inside, stock = map(passed, reports)
    print(f"tests/tcl: {len(inside)} passed in tcltorch, {len(stock)} passed in tclsh", flush=True)
    for name in sorted(inside ^ stock):
        print(f"passed only in {'tcltorch' if name in inside else 'tclsh'}: {name}", flush=True)
    return verdict(statuses) or int(inside != stock)


def verdict(statuses: list[int]) -> int:
    """The status of several runs: the first that is bad; that there was no test only if none had any."""
    bad = [status for status in statuses if status not in (0, _NO_TESTS)]
    return bad[0] if bad else min(statuses)


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
