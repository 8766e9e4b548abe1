"""A histogram of a tensor with the quantization levels drawn in."""

from typing import Any

import torch

from pybridge.pictures.figure import BLUE, ORANGE, RED, label, new_figure, style
from pybridge.pictures.reduce import Counts, counted
from pybridge.quant.arguments import BadArgument, checked_real

Tensor = torch.Tensor
MOST_BINS = 10_000
_FARTHEST = 1e300  # what matplotlib can find ticks for
_ROUNDING = 2.0**-22  # a level is the product of two rounded float32 numbers
_MOST_LINES = 40  # levels; more are drawn as ticks above the bars


def quantization_histogram(tensor: Tensor, levels: Tensor, bins: int = 100, title: str = "") -> Any:
    """Draw how often each value occurs, and the levels that quantization leaves of them.

    Counts are on a logarithmic scale, so that the few elements that decide the range can be seen.
    What lies beyond the outermost levels, and is clipped, has a colour of its own; the caption tells how much
    that is. Differences that come from rounding the levels to float32 do not count.

    Args:
        tensor: any shape and real dtype, within 1e300 of 0; elements that are not finite are left out, and
            counted.
        levels: the numbers that quantized elements can stand for: any shape, not empty, within 1e300 of 0.
        bins: of the histogram, 1 to 10000.
        title: above it.

    Returns:
        A figure of matplotlib's.

    Raises:
        BadArgument: as above.
    """
    tensor, places = checked_real(tensor, "input"), level_places(levels, "levels")
    check_bins(bins)
    low, high = places[0], places[-1]
    counts = counted(tensor, bins, (low - _ROUNDING * abs(low), high + _ROUNDING * abs(high)))
    _check_near("input", counts.low, counts.high)
    with style():
        figure = new_figure(4.2)
        axes = figure.subplots()
        _draw_bars(axes, counts)
        _draw_levels(axes, places)
        axes.set(xlabel="value", ylabel="elements")
        if counts.finite:
            axes.set(yscale="log", ylim=(0.5, 2 * max(counts.bins)))
        axes.margins(x=0.02)
        axes.spines[["top", "right"]].set_visible(False)
        text = f"{label(title)}\n{_caption(counts)}" if title else _caption(counts)
        axes.set_title(text, fontsize=12, pad=14)
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def level_places(levels: Tensor, parameter: str) -> list[float]:
    """The levels in ascending order, each once; finite ones that can be drawn."""
    places = checked_real(levels, parameter).to("cpu", torch.float64).flatten().unique()
    if not places.numel():
        raise BadArgument(parameter, f"{parameter} must have elements but is empty")
    if not bool(places.isfinite().all()):
        raise BadArgument(parameter, f"{parameter} must be finite but has NaN or infinite elements")
    _check_near(parameter, places[0].item(), places[-1].item())
    return [float(place) for place in places.tolist()]


def check_bins(bins: int) -> None:
    """There must be 1 to `MOST_BINS`."""
    if not 1 <= bins <= MOST_BINS:
        raise BadArgument("bins", f"bins must be in 1 .. {MOST_BINS} but is {bins}")


def _check_near(parameter: str, low: float, high: float) -> None:
    end = max(low, high, key=abs)
    if abs(end) > _FARTHEST:
        text = f"{parameter} must be within {_FARTHEST} of 0 to be drawn but has {end}"
        raise BadArgument(parameter, text)


def _draw_bars(axes: Any, counts: Counts) -> None:
    edges = counts.edges
    axes.stairs(counts.bins, edges, fill=True, color=BLUE, alpha=0.75, label="elements")
    if any(counts.beyond):
        axes.stairs(counts.beyond, edges, fill=True, color=RED, label="clipped")


def _draw_levels(axes: Any, places: list[float]) -> None:
    """Lines through the bars, or ticks above them when there are many."""
    many = len(places) > _MOST_LINES
    axes.vlines(
        places,
        1.01 if many else 0.0,
        1.05 if many else 1.0,
        transform=axes.get_xaxis_transform(),
        color=ORANGE,
        linewidth=0.6 if many else 1.2,
        clip_on=False,
        label=f"{len(places)} levels",
    )


def _caption(counts: Counts) -> str:
    clipped = sum(counts.beyond)
    share = f" ({100 * clipped / counts.finite:.3g} %)" if clipped else ""
    others = f", {counts.others:,} not finite" if counts.others else ""
    return f"{counts.finite:,} elements, {clipped:,} clipped{share}{others}"
