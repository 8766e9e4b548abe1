"""The histogram observer: a running histogram, and a search for the range that quantizes it best.

The computation of `HistogramObserver` in `torch.ao.quantization.observer`, bit for bit; its search follows
NormMinimization::NonlinearQuantizationParamsSearch of Caffe2. Only the walk over bins is done faster.
"""

import bisect
import math
import warnings

import numpy as np
import torch

from pybridge.quant.arguments import BadArgument, shown
from pybridge.quant.observers import (
    State,
    UniformObserver,
    check_range,
    extremes,
    extremes_of_nothing,
    seen_range,
)
from pybridge.quant.schemes import Scheme

_UPSAMPLING = 16  # parts that an old bin is spread over when the range grows
_STEP = 1e-5  # share of all elements that a move of the search leaves out


class HistogramObserver(UniformObserver):
    """The range that minimizes the squared error of quantizing a histogram of all elements.

    Elements that are infinite, or too large for float32, are left out, with a warning. On the CPU
    floating-point tensors are binned and counted in their own precision, as in PyTorch: one of bfloat16 adds
    no more than 256 to a bin for each of PyTorch's threads, one of float16 no more than 2048. Integers are
    binned as float32; PyTorch has no histogram of them there. On a GPU all but float64 are binned as float32:
    PyTorch has no histogram of half types in CUDA, and one of integers, which this may differ from.

    Args:
        bins: of the histogram, at least 1.
    """

    state_names = ("histogram", "min_val", "max_val")
    min_val: torch.Tensor
    max_val: torch.Tensor
    histogram: torch.Tensor

    def __init__(self, scheme: Scheme, bins: int = 2048) -> None:
        if bins < 1:
            raise BadArgument("bins", f"bins must be at least 1 but is {bins}")
        self.bins = bins
        super().__init__(scheme)

    def reset(self) -> None:
        self.min_val, self.max_val = extremes_of_nothing()
        self.histogram = torch.zeros(self.bins, dtype=torch.float32)

    @property
    def has_observed(self) -> bool:
        return not bool((self.min_val == math.inf) & (self.max_val == -math.inf))

    @property
    def seen(self) -> str:
        if not self.has_observed:
            return ""
        counted = int(self.histogram.sum(dtype=torch.float64).round())
        return f"{seen_range(self.min_val, self.max_val)}, {counted:,} counted"

    def range(self) -> tuple[torch.Tensor, torch.Tensor]:
        first, last = self._search()
        width = (self.max_val - self.min_val) / self.bins
        return self.min_val + width * first, self.min_val + width * (last + 1)

    def _load(self, state: State) -> None:
        check_range(state["min_val"], state["max_val"], self.channels)
        if state["histogram"].shape != (self.bins,):
            raise BadArgument(
                "state",
                f"state must hold a histogram of {self.bins} bins "
                f"but it has the shape {shown(state['histogram'].shape)}",
            )
        counts, ends = state["histogram"], torch.stack([state["min_val"], state["max_val"]])
        if not bool((counts.isfinite() & (counts >= 0)).all()):
            raise BadArgument("state", "state must hold a histogram of finite counts, none below 0")
        if not bool(ends.isfinite().all()) and ends.tolist() != [math.inf, -math.inf]:  # nothing was seen
            raise BadArgument("state", "state must hold a finite min_val and max_val")
        self.histogram, self.min_val, self.max_val = (state[name] for name in self.state_names)

    def _narrowed(self, input: torch.Tensor) -> torch.Tensor:
        halves = (torch.float16, torch.bfloat16) if input.device.type == "cpu" else ()
        return input if input.dtype in (torch.float64, *halves) else input.to(torch.float32)

    def _update(self, rows: torch.Tensor) -> None:
        low, high = extremes(rows)
        if bool(low.isnan()):
            raise BadArgument("input", "input must not hold NaN, which is in no bin of a histogram")
        if math.inf in (-low.to(torch.float32), high.to(torch.float32)):
            warnings.warn("the histogram leaves out infinite elements", stacklevel=3)
            rows = rows[rows.to(torch.float32).abs() != math.inf]
            if not rows.numel():
                return
            low, high = extremes(rows)
        histogram = self.histogram.to(rows.device)
        min_val, max_val = self.min_val.to(rows.device), self.max_val.to(rows.device)
        if self.has_observed:
            low, high = torch.minimum(min_val, low), torch.maximum(max_val, high)
            update = torch.histc(rows, self.bins, min=low.item(), max=high.item())
            histogram = self._combined(histogram, min_val, max_val, update, low, high)
        else:
            histogram = torch.histc(rows, self.bins, min=low.item(), max=high.item())
        self.histogram, self.min_val, self.max_val = (
            each.to(torch.float32) for each in (histogram, low, high)
        )

    def _combined(
        self,
        old: torch.Tensor,
        old_min: torch.Tensor,
        old_max: torch.Tensor,
        update: torch.Tensor,
        low: torch.Tensor,
        high: torch.Tensor,
    ) -> torch.Tensor:
        """The old histogram, over old_min .. old_max, and an update over the range low .. high around it."""
        if low == old_min and high == old_max:
            return old + update
        if old_min == old_max:
            one = torch.histc(old_min, self.bins, min=low.item(), max=high.item())
            return one * old.sum() + update
        return update + self._spread(old, old_min, old_max, low, high)

    def _spread(
        self,
        old: torch.Tensor,
        old_min: torch.Tensor,
        old_max: torch.Tensor,
        low: torch.Tensor,
        high: torch.Tensor,
    ) -> torch.Tensor:
        """The old histogram in the bins of low .. high: each bin in parts, a part where its middle lies."""
        parts = self.bins * _UPSAMPLING
        device = old.device
        weights = old.repeat_interleave(_UPSAMPLING) / _UPSAMPLING
        middles = torch.linspace(old_min, old_max, parts + 1, device=device)[:-1]
        middles = middles + 0.5 * ((old_max - old_min) / parts)
        edges = torch.linspace(low, high, self.bins + 1, device=device)
        places = (torch.bucketize(middles, edges, right=True) - 1).clamp_(0, self.bins - 1)
        return torch.bincount(places, weights=weights, minlength=self.bins)

    def _search(self) -> tuple[int, int]:
        """The first and the last bin of the range; each move leaves out the next bins of one end."""
        total = self.histogram.sum().item()
        cumulated = self.histogram.cpu().cumsum(dim=0).tolist()  # on a GPU it may not rise everywhere
        alpha, beta = 0.0, 1.0
        first, last = 0, self.bins - 1
        least = math.inf
        while alpha < beta:
            next_alpha, next_beta = alpha + _STEP, beta - _STEP
            left = bisect.bisect_left(cumulated, _float32(next_alpha * total), first, last)
            right = bisect.bisect_right(cumulated, _float32(next_beta * total), first + 1, last + 1) - 1
            next_first, next_last = first, last
            if left - first > last - right:
                next_first, alpha = left, next_alpha
            else:
                next_last, beta = right, next_beta
            if (next_first, next_last) == (first, last):
                continue
            error = self._error(next_first, next_last)
            if error > least:
                break
            least, first, last = error, next_first, next_last
        return first, last

    def _error(self, first: int, last: int) -> float:
        """The squared error of the histogram when the bins first .. last are all that is quantized."""
        width = (self.max_val.item() - self.min_val.item()) / self.bins
        integers = 2**self.scheme.width
        step = width * (last - first + 1) / integers
        if step == 0.0:
            return 0.0
        device = self.histogram.device
        begin = (torch.arange(self.bins, device=device) - first) * width
        end = begin + width
        begin_step, end_step = (
            torch.div(edge, step, rounding_mode="floor").clamp(0, integers - 1) for edge in (begin, end)
        )
        density = self.histogram / width
        half = torch.tensor(step / 2, dtype=torch.float32, device=device)
        error = _norm(begin - (begin_step + 0.5) * step, half, density)
        error = error + (end_step - begin_step - 1) * _norm(-half, half, density)
        error = error + _norm(-half, end - (end_step * step + step / 2), density)
        return error.sum().item()


def _norm(begin: torch.Tensor, end: torch.Tensor, density: torch.Tensor) -> torch.Tensor:
    """The integral of density * x^2 from begin to end."""
    return density * ((end * end * end - begin * begin * begin) / 3)


def _float32(number: float) -> float:
    return float(np.float32(number))
