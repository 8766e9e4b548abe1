"""The functions of the lesson on linear quantization, as it defines them."""

import torch

Tensor = torch.Tensor


def get_q_scale_symmetric(tensor: Tensor, q_max: int = 127) -> float:
    return float(tensor.abs().max().item() / q_max)


def get_q_scale_and_zero_point(tensor: Tensor, q_min: int = -128, q_max: int = 127) -> tuple[float, int]:
    r_min, r_max = tensor.min().item(), tensor.max().item()
    scale = (r_max - r_min) / (q_max - q_min)
    zero_point = q_min - (r_min / scale)
    if zero_point < q_min:
        return scale, q_min
    if zero_point > q_max:
        return scale, q_max
    return scale, round(zero_point)


def linear_q(
    tensor: Tensor, scale: Tensor | float, zero_point: int = 0, q_min: int = -128, q_max: int = 127
) -> Tensor:
    return torch.round(tensor / scale + zero_point).clamp(q_min, q_max)


def scale_per_channel(tensor: Tensor, dim: int, q_max: int = 127) -> Tensor:
    scale = torch.zeros(tensor.shape[dim])
    for index in range(tensor.shape[dim]):
        scale[index] = get_q_scale_symmetric(tensor.select(dim, index), q_max)
    scale_shape = [1] * tensor.dim()
    scale_shape[dim] = -1
    return scale.view(scale_shape)


def linear_dequantization(quantized: Tensor, scale: Tensor | float, zero_point: int = 0) -> Tensor:
    return scale * (quantized.float() - zero_point)
