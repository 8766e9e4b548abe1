"""Errors of quantization, against numpy's float64 and numbers computed by hand."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pybridge import Interpreter
from pybridge.quant import Metrics, metrics, quantization_metrics
from pybridge.quant.blocks import blocks
from tests.interpreters import error_of, live

INF, NAN = math.inf, math.nan
NAMES = ("mse", "sqnr_db", "max_abs", "cosine")


def numbers(found: Metrics) -> list[Any]:
    return [getattr(found, name).tolist() for name in NAMES]


def by_numpy(x: torch.Tensor, y: torch.Tensor) -> list[float]:
    a, b = (each.detach().to(torch.float64).numpy().ravel() for each in (x, y))
    error = a - b
    return [
        np.mean(error**2),
        10 * np.log10(np.sum(a**2) / np.sum(error**2)),
        np.max(np.abs(error)),
        np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)),
    ]


@pytest.mark.parametrize(
    ("original", "dequantized", "expected"),
    [
        # errors 0 and 0.5; signal 25, noise 0.25: 20 dB; 23 / (5 * sqrt(21.25))
        ([3, 4], [3, 3.5], [0.125, 20, 0.5, 23 / (5 * math.sqrt(21.25))]),
        ([3, 4], [3, 4], [0, INF, 0, 1]),
        ([0, 0], [0, 0], [0, INF, 0, 1]),
        ([0, 0], [3, 4], [12.5, -INF, 4, 0]),
        ([3, 4], [0, 0], [12.5, 0, 4, 0]),
        ([1, 0], [0, 1], [1, 10 * math.log10(0.5), 1, 0]),
        ([1, 2], [-1, -2], [10, 10 * math.log10(0.25), 4, -1]),
        ([1, 1, 1], [1, 1, 1], [0, INF, 0, 1]),  # 3 is more than sqrt(3) * sqrt(3), by rounding
        ([], [], [NAN, NAN, NAN, NAN]),
        ([NAN, 1], [1, 1], [NAN, NAN, NAN, NAN]),
        ([1, 1], [1, NAN], [NAN, NAN, NAN, NAN]),
        ([INF, 1], [INF, 1], [NAN, NAN, NAN, NAN]),
        ([INF, 1], [2, 1], [INF, NAN, INF, NAN]),
        ([2, 1], [-INF, 1], [INF, -INF, INF, NAN]),
        ([0, 0], [INF, 1], [INF, -INF, INF, NAN]),
    ],
)
def test_by_hand(original: list[float], dequantized: list[float], expected: list[float]) -> None:
    found = quantization_metrics(torch.tensor(original), torch.tensor(dequantized))
    assert numbers(found) == pytest.approx(expected, rel=1e-15, nan_ok=True)
    assert {getattr(found, name).dtype for name in NAMES} == {torch.float64}
    assert not any(math.copysign(1, each) < 0 for each in numbers(found) if math.isnan(each))
    assert not abs(found.cosine) > 1


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("block", [1, 7, 24, 1 << 18])
def test_each_slice_on_its_own(axis: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "blocks", lambda shape: blocks(shape, block))
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, 4, 5, generator=generator)
    y = torch.fake_quantize_per_tensor_affine(x, 0.3, 0, -4, 3)
    found = numbers(quantization_metrics(x, y, axis))
    for index in range(x.shape[axis]):
        expected = by_numpy(x.select(axis, index), y.select(axis, index))
        assert [each[index] for each in found] == pytest.approx(expected, rel=1e-12)
    assert numbers(quantization_metrics(x, y)) == pytest.approx(by_numpy(x, y), rel=1e-12)


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.bool, torch.int64]
)
def test_any_real_dtype(dtype: torch.dtype) -> None:
    x = torch.tensor([[0.0, 1.0, 3.0], [2.0, 100.0, 1.0]])
    y = (x + 1.25).to(dtype)
    assert numbers(quantization_metrics(x, y)) == pytest.approx(by_numpy(x, y), rel=1e-14)


def test_odd_strides_and_gradients() -> None:
    x = torch.linspace(-2, 2, 60).reshape(6, 10).t()[::2].requires_grad_()
    y = x.detach().round().t().contiguous().t()
    found = quantization_metrics(x, y)
    assert numbers(found) == pytest.approx(by_numpy(x, y), rel=1e-14)
    assert not found.mse.requires_grad


def test_small_errors_of_many_elements_are_not_lost() -> None:
    """In float32 the sum of the squares would stand still at 2**24 times the square."""
    x = torch.ones(1).expand(2**25)
    found = quantization_metrics(x, torch.tensor(1.5).expand(2**25))
    assert found.mse.item() == 0.25
    assert found.sqnr_db.item() == 10 * math.log10(4)


def test_slices_that_are_not_there_or_empty() -> None:
    assert numbers(quantization_metrics(torch.ones(0, 3), torch.ones(0, 3), 0)) == [[], [], [], []]
    for each in numbers(quantization_metrics(torch.ones(2, 0), torch.ones(2, 0), 0)):
        assert each == pytest.approx([NAN, NAN], nan_ok=True)


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), max_size=4), st.integers(1, 40))
def test_blocks_pick_every_element_once(shape: list[int], most: int) -> None:
    counts = torch.zeros(shape, dtype=torch.int64)
    for block in blocks(shape, most):
        assert 0 < counts[block].numel() <= most
        counts[block] += 1
    assert bool((counts == 1).all())


@pytest.mark.parametrize(
    ("words", "message", "parameter"),
    [
        (
            "$x [torch::ones 3]",
            "dequantized must have the shape of original, {2 2}, but has {3}",
            "dequantized",
        ),
        ("$x $x 2", "axis must be in -2 .. 1 for this tensor but is 2", "axis"),
        ("$x $x -axis -3", "axis must be in -2 .. 1 for this tensor but is -3", "axis"),
        (
            "[torch::ones {}] [torch::ones {}] 0",
            "axis must be a dimension of a tensor that has none but is 0",
            "axis",
        ),
        ("$c $x", "original must be real but is complex64", "original"),
        ("$x $q", "dequantized must be a plain tensor but is qint8: dequantize it first", "dequantized"),
        ("$x [torch::empty {2 2} -device meta]", "dequantized must be dense but is meta", "dequantized"),
    ],
)
def test_refused(tcl: Interpreter, words: str, message: str, parameter: str) -> None:
    tcl.eval("set x [torch::ones {2 2}]; set c [torch::ones {2 2} complex64]")
    tcl.eval("set q [torch::quantize_per_tensor $x 1 0 qint8]")
    error = error_of(tcl.eval, f"torch::quantization_metrics {words}")
    assert (error.message, error.errorcode) == (message, ("TORCH", "ARG", "VALUE", parameter))


def test_command_gives_handles_with_an_axis(tcl: Interpreter) -> None:
    tcl.eval("set x [torch::tensor_create {{3 4} {1 0}}]; set y [torch::tensor_create {{3 3.5} {1 0}}]")
    tcl.eval("set found [torch::quantization_metrics $x $y -axis 0]")
    assert live(tcl) == 6
    assert tcl.eval("dict keys $found") == " ".join(NAMES)
    assert tcl.eval("torch::tensor_to_list [dict get $found mse]") == "0.125 0.0"
    assert tcl.eval("torch::tensor_to_list [dict get $found sqnr_db]") == "20.0 Inf"
    assert tcl.eval("torch::tensor_dtype [dict get $found cosine]") == "float64"
