"""The Interpreter as a Python program uses it: running, errors, `exit`, Ctrl-C, threads, memory."""

import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import pybridge
from pybridge import Interpreter, TclError
from pybridge.registry import BY_NAME, Command, Form

VERSION = pybridge.__version__


def python(code: str, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a Python program of its own."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def error_of(action: Callable[..., Any], *words: Any) -> TclError:
    with pytest.raises(TclError) as raised:
        action(*words)
    return raised.value


def in_thread(action: Callable[[], Any]) -> list[Any]:
    """What the action gives in another thread, or what it raises."""
    got: list[Any] = []

    def run() -> None:
        try:
            got.append(action())
        except BaseException as error:
            got.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return got


@pytest.fixture
def replace_version(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Put another function behind the command torch::version."""

    def replace(function: Callable[..., Any]) -> None:
        command = Command("version", "about", "", ("version",), [Form(function)])
        monkeypatch.setitem(BY_NAME, "version", command)

    return replace


def live(tcl: Interpreter) -> int:
    return int(tcl.eval("dict get [torch::memory] live"))


# -- running -----------------------------------------------------------------------------------------------


def test_eval_returns_text(tcl: Interpreter) -> None:
    assert tcl.eval("expr {6 * 7}") == "42"
    assert tcl.eval("") == ""
    assert tcl.eval("list 1 2.50 {a b}") == "1 2.50 {a b}"
    assert tcl.eval("set x 5") == "5"
    assert tcl.eval("incr x") == "6"
    assert tcl.eval("package require torch") == VERSION
    assert tcl.eval("expr {1.0 / 3}") == "0.3333333333333333"


def test_call_takes_and_returns_native_values(tcl: Interpreter) -> None:
    assert tcl.call("expr", "6 * 7") == 42
    assert tcl.call("expr", "2 ** 70") == 2**70
    assert tcl.call("expr", "0.5 + 1") == 1.5
    assert tcl.call("list", 1, 2.5, "a b", (3, (4, "c d"))) == (1, 2.5, "a b", (3, (4, "c d")))
    assert tcl.call("llength", (1, (2, 3), "")) == 3
    assert tcl.call("lindex", ((1, 2), (3, 4)), 1, 0) == 3
    assert tcl.call("string", "length", "a b [exit] $x {") == 15
    assert tcl.call("set", "x", True) in (1, True)
    assert tcl.call("set", "x", 2**63) == 2**63
    assert tcl.call("set", "x", -(2**70)) == -(2**70)
    assert tcl.call("binary", "format", "cc", 0, 255) == b"\0\xff"
    assert tcl.call("string", "length", b"\0\xff") == 2
    assert tcl.call("set", "x", "") == ""
    assert tcl.call("return", "-level", 0) == ""


@pytest.mark.parametrize("word", [None, object(), {1, 2}, 1j, (1, [None]), {"a": None}])
def test_call_refuses_words_without_a_tcl_form(tcl: Interpreter, word: Any) -> None:
    tcl.eval("set x before")
    with pytest.raises(TypeError, match="has no Tcl form"):
        tcl.call("set", "x", word)
    assert tcl.eval("set x") == "before"


def test_call_makes_no_text_of_its_words(tcl: Interpreter) -> None:
    tcl.call("set", "numbers", tuple(index * 0.5 for index in range(10)))
    handle = tcl.call("torch::tensor_create", tuple(index * 0.5 for index in range(10)))
    assert tcl.call("torch::tensor_to_list", handle) == tuple(index * 0.5 for index in range(10))
    assert tcl.call("torch::tensor_shape", handle) == (10,)
    assert tcl.call("torch::tensor_item", tcl.call("torch::tensor_sum", handle)) == 22.5
    assert tcl.eval("::tcl::unsupported::representation $numbers").endswith("no string representation")


def test_globals_are_kept_between_calls_and_commands_run_at_global_level(tcl: Interpreter) -> None:
    tcl.eval("proc f {} {return [info level]}; set ::n 1")
    assert tcl.eval("f") == "1"
    assert tcl.call("f") == 1
    assert tcl.eval("info level") == "0"
    assert tcl.call("set", "n") == "1"


def test_run_file(tcl: Interpreter, tmp_path: Path) -> None:
    for name in ("plain.tcl", "with blank.tcl", "br{ace.tcl", "caf\u00e9 \u20ac.tcl"):
        path = tmp_path / name
        path.write_text(
            'set text "\u00e9\u20ac"\nset where [info script]\nreturn [string length $text]\n',
            encoding="utf-8",
        )
        assert tcl.run_file(path) == "2"
        assert tcl.run_file(str(path)) == "2"
        assert tcl.eval("set text") == "\u00e9\u20ac"
        assert tcl.eval("set where") == str(path)


def test_run_file_errors(tcl: Interpreter, tmp_path: Path) -> None:
    missing = error_of(tcl.run_file, tmp_path / "missing.tcl")
    assert missing.message == f'couldn\'t read file "{tmp_path}/missing.tcl": no such file or directory'
    assert missing.errorcode == ("POSIX", "ENOENT", "no such file or directory")
    (tmp_path / "bad.tcl").write_text("set x 1\ntorch::tensor_shape nope\n")
    bad = error_of(tcl.run_file, tmp_path / "bad.tcl")
    assert bad.errorcode == ("TORCH", "HANDLE", "nope")
    assert f'(file "{tmp_path}/bad.tcl" line 2)' in bad.errorinfo


def test_set_arguments(tcl: Interpreter) -> None:
    arguments = ["a b", "", "{", "-x", "1", "\u20ac", "$y", "a\nb"]
    tcl.set_arguments("my script.tcl", arguments, interactive=True)
    assert tcl.eval("set argv0") == "my script.tcl"
    assert tcl.call("lrange", tcl.call("set", "argv"), 0, "end") == tuple(arguments)
    assert tcl.eval("list $argc $tcl_interactive [llength $argv] [lindex $argv 2]") == "8 1 8 \\{"
    tcl.set_arguments("other", [])
    assert tcl.eval("list $argv0 $argv $argc $tcl_interactive") == "other {} 0 0"


def test_interpreters_are_independent() -> None:
    with Interpreter() as first, Interpreter() as second:
        first.eval("set x 1; proc f {} {return first}")
        assert second.eval("info exists x") == "0"
        assert second.eval("info commands f") == ""
        assert first.eval("set a [torch::ones {2} -requires_grad 1]") == "tensor0"
        assert error_of(second.eval, "torch::tensor_shape tensor0").message == 'no such tensor "tensor0"'
        assert second.eval("set a [torch::zeros {3} -requires_grad 1]") == "tensor0"
        assert first.call("torch::tensor_to_list", "tensor0") == (1.0, 1.0)
        assert second.call("torch::tensor_to_list", "tensor0") == (0.0, 0.0, 0.0)
        first.eval("torch::no_grad")
        grad = "torch::tensor_requires_grad [torch::tensor_add $a $a]"
        assert (first.eval(grad), second.eval(grad)) == ("0", "1")
        with pytest.raises(SystemExit):
            first.eval("exit 3")
        first.close()
        assert second.eval("torch::tensor_shape $a") == "3"
    assert torch.is_grad_enabled()


# -- closing -----------------------------------------------------------------------------------------------


def test_use_after_close_is_an_error() -> None:
    tcl = Interpreter()
    tcl.eval("set x [torch::ones {1000}]")
    table = tcl.dispatcher.table
    tensor = weakref.ref(table.objects["tensor0"])
    tcl.close()
    tcl.close()
    assert tensor() is None
    assert (table.objects, table.bytes) == ({}, 0)
    for action in (
        lambda: tcl.eval("set x 1"),
        lambda: tcl.call("set", "x", 1),
        lambda: tcl.run_file("missing.tcl"),
        lambda: tcl.set_arguments("x", []),
    ):
        error = error_of(action)
        assert error.errorcode == ("TORCH", "CLOSED")
        assert error.message == "the interpreter is closed"
    assert tcl.dispatcher("", "version")[::2] == (1, ("-errorcode", ("TORCH", "CLOSED")))
    tcl.close()


def test_the_context_manager_closes() -> None:
    with Interpreter() as tcl:
        assert isinstance(tcl, Interpreter)
        tcl.eval("torch::ones {2}")
    assert error_of(tcl.eval, "set x 1").errorcode == ("TORCH", "CLOSED")
    with pytest.raises(ZeroDivisionError), Interpreter() as other:
        raise ZeroDivisionError
    assert error_of(other.eval, "set x 1").errorcode == ("TORCH", "CLOSED")


def test_closing_flushes_tcls_channels(tmp_path: Path) -> None:
    with Interpreter() as tcl:
        tcl.call("set", "path", str(tmp_path / "out.txt"))
        tcl.eval("set channel [open $path w]; fconfigure $channel -buffering full; puts $channel hello")
    assert (tmp_path / "out.txt").read_text() == "hello\n"


# -- errors ------------------------------------------------------------------------------------------------


def test_an_error_has_message_code_and_trace(tcl: Interpreter) -> None:
    error = error_of(tcl.eval, "proc f {x} {\n    torch::tensor_shape $x\n}\nf nope")
    assert str(error) == error.message == 'no such tensor "nope"'
    assert error.errorcode == ("TORCH", "HANDLE", "nope")
    assert error.errorinfo == "\n".join(
        [
            'no such tensor "nope"',
            "    while executing",
            '"torch::tensor_shape $x"',
            '    (procedure "f" line 2)',
            "    invoked from within",
            '"f nope"',
        ]
    )


@pytest.mark.parametrize(
    ("script", "message", "code"),
    [
        ("error oops", "oops", ("NONE",)),
        ("error oops {} {A {b c} {}}", "oops", ("A", "b c", "")),
        ("error {} {} {}", "", ()),
        ("throw {MY CODE} {two words}", "two words", ("MY", "CODE")),
        (
            "nothing_there",
            'invalid command name "nothing_there"',
            ("TCL", "LOOKUP", "COMMAND", "nothing_there"),
        ),
        ("set", 'wrong # args: should be "set varName ?newValue?"', ("TCL", "WRONGARGS")),
        ("set missing", 'can\'t read "missing": no such variable', ("TCL", "LOOKUP", "VARNAME", "missing")),
        ("expr {1 / 0}", "divide by zero", ("ARITH", "DIVZERO", "divide by zero")),
        ("set x {", "missing close-brace", ("NONE",)),
        ("torch::nothing_there", 'invalid command name "torch::nothing_there"', ("TCL", "LOOKUP", "COMMAND")),
        ("return -code error -errorcode [list A [list B C]] x", "x", ("A", "B C")),
        ("torch::tensor_shape", 'wrong # args: should be "torch::tensor_shape input"', ("TCL", "WRONGARGS")),
        ("torch::tensorShape", 'wrong # args: should be "torch::tensorShape input"', ("TCL", "WRONGARGS")),
        (
            "torch::zeros 2 -dtype x",
            'expected dtype but got "x" for -dtype',
            ("TORCH", "ARG", "TYPE", "dtype"),
        ),
    ],
)
def test_errors_of_tcl_and_of_commands(
    tcl: Interpreter, script: str, message: str, code: tuple[str, ...]
) -> None:
    for action in (lambda: tcl.eval(script), lambda: tcl.call("eval", script)):
        error = error_of(action)
        assert error.message == message
        assert error.errorcode[: len(code)] == code
        if code != ("TCL", "LOOKUP", "COMMAND"):
            assert error.errorcode == code
        assert error.errorinfo.startswith(message)
        assert "::torch::_::" not in error.errorinfo


def test_break_and_continue_outside_a_loop_are_errors(tcl: Interpreter) -> None:
    for word in ("break", "continue"):
        assert word in error_of(tcl.eval, word).message
    assert tcl.eval("return 5") == "5"


def test_a_failed_script_ends_no_scope_of_a_coroutine_that_goes_on(tcl: Interpreter) -> None:
    worker = """
        coroutine worker apply {{} {
            torch::scope {set x [torch::ones 2]; yield; torch::tensor_to_list $x}
        }}
    """
    assert error_of(tcl.eval, f"{worker}; error oops").message == "oops"
    assert tcl.eval("worker") == "1.0 1.0"
    assert live(tcl) == 0


def test_errors_can_be_caught_in_tcl(tcl: Interpreter) -> None:
    script = """
        try {torch::tensor_shape nope} trap {TORCH HANDLE} {message options} {
            list $message [dict get $options -errorcode]
        }
    """
    assert tcl.call("eval", script) == ('no such tensor "nope"', ("TORCH", "HANDLE", "nope"))
    assert tcl.eval("catch {torch::tensor_shape nope}") == "1"
    assert tcl.eval("catch {torch::version} message; set message") == VERSION


# -- exceptions of every kind in a command ----------------------------------------------------------------


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError("no text for this")


class Strange(BaseException):
    pass


def endless(depth: int) -> int:
    return endless(depth + 1) + 1


def raising(error: BaseException) -> Callable[[], str]:
    def function() -> str:
        raise error

    return function


def recursing() -> str:
    return str(endless(0))


EXCEPTIONS = [
    (raising(RuntimeError("first line\nsecond line")), "first line", ("TORCH", "RUNTIME", "RuntimeError")),
    (raising(IndexError("out of range")), "out of range", ("TORCH", "RUNTIME", "IndexError")),
    (
        raising(ValueError("a \u20ac\U0001f600 \0 b")),
        "a \u20ac\U0001f600 \0 b",
        ("TORCH", "RUNTIME", "ValueError"),
    ),
    (raising(NotImplementedError("not there")), "not there", ("TORCH", "RUNTIME", "NotImplementedError")),
    (raising(KeyboardInterrupt()), "interrupted", ("TORCH", "INTERRUPT")),
    (raising(SystemExit(7)), None, ("TORCH", "RUNTIME", "SystemExit")),
    (raising(SystemExit()), None, ("TORCH", "RUNTIME", "SystemExit")),
    (raising(MemoryError()), None, ("TORCH", "MEMORY")),
    (raising(RecursionError("too deep")), "too deep", ("TORCH", "RUNTIME", "RecursionError")),
    (recursing, None, ("TORCH", "RUNTIME", "RecursionError")),
    (lambda: torch.empty(2**60), None, ("TORCH", "MEMORY")),
    (lambda: torch.ones(2) @ torch.ones(3), None, ("TORCH", "RUNTIME", "RuntimeError")),
    (raising(GeneratorExit()), None, ("TORCH", "BUG", "GeneratorExit")),
    (raising(Strange("odd")), None, ("TORCH", "BUG", "Strange")),
    (raising(KeyError("key")), None, ("TORCH", "BUG", "KeyError")),
    (raising(AttributeError("attribute")), None, ("TORCH", "BUG", "AttributeError")),
    (raising(AssertionError()), None, ("TORCH", "BUG", "AssertionError")),
    (raising(TclError("mine", ("MY", "a b"))), "mine", ("MY", "a b")),
]


@pytest.mark.parametrize(("function", "message", "code"), EXCEPTIONS, ids=lambda value: None)
def test_no_exception_crosses_the_callback(
    tcl: Interpreter,
    replace_version: Callable[[Any], None],
    function: Callable[[], Any],
    message: str | None,
    code: tuple[str, ...],
) -> None:
    replace_version(function)
    status, text, options = tcl.call("eval", "list [catch {torch::version} text options] $text $options")
    assert status == 1
    assert text
    assert "\n" not in text
    assert message is None or text == message
    given = tcl.call("dict", "get", options, "-errorcode")
    assert tcl.call("lrange", given, 0, "end") == code
    trace = tcl.call("dict", "get", options, "-errorinfo")
    assert ("Traceback (most recent call last)" in trace) == (code[1] == "BUG")
    assert '"torch::version"' in trace  # the user's own line
    assert tcl.eval("expr {1 + 1}") == "2"
    assert live(tcl) == 0

    if code == ("TORCH", "INTERRUPT"):
        with pytest.raises(KeyboardInterrupt):
            tcl.eval("torch::version")
    else:
        error = error_of(tcl.eval, "torch::version")
        assert error.errorcode == code
    assert tcl.eval("expr {1 + 1}") == "2"


def test_an_exception_without_a_text_does_not_cross_either(
    tcl: Interpreter, replace_version: Callable[[Any], None]
) -> None:
    replace_version(raising(Unprintable()))
    error = error_of(tcl.eval, "torch::version")
    assert error.message
    assert error.errorcode[:2] == ("TORCH", "BUG")
    assert '"torch::version"' in error.errorinfo or "Traceback" in error.errorinfo
    assert tcl.eval("catch {torch::version} message; string length $message") != "0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "1"),
        (False, "0"),
        (-5, "-5"),
        (2**70, str(2**70)),
        (0.1, "0.1"),
        (1e16, "10000000000000000.0"),
        (float("inf"), "Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
        ("", ""),
        ("a b", "a b"),
        ("{", "{"),
        ("\0\u20ac\U0001f600", "\0\u20ac\U0001f600"),
        ((), ""),
        ((1, 2.5, "a b", ()), "1 2.5 {a b} {}"),
        ([1, [2, 3]], "1 {2 3}"),
        ({"a": 1, "b c": (2, 3)}, "a 1 {b c} {2 3}"),
        (("a\0b", "\U0001f600"), "a\0b \U0001f600"),
    ],
)
def test_results_of_commands(
    tcl: Interpreter, replace_version: Callable[[Any], None], value: Any, text: str
) -> None:
    replace_version(lambda: value)
    assert tcl.eval("torch::version") == text


@pytest.mark.parametrize(
    "value", [object(), b"bytes", {1, 2}, (torch.ones(2), object()), [torch.ones(2), {3}]]
)
def test_a_result_without_a_tcl_form_is_an_error_and_leaves_nothing(
    tcl: Interpreter, replace_version: Callable[[Any], None], value: Any
) -> None:
    replace_version(lambda: value)
    assert error_of(tcl.eval, "torch::version").errorcode[0] == "TORCH"
    assert live(tcl) == 0


# -- exit --------------------------------------------------------------------------------------------------

EXITS = [
    "exit 3",
    "catch {exit 3}; set ::went on",
    "catch {catch {catch {exit 3}}}; set ::went on",
    "proc quit {} {exit 3}; quit; set ::went on",
    "proc quit {} {catch {exit 3}; set ::went on}; quit",
    "eval {eval {uplevel #0 {exit 3}}}; set ::went on",
    "namespace eval inner {catch {exit 3}; set ::went on}",
    "interp eval {} {exit 3}; set ::went on",
    "interp alias {} quit {} exit 3; catch quit; set ::went on",
    "set x [exit 3]; set ::went on",
    "expr {[catch {exit 3}] + 1}; set ::went on",
    "try {exit 3} finally {set ::went on}",
    "try {exit 3} on error {} {set ::went on}",
    "while 1 {catch {exit 3}}",
    "foreach x {1 2 3} {if {[catch {exit 3}]} continue}; set ::went on",
    "after 1 {exit 3}; vwait ::forever",
    "after 1 {catch {exit 3}; set ::went on}; after 20 {set ::forever 1}; vwait ::forever",
    "after 0 {exit 3}; update; set ::went on",
    "proc wait {} {after 1 {catch {exit 3}}; catch {vwait ::forever}; set ::went on}; wait",
    "coroutine worker apply {{} {yield; catch {exit 3}; set ::went on}}; worker",
    "trace add variable ::watched write {apply {args {exit 3}}}; catch {set ::watched 1}; set ::went on",
    "catch {lsort -command {apply {args {exit 3}}} {2 1}}; set ::went on",
    "oo::class create C {method quit {} {exit 3}}; catch {[C new] quit}; set ::went on",
    "torch::scope {torch::ones 2; torch::scope {torch::ones 2; catch {exit 3}}; set ::went on}",
    "torch::no_grad {catch {exit 3}; set ::went on}",
    "torch::scope {torch::ones 2; after 1 {exit 3}; vwait ::forever}",
    "proc f {} {torch::local x [torch::ones 2]; catch {exit 3}; set ::went on}; f",
    "proc f {} {f2}; proc f2 {} {tailcall exit 3}; catch {f}; set ::went on",
]


@pytest.mark.parametrize("script", EXITS)
def test_exit_stops_the_script_and_raises_system_exit(tcl: Interpreter, script: str) -> None:
    for run in (tcl.eval, lambda script: tcl.call("eval", script)):
        with pytest.raises(SystemExit) as raised:
            run(script)
        assert raised.value.code == 3
        assert tcl.eval("info exists ::went") == "0"
        # usable, with every scope and every no_grad ended
        assert tcl.eval("expr {1 + 1}") == "2"
        assert live(tcl) == 0
        tcl.eval("rename C {}") if "oo::class" in script else None
        tcl.eval("trace remove variable ::watched write {apply {args {exit 3}}}; unset -nocomplain ::watched")
        x = tcl.eval("set x [torch::ones 2 -requires_grad 1]")
        assert tcl.eval("torch::tensor_requires_grad [set y [torch::tensor_add $x $x]]") == "1"
        assert tcl.eval("torch::handles") == f"{x} {tcl.eval('set y')}"
        tcl.eval("torch::scope {torch::ones 2; expr 0}; torch::free $x $y")
        assert live(tcl) == 0


@pytest.mark.parametrize(
    ("word", "status"), [("", 0), ("0", 0), ("1", 1), ("255", 255), ("-1", -1), ("0x10", 16), (" 7 ", 7)]
)
def test_the_status_of_exit(tcl: Interpreter, word: str, status: int) -> None:
    with pytest.raises(SystemExit) as raised:
        tcl.call("exit", *([word] if word else []))
    assert raised.value.code == status
    assert type(raised.value.code) is int


@pytest.mark.parametrize("word", ["abc", "1.5", "{}", "99999999999999999999"])
def test_exit_with_no_integer_is_an_error(tcl: Interpreter, word: str) -> None:
    assert error_of(tcl.eval, f"exit {word}").message.startswith("expected integer but got ")
    assert tcl.eval("expr {1 + 1}") == "2"
    assert "wrong # args" in error_of(tcl.eval, "exit 1 2").message


def test_exit_in_an_eval_that_a_command_began(
    tcl: Interpreter, replace_version: Callable[[Any], None]
) -> None:
    replace_version(lambda: tcl.eval("catch {exit 3}; set ::went on"))
    with pytest.raises(SystemExit) as raised:
        tcl.eval("torch::scope {torch::ones 2; catch {torch::version}; set ::went on}")
    assert raised.value.code == 3
    assert tcl.eval("info exists ::went") == "0"
    assert live(tcl) == 0


def test_eval_in_a_command_that_an_eval_runs(
    tcl: Interpreter, replace_version: Callable[[Any], None]
) -> None:
    replace_version(lambda: tcl.eval("expr {6 * 7}"))
    assert tcl.eval("torch::version") == "42"
    replace_version(lambda: tcl.eval("throw {MY CODE} oops"))
    error = error_of(tcl.eval, "torch::version")
    assert (error.message, error.errorcode) == ("oops", ("MY", "CODE"))


@pytest.mark.parametrize(("word", "status"), [("", 0), ("0", 0), ("5", 5), ("256", 0), ("-1", 255)])
def test_exit_of_a_program_ends_the_process(tmp_path: Path, word: str, status: int) -> None:
    code = f"""
import sys, pybridge
sys.stdout.write("python ")
tcl = pybridge.Interpreter(program=True)
tcl.eval('''
    set channel [open {{{tmp_path}/out.txt}} w]
    fconfigure $channel -buffering full
    puts -nonewline $channel hello
    fconfigure stdout -buffering full
    puts -nonewline tcl
    catch {{exit {word}}}
    puts went-on
''')
"""
    done = python(code)
    assert (done.returncode, done.stderr) == (status, "")
    assert sorted(done.stdout.replace("tcl", " tcl ").split()) == ["python", "tcl"]
    assert (tmp_path / "out.txt").read_text() == "hello"


def test_an_exit_that_python_does_not_catch_ends_it_with_that_status() -> None:
    done = python(
        "import pybridge\npybridge.Interpreter().eval('puts -nonewline out; catch {exit 4}; puts on')"
    )
    assert (done.returncode, done.stdout, done.stderr) == (4, "out", "")


# -- Ctrl-C ------------------------------------------------------------------------------------------------

INTERRUPT = """
import os, signal, sys, threading, time
import pybridge

script, rounds = sys.argv[1], int(sys.argv[2])
tcl = pybridge.Interpreter()
for _ in range(rounds):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    try:
        tcl.eval(script)
    except KeyboardInterrupt:
        print("interrupted", time.monotonic() - began < 10)
    print(tcl.eval("expr {6 * 7}"), tcl.call("torch::version") == pybridge.__version__)
    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    if "scope" in script:
        print(tcl.eval("dict get [torch::memory] live"), tcl.eval("torch::handles"))
try:
    while True:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        time.sleep(20)
except KeyboardInterrupt:
    print("python's own")
"""


@pytest.mark.parametrize(
    "script",
    [
        "while 1 {}",
        "while 1 {set x 1}",
        "proc spin {} {for {set i 0} {1} {incr i} {}}; spin",
        "while 1 {torch::version}",
        "while 1 {torch::scope {torch::version}}",
        "torch::scope {torch::ones 2; while 1 {}}",
    ],
)
def test_ctrl_c_stops_a_loop_and_the_interpreter_works_on(script: str) -> None:
    try:
        done = python(INTERRUPT, script, "2", timeout=25)
    except subprocess.TimeoutExpired:
        pytest.fail("the loop went on")
    books = "0 \n" if "scope" in script else ""
    assert done.stdout == 2 * f"interrupted True\n42 True\nTrue\n{books}" + "python's own\n"
    assert done.stderr == ""


def test_a_handler_of_the_programs_own_is_left_alone(tcl: Interpreter) -> None:
    got: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: got.append(number))
    try:
        mine = signal.getsignal(signal.SIGINT)
        tcl.eval("expr 1")
        os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)
    assert got == [signal.SIGINT]


# -- memory ------------------------------------------------------------------------------------------------


@pytest.fixture
def _without_gc() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


References = list[Any]


def direct(refs: References, error: BaseException) -> None:
    tensor = torch.ones(3)
    refs.append(weakref.ref(tensor))
    raise error


def below(refs: References, error: BaseException) -> None:
    tensor = torch.ones(3)
    refs.append(weakref.ref(tensor))
    direct(refs, error)


def chained(refs: References, error: BaseException) -> None:
    tensor = torch.ones(3)
    refs.append(weakref.ref(tensor))
    try:
        direct(refs, OSError("first"))
    except OSError as first:
        raise error from first


def in_context(refs: References, error: BaseException) -> None:
    try:
        direct(refs, OSError("first"))
    except OSError as first:
        kept = first
        refs.append(weakref.ref(torch.ones(3)))
        kept.note = kept  # type: ignore[attr-defined]  # a cycle
        raise error  # noqa: B904


def holding_itself(refs: References, error: BaseException) -> None:
    held = error
    tensor = torch.ones(3)
    refs.append(weakref.ref(tensor))
    raise held


@pytest.mark.usefixtures("_without_gc")
@pytest.mark.parametrize("way", [direct, below, chained, in_context, holding_itself])
@pytest.mark.parametrize(
    "error", [RuntimeError, KeyError, TclError, KeyboardInterrupt, MemoryError, SystemExit, RecursionError]
)
def test_a_failed_command_keeps_no_tensor_alive(
    tcl: Interpreter,
    replace_version: Callable[[Any], None],
    way: Callable[[References, BaseException], None],
    error: type[BaseException],
) -> None:
    refs: References = []

    def function() -> None:
        way(refs, error("no"))

    replace_version(function)
    tcl.eval("catch {torch::version} message options")
    assert refs
    assert [ref() for ref in refs] == [None] * len(refs)
    with pytest.raises((TclError, KeyboardInterrupt)) as raised:
        tcl.eval("torch::version")
    assert [ref() for ref in refs] == [None] * len(refs)
    assert raised.value.__cause__ is None


@pytest.mark.usefixtures("_without_gc")
@pytest.mark.parametrize(
    "script",
    [
        "torch::tensor_matmul $a $a",
        "torch::tensor_add $a nope",
        "torch::tensor_add $a $a -alpha x",
        "torch::tensor_add $a $a -nothing 1",
        "torch::tensor_reshape $a {7 7}",
        "torch::fake_quantize_per_channel $a $a $a 5",
        "torch::tensor_sum $a 9",
        "torch::tensor_item $a",
    ],
)
def test_a_refused_command_keeps_no_argument_alive(tcl: Interpreter, script: str) -> None:
    tcl.eval("set a [torch::ones {2 3}]")
    tensor = weakref.ref(tcl.dispatcher.table.objects["tensor0"])
    error = error_of(tcl.eval, script)
    tcl.eval("torch::free $a")
    assert tensor() is None
    assert error.errorcode[0] in ("TORCH", "TCL")


def abandoned() -> tuple[list[Any], Interpreter]:
    tcl = Interpreter()
    tcl.eval("set x [torch::ones {100}]; torch::tensor_create {1 2 3}; catch {torch::tensor_shape nope}")
    table = tcl.dispatcher.table
    return [
        weakref.ref(tcl),
        weakref.ref(table.objects["tensor0"]),
        weakref.ref(table.objects["tensor1"]),
    ], tcl


def test_an_interpreter_that_is_dropped_leaks_nothing() -> None:
    refs, tcl = abandoned()
    refs += [weakref.ref(tcl.dispatcher), weakref.ref(tcl.dispatcher.table)]
    del tcl
    gc.collect()
    assert [ref() for ref in refs] == [None] * len(refs)


def test_an_interpreter_in_a_cycle_leaks_nothing() -> None:
    refs, tcl = abandoned()
    cycle: list[Any] = [tcl]
    cycle.append(cycle)
    del tcl, cycle
    gc.collect()
    assert [ref() for ref in refs] == [None] * len(refs)


def test_an_interpreter_that_another_thread_collects_keeps_no_tensor() -> None:
    refs, tcl = abandoned()
    holder: list[Any] = [tcl]
    holder.append(holder)
    del tcl, holder
    (done,) = in_thread(gc.collect)
    assert isinstance(done, int)
    assert [ref() for ref in refs] == [None] * len(refs)


def test_an_interpreter_whose_thread_ended_can_be_dropped() -> None:
    ((refs, tcl),) = in_thread(abandoned)
    del tcl
    gc.collect()
    assert [ref() for ref in refs] == [None] * len(refs)


KEPT_ERROR = """
import gc, threading
import pybridge

for closing in (True, False):
    for script in ("error oops", "catch {exit 3}", "torch::tensor_shape nope"):
        tcl = pybridge.Interpreter()
        try:
            tcl.eval(script)
        except BaseException as error:
            kept = [error]
            kept.append(kept)
        if closing:
            tcl.close()
        del tcl, kept
        thread = threading.Thread(target=gc.collect)
        thread.start()
        thread.join()
print("alive")
"""


def test_an_error_that_another_thread_collects_does_no_harm() -> None:
    """A traceback may be the last to hold an interpreter, and Tcl aborts when another thread deletes that."""
    done = python(KEPT_ERROR)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


def test_many_interpreters_come_and_go() -> None:
    for _ in range(30):
        with Interpreter() as tcl:
            tcl.eval("set x [torch::ones {10}]")
    refs = [abandoned()[0] for _ in range(10)]
    gc.collect()
    assert not [ref() for each in refs for ref in each if ref() is not None]


# -- threads -----------------------------------------------------------------------------------------------


def test_use_in_another_thread_is_refused(tcl: Interpreter) -> None:
    for action in (
        lambda: tcl.eval("set x 1"),
        lambda: tcl.call("set", "x", 1),
        lambda: tcl.run_file("missing.tcl"),
        tcl.close,
    ):
        (error,) = in_thread(action)
        assert type(error) is RuntimeError
        assert "thread" in str(error)
    assert tcl.eval("info exists x") == "0"


def test_each_thread_has_interpreters_of_its_own() -> None:
    def run() -> str:
        with Interpreter() as tcl:
            with pytest.raises(SystemExit):
                tcl.eval("torch::scope {torch::ones 2; catch {exit 3}}")
            return tcl.eval("torch::tensor_to_list [torch::tensor_create {1 2 3}]")

    assert in_thread(run) == ["1.0 2.0 3.0"]
    got: list[Any] = []
    threads = [threading.Thread(target=lambda: got.append(run())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["1.0 2.0 3.0"] * 4


# -- a lean start ------------------------------------------------------------------------------------------

LEAN = """
import sys
import pybridge
assert "torch" not in sys.modules and "_tkinter" not in sys.modules, "import"
tcl = pybridge.Interpreter()
assert "torch" not in sys.modules, "Interpreter"
tcl.eval("proc f {n} {expr {$n < 2 ? $n : [f [expr {$n - 1}]] + [f [expr {$n - 2}]]}}; f 10")
tcl.call("list", 1, 2.5)
assert "torch" not in sys.modules, "plain Tcl"
tcl.eval("torch::version; torch::commands; torch::handles; torch::memory; torch::help zeros")
tcl.eval("torch::scope {torch::no_grad {expr 1}}; info commands ::torch::*; catch {torch::tensor_shape nope}")
assert "torch" not in sys.modules, "commands about commands"
heavy = {"numpy", "matplotlib", "safetensors", "tqdm", "prompt_toolkit"} & set(sys.modules)
assert not heavy, heavy
tcl.eval("torch::ones 2")
assert "torch" in sys.modules
tcl.close()
"""


def test_torch_is_imported_by_the_first_command_that_needs_it() -> None:
    done = python(LEAN)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("closing", ["", "tcl.close()", "raise SystemExit(0)", "del tcl"])
def test_output_is_flushed_when_python_ends(tmp_path: Path, closing: str) -> None:
    code = f"""
import sys
import pybridge
tcl = pybridge.Interpreter()
tcl.call("set", "path", sys.argv[1])
tcl.eval("fconfigure stdout -buffering full; puts -nonewline hello")
tcl.eval("set channel [open $path w]; fconfigure $channel -buffering full; puts -nonewline $channel hello")
{closing}
"""
    path = tmp_path / "out.txt"
    done = python(code, str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello", "")
    assert path.read_text() == "hello"


# -- any text ----------------------------------------------------------------------------------------------

TEXTS = [
    "a\0b",
    "\0",
    "\0\0",
    "\u00e9\u20ac",
    "\U0001f600",
    "a\0\U0001f600\u20ac",
    "\x01\x7f\x80\x9f",
    "\ufffd\uffff",
]


@pytest.mark.parametrize("text", [*TEXTS, "a\udcffb", "\udcc3\udca9x"])
def test_any_text_survives_both_ways(tcl: Interpreter, text: str) -> None:
    if not text.isprintable() and "\udcc3" in text:
        text = "\udcff"  # bytes that are UTF-8 after all become their character
    assert tcl.call("set", "x", text) == text
    assert tcl.eval("set x") == text
    assert tcl.call("set", "x") == text
    assert tcl.call("lindex", ("a", (text, "b")), 1, 0) == text
    assert tcl.call("lindex", ["a", [text, "b"]], 1, 0) == text
    assert tcl.call("list", text, ("z", text)) == (text, ("z", text))
    assert tcl.eval("list $x [list z $x]") == f"{text} {{z {text}}}"
    assert tcl.eval(f"set y {{{text}}}") == text
    assert tcl.eval("string equal $x $y") == "1"
    assert tcl.eval(f"lindex {{a {{{text}}}}} 1") == text
    assert tcl.eval(f"list {{{text}}} [list z {{{text}}}]") == f"{text} {{z {text}}}"
    assert tcl.call("dict", "get", {"a": 1, text: {text: 2}}, text, text) == 2


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_survives_in_errors(tcl: Interpreter, text: str) -> None:
    for action in (
        lambda: tcl.call("torch::tensor_shape", text),
        lambda: tcl.eval(f"torch::tensor_shape {{{text}}}"),
    ):
        error = error_of(action)
        assert error.message == f'no such tensor "{text}"'
        assert error.errorcode == ("TORCH", "HANDLE", text)
        assert error.errorinfo.startswith(error.message)
    error = error_of(tcl.call, "error", text, "", ("MY", text))
    assert (error.message, error.errorcode) == (text, ("MY", text))
    error = error_of(tcl.call, "torch::tensor_create", (1, text))
    assert error.message == f'expected number but got "{text}" at index 1 for values'


def test_escapes_give_their_characters(tcl: Interpreter) -> None:
    assert tcl.eval(r'set x "a\0b"') == "a\0b"
    assert tcl.eval(r'set x "\ud83d\ude00"') == "\U0001f600"
    assert tcl.call("format", "%c%c", 0, 0x20AC) == "\0\u20ac"


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\udc00\ud800", "x\ud83dy"])
def test_lone_surrogates_do_no_harm(tcl: Interpreter, text: str) -> None:
    """No UTF-8 text can hold one; what is around it stays."""

    def same(result: str) -> bool:
        return len(result) == len(text) and all(
            one == other or (other >= "\ud800" and one in "?\ufffd")
            for one, other in zip(result, text, strict=True)
        )

    assert same(tcl.call("set", "x", text))
    assert same(tcl.call("lindex", (text, "b"), 0))
    assert same(tcl.eval(f"set x {{{text}}}"))
    assert error_of(tcl.call, "torch::tensor_shape", text).message.startswith('no such tensor "')
    assert tcl.eval("expr {1 + 1}") == "2"


def test_lone_surrogates_in_lists_do_no_harm() -> None:
    """tkinter of Python 3.11 dies of them, so another process tries."""
    code = """
import pybridge
tcl = pybridge.Interpreter()
print(ascii(tcl.call("lindex", ["\\ud800", "b"], 1)))
print(ascii(tcl.call("lindex", (1, ["a", ["\\ud800c"]]), 1, 0)))
"""
    done = python(code)
    assert (done.returncode, done.stdout) == (0, "'b'\n'a'\n"), done.stderr
