"""The daemon's process, which `tcltorch daemon start` starts."""

import contextlib
import fcntl
import gc
import importlib
import os
import secrets
import socket
import sys

from pybridge import __version__
from pybridge.daemon import child, place
from pybridge.daemon.server import Options, Server
from pybridge.tcl_list import join_list
from pybridge.worker.process import keep_last_words

_WANTED = (  # by children, sooner or later
    "torch",
    "pybridge.dispatch",
    "pybridge.cli",
    "pybridge.hardware",
    "pybridge.quant",
    "pybridge.worker.process",
    "safetensors.torch",
)
_WHERE_THEY_ARE = ("pybridge.interp", "pybridge.interrupt", "pybridge.quant.compiled")


class RunsAlready(Exception):
    """There is a daemon."""


def preload() -> None:
    """Import what children need, and do nothing else with it: no thread may run where they are forked."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # NumPy's, which starts its threads when it is imported
    for name in _WANTED:
        importlib.import_module(name)
    for name in _WHERE_THEY_ARE:
        with contextlib.suppress(ImportError):  # no tkinter, or no numba: the child tells who needs it
            importlib.import_module(name)


def main(words: list[str]) -> None:
    """Serve until told to end. `words`: the number of clients, bytes of memory, seconds of idleness."""
    clients, memory, idle = words
    options = Options(int(clients), int(memory), float(idle))
    last_words = keep_last_words()
    place.make_folder()
    lock = take_lock()
    preload()
    answer = secrets.token_hex()
    orders = _serve(options, answer, lock)
    if orders is not None:
        os.close(lock)
        gc.enable()
        child.live(orders, options.memory, answer, last_words)


def _serve(options: Options, answer: str, lock: int) -> socket.socket | None:
    """Serve clients to the end; in a child, what its orders come from."""
    token = secrets.token_hex()
    port, door = socket.create_server(("127.0.0.1", 0)), _listen_in_folder()
    server = Server(port, door, token, options, lambda: place.has(lock))
    place.write(_described(port.getsockname()[1], token, answer, options))
    _say("ready")
    gc.collect()
    gc.disable()
    gc.freeze()  # a collection in a child would write to every page of the daemon's
    orders = server.serve()
    if orders is None:
        if place.has(lock):  # else the files are another daemon's
            _remove_files()
        server.close()
    return orders


def _remove_files() -> None:
    for kind in ("", "socket"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(place.path(kind))


def take_lock() -> int:
    """Be the one daemon of this user on this host, until the process ends.

    Raises:
        RunsAlready: there is one.
    """
    lock = os.open(place.path("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not a child's as well, as one of flock(2) would be
    except (BlockingIOError, PermissionError):  # POSIX allows both; anything else is no daemon's doing
        os.close(lock)
        raise RunsAlready from None
    _remove_files()  # of one that was killed
    return lock


def _listen_in_folder() -> socket.socket:
    """A socket with a name. The whole name may be too long for bind(2); one through a descriptor is not."""
    door = socket.socket(socket.AF_UNIX)
    folder = os.open(place.folder(), os.O_PATH | os.O_DIRECTORY)
    before = os.umask(0o177)
    try:
        door.bind(f"/proc/self/fd/{folder}/{place.name('socket')}")
    finally:
        os.umask(before)
        os.close(folder)
    door.listen()
    return door


def _described(port: int, token: str, answer: str, options: Options) -> str:
    """What Tcl programs and `tcltorch daemon` read: a dict."""
    facts = {
        "version": __version__,
        "port": str(port),
        "pid": str(os.getpid()),
        "token": token,
        "answer": answer,
        "python": sys.executable,
        "clients": str(options.clients),
        "memory": str(options.memory),
        "idle": f"{options.idle:.0f}",
    }
    return join_list(word for fact in facts.items() for word in fact) + "\n"


def _say(word: str) -> None:
    """Tell `tcltorch daemon start`, which waits for it."""
    with contextlib.suppress(OSError):
        os.write(1, f"{word}\n".encode())
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RunsAlready:
        _say("another")
