"""The prompt on a terminal: editing, results, events while it waits, its end."""

import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prompt_toolkit.input import create_input

from pybridge.prompt import loading
from pybridge.prompt.editor import editor_command
from pybridge.prompt.terminal import Restorer, write
from tests.processes import PATIENCE
from tests.screens import installed
from tests.tcltest_suites import has_threads
from tests.terminal import (
    CTRL_C,
    CTRL_D,
    CTRL_E,
    CTRL_L,
    CTRL_X,
    CTRL_Z,
    ENTER,
    ESC,
    PROGRAM,
    TAB,
    TIMEOUT,
    Terminal,
)

Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts programs on terminals of their own; they end with the test."""
    started: list[Terminal] = []

    def begin(program: tuple[str, ...] = PROGRAM, pytorch: bool = False, **environment: str) -> Terminal:
        started.append(Terminal(tmp_path, program, pytorch, **environment))
        started[-1].prompt()
        return started[-1]

    yield begin
    for each in started:
        each.close()


def test_a_dialogue(start: Start) -> None:
    terminal = start()
    assert terminal.answer("expr {6 * 7}") == "\n42\n\n"
    assert terminal.answer("set empty {}") == "\n\n"
    terminal.press(f"foreach i {{1 2}} {{{ENTER}")
    terminal.expect("\n>")
    terminal.press(f"puts line[expr {{$i * 10}}]{ENTER}}}{ENTER}")
    terminal.expect("\nline10\nline20\n")
    terminal.prompt()
    assert terminal.answer("set tcl_interactive") == "\n1\n\n"
    terminal.run("nosuch", '\ninvalid command name "nosuch"\n')
    terminal.run("lindex [split $::errorInfo \\n] 1", "\n    while executing\n")
    assert "Traceback" not in terminal.output
    terminal.press(CTRL_D)
    assert terminal.end() == 0


def test_a_file_is_run_at_the_start(start: Start, tmp_path: Path) -> None:
    (tmp_path / ".tcltorchrc").write_text(
        "proc mine {} {return yours}\nputs [set tcl_interactive]\nerror oops\n"
    )
    terminal = start(HOME=str(tmp_path))
    assert f'1 oops while executing "error oops" (file "{tmp_path}/.tcltorchrc" line 3)' in " ".join(
        terminal.output.split()
    )
    assert terminal.answer("mine") == "\nyours\n\n"
    (tmp_path / ".tcltorchrc").write_text("puts waiting; while 1 {}")
    waiting = Terminal(tmp_path, HOME=str(tmp_path))
    waiting.expect("waiting")
    waiting.press(CTRL_C)
    waiting.expect("interrupted")
    waiting.prompt()
    waiting.close()
    (tmp_path / ".tcltorchrc").write_text("proc mine {} {return yours}\nerror oops\n")
    plain = start(HOME=str(tmp_path), TERM="dumb")
    assert 'oops\n    while executing\n"error oops"\n' in plain.output
    assert plain.answer("mine") == "\nyours\n"


def test_tcl_knows_the_history(start: Start) -> None:
    terminal = start()
    assert terminal.answer("set x 41") == "\n41\n\n"
    terminal.run("incr x", "\n42\n")
    terminal.run("!!", "incr x\n43\n")
    terminal.run("history info 3", "\n     2  incr x\n     3  incr x\n     4  history info 3\n")


def test_dicts_are_a_table_as_wide_as_the_terminal(start: Start) -> None:
    terminal = start()
    row = "list bits 8 observer minmax scale_mode float"
    terminal.run(f"set x [lrepeat 3 [{row}]]", "\nbits  observer  scale_mode\n   8  minmax    float\n   8")
    for columns, expected in (
        (23, " bits  observer\n   8  minmax\n   8  minmax\n   8  minmax\nnot shown: scale_mode\n"),
        (150, "{bits 8 observer minmax scale_mode float} {bits 8"),
    ):
        terminal.resize(24, columns)
        terminal.press("set x" + ENTER)
        terminal.expect(expected)


def test_errors_are_red_unless_colours_are_not_wanted(start: Start) -> None:
    coloured, plain = start(), start(NO_COLOR="1")
    for terminal in (coloured, plain):
        terminal.run("set x {a b}; error oops", "\noops\n")
    assert re.search(r"\x1b\[0;31;1m+oops", coloured.raw)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", plain.raw)


def test_handles_are_shown_with_what_they_are(start: Start) -> None:
    terminal = start(pytorch=True)
    terminal.run(
        "torch::tensor_create {1 2 3 4} -shape {2 2}", "\ntensor0  float32 [2, 2]  mean 2.5 std 1.291\n"
    )
    terminal.run("puts [torch::ones 2]", "\ntensor1\n")
    terminal.run(
        "list tensor0 tensor1", "\ntensor0  float32 [2, 2]  mean 2.5 std 1.291\ntensor1  float32 [2]"
    )
    assert terminal.answer("dict get [torch::memory] live") == "\n2\n\n"
    terminal.run("torch::progress_bar 3", "?it/s]\nprogress_bar2  progress_bar\n")  # below the bar


SLOW_PYTORCH = """
import os, time
while not os.path.exists(os.environ["GO"]):
    time.sleep(0.01)
raise ImportError("after all")
"""


def test_a_command_that_waits_for_pytorch_says_so(start: Start, tmp_path: Path) -> None:
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "torch.py").write_text(SLOW_PYTORCH)
    path = os.pathsep.join([str(tmp_path / "slow"), os.environ.get("PYTHONPATH", "")])
    terminal = start(pytorch=True, PYTHONPATH=path, GO=str(tmp_path / "go"))
    assert terminal.answer("after 2500; expr {6 * 7}") == "\n42\n\n"  # which does not wait for it
    terminal.press("torch::ones 2" + ENTER)
    terminal.expect("\nloading PyTorch ...\n")
    (tmp_path / "go").touch()
    terminal.expect("PyTorch cannot be imported: after all\n")
    terminal.prompt()
    assert terminal.output.count("loading") == 1


def test_nothing_is_told_of_a_wait_behind_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    begun, behind = threading.Event(), threading.Event()

    def tell() -> None:
        begun.set()
        behind.wait(0.5)  # in vain: the command is not left before this has ended
        told.append("loading")

    monkeypatch.setattr(loading, "_LONG_WAIT", 0)
    monkeypatch.setattr(loading.Loading, "going_on", True)
    monkeypatch.setattr(loading, "_is_waited_for", lambda: True)
    with loading.Loading().telling(tell):
        assert begun.wait(PATIENCE)
    assert told == ["loading"]
    behind.set()


def test_a_line_that_is_not_ended_stays(start: Start) -> None:
    terminal = start()
    assert terminal.answer("puts -nonewline abc") == "\nabc\n"
    assert terminal.answer("puts -nonewline abc; error oops") == "\nabc\noops\n\n"


def test_events_go_on_and_write_above_the_prompt(start: Start, tmp_path: Path) -> None:
    go = tmp_path / "go"
    terminal = start(GO=str(go))
    look = "proc look {} {if {[file exists $::env(GO)]} {puts above; set ::done 1} {after 20 look}}; look"
    terminal.run(look, "after#0")
    terminal.press("set d")
    terminal.expect("set d")
    go.touch()
    terminal.expect("above\n")
    assert re.search(
        r"\x1b\[7D\x1b\[J[^\n]*above", terminal.raw[-400:], re.DOTALL
    )  # the line is taken off first
    terminal.prompt()
    terminal.expect("set d")
    terminal.press(f"one{ENTER}")
    terminal.expect("\n1\n")
    terminal.prompt()
    # a file event, and an error in one
    assert terminal.answer("lassign [chan pipe] in out; fconfigure $in -blocking 0") == "\n\n"
    terminal.run(
        "fileevent $in readable {error [gets $in]}; puts $out sent; close $out", "sent\n    while executing"
    )
    terminal.run("fileevent $in readable {}; set x", 'can\'t read "x"')


UPPER = """
proc upper {operation handle args} {
    switch $operation initialize {return {initialize finalize write}} write {string toupper [lindex $args 0]}
}
"""


def test_what_an_event_pushes_onto_a_channel_stays_there(start: Start, tmp_path: Path) -> None:
    (tmp_path / "upper.tcl").write_text(UPPER)
    terminal = start(UPPER=f"{tmp_path}/upper.tcl")
    assert terminal.answer("source $env(UPPER)") == "\n\n"
    terminal.run("after 100 {chan push stdout upper; puts below}", "after#0\n")
    terminal.expect("BELOW\n")
    terminal.prompt()
    assert terminal.answer("puts low") == "\nLOW\n\n"
    terminal.run("after 100 {puts again}", "after#1\n")
    terminal.expect("AGAIN\n")
    terminal.prompt()
    assert terminal.answer("chan pop stdout; puts low") == "\nlow\n\n"
    assert terminal.answer("catch {chan pop stdout}; puts low") == "\nlow\n\n"  # ours
    terminal.run("after 100 {puts once-more}", "after#2\n")
    terminal.expect("once-more\n")
    terminal.prompt()
    assert terminal.answer("puts low") == "\nlow\n\n"


def test_waiting_takes_no_time_of_the_processor(start: Start) -> None:
    terminal = start(pytorch=True)
    terminal.run("torch::version; proc tick {} {incr ::ticks; after 50 tick}; tick; set ::ticks", "\n1\n")
    fields = Path(f"/proc/{terminal.process}/stat")
    if not fields.exists():
        pytest.skip("no /proc")
    time.sleep(1.5)  # PyTorch is loaded meanwhile
    terminal.run("torch::free [torch::ones 2]; list x", "\nx\n")
    before = fields.read_text().split()
    time.sleep(1)
    after = fields.read_text().split()
    used = sum(map(int, after[13:15])) - sum(map(int, before[13:15]))
    assert used < 0.3 * os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(("command", "status"), [("exit 3", 3), ("exit", 0), ("after 50 {exit 4}", 4)])
def test_exit_leaves_the_terminal_as_it_was(start: Start, tmp_path: Path, command: str, status: int) -> None:
    terminal = start()
    terminal.press(f"set channel [open {tmp_path}/out w]; puts -nonewline $channel kept; {command}{ENTER}")
    assert terminal.end() == status
    assert (tmp_path / "out").read_text() == "kept"
    assert terminal.raw.rfind("\x1b[?2004l") > terminal.raw.rfind("\x1b[?2004h")  # bracketed paste is off
    assert (tmp_path / "tcltorch" / "history").read_text().endswith(f"{command}\n")


@pytest.mark.parametrize(
    "begin",
    ["package require Thread; thread::create {%s; vwait forever}", "interp create child; child eval {%s}"],
)
def test_an_exit_of_tcls_own_leaves_the_terminal_as_it_was(start: Start, tmp_path: Path, begin: str) -> None:
    if "Thread" in begin and not has_threads():
        pytest.skip("Tcl's package Thread is not installed: apt-get install tcl-thread")
    terminal = start(pytorch=True)  # while that is loaded, destructors of C++ crash
    end = f"set channel [open {tmp_path}/out w]; puts -nonewline $channel kept; exit 5"
    wait = f"proc wait {{}} {{if {{[file exists {tmp_path}/go]}} {{{end}}}; after 10 wait}}; wait"
    terminal.press(begin % wait + ENTER)
    terminal.prompt()
    (tmp_path / "go").touch()
    assert terminal.end() == 5
    assert terminal.raw.rfind("\x1b[?2004l") > terminal.raw.rfind("\x1b[?2004h")
    assert (tmp_path / "out").read_text() == "kept"


def test_the_end_while_pytorch_is_loaded(start: Start) -> None:
    terminal = start(pytorch=True)
    terminal.press(CTRL_D)
    assert terminal.end() == 0
    assert "Traceback" not in terminal.output


def test_control_c_before_there_is_a_prompt_ends_it(tmp_path: Path) -> None:
    (tmp_path / "prompt_toolkit.py").write_text("print('importing', flush=True); import time; time.sleep(30)")
    with Terminal(tmp_path, PYTHONPATH=str(tmp_path)) as terminal:
        terminal.expect("importing\n")
        terminal.press(CTRL_C)
        assert terminal.end() == -signal.SIGINT
        assert "Traceback" not in terminal.output


def test_the_end_without_the_command_exit(start: Start) -> None:
    terminal = start()
    assert terminal.answer("rename exit {}") == "\n\n"
    terminal.press(CTRL_D)
    assert terminal.end() == 0
    assert "Traceback" not in terminal.output


def test_an_error_in_the_prompt_is_not_taken_for_the_end_of_the_input(tmp_path: Path) -> None:
    program = """
from pybridge.cli import main
from pybridge.prompt.terminal import TclSelector

def select(self, timeout=None):
    raise ValueError("ours")

TclSelector.select = select
main([])
"""
    with Terminal(tmp_path, (sys.executable, "-c", program)) as terminal:
        terminal.expect("ValueError: ours\n")
        assert terminal.end() == 1


def test_a_terminal_that_goes_away(start: Start) -> None:
    assert start().hang_up() == -signal.SIGHUP
    ignoring = start(program=(sys.executable, "-c", IGNORE_HANGUP, sys.executable))
    assert ignoring.hang_up() == 0


def test_the_end_of_a_terminal_ends_it_as_the_signal_does(tmp_path: Path) -> None:
    """Also where it is seen before the signal: here none comes, as this is no controlling terminal."""
    ours, side = os.openpty()
    home = dict.fromkeys(("HOME", "XDG_STATE_HOME"), str(tmp_path))
    settings = {**os.environ, **home, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    program = subprocess.Popen(PROGRAM, stdin=side, stdout=side, env=settings, start_new_session=True)
    os.close(side)
    printed = b""
    while b"\x1b[?2004h" not in printed:  # it waits for keys
        printed += os.read(ours, 1024)
    os.close(ours)
    assert program.wait(TIMEOUT) == -signal.SIGHUP


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_that_ends_it_leaves_the_terminal_as_it_was(number: int, start: Start) -> None:
    terminal = start()
    resource.prlimit(terminal.process, resource.RLIMIT_CORE, (0, 0))
    terminal.press("set x")
    terminal.expect("set x")
    os.kill(terminal.process, number)
    assert terminal.end() == -number
    assert terminal.raw.rfind("\x1b[?2004l") > terminal.raw.rfind("\x1b[?2004h")
    running = start()
    resource.prlimit(running.process, resource.RLIMIT_CORE, (0, 0))
    running.press(f"puts [string toupper begun]; while 1 {{}}{ENTER}")
    running.expect("\nBEGUN\n")
    os.kill(running.process, number)
    assert running.end() == -number


def test_nobody_ends_the_process_before_the_terminal_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    keyboard, screen = os.openpty()
    try:
        restore = Restorer(screen, screen)
        tty.setraw(screen)
        second = threading.Thread(target=restore)

        def while_another_comes(descriptor: int, text: str) -> None:
            second.start()
            second.join(0.5)
            assert second.is_alive()  # it waits: it would end the process next
            write(descriptor, text)

        monkeypatch.setattr("pybridge.prompt.terminal.write", while_another_comes)
        monkeypatch.setattr("pybridge.prompt.terminal._RESTORE_PATIENCE", TIMEOUT)
        restore()
        second.join(TIMEOUT)
        assert "\x1b[?2004l" in os.read(keyboard, 1000).decode()
    finally:
        os.close(keyboard)
        os.close(screen)


def test_the_terminal_stays_as_it_was_left() -> None:
    keyboard, screen = os.openpty()
    try:
        restore = Restorer(screen, screen)
        before = termios.tcgetattr(screen)
        with os.fdopen(os.dup(screen)) as terminal:
            mode = restore.guarded(create_input(terminal).raw_mode)
            with mode():
                assert termios.tcgetattr(screen) != before
                restore()
                restore.change(lambda: tty.setraw(screen))  # as another thread may be about to
                with mode():
                    assert termios.tcgetattr(screen) == before
        assert termios.tcgetattr(screen) == before
    finally:
        os.close(keyboard)
        os.close(screen)


@pytest.mark.parametrize("script", ["while 1 {catch {while 1 {}}}", "vwait forever"])
def test_a_signal_that_ends_it_does_not_wait_for_the_script_of_an_event(start: Start, script: str) -> None:
    terminal = start()
    terminal.run(f"after 100 {{puts [string toupper begun]; {script}}}", "after#0\n")
    terminal.expect("BEGUN\n")
    os.kill(terminal.process, signal.SIGTERM)
    assert terminal.end() == -signal.SIGTERM
    assert terminal.raw.rfind("\x1b[?2004l") > terminal.raw.rfind("\x1b[?2004h")


IGNORE_HANGUP = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.argv[1], [sys.argv[1], "-m", "pybridge"])
"""


def test_pytorch_is_loaded_while_nothing_is_typed(start: Start) -> None:
    terminal = start(pytorch=True)
    mapped = Path(f"/proc/{terminal.process}/maps")
    if not mapped.exists():
        pytest.skip("no /proc")
    deadline = time.monotonic() + TIMEOUT
    while "libtorch" not in mapped.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_pytorch_that_cannot_be_loaded_is_told_by_the_command(start: Start, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libfoo is missing')")
    terminal = start(PYTHONPATH=str(tmp_path))
    terminal.run("expr 1", "\n1\n")
    terminal.run("torch::ones 2", "libfoo is missing")
    assert "Traceback" not in terminal.output


def test_pasted_text_is_one_script(start: Start) -> None:
    terminal = start()
    terminal.press("\x1b[200~set a 1\nset b 2\nforeach x {1 2} {\n    puts $x$a\n}\n\x1b[201~")
    terminal.press(ENTER)
    terminal.expect("\n11\n21\n")
    terminal.prompt()
    terminal.press("set a 5\nset b [expr {\n$a + 1\n}]\nincr b\n")  # a terminal without bracketed paste
    for expected in ("\n5\n", "\n6\n", "\n7\n"):
        terminal.expect(expected)


def test_a_pasted_session_is_its_commands(start: Start) -> None:
    terminal = start()
    terminal.press(
        "\x1b[200~% set a 1\r\n1\r\n% proc f x {\r\n>     incr x\r\n> }\r\n% f $a\r\n2\r\n\x1b[201~"
    )
    terminal.press(ENTER)
    terminal.expect("\n2\n")
    terminal.prompt()
    terminal.press("expr {7 \x1b[200~% 4}\x1b[201~" + ENTER)
    terminal.expect("\n3\n")
    terminal.prompt()
    assert "invalid command" not in terminal.output


def test_an_editor_that_fails_says_so(start: Start) -> None:
    terminal = start(VISUAL="", EDITOR="false")
    terminal.press(f"list kept{CTRL_X}{CTRL_E}")
    terminal.expect("/false ended with status 1: nothing is run")
    terminal.press(ENTER)
    terminal.expect("\nkept\n")


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        (["list a ", "\0", "c", "\x7f", "d"], "a d"),
        (["list abc d", "\0", "\x1b\x7f", "e"], "abc e"),  # Alt-Backspace
    ],
)
def test_control_space_keeps_no_key_from_what_it_does(start: Start, keys: list[str], result: str) -> None:
    terminal = start()
    for key in [*keys, ENTER]:
        terminal.press(key)
        time.sleep(0.1)  # what is read at once is one key
    terminal.expect(f"\n{result}\n")


def test_pasted_colours_are_no_keys(start: Start) -> None:
    terminal = start()
    terminal.press("string cat \x1b[31mone\x1b[0m\x1b[<0;1;1M" + ENTER)  # without bracketed paste
    terminal.expect("\none\n")
    terminal.prompt()
    assert "Exception" not in terminal.output


def test_long_lines_and_wide_characters(start: Start) -> None:
    terminal = start()
    terminal.run("string length {" + "x" * 2000 + "}", "\n2000\n")
    terminal.run("set s {ü中文😀}; string range $s 0 2", "\nü中文\n")
    assert terminal.run("string repeat abc 5000", "15000 characters").count("abc") <= 3400


def test_the_prompt_calls_no_chan_of_a_script(start: Start) -> None:
    terminal = start()
    terminal.press(f"proc chan args exit{ENTER}")
    terminal.prompt()
    terminal.run("set x on", "\non\n")


def test_scripts_may_open_more_files_than_select_takes(start: Start) -> None:
    terminal = start(("/bin/sh", "-c", f"ulimit -Sn 2048; exec {shlex.join(PROGRAM)}"))
    terminal.run("for {set i 0} {$i < 1100} {incr i} {open /dev/null}; list done", "\ndone\n")
    terminal.run("after 10 {set x on}; vwait x; set x", "\non\n")


def test_scripts_may_close_the_standard_channels(start: Start) -> None:
    terminal = start()
    for channel in ("stdout", "stderr", "stdin"):
        assert terminal.answer(f"close {channel}") == "\n\n"
        assert terminal.answer(f"list {channel} closed") == f"\n{channel} closed\n\n"
    terminal.run("nosuch", 'invalid command name "nosuch"')
    terminal.press(CTRL_D)
    assert terminal.end() == 0


def test_warnings_of_pytorch_go_above_the_prompt(start: Start) -> None:
    terminal = start(pytorch=True)
    terminal.run("set x [torch::ones 1]; after 200 {torch::tensor_std $x}", "after#0\n")
    terminal.press("list typ")
    terminal.expect("warning: std(): degrees of freedom is <= 0.")
    terminal.prompt()
    terminal.expect("list typ")
    terminal.press(f"ed{ENTER}")
    terminal.expect("\ntyped\n")


def test_a_smaller_terminal(start: Start) -> None:
    terminal = start()
    terminal.press("set x abc")
    terminal.resize(20, 40)
    terminal.press("def" + ENTER)
    terminal.expect("\nabcdef\n")


def test_a_terminal_of_few_lines_has_a_menu_too(start: Start) -> None:
    terminal = start()
    terminal.resize(6, 80)
    terminal.press("torch::quantiz" + TAB)
    terminal.expect("quantization_error")
    assert "too small" not in terminal.output


def test_an_error_in_a_file_says_where(start: Start, tmp_path: Path) -> None:
    (tmp_path / "bad.tcl").write_text("set x 1\ntorch::ones -shape 2 -bogus 3\n")
    terminal = start(FOLDER=str(tmp_path))
    terminal.answer("cd $env(FOLDER)")
    assert terminal.answer("source bad.tcl").endswith('\n(file "bad.tcl" line 2)\n\n')
    text = 'error "[string repeat {many words } 2000] (file \\"no.tcl\\" line 9)"'
    (tmp_path / "long.tcl").write_text(text)
    shown = terminal.answer("source long.tcl")
    assert shown.endswith('"puts $errorInfo" shows all\n(file "long.tcl" line 1)\n\n')
    assert "(file" not in terminal.answer("error plain")


def test_a_terminal_that_does_not_block_and_reads_slowly() -> None:
    """As scripts and programs leave it: all is written all the same."""
    reader, screen = os.pipe()
    os.set_blocking(screen, False)
    text = "x" * 300_000  # more than a pipe holds
    read: list[bytes] = []
    with open(reader, "rb") as file, open(screen, "wb") as other:
        thread = threading.Thread(target=lambda: read.append(file.read()))
        timer = threading.Timer(0.1, thread.start)
        timer.start()
        write(screen, text)
        other.close()
        timer.join()
        thread.join()
    assert b"".join(read) == text.encode()


class Answering(Terminal):
    """Tells where the cursor is when it is asked."""

    def _read(self, seconds: float) -> bool:
        before = self.raw.count("\x1b[6n")
        read = super()._read(seconds)
        self.press("\x1b[1;1R" * (self.raw.count("\x1b[6n") - before))
        return read


def test_what_the_terminal_answers_is_not_shown(tmp_path: Path) -> None:
    """A key typed ahead may ask, before prompt_toolkit turns the echo off."""
    program = """
import time
from prompt_toolkit.renderer import Renderer
from pybridge.cli import main

def ask(self, ask=Renderer.request_absolute_cursor_position):
    ask(self)
    time.sleep(0.2)

Renderer.request_absolute_cursor_position = ask
main([])
"""
    with Answering(tmp_path, (sys.executable, "-c", program), PROMPT_TOOLKIT_NO_CPR="") as terminal:
        terminal.prompt()
        terminal.press(f"{CTRL_C}puts [string toupper done]{ENTER}{CTRL_L}")
        terminal.expect("DONE\n")
        terminal.prompt()
        terminal.run("expr 6 * 7", "\n42\n")
        assert "^[" not in terminal.raw


def type_slowly(terminal: Terminal, *keys: str) -> None:
    """Each only after the one before is seen on the terminal: on a busy machine they would come together."""
    for each in keys:
        time.sleep(0.05)
        terminal.press(each)
        if each.strip():
            terminal.expect(each.splitlines()[-1].strip())


def test_a_script_is_as_far_in_as_its_braces(start: Start) -> None:
    terminal = start()
    for line in ("proc f {} {", "if 1 {", "", "puts hi", "}", 'set s "a', 'b"', "\tset x 1"):
        type_slowly(terminal, line, ENTER)
        terminal.expect("\n>")
    type_slowly(terminal, "}", ENTER)
    terminal.prompt()
    body = ["", "    if 1 {", "        ", "        puts hi", "    }", '    set s "a', 'b"', "    set x 1", ""]
    assert terminal.answer("string map {\\n |} [info body f]") == f"\n{'|'.join(body)}\n\n"


def test_blanks_in_quotes_are_those_that_are_typed(start: Start) -> None:
    terminal = start()
    type_slowly(terminal, 'set s "  {', ENTER)
    terminal.expect("\n>")
    type_slowly(terminal, "    ", "}")
    terminal.press(ESC + ENTER)  # Alt-Enter
    terminal.expect("\n>")
    type_slowly(terminal, "b", '"', ENTER)
    terminal.prompt()
    assert terminal.answer("string map {\\n |} $s") == "\n  {|    }|b\n\n"


def test_what_is_pasted_as_if_typed_keeps_its_blanks(start: Start) -> None:
    terminal = start()
    text = "set s {\n  a {\n          }\n x\n        }"
    for pieces in ([text], text.splitlines(keepends=True)):  # at once, and over a slow line
        type_slowly(terminal, *pieces, ENTER)
        terminal.prompt()
        assert terminal.answer("string map {\\n |} $s") == "\n|  a {|          }| x|        \n\n"


def test_what_is_pasted_as_if_typed_keeps_its_blanks_on_a_busy_machine(tmp_path: Path) -> None:
    program = "from pybridge.cli import main; from pybridge.prompt import keys; keys._FASTEST = 0.0; main([])"
    with Terminal(tmp_path, (sys.executable, "-c", program)) as terminal:
        terminal.prompt()
        type_slowly(terminal, "set s {\n", "  a\n", "}", ENTER)
        terminal.prompt()
        assert terminal.answer("string map {\\n |} $s") == "\n|  a|\n\n"


def test_keys_typed_ahead_do_not_stand_before_the_prompt(tmp_path: Path) -> None:
    program = """
import termios
from pybridge.cli import main
from pybridge.prompt import session

def started(screen, start=session.start_line):
    shows_keys = termios.tcgetattr(screen)[3] & termios.ECHO
    start(screen)
    session.write(screen, "shown" if shows_keys else "not shown")

session.start_line = started
main([])
"""
    with Terminal(tmp_path, (sys.executable, "-c", program)) as terminal:
        assert "not shown" in terminal.expect("%")


def test_tabs_that_are_pasted_look_like_blanks(start: Start) -> None:
    terminal = start()
    terminal.press("\x1b[200~set x {\n\ta}\x1b[201~")
    terminal.press(ENTER)
    terminal.prompt()
    assert "^I" not in terminal.output
    assert terminal.answer("string length $x") == "\n3\n\n"


def test_control_d_on_a_continuation_line_gives_it_up(start: Start) -> None:
    terminal = start()
    terminal.press(f"proc f {{}} {{{ENTER}{CTRL_D}")
    terminal.prompt()
    assert terminal.answer("info commands f") == "\n\n"
    terminal.press(CTRL_D)
    assert terminal.end() == 0


def test_a_pager(start: Start) -> None:
    installed("less", "less")
    terminal = start(LESS="")
    terminal.press("less << [torch::help observer]" + ENTER)
    terminal.expect("\ntorch::observer - ")
    terminal.expect("\n:")
    terminal.press("q")
    terminal.prompt()
    terminal.run("expr {6 * 7}", "\n42\n")


def test_an_editor(start: Start, tmp_path: Path) -> None:
    """What it leaves is run, unless it fails; events, resizing and Ctrl-C bring no prompt onto its screen."""
    editor = tmp_path / "editor"
    editor.write_text("""#!/bin/sh
trap 'echo stopped; exit 1' INT
case $(cat "$1") in *wait*) echo editing; touch "${0}s"; while :; do sleep 0.1; done;; esac
printf "\\nputs [string toupper edited]\\n" >>"$1"
""")
    editor.chmod(0o755)
    terminal = start(EDITOR=str(editor))
    terminal.press(f"set x 5{CTRL_X}{CTRL_E}")
    terminal.expect("\nEDITED\n")
    terminal.prompt()
    terminal.run("proc look {} {if {[file exists $::env(EDITOR)s]} {puts above} {after 20 look}}; look", "")
    terminal.run("set x", "\n5\n")
    terminal.press(f"list wait{CTRL_X}{CTRL_E}")
    terminal.expect("editing\n")
    terminal.expect("above\n")
    shown = len(terminal.raw)
    terminal.resize(30, 100)
    time.sleep(0.1)
    terminal.press(CTRL_C)
    assert terminal.expect("stopped\n") == "^Cstopped\n"
    assert "\x1b" not in terminal.raw[shown : terminal.raw.index("stopped")]
    terminal.expect("list wait")
    terminal.press(f"ing{ENTER}")
    terminal.expect("\nwaiting\n")


def test_an_editor_without_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATH")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "sh -e")
    assert editor_command() == [shutil.which("sh", path=os.defpath), "-e"]


def test_an_editor_that_a_script_names(start: Start, tmp_path: Path) -> None:
    """It is found where the script has it looked for, and has the script's variables."""
    editor = tmp_path / "own editor"
    editor.write_text('#!/bin/sh\nprintf "puts {$MINE with $1}" >"$2"\n')
    editor.chmod(0o755)
    terminal = start(VISUAL="false", EDITOR="false", FOLDER=str(tmp_path))
    terminal.run("unset env(VISUAL); set env(EDITOR) {'own editor' -x}; set env(MINE) edited", "\nedited\n")
    terminal.run("append env(PATH) : $env(FOLDER); list", "")
    terminal.press(f"puts typed{CTRL_X}{CTRL_E}")
    terminal.expect("\nedited with -x\n")


_RAW_EDITOR = """
import os, sys, tty
tty.setraw(0)
keys = b""
open(sys.argv[0] + "s", "w").close()
while not keys.endswith(b"q"):
    keys += os.read(0, 1)
    print("keys", len(keys), flush=True)
with open(sys.argv[1], "w") as file:
    file.write(f"puts {{got {keys.hex()}}}")
"""
# A signal has the prompt wait anew; the scripts of twenty events later it has done so.
_WAIT_ANEW = """
proc look {} {
    if {[file exists $::env(EDITS)]} {exec kill -WINCH [pid]; after 20 tick 20} {after 20 look}
}
proc tick {count} {
    if {$count} {after 20 tick [incr count -1]} {puts anew}
}
look
"""


def test_control_c_is_a_key_in_an_editor_that_has_it_so(start: Start, tmp_path: Path) -> None:
    editor = tmp_path / "editor.py"
    editor.write_text(_RAW_EDITOR)
    (tmp_path / "anew.tcl").write_text(_WAIT_ANEW)
    terminal = start(EDITOR=f"{sys.executable} {editor}", EDITS=f"{editor}s", ANEW=f"{tmp_path}/anew.tcl")
    terminal.run("source $env(ANEW)", "after#")
    terminal.press(f"puts before{CTRL_X}{CTRL_E}")
    terminal.expect("anew")
    for count, key in enumerate(f"a{CTRL_C}bq", 1):
        terminal.press(key)
        terminal.expect(f"keys {count}")
    terminal.expect("\ngot 61036271\n")
    terminal.prompt()


@pytest.mark.parametrize(
    ("editor", "typed", "warning"),
    [
        ("latin1", "puts kept", "what the editor has saved is not UTF-8"),
        ("rm", "puts kept", "what the editor has saved cannot be read: No such file or directory"),
        ("cat", "puts kept;# \udcff", "what is typed is not UTF-8, and goes into no editor"),
        ('"ed', "puts kept", 'EDITOR is "ed, which is no command: No closing quotation'),
        ("shot", "puts kept", "/shot was killed by signal 40: nothing is run"),
        ("nosuchprogram", "puts kept", "the editor nosuchprogram cannot be run: No such file or directory"),
        ("", "puts kept", "no editor is found; set env(EDITOR) names one"),
    ],
)
def test_an_editor_from_which_nothing_comes_back(
    editor: str, typed: str, warning: str, start: Start, tmp_path: Path
) -> None:
    latin1 = tmp_path / "latin1"
    latin1.write_text("#!/bin/sh\nprintf 'puts \\377x\\n' >\"$1\"\n")
    latin1.chmod(0o755)
    shot = tmp_path / "shot"
    shot.write_text("#!/bin/sh\nkill -40 $$\n")  # a real-time signal, which has no name
    shot.chmod(0o755)
    for name in ("rm", "cat"):
        (tmp_path / name).symlink_to(f"/bin/{name}")
    folder = tmp_path / "temporary"
    folder.mkdir()
    # the path has no usual editor in it
    terminal = start(VISUAL="", EDITOR=editor, PATH=str(tmp_path), TMPDIR=str(folder))
    terminal.press(f"{typed}{CTRL_X}{CTRL_E}")
    terminal.expect("warning: ")
    shown = " ".join(terminal.expect("\n% puts kept").split())  # it is folded
    assert f"{warning} %" in shown
    terminal.press(ENTER)
    terminal.expect("\nkept\n")
    assert "Unhandled" not in terminal.output
    assert not list(folder.iterdir())


def test_stopping_and_going_on(tmp_path: Path) -> None:
    """Ctrl-Z stops the program for a shell, with a terminal as it was; `fg` goes on with the line."""
    with Terminal(tmp_path, ("/bin/sh", "-i"), PS1="sh> ") as shell:
        shell.expect("sh> ")
        shell.press(f"{sys.executable} -m pybridge{ENTER}")
        shell.prompt()
        shell.press("set x unfini")
        shell.expect("unfini")
        shell.press(CTRL_Z)
        shell.expect("sh> ")
        shell.press(f"fg{ENTER}")
        shell.expect("unfini")
        shell.press(f"shed{ENTER}")
        shell.expect("\nunfinished\n")
        shell.prompt()
        shell.press(f"exit 7{ENTER}")
        shell.expect("sh> ")
        shell.press(f"echo status $?{ENTER}")
        shell.expect("\nstatus 7\n")


def test_no_prompt_into_a_pipe(tmp_path: Path) -> None:
    side, other = os.openpty()
    settings = {**os.environ, "HOME": str(tmp_path), "TERM": "xterm"}
    process = subprocess.Popen(PROGRAM, stdin=other, stdout=subprocess.PIPE, text=True, env=settings)
    os.close(other)
    os.write(side, b"expr 6 * 7\n\x04")
    try:
        assert process.communicate(timeout=TIMEOUT)[0] == "% 42\n% \n"
    finally:
        os.close(side)


def test_the_terminal_is_in_its_own_mode_while_a_command_runs(start: Start) -> None:
    terminal = start()
    terminal.press(f"puts [exec stty -a <@stdin]; puts END{ENTER}")
    assert re.search(r"\sicanon\b.*\secho\b", terminal.expect("\nEND\n"), re.DOTALL)
    terminal.prompt()
    assert isinstance(terminal.attributes()[3], int)
    assert not terminal.attributes()[3] & termios.ICANON  # type: ignore[operator]
    assert "\x1b[?2004h" in terminal.raw
    terminal.press(CTRL_C)
    terminal.prompt()
