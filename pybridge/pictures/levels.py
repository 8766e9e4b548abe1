"""Where the levels of quantizers are: additive powers of two against uniform ones."""

from itertools import pairwise
from typing import Any

import torch

from pybridge.pictures.figure import SERIES, label, new_figure, style
from pybridge.pictures.histogram import level_places
from pybridge.quant.arguments import BadArgument

_MOST = len(SERIES)


def levels(sets: dict[str, torch.Tensor], title: str = "") -> Any:
    """Draw sets of levels one above the other, and how far each level is from the next.

    Args:
        sets: by name, 1 to 6 tensors of levels: any shape, not empty, finite.
        title: above them.

    Returns:
        A figure of matplotlib's.

    Raises:
        BadArgument: as above.
    """
    if not 1 <= len(sets) <= _MOST:
        raise BadArgument("levels", f"levels must have 1 .. {_MOST} sets but has {len(sets)}")
    places = {name: level_places(each, "levels") for name, each in sets.items()}
    with style():
        from matplotlib.ticker import LogLocator, NullLocator

        figure = new_figure(2.9 + 0.45 * len(places))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[0.5 + 0.45 * len(places), 1.9])
        for row, (name, each) in enumerate(places.items()):
            colour = SERIES[row]
            above.vlines(each, row - 0.36, row + 0.36, color=colour, linewidth=1.2)
            _draw_steps(below, each, name, colour)
        above.set_yticks(range(len(places)), [f"{label(name)} ({len(places[name])})" for name in places])
        above.set_ylim(len(places) - 0.5, -0.5)
        above.tick_params(left=False)
        above.spines[["top", "right", "left"]].set_visible(False)
        below.set(xlabel="level", ylabel="step to the next")
        below.spines[["top", "right"]].set_visible(False)
        below.grid(alpha=0.3)
        if any(len(each) > 1 for each in places.values()):
            below.set_yscale("log")
            below.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            below.yaxis.set_major_formatter("{x:g}")
            below.yaxis.set_minor_locator(NullLocator())
        if title:
            figure.suptitle(label(title), fontsize=13)
    return figure


def _draw_steps(axes: Any, places: list[float], name: str, colour: str) -> None:
    """The distance between neighbours as a line over the space between them."""
    if len(places) > 1:
        steps = [right - left for left, right in pairwise(places)]
        axes.stairs(steps, places, color=colour, linewidth=1.8, baseline=None, label=label(name))
