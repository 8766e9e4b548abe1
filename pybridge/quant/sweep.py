"""Try ways to quantize a tensor, and measure what each costs."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import isnan

import torch

from pybridge.names import Granularity, IntegerScheme, ObserverKind, ScaleMode
from pybridge.quant.arguments import BadArgument, checked_dim, shown
from pybridge.quant.blocks import blocks
from pybridge.quant.channels import Channels
from pybridge.quant.integers import (
    Choice,
    as_rows,
    checked_finite,
    from_codes,
    observed,
    to_codes,
)
from pybridge.quant.metrics import Sums
from pybridge.quant.schemes import choose_qparams

Tensor = torch.Tensor
Step = Callable[[], None]


@dataclass(frozen=True)
class Options:
    """The ways to try: every combination of these.

    Attributes:
        bits: widths, 2 to 16.
        granularity, qscheme, observer, axis, group_size, scale_mode: see `Choice`.

    Raises:
        BadArgument: a ValueError, for an empty list, or a value that `Choice` refuses.
    """

    bits: tuple[int, ...] = (2, 3, 4, 6, 8)
    granularity: tuple[Granularity, ...] = ("per_tensor", "per_channel", "per_group")
    qscheme: tuple[IntegerScheme, ...] = ("symmetric", "affine")
    observer: tuple[ObserverKind, ...] = ("minmax", "mse", "percentile")
    axis: int = 0
    group_size: int = 128
    scale_mode: ScaleMode = "float"

    def __post_init__(self) -> None:
        for each in fields(self):
            if getattr(self, each.name) == ():
                raise BadArgument(each.name, f"{each.name} must have an element but is empty")
        self.choices()  # which refuses bad values

    def choices(self) -> list[Choice]:
        """All combinations, each once; widths vary slowest."""
        return [
            Choice(bits, granularity, qscheme, observer, self.axis, self.group_size, self.scale_mode)
            for bits in dict.fromkeys(self.bits)
            for granularity in dict.fromkeys(self.granularity)
            for qscheme in dict.fromkeys(self.qscheme)
            for observer in dict.fromkeys(self.observer)
        ]

    def fitting(self, tensor: Tensor) -> list[Choice]:
        """The combinations whose granularity the tensor has.

        Raises:
            BadArgument: for an axis that the tensor does not have.
        """
        return [each for each in self.choices() if _fits(each, tensor)]


@dataclass(frozen=True)
class Trial:
    """What a choice costs for one tensor.

    Attributes:
        choice: how it was quantized.
        elements: how many it has.
        bytes: see `Choice.bytes`.
        mse, sqnr_db, max_abs, cosine: the error, see `quantization_metrics`.
        signal: the mean square of the original.
    """

    choice: Choice
    elements: int
    bytes: int
    mse: float
    sqnr_db: float
    max_abs: float
    cosine: float
    signal: float

    @property
    def rank(self) -> tuple[bool, float, int]:
        """The least is the best: the highest SQNR, of equals the fewest bytes.

        NaN, which a scale beyond float32 gives, is the worst, and compares with nothing.
        """
        undefined = isnan(self.sqnr_db)
        return undefined, 0.0 if undefined else -self.sqnr_db, self.bytes


def quantization_sweep(
    input: Tensor, options: Options | None = None, step: Step = lambda: None
) -> list[Trial]:
    """Quantize a tensor in every way, and measure the error.

    Per channel is left out for a tensor of fewer than two dimensions, and per group where the last dimension
    is no multiple of group_size. Memory: one way at a time, a few copies of the tensor as float32.

    Args:
        input: any shape and real dtype, finite, not empty.
        options: the ways; those that Options has by default when None.
        step: called after each way; what it raises ends the sweep.

    Returns:
        Best first: the highest SQNR, of equals the fewest bytes, of equals in the order of the options. Last
        those without one (NaN), whose scale is beyond float32: of elements above 2^126.

    Raises:
        BadArgument: a ValueError; also when the tensor has none of the granularities.
    """
    options = options or Options()
    input = checked_finite(input, "input")
    if not input.numel():
        raise BadArgument("input", f"input must have elements but is {shown(input.shape)}")
    choices = options.fitting(input)
    if not choices:
        wanted = ", ".join(dict.fromkeys(options.granularity))
        fits = f"fits the shape {shown(input.shape)}"
        raise BadArgument("granularity", f"granularity must be one that {fits} but is {wanted}")
    return Trials(input).best_first(choices, step)


class Trials:
    """Quantizes one tensor again and again, and looks for a range only once where it is the same.

    Args:
        input: as `checked_finite` gives it, not empty.
    """

    def __init__(self, input: Tensor) -> None:
        self._input = input
        self._ranges: dict[tuple[str, Channels], tuple[Tensor, Tensor]] = {}

    def best_first(self, choices: list[Choice], step: Step) -> list[Trial]:
        """Try each of the choices; `step` is called after each."""
        trials = []
        for choice in choices:
            trials.append(self._trial(choice))
            step()
        return sorted(trials, key=lambda trial: trial.rank)

    def _trial(self, choice: Choice) -> Trial:
        scale, zero_point = self._qparams(choice)
        rows = as_rows(self._input, choice.channels)
        sums = Sums(1, rows.device)
        for block in blocks(rows.shape):
            codes = to_codes(rows[block], scale, zero_point, block[0], choice.scheme.limits)
            sums.add(rows[block], from_codes(codes, scale, zero_point, block[0]))
        found = sums.metrics(rows.numel())
        return Trial(
            choice,
            rows.numel(),
            choice.bytes(rows.numel(), scale.numel()),
            found.mse.item(),
            found.sqnr_db.item(),
            found.max_abs.item(),
            found.cosine.item(),
            sums.signal.item() / rows.numel(),
        )

    def _qparams(self, choice: Choice) -> tuple[Tensor, Tensor]:
        """The scale and the zero point."""
        if choice.observer == "mse":  # the only one whose range depends on the integers
            return observed(self._input, choice).calculate_qparams()
        key = (choice.observer, choice.channels)
        if key not in self._ranges:
            self._ranges[key] = observed(self._input, choice).range()
        return choose_qparams(*self._ranges[key], choice.scheme)


def _fits(choice: Choice, tensor: Tensor) -> bool:
    """Whether the tensor has more than one channel in principle, or groups of this size."""
    if choice.granularity == "per_channel" and tensor.dim() > 1:
        checked_dim(choice.axis, "axis", tensor)
        return True
    if choice.granularity == "per_group":
        return tensor.dim() > 0 and tensor.shape[-1] % choice.group_size == 0
    return choice.granularity == "per_tensor"
