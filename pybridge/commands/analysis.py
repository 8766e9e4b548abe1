"""What quantization costs: errors, and the choice of a scheme. The numbers come from `pybridge.quant`."""

from pybridge.annotations import Tensor
from pybridge.lazy import quant
from pybridge.registry import command


@command()
def quantization_metrics(
    original: Tensor, dequantized: Tensor, axis: int | None = None
) -> dict[str, float] | dict[str, Tensor]:
    """Measure how far a dequantized tensor is from the original.

    Args:
        original: any shape and real dtype.
        dequantized: a tensor of the same shape.
        axis: measure each slice of this dimension on its own; a negative one counts from the end.

    Returns:
        A dict, in float64: `mse`, the mean squared error; `sqnr_db`, the signal to quantization noise ratio,
        10 * log10(sum(original^2) / sum(error^2)), Inf without an error; `max_abs`, the largest error;
        `cosine` of the angle between the two as vectors. With axis, handles of 1-D tensors. NaN and infinite
        elements show in the results; of no elements all are NaN.

    Errors:
        TORCH ARG VALUE, naming the parameter: shapes that differ, complex or quantized dtypes, an axis that
        is not there.

    Example:
        set original [torch::tensor_create {3 4}]
        set dequantized [torch::tensor_create {3 3.5}]
        torch::quantization_metrics $original $dequantized
        => mse 0.125 sqnr_db 20.0 max_abs 0.5 cosine 0.9978801059658184
    """
    found = quant.quantization_metrics(original, dequantized, axis)
    measured = {
        "mse": found.mse,
        "sqnr_db": found.sqnr_db,
        "max_abs": found.max_abs,
        "cosine": found.cosine,
    }
    return measured if axis is not None else {name: each.item() for name, each in measured.items()}
