"""Workers that end, get stuck or say odd things, and commands that are cut off: what a program sees."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pybridge import __version__
from tests.processes import eventually, is_running
from tests.stock_tclsh import PROLOGUE, STARTS, TCLSH, environment, run, start

pytestmark = pytest.mark.usefixtures("forked_workers")

KILL = "exec kill -KILL $::torch::_::process; "


def test_a_killed_worker_is_told_of_and_replaced_when_asked(tmp_path: Path) -> None:
    script = KILL.join(
        [
            "set x [torch::ones 2]\n",
            """
        foreach i {1 2} {
            puts [catch {torch::tensor_sum $x} message options],[code],$message
        }
        catch {torch::async {torch::ones 2} puts} message options; puts [code]
        catch {torch::remote {set a 1}} message options; puts [code]
        after 1 {set over 1}; vwait over
        puts [torch::restart]
        puts [catch {torch::tensor_sum $x} message options],[code],$message
        puts [torch::ones 2]
        torch::shutdown
        puts [torch::ones 2]
    """,
        ]
    )
    out, said, status = run(script, tmp_path)
    reason = (
        "the worker has ended (kill signal, SIGKILL), and its handles with it: torch::restart starts another"
    )
    assert (said, status) == ("", 0)
    assert out.splitlines() == [
        *[f"1,TORCH CLOSED,{reason}"] * 2,
        "TORCH CLOSED",
        "TORCH CLOSED",
        "the handles of before are gone",
        '1,TORCH HANDLE tensor0,tensor "tensor0" was freed',
        "tensor1",
        "tensor2",
    ]


def test_a_worker_killed_in_a_transfer_or_in_a_scope(tmp_path: Path) -> None:
    script = """
        set numbers [lmap i [lrepeat 2000000 1] {expr {rand()}}]
        set x [torch::ones 2]
        exec sh -c "sleep 0.05; kill -KILL $::torch::_::process" &
        puts [catch {while 1 {torch::free [torch::tensor_create $numbers]}} message options],[code]
        torch::restart
        puts [catch {torch::scope {exec kill -KILL $::torch::_::process; torch::ones 2}} said options],[code]
        update
        coroutine c apply {{} {yield}}
        torch::restart
        torch::scope {exec kill -KILL $::torch::_::process; catch {torch::ones 2}; torch::restart}
        puts [torch::scope {torch::tensor_item [torch::tensor_sum [torch::ones 3]]}]
        puts [torch::handles]
    """
    out, said, status = run(script, tmp_path)
    assert (out, said, status) == ("1,TORCH CLOSED\n1,TORCH CLOSED\n3.0\n\n", "", 0)


@pytest.mark.parametrize("wait", ["vwait over", "update"])
def test_a_wait_that_a_killed_worker_kept_from_beginning_is_not_open(wait: str, tmp_path: Path) -> None:
    script = f"""
        torch::scope {{
            torch::ones 2
            {KILL}
            puts [catch {{{wait}}} message options],[code]
            torch::restart
            torch::ones 2  ;# the scope's
            expr 0
        }}
        puts [torch::handles]
    """
    assert run(script, tmp_path) == ("1,TORCH CLOSED\n\n", "", 0)


@pytest.mark.parametrize("command", ["scope", "no_grad"])
def test_what_ends_with_a_worker_that_was_killed_hides_no_error(command: str, tmp_path: Path) -> None:
    script = f"""
        puts [catch {{torch::{command} {{{KILL} error mine {{}} MINE}}}} message options],$message,[code]
        torch::restart
        puts [torch::{command} {{{KILL} set x 5}}]
        proc keep {{}} {{torch::local x [torch::ones 2]; {KILL} set x 6}}
        torch::restart
        puts [keep]
        puts [catch {{torch::ones 2}} message options],[code]
    """
    assert run(script, tmp_path) == ("1,mine,MINE\n5\n6\n1,TORCH CLOSED\n", "", 0)


# both strike when the worker's output is printed, which is before its answer comes
LIMIT = """
    proc strike {args} {child limit time -seconds [clock seconds]}
    set after {child limit time -seconds {}}
"""
CANCEL = """
    proc strike {args} {interp cancel -unwind child}
    set after {}
"""


@pytest.mark.parametrize(
    ("cut", "said"), [(LIMIT, "time limit exceeded"), (CANCEL, "eval unwound")], ids=["limit", "cancel"]
)
def test_a_command_that_was_cut_off_keeps_no_other_from_an_answer(
    cut: str, said: str, tmp_path: Path
) -> None:
    script = f"""
        interp create child
        child eval [list set auto_path $auto_path]
        child eval {{package require torch; set x [torch::ones 2]; rename puts told}}
        {cut}
        interp alias child puts {{}} strike
        puts [catch {{child eval {{torch::remote {{puts hello}}}}}} message],$message
        eval $after
        child eval {{rename puts {{}}; rename told puts}}
        child eval {{
            puts [catch {{torch::version}} message options],[dict get $options -errorcode],$message
            puts [catch {{torch::version}} message options],[dict get $options -errorcode]
            puts [torch::restart],[torch::tensor_to_list [torch::ones 2]]
        }}
    """
    reason = "the worker has ended (a command was cut off before its answer came)"
    out, errors, status = run(script, tmp_path)
    assert (errors, status) == ("", 0)
    assert out.splitlines() == [
        f"1,{said}",
        f"1,TORCH CLOSED,{reason}, and its handles with it: torch::restart starts another",
        "1,TORCH CLOSED",
        "the handles of before are gone,1.0 1.0",
    ]


def test_a_start_that_was_cut_off_leaves_no_process(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text(
        f'#!/bin/sh\necho $$ >slow.pid\nuntil [ -e go ]; do sleep 0.05; done\nexec "{sys.executable}" "$@"\n'
    )
    slow.chmod(0o755)
    script = """
        interp create child
        child eval [list set auto_path $auto_path]
        child eval {package require torch; rename ::after later}
        proc strike {args} {
            if {[file exists slow.pid] && [file size slow.pid]} {child limit time -seconds [clock seconds]}
        }
        interp alias child after {} strike
        puts [catch {child eval {torch::version}} message],$message
        child limit time -seconds {}
        child eval {rename ::after {}; rename later ::after}
        set file [open slow.pid]; set old [gets $file]; close $file
        close [open go w]
        puts [child eval {torch::version}]
        puts [expr {$old != [child eval {set ::torch::_::process}]}]
        while {![child eval [list ::torch::_::has_ended $old]]} {after 10}
    """
    out, said, status = run(script, tmp_path, TORCH_TCL_PYTHON=str(slow))
    assert (out, said, status) == (f"1,time limit exceeded\n{__version__}\n1\n", "", 0)


@pytest.mark.parametrize(
    ("step", "commands"), [("make_ask", 18), ("check_greeting", 8), ("hold", 6), ("open_again", 13)]
)
def test_a_start_that_was_cut_off_anywhere_in_a_step(step: str, commands: int, tmp_path: Path) -> None:
    script = """
        set step STEP
        for {set more 1} {$more <= COMMANDS} {incr more 2} {
            interp create child
            child eval [list set auto_path $auto_path]
            child eval {package require torch}
            child eval [list trace add execution ::torch::_::$step enter strike]
            interp alias child strike {} strike $more
            proc strike {more args} {
                interp limit child command -value [expr {[child eval {info cmdcount}] + $more}] -granularity 1
            }
            incr cut [catch {child eval {torch::version}}]
            interp limit child command -value {}
            child eval [list trace remove execution ::torch::_::$step enter strike]
            child limit time -seconds [expr {[clock seconds] + 60}]  ;# it did not come back
            lappend said [child eval {torch::version}]
            interp delete child
        }
        puts [lsort -unique $said],[expr {$cut > COMMANDS / 4}]
    """.replace("STEP", step).replace("COMMANDS", str(commands))
    assert run(script, tmp_path) == (f"{__version__},1\n", "", 0)


# A worker of these answers to the second request, and goes on.
ODD = [
    ("os.write(1, b'x' * 20)", "it said something that is no answer"),
    ("os.close(1)", "it said no more"),
    ("os.write(1, request[:5]); os.close(1)", "it said no more"),
    (
        "os.write(1, struct.pack('>2I', 9, 2) + b'0'); os.close(1)",
        "it said no more in the middle of an answer",
    ),
    (
        "os.write(1, struct.pack('>3I', 2**31 + 1, 2, 9) + b'0x'); os.close(1)",
        "it said no more in the middle of an answer",
    ),
    ("say(2, b'{')", "it said something that is no answer"),
    ("say(2, b'0 x {}')", "it said something that is no answer"),
    ("say(7, b'0 x {} 1')", "it said something that is no answer"),
    ("os.close(0); os.kill(os.getpid(), signal.SIGTERM)", "software termination signal, SIGTERM"),
]
ODD_WORKER = """#!{python} -SE
import os, signal, struct, time
def say(number, text):
    os.write(1, struct.pack(">2I", len(text), number) + text)
say(0, b"hello {version} %d" % os.getpid())
request = os.read(0, 1000)
say(1, b"0 first {{}} 1")
{then}
request = os.read(0, 1000)
{answer}
while os.read(0, 1000):  # until the program ends it, or has ended
    continue
"""


def odd_worker(folder: Path, answer: str, after_first: str = "") -> str:
    """The name of a program that greets as a worker, answers a request, and the second as told."""
    program = folder / "odd"
    text = ODD_WORKER.format(python=sys.executable, version=__version__, answer=answer, then=after_first)
    program.write_text(text)
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(("answer", "why"), ODD)
def test_an_odd_worker_is_ended_and_told_of(answer: str, why: str, tmp_path: Path) -> None:
    python = odd_worker(tmp_path, answer)
    script = """
        puts [torch::version]
        puts [catch {torch::version} message options],[code],$message
        puts $::torch::_::process
    """
    out, said, status = run(script, tmp_path, TORCH_TCL_PYTHON=python)
    assert (said, status) == ("", 0)
    first, told, process = out.splitlines()
    assert first == "first"
    assert told == (
        f"1,TORCH CLOSED,the worker has ended ({why}), and its handles with it: torch::restart starts another"
    )
    assert not is_running(int(process))


def test_what_is_held_may_be_as_long_as_the_buffer(tmp_path: Path) -> None:
    """That a coroutine has begun, of which a worker hears that takes the place of another."""
    script = """
        torch::version
        proc wait {} {yield}
        torch::scope {
            coroutine [string repeat x 999884] wait
            torch::restart
            puts [torch::tensor_numel [torch::zeros 3]]
        }
    """
    assert run(script, tmp_path) == ("3\n", "", 0)


@pytest.mark.parametrize("command", ["version", "tensor_sum [string repeat x 200000]"])
def test_how_a_worker_has_ended_is_told_whatever_was_asked(command: str, tmp_path: Path) -> None:
    python = odd_worker(tmp_path, "", "os.close(0); time.sleep(0.4); os._exit(7)")
    script = f"torch::version; after 100; catch {{torch::{command}}} message; puts $message"
    reason = "the worker has ended (exit status 7), and its handles with it: torch::restart starts another"
    assert run(script, tmp_path, TORCH_TCL_PYTHON=python) == (f"{reason}\n", "", 0)


def test_no_bytes_are_not_those_of_before(tmp_path: Path) -> None:
    """A worker that prints, and answers with a list of no numbers."""
    printed = "os.write(1, struct.pack('>3I', 2**31 + 6, 0, 8) + b'stdout' + b'1234567\\n')"
    answer = f"{printed}; say(2, b'2 {{q* 0}} {{}} 1')"
    python = odd_worker(tmp_path, answer)
    script = "puts [torch::version]; puts <[torch::version]>; exit"
    assert run(script, tmp_path, TORCH_TCL_PYTHON=python) == ("first\n1234567\n<>\n", "", 0)


def test_a_program_that_closes_all_channels(tmp_path: Path) -> None:
    script = """
        torch::version
        foreach channel [file channels] {
            if {$channel ni {stdin stdout stderr}} {close $channel}
        }
        puts [catch {torch::version} message options],[code],$message
        puts [torch::restart],[torch::tensor_to_list [torch::ones 2]]
    """
    reason = "the worker has ended (the program has closed its channel), and its handles with it"
    assert run(script, tmp_path) == (
        f"1,TORCH CLOSED,{reason}: torch::restart starts another\nthe handles of before are gone,1.0 1.0\n",
        "",
        0,
    )


def test_a_stuck_worker_is_left_behind(tmp_path: Path) -> None:
    script = """
        torch::ones 2
        set stuck $::torch::_::process
        exec kill -STOP $stuck
        while {![regexp {\\) T } [::torch::_::read_file /proc/$stuck/stat]]} {after 1}
        torch::restart
        puts [torch::ones 2]
        torch::shutdown
        exec kill -CONT $stuck
        puts $stuck
    """
    out, said, status = run(script, tmp_path)
    assert (said, status) == ("", 0)
    handle, stuck = out.split()
    assert handle == "tensor1"
    eventually(lambda: not is_running(int(stuck)))


def test_a_crash_leaves_its_trace(tmp_path: Path) -> None:
    script = """
        torch::ones 2
        exec kill -SEGV $::torch::_::process
        catch {torch::ones 2} message options
        puts [code],[string match "the worker has ended (segmentation violation, SIGSEGV)*" $message]
        puts [string match "*Fatal Python error: Segmentation fault*" [dict get $options -errorinfo]]
    """
    assert run(script, tmp_path, **STARTS) == ("TORCH CLOSED,1\n1\n", "", 0)


def test_a_worker_that_does_not_understand_says_why(tmp_path: Path) -> None:
    script = """
        torch::ones 2
        puts -nonewline $::torch::_::channel [string repeat x 20]
        catch {torch::ones 2} message options
        puts $message
        puts [lindex [split [dict get $options -errorinfo] \\n] 1]
    """
    assert run(script, tmp_path) == (
        "the worker has ended (exit status 2), and its handles with it: torch::restart starts another\n"
        "a list must have at most 268435456 bytes but had 947419256\n",
        "",
        0,
    )


@pytest.mark.parametrize("list_", ["{1 2}", "[lrepeat 1000 0.5]"], ids=["words", "bytes"])
def test_a_launch_that_was_cut_off_keeps_no_command_from_an_answer(list_: str, tmp_path: Path) -> None:
    script = """
        set request [list torch::tensor_create LIST]
        for {set more 1} {$more <= 21} {incr more 4} {
            interp create child
            child eval [list set auto_path $auto_path]
            child eval {package require torch; torch::version}
            child eval {trace add execution ::torch::_::launch enter strike}
            interp alias child strike {} strike $more
            proc strike {more args} {
                interp limit child command -value [expr {[child eval {info cmdcount}] + $more}] -granularity 1
            }
            incr cut [catch {child eval [list torch::async $request {set ::done}]}]
            interp limit child command -value {}
            child eval {trace remove execution ::torch::_::launch enter strike}
            child limit time -seconds [expr {[clock seconds] + 60}]  ;# it did not come back
            catch {child eval {torch::version}} message
            lappend said [lindex [split $message (] 0]
            interp delete child
        }
        puts [lsort -unique $said],[expr {$cut > 3}]
    """.replace("LIST", list_)
    out, said, status = run(script, tmp_path)
    assert (out, said, status) == ("{the worker has ended },1\n", "", 0)


def test_a_limit_that_cuts_the_event_loop_off_in_an_answer(tmp_path: Path) -> None:
    """Whatever has been read of it: zeros that are left look like frames, which nobody waits for."""
    script = """
        interp create child
        child eval [list set auto_path $auto_path]
        child eval {
            package require torch
            proc landed {value options} {set ::landed [llength $value]}
        }
        interp bgerror child list
        foreach more {1 2 3 4 5 6 7 8 10 12 14 16 18 20 22 24 26 28 30} {
            child eval {
                catch {torch::restart}
                torch::async [list torch::tensor_to_list [torch::zeros 3001]] landed
            }
            after 30
            interp limit child command -value [expr {[child eval {info cmdcount}] + $more}] -granularity 1
            catch {update}
            interp limit child command -value {}
            incr ended [catch {child eval {torch::ones 3}} message]
            lappend kinds [lindex [split $message 0123456789] 0]
        }
        puts [lsort -unique [lmap kind $kinds {lindex [split $kind "("] 0}]],[expr {$ended > 0}]
    """
    out, _, status = run(script, tmp_path)  # the limit ends the handler of background errors, too
    assert (out, status) == ("tensor {the worker has ended },1\n", 0)


def test_what_was_asked_for_and_not_answered_fails(tmp_path: Path) -> None:
    script = """
        proc done {result options} {puts "$result [dict get $options -errorcode]"; incr ::done}
        torch::ones 2
        torch::async {torch::remote {while 1 {}}} done
        torch::async {torch::ones 2} done
        after 100 {exec kill -KILL $::torch::_::process}
        while {[incr done 0] < 2} {vwait done}
    """
    out, said, status = run(script, tmp_path)
    assert (said, status) == ("", 0)
    assert out.count("TORCH CLOSED") == 2


def test_too_little_memory_is_an_error_and_nothing_else(tmp_path: Path) -> None:
    script = """
        set x [torch::ones 2]
        puts [catch {torch::ones {1000000000000}} message options],[code]
        puts [torch::tensor_to_list $x]
    """
    assert run(script, tmp_path) == ("1,TORCH MEMORY\n1.0 1.0\n", "", 0)


@pytest.mark.parametrize(
    ("end", "variables"),
    [
        ("exit 3", {}),
        ("error oops", {}),
        ("exec kill -KILL [pid]", STARTS),
        ("exec kill -INT [pid]; after 9999", {}),
    ],
)
def test_no_worker_outlives_its_program(tmp_path: Path, end: str, variables: dict[str, str]) -> None:
    script = f"""
        torch::ones 2
        torch::async {{torch::remote {{while 1 {{}}}}}} -command puts
        puts $::torch::_::process
        flush stdout
        {end}
    """
    process = start(tmp_path, PROLOGUE + script, variables=variables)
    out, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    eventually(lambda: not is_running(int(out)))


def test_no_command_of_a_script_outlives_its_program(tmp_path: Path) -> None:
    script = """
        torch::ones 2
        torch::async {torch::remote {exec sh -c {echo $$ >child; exec sleep 3600}}} -command puts
        while {![file exists child] || ![file size child]} {after 10}
        exit 3
    """
    assert run(script, tmp_path)[1:] == ("", 3)
    eventually(lambda: not is_running(int((tmp_path / "child").read_text())))


def test_ctrl_c_leaves_the_worker_to_a_host_that_survives_it(tmp_path: Path) -> None:
    """It goes to the whole process group. `trap` makes a host of tclsh that ignores it."""
    script = """
        torch::remote {set x kept}
        puts $::torch::_::process
        flush stdout
        gets stdin
        puts [torch::remote {set x}]
    """
    (tmp_path / "script.tcl").write_text(PROLOGUE + script)
    process = subprocess.Popen(
        ["sh", "-c", f"trap '' INT; exec {TCLSH} script.tcl"],
        cwd=tmp_path, env=environment(STARTS), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    assert os.getpgid(worker) == os.getpgid(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate("\n", timeout=60)
    assert out == "kept\n"
    eventually(lambda: not is_running(worker))
