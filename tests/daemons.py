"""Daemons and workers for tests: forks of a process that has imported all, which takes seconds each time."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pybridge.tcl_list import join_list, split_list
from tests import stand_in
from tests.processes import PATIENCE, eventually, is_running

ROOT = Path(__file__).resolve().parent.parent
TO_DAEMON = "string match sock* $::torch::_::channel"  # in Tcl: whether the worker is a child of the daemon
_NURSERY = """
import gc, json, os, pathlib, sys
from pybridge.daemon import __main__ as daemon, hello
from tests import stand_in
daemon.preload()
gc.freeze()
print("ready", flush=True)
for line in sys.stdin:
    order = json.loads(line)
    if os.fork():
        os.wait()
        continue
    if os.fork():
        os._exit(0)
    os.setsid()
    os.environ["XDG_RUNTIME_DIR"] = order["folder"]
    errors = os.open(order["folder"] + "/errors", os.O_WRONLY | os.O_CREAT)
    os.dup2(errors, 2)
    os.close(errors)
    if "words" in order:
        hello.PATIENCE = order["patience"]
        daemon.main(order["words"])
    else:
        stand_in.serve(pathlib.Path(order["folder"]))
    os._exit(0)  # PyTorch's own end takes a second
"""


class Nursery:
    """A process of which daemons and workers are forked."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._expect_ready()

    def _expect_ready(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def daemon(
        self, folder: Path, clients: int = 16, memory: int = 0, idle: float = 3600.0, patience: float = 60.0
    ) -> "Daemon":
        """A daemon with its files in `folder`."""
        order = {
            "folder": str(folder),
            "words": [str(clients), str(memory), str(idle)],
            "patience": patience,
        }
        self._begin(order)
        return Daemon(folder)

    def python(self, folder: Path) -> Path:
        """What stands in for Python in Tcl programs, with its files in `folder`; `stand_in.stop` ends it."""
        self._begin({"folder": str(folder)})
        return stand_in.make_program(folder)

    def _begin(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self._expect_ready()

    def close(self) -> None:
        """Let it end. Its daemons do not."""
        self._process.communicate()


class Daemon:
    """A daemon that runs, and programs that find it.

    Args:
        runtime: what XDG_RUNTIME_DIR is.
    """

    def __init__(self, runtime: Path) -> None:
        self.runtime = runtime
        self.file = runtime / "tcltorch" / f"daemon-{os.uname().nodename}"
        words = split_list(self.file.read_text(encoding="utf-8"))
        self.facts = dict(zip(words[::2], words[1::2], strict=True))
        self.process = int(self.facts["pid"])

    def environment(self, **more: str) -> dict[str, str]:
        """For programs that should find it."""
        return environment(self.runtime, **more)

    def tclsh(self, script: str, **more: str) -> str:
        """What a script prints in a stock tclsh."""
        return self.start_tclsh(script, **more).communicate(timeout=PATIENCE)[0]

    def start_tclsh(self, script: str, **more: str) -> "subprocess.Popen[str]":
        """Start a stock tclsh, which reads standard input when its script does."""
        command = ["tclsh", str(self.runtime / f"{time.monotonic_ns()}.tcl"), "one", "two words"]
        Path(command[1]).write_text(f"package require torch\n{script}\n", encoding="utf-8")
        return subprocess.Popen(
            command,
            env=self.environment(**more),
            cwd=self.runtime,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def tcltorch(self, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run the program to its end."""
        options = {"env": self.environment(), "timeout": PATIENCE, **options}
        command = [sys.executable, "-m", "pybridge", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)

    def start_tcltorch(self, *words: str, **options: Any) -> "subprocess.Popen[str]":
        """Start the program."""
        command = [sys.executable, "-m", "pybridge", *words]
        return subprocess.Popen(
            command,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )

    def connect(self) -> socket.socket:
        """A connection to the port for Tcl programs."""
        connection = socket.create_connection(("127.0.0.1", int(self.facts["port"])))
        connection.settimeout(PATIENCE)
        return connection

    def hello(self, **changed: str) -> bytes:
        """What a Tcl program says first."""
        words = {
            "verb": "!client",
            "token": self.facts["token"],
            "version": self.facts["version"],
            "folder": str(self.runtime),
            "process": str(os.getpid()),
            "environment": join_list(("PATH", os.environ["PATH"])),
            "arguments": "",
        }
        return frame(join_list((words | changed).values()).encode())

    def children(self) -> set[int]:
        """Its children; one waits for a client."""
        listed = Path(f"/proc/{self.process}/task/{self.process}/children").read_text(encoding="ascii")
        return set(map(int, listed.split()))

    def runs(self) -> bool:
        """Whether it has not ended."""
        return is_running(self.process)

    def complaints(self) -> list[str]:
        """What it has said on standard error, but for the notes that it should make there."""
        said = (self.runtime / "errors").read_text(encoding="utf-8").splitlines()
        return [line for line in said if not is_note(line)]

    def stop(self) -> None:
        """End it and all its children."""
        if self.runs():
            os.kill(self.process, signal.SIGTERM)
            eventually(lambda: not self.runs())


def environment(runtime: Path, **more: str) -> dict[str, str]:
    """For programs whose daemon has its files in `runtime`, with this Python and this package."""
    ours = {
        "XDG_RUNTIME_DIR": str(runtime),
        "PYTHONPATH": str(ROOT),
        "TCLLIBPATH": str(ROOT / "tclpkg"),
        "TORCH_TCL_PYTHON": sys.executable,
        "TORCH_TCL_DAEMON": "1",
    }
    return os.environ | ours | more


def control(runtime: Path, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run `tcltorch daemon` for a daemon with its files in `runtime`."""
    command = [sys.executable, "-m", "pybridge", "daemon", *words]
    return subprocess.run(
        command, env=environment(runtime, **more), capture_output=True, text=True, timeout=300, check=False
    )


def is_note(line: str) -> bool:
    """Whether a daemon has noted this: the time, and why a program was not served."""
    return bool(re.match(r"[\d-]{10} [\d:]{8} (refused a program|cannot fork): ", line))


def frame(text: bytes, number: int = 0, length: int | None = None) -> bytes:
    """A frame without bytes."""
    return struct.pack(">2I", len(text) if length is None else length, number) + text


def greets(connection: socket.socket) -> bool:
    """Whether a worker begins to greet there."""
    return connection.recv(14, socket.MSG_WAITALL)[8:] == b"hello "
