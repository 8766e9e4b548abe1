"""The kernels: one pass over the memory of a tensor, compiled by numba (LLVM). Importing this takes 0.5 s.

A kernel is a C function that gets a job, an array of 64-bit integers: the number of the next piece, how many
pieces are done, the elements in a piece, the elements in all, then addresses and numbers of its own. It takes
pieces, flat ranges of elements in memory order, until none is left, so that threads can share a job.
Channels lie in memory as (..., channel, inner): the element at position p belongs to channel
p // inner % channels.

The arithmetic is PyTorch's own, bit for bit, for |quant_min|, |quant_max|, |zero_point| <= 2**23: there the
differences are exact in float32. `top` is what products of 2**63 and more become: quant_min per channel (the
x86 conversion to int64 overflows to -2**63), quant_max per tensor; NaN becomes quant_min in both. The zero
point is added to the rounded product and not folded into the bounds: that keeps the sign of zero.

Nothing here may be compiled with fast mathematics, which drops the tests for NaN, or with contraction of
products and sums, which rounds once instead of twice; numba does neither unless asked.
"""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc
from numba.core.registry import cpu_target
from numba.core.sigutils import normalize_signature
from numba.extending import intrinsic

if platform.machine() not in ("x86_64", "AMD64"):
    raise ImportError(f"no kernels for {platform.machine()}, where PyTorch converts to integers differently")

_OVERFLOW = 2.0**63
_SETTINGS = {"nogil": True, "error_model": "numpy"}
_LONG_ROW = 32  # elements; below, constants for each element are cheaper than a loop for each row
_LONG_PERIOD = 1024  # elements for which constants are made, at least
_SCRATCH = 16384  # and at most: they stay in the cache, and no share makes them for the others


@intrinsic
def _pointer(_: Any, address: Any, like: Any) -> Any:
    """The address as a pointer to elements of the type of `like`."""
    target = types.CPointer(like.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(target))

    return target(types.int64, like), generate


@intrinsic
def _add_one(_: Any, address: Any) -> Any:
    """Add one to the 64-bit integer at an address, in one step for all threads; what it was before."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        place = builder.inttoptr(arguments[0], word.as_pointer())
        return builder.atomic_rmw("add", place, ir.Constant(word, 1), "acq_rel")

    return types.int64(types.int64), generate


@njit
def _same(value: Any) -> Any:
    return value


@njit
def _from_bfloat16(bits: Any) -> Any:
    return np.uint32(np.uint32(bits) << np.uint32(16)).view(np.float32)


@njit
def _to_bfloat16(value: Any) -> Any:
    """Round half to even on the upper sixteen bits; every NaN becomes 0x7fc0, as in PyTorch."""
    bits = np.float32(value).view(np.uint32)
    rounded = np.uint32(bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))
    return np.uint16(rounded >> np.uint32(16)) if value == value else np.uint16(0x7FC0)


@intrinsic
def _from_float16(_: Any, bits: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), generate


@intrinsic
def _to_float16(_: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.fptrunc(arguments[0], ir.HalfType()), ir.IntType(16))

    return types.uint16(types.float32), generate


@njit
def _clamped(q: Any, low: Any, high: Any, top: Any) -> Any:
    """An ordered compare is false for NaN, which therefore becomes `low`."""
    v = top if q >= _OVERFLOW else q
    v = v if v > low else low
    return v if v < high else high


def _named(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Let a function be known to the linker by the name of its kernel.

    Several kernels come of one text. numba tells them apart by counting, anew in every process: what is
    compiled now would take the symbols of another kernel that comes from the cache.
    """
    function.__qualname__ += f".{name.replace(' ', '_')}"
    return function


def _part(name: str) -> Callable[[Callable[..., Any]], Any]:
    """Compile a part of the kernel of that name."""
    return lambda function: njit(**_SETTINGS)(_named(function, name))


@dataclass(frozen=True)
class _Kind:
    """What is special about the kernels of one dtype.

    Attributes:
        element: what the arrays hold; `load` makes of it a float of type `real`, `store` the way back.
        product: the float type in which the result is multiplied by the scale.
    """

    element: Any
    load: Any
    store: Any
    real: Any
    product: Any


def _element(name: str, kind: _Kind, masked: bool) -> Any:
    """What is done to one element."""
    load, store, product = kind.load, kind.store, kind.product

    @_part(name)
    def element(x, y, mask, k, inverse, zero, scale, low, high, top):
        q = np.rint(load(x[k]) * inverse) + zero
        v = _clamped(q, low, high, top)
        if masked:
            mask[k] = v == q
        y[k] = store(product(v - zero) * product(scale))

    return element


def _by_row(name: str, kind: _Kind, element: Any) -> Any:
    """A loop for each row of elements that share a scale and a zero point."""
    real = kind.real

    @_part(name)
    def row_of_one(x, y, mask, inverse, zero, scale, low, high, top):
        for k in range(x.shape[0]):
            element(x, y, mask, k, inverse, zero, scale, low, high, top)

    @_part(name)
    def by_row(x, y, mask, scales, zeros, low, high, top, inner, start, stop):
        position = start
        while position < stop:
            row = position // inner
            end = min((row + 1) * inner, stop)
            channel = row % scales.shape[0]
            inverse = real(np.float32(1) / scales[channel])
            row_of_one(
                x[position:end], y[position:end], mask[position:end],
                inverse, real(zeros[channel]), scales[channel], low, high, top,
            )  # fmt: skip
            position = end

    return by_row


def _constants(name: str, kind: _Kind) -> Any:
    """Fill arrays with the constants of the elements from `first` on."""
    real = kind.real

    @_part(name)
    def constants(inverse, zero, scale, scales, zeros, first, inner):
        channel, left = first // inner % scales.shape[0], inner - first % inner
        for k in range(scale.shape[0]):
            scale[k] = scales[channel]
            inverse[k] = real(np.float32(1) / scale[k])
            zero[k] = real(zeros[channel])
            left -= 1
            if left == 0:
                left = inner
                channel = channel + 1 if channel + 1 < scales.shape[0] else 0

    return constants


def _by_period(name: str, kind: _Kind, element: Any) -> Any:
    """A loop for as many elements as there are constants for; then the channels begin again."""
    real, constants = kind.real, _constants(name, kind)

    @_part(name)
    def run(x, y, mask, inverse, zero, scale, low, high, top):
        for k in range(x.shape[0]):
            element(x, y, mask, k, inverse[k], zero[k], scale[k], low, high, top)

    @_part(name)
    def by_period(x, y, mask, scales, zeros, low, high, top, inner, start, stop):
        channels = scales.shape[0]
        period = channels * inner * max(1, _LONG_PERIOD // (channels * inner))
        part = min(period, _SCRATCH)
        inverse, zero, scale = np.empty(part, real), np.empty(part, real), np.empty(part, np.float32)
        filled = -1
        position = start
        while position < stop:
            offset = position % period
            which = offset // part
            if which != filled:
                constants(inverse, zero, scale, scales, zeros, which * part, inner)
                filled = which
            first = offset - which * part
            end = min(position - offset + min(which * part + part, period), stop)
            last = first + end - position
            run(
                x[position:end], y[position:end], mask[position:end],
                inverse[first:last], zero[first:last], scale[first:last], low, high, top,
            )  # fmt: skip
            position = end

    return by_period


def _forward(name: str, kind: _Kind, masked: bool) -> Callable[..., None]:
    """Fake quantization of one piece."""
    element = _element(name, kind, masked)
    by_row, by_period = _by_row(name, kind, element), _by_period(name, kind, element)
    held, real = kind.element, kind.real

    @_part(name)
    def piece(numbers, count, start, stop):
        inner, channels = numbers[8], numbers[9]
        x = carray(_pointer(numbers[0], held), count)
        y = carray(_pointer(numbers[1], held), count)
        mask = carray(_pointer(numbers[2], np.uint8), count)
        scales = carray(_pointer(numbers[3], np.float32), channels)
        zeros = carray(_pointer(numbers[4], np.int32), channels)
        low, high, top = real(numbers[5]), real(numbers[6]), real(numbers[7])
        if inner >= _LONG_ROW or channels == 1:
            by_row(x, y, mask, scales, zeros, low, high, top, inner, start, stop)
        else:
            by_period(x, y, mask, scales, zeros, low, high, top, inner, start, stop)

    return piece


def _backward(name: str, element: Any, load: Any, store: Any) -> Callable[..., None]:
    """gradient * mask, a product: an infinity that is masked becomes NaN."""

    @_part(name)
    def piece(numbers, count, start, stop):
        gradient = carray(_pointer(numbers[0], element), count)[start:stop]
        mask = carray(_pointer(numbers[1], np.uint8), count)[start:stop]
        result = carray(_pointer(numbers[2], element), count)[start:stop]
        for k in range(stop - start):
            value = load(gradient[k])
            result[k] = store(value * type(value)(mask[k]))

    return piece


def _pieces(piece: Callable[..., None], numbers: int) -> Callable[[Any], None]:
    """The kernel that takes pieces of a job, with so many addresses and numbers of its own."""

    def kernel(job_at):
        job = carray(_pointer(job_at, np.int64), 4 + numbers)
        size, count = job[2], job[3]
        while True:
            start = _add_one(job_at) * size
            if start >= count:
                return
            piece(job[4:], count, start, min(start + size, count))
            _add_one(job_at + 8)

    return kernel


def _inside(numbers_at, count, low, high):
    numbers = carray(_pointer(numbers_at, np.int32), count)
    outside = 0
    for k in range(count):
        outside += (numbers[k] < low) | (numbers[k] > high)
    return np.int64(outside == 0)


_DTYPES = {  # what an array holds, load, store, the type of the arithmetic
    "float32": (np.float32, _same, _same, np.float32),
    "float64": (np.float64, _same, _same, np.float64),
    "float16": (np.uint16, _from_float16, _to_float16, np.float32),
    "bfloat16": (np.uint16, _from_bfloat16, _to_bfloat16, np.float32),
}
_KERNEL = types.void(types.int64)
_INSIDE = types.int64(*[types.int64] * 4)


def compile(name: str) -> CFunc:
    """The kernel `forward DTYPE`, `forward_masked DTYPE` or `backward DTYPE`, from the cache or compiled now.

    After DTYPE, `narrow` asks for the result to be multiplied in float32, as PyTorch does it per tensor.
    `inside int32` is a function: whether all of the numbers at an address are in a range.

    Raises:
        NotImplementedError: this CPU lacks an instruction that the kernel needs.
    """
    what, dtype, *narrow = name.split()
    if what == "inside":
        return _compiled(name, _INSIDE, _inside)
    element, load, store, real = _DTYPES[dtype]
    if dtype == "float16" and not _has_float16():
        raise NotImplementedError("this CPU does not convert float16")
    if what == "backward":
        return _compiled(name, _KERNEL, _pieces(_backward(name, element, load, store), 3))
    if narrow and store is _same:
        store = _widened
    kind = _Kind(element, load, store, real, np.float32 if narrow else real)
    return _compiled(name, _KERNEL, _pieces(_forward(name, kind, what == "forward_masked"), 10))


@njit
def _widened(value: Any) -> Any:
    return np.float64(value)


def _has_float16() -> bool:
    """Whether what is compiled for, which numba's settings may have changed, converts float16."""
    _, _, features = cpu_target.target_context.codegen().magic_tuple()
    return "+f16c" in features.split(",")


class _Cache(FunctionCache):
    """Finds a kernel by its name.

    numba would by what its closure holds, but the compiled functions in there look new in every process.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        super().__init__(function)
        self._name_of_kernel = name

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        return signature, codegen.magic_tuple(), self._name_of_kernel


def _compiled(name: str, signature: Any, function: Callable[..., Any]) -> CFunc:
    _named(function, name)
    try:
        return _specialized(signature, function, _Cache(function, name))
    except Exception:  # no folder for a cache can be written, the disk is full, a file in it is broken
        return _specialized(signature, function, None)


def _specialized(signature: Any, function: Callable[..., Any], cache: _Cache | None) -> CFunc:
    compiled = CFunc(function, normalize_signature(signature), {}, {"nopython": True, **_SETTINGS})
    if cache is not None:
        compiled._cache = cache  # type: ignore[attr-defined]
    compiled.compile()
    return compiled
