"""Which kernels run: compiled ones, or PyTorch's operators, which give the same bits in more time.

`TCLTORCH_KERNELS` decides once, when the first large tensor comes: `torch` for PyTorch's operators alone;
`numba` to compile at once what is needed; by default what is not yet compiled is compiled beside, in a
thread, while PyTorch's operators answer.
"""

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import torch

Kernel = Callable[..., Any]
_LEAST_SHARE = 1 << 17  # elements that are worth another thread: it takes some 30 us to wake one
_ALIGNED = 64  # elements; threads share no cache line


class Backend:
    """The compiled kernels, as far as they are there.

    Args:
        choice: `torch`, `numba` or, for both, the empty text.
    """

    def __init__(self, choice: str) -> None:
        if choice not in ("", "torch", "numba"):
            raise ValueError(f'TCLTORCH_KERNELS must be torch or numba but is "{choice}"')
        self.choice = choice
        self.failure = ""
        self._kernels: dict[str, Kernel | None] = {}  # None: asked for, and not there
        self._wanted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._compiler: threading.Thread | None = None
        self._compiling = False
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, "tcltorch-kernel")

    def kernel(self, name: str) -> Kernel | None:
        """The kernel of that name; None where PyTorch's operator has to do."""
        try:
            return self._kernels[name]
        except KeyError:
            pass
        if self.choice == "torch" or self.failure:
            return None
        self._kernels[name] = None
        if self.choice == "numba":
            self._compile(name)
        else:
            self._wanted.put(name)
            self._start()
        return self._kernels[name]

    def describe(self) -> str:
        """For `torch::sitrep`: what runs, and why."""
        if self.choice == "torch":
            return "PyTorch (TCLTORCH_KERNELS=torch)"
        if self.failure:
            return f"PyTorch ({self.failure})"
        ready = sum(kernel is not None for kernel in self._kernels.values())
        return f"numba, {ready} compiled; PyTorch for the rest"

    def run(self, kernel: Kernel, tensors: tuple[torch.Tensor, ...], *arguments: float, count: int) -> None:
        """Run a kernel over `count` elements, shared by as many threads as PyTorch would use.

        Args:
            tensors: their addresses come first among the kernel's arguments; each share keeps them alive.
        """
        addresses = [tensor.data_ptr() for tensor in tensors]
        shares = min(torch.get_num_threads(), count // _LEAST_SHARE)
        if shares < 2 or _ending():
            kernel(*addresses, *arguments, count, 0, count)
            return

        def share(start: int) -> None:
            assert tensors
            kernel(*addresses, *arguments, count, start, min(start + step, count))

        step = -(-count // shares // _ALIGNED) * _ALIGNED
        others = [self._pool.submit(share, start) for start in range(step, count, step)]
        try:
            share(0)
        finally:
            wait(others)
        for each in others:
            each.result()

    def inside(self, numbers: torch.Tensor, low: int, high: int) -> bool:
        """Whether all of these int32 are in low .. high."""
        kernel = self.kernel("inside int32")
        if kernel is None or not numbers.is_contiguous():
            least, greatest = torch.aminmax(numbers)
            return bool(low <= least.item() and greatest.item() <= high)
        return bool(kernel(numbers.data_ptr(), numbers.numel(), low, high))

    def _start(self) -> None:
        with self._lock:
            if self._compiler is None and not _ending():
                self._compiler = threading.Thread(target=self._work, name="tcltorch-compile")
                self._compiler.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._wanted.empty() or _ending():
                    self._compiler = None
                    return
            self._compile(self._wanted.get())

    def _compile(self, name: str) -> None:
        self._compiling = True
        try:
            from pybridge.quant import compiled

            self._kernels[name] = compiled.compile(name)
        except Exception as error:  # whatever numba cannot do here: PyTorch can
            self.failure = self.failure or f"{name}: {type(error).__name__}: {error}".splitlines()[0]
        finally:
            self._compiling = False


def _ending() -> bool:
    """Whether the interpreter is about to end: no thread may be started, nor a pool used, from then on."""
    return not threading.main_thread().is_alive()


_backend: Backend | None = None


def backend() -> Backend:
    """The process's back end, chosen when it is first asked for."""
    global _backend
    if _backend is None:
        _backend = Backend(os.environ.get("TCLTORCH_KERNELS", ""))
    return _backend


def _forget() -> None:
    """A forked child has none of the threads; what is compiled stays.

    A thread that was compiling has left numba's locks locked, and modules half imported: nothing more can be.
    """
    if _backend is None:
        return
    fresh = Backend(_backend.choice)
    fresh.failure = "forked while numba was compiling" if _backend._compiling else _backend.failure
    fresh._kernels = {name: kernel for name, kernel in _backend._kernels.items() if kernel}
    _backend.__dict__.update(fresh.__dict__)


os.register_at_fork(after_in_child=_forget)
