"""The tcltest suites of tests/tcl, each run by the program; tcltest's own counts decide.

A suite with failing tests, or in which no test ran, leaves the interpreter with status 0.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pybridge.tcl_list import join_list

SUITES = sorted((Path(__file__).parent / "tcl").glob("*.test"))
_PROGRAM = [sys.executable, "-m", "pybridge"]
_COUNTS = re.compile(r"^\S*:\s+Total\s+(\d+)\s+Passed\s+(\d+)\s+Skipped\s+(\d+)\s+Failed\s+(\d+)\s*$", re.M)
_SECONDS = 120


def run_suite(path: Path, folder: Path) -> None:
    """Run a suite; scratch files go into `folder`.

    Raises:
        AssertionError: a test failed or was skipped, none ran, or the suite did not reach its end.
    """
    environment = {**os.environ, "TCLTORCH": join_list(_PROGRAM)}  # for program.test
    environment.pop("TCLTEST_OPTIONS", None)
    run = subprocess.run(
        [*_PROGRAM, str(path), "-tmpdir", str(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_SECONDS,
        env=environment,
        check=False,
    )
    shown = f"{path.name} ended with status {run.returncode}\n{run.stdout}\n{run.stderr}"
    counts = _COUNTS.findall(run.stdout)
    assert len(counts) == 1, f"no counts: {shown}"
    total, passed, skipped, failed = map(int, counts[0])
    assert failed == 0, f"{failed} failed: {shown}"
    assert skipped == 0, f"{skipped} skipped: {shown}"
    assert 0 < passed == total, f"{passed} of {total} passed: {shown}"
    assert run.stderr == "", f"an error: {shown}"
    assert run.returncode == 0, f"an error: {shown}"


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.stem)
def test_suite(suite: Path, tmp_path: Path) -> None:
    run_suite(suite, tmp_path)


def test_there_are_suites():
    names = {path.stem for path in SUITES}
    assert names >= {
        "syntax",
        "values",
        "bulk",
        "exact",
        "memory",
        "scope",
        "local",
        "program",
        "seed_examples",
    }


# -- the runner itself -----------------------------------------------------------------------------------

_HEAD = "package require tcltest 2.5\nnamespace import ::tcltest::test\n"
_GOOD = "test a-1.1 {right} -body {expr {1 + 1}} -result 2\n"
_BAD = "test a-1.2 {wrong} -body {expr {1 + 1}} -result 3\n"
_SKIPPED = "test a-1.3 {skipped} -constraints nowhere -body {expr {1 + 1}} -result 2\n"
_END = "::tcltest::cleanupTests\n"


def run_text(text: str, folder: Path) -> None:
    path = folder / "sample.test"
    path.write_text(text, encoding="utf-8")
    run_suite(path, folder)


def test_the_runner_accepts_a_good_suite(tmp_path):
    run_text(_HEAD + _GOOD + _END, tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(_HEAD + _GOOD + _BAD + _END, "1 failed: .*a-1.2 wrong FAILED", id="a failing test"),
        pytest.param(_HEAD + _GOOD + _SKIPPED + _END, "1 skipped: ", id="a skipped test"),
        pytest.param("", "no counts: ", id="an empty file"),
        pytest.param(_HEAD + _END, "0 of 0 passed: ", id="no test"),
        pytest.param(_HEAD + _GOOD, "no counts: ", id="no end"),
        pytest.param(_HEAD + _GOOD + "exit 0\n" + _END, "no counts: ", id="left half-way"),
        pytest.param(_HEAD + _GOOD + "error boom\n" + _END, "no counts: .*boom", id="died half-way"),
        pytest.param(_HEAD + _GOOD + _END + "error boom\n", "an error: .*boom", id="died after its end"),
        pytest.param(_HEAD + _GOOD + "puts stderr boom\n" + _END, "an error: .*boom", id="complained"),
        pytest.param(_HEAD + _GOOD + _END + "exit 3\n", "an error: .*status 3", id="left with a status"),
    ],
)
def test_the_runner_catches(text, complaint, tmp_path):
    with pytest.raises(AssertionError, match=f"(?s){complaint}"):
        run_text(text, tmp_path)


def test_the_runner_catches_a_suite_that_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "_SECONDS", 1)
    with pytest.raises(subprocess.TimeoutExpired):
        run_text(_HEAD + _GOOD + "vwait forever\n" + _END, tmp_path)
