"""Pictures of quantization as matplotlib figures, made without a display. Nothing in here knows of Tcl.

matplotlib is optional, and imported when the first figure is made: ImportError where it is missing. Tensors
of any size are reduced to what a picture can show, in little memory, before they are drawn.
"""

from pybridge.pictures.figure import FORMATS, render
from pybridge.pictures.heat_maps import quantization_errors
from pybridge.pictures.histogram import quantization_histogram
from pybridge.pictures.levels import levels
from pybridge.pictures.lines import lines
from pybridge.pictures.sqnr import sqnr
from pybridge.pictures.text import text_histogram

__all__ = [
    "FORMATS",
    "levels",
    "lines",
    "quantization_errors",
    "quantization_histogram",
    "render",
    "sqnr",
    "text_histogram",
]
