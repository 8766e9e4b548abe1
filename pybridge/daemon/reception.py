"""Where clients come in: two listening sockets, and callers until they have said who they are."""

import collections
import errno
import math
import socket
import time
from collections.abc import Callable

from pybridge.daemon.hello import Caller, Refused
from pybridge.daemon.notes import Notes
from pybridge.daemon.watch import Watch

_MOST_CALLERS = 64  # that have not yet said who they are
_PAUSE = 1.0  # seconds before it is tried again to accept, after that has failed
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Reception:
    """Lets callers in that are clients, and notes why others are refused.

    Args:
        port: for Tcl programs; who connects must know the token.
        door: for the `tcltorch` program; only its user can reach it.
        check_room: raises Refused where there is no room for another client.

    Attributes:
        admitted: those that were let in and have no child yet, in turn, with what they have said.
    """

    def __init__(
        self,
        port: socket.socket,
        door: socket.socket,
        token: str,
        watch: Watch,
        notes: Notes,
        check_room: Callable[[], None],
    ) -> None:
        self._port, self._door, self._token = port, door, token
        self._watch, self._notes, self._check_room = watch, notes, check_room
        self._callers: dict[int, Caller] = {}
        self.admitted: collections.deque[tuple[Caller, bytes]] = collections.deque()
        for listening in (port, door):
            listening.setblocking(False)
        self._listens = math.inf  # when it does again, after it could not
        self._listen()

    def has(self, descriptor: int) -> bool:
        """Whether it is that of a caller that has not yet said who it is."""
        return descriptor in self._callers

    def next_moment(self) -> float:
        """When `look_at_the_clock` has something to do, unless something happens before."""
        return min([self._listens, *(caller.deadline for caller in self._callers.values())])

    def look_at_the_clock(self) -> None:
        """Listen again when it is time to, and let go of callers that have been silent for too long."""
        now = time.monotonic()
        if now >= self._listens:
            self._listen()
        for descriptor, caller in list(self._callers.items()):
            if now >= caller.deadline:
                self._note_refusal("it has not said in time who it is")
                self._forget(descriptor).close()

    def close(self) -> None:
        """Let go of all that is open."""
        for caller in (*self._callers.values(), *(caller for caller, _ in self.admitted)):
            caller.close()
        for listening in (self._port, self._door):
            listening.close()

    def _listen(self) -> None:
        self._listens = math.inf
        self._watch.add(self._port.fileno(), lambda _: self._accept(self._port, of_program=False))
        self._watch.add(self._door.fileno(), lambda _: self._accept(self._door, of_program=True))

    def _accept(self, listening: socket.socket, *, of_program: bool) -> None:
        try:
            connection, _ = listening.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:  # it would be told of the same caller again and again
                for each in (self._port, self._door):
                    self._watch.remove(each.fileno())
                self._listens = time.monotonic() + _PAUSE
            return  # else it has gone already
        if len(self._callers) >= _MOST_CALLERS:
            self._note_refusal(f"{_MOST_CALLERS} others have not yet said who they are")
            connection.close()
            return
        connection.setblocking(False)
        if not of_program:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        descriptor = connection.fileno()
        self._callers[descriptor] = Caller(connection, of_program)
        self._watch.add(descriptor, lambda _: self._hear(descriptor))

    def _hear(self, descriptor: int) -> None:
        try:
            said = self._callers[descriptor].hear(self._token)
            if said is None:
                return
            self._check_room()
        except Refused as error:
            self._note_refusal(str(error))
            self._forget(descriptor).close()
            return
        self.admitted.append((self._forget(descriptor), said))

    def _note_refusal(self, why: str) -> None:
        self._notes.add(f"refused a program: {why}")

    def _forget(self, descriptor: int) -> Caller:
        self._watch.remove(descriptor)
        return self._callers.pop(descriptor)
