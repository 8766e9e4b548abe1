"""Quantization on plain tensors, for Python as for Tcl. Nothing in here knows of Tcl."""

from pybridge.quant.arguments import BadArgument
from pybridge.quant.fake_quantize import fake_quantize_per_channel, fake_quantize_per_tensor
from pybridge.quant.levels import uniform_levels
from pybridge.quant.metrics import Metrics, quantization_metrics
from pybridge.quant.schemes import Scheme, choose_qparams

__all__ = [
    "BadArgument",
    "Metrics",
    "Scheme",
    "choose_qparams",
    "fake_quantize_per_channel",
    "fake_quantize_per_tensor",
    "quantization_metrics",
    "uniform_levels",
]
