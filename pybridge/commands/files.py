"""Commands on files of tensors, in the safetensors format."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from typing import Any

from pybridge import errors
from pybridge.annotations import FileName, Tensor
from pybridge.lazy import safetensors
from pybridge.registry import command
from pybridge.tcl_list import glob_match
from pybridge.values import dtype_name

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
    """Load tensors from a safetensors file.

    Args:
        path: the file.
        names: load only those whose name matches the pattern, as in `string match`.

    Returns:
        A dict from names to handles, in the order of the names. The tensors are copies on the CPU: the file
        may change or go away afterwards.

    Errors:
        POSIX codes, when the file cannot be opened; TORCH FILE FORMAT path, when it is no safetensors file.

    Example:
        torch::save_safetensors [list weight [torch::ones {2}]] example.safetensors
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
        torch::save_safetensors [list weight [torch::ones {2}]] example.safetensors
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

    with _replacing(path) as unfinished:
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
        torch::save_safetensors [list weight [torch::ones {2}]] example.safetensors
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
    with _refused_by_system(path):
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            raise errors.arg_value("path", f'path must be that of a regular file but is "{path}"')
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
def _refused_by_system(path: str) -> Iterator[None]:
    if "\0" in path:
        raise errors.arg_value("path", "path must not hold a NUL character")
    try:
        yield
    except OSError as error:
        raise errors.file_access(path, error) from None


@contextlib.contextmanager
def _replacing(path: str) -> Iterator[str]:
    """The name of a new file that takes the place of the one at `path` when the block ends well.

    A full disk leaves the old file as it is, and so do other programs that have it mapped.
    """
    with _refused_by_system(path):
        if path.endswith(os.sep):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        target = os.path.realpath(path)
        folder, base = os.path.split(target)
        if os.path.isdir(target) or not base:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if os.path.exists(target) and not os.path.isfile(target):
            raise errors.arg_value("path", f'path must be that of a regular file but is "{path}"')
        if os.path.exists(target) and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        unfinished = os.path.join(folder, f".tcltorch-{secrets.token_hex(8)}")
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            mode = os.stat(target if os.path.exists(target) else unfinished).st_mode & 0o7777
            yield unfinished
            os.chmod(unfinished, mode)
            os.replace(unfinished, target)
        except BaseException:
            os.unlink(unfinished)
            raise
