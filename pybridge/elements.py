"""From numbers in bulk to the elements of a tensor: every one exact, or refused with its index."""

from pybridge import errors
from pybridge.annotations import Dtype, Tensor
from pybridge.bulk import Bulk, where
from pybridge.lazy import torch
from pybridge.names import dtype_name
from pybridge.tcl_list import double_text

_EXACT = 2.0**53  # from here on, neighbouring integers share a double


def elements(values: Bulk, dtype: Dtype) -> Tensor:
    """The flat tensor of `dtype`, which owns its memory.

    Errors:
        TORCH ARG VALUE, for a number that an integer dtype cannot hold (as `torch.tensor` refuses it), for an
        integer beyond 2**53 that was rounded because the list holds doubles, too, and for a quantized dtype.
    """
    data = memoryview(values.data)
    doubles = _from_buffer(data[: 8 * values.size], torch.float64)
    if dtype is torch.bool or dtype.is_floating_point or dtype.is_complex or not values.size:
        return doubles.to(dtype)
    name = dtype_name(dtype)
    if name.startswith("q"):
        raise errors.arg_value("dtype", f"dtype {name}: make a float tensor and quantize it")
    limits = torch.iinfo(dtype)
    range_ = f"{name} ({limits.min} to {limits.max})"
    if values.format == "dw":
        wides = _from_buffer(data[8 * values.size :], torch.int64)
        _check(_unwrapped(wides, doubles, dtype), values, doubles, range_)
        return wides.view(dtype) if dtype is torch.uint64 else wides.to(dtype)
    whole = doubles.trunc()
    _check((whole >= float(limits.min)) & (whole < float(limits.max + 1)), values, doubles, range_)
    _check(doubles.abs() < _EXACT, values, doubles, "a list with doubles in it (up to 2**53)")
    return doubles.to(dtype)


def _from_buffer(data: memoryview, dtype: Dtype) -> Tensor:
    if not data:
        return torch.empty(0, dtype=dtype)
    return torch.frombuffer(bytearray(data) if data.readonly else data, dtype=dtype)


def _unwrapped(wides: Tensor, doubles: Tensor, dtype: Dtype) -> Tensor:
    """Where the low 64 bits are the whole integer, and the dtype has it.

    `binary format w` silently drops what is above 64 bits; the number is then a multiple of 2**64 away.
    """
    read = wides.to(torch.float64)
    if dtype is torch.uint64:
        return (torch.where(wides < 0, read + 2.0**64, read) - doubles).abs() < 2.0**32
    limits = torch.iinfo(dtype)
    return ((read - doubles).abs() < 2.0**32) & (wides >= limits.min) & (wides <= limits.max)


def _check(fits: Tensor, values: Bulk, doubles: Tensor, target: str) -> None:
    if fits.all():
        return
    index = int((~fits).nonzero()[0])
    number = doubles[index].item()
    # An integer beyond 2**53 may be a neighbour of this double: then the index has to do.
    shown = f" {double_text(number).removesuffix('.0')}" if not abs(number) >= _EXACT else ""
    place = where(index, values.shape)
    raise errors.arg_value("values", f"the number{shown}{place} does not fit into {target}")
