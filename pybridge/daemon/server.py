"""The daemon: lets clients in, gives each a child, and sees to their end.

It never does more than that, and has one thread: what it forks is as fresh as after the imports. A child is
forked before its client comes, because forking takes longer than all the rest.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from pybridge.daemon.child import prepare
from pybridge.daemon.hello import Caller, Refused, begin_of_tcl
from pybridge.daemon.notes import Notes
from pybridge.daemon.reception import Reception
from pybridge.daemon.watch import Watch
from pybridge.worker.frames import head

_SET_PDEATHSIG = 1  # prctl(2)
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_OF_TERMINALS = {signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGSTOP, signal.SIGCONT}
_PASSED_ON = {*_OF_TERMINALS, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}
_GRACE = 2.0  # seconds for children to end
_PAUSE = 1.0  # seconds before it is tried again to fork, after that has failed
_HEAD_START = 0.5  # seconds that a client's child has before the next one is forked, and warms up
_HUNG_UP = select.POLLRDHUP | select.POLLHUP | select.POLLERR


@dataclass(frozen=True)
class Options:
    """What `tcltorch daemon start` can be told.

    Args:
        clients: how many there may be at a time.
        memory: bytes that a child may allocate; 0 for any number.
        idle: seconds without a client after which the daemon ends.
    """

    clients: int = 16
    memory: int = 0
    idle: float = 3600.0


@dataclass
class Child:
    """A child, and its client when it has one."""

    process: int
    orders: socket.socket
    connection: socket.socket | None = None
    of_program: bool = False


class Server:
    """Serves the clients of two listening sockets.

    Args:
        port: for Tcl programs; who connects must know the token.
        door: for the `tcltorch` program; only its user can reach it.
        is_found: whether clients still find it by its files.

    Raises:
        ValueError: this is not the main thread, which signals come to.
    """

    def __init__(
        self,
        port: socket.socket,
        door: socket.socket,
        token: str,
        options: Options,
        is_found: Callable[[], bool],
    ) -> None:
        self._token, self._options, self._is_found = token, options, is_found
        self._watch, self._notes = Watch(), Notes()
        self._reception = Reception(port, door, token, self._watch, self._notes, self._check_room)
        self._spare: Child | None = None
        self._children: dict[int, Child] = {}  # those with a client, by process
        self._ended = False
        self._busy = time.monotonic()  # when there was a client last
        self._possible = 0.0  # when forking may be tried again after it has failed
        self._convenient = 0.0  # when a new child does not get in the way of the last one
        self._prctl = ctypes.CDLL(None).prctl
        self._alarm, self._woken = socket.socketpair()
        for side in (self._alarm, self._woken):
            side.setblocking(False)
        self._watch.add(self._woken.fileno(), lambda _: self._take_signals())
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._alarm.fileno(), warn_on_full_buffer=False)

    def serve(self) -> socket.socket | None:
        """Serve until a signal, or for lack of clients; in a child, what its orders come from."""
        while not self._ended:
            if self._spare is None and time.monotonic() >= self._when_to_fork():
                orders = self._fork()
                if orders is not None:
                    return orders
            if self._reception.admitted and self._spare is not None:
                self._hand_over(*self._reception.admitted.popleft())
                continue
            # Clients that have gone are seen to before callers that take their place.
            self._watch.wait(self._next_moment() - time.monotonic(), comes_last=self._reception.has)
            self._reception.look_at_the_clock()
            self._end_when_not_needed()
        self._end_children()
        return None

    def close(self) -> None:
        """Let go of all that is open."""
        signal.set_wakeup_fd(-1)
        for each in self._all():
            each.orders.close()
            if each.connection:
                each.connection.close()
        self._reception.close()
        for side in (self._alarm, self._woken):
            side.close()

    # -- clients -----------------------------------------------------------------------------------------

    def _check_room(self) -> None:
        if self._clients() >= self._options.clients:
            raise Refused(f"there are {self._options.clients} clients already (start --clients)")

    def _clients(self) -> int:
        """How many there are. A child that its client has left ends by itself, and counts no more."""
        connected = sum(each.connection is not None for each in self._children.values())
        return len(self._reception.admitted) + connected

    def _hand_over(self, caller: Caller, said: bytes) -> None:
        """Give a client to the child that waits, with what it has said."""
        child, self._spare = self._spare, None
        assert child is not None
        self._convenient = time.monotonic() + _HEAD_START
        caller.connection.setblocking(True)
        try:
            _give_orders(child.orders, caller, said)
        except OSError:  # one of the two is gone: the other follows
            _signal(child.process, signal.SIGKILL)
        caller.close_descriptors()
        child.connection, child.of_program = caller.connection, caller.of_program
        self._children[child.process] = child
        events = select.POLLRDHUP | (select.POLLIN if child.of_program else 0)
        self._watch.add(child.connection.fileno(), lambda what: self._notice(child, what), events)
        if child.of_program:
            self._watch.add(child.orders.fileno(), lambda _: self._finish(child))

    def _notice(self, child: Child, events: int) -> None:
        """A client has a signal for its child, or has gone."""
        assert child.connection is not None
        try:
            numbers = child.connection.recv(64, socket.MSG_DONTWAIT) if events & select.POLLIN else b""
        except OSError:
            numbers = b""
        for number in numbers:
            if number in _PASSED_ON:
                _signal(child.process, number, group=number in _OF_TERMINALS)
        if events & _HUNG_UP and not numbers:
            _signal(child.process, signal.SIGKILL, group=True)  # and the commands that it waits for
            self._drop_connection(child)

    def _finish(self, child: Child) -> None:
        """A child says the status that it is about to end with."""
        try:
            status = child.orders.recv(1, socket.MSG_DONTWAIT)
        except OSError:
            status = b""
        self._watch.remove(child.orders.fileno())
        if status:
            self._tell(child, b"e" + status)
            self._convenient = time.monotonic()

    def _tell(self, child: Child, ending: bytes) -> None:
        if child.connection is None:
            return
        try:
            child.connection.send(ending, socket.MSG_DONTWAIT)
        except OSError:  # it does not want to know any more
            pass
        self._drop_connection(child)

    def _drop_connection(self, child: Child) -> None:
        if child.connection is not None:
            self._watch.remove(child.connection.fileno())
            child.connection.close()
            child.connection = None

    # -- children ----------------------------------------------------------------------------------------

    def _fork(self) -> socket.socket | None:
        """Have a child that waits; in the child, what its orders come from."""
        daemon = os.getpid()
        pair: tuple[socket.socket, ...] = ()
        try:
            ours, theirs = pair = socket.socketpair()
            process = os.fork()
        except OSError as error:  # no memory, too many processes or descriptors: in a second, perhaps
            self._notes.add(f"cannot fork: {error.strerror}")
            for each in pair:
                each.close()
            self._possible = time.monotonic() + _PAUSE
            return None
        if not process:
            prepare(lambda number: self._prctl(_SET_PDEATHSIG, number), daemon, _SIGNALS)
            ours.close()
            self.close()
            return theirs
        theirs.close()
        self._spare = Child(process, ours)
        if not self._reception.admitted:
            self._rehearse()
        return None

    def _rehearse(self) -> None:
        """Hear a caller and hand it over: the pages that this writes to are shared with no child then."""
        with contextlib.suppress(OSError, Refused):  # too few descriptors: a client may need fewer
            here, there = socket.socketpair()
            with here, there:
                here.sendall(head(0, begin_of_tcl(self._token)))
                caller = Caller(there, of_program=False)
                _give_orders(there, caller, caller.hear(self._token) or b"")

    def _take_signals(self) -> None:
        numbers = set(self._woken.recv(4096))
        if numbers - {signal.SIGCHLD}:
            self._ended = True
        self._reap()

    def _reap(self) -> None:
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not process:
                return
            if self._spare and self._spare.process == process:
                self._spare.orders.close()
                self._spare = None
                self._possible = time.monotonic() + _PAUSE
            elif process in self._children:
                self._bury(self._children.pop(process), os.waitstatus_to_exitcode(status))

    def _bury(self, child: Child, code: int) -> None:
        if child.of_program:
            self._tell(child, b"e" + bytes([code]) if code >= 0 else b"s" + bytes([-code]))
        self._drop_connection(child)
        self._watch.remove(child.orders.fileno())
        child.orders.close()
        self._busy = self._convenient = time.monotonic()

    def _all(self) -> list[Child]:
        return [*self._children.values(), *([self._spare] if self._spare else [])]

    def _end_children(self) -> None:
        for number, seconds in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, _GRACE)):
            for each in self._all():
                _signal(each.process, number, group=True)
            deadline = time.monotonic() + seconds
            while self._all() and time.monotonic() < deadline:
                self._reap()
                time.sleep(0.01)

    # -- waiting -----------------------------------------------------------------------------------------

    def _when_to_fork(self) -> float:
        return max(self._possible, 0.0 if self._reception.admitted else self._convenient)

    def _next_moment(self) -> float:
        """When there is something to do, unless something happens before."""
        moments = [self._reception.next_moment()]
        if not self._children:
            moments.append(self._busy + self._options.idle)
        if self._spare is None:
            moments.append(self._when_to_fork())
        return min(moments)

    def _end_when_not_needed(self) -> None:
        if self._children or self._reception.admitted:
            return
        if time.monotonic() >= self._busy + self._options.idle or not self._is_found():
            self._ended = True


def _give_orders(orders: socket.socket, caller: Caller, said: bytes) -> None:
    """Tell a child what it is, a program (p) or a worker (w), and give it all that has come of its client."""
    with _file_of(said) as described:
        kind = b"p" if caller.of_program else b"w"
        descriptors = [described.fileno(), caller.connection.fileno(), *caller.descriptors]
        socket.send_fds(orders, [kind], descriptors)


def _file_of(data: bytes) -> BinaryIO:
    """A file in memory: of any size, it is read when it suits the reader."""
    file = os.fdopen(os.memfd_create("tcltorch-client"), "r+b", 0)
    file.write(data)
    file.seek(0)
    return file


def _signal(process: int, number: int, *, group: bool = False) -> None:
    try:
        if group:
            os.killpg(process, number)
        else:
            os.kill(process, number)
    except ProcessLookupError:  # it has ended, or has no group of its own yet
        if group:
            _signal(process, number)
