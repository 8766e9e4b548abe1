"""Lines over a common x axis."""

from math import isfinite
from typing import Any

from pybridge.pictures.figure import label, new_figure, style
from pybridge.quant.arguments import BadArgument

_DASHES = ("-", "--", ":", "-.")


def lines(
    points: list[float],
    series: dict[str, list[float]],
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    group: int = 1,
) -> Any:
    """Draw series of numbers over the same points; NaN and infinities leave gaps.

    Args:
        points: their places on the x axis.
        series: by name, as many numbers as there are points.
        title: above them.
        xlabel, ylabel: of the axes.
        group: so many series in turn have the same colour, and dashes that tell them apart; 1 to 4.

    Returns:
        A figure of matplotlib's.

    Raises:
        BadArgument: for another group.
    """
    if not 1 <= group <= len(_DASHES):
        raise BadArgument("group", f"group must be in 1 .. {len(_DASHES)} but is {group}")
    with style():
        from matplotlib.ticker import MaxNLocator

        figure = new_figure(5, 9)
        axes = figure.subplots()
        for place, (name, values) in enumerate(series.items()):
            look = {"color": f"C{place // group}", "linestyle": _DASHES[place % group]}
            axes.plot(points, values, label=label(name), marker=".", linewidth=1, **look)
        axes.set_title(label(title).strip())
        axes.set_xlabel(label(xlabel).strip())
        axes.set_ylabel(label(ylabel).strip())
        axes.grid(alpha=0.3)
        if all(point == int(point) for point in points if isfinite(point)):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if series:
            figure.legend(loc="outside right upper")
    return figure
