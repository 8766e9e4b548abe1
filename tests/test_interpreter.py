"""The Interpreter as a Python program uses it: running scripts, errors, any text."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

import pybridge
from pybridge import Interpreter, TclError, file_names, tcl_library
from pybridge.values import DTYPES
from tests.interpreters import error_of, live, python

VERSION = pybridge.__version__


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
        assert file_names.from_tcl(tcl.eval("set where")) == str(path)


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
        (
            "torch::nothing_there",
            'invalid command name "torch::nothing_there" (torch::help lists all commands)',
            ("TCL", "LOOKUP", "COMMAND"),
        ),
        ("return -code error -errorcode [list A [list B C]] x", "x", ("A", "B C")),
        (
            "torch::tensor_shape",
            'wrong # args: should be "torch::tensor_shape input" (input is missing)',
            ("TCL", "WRONGARGS"),
        ),
        (
            "torch::tensorShape",
            'wrong # args: should be "torch::tensorShape input" (input is missing)',
            ("TCL", "WRONGARGS"),
        ),
        (
            "torch::zeros 2 -dtype x",
            f'expected dtype but got "x" for -dtype: must be {", ".join(DTYPES)}',
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


def test_a_failed_script_frees_no_local_variable_of_a_coroutine_that_goes_on(tcl: Interpreter) -> None:
    tcl.eval("proc waiting {} {torch::local x [torch::ones 2]; yield; torch::tensor_to_list $x}")
    error_of(tcl.eval, "coroutine worker waiting; error stop")
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


def test_what_a_defined_function_raises_is_an_error(tcl: Interpreter) -> None:
    def work(*words: str) -> str:
        return ",".join(words) if words else str(1 // 0)

    tcl.define("work", work)
    assert tcl.eval("::torch::_::work a {b c}") == "a,b c"
    error = error_of(tcl.eval, "::torch::_::work")
    assert "division" in error.message
    assert tcl.eval("catch ::torch::_::work message; set message") == error.message


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


def test_the_trace_of_a_file_is_its_own(tcl: Interpreter, tmp_path: Path) -> None:
    (tmp_path / "bad.tcl").write_text("error first {} {A CODE}")
    assert error_of(tcl.run_file, tmp_path / "bad.tcl").errorcode == ("A", "CODE")
    for missing in (error_of(tcl.run_file, "nope.tcl"), error_of(tcl.run_file, tmp_path / "bad.tcl", "nope")):
        assert missing.errorinfo == missing.message
        assert missing.errorcode != ("A", "CODE")


HANDLER = """
import random, signal, sys, time
from pybridge import Interpreter

tcl, other = Interpreter(), Interpreter()
handled = []
signal.signal(signal.SIGALRM, lambda *_: handled.append(other.eval("set x 1")))
tcl.run_file(sys.argv[1])
end = time.monotonic() + 1
while time.monotonic() < end:
    signal.setitimer(signal.ITIMER_REAL, random.uniform(2e-6, 8e-5))
    tcl.run_file(sys.argv[1])
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(handled) > 100)
"""


def test_a_signals_handler_uses_an_interpreter_while_a_file_begins(tmp_path: Path) -> None:
    (tmp_path / "handles.tcl").write_text("torch::handles")
    ended = python(HANDLER, str(tmp_path / "handles.tcl"))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "True\n", "")


def test_threads_run_files_at_the_same_time(tmp_path: Path) -> None:
    def run(number: int) -> set[str]:
        path = tmp_path / f"{number}.tcl"
        path.write_text(f"set sum 0; for {{set i 0}} {{$i < 100}} {{incr i}} {{incr sum {number}}}; set sum")
        with Interpreter() as tcl:
            return {tcl.run_file(path) for _ in range(300)}

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(run, range(4))) == [{str(100 * number)} for number in range(4)]


def test_a_file_runs_where_a_handler_of_tcls_waits(tcl: Interpreter, tmp_path: Path) -> None:
    """As that of a Ctrl-C, which the event loop of Tcl calls first, and then nothing else."""
    (tmp_path / "one.tcl").write_text("incr ::runs")
    called: list[None] = []
    summon = tcl_library.summoner(lambda: called.append(None))
    for _ in range(3):
        summon()
        tcl.run_file(tmp_path / "one.tcl")
    tcl.eval("update")
    assert (tcl.eval("set runs"), len(called)) == ("3", 3)


def test_a_file_that_a_command_runs_is_at_global_level(tcl: Interpreter, tmp_path: Path) -> None:
    (tmp_path / "load.tcl").write_text(
        "set loaded [list [info level] [namespace current]]; proc helper {} {}"
    )
    tcl.define("load", tcl.run_file)
    tcl.eval(f"proc inside {{}} {{torch::_::load {tmp_path}/load.tcl}}; inside")
    assert tcl.eval("list $::loaded [namespace which ::helper]") == "{0 ::} ::helper"


@pytest.mark.parametrize("system", ["utf-8", "iso8859-1", "cp864", "symbol"])
def test_the_result_of_a_file_is_text_in_every_encoding(
    system: str, tcl: Interpreter, tmp_path: Path
) -> None:
    (tmp_path / "list.tcl").write_text("# \u00e9\nlist a {b %~} 1.5", encoding="utf-8")
    (tmp_path / "ascii.tcl").write_text("list a {b %~} 1.5")
    tcl.eval(f"encoding system {system}")
    try:
        found = [tcl.run_file(tmp_path / name) for name in ("list.tcl", "ascii.tcl")]
    finally:
        tcl.eval("encoding system utf-8")
    assert found == ["a {b %~} 1.5"] * 2


def test_files_run_where_a_script_has_replaced_encoding(tcl: Interpreter, tmp_path: Path) -> None:
    (tmp_path / "one.tcl").write_text("expr {1 + 1}")
    tcl.eval("rename encoding saved; proc encoding args {error mine}")
    try:
        assert tcl.run_file(os.fsencode(tmp_path / "one.tcl")) == "2"  # type: ignore[arg-type]
    finally:
        tcl.eval("rename encoding {}; rename saved encoding")
