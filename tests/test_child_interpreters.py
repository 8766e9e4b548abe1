"""Child interpreters inside tcltorch: they get the commands of their parent, and see its handles."""

import tkinter

import pytest

from pybridge import Interpreter
from tests.interpreters import error_of, live, python


@pytest.fixture
def child(tcl: Interpreter) -> Interpreter:
    """An interpreter with a child `c` that has the package."""
    tcl.eval("interp create c; c eval {package require torch}")
    return tcl


def test_a_child_is_that_of_any_tcl_before_the_package_is_required(tcl: Interpreter) -> None:
    tcl.eval("interp create c")
    assert (
        tcl.eval("c eval {list [interp aliases] [namespace exists ::torch] [package provide torch]}")
        == "{} 0 {}"
    )
    assert tcl.eval("list {*}[trace info execution interp] {*}[c eval {trace info execution interp}]") == ""
    assert tcl.eval("c eval {package require torch 0.1-}") == tcl.eval("package require torch")


def test_a_child_that_finds_the_package_by_its_path_has_its_parents_commands(child: Interpreter) -> None:
    child.eval("interp create d; d eval {package forget torch}; d eval [list set auto_path $auto_path]")
    made = child.eval("d eval {package require torch; torch::ones 2}")
    assert child.eval(f"torch::tensor_to_list {made}") == "1.0 1.0"


def test_interpreters_of_one_process_have_children_of_their_own(tcl: Interpreter) -> None:
    tcl.eval("torch::ones 2; interp create c")
    with Interpreter() as other:
        other.eval("interp create c")
        assert other.eval("c eval {package require torch; torch::handles}") == ""
        assert tcl.eval("c eval {package require torch; torch::handles}") == "tensor0"


def test_they_see_the_same_handles(child: Interpreter) -> None:
    child.eval("set x [torch::tensor_create {1 2 3}]; c eval [list set x $x]")
    assert child.eval("c eval {torch::tensor_to_list $x}") == "1.0 2.0 3.0"
    made = child.eval("c eval {torch::tensor_add $x 1}")
    assert child.eval(f"torch::tensor_to_list {made}") == "2.0 3.0 4.0"
    child.eval("c eval {torch::free $x}")
    assert error_of(child.eval, "torch::tensor_shape $x").message == 'tensor "tensor0" was freed'


def test_they_outlive_the_child(child: Interpreter) -> None:
    made = child.eval("c eval {torch::full 2 7}")
    child.eval("interp delete c")
    assert child.eval(f"torch::tensor_to_list {made}") == "7.0 7.0"


def test_bulk_numbers(child: Interpreter) -> None:
    numbers = [each + 0.5 for each in range(2000)]
    child.call("c", "eval", ("set", "numbers", tuple(numbers)))
    assert child.call("c", "eval", "torch::tensor_to_list [torch::tensor_create $numbers]") == tuple(numbers)
    assert (
        child.eval("c eval {torch::tensor_dtype [torch::tensor_create {9007199254740993} int64]}") == "int64"
    )
    assert child.eval("c eval {torch::tensor_to_list [torch::tensor_create {9007199254740993} int64]}") == (
        "9007199254740993"
    )


def test_scope_and_local(child: Interpreter) -> None:
    kept = child.eval("c eval {torch::scope {torch::ones 5; torch::ones 2}}")
    assert child.eval("torch::handles") == kept
    child.eval("c eval {proc p {} {torch::local x [torch::ones 2]; llength [torch::handles]}}")
    assert child.eval("c eval p") == "2"
    assert child.eval("torch::handles") == kept


def test_a_scope_of_the_parent_holds_what_a_child_makes(child: Interpreter) -> None:
    assert child.eval("torch::scope {c eval {torch::ones 2}; llength [torch::handles]}") == "1"
    assert live(child) == 0


def test_a_scope_that_ends_by_an_error(child: Interpreter) -> None:
    assert error_of(child.eval, "c eval {torch::scope {torch::ones 2; error boom}}").message == "boom"
    assert live(child) == 0


def test_no_grad(child: Interpreter) -> None:
    child.eval("set x [torch::ones 2 -requires_grad 1]")
    script = "c eval [list torch::no_grad [list torch::tensor_requires_grad [torch::tensor_mul $x 2]]]"
    assert child.eval(script) == "1"  # multiplied out here
    script = "c eval [list torch::no_grad [list torch::tensor_mul $x 2]]"
    assert child.eval(f"torch::tensor_requires_grad [{script}]") == "0"


@pytest.mark.parametrize(
    ("command", "message", "errorcode"),
    [
        ("torch::tensor_add tensor99 1", 'no such tensor "tensor99"', ("TORCH", "HANDLE", "tensor99")),
        (
            "torch::tensor_create {1 a}",
            'expected number but got "a" at index 1 for values',
            ("TORCH", "ARG", "TYPE", "values"),
        ),
        (
            "torch::ones",
            'wrong # args: should be "torch::ones shape ?dtype? ?device? ?requires_grad?" (shape is missing)',
            ("TCL", "WRONGARGS"),
        ),
    ],
)
def test_errors(child: Interpreter, command: str, message: str, errorcode: tuple[str, ...]) -> None:
    error = error_of(child.eval, f"c eval {{\n{command}\n}}")
    assert (error.message, error.errorcode) == (message, errorcode)
    assert error.errorinfo.startswith(f'{message}\n    while executing\n"{command}"\n')
    assert "::torch::_" not in error.errorinfo


def test_an_unknown_subcommand(child: Interpreter) -> None:
    error = error_of(child.eval, "c eval {torch tensor_ad}")
    assert error.errorcode == ("TCL", "LOOKUP", "SUBCOMMAND", "tensor_ad")
    assert error.message.startswith('unknown subcommand "tensor_ad"')


@pytest.mark.parametrize(
    ("path", "create"),
    [
        ("g", "interp create g"),
        ("g", "interp create -- g"),
        ("0x10", "interp create 0x10"),
        ("nan", "interp create nan"),
        ("c g", "interp cr {c g}"),
        ("c g", "c eval {interp create g}"),
        ("c g", "c eval {package require torch; interp create g}"),
        ("c g", "c eval {proc p {} {interp create -- g}; p}"),
        ("c g h", "c eval {interp create g; g eval {interp create h}}"),
    ],
)
def test_children_and_grandchildren(tcl: Interpreter, path: str, create: str) -> None:
    tcl.eval(f"interp create c; torch::ones 2; {create}")
    assert tcl.eval(f"interp eval {{{path}}} {{package require torch; torch::handles}}") == "tensor0"


def test_a_name_of_its_own_is_made_up(tcl: Interpreter) -> None:
    tcl.eval("set g [interp create]")
    assert tcl.eval("$g eval {package require torch; torch::handles}") == ""


def test_a_child_whose_commands_are_limited_may_have_children(tcl: Interpreter) -> None:
    tcl.eval("interp create c; interp limit c command -value 100000")
    assert tcl.eval("c eval {interp create sub}") == "sub"
    assert tcl.eval("interp limit {c sub} command -value") == "0"  # as Tcl has it: it may run none
    tcl.eval("interp limit {c sub} command -value {}; c eval {interp eval sub {package require torch}}")
    assert tcl.eval("interp eval {c sub} {torch::tensor_to_list [torch::full 2 7]}") == "7.0 7.0"


def test_a_failed_create_is_as_it_was(tcl: Interpreter) -> None:
    tcl.eval("interp create c")
    assert error_of(tcl.eval, "interp create c").message == (
        'interpreter named "c" already exists, cannot create'
    )
    assert error_of(tcl.eval, "interp create -nope").message == 'bad option "-nope": must be -safe or --'


def test_deleting_the_package_in_a_child(child: Interpreter) -> None:
    child.eval("c eval {interp create g; namespace delete ::torch; interp create h; update}")
    assert child.eval("c eval {interp children}") in ("g h", "h g")
    assert child.eval("torch::tensor_to_list [torch::ones 1]") == "1.0"


def test_async(child: Interpreter) -> None:
    child.eval("c eval {proc done {result options} {set ::result $result}}")
    child.eval("c eval {torch::async {torch::tensor_create {1 2}} done; vwait result}")
    assert child.eval("torch::tensor_to_list [c eval {set result}]") == "1.0 2.0"


def test_a_safe_child_has_nothing_of_its_own(tcl: Interpreter) -> None:
    tcl.eval("interp create -safe s")
    assert error_of(tcl.eval, "s eval {package require torch}").message == "can't find package torch"
    assert error_of(tcl.eval, "s eval {torch::ones 2}").errorcode == (
        "TCL",
        "LOOKUP",
        "COMMAND",
        "torch::ones",
    )
    tcl.eval("interp alias s ::torch::ones {} ::torch::ones")
    assert tcl.eval("s eval {torch::ones 2}") == "tensor0"


def test_the_package_in_a_safe_base(tcl: Interpreter) -> None:
    tcl.eval("set s [::safe::interpCreate]; $s eval {package require torch}")
    assert error_of(tcl.eval, "$s eval {torch ones 2}").errorcode == ("TORCH", "UNSUPPORTED", "ones")
    tcl.eval("foreach name {ones info} {interp alias $s ::torch::$name {} ::torch::$name}")
    assert tcl.eval("$s eval {torch ones 2}") == "tensor0"
    assert tcl.eval("$s eval {torch info args free}") == tcl.eval("torch info args free")
    assert tcl.eval("lsort [$s eval {info commands ::torch::*}]") == "::torch::info ::torch::ones"


def test_other_interpreters_of_the_process_have_a_worker(tcl: Interpreter) -> None:
    other = tkinter.Tcl()
    try:
        made = other.eval("package require torch; torch::ones 2")
        assert (other.eval("torch::handles"), tcl.eval("torch::handles")) == (made, "")
        assert other.eval("interp create c; c eval {package require torch; torch::handles}") == ""
    finally:
        other.eval("foreach path {c {}} {interp eval $path {namespace delete ::torch}}")


def test_a_trace_that_runs_when_a_child_gets_the_commands() -> None:
    """It may call Python."""
    script = """
        interp create c
        c alias told torch::version
        c eval {
            namespace eval ::torch::_ {proc dispatch_bulk args {}}
            trace add command ::torch::_::dispatch_bulk delete {apply {args {set ::told [told]}}}
            package require torch
            set ::told
        }
    """
    ended = python(f"from pybridge import Interpreter\nprint(Interpreter().eval({script!r}))")
    assert (ended.stdout, ended.stderr) == ("0.1.0\n", "")


GARBAGE = """
import gc, os
from pybridge import Interpreter

def endless():
    garbage = [Interpreter()]
    garbage.append(garbage)

Interpreter().eval("interp create c; c eval {package require torch}")
for later in range(1, 60):
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0, later
        continue
    tcl = Interpreter()
    tcl.eval("interp create c")
    gc.collect()
    gc.disable()
    endless()
    gc.set_threshold(gc.get_count()[0] + later, 10, 10)
    gc.enable()
    tcl.eval("c eval {package require torch; torch::handles}")
    os._exit(0)
"""


def test_garbage_that_is_collected_while_a_child_gets_the_commands() -> None:
    """There tkinter waits for Tcl, and would lose its thread if an interpreter were deleted."""
    ended = python(GARBAGE)
    assert (ended.returncode, ended.stderr) == (0, "")


OF_A_THREAD = """
from pybridge import Interpreter
with Interpreter() as tcl:
    tcl.eval("package require Thread; set thread [thread::create]; torch::ones 3")
    made = tcl.eval("thread::send $thread {package require torch; torch::ones 2}")
    print(tcl.eval(f"thread::send $thread {{torch::tensor_shape {made}}}"))
    tcl.eval("thread::send $thread {namespace delete ::torch}; thread::release -wait $thread")
"""


def test_a_thread_of_tcl_has_a_worker() -> None:
    ended = python(OF_A_THREAD)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "2\n", "")
