"""A terminal for the tests of the prompt: a program on a pseudo-terminal, what it prints, keys to press."""

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path
from types import TracebackType

from tests.forked_prompt import ForkedPrompt, without_pytorch

TIMEOUT = 120.0  # seconds; only a test that fails waits so long
BACKSPACE, ENTER, ESC, TAB, UP = "\x7f", "\r", "\x1b", "\t", "\x1b[A"
CTRL_C, CTRL_D, CTRL_E, CTRL_L, CTRL_R, CTRL_X, CTRL_Z = (chr(ord(key) - 64) for key in "CDELRXZ")
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-_a-z=>])")
_NEW_LINE = " " * 80 + "\r\x1b[K"  # what goes before a prompt
PROGRAM = (sys.executable, "-m", "pybridge")


class TerminalStream(io.StringIO):
    """Keeps what is written to it, and takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


class Terminal:
    """The program in a session of its own, with a terminal of 80 columns and 24 lines.

    Args:
        state: the folder for its history, and its home, which has no start file unless a test writes one.
        pytorch: whether the prompt loads PyTorch in the background. That takes seconds, in which it holds
            Python's lock, and so the keys back that a test presses.

    Attributes:
        output: all that it has printed, without what moves the cursor or sets colours. A prompt is always
            at the start of a line here, be there an empty one before it.
        raw: the same with them.
    """

    def __init__(
        self, state: Path, program: tuple[str, ...] = PROGRAM, pytorch: bool = False, **environment: str
    ) -> None:
        self.output = self.raw = ""
        self.status: int | None = None
        self._data = b""
        self._seen = 0  # of `output`
        settings = {
            "HOME": str(state),
            "XDG_STATE_HOME": str(state),
            "TERM": "xterm",
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "LANG": "C.UTF-8",
        }
        variables = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "LC_ALL")}
        if not pytorch:
            variables["PYTHONPATH"] = without_pytorch()
        self._prompt: ForkedPrompt | None = None
        variables |= settings | environment
        if program == PROGRAM and not pytorch and not any(name.startswith("PYTHON") for name in environment):
            self._side, terminal = os.openpty()
            self.resize(24, 80)
            self._prompt = ForkedPrompt(terminal, variables)
            self.process = self._prompt.process
            os.close(terminal)
            return
        self.process, self._side = pty.fork()
        if self.process == 0:
            os.execve(program[0], program, variables)
        self.resize(24, 80)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: str) -> None:
        os.write(self._side, keys.encode("utf-8", "surrogateescape"))

    def run(self, command: str, expected: str) -> str:
        """Type a command, and wait for what it must print and the next prompt; what it has printed."""
        self.press(command + ENTER)
        before = self.expect(expected)
        return before + self.prompt()

    def answer(self, command: str) -> str:
        """Type a command of one line; all that is printed between that line and the next prompt."""
        self.press(command + ENTER)
        printed = self.prompt()
        assert command in printed
        return printed.rpartition(command)[2].removesuffix("%")

    def prompt(self) -> str:
        """Wait until the prompt is there, for which it must have read what was typed before."""
        return self.expect("\n%")

    def expect(self, text: str) -> str:
        """Wait until `text` is printed, after what was waited for last; all up to its end."""
        end = time.monotonic() + TIMEOUT
        while (found := self.output.find(text, self._seen)) < 0:
            if not self._read(end - time.monotonic()):
                raise AssertionError(
                    f"no {text!r} in {self.output[self._seen :]!r}, before it {self.output!r}"
                )
        start, self._seen = self._seen, found + len(text)
        return self.output[start : self._seen]

    def press_until(self, keys: str, text: str, pause: float = 0.1) -> int:
        """Press keys again and again, after pauses in seconds, until `text` is printed; how often that was.

        On a busy machine two presses of Ctrl-C may be one signal.
        """
        end, count = time.monotonic() + TIMEOUT, 0
        while text not in self.output[self._seen :] and time.monotonic() < end:
            self.press(keys)
            count += 1
            again = time.monotonic() + pause
            while self._read(again - time.monotonic()):
                pass
        self.expect(text)
        return count

    def end(self) -> int:
        """Wait for the program to end; its exit status, or minus the signal that killed it."""
        end = time.monotonic() + TIMEOUT
        while self._read(end - time.monotonic()):
            pass
        return self._reap(end)

    def ends(self, seconds: float) -> bool:
        """Whether the program ends within this time."""
        end = time.monotonic() + seconds
        while not self._has_ended() and time.monotonic() < end:
            if not self._read(0.05):
                time.sleep(0.01)
        return self.status is not None

    def hang_up(self) -> int:
        os.close(self._side)
        self._side = -1
        return self._reap(time.monotonic() + TIMEOUT)

    def attributes(self) -> list[object]:
        return termios.tcgetattr(self._side)

    def _read(self, seconds: float) -> bool:
        if seconds <= 0 or not select.select([self._side], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self._side, 65536)
        except OSError:  # the other side is closed
            return False
        self._data += piece
        self.raw = self._data.decode("utf-8", "replace")
        text = self.raw.replace(_NEW_LINE, "\n")
        self.output = _ESCAPES.sub("", text).replace("\r", "").replace("\b", "")
        return bool(piece)

    def _reap(self, end: float) -> int:
        while not self._has_ended() and time.monotonic() < end:
            time.sleep(0.01)
        assert self.status is not None, "the program goes on"
        return self.status

    def _has_ended(self) -> bool:
        if self.status is None:
            self.status = self._ended(wait=False)
        return self.status is not None

    def _ended(self, *, wait: bool) -> int | None:
        if self._prompt:
            return self._prompt.status(wait=wait)
        process, status = os.waitpid(self.process, 0 if wait else os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if process else None

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self.status is None:
            os.kill(self.process, signal.SIGKILL)
            self.status = self._ended(wait=True)
        if self._side >= 0:
            os.close(self._side)
            self._side = -1
