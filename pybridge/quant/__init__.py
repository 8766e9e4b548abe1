"""Quantization on plain tensors, for Python as for Tcl. Nothing in here knows of Tcl."""

from pybridge.quant.fake_quantize import fake_quantize_per_channel, fake_quantize_per_tensor
from pybridge.quant.metrics import Metrics, quantization_metrics

__all__ = ["Metrics", "fake_quantize_per_channel", "fake_quantize_per_tensor", "quantization_metrics"]
