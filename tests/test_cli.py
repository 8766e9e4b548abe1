"""The parts of the program that a Tcl script cannot see."""

import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import pybridge
from tests.stock_tclsh import TCLSH


def run(*words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pybridge", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


def both(*words: str, **options: Any) -> "list[subprocess.CompletedProcess[bytes]]":
    """What tcltorch does with these words, and what tclsh does."""
    return [
        subprocess.run([*program, *words], capture_output=True, timeout=60, **options)
        for program in ([sys.executable, "-m", "pybridge"], [TCLSH])
    ]


def test_the_trace_of_a_script_is_that_of_tclsh(tmp_path: Path) -> None:
    script = tmp_path / "script.tcl"
    script.write_text("proc inner {} {error boom}\n\ninner\n")
    ended = run(str(script))
    assert ended.returncode == 1
    assert ended.stderr == (
        'boom\n    while executing\n"error boom"\n    (procedure "inner" line 1)\n    invoked from within\n'
        f'"inner"\n    (file "{script}" line 3)\n'
    )


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize(
    "text",
    [
        "break",
        "return -code return",
        "return 1",
        "if 1 {puts [info frame]}",
        "catch {error boom}\nputs $::errorInfo",
        "error {it is so}",
        "puts {never closed",
        "# caf\u00e9\nif 1 {puts [info frame]}",
        "proc exit args {puts [list at the end $args]}",
        "rename exit _exit; proc exit {{status 0}} {puts [list at the end $status]; _exit 3}; error mine",
        "rename exit {}; error mine",
        "trace add execution exit enter {apply {args {puts $args}}}",
        "namespace delete ::tcl; puts on",
        "proc deeper {} {incr ::depth; deeper}; set depth 0; catch deeper; puts $depth",
    ],
)
def test_scripts_end_as_in_tclsh(text: str, locale: str, tmp_path: Path) -> None:
    (tmp_path / "script.tcl").write_text(f"puts begun\n{text}\n", encoding="utf-8")
    ours, theirs = both("script.tcl", cwd=tmp_path, env={**os.environ, "LC_ALL": locale})
    assert (ours.stdout, ours.stderr, ours.returncode) == (theirs.stdout, theirs.stderr, theirs.returncode)


@pytest.mark.parametrize(
    "commands",
    [
        "set tcl_interactive foo\nputs $::errorInfo",
        "set tcl_interactive true\nputs {a\nb}\nset tcl_interactive",
        "set tcl_prompt1 {error foo}\nset tcl_interactive 1\nset errorInfo",
        "set tcl_prompt2 {puts -nonewline more:}\nset tcl_interactive 1\nputs {a\nb}",
        "puts [history]\nhistory event 1",
        "puts [info frame]\nif 1 {puts [info frame]}\nproc p {} {uplevel 1 {info frame}}\nputs [p]",
        "proc deeper {} {incr ::depth; deeper}\nset depth 0\ncatch deeper\nputs $depth\nputs [catch deeper]",
        "proc p n {expr {$n ? [p [incr n -1]] : 0}}\ninterp recursionlimit {} 9\np 6\np 9",
        "proc p {} {\nerror mine\n}\np\nputs $errorInfo",
        "break\nputs $errorInfo\nreturn -code 7 x\nputs $errorInfo",
        "gets stdin line\nthis is read\nputs $line",
        'error foo bar "{a"\nputs next',
        "namespace delete ::tcl\nputs on",
        "proc ::tcl::chan::gets args {}\nrename puts say\nsay on",
        "array set tcl_prompt1 {a b}\nset tcl_interactive 1",
        "puts {caf\u00e9\n\0\n\U0001f600\n}\nputs on",
        "if 1 {\n# an odd { in a comment\nputs inside\n}}\nputs on",
        "puts \u20ac\U0001f600[string length \u20ac]",
        "proc exit args {puts [list at the end $args]}",
        "after 10 {set ::over 1}\nvwait over\nafter idle {puts never}\nputs now",
        "interp delete {}\nputs off",
    ],
)
def test_commands_of_standard_input_do_what_they_do_in_tclsh(commands: str) -> None:
    ours, theirs = both(input=(commands + "\n").encode())
    assert (ours.stdout, ours.stderr, ours.returncode) == (theirs.stdout, theirs.stderr, theirs.returncode)


@pytest.mark.parametrize("words", [(), ("-",), ("-verbose",), ("-verbose", "-x", "a b")])
def test_arguments_of_commands_of_standard_input(words: tuple[str, ...]) -> None:
    ours, theirs = both(*words, input=b"puts [list $argc $argv $tcl_interactive]")
    assert (ours.stdout, ours.stderr, ours.returncode) == (theirs.stdout, theirs.stderr, theirs.returncode)


def test_a_command_that_is_not_complete_does_not_run() -> None:
    ended = run(input="puts on\nputs {and\nputs off; puts {}\n")
    assert (ended.returncode, ended.stdout) == (0, "on\n")
    assert ended.stderr == "the input ends within a command, which is not run: puts {and...\n"


def test_a_line_of_an_input_that_does_not_block_may_come_in_pieces() -> None:
    command = [sys.executable, "-m", "pybridge"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin
        assert program.stdout
        for piece in (
            b"fconfigure stdin -blocking 0; puts on; flush stdout\n",
            b"puts [string len",
            b"gth {a\n",
            b"b}]\n",
        ):
            program.stdin.write(piece)
            program.stdin.flush()
            if piece.startswith(b"fconf"):
                assert program.stdout.readline() == b"on\n"
            time.sleep(0.1)  # of which it must not make empty lines
        program.stdin.close()
        assert program.stdout.read() == b"3\n"


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_names_of_scripts_are_those_of_tclsh_in_every_locale(locale: str, tmp_path: Path) -> None:
    (tmp_path / "caf\u00e9.tcl").write_text("puts [list $argv0 [info script] [file exists $argv0]]")
    ours, theirs = both("caf\u00e9.tcl", cwd=tmp_path, env={**os.environ, "LC_ALL": locale})
    assert (ours.stdout, ours.stderr, ours.returncode) == (theirs.stdout, theirs.stderr, theirs.returncode)


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_scripts_are_utf8_in_every_locale(locale: str, tmp_path: Path) -> None:
    (tmp_path / "script.tcl").write_text("puts [scan \u00e9 %c]\n", encoding="utf-8")
    ended = run(str(tmp_path / "script.tcl"), env={**os.environ, "LC_ALL": locale})
    assert (ended.stdout, ended.stderr) == ("233\n", "")


def test_scripts_run_other_scripts_as_in_tclsh(tmp_path: Path) -> None:
    (tmp_path / "all.tcl").write_text("package require tcltest\nexit [::tcltest::runAllTests]\n")
    (tmp_path / "a.test").write_text(
        "package require tcltest\nnamespace import ::tcltest::*\n"
        "test a-1 {} {exec [info nameofexecutable] << {puts [package present torch]}} $::torch::_::version\n"
        "test a-2 {} {interp create kid; kid eval {info nameofexecutable}} {}\ncleanupTests\n"
    )
    program = Path(sys.executable).with_name("tcltorch")
    (tmp_path / "linked").symlink_to(program)  # Tcl would look for packages beside the link
    for command in ([str(program)], [sys.executable, "-m", "pybridge"], ["./linked"]):
        ended = subprocess.run(
            [*command, "all.tcl"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert "Total\t2\tPassed\t1\tSkipped\t0\tFailed\t1\n" in ended.stdout, ended
        assert f"---- Result was:\n{program}\n" in ended.stdout
        assert ended.returncode == 1


def test_a_missing_script_is_one_line() -> None:
    ended = run("no_such_script.tcl")
    assert (ended.returncode, ended.stderr) == (
        1,
        'couldn\'t read file "no_such_script.tcl": no such file or directory\n',
    )


def test_a_python_without_tkinter_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "_tkinter.py").write_text("raise ImportError('no tk here', name='_tkinter')")
    ended = run("-c", "puts hello", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert ended.returncode == 1
    assert ended.stderr == "tcltorch needs Python's tkinter: apt-get install python3-tk\n"


@pytest.mark.parametrize(
    ("commands", "printed", "error"),
    [
        ("fconfigure stdin -translation binary\nputs on", "on\n", ""),
        ("rename info {}\nrename gets {}\nputs on", "on\n", ""),
        ("close stdin\nputs on", "", ""),
        ("close stdout\nnosuch", "", 'invalid command name "nosuch"\n'),
        ("close stderr\nnosuch", "", ""),
        (
            "continue\nputs $::errorInfo",
            'invoked "continue"@\n    while executing\n"continue"\n',
            'invoked "continue"@\n',
        ),
        ("return 1\nputs on", "on\n", ""),
        ("set tcl_interactive 1\nexpr 2\nset tcl_interactive 0\nset x 1", "1\n% 2\n% ", ""),
        ("set tcl_interactive 1\nclose stdin", "1\n% ", ""),
        ("set tcl_prompt1 {puts -nonewline {1> }}\nset tcl_interactive 1", "1\n1> ", ""),
        ("set tcl_prompt1 {close stdin}\nset tcl_interactive 1\nputs off", "1\n", ""),
    ],
)
def test_commands_of_standard_input(commands: str, printed: str, error: str) -> None:
    """They are run and told of whatever one before has done, to commands and channels, too; as in tclsh."""
    printed, error = (text.replace("@", " outside of a loop") for text in (printed, error))
    ended = run(input=commands + "\n")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, printed, error)


def test_wrong_options_show_the_usage() -> None:
    for words, reason in (
        (("-x",), "unknown option -x (as an argument of commands on a pipe: tcltorch - -x)"),
        (("-c",), "-c needs a script"),
        (("-encoding", "utf-8"), "-encoding needs the name of an encoding and a script"),
    ):
        ended = run(*words)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith(f"tcltorch: {reason}\nusage: tcltorch ")


def test_argv0_without_a_script_is_what_was_called(tmp_path: Path) -> None:
    program = tmp_path / "tcltorch"
    program.symlink_to(Path(sys.executable).parent / "tcltorch")
    for command in ([str(program), "-c", "puts $argv0"], [str(program), "-verbose"]):
        told = subprocess.run(command, input="puts $argv0", capture_output=True, text=True, timeout=60)
        assert told.stdout == f"{program}\n"


def test_version_and_help() -> None:
    assert run("--version").stdout == f"tcltorch {pybridge.__version__}\n"
    assert run("--help").stdout.startswith("usage: tcltorch")
    assert [run(word).stdout for word in ("-version", "-help")] == [
        run(word).stdout for word in ("--version", "--help")
    ]


def test_plain_tcl_does_not_import_torch() -> None:
    program = (
        "import sys; from pybridge.cli import main; "
        "status = main(['-c', 'set x [expr {6 * 7}]; torch::scope {torch::version}; torch::help zeros']); "
        "sys.exit(status or 'torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_no_garbage_is_looked_for_in_pytorch_at_the_end() -> None:
    program = (
        "import atexit, gc; from pybridge.cli import main; "
        "atexit.register(lambda: print(gc.get_freeze_count() > 10000)); main(['-c', ''])"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "True\n", "")


def test_warnings_of_pytorch_are_one_line() -> None:
    ended = run("-c", "torch::tensor_std [torch::ones 1]")
    assert ended.returncode == 0
    assert ended.stderr.startswith("warning: std(): degrees of freedom is <= 0.")
    assert ended.stderr.count("\n") == 1


def test_the_plain_prompt(tmp_path: Path) -> None:
    """A dialogue on a terminal that can only print: results, errors that do not end it, end of input."""
    main_side, program_side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pybridge"],
        stdin=program_side,
        stdout=program_side,
        stderr=program_side,
        env={**os.environ, "HOME": str(tmp_path), "TERM": "dumb"},
    )
    os.close(program_side)
    os.write(main_side, b"foreach i {1 2} {\nputs line$i\n}\nexpr {6 * 7}\nnosuch\nset tcl_interactive\n\x04")
    output = b""
    while True:
        try:
            piece = os.read(main_side, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        output += piece
    os.close(main_side)
    assert process.wait(timeout=60) == 0
    text = output.decode().replace("\r", "")
    assert '> > line1\nline2\n% 42\n% invalid command name "nosuch"\n% 1\n% ' in text


@pytest.mark.parametrize(("end", "status"), [("", 0), ("exit 3", 3)])
def test_a_script_may_delete_the_namespace(end: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "delete.tcl").write_text(f"namespace delete ::torch; puts done; {end}")
    ended = subprocess.run(
        [sys.executable, "-m", "pybridge", "delete.tcl"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("done\n", "", status)
