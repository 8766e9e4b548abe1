"""`tcltorch daemon start | status | stop`."""

import argparse
import contextlib
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable

from pybridge.daemon import place
from pybridge.daemon.notes import last_of
from pybridge.tcl_list import split_list

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_NEW_LOG = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW
_FLOCK = struct.Struct("hhqqi0q")  # fcntl(2)'s: type, whence, start, length, process
_PATIENCE = 10.0  # seconds for the daemon to end
_TO_LISTEN = 60.0  # seconds for one that somebody else has started to listen
_OPTIONS = ("clients", "memory", "idle")
# Bytes with which a child can compute: 24 MiB were too few for two threads, 96 for eight.
_LEAST, _LEAST_FOR_CORE = 32 << 20, 16 << 20


def main(words: list[str]) -> int:
    """Run the command; the status of the program is returned."""
    chosen, unknown = _parser().parse_known_args(words)
    if unknown:
        chosen.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        return int({"start": start, "status": status, "stop": stop}[chosen.what](chosen))
    except place.NoPlace as error:
        return _complain(str(error))


def start(chosen: argparse.Namespace) -> int:
    """Start the daemon, and return when it listens."""
    folder = place.make_folder()
    words = [str(getattr(chosen, name)) for name in _OPTIONS]
    process = runs()
    if process:
        return _tell_of(process, words)
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    log = os.open(place.path("log"), _NEW_LOG, 0o600)
    started = subprocess.Popen(
        [sys.executable, "-P", "-m", "pybridge.daemon", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        env=environment,
        cwd="/",
        start_new_session=True,
    )
    os.close(log)
    assert started.stdout is not None
    with started.stdout:
        said = started.stdout.readline()
    if said != b"ready\n":
        started.wait()
        process = runs() if said == b"another\n" else 0  # which was started at the same moment
        return _tell_of(process, words) if process else _has_not_started()
    started.returncode = 0  # it is not waited for
    print(f"the daemon runs (process {started.pid}; its files are in {folder})")
    return 0


def _tell_of(process: int, words: list[str]) -> int:
    """Say that this daemon runs, as soon as it listens, and how to have the options that it does not have."""
    deadline = time.monotonic() + _TO_LISTEN
    while (facts := _facts()).get("pid") != str(process):
        if runs() != process:
            return _has_not_started()
        if time.monotonic() > deadline:
            return _complain(f"the daemon runs but does not listen (process {process}): stop ends it")
        time.sleep(0.02)
    print(f"the daemon runs already (process {process})")
    if [facts.get(name) for name in _OPTIONS] != words:
        print(f"it keeps {_shown(facts)}; for others, tcltorch daemon stop, then start")
    return 0


def _has_not_started() -> int:
    return _complain(f"the daemon has not started: {_last_line(place.path('log'))}")


def status(_: argparse.Namespace) -> int:
    """Say whether the daemon runs; the status is 0 or, as of other daemons, 3."""
    if not runs():
        print("the daemon does not run")
        return 3
    facts = _facts()
    if facts:
        print(f"the daemon runs (process {facts['pid']}, tcltorch {facts['version']}, {_shown(facts)})")
        note = last_of(place.path("log"))
        if note:
            print(note)
    else:
        print("the daemon is starting")
    return 0


def stop(_: argparse.Namespace) -> int:
    """End the daemon and its children."""
    process = runs()
    if not process:
        print("the daemon does not run")
        return 0
    _signal(process, signal.SIGTERM)
    if not _ends():
        _signal(process, signal.SIGKILL)  # its children end with it
        _ends()
    print("the daemon has ended")
    return 0


def runs() -> int:
    """The process of the daemon that runs; 0 when there is none, whatever one that crashed has left."""
    try:
        lock = os.open(place.path("lock"), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise _unusable("lock", error.strerror) from None
    try:
        # Who has the lock is asked without taking it: a daemon that starts now must get it.
        answer = fcntl.fcntl(lock, fcntl.F_GETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    except OSError as error:  # a file system without locks, such as some of a network
        raise _unusable("lock", error.strerror) from None
    finally:
        os.close(lock)
    kind, _, _, _, process = _FLOCK.unpack(answer)
    return 0 if kind == fcntl.F_UNLCK else max(0, process)  # never a number that kill(2) takes for many


def _unusable(kind: str, why: str | None) -> place.NoPlace:
    return place.NoPlace(f'cannot use "{place.path(kind)}": {why}')


def _signal(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
        os.kill(process, number)


def _ends() -> bool:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if not runs():
            return True
        time.sleep(0.02)
    return False


def _facts() -> dict[str, str]:
    """What Tcl programs are told; nothing while the daemon starts.

    Raises:
        NoPlace: the file cannot be read, or is no longer what the daemon has written.
    """
    try:
        with open(place.path(), encoding="utf-8") as file:
            words = split_list(file.read())
        facts = dict(zip(words[::2], words[1::2], strict=True))
        return {name: facts[name] for name in ("version", "pid")} | {
            name: str(int(facts[name])) for name in _OPTIONS
        }
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unusable("", error.strerror) from None
    except (ValueError, KeyError):
        raise _unusable("", "it is damaged; tcltorch daemon stop, then start, makes another") from None


def _shown(facts: dict[str, str]) -> str:
    """The options of a daemon, as `start` takes them; what has no limit is left out."""
    units = {"clients": {"": 1}, "memory": _BYTES, "idle": _SECONDS}
    numbers = {name: int(facts[name]) for name in _OPTIONS}
    return " ".join(
        f"--{name} {_with_unit(number, units[name])}" for name, number in numbers.items() if number
    )


def _with_unit(number: int, units: dict[str, int]) -> str:
    unit = max((each for each in units if number % units[each] == 0), key=lambda each: (units[each], each))
    return f"{number // units[unit]}{unit}"


def _last_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return (file.read().strip().splitlines() or ["it says nothing"])[-1]
    except OSError as error:  # somebody has removed the folder
        return f"nor can its log be read: {error.strerror}"


def _complain(message: str) -> int:
    print(f"tcltorch daemon: {message}", file=sys.stderr)
    return 1


def _number(pattern: str, units: dict[str, int], what: str) -> Callable[[str], int]:
    def read(word: str) -> int:
        found = re.fullmatch(rf"(\d+)({pattern})", word.lower())
        if not found or not int(found[1]):
            raise argparse.ArgumentTypeError(f'expected {what} but got "{word}"')
        return int(found[1]) * units[found[2]]

    return read


def least_memory() -> int:
    """How many bytes a child needs to compute at all, most of them for the stacks of its threads."""
    return _LEAST + len(os.sched_getaffinity(0)) * _LEAST_FOR_CORE


def _memory(word: str) -> int:
    number = _number("[kmg]?", _BYTES, "a whole number of bytes, such as 500m or 4g")(word)
    if number < least_memory():
        raise argparse.ArgumentTypeError(
            f'a child needs at least {_with_unit(least_memory(), _BYTES)} but got "{word}"'
        )
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tcltorch daemon", allow_abbrev=False)
    commands = parser.add_subparsers(dest="what", required=True, metavar="start | status | stop")
    starts = commands.add_parser("start", help="start it, and return when it listens", allow_abbrev=False)
    starts.add_argument(
        "--clients",
        type=_number("", _SECONDS, "a whole number of clients"),
        default=16,
        metavar="N",
        help="how many there may be at a time (16)",
    )
    starts.add_argument(
        "--memory",
        type=_memory,
        default=0,
        metavar="SIZE",
        help="what a client's child may allocate: bytes, or with k, m or g, such as 500m or 4g (no limit)",
    )
    starts.add_argument(
        "--idle",
        type=_number("[smhd]?", _SECONDS, "a whole number with s, m, h or d, such as 90s or 10m"),
        default=3600,
        metavar="TIME",
        help="how long it goes on without clients: seconds, or with s, m, h or d, such as 10m (1h)",
    )
    tells = commands.add_parser("status", help="say whether it runs")
    stops = commands.add_parser("stop", help="end it and its children")
    for each in (starts, tells, stops):
        each.set_defaults(parser=each)  # whose usage is shown for words that it does not know
    return parser
