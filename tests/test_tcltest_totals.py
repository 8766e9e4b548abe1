"""The totals that a Tcl test file prints count, also where pytest does not hear of the tests in them."""

import shlex
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pybridge.tcltest import printed_totals
from pybridge.tcltest.printed_totals import Printed
from tests.screens import installed
from tests.tcltest_odd_totals import ANOTHER
from tests.tcltest_suites import GOOD, HEAD, TCLSH, outcomes, run, status_of, suite, tclsh_counts, write

pytest_plugins = ["pytester"]

# -- what is found in an output ----------------------------------------------------------------------------


def _line(name: str, number: int) -> str:
    return f"{name}:\tTotal\t{number + 3}\tPassed\t{number}\tSkipped\t1\tFailed\t2"


def _found(text: str) -> list[Printed]:
    with tempfile.TemporaryFile() as stream:
        stream.write(text.encode())
        stream.flush()
        return printed_totals.printed_totals(stream, ["a.test", "\u00e9.test"])


# what may stand before totals, with a name or without
_BETWEEN = st.sampled_from(["\n", "x ", "\n\n==== a-1 FAILED\n\n", "x" * 90 + "\n", ":\tTotal\t\n"])


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(_BETWEEN, st.sampled_from(["a.test", "", "ba.test", "b.test"]), st.integers(0, 9999))),
    st.integers(1, 300),
)
def test_totals_are_found_however_they_are_read(lines: list[tuple[str, str, int]], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(printed_totals, "_BLOCK", block)
        patch.setattr(printed_totals, "_LONGEST", 120)
        found = _found("".join(between + _line(name, number) for between, name, number in lines))
    ours = [(name, number) for _, name, number in lines if name in ("a.test", "")]
    assert found == [(bool(name), (number, 1, 2)) for name, number in ours]


NAMED, UNNAMED = [(True, (7, 1, 2))], [(False, (7, 1, 2))]


@pytest.mark.parametrize(
    ("before", "name", "found"),
    [
        ("done ", "a.test", NAMED),
        ("..", "a.test", NAMED),
        ("\u00e9", "a.test", []),
        ("dat", "a.test", []),
        ("sub/", "a.test", NAMED),
        (_line("b.test", 1), "a.test", NAMED),
        (_line("b.test", 1), "", UNNAMED),
        ("tests(1)", "", []),
        ("", "?.test", NAMED),
        ("b.test", "", []),
    ],
)
def test_whose_totals_they_are(before: str, name: str, found: list[Printed]) -> None:
    assert _found(before + _line(name, 7)) == found


def test_the_failures_in_an_output() -> None:
    first = "==== a 17 with a name of two words FAILED\n---- Result was:\n1\n==== a 17 FAILED"
    second = "==== b-1  FAILED\n==== b-1 FAILED"
    text = f"\n\n{first}\n\n==== c-1 that never ends FAILED\n\n{second}\n"
    assert printed_totals.printed_failures(text) == [("a 17", first), ("b-1", second)]


# -- of tests elsewhere ------------------------------------------------------------------------------------

PROGRAM = """
puts -nonewline [exec [info nameofexecutable] << {
    package require tcltest
    ::tcltest::configure -outfile CHANNEL
    ::tcltest::test k-1 {} {expr 1} 1
    ::tcltest::test k-2 {} {expr 1} 2
    ::tcltest::cleanupTests
    exit
} 2>@stderr]
"""


@pytest.mark.parametrize("channel", ["stdout", "stderr"])
def test_totals_of_a_program_count_wherever_it_prints_them(pytester: pytest.Pytester, channel: str) -> None:
    program = PROGRAM.replace("CHANNEL", channel)
    write(pytester, a=suite(f"test a-1 {{}} {{expr 1}} 1\n{program}{program}"))
    result = run(pytester, "-v", "--tcltest-compare")
    assert outcomes(result) == (3, 0, 2)
    assert status_of(result)["a.test::a-1"] == "PASSED"
    assert "errors" not in result.parseoutcomes()


@pytest.mark.parametrize("end", ["", "configure -outfile own.out\ncleanupTests\n"], ids=["none", "in a file"])
def test_a_failure_in_printed_totals_is_one_whatever_is_not_in_them(
    pytester: pytest.Pytester, end: str
) -> None:
    tests = "".join(f"test a-{number} {{}} {{expr 1}} 1\n" for number in range(3))
    write(pytester, a=HEAD + tests + PROGRAM.replace("CHANNEL", "stdout") + end)
    assert outcomes(run(pytester)) == tclsh_counts(pytester.path / "a.test") == (1, 0, 1)


def test_totals_that_follow_other_text_hide_no_others(pytester: pytest.Pytester) -> None:
    own = "test a-1 {} {expr 1} 1\ntest a-2 {} {expr 1} 2\n"
    write(pytester, a=suite(f"{own}{PROGRAM.replace('CHANNEL', 'stdout')}puts {{}}\nputs -nonewline done"))
    assert outcomes(run(pytester)) == (2, 0, 2)


@pytest.mark.parametrize("before", ["", "puts [string repeat x 5000]\n"])
def test_totals_that_may_be_cut_off_are_an_error(pytester: pytest.Pytester, before: str) -> None:
    """As by `exec sh -c {... > /dev/stdout}`; else a failure in them would be a pass."""
    cut = "exec sh -c {echo hidden; echo shown > /dev/stdout} >@stdout\n"
    test = "test a-1 {} -body {puts -nonewline one} -output one\ntest a-2 {} {expr 1} 1"
    program = PROGRAM.replace("CHANNEL", "stdout")
    write(pytester, a=HEAD + program + cut + before + suite(test))
    result = run(pytester)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*something has cut off standard output*"])
    assert outcomes(run(pytester, "-k", "a-1", "--tb=short")) == (1, 0, 0)
    # in one process, what another file cuts off later cannot be seen
    write(pytester, b=HEAD + program + cut + suite("test b-1 {} {expr 1} 1"))
    run(pytester, "--tcltest-process=session").assert_outcomes(passed=3, errors=2)
    run(pytester, "--tcltest-process=session", "-k", "a-1 or b").assert_outcomes(passed=2, errors=1)


def test_totals_that_another_file_cuts_off_later_are_not_seen_by_chance(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of b.test stand behind those of a.test when these are read, and are gone when they are due."""
    monkeypatch.setattr("pybridge.tcltest.process._PAUSES", (0.5,))
    cut = "exec sh -c {echo > /dev/stdout} >@stdout\n" + suite(GOOD)
    write(pytester, a=cut, b=PROGRAM.replace("CHANNEL", "stdout") + "flush stdout; after 1500\n" + cut)
    run(pytester, "--tcltest-process=session").assert_outcomes(passed=2, errors=2)


def test_what_is_printed_of_a_failure_is_shown_with_it(pytester: pytest.Pytester) -> None:
    write(pytester, a=suite(f"test k-2 {{}} {{expr 1}} 3\n{PROGRAM.replace('CHANNEL', 'stdout')}"))
    result = run(pytester)
    assert outcomes(result) == (1, 0, 2)
    result.stdout.fnmatch_lines(
        [
            "*_ (counted)[[]2] no test told of it _*",
            "*Captured stdout call*",
            "==== k-2  FAILED",
            "2",
            "==== k-2 FAILED",
        ],
        consecutive=False,
    )


@pytest.mark.parametrize(
    ("end", "found"),
    [
        ("cleanupTests\nexit 1", {"passed": 1, "failed": 1, "warnings": 1}),
        ("exit 1", {"failed": 1, "warnings": 2}),
    ],
)
def test_a_status_of_a_failure_that_is_not_seen_is_no_error(
    pytester: pytest.Pytester, end: str, found: dict[str, int]
) -> None:
    own = "other::test o-1 {} {expr 1} 2\nother::cleanupTests\n"
    write(pytester, a=f"{HEAD}test a-1 {{}} {{expr 1}} 1\n{ANOTHER}{own}{end}\n")
    assert run(pytester).parseoutcomes() == found


def test_a_file_may_exit_after_totals_of_its_name(pytester: pytest.Pytester) -> None:
    write(pytester, a=f"{HEAD}{ANOTHER}other::test o-1 {{}} {{expr 1}} 1\nother::cleanupTests\nexit 0\n")
    assert run(pytester).parseoutcomes() == {"passed": 1, "warnings": 1}


def test_the_search_leaves_no_tests_in_a_log(pytester: pytest.Pytester) -> None:
    tests = "configure -outfile a.log\ntest a-1 {} {expr 1} 1"
    log = "set f [open a.log]\nputs [read $f]\nclose $f"
    write(pytester, a=f"{suite(tests)}{log}\n")
    assert outcomes(run(pytester)) == (1, 0, 0)


def test_a_name_of_several_lines(pytester: pytest.Pytester) -> None:
    text = suite(f"test a-1 {{}} {{expr 1}} 1\n{PROGRAM.replace('CHANNEL', 'stdout')}")
    (pytester.path / "a\nb.test").write_text(text)
    assert outcomes(run(pytester)) == (2, 0, 1)


def test_totals_count_where_a_mark_leaves_out_a_test(pytester: pytest.Pytester) -> None:
    tests = "test a-1 {} {expr 1} 1\ntest a-2 {} {expr 1} 1\n"
    write(pytester, a=suite(tests + PROGRAM.replace("CHANNEL", "stdout")))
    pytester.makeconftest(
        "import pytest\ndef pytest_collection_modifyitems(items): items[0].add_marker(pytest.mark.skip)"
    )
    assert outcomes(run(pytester)) == (2, 1, 1)
    assert outcomes(run(pytester, "-k", "a-2")) == (1, 0, 0)


def test_totals_of_too_many_tests_are_an_error(pytester: pytest.Pytester) -> None:
    write(
        pytester,
        a=suite('test a-1 {} {expr 1} 1\nputs ":\\tTotal\\t1\\tPassed\\t20000\\tSkipped\\t0\\tFailed\\t0"'),
    )
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(["E   totals of tests that pytest does not see: over 10000 results"])


def test_a_file_that_ends_too_early_has_no_last_test_but_totals(pytester: pytest.Pytester) -> None:
    write(pytester, a=PROGRAM.replace("CHANNEL", "stdout") + "exit 3")
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1, "failed": 1, "errors": 1, "warnings": 1}
    early = "the process ended with status 3 half-way, before the end of the file or cleanupTests"
    assert f"E   {early}" in result.outlines


FORKS = """
package require Expect
test f-1 {} {expr 1} 1
flush stdout
if {[fork] == 0} {
    BEFORE
    test f-2 {of the other process} {expr 1} 1
    test f-3 {of the other process} {expr 1} 2
    cleanupTests
    close [open ended w]
    exit
}
while {![file exists ended]} {after 10}
file delete ended
test f-2 {} {expr 1} 2
cleanupTests
"""


@pytest.mark.parametrize("before", ["", "interp slaves"], ids=["", "with another writer"])
def test_a_process_that_fork_has_made_counts_as_in_its_totals(pytester: pytest.Pytester, before: str) -> None:
    """They have what ran before the fork, too."""
    installed("expect", "tcl-expect")
    write(pytester, a=HEAD + FORKS.replace("BEFORE", before))
    assert tclsh_counts(pytester.path / "a.test") == (3, 0, 2)
    result = run(pytester, "-v")
    assert outcomes(result) == (3, 0, 2)
    assert [status_of(result)[f"a.test::f-{number}"] for number in (1, 2)] == ["PASSED", "FAILED"]


def test_only_a_process_that_fork_has_made_prints_totals(pytester: pytest.Pytester) -> None:
    installed("expect", "tcl-expect")
    text = HEAD + FORKS.replace("BEFORE", "").replace("cleanupTests\n", "", 2)
    write(pytester, a=text.replace("    close [open ended w]", "    cleanupTests\n    close [open ended w]"))
    assert outcomes(run(pytester)) == tclsh_counts(pytester.path / "a.test") == (2, 0, 1)


def test_a_file_that_a_process_made_by_fork_runs_is_in_its_totals(pytester: pytest.Pytester) -> None:
    installed("expect", "tcl-expect")
    write(pytester, a=HEAD + FORKS.replace("BEFORE", "configure -file b.tcltest; runAllTests"))
    (pytester.path / "b.tcltest").write_text(suite("test b-1 {} {expr 1} 2"))
    theirs = tclsh_counts(pytester.path / "a.test")
    result = run(pytester)
    assert outcomes(result) == theirs
    assert "errors" not in result.parseoutcomes()


def test_totals_that_only_the_search_has_come_by_are_no_test(pytester: pytest.Pytester) -> None:
    line = r"a.test:\tTotal\t1\tPassed\t1\tSkipped\t0\tFailed\t0"
    write(pytester, a=f'if {{![file exists been]}} {{close [open been w]; puts "{line}"}}')
    result = run(pytester)
    assert result.parseoutcomes() == {"errors": 1, "warnings": 1}
    result.stdout.fnmatch_lines(
        ["E   no test in this file, though totals counted one when it was searched *"]
    )


# -- of tests that pytest cannot be told of ----------------------------------------------------------------

FOLDER = "[file dirname $::pytest_tcltest::plan(events)]"
AWAY = f"file rename {FOLDER} [pwd]/gone"
RUNS = '$::pytest_tcltest::plan(mode) eq "run"'
TAKE_ALL = "while {![catch {lappend ::taken [open /dev/null]}]} {}; expr 1"


def few_descriptors(folder: Path) -> str:
    """The option for a tclsh that can open few files."""
    program = folder / "few"
    program.write_text(f'#!/bin/sh\nulimit -n 40\nexec {shlex.join(TCLSH)} "$@"\n')
    program.chmod(0o755)
    return f"--tcltest-interpreter={program}"


def test_tests_without_a_file_descriptor_are_told_of_later(pytester: pytest.Pytester) -> None:
    text = suite(
        f"""
        test d-1 {{}} {{{TAKE_ALL}}} 1
        test d-2 {{}} {{catch {{open /dev/null}}}} 0
        test d-3 {{}} {{foreach channel $::taken {{close $channel}}; expr 1}} 1
        test d-4 {{}} nope {{expr 1}} 1
        """
    )
    write(pytester, a=text)
    result = run(pytester, "-v", few_descriptors(pytester.path))
    passed = dict.fromkeys(("a.test::d-1", "a.test::d-3"), "PASSED")
    assert status_of(result) == passed | {"a.test::d-2": "FAILED", "a.test::d-4": "SKIPPED"}
    assert "warnings" not in result.parseoutcomes()


def test_tests_that_can_no_longer_be_told_of_count_as_in_their_totals(pytester: pytest.Pytester) -> None:
    """As where one gives up the rights to write, or has made another folder the root."""
    write(
        pytester,
        a=suite(f"test a-1 {{}} {{expr 1}} 1\ntest a-2 {{}} {{{AWAY}}} {{}}\ntest a-3 {{}} {{expr 1}} 2"),
    )
    result = run(pytester, "-v")
    assert outcomes(result) == (2, 0, 1)
    assert [status_of(result)[f"a.test::{name}"] for name in ("a-1", "(counted)[2]")] == ["PASSED", "FAILED"]
    result.stdout.fnmatch_lines(
        ["*TclTestWarning: a-2, a-3: pytest could not be told what became of them: *"]
    )


def test_a_suite_that_says_what_we_say_then_has_ended_too_early(pytester: pytest.Pytester) -> None:
    write(pytester, a=suite('test a-1 {} {puts stderr "pytest cannot be told of all tests"; exit} {}'))
    assert outcomes(run(pytester)) == (0, 0, 1)


def test_where_no_totals_count_them_it_is_an_error(pytester: pytest.Pytester) -> None:
    write(pytester, a=f"{HEAD}test d-1 {{}} {{{TAKE_ALL}}} 1\ntest d-2 {{}} {{expr 1}} 2\n")
    result = run(pytester, few_descriptors(pytester.path))
    assert result.parseoutcomes()["errors"] == 1
    result.stdout.fnmatch_lines(
        ["E   pytest could not be told what became of all tests, and no totals count them"]
    )


def test_an_exit_that_cannot_be_told_of_ends_the_file(pytester: pytest.Pytester) -> None:
    tests = f"test a-1 {{}} {{expr 1}} 1\ntest a-2 {{}} {{{AWAY}}} {{}}\ntest a-3 {{}} {{expr 1}} 2\n"
    write(pytester, a=HEAD + tests + "cleanupTests\nexit")
    result = run(pytester)
    assert outcomes(result) == (2, 0, 1)
    assert "errors" not in result.parseoutcomes()


def test_a_thread_that_cannot_read_what_to_run_counts_as_in_its_totals(pytester: pytest.Pytester) -> None:
    thread = "package require tcltest; ::tcltest::test t-1 {} {expr 1} 2; ::tcltest::cleanupTests"
    write(
        pytester,
        a=suite(
            f"""
            package require Thread
            test a-1 {{}} {{{AWAY}}} {{}}
            thread::send [thread::create] {{{thread}}}
            """
        ),
    )
    assert outcomes(run(pytester)) == (1, 0, 1)


def test_the_tests_of_a_child_that_is_deleted_are_told_of_later(pytester: pytest.Pytester) -> None:
    text = f"""
        interp create kid
        kid eval {{package require tcltest}}
        set folder {FOLDER}
        if {{{RUNS}}} {{{AWAY}}}
        kid eval {{::tcltest::test k-1 {{}} {{expr 1}} 2; ::tcltest::cleanupTests}}
        interp delete kid
        if {{{RUNS}}} {{file rename gone $folder}}
        test a-1 {{}} {{expr 1}} 1
        """
    write(pytester, a=suite(text))
    assert status_of(run(pytester, "-v")) == {"a.test::kid::k-1": "FAILED", "a.test::a-1": "PASSED"}


def test_a_file_that_could_not_be_told_of_has_the_next_begin_where_it_ends(pytester: pytest.Pytester) -> None:
    away = f"if {{{RUNS}}} {{set ::folder {FOLDER}; set ::gone [pwd]/gone; file rename $::folder $::gone}}\n"
    back = "if {[info exists ::gone]} {file rename $::gone $::folder}\n"
    write(pytester, a=suite("test a-1 {} {expr 1} 1\ntest a-2 {} {expr 1} 2") + away)
    write(pytester, b=suite(f"{back}test b-1 {{}} {{expr 1}} 1"))
    result = run(pytester, "-v", "--tcltest-process=session")
    assert status_of(result) == {"a.test::a-1": "PASSED", "a.test::a-2": "FAILED", "b.test::b-1": "PASSED"}
