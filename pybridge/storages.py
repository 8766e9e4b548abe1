"""How many bytes of memory are behind the handles: each storage once, however many tensors view it."""

from collections.abc import Callable, Mapping
from typing import Any

StorageOf = Callable[[Any], tuple[int, int] | None]  # address and size in bytes


def storage_of(value: Any) -> tuple[int, int] | None:
    """(address, size in bytes) of the memory under an object; None where there is none that could be told.

    An object that is no tensor tells its size in an attribute `bytes`.
    """
    try:
        storage = value.untyped_storage()
        address = storage.data_ptr()
    except RuntimeError:  # a sparse tensor, or one of MKL-DNN's
        return None
    except AttributeError:  # no tensor
        return (id(value), value.bytes) if hasattr(value, "bytes") else None
    return (address, storage.nbytes()) if address else None


class Storages:
    """Counts the memory under some objects.

    What is new is counted when somebody asks, or before the first object goes: until then nothing has shrunk,
    and the peak is the same. Counted at once, one at a time, it takes a tenth of a small command's time.

    Args:
        objects: all of them, by their handles.
        of: `storage_of`, or what stands for it.

    Attributes:
        new: those that are not counted yet. Who puts an object into `objects` adds it here, too.
    """

    def __init__(self, objects: Mapping[str, Any], of: StorageOf) -> None:
        self._objects = objects
        self.of = of
        self.new: list[Any] = []
        self._bytes = 0
        self._peak_bytes = 0
        self._sizes: dict[int, int] = {}  # bytes of each storage, by its address
        self._views: dict[int, int] = {}  # how many objects beyond the first are on it

    @property
    def bytes(self) -> int:
        self._count_new()
        return self._bytes

    @property
    def peak_bytes(self) -> int:
        """The most there were."""
        self._count_new()
        return self._peak_bytes

    def measure(self, value: Any) -> None:
        """Count anew the bytes of one of the objects, which has grown or shrunk."""
        self._count_new()
        address, size = self.of(value) or (0, 0)
        self._bytes += size - self._sizes[address]
        self._sizes[address] = size
        self._peak_bytes = max(self._peak_bytes, self._bytes)

    def remove(self, value: Any) -> None:
        """Count an object no more, which is no longer among the objects."""
        self._count_new()
        storage = self.of(value)
        address, size = storage or (0, 0)
        if self._sizes.get(address, 0) != size:  # PyTorch has given the tensor another memory since
            self._count_all()
        elif address in self._views:
            self._views[address] -= 1
            if not self._views[address]:
                del self._views[address]
        elif storage:
            self._bytes -= self._sizes.pop(address)

    def _count_new(self) -> None:
        while self.new:
            self._count(self.new[-1])
            self.new.pop()  # only now: what could not be counted will be

    def _count_all(self) -> None:
        self._sizes, self._views, self._bytes = {}, {}, 0
        for value in self._objects.values():
            self._count(value)

    def _count(self, value: Any) -> None:
        storage = self.of(value)
        if not storage:
            return
        address, size = storage
        if address in self._sizes:
            self._views[address] = self._views.get(address, 0) + 1
            return
        self._sizes[address] = size
        self._bytes += size
        if self._bytes > self._peak_bytes:
            self._peak_bytes = self._bytes
