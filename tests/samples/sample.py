"""What a sample is, and the tensors that samples name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

# Tensors that the calls name as $name.
TENSORS: dict[str, torch.Tensor] = {
    "a": torch.tensor([[1.5, -2.25, 3.0], [0.1, 5.5, -0.7]]),
    "b": torch.tensor([[0.3, 2.0, -1.0], [4.0, 0.125, 9.0]]),
    "square": torch.tensor([[2.0, -1.0, 0.5], [1.0, 3.0, 0.25], [0.1, 0.2, 0.3]]),
    "one": torch.tensor([0.1]),
    "scales": torch.tensor([0.1, 0.2, 0.3]),
    "zero_points": torch.tensor([0, 1, 2], dtype=torch.int32),
    "scale": torch.tensor([0.1]),
    "zero_point": torch.tensor([3], dtype=torch.int32),
    "image": torch.arange(2 * 4 * 5 * 5, dtype=torch.float32).reshape(2, 4, 5, 5) / 7,
    "kernel": torch.arange(6 * 2 * 3 * 3, dtype=torch.float32).reshape(6, 2, 3, 3) / 11,
    "kernel_bias": torch.arange(6, dtype=torch.float32) / 3,
    "bias": torch.tensor([0.5, -0.5, 0.25]),
}


def quantized(name: str) -> torch.Tensor:
    """The quantized tensors that the calls name as $per_tensor and $per_channel."""
    if name == "per_tensor":
        return torch.quantize_per_tensor(TENSORS["a"], 0.1, 3, torch.qint8)
    return torch.quantize_per_channel(TENSORS["a"], TENSORS["scales"], TENSORS["zero_points"], 1, torch.qint8)


@dataclass(frozen=True)
class Sample:
    """One call.

    Attributes:
        words: by parameter, in order; `$name` is a tensor of `TENSORS`, everything else a literal.
        expected: computes the result with PyTorch, from the same tensors.
        setup: a Tcl script to run before the call.
        form: which form of the command it is.
    """

    words: dict[str, str]
    expected: Callable[[], Any]
    setup: str = ""
    form: int = 0


def seeded(make: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
    def run() -> torch.Tensor:
        torch.manual_seed(7)
        return make()

    return run
