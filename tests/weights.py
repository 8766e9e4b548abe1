"""Weights for the tests of the examples."""

import torch


def waves(*shape: int, phase: float = 0.0) -> torch.Tensor:
    """Weights that are nowhere regular but the same on every machine."""
    elements = torch.tensor(shape).prod().item()
    return torch.sin(torch.arange(1, elements + 1, dtype=torch.float64) ** 2 + phase).reshape(shape).float()
