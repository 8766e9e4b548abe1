"""What people see of a tensor: `torch::show`, the line of the prompt, `torch::handles -details 1`."""

import re
import warnings
from typing import Any

import pytest
import torch

from pybridge import Interpreter
from pybridge.summary import summary, table
from tests.interpreters import error_of


def test_show(tcl: Interpreter) -> None:
    tcl.eval("set x [torch::tensor_create {{1 2.5} {-3 4}}]")
    # mean 4.5 / 4; deviations -0.125, 1.375, -4.125, 2.875: sum of squares 27.1875, over 3, root 3.010
    assert tcl.eval("torch::show $x -digits 1") == (
        "float32 [2, 2]  mean 1.125 std 3.01\n[0]   1.0   2.5\n[1]  -3.0   4.0"
    )
    assert tcl.eval("torch::show [torch::tensor_create {7 -8} int8]") == "int8 [2]  min -8 max 7\n 7  -8"
    assert tcl.eval("torch::show [torch::full {} 2.5]") == "float32 []  2.5\n2.5000"
    assert tcl.eval("torch::show [torch::tensor_create {1 0 1} bool]") == "bool [3]  2 of 3 true\n1  0  1"
    for words, name in (("-rows 0", "rows"), ("-digits 18", "digits"), ("-digits -1", "digits")):
        error = error_of(tcl.eval, f"torch::show $x {words}")
        assert error.errorcode == ("TORCH", "ARG", "VALUE", name)


def test_the_edges_of_a_large_tensor() -> None:
    lines = table(torch.arange(100_000_000.0).view(1000, 100_000), 4, 0).splitlines()
    assert lines[0] == "float32 [1000, 100000]"
    assert [line.split()[0] for line in lines[1:]] == ["[0]", "[1]", "...", "[998]", "[999]"]
    assert "..." in lines[1].split()
    assert float(lines[2].split()[1]) == 1e5
    assert lines[5].split()[-1] == "1e+08"
    assert max(map(len, lines)) <= 80


def test_many_rows_of_a_large_tensor_are_cut() -> None:
    lines = table(torch.zeros(1).expand(10**8, 2), 10**9, 0).splitlines()
    assert len(lines) == 102
    assert [line.split()[0] for line in lines[50:53]] == ["[49]", "...", "[99999950]"]
    assert lines[-1].split() == ["[99999999]", "0", "0"]


def test_there_is_one_ellipsis_for_all_that_is_left_out_at_a_place() -> None:
    assert table(torch.arange(9).view(3, 3, 1), 1, 4).splitlines()[1:] == ["[0, 0]  0", "..."]
    lines = table(torch.arange(2000).view(1000, 2, 1), 100, 4).splitlines()  # fifty twos are a hundred
    assert lines[-3:] == ["[49, 0]  98", "[49, 1]  99", "..."]


def test_rows_are_labelled_by_their_index() -> None:
    lines = table(torch.arange(24).view(2, 3, 4), 6, 4).splitlines()
    assert lines[1:] == [
        "[0, 0]   0   1   2   3",
        "[0, 1]   4   5   6   7",
        "[0, 2]   8   9  10  11",
        "[1, 0]  12  13  14  15",
        "[1, 1]  16  17  18  19",
        "[1, 2]  20  21  22  23",
    ]


def test_small_whole_numbers_are_written_plainly() -> None:
    assert table(torch.tensor([1.0, 5.0, -3.0]), 6, 0).splitlines()[1].split() == ["1", "5", "-3"]


@pytest.mark.parametrize(
    ("largest", "digits", "word"),
    [
        (999_999.0, 1, "999999.0"),
        (1_000_000.0, 1, "1.0e+06"),
        (0.001, 4, "0.0010"),
        (0.00099, 4, "9.9000e-04"),
        (1.0, 0, "1"),
        (0.5, 0, "5e-01"),
    ],
)
def test_a_power_of_ten_is_written_where_the_largest_number_asks_for_it(
    largest: float, digits: int, word: str
) -> None:
    values = torch.tensor([largest, 0.0], dtype=torch.float64)
    assert table(values, 6, digits).splitlines()[1].split()[0] == word


def test_no_tensor_takes_more_than_a_screen_or_two() -> None:
    lines = table(torch.zeros(1).expand([7] * 20), 6, 4).splitlines()
    assert len(lines) == 103
    assert lines[-1] == "..."


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    _QUANTIZED = torch.quantize_per_tensor(torch.tensor([0.5, -0.5]), 0.5, 0, torch.qint8)


@pytest.mark.parametrize(
    ("tensor", "line"),
    [
        (torch.zeros(0, 3), "float32 [0, 3]"),
        (torch.tensor([1.0, float("nan"), 3.0, float("inf")]), "float32 [4]  mean 2 std 1.414  2 not finite"),
        (torch.tensor([float("nan")] * 2), "float32 [2]  2 not finite"),
        # their squares are no doubles: mean 1e308 / 3, deviations 2/3, 2/3, -4/3 of 1e308, sum of squares 8/3
        (
            torch.tensor([1e308, 1e308, -1e308], dtype=torch.float64),
            "float64 [3]  mean 3.333e+307 std 1.155e+308",
        ),
        (torch.tensor([1e-200, 3e-200], dtype=torch.float64), "float64 [2]  mean 2e-200 std 1.414e-200"),
        (torch.tensor([5.0, float("nan")]), "float32 [2]  mean 5  1 not finite"),
        (torch.zeros(2, requires_grad=True), "float32 [2]  requires_grad  mean 0 std 0"),
        (torch.ones(2, 2, dtype=torch.bfloat16), "bfloat16 [2, 2]  mean 1 std 0"),
        (torch.ones(2, dtype=torch.float8_e4m3fn), "float8_e4m3fn [2]  mean 1 std 0"),
        (torch.tensor([2**64 - 1, 3], dtype=torch.uint64), "uint64 [2]  min 3 max 18446744073709551615"),
        (torch.tensor([1 + 2j, 0]), "complex64 [2]"),
        (torch.empty(3, device="meta"), "float32 [3]  meta"),
        (torch.eye(2).to_sparse(), "float32 [2, 2]  sparse_coo"),
        (torch.zeros(1000, 1001), "float32 [1000, 1001]"),
        (_QUANTIZED, "qint8 [2]  mean 0 std 0.7071"),
    ],
)
def test_summary(tensor: torch.Tensor, line: str) -> None:
    assert summary(tensor) == line
    assert table(tensor, 6, 4).splitlines()[0] == line


@pytest.mark.parametrize("scale", [1e-30, 1e-5, 1e-2, 1.0, 1e5, 1e10, 1e38])
@pytest.mark.parametrize("digits", [0, 1, 4, 17])
def test_shown_numbers_are_the_tensors(scale: float, digits: int) -> None:
    """Each number that is shown is the element, to half a unit of its last digit."""
    tensor = torch.tensor([1.5, -0.25, 1 / 3], dtype=torch.float64) * scale
    words = table(tensor, 6, digits).splitlines()[1].split()
    shown = [each for each in words if each != "..."]
    for word, element in zip([shown[0], shown[-1]], [tensor[0].item(), tensor[-1].item()], strict=True):
        exponent = int(word.partition("e")[2] or 0)
        assert float(word) == pytest.approx(element, abs=0.5000001 * 10.0 ** (exponent - digits))


def test_handles_with_details(tcl: Interpreter) -> None:
    tcl.eval("set x [torch::ones {64 384}]; set y [torch::tensor_reshape $x {384 64}]; torch::ones 2 int8")
    tcl.eval("torch::progress_bar 3")
    lines = tcl.eval("torch::handles -details 1").splitlines()
    assert lines == [
        "tensor0        98,304 bytes  float32 [64, 384]",
        "tensor1          on tensor0  float32 [384, 64]",
        "tensor2             2 bytes  int8 [2]",
        "progress_bar3       0 bytes  progress_bar",
    ]
    assert tcl.eval("torch::handles tensor2 1") == "tensor2  2 bytes  int8 [2]"
    assert tcl.eval("torch::handles tensor1 1") == "tensor1  on tensor0  float32 [384, 64]"
    assert tcl.eval("torch::handles nothing* 1") == ""
    counted = sum(int(re.sub("[^0-9]", "", line.split()[1])) for line in lines if "bytes" in line)
    assert counted == int(tcl.eval("dict get [torch::memory] bytes"))


def test_looking_changes_nothing(tcl: Interpreter) -> None:
    tcl.eval("set x [torch::ones {1000} -requires_grad 1]")
    before: Any = tcl.eval("torch::memory"), tcl.eval("torch::handles"), torch.is_grad_enabled()
    tcl.eval("torch::show $x; torch::handles -details 1")
    assert (tcl.eval("torch::memory"), tcl.eval("torch::handles"), torch.is_grad_enabled()) == before
