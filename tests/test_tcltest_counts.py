"""The pytest plugin's counts are tclsh's where the search and the run differ, or totals leave tests out."""

import os
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import pytest

from pybridge.tcltest import collection
from pybridge.tcltest.process import TclProcess
from pybridge.tcltest.shared import search_once
from tests.processes import PATIENCE
from tests.tcltest_odd_suites import ODD
from tests.tcltest_suites import (
    END,
    FAKE_HANDLES,
    HANG,
    HEAD,
    TCLSH,
    UNFORESEEN,
    assert_counts_in_one_process,
    outcomes,
    run,
    status_of,
    stop_clock,
    suite,
    tclsh_counts,
    write,
)

pytest_plugins = ["pytester"]


SUITES = UNFORESEEN | ODD


@pytest.mark.parametrize("name", SUITES)
def test_counts_are_tclshs(pytester, name):
    text, warned = SUITES[name]
    write(pytester, **{name: HEAD + text})
    theirs = tclsh_counts(pytester.path / f"{name}.test")
    write(pytester, **{name: HEAD + text})  # some delete themselves
    result = run(pytester)
    assert outcomes(result) == theirs
    assert result.ret == (1 if theirs[2] else 0 if sum(theirs) else pytest.ExitCode.NO_TESTS_COLLECTED)
    warnings = [line for line in result.outlines if "TclTestWarning: " in line]
    if warned is not None:
        assert [line.partition("Warning: ")[2].split(": ")[0] for line in warnings] == warned


def test_counts_of_many_files_in_one_process_are_tclshs(pytester):
    names = ["after", "cleaned_in_a_body", "cleaned_twice", "coroutines", "gone", "made_by_a_body"]
    names += ["loads_tcltest_again", "many_threads", "safe_base"]
    names += ["only_a_tcltest_of_another_name", "program_that_prints_totals"]
    names += ["sets_the_system_encoding", "threads"]
    write(pytester, **{name: HEAD + SUITES[name][0] for name in names})
    assert_counts_in_one_process(pytester, *names)


# -- totals that are caught, or of another ---------------------------------------------------------------


def test_what_a_skipped_of_the_suites_own_counts_in_no_total_is_counted(pytester):
    """And what is not selected does not run, whatever it says."""
    text = suite(
        """
        proc ::tcltest::Skipped {name constraints} {string match slow* $name}
        test s-1 {} {expr 1} 1
        test slow-1 {} {expr 1} 1
        test s-2 {} nope {expr 1} 2
        """
    )
    write(pytester, a=text)
    printed = subprocess.run([*TCLSH, "a.test"], cwd=pytester.path, capture_output=True, text=True).stdout
    assert "Total\t0\tPassed\t1\tSkipped\t0\tFailed\t1" in printed
    assert outcomes(run(pytester, "--tcltest-compare")) == (1, 0, 1)
    assert outcomes(run(pytester, "a.test::s-1")) == (1, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "configure -outfile own.out\ntest a-1 {} {expr 1} 1\ncleanupTests\ncleanupTests\n",
        "proc drop args {}\ntest a-1 {} {interp create kid; kid alias puts drop; "
        "kid eval {package require tcltest; ::tcltest::cleanupTests}} {}\n",
    ],
    ids=["in a file", "of a child that are caught"],
)
def test_totals_of_no_tests_that_are_kept_back_are_none(pytester, text):
    write(pytester, a=HEAD + text)
    assert run(pytester).parseoutcomes() == {"passed": 1}


@pytest.mark.parametrize("another", ["kid eval", "thread::send [thread::create]"])
def test_a_file_that_exits_behind_the_totals_of_another_has_ended_too_early(pytester, another):
    tests = "package require tcltest; ::tcltest::test k-1 {} {expr 1} 1; ::tcltest::cleanupTests"
    own = "test a-1 {} {set ::ran 1} 1\nif {[info exists ran]} exit\ntest a-2 {} {expr 1} 2"
    write(pytester, a=suite(f"package require Thread\ninterp create kid\n{another} {{{tests}}}\n{own}"))
    result = run(pytester)
    result.stdout.fnmatch_lines(["E   not run: the process ended with status 0 before the end of *"])


CAUGHT = """
interp create probe
probe alias puts list
probe eval {package require tcltest; ::tcltest::test x-1 {} {expr 1} 2; ::tcltest::cleanupTests}
"""


@pytest.mark.parametrize("made", [CAUGHT, f"test p-1 {{}} {{{CAUGHT}}} {{}}\n"], ids=["", "in a body"])
def test_a_failed_test_whose_totals_are_caught_is_no_pass(pytester, made):
    write(pytester, a=suite(made + "test p-2 {} {expr 1} 1"))
    passed, _, failed = tclsh_counts(pytester.path / "a.test")
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": passed, "errors": 1}
    assert failed == 0
    result.stdout.fnmatch_lines(["E   result should have been: 2"])


def test_a_child_that_reports_to_standard_error_is_seen(pytester):
    text = suite(
        """
        interp create kid
        kid eval {
            package require tcltest
            tcltest::configure -outfile stderr
            tcltest::test k-1 {} {expr 1} 1
            tcltest::test k-2 {} {expr 1} 2
            tcltest::cleanupTests
        }
        test a-1 {} {expr 1} 1
        """
    )
    write(pytester, a=text)
    printed = subprocess.run([*TCLSH, "a.test"], cwd=pytester.path, capture_output=True, text=True)
    assert "Total\t1\tPassed\t1\tSkipped\t0\tFailed\t0" in printed.stdout
    assert "Total\t2\tPassed\t1\tSkipped\t0\tFailed\t1" in printed.stderr
    assert outcomes(run(pytester)) == (2, 0, 1)


@pytest.mark.parametrize("end", ["error boom", "exit 2"])
def test_a_file_that_dies_counts_what_a_child_of_a_body_has_printed(pytester, end):
    """Its own tests are in no totals, as where it does not die."""
    only_child, _ = SUITES["child_of_a_body_with_the_only_totals"]
    write(pytester, a=HEAD + only_child + end + "\n")
    assert tclsh_counts(pytester.path / "a.test") == (1, 0, 1)
    found = run(pytester).parseoutcomes()
    assert (found["passed"], found["failed"], found.get("skipped", 0)) == (1, 1, 0)
    assert found["errors"]


@pytest.mark.parametrize("end", ["test a-2 {} {exit} {}", "if {[info exists made]} {error boom}"])
@pytest.mark.parametrize(
    "another", ["interp create kid; kid eval {%s}", "thread::join [thread::create -joinable {%s}]"]
)
def test_what_another_interpreter_has_printed_counts_where_a_file_ends_too_early(pytester, another, end):
    """Whether it comes to its own totals is not known before: the search does not run what ends it."""
    tests = another % (HEAD + "test k-1 {} {expr 1} 1\ntest k-2 {} nope {expr 1} 1\ncleanupTests\n")
    write(pytester, a=suite(f"package require Thread\n{tests}\ntest a-1 {{}} {{set ::made 1}} 1\n{end}"))
    assert tclsh_counts(pytester.path / "a.test") == (1, 1, 0)
    found = run(pytester).parseoutcomes()
    assert (found["passed"], found["skipped"], found.get("failed", 0)) == (1, 1, 0)
    assert found["errors"]


# -- what the search did not find ------------------------------------------------------------------------


HIDDEN = suite(
    FAKE_HANDLES
    + """
    test a-1 {} {set ::made 1} 1
    if {[info exists made]} {
        test b::a-2 {is made} -body {puts written; expr 1} -result 2
        test a-3 {} nowhere {expr 1} 1
        test a-1 {} {lappend torch::live tensor7; expr 1} 1
    }
    test a-4 {} {expr 1} 1
    """
)


def test_a_test_that_the_search_did_not_find_is_reported_as_any_other(pytester):
    write(pytester, a=HIDDEN)
    assert tclsh_counts(pytester.path / "a.test") == (3, 1, 1)
    result = run(pytester, "-v", "-rfs", "--junitxml=out.xml")
    assert status_of(result) == {
        "a.test::a-1": "PASSED",
        "a.test::b::a-2": "FAILED",
        "a.test::a-3": "SKIPPED",
        "a.test::a-1[2]": "PASSED",
        "a.test::a-4": "PASSED",
    }
    result.stdout.fnmatch_lines(
        [
            "*_ b::a-2 is made _*",
            "    puts written; expr 1",
            "E   result was: 1",
            "a.test:7: b::a-2",
            "*Captured stdout call*",
            "written",
            "*leaked torch handles*",
            "a.test::a-1[[]2]: tensor7",
            "FAILED a.test::b::a-2 - got 1, expected 2",
            "SKIPPED [[]1] a.test:8: constraint not met: nowhere",
        ]
    )
    (counts,) = (each.attrib for each in ElementTree.parse(pytester.path / "out.xml").iter("testsuite"))
    assert [counts[name] for name in ("tests", "failures", "skipped", "errors")] == ["5", "1", "1", "0"]
    assert outcomes(run(pytester, "--tcltest-strict-leaks")) == (2, 1, 2)


def test_what_the_search_did_not_find_stops_at_the_first_failure_too(pytester):
    late = HIDDEN.replace("if {[info", "after 300\nif {[info")
    write(pytester, a=HIDDEN, b=late, c=suite("test c-1 {} {expr 1} 1"))
    for path in ("a.test", "b.test"):
        result = run(pytester, "-x", "-v", path, "c.test")
        assert result.ret == 1
        assert status_of(result) == {f"{path}::a-1": "PASSED", f"{path}::b::a-2": "FAILED"}


def test_each_report_is_about_the_item_that_runs(pytester):
    """As a worker of pytest-xdist asserts before it passes a report on."""
    write(pytester, a=HIDDEN)
    pytester.makeconftest(
        """
        import pytest

        class Worker:
            def pytest_sessionstart(self, session):
                self.session = session

            @pytest.hookimpl(hookwrapper=True, tryfirst=True)
            def pytest_runtest_protocol(self, item):
                self.index = self.session.items.index(item)
                yield
                assert self.session.items[self.index] is item

            def pytest_runtest_logreport(self, report):
                assert self.session.items[self.index].nodeid == report.nodeid

        def pytest_configure(config):
            config.pluginmanager.register(Worker())
        """
    )
    assert outcomes(run(pytester)) == (3, 1, 1)


NEEDS_PROTOCOL = """
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    item.phases = []
    yield

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    item.phases.append("setup")
    yield

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    item.phases.append(call.when)
    yield
    if call.when == "teardown":
        print()
        print(item.name, *item.phases)
"""


def test_what_the_search_did_not_find_passes_all_hooks_of_other_plugins(pytester):
    """As pytest-json-report needs it, which keeps in the item what it is told before the item is set up."""
    late = "if {[info exists made]} {test a-6 {the last} {expr 1} 1}\n"
    pytester.makeconftest(NEEDS_PROTOCOL)
    write(pytester, a=HIDDEN.replace(END, "") + late + END, b=suite("test b-1 {} {expr 1} 1"))
    result = run(pytester, "-s")
    assert outcomes(result) == (5, 1, 1)
    phases = {line.split()[0] for line in result.outlines if line.endswith(" setup setup call teardown")}
    assert phases == {"a-1", "b::a-2", "a-3", "a-1[2]", "a-4", "a-6", "b-1"}


REPEATS = """
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    yield
    if call.when == "call" and call.excinfo:
        item.ihook.pytest_runtest_teardown(item=item, nextitem=item)
        item._initrequest()
        item.ihook.pytest_runtest_setup(item=item)
        repeated = pytest.CallInfo.from_call(lambda: item.ihook.pytest_runtest_call(item=item), "call")
        assert type(repeated.excinfo.value) is type(call.excinfo.value)
"""


def test_a_test_that_another_plugin_repeats_fails_again(pytester):
    """As with pytest-retry: without an item's `_initrequest` it ends pytest."""
    pytester.makeconftest(REPEATS)
    write(pytester, a=suite("test a-1 {} {expr 1} 2\ntest a-2 {} {expr 1} 1"))
    assert outcomes(run(pytester)) == (1, 0, 1)


QUIET = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.pluginmanager.unregister(name="terminalreporter")
    config.pluginmanager.register(Quiet(config), "terminalreporter")

class Quiet:
    def __init__(self, config):
        self.config = config

    def pytest_runtest_logstart(self, nodeid, location):
        print("begins", nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self):
        print("the end")

    def pytest_sessionfinish(self, exitstatus):
        self.config.hook.pytest_terminal_summary(
            terminalreporter=self, exitstatus=exitstatus, config=self.config
        )
"""


def test_another_plugin_may_report_in_the_place_of_pytest(pytester):
    """As pytest-tldr does."""
    pytester.makeconftest(QUIET)
    write(pytester, a=suite(FAKE_HANDLES + "test a-1 {} {lappend torch::live tensor7; expr 1} 1"))
    result = run(pytester, "-s")
    assert result.ret == 0
    assert {"begins a.test::a-1", "the end"} <= set(result.outlines)


def test_shuffled_items_of_two_files_are_reported_once(pytester):
    """pytest takes a file down each time it comes to an item of another one."""
    pytester.makeconftest(
        "def pytest_collection_modifyitems(items): items.sort(key=lambda item: item.name[2:])"
    )
    late = (
        suite("{0}test {1}-1 {{}} {{expr 1}} 1\ntest {1}-2 {{}} {{expr 1}} 1\n")
        + "test {1}-3 {{}} {{expr 1}} 1"
    )
    write(pytester, a=late.format("", "a"), b=late.format("", "b"))
    result = run(pytester, "-v")
    assert list(status_of(result)) == ["a.test::a-1", "b.test::b-1", "a.test::a-2", "b.test::b-2"]
    assert result.parseoutcomes() == {"passed": 4, "warnings": 2}


def test_of_a_selection_only_those_run_that_it_names(pytester):
    write(pytester, a=HIDDEN)
    result = run(pytester, "-v", "-k", "a-1")
    assert status_of(result) == {"a.test::a-1": "PASSED", "a.test::a-1[2]": "PASSED"}
    result.stdout.fnmatch_lines(
        ["*TclTestWarning: b::a-2, a-3: were not run: only some tests were selected*them"]
    )


def test_a_mark_that_skips_a_test_selects_no_less(pytester):
    write(pytester, a=HIDDEN)
    pytester.makeconftest(
        "import pytest\ndef pytest_collection_modifyitems(items):\n"
        "    items[1].add_marker(pytest.mark.skip(reason='x'))"
    )
    assert outcomes(run(pytester)) == (2, 2, 1)


GONE = suite(
    """
    test a-1 {} {set ::made 1} 1
    if {![info exists made]} {test a-2 {} {expr 1} 1}
    """
)


def test_a_test_that_is_gone_is_warned_of(pytester):
    write(pytester, a=GONE)
    assert tclsh_counts(pytester.path / "a.test") == (1, 0, 0)
    result = run(pytester, "-v", "--junitxml=out.xml")
    assert status_of(result) == {"a.test::a-1": "PASSED"}
    result.stdout.fnmatch_lines(
        ["*TclTestWarning: a-2: was there when the file was searched for tests, but not when they ran"]
    )
    assert len(list(ElementTree.parse(pytester.path / "out.xml").iter("testcase"))) == 1
    result = run(pytester, "-W", "error")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*TclTestWarning: a-2: *"])


def test_a_test_that_was_selected_and_is_gone_is_an_error(pytester):
    write(pytester, a=suite(GONE + "test a-3 {} {expr 1} 1"))
    assert run(pytester, "-k", "a-1 or a-2").parseoutcomes() == {"passed": 1, "deselected": 1, "errors": 1}


def test_a_file_of_which_nothing_is_left_does_not_pass(pytester):
    write(pytester, a=suite("if {$::pytest_tcltest::plan(mode) eq {collect}} {test a-1 {} {expr 1} 1}"))
    result = run(pytester)
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["*TclTestWarning: a-1: *"])


# -- how a file ends -------------------------------------------------------------------------------------


def test_a_file_that_dies_takes_with_it_what_the_search_found(pytester):
    write(
        pytester,
        a=suite("test a-1 {} {set ::made 1} 1\nif {[info exists made]} {error boom}\ntest a-2 {} {} {}"),
    )
    assert outcomes(run(pytester)) == (1, 0, 1)


AFTER = (
    HEAD
    + "test a-1 {} {expr 1} 1\n"
    + END
    + """
    test a-2 {} {expr 1} 1
    test a-3 {} nowhere {expr 1} 1
    test a-4 {} {expr 1} 2
    """
)


@pytest.mark.parametrize("process", ["file", "session"])
def test_a_test_that_ends_its_file_with_an_error_has_failed(pytester, process):
    """As one that tcltest cannot write of, such as half a surrogate pair in Tcl 9."""
    once = "rename puts puts_; proc puts args {rename puts {}; rename puts_ puts; error {cannot write}}"
    lines = f"test a-1 {{}} {{{once}; expr 1}} 2\ntest a-2 {{}} {{expr 1}} 1"
    write(pytester, a=suite(lines), b=suite("test b-1 {} {expr 1} 1"))
    result = run(pytester, f"--tcltest-process={process}")
    assert outcomes(result) == (1, 0, 2)
    result.stdout.fnmatch_lines(["FAILED a.test::a-1 - the file ends with an error: a.test:3: cannot write"])
    assert "TclTestWarning" not in str(result.stdout)


def test_after_the_last_totals_only_failures_are_told_and_are_errors(pytester):
    """As tclsh prints `FAILED` for them, nothing for the others, and counts none of them."""
    write(pytester, a=AFTER)
    assert tclsh_counts(pytester.path / "a.test") == (1, 0, 0)
    result = run(pytester, "-v", "--junitxml=out.xml")
    assert status_of(result) == {"a.test::a-1": "PASSED", "a.test::a-4": "ERROR"}
    assert result.parseoutcomes() == {"passed": 1, "errors": 1, "warnings": 1}
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*_ ERROR at setup of a-4 (no description) _*",
            "E   result was: 1",
            "E   an error, not a failed test: no cleanupTests after it prints totals that count it",
            "a.test:8: a-4",
            "  */a.test:6: TclTestWarning: a-2, a-3: were run, but no cleanupTests after them prints *",
            "ERROR a.test::a-4 - got 1, expected 2",
        ]
    )
    (counts,) = (each.attrib for each in ElementTree.parse(pytester.path / "out.xml").iter("testsuite"))
    assert (counts["failures"], counts["errors"]) == ("0", "1")


def test_a_failure_between_two_totals_is_a_failed_test(pytester):
    """Though it is not known when it comes that others follow."""
    write(pytester, a=AFTER + END + "test a-5 {} {expr 1} 2\n")
    assert tclsh_counts(pytester.path / "a.test") == (2, 1, 1)
    result = run(pytester, "-v")
    assert list(status_of(result).values()) == ["PASSED", "PASSED", "SKIPPED", "FAILED", "ERROR"]
    assert list(status_of(run(pytester, "-v", "-x")).values()) == ["PASSED", "PASSED", "SKIPPED", "FAILED"]


@pytest.mark.parametrize("ends", ["exit 3", "exec kill -9 [pid]", HANG])
def test_what_ends_after_the_last_totals_takes_none_of_the_counts(pytester, monkeypatch, ends):
    stop_clock(pytester, monkeypatch)
    text = AFTER.replace("{expr 1} 2\n", f"{{{ends}}} 1\n") + "test a-5 {} {expr 1} 1\n"
    write(pytester, a=text + "test a-6 {} {expr 1} 1\n", b=suite("test b-1 {} {expr 1} 1"))
    result = run(pytester, "-v", "--tcltest-timeout=2")
    assert result.parseoutcomes() == {"passed": 2, "errors": 3, "warnings": 1}
    result.stdout.fnmatch_lines(
        ["ERROR a.test::a-5 - not run: the process *", "ERROR a.test::a-6 - not run: *"]
    )


def test_an_unforeseen_failure_after_the_last_totals_is_an_error_too(pytester):
    write(pytester, a=HIDDEN.replace("test a-1 {}", END + "test a-1 {}", 1).removesuffix(END))
    result = run(pytester, "-v")
    assert status_of(result) == {"a.test::b::a-2": "ERROR"}
    result.stdout.fnmatch_lines(["*ERROR at setup of b::a-2*", "ERROR a.test::b::a-2 - got 1, expected 2"])
    assert result.parseoutcomes() == {"errors": 1, "warnings": 1}


def test_a_test_that_is_expected_to_fail_may_do_so_after_the_last_totals(pytester):
    write(pytester, a=AFTER)
    pytester.makeconftest(
        "import pytest\ndef pytest_collection_modifyitems(items):\n"
        "    for item in items: item.add_marker(pytest.mark.xfail)"
    )
    assert run(pytester).parseoutcomes() == {"xpassed": 1, "xfailed": 1, "warnings": 1}


def test_a_leak_after_the_last_totals_is_told_when_strict(pytester):
    leaks = HEAD + FAKE_HANDLES + END + "test a-1 {} {lappend torch::live tensor7; expr 1} 1\n"
    write(pytester, a=leaks)
    assert outcomes(run(pytester)) == (0, 0, 0)
    assert run(pytester, "--tcltest-strict-leaks").parseoutcomes() == {"errors": 1, "warnings": 1}


@pytest.mark.parametrize("process", ["file", "session"])
def test_what_is_wrong_with_the_file_is_told_where_its_last_test_is_not(pytester, process):
    write(
        pytester, a=AFTER.replace("2\n", "1\n") + "if {$::pytest_tcltest::plan(mode) eq {run}} {error boom}"
    )
    write(pytester, b=suite("test b-1 {} {expr 1} 1"))
    result = run(pytester, f"--tcltest-process={process}")
    assert result.parseoutcomes() == {"passed": 2, "errors": 1, "warnings": 1}
    result.stdout.fnmatch_lines(["E   the file ends with an error: a.test:9: boom"])


def test_a_file_of_the_same_process_need_not_call_cleanuptests(pytester):
    write(pytester, a=HEAD + "test a-1 {} {expr 1} 1\n", b=suite("test b-1 {} {expr 1} 1"))
    assert outcomes(run(pytester, "--tcltest-process=session")) == (2, 0, 0)


CHILD = """
    interp create kid
    kid eval {
        package require tcltest
        ::tcltest::test k-1 {} {expr 1} 1
        ::tcltest::test k-2 {is wrong} {expr 1} 2
    }
"""


# -- children --------------------------------------------------------------------------------------------


def test_a_failure_in_a_child_is_told_though_no_totals_count_it(pytester):
    write(pytester, a=suite("test c-1 {} {expr 1} 1\n" + CHILD))
    result = run(pytester, "-v")
    assert status_of(result) == {"a.test::c-1": "PASSED", "a.test::kid::k-2": "ERROR"}
    result.stdout.fnmatch_lines(
        [
            "*_ ERROR at setup of kid::k-2 is wrong _*",
            "E   result was: 1",
            "a.test:9: kid::k-2",
            "*TclTestWarning: kid::k-1: *",
        ]
    )


def test_tests_of_a_child_can_be_selected(pytester):
    write(pytester, a=suite("test c-1 {} {expr 1} 1\n" + UNFORESEEN["children"][0]))
    assert status_of(run(pytester, "-v", "a.test::two")) == {
        "a.test::two::k-1": "PASSED",
        "a.test::two::k-2": "SKIPPED",
        "a.test::two::k-3": "FAILED",
    }


def test_the_tests_of_the_second_child_of_a_name_can_be_selected(pytester):
    write(pytester, a=suite("test c-1 {} {expr 1} 1\n" + UNFORESEEN["children"][0]))
    assert status_of(run(pytester, "-v", "a.test::one#2")) == {
        "a.test::one#2::k-1": "PASSED",
        "a.test::one#2::k-4": "PASSED",
    }
    assert outcomes(run(pytester, "a.test::one#2::k-4")) == (1, 0, 0)


@pytest.mark.parametrize("process", ["file", "session"])
def test_what_a_body_makes_has_names_of_its_own(pytester, process):
    """Where tests are searched for it is not made: the names of what is made later stay."""
    write(
        pytester,
        a=suite(
            """
            package require Thread
            set script {package require tcltest; tcltest::test t-1 {} {expr 1} 1; tcltest::cleanupTests}
            proc once {} {
                interp create kid
                interp eval kid $::script
                interp delete kid
            }
            test m-1 {} {thread::join [thread::create -joinable $script]} 0
            test m-2 {} {once; once} {}
            thread::join [thread::create -joinable $script]
            once
            """
        ),
    )
    theirs = tclsh_counts(pytester.path / "a.test")
    result = run(pytester, "-v", f"--tcltest-process={process}")
    assert status_of(result) == {
        "a.test::m-1": "PASSED",
        "a.test::m-1::thread::t-1": "PASSED",
        "a.test::m-2": "PASSED",
        "a.test::m-2::kid::t-1": "PASSED",
        "a.test::m-2::kid#2::t-1": "PASSED",
        "a.test::thread::t-1": "PASSED",
        "a.test::kid::t-1": "PASSED",
    }
    assert outcomes(result) == theirs
    assert outcomes(run(pytester, "a.test::thread")) == (1, 0, 0)


def test_without_any_totals_the_tests_of_a_child_count(pytester):
    write(pytester, a=HEAD + "test c-1 {} {expr 1} 1\n" + CHILD)
    assert outcomes(run(pytester)) == (2, 0, 1)


@pytest.mark.parametrize("safe", ["", "-safe"])
def test_a_child_without_a_tcltest_shows_nothing_of_ours(pytester, safe):
    write(
        pytester,
        a=suite(
            f"""
            test c-1 {{}} {{
                interp create {safe} kid
                set seen [kid eval {{list [info commands pytest*] [info vars pytest*] [interp slaves]}}]
                lappend seen [lsearch -all -inline [list {{*}}[kid aliases] {{*}}[kid hidden]] *pytest*]
            }} {{{{}} {{}} {{}} {{}}}}
            """
        ),
    )
    assert outcomes(run(pytester)) == (1, 0, 0)


def test_a_crash_in_a_test_of_a_child_is_of_both_tests(pytester):
    write(
        pytester,
        a=suite(
            """
            test c-1 {} {
                interp create kid
                kid eval {package require tcltest; ::tcltest::test k-1 {} {after 10; exec kill -9 [pid]} 1}
            } 1
            test c-2 {} {expr 1} 1
            """
        ),
    )
    result = run(pytester, "-v")
    assert set(status_of(result)) == {"a.test::c-1", "a.test::c-1::kid::k-1", "a.test::c-2"}
    assert outcomes(result) == (0, 0, 3)
    result.stdout.fnmatch_lines(["E   *was killed by SIGKILL while this test ran"])


@pytest.mark.parametrize(
    "name",
    [
        "children",
        "children_made_by_a_body",
        "children_that_report",
        "lists_the_children_of_a_limited_child",
        "safe_children",
        "thread_pool",
        "threads_and_bodies",
    ],
)
def test_counts_of_children_and_threads_in_tcltorch_are_tclshs(pytester, name):
    write(pytester, a=HEAD + SUITES[name][0])
    assert outcomes(run(pytester, interpreter="tcltorch")) == tclsh_counts(pytester.path / "a.test")


def test_what_totals_count_twice_is_reported_twice(pytester):
    write(pytester, a=HEAD + ODD["children_that_report_twice"][0])
    result = run(pytester, "-v", "--junitxml=out.xml")
    assert status_of(result) == {
        "a.test::c-1": "PASSED",
        "a.test::kid::k-1": "PASSED",
        "a.test::kid::k-2": "SKIPPED",
        "a.test::kid::k-3": "FAILED",
        "a.test::c-2": "PASSED",
        "a.test::kid::k-1[2]": "PASSED",
        "a.test::kid::k-2[2]": "SKIPPED",
    }
    assert len(list(ElementTree.parse(pytester.path / "out.xml").iter("testcase"))) == 7
    assert outcomes(run(pytester, "-k", "k-1 or c-2")) == (3, 0, 0)


# -- files that change themselves ------------------------------------------------------------------------


@pytest.mark.parametrize("needs_bodies", [False, True])
def test_a_file_that_deletes_itself_is_there_until_it_runs(pytester, needs_bodies):
    text = "test a-1 {} {set ::made 1} 1\nfile delete [info script]\n" + "incr made\n" * needs_bodies
    write(pytester, a=suite(text + "test a-2 {} {expr 1} 1"))
    path = pytester.path / "a.test"
    path.chmod(0o440)
    os.utime(path, (1e9, 1e9))
    before = path.read_bytes(), path.stat().st_mode, path.stat().st_mtime
    run(pytester, "--collect-only")
    assert (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime) == before
    assert outcomes(run(pytester)) == (2, 0, 0)
    assert not path.exists()


def test_a_file_that_deletes_itself_may_be_a_link(pytester):
    write(pytester, kept=suite("test a-1 {} {expr 1} 1\nfile delete [info script]"))
    (pytester.path / "a.test").symlink_to("kept.test")
    run(pytester, "--collect-only", "a.test")
    assert (pytester.path / "a.test").readlink().name == "kept.test"


@pytest.mark.parametrize("access", ["rb", "{RDONLY BINARY}"])
def test_a_file_that_is_saved_while_its_tests_are_searched_stays_as_it_is(pytester, access):
    text = f"test a-1 {{}} {{expr 1}} 1\nclose [open [info script] {access}]\n"
    write(pytester, a=suite(text + 'exec sh -c {echo "# saved" >> a.test}'))
    run(pytester, "--collect-only")
    assert (pytester.path / "a.test").read_text().endswith("# saved\n")


def test_a_file_that_is_saved_when_it_has_deleted_itself_stays_as_it_is(pytester, monkeypatch):
    def saved(path):
        found = state(path)
        if found is None:
            path.write_text("# saved\n")
        return found

    state = collection._state
    monkeypatch.setattr(collection, "_state", saved)
    write(pytester, a=suite("test a-1 {} {expr 1} 1\nfile delete [info script]"))
    run(pytester, "--collect-only")
    assert (pytester.path / "a.test").read_text() == "# saved\n"


def test_a_file_that_rewrites_itself_is_put_back_by_ctrl_c(pytester, monkeypatch):
    class Process(TclProcess):
        def watch(self, take, idle=lambda: None):
            def take_and_look(events):
                enough = take(events)
                if not path.read_text():
                    raise KeyboardInterrupt
                return enough

            return super().watch(take_and_look, idle)

    monkeypatch.setattr(collection, "TclProcess", Process)
    write(pytester, a=suite("test a-1 {} {expr 1} 1\nclose [open [info script] w]\nvwait forever"))
    path = pytester.path / "a.test"
    before = path.read_text()
    with pytest.raises(KeyboardInterrupt):
        run(pytester, "--tcltest-timeout=20")
    assert path.read_text() == before


# -- counts that a script changes ------------------------------------------------------------------------


def test_a_result_that_only_a_script_has_counted_is_reported(pytester):
    more = "array set ::tcltest::numTests {Total 5 Passed 2 Skipped 1 Failed 2}"
    write(pytester, a=suite(f"test a-1 {{}} {{expr 1}} 1\ntest a-2 {{}} {{expr 1}} 1\n{more}"))
    result = run(pytester, "-v", "-rfs")
    assert status_of(result) == {
        "a.test::a-1": "PASSED",
        "a.test::a-2": "PASSED",
        "a.test::(counted)": "SKIPPED",
        "a.test::(counted)[2]": "FAILED",
        "a.test::(counted)[3]": "FAILED",
    }
    why = "no test told of it: a script has counted it, or it ran where pytest sees no tests"
    result.stdout.fnmatch_lines(
        ["*_ (counted)[[]2] no test told of it _*", f"E   {why}", "a.test:1: (counted)", f"SKIPPED*: {why}"]
    )
    assert outcomes(run(pytester, "a.test::a-1")) == (1, 0, 0)
    assert run(pytester, "-W", "error").ret == 1


COUNTED = "incr ::tcltest::numTests(Total)\nincr ::tcltest::numTests(Failed)"
MADE = "if {[info exists ran]} {test a-[clock microseconds] {} {expr 1} 2}"


@pytest.mark.parametrize(
    ("fails", "workers"), [(COUNTED, []), (MADE, []), (MADE, ["-p", "xdist", "-n2", "--dist", "loadfile"])]
)
def test_last_failed_runs_the_file_of_a_failure_that_the_search_does_not_find(pytester, fails, workers):
    lines = "test a-1 {} {set ::ran 1} 1\ntest g::a-2 {} {expr 1} 1\n"
    write(pytester, a=suite(lines + fails), b=suite("test b-1 {} {expr 1} 1\ntest b-2 {} {expr 1} 2"))
    options = ["-p", "cacheprovider", *workers]
    assert outcomes(run(pytester, *options)) == (3, 0, 2)
    for _ in range(2):
        assert outcomes(run(pytester, *options, "--lf")) == (2, 0, 2)
    write(pytester, a=suite(lines), b=suite("test b-1 {} {expr 1} 1\ntest b-2 {} {expr 1} 1"))
    assert outcomes(run(pytester, *options, "--lf")) == (3, 0, 0)
    result = run(pytester, *options, "--lf", "--lfnf=none")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_last_failed_runs_all_where_the_search_names_a_test_anew_each_time(pytester):
    write(pytester, a=suite("test a-1 {} {expr 1} 1\ntest a-[clock microseconds] {} {expr 1} 2"))
    for option in ([], ["--lf"], ["--lf"]):
        assert outcomes(run(pytester, "-p", "cacheprovider", *option)) == (1, 0, 1)


def test_a_test_may_have_the_name_of_what_only_a_script_has_counted(pytester):
    """Be it before that, or after: it keeps its outcome."""
    more = "incr ::tcltest::numTests(Total)\nincr ::tcltest::numTests(Failed)\n" + END
    text = f"test (counted) {{}} {{set ::made 1}} 1\n{more}test (counted) {{}} nowhere {{expr 1}} 1\n"
    later = "if {[info exists made]} {test (counted) {} {expr 1} 1}\n"
    write(pytester, a=suite(text + later))
    assert tclsh_counts(pytester.path / "a.test") == (2, 1, 1)
    assert status_of(run(pytester, "-v")) == {
        "a.test::(counted)": "PASSED",
        "a.test::(counted)[2]": "SKIPPED",
        "a.test::(counted)[2][2]": "FAILED",
        "a.test::(counted)[3]": "PASSED",
    }


def test_a_failure_that_a_script_has_counted_away_is_an_error(pytester):
    """As one that no totals count: it is in no count of tests, but it is told."""
    write(
        pytester,
        a=suite("test a-1 {} {expr 1} 2\ntest a-2 {} {expr 1} 1\nset ::tcltest::numTests(Failed) 0"),
    )
    assert tclsh_counts(pytester.path / "a.test") == (1, 0, 0)
    result = run(pytester)
    assert (result.ret, result.parseoutcomes()) == (1, {"passed": 1, "errors": 1})
    result.stdout.fnmatch_lines(["*_ ERROR at setup of a-1 *", "E   result was: 1", "a.test:3: a-1"])


def test_a_script_that_the_file_sources_may_take_away_counts(pytester):
    write(pytester, a="source less.tcl\n")
    text = suite("test a-1 {} nowhere {expr 1} 1\nset ::tcltest::numTests(Skipped) 0")
    (pytester.path / "less.tcl").write_text(text)
    assert tclsh_counts(pytester.path / "a.test") == (0, 0, 0)
    result = run(pytester)
    assert outcomes(result) == (0, 0, 0)
    result.stdout.fnmatch_lines(["*TclTestWarning: a-1: was run, but no cleanupTests *"])


MISCOUNTED = "set ::tcltest::numTests(Skipped) -1\n" + END
UNENDED = "coroutine hangs test a-2 {} {yield; expr 1} 1\n"
CRASHES = "test a-2 {} {exec kill -SEGV [pid]; after 1000} 1\n"
GONE_THEN = "if {$::pytest_tcltest::plan(mode) eq {collect}} {test a-2 {} {expr 1} 1}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (UNENDED + MISCOUNTED, "*TclTestWarning: a-2: began, but tcltest counted no result *"),
        (MISCOUNTED + CRASHES, "E   the process was killed by SIGSEGV while this test ran"),
        (MISCOUNTED + GONE_THEN, "*TclTestWarning: a-2: was there when the file was searched *"),
        (
            MISCOUNTED + GONE_THEN + "if {$::pytest_tcltest::plan(mode) eq {run}} {exit 3}\n",
            "*the process ended with status 3 after *",
        ),
    ],
)
def test_changed_counts_are_no_reason_why_a_test_has_no_result(pytester, text, said):
    write(pytester, a=HEAD + "test a-1 {} {expr 1} 1\n" + text)
    result = run(pytester)
    counted = "E   tcltest counted (passed skipped failed) 1 -1 0, of which pytest saw 1 0 0: *"
    assert (result.ret, result.parseoutcomes()["passed"], "failed" in result.parseoutcomes()) == (1, 1, False)
    for line in (said, counted):
        result.stdout.fnmatch_lines([line])


def test_warnings_that_are_errors_hide_nothing(pytester):
    more = "incr ::tcltest::numTests(Passed)\n" + END
    text = f"test a-1 {{}} {{set ::made 1}} 1\n{more}test a-2 {{}} {{expr 1}} 1\n"
    write(pytester, a=HEAD + text + "if {[info exists made]} {error boom}\n")
    result = run(pytester, "-W", "error")
    assert result.parseoutcomes() == {"passed": 2, "errors": 1}
    result.stdout.fnmatch_lines(
        [
            "E   the file ends with an error: a.test:7: boom",
            "*TclTestWarning: a-2: was run, but no cleanupTests *",
            "*(counted): was counted by tcltest, *",
        ]
    )


@pytest.mark.parametrize(
    "script",
    [
        "array set \\\n ::tcltest::numTests {Passed 0}",
        "set namespace ::tcltest; set ${namespace}::numTests(Passed) 0",
        "lassign {0 0} ::tcltest::numTests(Passed) ::tcltest::numTests(Total)",
        "namespace eval tcltest {incr numTests(Passed) -$numTests(Passed)}",
    ],
)
def test_a_script_may_take_away_counts_in_many_ways(pytester, script):
    write(pytester, a=suite(f"test a-1 {{}} {{expr 1}} 1\n{script}"))
    assert tclsh_counts(pytester.path / "a.test") == (0, 0, 0)
    assert outcomes(run(pytester)) == (0, 0, 0)


@pytest.mark.parametrize(
    "script",
    [
        "unset $counts",
        "unset $counts(Skipped)",
        "unset $counts; set $counts 1",
        "trace add variable $counts(Passed) write {apply {args {incr $counts(Passed)}}}",
        "trace add variable $counts write {apply {args {error no}}}",
    ],
)
def test_the_next_file_of_a_process_has_counts_of_its_own(pytester, script):
    script = script.replace("$counts", "::tcltest::numTests")
    write(pytester, a=suite("test a-1 {} {expr 1} 1") + script)
    write(pytester, b=suite("test b-1 {} {expr 1} 1\ntest b-2 {} {expr 1} 2\ntest b-3 {} nowhere {expr 1} 1"))
    assert outcomes(run(pytester, "--tcltest-process=session")) == (2, 1, 1)


@pytest.mark.parametrize("value", ["many", "-3", "1000000"])
def test_counts_that_cannot_be_reported_are_an_error(pytester, value):
    write(pytester, a=suite(f"test a-1 {{}} {{expr 1}} 1\nset ::tcltest::numTests(Failed) {value}"))
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    said = f"tcltest counted (passed skipped failed) 1 0 {value}, of which pytest saw 1 0 0: *"
    result.stdout.fnmatch_lines(["*_ ERROR at *", f"E   {said}"])


def test_more_results_from_elsewhere_than_can_be_reported_are_an_error(pytester):
    write(pytester, a=suite("test a-1 {} {expr 1} 1\n::tcltest::ReportedFromChild 20000 20000 0 0 {} {}"))
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(["E   counts were added to tcltest's of tests that are not seen"])


def test_less_results_than_none_from_elsewhere_are_an_error(pytester):
    less = "if {[info exists made]} {::tcltest::ReportedFromChild -1 -1 0 0 {} {}}"
    write(pytester, a=suite(f"test a-1 {{}} {{set ::made 1}} 1\n{less}"))
    assert tclsh_counts(pytester.path / "a.test") == (0, 0, 0)
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(["E   counts were added to tcltest's of tests that are not seen"])


def test_results_that_are_reported_already_cannot_be_taken_back(pytester):
    """Where the file does not say that it changes the counts, pytest has not waited for the totals."""
    lower = "set name ::tcltest::num\nset [append name Tests(Passed)] 0"
    write(pytester, a=suite(f"test a-1 {{}} {{set ::made 1}} 1\nif {{[info exists made]}} {{{lower}}}"))
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(["E   tcltest counted (passed skipped failed) 0 0 0, of which pytest saw 1*"])


def test_tests_whose_tcltest_only_the_run_deletes_are_an_error(pytester):
    again = "set name tcltest\nnamespace delete ::$name\npackage forget $name\n" + HEAD
    again = f"if {{[info exists made]}} {{{again}}}\n"
    write(pytester, a=suite("test a-1 {} {set ::made 1} 1\n" + again + "test a-2 {} {expr 1} 1"))
    assert tclsh_counts(pytester.path / "a.test") == (1, 0, 0)
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 2, "errors": 1}
    result.stdout.fnmatch_lines(["E   tests have counted that are in no totals: *"])


# -- runAllTests -----------------------------------------------------------------------------------------


def test_a_file_that_runs_itself_by_runalltests_is_an_error(pytester):
    write(
        pytester,
        a=HEAD + "test a-1 {} {expr 1} 1\nrunAllTests\n",
        b=suite("test b-1 {is wrong} {expr 1} 2"),
    )
    result = run(pytester, "-v", "a.test")
    assert status_of(result) == {
        "a.test::a-1": "PASSED",
        "a.test::all::b.test::b-1": "FAILED",
        "a.test::(file)": "ERROR",
    }
    result.stdout.fnmatch_lines(["E   runAllTests would run a.test again and again, which calls it"])


LEVELS = """
if 1 {set levels [info frame]}
package require tcltest
tcltest::test l-1 {} {set ::levels} 2
tcltest::test l-2 {} {set ::helped} 2
tcltest::cleanupTests
"""
BEGINNINGS = {
    "source": "source helper.tcl",
    "trace": "set helped [lindex 2 [llength [trace info execution puts]]]",
    "procedure": "helper",
}


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_levels_of_files_that_begin_like_this_are_tclshs(pytester, beginning):
    prepare = "proc helper {} {if 1 {set ::helped [info frame]}}\n"
    (pytester.path / "helper.tcl").write_text("if 1 {set helped [info frame]}\n")
    (pytester.path / "prepare.tcl").write_text(prepare)
    text = BEGINNINGS[beginning] + LEVELS
    write(pytester, a=prepare + text)
    theirs = tclsh_counts(pytester.path / "a.test")
    write(pytester, a=text, b=text)
    result = run(pytester, "--tcltest-setup=prepare.tcl")
    assert outcomes(result) == tuple(2 * count for count in theirs)


ENDS = {
    "status": ("exit 4", "*child process exited abnormally"),
    "crash": ("exec kill -9 [pid]", "*child killed: kill signal"),
    "error": ("error boom", "*boom"),
    "code": ("return -level 2", "command returned bad code: 2"),
    "break": ("break", 'invoked "break" outside of a loop'),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_file_of_runalltests_that_ends_badly_is_an_error(pytester, end):
    """Where tcltest prints a line about it, and counts what there is."""
    ends, said = ENDS[end]
    write(pytester, a=HEAD + "configure -file {[bc].tcltest}\nrunAllTests\n")
    (pytester.path / "b.tcltest").write_text(suite("test b-1 {} {expr 1} 1") + ends)
    (pytester.path / "c.tcltest").write_text(suite("test c-1 {} {puts stderr noise; expr 1} 1"))
    assert tclsh_counts(pytester.path / "a.test") == (2, 0, 0)
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 2, "errors": 1}
    result.stdout.fnmatch_lines([f"E   b.tcltest, which runAllTests has run, did not end well: {said}"])
    result.stdout.no_fnmatch_line("*pytest_tcltest*")


def test_a_file_of_runalltests_may_leave_with_a_status_because_a_test_failed(pytester):
    write(pytester, a=HEAD + "configure -file b.tcltest\nrunAllTests\n")
    (pytester.path / "b.tcltest").write_text(suite("test b-1 {} {expr 1} 2") + "exit 1\n")
    assert outcomes(run(pytester)) == tclsh_counts(pytester.path / "a.test") == (0, 0, 1)


def test_a_file_of_runalltests_that_ends_with_an_error_says_so_where_a_test_has_failed(pytester):
    write(pytester, a=HEAD + "configure -file b.tcltest\nrunAllTests\n")
    (pytester.path / "b.tcltest").write_text(suite("test b-1 {} {expr 1} 2") + "error boom\n")
    assert tclsh_counts(pytester.path / "a.test") == (0, 0, 1)
    result = run(pytester)
    assert result.parseoutcomes() == {"failed": 1, "errors": 1}
    result.stdout.fnmatch_lines(["E   b.tcltest, which runAllTests has run, did not end well: boom"])


def test_a_test_that_runalltests_has_run_is_reported_where_it_stands(pytester):
    write(pytester, a=HEAD + "configure -file b.tcltest\nrunAllTests\n")
    (pytester.path / "b.tcltest").write_text(suite("test b-1 {is wrong} {expr 1} 2"))
    result = run(pytester, "-v")
    assert status_of(result) == {"a.test::all::b.tcltest::b-1": "FAILED"}
    result.stdout.fnmatch_lines(
        ["*_ all::b.tcltest::b-1 is wrong _*", "E   result was: 1", "b.tcltest:3: all::b.tcltest::b-1"]
    )


def test_runalltests_has_tcltests_own_interpreter_run_the_files(pytester):
    """And no file in the folder for temporary files, where programs may be forbidden to run."""
    write(pytester, a=HEAD + "configure -file b.tcltest\nrunAllTests\n")
    (pytester.path / "b.tcltest").write_text(suite("test b-1 {} {expr 1} 1"))
    result = run(pytester, "-s")
    program = subprocess.run(
        TCLSH, input="puts [info nameofexecutable]", text=True, capture_output=True
    ).stdout
    result.stdout.fnmatch_lines([f"*Tests running in interp:  {program.strip()}"])


# -- threads ---------------------------------------------------------------------------------------------


def test_a_test_in_a_thread_is_reported_as_any_other(pytester):
    write(pytester, a=HEAD + ODD["threads"][0])
    result = run(pytester, "-v")
    assert status_of(result) == {
        "a.test::m-1": "PASSED",
        "a.test::thread::t-1": "PASSED",
        "a.test::thread::t-2": "SKIPPED",
        "a.test::thread::t-3": "FAILED",
        "a.test::thread::t-4": "PASSED",
    }
    result.stdout.fnmatch_lines(
        ["*_ thread::t-3 (no description) _*", "E   result was: 1", "a.test:6: thread::t-3"]
    )
    assert outcomes(run(pytester, "a.test::thread::t-4")) == (1, 0, 0)


def test_a_crash_in_a_thread_is_of_all_tests_that_run(pytester):
    write(
        pytester,
        a=suite(
            """
            package require Thread
            test m-1 {} {
                thread::join [thread::create -joinable {
                    package require tcltest
                    ::tcltest::test t-1 {} {after 10; exec kill -9 [pid]} 1
                }]
            } 0
            """
        ),
    )
    result = run(pytester, "-v")
    assert set(status_of(result)) == {"a.test::m-1", "a.test::m-1::thread::t-1"}
    assert outcomes(result) == (0, 0, 2)


def test_lines_in_the_script_of_a_thread_keep_their_numbers(pytester):
    write(
        pytester,
        a=suite(
            """
            package require Thread
            test m-1 {} {
                tsv::set seen line 0
                thread::join [thread::create -joinable {
                    tsv::set seen line [dict get [info frame 0] line]
                }]
                tsv::get seen line
            } 2
            """
        ),
    )
    assert outcomes(run(pytester)) == (1, 0, 0)


def test_the_name_of_a_test_that_runs_is_on_the_terminal(pytester):
    """Though it is not known yet whether it will be in the counts."""
    write(pytester, a=HEAD + "test a-1 {} {while {![file exists go]} {after 10}; cleanupTests} {}")
    process = pytester.popen(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-W", "ignore"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    shown = b""
    while not shown.endswith(b"a.test::a-1"):
        byte = process.stdout.read(1)
        assert byte, shown
        shown += byte
    (pytester.path / "go").touch()
    rest = process.communicate()[0]
    assert b"PASSED" not in rest
    assert b"no tests ran" in rest


# -- pytest-xdist ----------------------------------------------------------------------------------------


def test_workers_of_xdist_have_one_search_in_common(pytester, monkeypatch):
    """Names that differ each time would be other ones in each worker, which pytest-xdist does not run."""
    text = (
        "close [open sourced-by-[pid] w]\n"
        "test a-[pid] {} {expr 1} 1\n"
        "test a-2 {} {expr 1} 1\n"
        "test a-[clock microseconds] {} {expr 1} 2\n"
    )
    write(pytester, a=suite(text), b=suite("test b-1 {} {expr 1} 1"), c=HEAD + "error boom\n")
    monkeypatch.setattr(tempfile, "tempdir", str(pytester.mkdir("scratch")))
    result = run(pytester, "-p", "xdist", "-n2", "--dist", "loadfile")
    counts = result.parseoutcomes()
    assert (counts["passed"], counts["failed"], counts["errors"]) == (3, 1, 1)
    assert len(list(pytester.path.glob("sourced-by-*"))) == 2  # one is the run
    assert not list((pytester.path / "scratch").glob("pytest-tcl-*"))


def test_workers_of_xdist_search_different_files_at_the_same_time(pytester):
    """The first file is found whole only while another worker searches the second one."""
    waiting = "for {set i 0} {$i < 1000 && ![file exists flag]} {incr i} {after 20}\n"
    missed = "if {![file exists flag]} {close [open missed w]}\n"
    write(
        pytester,
        a=suite(waiting + missed + "test a-1 {} {expr 1} 1"),
        b=suite("close [open flag w]\ntest b-1 {} {expr 1} 1"),
    )
    result = run(pytester, "-p", "xdist", "-n2", "--dist", "loadfile")
    assert result.parseoutcomes() == {"passed": 2}
    assert not (pytester.path / "missed").exists()


def test_how_far_the_search_of_the_workers_has_come_is_on_the_terminal(pytester):
    """pytest-xdist shows nothing between the start of the workers and the first test."""
    write(
        pytester,
        a=suite("while {![file exists go]} {after 20}\ntest a-1 {} {expr 1} 1"),
        b=suite("test b-1 {} {expr 1} 1"),
    )
    ours, its = os.openpty()
    words = ["-n2", "--dist", "loadfile", "-p", "no:cacheprovider", "-W", "ignore"]
    process = pytester.popen([sys.executable, "-m", "pytest", *words], stdin=its, stdout=its, stderr=its)
    os.close(its)
    with os.fdopen(ours, "rb", 0) as terminal:
        shown = b""
        while b"looking for tests in Tcl files: 1 searched" not in shown:
            shown += terminal.read(1000)
        (pytester.path / "go").touch()
        while b"2 passed" not in shown:
            shown += terminal.read(1000)
        process.wait(PATIENCE)
    assert b" searched" not in shown.partition(b"[2 items]")[2]


def test_while_one_worker_searches_a_file_another_searches_the_next(tmp_path):
    first, second = tmp_path / "a.test", tmp_path / "b.test"
    begun, done = threading.Event(), threading.Event()
    searched = []

    def search(path):
        searched.append(path)
        (begun if path == first else done).set()
        assert path == second or done.wait(10)
        return collection.Contents(problem=path.name)

    def find(path):
        return search_once(tmp_path, path, search, [first, second]).problem

    with ThreadPoolExecutor() as pool:
        slow = pool.submit(find, first)
        assert begun.wait(10)
        assert find(first) == "a.test"
        assert slow.result() == "a.test"
    assert find(second) == "b.test"
    assert searched == [first, second]
