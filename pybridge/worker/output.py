"""What the worker's process prints, on its way to the Tcl program.

Python's `print` and warnings go over at once. What C code writes to the descriptors 1 and 2 is kept in a file
without a name and goes over before the answer to the command that wrote it.
"""

import io
import os
import sys

from pybridge.worker.frames import Writer

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
        self._files = []
        for descriptor, name in enumerate(_NAMES, start=1):
            file = os.fdopen(os.memfd_create(f"tcltorch-{name}"), "r+b", 0)
            os.dup2(file.fileno(), descriptor)
            self._files.append(file)
            setattr(sys, name, io.TextIOWrapper(_Stream(self, name), "utf-8", "replace", write_through=True))

    def flush(self) -> None:
        """Send what C code has written since the last time."""
        out, err = self._files  # their positions are shared with 1 and 2, which a script may have closed
        if not (out.tell() or err.tell()):
            return
        for file, name in zip(self._files, _NAMES, strict=True):
            if file.tell():
                file.seek(0)
                data = file.read()
                file.seek(0)
                file.truncate()
                self._writer.send(0, name, data)

    def write(self, name: str, data: bytes) -> None:
        self.flush()
        self._writer.send(0, name, data)


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
