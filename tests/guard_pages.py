"""Run every kernel on arrays that end, or begin, at a page that nobody may touch.

`python -m tests.guard_pages` ends with a segmentation fault when a kernel reads or writes outside of its
arrays; with `--outside` it makes one do so, which proves that the pages guard.
"""

import ctypes
import faulthandler
import mmap
import sys
from itertools import product

import torch

from pybridge.quant.backend import Backend

Tensor = torch.Tensor
PROT_NONE = 0
PAGE = mmap.PAGESIZE
DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
COUNTS = [1, 2, 7, 15, 16, 17, 31, 33, 63, 64, 65, 1023, 1025, 3000, 20001]
CHANNELS = [
    (0, 1),
    (33, 3),
    (40, 5000),
    (7, 9000),
    (1, 5),
    (3, 7),
    (1, 0),
]  # elements in a row and rows; 0 for all
_regions: list[mmap.mmap] = []  # never freed: tensors lie in them


def guarded(tensor: Tensor, at_end: bool) -> Tensor:
    """A copy of a 1-D tensor that touches a forbidden page with its last, or its first, byte."""
    size = tensor.numel() * tensor.itemsize
    pages = -(-size // PAGE)
    region = mmap.mmap(-1, (pages + 2) * PAGE)
    _regions.append(region)
    start = ctypes.addressof(ctypes.c_char.from_buffer(region))
    libc = ctypes.CDLL(None, use_errno=True)
    for page in (0, pages + 1):
        if libc.mprotect(ctypes.c_void_p(start + page * PAGE), ctypes.c_size_t(PAGE), PROT_NONE):
            raise OSError(ctypes.get_errno(), "mprotect")
    offset = (pages + 1) * PAGE - size if at_end else PAGE
    copy = torch.frombuffer(region, dtype=tensor.dtype, count=tensor.numel(), offset=offset)
    return copy.copy_(tensor)


def forward(back_end: Backend, name: str, dtype: torch.dtype, at_end: bool) -> None:
    """One channel, rows of channels, and channels side by side."""
    kernel = back_end.kernel(name)
    assert kernel is not None, back_end.describe()
    for count, (inner, channels) in product(COUNTS, CHANNELS):
        channels = channels or count
        inner = inner or count
        x = torch.linspace(-3, 3, count).to(dtype)
        arrays = [x, torch.empty_like(x), torch.empty_like(x, dtype=torch.bool)]
        arrays += [torch.full((channels,), 0.1), torch.ones(channels, dtype=torch.int32)]
        tensors = tuple(guarded(each, at_end) for each in arrays)
        back_end.run(kernel, tensors, -8, 7, -8, inner, channels, count=count)


def backward(back_end: Backend, name: str, dtype: torch.dtype, at_end: bool) -> None:
    kernel = back_end.kernel(name)
    assert kernel is not None, back_end.describe()
    for count in COUNTS:
        gradient = torch.ones(count, dtype=dtype)
        arrays = [gradient, torch.ones(count, dtype=torch.bool), gradient]
        back_end.run(kernel, tuple(guarded(each, at_end) for each in arrays), count=count)


def outside(back_end: Backend) -> None:
    """Ask for an element more than there is."""
    kernel = back_end.kernel("backward float32")
    assert kernel is not None, back_end.describe()
    arrays = [torch.ones(64), torch.ones(64, dtype=torch.bool), torch.ones(64)]
    back_end.run(kernel, tuple(guarded(each, True) for each in arrays), count=65)


def main() -> None:
    back_end = Backend("numba")
    if "--outside" in sys.argv:
        outside(back_end)
        return
    faulthandler.enable()
    for at_end, dtype in product((True, False), DTYPES):
        kind = str(dtype)[6:]
        names = [f"{what} {kind}" for what in ("forward", "forward_masked")]
        if dtype is torch.float64:
            names += [f"{name} narrow" for name in names]
        for name in names:
            forward(back_end, name, dtype, at_end)
        backward(back_end, f"backward {kind}", dtype, at_end)
    for at_end, count in product((True, False), COUNTS):
        assert back_end.inside(guarded(torch.zeros(count, dtype=torch.int32), at_end), -1, 1)
    print("nothing outside was touched")


if __name__ == "__main__":
    main()
