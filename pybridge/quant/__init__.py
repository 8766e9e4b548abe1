"""Quantization on plain tensors, for Python as for Tcl. Nothing in here knows of Tcl."""

from pybridge.quant.apot import apot_fake_quantize, apot_qparams, dequantize_apot, quantize_apot
from pybridge.quant.apot_observer import APoTObserver
from pybridge.quant.arguments import BadArgument
from pybridge.quant.channels import Channels
from pybridge.quant.fake_quantize import fake_quantize_per_channel, fake_quantize_per_tensor
from pybridge.quant.histogram import HistogramObserver
from pybridge.quant.integers import Choice, Integers, dequantize_integers, quantize_integers
from pybridge.quant.learnable import (
    fake_quantize_learnable_per_channel,
    fake_quantize_learnable_per_tensor,
    fused_moving_avg_obs_fake_quant,
)
from pybridge.quant.levels import uniform_levels
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
from pybridge.quant.metrics import Metrics, quantization_metrics
from pybridge.quant.observers import MinMaxObserver, MovingAverageMinMaxObserver, Observer, UniformObserver
from pybridge.quant.plan import Plan, quantization_plan
from pybridge.quant.recorded import MSEObserver, PercentileObserver
from pybridge.quant.schemes import Scheme, choose_qparams
from pybridge.quant.sweep import Options, Trial, quantization_sweep

__all__ = [
    "APoTObserver",
    "BadArgument",
    "Channels",
    "Choice",
    "HistogramObserver",
    "Integers",
    "MSEObserver",
    "Metrics",
    "MinMaxObserver",
    "MovingAverageMinMaxObserver",
    "Observer",
    "Options",
    "PercentileObserver",
    "Plan",
    "Scheme",
    "Trial",
    "UniformObserver",
    "apot_fake_quantize",
    "apot_qparams",
    "choose_qparams",
    "dequantize_apot",
    "dequantize_integers",
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
    "quantization_metrics",
    "quantization_plan",
    "quantization_sweep",
    "quantize_apot",
    "quantize_integers",
    "uniform_levels",
]
