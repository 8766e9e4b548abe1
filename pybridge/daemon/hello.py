"""What clients say first, and what a child takes over from its client.

A Tcl program connects to a port of the loopback device and sends a frame of number 0 (see worker/frames.py):
`!client token version folder pid environment arguments`; what the system has told it, it tells as bytes. The
`tcltorch` program connects to a socket in the daemon's folder and sends the same kind of frame with four
descriptors; its words, each but the last with a NUL behind it, are the version, the folder of the package,
the locale, the umask, how many arguments there are, these, and the environment.

The daemon looks at no more of it than tells whether this is a client of its own. The child reads the rest.
"""

import contextlib
import hmac
import locale
import os
import re
import socket
import time
from dataclasses import dataclass

from pybridge import __version__
from pybridge.daemon.place import locale_name, package_folder
from pybridge.tcl_list import split_list
from pybridge.worker.frames import HEADER, decode, encode

LONGEST = 1 << 20  # bytes of a hello
PATIENCE = 5.0  # seconds for a hello
DESCRIPTORS = 4  # of a program: standard input, output and errors, and its folder


class Refused(Exception):
    """This is no client of ours; the message says why."""


@dataclass(frozen=True)
class Identity:
    """What a child has of its client.

    Args:
        arguments: the words of its command line.
        environment: its variables, and no others.
        folder: where it runs; empty when the child gets it as a descriptor.
        process: its pid; 0 where the umask is known.
        umask: None where its process has to be looked at.
    """

    arguments: list[str]
    environment: dict[str, str]
    folder: str = ""
    process: int = 0
    umask: int | None = None

    @classmethod
    def of_tcl(cls, said: bytes) -> "Identity":
        """That of a Tcl program, from what follows the version in its hello.

        Raises:
            ValueError: the words are too few or too many, or one is no list, number or environment.
        """
        folder, process, variables, arguments = split_list(decode(said))
        names = [_from_system(word) for word in split_list(variables)]
        environment = dict(zip(names[::2], names[1::2], strict=True))
        if "\0" in variables or not all(name and "=" not in name for name in environment):
            raise ValueError("no environment")  # Tcl has such variables, for itself alone
        words = [_from_system(word) for word in split_list(arguments)]
        return cls(words, environment, _from_system(folder), int(process))

    @classmethod
    def of_program(cls, said: bytes) -> "Identity":
        """That of a `tcltorch` program, from what follows the locale in its hello.

        Raises:
            ValueError: a word is missing, or is no number or no variable.
        """
        umask, count, *words = decode(said).split("\0")
        arguments, variables = words[: int(count)], words[int(count) :]
        environment = dict(variable.split("=", 1) for variable in variables)
        return cls(arguments, environment, umask=int(umask) & 0o777)

    def take_over(self) -> None:
        """Make this process look like its client, wherever that is."""
        umask = _umask_of(self.process) if self.umask is None else self.umask
        if umask is not None:
            os.umask(umask)
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

    def hear(self, token: str) -> bytes | None:
        """Read what has come, without waiting.

        Args:
            token: what a Tcl program must know.

        Returns:
            What `Identity` reads of the hello, once all of it is there; until then None.

        Raises:
            Refused: it is none, too long, of another version, or does not know the token.
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
        begun = self._data[: HEADER.size].ljust(HEADER.size, b"\0")  # the length may have come alone
        length, number = HEADER.unpack(begun)
        if not data:
            raise Refused("it has gone before it has said who it is")
        if number:
            raise Refused("it has said something else than a client says")
        if length > LONGEST:
            # without the length: each reason is noted and remembered, and anybody can come with a new one
            raise Refused(f"its environment and arguments have more than {LONGEST} bytes")
        end = HEADER.size + length
        return self._admitted(self._data[HEADER.size : end], token) if len(self._data) >= end else None

    def _admitted(self, hello: bytes, token: str) -> bytes:
        begin = _begin_of_program() if self.of_program else begin_of_tcl(token)
        if not hmac.compare_digest(hello[: len(begin)], begin):
            raise Refused(_of_program_differs(hello) if self.of_program else _of_tcl_differs(hello, token))
        if self.of_program and len(self.descriptors) != DESCRIPTORS:
            raise Refused("its channels have not come with what it has said")
        return hello[len(begin) :]

    def close(self) -> None:
        """Let go of it, and of what it has brought."""
        self.close_descriptors()
        self.connection.close()

    def close_descriptors(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []


def begin_of_tcl(token: str) -> bytes:
    """How a Tcl program begins that is a client of the daemon with this token."""
    return encode(f"!client {token} {__version__} ")


def _begin_of_program() -> bytes:
    return encode("".join(f"{fact}\0" for fact in _facts_of_program().values()))


def _facts_of_program() -> dict[str, str]:
    return {"version": __version__, "package": package_folder(), "locale": locale_name()}


def _of_program_differs(hello: bytes) -> str:
    theirs = decode(hello).split("\0")
    for (what, ours), other in zip(_facts_of_program().items(), theirs, strict=False):
        if other != ours:
            return _differs(what, other, ours)
    return "it has not said all of who it is"


def _of_tcl_differs(hello: bytes, token: str) -> str:
    known = encode(f"!client {token} ")
    if not hmac.compare_digest(hello[: len(known)], known):
        return "it does not know the token"
    return _differs("version", decode(hello[len(known) :]).partition(" ")[0], __version__)


def _differs(what: str, theirs: str, ours: str) -> str:
    return f"its {what} is {theirs!r}, the daemon's {ours!r}"


def _from_system(word: str) -> str:
    """What Python has for these bytes, which Tcl has told as characters."""
    return word if word.isascii() else os.fsdecode(word.encode("latin-1"))


def _umask_of(process: int) -> int | None:
    """The umask of a process of this user's; None where it cannot be told."""
    try:
        with open(f"/proc/{process}/status", "rb", 0) as file:
            told = re.search(rb"^Umask:\s*([0-7]+)$", file.read(1024), re.MULTILINE)
            own = os.fstat(file.fileno()).st_uid == os.geteuid()
    except OSError:  # it has ended
        return None
    return int(told[1], 8) if told and own else None  # Linux before 4.7 does not tell umasks
