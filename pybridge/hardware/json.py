"""A JSON file that says all of itself: the entries of a manifest, and `data`, the words as numbers."""

import json
from collections.abc import Iterator
from typing import Any

from pybridge.hardware import manifest as manifests
from pybridge.hardware.digits import decimals_in_lines
from pybridge.hardware.format import Format
from pybridge.hardware.manifest import Coding, Manifest
from pybridge.hardware.refusals import BadContent, BadToken
from pybridge.hardware.words import Words, from_integers, to_integers


def write(words: Words, manifest: Manifest, _: str = "") -> Iterator[bytes]:
    """The content of a file; words are signed numbers where they hold one signed value."""
    entries = {name: value for name, value in manifest.described().items() if name != "sha256"}
    head = "".join(f"  {json.dumps(name)}: {json.dumps(value)},\n" for name, value in entries.items())
    yield f'{{\n{head}  "data": [\n'.encode()
    numbers = list(map(str, to_integers(words, manifest.word_signed).tolist()))
    yield from decimals_in_lines(numbers, manifest.words_per_line or 1)
    yield b"  ]\n}\n"


def read(content: bytes, coding: Coding) -> Words:
    """The words of a file.

    Raises:
        BadContent: it holds no list of integers, or one that does not fit.
    """
    data = manifests.json_object(content).get("data")
    if not isinstance(data, list):
        raise BadContent("has no list data")
    wrong = next((index for index, each in enumerate(data) if type(each) is not int), None)
    if wrong is not None:
        raise BadContent(f"holds data that is no integer, at index {wrong}")
    try:
        return from_integers(data, coding.word_bits, coding.word_signed)
    except BadToken as error:
        raise BadContent(f"has bad data at index {error.index}: {error}") from None


def describe(content: bytes) -> dict[str, Any]:
    """All of the manifest but the checksum."""
    entries = manifests.json_object(content)
    entries.pop("data", None)
    if "sha256" in entries:
        raise BadContent("has an unknown entry sha256")
    known = manifests.from_entries({**entries, "sha256": ""})
    return {name: getattr(known, name) for name in entries}


FORMAT = Format(".json", write, read, per_line=16, widest=64, describe=describe)
