"""The option with which the pytest plugin compares what a file counts with a run without pytest."""

import os
from pathlib import Path

import pytest

from tests.processes import eventually, is_running
from tests.tcltest_odd_totals import TOTALS
from tests.tcltest_suites import HANG, HEAD, TIMEOUT, run, stop_clock, suite, write

pytest_plugins = ["pytester"]

GOOD = "test a-1 {} {expr 1} 1\ntest a-2 {} -constraints nope -body {}\ntest a-3 {} {expr 1} 2"
LEAVES_ONE = "set f [open left a]; puts $f [exec sleep 1000 &]; close $f"
LOOKING = "test b-1 {} {namespace exists ::pytest_tcltest} 0\ntest b-2 {} {expr 1} 1"


@pytest.mark.parametrize("interpreter", ["tclsh", ""])
def test_the_same_counts_are_no_news(pytester: pytest.Pytester, interpreter: str) -> None:
    write(pytester, a=suite(GOOD), c=f"{HEAD}test c-1 {{}} {{expr 1}} 1")
    result = run(pytester, "--tcltest-compare", f"--tcltest-interpreter={interpreter}")
    assert result.parseoutcomes() == {"passed": 2, "skipped": 1, "failed": 1}
    result.stdout.no_fnmatch_line("*counts differ*")
    result.stdout.fnmatch_lines(["counts compared with a run without pytest: 2 files"])


def test_the_file_is_run_in_its_folder(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("sub")
    (folder / "helper.tcl").write_text("proc one {} {return 1}\n")
    (folder / "s.test").write_text(suite("source helper.tcl\ntest s-1 {} {one} 1"))
    assert run(pytester, "--tcltest-compare").parseoutcomes() == {"passed": 1}


def test_other_counts_are_an_error(pytester: pytest.Pytester) -> None:
    write(pytester, a=suite(GOOD), b=suite(LOOKING))
    pytester.makeini("[pytest]\ntcltest_compare = true")
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 2, "skipped": 1, "failed": 2, "errors": 1}
    alone, observed = "2 passed, 0 skipped, 0 failed", "1 passed, 0 skipped, 1 failed"
    result.stdout.fnmatch_lines([f"E   counts differ: * alone {alone}, with pytest {observed}.*"])


def test_what_does_not_end_or_prints_no_totals_alone(pytester: pytest.Pytester) -> None:
    alone = "if {![namespace exists ::pytest_tcltest]}"
    write(pytester, a=suite(f"{GOOD}\n{alone} {{exit 0}}"), b=suite(f"{GOOD}\n{alone} {{vwait forever}}"))
    result = run(pytester, "--tcltest-compare", f"--tcltest-timeout={TIMEOUT}")
    assert result.parseoutcomes() == {"passed": 2, "skipped": 2, "failed": 2, "errors": 2}
    result.stdout.fnmatch_lines(
        [
            "E   * alone ended with status 0 and printed no totals to standard output; with pytest 1 *",
            f"E   * alone took more than {TIMEOUT} seconds (tcltest_timeout)",
            "counts compared with a run without pytest: 0 files; "
            "not a.test, b.test, which did not end or printed no totals there",
        ]
    )


def test_what_takes_too_long_with_pytest_is_not_compared(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of how many tests there is no result then says nothing of what the suite looks for."""
    stop_clock(pytester, monkeypatch)
    hangs = f"test a-4 {{}} {{if {{[namespace exists ::pytest_tcltest]}} {{{HANG}}}; expr 1}} 1"
    write(pytester, a=suite(f"{GOOD}\n{hangs}"))
    result = run(pytester, "--tcltest-compare")
    assert result.parseoutcomes() == {"passed": 1, "skipped": 1, "failed": 2}
    result.stdout.no_fnmatch_line("*counts differ*")
    result.stdout.fnmatch_lines(["*: 0 files; not a.test, of which not all tests have run"])


def test_totals_of_a_child_that_only_the_suite_prints_are_the_same(pytester: pytest.Pytester) -> None:
    reads, _ = TOTALS["totals_that_a_suite_reads_from_a_file"]
    of_another = r'puts "b.test:\tTotal\t1\tPassed\t0\tSkipped\t0\tFailed\t1"'
    write(pytester, a=f"{HEAD}{reads}\n{of_another}\n")
    result = run(pytester, "--tcltest-compare")
    assert result.parseoutcomes() == {"passed": 1, "failed": 1, "warnings": 1}
    result.stdout.fnmatch_lines(["counts compared with a run without pytest: 1 file"])


def test_a_mode_that_is_only_there_with_pytest_is_told(pytester: pytest.Pytester) -> None:
    write(pytester, a=suite("test a-1 {} -body {expr 0.1 + 0.2} -match approx -result 0.3"))
    result = run(pytester, "--tcltest-compare")
    told = "package require torch::tcltest has it without pytest, too"
    result.stdout.fnmatch_lines([f'E   * (bad -match value "approx": *; {told}); with pytest 1 passed, *'])


def test_where_some_tests_are_selected_nothing_is_compared(pytester: pytest.Pytester) -> None:
    write(pytester, a=suite(GOOD), b=suite(LOOKING))
    result = run(pytester, "--tcltest-compare", "-k", "b-2 or a-")
    assert result.parseoutcomes() == {"passed": 2, "skipped": 1, "failed": 1, "deselected": 1}
    result.stdout.fnmatch_lines(
        ["counts compared with a run without pytest: 1 file; not b.test, of which not all tests have run"]
    )


def test_arguments_are_those_of_the_run(pytester: pytest.Pytester) -> None:
    write(pytester, a=suite(GOOD))
    result = run(pytester, "--tcltest-compare", "--tcltest-args=-skip a-3 -constraints nope")
    assert result.parseoutcomes() == {"passed": 2, "skipped": 1}


def test_a_setup_script_cannot_be_compared(pytester: pytest.Pytester) -> None:
    write(pytester, a=suite(GOOD))
    (pytester.path / "setup.tcl").write_text("")
    result = run(pytester, "--tcltest-compare", "--tcltest-setup=setup.tcl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --tcltest-compare cannot have a set-up script (tcltest_setup): *"])


def test_why_there_are_no_totals(pytester: pytest.Pytester) -> None:
    write(pytester, a=suite("test a-1 {} -body {expr 0.1 + 0.2} -match approx -result 0.3"))
    result = run(pytester, "--tcltest-compare", "a.test")
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(
        ["E   * alone ended with status 1 and printed no totals * (*approx*); with pytest *"]
    )


def test_what_is_left_behind_does_not_hold_it_up(pytester: pytest.Pytester) -> None:
    write(pytester, a=suite(f"{LEAVES_ONE}\ntest a-1 {{}} {{expr 1}} 1"))
    assert run(pytester, "--tcltest-compare").parseoutcomes() == {"passed": 1}
    left = (pytester.path / "left").read_text().split()
    assert len(left) == 3  # by the search for tests, the run and the one without pytest
    eventually(lambda: not any(map(is_running, left)))


def test_no_group_is_killed_whose_number_may_be_another_s(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the first process of a group is waited for, the kernel may give its number to a new one."""
    is_there = []

    def kill(group: int, number: int) -> None:
        is_there.append(Path(f"/proc/{group}").exists())
        kill_group(group, number)

    kill_group = os.killpg
    write(pytester, a=suite(f"{LEAVES_ONE}\ntest a-1 {{}} {{expr 1}} 1"))
    monkeypatch.setattr(os, "killpg", kill)
    assert run(pytester, "--tcltest-compare").parseoutcomes() == {"passed": 1}
    assert is_there == [True] * 3


def test_what_a_mark_skips_is_not_compared(pytester: pytest.Pytester) -> None:
    write(pytester, a=suite("test a-1 {} {expr 1} 1\ntest a-2 {} {expr 1} 1"))
    pytester.makeconftest("""
import pytest

def pytest_collection_modifyitems(items):
    items[0].add_marker(pytest.mark.skip)
""")
    result = run(pytester, "--tcltest-compare")
    assert result.parseoutcomes() == {"passed": 1, "skipped": 1}


def test_a_name_that_looks_like_an_option(pytester: pytest.Pytester) -> None:
    (pytester.path / "-dash.test").write_text(suite("test a-1 {} {expr 1} 1"))
    assert run(pytester, "--tcltest-compare").parseoutcomes() == {"passed": 1}


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_tell_what_they_have_compared(pytester: pytest.Pytester, workers: int) -> None:
    write(pytester, a=suite(GOOD), b=suite(LOOKING), c=f"{HEAD}error bang")
    result = run(pytester, "--tcltest-compare", "-p", "xdist", f"-n{workers}", "--dist", "loadfile")
    assert result.parseoutcomes() == {"passed": 2, "skipped": 1, "failed": 2, "errors": 2}
    told = "counts compared with a run without pytest: 2 files; not c.test, of which not all tests have run"
    assert result.outlines.count(told) == 1


def test_the_only_file_is_broken(pytester: pytest.Pytester) -> None:
    write(pytester, a=f"{HEAD}error bang")
    run(pytester, "--tcltest-compare").stdout.fnmatch_lines(
        ["counts compared with a run without pytest: 0 files; not a.test, of which not all tests have run"]
    )


PRINTS = 'puts "\\nsub.test:\\tTotal\\t5\\tPassed\\t5\\tSkipped\\t0\\tFailed\\t0"'


def test_totals_that_a_body_prints_are_not_those_of_tcltest(pytester: pytest.Pytester) -> None:
    children = """
        interp create kid
        kid eval {package require tcltest; tcltest::test k-1 {} {expr 1} 1; tcltest::cleanupTests}
    """
    sourced = "test c-1 {} {expr 1} 1\nsource d.tcl"
    write(pytester, a=suite(f"test a-1 {{}} {{{PRINTS}; expr 1}} 1"), b=suite(children + GOOD))
    write(pytester, c=HEAD + sourced, é=suite(f"test e-1 {{}} {{{PRINTS}; expr 1}} 1"))
    (pytester.path / "d.tcl").write_text(suite(f"test d-1 {{}} {{{PRINTS}; expr 1}} 1"))
    result = run(pytester, "--tcltest-compare")
    assert result.parseoutcomes() == {"passed": 6, "skipped": 1, "failed": 1}
    result.stdout.fnmatch_lines(["counts compared with a run without pytest: 4 files"])


def test_totals_of_the_same_name_may_be_of_a_tcltest_that_was_not_seen(pytester: pytest.Pytester) -> None:
    write(pytester, a=suite(f"test a-1 {{}} {{{PRINTS.replace('sub', 'a')}; expr 1}} 1"))
    result = run(pytester, "--tcltest-compare")
    assert result.parseoutcomes() == {"passed": 6, "warnings": 1}
    counted = "(counted) (5 times): was counted by tcltest, but no test told: *or it ran where pytest sees no"
    result.stdout.fnmatch_lines([f"*TclTestWarning: {counted} tests"])
