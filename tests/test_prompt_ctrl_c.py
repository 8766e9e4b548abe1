"""Ctrl-C at the prompt: it clears the line, stops what runs, and leaves everything else as it is."""

import functools
import os
import select
import signal
import sys
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

from pybridge import Interpreter
from pybridge import interrupt as interrupts
from pybridge.prompt import stop
from pybridge.prompt.stop import Insistence
from pybridge.prompt.terminal import give_up_paste
from tests.terminal import CTRL_C, CTRL_D, CTRL_R, ENTER, TAB, Terminal

READING = 0.6  # seconds, a little more than what it takes to read an offer
OFFER = "Press Ctrl-C once more within 5 seconds to end tcltorch and lose its\nhandles.\n"
STATE = "list $x [torch::tensor_item $t] [dict get [torch::memory] live] [torch::is_grad_enabled]"


def interrupt(terminal: Terminal, command: str) -> str:
    """Run a command, press Ctrl-C when it has begun; all that is printed up to the next prompt.

    One that is to catch it, or to start what gets it, says BEGUN itself: a press before would stop it there.
    """
    say = "" if "BEGUN" in command else "puts [string toupper begun]; "
    terminal.press(say + command + ENTER)
    terminal.expect("\nBEGUN\n")
    time.sleep(0.05)
    terminal.press(CTRL_C)
    return terminal.prompt()


def insist(terminal: Terminal, tries: int = 5) -> int:
    """Press Ctrl-C until there is an offer, and once more to accept it; how often before the offer.

    On a busy machine the last press may come too late for it, or be taken for one of those before.
    """
    count = terminal.press_until(CTRL_C, OFFER)
    time.sleep(READING)
    terminal.press(CTRL_C)
    if not terminal.ends(10) and tries > 1:
        insist(terminal, tries - 1)
    return count


def test_what_it_stops(tmp_path: Path) -> None:
    """Each is stopped, and nothing else is lost: variables, handles, gradients, events that wait."""
    with Terminal(tmp_path, pytorch=True) as terminal:
        terminal.prompt()
        terminal.run("set x kept; set t [torch::tensor_create 1.5]", "tensor0  float32 []  1.5\n")
        for command in (
            "while 1 {}",
            "vwait forever",
            "set traced 1; trace add variable traced write {while 1 {};#}; set traced 2",
            "after 100000",
            "after 20 {puts BEGUN; while 1 {}}; vwait forever",
            "torch::scope {torch::ones 2; torch::no_grad {while 1 {}}}",
            "torch::scope {torch::ones 2; vwait forever}",
            "exec sh -c {echo BEGUN; exec sleep 100} >@stdout",
            "gets stdin",
            "read stdin",
            "proc again {} {after 5 again}; again; while 1 {update; torch::scope {torch::ones 3; list}}",
        ):
            assert "interrupted\n" in interrupt(terminal, command), command
            terminal.run(STATE, "\nkept 1.5 1 1\n")
            terminal.run("after 10 {set y 5}; vwait y; set y", "\n5\n")
            terminal.run("for {set i 0} {$i < 100000} {incr i} {}; set i", "\n100000\n")
        terminal.press(CTRL_D)
        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("instead", "command", "said"),
    [
        ("proc history args {rename history {}; puts [string toupper begun]; while 1 {}}", "list", True),
        (
            "proc t {do name {text {}}} {if {$do eq {initialize}} {return {initialize finalize write}}; "
            "if {$text eq {x}} {puts stderr [string toupper begun]; while 1 {}}; set text}; "
            "chan push stdout t",
            "puts -nonewline x",
            False,
        ),
    ],
    ids=["history", "flush"],
)
def test_it_stops_what_a_script_has_put_in_the_place_of_what_the_prompt_calls(
    tmp_path: Path, instead: str, command: str, said: bool
) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.press(instead + ENTER)
        terminal.prompt()
        terminal.press(command + ENTER)
        terminal.expect("BEGUN\n")
        time.sleep(0.05)
        terminal.press(CTRL_C)
        assert ("interrupted\n" in terminal.prompt()) is said
        terminal.run("set x on", "\non\n")


def test_a_script_that_catches_it_goes_on(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        for command in (
            "catch {puts BEGUN; while 1 {}}; puts on",
            "catch {puts BEGUN; vwait forever}; puts on",
        ):
            assert "on\n" in interrupt(terminal, command)
        terminal.press(
            f"after 20 {{catch {{puts [string toupper begun]; while 1 {{}}}}; puts on}}; vwait forever{ENTER}"
        )
        terminal.expect("\nBEGUN\n")
        time.sleep(0.05)
        terminal.press(CTRL_C)  # for the event's script, which goes on and ends
        terminal.expect("on\n")
        time.sleep(0.05)
        terminal.press(CTRL_C)
        assert "interrupted\n" in terminal.prompt()


def test_it_drops_the_commands_that_were_pasted_behind_the_one_that_runs(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.press(f"puts [string toupper begun]; while 1 {{}}{ENTER}set x 1{ENTER}set y 2{ENTER}set")
        terminal.expect("\nBEGUN\n")
        time.sleep(0.05)
        terminal.press(CTRL_C)
        terminal.expect("interrupted\n")
        terminal.prompt()
        assert terminal.answer("list [info exists x] [info exists y]") == "\n0 0\n\n"


def test_it_stops_what_a_script_does_at_the_end(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.run("proc exit args {puts [string toupper begun]; while 1 {}}", "")
        terminal.press(CTRL_D)
        terminal.expect("BEGUN\n")
        time.sleep(0.05)
        terminal.press(CTRL_C)
        assert terminal.end() == 0


def test_it_clears_the_line(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        for typed in ("nonsense", f"proc f {{}} {{{ENTER}puts hi{ENTER}", f"torch::fake{TAB}", ""):
            terminal.press(typed + CTRL_C)
            terminal.prompt()
            terminal.run("expr 6 * 7", "\n42\n")
        terminal.press("puts 1")
        terminal.expect("puts 1")
        terminal.press(CTRL_C)
        terminal.expect("^C")
        terminal.prompt()
        terminal.press(f"torch::fake{TAB}")
        terminal.expect("fake_quantize_per_tensor ")  # in the menu
        terminal.press(CTRL_C)
        terminal.prompt()
        terminal.run("expr 6 * 7", "\n42\n")
        assert "invalid command" not in terminal.output
        assert "nonsense" not in (tmp_path / "tcltorch" / "history").read_text()


def test_keys_are_keys_again_after_a_paste_whose_end_it_has_dropped(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.press("\x1b[200~set x 1\nset y")
        time.sleep(0.3)
        terminal.press(CTRL_C)
        terminal.prompt()
        terminal.press_until(f"expr 6 * 7{ENTER}", "\n42\n", pause=1)  # it waits half a second for more


class Pauses:
    """An event loop that has one callback at most, for after a pause."""

    def __init__(self) -> None:
        self.next: Callable[[], object] | None = None

    def call_later(self, _: float, callback: Callable[..., object], *arguments: object) -> None:
        assert self.next is None
        self.next = functools.partial(callback, *arguments)

    def pause(self) -> None:
        callback, self.next = self.next, None
        assert callback
        callback()


def pasted(text: str) -> tuple[Vt100Parser, list[KeyPress], Pauses]:
    """What reads keys and has this part of a paste, the keys that it makes out, and the loop after Ctrl-C."""
    keys: list[KeyPress] = []
    parser, loop = Vt100Parser(keys.append), Pauses()
    parser.feed(f"\x1b[200~{text}")
    give_up_paste(parser, cast(AbstractEventLoop, loop))
    return parser, keys, loop


def test_a_paste_that_does_not_go_on_after_it_is_given_up() -> None:
    parser, keys, loop = pasted("set x 1\nset y")
    loop.pause()
    assert loop.next is None
    parser.feed("q")
    assert keys == [KeyPress("q")]


def test_a_paste_that_goes_on_after_it_is_still_one() -> None:
    parser, keys, loop = pasted("list begun\n")
    for _ in range(10):
        parser.feed("list more\n")
        loop.pause()
    assert keys == []
    parser.feed("\x1b[201~q")
    assert keys == [KeyPress(Keys.BracketedPaste, "list begun\n" + 10 * "list more\n"), KeyPress("q")]
    loop.pause()
    assert loop.next is None


def test_it_ends_a_search_of_the_history(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.run("expr 6 * 7", "\n42\n")
        terminal.press(CTRL_R + "zzz")
        terminal.expect("zzz  (no match)")
        terminal.press(CTRL_C)
        terminal.prompt()
        terminal.press(CTRL_R + "6 *")  # begins anew
        terminal.expect("expr 6 * 7")
        terminal.press(ENTER)
        terminal.expect("\n42\n")
        terminal.prompt()
        terminal.run("expr 7 * 7", "\n49\n")


def test_it_stops_an_event_while_the_prompt_waits(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.run("after 50 {puts [string toupper begun]; torch::scope {while 1 {}}}", "after#0\n")
        terminal.expect("BEGUN\n")
        time.sleep(0.05)
        terminal.press(CTRL_C)
        terminal.expect("interrupted\n")
        terminal.run("after 50 {puts [string toupper next]}", "after#1\n")
        terminal.expect("NEXT\n")
        terminal.prompt()
        terminal.run("torch::memory", "live 0")
        assert "canceled" not in terminal.output


@pytest.mark.parametrize("begin", ["{}", "after 50 {{{}}}"])
def test_a_script_that_catches_every_one(tmp_path: Path, begin: str) -> None:
    """After three within two seconds the prompt offers to end the process, and the fourth ends it."""
    loop = "fconfigure stdout -buffering full; puts -nonewline kept; while 1 {catch {while 1 {}}}"
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.press(f"puts [string toupper begun]; {begin.format(loop)}{ENTER}")
        terminal.expect("\nBEGUN\n")
        time.sleep(0.3)
        assert insist(terminal) >= 3
        assert terminal.end() == 130
        assert "kept" in terminal.output.rpartition("handles.")[2]
        assert terminal.raw.rfind("\x1b[?2004l") > terminal.raw.rfind("\x1b[?2004h")


def test_who_presses_once_and_waits_is_told_how_to_insist(tmp_path: Path) -> None:
    """Once, while the command runs, not behind one that has stopped or on the screen of a program."""
    hint = "times within two seconds offers to end tcltorch.\n"
    end = tmp_path / "end"
    loop = "while {![file exists $env(END)]} {catch {while {![file exists $env(END)]} {after 20}}}"
    with Terminal(tmp_path, END=str(end)) as terminal:
        terminal.prompt()
        assert "interrupted" in interrupt(terminal, "while 1 {}")
        terminal.run("after 2200; list one", "\none\n")
        ignoring = "exec sh -c {trap : INT; echo BEGUN; sleep 1; sleep 4} >@stdout; list"
        assert "interrupted" in interrupt(terminal, ignoring)
        terminal.press(f"puts [string toupper begun]; {loop}{ENTER}")
        terminal.expect("\nBEGUN\n")
        assert hint not in terminal.output
        time.sleep(0.3)
        for _ in range(2):
            terminal.press(CTRL_C)
            time.sleep(2.2)
        terminal.expect(hint)
        end.touch()
        terminal.prompt()
        terminal.run("list two", "\ntwo\n")
        assert terminal.output.count(hint) == 1


def test_its_words_go_to_the_terminal_whatever_the_standard_channels_are(tmp_path: Path) -> None:
    with Terminal(tmp_path, OUT=f"{tmp_path}/out") as terminal:
        terminal.prompt()
        assert terminal.answer("close stderr; set f [open $env(OUT) w]; list") == "\n\n"
        terminal.press(f"puts [string toupper begun]; while 1 {{catch {{while 1 {{}}}}}}{ENTER}")
        terminal.expect("\nBEGUN\n")
        time.sleep(0.1)
        insist(terminal)
        assert terminal.end() == 130
        assert (tmp_path / "out").read_text() == ""


def test_standard_input_that_does_not_block_stays_so(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        assert terminal.answer("fconfigure stdin -blocking 0") == "\n\n"
        assert "on\n" in interrupt(terminal, "catch {puts BEGUN; while 1 {}}; after 300; puts on")
        assert terminal.answer("list [gets stdin line] $line") == "\n-1 {}\n\n"


def test_the_end_right_after_a_read_that_was_stopped(tmp_path: Path) -> None:
    """For a moment the terminal does not block; the program that has it next is not to notice."""
    after = f"{sys.executable} -c 'import os; print(os.get_blocking(0))'"
    script = f"trap : INT; {sys.executable} -m pybridge; {after}"
    with Terminal(tmp_path, ("/bin/sh", "-c", script)) as terminal:
        terminal.prompt()
        terminal.press(f"catch {{puts [string toupper begun]; gets stdin}}; exit{ENTER}")
        terminal.expect("\nBEGUN\n")
        time.sleep(0.05)
        terminal.press(CTRL_C)
        assert terminal.end() == 0
        assert terminal.output.endswith("True\n")


@pytest.fixture
def own_sigurg() -> Iterator[None]:
    """What the prompt makes of this signal ends with the test."""
    before = signal.getsignal(signal.SIGURG)
    yield
    signal.signal(signal.SIGURG, before)


@pytest.mark.usefixtures("own_sigurg")
def test_a_press_that_races_with_the_end_of_the_command_ends_nothing(
    tcl: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    keyboard = os.open(os.devnull, os.O_RDONLY)
    said, screen = os.pipe()
    runs = True
    insistence = Insistence(tcl, lambda: None, lambda _: runs, keyboard, screen)
    monkeypatch.setattr(insistence, "_end", lambda: ended.append("ended"))
    for _ in range(3):
        insistence.pressed(1, time.monotonic())
    assert b"once more" in os.read(said, 1000)
    runs = False
    insistence.pressed(1, time.monotonic() + READING)
    assert not ended
    runs = True
    insistence.pressed(1, time.monotonic() + READING)
    assert ended == ["ended"]
    time.sleep(0.2)  # for its timers
    insistence.leave()
    for descriptor in (keyboard, said, screen):
        os.close(descriptor)


class Hints:
    """Presses while a command runs that catches them, and what was said when their hint was due.

    Attributes:
        said: of each text, whether it is the hint and not the offer.
    """

    def __init__(self, insistence: Insistence) -> None:
        self._insistence = insistence
        self.said: list[bool] = []

    def write(self, screen: int, text: str) -> None:
        self.said.append("offers to end" in text)

    def press(self, command: int, times: int, at: float) -> None:
        for _ in range(times):
            self._insistence.pressed(command, at)
        assert self._insistence._hint
        self._insistence._hint.join()


@pytest.fixture
def hints(tcl: Interpreter, monkeypatch: pytest.MonkeyPatch, own_sigurg: None) -> Iterator[Hints]:
    monkeypatch.setattr(stop, "_WITHIN", 0.2)
    monkeypatch.setattr(stop, "_has_children", lambda: False)
    with open(os.devnull, "rb") as keyboard:
        insistence = Insistence(tcl, lambda: None, lambda _: True, keyboard.fileno(), 2)
        monkeypatch.setattr(insistence, "_end", lambda: pytest.fail("nobody has accepted an offer"))
        found = Hints(insistence)
        monkeypatch.setattr(stop, "write", found.write)
        yield found
        insistence.leave()


def test_who_has_had_the_offer_gets_no_hint(hints: Hints) -> None:
    hints.press(command=1, times=3, at=time.monotonic())
    hints.press(command=2, times=1, at=time.monotonic())
    assert hints.said == [False, True]


def test_who_has_missed_the_offer_gets_the_hint_again(hints: Hints) -> None:
    hints.press(command=1, times=3, at=time.monotonic())
    late = time.monotonic() + stop._OFFERED_FOR
    hints.press(command=1, times=1, at=late)
    hints.press(command=1, times=2, at=late)
    assert hints.said == [False, True, False]


@pytest.mark.usefixtures("own_sigurg")
def test_a_hint_that_the_terminal_does_not_take_keeps_nothing_from_ending(
    tcl: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop, "_WITHIN", 0.1)
    monkeypatch.setattr(stop, "_has_children", lambda: False)
    said, screen = os.pipe()
    while select.select([], [screen], [], 0)[1]:
        os.write(screen, bytes(4096))
    with open(os.devnull, "rb") as keyboard:
        insistence = Insistence(tcl, lambda: None, lambda _: True, keyboard.fileno(), screen)
        insistence.pressed(1, time.monotonic())
        hint = insistence._hint
        assert hint
        time.sleep(0.3)
        insistence.leave()
        assert hint.is_alive()
        os.read(said, 8192)
        hint.join()
    os.close(said)
    os.close(screen)


@pytest.mark.usefixtures("own_sigurg")
def test_who_presses_on_has_not_read_the_offer(tcl: Interpreter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a press after a pause ends the process, and no other offer is made meanwhile."""
    ended: list[str] = []
    said: list[str] = []
    monkeypatch.setattr(stop, "write", lambda _, text: said.append(text))
    with open(os.devnull, "rb") as keyboard:
        insistence = Insistence(tcl, lambda: None, lambda _: True, keyboard.fileno(), 2)
        monkeypatch.setattr(insistence, "_end", lambda: ended.append("ended"))
        for _ in range(3):
            insistence.pressed(1, time.monotonic())
        offered = time.monotonic()
        for tenths in range(20):
            insistence.pressed(1, offered + tenths / 10)
        assert (ended, len(said)) == ([], 1)
        insistence.pressed(1, offered + 1.9 + READING)
        assert ended == ["ended"]
        time.sleep(0.2)  # for its timers
        insistence.leave()


def test_presses_that_are_noticed_late_were_pressed_when_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """An import in the background holds Python's lock for seconds."""
    noticed: list[float] = []
    sent: list[tuple[float, float]] = []
    watcher = interrupts.watcher()
    assert watcher
    monkeypatch.setattr(watcher, "on_press", lambda _, when: noticed.append(when))
    with watcher.watching(lambda: None):
        with watcher._changed:  # the thread cannot go on with the first before the others are there
            for _ in range(3):
                before = time.monotonic()
                os.write(watcher._writer.fileno(), bytes([signal.SIGINT]))
                sent.append((before, time.monotonic()))
                time.sleep(0.3)
        deadline = time.monotonic() + 10
        while len(noticed) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    precision = 0.05  # of the two clocks that are read one after the other
    for when, (before, after) in zip(noticed[1:], sent[1:], strict=True):
        assert before - precision < when < after + precision


@pytest.mark.usefixtures("own_sigurg")
@pytest.mark.parametrize(
    ("presses", "offered"),
    [
        ((0, 0.6, 1.2), True),
        ((0, 1.5, 3.1), False),
        ((0, 0.1, 0.2, 0.3, 0.4), True),
        ((0, 1.5, 3.1, 3.2), True),
    ],
)
def test_presses_that_are_noticed_late_count_as_if_they_had_not_been(
    tcl: Interpreter,
    monkeypatch: pytest.MonkeyPatch,
    presses: tuple[float, ...],
    offered: bool,
) -> None:
    keyboard = os.open(os.devnull, os.O_RDONLY)
    said, screen = os.pipe()
    insistence = Insistence(tcl, lambda: None, lambda _: True, keyboard, screen)
    monkeypatch.setattr(insistence, "_end", lambda: pytest.fail("nobody has read the offer yet"))
    started = time.monotonic() - 4
    for after in presses:
        insistence.pressed(1, started + after)
    os.write(screen, b"end")
    assert os.read(said, 1000).count(b"once more") == offered
    time.sleep(0.2)  # for its timers
    insistence.leave()
    for descriptor in (keyboard, said, screen):
        os.close(descriptor)


def test_three_for_three_commands_are_no_reason_to_end(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        for _ in range(5):
            interrupt(terminal, "while 1 {}")
            terminal.press(CTRL_C)
            terminal.prompt()
        terminal.run("expr 6 * 7", "\n42\n")
        assert "once more" not in terminal.output


def test_a_call_of_pytorch_is_finished_first(tmp_path: Path) -> None:
    with Terminal(tmp_path, pytorch=True) as terminal:
        terminal.prompt()
        terminal.run("set a [torch::ones {1500 1500}]; list", "")
        long = "set made {}; while 1 {lappend made [torch::tensor_matmul $a $a]}"
        assert "interrupted" in interrupt(terminal, long)
        # each call that has begun has given its handle
        terminal.run("expr {[dict get [torch::memory] live] - 1 - [llength $made] in {0 1}}", "\n1\n")


def test_at_any_moment(tmp_path: Path) -> None:
    """Many Ctrl-C between and in short commands: no command is hit by one that came before it."""
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        for round in range(25):
            terminal.press("set x 1" + ENTER)
            time.sleep(round * 0.0007)
            terminal.press(CTRL_C)
            time.sleep(0.05)
            terminal.run(
                f"for {{set i 0}} {{$i < 30000}} {{incr i}} {{}}; list got {round}", f"\ngot {round}\n"
            )
        assert "Traceback" not in terminal.output
