"""Every float32 pattern through `pybridge.quant` and PyTorch's operators: `make exhaustive` runs this.

Outputs, with and without a gradient asked for, and masks are compared bit for bit (any NaN equals any NaN).
It prints a line for each set of parameters and operator; the exit status is 1 when anything differs.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

os.environ.setdefault("TCLTORCH_KERNELS", "numba")

import torch
from tqdm import tqdm

from pybridge import quant
from pybridge.quant.backend import backend
from tests.bits import differing

Tensor = torch.Tensor
ROWS = 1 << 11
CHUNK = ROWS * ROWS
PATTERNS = 1 << 32
OPERATORS = ("rows", "columns", "tensor")


@dataclass(frozen=True)
class Parameters:
    """What is the same for all patterns."""

    scale: float
    zero_point: int
    quant_min: int
    quant_max: int

    @classmethod
    def parse(cls, text: str) -> "Parameters":
        """Read SCALE,ZERO_POINT,QUANT_MIN,QUANT_MAX."""
        scale, *integers = text.split(",")
        zero_point, quant_min, quant_max = (int(each) for each in integers)
        return cls(float(scale), zero_point, quant_min, quant_max)


SETS = [
    Parameters(0.1, 0, -128, 127),
    Parameters(0.0371, 128, 0, 255),
    Parameters(-3.7e-3, -5, -128, 127),
    Parameters(1e-20, 7, -8, 7),
    Parameters(0.0, 3, -128, 127),
    Parameters(3e38, 1, 0, 15),
]


def chunks(stride: int) -> Iterator[Tensor]:
    """All patterns, or every `stride`th, in squares."""
    each = torch.arange(0, CHUNK * stride, stride)
    for start in range(0, PATTERNS, CHUNK * stride):
        patterns = each + (start - (PATTERNS >> 1))
        yield patterns[patterns < PATTERNS >> 1].to(torch.int32).view(torch.float32)


def compared(patterns: Tensor, parameters: Parameters, operator: str) -> Tensor:
    """The patterns for which an output or the mask differs."""
    bounds = parameters.quant_min, parameters.quant_max
    leaf = patterns.clone().requires_grad_()
    if operator == "tensor":
        theirs = torch.ops.aten.fake_quantize_per_tensor_affine_cachemask
        numbers = parameters.scale, parameters.zero_point
        expected, mask = theirs(patterns, *numbers, *bounds)
        found, plain = (quant.fake_quantize_per_tensor(x, *numbers, *bounds) for x in (leaf, patterns))
    else:
        axis = 0 if operator == "rows" else 1
        channels = patterns.shape[axis]
        scale = torch.full((channels,), parameters.scale)
        zero_point = torch.full((channels,), parameters.zero_point, dtype=torch.int32)
        common = scale, zero_point, axis, *bounds
        expected, mask = torch.ops.aten.fake_quantize_per_channel_affine_cachemask(patterns, *common)
        found, plain = (quant.fake_quantize_per_channel(x, *common) for x in (leaf, patterns))
    ours = torch.autograd.grad(found, leaf, torch.ones_like(found))[0] != 0  # the mask, as a gradient
    if torch.equal(ours, mask) and all(alike(each, expected) for each in (found.detach(), plain)):
        return patterns[:0, 0]
    wrong = differing(found.detach(), expected) | differing(plain, expected) | (ours != mask)
    return patterns[wrong]


def alike(one: Tensor, other: Tensor) -> bool:
    return torch.equal(one.view(torch.int32), other.view(torch.int32)) or not differing(one, other).any()


def walk(parameters: Parameters, operator: str, stride: int) -> int:
    """Print and return how many patterns differ."""
    begin = time.perf_counter()
    seen = mismatches = 0
    steps = -(-PATTERNS // (CHUNK * stride))
    for patterns in tqdm(chunks(stride), f"{operator} {parameters}", steps, unit="chunk", leave=False):
        square = patterns.reshape(-1, ROWS) if patterns.numel() % ROWS == 0 else patterns[None]
        wrong = compared(square, parameters, operator)
        for pattern in wrong[:5].view(torch.int32).tolist():
            tqdm.write(f"{operator} {parameters}: {pattern & 0xFFFFFFFF:08x} differs")
        seen += patterns.numel()
        mismatches += wrong.numel()
    seconds = time.perf_counter() - begin
    print(
        f"{operator:8} {parameters}: {mismatches} mismatches in {seen:,} patterns, {seconds:.0f} s",
        flush=True,
    )
    return mismatches


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stride", type=int, default=1, help="take every STRIDEth pattern only (1)")
    parser.add_argument(
        "--operator", choices=OPERATORS, action="append",
        help="per channel, the channels as rows or as columns, or per tensor; may be repeated (all)",
    )  # fmt: skip
    parser.add_argument(
        "--parameters", type=Parameters.parse, action="append", metavar="SCALE,ZERO_POINT,MIN,MAX",
        help="may be repeated (six sets, odd ones among them)",
    )  # fmt: skip
    arguments = parser.parse_args()
    mismatches = sum(
        walk(parameters, operator, arguments.stride)
        for parameters in arguments.parameters or SETS
        for operator in arguments.operator or OPERATORS
    )
    print(f"{mismatches} mismatches; kernels: {backend().describe()}")
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
