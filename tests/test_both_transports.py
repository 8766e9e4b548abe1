"""`make test` runs the suites of tests/tcl in two transports, and compares."""

import subprocess
import sys
from pathlib import Path

import pytest

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
    ("statuses", "inside", "stock", "status"),
    [
        ([0, 0], {"a", "b"}, {"a", "b"}, 0),
        ([0, 0], {"a", "b"}, {"a"}, 1),
        ([0, 0], {"a"}, {"a", "b"}, 1),
        ([1, 0], {"a"}, {"a"}, 1),
        ([0, 2], {"a"}, set(), 2),
        ([0], set(), set(), 0),
        ([5], set(), set(), 5),  # no test at all
        ([0, 5], {"a"}, set(), 1),
    ],
)
def test_verdict(
    statuses: list[int], inside: set[str], stock: set[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict(statuses, inside, stock) == status
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"tests/tcl: {len(inside)} passed in tcltorch, {len(stock)} passed in tclsh"
    if 1 not in statuses and 2 not in statuses:
        where = {"tcltorch": inside - stock, "tclsh": stock - inside}
        assert rest == [f"passed only in {name}: {each}" for name, only in where.items() for each in only]


def test_both_runs() -> None:
    words = ("-q", "tests/tcl/no_grad.test", "tests/test_tcl_list.py", "-k", "no_grad-99.1 or join")
    ended = subprocess.run(
        [sys.executable, "tests/both_transports.py", *words], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "tests/tcl: 1 passed in tcltorch, 1 passed in tclsh"
