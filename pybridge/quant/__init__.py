"""Quantization on plain tensors, for Python as for Tcl. Nothing in here knows of Tcl."""

from pybridge.quant.apot import apot_fake_quantize, apot_qparams, dequantize_apot, quantize_apot
from pybridge.quant.fake_quantize import fake_quantize_per_channel, fake_quantize_per_tensor
from pybridge.quant.learnable import (
    fake_quantize_learnable_per_channel,
    fake_quantize_learnable_per_tensor,
    fused_moving_avg_obs_fake_quant,
)
from pybridge.quant.linear import (
    get_q_scale_and_zero_point,
    get_q_scale_symmetric,
    linear_dequantization,
    linear_dequantization_per_group,
    linear_q_symmetric,
    linear_q_symmetric_per_channel,
    linear_q_symmetric_per_group,
    linear_q_with_scale_and_zero_point,
    quantization_error,
)

__all__ = [
    "apot_fake_quantize",
    "apot_qparams",
    "dequantize_apot",
    "fake_quantize_learnable_per_channel",
    "fake_quantize_learnable_per_tensor",
    "fake_quantize_per_channel",
    "fake_quantize_per_tensor",
    "fused_moving_avg_obs_fake_quant",
    "get_q_scale_and_zero_point",
    "get_q_scale_symmetric",
    "linear_dequantization",
    "linear_dequantization_per_group",
    "linear_q_symmetric",
    "linear_q_symmetric_per_channel",
    "linear_q_symmetric_per_group",
    "linear_q_with_scale_and_zero_point",
    "quantization_error",
    "quantize_apot",
]
