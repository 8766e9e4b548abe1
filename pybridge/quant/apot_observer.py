"""The observer of additive powers of two: its range is the largest magnitude seen."""

import math
from typing import NamedTuple

import torch

from pybridge.names import ScaleMode
from pybridge.quant.apot import apot_qparams
from pybridge.quant.arguments import BadArgument
from pybridge.quant.observers import WHOLE, MinMaxObserver, Observer, State
from pybridge.quant.schemes import Scheme, power_of_two


class APoTQParams(NamedTuple):
    """What quantizes to additive powers of two.

    Attributes:
        alpha: the largest level, a float32 value.
        gamma, levels, level_indices: as in `apot_qparams`.
    """

    alpha: float
    gamma: float
    levels: torch.Tensor
    level_indices: torch.Tensor


class APoTObserver(Observer):
    """alpha = max(-min, max) over everything seen, as `APoTObserver` in torch.ao.quantization.experimental.

    Args:
        bits: 1 .. 16.
        k: bits a term, a divisor of bits.
        signed: whether levels have both signs.
        scale_mode: "power_of_two" rounds gamma up to a power of two; alpha grows with it.

    Raises:
        BadArgument: for an argument that `apot_qparams` refuses.
    """

    def __init__(self, bits: int, k: int, signed: bool = False, scale_mode: ScaleMode = "float") -> None:
        self._extremes = MinMaxObserver(Scheme(scale_mode=scale_mode))
        self.bits, self.k, self.signed = bits, k, signed
        apot_qparams(1.0, bits, k, signed)  # refuses what makes no levels
        super().__init__(WHOLE)

    def calculate_qparams(self) -> APoTQParams:
        """The levels up to alpha; alpha 0 makes all of them 0.

        Raises:
            BadArgument: when nothing was seen, or a NaN or an infinity, or what float32 has no
                power of two for.
        """
        if not self.has_observed:
            raise BadArgument("observer", "observer has not seen any data, and without there is no alpha")
        low, high = self._extremes.range()
        alpha = torch.maximum(-low, high).item()
        if not math.isfinite(alpha):
            raise BadArgument("observer", f"observer must have seen finite data but its alpha is {alpha}")
        if self._extremes.scheme.scale_mode == "power_of_two":
            alpha = self._rounded_up(alpha)
            if not math.isfinite(alpha):
                raise BadArgument(
                    "observer", "observer must have a gamma below 2^128 but its alpha is too large"
                )
        return APoTQParams(alpha, *apot_qparams(alpha, self.bits, self.k, self.signed))

    @property
    def has_observed(self) -> bool:
        return self._extremes.has_observed

    @property
    def seen(self) -> str:
        return self._extremes.seen

    @property
    def min_val(self) -> torch.Tensor:
        """The least element seen, 0-d."""
        return self._extremes.min_val

    @property
    def max_val(self) -> torch.Tensor:
        """The greatest element seen, 0-d."""
        return self._extremes.max_val

    def reset(self) -> None:
        self._extremes.reset()

    def _load(self, state: State) -> None:
        self._extremes.load_state(state)

    def _update(self, rows: torch.Tensor) -> None:
        self._extremes.observe(rows)

    def _rounded_up(self, alpha: float) -> float:
        """The alpha of the least power of two that is not below gamma = alpha / (2 - 2^(1 - bits / k))."""
        total = 2 - 2.0 ** (1 - self.bits // self.k)
        gamma = power_of_two(torch.tensor(alpha, dtype=torch.float32) / total).item()
        return gamma * total  # exact: total has at most 16 bits
