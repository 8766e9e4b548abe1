"""Names of files as Tcl has them and as Python has them.

Without a locale, Tcl reads their bytes as ISO 8859-1, and Python as UTF-8. To Tcl 8, `~` at the start of a
name is a home folder, as to a shell; to Tcl 9 and Python it is a character.
"""

import codecs
import os
import sys

_encoding = ""  # Python's name of Tcl's; empty where both have the same
_has_homes = False  # whether `~` is a home folder


def follow(tcl_encoding: str, patch_level: str) -> None:
    """Take names as the Tcl of this version has them, with this system encoding, if Python knows it."""
    global _encoding, _has_homes
    _has_homes = patch_level.startswith("8.")
    try:
        name = codecs.lookup(tcl_encoding).name
    except LookupError:
        name = ""
    _encoding = "" if name == codecs.lookup(sys.getfilesystemencoding()).name else name


def from_tcl(name: str) -> str:
    """Python's name of the file that Tcl calls `name`; one of which Tcl has no bytes is taken as it is."""
    decoded = _decoded(name)
    return os.path.expanduser(decoded) if _has_homes else decoded


def _decoded(name: str) -> str:
    if not _encoding or name.isascii():
        return name
    try:
        return os.fsdecode(name.encode(_encoding))
    except UnicodeEncodeError:
        return name


def to_tcl(name: str) -> str:
    """The opposite of `from_tcl`."""
    if not _encoding or name.isascii():
        return name
    try:
        return os.fsencode(name).decode(_encoding)
    except UnicodeError:
        return name
