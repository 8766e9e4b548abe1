"""The options of the plugin, read and checked once."""

import math
import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from _pytest.pathlib import fnmatch_ex  # so that patterns mean what they mean in python_files

_PROCESSES = ("file", "session")
_OWN = Path(sys.executable).with_name("tcltorch")


@dataclass(frozen=True)
class Settings:
    """What the user has configured.

    Args:
        files: glob patterns of the names of test files, or of their paths where there is a `/` in one.
        interpreter: the words of the command that runs a Tcl script; empty for tcltorch itself.
        setup: a Tcl script that is sourced before each test file.
        arguments: the words that a test file finds in `$argv`.
        strict_leaks: whether a test fails that leaves handles behind.
        process: `file`, a process for each file, or `session`, one for all.
        timeout: seconds that one file may take.
        compare: whether each file is run once more without pytest, to compare what it counts.
    """

    files: tuple[str, ...]
    interpreter: tuple[str, ...]
    setup: Path | None
    arguments: tuple[str, ...]
    strict_leaks: bool
    process: str
    timeout: float
    compare: bool

    @property
    def command(self) -> tuple[str, ...]:
        """The words in front of a Tcl script's name."""
        # -u: what Python holds back would end up in a later test
        return self.interpreter or (sys.executable, "-u", "-m", "pybridge")

    @property
    def timed_out(self) -> str:
        """Why a process was stopped that ran too long."""
        return f"took more than {self.timeout:g} seconds (tcltest_timeout)"

    def is_test_file(self, path: Path) -> bool:
        """Whether pytest is to run this file."""
        return any(fnmatch_ex(pattern, path) for pattern in self.files)


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("tcltest", "Tcl test suites (tcltest)")
    parser.addini("tcltest_files", "names of Tcl test files (glob patterns)", type="args", default=["*.test"])
    described = {
        "interpreter": ("COMMAND", "program that runs the Tcl tests, with its options (default: tcltorch)"),
        "setup": ("FILE", "Tcl script to source before each Tcl test file"),
        "args": ("WORDS", "what Tcl test files find in $argv, such as '-constraints slow'"),
        "process": ("KIND", "'file' (default): a process for each Tcl test file; 'session': one for all"),
        "timeout": ("SECONDS", "how long a Tcl test file may take (default: 300)"),
    }
    for name, (metavar, text) in described.items():
        group.addoption(f"--tcltest-{name}", dest=f"tcltest_{name}", metavar=metavar, help=text)
    for name in ("interpreter", "args"):
        parser.addini(f"tcltest_{name}", described[name][1], type="args", default=[])
    parser.addini("tcltest_setup", described["setup"][1], default="")
    parser.addini("tcltest_process", described["process"][1], default="file")
    # a number in pytest's own TOML tables, where the installed pytest knows of numbers
    number: Literal["float", "string"] = "float" if pytest.version_tuple >= (8, 4) else "string"
    parser.addini("tcltest_timeout", described["timeout"][1], type=number, default="300")
    switches = {
        "strict_leaks": "fail a Tcl test that leaves torch handles behind",
        "compare": "run each Tcl test file once more without pytest; an error if it counts other results",
    }
    for name, text in switches.items():
        option = f"--tcltest-{name.replace('_', '-')}"
        group.addoption(option, dest=f"tcltest_{name}", action="store_true", default=None, help=text)
        parser.addini(f"tcltest_{name}", text, type="bool", default=False)


def read_settings(config: pytest.Config) -> Settings:
    """The settings of this run.

    Raises:
        pytest.UsageError: a value is not allowed.
    """
    return Settings(
        # pytest's function finds nothing for a pattern with `./`
        files=tuple(map(os.path.normpath, _strings(config, "files"))),
        interpreter=_interpreter(config),
        setup=_setup(config),
        arguments=tuple(_words(config, "args")),
        strict_leaks=bool(_value(config, "strict_leaks")[0]),
        process=_process(config),
        timeout=_timeout(config),
        compare=_compare(config),
    )


def _ini(config: pytest.Config, name: str) -> Any:
    """What the configuration says of an option, or its default.

    Raises:
        pytest.UsageError: it is of another type; the message names the option.
    """
    option = f"tcltest_{name}"
    try:
        return config.getini(option)
    except (TypeError, ValueError, pytest.UsageError) as error:
        message = str(error)
        raise pytest.UsageError(message if option in message else f"{option}: {message}") from None


def _strings(config: pytest.Config, name: str) -> list[str]:
    value = _ini(config, name)
    # pytest itself checks this in its own TOML tables alone
    if not all(isinstance(each, str) for each in value):
        raise pytest.UsageError(f"tcltest_{name} must be a list of strings, not {value!r}")
    return list(value)


def _words(config: pytest.Config, name: str) -> list[str]:
    given = config.getoption(f"tcltest_{name}")
    if given is None:
        return _strings(config, name)
    try:
        return shlex.split(given)
    except ValueError as error:
        raise pytest.UsageError(f"--tcltest-{name}: {str(error).lower()}: {given}") from None


def _value(config: pytest.Config, name: str) -> tuple[Any, str]:
    """The value of an option, and how the user spells the option."""
    given = config.getoption(f"tcltest_{name}")
    if given is not None:
        return given, f"--tcltest-{name}"
    return _ini(config, name), f"tcltest_{name}"


def _folder(config: pytest.Config, name: str) -> Path:
    """What a relative path in an option starts from: where pytest, or where its configuration was found."""
    if config.getoption(f"tcltest_{name}") is not None:
        return config.invocation_params.dir
    return config.inipath.parent if config.inipath else config.rootpath


def _interpreter(config: pytest.Config) -> tuple[str, ...]:
    words = _words(config, "interpreter")
    if words and "/" in words[0]:  # a test file's process starts in the file's folder
        words[0] = str(_folder(config, "interpreter") / Path(words[0]).expanduser())
    return () if len(words) == 1 and _is_own(words[0]) else tuple(words)


def _is_own(program: str) -> bool:
    """Whether this is the tcltorch that runs the files anyway."""
    found = shutil.which(program)
    return found is not None and _OWN.is_file() and os.path.samefile(found, _OWN)


def _setup(config: pytest.Config) -> Path | None:
    value, spelled = _value(config, "setup")
    if not isinstance(value, str):
        raise pytest.UsageError(f"{spelled} must be the name of a file, not {value!r}")
    if not value:
        return None
    path = _folder(config, "setup") / Path(value).expanduser()
    if not path.is_file():
        raise pytest.UsageError(f"{spelled}: no such file: {path}")
    return path


def _process(config: pytest.Config) -> str:
    value, spelled = _value(config, "process")
    if value not in _PROCESSES:
        raise pytest.UsageError(f"{spelled} must be {' or '.join(_PROCESSES)}, not {value!r}")
    return str(value)


def _compare(config: pytest.Config) -> bool:
    wanted, spelled = _value(config, "compare")
    if wanted and _value(config, "setup")[0]:
        raise pytest.UsageError(
            f"{spelled} cannot have a set-up script (tcltest_setup): without pytest none is run"
        )
    return bool(wanted)


def _timeout(config: pytest.Config) -> float:
    value, spelled = _value(config, "timeout")
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise pytest.UsageError(f"{spelled} must be a number of seconds greater than 0, not '{value}'")
    return seconds
