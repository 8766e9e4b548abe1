"""Commands on files of tensors, in the safetensors format."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from pybridge import errors
from pybridge.annotations import FileName, Tensor
from pybridge.lazy import safetensors
from pybridge.names import dtype_name
from pybridge.registry import command
from pybridge.replacing import NotRegular, OneFile, replacing
from pybridge.tcl_list import glob_match

# The format's names; others are shown as the file has them.
_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "U16": "uint16",
    "I16": "int16",
    "U32": "uint32",
    "I32": "int32",
    "U64": "uint64",
    "I64": "int64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "C64": "complex64",
}


@command()
def load_safetensors(path: FileName, names: str = "*") -> dict[str, Tensor]:
    """Load tensors from a safetensors file, such as the weights of a model (a checkpoint).

    Args:
        path: the file.
        names: load only those whose name matches this one pattern, as in `string match`; there may be none.

    Returns:
        A dict from names to handles, in the order of the names. The tensors are copies on the CPU: the file
        may change or go away afterwards.

    Errors:
        POSIX codes, when the file cannot be opened; TORCH FILE FORMAT path, when it is no safetensors file.

    Example:
        set model [list weight [torch::ones {2}]]
        torch::save_safetensors $model example.safetensors
        set tensors [torch::load_safetensors example.safetensors]
        torch::tensor_to_list [dict get $tensors weight]
        => 1.0 1.0
    """
    with _opened(path) as file:
        wanted = [name for name in sorted(file.keys()) if glob_match(names, name)]
        return {name: _tensor(file, name, path) for name in wanted}


@command()
def save_safetensors(tensors: dict[str, Tensor], path: FileName) -> None:
    """Save tensors to a safetensors file.

    Args:
        tensors: a dict from names to handles, as `load_safetensors` returns it.
        path: the file; one that is there is replaced when the new one is complete.

    Returns:
        Nothing.

    Errors:
        POSIX codes, when the file cannot be written; TORCH ARG VALUE tensors, for a dtype the format lacks.

    Example:
        set model [list weight [torch::ones {2}]]
        torch::save_safetensors $model example.safetensors
        torch::safetensors_info example.safetensors
        => weight {dtype float32 shape 2 bytes 8}
    """
    if "__metadata__" in tensors:
        raise errors.arg_value(
            "tensors", "tensors must not hold the name __metadata__, which the format reserves"
        )
    for name, tensor in tensors.items():
        if dtype_name(tensor.dtype) not in _DTYPES.values():
            raise errors.arg_value(
                "tensors", f"the format cannot hold {name}: it is {dtype_name(tensor.dtype)}"
            )
    data = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    from safetensors.torch import save_file

    with refused_by_system(path), replacing(path) as (unfinished,):
        save_file(data, unfinished)


@command()
def safetensors_info(path: FileName) -> dict[str, dict[str, Any]]:
    """Describe the tensors of a safetensors file without reading them.

    Args:
        path: the file.

    Returns:
        A dict from names to dicts of `dtype`, `shape` (a list) and `bytes`.

    Errors:
        As for `load_safetensors`.

    Example:
        set model [list weight [torch::ones {2}]]
        torch::save_safetensors $model example.safetensors
        dict get [torch::safetensors_info example.safetensors] weight shape
        => 2
    """
    with _opened(path) as file:
        return {name: _described(file.get_slice(name)) for name in sorted(file.keys())}


def _tensor(file: Any, name: str, path: str) -> Tensor:
    try:
        tensor: Tensor = file.get_tensor(name)
        return tensor.clone()
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:  # a shape that no tensor can have
        raise errors.file_format(path, f"has a bad tensor {name}: {error}") from None


def _described(part: Any) -> dict[str, Any]:
    code, shape = part.get_dtype(), part.get_shape()
    elements = 1
    for size in shape:
        elements *= size
    bits = 8 if code == "BOOL" else int("".join(digit for digit in code.split("_")[0] if digit.isdigit()))
    return {"dtype": _DTYPES.get(code, code), "shape": shape, "bytes": elements * bits // 8}


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    with refused_by_system(path):
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            raise NotRegular(path)
        with open(path, "rb"):  # for the system's own reason when it cannot be opened
            pass
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                yield file
        except (safetensors.SafetensorError, OSError) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            raise errors.file_format(path, f"is no safetensors file: {error}") from None


@contextlib.contextmanager
def refused_by_system(path: str, parameter: str = "path") -> Iterator[None]:
    """What the system refuses, about the file at `path` or the one that the error names, as Tcl tells it."""
    if "\0" in path:
        raise errors.arg_value(parameter, f"{parameter} must not hold a NUL character")
    try:
        yield
    except FileExistsError as error:
        raise errors.file_access(error.filename or path, error, " (-force 1 overwrites it)") from None
    except OSError as error:
        raise errors.file_access(error.filename or path, error) from None
    except NotRegular as error:
        message = f'{parameter} must be that of a regular file but is "{error}"'
        raise errors.arg_value(parameter, message) from None
    except OneFile as error:
        message = f'{parameter} must not be the file that "{error}" links to'
        raise errors.arg_value(parameter, message) from None
