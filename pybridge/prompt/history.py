"""What was typed, in a file that several prompts may write to at the same time."""

import os
import stat
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import dropwhile
from pathlib import Path

from prompt_toolkit.history import History

_MOST = 2_000_000  # bytes that are read, from the end


def history_path() -> Path | None:
    """`$XDG_STATE_HOME/tcltorch/history`, by default under ~/.local/state; None for a user without a home."""
    state = os.environ.get("XDG_STATE_HOME", "")
    try:
        folder = Path(state) if os.path.isabs(state) else Path("~/.local/state").expanduser()
    except RuntimeError:
        return None
    return folder / "tcltorch" / "history"


class HistoryFile(History):
    """Entries in the form of prompt_toolkit's FileHistory: a plus sign before each line of an entry.

    An entry is written in one piece, so that those of two prompts do not mix. Without a usable file there is
    a history all the same, until the program ends.

    Args:
        path: None where there is no place for a file.
        warn: told once why the file cannot be used.
    """

    def __init__(self, path: Path | None, warn: Callable[[str], None]) -> None:
        super().__init__()
        self._path = path
        self._warn = warn
        self._read: list[str] = []
        if path is None:
            self._warn("no history is kept: there is neither XDG_STATE_HOME nor a home directory")
            return
        try:
            self._read = _entries(path)
        except OSError as error:
            self._give_up(error)

    def load_history_strings(self) -> Iterable[str]:
        """The entries that were there at the start, the latest first."""
        return reversed(self._read)

    def append_string(self, string: str) -> None:
        super().append_string(string.rstrip("\n"))

    def store_string(self, string: str) -> None:
        if self._path is None:
            return
        lines = "".join(f"+{line}\n" for line in string.split("\n"))
        entry = f"\n# {datetime.now().isoformat(' ')}\n{lines}".encode("utf-8", "replace")
        try:
            descriptor = _open(self._path, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(descriptor, entry)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self._warn(f"no history is kept in {self._path}: {error.strerror}")
        self._path = None


def _entries(path: Path) -> list[str]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(_open(path, os.O_RDWR), "rb") as file:
        start = max(0, file.seek(0, os.SEEK_END) - _MOST)
        file.seek(start)
        lines = file.read().decode("utf-8", "replace").split("\n")
    if start:  # within a line, and perhaps within an entry, whose end would be offered as a script
        lines = list(dropwhile(lambda line: line.startswith("+"), lines[1:]))
    entries: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("+"):
            entries[-1].append(line[1:])
        elif entries[-1]:
            entries.append([])
    return ["\n".join(entry) for entry in entries if entry]


def _open(path: Path, flags: int) -> int:
    # A pipe of this name must not stop the program.
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "not a regular file")
    return descriptor
