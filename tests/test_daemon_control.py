"""`tcltorch daemon start`, `status` and `stop`, and how a daemon ends."""

import errno
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pybridge.daemon import control as controls
from pybridge.daemon import place
from pybridge.daemon.__main__ import take_lock
from tests.daemons import ROOT, TO_DAEMON, Daemon, control, environment, greets
from tests.processes import eventually, is_running


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


def test_a_daemon_that_was_killed(start_daemon: Callable[..., Daemon]) -> None:
    killed = start_daemon()
    children = killed.children()
    os.kill(killed.process, signal.SIGKILL)
    eventually(lambda: not killed.runs() and not any(map(is_running, children)))
    assert killed.file.exists()
    assert control(killed.runtime, "status").stdout == "the daemon does not run\n"
    assert killed.tclsh(f"torch::version; puts [{TO_DAEMON}]") == "0\n"
    assert start_daemon().tclsh(f"torch::version; puts [{TO_DAEMON}]") == "1\n"


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


def test_an_idle_daemon_ends(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon(idle=6)
    with daemon.connect() as client:
        client.sendall(daemon.hello())
        assert greets(client)
        eventually(lambda: len(daemon.children()) == 2)
        assert subprocess.run(["sleep", "7"], check=True)
        assert daemon.runs()
    eventually(lambda: not daemon.runs())
    assert not daemon.file.exists()


def test_a_daemon_whose_files_were_removed_ends_when_it_has_no_client(
    start_daemon: Callable[..., Daemon],
) -> None:
    """Nobody finds it, as after a logout. Those of the daemon that has taken its place are not touched."""
    daemon = start_daemon()
    with daemon.connect() as client:
        client.sendall(daemon.hello())
        assert greets(client)
        shutil.rmtree(daemon.file.parent)
        successor = start_daemon()
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
