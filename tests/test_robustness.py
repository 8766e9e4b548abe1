"""What once crashed, hung or leaked."""

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pybridge import Interpreter, TclError


def run(script: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pybridge", "-c", script]
    return subprocess.run(command, text=True, timeout=60, **options)


def code_of(tcl: Interpreter, script: str) -> tuple[str, ...]:
    with pytest.raises(TclError) as raised:
        tcl.eval(script)
    return raised.value.errorcode


def test_a_closed_interpreter_gives_back_its_channels() -> None:
    def opened() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    with Interpreter() as tcl:  # what the first one opens for good
        tcl.eval("open /dev/null")
    before = opened()
    for _ in range(10):
        with Interpreter() as tcl:
            tcl.eval("open /dev/null")
        del tcl
    assert opened() <= before + 1


@pytest.mark.parametrize("pattern", ["*" * 30 + "z", "*a" * 15 + "b"])
def test_no_pattern_takes_for_ever(tcl: Interpreter, pattern: str) -> None:
    tcl.call("set", "pattern", pattern)
    assert code_of(tcl, "torch::help $pattern") == ("TORCH", "ARG", "VALUE", "topic")
    assert tcl.eval("torch::ones 1; torch::handles $pattern") == ""


def test_a_fifo_is_no_file_of_tensors(tcl: Interpreter, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    tcl.call("set", "path", str(tmp_path / "fifo"))
    for command in ("load_safetensors", "safetensors_info"):
        assert code_of(tcl, f"torch::{command} $path") == ("TORCH", "ARG", "VALUE", "path")


def test_progress_without_standard_error() -> None:
    script = "torch::progress_step [torch::progress_bar 2]; puts fine"
    program = ["sh", "-c", 'exec "$0" -m pybridge -c "$1" 2>&-', sys.executable, script]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "fine\n")


def test_a_full_device_is_told_in_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pybridge", "--version"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (1, "tcltorch: No space left on device\n")


def test_a_nul_and_a_stray_byte_in_a_script() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pybridge"],
        input=b"puts [string length a\0b]\nputs [string length \xff]\n",
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, b"3", b"")


def test_commands_of_tcl_that_a_script_has_renamed() -> None:
    done = run("rename foreach {}; rename flush {}; rename chan {}; puts hi", capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_code_of_the_package_does_not_call_what_is_in_the_users_namespaces(tcl: Interpreter) -> None:
    tcl.eval("foreach name {trace set upvar uplevel catch} {proc ::torch::$name args {error collision}}")
    tcl.eval("namespace eval user {namespace path ::torch; proc p {} {local x [ones 2]; tensor_to_list $x}}")
    assert tcl.eval("torch::scope {user::p}") == "1.0 1.0"
    assert tcl.eval("torch::handles") == ""


def test_exit_takes_any_integer() -> None:
    assert run("exit 010").returncode == 8
    done = run("exit one", capture_output=True)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, 'expected integer but got "one"')


@pytest.mark.parametrize("command", ["torch::full 1", "torch::tensor_add [torch::ones 1]"])
def test_integers_of_thousands_of_digits(tcl: Interpreter, command: str) -> None:
    assert code_of(tcl, f"{command} [string repeat 9 5000]")[:3] == ("TORCH", "ARG", "VALUE")


def test_a_trailing_slash_names_a_folder(tcl: Interpreter, tmp_path: Path) -> None:
    tcl.call("set", "path", f"{tmp_path}/new/")
    assert code_of(tcl, "torch::save_safetensors {} $path")[:2] == ("POSIX", "EISDIR")
    assert not list(tmp_path.iterdir())


def test_rows_and_columns_of_computed_numbers_have_no_text_made(tcl: Interpreter) -> None:
    tcl.eval("set list {}; for {set i 0} {$i < 2000} {incr i} {lappend list [expr {$i * 0.5}]}")
    tcl.eval("set row [list $list]; set column [lmap x $list {list $x}]; expr 0")
    assert tcl.eval("torch::tensor_shape [torch::tensor_create $row]") == "1 2000"
    assert tcl.eval("torch::tensor_shape [torch::tensor_create $column]") == "2000"
    for value in ("$list", "$row", "$column", "[lindex $list 700]", "[lindex $column 700]"):
        assert "no string representation" in tcl.eval(f"tcl::unsupported::representation {value}")


def test_closing_while_a_script_runs() -> None:
    """From a handler of a signal, say; commands fail from then on, and the end of the script closes."""
    tcl = Interpreter()

    def shut() -> str:
        tcl.close()
        return ""

    tcl._tk.createcommand("shut", shut)
    code = tcl.eval("shut; catch {torch::ones 1} message options; dict get $options -errorcode")
    assert code == "TORCH CLOSED"
    with pytest.raises(TclError) as raised:
        tcl.eval("expr 1")
    assert raised.value.errorcode == ("TORCH", "CLOSED")
