"""What an Interpreter keeps alive, in which thread, and what it loads."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pybridge import Interpreter, TclError
from tests.interpreters import error_of, in_thread, python

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


HELD_BY_A_FRAME = """
import gc, threading
import pybridge

def kept(closing):
    tcl = pybridge.Interpreter()
    try:
        tcl._run(lambda tk: tk.call("set", "x", 1 / 0))  # an error that is not Tcl's; its frame holds tk
    except ZeroDivisionError as error:
        cycle = [error, tcl._tk]
        cycle.append(cycle)
    if closing:
        tcl.close()

gc.disable()
for closing in (True, False):
    kept(closing)
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread.join()
from pybridge import held
print(len(held._held))
with pybridge.Interpreter():  # this thread comes by
    pass
print(len(held._held))
"""


def test_whatever_holds_an_interpreter_last_its_own_thread_deletes_it() -> None:
    done = python(HELD_BY_A_FRAME)
    assert (done.returncode, done.stdout) == (0, "1\n0\n"), done.stderr


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
before = set(sys.modules)
import pybridge
assert "torch" not in sys.modules and "_tkinter" not in sys.modules, "import"
tcl = pybridge.Interpreter()
assert "torch" not in sys.modules, "Interpreter"
tcl.eval("proc f {n} {expr {$n < 2 ? $n : [f [expr {$n - 1}]] + [f [expr {$n - 2}]]}}; f 10")
tcl.call("list", 1, 2.5)
assert "torch" not in sys.modules, "plain Tcl"
rare = {"difflib", "pathlib", "platform", "secrets", "shutil", "tempfile"} & set(sys.modules) - before
assert not rare, rare
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
