"""Commands of fake quantization that learns its scale and zero point, or observes its range itself."""

from pybridge.annotations import Tensor
from pybridge.lazy import quant
from pybridge.registry import command


@command()
def fake_quantize_learnable_per_tensor(
    input: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    quant_min: int = -128,
    quant_max: int = 127,
    grad_factor: float = 1.0,
) -> Tensor:
    """Quantize and dequantize a tensor with a scale and a zero point that have gradients, to be learned.

    Learned step size quantization: Esser et al., ICLR 2020, arXiv:1902.08153.

    Args:
        input: a float32 or bfloat16 tensor.
        scale: a float32 tensor of one element and one dimension.
        zero_point: the same; used rounded and clamped to the range.
        quant_min: lowest quantized value, 0 or less.
        quant_max: highest quantized value, 0 or more.
        grad_factor: what the gradients for scale and zero_point are multiplied with; 1 / sqrt(numel *
            quant_max) in the paper.

    Returns:
        A tensor of the shape and dtype of input, `torch._fake_quantize_learnable_per_tensor_affine`, with
        gradients for input, scale and zero_point. For an empty input those of the latter two are 0.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set x [torch::tensor_create {0.375 -1.25 5}]
        set scale [torch::tensor_create 0.5 -shape 1 -requires_grad 1]
        set points [torch::zeros 1]
        set y [torch::fake_quantize_learnable_per_tensor $x $scale $points \\
            -8 7]
        torch::tensor_backward [torch::tensor_sum $y]
        set gradient [torch::tensor_grad $scale]
        list [torch::tensor_to_list $y] [torch::tensor_item $gradient]
        => {0.5 -1.0 3.5} 7.75
    """
    return quant.fake_quantize_learnable_per_tensor(
        input, scale, zero_point, quant_min, quant_max, grad_factor
    )


@command(also={"scale": ("scales",), "zero_point": ("zero_points",)})
def fake_quantize_learnable_per_channel(
    input: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    axis: int,
    quant_min: int = -128,
    quant_max: int = 127,
    grad_factor: float = 1.0,
) -> Tensor:
    """Quantize and dequantize a tensor with a learned scale and zero point for each slice of one dimension.

    Args:
        input: a float32 or bfloat16 tensor.
        scale: a 1-D float32 tensor, one element a slice.
        zero_point: the same; used rounded and clamped to the range.
        axis: the dimension whose slices these are for; a negative one counts from the end.
        quant_min: lowest quantized value, 0 or less.
        quant_max: highest quantized value, 0 or more.
        grad_factor: what the gradients for scale and zero_point are multiplied with.

    Returns:
        A tensor of the shape and dtype of input, `torch._fake_quantize_learnable_per_channel_affine`, with
        gradients for input, scale and zero_point. For an empty input those of the latter two are 0.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set x [torch::tensor_create {{0.375 -1.25} {5 0.6875}}]
        set scale [torch::tensor_create {0.5 0.25} -requires_grad 1]
        set points [torch::zeros 2]
        set y [torch::fake_quantize_learnable_per_channel $x $scale $points \\
            0 -8 7]
        torch::tensor_backward [torch::tensor_sum $y]
        set gradient [torch::tensor_grad $scale]
        list [torch::tensor_to_list $y] [torch::tensor_to_list $gradient]
        => {0.5 -1.0 1.75 0.75} {0.75 7.25}
    """
    return quant.fake_quantize_learnable_per_channel(
        input, scale, zero_point, axis, quant_min, quant_max, grad_factor
    )


@command()
def fused_moving_avg_obs_fake_quant(
    input: Tensor,
    observer_on: bool,
    fake_quant_on: bool,
    running_min: Tensor,
    running_max: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    averaging_const: float = 0.01,
    quant_min: int = -128,
    quant_max: int = 127,
    ch_axis: int = 0,
    per_row_fake_quant: bool = False,
    symmetric_quant: bool = False,
) -> Tensor:
    """Observe the range of a tensor, derive a scale and a zero point, and fake quantize with them.

    Args:
        input: a float32 tensor; NaN and infinities in it get into the running tensors.
        observer_on: whether to move running_min and running_max towards the extremes of input.
        fake_quant_on: whether to compute scale and zero_point from them, and to quantize with those.
        running_min: a 1-D float32 tensor of one element, or one a row; changed in place, as the next three.
            An infinite element, as at the start, is replaced.
        running_max: the same.
        scale: the same.
        zero_point: the same, but int32.
        averaging_const: the weight of this input in the moving average, 0 .. 1.
        quant_min: lowest quantized value.
        quant_max: highest quantized value.
        ch_axis: which dimension has the rows: the first; not looked at without per_row_fake_quant.
        per_row_fake_quant: whether each row of a matrix, or slice of its first dimension, has its own range.
        symmetric_quant: whether 0 is in the middle of the range.

    Returns:
        A tensor of the shape of input, as `torch.fused_moving_avg_obs_fake_quant`. Gradients pass where
        nothing was clamped. An empty input changes nothing, nor does a call that fails.

    Errors:
        TORCH ARG VALUE, naming the parameter, for each rule above.

    Example:
        set min [torch::full 1 Inf]
        set max [torch::full 1 -Inf]
        set scale [torch::ones 1]
        set state [list $min $max $scale [torch::zeros 1 int32]]
        set x [torch::tensor_create {-1 0.5 2}]
        torch::fused_moving_avg_obs_fake_quant $x 1 1 {*}$state 0.01 0 255
        lmap each $state {torch::tensor_item $each}
        => -1.0 2.0 0.0117647061124444 85
    """
    return quant.fused_moving_avg_obs_fake_quant(
        input, observer_on, fake_quant_on, running_min, running_max, scale, zero_point, averaging_const,
        quant_min, quant_max, ch_axis, per_row_fake_quant, symmetric_quant,
    )  # fmt: skip
