"""What is typed at the prompt, in the user's editor."""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

_VARIABLES = ("VISUAL", "EDITOR")
_USUAL = ("editor", "nano", "pico", "vi", "emacs")


def edited(script: str) -> str | None:
    """Wait for the editor; what it has saved, without the end of the last line, or None if it has failed.

    Raises:
        OSError: there is no place for the file that it is to have.
        ValueError: another thing is wrong; the message says what.
    """
    command = _command()
    # a folder of its own takes what an editor leaves beside the file, and may go without the file
    with tempfile.TemporaryDirectory(prefix="tcltorch-", ignore_cleanup_errors=True) as folder:
        path = Path(folder, "script.tcl")
        path.write_bytes(_encoded(script))
        return _saved(path) if _status([*command, str(path)]) == 0 else None


def _command() -> list[str]:
    """The words that start the editor that a variable names, or else a usual one."""
    for variable in _VARIABLES:
        if value := os.environ.get(variable, "").strip():
            try:
                return shlex.split(value)
            except ValueError as error:
                raise ValueError(f"{variable} is {value}, which is no command: {error}") from None
    found = [name for name in _USUAL if shutil.which(name)]
    if not found:
        raise ValueError(f"no editor is found; {' or '.join(_VARIABLES)} names one when tcltorch is started")
    return found[:1]


def _encoded(script: str) -> bytes:
    try:
        return script.encode()
    except UnicodeEncodeError:  # other bytes of the terminal are lone surrogates
        raise ValueError("what is typed is not UTF-8, and goes into no editor") from None


def _status(command: list[str]) -> int:
    try:
        return subprocess.call(command)
    except OSError as error:
        raise ValueError(f"the editor {command[0]} cannot be run: {error.strerror}") from None


def _saved(path: Path) -> str:
    try:
        return path.read_bytes().decode().removesuffix("\n")
    except OSError as error:
        raise ValueError(f"what the editor has saved cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("what the editor has saved is not UTF-8") from None
