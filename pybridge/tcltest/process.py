"""One Tcl process that tells what happens in it."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pybridge.exit_status import how_ended
from pybridge.tcl_package import tcl_package
from pybridge.tcltest.events import Event, Extent, decode, encode
from pybridge.tcltest.main_script import FOLDER_PREFIX, begins_as_tclsh, write_init_script
from pybridge.tcltest.output import excerpt, whole_lines
from pybridge.tcltest.printed_totals import Printed, printed_totals
from pybridge.tcltest.process_group import kill_group, start_process, status_of
from pybridge.tcltest.script_end import ScriptEnd
from pybridge.tcltest.settings import Settings
from pybridge.tcltest.undisturbed import undisturbed

_HERE = Path(__file__).resolve().parent
_UNTOLD = "pytest cannot be told of all tests\n"
_FIRST_LINE = b"standard output of the process\n"  # missing where something has cut off the file
_PAUSES = (0.001, 0.002, 0.005, 0.01, 0.02)


@dataclass(frozen=True)
class End:
    """How a process ended.

    Args:
        status: its exit status; negative, the signal that killed it.
        stopped: why we have killed it; empty when we have not.
        undone: whether it could no longer tell what happens in it: the file in which it does is gone.
    """

    status: int
    stopped: str = ""
    undone: bool = False

    @property
    def exited(self) -> bool:
        """Whether it ended by itself and was not killed."""
        return not self.stopped and self.status >= 0

    @property
    def ok(self) -> bool:
        return self.exited and self.status == 0

    def __str__(self) -> str:
        how = self.stopped or how_ended(self.status)
        return f"{how}, after something had removed pytest's temporary files," if self.undone else how


class TclProcess:
    """A Tcl interpreter that runs a test file, or sources several.

    Args:
        settings: which interpreter, and what it is to find.
        mode: `collect`, `rehearse` (collect, but run the tests) or `run`.
        files: the test files, in order.
        plan: what to run: lines with `test`, whether it runs ("1" or "0"), number of the file, name,
            occurrence, interpreter; and with `whole` and the number of a file in which what was not found
            runs, too.

    Raises:
        OSError: the interpreter cannot be started.
    """

    def __init__(
        self, settings: Settings, mode: str, files: list[Path], plan: Iterable[tuple[str, ...]] = ()
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
        self._open = contextlib.ExitStack()
        self._position = 0
        self._main_script = len(files) == 1 and begins_as_tclsh(settings.interpreter, settings.timeout)
        self._script_end = ScriptEnd()
        try:
            self._read = {name: self._opened(name) for name in ("events", "stdout", "stderr")}
            Path(self._read["stdout"].name).write_bytes(_FIRST_LINE)
            self._write_plan(settings, mode, files, plan)
            self._process = self._started(settings, files[0])
        except BaseException:
            self._discard()
            raise

    def _opened(self, name: str) -> BinaryIO:
        """What is read of a file that the process writes, also when a suite has removed the folder.

        Without a buffer, in which there could be what a suite has cut off since.
        """
        path = self._folder / name
        path.touch()
        return self._open.enter_context(open(path, "rb", buffering=0))

    def _discard(self) -> None:
        self._open.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write_plan(
        self, settings: Settings, mode: str, files: list[Path], plan: Iterable[tuple[str, ...]]
    ) -> None:
        lines: list[tuple[str, ...]] = [
            ("mode", mode),
            *((name, stream.name) for name, stream in self._read.items()),
            ("match", tcl_package("tcltest", "match.tcl")),
            ("utf8", str(int(not settings.interpreter))),  # as tcltorch reads a script, not as tclsh does
            ("driver", str(int(not self._main_script))),
            ("setup", str(settings.setup or "")),
            ("argv", *settings.arguments),
            *(("file", str(file.parent), file.name) for file in files),
            *plan,
        ]
        (self._folder / "plan").write_bytes(b"".join(map(encode, lines)))

    def _started(self, settings: Settings, file: Path) -> "subprocess.Popen[bytes]":
        program = shutil.which(settings.command[0])
        if program is None:
            raise FileNotFoundError(
                f"no Tcl interpreter: {settings.command[0]} is not a program that can be run"
            )
        plan = self._folder / "plan"
        if self._main_script:
            write_init_script(self._folder, plan)
            words = (script_name(file), *settings.arguments)
        else:
            words = (str(_HERE / "driver.tcl"), str(plan))
        command = [program, *settings.command[1:], *words]
        with open(self._folder / "stdout", "ab") as stdout, open(self._folder / "stderr", "ab") as stderr:
            library = self._folder if self._main_script else None
            return start_process(command, file.parent, stdout, stderr, library)

    def events(self) -> list[Event]:
        """The events since the last call."""
        self._read["events"].seek(self._position)
        lines = self._read["events"].read()
        whole = lines.rpartition(b"\n")[0]
        if not whole:
            return []
        self._position += len(whole) + 1
        events = [event for line in whole.split(b"\n") for event in self._whole(decode(line))]
        return self._script_end.take_out(events)

    def _whole(self, event: Event) -> list[Event]:
        """The event itself, where it is a long one that stands in a file of its own."""
        if event[1] != "apart":
            return [event]
        path = self._folder / f"events{event[2]}"
        try:
            line = path.read_bytes()
        except FileNotFoundError:  # gone with the folder, which `End` tells
            return []
        path.unlink(missing_ok=True)
        return [decode(line.removesuffix(b"\n"))]

    @property
    def status(self) -> int | None:
        """The exit status; None while the process runs."""
        return status_of(self._process)

    def end(self, stopped: str) -> End:
        """How it has ended, and why we have killed it; empty when we have not."""
        gone = os.fstat(self._read["events"].fileno()).st_nlink == 0
        return End(self.status or 0, stopped, gone)

    def watch(self, take: Callable[[list[Event]], bool], idle: Callable[[], None] = lambda: None) -> bool:
        """Give events to `take` as they come, an empty list now and then, until the process has ended.

        Ctrl-C comes between them: half-way through, what a test has done would be lost.

        Args:
            take: returns whether it has had enough.
            idle: called after each batch while the process runs; Ctrl-C may come while it does.

        Returns:
            Whether `take` has had enough; if not, the process has ended.
        """
        pauses = iter(_PAUSES)
        while True:
            with undisturbed():
                ended = self.status is not None  # asked first: what it wrote last must not be missed
                events = self.events()
                if ended:
                    events += self._last_events()
                enough = take(events)
            if ended or enough:
                return enough
            idle()
            if events:
                pauses = iter(_PAUSES)
            else:
                time.sleep(next(pauses, _PAUSES[-1]))

    def _last_events(self) -> list[Event]:
        """What a process that has ended has not told: that it ran its script to the end."""
        end = self._slice("stderr", max(0, self._size("stderr") - len(_UNTOLD)), None)
        if end == _UNTOLD and not self._script_end.is_told:  # of `emit_end`
            return [["", "sourced"], ["", "untold"]]
        unseen = self._main_script and self._script_end.is_unseen(self.status)
        return [["", "sourced"]] if unseen else []

    def output(self, start: Extent = (0, 0), end: Extent | None = None) -> tuple[str, str]:
        """What was written to standard output and standard error between two places; None is the end."""
        out = self._slice("stdout", self._behind_first_line(start[0]), end and end[0])
        return out, self._slice("stderr", start[1], end[1] if end else self._script_end.printed_at)

    @property
    def extent(self) -> Extent:
        """How much has been written to standard output and standard error."""
        return self._size("stdout"), self._size("stderr")

    def lines(self, start: Extent, end: Extent) -> tuple[tuple[str, str], Extent]:
        """The whole lines between two places, less what may belong to tcltest's own report of a failure.

        Returns:
            The lines of standard output and of standard error, and how far they reach.
        """
        begin = (self._behind_first_line(start[0]), start[1])
        reach = [
            place + whole_lines(self._read[name], place, last)
            for name, place, last in zip(("stdout", "stderr"), begin, end, strict=True)
        ]
        return self.output(begin, (reach[0], reach[1])), (reach[0], reach[1])

    def totals(self, names: Iterable[str], start: Extent, end: Extent | None) -> list[Printed]:
        """The totals that were printed between two places; None is the end.

        Args:
            names: what the lines begin with that tcltest prints for the files.
        """
        begin = self._behind_first_line(start[0])
        stdout = printed_totals(self._read["stdout"], names, begin, end and end[0])
        return stdout + printed_totals(self._read["stderr"], names, start[1], end and end[1])

    @property
    def cut_off(self) -> bool:
        """Whether standard output has lost what was written.

        A file that is opened to write, as `/dev/stdout` may be, is empty then, and no longer begins as ours.
        """
        return os.pread(self._read["stdout"].fileno(), len(_FIRST_LINE), 0) != _FIRST_LINE

    def _behind_first_line(self, place: int) -> int:
        """This place in standard output, or the first that the process can have written."""
        return place if self.cut_off else max(place, len(_FIRST_LINE))

    def _slice(self, name: str, start: int, end: int | None) -> str:
        return excerpt(self._read[name], start, self._size(name) if end is None else end)

    def _size(self, name: str) -> int:
        return os.fstat(self._read[name].fileno()).st_size

    def kill(self) -> None:
        """End the process and all that it has started."""
        kill_group(self._process)

    def close(self) -> None:
        """Kill what still runs, and remove the files."""
        self.kill()
        self._discard()


def script_name(file: Path) -> str:
    """The word by which a Tcl program in the file's folder is to run it."""
    return f"./{file.name}" if file.name.startswith("-") else file.name
