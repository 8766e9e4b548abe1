"""Tensors of any size as the few numbers that a picture can show, in little memory."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from pybridge.quant.blocks import BLOCK, blocks

Tensor = torch.Tensor
Cells = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def as_matrix(tensor: Tensor) -> Tensor:
    """The first dimension as rows, all others as columns; a single dimension is one row."""
    if tensor.dim() < 2:
        return tensor.reshape(1, -1)
    return tensor.flatten(1)


def cell_means(matrix: Tensor, most: int) -> Cells:
    """The matrix as at most `most` by `most` cells: means, as equal in size as can be."""
    cells = np.zeros(_cells_of(matrix, most))
    for row, (starts, values), band in _bands(matrix, most):
        counts = np.diff([*starts, band.shape[1]])
        cells[row, values] = np.add.reduceat(band.mean(0).numpy(), starts) / counts
    return cells


def cell_errors(matrix: Tensor, other: Tensor, most: int) -> Cells:
    """The root of the mean squared difference of two matrices in each cell."""
    cells = np.zeros(_cells_of(matrix, most))
    pairs = zip(_bands(matrix, most), _bands(other, most), strict=True)
    for (row, (starts, values), band), (_, _, other_band) in pairs:
        counts = np.diff([*starts, band.shape[1]])
        squares = (band - other_band).square().mean(0).numpy()
        cells[row, values] = np.sqrt(np.add.reduceat(squares, starts) / counts)
    return cells


def _cells_of(matrix: Tensor, most: int) -> tuple[int, int]:
    return min(matrix.shape[0], most), min(matrix.shape[1], most)


def _edges(size: int, cells: int) -> list[int]:
    return [index * size // cells for index in range(cells + 1)]


def _bands(matrix: Tensor, most: int) -> Iterator[tuple[int, tuple[list[int], slice], Tensor]]:
    """The rows of each row of cells, in runs of whole cells that have few elements.

    Yields:
        The row; where its cells begin in the run, and which they are; the elements, float64 on the CPU.
    """
    rows, columns = _cells_of(matrix, most)
    row_edges, column_edges = _edges(matrix.shape[0], rows), _edges(matrix.shape[1], columns)
    tallest = -(-matrix.shape[0] // rows)
    run = max(1, 8 * BLOCK // (tallest * -(-matrix.shape[1] // columns)))
    for row in range(rows):
        for first in range(0, columns, run):
            last = min(first + run, columns)
            left, right = column_edges[first], column_edges[last]
            starts = [edge - left for edge in column_edges[first:last]]
            band = matrix[row_edges[row] : row_edges[row + 1], left:right]
            yield row, (starts, slice(first, last)), band.to("cpu", torch.float64)


@dataclass(frozen=True, slots=True)
class Counts:
    """How often the finite elements of a tensor fall into bins of equal width; the last one is closed.

    Attributes:
        low, high: the ends of the range, those of the finite elements; half below and above if they are one.
        bins: counts, as many as there are bins.
        finite, others: how many elements there are.
        below, above: how many finite ones are outside the limits that were asked for.
    """

    low: float
    high: float
    bins: list[int]
    finite: int
    others: int
    below: int = 0
    above: int = 0

    @property
    def edges(self) -> list[float]:
        ends: list[float] = np.linspace(self.low, self.high, len(self.bins) + 1).tolist()
        return ends


def counted(tensor: Tensor, bins: int, limits: tuple[float, float] | None = None) -> Counts:
    """Count the elements of a tensor by value.

    Args:
        tensor: any shape and real dtype.
        bins: how many.
        limits: count what is below and above these, too.
    """
    low, high, finite = _range(tensor)
    if low == high:
        low, high = low - 0.5, high + 0.5
    found = torch.zeros(bins, dtype=torch.float64)
    below = above = 0
    for values in _finite_blocks(tensor):
        found += torch.histc(values, bins, low, high)
        if limits:
            below += int((values < limits[0]).sum())
            above += int((values > limits[1]).sum())
    counts = [int(count) for count in found.tolist()]
    return Counts(low, high, counts, finite, tensor.numel() - finite, below, above)


def _range(tensor: Tensor) -> tuple[float, float, int]:
    """The least and greatest finite element, and how many there are; 0 and 0 when there is none."""
    low, high, finite = float("inf"), float("-inf"), 0
    for values in _finite_blocks(tensor):
        if values.numel():
            least, greatest = (each.item() for each in values.aminmax())
            low, high, finite = min(low, least), max(high, greatest), finite + values.numel()
    return (low, high, finite) if finite else (0.0, 0.0, 0)


def _finite_blocks(tensor: Tensor) -> Iterator[Tensor]:
    for block in blocks(tensor.shape, 4 * BLOCK):
        values = tensor[block].to("cpu", torch.float64).flatten()
        yield values[values.isfinite()]
