"""Run the tests, tests/tcl in tcltorch and in stock tclsh, and all others: `-m tests.both_transports ARGS`

In a stock tclsh the commands come through a pipe, from a worker. It is Tcl 8.6, and 9.0 where there is one.
The arguments are pytest's: paths go to the runs that they are for, options to all. Without any, all run side
by side. The same tests of tests/tcl must pass in each Tcl.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from tests import stand_in
from tests.daemons import Nursery

CHECKOUT = Path(__file__).resolve().parents[1]
_FOLDER = CHECKOUT / "tests" / "tcl"
_NO_TESTS = 5  # pytest's status when it has found none
_WORKERS = str((os.cpu_count() or 1) + 2)  # more than cores: tests of programs and terminals wait, too
_OTHERS = ("--ignore=tests/tcl", "-n", _WORKERS, "--dist", "loadfile", "--no-loadscope-reorder")
_SUITES = ("-o", "testpaths=tests/tcl")


def main(arguments: list[str]) -> int:
    """Run all; the status of the first that fails, 1 when the Tcls have run different tests."""
    if not arguments:
        return run_all()
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


def run_all() -> int:
    """Run all side by side: the suites spend half of their time waiting, on two cores.

    What the others print comes last, so that all ends as pytest ends.
    """
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    with start_pytest(subprocess.PIPE, *_OTHERS, *colour) as others:
        try:
            status = compare(["-n0"])
        except BaseException:
            others.terminate()
            raise
        while piece := others.stdout.read1():  # type: ignore[union-attr]
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        return verdict([status, others.wait()])


def compare(arguments: list[str]) -> int:
    """Run tests/tcl in each Tcl, side by side, and say what was counted."""
    tcls = interpreters()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        python = stack.enter_context(forking_python())
        kept = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(len(tcls) - 1)]
        runs = [
            start_suites(folder, name, program, python, shown, arguments)
            for (name, program), shown in zip(tcls.items(), [sys.stdout, *kept], strict=True)
        ]
        statuses = [run.wait() for run in runs]
        for shown in kept:
            shown.seek(0)
            print(shown.read(), flush=True)
        differ = disagreement({name: passed(report(folder, name)) for name in tcls})
    return verdict(statuses) or int(differ)


def interpreters() -> dict[str, str]:
    """The Tcls that there are, by name, and the program of each; tcltorch is run by pytest itself."""
    found = {"tcltorch": "", "tclsh": "tclsh"}
    if newer := tclsh9():
        found["tclsh9.0"] = newer
    elif os.environ.get("TCLTORCH_NO_SKIPS"):
        sys.exit("tests/tcl must run in tclsh9.0, too, and there is none")
    else:
        print("tests/tcl is not run in tclsh9.0: there is none, and .ci/tcl9 has not fetched it", flush=True)
    return found


def tclsh9() -> str | None:
    """The tclsh 9.0 of this machine, or the one that .ci/tcl9 has fetched."""
    own = CHECKOUT / ".cache" / "tcl9" / "usr" / "bin" / "tclsh9.0"
    return shutil.which("tclsh9.0") or shutil.which(str(own))


@contextmanager
def forking_python() -> Iterator[str]:
    """What stands in for Python in a stock tclsh: an import of PyTorch for each worker costs seconds."""
    nursery = Nursery()
    with tempfile.TemporaryDirectory() as folder:
        python = nursery.python(Path(folder))
        try:
            yield str(python)
        finally:
            stand_in.stop(Path(folder))
            nursery.close()


def start_suites(
    folder: Path, name: str, program: str, python: str, shown: IO[str], arguments: list[str]
) -> "subprocess.Popen[bytes]":
    """Run tests/tcl in a process that all its files share, beside the other Tcls."""
    options = [f"--junitxml={report(folder, name)}"]
    if program:
        options.append(f"--tcltest-interpreter={shlex.quote(program)}")
    return start_pytest(shown, *_SUITES, *options, *arguments, python=python)


def disagreement(by_tcl: dict[str, set[str]]) -> bool:
    """Say how many tests have passed in each Tcl, and which not in all; whether there are such."""
    print("tests/tcl: " + ", ".join(f"{len(names)} passed in {tcl}" for tcl, names in by_tcl.items()))
    everywhere = set.intersection(*by_tcl.values())
    odd = sorted(set.union(*by_tcl.values()) - everywhere)
    for name in odd:
        where = " and ".join(tcl for tcl, names in by_tcl.items() if name in names)
        print(f"passed only in {where}: {name}")
    sys.stdout.flush()
    return bool(odd)


def report(folder: Path, name: str) -> Path:
    return folder / f"{name}.xml"


def verdict(statuses: list[int]) -> int:
    """The status of several runs: the first that is bad; that there was no test only if none had any."""
    bad = [status for status in statuses if status not in (0, _NO_TESTS)]
    return bad[0] if bad else min(statuses)


def start_pytest(
    output: IO[str] | int, *arguments: str, python: str = sys.executable
) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "TCLLIBPATH": str(CHECKOUT / "tclpkg"),
        "TORCH_TCL_PYTHON": python,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments], cwd=CHECKOUT, env=environment, stdout=output
    )


def passed(path: Path) -> set[str]:
    """The tests of tests/tcl that a run has passed; none when it wrote no report."""
    if not path.exists():
        return set()
    return {
        f"{case.get('classname')}::{case.get('name')}"
        for case in ElementTree.parse(path).iter("testcase")
        if case.get("classname", "").startswith("tests.tcl.") and not len(case)
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
