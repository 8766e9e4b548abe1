"""`package require torch` in programs that are not ours: shells of Tcl and Tk, Expect, tools of Debian."""

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from pybridge import __version__, pictures
from pybridge.tcl_package import tcl_package
from tests.processes import eventually, is_running
from tests.screens import installed, pixels_of_dump, virtual_display

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
Start = Callable[..., "subprocess.Popen[str]"]

STARTS = {"TORCH_TCL_PYTHON": sys.executable}  # for tests that are about the start of a worker
DEBIAN = {"tclsh": "tcl", "wish": "tk", "expect": "expect", "magic": "magic", "netgen-lvs": "netgen-lvs"}
HOSTS = {
    "tclsh": ("tclsh", "SCRIPT"),
    "wish": ("wish", "SCRIPT"),
    "expect": ("expect", "SCRIPT"),
    "magic": ("magic", "-dnull", "-noconsole", "SCRIPT"),
    "netgen": ("netgen-lvs", "-batch", "source", "SCRIPT"),
}
PROLOGUE = """
package require torch
proc told {script} {
    puts [list [catch {uplevel 1 $script} message options] $message [dict get $options -errorcode]]
    flush stdout
}
"""


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """The name of a virtual display that holds the window of the example."""
    with virtual_display((1000, 900)) as name:
        yield name


@pytest.fixture
def start(tmp_path: Path, display: str, forking_python: Path) -> Iterator[Start]:
    """Run a script in a host, in a process group of its own.

    Its worker is a fork, unless the environment of STARTS has it start one.
    """
    started = []

    def start(host: str, script: str, **more: str) -> "subprocess.Popen[str]":
        path = tmp_path / "script.tcl"
        path.write_text(PROLOGUE + script)
        program, *words = HOSTS[host]
        settings = {
            "TCLLIBPATH": tcl_package(),
            "TORCH_TCL_PYTHON": str(forking_python),
            "DISPLAY": display,
        }
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [
                installed(program, DEBIAN[program]),
                *(str(path) if word == "SCRIPT" else word for word in words),
            ],
            cwd=tmp_path,
            env=os.environ | settings | more,
            text=True,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


# -- each host -------------------------------------------------------------------------------------------


SCRIPT = """
puts "begin [torch::remote pid]"
set weight [torch::tensor_create {{0.11 -0.42 0.93} {2.5 -1.75 0.25}}]
puts [torch::tensor_to_list [torch::fake_quantize_per_tensor $weight 0.25 0 -8 7]]
told {torch::tensor_sum $weight -axis 1}
puts before
torch::remote {puts {from the worker}}
puts after

# The worker is killed: the host goes on, and has another one when it asks.
catch {exec kill -KILL [torch::remote pid]}
catch {torch::tensor_sum $weight} message options
puts [dict get $options -errorcode]
puts [torch::restart]
told {torch::tensor_sum $weight}
puts [torch::tensor_to_list [torch::ones 2]]
puts "end [torch::remote pid]"
exit 3
"""


@pytest.mark.parametrize("host", HOSTS)
def test_a_script_in_a_host(host: str, start: Start) -> None:
    process = start(host, SCRIPT, **(STARTS if host in ("tclsh", "expect") else {}))
    out, said = process.communicate(timeout=120)
    lines = out.splitlines()
    begin = next((at for at, line in enumerate(lines) if line.startswith("begin ")), None)
    assert begin is not None, (out, said)
    told = lines[begin:]
    weight = torch.tensor([[0.11, -0.42, 0.93], [2.5, -1.75, 0.25]])
    int4 = torch.fake_quantize_per_tensor_affine(weight, 0.25, 0, -8, 7)
    assert told[1:-1] == [
        " ".join(map(str, int4.flatten().tolist())),
        '1 {bad option "-axis": must be -input, -dim} {TCL LOOKUP INDEX option -axis}',
        "before",
        "from the worker",
        "after",
        "TORCH CLOSED",
        "the handles of before are gone",
        '1 {tensor "tensor0" was freed} {TORCH HANDLE tensor0}',
        "1.0 1.0",
    ]
    assert process.returncode == 3
    workers = [int(told[at].split()[1]) for at in (0, -1)]
    eventually(lambda: not any(map(is_running, workers)))


WAITING = """
puts "begin [torch::remote pid]"
flush stdout
after 60000
"""


@pytest.mark.parametrize("host", HOSTS)
def test_a_worker_ends_with_a_host_that_is_killed(host: str, start: Start) -> None:
    process = start(host, WAITING)
    worker = worker_of(process)
    process.kill()
    process.communicate()
    eventually(lambda: not is_running(worker))


@pytest.mark.parametrize("host", ["tclsh", "wish", "expect", "magic"])
def test_ctrl_c_that_ends_a_host(host: str, start: Start) -> None:
    process = start(host, WAITING, **(STARTS if host == "tclsh" else {}))
    worker = worker_of(process)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode != 0
    eventually(lambda: not is_running(worker))


def test_ctrl_c_that_a_host_survives(start: Start) -> None:
    """It goes to the whole process group, in which the worker is, too."""
    script = """
        torch::remote {set x kept}
        trap {set interrupted 1} SIGINT
        puts "begin [torch::remote pid]"
        flush stdout
        while {![info exists interrupted]} {after 20}
        puts [torch::remote {set x}]
    """
    process = start("expect", script, **STARTS)
    worker = worker_of(process)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=120) == ("kept\n", "")
    eventually(lambda: not is_running(worker))


def test_a_trap_of_expect_s_sees_the_end_of_the_worker(start: Start) -> None:
    """The error is that of every host, but for how the worker has ended: a trap may overwrite results."""
    script = """
        trap {set seen 1} SIGCHLD
        spawn -noecho sh -c {exit 3}
        expect eof
        wait -i $spawn_id
        set worker [torch::remote pid]
        unset -nocomplain seen
        exec -ignorestderr kill -KILL $worker &
        while {![info exists seen] || [file exists /proc/$worker/exe] eq "1"} {after 10}
        puts [catch {torch::ones 2} message options],[string range $message 0 19]
        puts [dict get $options -errorcode]
        torch::restart
        puts [torch::version]
        trap SIG_DFL SIGCHLD
    """
    # Expect 5.45 may hang when a trap strikes while it exits: its handler takes a mutex of Tcl's notifier
    out, said = start("expect", script, **STARTS).communicate(timeout=120)
    assert (out, said) == (f"1,the worker has ended\nTORCH CLOSED\n{__version__}\n", "")


def test_a_trap_that_strikes_while_a_worker_is_lost_does_not_replace_the_error(start: Start) -> None:
    """It leaves an empty result to the command in which it strikes; which one that is, is left to chance."""
    script = """
        set worker [torch::remote pid]
        rename ::torch::_::has_ended has_ended
        proc ::torch::_::has_ended {process} {
            rename ::torch::_::has_ended ""
            rename has_ended ::torch::_::has_ended
            return
        }
        exec kill -KILL $worker
        while {[file exists /proc/$worker/exe]} {after 10}
        puts [catch {torch::ones 2} message options],[string range $message 0 19]
        puts [dict get $options -errorcode]
        torch::restart
        puts [torch::version]
    """
    out, said = start("expect", script, **STARTS).communicate(timeout=120)
    assert (out, said) == (f"1,the worker has ended\nTORCH CLOSED\n{__version__}\n", "")


@pytest.mark.parametrize("trap", ["set seen 1", "error seen"])
def test_a_trap_of_expect_s_takes_no_answer_away(trap: str, start: Start) -> None:
    script = f"""
        set x [torch::ones 2]
        trap {{incr seen; {trap}}} SIGUSR1
        for {{set i 0}} {{$i < 20}} {{incr i}} {{
            set script "exec kill -USR1 [pid]; string repeat y 100000"
            catch {{torch::remote $script}} length
            lappend lengths [string length $length]
        }}
        puts [lsort -unique $lengths],[expr {{$seen > 0}}]
        puts [torch::tensor_to_list $x]
    """
    assert start("expect", script, **STARTS).communicate(timeout=120) == ("100000,1\n1.0 1.0\n", "")


# A signal for the program while its first command waits for a worker that loads PyTorch.
MEANWHILE = """
    set workers {printf '/proc/%s/maps ' $(cat /proc/$0/task/$0/children)}
    exec sh -c "until grep -qs libtorch \\$($workers); do sleep 0.05; done; kill -USR1 \\$0" [pid] &
    puts [catch {torch::zeros 3} first],$first,$seen
"""


def test_a_trap_of_expect_s_during_the_first_command_finds_it_busy(start: Start) -> None:
    script = f"""
        trap {{
            catch {{torch::ones 2}} message options
            lappend seen [dict get $options -errorcode] [catch {{torch::shutdown}}]
        }} SIGUSR1
        {MEANWHILE}
    """
    assert start("expect", script, **STARTS).communicate(timeout=120) == ("0,tensor0,{TORCH BUSY} 1\n", "")


def test_a_trap_of_an_expect_that_comes_after_the_package(start: Start) -> None:
    script = f"""
        package require Expect
        trap {{lappend seen alarm}} SIGUSR1
        {MEANWHILE}
    """
    assert start("tclsh", script, **STARTS).communicate(timeout=120) == ("0,tensor0,alarm\n", "")


def worker_of(process: "subprocess.Popen[str]") -> int:
    """The process of the worker, which the script prints."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith("begin "):
            return int(line.split()[1])
    pytest.fail("the script did not begin")


# -- what some hosts are for -----------------------------------------------------------------------------


def test_a_fork_of_expect_says_nothing_to_the_worker(start: Start) -> None:
    """Not even at its end, when Tcl writes what is in the buffers of channels."""
    script = """
        package require torch
        torch::version
        torch::restart
        if {[fork] == 0} {exit}
        set two [torch::ones 2]
        after 1000
        set three [torch::ones 3]
        puts "[expr {$two ne $three}] [torch::tensor_numel $two] [torch::tensor_numel $three]"
    """
    assert start("expect", script, **STARTS).communicate(timeout=120) == ("1 2 3\n", "")


def test_expect_in_tcltorch() -> None:
    """Its library looks for Tcl's functions among those that all of the program can see."""
    installed("expect", "expect")
    script = """
        package require Expect
        log_user 0
        spawn sh -c {echo value 3}
        expect -re {value (\\d+)}
        puts [torch::tensor_to_list [torch::full 2 $expect_out(1,string)]]
    """
    command = [sys.executable, "-m", "pybridge", "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (ended.stdout, ended.stderr) == ("3.0 3.0\n", "")


def test_expect_drives_a_program_and_computes(start: Start) -> None:
    """What a program prints becomes a tensor; the worker is none of the processes that Expect waits for."""
    script = """
        log_user 0
        spawn sh -c {read n; for i in 1 2 3; do echo value $((n * i)); done; exit 4}
        send "5\\r"
        while {[expect -re {value (\\d+)} {set go 1} eof {set go 0}; set go]} {
            lappend values $expect_out(1,string)
        }
        puts [lindex [wait] 3]
        puts [torch::tensor_to_list [torch::tensor_mul [torch::tensor_create $values] 0.5]]
        catch {close; wait}
        puts [torch::tensor_item [torch::tensor_sum [torch::tensor_create $values]]]
    """
    out, said = start("expect", script.replace("\\\\", "\\")).communicate(timeout=120)
    assert (out, said) == ("4\n2.5 5.0 7.5\n30.0\n", "")


def test_a_stdout_that_chan_names_does_not_tell_of(start: Start) -> None:
    """OpenSTA has such a one."""
    script = """
        rename chan tcl_chan
        proc chan {name args} {
            if {$name ne "names"} {uplevel 1 [list tcl_chan $name {*}$args]}
        }
        torch::remote {puts {from the worker}}
    """
    assert start("tclsh", script).communicate(timeout=120) == ("from the worker\n", "")


TWO_OF_TCL = """
interp create other
interp eval other {package require torch}
set x [torch::full 2 3]
set y [interp eval other {torch::full 2 4}]
puts "$x $y"
puts [torch::tensor_to_list $x]
puts [interp eval other [list torch::tensor_to_list $y]]
puts [expr {[torch::remote pid] != [set pid [interp eval other {torch::remote pid}]]}]
interp delete other
while {[file exists /proc/$pid]} {after 10}
puts [torch::tensor_to_list $x]
"""


def test_two_interpreters_of_tclsh(start: Start) -> None:
    """Each has a worker of its own, which ends with it."""
    out, said = start("tclsh", TWO_OF_TCL).communicate(timeout=120)
    assert (out, said) == ("tensor0 tensor0\n3.0 3.0\n4.0 4.0\n1\n3.0 3.0\n", "")


TWO_OF_TKINTER = """
import tkinter
one, other = tkinter.Tcl(), tkinter.Tcl()
for tcl, value in (one, 3), (other, 4):
    tcl.eval(f"package require torch; set x [torch::full 2 {value}]")
print(one.eval("torch::tensor_to_list $x"), other.eval("torch::tensor_to_list $x"))
pids = {one.eval("torch::remote pid"), other.eval("torch::remote pid")}
print(len(pids), *pids)
"""


def test_two_interpreters_of_a_python_program(tmp_path: Path, forking_python: Path) -> None:
    """tkinter's own, not ours; neither is deleted before the program ends."""
    settings = {"TCLLIBPATH": tcl_package(), "TORCH_TCL_PYTHON": str(forking_python)}
    done = subprocess.run(
        [sys.executable, "-c", TWO_OF_TKINTER],
        cwd=tmp_path,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    values, pids = done.stdout.splitlines()
    assert values == "3.0 3.0 4.0 4.0"
    count, *workers = map(int, pids.split())
    assert count == 2
    eventually(lambda: not any(map(is_running, workers)))


LOOK = """
rename tkwait ::held
proc tkwait {args} {}
source $env(EXAMPLE)
wm geometry . +0+0
update
puts "[winfo width .picture] [winfo height .picture]"
puts $told
exec xwd -root -silent -out screen.xwd
.choice.int8 invoke
puts $told
exit
"""


def test_the_errors_in_a_window_of_wish(start: Start, tmp_path: Path) -> None:
    """examples/in_wish.tcl shows on the screen what goes into a file, and another choice draws anew."""
    process = start("wish", LOOK, EXAMPLE=str(EXAMPLES / "in_wish.tcl"))
    out, said = process.communicate(timeout=120)
    assert (said, process.returncode) == ("", 0)
    size, *told = out.splitlines()
    weight = weight_of_the_example()
    assert told == [
        f"scale {scale:.6f}   largest error {(weight - codes * scale).abs().max():.6f}"
        for codes, scale in (symmetric(weight, 7), symmetric(weight, 127))
    ]
    codes, scale = symmetric(weight, 7)
    back = codes * scale
    figure = pictures.quantization_errors(weight, codes.to(torch.int8), back, 4)
    drawn = imread(io.BytesIO(pictures.render(figure, "png", 100)), format="png")[:, :, :3]
    assert size == f"{drawn.shape[1]} {drawn.shape[0]}"
    screen = pixels_of_dump(tmp_path / "screen.xwd")
    assert contains(screen, np.rint(drawn * 255).astype(np.uint8))


def weight_of_the_example() -> torch.Tensor:
    text = (EXAMPLES / "in_wish.tcl").read_text()
    rows = re.findall(r"^    \{([-\d. ]+)\}$", text, re.MULTILINE)
    return torch.tensor([[float(number) for number in row.split()] for row in rows])


def symmetric(weight: torch.Tensor, largest: int) -> tuple[torch.Tensor, float]:
    """Codes and scale with the zero point 0."""
    scale = weight.abs().max().item() / largest
    return torch.clamp(torch.round(weight / scale), -largest - 1, largest), scale


def contains(screen: np.ndarray, picture: np.ndarray) -> bool:
    height, width = picture.shape[:2]
    places = np.argwhere((screen[: 1 - height, : 1 - width] == picture[0, 0]).all(2))
    return any(
        np.array_equal(screen[top : top + height, left : left + width], picture) for top, left in places
    )
