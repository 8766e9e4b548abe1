"""Linear quantization to integers and back as it is taught: a scale, a zero point, every step by itself.

See also: quantized
"""

from pybridge.annotations import Tensor
from pybridge.lazy import quant
from pybridge.names import IntegerDtype
from pybridge.registry import command


@command()
def get_q_scale_symmetric(tensor: Tensor, dtype: IntegerDtype = "int8") -> float:
    """Find the scale that maps the largest magnitude of a tensor to the largest code.

    Args:
        tensor: a floating-point tensor with elements, all finite.
        dtype: of the codes: int2 .. int16, int32 or uint2 .. uint8.

    Returns:
        max(|tensor|) / q_max, a number, for int8 max/127; 1.0 for a tensor of zeros.

    Errors:
        TORCH ARG VALUE tensor, for a tensor that is not as above.

    Example:
        torch::get_q_scale_symmetric [torch::tensor_create {1 -63.5 20}]
        => 0.5
    """
    return quant.get_q_scale_symmetric(tensor, dtype)


@command()
def get_q_scale_and_zero_point(tensor: Tensor, dtype: IntegerDtype = "int8") -> dict[str, float]:
    """Find the scale and the zero point that map the range of a tensor to that of the codes.

    Args:
        tensor: a floating-point tensor with elements, all finite.
        dtype: of the codes: int2 .. int16, int32 or uint2 .. uint8.

    Returns:
        A dict of `scale`, (max - min) / (q_max - q_min), and `zero_point`, the code that stands for 0,
        clamped to the range of the codes: a tensor whose elements are all on one side of 0 saturates. A
        constant tensor is taken with 0 as the other end of its range; for zeros the scale is 1.0.

    Errors:
        TORCH ARG VALUE tensor, for a tensor that is not as above.

    Example:
        set x [torch::tensor_create {-10 0 117.5}]
        torch::get_q_scale_and_zero_point $x uint8
        => scale 0.5 zero_point 20
    """
    scale, zero_point = quant.get_q_scale_and_zero_point(tensor, dtype)
    return {"scale": scale, "zero_point": zero_point}


@command()
def linear_q_with_scale_and_zero_point(
    tensor: Tensor, scale: Tensor | float, zero_point: Tensor | int, dtype: IntegerDtype = "int8"
) -> Tensor:
    """Quantize a tensor to integers with a scale and a zero point.

    Args:
        tensor: a floating-point tensor without NaN; infinities get the codes at the ends.
        scale: a number above 0, or a tensor that broadcasts to the shape of tensor.
        zero_point: an integer in the range of dtype, or a tensor of integers that broadcasts.
        dtype: of the codes: int2 .. int16, int32 or uint2 .. uint8.

    Returns:
        A tensor of the codes, clamp(round(tensor / scale + zero_point)), in dtype; in the next wider of int8,
        int16 and uint8 where PyTorch has no arithmetic for dtype.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set x [torch::tensor_create {{1.3 2.4} {-3.3 400}}]
        set scale [torch::tensor_create {0.5 2}]
        set codes [torch::linear_q_with_scale_and_zero_point $x $scale 10]
        torch::tensor_to_list $codes
        => 13 11 3 127
    """
    return quant.linear_q_with_scale_and_zero_point(tensor, scale, zero_point, dtype)


@command()
def linear_q_symmetric(tensor: Tensor, dtype: IntegerDtype = "int8") -> dict[str, Tensor | float]:
    """Quantize a tensor to integers with one scale and the zero point 0.

    Args:
        tensor: a floating-point tensor with elements, all finite.
        dtype: of the codes: int2 .. int16, int32 or uint2 .. uint8.

    Returns:
        A dict of `quantized`, the codes, and `scale`, the number that `get_q_scale_symmetric` gives:
        max(|tensor|) / q_max, for int8 max/127, where `quantize_integers` has max/127.5.

    Errors:
        TORCH ARG VALUE tensor, for a tensor that is not as above.

    Example:
        set x [torch::tensor_create {1 -3.5 2}]
        set result [torch::linear_q_symmetric $x int4]
        set codes [dict get $result quantized]
        list [dict get $result scale] [torch::tensor_to_list $codes]
        => 0.5 {2 -7 4}
    """
    quantized, scale = quant.linear_q_symmetric(tensor, dtype)
    return {"quantized": quantized, "scale": scale}


@command()
def linear_q_symmetric_per_channel(
    tensor: Tensor, dim: int, dtype: IntegerDtype = "int8"
) -> dict[str, Tensor]:
    """Quantize a tensor to integers with a scale for each slice of a dimension and the zero point 0.

    Args:
        tensor: a floating-point tensor with elements, all finite.
        dim: the dimension: 0 gives each row of a matrix its scale, 1 each column; a negative one counts from
            the end.
        dtype: of the codes: int2 .. int16, int32 or uint2 .. uint8.

    Returns:
        A dict of `quantized`, the codes, and `scale`, a float32 tensor that broadcasts with them:
        max(|slice|) / q_max, for int8 max/127, where `quantize_integers` has max/127.5; 1.0 for a slice of
        zeros.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above, and for a scale that float32 cannot hold.

    Example:
        set x [torch::tensor_create {{1 -3.5 2} {0 28 -8}}]
        set result [torch::linear_q_symmetric_per_channel $x 0 int4]
        lmap name {scale quantized} {
            torch::tensor_to_list [dict get $result $name]
        }
        => {0.5 4.0} {2 -7 4 0 7 -2}
    """
    quantized, scale = quant.linear_q_symmetric_per_channel(tensor, dim, dtype)
    return {"quantized": quantized, "scale": scale}


@command()
def linear_q_symmetric_per_group(
    tensor: Tensor, group_size: int, dtype: IntegerDtype = "int8"
) -> dict[str, Tensor]:
    """Quantize a matrix to integers with a scale for each group of elements of a row and the zero point 0.

    Args:
        tensor: a floating-point matrix with elements, all finite.
        group_size: how many neighbours in a row share a scale; a divisor of the length of a row.
        dtype: of the codes: int2 .. int16, int32 or uint2 .. uint8.

    Returns:
        A dict of `quantized`, the codes, and `scale`, a float32 tensor of one column and a row for each
        group: max(|group|) / q_max, for int8 max/127, where `quantize_integers` has max/127.5; 1.0 for a
        group of zeros.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above, and for a scale that float32 cannot hold.

    Example:
        set x [torch::tensor_create {{1 -3.5 28 8}}]
        set result [torch::linear_q_symmetric_per_group $x 2 int4]
        lmap name {scale quantized} {
            torch::tensor_to_list [dict get $result $name]
        }
        => {0.5 4.0} {2 -7 7 2}
    """
    quantized, scale = quant.linear_q_symmetric_per_group(tensor, group_size, dtype)
    return {"quantized": quantized, "scale": scale}


@command()
def linear_dequantization(quantized: Tensor, scale: Tensor | float, zero_point: Tensor | int) -> Tensor:
    """Give the numbers that integer codes stand for.

    Args:
        quantized: a tensor of integers.
        scale: a number above 0, or a tensor that broadcasts to the shape of quantized.
        zero_point: an integer, or a tensor of integers that broadcasts.

    Returns:
        A float32 tensor, scale * (quantized - zero_point); float64 if scale is a float64 one, of any shape.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set codes [torch::tensor_create {2 -7 4} int8]
        torch::tensor_to_list [torch::linear_dequantization $codes 0.5 1]
        => 0.5 -4.0 1.5
    """
    return quant.linear_dequantization(quantized, scale, zero_point)


@command()
def linear_dequantization_per_group(quantized: Tensor, scale: Tensor, group_size: int) -> Tensor:
    """Give the numbers that the codes of `linear_q_symmetric_per_group` stand for.

    Args:
        quantized: a matrix of integers.
        scale: a tensor of one scale for each group.
        group_size: how many neighbours in a row share a scale; a divisor of the length of a row.

    Returns:
        A float32 tensor of the shape of quantized; float64 if scale is float64.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set codes [torch::tensor_create {{2 -7 7 2}} int8]
        set scale [torch::tensor_create {0.5 4}]
        set x [torch::linear_dequantization_per_group $codes $scale 2]
        torch::tensor_to_list $x
        => 1.0 -3.5 28.0 8.0
    """
    return quant.linear_dequantization_per_group(quantized, scale, group_size)


@command()
def quantization_error(original: Tensor, dequantized: Tensor) -> float:
    """Give the mean squared error of a tensor that was quantized and dequantized.

    Args:
        original: a floating-point tensor with elements.
        dequantized: a floating-point tensor of the same shape.

    Returns:
        The mean of (original - dequantized) squared, a number.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set x [torch::tensor_create {1 2 3 4}]
        torch::quantization_error $x [torch::tensor_create {1 2.5 3 3}]
        => 0.3125
    """
    return quant.quantization_error(original, dequantized)
