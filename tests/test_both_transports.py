"""`make test` runs the suites of tests/tcl in two transports, and compares."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import both_transports
from tests.both_transports import CHECKOUT, passed, verdict

REPORT = """<testsuites><testsuite>
<testcase classname="tests.tcl.scope.test" name="scope-1.1" />
<testcase classname="tests.tcl.scope.test" name="scope-1.2"><failure message="no">no</failure></testcase>
<testcase classname="tests.tcl.scope.test" name="scope-1.3"><skipped message="no">no</skipped></testcase>
<testcase classname="tests.test_values" name="test_one" />
</testsuite></testsuites>"""


def test_what_a_report_tells(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    assert passed(report) == set()
    report.write_text(REPORT)
    assert passed(report) == {"tests.tcl.scope.test::scope-1.1"}


@pytest.mark.parametrize(
    ("statuses", "status"), [([0, 0], 0), ([0, 1], 1), ([2, 1], 2), ([5, 0], 0), ([5, 5], 5), ([5, 1], 1)]
)
def test_verdict(statuses: list[int], status: int) -> None:
    assert verdict(statuses) == status


def test_what_passed_in_one_transport_only_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = iter([{"a", "b"}, {"a"}])
    monkeypatch.setattr(both_transports, "passed", lambda report: next(counts))
    monkeypatch.setattr(both_transports, "start_pytest", lambda *words: subprocess.Popen("true"))
    assert both_transports.compare([]) == 1
    assert capsys.readouterr().out.split("\n")[1:] == [
        "tests/tcl: 2 passed in tcltorch, 1 passed in tclsh",
        "passed only in tcltorch: b",
        "",
    ]


def test_which_run_a_file_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def compare(words: list[str]) -> int:
        ran.append(words)
        return 0

    def start(_: object, *words: str) -> "subprocess.Popen[bytes]":
        ran.append(list(words))
        return subprocess.Popen("true")

    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setattr(both_transports, "compare", compare)
    monkeypatch.setattr(both_transports, "start_pytest", start)
    suite, program = "tests/tcl/scope.test::scope-1.1", "tests/program/program.test"
    assert both_transports.main(["-x", suite]) == 0
    assert both_transports.main(["-x", program, "tests/test_show.py::test_one"]) == 0
    others = [*both_transports._OTHERS, "-x"]
    assert ran == [["-x", suite, "-n0"], [*others, program, "tests/test_show.py::test_one"]]


def test_both_runs() -> None:
    # tests/conftest.py would import PyTorch, in three processes.
    options = ("-q", "-n0", "--noconftest", "-k", "no_grad-99.1 or join")
    words = (*options, "tests/tcl/no_grad.test", "tests/test_tcl_list.py")
    ended = subprocess.run(
        [sys.executable, "tests/both_transports.py", *words], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "tests/tcl: 1 passed in tcltorch, 1 passed in tclsh" in ended.stdout.splitlines()
