"""Large tensors in pieces, so that what is computed of them needs little memory beside them."""

from collections.abc import Iterator, Sequence
from math import prod

# Elements: so few PyTorch does not share among threads, which on a busy machine wait for each other far
# longer than they compute (its reductions share 2^15); and the caches hold what is made of them.
BLOCK = (1 << 15) - 1


def blocks(shape: Sequence[int], most: int = BLOCK) -> Iterator[tuple[slice, ...]]:
    """Slices of each dimension that together pick every element once, at most `most` at a time.

    They are made of whole rows of the first dimensions where those are small enough. No piece is empty.
    """
    if 0 in shape:
        return
    if not shape:
        yield ()
        return
    first, rest = shape[0], shape[1:]
    row = prod(rest)
    if row <= most:
        step = max(1, most // row)
        for start in range(0, first, step):
            yield (slice(start, min(start + step, first)), *(slice(0, size) for size in rest))
        return
    for index in range(first):
        for piece in blocks(rest, most):
            yield (slice(index, index + 1), *piece)
