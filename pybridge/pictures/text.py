"""A histogram in plain text, for logs."""

import torch

from pybridge.pictures.histogram import check_bins
from pybridge.pictures.reduce import counted
from pybridge.quant.arguments import BadArgument, checked_real

_WIDEST = 10_000


def text_histogram(tensor: torch.Tensor, bins: int = 20, width: int = 40) -> str:
    """Write how often each value occurs, a line a bin.

    Args:
        tensor: any shape and real dtype.
        bins: how many, 1 to 10000, of equal width, from the least to the greatest finite element. The last
            one contains its right end, the others do not.
        width: characters of the longest bar, 1 to 10000. A bar too short for one is a dot.

    Returns:
        Lines of ASCII: where each bin begins and ends, its count, its bar; last how many elements are not
        finite, if there are such.

    Raises:
        BadArgument: as above.
    """
    check_bins(bins)
    if not 1 <= width <= _WIDEST:
        raise BadArgument("width", f"width must be in 1 .. {_WIDEST} but is {width}")
    counts = counted(checked_real(tensor, "input"), bins)
    if not counts.finite:
        return f"no finite elements ({counts.others} others)" if counts.others else "no elements"
    ends = _written(counts.edges)
    end_width, count_width = max(map(len, ends)), len(str(max(counts.bins)))
    longest = max(counts.bins)
    lines = [
        f"{left:>{end_width}} .. {right:>{end_width}}  {count:>{count_width}}  {_bar(count, longest, width)}"
        for left, right, count in zip(ends[:-1], ends[1:], counts.bins, strict=True)
    ]
    if counts.others:
        lines.append(f"{counts.others} not finite")
    return "\n".join(line.rstrip() for line in lines)


def _bar(count: int, longest: int, width: int) -> str:
    return "#" * round(count * width / longest) or "." * (count > 0)


def _written(ends: list[float]) -> list[str]:
    """The ends with as many digits as tell them apart, four at least."""
    for digits in range(4, 18):
        texts = [f"{end + 0.0:.{digits}g}" for end in ends]
        if len(set(texts)) == len(texts):
            break
    return texts
