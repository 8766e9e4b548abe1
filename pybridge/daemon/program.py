"""The `tcltorch` program as a client of the daemon: a child of it runs the script on this process's channels.

Nothing is imported here that takes time: Python's own start is most of what a short script waits for.
"""

import _socket
import os
import signal
import sys

from pybridge import __version__
from pybridge.daemon import place

_PASSED_ON = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_PATIENCE = 60.0  # seconds for the daemon to say that a child has taken over


def run(words: list[str]) -> int | None:
    """Have a child of the daemon's run the program with these words.

    Returns:
        Its exit status; None when there is no daemon that would, and nothing has been run.
    """
    if os.environ.get("TORCH_TCL_DAEMON") == "0":
        return None
    try:
        connection = _connect()
        connection.settimeout(_PATIENCE)
        _introduce(connection, words)
        if connection.recv(1) != b"+":
            return None
    except TimeoutError:  # it may run the script yet: then it would run twice
        os.write(2, b"tcltorch: the daemon does not answer: tcltorch daemon stop ends it\n")
        return 1
    except (OSError, place.NoPlace):  # no daemon, or one that did not take the hello
        return None
    connection.settimeout(None)
    return _wait(connection)


def _connect() -> _socket.socket:
    folder = place.folder()
    if not place.is_own(folder):
        raise place.NoPlace
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    held = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{held}/{place.name('socket')}")  # the whole name may be too long
    finally:
        os.close(held)
    return connection


def _introduce(connection: _socket.socket, words: list[str]) -> None:
    """Say the hello that pybridge/daemon/hello.py tells of."""
    umask = os.umask(0o077)
    os.umask(umask)
    facts = [__version__, place.package_folder(), place.locale_name(), str(umask), str(len(words))]
    variables = [f"{name}={value}" for name, value in os.environ.items()]
    text = "\0".join((*facts, *words, *variables)).encode("utf-8", "surrogateescape")
    header = len(text).to_bytes(4, "big") + bytes(4)
    folder = os.open(".", os.O_PATH | os.O_DIRECTORY)
    try:
        descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2, folder))
        sent = connection.sendmsg([header, text], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
        rest = (header + text)[sent:]
        if rest:  # else the child may have ended already, and an error here would have the script run twice
            connection.sendall(rest)
    finally:
        os.close(folder)


def _wait(connection: _socket.socket) -> int:
    """Pass signals on until the child has ended, and end as it did."""

    def pass_on(number: int, _: object = None) -> None:
        try:
            connection.send(bytes([number]))
        except OSError:  # the child has just ended, and how it did can still be read
            pass

    def stop(*_: object) -> None:  # Ctrl-Z
        pass_on(signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        pass_on(signal.SIGCONT)

    for number in _PASSED_ON:
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:  # as nohup leaves it
            signal.signal(number, pass_on)
    signal.signal(signal.SIGTSTP, stop)
    try:
        ending = connection.recv(2)
    except OSError:  # the daemon was killed
        ending = b""
    if len(ending) < 2:
        os.write(2, b"tcltorch: the daemon has ended\n")
        return 1
    if ending[:1] == b"s":
        if ending[1] != signal.SIGKILL:  # which nobody can handle
            signal.signal(ending[1], signal.SIG_DFL)
        os.kill(os.getpid(), ending[1])
    return ending[1]
