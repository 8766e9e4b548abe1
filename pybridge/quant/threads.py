"""PyTorch's own threads. Kernels run in them: a second pool would fight with the first over the cores.

An OpenMP thread that has nothing to do spins for a while, so a thread beside it waits for a free core.
"""

import ctypes
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch

Team = Callable[[int, int, int], None]
_OPENMP = re.compile(r"/lib(?:gomp|iomp5|omp)\b[^/]*\.so[^/]*$")


@cache
def team() -> Team | None:
    """What runs a C function in PyTorch's threads; None where its OpenMP cannot be found.

    It takes the address of a `void (void *)`, what to call it with, and the number of threads.
    """
    for path in _loaded():
        try:
            run = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW).GOMP_parallel
        except (OSError, AttributeError):  # LLVM's and Intel's have this, too, but may be built without
            continue
        run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
        run.restype = None
        return lambda function, argument, threads: run(function, argument, threads, 0)
    return None


def _loaded() -> list[str]:
    """The OpenMP libraries of this process, PyTorch's own first."""
    try:
        mapped = Path("/proc/self/maps").read_text(errors="surrogateescape")
    except OSError:  # no Linux
        return []
    paths = {line[line.index("/") :] for line in mapped.splitlines() if _OPENMP.search(line)}
    home = str(Path(torch.__file__ or "").parent)
    return sorted(paths, key=lambda path: (not path.startswith(home), path))
