"""The lesson's picture: a tensor, its integers, what they stand for, and the error, side by side."""

from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np
import torch

from pybridge.pictures.figure import DIVERGING, ERROR, GREY, SEQUENTIAL, label, new_figure, shade, style
from pybridge.pictures.reduce import Cells, as_matrix, cell_errors, cell_means, finite_range
from pybridge.quant.arguments import BadArgument, checked_real, shown
from pybridge.quant.integer_range import limits
from pybridge.quant.metrics import checked_same_shape, quantization_metrics

Tensor = torch.Tensor
_MOST_CELLS = 96  # in each direction
_MOST_WRITTEN = 8  # rows and columns whose cells show their numbers
_FEW = 4  # columns whose cells have room for more digits
_PANEL = 2.1  # inches; what is written into the cells may ask for more


def quantization_errors(
    original: Tensor, quantized: Tensor, dequantized: Tensor, bits: int = 8, title: str = ""
) -> Any:
    """Draw four heat maps: original, quantized, dequantized, error.

    A tensor of more than two dimensions is drawn as a matrix, its first dimension as rows. Of a large one
    each cell shows the mean of its elements, and of the errors the root of the mean square; the caption says
    so. What is not finite is grey.

    Args:
        original: any shape and real dtype, not empty.
        quantized: the integers, of the same shape.
        dequantized: what they stand for, of the same shape.
        bits: their width, 1 to 32, which gives the colours' range: signed where the dtype is, unless they are
            from 0 to 2**bits - 1 and some need the highest bit.
        title: above it all.

    Returns:
        A figure of matplotlib's.

    Raises:
        BadArgument: for shapes that differ, nothing to draw, or integers that do not fit into the bits.
    """
    original = checked_real(original, "original")
    quantized = checked_real(quantized, "quantized")
    dequantized = checked_real(dequantized, "dequantized")
    checked_same_shape(quantized, "quantized", original, "original")
    checked_same_shape(dequantized, "dequantized", original, "original")
    if not original.numel():
        raise BadArgument("original", f"original must have elements but is {shown(original.shape)}")
    limits = _integer_limits(quantized, bits)
    panels = _panels(original, quantized, dequantized, bits, limits)
    shape = as_matrix(original).shape
    caption = _caption(original, dequantized) + _of_cells(shape, panels[0].cells)
    with style():
        scale = max(1.0, panels[0].cells.shape[1] / 4.5 if panels[0].written else 1.0)
        figure = new_figure(2 * (_PANEL * min(scale, 1.4) + 0.75) + 0.6, 2 * (_PANEL * scale + 1.05))
        for axes, panel in zip(figure.subplots(2, 2).flat, panels, strict=True):
            _draw(figure, axes, panel, shape)
        figure.suptitle(f"{label(title)}\n{caption}" if title else caption, fontsize=12)
    return figure


def _caption(original: Tensor, dequantized: Tensor) -> str:
    found = quantization_metrics(original, dequantized)
    mse, decibels, largest = (each.item() for each in (found.mse, found.sqnr_db, found.max_abs))
    return f"SQNR {decibels:.2f} dB, mean squared error {mse:.4g}, largest error {largest:.4g}"


def _of_cells(shape: torch.Size, cells: Cells) -> str:
    """What a cell shows, where that is not one element."""
    rows, columns = (-(-size // count) for size, count in zip(shape, cells.shape, strict=True))
    return f"\neach cell shows the mean of up to {rows} x {columns} elements" if rows * columns > 1 else ""


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    cells: Cells
    low: float
    high: float
    colours: str
    integers: bool = False

    @property
    def written(self) -> bool:
        return max(self.cells.shape) <= _MOST_WRITTEN

    def text(self, value: float) -> str:
        """The number in a cell: four digits, or, of many, decimals as far as the largest shows three."""
        if self.integers and np.isfinite(value):
            return f"{value:.0f}"
        if self.cells.shape[1] <= _FEW:
            return f"{value:.4g}"
        decimals = 2 - floor(log10(_largest(self.cells) or 1))
        return f"{value:.{decimals}f}" if 0 <= decimals <= 4 else f"{value:.3g}"


def _integer_limits(quantized: Tensor, bits: int) -> tuple[int, int]:
    if not 1 <= bits <= 32:
        raise BadArgument("bits", f"bits must be in 1 .. 32 but is {bits}")
    least, greatest, _ = finite_range(quantized)
    low, high = limits(bits, signed=True)
    if not quantized.dtype.is_signed or (least >= 0 and high < greatest):
        low, high = limits(bits, signed=False)
    if not (low <= least and greatest <= high):
        wrong = greatest if low <= least else least
        raise BadArgument(
            "quantized", f"quantized must fit into {bits} bits, {low} .. {high}, but has {wrong:.17g}"
        )
    return low, high


def _panels(
    original: Tensor, quantized: Tensor, dequantized: Tensor, bits: int, limits: tuple[int, int]
) -> list[_Panel]:
    before, after = as_matrix(original), as_matrix(dequantized)
    values = cell_means(before, _MOST_CELLS), cell_means(after, _MOST_CELLS)
    codes = cell_means(as_matrix(quantized), _MOST_CELLS)
    errors = cell_errors(before, after, _MOST_CELLS)
    most = max(map(_largest, values)) or 1.0
    whole = codes.size == original.numel()
    if whole:
        low, high = map(float, limits)
    else:  # means, which are far inside the limits
        high = _largest(codes) or 1.0
        low = -high if limits[0] else 0.0
    colours = DIVERGING if limits[0] else SEQUENTIAL
    return [
        _Panel("Original", values[0], -most, most, DIVERGING),
        _Panel(f"Quantized, {bits} bits", codes, low, high, colours, whole),
        _Panel("Dequantized", values[1], -most, most, DIVERGING),
        _Panel("|Error|" if whole else "RMS error", errors, 0.0, _largest(errors) or 1.0, ERROR),
    ]


def _largest(cells: Cells) -> float:
    return float(np.max(np.abs(cells), where=np.isfinite(cells), initial=0.0))


def _draw(figure: Any, axes: Any, panel: _Panel, shape: torch.Size) -> None:
    from matplotlib import colormaps

    colours = colormaps[panel.colours].with_extremes(bad=GREY)
    cells = np.ma.masked_invalid(panel.cells)
    rows, columns = shape
    image = axes.imshow(
        cells,
        cmap=colours,
        vmin=panel.low,
        vmax=panel.high,
        aspect="auto",
        extent=(-0.5, columns - 0.5, rows - 0.5, -0.5),
    )
    axes.set_title(panel.title)
    for axis, size in ((axes.xaxis, columns), (axes.yaxis, rows)):
        if size <= _MOST_WRITTEN:
            axis.set_ticks(range(size))
    bar = figure.colorbar(image, ax=axes, pad=0.02, fraction=0.06)
    bar.ax.tick_params(labelsize=10)
    bar.locator.set_params(nbins=5)
    bar.update_ticks()
    if panel.written:
        _write(axes, image, panel)


def _write(axes: Any, image: Any, panel: _Panel) -> None:
    """The numbers into the cells, as large as fits."""
    texts = {index: panel.text(value) for index, value in np.ndenumerate(panel.cells)}
    longest = max(map(len, texts.values()))
    width = axes.get_figure().get_size_inches()[0] / 2 - 1.05
    size = min(12.0, 72 * width / panel.cells.shape[1] / (0.68 * longest))
    for (row, column), text in texts.items():
        value = panel.cells[row, column]
        red, green, blue, _ = image.cmap(image.norm(value)) if np.isfinite(value) else (0.6, 0.6, 0.6, 1)
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=shade(red, green, blue))
