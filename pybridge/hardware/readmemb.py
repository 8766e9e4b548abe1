"""Memory files for Verilog's $readmemb: words in binary."""

from collections.abc import Iterator

from pybridge.hardware import readmem
from pybridge.hardware.format import Format
from pybridge.hardware.manifest import Coding, Manifest
from pybridge.hardware.words import Words

_DIGIT_BITS = 1


def write(words: Words, manifest: Manifest, _: str = "") -> Iterator[bytes]:
    """The content of a file."""
    return readmem.write(words, manifest, _DIGIT_BITS)


def read(content: bytes, coding: Coding) -> Words:
    """The words of a file; see `readmem.read`."""
    return readmem.read(content, coding, _DIGIT_BITS)


FORMAT = Format(".mem", write, read)
