"""What commands give that the Tcl side shows in a window. Only Tcl has Tk; nothing in here knows of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture for a window of Tk's; the procedure behind the command shows it, and returns the path.

    Attributes:
        widget: the path.
        png: the picture, as PNG.
    """

    widget: str
    png: bytes
