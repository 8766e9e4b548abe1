"""The pytest plugin: which tests there are, which run, and that the counts are tcltest's own."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pybridge.tcltest import collection, output
from pybridge.tcltest.collection import TclTest, place_of
from pybridge.tcltest.nodes import item_names
from pybridge.tcltest.process import TclProcess
from tests.processes import PATIENCE, eventually, is_running
from tests.tcltest_suites import (
    CORPUS,
    END,
    GOOD,
    HANG,
    HEAD,
    TCLSH,
    TICK,
    TIMEOUT,
    assert_counts_in_one_process,
    outcomes,
    run,
    signalled,
    status_of,
    stop_clock,
    suite,
    tclsh_counts,
    write,
)

pytest_plugins = ["pytester"]

OWN = Path(sys.executable).with_name("tcltorch")

# -- counts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interpreter", ["tclsh", "tcltorch"])
def test_counts_of_many_files_in_one_process_are_tclshs(pytester, interpreter):
    write(pytester, **{name: suite(body) for name, body in CORPUS.items()})
    assert_counts_in_one_process(pytester, *CORPUS, interpreter=interpreter)


@pytest.mark.parametrize("name", CORPUS)
def test_counts_are_tclshs(pytester, name):
    write(pytester, **{name: suite(CORPUS[name])})
    theirs = tclsh_counts(pytester.path / f"{name}.test")
    assert sum(theirs) >= 2
    result = run(pytester)
    assert outcomes(result) == theirs
    assert result.ret == (1 if theirs[2] else 0)


def test_counts_with_arguments_are_tclshs(pytester):
    write(pytester, constraints=suite(CORPUS["constraints"]), new=suite(CORPUS["new_style"]))
    words = ["-constraints", "slow", "-skip", "c-1.1 n-1.[2-5]", "-match", "c-* n-1.*[0-8]"]
    theirs = [tclsh_counts(pytester.path / f"{name}.test", *words) for name in ("constraints", "new")]
    result = run(
        pytester, "--tcltest-args=-constraints slow -skip 'c-1.1 n-1.[2-5]' -match 'c-* n-1.*[0-8]'", "-rs"
    )
    assert outcomes(result) == tuple(map(sum, zip(*theirs, strict=True)))
    result.stdout.fnmatch_lines_random(
        [
            "SKIPPED [[]1] constraints.test:6: matches -skip c-1.1",
            "SKIPPED [[]1] constraints.test:7: constraint not met: no",
            "SKIPPED [[]1] new.test:12: does not match -match c-[*] {n-1.[*][[]0-8]}",
        ]
    )


def test_a_test_that_limited_constraints_leave_out_says_so(pytester):
    write(pytester, a=suite("test a-1 {} slow {expr 1} 1\ntest a-2 {} {expr 1} 1"))
    words = ["-limitconstraints", "1", "-constraints", "slow"]
    assert tclsh_counts(pytester.path / "a.test", *words) == (1, 1, 0)
    result = run(pytester, "-rs", f"--tcltest-args={' '.join(words)}")
    assert outcomes(result) == (1, 1, 0)
    reason = "no constraint that -limitconstraints lets through"
    result.stdout.fnmatch_lines([f"SKIPPED [[]1] a.test:4: {reason}"])


def test_files_of_one_process_do_not_inherit_what_others_configured(pytester):
    """Folders, too, are each file's own; procedures and variables stay."""
    first = suite(
        """
        configure -skip * -constraints never
        testConstraint mine 1
        set ::left behind
        test a-1 {} {expr 1} 2
        """
    )
    second = suite(
        """
        test b-1 {runs} {set ::left} behind
        test b-2 {not switched on} never {expr 1} 2
        test b-3 {not there} mine {expr 1} 2
        test b-4 {folders} {
            lmap path [list [pwd] [testsDirectory] [temporaryDirectory] [workingDirectory]] {file tail $path}
        } {two two two two}
        """
    )
    for folder, text in (("one", first), ("two", second)):
        (pytester.mkdir(folder) / f"{folder}.test").write_text(text)
    result = run(pytester, "-v", "--tcltest-process=session")
    assert list(status_of(result).values()) == ["SKIPPED", "PASSED", "SKIPPED", "SKIPPED", "PASSED"]


@pytest.mark.parametrize("process", ["file", "session"])
def test_all_files_have_what_the_set_up_script_configures(pytester, process):
    (pytester.path / "setup.tcl").write_text(
        """
        package require tcltest
        namespace import ::tcltest::*
        configure -load {set ::loaded 1} -verbose start
        testConstraint mine 1
        """
    )
    asked = "test NAME-1 {} mine {loadTestedCommands; list $::loaded [configure -verbose]} {1 start}\n"
    changed = "configure -load {error changed} -verbose error\ntestConstraint mine 0"
    write(pytester, **{name: suite(asked.replace("NAME", name) + changed) for name in "ab"})
    words = ["--tcltest-setup=setup.tcl", "--tcltest-args=-verbose pass"]
    assert outcomes(run(pytester, *words, f"--tcltest-process={process}")) == (2, 0, 0)


@pytest.mark.parametrize("interpreter", ["tclsh", "tcltorch"])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_odd_file_names_in_every_locale(pytester, monkeypatch, interpreter, locale):
    monkeypatch.setenv("LC_ALL", locale)
    folder = pytester.mkdir("ö [1] $x")
    (pytester.path / "link").symlink_to(folder)
    (folder / "ä {b}.test").write_text(suite("test a-1 {} {file exists [info script]} 1"), encoding="utf-8")
    assert outcomes(run(pytester, "link", interpreter=interpreter)) == (1, 0, 0)


def test_tcltorch_where_it_is_named_reads_utf8_in_every_locale_too(pytester, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    write(pytester, a=suite("test a-1 {} {scan é %c} 233"))
    assert outcomes(run(pytester, f"--tcltest-interpreter={OWN}")) == (1, 0, 0)


def test_the_suites_of_this_project_are_collected():
    """Were they not, `make test` would pass without them."""
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/tcl/scope.test"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    assert "tests/tcl/scope.test::scope-1.1\n" in listed
    assert listed.count("::scope-") >= 50
    assert len(list((root / "tests" / "tcl").glob("*.test"))) >= 12


# -- names and selection ---------------------------------------------------------------------------------


def test_each_test_is_an_item_with_a_name_of_its_own(pytester):
    write(pytester, names=suite(CORPUS["names"]))
    result = run(pytester, "--collect-only", "-q")
    listed = [line.partition("::")[2] for line in result.outlines if "::" in line]
    assert listed == [
        "",
        "with blanks",
        "n::1",
        "n [x] 1",
        "twice",
        "twice[2]",
        "twice[2][2]",
        r"tab\tnewline\nend",
        r"*?\{",
        "é€ü",
        "-dash",
    ]
    for name in listed:
        result = run(pytester, f"names.test::{name}", "-v")
        both = {"names.test::twice", "names.test::twice[2]", "names.test::twice[2][2]"}
        wanted = both if name == "twice" else {f"names.test::{name}"}  # as pytest takes a bare name
        assert set(status_of(result)) == wanted, name


def test_names_tell_how_often_they_were_used():
    tests = [TclTest("a::b", number, "", "", Path("a.test"), 1) for number in (1, 2, 3)]
    assert item_names(tests, set()) == [["a", "b"], ["a", "b[2]"], ["a", "b[3]"]]


def test_a_name_of_very_many_parts(pytester):
    write(pytester, a=suite("test [string repeat a:: 2000]b {} {expr 1} 1\ntest a::c {} {expr 1} 1"))
    assert outcomes(run(pytester)) == (2, 0, 0)
    assert outcomes(run(pytester, "-k", "b")) == (1, 0, 0)


def test_a_place_in_a_zip_file_system_is_a_path_that_pytest_can_take():
    assert place_of("//zipfs:/app/in.test", Path("a.test")) == Path("/zipfs:/app/in.test")
    assert place_of("/in.test", Path("a.test")) == Path("/in.test")
    assert place_of("", Path("a.test")) == Path("a.test")


def test_a_test_is_found_where_it_was_made(pytester):
    write(
        pytester,
        places=suite(
            """
            test a-1.1 {plain} {expr 1} 1
            foreach i {1 2} {
                test a-2.$i {in a loop} {expr 1} 1
            }
            proc check {name} {
                test $name {in a procedure} {expr 1} 1
            }
            check a-3.1
            namespace eval inner {
                check a-3.2
            }
            source [file join [file dirname [info script]] more.tcl]
            elsewhere a-4.1
            test a-5.1 \\
                {on two lines} \\
                {expr 1} 1
            apply {name {
                test $name {in a lambda} {expr 1} 1
            }} a-6.1
            """
        ),
    )
    (pytester.path / "more.tcl").write_text(
        "proc elsewhere {name} {\n    test $name {} {expr 1} 1\n}\n"
        "test b-1.1 {in a sourced file} {expr 1} 1\n"
    )
    items, _ = pytester.inline_genitems("-p", "no:hypothesispytest")
    assert [(item.name, item.location[0], item.location[1] + 1) for item in items] == [
        ("a-1.1", "places.test", 4),
        ("a-2.1", "places.test", 6),
        ("a-2.2", "places.test", 6),
        ("a-3.1", "places.test", 11),
        ("a-3.2", "places.test", 13),
        ("b-1.1", "more.tcl", 4),
        ("a-4.1", "places.test", 16),
        ("a-5.1", "places.test", 17),
        ("a-6.1", "places.test", 20),
    ]


def test_a_selected_test_runs_with_the_code_outside_tests_and_no_other(pytester):
    write(
        pytester,
        chosen=suite(
            """
            set ran {}
            proc ran {name} {lappend ::ran $name; set ::ran}
            test a-1 {} {ran a-1} a-1
            lappend ran top
            test a-2 {} {ran a-2} {top a-2}
            test a-2 {again} {ran a-2b} {top a-2 a-2b}
            test a-*\\[x\\] {} {ran a-x} {top a-x}
            test ab {} {ran ab} {}
            test a-9 {a test in it runs too} {test a-9.1 {} {ran inner} {}; ran a-9} {top inner a-9}
            """
        ),
    )
    for selection, passed in [("a-2", 2), ("a-2[2]", 1), ("a-*[x]", 1), ("a-9", 1)]:
        result = run(pytester, f"chosen.test::{selection}")
        assert outcomes(result) == (passed, 0, 0), selection
    assert outcomes(run(pytester, "-k", "a-1 or [x]")) == (1, 0, 1)  # a-1 ran first


def test_last_failed_exit_first_and_skip_marks(pytester):
    write(pytester, first=suite(CORPUS["old_style"]), second=suite("test z-1 {} {expr 1} 1"))
    assert outcomes(run(pytester, "-p", "cacheprovider")) == (5, 1, 3)
    assert outcomes(run(pytester, "-p", "cacheprovider", "--lf")) == (0, 0, 3)
    result = run(pytester, "-x", "-v")
    assert list(status_of(result)) == ["first.test::o-1.1", "first.test::o-1.2"]
    pytester.makeconftest(
        """
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                if item.name in ("o-1.2", "o-1.5"):
                    item.add_marker(pytest.mark.xfail)
                if item.name == "o-1.7":
                    item.add_marker(pytest.mark.skip)
        """
    )
    assert run(pytester).parseoutcomes() == {"passed": 5, "skipped": 2, "xfailed": 2}


def test_a_mended_file_has_not_failed_last(pytester):
    write(pytester, a=HEAD + GOOD + "error boom", b=suite("test b-1 {} {expr 1} 2"))
    assert run(pytester, "-p", "cacheprovider").parseoutcomes() == {"passed": 1, "failed": 1, "errors": 1}
    write(pytester, a=suite(GOOD))
    assert outcomes(run(pytester, "-p", "cacheprovider", "b.test")) == (0, 0, 1)
    failed = pytester.path / ".pytest_cache" / "v" / "cache" / "lastfailed"
    assert json.loads(failed.read_text()) == {"a.test::(file)": True, "b.test::b-1": True}
    assert outcomes(run(pytester, "-p", "cacheprovider", "--lf")) == (0, 0, 1)
    assert json.loads(failed.read_text()) == {"b.test::b-1": True}


def test_what_failed_last_is_found_again_whatever_its_name(pytester):
    write(
        pytester,
        a=suite(
            """
            test a-1 {} {expr 1} 1
            test a-1 {} {expr 1} 2
            test {a-2 [x] y} {} {expr 1} 2
            foreach _ {1 2} {
                interp create kid
                ::tcltest::loadIntoChildInterpreter kid
                kid eval {::tcltest::test k-1 {} {expr 1} 2; ::tcltest::test k-2 {} {expr 1} 1}
                kid eval ::tcltest::cleanupTests
                interp delete kid
            }
            """
        ),
    )
    everything = outcomes(run(pytester, "-p", "cacheprovider"))
    failed = everything[2]
    assert failed == 4
    again = run(pytester, "-p", "cacheprovider", "--lf")
    assert outcomes(again) == (0, 0, failed)


# -- files that go wrong ---------------------------------------------------------------------------------

LATER = "test a-1.2 {later} {expr 1} 1\n"


@pytest.mark.parametrize(
    ("text", "passed", "said"),
    [
        pytest.param("", 0, ["E   no test in this file", "broken.test"], id="an empty file"),
        pytest.param(HEAD + END, 0, ["E   no test in this file"], id="no test"),
        pytest.param(
            HEAD + GOOD + "error boom\n" + LATER + END,
            1,
            ["E   boom", '*(file "*broken.test" line 4)', "broken.test:4"],
            id="an error half-way",
        ),
        pytest.param(
            HEAD + GOOD + "set x {\n" + LATER + END,
            1,
            ["E   missing close-brace", "broken.test:*"],
            id="a syntax error",
        ),
        pytest.param(
            HEAD + GOOD + "test a-1.2 {} -bdy {} -result {}\n" + END,
            1,
            ['E   bad option "-bdy": must be -body*', "broken.test:4"],
            id="a bad option",
        ),
        pytest.param(
            HEAD + GOOD + "exit 0\n" + LATER + END,
            1,
            ["E   the process ended with status 0 half-way, *"],
            id="left half-way",
        ),
        pytest.param(
            HEAD + GOOD + "exec kill -9 [pid]\n" + END,
            1,
            ["E   the process was killed by SIGKILL half-way, *"],
            id="killed",
        ),
        pytest.param(
            HEAD + GOOD + END + "error boom\n",
            1,
            ["E   boom", "broken.test:5"],
            id="an error after the end",
        ),
    ],
)
def test_a_broken_file_is_an_error_and_says_why(pytester, text, passed, said):
    write(pytester, broken=text, good=suite("test g-1 {} {expr 1} 1"))
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": passed + 1, "errors": 1}
    assert result.ret == 1
    result.stdout.fnmatch_lines(said)
    result.stdout.fnmatch_lines(["ERROR broken.test::(file) - *"])
    if passed:  # the tests that were found can be run by themselves, but the file's end is not passed over
        assert run(pytester, "-k", "a-1").ret == 1


def test_a_file_that_leaves_with_a_status_is_an_error(pytester):
    write(pytester, a=HEAD + GOOD + END + "exit 3\n")
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(
        ["E   the process ended with status 3 after cleanupTests, though no test failed"]
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEAD + GOOD, id="no cleanupTests"),
        pytest.param(HEAD + GOOD + END + "exit 0\n", id="left at the end"),
        pytest.param(HEAD + GOOD + END + "return\nerror boom\n", id="returned at the end"),
        pytest.param(
            HEAD + GOOD + END + "exit [expr {$::tcltest::numTests(Failed) > 0}]\n",
            id="left with tcltest's counts",
        ),
        pytest.param(
            "if {[lsearch [namespace children] ::tcltest] == -1} {\n" + HEAD + "}\n" + GOOD + END,
            id="Tcl's own way",
        ),
        pytest.param(
            HEAD + GOOD + "close stdout; close stderr\n" + END.replace(END, ""), id="closed channels"
        ),
    ],
)
def test_a_good_file_passes(pytester, text):
    write(pytester, good=text)
    assert outcomes(run(pytester)) == (1, 0, 0)


def test_a_failing_file_may_leave_with_a_status(pytester):
    text = HEAD + "test a-1 {} {expr 1} 2\nset failed $::tcltest::numTests(Failed)\n" + END + "exit $failed\n"
    write(pytester, failing=text)
    assert outcomes(run(pytester)) == (0, 0, 1)


# -- crashes and time-outs -------------------------------------------------------------------------------


@pytest.mark.parametrize("process", ["file", "session"])
@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("exit 3", "the process ended with status 3"),
        ("exec kill -9 [pid]; after 60000", "the process was killed by SIGKILL"),
        (HANG, "the process took more than 2 seconds (tcltest_timeout)"),
    ],
    ids=["status", "crash", "hang"],
)
def test_a_crash_fails_the_rest_of_its_file_and_nothing_else(pytester, monkeypatch, body, how, process):
    stop_clock(pytester, monkeypatch)
    crash = f"test a-1 {{}} {{expr 1}} 1\ntest a-2 {{}} {{puts before; {body}}} 1\ntest a-3 {{}} {{expr 1}} 1"
    write(pytester, a=suite(crash), b=suite("test b-1 {} {expr 1} 1"))
    result = run(pytester, "-v", f"--tcltest-process={process}", "--tcltest-timeout=2")
    assert status_of(result) == {
        "a.test::a-1": "PASSED",
        "a.test::a-2": "FAILED",
        "a.test::a-3": "FAILED",
        "b.test::b-1": "PASSED",
    }
    result.stdout.fnmatch_lines(
        ["*_ a-2 *", f"E   {how} while this test ran", "*Captured stdout call*", "before", "*_ a-3 *"]
    )
    result.stdout.fnmatch_lines([f"E   not run: {how} while a-2 ran"])


def test_a_file_that_is_sourced_for_ever_is_an_error(pytester, monkeypatch):
    stop_clock(pytester, monkeypatch)
    write(pytester, ever=HEAD + GOOD + f"{HANG}\n", good=suite(GOOD))
    result = run(pytester, "--tcltest-timeout=1")
    assert result.parseoutcomes() == {"passed": 2, "errors": 1}
    result.stdout.fnmatch_lines(["E   sourcing the file took more than 1 seconds (tcltest_timeout); *"])


def test_a_file_that_makes_tests_for_ever_is_an_error(pytester, monkeypatch):
    monkeypatch.setattr(collection, "_MOST_TESTS", 1_000)
    write(pytester, ever=HEAD + "while 1 {test a-1 {} {expr 1} 1}\n")
    result = run(pytester)
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["E   sourcing the file made more than 1,000 tests and did not end"])


def test_a_loop_that_waits_for_its_tests_ends_in_the_rehearsal(pytester, monkeypatch):
    """Without running them it makes tests for ever; with a body that never counts, then too."""
    stop_clock(pytester, monkeypatch)
    many = 2 * collection._MANY_TESTS
    loop = (
        f"set n 0\nwhile {{$n < 3}} {{if {{[incr made] > {many}}} {{{TICK}}}\n"
        "test a-1 {} {%s; expr 1} 1}\n"
    )
    write(pytester, right=suite(loop % "incr ::n"), wrong=suite(loop % "list"))
    theirs = tclsh_counts(pytester.path / "right.test")
    result = run(pytester, "--tcltest-timeout=2")
    assert theirs == (3, 0, 0)
    assert result.parseoutcomes() == {"passed": 3, "errors": 1}
    said = "E   sourcing the file took more than 2 seconds (tcltest_timeout) and made * tests"
    result.stdout.fnmatch_lines([said])


MOCKS = """
    rename ::puts ::real_puts; proc ::puts args {}
    rename ::open ::real_open; proc ::open args {error mocked}
    rename ::clock ::real_clock; proc ::clock args {return now}
    test a-2 {fails} {expr 1} 2
    rename ::clock {}; rename ::real_clock ::clock
    rename ::open {}; rename ::real_open ::open
    rename ::puts {}; rename ::real_puts ::puts
"""


def test_a_suite_may_replace_commands(pytester):
    write(pytester, a=suite("test a-1 {} {expr 1} 1\n" + MOCKS + "test a-3 {} {expr 1} 1"))
    assert outcomes(run(pytester)) == tclsh_counts(pytester.path / "a.test") == (2, 0, 1)


def test_suites_have_the_environment_that_pytest_was_started_with(pytester):
    """Not what libraries put into it behind Python's back, as readline does with the size of a terminal."""
    os.putenv("PUT_BY_A_LIBRARY", "80")
    try:
        write(pytester, a=suite("test a-1 {} {info exists env(PUT_BY_A_LIBRARY)} 0"))
        assert outcomes(run(pytester)) == (1, 0, 0)
    finally:
        os.unsetenv("PUT_BY_A_LIBRARY")


def test_a_file_that_removes_tcltest_does_not_harm_the_next(pytester):
    write(pytester, a=suite(GOOD) + "namespace delete ::tcltest\n", b=suite(GOOD + LATER))
    assert outcomes(run(pytester, "--tcltest-process=session")) == (3, 0, 0)


def test_options_of_tcltest_hold_for_every_file_of_a_process(pytester: pytest.Pytester) -> None:
    pytester.mkdir("scratch")
    pytester.makeini("[pytest]\ntcltest_args = -tmpdir scratch\n")
    body = "package require tcltest; tcltest::test a-1 {} {file tail [tcltest::temporaryDirectory]} scratch"
    pytester.makefile(".test", one=body, two=body)
    assert outcomes(run(pytester, "--tcltest-process=session")) == (2, 0, 0)


def test_children_are_found_where_others_trace_interp(pytester: pytest.Pytester) -> None:
    """Tcl tells only the first of several traces what `interp create` has returned."""
    pytester.makefile(
        ".test",
        traced="""
            trace add execution ::interp leave {::apply {args {}}}
            package require tcltest
            trace remove execution ::interp leave {::apply {args {}}}
            trace add execution ::interp leave {::apply {args {}}}
            interp create kid
            interp create
            tcltest::test a-1 {} -body {llength [interp slaves]} -result 2
        """,
    )
    assert outcomes(run(pytester)) == (1, 0, 0)


def test_a_file_that_dies_ends_its_process_as_in_tclsh(pytester):
    """With Tk, which has an event loop of its own, the process would not end by itself."""
    leave = "rename exit leave\nproc exit {{status 0}} {close [open left$status w]; leave $status}\n"
    write(pytester, a=HEAD + GOOD + leave + "error boom\n")
    tclsh = subprocess.run(
        [*TCLSH, "a.test"], cwd=pytester.path, stdin=subprocess.DEVNULL, capture_output=True
    )
    assert (tclsh.returncode, [each.name for each in pytester.path.glob("left*")]) == (1, ["left1"])
    (pytester.path / "left1").unlink()
    assert run(pytester).parseoutcomes() == {"passed": 1, "errors": 1}
    assert [each.name for each in pytester.path.glob("left*")] == ["left1"]


def test_an_interpreter_that_is_not_there_is_an_error_of_each_file(pytester):
    write(pytester, a=suite(GOOD))
    result = run(pytester, "--tcltest-interpreter=no-such-tclsh -x")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["E   no Tcl interpreter: no-such-tclsh is not a program that can be run"])
    result = run(pytester, f"--tcltest-interpreter={sys.executable} -c 'import sys; sys.exit(\"sorry\")'")
    result.stdout.fnmatch_lines(
        ["E   the Tcl interpreter ended with status 1 before it could source the file", "sorry"]
    )


def test_children_end_with_the_process_and_files_go(pytester, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    write(
        pytester,
        children=suite(
            "test a-1 {} -body {set f [open child w]; puts $f [exec sleep 600 &]; close $f}\n"
            "test a-2 {} {vwait forever} 1"
        ),
    )
    run(pytester, f"--tcltest-timeout={TIMEOUT}")
    child = int((pytester.path / "child").read_text())
    eventually(lambda: not is_running(child))
    assert list(tmp_path.glob("pytest-tcl-*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_tcl_process_and_what_it_has_started_end_with_pytest(pytester, tmp_path, monkeypatch, number):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    write(
        pytester,
        waits=suite(
            "test a-1 {} {set f [open pid w]; puts $f [pid]\\ [exec sleep 600 &]; close $f; vwait forever} 1"
        ),
    )
    status, output = signalled(pytester, number)
    children = [int(word) for word in (pytester.path / "pid").read_text().split()]
    eventually(lambda: not any(map(is_running, children)))
    if number != signal.SIGKILL:
        assert status == pytest.ExitCode.INTERRUPTED, output
        assert list(tmp_path.glob("pytest-tcl-*")) == []
        assert "KeyboardInterrupt" in output
        assert "TclTestWarning" not in output


def test_ctrl_c_at_the_end_of_a_test_is_heard(pytester, monkeypatch):
    class Process(TclProcess):
        def events(self):
            events = super().events()
            if any(kind == "end" for _, kind, *_ in events):
                os.kill(os.getpid(), signal.SIGINT)
            return events

    monkeypatch.setattr("pybridge.tcltest.run.TclProcess", Process)
    write(pytester, a=suite("test a-1 {} {expr 1} 1\nafter 10000\ntest a-2 {} {exit} 1"))
    with pytest.raises(KeyboardInterrupt):
        run(pytester)


HANGS = "puts 1\\n2\\nhello; puts stderr oops; set f [open pid w]; puts $f [pid]; close $f; vwait forever"
WRITTEN = r"\n-+ Captured stdout.* -+\n1\n2\nhello\n-+ Captured stderr.* -+\noops\n!+ KeyboardInterrupt !+\n"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (f"test a-2 {{}} {{{HANGS}}} 1", rf"=\na-2 in a.test had run for [\d.]+ seconds{WRITTEN}"),
        (
            f"if {{[info exists done]}} {{{HANGS}}}",
            f"=\nbetween the tests of a.test, after a-1{WRITTEN}",
        ),
        (HANGS, "! KeyboardInterrupt: while a.test was searched for tests; the last test found was a-1 !"),
    ],
    ids=["test", "between", "search"],
)
def test_ctrl_c_tells_what_ran_and_what_it_had_written(pytester, body, where):
    write(pytester, a=suite(f"test a-1 {{}} {{set ::done 1}} 1\n{body}"))
    assert re.search(where, output := interrupted(pytester)), output


def interrupted(pytester: pytest.Pytester, *words: str) -> str:
    """What pytest prints when Ctrl-C is pressed once a script has written its process id."""
    status, output = signalled(pytester, signal.SIGINT, "-q", *words)
    assert status == pytest.ExitCode.INTERRUPTED
    return output


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (f"test a-2 {{}} {{{HANGS}}} 1", rf"=\na-2 in a.test had run for [\d.]+ seconds{WRITTEN}"),
        (HANGS, "=\nwhile a.test was searched for tests; the last test found was a-1\n!"),
    ],
    ids=["test", "search"],
)
def test_ctrl_c_tells_what_ran_in_a_worker_of_xdist(pytester, tmp_path, monkeypatch, body, where):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    write(pytester, a=suite(f"test a-1 {{}} {{expr 1}} 1\n{body}"))
    assert re.search(where, output := interrupted(pytester, "-n2", "--dist=loadfile")), output
    assert list(tmp_path.glob("pytest-tcl-*")) == []


SIGNALLED = """
    import os, threading
    from pybridge.tcltest.process import TclProcess

    plain = TclProcess.events

    def events(self):
        found = plain(self)
        if any(words[:2] == ["begin", "a-2"] for _, *words in found):
            os.kill(os.getpid(), {number})
        return found

    TclProcess.events = events
    # as in a worker of pytest-xdist: the signal comes in either thread, and Python raises it in the first
    threading.Thread(target=threading.Event().wait, daemon=True).start()
"""
ALARMED = """
    import pytest, signal

    def late(*_):
        pytest.fail("Timeout (>1.0s) of another plugin.")

    signal.signal(signal.SIGALRM, late)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_waits_until_what_a_test_has_told_is_taken_in(pytester, number):
    write(pytester, a=suite(f"test a-2 {{}} {{{HANGS}}} 1"))
    pytester.makeconftest(SIGNALLED.format(number=int(number)))
    result = pytester.runpytest_subprocess(timeout=PATIENCE)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["a-2 in a.test had run for * seconds"])


@pytest.mark.parametrize("process", ["file", "session"])
def test_an_alarm_of_another_plugin_ends_the_file_as_a_time_out_does(pytester, process):
    """As one of pytest-timeout, which would end pytest where it waits for a test."""
    pytester.makeconftest(SIGNALLED.format(number=int(signal.SIGALRM)) + ALARMED)
    hang = f"test a-1 {{}} {{expr 1}} 1\ntest a-2 {{}} {{{HANGS}}} 1\ntest a-3 {{}} {{expr 1}} 1"
    write(pytester, a=suite(hang), b=suite("test b-1 {} {expr 1} 1"))
    result = pytester.runpytest_subprocess("-v", f"--tcltest-process={process}", timeout=PATIENCE)
    assert list(status_of(result).values()) == ["PASSED", "FAILED", "FAILED", "PASSED"]
    how = 'the process was killed for "Timeout (>1.0s) of another plugin."'
    result.stdout.fnmatch_lines([f"E   {how} while this test ran", f"E   not run: {how} while a-2 ran"])


@pytest.mark.parametrize("process", ["file", "session"])
@pytest.mark.parametrize(
    "body",
    ["signal.signal(signal.SIGCHLD, signal.SIG_IGN)", "while os.wait(): pass"],
    ids=["ignores", "waits"],
)
def test_a_python_test_may_take_how_children_have_ended(pytester, process, body):
    write(pytester, a=suite(GOOD), b=suite("test b-1 {} {expr 1} 1"))
    pytester.makepyfile(
        test_children=f"""
            import contextlib, os, signal

            def test_children():
                with contextlib.suppress(ChildProcessError):
                    {body}
        """
    )
    words = f"--tcltest-process={process}", "a.test", "test_children.py", "b.test"
    assert pytester.runpytest_subprocess(*words, timeout=PATIENCE).parseoutcomes() == {"passed": 3}


def test_a_fork_of_pytest_s_ends_of_sigterm_itself(pytester):
    write(pytester, a=suite(GOOD))
    pytester.makepyfile("""
        import os, signal, time

        def test_fork():
            ready, tell = os.pipe()
            child = os.fork()
            while child == 0:
                os.write(tell, b"!")  # Python drops a signal that comes before it has come back from fork()
                time.sleep(0.01)
            os.read(ready, 1)
            os.kill(child, signal.SIGTERM)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
    """)
    assert pytester.runpytest_subprocess(timeout=PATIENCE).parseoutcomes() == {"passed": 2}


# -- nothing hides that a file is wrong ------------------------------------------------------------------

AT_EXIT = "trace add execution exit enter {apply {args {%s}}}"


@pytest.mark.parametrize("process", ["file", "session"])
@pytest.mark.parametrize(
    ("body", "how"),
    [
        # a trace of the suite's own comes before the one that would tell that the file has ended
        (AT_EXIT % "exec kill -SEGV [pid]", "was killed by SIGSEGV before the end of the file; *"),
        (AT_EXIT % HANG, "took more than 2 seconds (tcltest_timeout) before the end of the file; *"),
        (
            "rename ::exit ::really; proc ::exit args {::really 7}",
            "ended with status 7 after the end of the file, though no test failed",
        ),
    ],
    ids=["crash", "hang", "status"],
)
def test_the_process_ends_well_after_the_file_too(pytester, monkeypatch, body, how, process):
    """A test's doing, so that the search for tests does not see it."""
    stop_clock(pytester, monkeypatch)
    write(pytester, a=suite(f"test a-1 {{}} {{{body}; expr 1}} 1"))
    result = run(pytester, "--tcltest-timeout=2", f"--tcltest-process={process}")
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"E   the process {how}".replace("[", "[[]")])


def test_a_status_is_no_problem_where_a_test_failed_but_a_crash_is(pytester):
    leave = "rename ::exit ::really; proc ::exit args {%s}"
    write(pytester, a=suite(f"test a-1 {{}} {{{leave % '::really 1'}; expr 1}} 2"))
    assert outcomes(run(pytester)) == (0, 0, 1)
    write(pytester, a=suite(f"test a-1 {{}} {{{leave % 'exec kill -SEGV [pid]'}; expr 1}} 2"))
    assert run(pytester).parseoutcomes() == {"failed": 1, "errors": 1}


MARKED = """
    import pytest
    def pytest_collection_modifyitems(items):
        for item in items:
            if item.name in {names}:
                item.add_marker({mark})
"""
BREAKS_LATER = suite(
    "test a-1 {} {set ::ran 1} 1\ntest a-2 {} {expr 1} 1\nif {[info exists ran]} {error boom}"
)


@pytest.mark.parametrize("mark", ["skipif(True, reason='x')", "xfail(run=False)", "xfail", "skip"])
def test_a_skipped_last_test_does_not_hide_what_is_wrong_with_its_file(pytester, mark):
    write(pytester, a=BREAKS_LATER, b=suite("test b-1 {} {expr 1} 1"))
    pytester.makeconftest(MARKED.format(names=["a-2"], mark=f"pytest.mark.{mark}"))
    result = run(pytester)
    kind = {"skip": "skipped", "skipif": "skipped", "xfail": "xpassed"}.get(
        mark.partition("(T")[0], "xfailed"
    )
    assert result.parseoutcomes() == {"passed": 2, "errors": 1, kind: 1}
    result.stdout.fnmatch_lines(
        ["E   the file ends with an error: a.test:5: boom", "ERROR a.test::a-2 - *boom"]
    )


def test_a_test_skipped_in_a_hook_does_not_hide_it_either(pytester):
    write(pytester, a=BREAKS_LATER)
    pytester.makeconftest(
        "import pytest\ndef pytest_runtest_setup(item):\n    if item.name == 'a-2': pytest.skip('here')"
    )
    assert run(pytester).parseoutcomes() == {"passed": 1, "skipped": 1, "errors": 1}


@pytest.mark.parametrize(
    "mark", ["skipif(True, reason='x')", "skipif('1 > 0', reason='x')", "xfail(run=False)"]
)
def test_what_a_mark_skips_does_not_run(pytester, mark):
    write(pytester, a=suite("test a-1 {} {expr 1} 1\ntest a-2 {} {close [open ran w]} {}"))
    pytester.makeconftest(MARKED.format(names=["a-2"], mark=f"pytest.mark.{mark}"))
    assert run(pytester).parseoutcomes() == {"passed": 1, "xfailed" if "xfail" in mark else "skipped": 1}
    assert not (pytester.path / "ran").exists()


def test_a_hook_may_look_at_the_fixtures_of_each_item(pytester):
    write(pytester, a=suite("test a-1 {} {expr 1} 1"))
    pytester.makeconftest(
        """
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                if "database" in item.fixturenames:
                    item.add_marker(pytest.mark.skip)
        """
    )
    assert outcomes(run(pytester)) == (1, 0, 0)


def test_what_a_mark_would_have_skipped_runs(pytester):
    write(pytester, a=suite("test a-1 {} {expr 1} 1\ntest a-2 {} {expr 1} 1"))
    pytester.makeconftest(MARKED.format(names=["a-2"], mark="pytest.mark.skipif('1 < 0', reason='x')"))
    assert outcomes(run(pytester)) == (2, 0, 0)
    pytester.makeconftest(MARKED.format(names=["a-2"], mark="pytest.mark.xfail(run=False)"))
    assert outcomes(run(pytester, "--runxfail")) == (2, 0, 0)
    pytester.makeconftest(MARKED.format(names=["a-2"], mark="pytest.mark.skipif('nonsense(', reason='x')"))
    assert run(pytester).parseoutcomes() == {"passed": 1, "errors": 1}


@pytest.mark.parametrize(
    "words",
    [["-k", "a-1"], ["-k", "b-1"], ["-m", "nothing"], ["broken.test::a-1.1"], ["broken.test", "-k", "zzz"]],
)
def test_a_selection_does_not_hide_a_broken_file(pytester, words):
    write(pytester, broken=HEAD + GOOD + "error boom\n", good=suite("test b-1 {} {expr 1} 1"))
    result = run(pytester, *words)
    assert result.ret == 1
    assert result.parseoutcomes()["errors"] == 1
    result.stdout.fnmatch_lines(["ERROR broken.test::(file) - boom"])


def test_marks_for_all_tests_do_not_hide_a_broken_file(pytester):
    write(pytester, broken=HEAD + GOOD + "error boom\n")
    pytester.makeconftest(MARKED.format(names=["a-1.1", "(file)"], mark="pytest.mark.skip"))
    assert run(pytester).parseoutcomes() == {"skipped": 1, "errors": 1}
    pytester.makeconftest(MARKED.format(names=["(file)"], mark="pytest.mark.xfail"))
    assert run(pytester).parseoutcomes() == {"passed": 1, "errors": 1}


def test_a_duplicate_that_is_not_selected_does_not_hide_what_is_wrong(pytester):
    write(
        pytester,
        a=HEAD + "test a-1 {} {set ::ran 1} 1\nif {[info exists ran]} {error boom}\ntest a-1 {} {} {}\n",
    )
    result = run(pytester, "-k", "a-1 and not [2]")
    assert result.parseoutcomes() == {"passed": 1, "deselected": 1, "errors": 1}
    result.stdout.fnmatch_lines(["E   the file ends with an error: a.test:4: boom"])


@pytest.mark.parametrize("option", ["--setup-plan", "--setup-only"])
def test_a_plan_runs_nothing(pytester, option):
    write(pytester, a=suite("test a-1 {} {close [open ran w]} {}"), broken=HEAD + "error boom\n")
    assert run(pytester, option).ret == 0
    assert not (pytester.path / "ran").exists()


def test_without_the_capture_plugin_output_is_shown_at_once(pytester):
    write(pytester, a=suite("test a-1 {} {puts written; expr 1} 1"))
    result = pytester.run(
        sys.executable, "-m", "pytest", "-p", "no:capture", f"--tcltest-interpreter={shlex.join(TCLSH)}"
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*written"])


def test_what_a_test_writes_is_shown_at_once(pytester):
    """And once, with what comes before it and after it, and without tcltest's own report of a failure."""
    wait = "while {![file exists go]} {after 10}"
    body = f"puts {{step 1}}; puts -nonewline half; {wait}; puts {{ no}}; expr 1"
    text = f"puts first\ntest a-1 {{}} {{{body}}} 2\ntest a-2 {{}} {{puts next; expr 1}} 1"
    write(pytester, a=suite(text))
    options = ["-s", "--tcltest-timeout=20", f"--tcltest-interpreter={shlex.join(TCLSH)}"]
    command = [sys.executable, "-m", "pytest", *options]
    process = subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    output = ""
    while not output.endswith("step 1\n") and process.poll() is None:
        output += process.stdout.readline()
    (pytester.path / "go").touch()
    output += process.communicate(timeout=PATIENCE)[0]
    assert [output.count(each) for each in ("first\n", "step 1\n", "half no\n", "next\n")] == [1] * 4
    assert "====" not in output[output.index("first") : output.index("next")]
    assert "result was: 1" in output


def test_ctrl_c_is_heard_where_nobody_reads_what_is_shown_at_once(pytester):
    lines = "puts [string repeat [string repeat x 100]\\n 10000]"
    hang = f"{lines}; set f [open pid w]; puts $f [pid]; close $f; vwait forever"
    write(pytester, a=suite(f"test a-1 {{}} {{{hang}}} 1"))
    options = ["-s", "--tcltest-timeout=20", f"--tcltest-interpreter={shlex.join(TCLSH)}"]
    command = [sys.executable, "-m", "pytest", *options]
    written = pytester.path / "pid"
    with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.PIPE) as process:
        try:
            eventually(lambda: written.exists() and written.read_text().strip())
            time.sleep(0.5)  # in which the pipe gets full
            process.send_signal(signal.SIGINT)
            eventually(lambda: not is_running(int(written.read_text())))
            assert b"a-1 in a.test had run for" in process.communicate(timeout=PATIENCE)[0]
        finally:
            process.kill()


def test_no_more_is_shown_at_once_than_is_read_at_once(tmp_path):
    """A test may write gigabytes, and lines of any length."""
    path = tmp_path / "output"
    longest = output._LONGEST
    path.write_bytes(b"one\ntwo\n\n" + b"x" * 3 * longest)
    with open(path, "rb") as stream:
        assert output.whole_lines(stream, 0, 7) == 4
        assert output.whole_lines(stream, 0, 9) == 8
        assert output.whole_lines(stream, 8, 9) == 0
        assert output.whole_lines(stream, 9, path.stat().st_size) == longest
        assert output.whole_lines(stream, 9, 8 + longest) == 0


def test_where_tcltest_itself_dies_its_error_is_the_reason(pytester):
    write(pytester, a=suite("test a-1 {} {rename ::tcltest::outputChannel {}} 1\ntest a-2 {} {expr 1} 1"))
    result = run(pytester)
    assert outcomes(result) == (0, 0, 2)
    said = 'the file ends with an error: a.test:3: invalid command name "outputChannel"'
    result.stdout.fnmatch_lines(["*_ a-1 *", f"E   {said}", "*_ a-2 *", f"E   not run: {said}"])


# -- other ways to tcltest -------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["interpreter", "setup"])
def test_tcltest_may_be_there_before_the_file(pytester, way):
    """As in an interpreter that has it built in."""
    text = (
        'if {"::tcltest" ni [namespace children]} {error none}\n'
        + suite(CORPUS["constraints"]).partition("\n")[2]
    )
    write(pytester, a=text)
    early = pytester.path / "early.tcl"
    load = "package require tcltest"
    early.write_text(load if way == "setup" else load + "; set argv [lassign $argv argv0]; source $argv0")
    words = ["--tcltest-args=-constraints slow"]
    if way == "setup":
        words.append("--tcltest-setup=early.tcl")
        result = run(pytester, *words)
    else:
        words.append(f"--tcltest-interpreter={shlex.join([*TCLSH, str(early)])}")
        result = run(pytester, *words, interpreter="")
    assert outcomes(result) == (3, 3, 0)  # one of them is slow


@pytest.mark.parametrize("provided", ["at its end", "at its start"])
def test_a_copy_of_tcltest_may_be_sourced(pytester, provided):
    find = "package require tcltest; puts [lindex [package ifneeded tcltest [package present tcltest]] end]"
    found = subprocess.run(TCLSH, input=find, capture_output=True, text=True, check=True).stdout.strip()
    copy = Path(found).read_text(encoding="utf-8")
    if provided == "at its start":
        end = "package provide [namespace tail [namespace current]] $Version"
        assert copy.count(end) == 1
        copy = "package provide tcltest 2.5\n" + copy.replace(end, "")
    (pytester.path / "copy.tcl").write_text(copy, encoding="utf-8")
    text = suite(CORPUS["new_style"]).replace("package require tcltest 2.5", "source copy.tcl")
    write(
        pytester,
        a=text,
        b=text.replace("source copy.tcl", "proc load {} {uplevel #0 {source copy.tcl}}; load"),
    )
    theirs = tclsh_counts(pytester.path / "a.test")
    assert outcomes(run(pytester)) == tuple(2 * count for count in theirs)


@pytest.mark.parametrize(
    "words", ["--tcltest-process=file", "--tcltest-process=session", f"--tcltest-interpreter={OWN}"]
)
def test_the_interpreter_runs_tcl_scripts(pytester, words):
    text = """
        set script [makeFile {puts "hello from $tcl_version [llength $argv]"} child.tcl]
        test i-1 {} {exec [interpreter] $script a b} "hello from $tcl_version 2"
        test i-2 {} {file tail [interpreter]} tcltorch
    """
    write(pytester, a=suite(text), b=suite(text))
    assert outcomes(run(pytester, words, interpreter="tcltorch")) == (4, 0, 0)
