"""What all pictures share: size, letters, colours, and how they become a file."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

# By the ending of a file; the metadata leaves out what would make the same picture another file.
FORMATS: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
WIDTH = 6.3  # inches, 160 mm: at half that size the letters are still of 6 points
# Okabe and Ito's colours, which the colour-blind can tell apart (jfly.uni-koeln.de/color, 2008).
BLUE, ORANGE, GREEN, PURPLE, SKY, RED = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED)
GREY = "#9A9A9A"  # what is not finite
DIVERGING = "RdBu_r"  # both ends are dark, zero is white
SEQUENTIAL = "cividis"  # made to look the same to the colour-blind
ERROR = "YlOrBr"  # no error is nearly white
_STYLE: Any = {  # matplotlib's stubs list every key
    "font.size": 12.0,
    "axes.titlesize": 13.0,
    "axes.labelsize": 12.0,
    "axes.axisbelow": True,
    "xtick.labelsize": 11.0,
    "ytick.labelsize": 11.0,
    "legend.fontsize": 11.0,
    "legend.frameon": False,
    "image.interpolation": "nearest",
    "svg.hashsalt": "tcltorch",  # without it the names in the file are random
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Have matplotlib draw as our pictures are drawn, whatever the user's own settings."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def new_figure(height: float, width: float = WIDTH) -> Any:
    """An empty figure that needs no display; sizes are in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def render(figure: Any, ending: str, dpi: float = 150) -> bytes:
    """The figure as the content of a file.

    Args:
        figure: of matplotlib's.
        ending: one of FORMATS.
        dpi: pixels an inch of a PNG.
    """
    content = io.BytesIO()
    with style():
        figure.savefig(content, format=ending, dpi=dpi, metadata=FORMATS[ending])
    return content.getvalue()


def label(text: str) -> str:
    """`text` as matplotlib draws it to the letter: no mathematics in it, and not hidden for an underscore."""
    plain = text.encode("utf-8", "replace").decode().replace("$", r"\$")
    return f" {plain}" if plain.startswith("_") or not plain else plain


def shade(red: float, green: float, blue: float) -> str:
    """The colour of letters on this one (its luma, ITU-R BT.601)."""
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
