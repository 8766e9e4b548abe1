"""The history file of the prompt."""

import errno
import os
import pwd
import stat
import threading
from pathlib import Path

import pytest

from pybridge.prompt.history import HistoryFile, history_path
from tests.processes import PATIENCE
from tests.terminal import BACKSPACE, CTRL_D, CTRL_E, CTRL_R, ENTER, ESC, UP, Terminal


def entries(path: Path) -> list[str]:
    """What a new prompt finds, the latest first."""
    return list(HistoryFile(path, pytest.fail).load_history_strings())


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert history_path() == Path("/state/tcltorch/history")
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert history_path() == tmp_path / ".local/state/tcltorch/history"


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_entry(_: int) -> None:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", no_entry)
    said: list[str] = []
    history = HistoryFile(history_path(), said.append)
    history.append_string("set x 1")
    assert said == ["no history is kept: there is neither XDG_STATE_HOME nor a home directory"]
    assert history.get_strings() == ["set x 1"]


def test_entries_come_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history"
    history = HistoryFile(path, pytest.fail)
    scripts = ["set x 1", "proc f {} {\n\n    puts {+ü # }\n}", "# a comment", "+plus", "trailing \n"]
    for script in scripts:
        history.append_string(script)
    assert entries(path) == ["trailing ", *reversed(scripts[:-1])]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_two_prompts_share_it(tmp_path: Path) -> None:
    path = tmp_path / "history"
    one, two = HistoryFile(path, pytest.fail), HistoryFile(path, pytest.fail)
    one.append_string("one")
    two.append_string("two\nlines")
    one.append_string("three")
    assert entries(path) == ["three", "two\nlines", "one"]


def test_of_a_large_one_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_bytes(b"\n# then\n+old\n" + b"\n# then\n+set x 1\n" * 200_000 + b"\n# now\n+last\n")
    found = entries(path)
    assert found[:2] == ["last", "set x 1"]
    assert len(found) < 200_000


@pytest.mark.parametrize("most", range(40, 60))
def test_of_a_large_one_no_entry_is_read_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """The beginning falls on each of the bytes of a procedure and of what stands before it."""
    path = tmp_path / "history"
    path.write_bytes(b"\n# then\n+proc f {} {\n+  file delete x\n+}\n\n# now\n+last\n")
    monkeypatch.setattr("pybridge.prompt.history._MOST", most)
    whole = "proc f {} {\n  file delete x\n}"
    assert entries(path) in (["last"], ["last", whole])
    assert most < 54 or entries(path) == ["last", whole]


def test_a_damaged_one_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_bytes(b"\xff\xfe\0garbage\n+good\n\0\0\n+bad \xff\n")
    assert entries(path) == ["bad \N{REPLACEMENT CHARACTER}", "good"]


@pytest.mark.parametrize("kind", ["folder", "pipe", "file in the way"])
def test_one_that_cannot_be_used_is_a_warning(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "tcltorch" / "history"
    if kind == "file in the way":
        path.parent.touch()
    else:
        path.parent.mkdir()
        path.mkdir() if kind == "folder" else os.mkfifo(path)
    said: list[str] = []
    history = HistoryFile(path, said.append)
    history.append_string("set x 1")
    history.append_string("set x 2")
    assert len(said) == 1
    assert said[0].startswith(f"no history is kept in {path}: ")
    assert history.get_strings()[-2:] == ["set x 1", "set x 2"]


def test_a_pipe_in_its_place_does_not_stop_the_program(tmp_path: Path) -> None:
    said: list[str] = []
    history = HistoryFile(tmp_path / "history", said.append)
    (tmp_path / "history").unlink()
    os.mkfifo(tmp_path / "history")  # which nobody reads
    writer = threading.Thread(target=history.append_string, args=["set x 1"], daemon=True)
    writer.start()
    writer.join(PATIENCE)
    assert not writer.is_alive()
    assert said == [f"no history is kept in {tmp_path / 'history'}: {os.strerror(errno.ENXIO)}"]


def test_at_the_prompt(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.press(f"foreach x {{1 2}} {{{ENTER}puts one$x{ENTER}}}{ENTER}")
        terminal.expect("one2\n")
        terminal.prompt()
        terminal.run("puts two", "\ntwo\n")
        terminal.press(CTRL_D)
        assert terminal.end() == 0
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.press(UP)
        terminal.expect("puts two")
        terminal.press(UP)
        terminal.expect("puts one$x")
        terminal.press(ENTER)
        terminal.expect("\none1\none2\n")
        terminal.prompt()
        terminal.press(CTRL_R + "two")
        terminal.expect("puts two")
        terminal.press(ENTER)
        terminal.expect("\ntwo\n")
        terminal.prompt()
        terminal.press("puts mine")
        terminal.expect("mine")
        terminal.press(CTRL_R)
        terminal.expect("search")
        terminal.press(ENTER)  # runs what is shown, not what was found last
        terminal.expect("\nmine\n")
        terminal.prompt()
        terminal.press(CTRL_R + "puts t")
        terminal.expect("puts two")
        terminal.press(ESC)
        terminal.expect("% puts two")
        terminal.press(CTRL_E + "; list end" + ENTER)
        terminal.expect("\ntwo\nend\n")


def test_a_search_tells_that_there_is_no_match(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        terminal.prompt()
        terminal.run("set alpha 1", "\n1\n")
        terminal.press("typed")
        terminal.expect("typed")
        terminal.press(CTRL_R + "alp")
        terminal.expect("set alpha 1")
        terminal.press("x")
        terminal.expect("x  (no match)")
        terminal.press(BACKSPACE)
        terminal.expect("set alpha 1")
        terminal.press(ENTER)
        assert "no match" not in terminal.expect("\n1\n")
        assert terminal.output.count("no match") == 1


def test_the_prompt_without_a_usable_one(tmp_path: Path) -> None:
    (tmp_path / "tcltorch").touch()
    with Terminal(tmp_path) as terminal:
        said = " ".join(terminal.prompt().split())  # it is folded
        assert said.count("warning: no history is kept in ") == 1
        terminal.run("expr 6 * 7", "\n42\n")
        terminal.run("expr 6 * 8", "\n48\n")
        assert terminal.output.count("warning") == 1
