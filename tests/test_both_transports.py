"""`make test` runs the suites of tests/tcl in both transports and in Tcl 9.0, and compares."""

import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests import both_transports
from tests.both_transports import CHECKOUT, passed, verdict
from tests.processes import eventually

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


def test_what_has_not_passed_everywhere_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    by_tcl = {"tcltorch": {"a", "b", "c"}, "tclsh": {"a", "c"}, "tclsh9.0": {"a", "b"}}
    monkeypatch.setattr(both_transports, "interpreters", lambda: dict.fromkeys(by_tcl, "tclsh"))
    monkeypatch.setattr(both_transports, "passed", lambda path: by_tcl[path.stem])
    monkeypatch.setattr(both_transports, "start_pytest", lambda *words, python: subprocess.Popen("true"))
    monkeypatch.setattr(both_transports, "forking_python", lambda: nullcontext("python"))
    assert both_transports.compare([]) == 1
    assert capsys.readouterr().out.strip().split("\n") == [
        "tests/tcl: 3 passed in tcltorch, 2 passed in tclsh, 2 passed in tclsh9.0",
        "passed only in tcltorch and tclsh9.0: b",
        "passed only in tcltorch and tclsh: c",
    ]


def test_no_tclsh_of_tcl_9_is_told_and_fails_where_nothing_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(both_transports, "CHECKOUT", tmp_path)
    monkeypatch.delenv("TCLTORCH_NO_SKIPS", raising=False)
    assert list(both_transports.interpreters()) == ["tcltorch", "tclsh"]
    assert capsys.readouterr().out.startswith("tests/tcl is not run in tclsh9.0: there is none")
    monkeypatch.setenv("TCLTORCH_NO_SKIPS", "1")
    with pytest.raises(SystemExit, match="and there is none"):
        both_transports.interpreters()


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


@pytest.mark.parametrize(("suites", "others", "status"), [(0, 0, 0), (1, 0, 1), (0, 3, 3)])
def test_without_arguments_all_run_side_by_side_and_the_others_print_last(
    suites: int,
    others: int,
    status: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    script = f"import sys; print('others'); open('printed', 'w'); sys.exit({others})"

    def start(output: int, *words: str) -> "subprocess.Popen[bytes]":
        assert words == both_transports._OTHERS
        return subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=output)

    def compare(words: list[str]) -> int:
        eventually((tmp_path / "printed").exists)
        print("suites")
        return suites

    monkeypatch.setattr(both_transports, "compare", compare)
    monkeypatch.setattr(both_transports, "start_pytest", start)
    assert both_transports.main([]) == status
    assert capsys.readouterr().out == "suites\nothers\n"


def test_the_others_do_not_go_on_when_there_is_no_tcl_9(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(output: int, *_: str) -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen(["sleep", "1000"], stdout=output))
        return started[0]

    def compare(_: object) -> int:
        sys.exit("there is none")

    monkeypatch.setattr(both_transports, "compare", compare)
    monkeypatch.setattr(both_transports, "start_pytest", start)
    with pytest.raises(SystemExit, match="there is none"):
        both_transports.main([])
    assert started[0].returncode == -signal.SIGTERM


def test_all_runs() -> None:
    # tests/conftest.py would import PyTorch, in four processes more.
    options = ("-q", "-n0", "--noconftest", "-k", "no_grad-99.1 or comment")
    words = (*options, "tests/tcl/no_grad.test", "tests/test_tcl_list.py")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.both_transports", *words], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed in tcltorch, 1 passed in tclsh" in ended.stdout
    assert ", 1 passed in tclsh9.0" in ended.stdout or "not run in tclsh9.0" in ended.stdout
