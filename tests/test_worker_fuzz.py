"""Random bytes and words at both sides of the pipe: errors may come, but no crash and no wait without end."""

import os
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pybridge.registry import BY_NAME
from pybridge.tcl_list import join_list, split_list
from pybridge.worker import frames
from pybridge.worker.frames import Garbled, Reader, TooLong, decode, encode, head
from tests.stock_tclsh import run

# What a worker might answer if it were broken: after its greeting, one of these for each request.
BROKEN = """#!{python} -S
import os, random, struct, sys
choose = random.Random({seed} + os.getpid())
def frame(number, text, payload=b""):
    text = text.encode()
    if not payload:
        return struct.pack(">2I", len(text), number) + text
    return struct.pack(">3I", 2**31 + len(text), number, len(payload)) + text + payload
os.write(1, frame(0, "hello {version} %d" % os.getpid()))
while True:
    request = sys.stdin.buffer.read(8)
    if not request:
        break
    length, number = struct.unpack(">2I", request)
    size = int.from_bytes(sys.stdin.buffer.read(4), "big") if length >> 31 else 0
    sys.stdin.buffer.read(length % 2**31 + size)
    if not number:
        continue
    good = frame(number, "0 tensor0 {{}} 1")
    answers = [
        good[: choose.randrange(len(good))], os.urandom(choose.randrange(100)), frame(number, "{{"), frame(number, ""),
        frame(number, "7 x {{}} 1"), frame(number, "1 x {{-errorcode}} 1"), frame(number, "2 x {{}} 1", b"abc"), frame(number + 7, "0 x {{}} 1"),
        struct.pack(">3I", 2**32 - 1, number, 5), struct.pack(">2I", 2**31, number), frame(0, "stdout", b"out"), frame(0, "nosuchchannel", b"out"),
        frame(0, "{{"), frame(number, "3 .w {{}} 1", b"no picture"), frame(number, "0 \\\\ud800 {{}} 1"), good[:4] + b"\\xff" * 16,
    ]
    answer = choose.choice(answers * 2 + [good] * 20)
    os.write(1, answer)
    if answer is not good:
        break
"""  # noqa: E501


def test_a_broken_worker_breaks_nothing_else(tmp_path: Path) -> None:
    from pybridge import __version__

    worker = tmp_path / "broken"
    worker.write_text(BROKEN.format(python=sys.executable, seed=1, version=__version__))
    worker.chmod(0o755)
    script = """
        set i 0
        while {$i < 60} {
            if {[catch {torch::ones 2} message options]} {
                set codes([lrange [code] 0 1]) 1
            }
            catch {torch::tensor_create {1 2 3}}
            catch {torch::restart}
            incr i
        }
        torch::shutdown
        puts [lsort [array names codes]]
    """
    out, _, status = run(script, tmp_path, TORCH_TCL_PYTHON=str(worker))
    assert status == 0
    codes = set(split_list(out.replace("out", "")))  # what it has printed is among the answers
    assert "TORCH CLOSED" in codes
    assert codes <= {"TORCH CLOSED", "TORCH UNSUPPORTED"}  # the latter for a picture: there is no Tk


@given(st.binary(max_size=200), st.booleans())
def test_a_reader_takes_frames_or_says_that_there_is_none(data: bytes, begun: bool) -> None:
    source, target = os.pipe()
    try:
        header = struct.pack(">3I", 2**31 + len(data) // 2, 1, len(data) // 3) if begun else b""
        os.write(target, header + data)
        os.close(target)
        reader = Reader(source)
        try:
            while (frame := reader.next()) is not None:
                assert len(frame[2]) <= len(data)
        except Garbled:
            pass
    finally:
        os.close(source)


@given(st.integers(0, 2**32 - 1), st.text(), st.binary())
def test_a_frame_comes_back(number: int, text: str, payload: bytes) -> None:
    source, target = os.pipe()
    os.write(target, head(number, encode(text), payload) + payload)
    os.close(target)
    with os.fdopen(source):
        assert Reader(source).next() == (number, text, payload)
        assert Reader(source).next() is None


@pytest.mark.parametrize(
    ("length", "size", "message"),
    [
        (2**28 + 1, 0, "a list must have at most 268435456 bytes but had 268435457"),
        (2**28, 0, "a frame was cut short"),
        (0, 2**32 - 1, "a frame was cut short"),
    ],
)
def test_a_header_is_checked_before_the_rest_is_read(length: int, size: int, message: str) -> None:
    source, target = os.pipe()
    os.write(target, struct.pack(">3I", 2**31 + length, 1, size))
    os.close(target)
    with os.fdopen(source), pytest.raises(Garbled, match=f"^{message}$"):
        Reader(source).next()


def test_a_frame_has_no_more_than_the_other_side_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "_LONGEST_LIST", 4)
    monkeypatch.setattr(frames, "_MOST_BYTES", 8)
    assert head(1, encode("\u00e4\u00e4"), bytes(8)) == struct.pack(">3I", 0xC0000004, 1, 8) + b"\xc3\xa4" * 2
    for text, payload in (("\u00e4\u00e4a", b""), ("", bytes(9))):
        with pytest.raises(TooLong, match="at most 4 bytes of text and 8 of numbers"):
            head(1, encode(text), payload)


def test_text_that_is_no_text_is_kept_apart() -> None:
    """Half a surrogate pair that Tcl has said comes back to it; Python's own is no text of Tcl's."""
    assert decode(b"\xff\xed\xa0\x80") == "\udcff\udced\udca0\udc80"
    assert encode("\udcff\udced\udca0\udc80") == b"\xff\xed\xa0\x80"
    assert encode("a\ud800") == b"a?"


@pytest.mark.parametrize("seed", range(3))
def test_random_requests_are_all_answered(seed: int) -> None:
    choose = random.Random(seed)
    names = [name for name in BY_NAME if name not in ("sitrep", "help")]
    command = [sys.executable, "-m", "pybridge.worker"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, cwd="/") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answers = Reader(process.stdout.fileno())
        greeting = answers.next()
        assert greeting is not None
        assert split_list(greeting[1])[0] == "hello"
        for number in range(1, 200):
            request, payload = random_request(choose, names)
            process.stdin.write(head(number, encode(request), payload) + payload)
            while (answer := answers.next()) is not None and answer[0] == 0:
                assert answer[1] in ("stdout", "stderr")
            assert answer is not None, request
            assert answer[0] == number
            assert len(split_list(answer[1])) == 4
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def random_request(choose: random.Random, names: list[str]) -> tuple[str, bytes]:
    """The list and the bytes of a request that makes more or less sense."""
    values = [
        "",
        "1",
        "-1",
        "2 2",
        "tensor0",
        "tensor1",
        "-dim",
        "-input",
        "float32",
        "nan",
        "{",
        "\\",
        "x y",
        "1e400",
        "\0",
    ]
    words = [choose.choice(names), *choose.choices(values, k=choose.randrange(5))]
    match choose.randrange(6):
        case 0:
            verb = choose.choice(["!in", "!bulk", "!cd", "!begin", "!async", "!nonsense"])
            return join_list([verb, *choose.choices(values, k=choose.randrange(7))]), b""
        case 1:
            return join_list(
                ["!bulk", "0", choose.choice(["d", "dw", "x"]), "2", "", *words]
            ), choose.randbytes(16)
        case 2:
            return "".join(choose.choices('{}"\\ab \n$[];', k=choose.randrange(20))), choose.randbytes(3)
    return join_list(words), b""
