"""Quantization on plain tensors, for Python as for Tcl. Nothing in here knows of Tcl."""

from pybridge.quant.arguments import BadArgument
from pybridge.quant.fake_quantize import fake_quantize_per_channel, fake_quantize_per_tensor
from pybridge.quant.integers import Choice, Integers, dequantize_integers, quantize_integers
from pybridge.quant.levels import uniform_levels
from pybridge.quant.metrics import Metrics, quantization_metrics
from pybridge.quant.plan import Plan, quantization_plan
from pybridge.quant.schemes import Scheme, choose_qparams
from pybridge.quant.sweep import Options, Trial, quantization_sweep

__all__ = [
    "BadArgument",
    "Choice",
    "Integers",
    "Metrics",
    "Options",
    "Plan",
    "Scheme",
    "Trial",
    "choose_qparams",
    "dequantize_integers",
    "fake_quantize_per_channel",
    "fake_quantize_per_tensor",
    "quantization_metrics",
    "quantization_plan",
    "quantization_sweep",
    "quantize_integers",
    "uniform_levels",
]
