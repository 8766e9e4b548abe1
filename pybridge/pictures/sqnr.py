"""SQNR of every layer at every width: what a model's layers bear."""

from math import isfinite, isnan, nan
from typing import Any

import numpy as np

from pybridge.pictures.figure import GREY, SEQUENTIAL, label, new_figure, shade, style
from pybridge.quant.arguments import BadArgument

_MOST_WRITTEN = 60  # layers whose names and numbers can still be read
_MOST_WIDTHS = 32
_LONGEST = 40  # characters of a name
_LETTER = 0.085  # inches


def sqnr(layers: dict[str, dict[int, float]], target: float | None = None, title: str = "") -> Any:
    """Draw a table of colours, a row for each layer and a column for each width.

    Args:
        layers: by name, the SQNR in dB by the width in bits. Widths that a layer lacks are left white, which
            is said, and NaN is grey.
        target: dB; the fewest bits with which a layer reaches it are framed.
        title: above it.

    Returns:
        A figure of matplotlib's.

    Raises:
        BadArgument: for no layer, no width, or more than 32 widths.
    """
    widths = sorted({bits for each in layers.values() for bits in each})
    if not widths:
        raise BadArgument("layers", "layers must have a layer with a width but has none")
    if len(widths) > _MOST_WIDTHS:
        raise BadArgument("layers", f"layers must have at most {_MOST_WIDTHS} widths but has {len(widths)}")
    rows = len(layers)
    names = [label(name) for name in _shortened(list(layers))] if rows <= _MOST_WRITTEN else []
    with style():
        width = 2.0 + 0.62 * len(widths) + _LETTER * max(map(len, names), default=0)
        figure = new_figure(min(1.5 + 0.3 * rows, 20.0), max(4.5, width))
        axes = figure.subplots()
        image = _draw(axes, list(layers.values()), widths)
        axes.set_xticks(range(len(widths)), widths)
        axes.set_xlabel("bits")
        if names:
            axes.set_yticks(range(rows), names)
            _write(axes, image, list(layers.values()), widths)
        else:
            axes.set_ylabel("layer")
        axes.tick_params(left=bool(names), bottom=False)
        _frame(axes, list(layers.values()), widths, target)
        figure.colorbar(image, ax=axes, label="SQNR in dB", pad=0.02)
        caption = _caption(target, any(len(each) < len(widths) for each in layers.values()))
        axes.set_title("\n".join(filter(None, (title and label(title), caption))), fontsize=12)
    return figure


def _caption(target: float | None, gaps: bool) -> str:
    framed = "" if target is None else f"framed: the fewest bits with {target:g} dB"
    return ", ".join(filter(None, (framed, "white: not measured" if gaps else "")))


def _draw(axes: Any, layers: list[dict[int, float]], widths: list[int]) -> Any:
    """The colours; infinite ones are those of the ends."""
    from matplotlib import colormaps

    table = np.array([[each.get(bits, nan) for bits in widths] for each in layers])
    finite = table[np.isfinite(table)]
    low, top = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    missing = np.array([[bits not in each for bits in widths] for each in layers])
    image = axes.imshow(
        np.ma.masked_invalid(np.clip(table, low, top)),
        cmap=colormaps[SEQUENTIAL].with_extremes(bad=GREY),
        aspect="auto",
        vmin=low,
        vmax=max(top, low + 1),
    )
    white = np.ma.masked_where(~missing, np.ones_like(table))
    axes.imshow(white, cmap="gray", vmin=0, vmax=1, aspect="auto")
    return image


def _write(axes: Any, image: Any, layers: list[dict[int, float]], widths: list[int]) -> None:
    for row, each in enumerate(layers):
        for bits, value in each.items():
            red, green, blue, _ = (0.6, 0.6, 0.6, 1) if isnan(value) else image.cmap(image.norm(value))
            text = f"{value:.1f}" if isfinite(value) else f"{value:g}"
            colour = shade(red, green, blue)
            axes.text(widths.index(bits), row, text, ha="center", va="center", fontsize=11, color=colour)


def _frame(axes: Any, layers: list[dict[int, float]], widths: list[int], target: float | None) -> None:
    from matplotlib.patches import Rectangle

    if target is None:
        return
    for row, each in enumerate(layers):
        chosen = next((bits for bits in sorted(each) if each[bits] >= target), None)
        if chosen is not None:
            corner = (widths.index(chosen) - 0.47, row - 0.44)
            axes.add_patch(Rectangle(corner, 0.94, 0.88, fill=False, edgecolor="#D55E00", linewidth=2.2))


def _shortened(names: list[str]) -> list[str]:
    """Names without the words that all of them begin or end with; long ones without their middle."""
    words = [name.split(".") for name in names]
    if len(names) > 1:
        first = _common(words)
        last = _common([each[first:][::-1] for each in words])
        words = [each[first : len(each) - last] for each in words]
    short = [".".join(each) or name for each, name in zip(words, names, strict=True)]
    half = (_LONGEST - 3) // 2
    return [name if len(name) <= _LONGEST else f"{name[:half]}...{name[-half:]}" for name in short]


def _common(words: list[list[str]]) -> int:
    """How many words all begin with."""
    return next(
        (place for place, each in enumerate(zip(*words, strict=False)) if len(set(each)) > 1),
        min(map(len, words)),
    )
