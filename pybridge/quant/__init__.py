"""Quantization on plain tensors, for Python as for Tcl. Nothing in here knows of Tcl."""

from pybridge.quant.apot import apot_fake_quantize, apot_qparams, dequantize_apot, quantize_apot
from pybridge.quant.fake_quantize import fake_quantize_per_channel, fake_quantize_per_tensor

__all__ = [
    "apot_fake_quantize",
    "apot_qparams",
    "dequantize_apot",
    "fake_quantize_per_channel",
    "fake_quantize_per_tensor",
    "quantize_apot",
]
