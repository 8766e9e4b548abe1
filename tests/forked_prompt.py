"""Prompts that begin at once: forks of a process that has imported all that the prompt is made of.

That takes most of the time of a test of the prompt. The prompt is no child of the test's, and its PyTorch is
one that cannot be imported; but for that it is what `python -m pybridge` is on a terminal.
"""

import atexit
import fcntl
import functools
import gc
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path


class ForkedPrompt:
    """A prompt that runs.

    Args:
        terminal: the descriptor of its terminal.
        environment: all its variables. Those that Python itself reads when it begins change nothing.
    """

    def __init__(self, terminal: int, environment: Mapping[str, str]) -> None:
        self._connection, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            order = json.dumps(dict(environment)).encode()
            socket.send_fds(_parent(), [order], [terminal, other.fileno()])
        self.process = int(self._connection.recv(16))

    def status(self, *, wait: bool = False) -> int | None:
        """Its exit status, or minus the signal that killed it, which is told once; None while it runs."""
        try:
            status = int(self._connection.recv(16, 0 if wait else socket.MSG_DONTWAIT))
        except BlockingIOError:
            return None
        self._connection.close()
        return status


def without_pytorch() -> str:
    """The PYTHONPATH for programs that cannot import PyTorch."""
    stands_in = Path(__file__).parent / "data" / "no_pytorch"
    return os.pathsep.join([str(stands_in), os.environ.get("PYTHONPATH", "")])


@functools.cache
def _parent() -> socket.socket:
    """The connection to the process that forks; that ends when this one does."""
    connection, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.forked_prompt", str(other.fileno())]
    environment = {**os.environ, "PYTHONPATH": without_pytorch()}
    process = subprocess.Popen(command, env=environment, pass_fds=[other.fileno()], stdin=subprocess.DEVNULL)
    other.close()
    atexit.register(process.wait)
    atexit.register(connection.close)
    return connection


def _main(orders: socket.socket) -> None:
    """Fork a prompt for each order; in the fork, be the prompt."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at the tests ends them, and then this
    _import_the_prompt()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for a prompt
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, 1 << 20, 2)
        if not order:
            return
        if not os.fork():
            break
        for descriptor in descriptors:
            os.close(descriptor)
    orders.close()
    terminal, report = descriptors
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if prompt := os.fork():
        os.close(terminal)
        os.write(report, str(prompt).encode())
        os.write(report, str(os.waitstatus_to_exitcode(os.waitpid(prompt, 0)[1])).encode())
        os._exit(0)
    os.close(report)
    _be_the_prompt(terminal, json.loads(order))


def _import_the_prompt() -> None:
    from pybridge import prompt

    for module in pkgutil.iter_modules(prompt.__path__, "pybridge.prompt."):
        import_module(module.name)
    gc.freeze()


def _be_the_prompt(terminal: int, environment: dict[str, str]) -> None:
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(terminal, number)
    os.close(terminal)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    del sys.argv[1:]
    runpy.run_module("pybridge", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main(socket.socket(fileno=int(sys.argv[1])))
