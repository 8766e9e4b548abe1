"""Observers that keep a copy of everything they see, because only all of it tells their range.

They hold four bytes an element until `reset`; `calculate_qparams` takes as much again, and more to sort.
"""

import torch

from pybridge.quant.arguments import BadArgument
from pybridge.quant.blocks import BLOCK
from pybridge.quant.channels import Channels
from pybridge.quant.fake_quantize import fake_quantize_per_channel
from pybridge.quant.observers import WHOLE, State, UniformObserver, extremes
from pybridge.quant.schemes import Scheme, choose_qparams

_MOST_OF_QUANTILE = 2**24  # torch.quantile refuses longer rows: its float32 ranks do not reach further
_FACTORS = [number / 100 for number in range(1, 101)]


class RecordingObserver(UniformObserver):
    """Keeps what it sees; the range is computed when it is asked for."""

    state_names = ("values",)
    _kept: list[torch.Tensor]

    def reset(self) -> None:
        self._kept = []

    @property
    def has_observed(self) -> bool:
        return bool(self._kept)

    @property
    def seen(self) -> str:
        elements = sum(rows.numel() for rows in self._kept)
        return f"{elements:,} elements" if elements else ""

    @property
    def bytes(self) -> int:
        return sum(rows.nbytes for rows in self._kept)

    @property
    def values(self) -> torch.Tensor:
        """All that was seen: 1-D, or a row for each channel."""
        if not self._kept:
            return torch.empty(0 if self.channels.is_one else (0, 0), dtype=torch.float32)
        if len(self._kept) > 1:
            device = self._kept[-1].device
            self._kept = [torch.cat([rows.to(device) for rows in self._kept], dim=-1)]
        return self._kept[0]

    def _load(self, state: State) -> None:
        values = state["values"]
        dims = 1 if self.channels.is_one else 2
        if values.dim() != dims:
            raise BadArgument(
                "state", f"state must hold values with {dims} dimensions but they have {values.dim()}"
            )
        self._kept = [values] if values.numel() else []

    def _update(self, rows: torch.Tensor) -> None:
        if self._kept and rows.shape[:-1] != self._kept[0].shape[:-1]:
            before, now = len(self._kept[0]), len(rows)
            raise BadArgument(
                "input", f"input must have {before} channels, as observed before, but has {now}"
            )
        self._kept.append(rows.clone(memory_format=torch.contiguous_format))


class PercentileObserver(RecordingObserver):
    """From the (100 - p)-th to the p-th percentile of all elements: a few outliers do not matter.

    Percentiles are interpolated linearly as in `torch.quantile`, by the same computation up to 2^24 elements;
    of more, PyTorch refuses them, with ranks in double precision. Where a percentile falls on or beside an
    infinity it is infinite or NaN as there; a NaN makes its channel's range NaN.

    Args:
        percentile: p, 50 .. 100.
    """

    def __init__(self, scheme: Scheme, channels: Channels = WHOLE, percentile: float = 99.99) -> None:
        if not 50.0 <= percentile <= 100.0:
            raise BadArgument("percentile", f"percentile must be in 50 .. 100 but is {percentile}")
        self.percentile = percentile
        super().__init__(scheme, channels)

    def range(self) -> tuple[torch.Tensor, torch.Tensor]:
        low, high = _quantiles(self.values, [(100.0 - self.percentile) / 100.0, self.percentile / 100.0])
        return low, high


class MSEObserver(RecordingObserver):
    """Of 100 shrunken ranges the one whose fake quantization has the least squared error.

    The range of all elements times 0.01, 0.02 .. 1.00; of equal errors the first one is taken. Errors are
    summed in double precision. NaN and infinities give the range that they give to `MinMaxObserver`.

    Raises:
        BadArgument: for a scheme whose zero point is beyond its integers, as PyTorch's for uint16 can be.
    """

    def __init__(self, scheme: Scheme, channels: Channels = WHOLE) -> None:
        lowest, highest = scheme.limits
        zero_point = scheme.symmetric_zero_point
        if scheme.qscheme == "symmetric" and not lowest <= zero_point <= highest:
            raise BadArgument(
                "qscheme",
                f"qscheme symmetric has the zero point {zero_point} here, beyond {lowest} .. {highest}, "
                "with which nothing can be quantized",
            )
        super().__init__(scheme, channels)

    def range(self) -> tuple[torch.Tensor, torch.Tensor]:
        rows = self.values[None] if self.channels.is_one else self.values
        low, high = extremes(rows)
        candidates = [choose_qparams(low * factor, high * factor, self.scheme) for factor in _FACTORS]
        errors = self._squared_errors(rows, candidates)
        best = errors.masked_fill(errors.isnan(), torch.inf).argmin(dim=0)  # which takes NaN for the least
        factors = torch.tensor(_FACTORS, dtype=torch.float32, device=rows.device)[best]
        low, high = low * factors, high * factors
        return (low[0], high[0]) if self.channels.is_one else (low, high)

    def _squared_errors(
        self, rows: torch.Tensor, candidates: list[tuple[torch.Tensor, torch.Tensor]]
    ) -> torch.Tensor:
        """The squared error of each candidate and row, float64, for a scale and a zero point a row.

        In blocks that stay in a processor's cache while all candidates are tried on them.
        """
        errors = torch.zeros(len(candidates), len(rows), dtype=torch.float64, device=rows.device)
        height = max(1, BLOCK // rows.shape[1])
        for top in range(0, len(rows), height):
            part = slice(top, top + height)
            for block in rows[part].split(BLOCK, dim=1):
                exact = block.to(torch.float64)
                for error, (scale, zero_point) in zip(errors, candidates, strict=True):
                    result = fake_quantize_per_channel(
                        block, scale[part], zero_point[part], 0, *self.scheme.limits
                    )
                    error[part] += result.to(torch.float64).sub_(exact).square_().sum(dim=1)
        return errors


def _quantiles(values: torch.Tensor, fractions: list[float]) -> list[torch.Tensor]:
    """The quantile of each row for each of the fractions, by the linear rule of `torch.quantile`."""
    count = values.shape[-1]
    if count <= _MOST_OF_QUANTILE:
        wanted = torch.tensor(fractions, dtype=values.dtype, device=values.device)
        return list(torch.quantile(values, wanted, dim=-1))
    ordered = values.sort(dim=-1).values  # NaN goes last
    found = []
    for fraction in fractions:
        rank = fraction * (count - 1)
        below = int(rank)
        above = min(below + (rank > below), count - 1)
        between = ordered[..., below].lerp(ordered[..., above], rank - below)
        found.append(torch.where(ordered[..., -1].isnan(), ordered[..., -1], between))
    return found
