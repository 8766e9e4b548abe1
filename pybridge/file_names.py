"""Names of files where Tcl and Python have not the same encoding for them.

Without a locale, Tcl reads their bytes as ISO 8859-1, and Python as UTF-8.
"""

import codecs
import os
import sys

_encoding = ""  # Python's name of Tcl's; empty where both have the same


def follow(tcl_encoding: str) -> None:
    """Take names as a Tcl of this system encoding has them; one that Python does not know is passed over."""
    global _encoding
    try:
        name = codecs.lookup(tcl_encoding).name
    except LookupError:
        name = ""
    _encoding = "" if name == codecs.lookup(sys.getfilesystemencoding()).name else name


def from_tcl(name: str) -> str:
    """Python's name of the file that Tcl calls `name`; one of which Tcl has no bytes is taken as it is."""
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
