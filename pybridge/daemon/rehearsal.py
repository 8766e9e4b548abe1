"""What a child does while it waits: what a client will have it do, once.

The pages of memory that this writes to are the child's own then. They are shared with the daemon before, and
the system would have to copy them while the client waits.
"""

import contextlib
import os
import select
import socket
import sys
from collections.abc import Iterator

from pybridge.commands import about
from pybridge.daemon.hello import Identity
from pybridge.tcl_list import join_list
from pybridge.worker.frames import Reader, Writer, encode, head
from pybridge.worker.output import Output
from pybridge.worker.server import Server, greet

# Integers are multiplied: with the first floats MKL reads the environment, which is not yet the client's.
_REQUESTS = (
    "!begin 8.6 utf-8 0 0 0",
    "ones {2 3}",
    "tensor_sum tensor0",
    "tensor_to_list tensor1",
    "tensor_create 1",
    "tensor_add tensor0 tensor2",
    "ones {2 2} -dtype int64",
    "tensor_matmul tensor4 tensor4",
)


def rehearse(orders: socket.socket) -> None:
    """Go through each part, unless a client has come, which does not wait for the rest.

    Args:
        orders: where it is told of a client.
    """
    client = select.poll()  # select(2) knows no descriptors beyond 1023, which a daemon with many clients has
    client.register(orders, select.POLLIN)
    for part in (_take_over, _answer, _run_a_script):
        if client.poll(0):
            return
        part()


def _take_over() -> None:
    environment = join_list(word.decode("latin-1") for pair in os.environb.items() for word in pair)
    said = join_list(("/", str(os.getpid()), environment, "tclsh"))
    Identity.of_tcl(encode(said)).take_over()


def _answer() -> None:
    here, there = socket.socketpair()
    for number, request in enumerate(_REQUESTS, start=1):
        here.sendall(head(number, encode(request)))
    here.shutdown(socket.SHUT_WR)
    writer = Writer(there.fileno())
    with _standard_channels_kept():
        output = Output(writer)
        greet(writer)
        Server(Reader(there.fileno()), writer, output).serve()
        output.close()
    about.host_facts.clear()  # nobody has told them
    here.close()
    there.close()


@contextlib.contextmanager
def _standard_channels_kept() -> Iterator[None]:
    streams, descriptors = (sys.stdout, sys.stderr), (os.dup(1), os.dup(2))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        for number, descriptor in enumerate(descriptors, start=1):
            os.dup2(descriptor, number)
            os.close(descriptor)


def _run_a_script() -> None:
    try:
        from pybridge.interp import Interpreter
    except ImportError:  # no tkinter: who needs it is told
        return
    with Interpreter(program=True) as tcl:
        tcl.eval("torch::tensor_to_list [torch::ones 2]")
