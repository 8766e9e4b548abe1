"""What quantization costs: errors, sweeps of one tensor, plans for the weights of a model.

See also: integers, observe, pictures
"""

from typing import Any

from pybridge.annotations import Tensor
from pybridge.commands.display import Progress
from pybridge.commands.integers import described
from pybridge.interrupt import checkpoint
from pybridge.lazy import quant
from pybridge.names import Granularity, IntegerScheme, ObserverKind, ScaleMode
from pybridge.registry import command

_WIDTHS = (2, 3, 4, 6, 8)
_ERRORS = ("mse", "sqnr_db", "max_abs", "cosine")


@command()
def quantization_metrics(
    original: Tensor, dequantized: Tensor, axis: int | None = None
) -> dict[str, float] | dict[str, Tensor]:
    """Compare a dequantized tensor with the original: measure how far it is off.

    Args:
        original: any shape and real dtype.
        dequantized: a tensor of the same shape.
        axis: measure each slice of this dimension on its own; a negative one counts from the end.

    Returns:
        A dict, in float64: `mse`, the mean squared error; `sqnr_db`, the signal to quantization noise ratio,
        10 * log10(sum(original^2) / sum(error^2)), Inf without an error; `max_abs`, the largest error;
        `cosine` of the angle between the two as vectors. With axis, handles of 1-D tensors. NaN and infinite
        elements show in the results; of no elements all are NaN.

    Errors:
        TORCH ARG VALUE, naming the parameter: shapes that differ, complex or quantized dtypes, an axis that
        is not there.

    Example:
        set original [torch::tensor_create {3 4}]
        set dequantized [torch::tensor_create {3 3.5}]
        torch::quantization_metrics $original $dequantized
        => mse 0.125 sqnr_db 20.0 max_abs 0.5 cosine 0.9978801059658184
    """
    found = quant.quantization_metrics(original, dequantized, axis)
    measured = {name: getattr(found, name) for name in _ERRORS}
    return measured if axis is not None else {name: each.item() for name, each in measured.items()}


@command()
def quantization_sweep(
    input: Tensor,
    bits: tuple[int, ...] = _WIDTHS,
    granularity: tuple[Granularity, ...] = ("per_tensor", "per_channel", "per_group"),
    qscheme: tuple[IntegerScheme, ...] = ("symmetric", "affine"),
    observer: tuple[ObserverKind, ...] = ("minmax", "mse", "percentile"),
    axis: int = 0,
    group_size: int = 128,
    scale_mode: ScaleMode = "float",
) -> list[dict[str, Any]]:
    """Quantize a tensor in every combination of some options, and measure the error of each.

    A granularity that the tensor does not have is left out: per_channel below two dimensions, per_group where
    the last dimension is no multiple of group_size. Long work shows a progress bar on a terminal.

    Args:
        input: any shape and real dtype, not empty, all elements finite.
        bits: widths, 2 to 16; the integers are signed.
        granularity: what shares a scale.
        qscheme: whether the zero point is 0.
        observer: how the range is found; see `observer`.
        axis: of per_channel; a negative one counts from the end.
        group_size: how many neighbours along the last dimension share a scale with per_group.
        scale_mode: power_of_two for scales that are shifts.

    Returns:
        A list of dicts, best first: the highest SQNR, of equals the fewest bytes; last, where elements are
        huge, what has none (NaN), its scale being beyond float32. Each has `bits`,
        `granularity`, `qscheme`, `observer`, `axis` and `group_size` (empty where they do not matter),
        `scale_mode`, `bytes`, and the errors of `quantization_metrics`. The bytes are those of the integers,
        packed, with a scale of 4 bytes (1 for a power of two) for each channel or group, and a zero point of
        `bits` bits if affine.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above; TORCH INTERRUPT.

    Example:
        set w [torch::tensor_create {{191.6 -13.5 728.6} {92.14 295.5 -184}}]
        set found [torch::quantization_sweep $w {4 8} -observer minmax]
        set best [lindex $found 0]
        list [llength $found] [dict get $best bits] \\
            [dict get $best granularity]
        => 8 8 per_channel
    """
    options = quant.Options(bits, granularity, qscheme, observer, axis, group_size, scale_mode)
    with Progress.steps(len(options.fitting(input)), "sweep") as step:
        trials = quant.quantization_sweep(input, options, step)
    return [_costs(trial) for trial in trials]


@command()
def quantization_plan(
    tensors: dict[str, Tensor],
    sqnr: float,
    bits: tuple[int, ...] = _WIDTHS,
    granularity: tuple[Granularity, ...] = ("per_channel",),
    qscheme: tuple[IntegerScheme, ...] = ("symmetric",),
    observer: tuple[ObserverKind, ...] = ("minmax",),
    axis: int = 0,
    group_size: int = 128,
    scale_mode: ScaleMode = "float",
) -> dict[str, Any]:
    """Choose for each weight of a model the fewest bits that reach a target, a width for each layer.

    Widths are tried from the narrowest on, each in all combinations of the other options, until the best one
    reaches the target, a signal-to-quantization-noise ratio (SQNR, an SNR); where none does, the best of all
    is taken. A tensor that has none of the granularities, such as a bias, is quantized per tensor. Long work
    shows a progress bar on a terminal.

    Args:
        tensors: a dict from names to handles, as `load_safetensors` gives it; all elements finite.
        sqnr: the target in dB, for each weight.
        bits: see `quantization_sweep` for this one and those that follow.
        granularity: what may share a scale.
        qscheme: whether the zero point is 0.
        observer: how the range is found; at few bits mse finds better ones, and takes a hundred times as
            long.
        axis: of per_channel.
        group_size: of per_group.
        scale_mode: power_of_two for scales that are shifts.

    Returns:
        A dict of the whole model: `sqnr` (the target), `reached` (whether each weight reaches it), `bits` (an
        element, scales and zero points included), `bytes`, `original_bytes`, `elements`, `sqnr_db` (of all
        weights together); `weights`, by name a dict as `quantization_sweep` gives it, with `elements` and
        `reached`, which `quantize_integers` takes; `tried`, by name a list of the best at each width, which
        `plot_sqnr` draws; `skipped`, the names of tensors that are empty or not floating-point.

    Errors:
        TORCH ARG VALUE, naming the parameter, as for `quantization_sweep`; TORCH INTERRUPT.

    Example:
        set w [torch::tensor_create {{191.6 -13.5 728.6} {92.14 295.5 -184}}]
        set plan [torch::quantization_plan [dict create fc $w] 30]
        list [dict get $plan weights fc bits] [dict get $plan bytes]
        => 6 13
    """
    options = quant.Options(bits, granularity, qscheme, observer, axis, group_size, scale_mode)
    with Progress.steps(len(tensors), "plan") as step:
        plan = quant.quantization_plan(tensors, sqnr, options, step, checkpoint())
    return {
        "sqnr": plan.target,
        **{name: getattr(plan, name) for name in ("reached", "bits", "bytes", "original_bytes", "elements")},
        "sqnr_db": plan.sqnr_db,
        "weights": {
            name: {**_costs(each.best), "elements": each.best.elements, "reached": each.reached}
            for name, each in plan.weights.items()
        },
        "tried": {name: [_costs(trial) for trial in each.tried] for name, each in plan.weights.items()},
        "skipped": plan.skipped,
    }


def _costs(trial: Any) -> dict[str, Any]:
    """A choice and what it costs, as the Tcl side sees it."""
    return {
        **described(trial.choice),
        "bytes": trial.bytes,
        # the one to judge by first: a table of the prompt leaves out the last ones
        **{name: getattr(trial, name) for name in ("sqnr_db", "mse", "max_abs", "cosine")},
    }
