"""Commands that show something: progress bars and plots."""

import sys
from math import isfinite
from pathlib import Path
from typing import Any

from pybridge import errors
from pybridge.annotations import FileName
from pybridge.bulk import Bulk
from pybridge.registry import command


class Progress:
    """A progress bar on standard error; nothing is drawn where that is no terminal."""

    handle_kind = "progress_bar"

    def __init__(self, total: int, label: str) -> None:
        from tqdm import tqdm

        self._total, self._done = total, 0
        self._bar: Any = tqdm(total=total, desc=label or None, disable=None if sys.stderr else True)

    def step(self, count: int) -> None:
        """Move the bar forward by `count`; at its total it is finished."""
        self._done += count
        self._bar.update(count)
        if self._done >= self._total:
            self._bar.close()


@command()
def progress_bar(total: int, label: str = "") -> Progress:
    """Show a progress bar on standard error, when that is a terminal.

    Args:
        total: the number of steps to come, 0 or more.
        label: text before the bar.

    Returns:
        A handle for `progress_step`; freeing it ends the bar where it is.

    Example:
        set bar [torch::progress_bar 2 layers]
        foreach layer {a b} {torch::progress_step $bar}
        => {}
    """
    if total < 0:
        raise errors.arg_value("total", f"total must be 0 or more but is {total}")
    return Progress(total, label)


@command()
def progress_step(bar: Progress, count: int = 1) -> None:
    """Move a progress bar forward.

    Args:
        bar: what `progress_bar` gave.
        count: by how many steps.

    Returns:
        Nothing.

    Example:
        torch::progress_step [torch::progress_bar 2] 2
        => {}
    """
    if count < 0:
        raise errors.arg_value("count", f"count must be 0 or more but is {count}")
    bar.step(count)


@command()
def plot_lines(
    file: FileName, x: Bulk, series: dict[str, Bulk], title: str = "", xlabel: str = "", ylabel: str = ""
) -> None:
    """Write a picture of lines over a common x axis; needs matplotlib, and no display.

    Args:
        file: where to write it; the ending gives the format (.png, .svg, .pdf).
        x: a list of numbers.
        series: a dict from names to lists of as many numbers; NaN and Inf leave gaps.
        title: text above the picture.
        xlabel: text at the x axis.
        ylabel: text at the y axis.

    Returns:
        Nothing.

    Errors:
        TORCH ARG VALUE, when a series is not as long as x, or for an ending that is no picture's; TORCH
        UNSUPPORTED plot_lines, when matplotlib is not installed; POSIX codes.

    Example:
        set series {int8 {40 41 39} int4 {18 19 17}}
        torch::plot_lines -file example.png -x {1 2 3} -series $series
        => {}
    """
    points = x.doubles()
    lines = {name: values.doubles() for name, values in series.items()}
    for name, values in lines.items():
        if len(values) != len(points):
            raise errors.arg_value(
                "series", f"series {name} must have {len(points)} numbers, as x, but has {len(values)}"
            )
    figure = _figure(points, lines, title, xlabel, ylabel)
    if "\0" in file:
        raise errors.arg_value("file", "file must not hold a NUL character")
    ending = Path(file).suffix.lstrip(".")
    if ending not in figure.canvas.get_supported_filetypes():
        allowed = ", ".join(sorted(figure.canvas.get_supported_filetypes()))
        raise errors.arg_value("file", f'file must end in one of {allowed} but is "{errors.shown(file)}"')
    try:
        figure.savefig(file, format=ending)
    except OSError as error:
        raise errors.file_access(file, error) from None


def _figure(points: list[float], lines: dict[str, list[float]], title: str, xlabel: str, ylabel: str) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError:
        raise errors.not_installed("matplotlib", "plot", "plot_lines") from None
    figure = Figure(figsize=(9, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name, values in lines.items():
        axes.plot(points, values, label=_label(name), marker=".", linewidth=1)
    axes.set_title(_label(title).strip())
    axes.set_xlabel(_label(xlabel).strip())
    axes.set_ylabel(_label(ylabel).strip())
    axes.grid(alpha=0.3)
    if all(point == int(point) for point in points if isfinite(point)):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if lines:
        figure.legend(loc="outside right upper")
    return figure


def _label(text: str) -> str:
    """`text` as matplotlib draws it to the letter: no mathematics in it, and not hidden for an underscore."""
    plain = text.encode("utf-8", "replace").decode().replace("$", r"\$")
    return f" {plain}" if plain.startswith("_") or not plain else plain
