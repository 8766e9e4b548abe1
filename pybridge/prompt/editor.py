"""What is typed at the prompt, in the user's editor."""

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from pybridge.exit_status import how_ended

_VARIABLES = ("VISUAL", "EDITOR")
_USUAL = ("editor", "nano", "pico", "vi", "emacs")
_getenv = ctypes.CDLL(None).getenv  # knows what Tcl has set in `env`; os.environ is as it was at the start
_getenv.restype = ctypes.c_char_p


def edited(script: str, command: list[str]) -> str:
    """Wait for the editor; what it has saved, without the end of the last line.

    Args:
        command: what `editor_command` has found.

    Raises:
        OSError: there is no place for the file that it is to have.
        ValueError: another thing is wrong; the message says what.
    """
    # a folder of its own takes what an editor leaves beside the file, and may go without the file
    with tempfile.TemporaryDirectory(prefix="tcltorch-", ignore_cleanup_errors=True) as folder:
        path = Path(folder, "script.tcl")
        path.write_bytes(_encoded(script))
        _run([*command, str(path)])
        return _saved(path)


def editor_command() -> list[str]:
    """The words that start the editor that a variable of the environment names, or else a usual one.

    Called in the thread of Tcl, which may change the environment at any other time.

    Raises:
        ValueError: there is none; the message says why.
    """
    path = _environment("PATH") or os.defpath
    for variable in _VARIABLES:
        if value := _environment(variable).strip():
            try:
                name, *words = shlex.split(value)
            except ValueError as error:
                raise ValueError(f"{variable} is {value}, which is no command: {error}") from None
            return [shutil.which(name, path=path) or name, *words]
    found = [program for name in _USUAL if (program := shutil.which(name, path=path))]
    if not found:
        raise ValueError("no editor is found; set env(EDITOR) names one")
    return found[:1]


def _environment(variable: str) -> str:
    return os.fsdecode(_getenv(variable.encode()) or b"")


def _encoded(script: str) -> bytes:
    try:
        return script.encode()
    except UnicodeEncodeError:  # other bytes of the terminal are lone surrogates
        raise ValueError("what is typed is not UTF-8, and goes into no editor") from None


def _run(command: list[str]) -> None:
    try:
        status = subprocess.call(command)
    except OSError as error:
        raise ValueError(f"the editor {command[0]} cannot be run: {error.strerror}") from None
    if status:
        raise ValueError(f"the editor {command[0]} {how_ended(status)}: nothing is run")


def _saved(path: Path) -> str:
    try:
        return path.read_bytes().decode().removesuffix("\n")
    except OSError as error:
        raise ValueError(f"what the editor has saved cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("what the editor has saved is not UTF-8") from None
