"""APoT by its definition (Li, Dong, Wang 2020; PyTorch's prototype): every combination, every distance."""

import itertools

import numpy as np
import torch


def levels(alpha: float, bits: int, k: int, signed: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """gamma, the levels in ascending order, and their codes."""
    terms = bits // k
    sets = []
    for i in range(terms):
        powers = [2.0 ** -(i + j * terms) for j in range(2**k - 1)]
        sets.append(
            sorted([*powers, 0, *(-power for power in powers)], reverse=True) if signed else [0, *powers]
        )
    gamma = np.float32(alpha) / np.float32(sum(2.0**-i for i in range(terms)))
    found = []
    for code, choice in enumerate(itertools.product(*sets)):
        total = np.float32(0)
        for power in choice:
            total = np.float32(total + np.float32(power))
        found.append((float(np.float32(gamma * total)), code))
    found.sort(key=lambda pair: pair[0])  # stable: of equal levels the lower code is first
    values, codes = zip(*found, strict=True)
    return torch.tensor(gamma), torch.tensor(values), torch.tensor(codes)


def codes(x: torch.Tensor, alpha: float, bits: int, k: int, signed: bool) -> torch.Tensor:
    """The code of the level at the smallest float32 distance from each element, the first one on a tie."""
    _, values, indices = levels(alpha, bits, k, signed)
    narrow = x.float()
    nearest = (values - narrow.flatten()[:, None]).abs().argmin(1).reshape(x.shape)
    nearest[narrow > alpha] = int((values == values[-1]).nonzero()[0])
    nearest[narrow < -alpha] = 0
    return torch.where(narrow.isnan(), 0, indices[nearest]).to(torch.int32)


def dequantized(found: torch.Tensor, alpha: float, bits: int, k: int, signed: bool) -> torch.Tensor:
    """The level of each code."""
    _, values, indices = levels(alpha, bits, k, signed)
    of_code = dict(zip(indices.tolist(), values.tolist(), strict=True))
    return torch.tensor([of_code[code] for code in found.flatten().tolist()], dtype=torch.float64).reshape(
        found.shape
    )
