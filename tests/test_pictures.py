"""Pictures: the numbers that they are made of, by hand and by numpy, and that something is drawn."""

import io
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from pybridge import Interpreter, lazy, pictures
from pybridge.pictures import reduce
from pybridge.pictures.reduce import as_matrix, cell_errors, cell_means, counted
from pybridge.quant import blocks
from tests.interpreters import error_of, live

LESSON = torch.tensor([[191.6, -13.5, 728.6], [92.14, 295.5, -184], [0, 684.6, 245.5]])
QUANTIZED = torch.tensor([[33, -2, 127], [40, 127, -79], [0, 127, 46]], dtype=torch.int8)
DEQUANTIZED = QUANTIZED * (LESSON.abs().amax(1, keepdim=True) / 127)
NAN, INF = math.nan, math.inf


def texts(figure: Any) -> list[str]:
    """All that is written in a figure: titles, cells."""
    found = [each.get_text() for axes in figure.axes for each in (axes.title, *axes.texts)]
    return [*found, figure.get_suptitle()]


def pixels(content: bytes) -> Any:
    return imread(io.BytesIO(content), format="png")


# -- reducing tensors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 15])
@pytest.mark.parametrize("shape", [(1, 1), (3, 100), (100, 3), (37, 53), (1, 1000), (1000, 1)])
def test_cells(shape: tuple[int, int], block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduce, "blocks", lambda shape: blocks.blocks(shape, block))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    y = x.round()
    means, errors = cell_means(x, 8), cell_errors(x, y, 8)
    rows, columns = (np.array_split(np.arange(size), min(size, 8)) for size in shape)
    assert means.shape == errors.shape == (len(rows), len(columns))
    edges = [[index * size // min(size, 8) for index in range(min(size, 8) + 1)] for size in shape]
    for i, j in np.ndindex(means.shape):
        cell = x[edges[0][i] : edges[0][i + 1], edges[1][j] : edges[1][j + 1]].double().numpy()
        assert means[i, j] == pytest.approx(cell.mean(), abs=1e-12)
        assert errors[i, j] == pytest.approx(np.sqrt(np.mean((cell - np.rint(cell)) ** 2)), abs=1e-12)


def test_cells_that_are_not_finite() -> None:
    x = torch.tensor([[1.0, INF], [NAN, 2.0]])
    assert cell_means(x, 2).ravel().tolist() == pytest.approx([1, INF, NAN, 2], nan_ok=True)
    assert math.isnan(cell_means(torch.tensor([[INF, -INF]]), 1)[0, 0])


def test_as_matrix() -> None:
    shapes = {(): (1, 1), (5,): (1, 5), (2, 3): (2, 3), (2, 3, 4): (2, 12), (2, 3, 4, 5): (2, 60)}
    for shape, matrix in shapes.items():
        assert as_matrix(torch.ones(shape)).shape == matrix


@pytest.mark.parametrize("bins", [1, 2, 20, 99])
def test_counts_are_those_of_numpy(bins: int) -> None:
    x = torch.randn(333, 301, generator=torch.Generator().manual_seed(0)).round(decimals=2)
    found = counted(x, bins, (-1.0, 0.5))
    expected, edges = np.histogram(x.double().numpy(), bins)
    assert found.bins == expected.tolist()
    assert found.edges == edges.tolist()
    outside = x[(x < -1) | (x > 0.5)].double().numpy()
    assert found.beyond == np.histogram(outside, bins, (edges[0], edges[-1]))[0].tolist()
    assert (found.finite, found.others) == (333 * 301, 0)


def test_counts_of_odd_tensors() -> None:
    found = counted(torch.tensor([NAN, 1.0, INF, 3.0, -INF, 1.0]), 2)
    assert (found.low, found.high, found.bins, found.finite, found.others) == (1, 3, [2, 1], 3, 3)
    constant = counted(torch.full((4,), 7, dtype=torch.uint8), 2)
    assert (constant.low, constant.high, constant.bins) == (6.5, 7.5, [0, 4])
    for nothing in (torch.ones(0), torch.tensor([NAN])):
        assert counted(nothing, 2).finite == 0


# -- figures ---------------------------------------------------------------------------------------------


def test_the_lesson_shows_its_numbers() -> None:
    figure = pictures.quantization_errors(LESSON, QUANTIZED, DEQUANTIZED, title="rows")
    written = texts(figure)
    assert [each for each in written if each.startswith(("Orig", "Quant", "Dequ", "|Err"))] == [
        "Original",
        "Quantized, 8 bits",
        "Dequantized",
        "|Error|",
    ]
    for number in ("191.6", "-184", "33", "-79", "189.3", "-11.47", "2.279", "0.9309"):
        assert number in written
    # 1.8084441 is the lesson's error along the rows; 10 * log10(mean(x^2) / it)
    ratio = float((LESSON.double() ** 2).mean()) / 1.8084441
    assert written[-1] == (
        f"rows\nSQNR {10 * math.log10(ratio):.2f} dB, mean squared error 1.808, largest error 2.465"
    )


def test_of_many_cells_the_numbers_are_short() -> None:
    x = torch.tensor([[-13.456, 0.02, 1.0, 2, 3, 4, 5, NAN]])
    figure = pictures.quantization_errors(x, x.nan_to_num().to(torch.int8), x / 1e6)
    assert [each.get_text() for each in figure.axes[0].texts] == [
        *("-13.5", "0.0", "1.0", "2.0", "3.0", "4.0", "5.0", "nan")
    ]
    assert [each.get_text() for each in figure.axes[2].texts][:2] == ["-1.35e-05", "2e-08"]


def test_the_colours_follow_the_width() -> None:
    def limits(codes: list[int], bits: int, dtype: torch.dtype = torch.int32) -> tuple[float, float]:
        x = torch.tensor(codes, dtype=dtype)
        figure = pictures.quantization_errors(x, x, x, bits)
        low, high = figure.axes[1].images[0].get_clim()
        return low, high

    assert limits([-8, 7], 4) == (-8, 7)
    assert limits([0, 7], 4) == (-8, 7)
    assert limits([0, 15], 4) == (0, 15)
    assert limits([0, 1], 4, torch.uint8) == (0, 15)


def test_a_large_tensor_is_drawn_by_means() -> None:
    x = torch.arange(200.0 * 300).reshape(200, 300)
    figure = pictures.quantization_errors(x, (x / 1000).to(torch.int8), x + 3, 8)
    image = figure.axes[0].images[0]
    assert image.get_array().shape == (96, 96)
    assert image.get_extent() == [-0.5, 299.5, 199.5, -0.5]
    assert figure.axes[3].title.get_text() == "RMS error"
    assert figure.get_suptitle().endswith("\neach cell shows the mean of up to 3 x 4 elements")
    assert set(figure.axes[3].images[0].get_array().ravel().tolist()) == {3.0}


def test_what_is_not_finite_is_grey() -> None:
    x = torch.tensor([[1.0, NAN], [INF, 0.5]])
    figure = pictures.quantization_errors(x, torch.zeros(2, 2, dtype=torch.int8), torch.zeros(2, 2))
    image = figure.axes[0].images[0]
    assert image.get_array().mask.tolist() == [[False, True], [True, False]]
    assert image.get_clim() == (-1, 1)
    assert {"nan", "inf"} <= set(texts(figure))
    (grey,) = {tuple(image.cmap(image.norm(image.get_array())[i])) for i in ((0, 1), (1, 0))}
    assert grey == pytest.approx((0x9A / 255, 0x9A / 255, 0x9A / 255, 1))


def test_histogram_shows_levels_and_what_they_clip() -> None:
    x = torch.tensor([-3.0, -1, 0, 0, 0.5, 1, 2, 9, NAN])
    figure = pictures.quantization_histogram(x, torch.tensor([2.0, -2, 0, 2]), bins=12)
    (axes,) = figure.axes
    assert axes.title.get_text() == "8 elements, 2 clipped (25 %), 1 not finite"
    everything, clipped = axes.patches
    assert everything.get_data().values.tolist() == [1, 0, 1, 3, 1, 1, 0, 0, 0, 0, 0, 1]
    assert clipped.get_data().values.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    (lines,) = axes.collections
    assert sorted(segment[0][0] for segment in lines.get_segments()) == [-2, 0, 2]
    assert lines.get_label() == "3 levels"


def test_rounding_clips_nothing() -> None:
    """Where 7 * (max / 7) is less than max in float32; what is farther away is clipped."""
    maxima = torch.rand(1000, generator=torch.Generator().manual_seed(0))
    rounded = [top for top in maxima if top / 7 * 7 < top]
    assert len(rounded) > 2
    for top in rounded[:3]:
        levels = torch.arange(-7, 8) * (top / 7)
        figure = pictures.quantization_histogram(torch.stack([-top, top]), levels)
        assert figure.axes[0].title.get_text() == "2 elements, 0 clipped"
    figure = pictures.quantization_histogram(torch.tensor([-8.0, 7, 7.00001]), torch.arange(-8.0, 8))
    assert figure.axes[0].title.get_text() == "3 elements, 1 clipped (33.3 %)"


def test_levels_and_their_steps() -> None:
    figure = pictures.levels({"powers": torch.tensor([1.0, 0, 0.25, 0.5]), "_one": torch.tensor(2.0)})
    above, below = figure.axes
    assert [each.get_text() for each in above.get_yticklabels()] == ["powers (4)", " _one (1)"]
    (steps,) = below.patches
    assert steps.get_data().values.tolist() == [0.25, 0.25, 0.5]
    assert steps.get_data().edges.tolist() == [0, 0.25, 0.5, 1]


def test_sqnr_frames_the_fewest_bits() -> None:
    layers = {
        "encoder.0.query.weight": {8: 40.0, 2: 5.0, 4: 21.5},
        "encoder.0.key.weight": {2: NAN, 4: 19.0, 8: INF},
        "encoder.1.key.weight": {4: 10.0},
    }
    figure = pictures.sqnr(layers, 20)
    axes = figure.axes[0]
    assert [each.get_text() for each in axes.get_yticklabels()] == ["0.query", "0.key", "1.key"]
    assert [each.get_text() for each in axes.get_xticklabels()] == ["2", "4", "8"]
    assert sorted(each.get_text() for each in axes.texts) == sorted(
        ["5.0", "21.5", "40.0", "nan", "19.0", "inf", "10.0"]
    )
    framed = [(round(each.get_x() + 0.47), round(each.get_y() + 0.44)) for each in axes.patches]
    assert framed == [(1, 0), (2, 1)]
    assert axes.title.get_text() == "framed: the fewest bits with 20 dB, white: not measured"
    assert axes.images[0].get_clim() == (5, 40)


def test_sqnr_says_no_more_than_there_is() -> None:
    whole = {"a": {4: 20.0, 8: 20.0}, "b": {4: 20.0, 8: INF}}
    assert pictures.sqnr(whole, title="all").axes[0].title.get_text() == "all"
    assert pictures.sqnr(whole, 9, "all").axes[0].title.get_text() == "all\nframed: the fewest bits with 9 dB"
    assert pictures.sqnr(whole).axes[0].images[0].get_clim() == (20, 21)
    assert pictures.sqnr({"a": {4: NAN}}).axes[0].images[0].get_clim() == (0, 1)


def test_lines_of_a_group_have_a_colour_and_dashes_of_their_own() -> None:
    series = {name: [1.0, 2.0] for name in "abcde"}
    looks = [
        (each.get_color(), each.get_linestyle())
        for each in pictures.lines([1.0, 2.0], series, group=2).axes[0].lines
    ]
    assert looks == [("C0", "-"), ("C0", "--"), ("C1", "-"), ("C1", "--"), ("C2", "-")]
    alone = [each.get_color() for each in pictures.lines([1.0, 2.0], series).axes[0].lines]
    assert alone == ["C0", "C1", "C2", "C3", "C4"]


def test_many_and_long_names() -> None:
    names = {f"layer.{index}.{'x' * 60}": {4: 1.0} for index in range(61)}
    figure = pictures.sqnr(names)
    assert not figure.axes[0].texts
    figure = pictures.sqnr({"a" * 41: {4: 1.0}})
    assert figure.axes[0].get_yticklabels()[0].get_text() == "a" * 18 + "..." + "a" * 18


@pytest.mark.parametrize(("ending", "magic"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_the_same_figure_is_the_same_file(ending: str, magic: bytes) -> None:
    contents = {
        pictures.render(pictures.lines([1.0, 2.0], {"a": [1.0, 2.0]}, "$x"), ending) for _ in range(2)
    }
    assert len(contents) == 1
    assert contents.pop().startswith(magic)


def test_drawing_changes_no_setting_of_the_user() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    pictures.render(pictures.levels({"a": torch.ones(2)}), "png", 30)
    assert dict(matplotlib.rcParams) == before


# -- text ------------------------------------------------------------------------------------------------


def test_text_histograms_fit_into_a_terminal() -> None:
    lines = pictures.text_histogram(torch.linspace(-1, 1, 10**6).pow(3) * 1e-9).splitlines()
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("values", "bins", "width", "expected"),
    [
        ([0, 1, 1, 2, 4], 2, 8, "0 .. 2  3  ########\n2 .. 4  2  #####"),
        ([-1, 1], 3, 4, "     -1 .. -0.3333  1  ####\n-0.3333 ..  0.3333  0\n 0.3333 ..       1  1  ####"),
        ([0] * 100 + [1], 2, 10, "  0 .. 0.5  100  ##########\n0.5 ..   1    1  ."),
        ([2, 2], 1, 1, "1.5 .. 2.5  2  #"),
        ([1, NAN, INF], 1, 2, "0.5 .. 1.5  1  ##\n2 not finite"),
        ([], 5, 5, "no elements"),
        ([NAN, INF], 5, 5, "no finite elements (2 others)"),
        ([1e6, 1e6 + 1], 1, 1, "1000000 .. 1000001  2  #"),
        ([1e308, -1e308], 1, 4, "-1e+308 ..  1e+308  2  ####"),
        (
            [1e308, -1e308, 5],
            3,
            1,
            "    -1e+308 .. -3.333e+307  1  #\n-3.333e+307 ..  3.333e+307  1  #\n"
            " 3.333e+307 ..      1e+308  1  #",
        ),
        ([1e17, 1e17], 1, 1, "9.999999999e+16 ..           1e+17  2  #"),
    ],
)
def test_text_histogram(values: list[float], bins: int, width: int, expected: str) -> None:
    assert pictures.text_histogram(torch.tensor(values, dtype=torch.float64), bins, width) == expected


# -- the commands ----------------------------------------------------------------------------------------

CALLS = {
    "plot_quantization_errors": "$x $q $d 8",
    "plot_quantization_histogram": "$x $x",
    "plot_sqnr": "{a {{bits 4 sqnr_db 12 mse 3} {bits 4 sqnr_db 15} {bits 8 sqnr_db 30}} b {}} -target 14",
    "plot_levels": "[dict create {two words} $x]",
}


@pytest.fixture
def lesson(tcl: Interpreter) -> Interpreter:
    for name, tensor in {"x": LESSON, "q": QUANTIZED, "d": DEQUANTIZED}.items():
        tcl.call("set", name, tcl.dispatcher.table.add("tensor", tensor))
    return tcl


@pytest.mark.parametrize("name", CALLS)
def test_commands_write_files(lesson: Interpreter, name: str, tmp_path: Path) -> None:
    before = live(lesson)
    path = tmp_path / "with blank.PNG"
    assert lesson.eval(f"torch::{name} {CALLS[name]} -file {{{path}}}") == ""
    assert pixels(path.read_bytes()).std() > 0.05
    assert live(lesson) == before


def test_of_equal_widths_the_best_is_drawn(
    lesson: Interpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(
        lazy.pictures, "sqnr", lambda layers, target, title: drawn.append((layers, target, title))
    )
    monkeypatch.setattr(lazy.pictures, "render", lambda figure, ending: b"")
    lesson.eval(
        "torch::plot_sqnr {a {{bits 4 sqnr_db NaN} {bits 4 sqnr_db 15} {sqnr_db 12 bits 4}} b {}}"
        f" 14.5 -file {{{tmp_path}/a.png}} -title t"
    )
    assert drawn == [({"a": {4: 15.0}, "b": {}}, 14.5, "t")]


@pytest.mark.parametrize(
    ("call", "message", "code"),
    [
        ("plot_levels {}", "either file or widget must be given", "file"),
        ("plot_levels {} -file a.png -widget .a", "either file or widget must be given", "file"),
        (
            "plot_levels {} -file a.bmp",
            'file must end in one of .png, .svg, .pdf but is "a.bmp"',
            "file",
        ),
        ("plot_levels {} -file {}", 'file must end in one of .png, .svg, .pdf but is ""', "file"),
        ("plot_levels {} a.png", "levels must have 1 .. 6 sets but has 0", "levels"),
        (
            "plot_levels [dict create a [torch::ones 0]] a.png",
            "levels must have elements but is empty",
            "levels",
        ),
        (
            "plot_levels [dict create a [torch::full 2 Inf]] a.png",
            "levels must be finite but has NaN or infinite elements",
            "levels",
        ),
        ("plot_sqnr {a {}} -file a.png", "layers must have a layer with a width but has none", "layers"),
        (
            "plot_quantization_errors $x $q $d 7 a.png",
            "quantized must fit into 7 bits, -64 .. 63, but has -79",
            "quantized",
        ),
        ("plot_quantization_errors $x $q $d 33 a.png", "bits must be in 1 .. 32 but is 33", "bits"),
        (
            "plot_quantization_errors $x [torch::ones 3] $d -file a.png",
            "quantized must have the shape of original, {3 3}, but has {3}",
            "quantized",
        ),
        ("plot_quantization_histogram $x $x a.png -bins 0", "bins must be in 1 .. 10000 but is 0", "bins"),
        (
            "plot_quantization_histogram [torch::tensor_create {1e308 -1e308} float64] $x -file a.png",
            "input must be within 1e+300 of 0 to be drawn but has -1e+308",
            "input",
        ),
        (
            "plot_levels [dict create a [torch::tensor_create {1 -1e308} float64]] a.png",
            "levels must be within 1e+300 of 0 to be drawn but has -1e+308",
            "levels",
        ),
        (
            "plot_lines a.png {1 2} [dict create a {1 2}] -group 5",
            "group must be in 1 .. 4 but is 5",
            "group",
        ),
        ("text_histogram $x 10001", "bins must be in 1 .. 10000 but is 10001", "bins"),
        ("text_histogram $x -width 0", "width must be in 1 .. 10000 but is 0", "width"),
        (
            "text_histogram [torch::tensor_create {1e16 1.0000000000000002e16} float64] 100",
            "bins must be so few that float64 can tell their ends apart but is 100",
            "bins",
        ),
    ],
)
def test_refused(
    lesson: Interpreter, call: str, message: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = error_of(lesson.eval, f"torch::{call}")
    assert (error.message, error.errorcode) == (message, ("TORCH", "ARG", "VALUE", code))
    assert not list(tmp_path.iterdir())


def test_other_refusals(lesson: Interpreter, monkeypatch: pytest.MonkeyPatch) -> None:
    error = error_of(lesson.eval, "torch::plot_levels [dict create a $x] /no/such/folder/a.png")
    assert error.errorcode[:2] == ("POSIX", "ENOENT")
    error = error_of(lesson.eval, "torch::plot_levels [dict create a $x] -widget a")
    assert error.message == 'expected window path but got "a" for -widget'
    error = error_of(lesson.eval, "torch::plot_sqnr {a {{bits 4}}} -file a.png")
    assert error.message == (
        'expected a dict with bits, sqnr_db but got "bits 4" in a at index 0 for layers (it lacks sqnr_db)'
    )
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name, words in CALLS.items():
        error = error_of(lesson.eval, f"torch::{name} {words} -file a.png")
        assert error.message == f"{name} needs matplotlib: pip install 'tcltorch[plot]'"
        assert error.errorcode == ("TORCH", "UNSUPPORTED", name)


def test_a_window_needs_tk(lesson: Interpreter) -> None:
    error = error_of(lesson.eval, "torch::plot_levels [dict create a $x] -widget .a")
    assert error.errorcode == ("TORCH", "UNSUPPORTED", "widget")
    assert error.message == "widget needs Tk: package require Tk"
    assert "put_picture" not in error.errorinfo
