"""Tcl test suites for the tests of the pytest plugin, and what runs them without pytest."""

import functools
import importlib
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pybridge import tcltest
from tests.processes import PATIENCE, eventually

# What a run of pytester's imports is gone when it ends: were this not there, each run would import it anew.
for _module in pkgutil.iter_modules(tcltest.__path__, "pybridge.tcltest."):
    importlib.import_module(_module.name)

HEAD = "package require tcltest 2.5\nnamespace import -force ::tcltest::*\n"
END = "::tcltest::cleanupTests\n"
GOOD = "test a-1.1 {right} {expr 1} 1\n"
# In place of the package's, to be quick.
FAKE_HANDLES = "namespace eval torch {variable live {}; proc handles {} {variable live; set live}}\n"
TCLTORCH = [sys.executable, "-m", "pybridge"]
# Where there is no tclsh, tcltorch stands in: it reads the same files.
TCLSH = [shutil.which("tclsh") or ""] if shutil.which("tclsh") else TCLTORCH
TICK = "set f [open ticks a]; puts -nonewline $f .; close $f"  # lets time pass where the clock is stopped
HANG = f"while 1 {{{TICK}; after 20}}"
TIMEOUT = 10  # seconds, where time passes: on a busy machine a program may need some of them to begin
# Plugins of pytest's own that no test of a Tcl suite needs: to begin with them is a fifth of many a run.
_UNNEEDED = """
    debugging doctest faulthandler freeze_support legacypath logging monkeypatch pastebin recwarn
    subtests unittest
"""
_WITHOUT = [word for name in _UNNEEDED.split() for word in ("-p", f"no:{name}")]
COUNTS = re.compile(r"^\S*:\s+Total\s+(\d+)\s+Passed\s+(\d+)\s+Skipped\s+(\d+)\s+Failed\s+(\d+)\s*$", re.M)


def suite(body: str) -> str:
    """A test file around these tests."""
    return f"{HEAD}{body}\n{END}"


def tclsh_counts(path: Path, *words: str) -> tuple[int, int, int]:
    """Passed, skipped and failed as `tclsh file.test` prints them, run in the file's folder."""
    command = [*TCLSH, path.name, *words]
    run = subprocess.run(command, cwd=path.parent, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    counts = COUNTS.findall(run.stdout.decode("utf-8", "replace"))
    assert counts, f"{run.stdout!r} {run.stderr!r}"
    total, passed, skipped, failed = (sum(map(int, column)) for column in zip(*counts, strict=True))
    assert total >= passed + skipped + failed  # a test without a result is counted, too
    return passed, skipped, failed


def write(pytester: pytest.Pytester, **files: str) -> None:
    """Write each text into a test file of that name."""
    if any("package require Thread" in text for text in files.values()) and not has_threads():
        pytest.skip("Tcl's package Thread is not installed: apt-get install tcl-thread")
    for name, text in files.items():
        (pytester.path / f"{name}.test").write_text(text, encoding="utf-8")


@functools.cache
def has_threads() -> bool:
    return subprocess.run(TCLSH, input=b"exit [catch {package require Thread}]").returncode == 0


def run(pytester: pytest.Pytester, *words: str, interpreter: str = "tclsh") -> pytest.RunResult:
    """Run pytest, without what only costs time here. A later option overrules the interpreter.

    Plugins of other packages are not looked for: that takes longer than the tests of many suites.
    """
    # one word: of two, pytest takes the program for a path that it is to look for tests in
    option = [f"--tcltest-interpreter={shlex.join(TCLSH)}"] if interpreter == "tclsh" else []
    cache = [] if "cacheprovider" in words else ["-p", "no:cacheprovider"]
    warn = ["-W", "always::pytest.PytestWarning"]  # which the tests of this project have for errors
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        patched.setenv("COLUMNS", "80")  # messages are cut to the width of the terminal
        return pytester.runpytest_inprocess("-p", "tcltest", *_WITHOUT, *warn, *cache, *option, *words)


def signalled(pytester: pytest.Pytester, number: int, *words: str) -> tuple[int, str]:
    """The status and the output of a pytest that gets a signal once a script has written its id to `pid`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *words],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    written = pytester.path / "pid"
    try:
        eventually(lambda: process.poll() is not None or (written.exists() and written.read_text().strip()))
        os.killpg(process.pid, number)  # as a terminal does: to the workers of pytest-xdist, too
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return process.returncode, output


def stop_clock(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """For time-outs let time pass only by what scripts say: a program may be slow to begin."""
    ticks = pytester.path / "ticks"

    def seconds() -> float:
        return 1_000.0 * ticks.stat().st_size if ticks.exists() else 0.0

    for module in ("collection", "run"):
        clock = SimpleNamespace(monotonic=seconds, time=time.time)
        monkeypatch.setattr(f"pybridge.tcltest.{module}.time", clock)


def assert_counts_in_one_process(pytester: pytest.Pytester, *names: str, interpreter: str = "tclsh") -> None:
    """Assert that each of these files, run by one process, counts as by itself in tclsh."""
    theirs = {name: tclsh_counts(pytester.path / f"{name}.test") for name in names}
    status = status_of(run(pytester, "-v", "--tcltest-process=session", interpreter=interpreter))
    for name, counts in theirs.items():
        found = [outcome for nodeid, outcome in status.items() if nodeid.startswith(f"{name}.test::")]
        assert tuple(found.count(outcome) for outcome in ("PASSED", "SKIPPED", "FAILED")) == counts, name


def outcomes(result: pytest.RunResult) -> tuple[int, int, int]:
    """Passed, skipped and failed, and nothing else is counted."""
    found = {
        name: count
        for name, count in result.parseoutcomes().items()
        if name not in ("deselected", "warnings", "warning")
    }
    assert set(found) <= {"passed", "skipped", "failed"}, found
    return found.get("passed", 0), found.get("skipped", 0), found.get("failed", 0)


def status_of(result: pytest.RunResult) -> dict[str, str]:
    """The outcome of each item, as -v prints it."""
    return {
        match[1]: match[2]
        for line in result.outlines
        if (match := re.match(r"(.*::.*) (PASSED|FAILED|SKIPPED|ERROR)\b.*%\]$", line))
    }


# Every form that tcltest knows, for the comparison of counts; each is a whole file but for HEAD and END.
CORPUS = {
    "old_style": r"""
        test o-1.1 {passes} {expr 1+1} 2
        test o-1.2 {fails} {expr 1+1} 3
        test o-1.3 {constraint, met} {tcl} {expr 1+1} 2
        test o-1.4 {constraint, not met} {nowhere} {expr 1+1} 3
        test o-1.5 {an error} {error boom} boom
        test o-1.6 {return} {return 2} 2
        test o-1.7 {break} {break} {}
        test o-1.8 {one argument} {
            -body {set x 1}
            -result 1
        }
    """.replace("{tcl}", "{unix || win || !unix}"),
    "new_style": r"""
        test n-1.1 {passes} -body {expr 1+1} -result 2
        test n-1.2 {fails} -body {expr 1+1} -result 3
        test n-1.3 {glob} -body {return abc} -match glob -result a*
        test n-1.4 {regexp} -body {return abc} -match regexp -result {^x}
        test n-1.5 {an error, expected} -body {error boom} -returnCodes error -result boom
        test n-1.6 {an error, not expected} -body {error boom} -result boom
        test n-1.7 {break, expected} -body {break} -returnCodes break -result {}
        test n-1.8 {setup and cleanup} -setup {set x 1} -body {incr x} -cleanup {unset x} -result 2
        test n-1.9 {setup fails} -setup {error boom} -body {expr 1} -result 1
        test n-1.10 {cleanup fails} -body {expr 1} -cleanup {error boom} -result 1
        test n-1.11 {no body} -result {}
        test n-1.12 {description alone}
    """,
    "error_codes": r"""
        test e-1.1 {right} -body {throw {A B} boom} -errorCode {A *} -result boom
        test e-1.2 {wrong} -body {throw {A B} boom} -errorCode {C *} -result boom
        test e-1.3 {custom code} -body {return -level 0 -code 7 x} -returnCodes 7 -result x
    """,
    "output": r"""
        test p-1.1 {right} -body {puts hello} -output "hello\n"
        test p-1.2 {wrong} -body {puts hello} -output "goodbye\n"
        test p-1.3 {error output} -body {puts stderr hello} -errorOutput "hello\n"
        test p-1.4 {to the test's channel} -body {puts [outputChannel] hello} -output "hello\n"
        test p-1.5 {glob} -body {puts hello; return 1} -match glob -output h* -result 1
        test p-1.6 {wrong error output} -body {puts stderr a} -errorOutput "b\n"
    """,
    "leaning": r"""
        test l-1.1 {what it does is needed below} -body {set ::shared {a b}} -result {a b}
        test l-1.2 {nested} -body {test l-1.3 {} {expr 1} 1} -match glob -result *
        foreach name $::shared {
            test l-2.$name {made from it} -body {set ::name} -result a
        }
        unset ::shared
    """,
    "constraints": r"""
        testConstraint yes 1
        testConstraint no 0
        test c-1.1 {met} yes {expr 1} 1
        test c-1.2 {not met} -constraints {yes no} -body {expr 1} -result 1
        test c-1.3 {expression} -constraints {yes || no} -body {expr 1} -result 1
        test c-1.4 {expression, not met} -constraints {yes && no} -body {expr 1} -result 1
        test c-1.5 {script} -constraints {[info exists ::nothing]} -body {expr 1} -result 1
        test c-1.6 {slow} -constraints slow -body {expr 1} -result 1
    """,
    "configured": r"""
        configure -skip {s-1.* s-2.2} -match {s-*}
        test s-1.1 {skipped} {expr 1} 1
        test s-2.1 {runs} {expr 1} 1
        test s-2.2 {skipped} {expr 1} 1
        test t-1.1 {not matched} {expr 1} 1
        testConstraint later 0
        configure -constraints later
        test s-3.1 {switched on} later {expr 1} 1
    """,
    "limited": r"""
        configure -constraints wanted -limitconstraints 1
        test l-1.1 {none} {expr 1} 1
        test l-1.2 {wanted} wanted {expr 1} 1
        test l-1.3 {other} other {expr 1} 1
    """,
    "made": r"""
        foreach i {1 2 3} {
            test m-1.$i "loop $i" -body {expr {$i < 3}} -result 1
        }
        proc check {name value} {
            uplevel 1 [list test $name {in a procedure} -body [list expr $value] -result 2]
        }
        check m-2.1 1+1
        check m-2.2 1+2
        namespace eval inner {
            namespace import ::tcltest::test
            variable two 2
            test m-3.1 {in a namespace} -body {variable two; set two} -result 2
            ::tcltest::test m-3.2 {a full name} {set nothing} 2
        }
        if {[package vsatisfies [package provide Tcl] 99]} {
            test m-4.1 {not made} {expr 1} 1
        }
        apply {{} {test m-5.1 {in a lambda} {expr 1} 1}}
        interp alias {} check2 {} ::tcltest::test m-6.1
        check2 {through an alias} {expr 1} 1
        rename test renamed
        renamed m-7.1 {renamed} {expr 1} 1
    """,
    "names": r"""
        test {} {no name} {expr 1} 1
        test {with blanks} {} {expr 1} 1
        test n::1 {colons} {expr 1} 1
        test {n [x] 1} {brackets} {expr 1} 1
        test twice {} {expr 1} 1
        test twice {} {expr 1} 2
        test {twice[2]} {} {expr 1} 1
        test "tab\tnewline\nend" {} {expr 1} 1
        test {*?\{} {glob characters} {expr 1} 1
        test é€ü {not ASCII} {string length é€ü} 3
        test -dash {} {expr 1} 1
    """,
    "nested": r"""
        test a-1.1 {a test in a test} -body {
            test a-1.2 {inside, fails} {expr 1} 2
            set done 1
        } -result 1
        test a-1.3 {made after, inside another's body} -body {
            test a-1.4 {inside} {expr 1} 1
        } -match glob -result *
    """,
    "skip_command": r"""
        if {[info commands ::tcltest::Skip] eq ""} {
            proc ::tcltest::Skip {reason} {return ok}
        }
        test k-1.1 {decides in its body} -body {::tcltest::Skip {not today}} -result ok
        test k-1.2 {decides in its setup} -setup {::tcltest::Skip {no room}} -body {return ok} -result ok
        test k-1.3 {for a reason that is no number} -body {::tcltest::Skip nan; return ok} -result ok
    """,
    "custom": r"""
        proc longer {expected actual} {expr {[string length $actual] > [string length $expected]}}
        customMatch longer longer
        customMatch broken {error boom ;#}
        test x-1.1 {right} -body {return abc} -match longer -result ab
        test x-1.2 {wrong} -body {return a} -match longer -result ab
        test x-1.3 {an error} -body {return a} -match broken -result ab
        customMatch odd {error nan ;#}
        test x-1.4 {an error that is no number} -body {return a} -match odd -result ab
        test x-1.5 {right, after that} -body {return abc} -match longer -result ab
    """,
    "files": r"""
        test f-1.1 {a file made and read} -setup {
            set path [makeFile {some text} corpus.txt]
        } -body {viewFile corpus.txt} -cleanup {removeFile corpus.txt} -result {some text}
        test f-1.2 {where} -body {
            list [info script] $::argv0 [file tail [pwd]] [string equal [testsDirectory] [pwd]] \
                [string equal [temporaryDirectory] [pwd]] [string equal [file dirname [info script]] .]
        } -match glob -result [list files.test files.test * 1 1 1]
        makeFile {left behind for cleanupTests} corpus2.txt
    """,
}

# What the search cannot find, finds in vain, or no totals count; each is a whole file but for HEAD. With each
# the tests that the plugin warns of; None where their names differ.
UNFORESEEN = {
    "made_by_a_body": (
        r"""
        test m-1 {} -body {set ::names {m-2 m-3 m-4}} -match glob -result *
        foreach name [expr {[info exists names] ? $names : {}}] {
            test $name {made} -body {expr {$::name eq "m-3"}} -result 1
        }
        test m-5 {} {proc later args {uplevel 1 ::tcltest::test $args}; expr 1} 1
        if {[info commands later] ne ""} {
            later m-6 {not run} nowhere {expr 1} 1
            later m-1 {a name used before} {expr 1} 2
        }
        cleanupTests
        """,
        [],
    ),
    "other_names": (
        r"""
        foreach number {1 2 3} {
            test n-[clock clicks].$number {another name each time} -body {expr {$::number < 3}} -result 1
        }
        test n-4 {} {expr 1} 1
        cleanupTests
        """,
        None,
    ),
    "gone": (
        r"""
        test g-1 {} {set ::done 1} 1
        if {![info exists done]} {
            test g-2 {} {expr 1} 1
            test g-3 {} {expr 1} 2
        }
        test g-4 {} {expr 1} 1
        cleanupTests
        """,
        ["g-2, g-3"],
    ),
    "last_gone": (
        r"""
        test g-1 {} {set ::done 1} 1
        test g-2 {} {expr 1} 1
        if {![info exists done]} {test g-3 {} {expr 1} 1}
        cleanupTests
        """,
        ["g-3"],
    ),
    "first_gone": (
        r"""
        test g-0 {} {expr 1} 1
        cleanupTests
        if {![info exists ::tcltest::pytest_Skipped] && [namespace which ::pytest_tcltest::record] ne ""} {
            test g-1 {only when searched for} {expr 1} 1
        }
        test g-2 {} {expr 1} 1
        cleanupTests
        """,
        ["g-1"],
    ),
    "in_the_hook": (
        r"""
        proc ::tcltest::cleanupTestsHook {} {
            ::tcltest::test h-2 {in the hook} {expr 1} 1
            ::tcltest::test h-3 {in the hook} {expr 1} 2
        }
        test h-1 {} {expr 1} 1
        cleanupTests
        """,
        [],
    ),
    "in_the_hook_made": (
        r"""
        proc ::tcltest::cleanupTestsHook {} {
            if {[info exists ::done]} {::tcltest::test h-2 {in the hook} {expr 1} 2}
        }
        test h-1 {} {set ::done 1} 1
        cleanupTests
        """,
        [],
    ),
    "cleaned_twice": (
        r"""
        test c-1 {} {expr 1} 1
        cleanupTests
        test c-2 {} {expr 1} 1
        test c-3 {} nowhere {expr 1} 1
        test c-4 {} {expr 1} 2
        cleanupTests
        """,
        [],
    ),
    "after": (
        r"""
        test a-1 {} {expr 1} 1
        test a-2 {} {expr 1} 2
        ::tcltest::cleanupTests
        test a-3 {} {expr 1} 1
        cleanupTests
        test a-4 {} {expr 1} 1
        test a-5 {} nowhere {expr 1} 1
        if {[info exists ::errorInfo]} {test a-6 {} {set done 1} 1}
        """,
        ["a-4, a-5, a-6"],
    ),
    "children": (
        r"""
        test c-1 {} {expr 1} 1
        foreach kid {one two} {
            interp create $kid
            $kid eval {
                package require tcltest
                namespace import ::tcltest::*
                test k-1 {} {expr 1} 1
                test k-2 {} nowhere {expr 1} 1
                test k-3 {} {expr 1} 2
                cleanupTests
            }
        }
        one eval {namespace delete ::tcltest}
        interp delete one
        interp create one
        one eval {
            package require tcltest
            namespace import ::tcltest::*
            test k-1 {in another of that name} {expr 1} 1
            test k-4 {} {expr 1} 1
            cleanupTests
            test k-5 {after} {expr 1} 1
        }
        interp create -safe safe
        interp create idle
        idle eval {package require tcltest}
        cleanupTests
        """,
        ["one#2::k-5"],
    ),
    "children_made_by_a_body": (
        r"""
        test c-1 {with a child} {
            interp create old
            old eval {interp create kid}
            set counts [interp eval {old kid} {
                package require tcltest
                ::tcltest::test k-1 {} {expr 1} 1
                ::tcltest::test k-2 {} {expr 1} 2
                ::tcltest::cleanupTests
            }]
            interp delete old
            expr 1
        } 1
        test c-2 {} {expr 1} 2
        cleanupTests
        """,
        [],
    ),
    "children_that_report": (
        r"""
        test c-1 {} {expr 1} 1
        interp create kid
        ::tcltest::loadIntoChildInterpreter kid -skip k-4
        kid eval {
            ::tcltest::test k-1 {} {expr 1} 1
            ::tcltest::test k-2 {} nowhere {expr 1} 1
            ::tcltest::test k-3 {} {expr 1} 2
            ::tcltest::test k-4 {} {expr 1} 2
            ::tcltest::cleanupTests
        }
        test c-2 {} {expr 1} 1
        cleanupTests
        interp create late
        ::tcltest::loadIntoChildInterpreter late
        late eval {
            ::tcltest::test k-1 {} {expr 1} 1
            ::tcltest::cleanupTests
        }
        """,
        ["late::k-1"],
    ),
    "children_without_totals": (
        r"""
        test c-1 {} {expr 1} 1
        test c-2 {} {expr 1} 1
        interp create kid
        kid eval {
            package require tcltest
            ::tcltest::test k-1 {} {expr 1} 1
        }
        interp alias kid test {} ::tcltest::test
        kid eval {test c-3 {one of ours} {expr 1} 1}
        cleanupTests
        """,
        ["kid::k-1"],
    ),
    "left_after_cleanup": (
        r"""
        test l-1 {} {set ::done 1} 1
        test l-2 {} {expr 1} 1
        cleanupTests
        if {[info exists done]} exit
        test l-3 {} {expr 1} 1
        """,
        ["l-3"],
    ),
}
