"""Sweeps and plans: the numbers against direct computations, the choice against its rule."""

import io
import math
import signal
import sys
from typing import Any

import numpy as np
import pytest
import torch

from pybridge import Interpreter, quant
from pybridge.commands import display
from pybridge.commands.display import Progress
from pybridge.quant import (
    BadArgument,
    Choice,
    Options,
    Trial,
    quantization_plan,
    quantization_sweep,
    quantize_integers,
)
from pybridge.quant.sweep import Trials
from tests.interpreters import error_of, live
from tests.terminal import TerminalStream
from tests.test_integers import LESSON, faked, weights

SMALL = Options((2, 4, 8), group_size=6)


def measured(x: torch.Tensor, choice: Choice) -> dict[str, float]:
    """The error, computed by numpy from what PyTorch's fake quantization gives."""
    y = faked(x, quantize_integers(x, choice))
    a, b = x.double().numpy().ravel(), y.double().numpy().ravel()
    error = a - b
    return {
        "mse": float(np.mean(error**2)),
        "sqnr_db": float(10 * np.log10(np.sum(a**2) / np.sum(error**2))),
        "max_abs": float(np.max(np.abs(error))),
        "cosine": float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)),
    }


def test_every_way_is_measured() -> None:
    x = weights(5, 12)
    trials = quantization_sweep(x, SMALL)
    assert len({trial.choice for trial in trials}) == len(trials) == 3 * 3 * 2 * 3
    for trial in trials:
        expected = measured(x, trial.choice)
        assert {name: getattr(trial, name) for name in expected} == pytest.approx(expected, rel=1e-9)
        scales = {"per_tensor": 1, "per_channel": 5, "per_group": 10}[trial.choice.granularity]
        assert trial.bytes == trial.choice.bytes(60, scales)


def test_best_first() -> None:
    trials = quantization_sweep(weights(5, 12), SMALL)
    ranks = [(-trial.sqnr_db, trial.bytes) for trial in trials]
    assert ranks == sorted(ranks)
    constant = quantization_sweep(torch.zeros(4, 6), Options((8, 2), group_size=6))
    assert {trial.sqnr_db for trial in constant} == {math.inf}
    assert constant[0].choice == Choice(2, group_size=6)  # 6 + 4 bytes, and symmetric comes first
    assert [trial.bytes for trial in constant] == sorted(trial.bytes for trial in constant)


def test_what_is_beyond_float32_comes_last() -> None:
    """Codes times scales are infinite, or there is no scale: of two bits the power of two is 2^128."""
    x = torch.tensor([3.2e38, -3.2e38, 5])
    for scale_mode in ("float", "power_of_two"):
        for bits in ((2, 4, 8), (8, 4, 2)):
            trials = quantization_sweep(x, Options(bits, observer=("minmax",), scale_mode=scale_mode))
            found = [trial.sqnr_db for trial in trials]
            assert (
                found[0]
                == found[1]
                == pytest.approx({"float": 48.13, "power_of_two": 50.23}[scale_mode], 1e-3)
            )
            assert [str(each) for each in found[2:]] == [
                "-inf",
                "-inf",
                *(["-inf", "-inf"] if scale_mode == "float" else ["nan", "nan"]),
            ]
            plan = quantization_plan({"w": x}, 99, Options(bits, observer=("minmax",), scale_mode=scale_mode))
            assert plan.weights["w"].best == trials[0]


def test_the_scale_of_the_weights_does_not_matter() -> None:
    """PyTorch's eps, 2^-23, would cut off the codes of small ones."""
    x = weights(5, 12)
    ordinary = quantization_sweep(x, SMALL)
    for factor in (2.0**-20, 2.0**-110, 2.0**100):
        for one, other in zip(quantization_sweep(x * factor, SMALL), ordinary, strict=True):
            assert one.choice == other.choice
            assert one.sqnr_db == other.sqnr_db


def test_granularities_that_a_tensor_lacks_are_left_out() -> None:
    def found(shape: tuple[int, ...], **options: Any) -> set[str]:
        trials = quantization_sweep(torch.ones(shape), Options((8,), observer=("minmax",), **options))
        return {trial.choice.granularity for trial in trials}

    assert found((3, 5)) == {"per_tensor", "per_channel"}
    assert found((3, 128)) == {"per_tensor", "per_channel", "per_group"}
    assert found((128,)) == {"per_tensor", "per_group"}
    assert found(()) == {"per_tensor"}
    with pytest.raises(BadArgument, match=r"fits the shape \{3\} but is per_channel, per_group"):
        found((3,), granularity=("per_channel", "per_group"))
    with pytest.raises(BadArgument, match="axis"):
        found((3, 5), axis=2)


def test_a_step_that_raises_ends_the_sweep() -> None:
    steps: list[None] = []

    def step() -> None:
        steps.append(None)
        if len(steps) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quantization_sweep(LESSON, SMALL, step)
    assert len(steps) == 3


def test_plan_takes_the_fewest_bits() -> None:
    model = {"a": weights(8, 12), "b": weights(8, 12, seed=1) ** 3, "bias": weights(12, seed=2)}
    options = Options((2, 4, 6, 8), observer=("minmax", "percentile"), group_size=6)
    plan = quantization_plan(model, 25, options)
    assert plan.reached
    for name, planned in plan.weights.items():
        fitting = options.fitting(model[name])
        good = {each.bits for each in fitting if measured(model[name], each)["sqnr_db"] >= 25}
        assert planned.best.choice.bits == min(good)
        of_width = [each for each in fitting if each.bits == min(good)]
        best = max(measured(model[name], each)["sqnr_db"] for each in of_width)
        assert planned.best.sqnr_db == pytest.approx(best, rel=1e-9)
        assert [trial.choice.bits for trial in planned.tried] == [
            bits for bits in (2, 4, 6, 8) if bits <= min(good)
        ]


def test_a_target_is_reached_by_just_as_much() -> None:
    weight, options = weights(8, 12), Options((4, 5), group_size=6)
    least = quantization_plan({"w": weight}, -math.inf, options).weights["w"].best
    assert least.choice.bits == 4
    again = quantization_plan({"w": weight}, least.sqnr_db, options).weights["w"]
    assert (again.best, again.reached) == (least, True)


def test_totals_of_a_plan() -> None:
    model = {"a": weights(8, 12), "b": weights(4, 6, seed=1).double()}
    plan = quantization_plan(model, 20, Options(granularity=("per_tensor",)))
    assert plan.elements == 96 + 24
    assert plan.original_bytes == 96 * 4 + 24 * 8
    assert plan.bytes == sum(each.best.bytes for each in plan.weights.values())
    assert plan.bits == 8 * plan.bytes / 120
    signal = noise = 0.0
    for name, planned in plan.weights.items():
        x = model[name]
        y = quantize_integers(x, planned.best.choice).dequantize()
        signal += float((x.double() ** 2).sum())
        noise += float(((x.double() - y.double()) ** 2).sum())
    assert plan.sqnr_db == pytest.approx(10 * math.log10(signal / noise), rel=1e-12)


def test_a_target_that_is_out_of_reach_takes_the_best() -> None:
    plan = quantization_plan({"w": weights(8, 12)}, 400, Options((4, 8, 2), observer=("minmax",)))
    planned = plan.weights["w"]
    assert not plan.reached
    assert not planned.reached
    assert planned.best.choice.bits == 8
    assert planned.best == quantization_sweep(weights(8, 12), Options((4, 8, 2), observer=("minmax",)))[0]


def test_what_a_plan_skips_and_falls_back_to() -> None:
    model = {
        "ids": torch.arange(3),
        "none": torch.ones(0, 2),
        "bias": torch.ones(3),
        "zero": torch.zeros(2, 2),
    }
    plan = quantization_plan(model, 30, Options(granularity=("per_channel",)))
    assert plan.skipped == ["ids", "none"]
    assert plan.weights["bias"].best.choice.granularity == "per_tensor"
    assert plan.weights["zero"].best.choice == Choice(2, "per_channel")
    empty = quantization_plan({}, 30, Options())
    assert (empty.bits, empty.bytes, empty.sqnr_db, empty.reached) == (0, 0, math.inf, True)


def test_mse_is_at_least_as_good_as_the_whole_range() -> None:
    x = weights(16, 40) ** 3
    best = {
        observer: quantization_sweep(x, Options((4,), ("per_channel",), ("symmetric",), (observer,)))[0].mse
        for observer in ("minmax", "mse")
    }
    assert best["mse"] < best["minmax"]


# -- the commands ----------------------------------------------------------------------------------------


def test_sweep_command(tcl: Interpreter) -> None:
    tcl.call("set", "w", tcl.dispatcher.table.add("tensor", LESSON))
    tcl.eval("set found [torch::quantization_sweep $w {4 8} per_channel -qscheme affine -axis -1]")
    before = live(tcl)
    trials = quantization_sweep(LESSON, Options((4, 8), ("per_channel",), ("affine",), axis=-1))
    for index, trial in enumerate(trials):
        assert tcl.eval(f"dict remove [lindex $found {index}] mse sqnr_db max_abs cosine") == (
            f"bits {trial.choice.bits} granularity per_channel qscheme affine"
            f" observer {trial.choice.observer} axis -1 group_size {{}} scale_mode float bytes {trial.bytes}"
        )
        for name in ("mse", "sqnr_db", "max_abs", "cosine"):
            assert float(tcl.eval(f"dict get [lindex $found {index}] {name}")) == getattr(trial, name)
    assert live(tcl) == before


def test_plan_command(tcl: Interpreter) -> None:
    table = tcl.dispatcher.table
    tcl.call("set", "w", table.add("tensor", LESSON))
    tcl.eval("set plan [torch::quantization_plan [dict create fc.weight $w ids [torch::ones 2 int64]] 30]")
    options = Options((2, 3, 4, 6, 8), ("per_channel",), ("symmetric",), ("minmax",))
    expected = quantization_plan({"fc.weight": LESSON}, 30, options)
    planned = expected.weights["fc.weight"]
    best = planned.best
    assert tcl.eval("dict keys $plan") == (
        "sqnr reached bits bytes original_bytes elements sqnr_db weights tried skipped"
    )
    assert tcl.eval("dict get $plan skipped") == "ids"
    assert float(tcl.eval("dict get $plan sqnr_db")) == expected.sqnr_db
    assert int(tcl.eval("dict get $plan weights fc.weight bits")) == best.choice.bits
    assert int(tcl.eval("dict get $plan weights fc.weight elements")) == 9
    assert int(tcl.eval("llength [dict get $plan tried fc.weight]")) == len(
        expected.weights["fc.weight"].tried
    )
    made = tcl.eval("dict get [torch::quantize_integers $w [dict get $plan weights fc.weight]] quantized")
    assert torch.equal(table.objects[made], quantize_integers(LESSON, best.choice).quantized)


@pytest.mark.parametrize(
    ("call", "message", "parameter"),
    [
        ("quantization_sweep $w {}", "bits must have an element but is empty", "bits"),
        ("quantization_sweep $w {4 17}", "bits must be in 2 .. 16 but is 17", "bits"),
        ("quantization_sweep $w -observer {}", "observer must have an element but is empty", "observer"),
        ("quantization_sweep [torch::ones {0 2}]", "input must have elements but is {0 2}", "input"),
        (
            "quantization_sweep [torch::full 2 Inf]",
            "input must be finite as float32 but has NaN or infinite elements",
            "input",
        ),
        ("quantization_plan {} NaN", "sqnr must be a number of dB but is NaN", "sqnr"),
        (
            "quantization_plan [dict create fc [torch::full 2 NaN]] 30",
            "fc must be finite as float32 but has NaN or infinite elements",
            "tensors",
        ),
        (
            "quantization_plan [dict create fc $w] 30 -axis 2",
            "fc: axis must be in -2 .. 1 for this tensor but is 2",
            "axis",
        ),
    ],
)
def test_refused(tcl: Interpreter, call: str, message: str, parameter: str) -> None:
    tcl.call("set", "w", tcl.dispatcher.table.add("tensor", LESSON))
    error = error_of(tcl.eval, f"torch::{call}")
    assert (error.message, error.errorcode) == (message, ("TORCH", "ARG", "VALUE", parameter))


def test_a_bad_word_in_a_list_of_choices(tcl: Interpreter) -> None:
    tcl.eval("set w [torch::ones 2]")
    error = error_of(tcl.eval, "torch::quantization_sweep $w -granularity {per_tensor rows}")
    assert error.message == 'bad granularity "rows": must be per_tensor, per_channel, per_group'
    error = error_of(tcl.eval, "torch::quantization_sweep $w {4 x}")
    assert error.message == 'expected integer but got "x" at index 1 for bits'


def test_ctrl_c_ends_it_between_two_steps(tcl: Interpreter, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []

    def step(bar: Progress, count: int) -> None:
        steps.append(count)
        if len(steps) == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Progress, "step", step)
    tcl.eval("set tensors [dict create]; foreach i {1 2 3 4 5} {dict set tensors $i [torch::ones 3]}")
    for call in ("quantization_plan $tensors 400", "quantization_sweep [dict get $tensors 1]"):
        steps.clear()
        before = live(tcl)
        with pytest.raises(KeyboardInterrupt):
            tcl.eval(f"torch::{call}; set went on")
        assert len(steps) == 3
        assert live(tcl) == before
    assert tcl.eval("info exists went") == "0"


@pytest.mark.parametrize("call", ["plan [dict create fc $w] 400", "sweep $w"])
def test_ctrl_c_ends_it_between_two_trials_of_one_weight(
    tcl: Interpreter, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    tried: list[Choice] = []
    trial = Trials._trial

    def stopped(trials: Trials, choice: Choice) -> Trial:
        tried.append(choice)
        if len(tried) == 3:
            signal.raise_signal(signal.SIGINT)
        return trial(trials, choice)

    monkeypatch.setattr(Trials, "_trial", stopped)
    tcl.eval("set w [torch::ones {2 3}]")
    before = live(tcl)
    with pytest.raises(KeyboardInterrupt):
        tcl.eval(f"torch::quantization_{call}; set went on")
    assert len(tried) == 3
    assert live(tcl) == before
    assert tcl.eval("info exists went") == "0"


@pytest.mark.parametrize("stream", [TerminalStream, io.StringIO])
def test_a_bar_on_a_terminal_only(
    tcl: Interpreter, monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]
) -> None:
    shown = stream()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(display, "_SOON", 0)
    tcl.eval("torch::quantization_sweep [torch::ones {2 2}] 4 per_tensor affine {minmax percentile}")
    tcl.eval("torch::quantization_plan [dict create w [torch::ones 3]] 30")
    if stream is TerminalStream:
        for text in ("sweep: 100%", "2/2", "plan: 100%", "1/1"):
            assert text in shown.getvalue()
    else:
        assert shown.getvalue() == ""


def test_no_bar_for_what_soon_ends(tcl: Interpreter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", shown := TerminalStream())
    monkeypatch.setattr(display, "_SOON", 3600)
    tcl.eval("torch::quantization_sweep [torch::ones {2 2}] 4 per_tensor affine {minmax percentile}")
    assert shown.getvalue() == ""


def test_a_target_is_reached_by_as_much() -> None:
    plan = quant.quantization_plan({"w": torch.ones(4)}, math.inf, quant.Options(bits=(2, 4)))
    assert plan.weights["w"].reached


def test_a_mistake_names_the_weight_before_anything_is_tried() -> None:
    tensors = {"a": torch.ones(2, 3, 4), "b": torch.ones(2, 3)}
    options = quant.Options(bits=(2,), granularity=("per_channel",), axis=2)
    with pytest.raises(quant.BadArgument, match="b: axis must be") as raised:
        quant.quantization_plan(tensors, 30, options, trial_step=lambda: pytest.fail("one was tried"))
    assert raised.value.parameter == "axis"
