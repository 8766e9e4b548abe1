"""Words that the commands and `pybridge.quant` take alike, and dtypes by name. No torch is imported."""

from typing import Literal

from pybridge.annotations import Dtype

QScheme = Literal["affine", "symmetric", "affine_float_qparams"]
ScaleMode = Literal["float", "power_of_two"]
Granularity = Literal["per_tensor", "per_channel", "per_group"]
IntegerScheme = Literal["symmetric", "affine"]
ObserverKind = Literal["minmax", "mse", "percentile"]
IntegerDtype = Literal[
    "int8", "int16", "int32", "uint8",
    "int2", "int3", "int4", "int5", "int6", "int7",
    "int9", "int10", "int11", "int12", "int13", "int14", "int15",
    "uint2", "uint3", "uint4", "uint5", "uint6", "uint7",
]  # fmt: skip


def dtype_name(dtype: Dtype) -> str:
    """PyTorch's name without its module: `float32`."""
    return str(dtype).removeprefix("torch.")
