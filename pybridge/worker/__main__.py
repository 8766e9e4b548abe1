"""The process that a Tcl program starts: `python -m pybridge.worker`."""

import contextlib
import os
import signal
import sys
import threading

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
    from pybridge.worker import hangup, process

    last_words = process.keep_last_words()
    hangup.end_with(source)  # one that cannot does not greet
    process.run(source, target, last_words, _begin_to_load_torch)


def _begin_to_load_torch() -> None:
    if "torch" not in sys.modules:
        threading.Thread(target=_load_torch, name="tcltorch-load", daemon=True).start()


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
