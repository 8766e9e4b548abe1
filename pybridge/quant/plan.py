"""Choose for each weight of a model how it is quantized."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf, isnan, log10

import torch

from pybridge.quant.arguments import BadArgument
from pybridge.quant.integers import checked_finite
from pybridge.quant.sweep import Options, Step, Trial, Trials

Tensor = torch.Tensor


@dataclass(frozen=True)
class Planned:
    """What is chosen for one weight.

    Attributes:
        best: the choice, and what it costs.
        reached: whether it reaches the target.
        tried: the best of each width that was tried, narrowest first.
        original_bytes: of the weight as it was.
    """

    best: Trial
    reached: bool
    tried: list[Trial]
    original_bytes: int


@dataclass(frozen=True)
class Plan:
    """What is chosen for a model.

    Attributes:
        target: dB.
        weights: by name.
        skipped: the names of tensors that are not to be quantized: not floating-point, or empty.
    """

    target: float
    weights: dict[str, Planned] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    @property
    def elements(self) -> int:
        """Of all weights."""
        return sum(each.best.elements for each in self.weights.values())

    @property
    def bytes(self) -> int:
        """What the chosen integers take, with scales and zero points."""
        return sum(each.best.bytes for each in self.weights.values())

    @property
    def original_bytes(self) -> int:
        """Of the weights as they were."""
        return sum(each.original_bytes for each in self.weights.values())

    @property
    def bits(self) -> float:
        """Bits an element, with the scales and zero points; 0 without elements."""
        return 8 * self.bytes / self.elements if self.elements else 0.0

    @property
    def reached(self) -> bool:
        """Whether each weight reaches the target."""
        return all(each.reached for each in self.weights.values())

    @property
    def sqnr_db(self) -> float:
        """Of all weights together; infinite without an error."""
        signal = sum(each.best.signal * each.best.elements for each in self.weights.values())
        noise = sum(each.best.mse * each.best.elements for each in self.weights.values())
        if not noise:
            return inf
        return 10 * log10(signal / noise) if signal else -inf


def quantization_plan(
    tensors: Mapping[str, Tensor],
    target: float,
    options: Options,
    step: Step = lambda: None,
    trial_step: Step = lambda: None,
) -> Plan:
    """Choose for each weight the fewest bits that reach a target.

    Widths are tried from the narrowest on, each in all other ways, until the best of a width reaches the
    target. Where none does, the best of all is taken. A tensor that has none of the granularities, such as a
    bias where only per_channel is wanted, is quantized per tensor.

    Args:
        tensors: by name. Those that are not floating-point or have no elements are skipped; the others must
            be finite.
        target: SQNR in dB, of each weight.
        options: the ways to try.
        step: called after each tensor, and trial_step after each way tried; what they raise ends it.

    Raises:
        BadArgument: a ValueError; for elements that are not finite it names the weight.
    """
    if isnan(target):
        raise BadArgument("sqnr", "sqnr must be a number of dB but is NaN")
    plan = Plan(target)
    for name, tensor in tensors.items():  # a mistake in the last is told before the first is tried
        if tensor.is_floating_point() and tensor.numel():
            try:
                options.fitting(tensor)
            except BadArgument as error:
                raise BadArgument(error.parameter, f"{name}: {error}") from None
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.numel():
            plan.weights[name] = _planned(
                checked_finite(tensor, "tensors", name), target, options, trial_step
            )
        else:
            plan.skipped.append(name)
        step()
    return plan


def _planned(tensor: Tensor, target: float, options: Options, step: Step) -> Planned:
    choices = options.fitting(tensor) or replace(options, granularity=("per_tensor",)).choices()
    trials = Trials(tensor)
    tried: list[Trial] = []
    for bits in sorted({each.bits for each in choices}):
        of_width = [each for each in choices if each.bits == bits]
        tried.append(trials.best_first(of_width, step)[0])
        if tried[-1].sqnr_db >= target:
            break
    reached = tried[-1].sqnr_db >= target
    best = tried[-1] if reached else min(tried, key=lambda trial: trial.rank)
    return Planned(best, reached, tried, tensor.numel() * tensor.element_size())
