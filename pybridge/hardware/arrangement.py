"""Tensors to the integers of a file in its order, and back."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pybridge.hardware.manifest import DTYPES, Manifest
from pybridge.hardware.refusals import BadContent
from pybridge.names import dtype_name
from pybridge.quant.arguments import BadArgument
from pybridge.quant.integer_range import limits


def dtype_of(tensor: torch.Tensor) -> str:
    """The dtype's name.

    Raises:
        BadArgument: the tensor does not hold integers.
    """
    name = dtype_name(tensor.dtype)
    if name in DTYPES and tensor.layout is torch.strided and not tensor.is_meta:
        return name
    if tensor.is_quantized:
        hint = ": its int_repr has the integers"
    else:
        hint = ": quantize it first" if tensor.is_floating_point() else ""
    kind = name if name not in DTYPES else "meta" if tensor.is_meta else "sparse"
    raise BadArgument("input", f"input must be a dense tensor of integers but is {kind}{hint}")


def to_values(tensor: torch.Tensor, manifest: Manifest) -> NDArray[Any]:
    """The tensor's integers, 1-D, in the order of the file.

    Raises:
        BadArgument: one does not fit into the manifest's bits.
    """
    array: NDArray[Any] = tensor.detach().cpu().numpy()
    _check_limits(array, manifest)
    if manifest.channels_last:
        array = np.moveaxis(array, 1, -1)
    return array.reshape(-1, order="F" if manifest.order == "column" else "C")


def to_tensor(values: NDArray[np.int64], manifest: Manifest) -> torch.Tensor:
    """The tensor whose integers stand in a file: the reverse of `to_values`.

    Args:
        values: as many as the manifest's shape holds.

    Raises:
        BadContent: one does not fit into the manifest's dtype.
    """
    lowest, highest = limits(*DTYPES[manifest.dtype])
    if len(values) and not (lowest <= int(values.min()) and int(values.max()) <= highest):
        raise BadContent(f"holds values that do not fit into {manifest.dtype}")
    shape = manifest.shape
    if manifest.channels_last:
        shape = (shape[0], *shape[2:], shape[1])
    array = values.reshape(shape, order="F" if manifest.order == "column" else "C")
    if manifest.channels_last:
        array = np.moveaxis(array, -1, 1)
    return torch.from_numpy(np.array(array, dtype=manifest.dtype, order="C"))


def _check_limits(array: NDArray[Any], manifest: Manifest) -> None:
    lowest, highest = manifest.limits
    if not array.size or (lowest <= int(array.min()) and int(array.max()) <= highest):
        return
    bad = array > highest
    if array.dtype.kind == "i":
        bad |= array < lowest
    index = np.unravel_index(int(bad.argmax()), array.shape)
    where = f" at index {' '.join(str(int(each)) for each in index)}" if index else ""
    kind = "signed" if manifest.signed else "unsigned"
    raise BadArgument(
        "input",
        f"input must fit into {manifest.bits} {kind} bits ({lowest} .. {highest}) "
        f"but is {int(array[index])}{where}",
    )
