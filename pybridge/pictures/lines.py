"""Lines over a common x axis."""

from math import isfinite
from typing import Any

from pybridge.pictures.figure import label, new_figure, style


def lines(
    points: list[float], series: dict[str, list[float]], title: str = "", xlabel: str = "", ylabel: str = ""
) -> Any:
    """Draw series of numbers over the same points; NaN and infinities leave gaps.

    Args:
        points: their places on the x axis.
        series: by name, as many numbers as there are points.
        title: above them.
        xlabel, ylabel: of the axes.

    Returns:
        A figure of matplotlib's.
    """
    with style():
        from matplotlib.ticker import MaxNLocator

        figure = new_figure(5, 9)
        axes = figure.subplots()
        for name, values in series.items():
            axes.plot(points, values, label=label(name), marker=".", linewidth=1)
        axes.set_title(label(title).strip())
        axes.set_xlabel(label(xlabel).strip())
        axes.set_ylabel(label(ylabel).strip())
        axes.grid(alpha=0.3)
        if all(point == int(point) for point in points if isfinite(point)):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if series:
            figure.legend(loc="outside right upper")
    return figure
