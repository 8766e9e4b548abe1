"""A Python for Tcl programs whose workers are forks of a process that has imported PyTorch.

What Tcl starts is a small program: it hands over its standard channels, its folder and its environment, waits
for the end of the worker, and ends in the same way. The worker is no child of Tcl's and not in its process
group, and its locale is that of the process that it is a fork of.
"""

import os
import signal
import socket
import sys
from pathlib import Path

_PROGRAM = """#!{python} -SE
import os, signal, socket, sys

assert sys.argv[1:] == ["-P", "-m", "pybridge.worker"], sys.argv
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as the worker does
nursery = socket.socket(socket.AF_UNIX)
nursery.connect("{door}")
nothing = os.open(os.devnull, os.O_RDWR)
folder, environment = os.open(".", os.O_PATH), os.open("/proc/self/environ", os.O_RDONLY)
socket.send_fds(nursery, [b"begin"], [0, 1, 2, folder, environment])
for descriptor in (0, 1):
    os.dup2(nothing, descriptor)
status = int(nursery.recv(16))
if status < 0:
    if status != -signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


def make_program(folder: Path) -> Path:
    """Make the program, for workers of the process that serves this folder."""
    program = folder / "python"
    program.write_text(_PROGRAM.format(python=sys.executable, door=folder / "door"), encoding="utf-8")
    program.chmod(0o755)
    return program


def stop(folder: Path) -> None:
    """Have the process that serves this folder end. Its workers end with their programs."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / "door"))
        connection.send(b"end")


def serve(folder: Path) -> None:
    """Fork a worker for each program that comes, in a process that has imported all and has one thread."""
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(folder / "door"))
    door.listen()
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for a worker
    while True:
        connection, _ = door.accept()
        said, descriptors, _, _ = socket.recv_fds(connection, 16, 5)
        if said == b"end":
            return
        if not os.fork():
            door.close()
            _have_a_worker(connection, descriptors)
            return
        for descriptor in (connection.detach(), *descriptors):
            os.close(descriptor)


def _have_a_worker(connection: socket.socket, descriptors: list[int]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    worker = os.fork()
    if not worker:
        connection.close()
        _work(*descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    connection.send(str(status).encode())


def _work(source: int, target: int, errors: int, folder: int, environment: int) -> None:
    from pybridge.worker.__main__ import main

    with open(environment, "rb") as file:
        variables = dict(each.split(b"=", 1) for each in file.read().split(b"\0") if each)
    os.environb.clear()
    os.environb.update(variables)
    os.fchdir(folder)
    os.close(folder)
    for number, descriptor in enumerate((source, target, errors)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv[1:] = []
    main()
