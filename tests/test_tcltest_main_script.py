"""An interpreter runs a test file as its own script, or is seen not to."""

import shlex
import shutil
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pybridge.tcltest import main_script, process_group
from pybridge.tcltest.main_script import begins_as_tclsh
from tests.processes import PATIENCE, eventually, is_running
from tests.screens import installed, virtual_display
from tests.tcltest_odd_suites import ODD
from tests.tcltest_suites import HEAD, TCLSH, UNFORESEEN, outcomes, run, status_of, suite, tclsh_counts, write

pytest_plugins = ["pytester"]

SUITES = UNFORESEEN | ODD
ASKED = "puts [list [info library] [info tclversion]]"


def tcl_library() -> tuple[str, str]:
    """The folder with tclsh's own init.tcl, and its version."""
    answer = subprocess.run(TCLSH, input=ASKED, capture_output=True, text=True, check=True)
    library, version = answer.stdout.split()
    return library, version


def script(path: Path, command: str) -> str:
    """The option for a shell script that runs a command as the interpreter."""
    path.write_text(f"#!/bin/sh\n{command}\n")
    path.chmod(0o755)
    return f"--tcltest-interpreter={path}"


# -- which interpreters do -------------------------------------------------------------------------------


def test_tclsh_and_tcltorch_do() -> None:
    assert begins_as_tclsh(tuple(TCLSH), PATIENCE)
    assert begins_as_tclsh((), PATIENCE)


@pytest.mark.parametrize(
    "command", ["unset TCL_LIBRARY; exec {tclsh} $1", "echo begins.; exec cat $1", "exit 1"]
)
def test_others_do_not(tmp_path: Path, command: str) -> None:
    option = script(tmp_path / "interpreter", command.format(tclsh=shlex.join(TCLSH)))
    assert not begins_as_tclsh((option.partition("=")[2],), PATIENCE)


def test_one_that_hangs_takes_no_longer_than_a_file_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main_script, "_SHORTEST_WAIT", 0.0)
    monkeypatch.setattr(main_script, "_LONGEST_WAIT", 2 * PATIENCE)
    command = script(tmp_path / "interpreter", f"exec sleep {2 * PATIENCE}").partition("=")[2]
    begin = time.monotonic()
    assert not begins_as_tclsh((command,), 0.1)
    assert time.monotonic() - begin < PATIENCE


def test_what_one_has_started_ends_at_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "started"
    starts = f"sleep {PATIENCE} &\necho $! >{started}\nwait"
    command = script(tmp_path / "interpreter", starts).partition("=")[2]

    def press(seconds: float) -> None:
        if started.exists() and started.read_text().strip():
            raise KeyboardInterrupt

    monkeypatch.setattr(process_group, "time", SimpleNamespace(monotonic=time.monotonic, sleep=press))
    with pytest.raises(KeyboardInterrupt):
        begins_as_tclsh((command,), PATIENCE)
    eventually(lambda: not is_running(started.read_text().strip()))


# The first reads no init.tcl of ours, as if its library were built in.
INTERPRETERS = {
    "own library": 'unset TCL_LIBRARY; exec {tclsh} "$@"',
    "by another script": 'exec {tclsh} other.tcl "$@"',
    "by another program": 'exec {tclsh} starts.tcl "$@"',
    "expect": 'exec expect -f "$@"',
}


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_counts_where_another_script_comes_first_are_tclshs(pytester, interpreter):
    installed("expect", "expect")
    suites = {name: HEAD + SUITES[name][0] for name in ("after", "coroutines", "safe_base", "threads")}
    suites["runs_all"] = HEAD + "configure -file b.tcltest\nrunAllTests\n"
    write(pytester, **suites)
    (pytester.path / "b.tcltest").write_text(suite("test b-1 {} {expr 1} 1\ntest b-2 {} {expr 1} 2"))
    (pytester.path / "other.tcl").write_text("set argv [lassign $argv argv0]\nsource $argv0\n")
    (pytester.path / "starts.tcl").write_text(
        "set code [catch {exec [info nameofexecutable] {*}$argv >@stdout 2>@stderr}]\nexit $code\n"
    )
    theirs = [tclsh_counts(pytester.path / f"{name}.test") for name in suites]
    command = INTERPRETERS[interpreter].format(tclsh=shlex.join(TCLSH))
    option = script(pytester.path / "interpreter", f"cd {shlex.quote(str(pytester.path))}\n{command}")
    assert outcomes(run(pytester, option)) == tuple(map(sum, zip(*theirs, strict=True)))


def test_one_that_leaves_another_program_running_does(pytester):
    """As one that starts a display for Tk: that holds standard output open."""
    write(pytester, a=suite("set level [info frame]\ntest l-1 {} {set level} 1"))
    option = script(pytester.path / "interpreter", f'sleep 600 &\nexec {shlex.join(TCLSH)} "$@"')
    assert outcomes(run(pytester, option)) == tclsh_counts(pytester.path / "a.test") == (1, 0, 0)


def test_wish_does_not_and_may_end_by_an_event(pytester, monkeypatch):
    """What a script has caught is not what has ended it."""
    installed("wish", "tk")
    ends = "catch {error stale}\nafter 100 {exit %s}\n"
    write(
        pytester,
        cleans=suite("test w-1 {} {winfo exists .} 1"),
        ends=HEAD + "test w-2 {} {winfo exists .} 1\n" + ends % 0,
        fails=HEAD + "test w-3 {} {winfo exists .} 1\n" + ends % 1,
        dies=HEAD + "test w-4 {} {winfo exists .} 1\nerror boom\n",
    )
    with virtual_display((300, 300)) as name:
        monkeypatch.setenv("DISPLAY", name)
        result = run(pytester, "-v", "--tcltest-interpreter=wish")
        assert not begins_as_tclsh((shutil.which("wish"),), PATIENCE)
    assert result.parseoutcomes() == {"passed": 4, "errors": 2}
    result.stdout.fnmatch_lines(
        [
            "E   boom",
            "E   the process ended with status 1 after the end of the file, though no test failed",
        ]
    )
    result.stdout.no_fnmatch_line("*stale*")


# -- what it finds there ---------------------------------------------------------------------------------


def test_a_library_that_the_user_names_is_used(pytester, monkeypatch):
    """And the environment is as the user has it."""
    asked, _ = tcl_library()
    library = pytester.path / "tcl library"
    library.symlink_to(asked)
    test = "test l-1 {} {list [info library] [array get env TCL_LIBRARY] [info exists errorInfo]} {%s}\n"
    with_library = f"{{{library}}} {{TCL_LIBRARY {{{library}}}}} 0"
    before = "expr {[lsearch -exact [encoding dirs] {%s}] in {0 1}}"  # 1 where the program has some in it
    encodings = f"test l-2 {{}} {{{before % (library / 'encoding')}}} 1\n"
    write(pytester, a=suite(test % with_library + encodings))
    monkeypatch.setenv("TCL_LIBRARY", str(library))
    assert tclsh_counts(pytester.path / "a.test") == (2, 0, 0)
    assert outcomes(run(pytester)) == (2, 0, 0)
    monkeypatch.setenv("TCL_LIBRARY", "")
    write(pytester, a=suite(test % f"{asked} {{TCL_LIBRARY {{}}}} 0"))
    assert outcomes(run(pytester)) == (1, 0, 0)
    monkeypatch.delenv("TCL_LIBRARY")
    write(pytester, a=suite(test % f"{asked} {{}} 0"))
    assert outcomes(run(pytester)) == (1, 0, 0)


@pytest.mark.parametrize("process", ["file", "session"])
def test_the_environment_is_that_of_a_shell_in_the_folder_of_the_file(pytester, monkeypatch, process):
    monkeypatch.setenv("PWD", str(pytester.path))
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "x" * 150_000)  # too long to be handed to a program
    monkeypatch.setenv("PYTEST_VERSION", pytest.__version__)
    text = suite("test e-1 {} {set env(PWD)} [pwd]\ntest e-2 {} {list [array names env {PYTEST_[CV]*}]} {{}}")
    for name in ("one", "two"):
        pytester.mkdir(name).joinpath(f"{name}.test").write_text(text)
    result = run(pytester, f"--tcltest-process={process}", "--tcltest-compare")
    assert outcomes(result) == (4, 0, 0)


@pytest.mark.parametrize("process", ["file", "session"])
def test_a_file_begins_where_it_expects_to_whatever_the_set_up_script_changes(pytester, process):
    changes = "cd ..\nset argv {-match nothing*}\nset argc 2\nencoding system unicode\n"
    (pytester.path / "prepare.tcl").write_text(changes)
    asked = subprocess.run(TCLSH, input="puts [encoding system]", capture_output=True, text=True)
    test = "test w-1 {} {list [file isfile a.test] $argv $argc [encoding system]} {1 {%s} %d %s}"
    encoding = asked.stdout.strip()
    write(
        pytester,
        a=suite(test % ("", 0, encoding)),
        runs_all=HEAD + "configure -file b.tcltest -testdir [pwd]\nrunAllTests\n",
    )
    (pytester.path / "b.tcltest").write_text(suite(test % ("-file b.tcltest", 2, encoding)))
    result = run(pytester, f"--tcltest-process={process}", "--tcltest-setup=prepare.tcl")
    assert (
        tclsh_counts(pytester.path / "a.test") == tclsh_counts(pytester.path / "runs_all.test") == (1, 0, 0)
    )
    assert outcomes(result) == (2, 0, 0)


def test_nothing_beside_the_folder_of_a_process_is_run(pytester, monkeypatch):
    """Tcl would look for its library in /tmp/tcl8.6, say."""
    _, version = tcl_library()
    scratch = pytester.path / "scratch"
    (scratch / f"tcl{version}").mkdir(parents=True)
    (scratch / f"tcl{version}" / "init.tcl").write_text('puts stderr "not ours"; exit 1')
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    write(pytester, a=suite("test a-1 {} {expr 1} 1"))
    assert outcomes(run(pytester)) == (1, 0, 0)


def test_another_interpreter_of_runalltests(pytester):
    """And nothing of ours is in its environment."""
    command = f'unset TCL_LIBRARY; exec {shlex.join(TCLSH)} "$@"'
    program = script(pytester.path / "interpreter", command).partition("=")[2]
    write(pytester, a=HEAD + f"configure -file b.tcltest\ninterpreter {program}\nrunAllTests\n")
    (pytester.path / "b.tcltest").write_text(suite("test b-1 {} {array names env *TCLTEST*} {}"))
    assert tclsh_counts(pytester.path / "a.test") == (1, 0, 0)
    assert status_of(run(pytester, "-v")) == {"a.test::all::b.tcltest::b-1": "PASSED"}


def test_a_shell_that_runalltests_starts(pytester):
    """What it starts tells nothing; its totals count."""
    write(pytester, a=HEAD + "configure -file b.tcltest\nrunAllTests /bin/sh\n")
    tests = suite("test b-1 {} {expr 1} 1\ntest b-2 {} {expr 1} 2")
    (pytester.path / "b.tcltest").write_text(f'# \\\nexec {shlex.join(TCLSH)} "$0" "$@"\n{tests}')
    assert tclsh_counts(pytester.path / "a.test") == (1, 0, 1)
    assert outcomes(run(pytester)) == (1, 0, 1)


# -- how it ends -----------------------------------------------------------------------------------------

LEAVES = {
    "replaced": "rename ::exit ::gone; proc ::exit args {tailcall ::gone {*}$args}; exit 0",
    "expect": "package require Expect; exit 0",
    "exposed": "interp create -safe kid; interp expose kid exit; kid eval {exit 0}",
}


@pytest.mark.parametrize("leave", LEAVES)
def test_an_exit_in_a_test_or_between_tests_is_no_end_of_the_file(pytester, leave):
    installed("expect", "expect")
    write(
        pytester,
        inside=HEAD
        + f"test i-1 {{}} {{expr 1}} 1\ntest i-2 {{}} {{{LEAVES[leave]}}} 2\ntest i-3 {{}} {{expr 1}} 1\n",
        between=HEAD
        + f"test b-1 {{}} {{expr 1}} 1\nif {{$argc}} {{\n{LEAVES[leave]}\n}}\ntest b-2 {{}} {{expr 1}} 1\n",
    )
    result = run(pytester, "-v", "inside.test")
    assert status_of(result) == {
        "inside.test::i-1": "PASSED", "inside.test::i-2": "FAILED", "inside.test::i-3": "FAILED",
    }  # fmt: skip
    result = run(pytester, "between.test", "--tcltest-args=-verbose p")
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(["E   the process ended with status 0 half-way, *"])


@pytest.mark.parametrize("last", ["proc exit args {}", "rename exit {}", "interp alias {} exit {} list"])
def test_a_file_may_end_without_exit(pytester, last):
    write(pytester, a=HEAD + f"test a-1 {{}} {{expr 1}} 1\n{last}\n")
    assert outcomes(run(pytester)) == (1, 0, 0)


def test_an_exit_that_does_not_end_it_is_no_end(pytester):
    text = "rename exit gone\nproc exit args {}\nexit 3\ntest a-1 {} {expr 1} 1\nerror boom\n"
    write(pytester, a=HEAD + text)
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(["E   boom"])


@pytest.mark.parametrize("locale", ["C.UTF-8", "POSIX"])
def test_the_trace_that_tclsh_prints_is_shown_once(pytester, monkeypatch, locale):
    monkeypatch.setenv("LC_ALL", locale)
    write(pytester, a=HEAD + 'puts stderr "a note"\ntest a-1 {} {expr 1} 1\nerror "boom \\u00fc"\n')
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(["E   boom *", "a.test:5", "*stderr*", "a note"])
    assert result.stdout.str().count("while executing") == 1


def test_the_trace_of_a_file_of_runalltests_is_whole(pytester):
    write(pytester, a=HEAD + "configure -file b.tcltest\nrunAllTests\n")
    (pytester.path / "b.tcltest").write_text(suite("test b-1 {} {expr 1} 1") + "proc f {} {error boom}\nf\n")
    result = run(pytester)
    assert result.parseoutcomes() == {"passed": 1, "errors": 1}
    result.stdout.fnmatch_lines(
        ["*did not end well: boom", '*(procedure "f" line 1)', "*invoked from within", '*"f"']
    )
