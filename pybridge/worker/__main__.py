"""The process that a Tcl program starts: `python -m pybridge.worker`."""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import warnings

_PIPE_SIZE = 1 << 20


def main() -> None:
    """Serve the process that has started this one, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole process group
    source, target = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    _widen(source, target)
    try:
        os.getcwd()
    except FileNotFoundError:  # a deleted folder, in which PyTorch is not found
        os.chdir("/")
    run(source, target)


def run(source: int, target: int, answer: str = "") -> None:
    """Serve the connection of these two descriptors, and end the process with it.

    Args:
        answer: what the other side knows this one by; empty where it has started it.
    """
    from pybridge.errors import one_line_warning
    from pybridge.worker.frames import Garbled, Reader, Writer
    from pybridge.worker.hangup import end, end_with
    from pybridge.worker.output import Output
    from pybridge.worker.server import Server

    last_words = os.fdopen(os.dup(2), "w")  # Tcl tells them with the error; of the daemon it is the log
    faulthandler.enable(last_words)
    end_with(source)
    writer = Writer(target)
    server = Server(Reader(source), writer, Output(writer))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, lambda *_: setattr(server, "cancelled", True))  # torch::cancel
    warnings.formatwarning = one_line_warning
    server.greet(answer)
    if "torch" not in sys.modules:
        threading.Thread(target=_load_torch, name="tcltorch-load", daemon=True).start()
    try:
        server.serve()
    except Garbled as error:
        print(error, file=last_words, flush=True)
        end(2)
    except OSError:  # nobody is left to be told
        end(2)
    end(0)


def _load_torch() -> None:
    """Have PyTorch ready by the time that a command needs it."""
    from pybridge.lazy import import_once

    with contextlib.suppress(Exception):  # that command says why
        import_once("torch")


def _widen(*descriptors: int) -> None:
    """Let pipes hold more than Linux gives them at first: bulk numbers go over in fewer pieces."""
    import fcntl

    for descriptor in descriptors:
        with contextlib.suppress(OSError):  # no pipe, or the limit of the machine is lower
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)


if __name__ == "__main__":
    main()
