"""What an observer's update costs: `python -m tests.benchmarks.observers`.

Ours and PyTorch's of the same kind take turns in one process; figures are medians of milliseconds for a
tensor of 1000 x 1000. What PyTorch has no counterpart for is compared with one pass over the data, `aminmax`.
"""

import warnings

import torch

from pybridge import quant
from tests.benchmarks.turns import Action, medians

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the module that PyTorch removes
    from torch.ao.quantization import observer as theirs

ROWS = quant.Channels(axis=0)
SCHEME = quant.Scheme()


def pairs() -> dict[str, tuple[quant.Observer, torch.nn.Module]]:
    """By kind, ours and PyTorch's."""
    return {
        "minmax": (quant.MinMaxObserver(SCHEME), theirs.MinMaxObserver()),
        "per_channel_minmax": (quant.MinMaxObserver(SCHEME, ROWS), theirs.PerChannelMinMaxObserver(0)),
        "moving_average_minmax": (
            quant.MovingAverageMinMaxObserver(SCHEME),
            theirs.MovingAverageMinMaxObserver(),
        ),
        "histogram": (quant.HistogramObserver(SCHEME), theirs.HistogramObserver()),
    }


def row(name: str, ours: float, other: float) -> None:
    print(f"{name:24}{ours * 1e3:10.2f}{other * 1e3:10.2f}{other / ours:8.2f}", flush=True)


def both(observer: quant.Observer, module: torch.nn.Module, x: torch.Tensor) -> list[Action]:
    return [lambda: observer.observe(x), lambda: module(x)]


def main() -> None:
    torch.manual_seed(0)
    x = torch.randn(1000, 1000)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {x.numel()} elements")
    print(f"{'observing, ms':24}{'ours':>10}{'PyTorch':>10}   speed")
    for name, (observer, module) in pairs().items():
        row(name, *medians(both(observer, module, x)))
    print(f"{'a whole calibration, ms':24}{'ours':>10}{'aminmax':>10}   speed")
    for name, kind in (("percentile", quant.PercentileObserver), ("mse", quant.MSEObserver)):

        def calibrate(kind: type[quant.UniformObserver] = kind) -> None:
            observer = kind(SCHEME)
            observer.observe(x)
            observer.calculate_qparams()

        row(name, *medians([calibrate, lambda: torch.aminmax(x)], rounds=3))


if __name__ == "__main__":
    main()
