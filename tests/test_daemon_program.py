"""The `tcltorch` program through the daemon: what it prints, how it ends, and what it does with signals."""

import os
import pty
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pybridge.daemon.child import status_of
from tests.daemons import Daemon, Nursery
from tests.processes import all_of, eventually, handles, is_running, state


@pytest.fixture(scope="module")
def daemon(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    started = nursery.daemon(tmp_path_factory.mktemp("runtime"))
    yield started
    started.stop()
    assert started.complaints() == []


@pytest.fixture(autouse=True)
def only_a_spare_child_is_left(daemon: Daemon) -> Iterator[None]:
    yield
    eventually(lambda: len(daemon.children()) == 1)
    assert len(os.listdir(f"/proc/{daemon.process}/task")) == 1


def both(daemon: Daemon, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """What the program does through the daemon, which must be what it does without."""
    through = daemon.tcltorch(*words, **options)
    without = daemon.tcltorch(*words, **{"env": daemon.environment(TORCH_TCL_DAEMON="0"), **options})
    assert (through.returncode, through.stdout, through.stderr) == (
        without.returncode,
        without.stdout,
        without.stderr,
    )
    return through


def test_it_is_used(daemon: Daemon) -> None:
    said = daemon.tcltorch("-c", "puts [pid]; puts [exec cat /proc/[pid]/stat]").stdout
    assert said.split(")")[1].split()[1] == str(daemon.process)


def test_a_script_with_arguments(daemon: Daemon, tmp_path: Path) -> None:
    script = tmp_path / "a script.tcl"
    script.write_text(
        "puts $argv0; puts $argv; puts $argc; puts [torch::tensor_to_list [torch::full 2 3]]\n"
        "puts stderr [gets stdin]; puts [read stdin]; puts $env(SPOKEN); puts [pwd]; puts [exec sh -c umask]"
    )
    before = os.umask(0o037)
    try:
        ended = both(daemon, str(script), "a b", "\u00e9", "", cwd=tmp_path, input="line\nrest")
    finally:
        os.umask(before)
    assert ended.stdout == f"{script}\n{{a b}} \u00e9 {{}}\n3\n3.0 3.0\nrest\n\u20ac\n{tmp_path}\n0037\n"
    assert ended.stderr == "line\n"


@pytest.fixture(autouse=True)
def variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOKEN", "\u20ac")


@pytest.mark.parametrize(
    ("script", "status", "printed", "complaint"),
    [
        ("puts ok", 0, "ok\n", ""),
        ("puts -nonewline ok; exit 7", 7, "ok", ""),
        ("catch {exit 300}", 300 & 0xFF, "", ""),
        ("puts ok; error boom", 1, "ok\n", 'boom\n    while executing\n"error boom"\n'),
        ("nope", 1, "", 'invalid command name "nope"\n    while executing\n"nope"\n'),
        ("torch::nope", 1, "", 'invalid command name "torch::nope" (torch::help lists all commands)\n'),
        ("exec kill -SEGV [pid]", -signal.SIGSEGV, "", ""),
        ("exec kill -KILL [pid]", -signal.SIGKILL, "", ""),  # as the kernel does when memory is short
        ("torch::tensor_std [torch::ones 1]; puts ok", 0, "ok\n", "warning: "),
    ],
)
def test_how_it_ends(script: str, status: int, printed: str, complaint: str, daemon: Daemon) -> None:
    ended = both(daemon, "-c", script)
    assert (ended.returncode, ended.stdout) == (status, printed)
    assert ended.stderr.startswith(complaint)


def test_both_channels_in_order(daemon: Daemon) -> None:
    script = "foreach i {1 2 3} {puts $i; flush stdout; puts stderr -$i; torch::show [torch::ones 1]}"
    command = [sys.executable, "-m", "pybridge", "-c", script]
    options: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "check": False}
    through = subprocess.run(command, env=daemon.environment(), **options)
    without = subprocess.run(command, env=daemon.environment(TORCH_TCL_DAEMON="0"), **options)
    assert through.stdout == without.stdout
    assert through.stdout.startswith("1\n-1\n")


@pytest.mark.parametrize(
    ("redirected", "printed"),
    [
        pytest.param(
            "-c 'puts [torch::tensor_item [torch::full {} 2]]' | cat", "2.0", id="the reader sees the end"
        ),
        pytest.param("-c 'puts hello' <&-", "hello", id="closed input"),
        pytest.param("-c 'puts hello; puts stderr done' 2>&1 >&-", "done", id="closed output"),
        pytest.param("-c 'puts hello; puts stderr done' 2>&-", "hello", id="closed errors"),
        pytest.param("-c 'exit [catch {puts hello}]' <&- >&- 2>&- && echo ended", "ended", id="all closed"),
    ],
)
def test_channels_of_a_shell(daemon: Daemon, redirected: str, printed: str) -> None:
    command = f"'{sys.executable}' -m pybridge {redirected}"
    options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60, "check": True}
    ended = subprocess.run(["sh", "-c", command], env=daemon.environment(), **options)
    assert ended.stdout == f"{printed}\n"


def test_scripts_call_it_by_its_name(daemon: Daemon) -> None:
    ended = both(daemon, "-c", "puts [exec [info nameofexecutable] -c {puts [info nameofexecutable]}]")
    assert ended.stdout == f"{Path(sys.executable).with_name('tcltorch')}\n"


def test_channels_of_a_terminal(daemon: Daemon) -> None:
    """A script that looks for a terminal finds it, and what it prints is the same as without the daemon."""
    script = (
        "foreach name {stdin stdout stderr} {puts [chan configure $name]}\n"
        "puts -nonewline {no }; puts stderr error; puts -nonewline line"
    )
    through, without = (
        on_terminal(daemon.environment(TORCH_TCL_DAEMON=used), "-c", script) for used in ("1", "0")
    )
    assert through == without
    assert through.count(b" -mode ") == 3
    assert b"error" in through


def on_terminal(environment: dict[str, str], *words: str) -> bytes:
    """What `tcltorch` shows on a terminal."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-m", "pybridge", *words],
            env=environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            timeout=60,
            check=True,
        )
    finally:
        os.close(theirs)
    told = all_of(ours)
    os.close(ours)
    return told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it(number: signal.Signals, daemon: Daemon) -> None:
    program = daemon.start_tcltorch("-c", "puts [pid]; flush stdout; vwait forever")
    child = first_number(program)
    program.send_signal(number)
    program.communicate(timeout=60)
    assert program.returncode == -number
    assert not is_running(child)


def test_a_signal_that_nohup_ignores(daemon: Daemon) -> None:
    program = daemon.start_tcltorch(
        "-c",
        "puts [pid]; flush stdout; puts [gets stdin]",
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    first_number(program)
    program.send_signal(signal.SIGHUP)
    assert program.communicate("on\n", timeout=60)[0] == "on\n"
    assert program.returncode == 0


def test_a_program_that_is_killed(daemon: Daemon) -> None:
    program = daemon.start_tcltorch("-c", "puts [pid]; flush stdout; while 1 {}")
    child = first_number(program)
    program.kill()
    program.communicate(timeout=60)
    eventually(lambda: not is_running(child))


def test_a_signal_in_the_moment_when_the_child_ends() -> None:
    """It cannot be passed on any more; the status is the child's all the same."""
    ours, theirs = socket.socketpair()
    program = (
        "import socket, sys; from pybridge.daemon import program\n"
        "sys.exit(program._wait(socket.socket(fileno=int(sys.argv[1]))))"
    )
    client = subprocess.Popen(
        [sys.executable, "-c", program, str(theirs.fileno())], pass_fds=[theirs.fileno()]
    )
    theirs.close()
    with ours:
        eventually(lambda: catches(client.pid, signal.SIGTSTP))  # the last one that it sets up
        ours.shutdown(socket.SHUT_RD)
        client.send_signal(signal.SIGTERM)
        ours.send(b"e\x07")
        assert client.wait(60) == 7


def catches(process: int, number: int) -> bool:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (caught,) = (line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_a_child_that_does_not_take_over(daemon: Daemon) -> None:
    """Nothing has been run: the program does it itself."""
    eventually(lambda: len(daemon.children()) == 1 and state(daemon.process) == "S")
    (spare,) = daemon.children()
    os.kill(spare, signal.SIGSTOP)
    program = daemon.start_tcltorch("-c", "puts [exec cat /proc/[pid]/stat]")
    eventually(lambda: len(daemon.children()) == 2)  # there is a next one: the first has its client
    os.kill(spare, signal.SIGKILL)
    said, _ = program.communicate(timeout=120)
    assert said.split(")")[1].split()[1] == str(os.getpid())
    assert program.returncode == 0


@pytest.mark.parametrize(("value", "used"), [("0", False), ("1", True), ("no", True), ("", True)])
def test_only_a_zero_turns_it_off(value: str, used: bool, daemon: Daemon) -> None:
    ended = daemon.tcltorch(
        "-c", "puts [exec cat /proc/[pid]/stat]", env=daemon.environment(TORCH_TCL_DAEMON=value)
    )
    assert (ended.stdout.split(")")[1].split()[1] == str(daemon.process)) == used


@pytest.mark.parametrize(("code", "status"), [(None, 0), (0, 0), (7, 7), ("words", 1)])
def test_the_status_of_an_exit_in_python(code: object, status: int) -> None:
    assert status_of(SystemExit(code)) == status


def test_stopped_and_continued(daemon: Daemon) -> None:
    program = daemon.start_tcltorch("-c", "puts [pid]; flush stdout; gets stdin")
    child = first_number(program)
    program.send_signal(signal.SIGTSTP)
    eventually(lambda: state(child) == "T" and state(program.pid) == "T")
    program.send_signal(signal.SIGCONT)
    eventually(lambda: state(child) == "S")
    program.communicate("\n", timeout=60)
    assert program.returncode == 0


def test_another_installation_is_not_served(daemon: Daemon, tmp_path: Path) -> None:
    for name in ("pybridge", "tclpkg"):
        (tmp_path / name).symlink_to(Path(__file__).parent.parent / name)
    ended = daemon.tcltorch(
        "-c",
        "puts [exec cat /proc/[pid]/stat]",
        env=daemon.environment(PYTHONPATH=str(tmp_path)),
        cwd=tmp_path,
    )
    assert ended.stdout.split(")")[1].split()[1] == str(os.getpid())


def test_a_script_that_ends_before_the_program_goes_on_runs_once(daemon: Daemon) -> None:
    """The system may let the program wait after it has said its hello, and the daemon is gone by then."""
    program = """
import _socket, select, sys

class Slow(_socket.socket):
    def sendmsg(self, *words):
        sent = super().sendmsg(*words)
        hung_up = select.poll()
        hung_up.register(self, select.POLLHUP)
        hung_up.poll()
        return sent

_socket.socket = Slow
from pybridge import cli
sys.argv = ["tcltorch", "-c", "puts once; exit 3"]
cli.main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], env=daemon.environment(), capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("once\n", "", 3)


def test_the_daemon_is_killed(nursery: Nursery, tmp_path: Path) -> None:
    daemon = nursery.daemon(tmp_path)
    program = daemon.start_tcltorch("-c", "puts [pid]; flush stdout; gets stdin", stderr=subprocess.PIPE)
    child = first_number(program)
    os.kill(daemon.process, signal.SIGKILL)
    assert program.communicate(timeout=60) == ("", "tcltorch: the daemon has ended\n")
    assert program.returncode == 1
    eventually(lambda: not is_running(child))


def first_number(program: "subprocess.Popen[str]") -> int:
    """What its child prints first, when the program passes signals on: the child may be faster."""
    assert program.stdout is not None
    number = int(program.stdout.readline())
    eventually(lambda: handles(program.pid, signal.SIGTSTP))
    return number
