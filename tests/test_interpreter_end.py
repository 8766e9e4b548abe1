"""How scripts and interpreters end: closing, `exit`, Ctrl-C."""

import signal
import subprocess
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pybridge import Interpreter, interrupt
from tests.interpreters import error_of, live, python

# -- closing -----------------------------------------------------------------------------------------------


def test_use_after_close_is_an_error() -> None:
    tcl = Interpreter()
    tcl.eval("set x [torch::ones {1000}]")
    table = tcl.dispatcher.table
    tensor = weakref.ref(table.objects["tensor0"])
    tcl.close()
    tcl.close()
    assert tensor() is None
    assert (table.objects, table.storages.bytes) == ({}, 0)
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
    try:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        tcl.eval(script)
    except KeyboardInterrupt:
        print("interrupted")
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
        done = python(INTERRUPT, script, "2")
    except subprocess.TimeoutExpired:
        pytest.fail("the loop went on")
    books = "0 \n" if "scope" in script else ""
    assert done.stdout == 2 * f"interrupted\n42 True\nTrue\n{books}" + "python's own\n"
    assert done.stderr == ""


# -- signal handlers of the program's own ------------------------------------------------------------------


@pytest.fixture
def handle(request: pytest.FixtureRequest) -> Callable[[int, Any], None]:
    """Installs a signal handler for the length of a test."""

    def install(number: int, handler: Any) -> None:
        before = signal.signal(number, handler)
        request.addfinalizer(lambda: signal.signal(number, before))

    return install


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGUSR1, signal.SIGTERM, signal.SIGRTMIN])
def test_a_handler_runs_when_the_script_calls_a_command(
    tcl: Interpreter, handle: Any, replace_version: Any, number: int
) -> None:
    got: list[int] = []

    def handler(number: int, frame: Any) -> None:
        got.append(number)

    def version() -> str:
        signal.raise_signal(number)
        return f"seen {got}"

    handle(number, handler)
    replace_version(version)
    assert tcl.eval("set seen [torch::version]; set went on; set seen") == f"seen [{int(number)}]"
    assert tcl.eval("set went") == "on"
    assert signal.getsignal(number) is handler


@pytest.mark.parametrize(
    "error", [TimeoutError("late"), SystemExit(3), KeyboardInterrupt(), MemoryError("m")]
)
@pytest.mark.parametrize("script", ["torch::version; set went on", "torch::version"])
def test_what_a_handler_raises_ends_the_script(
    tcl: Interpreter, handle: Any, replace_version: Any, error: BaseException, script: str
) -> None:
    def handler(number: int, frame: Any) -> None:
        raise error

    handle(signal.SIGUSR1, handler)
    replace_version(lambda: signal.raise_signal(signal.SIGUSR1))
    with pytest.raises(type(error)) as raised:
        tcl.eval(script)
    assert raised.value is error
    assert raised.value.__context__ is None
    assert tcl.eval("info exists went") == "0"
    assert signal.getsignal(signal.SIGUSR1) is handler


def test_a_script_that_catches_the_cancel_goes_on_and_the_exception_is_not_lost(
    tcl: Interpreter, handle: Any, replace_version: Any
) -> None:
    def handler(number: int, frame: Any) -> None:
        raise TimeoutError(got.pop())

    got = ["second", "first"]
    handle(signal.SIGUSR1, handler)
    replace_version(lambda: signal.raise_signal(signal.SIGUSR1))
    with pytest.raises(TimeoutError, match="first"):
        tcl.eval("catch {torch::version; set x 1} message; catch {torch::version; set x 1}; set went on")
    assert tcl.eval("list $message $went [info exists x]") == "{eval canceled} on 0"


def test_of_several_exceptions_the_one_that_ends_the_program_is_raised(
    tcl: Interpreter, handle: Any, replace_version: Any
) -> None:
    def handler(number: int, frame: Any) -> None:
        raise got.pop()

    got = [ValueError("third"), SystemExit(2), ValueError("first")]
    handle(signal.SIGUSR1, handler)
    replace_version(lambda: signal.raise_signal(signal.SIGUSR1))
    with pytest.raises(SystemExit):
        tcl.eval("for {set i 0} {$i < 3} {incr i} {catch {torch::version; set x 1}}")
    assert not got


def test_a_cancel_is_not_left_in_children(tcl: Interpreter, handle: Any, replace_version: Any) -> None:
    """Tcl cancels all children, too, and those that run nothing would keep it for what they run next."""
    handle(signal.SIGINT, signal.default_int_handler)
    replace_version(lambda: signal.raise_signal(signal.SIGINT))
    tcl.eval("interp create a; interp create {a b}; interp create -safe c")
    for script in ("torch::version; while 1 {set x 1}", "torch::version"):
        with pytest.raises(KeyboardInterrupt):
            tcl.eval(script)
        for child in ("a", "{a b}", "c"):
            assert tcl.eval(f"interp eval {child} {{while {{[incr i] < 5000}} {{}}; set i}}") == "5000"
            tcl.eval(f"interp eval {child} {{unset i}}")


@pytest.mark.parametrize("renamed", ["::for", "::interp"])
def test_what_a_script_renames_is_not_needed_to_use_up_a_cancel(
    tcl: Interpreter, handle: Any, replace_version: Any, renamed: str
) -> None:
    handle(signal.SIGINT, signal.default_int_handler)
    replace_version(lambda: signal.raise_signal(signal.SIGINT))
    tcl.eval(f"rename {renamed} {{}}")
    with pytest.raises(KeyboardInterrupt):
        tcl.eval("torch::version; while 1 {set x 1}")
    assert tcl.eval("set x 2") == "2"


def test_a_handler_installed_by_a_command_stays(tcl: Interpreter, handle: Any, replace_version: Any) -> None:
    got: list[int] = []
    handle(signal.SIGUSR1, signal.SIG_IGN)
    replace_version(lambda: signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number)) and "")
    tcl.eval("torch::version")
    signal.raise_signal(signal.SIGUSR1)
    assert got == [signal.SIGUSR1]


def test_a_guard_that_a_program_has_kept_passes_on(
    tcl: Interpreter, handle: Any, replace_version: Any
) -> None:
    got: list[int] = []
    handle(signal.SIGUSR1, lambda number, frame: got.append(number))
    kept: list[Any] = []
    replace_version(lambda: kept.append(signal.getsignal(signal.SIGUSR1)))
    tcl.eval("torch::version")
    signal.signal(signal.SIGUSR1, kept[0])
    signal.raise_signal(signal.SIGUSR1)
    assert got == [signal.SIGUSR1]


def test_a_cancel_that_strikes_in_a_trace_is_not_lost(
    tcl: Interpreter, handle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tcl ignores errors of the unset traces by which local variables are freed."""

    def handler(number: int, frame: Any) -> None:
        raise TimeoutError("late")

    def release_local(*words: Any) -> None:
        signal.raise_signal(signal.SIGUSR1)
        release(*words)

    handle(signal.SIGUSR1, handler)
    release = tcl.dispatcher.table.release_local
    monkeypatch.setattr(tcl.dispatcher.table, "release_local", release_local)
    with pytest.raises(TimeoutError):
        tcl.eval("proc work {} {torch::local x [torch::ones 2]; return}; work; while 1 {set x 1}")
    assert live(tcl) == 0
    assert tcl.eval("set x") == "1"


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGUSR1, TimeoutError)]
)
def test_a_signal_before_the_script_has_begun_stops_it(
    tcl: Interpreter, handle: Any, monkeypatch: pytest.MonkeyPatch, number: int, error: type[BaseException]
) -> None:
    def late(number: int, frame: Any) -> None:
        raise TimeoutError("late")

    def stand_in_front(watcher: interrupt.Watcher) -> None:
        stand(watcher)
        signal.raise_signal(number)

    handle(signal.SIGUSR1, late)
    tcl.eval("")
    stand = interrupt.Watcher._stand_in_front
    with monkeypatch.context() as context:
        context.setattr(interrupt.Watcher, "_stand_in_front", stand_in_front)
        with pytest.raises(error):
            tcl.eval("for {set i 0} {$i < 300000} {incr i} {}; set went on")
    assert tcl.eval("info exists went") == "0"


def test_a_cancel_that_is_swallowed_twice_is_not_lost(
    tcl: Interpreter, handle: Any, replace_version: Any
) -> None:
    """As on a busy machine, where what has swallowed the first has not ended when the second comes."""

    def late(number: int, frame: Any) -> None:
        raise TimeoutError("late")

    handle(signal.SIGUSR1, late)
    replace_version(lambda: signal.raise_signal(signal.SIGUSR1))
    tcl.eval("""
        proc swallow {args} {
            catch {torch::version; set y 1}
            ::torch::_::cancel_again
            catch {while 1 {set y 1}}
        }
    """)
    with pytest.raises(TimeoutError):
        tcl.eval(
            "set i 0; set x 1; trace add variable x unset swallow; unset x;"
            " while {[incr i] < 10000000} {set y 1}"
        )
    assert int(tcl.eval("set i")) < 10_000_000


RAISING_HANDLER = """
import collections, random, signal
from pybridge import Interpreter

def late(number, frame):
    raise TimeoutError("late")

signal.signal(signal.SIGALRM, late)
tcl, ends = Interpreter(), collections.Counter()
tcl.eval('''
    proc work {} {
        torch::scope {
            torch::local x [torch::ones 2]
            torch::no_grad {torch::scope {set y [torch::tensor_add $x 1]; expr 0}}
            coroutine c apply {{} {torch::local z [torch::ones 2]; yield}}
            c
        }
    }
''')
for _ in range(300):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0003, 0.002))
        tcl.eval("while 1 {work}")
    except TimeoutError as error:
        ends[str(error)] += 1
    state = tcl.eval("catch {rename c {}}; list [torch::is_grad_enabled] [torch::handles]")
    assert state == "1 {}", state
print(ends, signal.getsignal(signal.SIGALRM) is late, signal.set_wakeup_fd(-1))
"""


def test_a_handler_may_raise_at_any_moment() -> None:
    """No raise is lost, none becomes an error of Tcl's, none leaves a scope or a variable half closed."""
    done = python(RAISING_HANDLER)
    assert (done.stdout, done.stderr) == ("Counter({'late': 300}) True -1\n", "")


# -- Ctrl-C between and inside of evals --------------------------------------------------------------------

BETWEEN_EVALS = """
import os, signal, threading, time
from pybridge import Interpreter

tcl, caught = Interpreter(), 0
for round in range(40):
    try:
        threading.Timer(0.005 + round * 0.00013, os.kill, (os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        while time.monotonic() - began < 5:
            tcl.eval("set x 1")
    except KeyboardInterrupt:
        caught += 1
    tcl.eval("for {set i 0} {$i < 30000} {incr i} {}")
print(caught, signal.set_wakeup_fd(-1), signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def test_ctrl_c_at_any_moment_of_many_short_evals() -> None:
    """Each is one KeyboardInterrupt, wherever it strikes, and nothing of it is left for the next eval."""
    done = python(BETWEEN_EVALS)
    assert (done.stdout, done.stderr) == ("40 -1 True\n", "")


def test_ctrl_c_stops_the_inner_of_two_interpreters() -> None:
    program = """
import os, signal, threading
from pybridge import Interpreter

outer, inner = Interpreter(), Interpreter()

def nested():
    try:
        inner.eval("while 1 {}")
    except KeyboardInterrupt:
        return "stopped"

outer._tk.createcommand("nested", nested)
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
print(outer.eval("nested"), outer.eval("expr 6 * 7"))
"""
    done = python(program)
    assert (done.stdout, done.stderr) == ("stopped 42\n", "")
