"""Which kernels run: compiled ones, or PyTorch's operators, which give the same bits in more time.

`TCLTORCH_KERNELS` decides once, when a large tensor comes or somebody asks: `torch` for PyTorch's operators
alone; `numba` to compile at once what is needed; by default what is not yet compiled is compiled beside, in
a thread, while PyTorch's operators answer.
"""

import ctypes
import os
import queue
import threading
from typing import Any

import torch

from pybridge.quant.threads import team

Kernel = Any  # numba's CFunc: `address` and, to be called from Python, `ctypes`
_LEAST_SHARE = 1 << 16  # elements that are worth another thread
_PIECE = 1 << 15  # elements that a thread takes at a time; a multiple of what is on a cache line
_DONE = 1  # the place in a job of the number of pieces that are done


class Backend:
    """The compiled kernels, as far as they are there.

    Args:
        choice: `torch`, `numba` or, for both, the empty text.
    """

    def __init__(self, choice: str) -> None:
        if choice not in ("", "torch", "numba"):
            raise ValueError(f'TCLTORCH_KERNELS must be torch or numba but is "{choice}"')
        self.choice = choice
        self._unusable = ""  # why nothing can be compiled
        self._refused: dict[str, str] = {}  # why a kernel could not be
        self._kernels: dict[str, Kernel | None] = {}  # None: asked for, and not there
        self._wanted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._lock = threading.RLock()  # a signal's handler may come in between
        self._compiler: threading.Thread | None = None
        self._compiling: list[str] = []
        self._alone = False  # in a forked child, which has none of PyTorch's threads

    def kernel(self, name: str) -> Kernel | None:
        """The kernel of that name; None where PyTorch's operator has to do."""
        try:
            return self._kernels[name]
        except KeyError:
            pass
        if self.choice == "torch" or self._unusable:
            return None
        if self.choice == "numba":
            self._compile(name)
        else:
            self._kernels[name] = None
            self._wanted.put(name)
            if not self._start():
                del self._kernels[name]
        return self._kernels.get(name)

    def describe(self) -> str:
        """For `torch::sitrep`: what runs, and why."""
        if self.choice == "torch":
            return "PyTorch (TCLTORCH_KERNELS=torch)"
        if self._unusable:
            return f"PyTorch ({self._unusable})"
        ready = sum(kernel is not None for kernel in self._kernels.values())
        refused = "".join(f"; {name}: {reason}" for name, reason in self._refused.items())
        return f"numba, {ready} compiled{refused}; PyTorch for the rest"

    def run(self, kernel: Kernel, tensors: tuple[torch.Tensor, ...], *numbers: int, count: int) -> None:
        """Run a kernel over `count` elements, in as many threads as PyTorch would use.

        The threads take pieces until none is left: one that comes late, on a busy core, has less to do.

        Args:
            tensors: their addresses come first among the kernel's arguments.

        Raises:
            MemoryError: there is no memory for what the kernel notes down.
        """
        threads = min(torch.get_num_threads(), count // _LEAST_SHARE)
        in_threads = team() if threads > 1 and not self._alone else None
        piece = _PIECE if in_threads else count
        addresses = [tensor.data_ptr() for tensor in tensors]
        job = (ctypes.c_int64 * (4 + len(addresses) + len(numbers)))(0, 0, piece, count, *addresses, *numbers)
        if in_threads:
            in_threads(kernel.address, ctypes.addressof(job), threads)
        else:
            kernel.ctypes(ctypes.addressof(job))
        if job[_DONE] * piece < count:
            raise MemoryError("no memory for the constants of a kernel")

    def inside(self, numbers: torch.Tensor, low: int, high: int) -> bool:
        """Whether all of these int32 are in low .. high."""
        kernel = self.kernel("inside int32")
        if kernel is None or not numbers.is_contiguous():
            least, greatest = torch.aminmax(numbers)
            return bool(low <= least.item() and greatest.item() <= high)
        return bool(kernel.ctypes(numbers.data_ptr(), numbers.numel(), low, high))

    def _start(self) -> bool:
        """See that a thread compiles what is wanted; whether there is one."""
        with self._lock:
            if self._compiler is None and not _ending():
                self._compiler = threading.Thread(target=self._work, name="tcltorch-compile")
                try:
                    self._compiler.start()
                except RuntimeError:  # there can be no more threads now
                    self._compiler = None
            return self._compiler is not None

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._wanted.empty() or _ending():
                    self._compiler = None
                    return
            self._compile(self._wanted.get())

    def _compile(self, name: str) -> None:
        self._compiling.append(name)
        self._kernels[name] = None
        try:
            self._kernels[name] = self._compiled(name)
        except Exception as error:  # whatever numba cannot do here: PyTorch can
            self._refused[name] = _reason(error)
        except BaseException:  # Ctrl-C: next time
            del self._kernels[name]
            raise
        finally:
            self._compiling.remove(name)

    def _compiled(self, name: str) -> Kernel | None:
        try:
            from pybridge.quant import compiled
        except Exception as error:
            self._unusable = _reason(error)
            return None
        return compiled.compile(name)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _ending() -> bool:
    """Whether the interpreter is about to end: no thread may be started from then on."""
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
    fresh._unusable = "forked while numba was compiling" if _backend._compiling else _backend._unusable
    fresh._refused = _backend._refused
    fresh._alone = True
    fresh._kernels = {name: kernel for name, kernel in _backend._kernels.items() if kernel}
    _backend.__dict__.update(fresh.__dict__)


os.register_at_fork(after_in_child=_forget)
