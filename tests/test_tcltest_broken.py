"""The pytest plugin: what is told of files that cannot be searched to their end, whatever is selected."""

import subprocess

import pytest

from tests.tcltest_suites import (
    END,
    GOOD,
    HANG,
    HEAD,
    TCLSH,
    outcomes,
    run,
    status_of,
    stop_clock,
    suite,
    write,
)

pytest_plugins = ["pytester"]

NESTED = "test a::b-1 {right} {expr 1} 1\n"
CAUSE = "ERROR broken.test::(file) - boom"


@pytest.mark.parametrize(
    "named", ["a-1.2", "a-1.2[x]", "a::b-2", "a::b::c", "(file)", "a-1.2 broken.test::a-1.3"]
)
@pytest.mark.parametrize("xdist", [[], ["-p", "xdist", "-n2"]], ids=["", "xdist"])
def test_a_node_id_of_a_test_that_is_not_found_tells_why(pytester, named, xdist):
    write(pytester, broken=HEAD + GOOD + NESTED + "error boom\n", good=suite(GOOD))
    result = run(pytester, *f"broken.test::{named}".split(), *xdist)
    assert result.parseoutcomes() == {"errors": 1}
    assert result.ret == 1
    result.stdout.fnmatch_lines([CAUSE])


def test_beside_it_other_node_ids_run(pytester):
    write(pytester, broken=HEAD + GOOD + NESTED + "error boom\n", good=suite(GOOD))
    names = ["broken.test::a", "broken.test::a-1.2", "good.test::a-1.1"]
    status = status_of(run(pytester, "-v", *names))
    assert list(status.items()) == [
        ("broken.test::a::b-1", "PASSED"),
        ("broken.test::(file)", "ERROR"),
        ("good.test::a-1.1", "PASSED"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tcltest-interpreter=nosuch"], "no Tcl interpreter: nosuch is not a program that can be run"),
        (["--tcltest-interpreter=/bin/true"], "the Tcl interpreter ended with status 0 before *"),
        (["--tcltest-setup=setup.tcl"], "the set-up script setup.tcl failed: not ready"),
    ],
)
def test_a_node_id_does_not_hide_what_keeps_files_from_being_sourced(pytester, words, said):
    write(pytester, a=suite(GOOD))
    (pytester.path / "setup.tcl").write_text("error {not ready}")
    result = run(pytester, "a.test::a-1.1", *words)
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines([f"E   {said}"])


def test_what_is_not_in_a_file_that_was_searched_to_its_end_is_not_found(pytester):
    write(pytester, late=HEAD + GOOD + END + "exit 3\n")
    result = run(pytester, "late.test::a-1.2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: not found: *late.test::a-1.2"])


ODD_ENDS = {
    'return -level 2 -code error "cannot go on"': "command returned bad code: 2",
    "return -level 2": "command returned bad code: 2",
    "return -code return": "command returned bad code: 2",
    "proc leave {} {return -level 3}; leave": "command returned bad code: 2",
    "return -level 0 -code 5": "command returned bad code: 5",
    "return -code -1": "command returned bad code: -1",
    "break": 'invoked "break" outside of a loop',
    "return -code continue": 'invoked "continue" outside of a loop',
    'return -level 0 -code error "cannot go on"': "cannot go on",
}
GOOD_ENDS = ["return", "return -level 0 -code return", "proc leave {} {return -level 2}; leave"]


@pytest.mark.parametrize("process", ["file", "session"])
@pytest.mark.parametrize("totals", [END, ""], ids=["totals", ""])
def test_a_code_that_no_script_may_end_with_is_tclshs_error(pytester, totals, process):
    ends = dict.fromkeys(GOOD_ENDS, "") | ODD_ENDS
    files = {f"a{number}": HEAD + GOOD + totals + end for number, end in enumerate(ends)}
    write(pytester, **{name: f"{text}\nerror {{never reached}}\n" for name, text in files.items()})
    result = run(pytester, f"--tcltest-process={process}")
    for name, said in zip(files, ends.values(), strict=True):
        tclsh = subprocess.run([*TCLSH, f"{name}.test"], cwd=pytester.path, capture_output=True, text=True)
        assert (tclsh.returncode, *tclsh.stderr.splitlines()[:1]) == ((1, said) if said else (0,))
        assert (f"ERROR {name}.test::(file) - {said}" in result.outlines) == bool(said)
    assert result.parseoutcomes() == {"passed": len(ends), "errors": len(ODD_ENDS)}


@pytest.mark.parametrize("end", ODD_ENDS)
def test_such_a_code_of_the_set_up_script_is_an_error(pytester, end):
    write(pytester, a=suite(GOOD))
    (pytester.path / "setup.tcl").write_text(end)
    result = run(pytester, "--tcltest-setup=setup.tcl")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines([f"E   the set-up script setup.tcl failed: {ODD_ENDS[end]}"])


def test_last_failed_does_not_hide_that_a_file_is_broken_by_now(pytester):
    bad = "test a-2 {} {expr 1} 2\n"
    write(pytester, broken=HEAD + GOOD + bad + END)
    assert run(pytester, "-p", "cacheprovider").ret == 1
    write(pytester, broken=HEAD + GOOD + bad + "error boom\n")
    for _ in range(2):
        result = run(pytester, "-p", "cacheprovider", "--lf")
        assert result.parseoutcomes() == {"failed": 1, "errors": 1}
        result.stdout.fnmatch_lines(["collected 2 items", CAUSE])
    result = run(pytester, "-p", "cacheprovider", "--lf", "broken.test::a-3")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["collected 1 item", CAUSE])


def test_what_is_put_back_is_not_counted_as_deselected(pytester):
    write(pytester, broken=HEAD + GOOD + "error boom\n", empty="", good=suite(GOOD))
    result = run(pytester, "--collect-only", "-q", "-k", "nothing")
    result.stdout.fnmatch_lines(
        ["broken.test::(file)", "empty.test::(file)", "2/4 tests collected (2 deselected)*"]
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HANG}\n", "sourcing the file took more than 1 seconds (tcltest_timeout)"),
        ("exit 0\n", "the process ended with status 0 half-way, before the end of the file or cleanupTests"),
        ("exec kill -9 [pid]\n", "the process was killed by SIGKILL half-way, before *"),
    ],
    ids=["hang", "status", "crash"],
)
def test_the_last_test_before_the_search_ended_is_named(pytester, monkeypatch, text, said):
    stop_clock(pytester, monkeypatch)
    write(pytester, broken=f"{HEAD}{GOOD}test a-1.2 {{}} {{expr 1}} 1\n{text}")
    result = run(pytester, "--tcltest-timeout=1")
    result.stdout.fnmatch_lines(
        [f"E   {said}; the last test before that was a-1.2", "", "broken.test:4"], consecutive=True
    )


def test_the_last_test_before_the_run_ended_is_named(pytester):
    text = "test a-1 {} {set ::ran 1} 1\nif {[info exists ran]} {exit 0}\ntest a-2 {} {expr 1} 1\n"
    write(pytester, a=suite(text))
    result = run(pytester)
    said = "the process ended with status 0 before the end of the file; the last test before that was a-1"
    result.stdout.fnmatch_lines([f"E   not run: {said}"])


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            HANG,
            "the process took more than 1 seconds (tcltest_timeout) in the set-up script setup.tcl",
        ),
        ("exit 7", "the process ended with status 7 in the set-up script setup.tcl"),
    ],
    ids=["hang", "status"],
)
def test_a_set_up_script_that_does_not_come_to_its_end_is_named(pytester, monkeypatch, script, said):
    stop_clock(pytester, monkeypatch)
    write(pytester, a=suite(GOOD))
    setup = pytester.path / "setup.tcl"
    setup.write_text(script)
    result = run(pytester, "--tcltest-setup=setup.tcl", "--tcltest-timeout=1")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines([f"E   {said}", "", "a.test"], consecutive=True)
    setup.write_text(f"if {{[file exists flag]}} {{{script}}}; close [open flag w]")
    result = run(pytester, "--tcltest-setup=setup.tcl", "--tcltest-timeout=1")
    result.stdout.fnmatch_lines([f"E   {said}"])


def test_tests_in_the_set_up_script_are_warned_of_and_not_counted(pytester):
    write(pytester, a=suite(GOOD), b=suite(GOOD + "test s-1 {} {expr 1} 1\n"), c=HEAD + GOOD + "exit\n")
    script = suite("test s-1 {} {expr 1} 2\ntest a-1.1 {} {expr 1} 2")
    (pytester.path / "setup.tcl").write_text(script)
    result = run(pytester, "-v", "--tcltest-setup=setup.tcl")
    assert status_of(result) == {
        "a.test::a-1.1": "PASSED",
        "b.test::a-1.1": "PASSED",
        "b.test::s-1": "PASSED",
        "c.test::a-1.1": "PASSED",
        "c.test::(file)": "ERROR",
    }
    result.stdout.fnmatch_lines(
        [
            "*/setup.tcl:3: TclTestWarning: s-1, a-1.1: "
            "were run by the set-up script, whose tests are in no count"
        ]
    )


def test_the_totals_of_the_search_are_not_shown(pytester):
    write(
        pytester,
        a=HEAD + "puts between\n" + GOOD + END + "error boom\n",
        b=suite(GOOD) + "exec kill -9 [pid]\n",
    )
    result = run(pytester, "-rP")
    assert result.parseoutcomes() == {"passed": 2, "errors": 2}
    result.stdout.no_fnmatch_line("*Total*")
    result.stdout.fnmatch_lines(["*Captured stdout setup*", "between", "*b.test: looking*"])


def test_a_group_has_not_the_id_of_a_test(pytester):
    """--lf would take the failed test for one that the group has replaced."""
    tests = [
        "test {} {} {expr 1} 2",
        "test ::a {} {expr 1} 2",
        "test b {} {expr 1} 2",
        "test b::c {} {expr 1} 1",
    ]
    write(pytester, a=suite("\n".join(tests)))
    assert outcomes(run(pytester, "-p", "cacheprovider")) == (1, 0, 3)
    for _ in range(2):
        assert outcomes(run(pytester, "-p", "cacheprovider", "--lf")) == (0, 0, 3)


OURS = "[file dirname $::pytest_tcltest::plan(events)]"
REMOVE = f"file delete -force {OURS}"
EMPTY = f"file delete {{*}}[glob {OURS}/*]"


@pytest.mark.parametrize("remove", [REMOVE, EMPTY], ids=["removed", "emptied"])
def test_a_suite_that_removes_our_temporary_files_is_told_so(pytester, remove):
    write(pytester, a=suite(f"test a-1 {{}} {{expr 1}} 1\ntest a-2 {{}} {{{remove}}} {{}}\n"))
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 2, "warnings": 2}
    result.stdout.fnmatch_lines(["*a-2: pytest could not be told what became of it: *these were gone"])


@pytest.mark.parametrize(
    ("text", "when"),
    [
        (f"test a-1 {{}} {{expr 1}} 1\ntest a-2 {{}} {{{REMOVE}; exit}} y\n", "while this test ran"),
        (f"{REMOVE}\ntest a-1 {{}} {{expr 1}} 1\nexit", "half-way*"),
        (f"{EMPTY}\ntest a-1 {{}} {{expr 1}} 1\nexit", "half-way*"),
    ],
    ids=["in a test", "between the tests", "emptied"],
)
def test_a_suite_that_removes_our_temporary_files_and_ends_early_is_told_so(pytester, text, when):
    write(pytester, a=suite(text))
    result = run(pytester)
    assert result.ret == 1
    what = "after something had removed pytest's temporary files,"
    result.stdout.fnmatch_lines([f"E   the process ended with status ?, {what} {when}"])
