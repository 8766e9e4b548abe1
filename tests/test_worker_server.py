"""What a worker does between a request and the next one."""

import os
import signal
import threading
import weakref
from collections.abc import Iterator
from typing import Any, cast

import pytest

from pybridge import interrupt
from pybridge.interp import Interpreter
from pybridge.worker.frames import Bytes, Frame, Reader, Writer
from pybridge.worker.output import Output
from pybridge.worker.server import Server


class Payload(bytearray):
    """Bytes that a test can watch."""


class Client:
    """Stands for the connection: it asks, and watches what becomes of what has gone over it."""

    def __init__(self, requests: Iterator[Frame]) -> None:
        self._requests = requests
        self.watched: list[Any] = []
        self.said: list[str] = []

    def next(self) -> Frame | None:
        assert [each for watch in self.watched if (each := watch()) is not None] == []
        request = next(self._requests, None)
        if request and isinstance(request[2], Payload):
            self.watched.append(weakref.ref(request[2]))
        return request

    def send(self, number: int, data: bytes, payload: Bytes = b"") -> None:
        self.said.append(data.decode())
        if payload:
            self.watched.append(weakref.ref(payload))

    def flush(self) -> None:
        """Nothing is printed."""


def test_it_keeps_nothing_of_a_request_and_its_answer() -> None:
    def requests() -> Iterator[Frame]:
        yield 1, "!bulk 0 dw 8 {} tensor_create {} float32", Payload(16 * 8)
        yield 2, "tensor_to_list tensor0", b""
        yield 3, "tensor_numel tensor0", b""

    client = Client(requests())
    Server(cast(Reader, client), cast(Writer, client), cast(Output, client)).serve()
    assert client.said == ["0 tensor0 {} 1", "2 {d* {}} {} 1", "0 8 {} 1"]
    assert len(client.watched) == 2


def test_a_cancel_while_the_interpreter_for_scripts_is_made_is_for_the_script(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    watcher = interrupt.watcher()
    assert watcher
    monkeypatch.setattr(watcher, "always", signal.SIGUSR1)
    monkeypatch.setattr(watcher, "on_press", watcher.on_press)  # it would end other tests' processes
    monkeypatch.setattr("pybridge.worker.server.signal_children", lambda _: None)
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    request.addfinalizer(lambda: signal.signal(signal.SIGUSR1, before))
    evaluate = Interpreter.eval

    def cancelled(interpreter: Interpreter, script: str) -> str:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        return evaluate(interpreter, f"after 300\n{script}")

    def requests() -> Iterator[Frame]:
        with monkeypatch.context() as patched:
            patched.setattr(Interpreter, "eval", cancelled)
            yield 1, "!async !script {} {while 1 {}}", b""
        yield 2, "!script {} {expr 2}", b""

    client = Client(requests())
    Server(cast(Reader, client), cast(Writer, client), cast(Output, client)).serve()
    assert client.said == ["1 interrupted {-errorcode {TORCH INTERRUPT}} 0", "0 2 {} 0"]
