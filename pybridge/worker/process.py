"""A process that serves one Tcl program, and ends with it."""

import faulthandler
import os
import signal
import warnings
from collections.abc import Callable
from typing import NoReturn, TextIO

from pybridge.errors import one_line_warning
from pybridge.worker.frames import Garbled, Reader, Writer
from pybridge.worker.hangup import end
from pybridge.worker.output import Output
from pybridge.worker.server import Server, greet

_CANCEL = signal.SIGUSR1  # torch::cancel


def keep_last_words() -> TextIO:
    """Keep what is standard error now, and have a crash told there, whatever takes its place."""
    last_words = os.fdopen(os.dup(2), "w")
    faulthandler.enable(last_words)
    return last_words


def run(
    source: int, target: int, last_words: TextIO, after_greeting: Callable[[], None], answer: str = ""
) -> NoReturn:
    """Serve the connection of these two descriptors, and end the process with it.

    Args:
        last_words: where this process says what was wrong; Tcl shows it, unless it is the daemon's log.
        after_greeting: done before the first request; the other side goes on meanwhile.
        answer: what the other side knows the daemon by; empty, by default, where it has started this process.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {_CANCEL})  # it may come as soon as the other side knows of us
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    writer = Writer(target)
    greet(writer, answer)
    after_greeting()
    server = Server(Reader(source), writer, Output(writer))
    signal.signal(_CANCEL, lambda *_: setattr(server, "cancelled", True))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {_CANCEL})
    warnings.formatwarning = one_line_warning
    try:
        server.serve()
    except Garbled as error:
        print(error, file=last_words, flush=True)
        end(2)
    except OSError:  # nobody is left to be told
        end(2)
    end(0)
