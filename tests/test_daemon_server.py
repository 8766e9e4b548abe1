"""Who the daemon lets in, and what keeps it from others."""

import contextlib
import fcntl
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pybridge import __version__
from pybridge.daemon import place, rehearsal
from pybridge.daemon.hello import LONGEST, Caller, Refused
from tests.daemons import TO_DAEMON, Daemon, control, frame, greets, is_note
from tests.processes import eventually, state


def noted(daemon: Daemon) -> str:
    """What `status` tells of programs that were refused, but for the time."""
    log = daemon.file.with_name(f"{daemon.file.name}.log")
    if not log.exists():
        os.link(daemon.runtime / "errors", log)
    told = control(daemon.runtime, "status").stdout.splitlines()
    assert told[0].startswith("the daemon runs (")
    assert all(map(is_note, told[1:]))
    return "\n".join(line[20:] for line in told[1:])


def test_status_tells_why_a_program_was_refused(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon(clients=1)
    assert noted(daemon) == ""
    assert daemon.tcltorch("-c", "puts 1", env=daemon.environment(LC_ALL="POSIX")).stdout == "1\n"
    ours = place.locale_name()
    assert noted(daemon) == f"refused a program: its locale is 'POSIX', the daemon's {ours!r}"
    with daemon.connect() as client:
        client.sendall(daemon.hello())
        assert greets(client)
        assert daemon.tclsh("puts [torch::tensor_item [torch::full {} 7]]") == "7.0\n"
        assert noted(daemon) == "refused a program: there are 1 clients already (start --clients)"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        pytest.param({"token": "0" * 64}, "it does not know the token", id="token"),
        pytest.param(
            {"version": "0.0\n1"}, f"its version is '{{0.0\\n1}}', the daemon's '{__version__}'", id="version"
        ),
        pytest.param({"arguments": "{"}, "what it has said of itself makes no sense", id="arguments"),
        pytest.param(
            {"folder": "/nowhere"},
            "this process cannot be in its folder: [Errno 2] No such file or directory: '/nowhere'",
            id="folder",
        ),
        pytest.param({"arguments": "x" * LONGEST}, "its environment and arguments have", id="length"),
    ],
)
def test_why_a_tcl_program_was_refused(changed: dict[str, str], why: str, daemon: Daemon) -> None:
    with daemon.connect() as client:
        client.sendall(daemon.hello(**changed))
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    assert noted(daemon).startswith(f"refused a program: {why}")


def test_who_connects_again_and_again_does_not_fill_the_log(daemon: Daemon) -> None:
    for _ in range(20):
        with daemon.connect() as client:
            client.sendall(daemon.hello(token=""))
            assert client.recv(1) == b""
    said = (daemon.runtime / "errors").read_text().splitlines()
    assert len(said) == 1
    assert said[0].endswith(" refused a program: it does not know the token")


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"token": "0" * 64}, id="token"),
        pytest.param({"token": ""}, id="no token"),
        pytest.param({"token": "\u00e9"}, id="no ASCII"),
        pytest.param({"version": "0.0.1"}, id="version"),
        pytest.param({"verb": "hello"}, id="verb"),
        pytest.param({"folder": "/nowhere"}, id="folder"),
        pytest.param({"process": "self"}, id="process"),
        pytest.param({"environment": "odd"}, id="environment"),
        pytest.param({"environment": "a=b c"}, id="equals sign"),
        pytest.param({"environment": "{} c"}, id="no name"),
        pytest.param({"environment": "a b\0c"}, id="NUL"),
        pytest.param({"arguments": "{"}, id="arguments"),
    ],
)
def test_a_hello_that_is_refused(changed: dict[str, str], daemon: Daemon) -> None:
    with daemon.connect() as client:
        client.sendall(daemon.hello(**changed))
        assert client.recv(1) == b""
    eventually(lambda: len(daemon.children()) == 1)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", id="another protocol"),
        pytest.param(b"t", id="a part"),
        pytest.param(frame(b"", length=1 << 21), id="too long"),
        pytest.param(frame(b"{ "), id="no list"),
        pytest.param(frame(b"\xff\xfe"), id="no text"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_garbage(said: bytes, daemon: Daemon) -> None:
    with daemon.connect() as client:
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert daemon.tclsh(f"torch::version; puts [{TO_DAEMON}]") == "1\n"


def test_a_hello_that_would_be_too_long_is_not_waited_for() -> None:
    here, there = socket.socketpair()
    with here, there:
        caller = Caller(there, of_program=False)
        here.sendall(frame(b"", length=LONGEST))
        assert caller.hear("") is None
        caller = Caller(there, of_program=False)
        here.sendall(frame(b"", length=LONGEST + 1))
        with pytest.raises(Refused):
            caller.hear("")


def test_a_slow_client_keeps_nobody_waiting(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon(patience=3.0)
    with daemon.connect() as slow, daemon.connect() as other:
        slow.sendall(daemon.hello()[:30])
        other.sendall(daemon.hello())
        assert greets(other)
        assert slow.recv(1) == b""


def test_a_hello_in_pieces(daemon: Daemon) -> None:
    with daemon.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in daemon.hello():
            client.sendall(bytes([byte]))
        assert greets(client)


def test_only_so_many_clients(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon(clients=1)
    with daemon.connect() as client:
        client.sendall(daemon.hello())
        assert greets(client)
        assert daemon.tclsh(f"torch::version; puts [{TO_DAEMON}]") == "0\n"
        assert daemon.tcltorch("-c", "puts hello").stdout == "hello\n"
    assert daemon.tclsh(f"torch::version; puts [{TO_DAEMON}]") == "1\n"


def test_a_client_that_has_gone_makes_room_at_once(start_daemon: Callable[..., Daemon]) -> None:
    """Also when the daemon learns of both at the same moment, and of the next one first."""
    daemon = start_daemon(clients=1)
    with daemon.connect() as after, daemon.connect() as before:
        before.sendall(daemon.hello())
        assert greets(before)
        os.kill(daemon.process, signal.SIGSTOP)
        eventually(lambda: state(daemon.process) == "T")
        before.shutdown(socket.SHUT_WR)
        after.sendall(daemon.hello())
        os.kill(daemon.process, signal.SIGCONT)
        assert greets(after)


def test_descriptors_that_run_out(start_daemon: Callable[..., Daemon]) -> None:
    """It sleeps before it tries again, and goes on when there are some."""
    daemon = start_daemon()
    eventually(lambda: len(daemon.children()) == 1 and state(daemon.process) == "S")
    taken = {int(path.name) for path in Path(f"/proc/{daemon.process}/fd").iterdir()}
    lowest = min(set(range(len(taken) + 1)) - taken)
    before = resource.prlimit(daemon.process, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.process, resource.RLIMIT_NOFILE, (lowest, before[1]))
    with daemon.connect() as client:
        client.sendall(daemon.hello())
        slept = sleeps(daemon.process)
        eventually(lambda: sleeps(daemon.process) >= slept + 3)
        resource.prlimit(daemon.process, resource.RLIMIT_NOFILE, before)
        assert greets(client)


def test_a_descriptor_beyond_those_of_select(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child of a daemon with many clients has one for its orders."""
    rehearsed = []

    def take_over() -> None:
        rehearsed.append("folder")
        here.send(b"w")

    monkeypatch.setattr(rehearsal, "_take_over", take_over)
    monkeypatch.setattr(rehearsal, "_answer", lambda: rehearsed.append("requests"))
    here, there = socket.socketpair()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    try:
        with here, there, socket.socket(fileno=fcntl.fcntl(there, fcntl.F_DUPFD_CLOEXEC, 1024)) as orders:
            rehearsal.rehearse(orders)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert rehearsed == ["folder"]


def test_a_child_that_takes_the_last_descriptors(start_daemon: Callable[..., Daemon]) -> None:
    """The daemon goes on, though it cannot rehearse."""
    daemon = start_daemon()
    eventually(lambda: len(daemon.children()) == 1 and state(daemon.process) == "S")
    (spare,) = daemon.children()
    taken = {int(path.name) for path in Path(f"/proc/{daemon.process}/fd").iterdir()}
    lowest = min(set(range(len(taken) + 1)) - taken)
    before = resource.prlimit(daemon.process, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.process, resource.RLIMIT_NOFILE, (lowest + 1, before[1]))
    os.kill(spare, signal.SIGKILL)  # whose socket is the second that its successor needs
    eventually(lambda: len(daemon.children() - {spare}) == 1 and state(daemon.process) == "S")
    resource.prlimit(daemon.process, resource.RLIMIT_NOFILE, before)
    with daemon.connect() as client:
        client.sendall(daemon.hello())
        assert greets(client)


def sleeps(process: int) -> int:
    """How often it has gone to sleep by itself."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches:"))


@pytest.mark.parametrize("how", ["variable", "environment", "python", "mode", "version", "answer"])
def test_a_daemon_that_is_not_used(how: str, daemon: Daemon, tmp_path: Path) -> None:
    before, more = "", {}
    if how == "variable":
        before = "set ::torch::daemon 0; "
    elif how == "environment":
        more = {"TORCH_TCL_DAEMON": "0"}
    elif how == "python":
        (tmp_path / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (tmp_path / "python").chmod(0o755)
        more = {"TORCH_TCL_PYTHON": str(tmp_path / "python")}
    elif how == "mode":
        daemon.file.chmod(0o644)
    else:
        text = daemon.file.read_text()
        daemon.file.write_text(text.replace(f"{how} {daemon.facts[how]}", f"{how} 0.0"))
    assert daemon.tclsh(f"{before}torch::version; puts [{TO_DAEMON}]", **more) == "0\n"
