"""A Tcl that is not ours, with PyTorch in a worker on a pipe: `tclpkg/worker.tcl` and `pybridge/worker`."""

import ast
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
from tests.stock_tclsh import STARTS, environment, run

pytestmark = pytest.mark.usefixtures("forked_workers")


class NoOutput(Output):
    """Leaves the process's channels as they are."""

    def __init__(self) -> None:
        pass

    def flush(self) -> None:
        pass


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
