"""What APoT quantization costs: `python -m tests.benchmarks.apot`.

Ours and `torch.bucketize` on the same levels take turns in one process; figures are medians of milliseconds.
The aim is a ratio of at most 3 at 10**6 elements.
"""

import torch

from pybridge import quant
from tests.benchmarks.turns import Action, medians

ELEMENTS = 10**6
SETS = [(2, 1, False), (4, 2, False), (4, 2, True), (6, 2, True), (8, 2, False), (8, 4, True)]
AIM = 3
NAMES = ("bucketize", "quantize", "fake", "with gradient")


def actions(bits: int, k: int, signed: bool) -> list[Action]:
    """What is timed: PyTorch's search, then ours."""
    torch.manual_seed(0)
    x = torch.randn(ELEMENTS) * 0.5
    leaf, gradient = x.clone().requires_grad_(), torch.randn(ELEMENTS)
    levels = quant.apot_qparams(1, bits, k, signed).levels
    return [
        lambda: torch.bucketize(x, levels),
        lambda: quant.quantize_apot(x, bits, k, signed),
        lambda: quant.apot_fake_quantize(x, bits, k, signed),
        lambda: torch.autograd.grad(quant.apot_fake_quantize(leaf, bits, k, signed), leaf, gradient),
    ]


def main() -> None:
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {ELEMENTS} elements, ms")
    print("bits k signed" + "".join(f"{name:>15}" for name in NAMES) + "   ratio")
    for bits, k, signed in SETS:
        found = medians(actions(bits, k, signed))
        ratio = max(found[1:3]) / found[0]
        cells = "".join(f"{seconds * 1e3:15.2f}" for seconds in found)
        verdict = "met" if ratio <= AIM else "MISSED"
        print(f"{bits:4} {k} {signed:6}{cells}{ratio:8.2f}  <= {AIM}  {verdict}", flush=True)


if __name__ == "__main__":
    main()
