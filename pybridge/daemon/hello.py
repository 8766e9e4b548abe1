"""What clients say first, and what a child takes over from its client.

A Tcl program connects to a port of the loopback device and sends a frame of number 0 (see worker/frames.py):
`!client token version folder pid environment arguments`; what the system has told it, it tells as bytes. The
`tcltorch` program connects to a socket in the daemon's folder and sends the same kind of frame, with its
words between NULs and four descriptors.
"""

import contextlib
import hmac
import locale
import marshal
import os
import socket
import time
from dataclasses import astuple, dataclass

from pybridge import __version__
from pybridge.daemon.place import locale_name, package_folder
from pybridge.tcl_list import split_list
from pybridge.worker.frames import HEADER, decode

LONGEST = 1 << 20  # bytes of a hello
PATIENCE = 5.0  # seconds for a hello
DESCRIPTORS = 4  # of a program: standard input, output and errors, and its folder


class Refused(Exception):
    """This is no client of ours."""


@dataclass(frozen=True)
class Identity:
    """What a child has of its client.

    Args:
        arguments: the words of its command line.
        folder: where it runs; empty when the child gets it as a descriptor.
    """

    arguments: list[str]
    environment: dict[str, str]
    umask: int
    folder: str

    def to_bytes(self) -> bytes:
        return marshal.dumps(astuple(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Identity":
        return cls(*marshal.loads(data))

    def take_over(self) -> None:
        """Make this process look like its client."""
        os.umask(self.umask)
        if self.folder:
            os.chdir(self.folder)
        before = locale_name()
        for name in os.environ.keys() - self.environment.keys():
            del os.environ[name]
        for name, value in self.environment.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        time.tzset()
        if locale_name() != before:
            # A name that this machine does not know is ignored, as Python does at its start.
            with contextlib.suppress(locale.Error):
                locale.setlocale(locale.LC_CTYPE, "")


class Caller:
    """Somebody who has connected and has not yet said all of a hello.

    Args:
        connection: to be read without waiting.
        of_program: whether it is one of the `tcltorch` program.
    """

    def __init__(self, connection: socket.socket, of_program: bool) -> None:
        self.connection, self.of_program = connection, of_program
        self.deadline = time.monotonic() + PATIENCE
        self.descriptors: list[int] = []
        self._data = b""

    def hear(self) -> str | None:
        """Read what has come: the hello when all of it is there.

        Raises:
            Refused: it is none, or too long.
        """
        try:
            data, descriptors, _, _ = socket.recv_fds(
                self.connection, 1 << 16, DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return None
        except OSError as error:
            raise Refused(str(error)) from None
        self.descriptors += descriptors
        self._data += data
        begun = self._data[: HEADER.size].ljust(HEADER.size, b"\0")  # the length comes first, and tells most
        length, number, size = HEADER.unpack(begun)
        if not data or length > LONGEST or number or size:
            raise Refused("no hello")
        end = HEADER.size + length
        return decode(self._data[HEADER.size : end]) if len(self._data) >= end else None

    def close(self) -> None:
        """Let go of it, and of what it has brought."""
        self.close_descriptors()
        self.connection.close()

    def close_descriptors(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []

    def identity(self, text: str, token: str) -> Identity:
        """Who says this hello.

        Raises:
            Refused: it does not know the token, or is not of this version.
        """
        try:
            return self._of_program(text) if self.of_program else _of_tcl(text, token)
        except (ValueError, OverflowError):  # words that are missing, or no numbers
            raise Refused("no hello") from None

    def _of_program(self, text: str) -> Identity:
        version, home, locale_there, umask, count, *words = text.split("\0")
        if (version, home, locale_there) != (__version__, package_folder(), locale_name()):
            raise Refused("another version")
        if len(self.descriptors) != DESCRIPTORS:
            raise Refused("no descriptors")
        arguments, variables = words[: int(count)], words[int(count) :]
        environment = dict(variable.split("=", 1) for variable in variables)
        return Identity(arguments, environment, int(umask) & 0o777, "")


def _of_tcl(text: str, token: str) -> Identity:
    verb, known, version, folder, process, variables, arguments = split_list(text)
    if verb != "!client" or not hmac.compare_digest(known.encode("utf-8", "replace"), token.encode()):
        raise Refused("a wrong token")
    if version != __version__:
        raise Refused("another version")
    names = [_from_system(word) for word in split_list(variables)]
    environment = dict(zip(names[::2], names[1::2], strict=True))
    words = [_from_system(word) for word in split_list(arguments)]
    return Identity(words, environment, _umask_of(int(process)), _from_system(folder))


def _from_system(word: str) -> str:
    """What Python has for these bytes, which Tcl has told as characters."""
    return os.fsdecode(word.encode("latin-1"))


def _umask_of(process: int) -> int:
    """The umask of a process of this user's; this one's where it cannot be told."""
    status = f"/proc/{process}/status"
    try:
        if os.stat(status).st_uid == os.geteuid():
            with open(status, encoding="utf-8", errors="replace") as file:
                return next(int(line.split()[1], 8) for line in file if line.startswith("Umask:"))
    except (OSError, StopIteration, ValueError):
        pass  # it has ended, or the kernel does not tell umasks (Linux before 4.7)
    own = os.umask(0o077)
    os.umask(own)
    return own
