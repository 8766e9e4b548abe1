"""What the worker's process prints, on its way to the Tcl program.

Python's `print` and warnings go over at once, those of other threads than the main one before the next
answer. What C code writes to the descriptors 1 and 2 is kept in a file without a name and goes over before
the answer to the command that wrote it.
"""

import io
import os
import sys
import threading
from collections import deque

from pybridge.worker.frames import Writer, encode

_NAMES = ("stdout", "stderr")


class Output:
    """Stands where the process has its standard output and its standard error.

    Args:
        writer: where it goes.

    Attributes:
        terminal: whether standard error ends on a terminal, on which progress bars are drawn.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.terminal = False
        self._main = threading.get_ident()
        self._late: deque[tuple[str, bytes]] = deque()  # what other threads have printed
        # their positions are shared with 1 and 2, which a script may have closed
        self._out, self._err = (os.memfd_create(f"tcltorch-{name}") for name in _NAMES)
        for descriptor, (file, name) in enumerate(zip((self._out, self._err), _NAMES, strict=True), start=1):
            os.dup2(file, descriptor)
            setattr(sys, name, io.TextIOWrapper(_Stream(self, name), "utf-8", "replace", write_through=True))

    def close(self) -> None:
        """Close the files. The caller puts what it wants in the place of 1 and 2, and of `sys.stdout`."""
        os.close(self._out)
        os.close(self._err)

    def flush(self) -> None:
        """Send what C code and other threads have written since the last time."""
        if os.lseek(self._out, 0, os.SEEK_CUR) or os.lseek(self._err, 0, os.SEEK_CUR):
            self._send_kept()
        while self._late:
            name, data = self._late.popleft()
            self._writer.send(0, encode(name), data)

    def _send_kept(self) -> None:
        for file, name in zip((self._out, self._err), _NAMES, strict=True):
            length = os.lseek(file, 0, os.SEEK_CUR)
            if length:
                data = os.pread(file, length, 0)
                os.lseek(file, 0, os.SEEK_SET)
                os.ftruncate(file, 0)
                self._writer.send(0, encode(name), data)

    def write(self, name: str, data: bytes) -> None:
        if threading.get_ident() != self._main:  # which may be in the middle of a frame
            self._late.append((name, data))
            return
        self.flush()
        self._writer.send(0, encode(name), data)


class _Stream(io.RawIOBase):
    def __init__(self, output: Output, name: str) -> None:
        self._output, self._name = output, name

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._output.terminal

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._output.write(self._name, bytes(data))
        return len(data)
