"""A Tcl that is not ours, with PyTorch in a worker on a pipe: `tclpkg/worker.tcl` and `pybridge/worker`."""

import ast
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pybridge import __version__
from pybridge.tcl_list import split_list
from pybridge.worker import frames
from pybridge.worker.output import Output
from pybridge.worker.server import Server
from tests.processes import eventually, is_running
from tests.stock_tclsh import PROLOGUE, STARTS, TCLSH, environment, run, start

pytestmark = pytest.mark.usefixtures("forked_workers")


class NoOutput(Output):
    """Leaves the process's channels as they are."""

    def __init__(self) -> None:
        pass

    def flush(self) -> None:
        pass


# -- the round trip --------------------------------------------------------------------------------------


WORDS = [
    "",
    " ",
    "a b",
    "{",
    "}",
    "\\",
    '"',
    "$x",
    "[exit]",
    "#",
    ";",
    "a\nb",
    "-",
    "--",
    "ä€",
    "😀",
    "\\{",
    "{a} b",
    "\t",
    "a\\",
]


def test_words_arrive_as_they_are(tmp_path: Path) -> None:
    """A word comes back in the error's code, whatever is in it."""
    words = tmp_path / "words"
    words.write_text("\0".join(WORDS), "utf-8")
    script = r"""
        set file [open words]
        fconfigure $file -encoding utf-8
        foreach word [split [read $file] \0] {
            catch {torch::tensor_sum -- $word} message options
            if {[lindex [code] 2] ne $word} {
                puts "$word: $options"
            }
        }
        puts [catch {torch::tensor_sum a\0b} message options],[expr {[lindex [code] 2] eq "a\0b"}]
    """
    assert run(script, tmp_path) == ("1,1\n", "", 0)


def test_numbers_in_bulk_go_both_ways_bit_for_bit(tmp_path: Path) -> None:
    script = r"""
        set numbers {}
        for {set i 0} {$i < 100000} {incr i} {lappend numbers [expr {sin($i) * 10 ** ($i % 300 - 150)}]}
        set x [torch::tensor_create $numbers float64]
        puts [expr {[torch::tensor_to_list $x] eq $numbers}]
        puts [torch::tensor_to_list [torch::tensor_create {{1 2} {3 9007199254740993}} int64] -nested 1]
    """
    assert run(script, tmp_path) == ("1\n{1 2} {3 9007199254740993}\n", "", 0)


def test_a_first_command_as_long_as_the_buffer_is_sent_whole(tmp_path: Path) -> None:
    """Something is held for it, of which Tcl loses count when it has written as many bytes as it was told."""
    script = r"""
        set length [expr {1000000 - 8 - [string length "tensor_sum "]}]  ;# all but the header's
        catch {torch::tensor_sum [string repeat x $length]} message options
        puts [lrange [code] 0 1],[string length [lindex [code] 2]]
        puts [torch::tensor_numel [torch::tensor_create [lrepeat 1000000 0.5] float64]]
    """
    assert run(script, tmp_path) == ("TORCH HANDLE,999981\n1000000\n", "", 0)


def test_the_worker_works_in_the_folder_of_the_script(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    script = """
        set x [torch::ones 2]
        torch::save_safetensors [dict create x $x] one.safetensors
        cd inner
        torch::save_safetensors [dict create x $x] two.safetensors
        puts [lsort [glob *]]
        cd ..
        file delete -force inner
        puts [dict keys [torch::load_safetensors one.safetensors]]
    """
    out, said, status = run(script, tmp_path)
    assert (out, said, status) == ("two.safetensors\nx\n", "", 0)


@pytest.mark.parametrize("x", ["{1 2 3}", "{1 2 { 3}}"])
def test_so_it_does_for_a_command_with_numbers_in_bulk(x: str, tmp_path: Path) -> None:
    """Also where they are left to Python, which a leading blank sees to."""
    (tmp_path / "inner").mkdir()
    script = f"""
        torch::version
        cd inner
        catch {{torch::plot_lines lines.png {x} [dict create y {{1 2 3}}]}} message
        puts [list [glob -nocomplain *] [glob -nocomplain ../*.png]],$message
    """
    out, said, status = run(script, tmp_path)
    assert (out, said, status) == ("lines.png {},\n", "", 0)


def test_output_comes_in_order(tmp_path: Path) -> None:
    script = """
        puts before
        torch::remote {puts from-tcl; puts -nonewline tail}
        puts after
        puts stderr E1
        torch::remote {puts stderr E2}
        puts stderr E3
    """
    assert run(script, tmp_path) == ("before\nfrom-tcl\ntailafter\n", "E1\nE2\nE3\n", 0)


PRINTS = """
import os, threading
from pybridge.worker.frames import Reader, Writer
from pybridge.worker.output import Output

source, target = os.pipe()
shown = os.dup(1)
output = Output(Writer(target))
os.write(2, b"as C code does\\n")
os.write(1, b"a" * 5000)
thread = threading.Thread(target=print, args=("in a thread",))
thread.start()
thread.join()
output.flush()
print("in Python")
os.write(2, b"again\\n")
output.flush()
os.close(target)
reader, said = Reader(source), {"stdout": b"", "stderr": b""}
while frame := reader.next():
    said[frame[1]] += frame[2]
os.write(shown, repr(said).encode())
"""


def test_what_c_code_and_other_threads_print_goes_over() -> None:
    shown = subprocess.run([sys.executable, "-c", PRINTS], capture_output=True, check=True).stdout
    assert ast.literal_eval(shown.decode()) == {
        "stdout": b"a" * 5000 + b"in a thread\nin Python\n",
        "stderr": b"as C code does\nagain\n",
    }


def test_a_warning_is_said_once(tmp_path: Path) -> None:
    script = """
        set x [torch::ones 2]
        for {set i 0} {$i < 3} {incr i} {torch::quantize_per_tensor $x 0.1 0 quint8}
    """
    out, said, status = run(script, tmp_path)
    assert (out, status) == ("", 0)
    assert said.count("warning: ") == said.count("\n") == 1


def test_remote_tells_the_line_of_its_error(tmp_path: Path) -> None:
    script = """
        catch {torch::remote {
            set x [torch::ones 2]
            torch::tensor_sum nonsense
        }} message options
        puts [code]
        puts [dict get $options -errorinfo]
        puts [torch::remote {torch::tensor_to_list $x}]
        puts [catch {torch::remote {exit 3}} message options],$message,[code]
    """
    out, _, status = run(script, tmp_path)
    assert status == 0
    assert out.startswith('TORCH HANDLE nonsense\nno such tensor "nonsense"\n')
    assert "(remote script line 3)" in out
    assert out.endswith(
        "1.0 1.0\n1,a remote script cannot end this program (exit 3),TORCH UNSUPPORTED exit\n"
    )


def test_a_script_that_runs_beside_can_be_cancelled(tmp_path: Path) -> None:
    script = """
        proc done {name result options} {
            puts "$name $result [dict get $options -code]"
            incr ::done
        }
        set x [torch::ones 4]
        set endless [torch::async {torch::remote {while 1 {incr i}}} -command {done endless}]
        torch::async [list torch::tensor_sum $x] -command {done sum}
        after 100 {torch::cancel $::endless}
        while {[incr done 0] < 2} {vwait done}
        puts [torch::tensor_item tensor1]
    """
    out, said, status = run(script, tmp_path)
    assert (out, said, status) == ("endless interrupted 1\nsum tensor1 0\n4.0\n", "", 0)


def test_a_command_that_waits_lets_nothing_into_the_event_loop(tmp_path: Path) -> None:
    script = """
        proc done {args} {lappend ::events callback}
        torch::ones 2
        torch::async {torch::remote {after 200}} -command done
        after 1 {lappend ::events timer}
        torch::tensor_sum tensor0
        lappend events sum
        while {[llength $events] < 3} {vwait events}
        puts $events
    """
    assert run(script, tmp_path)[0].split()[0] == "sum"


def test_much_in_both_directions_at_once(tmp_path: Path) -> None:
    script = """
        proc done {result options} {set ::got [llength $result]}
        set x [torch::zeros 400000]
        set numbers [torch::tensor_to_list $x]
        torch::async [list torch::tensor_to_list $x] done
        puts [torch::tensor_numel [torch::tensor_create $numbers]]
        vwait got
        puts $got
    """
    assert run(script, tmp_path) == ("400000\n400000\n", "", 0)


def test_a_cancel_that_comes_first_counts_and_a_late_one_does_not(tmp_path: Path) -> None:
    script = """
        proc done {name result options} {lappend ::done $name $result}
        torch::version
        for {set i 0} {$i < 10} {incr i} {
            torch::async {torch::remote {while 1 {}}} [list done $i]
            torch::cancel
            vwait done
            torch::async {torch::version} [list done version]
            torch::cancel
            vwait done
            torch::async {torch::remote {for {set i 0} {$i < 100000} {incr i} {}; set i}} [list done counted]
            vwait done
        }
        puts [lsort -unique [lmap {name result} $done {expr {[string is integer $name] ? $result : "-"}}]]
        puts [lsort -unique [lmap {name result} $done {expr {$name eq "counted" ? $result : "-"}}]]
    """
    assert run(script, tmp_path) == ("- interrupted\n- 100000\n", "", 0)


def test_every_cancel_counts(tmp_path: Path) -> None:
    script = """
        proc done {result options} {set ::done $result}
        torch::remote {set a 1}
        for {set i 0} {$i < 20} {incr i} {
            torch::async {torch::remote {while 1 {}}} done
            torch::cancel
            vwait done
            lappend all $done
        }
        puts [lsort -unique $all]
    """
    assert run(script, tmp_path) == ("interrupted\n", "", 0)


def test_a_host_may_have_a_puts_of_its_own(tmp_path: Path) -> None:
    """One that marks what is printed, and calls a command meanwhile."""
    script = """
        set x [torch::ones 3]
        rename puts original
        proc puts {args} {
            catch {torch::tensor_numel $::x} ::said
            original {*}[lreplace $args end end "> [lindex $args end]"]
        }
        original [torch::remote {puts hello; expr 1 + 1}],$said,[torch::tensor_numel $x]
    """
    busy = "the worker is busy with the command that this one has interrupted"
    assert run(script, tmp_path) == (f"> hello\n2,{busy},3\n", "", 0)


@pytest.mark.parametrize("command", ["restart", "shutdown"])
def test_a_worker_is_not_ended_by_what_its_own_command_runs(command: str, tmp_path: Path) -> None:
    script = f"""
        torch::version
        rename puts original
        proc puts {{args}} {{catch {{torch::{command}}} message ::options; original $message,[code]}}
        original [torch::remote {{puts hello; expr 1 + 1}}]
        original [torch::{command}]
    """
    busy = "the worker is busy with the command that this one has interrupted,TORCH BUSY\n2\n"
    out, said, status = run(script, tmp_path)
    assert (out.startswith(busy), said, status) == (True, "", 0)


def test_a_cancel_ends_what_a_script_waits_for(tmp_path: Path) -> None:
    """Also where there is no path to `kill`."""
    script = """
        proc done {result options} {set ::done $result,[dict get $options -errorcode]}
        torch::version
        set env(PATH) /nowhere
        torch::async {torch::remote {exec /bin/sh -c {: >begun; exec /bin/sleep 3600}}} done
        while {![file exists begun]} {after 10}
        torch::cancel
        vwait done
        puts $done
    """
    assert run(script, tmp_path) == ("interrupted,TORCH INTERRUPT\n", "", 0)


def test_a_callback_that_is_no_list_is_refused(tmp_path: Path) -> None:
    script = r"""
        puts [catch {torch::async {torch::ones 2} "bad \{"} message options],[code]
        puts [torch::ones 2]
    """
    assert run(script, tmp_path) == ("1,TORCH ARG VALUE callback\ntensor0\n", "", 0)


def test_what_a_script_does_to_its_process_stays_there(tmp_path: Path) -> None:
    script = """
        torch::remote {cd /; close stdout}
        torch::save_safetensors [dict create x [torch::ones 2]] here.safetensors
        puts [file exists here.safetensors]
    """
    assert run(script, tmp_path) == ("1\n", "", 0)


def test_what_a_command_says_comes_over_where_a_script_has_closed_another_channel(tmp_path: Path) -> None:
    """The shell writes to the process's own descriptor, as C code does."""
    script = """
        torch::remote {close stdout}
        torch::remote {exec sh -c {echo said >&2} 2>@stderr}
    """
    assert run(script, tmp_path) == ("", "said\n", 0)


def test_what_a_script_prints_comes_at_once_and_in_order(tmp_path: Path) -> None:
    script = """
        rename puts original
        proc puts {args} {lappend ::seen [string trim [lindex $args end]]; incr ::count}
        proc done {args} {lappend ::seen done; incr ::count}
        torch::async {torch::remote {
            puts 1; puts stderr 2; puts 3
            while {![file exists go]} {after 10}
            puts "4 \u00e4"
        }} done
        while {[incr count 0] < 3} {vwait count}
        lappend seen host
        close [open go w]
        while {$count < 5} {vwait count}
        fconfigure stdout -encoding utf-8
        original $seen
    """
    assert run(script, tmp_path) == ("1 2 3 host {4 ä} done\n", "", 0)


def test_a_worker_that_begins_in_a_folder_that_was_deleted(tmp_path: Path) -> None:
    script = """
        file mkdir gone
        cd gone
        torch::shutdown
        file delete -force ../gone
        puts [torch::tensor_to_list [torch::ones 2]]
    """
    assert run(script, tmp_path, **STARTS) == ("1.0 1.0\n", "", 0)


def test_numbers_of_requests_start_again(tmp_path: Path) -> None:
    script = """
        torch::version
        set ::torch::_::state(number) 4294967293
        for {set i 0} {$i < 5} {incr i} {torch::version}
        puts $::torch::_::state(number)
    """
    assert run(script, tmp_path) == ("3\n", "", 0)


def test_what_is_too_long_for_a_frame_is_an_error_and_nothing_else(tmp_path: Path) -> None:
    """With a limit of 1000 bytes: to make and look through 256 MiB takes seconds."""
    script = r"""
        set x [torch::ones 2]
        puts [regsub {\m0x10000000\M} [info body ::torch::_::ask] 1000 body]  ;# not that of answers
        proc ::torch::_::ask [info args ::torch::_::ask] $body
        foreach length {989 990} {
            catch {torch::tensor_sum [string repeat x $length]} message options
            puts [lrange [code] 0 1]
        }
        puts [code],$message
        puts [torch::tensor_to_list $x]
    """
    out, said, status = run(script, tmp_path)
    assert (said, status) == ("", 0)
    assert out.splitlines() == [
        "1",
        "TORCH HANDLE",
        "TORCH UNSUPPORTED",
        "TORCH UNSUPPORTED size,a command must have at most 256 MiB of text",
        "1.0 1.0",
    ]


def test_an_answer_that_is_too_long_is_an_error_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "_LONGEST_LIST", 200)
    here, there = socket.socketpair()
    with here, there:
        here.sendall(frames.head(1, b"commands") + frames.head(2, b"version"))
        here.shutdown(socket.SHUT_WR)
        Server(frames.Reader(there.fileno()), frames.Writer(there.fileno()), NoOutput()).serve()
        there.shutdown(socket.SHUT_WR)
        answers = frames.Reader(here.fileno())
        refused, version, end = answers.next(), answers.next(), answers.next()
    assert refused is not None
    assert refused[0] == 1
    status, message, options, handles = split_list(refused[1])
    assert (status, handles) == ("1", "0")
    assert message == "a result must have at most 200 bytes of text and 2147483647 of numbers"
    assert split_list(options)[:2] == ["-errorcode", "TORCH UNSUPPORTED size"]
    assert version is not None
    assert (version[0], split_list(version[1])) == (2, ["0", __version__, "", "0"])
    assert end is None


def test_a_command_while_the_worker_begins_finds_it_busy(tmp_path: Path) -> None:
    script = """
        trace add execution ::torch::_::greeting enter {apply {args {
            lappend ::said [catch {torch::ones 1} message options] [dict get $options -errorcode]
        }}}
        puts [torch::ones 2],$said
        puts [torch::handles]
    """
    assert run(script, tmp_path) == ("tensor0,1 {TORCH BUSY}\ntensor0\n", "", 0)


def test_a_folder_that_was_deleted_does_not_matter(tmp_path: Path) -> None:
    script = """
        file mkdir gone
        cd gone
        file delete -force ../gone
        puts [torch::tensor_to_list [torch::ones 2]]
    """
    assert run(script, tmp_path) == ("1.0 1.0\n", "", 0)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_folder_with_other_letters_in_any_locale(locale: str, tmp_path: Path) -> None:
    """What tclsh makes of its name has not the letters that Python makes of it."""
    (tmp_path / "a \u00e9\u20ac").mkdir()
    script = """
        torch::version
        cd [lindex [glob a*] 0]
        torch::save_safetensors [dict create x [torch::ones 2]] one.safetensors
        puts [file exists one.safetensors],[expr {[torch::remote pwd] eq [pwd]}]
        cd ..
        puts [torch::remote {file exists script.tcl}]
    """
    assert run(script, tmp_path, LC_ALL=locale, **STARTS) == ("1,1\n1\n", "", 0)


NAMES = """
    set x [torch::ones 2]
    set name [lindex [glob a*.txt] 0]
    torch::save_safetensors [dict create x $x] $name.safetensors
    lappend told [file exists $name.safetensors]
    lappend told [expr {[lsort [glob a*]] eq [lsort [torch::remote {glob a*}]]}]
    lappend told [torch::tensor_to_list [dict get [torch::load_safetensors $name.safetensors] x]]
    catch {torch::load_safetensors ${name}n} message options
    lappend told [expr {$message eq "couldn't open \\"${name}n\\": no such file or directory"}]
    catch {torch::load_safetensors $name} message options
    lappend told [expr {[dict get $options -errorcode] eq [list TORCH FILE FORMAT $name]}]
    puts $told
"""


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C"}, {"LC_ALL": "", "LC_CTYPE": "", "LANG": ""}, {"LC_ALL": "C.UTF-8"}]
)
def test_names_of_files_with_other_letters_in_any_locale(locale: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "a \u00e9\u20ac.txt").touch()
    assert run(NAMES, tmp_path, **locale, **STARTS) == ("1 1 {1.0 1.0} 1 1\n", "", 0)
    for made in tmp_path.glob("*.safetensors"):
        made.unlink()
    inside = subprocess.run(
        [sys.executable, "-m", "pybridge", "-c", NAMES],
        cwd=tmp_path, env=environment({**locale, "TORCH_TCL_DAEMON": "0"}), capture_output=True, text=True,
    )  # fmt: skip
    assert (inside.stdout, inside.stderr) == ("1 1 {1.0 1.0} 1 1\n", "")


def test_pythonhome_is_for_another_python(tmp_path: Path) -> None:
    script = "puts [torch::version],$env(PYTHONHOME)"
    assert run(script, tmp_path, PYTHONHOME="/nowhere", **STARTS) == (f"{__version__},/nowhere\n", "", 0)


# -- when things break -----------------------------------------------------------------------------------

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
time.sleep(600)
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
