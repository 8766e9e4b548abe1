"""Tensors of any size as the few numbers that a picture can show, in little memory."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite

import numpy as np
import torch

from pybridge.quant.arguments import BadArgument
from pybridge.quant.blocks import blocks

Tensor = torch.Tensor
Cells = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Places = np.ndarray[tuple[int], np.dtype[np.int64]]
Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
_LARGEST = sys.float_info.max


def as_matrix(tensor: Tensor) -> Tensor:
    """The first dimension as rows, all others as columns; a single dimension is one row."""
    if tensor.dim() < 2:
        return tensor.reshape(1, -1)
    return tensor.flatten(1)


def cell_means(matrix: Tensor, most: int) -> Cells:
    """The matrix as at most `most` by `most` cells, as equal in size as can be: their means, in float64."""
    return _means(matrix.shape, most, lambda block: _numbers(matrix[block]))


def cell_errors(matrix: Tensor, other: Tensor, most: int) -> Cells:
    """The root of the mean squared difference of two matrices in each cell."""
    squares = _means(
        matrix.shape, most, lambda block: (_numbers(matrix[block]) - _numbers(other[block])) ** 2
    )
    return np.sqrt(squares, out=squares)


def _numbers(tensor: Tensor) -> Cells:
    numbers: Cells = tensor.to("cpu", torch.float64).numpy()
    return numbers


def _means(shape: torch.Size, most: int, values: Callable[[tuple[slice, ...]], Cells]) -> Cells:
    """The mean in each cell of a matrix whose blocks `values` gives."""
    rows, columns = (_edges(size, most) for size in shape)
    cells = np.zeros((len(rows) - 1, len(columns) - 1))
    with np.errstate(all="ignore"):  # infinities, which the picture shows as such
        for block in blocks(shape):
            in_rows, row_starts = _cells_in(block[0], rows)
            in_columns, column_starts = _cells_in(block[1], columns)
            sums = np.add.reduceat(values(block), row_starts, axis=0)
            cells[in_rows, in_columns] += np.add.reduceat(sums, column_starts, axis=1)
        cells /= np.outer(np.diff(rows), np.diff(columns))
    return cells


def _edges(size: int, most: int) -> Places:
    """Where cells begin, and the last one ends."""
    cells = min(size, most)
    return np.array([index * size // cells for index in range(cells + 1)])


def _cells_in(span: slice, edges: Places) -> tuple[slice, Places]:
    """Which cells a run of rows or columns is in, and where in the run each begins."""
    first = int(np.searchsorted(edges, span.start, "right")) - 1
    last = int(np.searchsorted(edges, span.stop, "left"))
    return slice(first, last), np.maximum(edges[first:last], span.start) - span.start


@dataclass(frozen=True, slots=True)
class Counts:
    """How often the finite elements of a tensor fall into bins of equal width; the last one is closed.

    Attributes:
        low, high: the ends of the range, those of the finite elements; half below and above if they are one,
            more where float64 needs it.
        bins: counts, as many as there are bins.
        finite, others: how many elements there are.
        beyond: those outside the limits that were asked for, by bin.
    """

    low: float
    high: float
    bins: list[int]
    finite: int
    others: int
    beyond: list[int]

    @property
    def edges(self) -> list[float]:
        """Where the bins begin, and the last one ends."""
        factor = _factor(self.low, self.high)
        ends = np.linspace(self.low * factor, self.high * factor, len(self.bins) + 1) / factor
        return [self.low, *ends[1:-1].tolist(), self.high]


def counted(tensor: Tensor, bins: int, limits: tuple[float, float] | None = None) -> Counts:
    """Count the elements of a tensor by value, as `numpy.histogram` does.

    Args:
        tensor: any shape and real dtype.
        bins: how many.
        limits: count what is below or above these once more, for itself.

    Raises:
        BadArgument: for more bins than there are numbers to tell them apart.
    """
    low, high, finite = finite_range(tensor)
    if low == high:
        margin = max(0.5, abs(low) * 2.0**-34)  # a width of 2^19 float64 numbers at least
        low, high = max(low - margin, -_LARGEST), min(high + margin, _LARGEST)
    factor = _factor(low, high)
    ends = (low * factor, high * factor)
    found, beyond = np.zeros(bins, np.int64), np.zeros(bins, np.int64)
    try:
        with np.errstate(all="ignore"):
            for values in _finite_blocks(tensor):
                found += np.histogram(values * factor, bins, ends)[0]
                if limits:
                    outside = values[(values < limits[0]) | (values > limits[1])]
                    beyond += np.histogram(outside * factor, bins, ends)[0]
    except ValueError:
        text = f"bins must be so few that float64 can tell their ends apart but is {bins}"
        raise BadArgument("bins", text) from None
    return Counts(low, high, found.tolist(), finite, tensor.numel() - finite, beyond.tolist())


def _factor(low: float, high: float) -> float:
    """What numbers are multiplied with so that the width of their range is one that float64 can hold."""
    return 1.0 if isfinite(high - low) else 0.5


def finite_range(tensor: Tensor) -> tuple[float, float, int]:
    """The least and greatest finite element, and how many there are; 0 and 0 when there is none."""
    low, high, finite = np.inf, -np.inf, 0
    for values in _finite_blocks(tensor):
        low = min(low, values.min(initial=np.inf))
        high = max(high, values.max(initial=-np.inf))
        finite += values.size
    return (float(low), float(high), finite) if finite else (0.0, 0.0, 0)


def _finite_blocks(tensor: Tensor) -> Iterator[Numbers]:
    for block in blocks(tensor.shape):
        values = tensor[block].to("cpu", torch.float64).numpy().ravel()
        finite = np.isfinite(values)
        yield values if finite.all() else values[finite]
