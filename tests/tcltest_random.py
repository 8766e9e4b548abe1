"""Random Tcl test suites: whatever tcltest lets a script do, put together as nobody would write it."""

import itertools
from textwrap import indent

from hypothesis import strategies as st

_IMPORT = "namespace import -force ::tcltest::*; proc check args {uplevel 1 test $args}"
_BEGIN = f"package require tcltest; {_IMPORT}\n"
_LOADED = ["KID eval {package require tcltest}", "::tcltest::loadIntoChildInterpreter KID"]
_REPORTS = ["", "", "", "configure -outfile kid.log"]
# What a test may say of itself; `%s` is where statements stand in its body.
_OLD_STYLE = ["{expr 1} 1", "{expr 1} 2", "nowhere {expr 1} 1", "{error boom} boom"]
_NEW_STYLE = [
    "-body {%sexpr 1} -result 1",
    "-body {%sexpr 1} -result 2",
    "-body {%sexpr 1} -constraints nowhere -result 1",
    "-body {%sexpr 1} -constraints later -result 1",
    "-body {%sputs x} -output x\\n",
    "-body {%sputs x; expr 1} -output y\\n -match glob -result *",
    "-body {%sputs stderr x} -errorOutput x\\n",
    "-setup {%sset x 1} -body {incr x} -result 2",
    "-setup {%serror boom} -body {expr 1} -result 1",
    "-body {expr 1} -cleanup {%sset x 1} -result 1",
    "-body {expr 1} -cleanup {%serror boom} -result 1",
    "-body {%serror boom} -returnCodes error -result boom",
    "-body {%sbreak} -returnCodes 3 -match glob -result *",
    "-body {%sreturn 1} -result 1",
    "-body {%serror boom}",
    "-body {%serror boom {} {MY CODE}} -returnCodes error -errorCode {MY *} -result boom",
    "-body {%serror boom {} {MY CODE}} -returnCodes error -errorCode {NOT *} -result boom",
    "-body {%sreturn -level 2 1} -match glob -result *",
    "-body {%sreturn -code 7 x} -returnCodes 7 -result x",
    "-body {%stailcall expr 1} -match glob -result *",
    "-body {%syield 1} -returnCodes error -match glob -result *",
    "-body {%sset ::tcltest::currentFailure 1; expr 1} -result 1",
    "-body {%sset ::tcltest::testLevel 0; expr 1} -result 1",
    "-body {%sputs -nonewline x; flush stdout; puts y} -output xy\\n",
    "-body {%schan puts x} -output {}",
    "-body {%sfconfigure stdout -translation crlf; puts x} -match glob -result *",
    "-body {close stderr} -result {}",
    "-body {%sinfo level} -match glob -result *",
    "-body {%sinfo frame} -match glob -result *",
    "-body {%sexec echo x} -result x",
    "-body {%sexec [interpreter] << {exit 3}} -returnCodes error -match glob -result *",
    "-body {%sinterp delete {}} -match glob -result *",
    "-body {expr 1} -result",
    "-body {expr 1} -nonsense 1",
    "-body {expr 1} -match nonsense -result 1",
    "-constraints {nowhere || tcl} -body {%sexpr 1} -result 1",
    "-constraints {nowhere &&} -body {%sexpr 1} -result 1",
    "{\n  -body {%sexpr 1}\n  -result 1\n}",
]
_NAMES = [
    *["a-@"] * 4,
    "s-@",
    "b::c-@",
    "dup-1",
    "dup-1",
    "{two words-@}",
    "{}",
    "{x[1]-@}",
    "-@",
    "\\u00e9-@",
]
_CALLED = [
    "test TEST",
    "test TEST",
    "::tcltest::test TEST",
    "check TEST",
    "uplevel #0 {test TEST}",
    "catch {test TEST}",
]
_OPTIONS = [
    "-skip s*",
    "-skip {}",
    "-match {a* s*}",
    "-match *",
    "-constraints later",
    "-limitconstraints 1",
    "-limitconstraints 0",
    "-verbose {start pass skip error body}",
    "-verbose {}",
    "-debug 1",
    "-debug 3",
    "-preservecore 1",
    "-singleproc 1",
    "-file b*.test",
    "-notfile a*",
    "-outfile stdout",
    "-tmpdir [file join [temporaryDirectory] t@]",
    "-load {set ::loaded 1}; ::tcltest::loadTestedCommands",
]
_CONFIGURED = [f"configure {option}" for option in _OPTIONS]
_CLEANUP = "::tcltest::cleanupTests"
_CLEANED = [_CLEANUP, "cleanupTests", f"{_CLEANUP} 1"]
_BLOCKS = [
    "foreach i {1 2} {%s}",
    "if 1 {%s}",
    "if {[info exists ::later]} {%s}; set ::later 1",
    "proc p@ {} {%s}; p@",
    "namespace eval n {namespace import -force ::tcltest::*; proc check args {uplevel 1 test $args}; %s}",
    "catch {%serror boom}",
    "apply {{} {%s}}",
    "coroutine c@ apply {{} {%syield; ::tcltest::test co-@ {} {expr 1} 1}}",
    "coroutine c@ apply {{} {yield; %s}}; c@",
    "after 0 {set ::done@ [catch {%s}]}; vwait ::done@",
    "uplevel #0 {%s}",
    "try {%s} finally {set x 1}",
    "eval [list if 1 {%s}]",
    "set f [open s@.tcl w]; puts $f {%s}; close $f; source s@.tcl",
    "interp alias {} al@ {} apply {{} {%s}}; al@",
    f"package require Thread; thread::join [thread::create -joinable {{{_BEGIN}%s}}]",
    f"package require Thread; thread::join [thread::create -joinable {{{_BEGIN}%s{_CLEANUP}}}]",
]
_COUNTED = [
    "incr ::tcltest::numTests(Skipped)",
    "incr ::tcltest::numTests(Passed)",
    "incr ::tcltest::numTests(Total)",
    "incr ::tcltest::numTests(Failed)",
]
_CORE = [
    *["if", "set", "foreach", "namespace", "info", "variable", "return", "upvar", "string", "interp"],
    *["lappend", "proc", "uplevel", "catch", "unset", "incr", "eval", "trace", "package", "puts", "source"],
    *["array", "dict", "lindex", "list", "lassign", "error", "global", "regexp", "split", "apply", "try"],
]
_TCLTESTS = {  # procedures of tcltest's, and what a suite may have them do
    **dict.fromkeys(["PrintError", "ReplacedX", "DebugPuts", "FillFilesExisted"], "args {}"),
    **dict.fromkeys(["GetMatchingFiles", "SetTestResult", "matchPatterns"], "args {}"),
    "IsVerbose": "args {return 1}",
    "CompareStrings": "{a b args} {return 1}",
    "EvalTest": "script {uplevel 1 $script}",
    "RunTest": "{name script} {uplevel 1 $script}",
}
_ODD = [
    "testConstraint later 1",
    "testConstraint later 0",
    "package require tcltest",
    "namespace import -force ::tcltest::*",
    "proc ::tcltest::cleanupTestsHook {} {::tcltest::test hook-@ {} {expr 1} 1}",
    "proc ::tcltest::cleanupTestsHook {} {}",
    "customMatch any {apply {args {return 1}}}; test m-@ {} -body {expr 1} -match any -result 7",
    "trace add variable ::tcltest::testLevel write {apply {args {}}}",
    "set ::tcltest::currentFailure 1",
    "::tcltest::makeFile {} f@; ::tcltest::removeFile f@",
    *(
        f"rename {name} ::tcltest::o@; proc {name} args {{uplevel 1 [list ::tcltest::o@ {{*}}$args]}}"
        for name in ("::tcltest::Skipped", "::tcltest::test", "::tcltest::cleanupTests")
    ),
    *(f"rename {name} o@; interp alias {{}} {name} {{}} o@" for name in _CORE),
    *(f"rename {name} o@; proc {name} args {{uplevel 1 [linsert $args 0 o@]}}" for name in _CORE),
    *(f"trace add execution {name} enter {{apply {{args {{}}}}}}" for name in _CORE),
    *(
        f"interp hide {{}} {name} h@; interp alias {{}} {name} {{}} interp invokehidden {{}} h@"
        for name in ("puts", "exit", "after")
    ),
    *(
        f"trace add variable {variable} {op} {{apply {{args {{}}}}}}"
        for op in ("read", "write", "unset")
        for variable in (*[f"::tcltest::{name}" for name in ("numTests", "testConstraints")], "::errorInfo")
    ),
    *(
        f"trace add execution ::tcltest::{traced} {{apply {{args {{}}}}}}"
        for traced in ("test leave", "test enterstep", "cleanupTests enter", "EvalTest leave")
    ),
    *(f"proc ::tcltest::{name} {procedure}" for name, procedure in _TCLTESTS.items()),
    "rename ::tcltest::test ::tcltest::o@; proc ::tcltest::test args {tailcall ::tcltest::o@ {*}$args}",
    "interp alias {} test {} ::tcltest::test",
    "proc test args {uplevel 1 ::tcltest::test $args}",
    "::tcltest::threadReap",
    "::tcltest::saveState; ::tcltest::restoreState",
    "catch {::tcltest::test}",
    "catch {::tcltest::test a}",
    "set ::tcltest::filesMade {}",
    "set ::tcltest::failFiles {x.test}",
    "array unset ::tcltest::skippedBecause; array set ::tcltest::skippedBecause {}",
    "set ::tcltest::testFileName other.test",
    "set ::argv {-match b*}",
    "unset -nocomplain ::argv ::argv0 ::argc ::errorInfo ::errorCode",
    "array unset ::env",
    "info script other.test",
    "namespace unknown {apply {args {return 1}}}",
    "namespace path ::tcltest",
    "proc unknown args {return 1}",
    "interp recursionlimit {} 100",
    "interp bgerror {} {apply {args {}}}",
    "interp limit {} command -value [expr {[info cmdcount] + 100000}]",
    "fconfigure stdout -buffering none",
    "fconfigure stdout -encoding iso8859-1",
    "close stdin",
    "puts stderr {a.test:\tTotal\t1\tPassed\t1\tSkipped\t0\tFailed\t0}",
    "::tcltest::Skipped a-@ nowhere",
    "cd [temporaryDirectory]",
    "puts {a.test:\\tTotal\\tmany}",
    "unset -nocomplain ::tcltest::numTests(Nothing)",
    "after 1; update",
    "set ::tcltest::testLevel 0",
    "array set ::tcltest::numTests {Total 0 Passed 0 Skipped 0 Failed 0}",
    "unset -nocomplain ::tcltest::numTests(Passed); set ::tcltest::numTests(Passed) 0",
    f"namespace delete ::tcltest; package forget tcltest; package require tcltest; {_IMPORT}",
    f"package forget tcltest; {_BEGIN}",
    "rename ::exit ::leave@; proc ::exit {{status 0}} {::leave@ $status}",
    "trace add execution ::exit enter {apply {args {}}}",
    "interp create plain@; plain@ alias outer ::tcltest::test; plain@ eval {outer o-@ {} {expr 1} 1}",
    "catch {interp eval {} {error boom}}",
    "set t@ [interp create]; $t@ eval {package require tcltest; ::tcltest::test t-@ {} {expr 1} 1}",
    "configure -errfile [file join [temporaryDirectory] err.log]",
]
_ENDS = ["exit", "exit 1", "return", "error boom", "break"]


# One number after the other, in each suite from 1.
_NUMBERS = st.shared(st.builds(itertools.count, st.just(1)), key="numbers")
_Scripts = st.SearchStrategy[list[str]]


def _numbered(draw: st.DrawFn, text: str) -> str:
    """Put a number of its own in the place of each `@`."""
    return text.replace("@", str(next(draw(_NUMBERS))))


def _filled(draw: st.DrawFn, text: str, inner: _Scripts) -> str:
    """Put statements in the place of each `%s`."""
    before, *after = text.split("%s")
    parts = ("".join(f"\n{indent(line, '    ')}" for line in draw(inner)) + f"\n{part}" for part in after)
    return before + "".join(parts)


@st.composite
def _test(draw: st.DrawFn, inner: _Scripts) -> str:
    name = draw(st.sampled_from(_NAMES))
    words = draw(st.one_of(st.sampled_from(_OLD_STYLE), st.sampled_from(_NEW_STYLE)))
    called = draw(st.sampled_from(_CALLED))
    return _filled(draw, _numbered(draw, called.replace("TEST", f"{name} {{}} {words}")), inner)


@st.composite
def _block(draw: st.DrawFn, inner: _Scripts) -> str:
    return _filled(draw, _numbered(draw, draw(st.sampled_from(_BLOCKS))), inner)


@st.composite
def _child(draw: st.DrawFn, inner: _Scripts) -> str:
    """A child interpreter with a tcltest, which runs some scripts; between them run those of its parent."""
    kid = _numbered(draw, "k@")
    lines = [f"interp create {kid}", draw(st.sampled_from(_LOADED)).replace("KID", kid)]
    lines.append(f"{kid} eval {{{_IMPORT}; {draw(st.sampled_from(_REPORTS))}}}")
    for _ in range(draw(st.integers(1, 2))):
        lines.append(_filled(draw, f"catch {{{kid} eval {{%s}}}}", inner))
        lines += draw(st.one_of(st.just([]), inner))
    lines += draw(st.sampled_from([[], [f"catch {{{kid} eval ::tcltest::cleanupTests}}"]]))
    lines += draw(st.sampled_from([[], [f"interp delete {kid}"]]))
    return "\n".join(lines)


@st.composite
def _files(draw: st.DrawFn, inner: _Scripts) -> str:
    """A folder with test files, which `runAllTests` runs."""
    folder = _numbered(draw, "d@")
    lines = [f"file mkdir {folder}"]
    for number in range(draw(st.integers(1, 2))):
        text = _filled(draw, f"{_BEGIN}%s::tcltest::cleanupTests", inner)
        lines.append(f"set f [open {folder}/{number}.test w]; puts $f {{{text}}}; close $f")
    single = int(draw(st.booleans()))
    lines.append(f"configure -testdir [file normalize {folder}] -singleproc {single}")
    return "\n".join([*lines, "::tcltest::runAllTests"])


def _statements(inner: _Scripts) -> _Scripts:
    return st.lists(st.one_of(*[_test(inner)] * 4, *[_block(inner)] * 2, _plain(), _child(inner)), max_size=4)


@st.composite
def _plain(draw: st.DrawFn) -> str:
    return _numbered(draw, draw(st.sampled_from([*_CONFIGURED, *_COUNTED, *_CLEANED, *_ODD])))


@st.composite
def suites(draw: st.DrawFn) -> str:
    """The text of a test file, in which tests may have any outcome, run anywhere, and be counted anyhow."""
    inner: _Scripts = st.just([])
    for _ in range(2):
        inner = st.one_of(st.just([]), _statements(inner))
    own = _statements(inner)
    lines = draw(own) + draw(own)
    if draw(st.integers(0, 9)) == 0:
        lines.append(draw(_files(inner)))
    lines += draw(st.sampled_from([[], [_CLEANUP], [_CLEANUP]]))
    if draw(st.integers(0, 9)) == 0:
        lines.append(_numbered(draw, draw(st.sampled_from(_ENDS))))
    return "\n".join([_BEGIN, "test first {} {expr 1} 1", *lines, ""])  # a file without a test is an error
