"""What a format is: each module of one has such an object, and `formats.FORMATS` has them all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pybridge.hardware.manifest import Coding, Manifest
from pybridge.hardware.words import WIDEST, Words


def _nothing(_: bytes) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes:
        ending: of the names of such files.
        write: from the words, the manifest and a name for the data the file's content, piece by piece.
        read: from the content and the coding the words; raises BadContent.
        per_line: words a line when nobody says how many; None where a file has no lines, 0 where the format
            finds a number itself.
        widest: bits a word.
        describe: attributes of the manifest that the content itself tells; raises BadContent.
    """

    ending: str
    write: Callable[[Words, Manifest, str], Iterator[bytes]]
    read: Callable[[bytes, Coding], Words]
    per_line: int | None = 1
    widest: int = WIDEST
    describe: Callable[[bytes], dict[str, Any]] = _nothing
