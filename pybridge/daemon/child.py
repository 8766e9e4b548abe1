"""A child of the daemon's: waits for a client, takes over its surroundings, and serves it."""

import contextlib
import faulthandler
import importlib
import io
import locale
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import TextIO

from pybridge.daemon import notes
from pybridge.daemon.hello import DESCRIPTORS, Identity
from pybridge.daemon.rehearsal import rehearse
from pybridge.lazy import torch
from pybridge.worker.process import run

_NUMBERS_OF_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def live(orders: socket.socket, memory: int, answer: str, last_words: TextIO) -> None:
    """Wait for a client and serve it, as its worker or as the `tcltorch` program.

    Args:
        orders: what the daemon writes to, once.
        memory: how many bytes may be allocated; 0 for any number.
        answer: what a Tcl program knows the daemon by.
        last_words: for what goes wrong.
    """
    torch.default_generator.seed()  # by chance, as in every process
    rehearse(orders)
    kind, descriptors, _, _ = socket.recv_fds(orders, 1, DESCRIPTORS + 2, socket.MSG_CMSG_CLOEXEC)
    if not kind:  # the daemon has ended
        os._exit(0)
    described, connection, *descriptors = descriptors
    os.set_inheritable(connection, False)  # Python 3.11 passes over the flag
    said = os.pread(described, os.fstat(described).st_size, 0)
    os.close(described)
    try:
        identity = Identity.of_tcl(said) if kind == b"w" else Identity.of_program(said)
        if identity.folder:
            os.chdir(identity.folder)
    except ValueError:
        notes.write("refused a program: what it has said of itself makes no sense")
        os._exit(0)
    except OSError as error:
        notes.write(f"refused a program: this process cannot be in its folder: {error}")
        os._exit(0)
    if memory:
        _limit_memory(memory)
    if kind == b"w":
        sys.argv = identity.arguments
        run(connection, connection, last_words, lambda: _take_over(identity), answer)
    else:
        _take_over(identity)
        faulthandler.disable()  # it is the daemon's, too
        last_words.close()
        _be_program(identity, connection, descriptors, orders)


def _limit_memory(allowed: int) -> None:
    with open("/proc/self/statm") as file:
        allowed += int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (allowed, allowed))


def _take_over(identity: Identity) -> None:
    """Take over what cannot go wrong: a Tcl program has been greeted before, and does not wait for it."""
    identity.take_over()
    for name in _NUMBERS_OF_THREADS:  # OpenMP has read them in the daemon
        wanted = identity.environment.get(name, "").partition(",")[0]
        if wanted.isdecimal() and len(wanted) < 10 and int(wanted):  # OpenMP passes over others
            torch.set_num_threads(int(wanted))
            break


def _be_program(identity: Identity, connection: int, descriptors: list[int], orders: socket.socket) -> None:
    """Run `tcltorch` on the client's standard channels; the daemon tells the client the status."""
    from pybridge.cli import run_here
    from pybridge.commands import about

    *standard, folder = descriptors
    os.fchdir(folder)
    os.close(folder)
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    _open_standard_streams(identity.environment)
    with contextlib.suppress(ImportError):  # no tkinter: who needs it is told
        importlib.import_module("pybridge.tcl_library").look_for_terminals()
    sys.argv = ["tcltorch", *identity.arguments]
    about.host_facts["runs in"] = "with Tcl, forked by the daemon"
    os.write(connection, b"+")  # without it the client runs the program itself: from here on it may not
    os.close(connection)
    try:
        status = run_here(identity.arguments)
    except SystemExit as error:
        status = status_of(error)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    _end_output()
    orders.send(bytes([status & 0xFF]))
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.main_thread():
            thread.join()  # it compiles a kernel for the next time
    # PyTorch's own end takes ten times as long, and the next client waits for the core.
    os._exit(status & 0xFF)


def status_of(ending: SystemExit) -> int:
    """The status that Python ends with."""
    if ending.code is None:
        return 0
    return ending.code if isinstance(ending.code, int) else 1


def _open_standard_streams(environment: dict[str, str]) -> None:
    """Python's own, as it opens them at its start."""
    encoding = locale.getpreferredencoding(False)
    unbuffered = bool(environment.get("PYTHONUNBUFFERED"))
    for number, (name, mode, errors) in enumerate(
        (("stdin", "r", "strict"), ("stdout", "w", "strict"), ("stderr", "w", "backslashreplace"))
    ):
        raw = io.FileIO(number, mode, closefd=False)
        binary = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
        stream = io.TextIOWrapper(
            binary,
            encoding,
            errors,
            line_buffering=name == "stderr" or raw.isatty(),
            write_through=unbuffered,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _end_output() -> None:
    """Write what is buffered and close the client's channels: who reads them sees the end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads it any more, or a script has closed the channel
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    os.close(nothing)


def prepare(end_with_parent: Callable[[int], object], parent: int, signals: tuple[int, ...]) -> None:
    """Undo in a new child what the daemon has set up for itself."""
    for number in signals:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    end_with_parent(signal.SIGKILL)
    if os.getppid() != parent:  # it has ended before
        os._exit(0)
