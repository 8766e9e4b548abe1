"""Observers: they look at tensors and tell a scale and a zero point that fit what they have seen.

Where `torch.ao.quantization.observer` has the same kind, these are equal to it bit for bit; PyTorch removes
that module. An observer sees a tensor as float32 (a histogram: in its own precision) and without its
gradient, and ignores an empty one.
"""

import abc
import math
import warnings

import torch

from pybridge.names import dtype_name
from pybridge.quant.arguments import BadArgument, checked_real, shown
from pybridge.quant.blocks import blocks
from pybridge.quant.channels import Channels
from pybridge.quant.schemes import Scheme, choose_qparams

State = dict[str, torch.Tensor]
WHOLE = Channels()
_MOST_OF_ONE_THREAD = 2**22  # elements; it looks at them in a few milliseconds


def extremes_of_nothing() -> tuple[torch.Tensor, torch.Tensor]:
    """The minimum and maximum of what has no elements, float32 whatever the default dtype is."""
    return torch.tensor(math.inf, dtype=torch.float32), torch.tensor(-math.inf, dtype=torch.float32)


class Observer(abc.ABC):
    """What all observers can do.

    Attributes:
        channels: how a tensor is cut into channels.
        state_names: of the tensors of `state`.
    """

    state_names: tuple[str, ...] = ("min_val", "max_val")

    def __init__(self, channels: Channels) -> None:
        self.channels = channels
        self.reset()

    def observe(self, input: torch.Tensor) -> None:
        """Take a tensor of real numbers into account; one without elements counts as not seen.

        Raises:
            BadArgument: for a tensor that does not fit `channels` or what was seen before. Nothing changes.
        """
        plain = checked_real(input, "input")
        rows = self.channels.rows(self._narrowed(plain))
        if rows.numel():
            self._update(rows)

    def state(self) -> State:
        """What was seen, as float32 tensors by name, for `load_state`; all are copies."""
        return {name: getattr(self, name).clone() for name in self.state_names}

    def load_state(self, state: State) -> None:
        """Go on from what `state` of an observer with the same options has given; tensors are copied.

        Raises:
            BadArgument: for tensors that are not those of this kind. Nothing changes.
        """
        names = self.state_names
        if sorted(state) != sorted(names):
            got = " and ".join(sorted(state)) or "nothing"
            raise BadArgument("state", f"state must hold {' and '.join(names)} but holds {got}")
        for name, tensor in state.items():
            if tensor.dtype is not torch.float32:
                raise BadArgument(
                    "state", f"state must hold {name} as float32 but it is {dtype_name(tensor.dtype)}"
                )
        self._load({name: checked_real(state[name], "state").clone() for name in names})

    @property
    def bytes(self) -> int:
        """What it keeps of what was seen."""
        return sum(getattr(self, name).nbytes for name in self.state_names)

    @property
    @abc.abstractmethod
    def has_observed(self) -> bool:
        """Whether there is anything to tell."""

    @property
    @abc.abstractmethod
    def seen(self) -> str:
        """What was seen, in a few words; empty for nothing."""

    @abc.abstractmethod
    def reset(self) -> None:
        """Forget what was seen."""

    @abc.abstractmethod
    def _load(self, state: State) -> None:
        """Take over tensors of the right names, or raise BadArgument."""

    @abc.abstractmethod
    def _update(self, rows: torch.Tensor) -> None:
        """Take over rows of `Channels.rows`, at least one element."""

    def _narrowed(self, input: torch.Tensor) -> torch.Tensor:
        return input.to(torch.float32)


class UniformObserver(Observer):
    """An observer whose range becomes a scale and a zero point by a scheme.

    Args:
        scheme: the integers, and the rule.
        channels: one scale for all by default.

    Raises:
        BadArgument: for floating-point zero points without channels; PyTorch has them for channels only.
    """

    def __init__(self, scheme: Scheme, channels: Channels = WHOLE) -> None:
        if scheme.qscheme == "affine_float_qparams" and channels.is_one:
            raise BadArgument(
                "qscheme", "qscheme affine_float_qparams needs a scale for each channel, not for the tensor"
            )
        self.scheme = scheme
        super().__init__(channels)

    def calculate_qparams(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The scale and the zero point, see `choose_qparams`; 0-d, or 1-D with one for each channel.

        When nothing was seen these are 1 and 0, for channels one of each, with a warning.
        """
        if not self.has_observed:
            warnings.warn(
                "the observer has not seen any data: it gives scale 1 and zero point 0", stacklevel=2
            )
            shape = () if self.channels.is_one else (1,)
            integers = self.scheme.qscheme != "affine_float_qparams"
            zero_point = torch.zeros(shape, dtype=torch.int32 if integers else torch.float32)
            return torch.ones(shape, dtype=torch.float32), zero_point
        return choose_qparams(*self.range(), self.scheme)

    @abc.abstractmethod
    def range(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The range to quantize, float32, 0-d or one for each channel; only when something was seen."""


class MinMaxObserver(UniformObserver):
    """The least and the greatest element seen: `MinMaxObserver` and `PerChannelMinMaxObserver` of PyTorch.

    A NaN makes its channel's range NaN for good, an infinity makes it infinite.

    Raises:
        BadArgument: for symmetric quint8 with reduce_range, which PyTorch refuses for these kinds alone.
    """

    min_val: torch.Tensor
    max_val: torch.Tensor

    def __init__(self, scheme: Scheme, channels: Channels = WHOLE) -> None:
        if scheme.is_quint8 and scheme.reduce_range and scheme.qscheme == "symmetric":
            raise BadArgument("reduce_range", "reduce_range cannot be used with symmetric quint8")
        super().__init__(scheme, channels)

    def reset(self) -> None:
        if self.channels.is_one:
            self.min_val, self.max_val = extremes_of_nothing()
        else:
            self.min_val, self.max_val = (torch.empty(0, dtype=torch.float32) for _ in range(2))

    @property
    def has_observed(self) -> bool:
        if self.channels.is_one:
            return not bool((self.min_val == math.inf) & (self.max_val == -math.inf))
        return self.min_val.numel() > 0

    @property
    def seen(self) -> str:
        return seen_range(self.min_val, self.max_val) if self.has_observed else ""

    def range(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.min_val, self.max_val

    def _load(self, state: State) -> None:
        check_range(state["min_val"], state["max_val"], self.channels)
        self.min_val, self.max_val = state["min_val"], state["max_val"]

    def _update(self, rows: torch.Tensor) -> None:
        low, high = extremes(rows)
        if self.has_observed:
            self._check_same_channels(low)
            low, high = self._combined(self.min_val.to(low.device), self.max_val.to(low.device), low, high)
        self.min_val, self.max_val = low, high

    def _check_same_channels(self, low: torch.Tensor) -> None:
        if low.shape != self.min_val.shape:
            raise BadArgument(
                "input",
                f"input must have {self.min_val.numel()} channels, as observed before, but has {low.numel()}",
            )

    def _combined(
        self, min_val: torch.Tensor, max_val: torch.Tensor, low: torch.Tensor, high: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The new range, from the old one and that of a tensor."""
        return torch.minimum(low, min_val), torch.maximum(high, max_val)


class MovingAverageMinMaxObserver(MinMaxObserver):
    """Averages of the extremes: each new tensor moves them by a share of the difference, the first is taken.

    `MovingAverageMinMaxObserver` and `MovingAveragePerChannelMinMaxObserver` of PyTorch.

    Args:
        averaging_constant: that share, 0 .. 1.
    """

    def __init__(self, scheme: Scheme, channels: Channels = WHOLE, averaging_constant: float = 0.01) -> None:
        if not 0.0 <= averaging_constant <= 1.0:
            raise BadArgument(
                "averaging_constant", f"averaging_constant must be in 0 .. 1 but is {averaging_constant}"
            )
        self.averaging_constant = averaging_constant
        super().__init__(scheme, channels)

    def _combined(
        self, min_val: torch.Tensor, max_val: torch.Tensor, low: torch.Tensor, high: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        share = self.averaging_constant
        return min_val + share * (low - min_val), max_val + share * (high - max_val)


def extremes(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The least and the greatest element of rows of `Channels.rows`; NaN where there is one."""
    if rows.dim() == 1:
        low, high = torch.aminmax(rows)
        return low, high
    # aminmax with a dim is many times as slow as the two, which are vectorized, in one thread
    if rows.device.type != "cpu" or rows.numel() > _MOST_OF_ONE_THREAD:
        return rows.amin(1), rows.amax(1)
    parts = [rows[block] for block in blocks(rows.shape)]
    lows, highs = torch.cat([part.amin(1) for part in parts]), torch.cat([part.amax(1) for part in parts])
    return lows.view(len(rows), -1).amin(1), highs.view(len(rows), -1).amax(1)


def check_range(min_val: torch.Tensor, max_val: torch.Tensor, channels: Channels) -> None:
    """Raise unless the two tensors of a state are a range for these channels."""
    dims = 0 if channels.is_one else 1
    if min_val.dim() != dims or min_val.shape != max_val.shape:
        raise BadArgument(
            "state",
            f"state must hold min_val and max_val of {dims} dimensions and one shape "
            f"but they have {shown(min_val.shape)} and {shown(max_val.shape)}",
        )
    unused = (min_val == math.inf) & (max_val == -math.inf) if channels.is_one else torch.tensor(False)
    if bool(((min_val > max_val) & ~unused.to(min_val.device)).any()):
        raise BadArgument("state", "state must not hold a min_val above its max_val")


def seen_range(min_val: torch.Tensor, max_val: torch.Tensor) -> str:
    """A range in words, over all channels."""
    whole = f"{min_val.min().item():.4g} .. {max_val.max().item():.4g}"
    return f"{min_val.numel()} channels in {whole}" if min_val.dim() else whole
