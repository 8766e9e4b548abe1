"""The daemon and Tcl programs: who is let in, what a child takes over, limits, and how all of it ends."""

import contextlib
import errno
import fcntl
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from pybridge import __version__
from pybridge.daemon import control as controls
from pybridge.daemon import place, rehearsal
from pybridge.daemon.__main__ import take_lock
from pybridge.daemon.hello import LONGEST, Caller, Refused
from pybridge.tcl_list import split_list
from pybridge.worker.frames import Reader
from tests.daemons import ROOT, Daemon, Nursery, environment, frame, greets, is_note
from tests.processes import eventually, is_running, state

TO_DAEMON = "string match sock* $::torch::_::channel"


@pytest.fixture
def start(nursery: Nursery, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Start a daemon of the test's own."""
    started = []

    def begin(**options: float) -> Daemon:
        started.append(nursery.daemon(tmp_path, **options))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for each in started:
        each.stop()
        assert each.complaints() == []


@pytest.fixture
def daemon(start: Callable[..., Daemon]) -> Daemon:
    return start()


def control(runtime: Path, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pybridge", "daemon", *words]
    return subprocess.run(
        command, env=environment(runtime, **more), capture_output=True, text=True, timeout=300, check=False
    )


# -- start, status, stop ---------------------------------------------------------------------------------


def test_start_status_stop(tmp_path: Path) -> None:
    ended = control(tmp_path, "status")
    assert (ended.returncode, ended.stdout) == (3, "the daemon does not run\n")
    started = control(tmp_path, "start", "--idle", "10m", OMP_NUM_THREADS="1")
    assert (started.returncode, started.stderr) == (0, "")
    daemon = Daemon(tmp_path)
    try:
        assert started.stdout == (
            f"the daemon runs (process {daemon.process}; its files are in {tmp_path}/tcltorch)\n"
        )
        again = control(tmp_path, "start", "--idle", "600")
        assert (again.returncode, again.stdout) == (
            0,
            f"the daemon runs already (process {daemon.process})\n",
        )
        other = control(tmp_path, "start", "--clients", "4", "--memory", "1g")
        assert (other.returncode, other.stdout) == (
            0,
            f"the daemon runs already (process {daemon.process})\n"
            "it keeps --clients 16 --idle 10m; for others, tcltorch daemon stop, then start\n",
        )
        known = control(tmp_path, "status")
        assert known.stdout == (
            f"the daemon runs (process {daemon.process}, tcltorch {daemon.facts['version']}, "
            "--clients 16 --idle 10m)\n"
        )
        assert stat.S_IMODE(daemon.file.parent.stat().st_mode) == 0o700
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in daemon.file.parent.iterdir()}
        assert modes == {f"{daemon.file.name}{kind}": 0o600 for kind in ("", ".socket", ".lock", ".log")}
        assert daemon.tclsh("puts [torch::tensor_item [torch::full {} 7]]") == "7.0\n"
    finally:
        stopped = control(tmp_path, "stop")
    assert (stopped.returncode, stopped.stdout) == (0, "the daemon has ended\n")
    eventually(lambda: not daemon.runs())
    assert not daemon.file.exists()
    assert control(tmp_path, "stop").stdout == "the daemon does not run\n"


def test_a_module_that_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('this torch is broken')")
    started = control(tmp_path, "start", PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert started.returncode == 1
    assert started.stderr == (
        "tcltorch daemon: the daemon has not started: ImportError: this torch is broken\n"
    )
    assert control(tmp_path, "status").returncode == 3


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["start", "--clients", "0"], 'expected a whole number of clients but got "0"'),
        (
            ["start", "--memory", "much"],
            'expected a whole number of bytes, such as 500m or 4g but got "much"',
        ),
        (["start", "--memory", "10m"], 'm but got "10m"'),
        (["start", "--idle", "-1"], 'or 10m but got "-1"'),
        (
            ["start", "--idle", "1.5h"],
            'expected a whole number with s, m, h or d, such as 90s or 10m but got "1.5h"',
        ),
        (["start", "--foo"], "--idle TIME]\ntcltorch daemon start: error: unrecognized arguments: --foo"),
        (["stop", "it"], "tcltorch daemon stop: error: unrecognized arguments: it"),
        (["begin"], "invalid choice: 'begin'"),
        ([], "the following arguments are required: start | status | stop"),
    ],
)
def test_words_that_make_no_sense(words: list[str], complaint: str, tmp_path: Path) -> None:
    ended = control(tmp_path, *words)
    assert ended.returncode == 2
    assert complaint in ended.stderr


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tcltorch").symlink_to("elsewhere")
    ended = control(tmp_path, "start")
    assert ended.returncode == 1
    assert ended.stderr == f'tcltorch daemon: "{tmp_path}/tcltorch" is not a folder of your own\n'


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(place.NoPlace, match="is not a folder of your own"):
        place.make_folder()


def test_a_folder_that_is_removed_while_the_daemon_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    def start(*_: object, **__: object) -> "subprocess.Popen[bytes]":
        shutil.rmtree(tmp_path / "tcltorch")
        return started(["true"], stdout=subprocess.PIPE)

    started = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", start)
    assert controls.main(["start"]) == 1
    assert capsys.readouterr().err == (
        "tcltorch daemon: the daemon has not started: nor can its log be read: No such file or directory\n"
    )


def test_a_daemon_that_ends_before_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    seen = iter([ended.pid, 0])
    monkeypatch.setattr(controls, "runs", lambda: next(seen))
    assert controls.main(["stop"]) == 0
    assert capsys.readouterr() == ("the daemon has ended\n", "")


def test_python_programs_that_call_the_program_go_on(daemon: Daemon) -> None:
    program = "from pybridge.cli import main; main(['-c', 'puts [pid]']); import os; print(os.getpid())"
    ended = subprocess.run(
        [sys.executable, "-c", program], env=daemon.environment(), capture_output=True, text=True, check=True
    )
    first, second = ended.stdout.split()
    assert first == second


def test_a_daemon_that_was_killed(start: Callable[..., Daemon]) -> None:
    killed = start()
    children = killed.children()
    os.kill(killed.process, signal.SIGKILL)
    eventually(lambda: not killed.runs() and not any(map(is_running, children)))
    assert killed.file.exists()
    assert control(killed.runtime, "status").stdout == "the daemon does not run\n"
    assert killed.tclsh(f"torch::version; puts [{TO_DAEMON}]") == "0\n"
    assert start().tclsh(f"torch::version; puts [{TO_DAEMON}]") == "1\n"


def test_a_daemon_that_has_just_taken_the_lock_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known by its lock, which tells the process, and by nothing that it has yet to write."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    lock = Path(place.make_folder()) / place.name("lock")
    program = (
        "import fcntl, sys; file = open(sys.argv[1], 'w'); fcntl.lockf(file, fcntl.LOCK_EX)\n"
        "print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starting:
        assert starting.stdout is not None
        starting.stdout.readline()
        assert controls.runs() == starting.pid
        assert starting.communicate("\n")[0] == ""
    assert controls.runs() == 0


def test_two_that_are_started_at_the_same_moment(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one that comes second finds the first, and waits until it listens."""
    for name, value in daemon.environment().items():
        monkeypatch.setenv(name, value)
    hidden = daemon.file.rename(daemon.file.with_name("hidden"))
    seen = iter([lambda: 0, lambda: daemon.process])

    def runs() -> int:
        found = next(seen, None)
        if found is None:
            hidden.rename(daemon.file)
            return daemon.process
        return found()

    monkeypatch.setattr(controls, "runs", runs)
    assert controls.main(["start"]) == 0
    assert capsys.readouterr() == (f"the daemon runs already (process {daemon.process})\n", "")


def test_one_that_never_listens_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(controls, "runs", lambda: 12345)
    monkeypatch.setattr(controls, "_TO_LISTEN", 0.1)
    assert controls.main(["start"]) == 1
    assert capsys.readouterr() == (
        "",
        "tcltorch daemon: the daemon runs but does not listen (process 12345): stop ends it\n",
    )


def test_who_asks_for_the_daemon_does_not_keep_one_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (Path(place.make_folder()) / place.name("lock")).touch()
    started: list[subprocess.CompletedProcess[bytes]] = []

    def start_in_the_meantime(descriptor: int) -> None:
        monkeypatch.setattr(os, "close", close)
        program = "from pybridge.daemon.__main__ import take_lock; take_lock()"
        started.append(
            subprocess.run([sys.executable, "-c", program], env=environment(tmp_path), check=False)
        )
        close(descriptor)

    close = os.close
    monkeypatch.setattr(os, "close", start_in_the_meantime)
    assert controls.runs() == 0
    assert [each.returncode for each in started] == [0]


def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not taken for a daemon that runs."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    lock = Path(place.make_folder()) / place.name("lock")
    monkeypatch.setattr(fcntl, "lockf", refuse)
    with pytest.raises(OSError, match="No locks available"):
        take_lock()
    monkeypatch.setattr(fcntl, "fcntl", refuse)
    assert controls.main(["status"]) == 1
    assert capsys.readouterr().err == f'tcltorch daemon: cannot use "{lock}": No locks available\n'


def test_an_idle_daemon_ends(start: Callable[..., Daemon]) -> None:
    daemon = start(idle=3)
    with daemon.connect() as client:
        client.sendall(daemon.hello())
        assert greets(client)
        eventually(lambda: len(daemon.children()) == 2)
        assert subprocess.run(["sleep", "4"], check=True)
        assert daemon.runs()
    eventually(lambda: not daemon.runs())
    assert not daemon.file.exists()


def test_a_daemon_whose_files_were_removed_ends_when_it_has_no_client(start: Callable[..., Daemon]) -> None:
    """Nobody finds it, as after a logout. Those of the daemon that has taken its place are not touched."""
    daemon = start()
    with daemon.connect() as client:
        client.sendall(daemon.hello())
        assert greets(client)
        shutil.rmtree(daemon.file.parent)
        successor = start()
        with daemon.connect() as late:
            late.sendall(daemon.hello())
            assert greets(late)
        assert daemon.runs()
    eventually(lambda: not daemon.runs())
    assert successor.tclsh(f"torch::version; puts [{TO_DAEMON}]") == "1\n"
    assert successor.file.with_name(f"{successor.file.name}.socket").exists()


def test_a_stop_in_the_moment_when_the_daemon_says_that_it_runs(tmp_path: Path) -> None:
    """It ends as at any other time, and removes its files."""
    program = (
        "import os, signal, socket\n"
        "from pybridge.daemon.server import Options, Server\n"
        "port, door = (socket.create_server(('127.0.0.1', 0)) for _ in range(2))\n"
        "server = Server(port, door, 'token', Options(), lambda: True)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "if server.serve() is None:\n"
        "    print('ended')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ended\n", "")


def test_nobody_is_left_after_a_stop(daemon: Daemon) -> None:
    client = daemon.start_tclsh("torch::remote {exec sleep 1000 &}; puts [torch::remote pid]; gets stdin")
    assert client.stdout is not None
    worker = int(client.stdout.readline())
    eventually(lambda: len(daemon.children()) == 2)
    processes = {worker, *daemon.children()}
    assert worker in daemon.children()
    (sleeper,) = Path(f"/proc/{worker}/task/{worker}/children").read_text().split()
    daemon.stop()
    eventually(lambda: not any(map(is_running, {*processes, int(sleeper)})))
    client.communicate("\n")


@pytest.mark.parametrize(
    "text", ["", "version", "pid {", "\xff", "pid 1 version 0.1.0 clients many memory 0 idle 1"]
)
def test_a_file_that_was_damaged_is_told(text: str, daemon: Daemon) -> None:
    daemon.file.write_text(text, encoding="latin-1")
    for command in ("status", "start"):
        ended = control(daemon.runtime, command)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == (
            f'tcltorch daemon: cannot use "{daemon.file}": '
            "it is damaged; tcltorch daemon stop, then start, makes another\n"
        )
    assert daemon.tclsh(f"torch::version; puts [{TO_DAEMON}]") == "0\n"
    assert control(daemon.runtime, "stop").stdout == "the daemon has ended\n"


def test_a_file_that_is_a_folder_is_told(daemon: Daemon) -> None:
    daemon.file.unlink()
    daemon.file.mkdir()
    ended = control(daemon.runtime, "status")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f'tcltorch daemon: cannot use "{daemon.file}": Is a directory\n'
    daemon.file.rmdir()


# -- who is let in ---------------------------------------------------------------------------------------


def noted(daemon: Daemon) -> str:
    """What `status` tells of programs that were refused, but for the time."""
    log = daemon.file.with_name(f"{daemon.file.name}.log")
    if not log.exists():
        os.link(daemon.runtime / "errors", log)
    told = control(daemon.runtime, "status").stdout.splitlines()
    assert told[0].startswith("the daemon runs (")
    assert all(map(is_note, told[1:]))
    return "\n".join(line[20:] for line in told[1:])


def test_status_tells_why_a_program_was_refused(start: Callable[..., Daemon]) -> None:
    daemon = start(clients=1)
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


def test_a_slow_client_keeps_nobody_waiting(start: Callable[..., Daemon]) -> None:
    daemon = start(patience=3.0)
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


def test_only_so_many_clients(start: Callable[..., Daemon]) -> None:
    daemon = start(clients=1)
    with daemon.connect() as client:
        client.sendall(daemon.hello())
        assert greets(client)
        assert daemon.tclsh(f"torch::version; puts [{TO_DAEMON}]") == "0\n"
        assert daemon.tcltorch("-c", "puts hello").stdout == "hello\n"
    assert daemon.tclsh(f"torch::version; puts [{TO_DAEMON}]") == "1\n"


def test_a_client_that_has_gone_makes_room_at_once(start: Callable[..., Daemon]) -> None:
    """Also when the daemon learns of both at the same moment, and of the next one first."""
    daemon = start(clients=1)
    with daemon.connect() as after, daemon.connect() as before:
        before.sendall(daemon.hello())
        assert greets(before)
        os.kill(daemon.process, signal.SIGSTOP)
        eventually(lambda: state(daemon.process) == "T")
        before.shutdown(socket.SHUT_WR)
        after.sendall(daemon.hello())
        os.kill(daemon.process, signal.SIGCONT)
        assert greets(after)


def test_descriptors_that_run_out(start: Callable[..., Daemon]) -> None:
    """It sleeps before it tries again, and goes on when there are some."""
    daemon = start()
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


def test_a_child_that_takes_the_last_descriptors(start: Callable[..., Daemon]) -> None:
    """The daemon goes on, though it cannot rehearse."""
    daemon = start()
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


# -- children --------------------------------------------------------------------------------------------


def test_a_child_takes_over_from_its_client(daemon: Daemon, tmp_path: Path) -> None:
    folder = tmp_path / "a \u00e9"
    folder.mkdir()
    script = (
        "cd [lindex [glob a*] 0]; set env(SPOKEN) {a b\u20ac}; unset -nocomplain env(LEFT)\n"
        "puts [torch::remote {list [pwd] $env(SPOKEN) [info exists env(LEFT)] [exec sh -c umask]}]"
    )
    before = os.umask(0o027)
    try:
        said = daemon.tclsh(f"fconfigure stdout -encoding utf-8\n{script}", LEFT="x")
    finally:
        os.umask(before)
    assert said == f"{{{folder}}} {{a b\u20ac}} 0 0027\n"


def test_a_client_in_another_locale(daemon: Daemon, tmp_path: Path) -> None:
    """Its folder, its environment and its arguments are the same bytes in the child."""
    (tmp_path / "a \u00e9\u20ac").mkdir()
    script = (
        "cd [lindex [glob a*] 0]; set env(SPOKEN) [pwd]\n"
        "torch::save_safetensors [dict create x [torch::ones 2]] one.safetensors\n"
        f"puts [file exists one.safetensors],[{TO_DAEMON}]\n"
        'puts [torch::remote {exec sh -c {test "$SPOKEN" = "$(pwd -P)" && echo same}}]'
    )
    assert daemon.tclsh(script, LC_ALL="C") == "1,1\nsame\n"


def test_a_daemon_in_an_environment_beyond_latin_1(nursery: Nursery, tmp_path: Path) -> None:
    """XDG_RUNTIME_DIR is part of it."""
    folder = tmp_path / "\u20ac"
    folder.mkdir()
    daemon = nursery.daemon(folder)
    eventually(lambda: [state(each) for each in daemon.children()] == ["S"])
    daemon.stop()
    assert (folder / "errors").read_text() == ""


def test_a_number_of_threads_that_is_none(daemon: Daemon) -> None:
    said = daemon.tclsh(f"torch::version; puts [{TO_DAEMON}]", OMP_NUM_THREADS="9" * 20)
    assert said == "1\n"


def test_what_libraries_read_later_is_the_clients(daemon: Daemon) -> None:
    """MKL reads its variables with the first product of floats, which must not be one of the daemon's."""
    said = daemon.tclsh(
        "set x [torch::ones {2 2}]; puts [torch::tensor_to_list [torch::tensor_matmul $x $x]]",
        MKL_VERBOSE="1",
    )
    assert "2.0 2.0 2.0 2.0\n" in said
    assert ("MKL_VERBOSE SGEMM" in said) == torch.backends.mkl.is_available()


def test_sitrep_tells_of_the_daemon(daemon: Daemon) -> None:
    tell = "puts [lrange [lsearch -inline [split [torch::sitrep] \\n] {runs in*}] 2 end]"
    # before and after a script, for which the worker has an interpreter of its own
    said = daemon.tclsh(f"{tell}; puts [torch::remote pid]; {tell}").splitlines()
    assert said[::2] == [f"process {said[1]}, a worker of the daemon's"] * 2
    told, process = daemon.tcltorch("-c", f"{tell}; puts [pid]").stdout.splitlines()
    assert told == f"process {process}, with Tcl, forked by the daemon"


def test_sitrep_tells_of_the_clients_tcl(daemon: Daemon) -> None:
    tell = "puts [lindex [lsearch -inline [split [torch::sitrep] \\n] {Tcl *}] 1]; puts [info patchlevel]"
    for said in (daemon.tclsh(tell), daemon.tcltorch("-c", tell).stdout):
        told, version = said.splitlines()
        assert told == version


def test_handles_are_the_clients_own(daemon: Daemon) -> None:
    make = "set x [torch::full 1 %d]; puts $x; flush stdout; gets stdin; puts [torch::handles]; "
    clients = [daemon.start_tclsh(make % value + "puts [torch::tensor_item $x]") for value in (3, 4)]
    for client in clients:
        assert client.stdout is not None
        assert client.stdout.readline() == "tensor0\n"
    assert [client.communicate("\n")[0] for client in clients] == ["tensor0\n3.0\n", "tensor0\n4.0\n"]


def sockets(process: int) -> set[str]:
    links = {os.readlink(path) for path in Path(f"/proc/{process}/fd").iterdir()}
    return {link for link in links if link.startswith("socket:")}


def test_a_child_has_only_its_own_sockets(daemon: Daemon) -> None:
    with daemon.connect() as half:
        half.sendall(daemon.hello()[:20])
        clients = [daemon.start_tclsh("puts [torch::remote pid]; flush stdout; gets stdin") for _ in range(2)]
        workers = [int(client.stdout.readline()) for client in clients if client.stdout]
        first, second = map(sockets, workers)
        assert not first & second
        assert [len(each & sockets(daemon.process)) for each in (first, second)] == [1, 1]  # to its client
        for client in clients:
            client.communicate("\n")


def test_random_numbers_are_not_those_of_another_client(daemon: Daemon) -> None:
    script = "puts [torch::tensor_to_list [torch::rand 3]]"
    assert daemon.tclsh(script) != daemon.tclsh(script)
    assert len({daemon.tclsh(f"torch::manual_seed 1; {script}") for _ in range(2)}) == 1


def test_a_client_that_dies_is_cleaned_up(daemon: Daemon) -> None:
    client = daemon.start_tclsh("puts [torch::remote pid]; torch::remote {while 1 {}}")
    assert client.stdout is not None
    worker = int(client.stdout.readline())
    assert worker in daemon.children()
    client.kill()
    client.communicate()
    eventually(lambda: not is_running(worker))
    eventually(lambda: len(daemon.children()) == 1)


def test_what_a_script_waits_for_ends_with_the_client(daemon: Daemon) -> None:
    client = daemon.start_tclsh(
        "puts [torch::remote pid]; torch::async {torch::remote {exec sleep 1000}} -command x; gets stdin"
    )
    assert client.stdout is not None
    worker = int(client.stdout.readline())
    eventually(lambda: len(children_of(worker)) == 1)
    (sleeper,) = children_of(worker)
    client.communicate("\n")
    eventually(lambda: not is_running(worker))
    eventually(lambda: not is_running(sleeper))


def children_of(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]


@pytest.mark.parametrize(
    ("number", "request_", "said"),
    [
        pytest.param(signal.SIGUSR1, b"!async ones 1", ".*TORCH INTERRUPT.*", id="cancel waits"),
        pytest.param(signal.SIGINT, b"ones 1", r"0 tensor0 \{\} 1", id="interrupt ignored"),
    ],
)
def test_a_signal_as_soon_as_the_worker_is_known(
    number: int, request_: bytes, said: str, daemon: Daemon
) -> None:
    with daemon.connect() as client:
        client.sendall(daemon.hello())
        reader = Reader(client.fileno())
        client.settimeout(None)
        _, greeting, _ = reader.next() or pytest.fail("no greeting")
        os.kill(int(split_list(greeting)[2]), number)
        client.sendall(frame(request_, number=1))
        _, answer, _ = reader.next() or pytest.fail("no answer")
    assert re.fullmatch(said, answer, re.DOTALL)


def test_a_command_of_a_script_has_no_part_in_the_connection(daemon: Daemon) -> None:
    """One that goes on would keep the program from seeing that the worker has ended."""
    assert daemon.tclsh("puts [torch::remote {lsort -integer [exec ls /proc/self/fd]}]") == "0 1 2 3\n"


def test_a_program_has_no_part_in_the_log(daemon: Daemon) -> None:
    script = "foreach name [glob /proc/[pid]/fd/*] {catch {puts [file readlink $name]}}"
    said = daemon.tcltorch("-c", script).stdout
    assert "socket:" in said
    assert str(daemon.runtime / "errors") not in said


def test_a_worker_that_is_killed(daemon: Daemon) -> None:
    script = (
        "set x [torch::ones 1]\nexec kill -9 [torch::remote pid]\n"
        "puts [catch {torch::tensor_item $x} message options]\n"
        "puts [dict get $options -errorcode]\nputs $message\n"
        "puts [torch::restart]\nputs [torch::tensor_item [torch::full {} 5]]"
    )
    assert daemon.tclsh(script) == (
        "1\nTORCH CLOSED\n"
        "the worker has ended, and its handles with it: torch::restart starts another\n"
        "the handles of before are gone\n5.0\n"
    )


def test_the_daemon_has_one_thread_and_its_children_as_many_as_there_are_cores(daemon: Daemon) -> None:
    """A child that was forked after a parallel operation would hang in its first."""
    script = (
        "set x [torch::ones {2000 2000}]; set y [torch::tensor_matmul $x $x]\n"
        "set z [torch::fake_quantize_per_tensor [torch::full 1000000 0.7] 0.5 0 -8 7]\n"
        "foreach tensor [list $y $z] {puts [torch::tensor_item [torch::tensor_sum $tensor]]}\n"
        "puts [llength [glob /proc/$::torch::_::process/task/*]]"
    )
    said = [daemon.tclsh(script, TCLTORCH_KERNELS=kernels).split() for kernels in ("torch", "numba")]
    for product, quantized, threads in said:
        assert (product, quantized) == ("8000000000.0", "500000.0")
        assert int(threads) >= torch.get_num_threads()
    (_, _, single) = daemon.tclsh(script, TCLTORCH_KERNELS="torch", OMP_NUM_THREADS="1").split()
    assert int(single) == 1
    assert len(os.listdir(f"/proc/{daemon.process}/task")) == 1


def test_no_more_memory_than_allowed(start: Callable[..., Daemon]) -> None:
    script = (
        "puts [catch {torch::ones 200000000} message options]; puts [dict get $options -errorcode]\n"
        "puts [torch::tensor_item [torch::tensor_sum [torch::ones 1000000]]]"
    )
    assert start(memory=500_000_000).tclsh(script) == "1\nTORCH MEMORY\n1000000.0\n"


def test_the_least_memory_that_is_accepted_is_enough_to_compute(start: Callable[..., Daemon]) -> None:
    script = (
        "puts [torch::remote {set x [torch::ones {500 500}]}]\n"
        "puts [torch::tensor_item [torch::tensor_sum [torch::tensor_matmul tensor0 tensor0]]]"
    )
    daemon = start(memory=controls.least_memory())
    assert daemon.tclsh(script, TCLTORCH_KERNELS="torch") == "tensor0\n125000000.0\n"
    assert daemon.tcltorch("-c", script).stdout == "tensor0\n125000000.0\n"
