"""Pictures, into files or windows, and histograms as text."""

import os
from collections.abc import Callable
from math import inf, isnan, nan
from typing import Any, TypedDict

from pybridge import errors
from pybridge.annotations import FileName, Tensor, WidgetName
from pybridge.bulk import Bulk
from pybridge.commands.files import refused_by_system
from pybridge.lazy import pictures, quant
from pybridge.registry import command
from pybridge.replacing import replacing
from pybridge.widgets import Picture

_SCREEN = 100  # pixels an inch in a window


class Measured(TypedDict):
    """What `plot_sqnr` reads of the dicts that `quantization_sweep` gives."""

    bits: int
    sqnr_db: float


@command()
def plot_quantization_errors(
    original: Tensor,
    quantized: Tensor,
    dequantized: Tensor,
    bits: int = 8,
    file: FileName | None = None,
    widget: WidgetName | None = None,
    title: str = "",
) -> Picture | None:
    """Draw what quantization does to a tensor: four heat maps, original, quantized, dequantized and error.

    A tensor of up to 8 by 8 shows its numbers; one of more than 96 rows or columns is reduced to as many
    cells, which show means, and of the errors the root of the mean square; the caption says so. Further
    dimensions are drawn as columns.

    Args:
        original: any shape and real dtype, not empty.
        quantized: the integers, of the same shape.
        dequantized: what they stand for, of the same shape.
        bits: the width of the integers, 1 to 32, from which the colours follow.
        file: where to write it; the ending gives the format (.png, .svg, .pdf).
        widget: in place of a file, the path of a label of Tk's that shows it, or of one to be made, which the
            script then packs.
        title: text above the picture.

    Returns:
        The widget, or nothing.

    Errors:
        TORCH ARG VALUE, naming the parameter: shapes that differ, integers that do not fit into the bits,
        an ending that is no picture's; TORCH UNSUPPORTED, when matplotlib is not installed, or for widget
        when Tk is not there; POSIX codes.

    Example:
        set original [torch::tensor_create {{191.6 -13.5} {92.14 295.5}}]
        set quantized [torch::tensor_create {{127 -9} {40 127}} int8]
        set dequantized [torch::tensor_create {{191.6 -13.58} {93.07 295.5}}]
        torch::plot_quantization_errors $original $quantized $dequantized \\
            8 errors.png
        => {}
    """
    place = _Place("plot_quantization_errors", file, widget)
    return place.show(
        lambda: pictures.quantization_errors(original, quantized, dequantized, bits, title=title)
    )


@command()
def plot_quantization_histogram(
    input: Tensor,
    levels: Tensor,
    file: FileName | None = None,
    widget: WidgetName | None = None,
    title: str = "",
    bins: int = 100,
) -> Picture | None:
    """Draw a histogram of a tensor with the quantization levels in it, and what they clip.

    Args:
        input: any shape and real dtype, within 1e300 of 0; what is not finite is left out, and counted.
        levels: the numbers that quantized elements stand for, as `uniform_levels` or `apot_levels` give them;
            within 1e300 of 0.
        file: where to write it; the ending gives the format (.png, .svg, .pdf).
        widget: in place of a file, the path of a label of Tk's that shows it, or of one to be made.
        title: text above the picture.
        bins: of the histogram, 1 to 10000.

    Returns:
        The widget, or nothing.

    Errors:
        As for `plot_quantization_errors`.

    Example:
        set weights [torch::linspace -1 1 1000]
        set levels [torch::uniform_levels 0.1 0 -8 7]
        torch::plot_quantization_histogram $weights $levels histogram.svg
        => {}
    """
    place = _Place("plot_quantization_histogram", file, widget)
    return place.show(lambda: pictures.quantization_histogram(input, levels, bins, title))


@command()
def plot_sqnr(
    layers: dict[str, list[Measured]],
    target: float | None = None,
    file: FileName | None = None,
    widget: WidgetName | None = None,
    title: str = "",
) -> Picture | None:
    """Draw the SQNR of each layer at each width as a table of colours.

    Args:
        layers: a dict from names to lists of dicts with `bits` and `sqnr_db`, such as those that
            `quantization_sweep` gives, or the `tried` of a `quantization_plan`. Of several with the same
            width the best is drawn.
        target: dB; the fewest bits with which a layer reaches it are framed.
        file: where to write it; the ending gives the format (.png, .svg, .pdf).
        widget: in place of a file, the path of a label of Tk's that shows it, or of one to be made.
        title: text above the picture.

    Returns:
        The widget, or nothing.

    Errors:
        As for `plot_quantization_errors`.

    Example:
        set layers {q {{bits 4 sqnr_db 18.5} {bits 8 sqnr_db 42}} k {}}
        torch::plot_sqnr $layers -target 20 -file sqnr.pdf
        => {}
    """
    place = _Place("plot_sqnr", file, widget)
    return place.show(lambda: pictures.sqnr(_best(layers), target, title))


@command()
def plot_levels(
    levels: dict[str, Tensor],
    file: FileName | None = None,
    widget: WidgetName | None = None,
    title: str = "",
) -> Picture | None:
    """Draw where the levels of quantizers lie, and how far each is from the next.

    Args:
        levels: a dict from names to handles, 1 to 6 of them, as `apot_levels` and `uniform_levels` give them.
        file: where to write it; the ending gives the format (.png, .svg, .pdf).
        widget: in place of a file, the path of a label of Tk's that shows it, or of one to be made.
        title: text above the picture.

    Returns:
        The widget, or nothing.

    Errors:
        As for `plot_quantization_errors`.

    Example:
        set uniform [torch::uniform_levels 0.25 0 0 4]
        set powers [torch::tensor_create {0 0.125 0.25 0.5 1}]
        set levels [dict create even $uniform powers $powers]
        torch::plot_levels $levels -file levels.png
        => {}
    """
    place = _Place("plot_levels", file, widget)
    return place.show(lambda: pictures.levels(levels, title))


@command()
def text_histogram(input: Tensor, bins: int = 20, width: int = 40) -> str:
    """Write a histogram in plain text, for logs.

    Args:
        input: any shape and real dtype.
        bins: how many, of equal width, from the least to the greatest finite element, 1 to 10000.
        width: characters of the longest bar, 1 to 10000; a bar too short for one is a dot. With 40, lines
            fit into 80 columns, but for very many elements.

    Returns:
        Lines: where each bin begins and ends, its count, its bar; last the count of what is not finite.

    Errors:
        TORCH ARG VALUE, naming the parameter: see above, and complex or quantized dtypes.

    Example:
        set x [torch::tensor_create {0 1 1 2 4 Inf}]
        torch::text_histogram $x -bins 2 -width 8
        => 0 .. 2  3  ########
           2 .. 4  2  #####
           1 not finite
    """
    return pictures.text_histogram(input, bins, width)


@command()
def uniform_levels(
    scale: Tensor | float, zero_point: Tensor | int = 0, quant_min: int = -128, quant_max: int = 127
) -> Tensor:
    """List the numbers that the integers of a uniform quantizer stand for.

    Args:
        scale: a number, or a tensor of one element; used as float32.
        zero_point: the integer that stands for 0, or a tensor of one.
        quant_min: lowest quantized value.
        quant_max: highest quantized value; there are at most 65536.

    Returns:
        A 1-D float32 tensor, (integer - zero_point) * scale for each integer from quant_min to quant_max.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        torch::tensor_to_list [torch::uniform_levels 0.5 1 -2 2]
        => -1.5 -1.0 -0.5 0.0 0.5
    """
    number, point = _single(scale, "scale"), _single(zero_point, "zero_point")
    if point % 1:
        raise errors.arg_value("zero_point", f"zero_point must be an integer but is {point}")
    return quant.uniform_levels(float(number), int(point), quant_min, quant_max)


@command()
def plot_lines(
    file: FileName,
    x: Bulk,
    series: dict[str, Bulk],
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    group: int = 1,
) -> Picture | None:
    """Write a picture of lines over a common x axis; needs matplotlib, and no display.

    Args:
        file: where to write it; the ending gives the format (.png, .svg, .pdf).
        x: a list of numbers.
        series: a dict from names to lists of as many numbers; NaN and Inf leave gaps.
        title: text above the picture.
        xlabel: text at the x axis.
        ylabel: text at the y axis.
        group: 1 .. 4: so many series in turn have the same colour, and dashes that tell them apart.

    Returns:
        Nothing.

    Errors:
        TORCH ARG VALUE, when a series is not as long as x, for another group, or for an ending that is no
        picture's; TORCH UNSUPPORTED plot_lines, when matplotlib is not installed; POSIX codes.

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
    place = _Place("plot_lines", file, None)
    return place.show(lambda: pictures.lines(points, lines, title, xlabel, ylabel, group))


def _best(layers: dict[str, list[Measured]]) -> dict[str, dict[int, float]]:
    """By layer and width the highest SQNR."""
    best: dict[str, dict[int, float]] = {}
    for name, measured in layers.items():
        of_layer = best.setdefault(name, {})
        for each in measured:
            bits, decibels = each["bits"], each["sqnr_db"]
            if decibels > of_layer.get(bits, -inf) or isnan(of_layer.get(bits, nan)):
                of_layer[bits] = decibels
    return best


def _single(value: Any, name: str) -> Any:
    """A number, or the one element of a tensor."""
    if not hasattr(value, "numel"):
        return value
    if value.numel() != 1:
        raise errors.arg_value(name, f"{name} must be a tensor of one element but has {value.numel()}")
    if value.is_complex():
        raise errors.arg_value(name, f"{name} must be real but is complex")
    return value.item()


class _Place:
    """Where a picture goes: checked before it is drawn.

    Args:
        command: the command that draws it.
    """

    def __init__(self, command: str, file: str | None, widget: str | None) -> None:
        self._command, self._file, self._widget = command, file, widget
        if (file is None) == (widget is None):
            raise errors.arg_value("file", "either file or widget must be given")
        if file is not None:
            self._ending = _checked_ending(file)

    def show(self, draw: Callable[[], Any]) -> Picture | None:
        """Draw it, and put it there."""
        try:
            figure = draw()
            if self._widget is not None:
                return Picture(str(self._widget), pictures.render(figure, "png", _SCREEN))
            content = pictures.render(figure, self._ending)
        except ImportError:
            raise errors.not_installed("matplotlib", "plot", self._command) from None
        assert self._file is not None
        with (
            refused_by_system(self._file, "file"),
            replacing(self._file) as (unfinished,),
            open(unfinished, "wb") as target,
        ):
            target.write(content)
        return None


def _checked_ending(file: str) -> str:
    if "\0" in file:
        raise errors.arg_value("file", "file must not hold a NUL character")
    ending = os.path.splitext(file)[1].lstrip(".").lower()
    if ending not in pictures.FORMATS:
        allowed = ", ".join(f".{each}" for each in pictures.FORMATS)
        raise errors.arg_value("file", f'file must end in one of {allowed} but is "{errors.shown(file)}"')
    return ending
